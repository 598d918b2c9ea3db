// Appending floats to series: what head/sample-writer.ts does, for a run of samples in one call. The layout of a series record
// is that of head/record.ts, of slots and finished chunks that of memory/layout.ts and head/finished-chunks.ts; the bits are the
// reference's XOR chunk.
import {
  APPLIED,
  CELL_POOL,
  COLD,
  CREATED,
  CUT_COUNT,
  CUT_ROOM,
  CUTS,
  FINISHED,
  MAX_TIME,
  MIN_TIME,
  RECORDS,
  SERIES,
  SLOT_POOL,
  SLOTS,
  TIMES,
  VALUES,
} from "./context";

// Word offsets of a series record, in bytes.
export const LAST_TIME: usize = 0;
export const LAST_VALUE: usize = 8;
export const NEXT_CUT: usize = 16;
const CUT_AHEAD: usize = 24;
export const DELTA: usize = 28;
export const PACKED: usize = 32;
export const UNFINISHED: usize = 36;
const FIRST_SLOT: usize = 40;
export const CURRENT_SLOT: usize = 44;
const NEWEST_CELL: usize = 48;
export const EPOCH: usize = 52;
export const KIND: usize = 60;
export const RECORD_SHIFT: usize = 6;
export const COLD_SHIFT: usize = 5;
const COLD_MIN_TIME: usize = 16;

export const NO_WINDOW: u32 = (31 << 8) | (63 << 13);
export const FORM_MASK: u32 = 7;
export const PREDICT_AT: u32 = 30;
export const MAX_SAMPLES: u32 = 240;
export const MAX_BYTES: u32 = 1024 - 19;

// A pool's words (memory/pool.ts).
const POOL_FREE: usize = 0;
export const POOL_FREE_COUNT: usize = 4;
export const POOL_HIGH: usize = 8;
const POOL_CAPACITY: usize = 12;
export const SLOT_SHIFT: usize = 6;
export const SLOT_LINK: usize = 60;
export const SLOT_WORDS: u32 = 15;
/** No sample takes more slots, that of a cut included. */
const SLOTS_AT_ONCE: u32 = 4;

// A finished chunk (head/record.ts), in bytes.
const FIN_SHIFT: usize = 5;
const FIN_MIN_TIME: usize = 0;
const FIN_MAX_TIME: usize = 8;
const FIN_OLDER: usize = 16;
const FIN_INFO: usize = 20;
const FIN_FIRST_SLOT: usize = 24;
const FIN_DATA_BYTES: usize = 28;
const IN_SLOTS: u32 = 0x80000000;
const XOR_ENCODING: u32 = 1 << 16;

/** A cell from a pool whose free cells are linked by the word at `link`, 0 when there is none. */
export function takeCell(pool: usize, cells: usize, shift: usize, link: usize): u32 {
  const free = load<u32>(pool, POOL_FREE);
  if (free !== 0) {
    store<u32>(pool, load<u32>(cells + ((<usize>free) << shift) + link), POOL_FREE);
    store<u32>(pool, load<u32>(pool, POOL_FREE_COUNT) - 1, POOL_FREE_COUNT);
    return free;
  }
  const high = load<u32>(pool, POOL_HIGH);
  if (high >= load<u32>(pool, POOL_CAPACITY)) return 0;
  store<u32>(pool, high + 1, POOL_HIGH);
  return high + 1;
}

/** Whether a pool has `count` cells left. */
export function has(pool: usize, count: u32): bool {
  return (
    load<u32>(pool, POOL_HIGH) + count <= load<u32>(pool, POOL_CAPACITY) || load<u32>(pool, POOL_FREE_COUNT) >= count
  );
}

/** A slot whose link is 0; the caller knows that there is one. */
export function takeSlot(pool: usize, slots: usize): u32 {
  const slot = takeCell(pool, slots, SLOT_SHIFT, SLOT_LINK);
  store<u32>(slots + ((<usize>slot) << SLOT_SHIFT), 0, SLOT_LINK);
  return slot;
}

