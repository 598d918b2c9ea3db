// What a database is told when it is opened, and what it tells about itself.

import type { Registry } from "@narthex/client";
import type { Retention } from "./block-keeper.ts";
import type { FloatEncoding } from "./chunk/float-encoding.ts";
import type { FileSystem } from "./fs/file-system.ts";
import type { Logger } from "./logger.ts";
import type { ReplayThread } from "./replay/replay-thread.ts";
import type { Compression } from "./wal/format.ts";

export const DEFAULT_BLOCK_RANGE_MS: number = 2 * 60 * 60 * 1000;
export const DEFAULT_MAX_BLOCK_RANGE_MS: number = 31 * 24 * 60 * 60 * 1000;
export const NO_RETENTION: Retention = { timeMs: 0, sizeBytes: 0, percentage: 0 };

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
  /** See `Db.staleSeriesThreshold`; 0 unless told. */
  readonly staleSeriesThreshold?: number;
  /** Numbers in [0, 1) for delays; `Math.random` unless told. */
  readonly random?: () => number;
  /** How much older than the newest sample a sample may be to be taken out of order; 0 (none) unless told. Milliseconds. */
  readonly outOfOrderWindowMs?: number;
  /** Whether closing writes the open chunks down, and a start reads them instead of the log before; no, unless told. */
  readonly snapshotsChunks?: boolean;
  readonly walSegmentBytes?: number;
  readonly walCompression?: Compression;
  /** Exemplars kept at most, the newest; none unless told. See `Db.setMaxExemplars`. */
  readonly maxExemplars?: number;
  /** How new chunks of floats are written; `xor` unless told. See `Db.setFloatEncoding`. */
  readonly floatEncoding?: FloatEncoding;
  /** Whether the logs are written with start timestamps; no, unless told. Needs `xor2`. */
  readonly logsStartTimes?: boolean;
  /** Whether new chunks of histograms have room for start timestamps; no, unless told. */
  readonly histogramStartTimes?: boolean;
  /** Shared memory to reserve (not to use): a power of two, 4 GiB unless told or refused. */
  readonly memoryBytes?: number;
  /** Whether the directory is locked against other processes; yes, unless it lies on a file system of a test. */
  readonly lockFile?: boolean;
  /** How often full chunks are written out beside commits; 0 means never (call `maintain`). */
  readonly maintenanceIntervalMs?: number;
  /** A second thread reads a log of at least so many bytes ahead for its replay; 8 MiB unless told. */
  readonly secondThreadFromBytes?: number;
  /** That thread, when somebody started it ahead (`ReplayThread.forDatabase`). The database uses it or ends it. */
  readonly replayThread?: ReplayThread | undefined;
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
