// A storage for agents: a log that is sent on, and nothing that could be queried. Its directory is the reference's.
import { ByteWriter } from "@narthex/encoding";
import type { Exemplar, Metadata } from "@narthex/model";
import { Append, type Appendable, type Appender, type SeriesRef } from "@narthex/storage";
import { DirectoryLock } from "../fs/directory-lock.ts";
import { type FileSystem, joinPath } from "../fs/file-system.ts";
import { NodeFs } from "../fs/node-fs.ts";
import { MAX_EXEMPLAR_CHARACTERS } from "../head/exemplars.ts";
import { type Logger, silentLogger } from "../logger.ts";
import { removeCheckpoints } from "../wal/checkpoint.ts";
import { usedCompression } from "../wal/compression.ts";
import { encodeExemplars, encodeMetadata } from "../wal/entry-records.ts";
import { type Compression, checkpointName, listSegments, WAL_DIRECTORY } from "../wal/format.ts";
import { encodeHistograms, encodeHistogramsV2 } from "../wal/histogram-record.ts";
import { encodeSamples, encodeSamplesV2 } from "../wal/sample-record.ts";
import { beginSeries } from "../wal/series-record.ts";
import { closeSegmentGaps } from "../wal/wal-reader.ts";
import { type LogFeed, WalWriter } from "../wal/wal-writer.ts";
import { AgentAppender, AgentBatch, type AgentTarget } from "./agent-appender.ts";
import { AgentReplay } from "./agent-replay.ts";
import { AgentSeries } from "./agent-series.ts";

const DEFAULT_TRUNCATE_EVERY_MS = 2 * 60 * 60 * 1000;
const DEFAULT_MIN_WAL_TIME_MS = 5 * 60 * 1000;
const DEFAULT_MAX_WAL_TIME_MS = 4 * 60 * 60 * 1000;
const DEFAULT_BATCH_SIZE = 1000;
/** Longer timers overflow Node's, and would ring at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface AgentDbOptions {
  /** The data directory; made at need. */
  readonly directory: string;
  readonly fs?: FileSystem;
  readonly logger?: Logger;
  /** Wall clock in milliseconds; `Date.now` unless told. */
  readonly now?: () => number;
  readonly walSegmentBytes?: number;
  readonly walCompression?: Compression;
  /** How often the log is truncated; 0 means never (call `truncate`). Two hours unless told. */
  readonly truncateEveryMs?: number;
  /** Samples that were sent stay in the log at least so long, and those that were not, at most. 5 minutes and 4 hours unless told. */
  readonly minWalTimeMs?: number;
  readonly maxWalTimeMs?: number;
  /** Series in one record of a checkpoint. 1000 unless told. */
  readonly checkpointBatchSize?: number;
  /** Whether samples are logged with their start timestamps; no, unless told. */
  readonly logsStartTimes?: boolean;
  /** Whether exemplars are taken; no, unless told. */
  readonly keepsExemplars?: boolean;
  /** Whether the directory is locked against other processes; yes, unless it lies on a file system of a test. */
  readonly lockFile?: boolean;
  /** Milliseconds: up to here everything was sent, 0 where nobody knows. */
  readonly sentUntil: () => number;
}

/** What the storage counted since it was opened. */
export interface AgentCounters {
  samplesAppended: number;
  histogramsAppended: number;
  exemplarsAppended: number;
  outOfOrder: number;
  checkpoints: number;
  checkpointFailures: number;
  checkpointDeletions: number;
  checkpointDeletionFailures: number;
  corruptions: number;
  replaySeconds: number;
  /** How often and how long (seconds, all in all) the log was truncated. */
  truncations: number;
  truncationSeconds: number;
  truncationFailures: number;
  /** Commits that the log could not take. */
  writeFailures: number;
  /** -1: no lock file. 0: an old one was replaced. 1: there was none. */
  cleanStart: number;
}