/** Stores the chunk's word number `index`, in a new slot when the current one is full. */
function storeWord(base: usize, pool: usize, slots: usize, index: u32, word: u32): void {
  const inSlot = index % SLOT_WORDS;
  let slot = load<u32>(base, CURRENT_SLOT);
  if (inSlot === 0 && index !== 0) {
    const next = takeSlot(pool, slots);
    store<u32>(slots + ((<usize>slot) << SLOT_SHIFT), next, SLOT_LINK);
    store<u32>(base, next, CURRENT_SLOT);
    slot = next;
  }
  store<u32>(slots + ((<usize>slot) << SLOT_SHIFT) + ((<usize>inSlot) << 2), word);
}

/** The reference's `computeChunkEndTime`. */
function predictedEnd(start: f64, current: f64, end: f64): f64 {
  const chunks = (end - start) / ((current - start + 1) * 4);
  return chunks <= 1 ? end : trunc(start + (end - start) / floor(chunks));
}

/**
 * Takes a series' full chunk away (head/finished-chunks.ts, `cut`) and notes its cell and record in the list of cuts. False when
 * there is no room for that; nothing changed then.
 */
function cut(context: usize, record: u32, base: usize, packed: u32): bool {
  const count = load<u32>(context, CUT_COUNT);
  if (count >= load<u32>(context, CUT_ROOM)) return false;
  const slots = <usize>load<u32>(context, SLOTS);
  const finished = <usize>load<u32>(context, FINISHED);
  const cell = takeCell(<usize>load<u32>(context, CELL_POOL), finished, FIN_SHIFT, FIN_OLDER);
  if (cell === 0) return false;
  const bits = (packed >>> 19) & 31;
  const words = packed >>> 24;
  if (bits > 0) storeWord(base, <usize>load<u32>(context, SLOT_POOL), slots, words, load<u32>(base, UNFINISHED));
  const at = finished + ((<usize>cell) << FIN_SHIFT);
  store<f64>(at, load<f64>(base, NEXT_CUT) - <f64>load<u32>(base, CUT_AHEAD), FIN_MIN_TIME);
  store<f64>(at, load<f64>(base, LAST_TIME), FIN_MAX_TIME);
  store<u32>(at, load<u32>(base, NEWEST_CELL), FIN_OLDER);
  store<u32>(at, IN_SLOTS | XOR_ENCODING | (packed & 0xff), FIN_INFO);
  store<u32>(at, load<u32>(base, FIRST_SLOT), FIN_FIRST_SLOT);
  store<u32>(at, words * 4 + ((bits + 7) >>> 3), FIN_DATA_BYTES);
  store<u32>(base, cell, NEWEST_CELL);
  const entry = <usize>load<u32>(context, CUTS) + ((<usize>count) << 3);
  store<u32>(entry, cell);
  store<u32>(entry, record, 4);
  store<u32>(context, count + 1, CUT_COUNT);
  return true;
}

/** What became of a sample: passed over, appended, appended as the first of a chunk, or left to the caller. */
export const PASSED: u32 = 0;
export const APPENDED: u32 = 1;
export const BEGAN: u32 = 2;
export const REFUSED: u32 = 3;

/**
 * Appends a sample to a series, unless it is not newer than the last one or before `minValidTime`. Refuses, with nothing changed,
 * what is the caller's: its series holds no plain floats, or no room is left.
 */
