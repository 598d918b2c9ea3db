// The engine's own metrics, under the reference's names: dashboards and alerts count on all of them from the start.

import {
  type Collector,
  type FamilyHeader,
  type FamilyType,
  type FamilyWriter,
  Histogram,
  type Registry,
  Summary,
} from "@narthex/client";
import type { HeadCounters, HeadTimes } from "./head/head-state.ts";
import { DELTA_BOUNDS, type OutOfOrderCounters } from "./head/out-of-order.ts";
import type { WalCounters } from "./wal/wal-writer.ts";

/** Numbers that the database keeps for its metrics; counters start at 0. */
export class DbCounters {
  reloads = 0;
  reloadFailures = 0;
  truncations = 0;
  truncationFailures = 0;
  checkpoints = 0;
  checkpointFailures = 0;
  checkpointDeletions = 0;
  checkpointDeletionFailures = 0;
  walTruncations = 0;
  walTruncationFailures = 0;
  walCorruptions = 0;
  wblTruncations = 0;
  chunkCorruptions = 0;
  replaySeconds = 0;
  snapshotErrors = 0;
  /** What the logs mentioned at the start without having said what it is. */
  readonly walUnknown: Record<"series" | "samples" | "histograms" | "exemplars" | "metadata", number> = {
    series: 0,
    samples: 0,
    histograms: 0,
    exemplars: 0,
    metadata: 0,
  };
  readonly wblUnknown: Record<"series" | "samples" | "mmap_markers", number> = {
    series: 0,
    samples: 0,
    mmap_markers: 0,
  };
  compactions = 0;
  compactionsTriggered = 0;
  compactionFailures = 0;
  compactionsSkipped = 0;
  verticalCompactions = 0;
  staleCompactions = 0;
  staleCompactionFailures = 0;
  timeRetentions = 0;
  sizeRetentions = 0;
  /** Blocks being written now. */
  populating = 0;
  /** -1: no lock file. 0: an old one was replaced. 1: there was none. */
  cleanStart = -1;
}

/** One sample: rendered labels and how to get the value. */
type Reading = readonly [labels: string, value: () => number];

interface Family {
  readonly header: FamilyHeader;
  readonly readings: readonly Reading[];
  readonly bounds?: readonly number[];
  /** What a histogram counted; nothing, unless told. */
  readonly counts?: () => { readonly cumulative: Float64Array; readonly sum: number };
}

/** What the metrics read. Times in milliseconds. */
export interface DbReadings {
  readonly counters: DbCounters;
  readonly head: {
    readonly seriesCount: number;
    readonly chunkCount: number;
    readonly activeAppenders: number;
    readonly times: Pick<HeadTimes, "min" | "max">;
    readonly counters: Readonly<HeadCounters>;
    readonly logFailures: number;
    readonly finished: { readonly movedCount: number };
    readonly histograms: { readonly seriesCount: number; readonly bucketCount: number };
    readonly exemplars: {
      readonly appended: number;
      readonly outOfOrder: number;
      readonly count: number;
      readonly seriesCount: number;
      readonly capacity: number;
      readonly oldestTime: number;
    };
    readonly outOfOrder: { readonly counters: OutOfOrderCounters };
    readonly snapshots: { readonly epoch: number; readonly liveCount: number; readonly oldest: number };
  };
  readonly blocks: readonly { readonly minTime: number; readonly size: number }[];
  /** Whether the database keeps exemplars, whatever their number is now. */
  readonly keepsExemplars: boolean;
  readonly staleSeries: () => number;
  /** Undefined while there is no log. */
  readonly walCounters: () => WalCounters | undefined;
  readonly wblCounters: () => WalCounters | undefined;
  readonly walCompression: string;
  readonly walSegment: () => number;
  readonly walBytes: () => number;
  readonly wblSegment: () => number;
  readonly wblBytes: () => number;
  readonly chunkBytes: () => number;
  /** Limits in force; 0 for none. */
  readonly retentionMs: () => number;
  readonly retentionBytes: () => number;
  readonly retentionPercentage: () => number;
}

