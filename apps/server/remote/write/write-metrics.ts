// The metrics of remote write, under the reference's names. Those of queues exist only while there are queues.
import { type Collector, type FamilyHeader, type FamilyType, type FamilyWriter, renderLabels } from "@narthex/client";
import { DURATION_BOUNDS, KINDS } from "./queue-counters.ts";
import type { AppendedCounts, WriteQueue } from "./write-queue.ts";

const PREFIX = "prometheus_remote_storage_";
const WATCHER_PREFIX = "prometheus_wal_watcher_";

/** What a queue's series are written from. */
type Series = readonly [labels: string, value: number];
type PerQueue = (queue: WriteQueue, labels: string) => readonly Series[];

interface QueueFamily {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly series: PerQueue;
}

function one(name: string, help: string, type: FamilyType, value: (queue: WriteQueue) => number): QueueFamily {
  return { name: PREFIX + name, help, type, series: (queue, labels) => [[labels, value(queue)]] };
}

const NOUNS = {
  samples: "samples",
  exemplars: "exemplars",
  histograms: "histograms",
  metadata: "metadata entries",
} as const;
const KINDS_AND_METADATA = [...KINDS, "metadata"] as const;

const QUEUE_FAMILIES: readonly QueueFamily[] = [
  ...KINDS_AND_METADATA.flatMap((kind) => [
    one(
      `${kind}_total`,
      `How many ${NOUNS[kind]} were sent, in all attempts.`,
      "counter",
      (q) => q.counters.sent[kind],
    ),
    one(
      `${kind}_failed_total`,
      `How many ${NOUNS[kind]} were given up: the receiver refused them.`,
      "counter",
      (q) => q.counters.failed[kind],
    ),
    one(
      `${kind}_retried_total`,
      `How many ${NOUNS[kind]} were sent again, since an attempt failed.`,
      "counter",
      (q) => q.counters.retried[kind],
    ),
  ]),
  ...KINDS.flatMap((kind): QueueFamily[] => [
    one(`${kind}_pending`, `How many ${kind} wait to be sent.`, "gauge", (q) => q.counters.pending[kind]),
    {
      name: `${PREFIX}${kind}_dropped_total`,
      help: `How many ${kind} were read from the log and not sent, by reason.`,
      type: "counter",
      series: ({ name, url, counters }) =>
        [...counters.dropped].flatMap(([reason, counts]) =>
          counts[kind] === 0
            ? []
            : [[renderLabels(["reason", "remote_name", "url"], [reason, name, url]), counts[kind]] as const],
        ),
    },
  ]),
  one("enqueue_retries_total", "How often a shard had no room.", "counter", (q) => q.counters.enqueueRetries),
  one("bytes_total", "Bytes of samples sent, compressed.", "counter", (q) => q.counters.bytes),
  one("metadata_bytes_total", "Bytes of metadata sent, compressed.", "counter", (q) => q.counters.metadataBytes),
  one(
    "queue_highest_timestamp_seconds",
    "Newest time that was queued; 0 before there was any.",
    "gauge",
    (q) => q.counters.highestSeconds,
  ),
  one(
    "queue_highest_sent_timestamp_seconds",
    "Newest time that was sent; 0 before there was any.",
    "gauge",
    (q) => q.counters.highestSentSeconds,
  ),
  one("shards", "How many shards send side by side.", "gauge", (q) => q.counters.shards),
  one("shards_max", "How many shards there may be.", "gauge", (q) => q.config.queue.maxShards),
  one("shards_min", "How many shards there are at least.", "gauge", (q) => q.config.queue.minShards),
  one("shards_desired", "How many shards would do, by what sending took.", "gauge", (q) => q.counters.desiredShards),
  one("shard_capacity", "How many samples may wait in a shard.", "gauge", (q) => q.config.queue.capacity),
  one(
    "max_samples_per_send",
    "How many samples a request has at most.",
    "gauge",
    (q) => q.config.queue.maxSamplesPerSend,
  ),
];

const DURATIONS: FamilyHeader = {
  name: `${PREFIX}sent_batch_duration_seconds`,
  help: "How long requests took.",
  type: "histogram",
  unit: "",
};

