// What a server is in agent mode: it scrapes and sends, and keeps no more than the log that is sent from.
import {
  type Collector,
  type FamilyHeader,
  type FamilyType,
  type FamilyWriter,
  type Registry,
  renderLabels,
  Summary,
} from "@narthex/client";
import type { Logger } from "@narthex/toolkit";
import type { Tracer } from "@narthex/tracing";
import { AgentDb } from "@narthex/tsdb";
import type { AppendedCounts } from "./remote/write/write-queue.ts";
import { makeSending, type Sending } from "./sending.ts";
import type { ServerSettings } from "./settings.ts";

/** Text for everything that needs samples at hand. Source: the reference's API. */
export const UNAVAILABLE = "unavailable with Prometheus Agent";
/** The same from the storage itself, which remote read and federation pass on. */
export const UNSUPPORTED = "unsupported operation with WAL-only storage";

/** An agent at work. */
export interface RunningAgent extends Sending {
  readonly db: AgentDb;
  /** Stops in the reference's order: discovery, scrapes, sending, storage. */
  stop(): Promise<void>;
}

/** Opens the storage of an agent and puts together what works on it. Rejects with one clear sentence. */
export async function startAgent(
  settings: ServerSettings,
  registry: Registry,
  logger: Logger,
  tracer: Tracer,
): Promise<RunningAgent> {
  let sending: Sending | undefined;
  // The storage asks how far everything was sent, and is there before anything is.
  const db = await openAgentDb(settings, logger, () => sending?.writer.lowestSentTime ?? 0);
  const endMetrics = registerAgentMetrics(registry, db);
  sending = makeSending({
    settings,
    appendable: db,
    feed: db.log,
    appended: () => appendedTo(db),
    // Exemplars are only passed on here: that needs no feature.
    features: new Set([...settings.features, "exemplar-storage"]),
    registry,
    logger,
    tracer,
  });
  const { discovery, scrape, writer } = sending;
  return {
    ...sending,
    db,
    async stop() {
      discovery.stop();
      scrape.stop();
      await writer.stop();
      endMetrics();
      db.close();
    },
  };
}

function openAgentDb(settings: ServerSettings, logger: Logger, sentUntil: () => number): Promise<AgentDb> {
  const { agent, walSegmentBytes, walCompression, storagePath, noLockfile, features } = settings;
  if (agent === undefined) throw new TypeError("not in agent mode");
  return AgentDb.open({
    directory: storagePath,
    logger: logger.with({ component: "agent" }),
    walSegmentBytes,
    walCompression,
    lockFile: !noLockfile,
    truncateEveryMs: agent.truncateEveryMs,
    minWalTimeMs: agent.minWalTimeMs,
    maxWalTimeMs: agent.maxWalTimeMs,
    checkpointBatchSize: agent.checkpointBatchSize,
    logsStartTimes: features.has("st-storage"),
    keepsExemplars: true,
    sentUntil,
  });
}

/** What came in, for remote write. */
function appendedTo(db: AgentDb): AppendedCounts {
  const { samplesAppended: samples, histogramsAppended: histograms, exemplarsAppended: exemplars } = db.counters;
  return { samples, histograms, exemplars, highestSeconds: Math.floor(db.newestTime / 1000) };
}

type Reading = readonly [labels: string, value: (db: AgentDb) => number];

interface Family extends FamilyHeader {
  readonly readings: readonly Reading[];
}

function family(name: string, help: string, type: FamilyType, ...readings: readonly Reading[]): Family {
  return { name: `prometheus_${name}`, help, type, unit: "", readings };
}

const counter = (name: string, help: string, value: (db: AgentDb) => number): Family =>
  family(name, help, "counter", ["", value]);
const gauge = (name: string, help: string, value: (db: AgentDb) => number): Family =>
  family(name, help, "gauge", ["", value]);

