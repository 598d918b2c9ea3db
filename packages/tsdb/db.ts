// The database: a directory in the reference's formats, its head in shared memory, one writer.
import type { Matcher, Metadata } from "@narthex/model";
import type { Appendable, Appender, AppendOptions, Querier, Queryable, SeriesRef } from "@narthex/storage";
import { ulid } from "ulid";
import type { Block } from "./block/block.ts";
import { removeLeftovers } from "./block/block-writer.ts";
import type { Retention } from "./block-keeper.ts";
import { checkFloatEncoding, type FloatEncoding } from "./chunk/float-encoding.ts";
import { CompactionSchedule } from "./compaction-schedule.ts";
import { registerDbMetrics } from "./db-metrics.ts";
import { type DbOptions, type DbStats, DEFAULT_BLOCK_RANGE_MS, type ReplayProgress } from "./db-options.ts";
import { DbParts } from "./db-parts.ts";
import { DirectoryLock } from "./fs/directory-lock.ts";
import { joinPath } from "./fs/file-system.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { type Cardinality, cardinality } from "./head/cardinality.ts";
import type { ChunkFileSink } from "./head/chunk-files.ts";
import type { SeriesExemplars } from "./head/exemplars.ts";
import type { Head } from "./head/head.ts";
import { countStaleSeries } from "./head/stale-series.ts";
import { HeadRecovery } from "./head-recovery.ts";
import { HeadTruncator } from "./head-truncator.ts";
import { deleteSamples } from "./sample-deleter.ts";
import { type DbShare, openQuerier, type ReadTicket } from "./share.ts";
import { makeSnapshotName } from "./snapshot-name.ts";
import type { LogFeed, WalWriter } from "./wal/wal-writer.ts";

/** Where snapshots lie in the data directory. */
const SNAPSHOTS_DIRECTORY = "snapshots";
/** Full chunks are written out at least this often. */
const MAINTENANCE_INTERVAL_MS = 60_000;

/** A time-series database. One per directory and process. */
export class Db implements Queryable, Appendable {
  readonly directory: string;
  readonly head: Head;
  readonly #parts: DbParts;
  readonly #recovery: HeadRecovery;
  readonly #truncator: HeadTruncator;
  readonly #compactions: CompactionSchedule;
  #lateSink: ChunkFileSink | undefined;
  #unregister: () => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #lock: DirectoryLock | undefined;
  #closing: Promise<void> = Promise.resolve();

  /** Opens a directory, replays what is there, repairs what is damaged. Throws when the disk refuses. */
  static async open(options: DbOptions): Promise<Db> {
    const db = new Db(options);
    db.#register();
    try {
      await db.#start();
      return db;
    } catch (error) {
      db.#recovery.endThread();
      await db.close().catch(() => {});
      throw error;
    }
  }

  private constructor(options: DbOptions) {
    this.directory = options.directory;
    this.#parts = new DbParts(options);
    this.head = this.#parts.head;
    this.#recovery = new HeadRecovery(this.#parts);
    this.#truncator = new HeadTruncator(this.#parts);
    this.#compactions = new CompactionSchedule(this.#parts, this.#truncator);
  }

  /** What workers need to read along. */
  share(): DbShare {
    const { memory, layout } = this.head.memory;
    return { directory: this.directory, memory, layout };
  }

  appender(options?: AppendOptions): Appender {
    this.#parts.assertOpen();
    this.#compactions.onAppender();
    return this.head.appender(options);
  }

  querier(minTime: number, maxTime: number): Querier {
    const ticket = this.beginRead();
    const { keeper, view } = this.#parts;
    return openQuerier(keeper.list, view, ticket, minTime, maxTime, () => this.endRead(ticket));
  }

  /** Holds the present moment for a query elsewhere. At most 1,024 are held; one more gives the oldest up. */
  beginRead(): ReadTicket {
    this.#parts.assertOpen();
    return this.#parts.readers.begin();
  }

  /** Gives a ticket back. Idempotent. */
  endRead(ticket: ReadTicket): void {
    this.#parts.readers.end(ticket);
  }

  stats(): DbStats {
    const { head } = this;
    const isEmpty = head.times.max === -Infinity;
    return {
      numSeries: head.seriesCount,
      numChunks: head.chunkCount,
      numLabelPairs: head.symbols.pairTotal,
      minTime: isEmpty ? undefined : head.times.min,
      maxTime: isEmpty ? undefined : head.times.max,
    };
  }

  /** What fills the head: the `limit` largest of each kind. Costs a walk over all label pairs. */
  cardinality(limit: number): Cardinality {
    return cardinality(this.head, limit);
  }

  /**
   * Exemplars with `minTime <= t <= maxTime` (milliseconds) of the series that pass all matchers of at least one set, sorted by labels,
   * each series' exemplars by time. They belong to the caller's thread: workers have none.
   */
  exemplars(minTime: number, maxTime: number, matcherSets: readonly (readonly Matcher[])[]): SeriesExemplars[] {
    return this.head.exemplars.select(minTime, maxTime, (labels) =>
      matcherSets.some((matchers) => matchers.every((matcher) => matcher.matches(labels.get(matcher.name)))),
    );
  }