function watcher(
  name: string,
  help: string,
  type: FamilyType,
  series: (queue: WriteQueue, consumer: string) => readonly Series[],
): QueueFamily {
  return {
    name: WATCHER_PREFIX + name,
    help,
    type,
    series: (queue) => series(queue, renderLabels(["consumer"], [queue.name])),
  };
}

const WATCHER_FAMILIES: readonly QueueFamily[] = [
  watcher("records_read_total", "Records read from the log.", "counter", ({ name, watcher: { counters } }) =>
    [...counters.recordsRead].map(([type, count]) => [renderLabels(["consumer", "type"], [name, type]), count]),
  ),
  watcher("record_decode_failures_total", "Records that could not be decoded.", "counter", (queue, consumer) => [
    [consumer, queue.watcher.counters.decodeFailures],
  ]),
  watcher(
    "samples_sent_pre_tailing_total",
    "Samples sent before the log's end was reached.",
    "counter",
    (_, consumer) => [[consumer, 0]],
  ),
  watcher("current_segment", "The segment that is being read.", "gauge", (queue, consumer) => [
    [consumer, queue.watcher.counters.currentSegment],
  ]),
  watcher(
    "notifications_skipped_total",
    "Words of new records that came while reading.",
    "counter",
    (queue, consumer) => [[consumer, queue.watcher.counters.notificationsSkipped]],
  ),
];

const GLOBALS: readonly (FamilyHeader & { readonly value: (counts: AppendedCounts) => number })[] = [
  global("samples_in_total", "Samples that were appended.", "counter", ({ samples }) => samples),
  global("exemplars_in_total", "Exemplars that were appended.", "counter", ({ exemplars }) => exemplars),
  global("histograms_in_total", "Histograms that were appended.", "counter", ({ histograms }) => histograms),
  global(
    "highest_timestamp_in_seconds",
    "Newest time that was appended; 0 before there was any.",
    "gauge",
    (counts) => counts.highestSeconds,
  ),
  // Labels are held without counting who uses them, so that nothing can go wrong with that.
  global("string_interner_zero_reference_releases_total", "Always 0.", "counter", () => 0),
];

function global(
  name: string,
  help: string,
  type: FamilyType,
  value: (counts: AppendedCounts) => number,
): FamilyHeader & { readonly value: (counts: AppendedCounts) => number } {
  return { name: PREFIX + name, help, type, unit: "", value };
}

/** Shows what queues counted. */
export class WriteMetrics implements Collector {
  readonly #queues: () => readonly WriteQueue[];
  readonly #appended: () => AppendedCounts;

  constructor(queues: () => readonly WriteQueue[], appended: () => AppendedCounts) {
    this.#queues = queues;
    this.#appended = appended;
  }

  describe(): readonly FamilyHeader[] {
    const families = [...QUEUE_FAMILIES, ...WATCHER_FAMILIES].map(({ name, help, type }) => ({
      name,
      help,
      type,
      unit: "",
    }));
    return [...families, DURATIONS, ...GLOBALS];
  }

  collect(writer: FamilyWriter): void {
    const appended = this.#appended();
    for (const { name, help, type, unit, value } of GLOBALS) {
      writer.family({ name, help, type, unit });
      writer.value("", value(appended), 0);
    }
    const queues = this.#queues().map((queue) => [queue, queueLabels(queue)] as const);
    for (const { name, help, type, series } of [...QUEUE_FAMILIES, ...WATCHER_FAMILIES]) {
      const found = queues.flatMap(([queue, labels]) => series(queue, labels));
      if (found.length === 0) continue;
      writer.family({ name, help, type, unit: "" });
      for (const [labels, value] of found) writer.value(labels, value, 0);
    }
    if (queues.length === 0) return;
    writer.family(DURATIONS);
    for (const [{ counters }, labels] of queues) {
      const { durations } = counters;
      writer.histogram(labels, DURATION_BOUNDS, durations.cumulative(), durations.sum, durations.created);
    }
  }
}

function queueLabels({ name, url }: WriteQueue): string {
  return renderLabels(["remote_name", "url"], [name, url]);
}
