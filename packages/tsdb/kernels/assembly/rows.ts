// Records of samples (type 2) as rows (head/sample-rows.ts): values side by side, and for all records of the same series in the same
// order, such as one target's scrapes, one list of refs. The series are appended to one after the other, so that what a series needs is
// fetched once for many samples. Source of the records' format: wal/sample-record.ts.
import {
  APPLIED,
  ARENA,
  CREATED,
  HIGHEST_REF,
  LOWEST_REF,
  PAGE_COUNT,
  PAGES,
  SERIES,
  SLOT_POOL,
  SLOTS,
  SOUNDNESS,
  STOPPED_ROW,
} from "./context";
import { appendRun } from "./run";
import { MAX_REF } from "./samples";
import { unzigzag, varintOf, varintSize } from "./varint";

/** Whether each series has one sample at most, for sure: the refs only grow. */
const SOUND: u32 = 1;
const GROWING: u32 = 2;
/** Bytes of a distance in a record that is sound. */
const MAX_SIZE: u64 = 7;

/** Returned in place of a count: the record has samples of several times. */
const TIMES_DIFFER: u32 = 0xffffffff;

/**
 * Decodes all samples of the record `[at, end)`, whose refs and times are distances from `baseRef` and `baseTime`, to lists of values,
 * times and refs; notes whether the refs grow, the lowest and the highest. Without a list of times (0) all must have `baseTime`; if
 * they have not, it returns `TIMES_DIFFER`. Returns how many; 0 for a record that is not sound: it ends with its last sample, names
 * refs that a series may have, and has no distance that the slow decoder might refuse.
 */
export function decodeFirstRow(
  context: usize,
  at: usize,
  end: usize,
  baseRef: f64,
  baseTime: f64,
  values: usize,
  times: usize,
  refs: usize,
): u32 {
  const firstRef = <u64>baseRef;
  let lowest: u64 = u64.MAX_VALUE;
  let highest: u64 = 0;
  let soundness = GROWING;
  let count: usize = 0;
  let p = at;
  while (p < end) {
    let word = load<u64>(p);
    let size = varintSize(word);
    p += <usize>size;
    const ref = firstRef + unzigzag(varintOf(word, size));
    if (size > MAX_SIZE || ref > MAX_REF) return 0;
    if (count > 0 && ref <= highest) soundness = SOUND;
    if (ref < lowest) lowest = ref;
    if (ref > highest) highest = ref;
    if (times === 0) {
      if (load<u8>(p) !== 0) return TIMES_DIFFER;
      p += 9;
    } else {
      word = load<u64>(p);
      size = varintSize(word);
      if (size > MAX_SIZE) return 0;
      p += <usize>size + 8;
      store<f64>(times + (count << 3), baseTime + <f64>(<i64>unzigzag(varintOf(word, size))));
    }
    if (p > end) return 0;
    store<u32>(refs + (count << 2), <u32>ref);
    store<u64>(values + (count << 3), bswap(load<u64>(p - 8)));
    count++;
  }
  store<u32>(context, soundness, SOUNDNESS);
  store<u32>(context, <u32>lowest, LOWEST_REF);
  store<u32>(context, <u32>highest, HIGHEST_REF);
  return <u32>count;
}

/** The same for a record with the `count` refs of a list. Returns how many; 0 when the record has other refs, or is not sound. */
export function decodeNextRow(
  at: usize,
  end: usize,
  baseRef: f64,
  baseTime: f64,
  values: usize,
  times: usize,
  refs: usize,
  count: u32,
): u32 {
  const firstRef = <u64>baseRef;
  let p = at;
  for (let i: usize = 0; i < <usize>count; i++) {
    let word = load<u64>(p);
    let size = varintSize(word);
    if (size > MAX_SIZE || firstRef + unzigzag(varintOf(word, size)) !== <u64>load<u32>(refs + (i << 2))) return 0;
    p += <usize>size;
    if (times === 0) {
      if (load<u8>(p) !== 0) return p < end ? TIMES_DIFFER : 0;
      p += 9;
    } else {
      word = load<u64>(p);
      size = varintSize(word);
      if (size > MAX_SIZE) return 0;
      p += <usize>size + 8;
      store<f64>(times + (i << 3), baseTime + <f64>(<i64>unzigzag(varintOf(word, size))));
    }
    if (p > end) return 0;
    store<u64>(values + (i << 3), bswap(load<u64>(p - 8)));
  }
  return p === end ? count : 0;
}

/**
 * Appends to the series of refs `[from, to)` of a list, one after the other, what `count` rows have of them. Returns `to`, or the
 * position of a ref that names no series or whose sample was refused (`appendOne`); the rows before `STOPPED_ROW` are through then.
 */
export function appendRows(
  context: usize,
  refs: usize,
  from: u32,
  to: u32,
  rows: usize,
  count: u32,
  epoch: u32,
  minValidTime: f64,
  chunkRange: f64,
): u32 {
  const series = <usize>load<u32>(context, SERIES);
  const slots = <usize>load<u32>(context, SLOTS);
  const pool = <usize>load<u32>(context, SLOT_POOL);
  const pages = <usize>load<u32>(context, PAGES);
  const pageCount = load<u32>(context, PAGE_COUNT);
  const arena = <usize>load<u32>(context, ARENA);
  store<u32>(context, 0, APPLIED);
  store<u32>(context, 0, CREATED);
  let column = from;
  for (; column < to; column++) {
    const ref = load<u32>(refs + ((<usize>column) << 2));
    const page = ref >>> 7;
    let record: usize = 0;
    if (page < pageCount) {
      record = <usize>load<u32>(arena + ((<usize>load<u32>(pages + ((<usize>page) << 2)) + (<usize>ref & 127)) << 2));
    }
    let row: u32 = 0;
    const offset = (<usize>column) << 3;
    if (record !== 0) {
      row = appendRun(context, series, slots, pool, record, rows, 0, count, offset, epoch, minValidTime, chunkRange);
    }
    if (row === count) continue;
    store<u32>(context, row, STOPPED_ROW);
    break;
  }
  return column;
}