  /** Changes how many exemplars are kept; the newest stay. 0 keeps none. */
  setMaxExemplars(maxExemplars: number): void {
    this.head.exemplars.resize(Math.max(0, maxExemplars));
  }

  /** What a series is, as far as it was said by `Appender.updateMetadata` (or by the log at the start). */
  metadata(ref: SeriesRef): Metadata | undefined {
    const record = this.head.recordOf(ref);
    return record === 0 ? undefined : this.head.metadata.get(record);
  }

  /** The log of samples, for those who follow it. */
  get log(): LogFeed {
    this.#parts.assertOpen();
    return this.#parts.wal as WalWriter;
  }

  /** How far the replay came; afterwards, what it covered. */
  get replayProgress(): ReplayProgress {
    return this.#recovery.progress;
  }

  /** The open blocks, in the order of their times. */
  get blocks(): readonly Block[] {
    return this.#parts.blocks;
  }

  /** When blocks are deleted, from the next look at them on. */
  set retention(retention: Retention) {
    this.#parts.keeper.retention = retention;
  }

  /**
   * How much older than the newest sample a sample may be (milliseconds), for appenders from now on; 0 takes none out of
   * order. What was taken stays. Throws when the disk refuses the log that this needs.
   */
  setOutOfOrderWindow(windowMs: number): void {
    this.#parts.assertOpen();
    const { outOfOrder } = this.head;
    if (windowMs > 0) outOfOrder.attach(this.#parts.lateLog.open(), this.#lateSink);
    outOfOrder.windowMs = windowMs;
  }

  /**
   * How chunks of floats are written from now on. Open ones end as they began; what is compacted keeps its start timestamps. Throws an
   * `IncompatibleEncodingError` for an encoding without room for the start timestamps that are to be stored, and changes nothing.
   */
  setFloatEncoding(encoding: FloatEncoding): void {
    this.#parts.floatEncoding = checkFloatEncoding(encoding, this.#parts.options);
    this.head.setFloatEncoding(encoding);
  }

  /**
   * Share of ended series (their newest sample is a stale marker) in the head, 0 to 1, from which they leave it, looked at about
   * once a minute; 0 for never. They go unless the head is about to be compacted anyway, within ten minutes.
   */
  set staleSeriesThreshold(threshold: number) {
    this.#compactions.staleThreshold = threshold;
  }

  /** Turns all samples of ended series into blocks and takes the series out of the head. Rejects when the disk refuses. */
  compactStaleSeries(): Promise<void> {
    return this.#compactions.compactStale();
  }

  /** Looks for blocks that came or went, and deletes those that are beyond the limits. */
  reloadBlocks(): void {
    this.#parts.assertOpen();
    this.#parts.reload();
  }

  /** Writes full chunks out, looks for blocks, and begins a compaction when one is due. Runs by itself about once a minute. */
  maintain(): void {
    const parts = this.#parts;
    if (parts.closed) return;
    this.head.room.moveOut(Number.POSITIVE_INFINITY);
    try {
      parts.reload();
    } catch (error) {
      parts.logger.error("Looking for blocks failed", { err: error });
    }
    this.#compactions.mayBegin = true;
    this.#compactions.look();
  }

  /**
   * Turns the oldest ranges of the head into blocks while it spans more than one and a half of them, as the reference does, and
   * forgets them in the head; then merges blocks as long as there is something to merge. Long work runs in a worker. Rejects
   * when the disk refuses; nothing is lost then. One run at a time: a second call waits for the first. Runs by itself, with
   * `maintain` and when samples make it due.
   */
  compact(): Promise<void> {
    return this.#compactions.compact();
  }

  /**
   * Deletes the samples with `minTime <= t <= maxTime` of all series that pass the matchers: no query that begins afterwards sees
   * them; compaction takes them from the disk. Waits for a compaction under way. Rejects when the disk refuses; then a part
   * may be deleted.
   */
  delete(minTime: number, maxTime: number, matchers: readonly Matcher[]): Promise<void> {
    return this.#parts.exclusive(() => deleteSamples(this.#parts, minTime, maxTime, matchers));
  }

  /** Writes blocks from which samples were deleted anew, without them. Rejects when the disk refuses; the old blocks stay. */
  cleanTombstones(): Promise<void> {
    return this.#compactions.cleanTombstones();
  }

  /**
   * Makes a copy of the database that stays as it is, in a new directory under `snapshots` of the data directory (or under
   * `target`): blocks by hard links, the head as a block of its own (late samples as further ones) unless it is skipped. Returns the new directory's name.
   */
  snapshot(skipHead = false, target: string = this.#parts.path(SNAPSHOTS_DIRECTORY)): Promise<string> {
    const { fs, jobs } = this.#parts;
    return this.#parts.exclusive(async () => {
      if (target === this.directory) throw new Error("cannot snapshot into base directory");
      const name = makeSnapshotName(this.#parts.now());
      const path = joinPath(target, name);
      fs.mkdir(path);
      const { head } = this;
      try {
        await jobs.run({ kind: "link", paths: this.blocks.map((block) => block.path), target: path });
        if (skipHead || head.times.max === Number.NEGATIVE_INFINITY) return name;
        const ticket = this.beginRead();
        try {
          const id = ulid(this.#parts.now());
          const { min: minTime, max: maxTime } = head.times;
          const { floatEncoding: floats } = this.#parts;
          await jobs.run({ kind: "block", ulid: id, ticket, minTime, maxTime: maxTime + 1, target: path, floats });
          if (!head.outOfOrder.isEmpty(head.table.highIndex)) {
            const rangeMs = this.#parts.options.blockRangeMs ?? DEFAULT_BLOCK_RANGE_MS;
            await jobs.run({ kind: "late-blocks", ticket, rangeMs, now: this.#parts.now(), target: path, floats });
          }
        } finally {
          this.endRead(ticket);
        }
        return name;
      } catch (error) {
        fs.removeAll(path);
        throw error;
      }
    });
  }

  /** See `HeadTruncator.truncate`: the caller has what is forgotten in a block. */
  truncateHead(minTime: number, writesCheckpoint = true): Promise<void> {
    return this.#truncator.truncate(minTime, writesCheckpoint);
  }

  /**
   * Flushes and closes; readers elsewhere must have ended. A compaction under way is abandoned: it loses nothing. Idempotent.
   * Everything is closed when this returns, unless a worker has to end before: then when the promise resolves.
   */
  close(): Promise<void> {
    const parts = this.#parts;
    if (parts.closed) return this.#closing;
    parts.closed = true;
    clearInterval(this.#timer);
    this.#unregister();
    const abandoned = parts.jobs.isBusy ? parts.jobs.abandon() : undefined;
    this.#closing =
      abandoned?.then(() => {
        removeLeftovers(parts.fs, this.directory);
        this.#closeFiles();
      }) ??
      new Promise((resolve) => {
        this.#closeFiles();
        resolve();
      });
    return this.#closing;
  }

  #closeFiles(): void {
    const { wal, chunkWriter, lateLog, chunkReader, keeper } = this.#parts;
    try {
      if (wal !== undefined) this.head.room.moveOut(Number.POSITIVE_INFINITY);
      chunkWriter?.close();
      if (this.#parts.options.snapshotsChunks === true) this.#parts.chunkSnapshots.write();
    } finally {
      wal?.close();
      lateLog.close();
      chunkReader.close();
      keeper.close();
      this.#lock?.release();
    }
  }

  #register(): void {
    const parts = this.#parts;
    const { registry, maxExemplars } = parts.options;
    if (registry === undefined) return;
    const { durations, unregister } = registerDbMetrics(registry, {
      counters: parts.counters,
      head: this.head,
      get blocks() {
        return parts.blocks;
      },
      keepsExemplars: maxExemplars !== undefined,
      staleSeries: () => countStaleSeries(this.head),
      walCounters: () => parts.wal?.counters,
      wblCounters: () => parts.lateLog.writer?.counters,
      walCompression: parts.compression,
      walSegment: () => parts.wal?.segment ?? 0,
      walBytes: () => parts.wal?.size() ?? 0,
      wblSegment: () => parts.lateLog.writer?.segment ?? 0,
      wblBytes: () => parts.lateLog.writer?.size() ?? 0,
      chunkBytes: () => parts.chunkWriter?.size() ?? 0,
      retentionMs: () => parts.keeper.retention.timeMs,
      retentionBytes: () => parts.keeper.retention.sizeBytes,
      retentionPercentage: () => parts.keeper.retention.percentage,
    });
    parts.durations = durations;
    this.#unregister = unregister;
  }

  async #start(): Promise<void> {
    const parts = this.#parts;
    const { fs, logger, options } = parts;
    const began = parts.now();
    fs.mkdir(this.directory);
    if (options.lockFile ?? fs instanceof NodeFs) this.#takeLock();
    if (options.walCompression === "zstd" && parts.compression !== "zstd") {
      logger.warn(`Node ${process.version} cannot write zstd (22.15 and later can), the log is written with snappy`);
    }
    const leftovers = removeLeftovers(fs, this.directory);
    if (leftovers.length > 0) logger.info("Found and deleted tmp block dirs", { dirs: leftovers.join(", ") });
    parts.reload(true);
    this.head.times.minValid = parts.keeper.list.maxTime;
    this.#lateSink = await this.#recovery.run(began);
    this.setOutOfOrderWindow(options.outOfOrderWindowMs ?? 0);
    const interval = options.maintenanceIntervalMs ?? MAINTENANCE_INTERVAL_MS;
    if (interval > 0) this.#timer = setInterval(() => this.maintain(), interval).unref();
    this.#compactions.mayBegin = interval > 0;
  }

  #takeLock(): void {
    const { counters, logger } = this.#parts;
    this.#lock = new DirectoryLock(this.directory);
    counters.cleanStart = this.#lock.state === "clean" ? 1 : 0;
    if (this.#lock.state === "clean") return;
    logger.warn("A lockfile from a previous execution already existed. It was replaced", {
      file: this.#parts.path("lock"),
    });
  }
}