/** Quantiles of duration summaries, with the error allowed for each. */
const OBJECTIVES = { 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 };
const FLOAT = 'type="float"';
const HISTOGRAM = 'type="histogram"';
const zero = (): number => 0;

function powers(start: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => start * factor ** i);
}

/** Durations of rare work, in seconds. */
export interface DbDurations {
  readonly walFsync: Summary<readonly []>;
  readonly wblFsync: Summary<readonly []>;
  readonly walTruncate: Summary<readonly []>;
  readonly headGc: Summary<readonly []>;
  readonly compaction: Histogram;
  readonly tombstoneCleanup: Histogram;
  readonly staleCompaction: Histogram;
}

/** Registers all metrics of a database. Returns what the database itself must observe, and how to take them out again. */
export function registerDbMetrics(
  registry: Registry,
  db: DbReadings,
): { durations: DbDurations; unregister: () => void } {
  const collector = new DbCollector(families(db));
  registry.registerMetric(collector);
  const summary = (name: string, help: string): Summary<readonly []> =>
    new Summary({ name, help, objectives: OBJECTIVES, registers: [registry] });
  const histogram = (name: string, help: string, buckets: readonly number[]): Histogram =>
    new Histogram({ name, help, buckets, registers: [registry] });
  const durations = {
    compaction: histogram(
      "prometheus_tsdb_compaction_duration_seconds",
      "How long compactions took.",
      powers(1, 2, 14),
    ),
    tombstoneCleanup: histogram(
      "prometheus_tsdb_tombstone_cleanup_seconds",
      "How long rewriting blocks without deleted samples took.",
      powers(0.005, 2.5, 11),
    ),
    staleCompaction: histogram(
      "prometheus_tsdb_stale_series_compaction_duration_seconds",
      "How long compactions of stale series took.",
      powers(1, 2, 14),
    ),
    walFsync: summary("prometheus_tsdb_wal_fsync_duration_seconds", "How long syncing the log to disk took."),
    wblFsync: summary(
      "prometheus_tsdb_out_of_order_wbl_fsync_duration_seconds",
      "How long syncing the out-of-order log to disk took.",
    ),
    walTruncate: summary("prometheus_tsdb_wal_truncate_duration_seconds", "How long truncating the log took."),
    headGc: summary("prometheus_tsdb_head_gc_duration_seconds", "How long removing old series from the head took."),
  };
  return {
    durations,
    unregister: () => {
      for (const metric of [collector, ...Object.values(durations)]) registry.unregister(metric);
    },
  };
}

class DbCollector implements Collector {
  readonly #families: readonly Family[];

  constructor(all: readonly Family[]) {
    this.#families = all;
  }

  describe(): readonly FamilyHeader[] {
    return this.#families.map(({ header }) => header);
  }

  collect(writer: FamilyWriter): void {
    for (const { header, readings, bounds, counts } of this.#families) {
      writer.family(header);
      if (bounds !== undefined) {
        const { cumulative, sum } = counts?.() ?? { cumulative: new Float64Array(bounds.length + 1), sum: 0 };
        writer.histogram("", bounds, cumulative, sum, 0);
      }
      for (const [labels, value] of readings) writer.value(labels, value(), 0);
    }
  }
}

