// Which blocks to merge next, and which to delete: decisions from meta.json alone, as the reference makes them.
import { type BlockMeta, FROM_SELECTED_SERIES, FROM_STALE_SERIES, partOfHead } from "./meta.ts";

/** Time ranges of the levels: the smallest, times three each, none above `maxRange` (milliseconds). */
export function compactionRanges(minRange: number, maxRange: number, levels = 10): number[] {
  const ranges: number[] = [];
  for (let range = minRange, i = 0; i < levels && (i === 0 || range <= maxRange); range *= 3, i++) ranges.push(range);
  return ranges;
}

/** Share of series with deletions from which a large block is written anew. */
const TOMBSTONE_SHARE = 0.05;

/**
 * The blocks to compact together, none when there is nothing to do. `ranges` as of `compactionRanges`.
 *
 * First blocks that overlap (unless those are somebody else's business); then, leaving out the newest block (so that there is time to copy it), groups inside an
 * aligned window of the next level, if they fill it or lie before the newest of the rest; then a single block with
 * many deletions. Blocks of some series of the head are planned by themselves, after all others.
 */
export function planCompaction(
  blocks: readonly BlockMeta[],
  ranges: readonly number[],
  mergesOverlaps = true,
): BlockMeta[] {
  // Those of some series would lose their hint among others, and the next start would take their times for complete.
  for (const part of [undefined, FROM_STALE_SERIES, FROM_SELECTED_SERIES]) {
    const plan = planOfOneKind(
      blocks.filter((block) => partOfHead(block) === part),
      ranges,
      mergesOverlaps,
    );
    if (plan.length > 0) return plan;
  }
  return [];
}

function planOfOneKind(blocks: readonly BlockMeta[], ranges: readonly number[], mergesOverlaps: boolean): BlockMeta[] {
  const sorted = [...blocks].sort((a, b) => a.minTime - b.minTime);
  const overlapping = mergesOverlaps ? overlappingBlocks(sorted) : [];
  if (overlapping.length > 0) return overlapping;
  sorted.pop();
  const group = fullGroup(sorted, ranges);
  if (group.length > 0) return group;
  const middle = ranges[Math.floor(ranges.length / 2)] ?? 0;
  for (const block of sorted.reverse()) {
    const { numTombstones, numSeries } = block.stats;
    if (block.maxTime - block.minTime < middle) {
      // One that is deleted as a whole goes, however small.
      if (numTombstones > 0 && numTombstones >= numSeries) return [block];
      break;
    }
    if (numTombstones / (numSeries + 1) > TOMBSTONE_SHARE) return [block];
  }
  return [];
}

/** The first run of blocks whose times overlap; `sorted` ascends by `minTime`. Blocks that failed stay out. */
export function overlappingBlocks(sorted: readonly BlockMeta[]): BlockMeta[] {
  const run: BlockMeta[] = [];
  let reached = Number.NEGATIVE_INFINITY;
  let previous: BlockMeta | undefined;
  for (const block of sorted) {
    if (previous !== undefined && block.minTime < reached) {
      if (run.length === 0) run.push(previous);
      run.push(block);
    } else if (run.length > 0) break;
    reached = Math.max(reached, block.maxTime);
    previous = block;
  }
  return run.some(({ compaction }) => compaction.failed) ? [] : run;
}

function fullGroup(sorted: readonly BlockMeta[], ranges: readonly number[]): BlockMeta[] {
  const newest = sorted.at(-1);
  if (newest === undefined) return [];
  for (const range of ranges.slice(1)) {
    for (const group of groupsByWindow(sorted, range)) {
      if (group.length < 2 || group.some(({ compaction }) => compaction.failed)) continue;
      const minTime = (group[0] as BlockMeta).minTime;
      const maxTime = (group.at(-1) as BlockMeta).maxTime;
      if (maxTime - minTime === range || maxTime <= newest.minTime) return group;
    }
  }
  return [];
}

/** Blocks that lie as a whole in one window of this size, windows beginning at its multiples. */
function groupsByWindow(sorted: readonly BlockMeta[], range: number): BlockMeta[][] {
  const groups: BlockMeta[][] = [];
  let windowEnd = Number.NEGATIVE_INFINITY;
  for (const block of sorted) {
    if (block.maxTime > windowEnd) {
      windowEnd = (Math.floor(block.minTime / range) + 1) * range;
      if (block.maxTime > windowEnd) {
        windowEnd = Number.NEGATIVE_INFINITY;
        continue;
      }
      groups.push([]);
    }
    (groups.at(-1) as BlockMeta[]).push(block);
  }
  return groups;
}

export interface RetentionLimits {
  /** How far blocks may lie behind the newest one (milliseconds); 0 for no limit. */
  readonly retentionMs: number;
  /** How many bytes head and blocks may take in all; 0 for no limit. */
  readonly maxBytes: number;
  /** Bytes of the head's files: WAL, mapped chunks, out-of-order log. */
  readonly headBytes: number;
}

/** Why a block goes. */
export type DeletionReason = "time" | "size" | "compacted";

/**
 * The blocks that are to be deleted, with the reason: those that went into others or are marked, then the oldest
 * beyond the limits. `bytesOf` tells a block's size.
 */
export function planDeletion(
  blocks: readonly BlockMeta[],
  limits: RetentionLimits,
  bytesOf: (block: BlockMeta) => number,
): Map<string, DeletionReason> {
  const deletions = new Map<string, DeletionReason>();
  const present = new Set(blocks.map(({ ulid }) => ulid));
  for (const { ulid, compaction } of blocks) {
    if (compaction.deletable) deletions.set(ulid, "compacted");
    for (const parent of compaction.parents) if (present.has(parent.ulid)) deletions.set(parent.ulid, "compacted");
  }
  const newestFirst = blocks.filter(({ ulid }) => !deletions.has(ulid)).sort((a, b) => b.maxTime - a.maxTime);
  const newest = newestFirst[0];
  if (newest === undefined) return deletions;
  let bytes = limits.headBytes;
  let full = false;
  for (const block of newestFirst) {
    bytes += bytesOf(block);
    full ||= limits.maxBytes > 0 && bytes > limits.maxBytes;
    if (limits.retentionMs > 0 && newest.maxTime - block.maxTime >= limits.retentionMs) {
      deletions.set(block.ulid, "time");
    } else if (full) deletions.set(block.ulid, "size");
  }
  return deletions;
}
