// The database: a directory in the reference's formats, its head in shared memory, one writer.
import type { Registry } from "@narthex/client";
import { ByteWriter } from "@narthex/encoding";
import type { Matcher, Metadata } from "@narthex/model";
import type { Appendable, Appender, Querier, Queryable, SeriesRef } from "@narthex/storage";
import { ulid } from "ulid";
import type { Block } from "./block/block.ts";
import { removeLeftovers } from "./block/block-writer.ts";
import { compactionRanges, planCompaction } from "./block/compaction-plan.ts";
import type { BlockMeta } from "./block/meta.ts";
import { UploadedBlocks } from "./block/uploaded-blocks.ts";
import { BlockKeeper, headFileBytes, type Retention } from "./block-keeper.ts";
import { HeadChunkReader, HeadChunkWriter, repairHeadChunks, scanHeadChunks } from "./chunk/head-chunks.ts";
import { DbCounters, type DbDurations, registerDbMetrics } from "./db-metrics.ts";
import { DirectoryLock } from "./fs/directory-lock.ts";
import { baseName, type FileSystem, joinPath } from "./fs/file-system.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { type Cardinality, cardinality } from "./head/cardinality.ts";
import { ChunkFileSink, ChunkFileSource, placeOf } from "./head/chunk-files.ts";
import type { SeriesExemplars } from "./head/exemplars.ts";
import { Head } from "./head/head.ts";
import { stonesFor } from "./head/head-deleter.ts";
import { HeadView } from "./head/head-view.ts";
import { Replay, ReplayChunks } from "./head/replay.ts";
import { inSlices } from "./head/steps.ts";
import { type HeadJob, JobRunner } from "./head-compaction.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { OutOfOrderLog } from "./out-of-order-log.ts";
import { type DbShare, HEAD_CHUNKS_DIRECTORY, openQuerier, type ReadTicket } from "./share.ts";
import { makeSnapshotName } from "./snapshot-name.ts";
import { checkpointRange, removeCheckpoints } from "./wal/checkpoint.ts";
import { type Compression, lastCheckpoint } from "./wal/format.ts";
import { encodeTombstones, RecordError } from "./wal/record.ts";
import { closeSegmentGaps, repairWal, WalReader } from "./wal/wal-reader.ts";
import { WalWriter, type WalWriterOptions } from "./wal/wal-writer.ts";

const WAL_DIRECTORY = "wal";
const DEFAULT_BLOCK_RANGE_MS = 2 * 60 * 60 * 1000;
const DEFAULT_MAX_BLOCK_RANGE_MS = 31 * 24 * 60 * 60 * 1000;
const NO_RETENTION: Retention = { timeMs: 0, sizeBytes: 0, percentage: 0 };
/** Tombstones in one record of the log. */
const STONES_PER_RECORD = 4096;
/** Truncating the head does not hold scrapes up for longer at a time. */
const SLICE_MS = 4;
/** Where snapshots lie in the data directory. */
const SNAPSHOTS_DIRECTORY = "snapshots";
/** During replay the event loop gets its turn about so often. */
const YIELD_EVERY_MS = 50;
/** Full chunks are written out at least this often. */
const MAINTENANCE_INTERVAL_MS = 60_000;
/** Queries older than a truncation of the head get so long to end. */
const READER_PATIENCE_MS = 300_000;

export interface DbOptions {
  /** The data directory; made at need. */
  readonly directory: string;
  readonly fs?: FileSystem;
  readonly logger?: Logger;
  /** Wall clock in milliseconds; `Date.now` unless told. */
  readonly now?: () => number;
  /** Where the engine's own metrics are registered. */
  readonly registry?: Registry;
  /** The smallest block's range: chunks never cross a multiple of it. Two hours unless told. */
  readonly blockRangeMs?: number;
  /** The largest block's range; 31 days unless told. */
  readonly maxBlockRangeMs?: number;
  /** Where the chunk files of blocks are cut; 512 MiB unless told. */
  readonly blockSegmentBytes?: number;
  /** When blocks are deleted; never, unless told. */
  readonly retention?: Retention;
  /** Whether blocks whose times overlap are merged; yes, unless told. */
  readonly mergesOverlaps?: boolean;
  /** A JSON file that names uploaded blocks (Thanos): blocks of level 1 that it does not name are not compacted. */
  readonly uploadedBlocksFile?: string;
  /** A compaction of the head waits up to this share of the block range, in percent, by chance. 0 unless told. */
  readonly compactionDelayPercent?: number;
  /** Numbers in [0, 1) for delays; `Math.random` unless told. */
  readonly random?: () => number;
  /** How much older than the newest sample a sample may be to be taken out of order; 0 (none) unless told. Milliseconds. */
  readonly outOfOrderWindowMs?: number;
  readonly walSegmentBytes?: number;
  readonly walCompression?: Compression;
  /** Exemplars kept at most, the newest; none unless told. See `Db.setMaxExemplars`. */
  readonly maxExemplars?: number;
  /** Shared memory to reserve (not to use): a power of two, 4 GiB unless told or refused. */
  readonly memoryBytes?: number;
  /** Whether the directory is locked against other processes; yes, unless it lies on a file system of a test. */
  readonly lockFile?: boolean;
  /** How often full chunks are written out beside commits; 0 means never (call `maintain`). */
  readonly maintenanceIntervalMs?: number;
  /** Told how far the replay of the log has come, for the status page. */
  readonly onReplay?: (progress: ReplayProgress) => void;
}

