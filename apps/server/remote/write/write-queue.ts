// What is sent to one endpoint: follows the log, spreads series over shards, sends batches, watches how fast that goes.
import { compressInto, maxCompressedLength, WireWriter } from "@narthex/encoding";
import { CUSTOM_BUCKETS_SCHEMA } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
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
import { untilFinal } from "./backoff.ts";
import { encodeV1 } from "./encode-v1.ts";
import { EncoderV2 } from "./encode-v2.ts";
import { type LogConsumer, LogWatcher } from "./log-watcher.ts";
import type { OutgoingBatch } from "./outgoing-batch.ts";
import { type DropReason, type Kind, QueueCounters } from "./queue-counters.ts";
import { RetryLog } from "./retry-log.ts";
import { LabelProcessor } from "./series-labels.ts";
import { SeriesTable } from "./series-table.ts";
import { Shard } from "./shard.ts";
import { ShardCount } from "./shard-count.ts";
import type { WriteClient, WrittenCounts } from "./write-client.ts";

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
  readonly #encoderV2: EncoderV2;
  readonly #writer = new WireWriter(64 * 1024);
  #compressed: Uint8Array = new Uint8Array(0);
  readonly #ageLimitMs: number;
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
  /** Milliseconds since the epoch. */
  #lastSend = 0;
  #noReshardingUntil = 0;
  #interval = { samplesIn: 0, samplesOut: 0, samplesDropped: 0, sendSeconds: 0 };

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
    this.#encoderV2 = new EncoderV2(this.#series);
    this.#ageLimitMs = config.queue.sampleAgeLimitMs;
    this.#shardCount = new ShardCount(config.queue.minShards, config.queue.maxShards);
    this.#retryLog = new RetryLog(options.logger, clock);
    this.counters = new QueueCounters(clock.now() / 1000);
    this.counters.desiredShards = config.queue.minShards;
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
    this.#interval.samplesIn = samples + histograms + exemplars;
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
    const oldest = this.#oldestWanted();
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
    const oldest = this.#oldestWanted();
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
    const oldest = this.#oldestWanted();
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

  /** Milliseconds: what is older is not sent. */
  #oldestWanted(): number {
    return this.#ageLimitMs === 0 ? Number.NEGATIVE_INFINITY : this.#options.clock.now() - this.#ageLimitMs;
  }

  #shardFor(kind: Kind, ref: number, isOld: boolean): Shard | undefined {
    const slot = isOld ? 0 : this.#series.slotOf(ref);
    if (slot !== 0 && !this.#series.isDropped(slot)) return this.#shards[ref % this.#shards.length];
    this.#leaveOut(kind, ref, slot, isOld);
    return undefined;
  }

  #leaveOut(kind: Kind, ref: number, slot: number, isOld: boolean): void {
    let reason: DropReason = "too_old";
    if (!isOld) {
      this.#interval.samplesDropped++;
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
          send: (batch) => this.#send(batch),
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
    const samplesIn = samples + histograms + exemplars;
    const interval = this.#interval;
    this.#interval = { samplesIn, samplesOut: 0, samplesDropped: 0, sendSeconds: 0 };
    const now = clock.now();
    const isSending = Math.floor(this.#lastSend / 1000) >= Math.floor((now - RESHARD_EVERY_MS) / 1000);
    const mayChange = isSending && now >= this.#noReshardingUntil && !this.#isResharding;
    const before = this.#shardCount.current;
    const count = this.#shardCount.next(
      {
        ...interval,
        seconds: RESHARD_EVERY_MS / 1000,
        samplesIn: samplesIn - interval.samplesIn,
        lagSeconds: highestSeconds - counters.highestSentSeconds,
      },
      mayChange,
    );
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

  /** The request, in memory of its own. */
  #encode(batch: OutgoingBatch): Uint8Array {
    const writer = this.#writer;
    writer.clear();
    if (this.#isV1) encodeV1(batch, this.#series, writer);
    else this.#encoderV2.encode(batch, writer);
    const needed = maxCompressedLength(writer.length);
    if (this.#compressed.length < needed) this.#compressed = new Uint8Array(needed * 2);
    return this.#compressed.slice(0, compressInto(writer.view(), this.#compressed));
  }

  /** False when it was called off. */
  async #send(batch: OutgoingBatch): Promise<boolean> {
    const { clock, logger } = this.#options;
    const { counters } = this;
    const began = clock.monotonic();
    const given = { samples: batch.samples, histograms: batch.histograms, exemplars: batch.exemplars };
    const { signal } = this.#callOff;
    let body = this.#encode(batch);
    let oldest = this.#ageLimitMs === 0 ? Infinity : batch.minTime;
    const { maxTime } = batch;
    const { length } = body;
    let written = { samples: 0, histograms: 0, exemplars: 0, isConfirmed: false };
    const attempt = async (number: number) => {
      if (oldest < this.#oldestWanted()) {
        this.#dropOld(batch);
        if (batch.count === 0) return { kind: "sent", written } as const;
        body = this.#encode(batch);
        oldest = batch.minTime;
      }
      counters.sent.samples += batch.samples;
      counters.sent.histograms += batch.histograms;
      counters.sent.exemplars += batch.exemplars;
      const sendBegan = clock.monotonic();
      const outcome = await this.#client.send(body, number, signal);
      counters.durations.observe((clock.monotonic() - sendBegan) / 1000);
      written = sum(written, outcome.written);
      if (outcome.kind !== "sent" || this.#isV1) return outcome;
      const { samples, histograms, exemplars } = outcome.written;
      if (samples + histograms + exemplars > 0) return outcome;
      return { kind: "failed", error: nothingWritten(batch), written: outcome.written } as const;
    };
    const watch = {
      onPause: (ms: number, _error: string, isAskedFor: boolean) => {
        this.#noReshardingUntil = Math.max(this.#noReshardingUntil, clock.now() + 2 * ms);
        if (isAskedFor) {
          logger.info("Retrying after duration specified by Retry-After header", { duration: `${ms / 1000}s` });
        }
      },
      onRetry: (error: string) => {
        counters.retried.samples += batch.samples;
        counters.retried.histograms += batch.histograms;
        counters.retried.exemplars += batch.exemplars;
        this.#retryLog.retrying(error);
      },
    };
    const outcome = await untilFinal(attempt, { ...this.config.queue, clock }, watch, signal);
    // Called off: whoever did so counts what is pending as failed.
    if (outcome === undefined || signal.aborted) return false;
    counters.bytes += length;
    counters.highestSentSeconds = Math.max(counters.highestSentSeconds, Math.floor(maxTime / 1000));
    // A receiver of 1.0 need not say what it wrote.
    const isTrusted = outcome.kind === "sent" && this.#isV1 && !written.isConfirmed;
    this.#settle(batch, isTrusted ? batch : written, outcome.kind === "failed" ? outcome.error : undefined);
    for (const kind of ["samples", "histograms", "exemplars"] as const) counters.pending[kind] -= given[kind];
    this.#interval.samplesOut += given.samples + given.histograms + given.exemplars;
    this.#interval.sendSeconds += (clock.monotonic() - began) / 1000;
    this.#lastSend = clock.now();
    return true;
  }

  #dropOld(batch: OutgoingBatch): void {
    const { samples, histograms, exemplars } = batch;
    batch.dropBefore(this.#oldestWanted());
    this.counters.drop("too_old", "samples", samples - batch.samples);
    this.counters.drop("too_old", "histograms", histograms - batch.histograms);
    this.counters.drop("too_old", "exemplars", exemplars - batch.exemplars);
  }

  /** Counts and tells what of a batch was not written. */
  #settle(
    batch: OutgoingBatch,
    written: { readonly samples: number; readonly histograms: number; readonly exemplars: number },
    error: string | undefined,
  ): void {
    const { failed } = this.counters;
    const missing = {
      failedSampleCount: Math.max(0, batch.samples - written.samples),
      failedHistogramCount: Math.max(0, batch.histograms - written.histograms),
      failedExemplarCount: Math.max(0, batch.exemplars - written.exemplars),
    };
    failed.samples += missing.failedSampleCount;
    failed.histograms += missing.failedHistogramCount;
    failed.exemplars += missing.failedExemplarCount;
    const { logger } = this.#options;
    if (error !== undefined && this.config.failedRequestLogging) {
      const { samples, histograms, exemplars } = batch;
      logger.debug("Failed to send remote write request", { samples, histograms, exemplars, err: error });
    }
    if (error !== undefined) logger.error("non-recoverable error", { ...missing, err: error });
    else if (missing.failedSampleCount + missing.failedHistogramCount + missing.failedExemplarCount > 0) {
      logger.error(
        "we got 2xx status code from the Receiver yet statistics indicate some data was not written; investigation needed",
        missing,
      );
    }
  }
}

function sum(a: WrittenCounts, b: WrittenCounts): WrittenCounts {
  return {
    samples: a.samples + b.samples,
    histograms: a.histograms + b.histograms,
    exemplars: a.exemplars + b.exemplars,
    isConfirmed: a.isConfirmed || b.isConfirmed,
  };
}

function nothingWritten({ samples, histograms, exemplars }: OutgoingBatch): string {
  return (
    `sent v2 request with ${samples} samples, ${histograms} histograms and ${exemplars} exemplars; got 2xx, but PRW 2.0 ` +
    "response header statistics indicate 0 samples, 0 histograms and 0 exemplars were accepted; assumining failure e.g. " +
    "the target only supports PRW 1.0 prometheus.WriteRequest, but does not check the Content-Type header correctly"
  );
}