const FAMILIES: readonly Family[] = [
  gauge("agent_active_series", "Series that get samples.", (db) => db.activeSeries),
  gauge("agent_deleted_series", "Series that ended, of which the log still speaks.", (db) => db.endedSeries),
  family(
    "agent_samples_appended_total",
    "Samples appended to the log.",
    "counter",
    ['type="float"', (db) => db.counters.samplesAppended],
    ['type="histogram"', (db) => db.counters.histogramsAppended],
  ),
  counter("agent_exemplars_appended_total", "Exemplars appended to the log.", (db) => db.counters.exemplarsAppended),
  counter("agent_out_of_order_samples_total", "Samples refused as too late.", (db) => db.counters.outOfOrder),
  counter("agent_corruptions_total", "Damage found in the log.", (db) => db.counters.corruptions),
  gauge(
    "agent_data_replay_duration_seconds",
    "How long the start took to read the log.",
    (db) => db.counters.replaySeconds,
  ),
  gauge(
    "agent_clean_start",
    "-1: no lock file. 0: an old lock file was replaced. 1: no lock file was left.",
    (db) => db.counters.cleanStart,
  ),
  counter("agent_checkpoint_creations_total", "Checkpoints that were begun.", (db) => db.counters.checkpoints),
  counter(
    "agent_checkpoint_creations_failed_total",
    "Checkpoints that failed.",
    (db) => db.counters.checkpointFailures,
  ),
  counter("agent_checkpoint_deletions_total", "Deletions of old checkpoints.", (db) => db.counters.checkpointDeletions),
  counter(
    "agent_checkpoint_deletions_failed_total",
    "Deletions of old checkpoints that failed.",
    (db) => db.counters.checkpointDeletionFailures,
  ),
  counter("tsdb_wal_page_flushes_total", "Pages written.", (db) => db.wal.counters.pageFlushes),
  counter("tsdb_wal_completed_pages_total", "Pages that are full.", (db) => db.wal.counters.completedPages),
  counter("tsdb_wal_truncations_total", "Truncations of the log.", (db) => db.counters.truncations),
  counter("tsdb_wal_truncations_failed_total", "Truncations that failed.", (db) => db.counters.truncationFailures),
  counter("tsdb_wal_writes_failed_total", "Commits that the log could not take.", (db) => db.counters.writeFailures),
  counter("tsdb_wal_record_part_writes_total", "Fragments of records written.", (db) => db.wal.counters.recordParts),
  counter("tsdb_wal_record_parts_bytes_written_total", "Bytes of fragments.", (db) => db.wal.counters.recordPartBytes),
  gauge("tsdb_wal_segment_current", "Number of the segment being written.", (db) => db.wal.segment),
  gauge("tsdb_wal_storage_size_bytes", "Bytes of the log.", (db) => db.wal.size()),
];

const TRUNCATIONS: FamilyHeader = {
  name: "prometheus_agent_truncate_duration_seconds",
  help: "How long truncating the log took.",
  type: "summary",
  unit: "",
};

/** Quantiles of the reference's summary, and how far off they may be. */
const SYNC_OBJECTIVES = { 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 };

const SAVED: FamilyHeader = {
  name: "prometheus_tsdb_wal_record_bytes_saved_total",
  help: "Bytes that compression saved.",
  type: "counter",
  unit: "",
};

/** Shows what an agent's storage counts. Returns how to take it out again. */
function registerAgentMetrics(registry: Registry, db: AgentDb): () => void {
  const collector: Collector = {
    describe: () => [...FAMILIES, SAVED, TRUNCATIONS],
    collect(writer: FamilyWriter) {
      for (const { readings, ...header } of FAMILIES) {
        writer.family(header);
        for (const [labels, value] of readings) writer.value(labels, value(db), 0);
      }
      const { compression } = db.wal;
      writer.family(SAVED);
      writer.value(renderLabels(["compression"], [compression]), db.wal.counters.savedBytes, 0);
      writer.family(TRUNCATIONS);
      writer.summary("", [], [], db.counters.truncationSeconds, db.counters.truncations, 0);
    },
  };
  registry.registerMetric(collector);
  const syncs = new Summary({
    name: "prometheus_tsdb_wal_fsync_duration_seconds",
    help: "How long syncing the log to disk took.",
    objectives: SYNC_OBJECTIVES,
    registers: [registry],
  });
  db.onSync = (seconds) => syncs.observe(seconds);
  return () => {
    for (const metric of [collector, syncs]) registry.unregister(metric);
  };
}
