// Several samples of one series, such as a log has of it in many scrapes: what `appendOne` does for each, with the open chunk's state
// kept at hand in between. What is not usual is left to it: where a chunk begins, ends or is to be predicted, and times far apart.
import {
  appendOne,
  BEGAN,
  CURRENT_SLOT,
  DELTA,
  EPOCH,
  FORM_MASK,
  has,
  KIND,
  LAST_TIME,
  LAST_VALUE,
  MAX_BYTES,
  MAX_SAMPLES,
  NEXT_CUT,
  PACKED,
  PASSED,
  PREDICT_AT,
  RECORD_SHIFT,
  REFUSED,
  SLOT_LINK,
  SLOT_SHIFT,
  SLOT_WORDS,
  takeSlot,
  UNFINISHED,
} from "./append";
import { APPLIED, CREATED, MAX_TIME, MIN_TIME } from "./context";

// A row (head/sample-rows.ts), in bytes: where its values stand, and its times if they are not all the same; that one time.
export const ROW_BYTES: usize = 24;
const ROW_VALUES: usize = 0;
const ROW_TIMES: usize = 4;
const ROW_TIME: usize = 16;

/** The time that a row has at `offset`. */
function timeOf(row: usize, offset: usize): f64 {
  const times = <usize>load<u32>(row, ROW_TIMES);
  return times === 0 ? load<f64>(row, ROW_TIME) : load<f64>(times + offset);
}

/** A chunk of so many words may be full: `appendOne` counts its bytes. */
const MANY_WORDS: u32 = MAX_BYTES / 4 - 2;

/**
 * Appends to a series what rows `[from, to)` of the list at `rows` have at `offset`. Returns `to`, or the row whose sample was refused:
 * see `appendOne`.
 */
