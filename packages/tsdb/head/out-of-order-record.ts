// How a series' out-of-order samples lie in the label arena, in 32-bit words; addresses are indices into it.
//
// The newest up to 32 samples stand in one open block, sorted by time, each with the epoch of its commit, so that a snapshot
// tells which of them it sees. Full blocks become chunks on disk; of each a cell stays in memory.

/** Samples of an open block at most; as many as the reference keeps. */
export const BLOCK_SAMPLES = 32;

/**
 * An open block: sample count, room for samples, the series' newest cell, whether there are start timestamps (1). Behind these the
 * times (64-bit floats), then the values (low half first), then the epochs, then the start timestamps if there are any (64-bit floats, 0
 * where unknown); each part has room for all samples, which are a multiple of four. Word offsets.
 */
export const Late = { count: 0, capacity: 1, newestCell: 2, hasStarts: 3, samples: 4 } as const;

/** Words of an open block with room for `capacity` samples. */
export function blockWords(capacity: number, hasStarts: boolean): number {
  return Late.samples + capacity * (hasStarts ? 7 : 5);
}

/** Where, counted in 64-bit floats from a block's beginning, its start timestamps are. */
export function startsAt(capacity: number): number {
  return (Late.samples + capacity * 5) / 2;
}

/**
 * A full block: first and last time (64-bit floats), the cell before it, encoding and sample count as in `Fin.info`, file number and
 * offset of the chunk, the block itself as long as somebody may need it (0: nobody), and the newest epoch of its samples. Snapshots from
 * before that epoch, and all when `file` is 0, read the block; others read the chunk. Word offsets.
 */
export const Cell = {
  minTime: 0,
  maxTime: 2,
  older: 4,
  info: 5,
  file: 6,
  offset: 7,
  block: 8,
  epoch: 9,
} as const;
export const CELL_WORDS = 12;
