// Follows the log for one queue: first what series there are, then everything that is written from a position on.

import type { Logger } from "@narthex/toolkit";
import {
  decodeExemplars,
  decodeHistograms,
  decodeMetadata,
  decodeSamples,
  type ExemplarEntry,
  type HistogramEntry,
  isHistogramRecord,
  type LogFeed,
  type LogPosition,
  lastCheckpoint,
  listSegments,
  type MetadataEntry,
  RecordError,
  RecordType,
  SampleRecord,
  SeriesRecordCursor,
  WalReader,
  WalTail,
} from "@narthex/tsdb";
import type { Clock, Timer } from "../../scrape/index.ts";

/** A log is looked at this often even when nobody says that it grew. */
const READ_EVERY_MS = 15_000;
/** Commits of many targets within so short a time are read together. */
const GATHER_MS = 10;
const CHECKPOINT_EVERY_MS = 5000;
/** After an error. */
const PAUSE_MS = 5000;
/** Reading holds the thread up for about so long at a time. */
const SLICE_MS = 3;
/** Damage that is still there after so many looks is passed over. */
const MAX_LOOKS = 3;

/** Record types as metrics name them. Source: `record.Type` of the reference. */
const TYPE_NAMES: Readonly<Record<number, string>> = {
  [RecordType.series]: "series",
  [RecordType.samples]: "samples",
  [RecordType.samplesV2]: "samples_v2",
  [RecordType.tombstones]: "tombstones",
  [RecordType.exemplars]: "exemplars",
  [RecordType.mmapMarkers]: "mmapmarkers",
  [RecordType.metadata]: "metadata",
  [RecordType.histograms]: "histogram_samples",
  [RecordType.floatHistograms]: "float_histogram_samples",
  [RecordType.customBucketHistograms]: "custom_buckets_histogram_samples",
  [RecordType.customBucketFloatHistograms]: "custom_buckets_float_histogram_samples",
  [RecordType.histogramsV2]: "histogram_samples_v2",
  [RecordType.floatHistogramsV2]: "float_histogram_samples_v2",
};

/** What a watcher counted. */
export interface WatcherCounters {
  /** By the type's name. */
  readonly recordsRead: Map<string, number>;
  decodeFailures: number;
  notificationsSkipped: number;
  currentSegment: number;
}

/** Whoever takes what the log says. Entries are only valid during the call. */
export interface LogConsumer {
  /** Reads the cursor's labels or leaves them. `segment` is the number of the segment or checkpoint. */
  series(cursor: SeriesRecordCursor, segment: number): void;
  /** A checkpoint still has the series. */
  touch(ref: number, segment: number): void;
  /** Series that nothing from this segment on names are gone. */
  forgetBefore(segment: number): void;
  metadata(entry: MetadataEntry): void;
  /** Take entries from `from` on; return the index of the first that has no room, or their count. */
  samples(record: SampleRecord, from: number): number;
  histograms(entries: readonly HistogramEntry[], from: number): number;
  exemplars(entries: readonly ExemplarEntry[], from: number): number;
  /** Resolves when there may be room again. */
  room(): Promise<void>;
}

export interface LogWatcherOptions {
  readonly feed: LogFeed;
  readonly consumer: LogConsumer;
  /** From here on samples are wanted; what lies before is read for its series. */
  readonly from: LogPosition;
  readonly wantsExemplars: boolean;
  readonly wantsHistograms: boolean;
  readonly wantsMetadata: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One per queue. Memory: one record, and a megabyte while it reads old segments. */
export class LogWatcher {
  readonly counters: WatcherCounters = {
    recordsRead: new Map(),
    decodeFailures: 0,
    notificationsSkipped: 0,
    currentSegment: 0,
  };
  readonly #options: LogWatcherOptions;
  readonly #samples = new SampleRecord();
  #tail: WalTail;
  #checkpoint = -1;
  #stopped = false;
  #isWaiting = false;
  #grew = false;
  #wake: () => void = () => {};
  #gathering: Timer | undefined;
  #checkpointTimer: Timer | undefined;
  #collecting = false;
  readonly #finishing: (() => void)[] = [];
  /** Up to here the log was handed to the disk for good; what lies behind may still be taken back. */
  #flushed: LogPosition;
  /** Set by `finish`: records that begin here or later are not taken. */
  #end: LogPosition | undefined;
  #ended: Promise<void> = Promise.resolve();
  #looks = 0;