/** Segments of the log: first and last to be read, and the one being read. */
export interface ReplayProgress {
  readonly min: number;
  readonly max: number;
  readonly current: number;
}

export interface DbStats {
  readonly numSeries: number;
  readonly numChunks: number;
  readonly numLabelPairs: number;
  /** Milliseconds; undefined while the head is empty. */
  readonly minTime: number | undefined;
  readonly maxTime: number | undefined;
}

/** A time-series database. One per directory and process. */
export class Db implements Queryable, Appendable {
  readonly directory: string;
  readonly head: Head;
  readonly #fs: FileSystem;
  readonly #logger: Logger;
  readonly #options: DbOptions;
  readonly #view: HeadView;
  readonly #chunkReader: HeadChunkReader;
  readonly #keeper: BlockKeeper;
  readonly #jobs: JobRunner;
  readonly #ranges: readonly number[];
  readonly #uploaded: UploadedBlocks | undefined;
  readonly #compactionDelayMs: number;
  #chunkWriter: HeadChunkWriter | undefined;
  #wal: WalWriter | undefined;
  readonly #lateLog: OutOfOrderLog;
  #lateSink: ChunkFileSink | undefined;
  /** The head was compacted: its out-of-order samples are next. */
  #isLateDue = false;
  readonly #counters = new DbCounters();
  #durations: DbDurations | undefined;
  #unregister: () => void = () => {};
  #replay: ReplayProgress = { min: 0, max: 0, current: 0 };
  /** When the event loop is to get its next turn during a replay. */
  #turnAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #lock: DirectoryLock | undefined;
  #compacting: Promise<void> | undefined;
  /** What changes blocks runs one after the other: compaction, deletion, snapshots. */
  #changes: Promise<unknown> = Promise.resolve();
  /** Since when the head could be compacted, while that is delayed. */
  #delayedSince: number | undefined;
  /** Whether appenders may begin a compaction: not after one failed, until the next round of `maintain`. */
  #mayCompact = false;
  #blockDeletions = 0;
  #closed = false;
  #closing: Promise<void> = Promise.resolve();

  /** Opens a directory, replays what is there, repairs what is damaged. Throws when the disk refuses. */
  static async open(options: DbOptions): Promise<Db> {
    const db = new Db(options);
    db.#register();
    try {
      await db.#start();
      return db;
    } catch (error) {
      await db.close().catch(() => {});
      throw error;
    }
  }