export function appendRun(
  context: usize,
  series: usize,
  slots: usize,
  pool: usize,
  record: usize,
  rows: usize,
  from: u32,
  to: u32,
  offset: usize,
  epoch: u32,
  minValidTime: f64,
  chunkRange: f64,
): u32 {
  const base = series + (record << RECORD_SHIFT);
  let applied: u32 = 0;
  let row = from;
  while (row < to) {
    // The state of the open chunk; see `appendOne`.
    const packed = load<u32>(base, PACKED);
    let count = packed & 0xff;
    // Here a sample has 97 bits at most: no more than one slot.
    const hasRoom = has(pool, to - row);
    if (count >= 2 && hasRoom && (load<u32>(base, KIND) & FORM_MASK) === 0) {
      let words = packed >>> 24;
      let bits = <u64>((packed >>> 19) & 31);
      let high = (<u64>load<u32>(base, UNFINISHED)) << 32;
      let windowLeading = <u64>((packed >>> 8) & 31);
      let windowTrailing = <u64>((packed >>> 13) & 63);
      let last = load<f64>(base, LAST_TIME);
      let lastValue = load<u64>(base, LAST_VALUE);
      let lastDelta = load<u32>(base, DELTA);
      const end = load<f64>(base, NEXT_CUT);
      let slot = slots + ((<usize>load<u32>(base, CURRENT_SLOT)) << SLOT_SHIFT);
      // Words in the current slot: it is only left when another one is to come.
      let inSlot = words === 0 ? 0 : ((words - 1) % SLOT_WORDS) + 1;
      const before = row;
      while (row < to) {
        const at = rows + <usize>row * ROW_BYTES;
        const t = timeOf(at, offset);
        if (!(t > last) || t < minValidTime || t >= end) break;
        if (count === PREDICT_AT || count >= MAX_SAMPLES || words >= MANY_WORDS) break;
        const delta = <u32>(t - last);
        const change = <i64>delta - <i64>lastDelta;
        let piece: u64 = 0;
        let size: u64 = 1;
        if (change !== 0) {
          if (change >= -8191 && change <= 8192) {
            piece = (0b10 << 14) | (change & 0x3fff);
            size = 16;
          } else if (change >= -65535 && change <= 65536) {
            piece = (0b110 << 17) | (change & 0x1ffff);
            size = 20;
          } else break;
        }
        const value = load<u64>(<usize>load<u32>(at, ROW_VALUES) + offset);
        const xor = lastValue ^ value;
        let significant: u64 = 0;
        let rest: u64 = 0;
        if (xor === 0) {
          piece <<= 1;
          size += 1;
        } else {
          let leading = clz(xor);
          const trailing = ctz(xor);
          if (leading > 31) leading = 31;
          if (leading >= windowLeading && trailing >= windowTrailing) {
            piece = (piece << 2) | 0b10;
            size += 2;
          } else {
            windowLeading = leading;
            windowTrailing = trailing;
            piece = (piece << 13) | (0b11 << 11) | (leading << 6) | ((64 - leading - trailing) & 63);
            size += 13;
          }
          significant = 64 - windowLeading - windowTrailing;
          // From the top.
          rest = (xor >>> windowTrailing) << (64 - significant);
        }
        // Fewer than 32 bits, at most 33 and at most 64 of them: never more than 128, from the top of two words of 64.
        high |= piece << (64 - bits - size);
        bits += size;
        let low: u64 = 0;
        if (significant !== 0) {
          if (bits < 64) {
            high |= rest >>> bits;
            low = bits === 0 ? 0 : rest << (64 - bits);
          } else low = rest;
          bits += significant;
        }
        while (bits >= 32) {
          if (inSlot === SLOT_WORDS) {
            const next = takeSlot(pool, slots);
            store<u32>(slot, next, SLOT_LINK);
            store<u32>(base, next, CURRENT_SLOT);
            slot = slots + ((<usize>next) << SLOT_SHIFT);
            inSlot = 0;
          }
          store<u32>(slot + ((<usize>inSlot) << 2), <u32>(high >>> 32));
          inSlot++;
          words++;
          high = (high << 32) | (low >>> 32);
          low <<= 32;
          bits -= 32;
        }
        last = t;
        lastValue = value;
        lastDelta = delta;
        count++;
        row++;
      }
      if (row !== before) {
        store<u32>(base, epoch, EPOCH);
        store<f64>(base, last, LAST_TIME);
        store<u64>(base, lastValue, LAST_VALUE);
        store<u32>(base, lastDelta, DELTA);
        store<u32>(base, <u32>(high >>> 32), UNFINISHED);
        const window = <u32>((windowLeading << 8) | (windowTrailing << 13));
        store<u32>(base, count | window | ((<u32>bits) << 19) | (words << 24), PACKED);
        applied += row - before;
        // All of them are later than what the series had.
        const first = timeOf(rows + <usize>before * ROW_BYTES, offset);
        if (last > load<f64>(context, MAX_TIME)) store<f64>(context, last, MAX_TIME);
        if (first < load<f64>(context, MIN_TIME)) store<f64>(context, first, MIN_TIME);
        continue;
      }
    }
    const at = rows + <usize>row * ROW_BYTES;
    const t = timeOf(at, offset);
    const value = load<u64>(<usize>load<u32>(at, ROW_VALUES) + offset);
    const outcome = appendOne(context, series, slots, pool, record, t, value, epoch, minValidTime, chunkRange);
    if (outcome === REFUSED) break;
    row++;
    if (outcome === PASSED) continue;
    if (outcome === BEGAN) store<u32>(context, load<u32>(context, CREATED) + 1, CREATED);
    if (t > load<f64>(context, MAX_TIME)) store<f64>(context, t, MAX_TIME);
    if (t < load<f64>(context, MIN_TIME)) store<f64>(context, t, MIN_TIME);
    applied++;
  }
  store<u32>(context, load<u32>(context, APPLIED) + applied, APPLIED);
  return row;
}