  constructor(options: LogWatcherOptions) {
    this.#options = options;
    this.#tail = new WalTail(options.feed.fs, options.feed.directory, options.from);
    this.counters.currentSegment = options.from.segment;
    this.#flushed = options.feed.position;
  }

  start(): void {
    this.#ended = this.#run();
    this.#watchCheckpoints();
  }

  /** The log was flushed just now. Cheap: at most one timer. */
  notify(): void {
    this.#flushed = this.#options.feed.position;
    this.#grew = true;
    if (!this.#isWaiting) {
      this.counters.notificationsSkipped++;
      return;
    }
    this.#gathering ??= this.#options.clock.after(GATHER_MS, () => this.#wake());
  }

  /** Takes everything that is in the log now, and nothing that comes later. Resolves when it has, or when it was stopped. */
  finish(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#stopped) {
        resolve();
        return;
      }
      this.#end = this.#options.feed.position;
      this.#finishing.push(resolve);
      this.#grew = true;
      this.#wake();
    });
  }

  /** Ends reading. Resolves when nothing more is given to the consumer. */
  stop(): Promise<void> {
    this.#stopped = true;
    this.#checkpointTimer?.cancel();
    this.#gathering?.cancel();
    this.#wake();
    this.#release();
    return this.#ended;
  }

  async #run(): Promise<void> {
    const { logger, clock, feed } = this.#options;
    try {
      const began = clock.monotonic();
      logger.info("Replaying WAL");
      await this.#replay();
      logger.info("Done replaying WAL", { duration: `${Math.round(clock.monotonic() - began)}ms` });
    } catch (error) {
      logger.error("error tailing WAL", { err: error as Error });
    }
    while (!this.#stopped) {
      try {
        this.#grew = false;
        await this.#readOn();
        this.#looks = 0;
        if (this.#stopped) break;
        if (!this.#grew || this.#end !== undefined) this.#release();
        await this.#waitForMore();
      } catch (error) {
        logger.error("error tailing WAL", { err: error as Error });
        this.#tail.close();
        let position = this.#tail.position;
        if (++this.#looks >= MAX_LOOKS) {
          position = feed.position;
          this.#looks = 0;
          logger.error("the log stays unreadable; what lies between is not sent", { ...position });
        }
        this.#tail = new WalTail(feed.fs, feed.directory, position);
        await this.#pause(PAUSE_MS, false);
      }
    }
    this.#tail.close();
    this.#release();
  }

  #release(): void {
    for (const resolve of this.#finishing.splice(0)) resolve();
  }

  /** Reads everything that is there. */
  async #readOn(): Promise<void> {
    const { clock } = this.#options;
    let sliceEnd = clock.monotonic() + SLICE_MS;
    while (!this.#stopped) {
      const before = this.#tail.position;
      const limit = this.#end ?? this.#flushed;
      if (!isBefore(before, limit)) return;
      if (!this.#tail.next()) {
        if (await this.#skipRemoved()) continue;
        return;
      }
      const { segment } = this.#tail.position;
      this.counters.currentSegment = segment;
      if (segment > before.segment && !isBefore({ segment, offset: 0 }, limit)) {
        // It was the end of a segment that lay before the limit.
        this.#tail.close();
        this.#tail = new WalTail(this.#options.feed.fs, this.#options.feed.directory, { segment, offset: 0 });
        return;
      }
      const blocked = this.#takeRecord(this.#tail.bytes, this.#tail.start, this.#tail.end);
      if (blocked !== undefined) await blocked;
      if (clock.monotonic() < sliceEnd) continue;
      await turn();
      sliceEnd = clock.monotonic() + SLICE_MS;
    }
  }

  /** Goes on behind segments that were removed before they were read; series come from the checkpoint. True when it did. */
  async #skipRemoved(): Promise<boolean> {
    if (!this.#tail.isGone) return false;
    const { feed, logger } = this.#options;
    const { segment } = this.#tail.position;
    const next = listSegments(feed.fs, feed.directory).find(({ index }) => index > segment);
    if (next === undefined) return false;
    if (next.index > segment + 1) {
      logger.warn("Log segments were removed before they were read; their samples are not sent", {
        from: segment + 1,
        to: next.index - 1,
      });
      await this.#readCheckpoint(false);
    }
    this.#tail.close();
    this.#tail = new WalTail(feed.fs, feed.directory, { segment: next.index, offset: 0 });
    return true;
  }

  /** What series there are: those of the newest checkpoint and of all segments up to where samples are wanted. */
  async #replay(): Promise<void> {
    const { feed, from, logger } = this.#options;
    await this.#readCheckpoint(false);
    for (let segment = this.#checkpoint + 1; segment <= from.segment; ) {
      const reader = new WalReader(feed.fs, feed.directory, { fromSegment: segment, toSegment: from.segment });
      const isWanted = (): boolean => reader.segment < from.segment || reader.offset < from.offset;
      await this.#readSeries(reader, () => reader.segment, isWanted, false);
      if (reader.corruption === undefined) return;
      // Of the segment that is being written, more may have come than counts here.
      if (reader.corruption.segment >= from.segment && reader.corruption.offset >= from.offset) return;
      logger.warn("Ignoring error reading to end of segment, may have dropped data", { err: reader.corruption });
      segment = reader.corruption.segment + 1;
    }
  }

  /** Reads the newest checkpoint, if it was not read yet. `touches`: only which series there are still. */
  async #readCheckpoint(touches: boolean): Promise<void> {
    const { feed } = this.#options;
    const found = lastCheckpoint(feed.fs, feed.directory);
    if (found === undefined || found.index === this.#checkpoint) return;
    const reader = new WalReader(feed.fs, found.path);
    await this.#readSeries(
      reader,
      () => found.index,
      () => true,
      touches,
    );
    if (reader.corruption !== undefined) throw reader.corruption;
    this.#checkpoint = found.index;
  }

  async #readSeries(
    reader: WalReader,
    segment: () => number,
    isWanted: () => boolean,
    touches: boolean,
  ): Promise<void> {
    const { clock } = this.#options;
    let sliceEnd = clock.monotonic() + SLICE_MS;
    try {
      while (!this.#stopped && reader.next() && isWanted()) {
        const { bytes, start, end } = reader;
        const type = start < end ? (bytes[start] as number) : 0;
        this.#count(type);
        this.#decoding(() => {
          if (type === RecordType.series) this.#takeSeries(bytes, start, end, segment(), touches);
          else if (type === RecordType.metadata && !touches) this.#takeMetadata(bytes, start, end);
        });
        if (clock.monotonic() < sliceEnd) continue;
        await turn();
        sliceEnd = clock.monotonic() + SLICE_MS;
      }
    } finally {
      reader.close();
    }
  }

  #takeRecord(bytes: Uint8Array, start: number, end: number): Promise<void> | undefined {
    const { consumer, wantsExemplars, wantsHistograms } = this.#options;
    const type = start < end ? (bytes[start] as number) : 0;
    this.#count(type);
    let blocked: Promise<void> | undefined;
    this.#decoding(() => {
      if (type === RecordType.series) {
        this.#takeSeries(bytes, start, end, this.#tail.position.segment, false);
      } else if (type === RecordType.samples || type === RecordType.samplesV2) {
        const samples = this.#samples;
        decodeSamples(bytes, start, end, samples);
        const taken = consumer.samples(samples, 0);
        if (taken < samples.count) {
          blocked = this.#insist(taken, samples.count, (from) => consumer.samples(samples, from));
        }
      } else if (type === RecordType.metadata) {
        this.#takeMetadata(bytes, start, end);
      } else if (type === RecordType.exemplars) {
        if (!wantsExemplars) return;
        const entries = decodeExemplars(bytes, start, end);
        blocked = this.#insist(0, entries.length, (from) => consumer.exemplars(entries, from));
      } else if (isHistogramRecord(type)) {
        if (!wantsHistograms) return;
        const entries = decodeHistograms(bytes, start, end);
        blocked = this.#insist(0, entries.length, (from) => consumer.histograms(entries, from));
      } else if (!(type in TYPE_NAMES)) this.counters.decodeFailures++;
    });
    return blocked;
  }

  /** Gives entries until all were taken. */
  async #insist(taken: number, count: number, take: (from: number) => number): Promise<void> {
    for (let at = taken; ; ) {
      at = take(at);
      if (at >= count) return;
      await this.#options.consumer.room();
      if (this.#stopped) return;
    }
  }

  #takeSeries(bytes: Uint8Array, start: number, end: number, segment: number, touches: boolean): void {
    const { consumer } = this.#options;
    const cursor = new SeriesRecordCursor(bytes, start, end);
    while (cursor.next()) {
      if (touches) consumer.touch(cursor.ref, segment);
      else consumer.series(cursor, segment);
    }
  }

  #takeMetadata(bytes: Uint8Array, start: number, end: number): void {
    if (!this.#options.wantsMetadata) return;
    for (const entry of decodeMetadata(bytes, start, end)) this.#options.consumer.metadata(entry);
  }

  /** A record that cannot be decoded is passed over and counted. */
  #decoding(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      this.counters.decodeFailures++;
      this.#options.logger.error("error tailing WAL", { err: error });
    }
  }

  #count(type: number): void {
    const name = TYPE_NAMES[type] ?? "unknown";
    const { recordsRead } = this.counters;
    recordsRead.set(name, (recordsRead.get(name) ?? 0) + 1);
  }

  #watchCheckpoints(): void {
    this.#checkpointTimer = this.#options.clock.after(CHECKPOINT_EVERY_MS, () => {
      void this.#forgetSeries();
      this.#watchCheckpoints();
    });
  }

  /** Forgets series that a newer checkpoint no longer has, once everything it covers was read. */
  async #forgetSeries(): Promise<void> {
    const { feed, consumer, logger } = this.#options;
    if (this.#collecting) return;
    this.#collecting = true;
    try {
      const found = lastCheckpoint(feed.fs, feed.directory);
      if (found === undefined || found.index <= this.#checkpoint || found.index >= this.#tail.position.segment) return;
      await this.#readCheckpoint(true);
      if (!this.#stopped) consumer.forgetBefore(found.index);
    } catch (error) {
      logger.warn("Error process checkpoint", { err: error as Error });
    } finally {
      this.#collecting = false;
    }
  }

  async #waitForMore(): Promise<void> {
    if (this.#grew) return;
    await this.#pause(READ_EVERY_MS, true);
  }

  /** Waits for so long, or until the end; where it listens, also until the log grew. */
  #pause(ms: number, listens: boolean): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ms, () => this.#wake());
      this.#isWaiting = listens;
      this.#wake = () => {
        this.#isWaiting = false;
        this.#wake = () => {};
        timer.cancel();
        this.#gathering?.cancel();
        this.#gathering = undefined;
        resolve();
      };
    });
  }
}

function isBefore(a: LogPosition, b: LogPosition): boolean {
  return a.segment < b.segment || (a.segment === b.segment && a.offset < b.offset);
}

/** Lets everything else that waits have its turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
