// What is sent to one endpoint: follows the log, spreads series over shards, sends batches, watches how fast that goes.
import { CUSTOM_BUCKETS_SCHEMA } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
import type { Tracer } from "@narthex/tracing";
import type {
  ExemplarEntry,
  HistogramEntry,
  LogFeed,
  LogPosition,
  MetadataEntry,
  SampleRecord,
  SeriesRecordCursor,
} from "@narthex/tsdb";
import type { RemoteWriteConfig } from "../../config/types.ts";
import { Relabeler } from "../../relabel/index.ts";
import type { Clock, Timer } from "../../scrape/index.ts";
import { RemoteWriteMessage } from "../wire.ts";
import { BatchSender } from "./batch-sender.ts";
import { type LogConsumer, LogWatcher } from "./log-watcher.ts";
import { type DropReason, type Kind, QueueCounters } from "./queue-counters.ts";
import { RetryLog } from "./retry-log.ts";
import { LabelProcessor } from "./series-labels.ts";
import { SeriesTable } from "./series-table.ts";
import { Shard } from "./shard.ts";
import { ShardCount } from "./shard-count.ts";
import type { WriteClient } from "./write-client.ts";

const RESHARD_EVERY_MS = 10_000;
/** A shard that has no room is asked again after so long, then after twice as long, and so on; sooner when it has some. */
const FIRST_WAIT_MS = 5;

/** What came in so far, over all who append; compared with what a queue sends. */
export interface AppendedCounts {
  readonly samples: number;
  readonly histograms: number;
  readonly exemplars: number;
  /** Seconds since the epoch of the newest sample; 0 before there was any. */
  readonly highestSeconds: number;
}

export interface WriteQueueOptions {
  /** The configured name, or the first six digits of the configuration's hash. */
  readonly name: string;
  readonly config: RemoteWriteConfig;
  /** Sorted name, value pairs. */
  readonly externalLabels: readonly string[];
  readonly typeAndUnitLabels: boolean;
  readonly client: WriteClient;
  readonly feed: LogFeed;
  /** Only samples behind this position of the log, and newer than `startTime` (milliseconds), are sent. */
  readonly from: LogPosition;
  readonly startTime: number;
  readonly appended: () => AppendedCounts;
  readonly clock: Clock;
  /** With the queue's name and URL. */
  readonly logger: Logger;
  /** Traces attempts to send; nothing is traced unless given. */
  readonly tracer?: Tracer | undefined;
}

export class WriteQueue implements LogConsumer {
  readonly name: string;
  /** Without its password. */
  readonly url: string;
  readonly config: RemoteWriteConfig;
  readonly startTime: number;
  readonly counters: QueueCounters;
  readonly watcher: LogWatcher;
  readonly #options: WriteQueueOptions;
  readonly #isV1: boolean;
  readonly #series: SeriesTable;
  readonly #sender: BatchSender;
  readonly #shardCount: ShardCount;
  readonly #retryLog: RetryLog;
  #client: WriteClient;
  #shards: readonly Shard[] = [];
  /** Nothing is taken while series change their shards. */
  #isResharding = false;
  #sequence = 0;
  /** Slots of series that are gone, and the last batch that may speak of them. */
  #leaving: { readonly slots: readonly number[]; readonly sequence: number }[] = [];
  #waiters: (() => void)[] = [];
  #reshardTimer: Timer | undefined;
  readonly #callOff = new AbortController();
  #isStopped = false;
  /** What had come in when the number of shards was last looked at, and what was left out since. */
  #samplesIn = 0;
  #samplesDropped = 0;

