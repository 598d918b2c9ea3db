// Appending floats to series: what head/sample-writer.ts does, for a run of samples in one call. The layout of a series record
// is that of head/record.ts, of slots that of memory/layout.ts; the bits are the reference's XOR chunk.

// Word offsets of a series record, in bytes.
const LAST_TIME: usize = 0;
const LAST_VALUE: usize = 8;
const NEXT_CUT: usize = 16;
const CUT_AHEAD: usize = 24;
const DELTA: usize = 28;
const PACKED: usize = 32;
const UNFINISHED: usize = 36;
const FIRST_SLOT: usize = 40;
const CURRENT_SLOT: usize = 44;
const EPOCH: usize = 52;
const KIND: usize = 60;
const RECORD_SHIFT: usize = 6;
const COLD_SHIFT: usize = 5;
const COLD_MIN_TIME: usize = 16;

const NO_WINDOW: u32 = (31 << 8) | (63 << 13);
const FORM_MASK: u32 = 7;
const PREDICT_AT: u32 = 30;
const MAX_SAMPLES: u32 = 240;
const MAX_BYTES: u32 = 1024 - 19;
const MAX_WORDS: u32 = 249;

// A pool's words (memory/pool.ts).
const POOL_FREE: usize = 0;
const POOL_FREE_COUNT: usize = 4;
const POOL_HIGH: usize = 8;
const POOL_CAPACITY: usize = 12;
const SLOT_SHIFT: usize = 7;
const SLOT_LINK: usize = 124;
const SLOT_WORDS: u32 = 31;

// What a call tells, at `result`.
const RESULT_APPLIED: usize = 0;
const RESULT_CREATED: usize = 4;
const RESULT_MIN_TIME: usize = 8;
const RESULT_MAX_TIME: usize = 16;

/** A slot from the pool, 0 when there is none. Its link is 0. */
function takeSlot(pool: usize, slots: usize): u32 {
  let slot = load<u32>(pool, POOL_FREE);
  if (slot !== 0) {
    store<u32>(pool, load<u32>(slots + ((<usize>slot) << SLOT_SHIFT), SLOT_LINK), POOL_FREE);
    store<u32>(pool, load<u32>(pool, POOL_FREE_COUNT) - 1, POOL_FREE_COUNT);
  } else {
    const high = load<u32>(pool, POOL_HIGH);
    if (high >= load<u32>(pool, POOL_CAPACITY)) return 0;
    slot = high + 1;
    store<u32>(pool, slot, POOL_HIGH);
  }
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
 * Appends samples `[from, to)` and returns where it stopped: at `to`, or at a sample that needs a chunk to be cut, or whose series
 * holds no plain floats; that one is the caller's. Samples that are not newer than their series, or before `minValidTime`, are passed
 * over. The caller made sure that two slots a sample are free, and that no snapshot is held.
 */
export function appendSamples(
  series: usize,
  cold: usize,
  slots: usize,
  pool: usize,
  records: usize,
  times: usize,
  values: usize,
  from: u32,
  to: u32,
  epoch: u32,
  minValidTime: f64,
  chunkRange: f64,
  result: usize,
): u32 {
  let applied: u32 = 0;
  let created: u32 = 0;
  let minTime = load<f64>(result, RESULT_MIN_TIME);
  let maxTime = load<f64>(result, RESULT_MAX_TIME);
  let i = from;
  for (; i < to; i++) {
    const record = <usize>load<u32>(records + ((<usize>i) << 2));
    const t = load<f64>(times + ((<usize>i) << 3));
    const value = load<u64>(values + ((<usize>i) << 3));
    const base = series + (record << RECORD_SHIFT);
    const last = load<f64>(base, LAST_TIME);
    if (!(t > last) || t < minValidTime) continue;
    if ((load<u32>(base, KIND) & FORM_MASK) !== 0) break;
    const packed = load<u32>(base, PACKED);
    const count = packed & 0xff;
    let words = packed >>> 24;
    // The bit stream's tail: `bits` bits (below 32 between pieces), from the top of 64.
    let bits: u64 = <u64>((packed >>> 19) & 31);
    let tail: u64;
    let window = packed & NO_WINDOW;

    if (count === 0) {
      const end = trunc(t / chunkRange) * chunkRange + chunkRange;
      const slot = takeSlot(pool, slots);
      store<f64>(base, end, NEXT_CUT);
      const ahead: f64 = end - t;
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
      created++;
    } else {
      if (count >= MAX_SAMPLES || words > MAX_WORDS) break;
      let end = load<f64>(base, NEXT_CUT);
      let ahead: f64 = -1;
      if (count === PREDICT_AT) {
        const chunkBytes: u32 = 2 + words * 4 + ((<u32>bits + 7) >>> 3);
        if (chunkBytes > MAX_BYTES) break;
        const start = end - <f64>load<u32>(base, CUT_AHEAD);
        end = predictedEnd(start, last, end);
        ahead = end - start;
      }
      if (t >= end) break;
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
          } else break;
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
    if (last === -Infinity) store<f64>(cold + (record << COLD_SHIFT), t, COLD_MIN_TIME);
    store<f64>(base, t, LAST_TIME);
    store<u64>(base, value, LAST_VALUE);
    store<u32>(base, <u32>(tail >>> 32), UNFINISHED);
    store<u32>(base, (count + 1) | window | ((<u32>bits) << 19) | (words << 24), PACKED);
    if (t > maxTime) maxTime = t;
    if (t < minTime) minTime = t;
    applied++;
  }
  store<u32>(result, applied, RESULT_APPLIED);
  store<u32>(result, created, RESULT_CREATED);
  store<f64>(result, minTime, RESULT_MIN_TIME);
  store<f64>(result, maxTime, RESULT_MAX_TIME);
  return i;
}
