// From flags and configuration to the open storage.
import type { Registry } from "@narthex/client";
import type { Logger } from "@narthex/toolkit";
import {
  Db,
  type FloatEncoding,
  IncompatibleEncodingError,
  type ReplayProgress,
  type ReplayThread,
} from "@narthex/tsdb";
import type { Config } from "./config/index.ts";
import { maxExemplars } from "./loaded-config.ts";
import type { ServerSettings } from "./settings.ts";

/** What the storage is opened with. */
export interface OpenDbOptions {
  readonly settings: ServerSettings;
  readonly config: Config;
  /** See `startEncoding`. */
  readonly floatEncoding: FloatEncoding;
  readonly logger: Logger;
  readonly registry: Registry;
  /** Started already, where a long log waits to be replayed. */
  readonly replayThread: ReplayThread | undefined;
  readonly onReplay: (progress: ReplayProgress) => void;
}

/** Rejects with one clear sentence. */
export async function openDb(options: OpenDbOptions): Promise<Db> {
  const { settings, config, floatEncoding, logger, registry, replayThread, onReplay } = options;
  const { features } = settings;
  const { retention } = config.storage.tsdb;
  return Db.open({
    directory: settings.storagePath,
    logger: logger.with({ component: "tsdb" }),
    registry,
    lockFile: !settings.noLockfile,
    blockRangeMs: settings.minBlockDurationMs,
    maxBlockRangeMs: maxBlockRange(settings, retention.timeMs),
    ...(settings.maxBlockSegmentBytes > 0 ? { blockSegmentBytes: settings.maxBlockSegmentBytes } : {}),
    retention,
    mergesOverlaps: settings.mergesOverlappingBlocks,
    ...(settings.uploadedBlocksFile === "" ? {} : { uploadedBlocksFile: settings.uploadedBlocksFile }),
    compactionDelayPercent: features.has("delayed-compaction") ? settings.compactionDelayPercent : 0,
    ...(features.has("exemplar-storage") ? { maxExemplars: maxExemplars(config) } : {}),
    snapshotsChunks: features.has("memory-snapshot-on-shutdown"),
    floatEncoding,
    logsStartTimes: features.has("st-storage"),
    histogramStartTimes: features.has("histograms-st-encoding"),
    walSegmentBytes: settings.walSegmentBytes,
    walCompression: settings.walCompression,
    replayThread,
    onReplay,
  }).catch((error: unknown) => {
    if (!(error instanceof IncompatibleEncodingError)) throw error;
    throw new Error(`opening storage failed: ${error.message}`, { cause: error });
  });
}

/** How floats are encoded; fixed at the start: later configurations that do not say how mean this. */
export function startEncoding(config: Config, { features }: ServerSettings): FloatEncoding {
  return floatEncoding(config, features.has("xor2-encoding") ? "xor2" : "xor");
}

/** How new chunks of floats are encoded; the field is "" where it is left out. */
export function floatEncoding({ storage }: Config, otherwise: FloatEncoding): FloatEncoding {
  return storage.tsdb.floatChunkEncoding || otherwise;
}

const MONTH_MS = 31 * 24 * 60 * 60 * 1000;

/** The largest block's range (milliseconds): a tenth of the retention time, as long as a month at most, unless a flag says it. */
function maxBlockRange(settings: ServerSettings, retentionMs: number): number {
  if (settings.maxBlockDurationMs > 0) return settings.maxBlockDurationMs;
  const share = retentionMs > 0 ? Math.min(MONTH_MS, Math.floor(retentionMs / 10)) : MONTH_MS;
  return Math.max(share, settings.minBlockDurationMs);
}