  constructor(options: WriteQueueOptions) {
    const { config, clock, feed, from } = options;
    this.name = options.name;
    this.url = config.url.toString();
    this.config = config;
    this.startTime = options.startTime;
    this.#options = options;
    this.#client = options.client;
    this.#isV1 = config.protobufMessage === RemoteWriteMessage.v1;
    this.#series = new SeriesTable({
      form: this.#isV1 ? "labels" : "symbols",
      processor: new LabelProcessor(options.externalLabels, new Relabeler(config.writeRelabelConfigs)),
      typeAndUnitLabels: options.typeAndUnitLabels,
    });
    this.#shardCount = new ShardCount(config.queue.minShards, config.queue.maxShards);
    this.#retryLog = new RetryLog(options.logger, clock);
    this.counters = new QueueCounters(clock.now() / 1000);
    this.counters.desiredShards = config.queue.minShards;
    this.#sender = new BatchSender({
      name: this.name,
      config,
      series: this.#series,
      counters: this.counters,
      client: () => this.#client,
      clock,
      logger: options.logger,
      tracer: options.tracer,
      retryLog: this.#retryLog,
      signal: this.#callOff.signal,
    });
    this.watcher = new LogWatcher({
      feed,
      consumer: this,
      from,
      wantsExemplars: config.sendExemplars,
      wantsHistograms: config.sendNativeHistograms,
      wantsMetadata: !this.#isV1,
      clock,
      logger: options.logger,
    });
  }

  start(): void {
    const { samples, histograms, exemplars } = this.#options.appended();
    this.#samplesIn = samples + histograms + exemplars;
    this.#openShards(this.#shardCount.current);
    this.watcher.start();
    this.#planResharding();
  }

  get client(): WriteClient {
    return this.#client;
  }

  /** Another client for the same endpoint: secrets may have changed. The old one is closed once nothing uses it. */
  setClient(client: WriteClient): void {
    const old = this.#client;
    this.#client = client;
    old.close();
  }

  /**
   * Sends what is in the log up to now, and ends. What could not be sent within `deadlineMs` is given up and counted as
   * failed.
   */
  async stop(deadlineMs: number): Promise<void> {
    const { clock, logger } = this.#options;
    logger.info("Stopping remote storage...");
    this.#reshardTimer?.cancel();
    let timer: Timer | undefined;
    const late = new Promise<void>((resolve) => {
      timer = clock.after(deadlineMs, resolve);
    });
    await Promise.race([this.#drain(), late]);
    timer?.cancel();
    this.#isStopped = true;
    const { pending, failed } = this.counters;
    this.#callOff.abort();
    this.#wakeAll();
    await this.watcher.stop();
    for (const shard of this.#shards) shard.abandon();
    for (const kind of ["samples", "exemplars", "histograms"] as const) {
      if (pending[kind] === 0) continue;
      logger.error(`Failed to flush all ${kind} on shutdown`, { count: pending[kind] });
      failed[kind] += pending[kind];
      pending[kind] = 0;
    }
    this.#client.close();
    logger.info("Remote storage stopped.");
  }

  async #drain(): Promise<void> {
    await this.watcher.finish();
    await Promise.all(this.#shards.map((shard) => shard.flush()));
  }

  // What the log says ------------------------------------------------------------------------------------------------

  series(cursor: SeriesRecordCursor, segment: number): void {
    this.#series.add(cursor, segment);
    if (this.#series.isLeaving) this.#release();
  }

  touch(ref: number, segment: number): void {
    this.#series.touch(ref, segment);
  }

  forgetBefore(segment: number): void {
    this.#series.forgetBefore(segment);
    this.#release();
  }

  metadata({ ref, metadata }: MetadataEntry): void {
    this.#series.setMetadata(ref, metadata);
  }

  samples({ refs, times, halves, startTimes, count }: SampleRecord, from: number): number {
    if (this.#isResharding) return from;
    const { startTime } = this;
    const oldest = this.#sender.oldestWanted;
    const shards = this.#shards;
    const series = this.#series;
    let highest = 0;
    let at = from;
    let taken = 0;
    for (; at < count; at++) {
      const t = times[at] as number;
      if (t <= startTime) continue;
      const ref = refs[at] as number;
      const slot = t < oldest ? 0 : series.slotOf(ref);
      if (slot === 0 || series.isDropped(slot)) {
        this.#leaveOut("samples", ref, slot, t < oldest);
        continue;
      }
      const shard = shards[ref % shards.length] as Shard;
      if (!shard.hasRoom) break;
      shard.batch.addFloat(
        slot,
        t,
        halves[2 * at + 1] as number,
        halves[2 * at] as number,
        startTimes === undefined ? 0 : (startTimes[at] as number),
      );
      shard.added();
      taken++;
      if (t > highest) highest = t;
    }
    this.counters.pending.samples += taken;
    this.#noteHighest(highest);
    return at;
  }

  histograms(entries: readonly HistogramEntry[], from: number): number {
    if (this.#isResharding) return from;
    const oldest = this.#sender.oldestWanted;
    for (let at = from; at < entries.length; at++) {
      const { ref, t, integer, stale, startTime } = entries[at] as HistogramEntry;
      let { histogram } = entries[at] as HistogramEntry;
      if (t <= this.startTime) continue;
      if (t >= oldest && this.#isV1 && histogram.schema === CUSTOM_BUCKETS_SCHEMA) {
        this.counters.drop("nhcb_in_rw1_not_supported", "histograms");
        this.#options.logger.warn(
          "Dropped native histogram with custom buckets (NHCB) as remote write v1 does not support it",
          { ref },
        );
        continue;
      }
      const shard = this.#shardFor("histograms", ref, t < oldest);
      if (shard === undefined) continue;
      if (!shard.hasRoom) return at;
      histogram = integer ? { ...histogram, integer } : histogram;
      shard.batch.addHistogram(this.#series.slotOf(ref), t, histogram, startTime, stale);
      shard.added();
      this.counters.pending.histograms++;
      this.#noteHighest(t);
    }
    return entries.length;
  }

  exemplars(entries: readonly ExemplarEntry[], from: number): number {
    if (this.#isResharding) return from;
    const oldest = this.#sender.oldestWanted;
    for (let at = from; at < entries.length; at++) {
      const { ref, exemplar } = entries[at] as ExemplarEntry;
      const shard = this.#shardFor("exemplars", ref, exemplar.t < oldest);
      if (shard === undefined) continue;
      if (!shard.hasRoom) return at;
      shard.batch.addExemplar(this.#series.slotOf(ref), exemplar);
      shard.added();
      this.counters.pending.exemplars++;
      this.#noteHighest(exemplar.t);
    }
    return entries.length;
  }

  room(): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    const { clock } = this.#options;
    return new Promise((resolve) => {
      let waitMs = FIRST_WAIT_MS;
      let timer: Timer;
      const again = (): void => {
        this.counters.enqueueRetries++;
        waitMs = Math.min(waitMs * 2, Math.max(FIRST_WAIT_MS, this.config.queue.maxBackoffMs));
        timer = clock.after(waitMs, again);
      };
      timer = clock.after(waitMs, again);
      this.counters.enqueueRetries++;
      this.#waiters.push(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  // Helpers ------------------------------------------------------------------------------------------------------------

  #shardFor(kind: Kind, ref: number, isOld: boolean): Shard | undefined {
    const slot = isOld ? 0 : this.#series.slotOf(ref);
    if (slot !== 0 && !this.#series.isDropped(slot)) return this.#shards[ref % this.#shards.length];
    this.#leaveOut(kind, ref, slot, isOld);
    return undefined;
  }

  #leaveOut(kind: Kind, ref: number, slot: number, isOld: boolean): void {
    let reason: DropReason = "too_old";
    if (!isOld) {
      this.#samplesDropped++;
      reason = slot === 0 ? "unintentionally_dropped_series" : "dropped_series";
      if (slot === 0) this.#retryLog.unknownSeries(kind, ref);
    }
    this.counters.drop(reason, kind);
  }

  #noteHighest(t: number): void {
    const seconds = Math.floor(t / 1000);
    if (seconds > this.counters.highestSeconds) this.counters.highestSeconds = seconds;
  }

  #openShards(count: number): void {
    const { capacity, maxSamplesPerSend, batchSendDeadlineMs } = this.config.queue;
    this.counters.shards = count;
    this.#shards = Array.from(
      { length: count },
      () =>
        new Shard({
          batchSize: maxSamplesPerSend,
          capacity,
          deadlineMs: batchSendDeadlineMs,
          clock: this.#options.clock,
          nextSequence: () => ++this.#sequence,
          send: (batch) => this.#sender.send(batch),
          onRoom: () => {
            if (this.#leaving.length > 0) this.#release();
            this.#wakeAll();
          },
        }),
    );
  }

  #wakeAll(): void {
    for (const wake of this.#waiters.splice(0)) wake();
  }

  /** Frees what was known of series that are gone, as soon as no batch speaks of them. */
  #release(): void {
    const slots = this.#series.takeLeaving();
    if (slots.length > 0) this.#leaving.push({ slots, sequence: this.#sequence });
    const oldest = this.#shards.reduce((least, shard) => Math.min(least, shard.oldestSequence), Infinity);
    const isDone = ({ sequence }: { sequence: number }): boolean => sequence < oldest;
    for (const { slots: done } of this.#leaving.filter(isDone)) this.#series.release(done);
    this.#leaving = this.#leaving.filter((entry) => !isDone(entry));
  }

  #planResharding(): void {
    this.#reshardTimer = this.#options.clock.after(RESHARD_EVERY_MS, () => {
      this.#reshard();
      if (!this.#isStopped) this.#planResharding();
    });
  }

  #reshard(): void {
    const { clock, logger, appended } = this.#options;
    const { counters } = this;
    const { samples, histograms, exemplars, highestSeconds } = appended();
    const sender = this.#sender;
    const samplesIn = samples + histograms + exemplars;
    const interval = {
      seconds: RESHARD_EVERY_MS / 1000,
      samplesIn: samplesIn - this.#samplesIn,
      samplesOut: sender.done,
      samplesDropped: this.#samplesDropped,
      sendSeconds: sender.seconds,
      lagSeconds: highestSeconds - counters.highestSentSeconds,
    };
    this.#samplesIn = samplesIn;
    this.#samplesDropped = 0;
    sender.done = 0;
    sender.seconds = 0;
    const now = clock.now();
    const isSending = Math.floor(sender.lastDone / 1000) >= Math.floor((now - RESHARD_EVERY_MS) / 1000);
    const mayChange = isSending && now >= sender.troubledUntil && !this.#isResharding;
    const before = this.#shardCount.current;
    const count = this.#shardCount.next(interval, mayChange);
    counters.desiredShards = this.#shardCount.desired;
    if (count === before) return;
    logger.info("Remote storage resharding", { from: before, to: count });
    this.#isResharding = true;
    // Everything is sent before a series may change its shard: so its samples keep their order, and none is lost.
    void Promise.all(this.#shards.map((shard) => shard.flush())).then(() => {
      if (this.#isStopped) return;
      this.#openShards(count);
      this.#isResharding = false;
      this.#wakeAll();
    });
  }
}