export function appendOne(
  context: usize,
  series: usize,
  slots: usize,
  pool: usize,
  record: usize,
  t: f64,
  value: u64,
  epoch: u32,
  minValidTime: f64,
  chunkRange: f64,
): u32 {
  const base = series + (record << RECORD_SHIFT);
  const last = load<f64>(base, LAST_TIME);
  if (!(t > last) || t < minValidTime) return PASSED;
  if ((load<u32>(base, KIND) & FORM_MASK) !== 0 || !has(pool, SLOTS_AT_ONCE)) return REFUSED;
  let outcome = APPENDED;
  const packed = load<u32>(base, PACKED);
  let count = packed & 0xff;
  let words = packed >>> 24;
  // The bit stream's tail: `bits` bits (below 32 between pieces), from the top of 64.
  let bits: u64 = <u64>((packed >>> 19) & 31);
  let tail: u64;
  let window = packed & NO_WINDOW;
  let end = load<f64>(base, NEXT_CUT);
  let ahead: f64 = -1;
  if (count !== 0) {
    const chunkBytes: u32 = 2 + words * 4 + ((<u32>bits + 7) >>> 3);
    if (count === PREDICT_AT && chunkBytes <= MAX_BYTES) {
      const start = end - <f64>load<u32>(base, CUT_AHEAD);
      end = predictedEnd(start, last, end);
      ahead = end - start;
    }
    if (t >= end || count >= MAX_SAMPLES || chunkBytes > MAX_BYTES) {
      if (!cut(context, <u32>record, base, packed)) return REFUSED;
      count = 0;
    }
  }

  if (count === 0) {
    end = trunc(t / chunkRange) * chunkRange + chunkRange;
    const slot = takeSlot(pool, slots);
    store<f64>(base, end, NEXT_CUT);
    ahead = end - t;
    store<u32>(base, <u32>ahead, CUT_AHEAD);
    store<u32>(base, slot, FIRST_SLOT);
    store<u32>(base, slot, CURRENT_SLOT);
    store<u32>(base, 0, DELTA);
    window = NO_WINDOW;
    words = 0;
    bits = 0;
    tail = 0;
    // Zig-zag: even for times since the epoch, odd before it.
    const zigzag: f64 = t < 0 ? -2.0 * t - 1.0 : 2.0 * t;
    let rest = <u64>zigzag;
    while (true) {
      const more = rest >= 0x80;
      tail |= (more ? (rest & 0x7f) | 0x80 : rest) << (56 - bits);
      bits += 8;
      if (bits >= 32) {
        storeWord(base, pool, slots, words++, <u32>(tail >>> 32));
        tail <<= 32;
        bits -= 32;
      }
      if (!more) break;
      rest >>>= 7;
    }
    storeWord(base, pool, slots, words, <u32>((tail >>> 32) | (value >>> (32 + bits))));
    storeWord(base, pool, slots, words + 1, <u32>(value >>> bits));
    words += 2;
    tail = bits === 0 ? 0 : value << (64 - bits);
    outcome = BEGAN;
  } else {
    tail = (<u64>load<u32>(base, UNFINISHED)) << 32;
    const delta = t - last;
    let piece: u64 = 0;
    let size: u64 = 1;
    if (count === 1) {
      // A plain varint; below 2^32, as chunks are shorter than that.
      let rest = <u64>delta;
      size = 0;
      while (rest >= 0x80) {
        piece = (piece << 8) | (rest & 0x7f) | 0x80;
        size += 8;
        rest >>>= 7;
      }
      piece = (piece << 8) | rest;
      size += 8;
      store<u32>(base, <u32>delta, DELTA);
    } else {
      const change = <i64>delta - <i64>load<u32>(base, DELTA);
      if (change !== 0) {
        // A field of n bits holds -(2^(n-1) - 1) to 2^(n-1).
        if (change >= -8191 && change <= 8192) {
          piece = (0b10 << 14) | (change & 0x3fff);
          size = 16;
        } else if (change >= -65535 && change <= 65536) {
          piece = (0b110 << 17) | (change & 0x1ffff);
          size = 20;
        } else if (change >= -524287 && change <= 524288) {
          piece = (0b1110 << 20) | (change & 0xfffff);
          size = 24;
        } else {
          // All 64 bits: the prefix and the upper half now, the lower half as a piece.
          tail |= (<u64>0b1111) << (60 - bits);
          bits += 4;
          if (bits >= 32) {
            storeWord(base, pool, slots, words++, <u32>(tail >>> 32));
            tail <<= 32;
            bits -= 32;
          }
          tail |= (<u64>change >>> 32) << (32 - bits);
          storeWord(base, pool, slots, words++, <u32>(tail >>> 32));
          tail <<= 32;
          piece = <u64>change & 0xffffffff;
          size = 32;
        }
        store<u32>(base, <u32>delta, DELTA);
      }
    }
    // Nothing of the sample was written up to here; now it is taken.
    if (ahead >= 0) {
      store<f64>(base, end, NEXT_CUT);
      store<u32>(base, <u32>ahead, CUT_AHEAD);
    }
    if (size > 32) {
      // Only the second sample's distance: its first bytes now, so that the rest fits with the value's prefix.
      const first = size - 32;
      tail |= (piece >>> 32) << (64 - bits - first);
      bits += first;
      if (bits >= 32) {
        storeWord(base, pool, slots, words++, <u32>(tail >>> 32));
        tail <<= 32;
        bits -= 32;
      }
      piece &= 0xffffffff;
      size = 32;
    }
    const xor = load<u64>(base, LAST_VALUE) ^ value;
    let significant: u64 = 0;
    let trailing: u64 = 0;
    if (size > 16) {
      tail |= piece << (64 - bits - size);
      bits += size;
      if (bits >= 32) {
        storeWord(base, pool, slots, words++, <u32>(tail >>> 32));
        tail <<= 32;
        bits -= 32;
      }
      piece = 0;
      size = 0;
    }
    if (xor === 0) {
      piece <<= 1;
      size += 1;
    } else {
      let leading = clz(xor);
      trailing = ctz(xor);
      if (leading > 31) leading = 31;
      const windowLeading = <u64>((packed >>> 8) & 31);
      const windowTrailing = <u64>((packed >>> 13) & 63);
      if (leading >= windowLeading && trailing >= windowTrailing) {
        piece = (piece << 2) | 0b10;
        size += 2;
        trailing = windowTrailing;
        significant = 64 - windowLeading - windowTrailing;
      } else {
        significant = 64 - leading - trailing;
        piece = (piece << 13) | (0b11 << 11) | (leading << 6) | (significant & 63);
        size += 13;
        window = <u32>((leading << 8) | (trailing << 13));
      }
    }
    tail |= piece << (64 - bits - size);
    bits += size;
    if (bits >= 32) {
      storeWord(base, pool, slots, words++, <u32>(tail >>> 32));
      tail <<= 32;
      bits -= 32;
    }
    if (significant !== 0) {
      let rest = xor >>> trailing;
      if (significant > 32) {
        const upper = significant - 32;
        tail |= (rest >>> 32) << (64 - bits - upper);
        bits += upper;
        if (bits >= 32) {
          storeWord(base, pool, slots, words++, <u32>(tail >>> 32));
          tail <<= 32;
          bits -= 32;
        }
        rest &= 0xffffffff;
        significant = 32;
      }
      tail |= rest << (64 - bits - significant);
      bits += significant;
      if (bits >= 32) {
        storeWord(base, pool, slots, words++, <u32>(tail >>> 32));
        tail <<= 32;
        bits -= 32;
      }
    }
  }
  store<u32>(base, epoch, EPOCH);
  if (last === -Infinity) store<f64>(<usize>load<u32>(context, COLD) + (record << COLD_SHIFT), t, COLD_MIN_TIME);
  store<f64>(base, t, LAST_TIME);
  store<u64>(base, value, LAST_VALUE);
  store<u32>(base, <u32>(tail >>> 32), UNFINISHED);
  store<u32>(base, (count + 1) | window | ((<u32>bits) << 19) | (words << 24), PACKED);
  return outcome;
}

