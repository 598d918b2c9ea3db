// The series record: 64 bytes that an append touches, laid out in 32-bit words.

/** Offsets in 32-bit words from the record's start; those of 64-bit floats are even. */
export const Rec = {
  /** Time of the newest sample (64-bit float); -Infinity before the first. */
  lastTime: 0,
  /** Value of the newest sample, low and high half. */
  lastLow: 2,
  lastHigh: 3,
  /** The chunk is cut at the first sample at or after this time (64-bit float). */
  nextCut: 4,
  /** `nextCut` minus the time of the chunk's first sample. */
  cutAhead: 6,
  /** Plain floats: distance of the last two times of the chunk. All other forms: finished words. */
  delta: 7,
  /**
   * Plain floats: sample count (8 bits), leading zeros (5), trailing zeros (6), bits in the unfinished word (5), finished words (8).
   * All other forms: 1 (8 bits), the chunk's first two bytes (11 lower bits), bits in the unfinished word (5), the two bytes' upper
   * bits (5). Those bytes are the sample count; of histograms with start timestamps two bits of counter resets stand above it.
   */
  packed: 8,
  /** The unfinished 32-bit word, its bits from the top. */
  unfinished: 9,
  firstSlot: 10,
  currentSlot: 11,
  /** Newest finished chunk. */
  finished: 12,
  /** Epoch of the last append. */
  epoch: 13,
  /** Newest undo entry. */
  undo: 14,
  /**
   * Kind of the newest chunk's samples (2 bits), whether its encoding has room for start timestamps (1); above them, where in a
   * transaction the series' newest pending sample stands.
   */
  kind: 15,
} as const;

/** No window of significant bits was set yet: 31 leading and 63 trailing zeros leave none. */
export const NO_WINDOW: number = (31 << 8) | (63 << 13);
export const COUNT_MASK = 0xff;
export const LEADING_SHIFT = 8;
export const TRAILING_SHIFT = 13;
export const BITS_SHIFT = 19;
export const WORDS_SHIFT = 24;

/** Position of the pending sample in `Rec.kind`. It may be out of date: check that the series of that sample is this one. */
export const PENDING_SHIFT = 3;
export const KIND_MASK = 3;

/** What `Rec.kind` says in its lowest bits. */
export const Kind = { float: 0, histogram: 1, floatHistogram: 2 } as const;
/** Beside the kind: the chunk has room for start timestamps. Both together are the chunk's form. */
export const STARTS = 4;
export const FORM_MASK = 7;

/** The encoding byte of chunks of a form: 1, 2, 3, and 4, 5, 6 with room for start timestamps. */
export function encodingOf(form: number): number {
  return form < STARTS ? form + 1 : form;
}

/** The form of a chunk with this encoding byte; what nobody knows counts as plain floats. */
export function formOf(encoding: number): number {
  return encoding >= 1 && encoding <= 3 ? encoding - 1 : encoding >= 4 && encoding <= 6 ? encoding : Kind.float;
}

/** The first two bytes of the open chunk, by the words of a series record whose open chunk is not empty. */
export function openCount(form: number, packed: number): number {
  return form === Kind.float ? packed & COUNT_MASK : ((packed >>> 8) & 0x7ff) | ((packed >>> 24) << 11);
}

/** `Rec.packed` of an open chunk that is not of plain floats. Its lowest byte sends floats the careful way. */
export function packOpen(count: number, bits: number): number {
  return (1 | ((count & 0x7ff) << 8) | (bits << BITS_SHIFT) | ((count >>> 11) << 24)) >>> 0;
}

/** Finished words of the open chunk. */
export function openWords(form: number, packed: number, delta: number): number {
  return form === Kind.float ? packed >>> WORDS_SHIFT : delta;
}

/** Cold record: what an append does not need; `outOfOrder` is the address of late samples (0: none). Word offsets. */
export const Cold = { ref: 0, labels: 1, hash: 2, flags: 3, minTime: 4, outOfOrder: 6 } as const;

/** Flag of a cold record: the series was removed and waits to be freed. */
export const REMOVED = 1;
/** Above the flags (8 bits) a cold record has the number of the series' metadata; 0 means none. */
export const FLAGS_MASK = 0xff;
export const METADATA_SHIFT = 8;

/**
 * A finished chunk: minTime and maxTime (64-bit floats), next older chunk, sample count with encoding and place, and two words of
 * address: file number and offset on disk, or first slot and data bytes in memory. Word offsets.
 */
export const Fin = { minTime: 0, maxTime: 2, older: 4, info: 5, file: 6, offset: 7 } as const;
/** In `Fin.info`: the chunk still stands in slots. */
export const IN_SLOTS = 0x8000_0000;
export const FIN_COUNT_MASK = 0xffff;
export const FIN_ENCODING_SHIFT = 16;