export class AgentDb implements Appendable {
  readonly directory: string;
  readonly counters: AgentCounters = {
    samplesAppended: 0,
    histogramsAppended: 0,
    exemplarsAppended: 0,
    outOfOrder: 0,
    checkpoints: 0,
    checkpointFailures: 0,
    checkpointDeletions: 0,
    checkpointDeletionFailures: 0,
    corruptions: 0,
    replaySeconds: 0,
    truncations: 0,
    truncationSeconds: 0,
    truncationFailures: 0,
    writeFailures: 0,
    cleanStart: -1,
  };
  /** How much older than the newest sample of its series a sample may be, in milliseconds. */
  outOfOrderWindowMs = 0;
  /** Told how long each fsync of the log took, in seconds. */
  onSync: ((seconds: number) => void) | undefined = undefined;
  readonly #options: AgentDbOptions;
  readonly #fs: FileSystem;
  readonly #logger: Logger;
  readonly #series = new AgentSeries();
  readonly #exemplars = new Map<SeriesRef, Exemplar>();
  readonly #metadata = new Map<SeriesRef, Metadata>();
  readonly #record = new ByteWriter(65_536);
  readonly #target: AgentTarget;
  /** Slots of series that the log does not know yet. */
  readonly #unlogged: number[] = [];
  #spare: AgentBatch | undefined;
  #lastRef = 0;
  #newestTime = 0;
  #wal: WalWriter | undefined;
  #lock: DirectoryLock | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** Opens a directory, replays what is there, repairs what is damaged. Throws when the disk refuses. */
  static async open(options: AgentDbOptions): Promise<AgentDb> {
    const db = new AgentDb(options);
    try {
      await db.#start();
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  }

  private constructor(options: AgentDbOptions) {
    this.directory = options.directory;
    this.#options = options;
    this.#fs = options.fs ?? new NodeFs();
    this.#logger = options.logger ?? silentLogger;
    this.#target = this.#makeTarget();
  }

  appender(): Appender {
    this.#assertOpen();
    const batch = this.#spare ?? new AgentBatch();
    this.#spare = undefined;
    return new AgentAppender(this.#target, batch);
  }

  /** The log, for those who follow it. */
  get log(): LogFeed {
    this.#assertOpen();
    return this.#wal as WalWriter;
  }

  /** Series that get samples, and those that ended but of which the log still speaks. */
  get activeSeries(): number {
    return this.#series.active;
  }

  get endedSeries(): number {
    return this.#series.ended;
  }

  /** Milliseconds: the newest time that was appended since the start; 0 before there was any. */
  get newestTime(): number {
    return this.#newestTime;
  }

  /** What the log's writer counted, for its metrics. */
  get wal(): WalWriter {
    return this.#wal as WalWriter;
  }

  /**
   * Forgets series without a sample in all that is still to be sent, and replaces the older two thirds of the log by a checkpoint.
   * Runs by itself. Rejects when the disk refuses; then the log stays.
   */
  async truncate(): Promise<void> {
    this.#assertOpen();
    const { minWalTimeMs = DEFAULT_MIN_WAL_TIME_MS, maxWalTimeMs = DEFAULT_MAX_WAL_TIME_MS, sentUntil } = this.#options;
    const began = this.#now();
    // What was sent may go after a while. What nobody takes goes too, before it fills the disk.
    const minTime = Math.max(sentUntil() - minWalTimeMs, 0, began - maxWalTimeMs);
    const wal = this.#wal as WalWriter;
    const last = wal.segment;
    // Lest a series be forgotten that the log was not told of yet.
    this.#logSeries(wal);
    wal.flush();
    this.#unlogged.length = 0;
    const ended = this.#series.endBefore(minTime, last);
    this.#logger.info("series GC completed", { series: ended, duration: `${this.#now() - began}ms` });
    const first = listSegments(this.#fs, wal.directory)[0]?.index ?? last;
    wal.cutSegment();
    const to = first + Math.floor(((last - 1 - first) * 2) / 3);
    if (last - 1 < 0 || to <= first) return;
    this.counters.checkpoints++;
    try {
      await this.#writeCheckpoint(to);
    } catch (error) {
      this.counters.checkpointFailures++;
      throw error;
    }
    if (this.#isClosed) return;
    wal.truncate(to + 1);
    for (const ref of this.#series.forget(to)) {
      this.#exemplars.delete(ref);
      this.#metadata.delete(ref);
    }
    this.counters.checkpointDeletions++;
    try {
      removeCheckpoints(this.#fs, wal.directory, to);
    } catch (error) {
      this.counters.checkpointDeletionFailures++;
      this.#logger.error("delete old checkpoints", { err: error });
    }
    this.counters.truncations++;
    this.counters.truncationSeconds += (this.#now() - began) / 1000;
    this.#logger.info("WAL checkpoint complete", { first, last: to, duration: `${this.#now() - began}ms` });
  }

  /** Flushes and closes. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#timer);
    try {
      this.#wal?.close();
    } finally {
      this.#lock?.release();
    }
  }

  async #start(): Promise<void> {
    const { lockFile, walSegmentBytes, walCompression, truncateEveryMs } = this.#options;
    const began = this.#now();
    this.#fs.mkdir(this.directory);
    if (lockFile ?? this.#fs instanceof NodeFs) {
      this.#lock = new DirectoryLock(this.directory);
      this.counters.cleanStart = this.#lock.state === "clean" ? 1 : 0;
    }
    const directory = joinPath(this.directory, WAL_DIRECTORY);
    this.#fs.mkdir(directory);
    this.#fs.removeAll(joinPath(directory, "checkpoint.tmp"));
    closeSegmentGaps(this.#fs, directory);
    this.#logger.info("replaying WAL, this may take a while", { dir: directory });
    const replay = new AgentReplay(this.#fs, directory, this.#series, this.#metadata, this.#logger);
    await replay.run();
    this.#lastRef = replay.lastRef;
    this.counters.corruptions += replay.corruptions;
    this.counters.replaySeconds = (this.#now() - began) / 1000;
    this.#wal = WalWriter.open(this.#fs, directory, {
      ...(walSegmentBytes === undefined ? {} : { segmentBytes: walSegmentBytes }),
      compression: usedCompression(walCompression ?? "snappy"),
      now: () => this.#now(),
      onSync: (seconds) => this.onSync?.(seconds),
      onSyncError: (error) => this.#logger.error("Syncing a WAL segment failed", { err: error }),
    });
    this.#planTruncation(truncateEveryMs ?? DEFAULT_TRUNCATE_EVERY_MS);
  }

  #planTruncation(everyMs: number): void {
    if (everyMs === 0) return;
    this.#timer = setTimeout(
      () => {
        this.truncate()
          .catch((error: unknown) => {
            this.counters.truncationFailures++;
            this.#logger.warn("failed to truncate WAL", { err: error });
          })
          .finally(() => {
            if (!this.#isClosed) this.#planTruncation(everyMs);
          });
      },
      Math.min(everyMs, MAX_TIMER_MS),
    ).unref();
  }

  /** Series and metadata only: samples of the segments that go were sent, or are given up. Written in slices. */
  async #writeCheckpoint(to: number): Promise<void> {
    const { checkpointBatchSize = DEFAULT_BATCH_SIZE } = this.#options;
    const { directory, compression } = this.#wal as WalWriter;
    const path = joinPath(directory, checkpointName(to));
    const aside = `${path}.tmp`;
    const fs = this.#fs;
    fs.removeAll(aside);
    const writer = WalWriter.open(fs, aside, { compression });
    try {
      const record = new ByteWriter(65_536);
      let count = 0;
      let known: { ref: number; metadata: Metadata }[] = [];
      const log = (): void => {
        if (count > 0) writer.log(record.bytes, record.length);
        if (known.length > 0) {
          record.clear();
          encodeMetadata(record, known);
          writer.log(record.bytes, record.length);
        }
        count = 0;
        known = [];
      };
      for (const slot of this.#series.kept(to)) {
        if (count === 0) {
          record.clear();
          beginSeries(record);
        }
        this.#series.encodeInto(slot, record);
        const ref = this.#series.refs[slot] as number;
        const metadata = this.#metadata.get(ref);
        if (metadata !== undefined) known.push({ ref, metadata });
        if (++count < checkpointBatchSize) continue;
        log();
        await new Promise((resolve) => setImmediate(resolve));
        if (this.#isClosed) break;
      }
      log();
      writer.close();
    } catch (error) {
      writer.abandon();
      fs.removeAll(aside);
      throw error;
    }
    if (this.#isClosed) {
      fs.removeAll(aside);
      return;
    }
    fs.removeAll(path);
    fs.rename(aside, path);
    fs.syncDirectory(directory);
  }

  #makeTarget(): AgentTarget {
    const series = this.#series;
    const db = this;
    return {
      lastTimes: () => series.lastTimes,
      slotOf: (ref) => series.slotOf(ref),
      encode: (labels) => series.encode(labels),
      encodeBytes: (labels) => series.encodeBytes(labels),
      refOf: ({ bytes, length }) => this.#refOf(bytes, length),
      get outOfOrderWindowMs() {
        return db.outOfOrderWindowMs;
      },
      keepsStartTimes: this.#options.logsStartTimes ?? false,
      exemplarVerdict: (ref, exemplar) => this.#exemplarVerdict(ref, exemplar),
      isKnownMetadata: (ref, { type, help, unit }) => {
        const known = this.#metadata.get(ref);
        return known !== undefined && known.type === type && known.help === help && known.unit === unit;
      },
      countOutOfOrder: () => {
        this.counters.outOfOrder++;
      },
      commit: (batch) => this.#commit(batch),
      rollback: (batch) => this.#rollback(batch),
    };
  }

  #refOf(bytes: Uint8Array, length: number): SeriesRef {
    const known = this.#series.find(bytes, 0, length);
    if (known !== 0) return this.#series.refs[known] as number;
    const slot = this.#series.add(++this.#lastRef, bytes, 0, length);
    this.#unlogged.push(slot);
    return this.#lastRef;
  }

  #exemplarVerdict(ref: SeriesRef, exemplar: Exemplar): Append {
    if (this.#options.keepsExemplars !== true) return Append.unsupported;
    const characters = exemplar.labels.pairs.reduce((sum, text) => sum + [...text].length, 0);
    if (characters > MAX_EXEMPLAR_CHARACTERS) return Append.unsupported;
    const last = this.#exemplars.get(ref);
    if (last === undefined) return Append.ok;
    if (exemplar.t < last.t) return Append.outOfOrder;
    const isSame = exemplar.t === last.t && exemplar.value === last.value && exemplar.labels.equals(last.labels);
    return isSame ? Append.duplicate : Append.ok;
  }

  #commit(batch: AgentBatch): void {
    const wal = this.#wal as WalWriter;
    try {
      this.#log(wal, batch);
      wal.flush();
    } catch (error) {
      this.counters.writeFailures++;
      wal.discard();
      this.#undo(batch);
      throw error;
    }
    this.#unlogged.length = 0;
    const { counters } = this;
    counters.samplesAppended += batch.count;
    counters.histogramsAppended += batch.histograms.length;
    counters.exemplarsAppended += batch.exemplars.length;
    for (let i = 0; i < batch.count; i++) this.#newestTime = Math.max(this.#newestTime, batch.times[i] as number);
    for (const { t } of batch.histograms) this.#newestTime = Math.max(this.#newestTime, t);
    for (const { ref, exemplar } of batch.exemplars) this.#exemplars.set(ref, exemplar);
    for (const { ref, metadata } of batch.metadata) this.#metadata.set(ref, metadata);
    this.#giveBack(batch);
  }

  #log(wal: WalWriter, batch: AgentBatch): void {
    const record = this.#record;
    const log = ({ bytes, length }: ByteWriter): void => wal.log(bytes, length);
    this.#logSeries(wal);
    if (batch.metadata.length > 0) {
      record.clear();
      encodeMetadata(record, batch.metadata);
      log(record);
    }
    const { refs, times, halves, startTimes, count } = batch;
    const withStarts = this.#options.logsStartTimes === true;
    if (count > 0) {
      record.clear();
      if (withStarts) encodeSamplesV2(record, refs, times, halves, startTimes, 0, count);
      else encodeSamples(record, refs, times, halves, 0, count);
      log(record);
    }
    if (batch.histograms.length > 0)
      (withStarts ? encodeHistogramsV2 : encodeHistograms)(record, batch.histograms, log);
    if (batch.exemplars.length > 0) {
      record.clear();
      encodeExemplars(record, batch.exemplars);
      log(record);
    }
  }

  #logSeries(wal: WalWriter): void {
    if (this.#unlogged.length === 0) return;
    const record = this.#record;
    record.clear();
    beginSeries(record);
    for (const slot of this.#unlogged) this.#series.encodeInto(slot, record);
    wal.log(record.bytes, record.length);
  }

  /** Series that were made stay; they are logged with the next commit, since their refs are given out. */
  #rollback(batch: AgentBatch): void {
    this.#undo(batch);
    this.#giveBack(batch);
  }

  #undo({ moved }: AgentBatch): void {
    for (let i = moved.length - 2; i >= 0; i -= 2) {
      this.#series.lastTimes[moved[i] as number] = moved[i + 1] as number;
    }
  }

  #giveBack(batch: AgentBatch): void {
    batch.clear();
    this.#spare = batch;
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error("database is closed");
  }
}