  private constructor(options: DbOptions) {
    this.#options = options;
    this.directory = options.directory;
    this.#fs = options.fs ?? new NodeFs();
    this.#logger = options.logger ?? silentLogger;
    this.#keeper = new BlockKeeper({
      fs: this.#fs,
      directory: this.directory,
      logger: this.#logger,
      counters: this.#counters,
      retention: options.retention ?? NO_RETENTION,
      headBytes: () => headFileBytes(this.#fs, this.directory),
      whenUnread: () => this.#earlierReaders(),
      remove: (paths) => this.#jobs.run({ kind: "remove", paths }),
    });
    const range = options.blockRangeMs ?? DEFAULT_BLOCK_RANGE_MS;
    this.#ranges = compactionRanges(range, options.maxBlockRangeMs ?? DEFAULT_MAX_BLOCK_RANGE_MS);
    const { uploadedBlocksFile: uploaded } = options;
    this.#uploaded = uploaded === undefined ? undefined : new UploadedBlocks(this.#fs, uploaded, this.#logger);
    const delay = (range * (options.compactionDelayPercent ?? 0)) / 100;
    this.#compactionDelayMs = Math.floor(delay * (options.random ?? Math.random)());
    this.#chunkReader = new HeadChunkReader(this.#fs, this.#path(HEAD_CHUNKS_DIRECTORY));
    this.head = new Head({
      chunkRangeMs: options.blockRangeMs ?? DEFAULT_BLOCK_RANGE_MS,
      ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
      ...(options.maxExemplars === undefined ? {} : { maxExemplars: options.maxExemplars }),
      onChunkError: (error) =>
        this.#logger.error("Writing full head chunks failed; they stay in memory", { err: error }),
    });
    this.#view = new HeadView(this.head.memory, new ChunkFileSource(this.#chunkReader), this.head.symbols);
    this.#jobs = new JobRunner(this.#fs, this.share(), this.#view);
    this.#lateLog = new OutOfOrderLog({
      fs: this.#fs,
      directory: this.directory,
      logger: this.#logger,
      writer: this.#logOptions((seconds) => this.#durations?.wblFsync.observe(seconds)),
      onCorruption: () => {
        this.#counters.walCorruptions++;
      },
      pause: () => this.#pause(),
    });
  }

  /** What workers need to read along. */
  share(): DbShare {
    const { memory, layout } = this.head.memory;
    return { directory: this.directory, memory, layout };
  }

  appender(): Appender {
    this.#assertOpen();
    if (this.#mayCompact && this.#compacting === undefined && this.#isHeadDue()) this.#compactAside();
    return this.head.appender();
  }

  querier(minTime: number, maxTime: number): Querier {
    this.#assertOpen();
    const ticket = this.beginRead();
    return openQuerier(this.#keeper.list, this.#view, ticket, minTime, maxTime, () => this.endRead(ticket));
  }

  /** Holds the present moment for a query elsewhere. At most 1,024 are held; one more gives the oldest up. */
  beginRead(): ReadTicket {
    this.#assertOpen();
    return {
      snapshot: this.head.snapshots.take(this.head.table.lastRef),
      blocks: this.blocks.map(({ path }) => path),
      blockDeletions: this.#blockDeletions,
      headDeletions: this.head.deletions.shared,
      headMinTime: this.#headMinTime(),
    };
  }

  /** From when on the head may have samples, late ones included; an empty head says nothing anyway. */
  #headMinTime(): number {
    const { head } = this;
    if (head.maxTime === Number.NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY;
    return Math.min(head.minTime, head.outOfOrder.chunks.minTime);
  }

  /** Gives a ticket back. Idempotent. */
  endRead(ticket: ReadTicket): void {
    this.head.snapshots.release(ticket.snapshot);
  }

  stats(): DbStats {
    const { head } = this;
    const isEmpty = head.maxTime === -Infinity;
    return {
      numSeries: head.seriesCount,
      numChunks: head.chunkCount,
      numLabelPairs: head.symbols.pairTotal,
      minTime: isEmpty ? undefined : head.minTime,
      maxTime: isEmpty ? undefined : head.maxTime,
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

  /** How far the replay came; afterwards, what it covered. */
  get replayProgress(): ReplayProgress {
    return this.#replay;
  }

  /** The open blocks, in the order of their times. */
  get blocks(): readonly Block[] {
    return this.#keeper.list.blocks;
  }

  /** When blocks are deleted, from the next look at them on. */
  set retention(retention: Retention) {
    this.#keeper.retention = retention;
  }

  /**
   * How much older than the newest sample a sample may be (milliseconds), for appenders from now on; 0 takes none out of
   * order. What was taken stays. Throws when the disk refuses the log that this needs.
   */
  setOutOfOrderWindow(windowMs: number): void {
    this.#assertOpen();
    const { outOfOrder } = this.head;
    if (windowMs > 0) outOfOrder.attach(this.#lateLog.open(), this.#lateSink);
    outOfOrder.windowMs = windowMs;
  }

  /** Looks for blocks that came or went, and deletes those that are beyond the limits. */
  reloadBlocks(): void {
    this.#assertOpen();
    this.#reload();
  }

  #reload(setAside = false): void {
    this.#counters.reloads++;
    try {
      this.#keeper.reload(setAside);
    } catch (error) {
      this.#counters.reloadFailures++;
      throw error;
    }
  }

  /** Writes full chunks out, looks for blocks, and begins a compaction when one is due. Runs by itself about once a minute. */
  maintain(): void {
    if (this.#closed) return;
    this.head.moveChunksOut(Number.POSITIVE_INFINITY);
    try {
      this.#reload();
    } catch (error) {
      this.#logger.error("Looking for blocks failed", { err: error });
    }
    this.#mayCompact = true;
    if (this.#isHeadDue() || this.#isLateDue || this.#plan().length > 0) this.#compactAside();
  }

  /**
   * Turns the oldest ranges of the head into blocks while it spans more than one and a half of them, as the reference does, and
   * forgets them in the head; then merges blocks as long as there is something to merge. Long work runs in a worker. Rejects
   * when the disk refuses; nothing is lost then. One run at a time: a second call waits for the first. Runs by itself, with
   * `maintain` and when samples make it due.
   */
  compact(): Promise<void> {
    this.#compacting ??= this.#exclusive(() => this.#compactAll()).finally(() => {
      this.#compacting = undefined;
    });
    return this.#compacting;
  }

  /**
   * Deletes the samples with `minTime <= t <= maxTime` of all series that pass the matchers: no query that begins afterwards sees
   * them; compaction takes them from the disk. Waits for a compaction under way. Rejects when the disk refuses; then a part
   * may be deleted.
   */
  delete(minTime: number, maxTime: number, matchers: readonly Matcher[]): Promise<void> {
    return this.#exclusive(async () => {
      const paths = this.#keeper.list.overlapping(minTime, maxTime).map(({ path }) => path);
      if (paths.length > 0) {
        const texts = matchers.map(({ type, name, value }) => [type, name, value] as const);
        try {
          await this.#run({ kind: "delete", paths, minTime, maxTime, matchers: texts });
        } finally {
          this.#blockDeletions++;
          this.#keeper.list.refresh();
        }
      }
      this.#deleteFromHead(minTime, maxTime, matchers);
    });
  }

  /** Writes blocks from which samples were deleted anew, without them. Rejects when the disk refuses; the old blocks stay. */
  cleanTombstones(): Promise<void> {
    return this.#exclusive(async () => {
      for (const { path, tombstones } of this.blocks) {
        const block = this.blocks.find((other) => other.path === path);
        if (block === undefined || tombstones.count === 0 || this.#holdsHeadBack(block)) continue;
        await this.#merge([path]);
      }
    });
  }

  /**
   * Makes a copy of the database that stays as it is, in a new directory under `snapshots` of the data directory (or under
   * `target`): blocks by hard links, the head as a block of its own unless it is skipped. Returns the new directory's name.
   */
  snapshot(skipHead = false, target: string = this.#path(SNAPSHOTS_DIRECTORY)): Promise<string> {
    return this.#exclusive(async () => {
      if (target === this.directory) throw new Error("cannot snapshot into base directory");
      const name = makeSnapshotName(this.#now());
      const path = joinPath(target, name);
      this.#fs.mkdir(path);
      const { head } = this;
      try {
        const paths = this.blocks.map((block) => block.path);
        await this.#run({ kind: "link", paths, target: path });
        if (skipHead || head.maxTime === Number.NEGATIVE_INFINITY) return name;
        const ticket = this.beginRead();
        try {
          const id = ulid(this.#now());
          const { minTime, maxTime } = head;
          await this.#run({ kind: "block", ulid: id, ticket, minTime, maxTime: maxTime + 1, target: path });
        } finally {
          this.endRead(ticket);
        }
        return name;
      } catch (error) {
        this.#fs.removeAll(path);
        throw error;
      }
    });
  }

  /**
   * Forgets head samples before `minTime`, which the caller has in a block, and log segments that are no longer needed.
   * Waits until queries that began earlier have ended; after five minutes it gives up those that are left.
   */
  async truncateHead(minTime: number, writesCheckpoint = true): Promise<void> {
    this.#assertOpen();
    this.head.minValidTime = Math.max(this.head.minValidTime, minTime);
    await this.#earlierReaders();
    if (this.#closed) return;
    const began = this.#now();
    this.#counters.truncations++;
    const isClosed = (): boolean => this.#closed;
    const truncated = await inSlices(this.head.truncating(minTime), SLICE_MS, isClosed);
    if (truncated === undefined) return;
    const { removedSeries, removedChunks } = truncated.value;
    this.head.deletions = this.head.deletions.truncateBefore(minTime);
    const found = await inSlices(this.head.findingOldestChunkFile(), SLICE_MS, isClosed);
    if (found === undefined) return;
    const oldestFile = found.value;
    this.#chunkWriter?.truncate(oldestFile);
    this.#chunkReader.close(oldestFile);
    const took = this.#now() - began;
    this.#durations?.headGc.observe(took / 1000);
    this.#logger.info("Head GC completed", { series: removedSeries, chunks: removedChunks, duration: duration(took) });
    if (writesCheckpoint) await this.#checkpoint(minTime);
  }

  /**
   * Flushes and closes; readers elsewhere must have ended. A compaction under way is abandoned: it loses nothing. Idempotent.
   * Everything is closed when this returns, unless a worker has to end before: then when the promise resolves.
   */
  close(): Promise<void> {
    if (this.#closed) return this.#closing;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#unregister();
    const abandoned = this.#jobs.isBusy ? this.#jobs.abandon() : undefined;
    this.#closing =
      abandoned?.then(() => {
        removeLeftovers(this.#fs, this.directory);
        this.#closeFiles();
      }) ??
      new Promise((resolve) => {
        this.#closeFiles();
        resolve();
      });
    return this.#closing;
  }

  #closeFiles(): void {
    try {
      if (this.#wal !== undefined) this.head.moveChunksOut(Number.POSITIVE_INFINITY);
      this.#chunkWriter?.close();
    } finally {
      this.#wal?.close();
      this.#lateLog.close();
      this.#chunkReader.close();
      this.#keeper.close();
      this.#lock?.release();
    }
  }

  #register(): void {
    const { registry } = this.#options;
    if (registry === undefined) return;
    const db = this;
    const { durations, unregister } = registerDbMetrics(registry, {
      counters: this.#counters,
      head: this.head,
      get blocks() {
        return db.blocks;
      },
      keepsExemplars: this.#options.maxExemplars !== undefined,
      walCounters: () => this.#wal?.counters,
      wblCounters: () => this.#lateLog.writer?.counters,
      walCompression: this.#options.walCompression ?? "snappy",
      walSegment: () => this.#wal?.segment ?? 0,
      walBytes: () => this.#wal?.size() ?? 0,
      wblSegment: () => this.#lateLog.writer?.segment ?? 0,
      wblBytes: () => this.#lateLog.writer?.size() ?? 0,
      chunkBytes: () => this.#chunkWriter?.size() ?? 0,
      retentionMs: () => this.#keeper.retention.timeMs,
      retentionBytes: () => this.#keeper.maxBytes,
    });
    this.#durations = durations;
    this.#unregister = unregister;
  }

  async #start(): Promise<void> {
    const began = this.#now();
    this.#fs.mkdir(this.directory);
    if (this.#options.lockFile ?? this.#fs instanceof NodeFs) this.#takeLock();
    const leftovers = removeLeftovers(this.#fs, this.directory);
    if (leftovers.length > 0) this.#logger.info("Found and deleted tmp block dirs", { dirs: leftovers.join(", ") });
    this.#reload(true);
    this.head.minValidTime = this.#keeper.list.maxTime;
    this.#logger.info("Replaying on-disk memory mappable chunks if any");
    const { chunks, late, lateRefs } = this.#loadChunks();
    const chunksLoaded = this.#now();
    this.#chunkWriter = HeadChunkWriter.open(this.#fs, this.#path(HEAD_CHUNKS_DIRECTORY), {
      onSyncError: (error) => this.#logger.error("Syncing a head chunks file failed", { err: error }),
    });
    const sink = new ChunkFileSink(this.#chunkWriter);
    this.#lateSink = new ChunkFileSink(this.#chunkWriter, true);
    this.head.attach(undefined, sink);
    this.head.outOfOrder.attach(undefined, this.#lateSink);
    this.#logger.info("Replaying WAL, this may take a while");
    const replay = new Replay(this.head, chunks, late);
    const checkpointMs = await this.#replayCheckpoint(replay);
    const segmentsMs = await this.#replaySegments(replay);
    replay.finish();
    this.#reportReplay(replay);
    const lateBegan = this.#now();
    const hasLateLog = this.#lateLog.isThere;
    if (hasLateLog) await this.#lateLog.replay(this.head, replay, lateRefs, this.#path(HEAD_CHUNKS_DIRECTORY));
    this.#logger.info("WAL replay completed", {
      checkpoint_replay_duration: duration(checkpointMs),
      wal_replay_duration: duration(segmentsMs),
      wbl_replay_duration: duration(this.#now() - lateBegan),
      mmap_chunk_replay_duration: duration(chunksLoaded - began),
      total_replay_duration: duration(this.#now() - began),
    });
    this.#counters.replaySeconds = (this.#now() - began) / 1000;
    const walOptions = this.#logOptions((seconds) => this.#durations?.walFsync.observe(seconds));
    this.#wal = WalWriter.open(this.#fs, this.#path(WAL_DIRECTORY), { ...walOptions, kernels: this.head.kernels });
    this.head.attach(this.#wal, sink);
    if (hasLateLog) this.head.outOfOrder.attach(this.#lateLog.open(), this.#lateSink);
    this.setOutOfOrderWindow(this.#options.outOfOrderWindowMs ?? 0);
    const interval = this.#options.maintenanceIntervalMs ?? MAINTENANCE_INTERVAL_MS;
    if (interval > 0) this.#timer = setInterval(() => this.maintain(), interval).unref();
    this.#mayCompact = interval > 0;
  }

  #takeLock(): void {
    this.#lock = new DirectoryLock(this.directory);
    this.#counters.cleanStart = this.#lock.state === "clean" ? 1 : 0;
    if (this.#lock.state === "clean") return;
    this.#logger.warn("A lockfile from a previous execution already existed. It was replaced", {
      file: this.#path("lock"),
    });
  }

  #logOptions(onSync: (seconds: number) => void): WalWriterOptions {
    return {
      ...(this.#options.walSegmentBytes === undefined ? {} : { segmentBytes: this.#options.walSegmentBytes }),
      compression: this.#options.walCompression ?? "snappy",
      now: () => this.#now(),
      onSync,
      onSyncError: (error) => this.#logger.error("Syncing a WAL segment failed", { err: error }),
    };
  }

  #loadChunks(): { chunks: ReplayChunks; late: ReplayChunks; lateRefs: Set<number> } {
    const directory = this.#path(HEAD_CHUNKS_DIRECTORY);
    const chunks = new ReplayChunks();
    const late = new ReplayChunks();
    const lateRefs = new Set<number>();
    const corruption = scanHeadChunks(this.#fs, directory, (ref, chunk, samples) => {
      if (chunk.outOfOrder) lateRefs.add(ref);
      const kind = chunk.outOfOrder ? late : chunks;
      kind.add(chunk.seriesRef, chunk.minTime, chunk.maxTime, chunk.encoding, samples, placeOf(ref));
    });
    if (corruption !== undefined) {
      this.#counters.chunkCorruptions++;
      this.#logger.error("Loading on-disk chunks failed, the rest must come from the WAL", {
        file: corruption.path,
        offset: corruption.offset,
        lost_bytes: corruption.lostBytes,
        err: corruption.reason,
      });
      repairHeadChunks(this.#fs, directory, corruption);
    }
    return { chunks, late, lateRefs };
  }

  async #replayCheckpoint(replay: Replay): Promise<number> {
    const began = this.#now();
    const checkpoint = lastCheckpoint(this.#fs, this.#path(WAL_DIRECTORY));
    if (checkpoint === undefined) return 0;
    const reader = new WalReader(this.#fs, checkpoint.path, { kernels: this.head.kernels });
    await this.#replayAll(reader, replay);
    if (reader.corruption !== undefined) {
      // The log may still hold what the rest of the checkpoint said; what it cannot say is lost, and counted.
      this.#logger.error("The checkpoint is damaged, the rest of it is left out", {
        err: reader.corruption,
        lost_bytes: reader.corruption.lostBytes,
      });
    }
    this.#logger.info("WAL checkpoint loaded");
    return this.#now() - began;
  }

  async #replaySegments(replay: Replay): Promise<number> {
    const began = this.#now();
    const directory = this.#path(WAL_DIRECTORY);
    const touched = closeSegmentGaps(this.#fs, directory);
    if (touched.length > 0) this.#logger.warn("WAL segments are missing or foreign", { files: touched.join(", ") });
    const from = (lastCheckpoint(this.#fs, directory)?.index ?? -1) + 1;
    let segmentBegan = began;
    const reader = new WalReader(this.#fs, directory, {
      fromSegment: from,
      kernels: this.head.kernels,
      onSegment: (segment) => {
        const now = this.#now();
        this.#logger.info("WAL segment loaded", {
          segment,
          maxSegment: this.#replay.max,
          duration: duration(now - segmentBegan),
        });
        segmentBegan = now;
        this.#progress(segment);
      },
    });
    const first = reader.segments[0];
    const last = reader.segments.at(-1);
    this.#replay = { min: first?.index ?? 0, max: last?.index ?? 0, current: first?.index ?? 0 };
    await this.#replayAll(reader, replay);
    if (reader.corruption !== undefined) {
      this.#counters.walCorruptions++;
      this.#logger.warn("Encountered WAL read error, attempting repair", { err: reader.corruption });
      const { lostBytes, removedSegments } = repairWal(this.#fs, reader.corruption);
      this.#logger.warn("Successfully repaired WAL", { lost_bytes: lostBytes, removed_segments: removedSegments });
    }
    return this.#now() - began;
  }

  async #replayAll(reader: WalReader, replay: Replay): Promise<void> {
    try {
      while (reader.next()) {
        replay.apply(reader);
        const pause = this.#pause();
        if (pause !== undefined) await pause;
      }
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      reader.corruptionHere(error.message);
    } finally {
      reader.close();
    }
  }

  /** Gives the event loop its turn when it is time for it. */
  #pause(): Promise<void> | undefined {
    if (this.#now() < this.#turnAt) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#turnAt = this.#now() + YIELD_EVERY_MS;
        resolve();
      }),
    );
  }

  #progress(current: number): void {
    this.#replay = { ...this.#replay, current };
    this.#options.onReplay?.(this.#replay);
  }

  #reportReplay(replay: Replay): void {
    const { unknown, skippedRecords } = replay;
    const { series, samples, histograms, exemplars, metadata } = unknown;
    if (samples + histograms + exemplars + metadata > 0) {
      this.#logger.warn("Unknown series references", { series, samples, histograms, exemplars, metadata });
    }
    for (const [type, count] of skippedRecords) {
      this.#logger.warn("WAL records of a kind that the head does not keep were left out", { type, count });
    }
  }

  /** Begins a compaction that nobody waits for. */
  #compactAside(): void {
    this.#counters.compactionsTriggered++;
    this.compact().catch((error: unknown) => {
      this.#mayCompact = false;
      if (!this.#closed) this.#logger.error("compaction failed", { err: error });
    });
  }

  /** Runs `work` when everything that changes blocks and was asked for earlier has ended. */
  #exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#changes.then(() => {
      this.#assertOpen();
      return work();
    });
    this.#changes = run.catch(() => {});
    return run;
  }

  #run(job: HeadJob): Promise<void> {
    return this.#jobs.run(job);
  }

  /** Whether the head spans so much that its oldest range should go, and has waited long enough for it. */
  #isHeadDue(): boolean {
    const range = this.#ranges[0] as number;
    if (!(this.head.maxTime - this.head.minTime > range * 1.5)) {
      this.#delayedSince = undefined;
      return false;
    }
    if (this.#compactionDelayMs === 0) return true;
    this.#delayedSince ??= this.#now();
    return this.#now() - this.#delayedSince >= this.#compactionDelayMs;
  }

  async #compactAll(): Promise<void> {
    while (!this.#closed && this.#isHeadDue()) {
      await this.#compactHead();
      this.#isLateDue = true;
    }
    if (!this.#closed && this.#isLateDue) await this.#compactLate();
    // Merging can wait when the head grows meanwhile: the next round goes on.
    while (!this.#closed && !this.#isHeadDue()) {
      const plan = this.#plan();
      if (plan.length === 0) return;
      const ids = new Set(plan.map((meta) => meta.ulid));
      if (plan.some(({ minTime }, i) => i > 0 && minTime < (plan[i - 1] as BlockMeta).maxTime)) {
        this.#counters.verticalCompactions++;
      }
      await this.#merge(this.blocks.filter(({ meta }) => ids.has(meta.ulid)).map(({ path }) => path));
    }
  }

  /** The blocks to merge next. */
  #plan(): BlockMeta[] {
    // A block of late samples may reach into times whose other samples are still in the head. Merged with older blocks it would
    // lose its hint, and the next start would take those times for complete: it has to wait.
    const { maxTime } = this.#keeper.list;
    const metas = this.blocks.map(({ meta }) => meta).filter((meta) => meta.maxTime <= maxTime);
    const uploaded = this.#uploaded;
    const candidates = uploaded === undefined ? metas : uploaded.compactable(metas);
    return planCompaction(candidates, this.#ranges, this.#options.mergesOverlaps ?? true);
  }

  /**
   * Whether a block of which everything was deleted must stay for now: the newest one tells a start where the head begins. Without
   * it the log would bring back what was deleted.
   */
  #holdsHeadBack(block: Block): boolean {
    if (block.maxTime !== this.#keeper.list.maxTime) return false;
    const querier = block.querier(block.minTime, block.maxTime);
    const { count } = querier.select([]);
    querier.close();
    return count === 0;
  }

  async #merge(paths: readonly string[]): Promise<void> {
    const began = this.#now();
    const id = ulid(began);
    this.#counters.compactions++;
    this.#counters.populating++;
    try {
      await this.#run({ kind: "merge", paths, ulid: id, segmentBytes: this.#options.blockSegmentBytes });
    } catch (error) {
      this.#counters.compactionFailures++;
      // Those that failed are marked now.
      if (!this.#closed) this.#keeper.list.refresh();
      throw error;
    } finally {
      this.#counters.populating--;
    }
    if (this.#closed) return;
    this.#reload();
    this.#logger.info("compact blocks", {
      count: paths.length,
      ulid: id,
      sources: paths.map((path) => baseName(path)).join(", "),
      duration: duration(this.#now() - began),
    });
  }

  /** Turns the oldest range of the head into a block and forgets it in the head. */
  async #compactHead(): Promise<void> {
    const range = this.#ranges[0] as number;
    const { head } = this;
    const minTime = Math.floor(head.minTime / range) * range;
    const maxTime = minTime + range;
    // From here on the range gets no more samples.
    head.minValidTime = Math.max(head.minValidTime, maxTime);
    const began = this.#now();
    const ticket = this.beginRead();
    const id = ulid(began);
    this.#counters.compactions++;
    this.#counters.populating++;
    try {
      const segmentBytes = this.#options.blockSegmentBytes;
      await this.#run({ kind: "block", ulid: id, ticket, minTime, maxTime, segmentBytes });
    } catch (error) {
      this.#counters.compactionFailures++;
      throw error;
    } finally {
      this.#counters.populating--;
      this.endRead(ticket);
    }
    if (this.#closed) return;
    this.#logger.info("write block", {
      mint: minTime,
      maxt: maxTime,
      ulid: id,
      duration: duration(this.#now() - began),
    });
    this.#reload();
    await this.truncateHead(maxTime);
  }

  /** Turns the out-of-order samples of this moment into blocks, one per range, and forgets them in the head. */
  async #compactLate(): Promise<void> {
    const { head } = this;
    if (!head.outOfOrder.isEmpty(head.table.highIndex)) {
      // Later samples are logged from here on, and carry a later epoch than the ticket's.
      const segment = this.#lateLog.cut();
      const began = this.#now();
      const ticket = this.beginRead();
      this.#counters.compactions++;
      try {
        const segmentBytes = this.#options.blockSegmentBytes;
        const rangeMs = this.#ranges[0] as number;
        await this.#run({ kind: "late-blocks", ticket, rangeMs, now: began, segmentBytes });
      } catch (error) {
        this.#counters.compactionFailures++;
        throw error;
      } finally {
        this.endRead(ticket);
      }
      if (this.#closed) return;
      this.#reload();
      await this.#earlierReaders();
      if (this.#closed) return;
      head.outOfOrder.forget(head.table.highIndex, ticket.snapshot.epoch);
      this.#logger.info("out-of-order head compacted", { duration: duration(this.#now() - began) });
      await this.truncateHead(head.minValidTime, false);
      this.#counters.wblTruncations++;
      this.#lateLog.truncate(segment);
    }
    this.#isLateDue = false;
  }

  /** The log first, then what queries see. */
  #deleteFromHead(minTime: number, maxTime: number, matchers: readonly Matcher[]): void {
    const { head } = this;
    const wal = this.#wal as WalWriter;
    const snapshot = head.snapshots.take(head.table.lastRef);
    const stones = stonesFor(this.#view, snapshot, minTime, maxTime, matchers, (record) => head.table.refOf(record));
    head.snapshots.release(snapshot);
    if (stones.length === 0) return;
    const record = new ByteWriter(1024);
    try {
      for (let from = 0; from < stones.length; from += STONES_PER_RECORD) {
        record.clear();
        encodeTombstones(record, stones.slice(from, from + STONES_PER_RECORD));
        wal.log(record.bytes, record.length);
      }
      wal.flush();
    } catch (error) {
      wal.discard();
      throw error;
    }
    head.deletions = head.deletions.with(stones);
  }

  /** Returns when no snapshot is older than this moment. */
  async #earlierReaders(): Promise<void> {
    const { snapshots } = this.head;
    const moment = snapshots.take(this.head.table.lastRef);
    snapshots.release(moment);
    const giveUpAt = this.#now() + READER_PATIENCE_MS;
    while (!this.#closed && snapshots.liveCount > 0 && ((snapshots.oldest - moment.epoch) | 0) < 0) {
      if (this.#now() > giveUpAt) snapshots.expireOldest();
      else await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Replaces the older two thirds of the log by a checkpoint. Failures leave the log as it is. */
  async #checkpoint(minTime: number): Promise<void> {
    const wal = this.#wal;
    if (wal === undefined) return;
    const directory = this.#path(WAL_DIRECTORY);
    wal.cutSegment();
    const range = checkpointRange(this.#fs, directory);
    if (range === undefined) return;
    const began = this.#now();
    this.#counters.walTruncations++;
    this.#counters.checkpoints++;
    try {
      const compression = this.#options.walCompression ?? "snappy";
      const { aliases } = this.head;
      const job = { kind: "checkpoint", ...range, minTime, aliases, compression } as const;
      await this.#run(job);
      if (this.#closed) return;
      wal.truncate(range.to + 1);
      this.#counters.checkpointDeletions++;
      removeCheckpoints(this.#fs, directory, range.to);
    } catch (error) {
      this.#counters.checkpointFailures++;
      this.#counters.walTruncationFailures++;
      this.#logger.error("Creating a checkpoint failed; the log is kept", { err: error });
    }
    this.#durations?.walTruncate.observe((this.#now() - began) / 1000);
  }

  #path(name: string): string {
    return joinPath(this.directory, name);
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error("database is closed");
  }
}

function duration(milliseconds: number): string {
  return `${milliseconds}ms`;
}