/**
 * Appends samples `[from, to)` of the context's arrays and returns where it stopped: at `to`, or at a sample that is the caller's.
 * The caller made sure that no snapshot is held.
 */
export function appendSamples(context: usize, from: u32, to: u32, epoch: u32, minValidTime: f64, chunkRange: f64): u32 {
  const series = <usize>load<u32>(context, SERIES);
  const slots = <usize>load<u32>(context, SLOTS);
  const pool = <usize>load<u32>(context, SLOT_POOL);
  const records = <usize>load<u32>(context, RECORDS);
  const times = <usize>load<u32>(context, TIMES);
  const values = <usize>load<u32>(context, VALUES);
  let applied: u32 = 0;
  let created: u32 = 0;
  let minTime = load<f64>(context, MIN_TIME);
  let maxTime = load<f64>(context, MAX_TIME);
  let i = from;
  for (; i < to; i++) {
    const record = <usize>load<u32>(records + ((<usize>i) << 2));
    const t = load<f64>(times + ((<usize>i) << 3));
    const value = load<u64>(values + ((<usize>i) << 3));
    const outcome = appendOne(context, series, slots, pool, record, t, value, epoch, minValidTime, chunkRange);
    if (outcome === PASSED) continue;
    if (outcome === REFUSED) break;
    if (outcome === BEGAN) created++;
    if (t > maxTime) maxTime = t;
    if (t < minTime) minTime = t;
    applied++;
  }
  store<u32>(context, applied, APPLIED);
  store<u32>(context, created, CREATED);
  store<f64>(context, minTime, MIN_TIME);
  store<f64>(context, maxTime, MAX_TIME);
  return i;
}
