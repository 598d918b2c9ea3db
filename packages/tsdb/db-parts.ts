// What the rooms of a database share: its head, its files, its counters. `Db` makes it, and nobody outside sees it.
import type { Block } from "./block/block.ts";
import { BlockKeeper, headFileBytes } from "./block-keeper.ts";
import { checkFloatEncoding, type FloatEncoding } from "./chunk/float-encoding.ts";
import { HeadChunkReader, type HeadChunkWriter } from "./chunk/head-chunks.ts";
import { ChunkSnapshots } from "./chunk-snapshots.ts";
import { DbCounters, type DbDurations } from "./db-metrics.ts";
import { type DbOptions, DEFAULT_BLOCK_RANGE_MS, NO_RETENTION } from "./db-options.ts";
import { type FileSystem, joinPath } from "./fs/file-system.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { ChunkFileSource } from "./head/chunk-files.ts";
import { Head } from "./head/head.ts";
import { HeadView } from "./head/head-view.ts";
import { JobRunner } from "./head-compaction.ts";
import { type Logger, silentLogger } from "./logger.ts";
import { OutOfOrderLog } from "./out-of-order-log.ts";
import { ReadTickets } from "./read-tickets.ts";
import { HEAD_CHUNKS_DIRECTORY } from "./share.ts";
import { Turns } from "./turns.ts";
import { usedCompression } from "./wal/compression.ts";
import type { Compression } from "./wal/format.ts";
import type { WalWriter, WalWriterOptions } from "./wal/wal-writer.ts";

/** During replay the event loop gets its turn about so often. */
const TURN_EVERY_MS = 50;

/** One per database. What is undefined at first comes with the start. */
export class DbParts {
  readonly options: DbOptions;
  readonly directory: string;
  readonly fs: FileSystem;
  readonly logger: Logger;
  readonly counters: DbCounters = new DbCounters();
  readonly head: Head;
  readonly view: HeadView;
  readonly chunkReader: HeadChunkReader;
  readonly keeper: BlockKeeper;
  readonly readers: ReadTickets;
  readonly jobs: JobRunner;
  readonly lateLog: OutOfOrderLog;
  readonly chunkSnapshots: ChunkSnapshots;
  readonly turns: Turns;
  /** How chunks of floats are written at present. */
  floatEncoding: FloatEncoding;
  durations: DbDurations | undefined;
  wal: WalWriter | undefined;
  chunkWriter: HeadChunkWriter | undefined;
  /** Long work looks at it after each wait, and leaves off. */
  closed = false;
  /** What changes blocks runs one after the other: compaction, deletion, snapshots. */
  #changes: Promise<unknown> = Promise.resolve();

  constructor(options: DbOptions) {
    this.options = options;
    this.directory = options.directory;
    this.fs = options.fs ?? new NodeFs();
    this.logger = options.logger ?? silentLogger;
    this.keeper = new BlockKeeper({
      fs: this.fs,
      directory: this.directory,
      logger: this.logger,
      counters: this.counters,
      retention: options.retention ?? NO_RETENTION,
      headBytes: () => headFileBytes(this.fs, this.directory),
      whenUnread: () => this.readers.earlierEnded(),
      remove: (paths) => this.jobs.run({ kind: "remove", paths }),
    });
    this.chunkReader = new HeadChunkReader(this.fs, this.path(HEAD_CHUNKS_DIRECTORY));
    this.floatEncoding = checkFloatEncoding(options.floatEncoding ?? "xor", options);
    this.head = new Head({
      floatEncoding: this.floatEncoding,
      logsStartTimes: options.logsStartTimes ?? false,
      histogramStartTimes: options.histogramStartTimes ?? false,
      chunkRangeMs: options.blockRangeMs ?? DEFAULT_BLOCK_RANGE_MS,
      ...(options.memoryBytes === undefined ? {} : { memoryBytes: options.memoryBytes }),
      memory: options.replayThread?.memory,
      ...(options.maxExemplars === undefined ? {} : { maxExemplars: options.maxExemplars }),
      onChunkError: (error) =>
        this.logger.error("Writing full head chunks failed; they stay in memory", { err: error }),
    });
    this.view = new HeadView(this.head.memory, new ChunkFileSource(this.chunkReader), this.head.symbols);
    this.readers = new ReadTickets({
      head: this.head,
      blockPaths: () => this.blocks.map(({ path }) => path),
      now: () => this.now(),
      isClosed: () => this.closed,
    });
    const { memory, layout } = this.head.memory;
    this.jobs = new JobRunner(this.fs, { directory: this.directory, memory, layout }, this.view);
    this.chunkSnapshots = new ChunkSnapshots(this);
    this.turns = new Turns(TURN_EVERY_MS, () => this.now());
    this.lateLog = new OutOfOrderLog({
      fs: this.fs,
      directory: this.directory,
      logger: this.logger,
      writer: this.logOptions((seconds) => this.durations?.wblFsync.observe(seconds)),
      onCorruption: () => {
        this.counters.walCorruptions++;
      },
      onUnknown: (series, samples, markers) => {
        Object.assign(this.counters.wblUnknown, { series, samples, mmap_markers: markers });
      },
      pause: () => this.turns.pause(),
    });
  }

  /** The open blocks, in the order of their times. */
  get blocks(): readonly Block[] {
    return this.keeper.list.blocks;
  }

  /** How logs are compressed, whatever was asked for. */
  get compression(): Compression {
    return usedCompression(this.options.walCompression ?? "snappy");
  }

  /** How a log of this database is written. */
  logOptions(onSync: (seconds: number) => void): WalWriterOptions {
    return {
      ...(this.options.walSegmentBytes === undefined ? {} : { segmentBytes: this.options.walSegmentBytes }),
      compression: this.compression,
      kernels: this.head.kernels,
      now: () => this.now(),
      onSync,
      onSyncError: (error) => this.logger.error("Syncing a WAL segment failed", { err: error }),
    };
  }

  /** Looks for blocks that came or went; counted. `setAside` as in `BlockKeeper.reload`. */
  reload(setAside = false): void {
    this.counters.reloads++;
    try {
      this.keeper.reload(setAside);
    } catch (error) {
      this.counters.reloadFailures++;
      throw error;
    }
  }

  /**
   * From which time on the head's deletions must be kept: what is older lies in blocks, for the next start as well, and is no late
   * sample. Where all of a range was deleted there is no block, and the log or a chunk file would bring it back.
   */
  get deletionsFrom(): number {
    return Math.min(this.keeper.list.maxTime, this.head.outOfOrder.chunks.minTime);
  }

  /** Runs `work` when everything that changes blocks and was asked for earlier has ended. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#changes.then(() => {
      this.assertOpen();
      return work();
    });
    this.#changes = run.catch(() => {});
    return run;
  }

  /** A path in the data directory. */
  path(name: string): string {
    return joinPath(this.directory, name);
  }

  /** Wall clock in milliseconds. */
  now(): number {
    return (this.options.now ?? Date.now)();
  }

  assertOpen(): void {
    if (this.closed) throw new Error("database is closed");
  }
}

/** How a duration in milliseconds is logged. */
export function duration(milliseconds: number): string {
  return `${milliseconds}ms`;
}