function families(db: DbReadings): Family[] {
  const { counters, head } = db;
  const all: Family[] = [];
  const add = (type: FamilyType, name: string, help: string, ...readings: Reading[]): void => {
    all.push({ header: { name: `prometheus_tsdb_${name}`, help, type, unit: "" }, readings });
  };
  const counter = (name: string, help: string, value: () => number): void => add("counter", name, help, ["", value]);
  const gauge = (name: string, help: string, value: () => number): void => add("gauge", name, help, ["", value]);
  const histogram = (name: string, help: string, bounds: readonly number[]): void => {
    all.push({ header: { name: `prometheus_tsdb_${name}`, help, type: "histogram", unit: "" }, readings: [], bounds });
  };
  // An empty head has the extreme times of the reference's 64-bit integers.
  const minTime = (): number => (Number.isFinite(head.times.min) ? head.times.min : 2 ** 63);
  const maxTime = (): number => (Number.isFinite(head.times.max) ? head.times.max : -(2 ** 63));
  const lowest = (): number => db.blocks[0]?.minTime ?? minTime();

  gauge("head_series", "Series in the head.", () => head.seriesCount);
  gauge("head_stale_series", "Series of the head whose newest sample is a stale marker.", db.staleSeries);
  gauge("head_chunks", "Chunks of the head, in memory and on disk.", () => head.chunkCount);
  counter("head_chunks_created_total", "Chunks begun in the head.", () => head.counters.chunksCreated);
  counter("head_chunks_removed_total", "Chunks removed from the head.", () => head.counters.chunksRemoved);
  gauge("head_chunks_storage_size_bytes", "Bytes of chunks_head.", db.chunkBytes);
  counter("head_series_created_total", "Series created in the head.", () => head.counters.seriesCreated);
  counter("head_series_removed_total", "Series removed from the head.", () => head.counters.seriesRemoved);
  counter("head_series_not_found_total", "Look-ups of series that were not there.", () => head.counters.seriesNotFound);
  gauge("head_active_appenders", "Transactions that are open.", () => head.activeAppenders);
  counter("head_appenders_created_total", "Transactions that were begun.", () => head.counters.appendersCreated);
  gauge("head_min_time", "Time of the head's oldest sample, in milliseconds.", minTime);
  gauge("head_max_time", "Time of the head's newest sample, in milliseconds.", maxTime);
  gauge("head_min_time_seconds", "Time of the head's oldest sample.", () => minTime() / 1000);
  gauge("head_max_time_seconds", "Time of the head's newest sample.", () => maxTime() / 1000);
  counter("head_truncations_total", "Truncations of the head.", () => counters.truncations);
  counter("head_truncations_failed_total", "Truncations of the head that failed.", () => counters.truncationFailures);
  add(
    "counter",
    "head_samples_appended_total",
    "Samples appended to the head.",
    [FLOAT, () => head.counters.samplesAppended],
    [HISTOGRAM, () => head.counters.histogramsAppended],
  );
  add(
    "counter",
    "head_out_of_order_samples_appended_total",
    "Samples taken out of order.",
    [FLOAT, () => head.outOfOrder.counters.samplesAppended],
    [HISTOGRAM, () => head.outOfOrder.counters.histogramsAppended],
  );
  add(
    "counter",
    "out_of_bound_samples_total",
    "Samples refused because they are older than the head takes.",
    [FLOAT, () => head.counters.outOfBounds],
    [HISTOGRAM, () => head.counters.outOfBoundsHistograms],
  );
  add(
    "counter",
    "out_of_order_samples_total",
    "Samples refused because they are older than the newest of their series.",
    [FLOAT, () => head.counters.outOfOrder],
    [HISTOGRAM, () => head.counters.outOfOrderHistograms],
  );
  add(
    "counter",
    "too_old_samples_total",
    "Samples refused because they are older than the out-of-order window.",
    [FLOAT, () => head.counters.tooOld],
    [HISTOGRAM, () => head.counters.tooOldHistograms],
  );
  all.push({
    header: {
      name: "prometheus_tsdb_sample_ooo_delta",
      help: "How late samples were that did not come in order, in seconds, whether they were taken or not.",
      type: "histogram",
      unit: "",
    },
    readings: [],
    bounds: DELTA_BOUNDS,
    counts: () => {
      const { deltas, deltaSum } = head.outOfOrder.counters;
      let count = 0;
      return { cumulative: deltas.map((delta) => (count += delta)), sum: deltaSum };
    },
  });
  gauge(
    "head_native_histogram_series",
    "Series whose newest sample is a histogram.",
    () => head.histograms.seriesCount,
  );
  gauge(
    "head_native_histogram_buckets",
    "Buckets of the newest samples that are histograms.",
    () => head.histograms.bucketCount,
  );
  const { exemplars } = head;
  if (db.keepsExemplars) {
    counter("exemplar_exemplars_appended_total", "Exemplars taken.", () => exemplars.appended);
    gauge("exemplar_exemplars_in_storage", "Exemplars that are kept.", () => exemplars.count);
    gauge("exemplar_series_with_exemplars_in_storage", "Series that have exemplars.", () => exemplars.seriesCount);
    gauge(
      "exemplar_last_exemplars_timestamp_seconds",
      "Time of the oldest exemplar.",
      () => exemplars.oldestTime / 1000,
    );
    gauge("exemplar_max_exemplars", "Exemplars kept at most.", () => exemplars.capacity);
    counter(
      "exemplar_out_of_order_exemplars_total",
      "Exemplars refused because they are older than the newest of their series.",
      () => exemplars.outOfOrder,
    );
  }
  const { snapshots } = head;
  gauge("isolation_high_watermark", "The newest moment that queries look at.", () => snapshots.epoch);
  gauge("isolation_low_watermark", "The oldest moment that queries look at.", () =>
    snapshots.liveCount > 0 ? snapshots.oldest : snapshots.epoch,
  );
  counter("mmap_chunks_total", "Full chunks written out of memory.", () => head.finished.movedCount);
  counter("mmap_chunk_corruptions_total", "Damage found in chunks_head.", () => counters.chunkCorruptions);

  gauge("blocks_loaded", "Blocks that are open.", () => db.blocks.length);
  gauge("storage_blocks_bytes", "Bytes of all blocks.", () => db.blocks.reduce((sum, { size }) => sum + size, 0));
  gauge("symbol_table_size_bytes", "Bytes of the blocks' symbol tables in memory.", zero);
  gauge("lowest_timestamp", "Time of the oldest sample, in milliseconds.", lowest);
  gauge("lowest_timestamp_seconds", "Time of the oldest sample.", () => lowest() / 1000);
  counter("reloads_total", "Looks for new blocks on disk.", () => counters.reloads);
  counter("reloads_failures_total", "Looks for new blocks on disk that failed.", () => counters.reloadFailures);
  counter("size_retentions_total", "Deletions of blocks because of their size.", () => counters.sizeRetentions);
  counter("time_retentions_total", "Deletions of blocks because of their age.", () => counters.timeRetentions);
  gauge("retention_limit_bytes", "Bytes kept at most; 0 means no limit.", db.retentionBytes);
  gauge("retention_limit_percentage", "Share of the disk kept at most; 0 means no limit.", db.retentionPercentage);
  gauge("retention_limit_seconds", "How long samples are kept; 0 means no limit.", () => db.retentionMs() / 1000);
  gauge(
    "clean_start",
    "-1: no lock file. 0: an old lock file was replaced. 1: no lock file was left.",
    () => counters.cleanStart,
  );
  counter(
    "snapshot_replay_error_total",
    "Memory snapshots that could not be used; the whole log was replayed.",
    () => counters.snapshotErrors,
  );
  gauge(
    "data_replay_duration_seconds",
    "How long the start took to read what was on disk.",
    () => counters.replaySeconds,
  );

  counter(
    "compactions_skipped_total",
    "Compactions left out because they are switched off.",
    () => counters.compactionsSkipped,
  );
  counter("vertical_compactions_total", "Compactions of overlapping blocks.", () => counters.verticalCompactions);
  counter("compactions_total", "Compactions that ran.", () => counters.compactions);
  counter("compactions_triggered_total", "Compactions that were asked for.", () => counters.compactionsTriggered);
  counter("compactions_failed_total", "Compactions that failed.", () => counters.compactionFailures);
  counter(
    "stale_series_compactions_triggered_total",
    "Compactions of stale series that were begun.",
    () => counters.staleCompactions,
  );
  counter(
    "stale_series_compactions_failed_total",
    "Compactions of stale series that failed.",
    () => counters.staleCompactionFailures,
  );
  counter("selected_series_compactions_triggered_total", "Compactions of chosen series: there are none here.", zero);
  counter("selected_series_compactions_failed_total", "Compactions of chosen series that failed.", zero);
  histogram(
    "selected_series_compaction_duration_seconds",
    "How long compactions of chosen series took.",
    powers(1, 2, 14),
  );
  histogram("compaction_chunk_size_bytes", "Bytes of chunks at their first compaction.", powers(32, 1.5, 12));
  histogram("compaction_chunk_samples", "Samples of chunks at their first compaction.", powers(4, 1.5, 12));
  histogram("compaction_chunk_range_seconds", "Time range of chunks at their first compaction.", powers(100, 4, 10));
  gauge("compaction_populating_block", "Blocks that are being written.", () => counters.populating);

  counter("checkpoint_creations_total", "Checkpoints that were begun.", () => counters.checkpoints);
  counter("checkpoint_creations_failed_total", "Checkpoints that failed.", () => counters.checkpointFailures);
  counter("checkpoint_deletions_total", "Deletions of old checkpoints.", () => counters.checkpointDeletions);
  counter("checkpoint_deletions_failed_total", "Deletions that failed.", () => counters.checkpointDeletionFailures);
  counter("wal_truncations_total", "Truncations of the log.", () => counters.walTruncations);
  counter("wal_truncations_failed_total", "Truncations of the log that failed.", () => counters.walTruncationFailures);
  counter("wal_corruptions_total", "Damage found in the log.", () => counters.walCorruptions);
  counter("wal_writes_failed_total", "Commits that the log could not take.", () => head.logFailures);
  for (const [prefix, log] of [
    ["wal", db.walCounters],
    ["out_of_order_wbl", db.wblCounters],
  ] as const) {
    counter(`${prefix}_page_flushes_total`, "Pages written, in whole or in part.", () => log()?.pageFlushes ?? 0);
    counter(`${prefix}_completed_pages_total`, "Pages that are full.", () => log()?.completedPages ?? 0);
    counter(`${prefix}_record_part_writes_total`, "Fragments of records written.", () => log()?.recordParts ?? 0);
    counter(`${prefix}_record_parts_bytes_written_total`, "Bytes of fragments.", () => log()?.recordPartBytes ?? 0);
    const saved = (): number => log()?.savedBytes ?? 0;
    const labels = `compression="${db.walCompression}"`;
    add("counter", `${prefix}_record_bytes_saved_total`, "Bytes that compression saved.", [labels, saved]);
  }
  for (const [name, help, unknown] of [
    [
      "wal_replay_unknown_refs_total",
      "Series that the log named at the start without their labels.",
      counters.walUnknown,
    ],
    [
      "wbl_replay_unknown_refs_total",
      "Series that the out-of-order log named at the start without their labels.",
      counters.wblUnknown,
    ],
  ] as const) {
    const readings = Object.keys(unknown).map(
      (type): Reading => [`type="${type}"`, () => (unknown as Readonly<Record<string, number>>)[type] as number],
    );
    add("counter", name, help, ...readings);
  }
  gauge("wal_segment_current", "Number of the segment being written.", db.walSegment);
  gauge("wal_storage_size_bytes", "Bytes of the log.", db.walBytes);
  counter("out_of_order_wbl_writes_failed_total", "Commits that the out-of-order log could not take.", () => {
    return head.outOfOrder.counters.logFailures;
  });
  gauge("out_of_order_wbl_segment_current", "Number of the segment being written.", db.wblSegment);
  gauge("out_of_order_wbl_storage_size_bytes", "Bytes of the out-of-order log.", db.wblBytes);
  counter("out_of_order_wbl_truncations_total", "Truncations of the out-of-order log.", () => counters.wblTruncations);
  return all;
}
