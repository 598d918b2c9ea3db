// `meta.json`: what a block says about itself.
import { type FileSystem, joinPath, readWholeFile, writeFileAtomically } from "../fs/file-system.ts";

/** The file's name inside a block. */
export const META_FILE = "meta.json";
const MAX_FILE_BYTES = 64 * 1024 * 1024;

export interface BlockStats {
  readonly numSamples: number;
  readonly numFloatSamples: number;
  readonly numHistogramSamples: number;
  readonly numSeries: number;
  readonly numChunks: number;
  readonly numTombstones: number;
}

/** A block that went into another one. */
export interface BlockParent {
  readonly ulid: string;
  readonly minTime: number;
  readonly maxTime: number;
}

export interface BlockCompaction {
  readonly level: number;
  /** The blocks of level 1 that this one's samples came from, sorted. */
  readonly sources: readonly string[];
  /** Its samples all stand elsewhere: it may go. */
  readonly deletable: boolean;
  readonly parents: readonly BlockParent[];
  /** Compacting it failed: it is left out from now on. */
  readonly failed: boolean;
  readonly hints: readonly string[];
}

/** Hints: all samples came late; the block holds some series of the head only, ended ones or chosen ones. */
export const FROM_OUT_OF_ORDER = "from-out-of-order";
export const FROM_STALE_SERIES = "from-stale-series";
export const FROM_SELECTED_SERIES = "from-selected-series";

/** Which series of the head a block has: the hint that says so, undefined for all of them. */
export function partOfHead({ compaction }: BlockMeta): string | undefined {
  return [FROM_STALE_SERIES, FROM_SELECTED_SERIES].find((hint) => compaction.hints.includes(hint));
}

/** Whether a block says that the head is done with its times: not one of late samples, nor of some series. */
export function isHeadRange(meta: BlockMeta): boolean {
  return !meta.compaction.hints.includes(FROM_OUT_OF_ORDER) && partOfHead(meta) === undefined;
}

/** `minTime` is the first time that may be in the block, `maxTime` the first that is not (milliseconds). */
export interface BlockMeta {
  readonly ulid: string;
  readonly minTime: number;
  readonly maxTime: number;
  readonly stats: BlockStats;
  readonly compaction: BlockCompaction;
  /** The whole object as it was read, so that fields of other programs survive a rewrite. */
  readonly raw: Readonly<Record<string, unknown>>;
}

/** A meta.json that cannot be used. */
export class BlockMetaError extends Error {
  override readonly name = "BlockMetaError";
  readonly code = "block_meta_invalid";
}

type Raw = Readonly<Record<string, unknown>>;

/** Reads what a meta.json holds. Throws `BlockMetaError`. */
export function parseBlockMeta(text: string): BlockMeta {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new BlockMetaError(`meta.json: ${(error as Error).message}`, { cause: error });
  }
  const raw = objectOf(parsed, "meta.json");
  // Version 2 was written for a while in 2017 and means the same.
  if (raw["version"] !== 1 && raw["version"] !== 2) {
    throw new BlockMetaError(`meta.json: unexpected version ${JSON.stringify(raw["version"])}`);
  }
  const ulid = textOf(raw, "ulid");
  if (!/^[0-9A-HJKMNP-TV-Za-hjkmnp-tv-z]{26}$/.test(ulid)) throw new BlockMetaError("meta.json: ulid is none");
  const stats = objectOf(raw["stats"] ?? {}, "stats");
  const compaction = objectOf(raw["compaction"] ?? {}, "compaction");
  const minTime = numberOf(raw, "minTime");
  const maxTime = numberOf(raw, "maxTime");
  return {
    ulid,
    minTime,
    maxTime,
    stats: {
      numSamples: numberOf(stats, "numSamples"),
      numFloatSamples: numberOf(stats, "numFloatSamples"),
      numHistogramSamples: numberOf(stats, "numHistogramSamples"),
      numSeries: numberOf(stats, "numSeries"),
      numChunks: numberOf(stats, "numChunks"),
      numTombstones: numberOf(stats, "numTombstones"),
    },
    compaction: {
      level: numberOf(compaction, "level"),
      sources: arrayOf(compaction, "sources").map((source) => String(source)),
      deletable: compaction["deletable"] === true,
      parents: arrayOf(compaction, "parents").map((entry) => {
        const parent = objectOf(entry, "parents");
        return {
          ulid: textOf(parent, "ulid"),
          minTime: numberOf(parent, "minTime"),
          maxTime: numberOf(parent, "maxTime"),
        };
      }),
      failed: compaction["failed"] === true,
      hints: arrayOf(compaction, "hints").map((hint) => String(hint)),
    },
    raw,
  };
}

/** The text of a meta.json, as the reference writes it: tabs, and no fields that are zero; unknown fields are kept. */
export function formatBlockMeta(meta: BlockMeta): string {
  const { stats, compaction, raw } = meta;
  const { ulid: _u, minTime: _a, maxTime: _b, stats: rawStats, compaction: rawCompaction, version: _v, ...rest } = raw;
  const object = {
    ulid: meta.ulid,
    minTime: meta.minTime,
    maxTime: meta.maxTime,
    stats: {
      ...unknownOf(rawStats, stats),
      ...nonZero({ ...stats }),
    },
    compaction: {
      ...unknownOf(rawCompaction, compaction),
      level: compaction.level,
      ...nonZero({
        sources: compaction.sources,
        deletable: compaction.deletable,
        parents: compaction.parents,
        failed: compaction.failed,
        hints: compaction.hints,
      }),
    },
    version: 1,
    ...rest,
  };
  return JSON.stringify(object, undefined, "\t");
}

function unknownOf(raw: unknown, known: object): Record<string, unknown> {
  if (typeof raw !== "object" || raw === null) return {};
  return Object.fromEntries(Object.entries(raw).filter(([name]) => !Object.hasOwn(known, name)));
}

function nonZero(object: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(object).filter(
      ([, value]) => value !== 0 && value !== false && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

function objectOf(value: unknown, what: string): Raw {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new BlockMetaError(`meta.json: ${what} is no object`);
  }
  return value as Raw;
}

function textOf(object: Raw, name: string): string {
  const value = object[name];
  if (typeof value !== "string") throw new BlockMetaError(`meta.json: ${name} is no text`);
  return value;
}

function numberOf(object: Raw, name: string): number {
  const value = object[name] ?? 0;
  if (typeof value !== "number" || !Number.isFinite(value)) throw new BlockMetaError(`meta.json: ${name} is no number`);
  return value;
}

function arrayOf(object: Raw, name: string): readonly unknown[] {
  const value = object[name] ?? [];
  if (!Array.isArray(value)) throw new BlockMetaError(`meta.json: ${name} is no list`);
  return value;
}

/** Reads a block's meta.json. Throws `BlockMetaError`, and disk errors as they come. */
export function readBlockMeta(fs: FileSystem, blockPath: string): BlockMeta {
  return parseBlockMeta(new TextDecoder().decode(readWholeFile(fs, joinPath(blockPath, META_FILE), MAX_FILE_BYTES)));
}

/** Replaces a block's meta.json: after a crash either the old or the new one is there. */
export function writeBlockMeta(fs: FileSystem, blockPath: string, meta: BlockMeta): void {
  writeFileAtomically(fs, joinPath(blockPath, META_FILE), new TextEncoder().encode(formatBlockMeta(meta)));
}
