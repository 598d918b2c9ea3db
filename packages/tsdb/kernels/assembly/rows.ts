// Records of samples (type 2) of the same series in the same order, such as one target's scrapes: appended series by series, so that
// what a series needs is fetched once for many samples. Source of the format: wal/record.ts.
import {
  APPLIED,
  ARENA,
  CREATED,
  HIGHEST_REF,
  LOWEST_REF,
  PAGE_COUNT,
  PAGES,
  SERIES,
  SHAPE,
  SLOT_POOL,
  SLOTS,
} from "./context";
import { appendRun, BASE_REF, BASE_TIME, END, FIRST_REF, NEXT, POSITION, ROW_BYTES, TIME, VALUE } from "./run";
import { MAX_REF } from "./samples";
import { unzigzag, varintOf, varintSize } from "./varint";

/** What `scanSamples` says of a record: not sound for sure, sound, sound with refs that only grow. */
const UNSURE: u32 = 0;
const SOUND: u32 = 1;
const GROWING: u32 = 2;

/** Bytes of a distance in a record that is sound. */
const MAX_SIZE: u64 = 7;

/** Returned by `appendRows` when it went over as many series as it was told to. */
const ALL_COLUMNS: u32 = 0xffffffff;

/**
 * Looks over the samples of the record `[at, end)` without taking them, and notes their shape and the range of their refs. What is
 * sound here ends with its last sample, names refs that a series may have, and has no distance that the slow decoder might refuse:
 * none takes more than seven bytes.
 */
export function scanSamples(context: usize, at: usize, end: usize, baseRef: f64): u32 {
  const firstRef = <u64>baseRef;
  let lowest: u64 = u64.MAX_VALUE;
  let highest: u64 = 0;
  let shape: u32 = 0x811c9dc5;
  let verdict = GROWING;
  let p = at;
  while (p < end) {
    let word = load<u64>(p);
    let size = varintSize(word);
    p += <usize>size;
    const ref = firstRef + unzigzag(varintOf(word, size));
    if (size > MAX_SIZE || ref > MAX_REF) return UNSURE;
    if (lowest <= highest && ref <= highest) verdict = SOUND;
    if (ref < lowest) lowest = ref;
    if (ref > highest) highest = ref;
    shape = (rotl(shape, 5) ^ <u32>ref) * 0x9e3779b1;
    word = load<u64>(p);
    size = varintSize(word);
    p += <usize>size + 8;
    if (size > MAX_SIZE || p > end) return UNSURE;
  }
  store<u32>(context, shape, SHAPE);
  store<u32>(context, <u32>lowest, LOWEST_REF);
  store<u32>(context, <u32>highest, HIGHEST_REF);
  return lowest > highest ? UNSURE : verdict;
}

/**
 * Appends to one series after the other what `count` rows have of it, in the order of the rows, as long as all stand at the same
 * series; over `columns` series at most. Returns `ALL_COLUMNS` for so many; `count` when the rows part, one ends, or the series is
 * not known: no row is over what it stands at; or a row whose sample was refused (`appendOne`): the rows before it are over theirs.
 */
export function appendRows(
  context: usize,
  rows: usize,
  count: u32,
  columns: u32,
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
  const behind = rows + <usize>count * ROW_BYTES;
  store<u32>(context, 0, APPLIED);
  store<u32>(context, 0, CREATED);
  for (let row = rows; row < behind; row += ROW_BYTES) store<u64>(row, <u64>load<f64>(row, BASE_REF), FIRST_REF);
  let stopped = ALL_COLUMNS;
  for (let column: u32 = 0; column < columns && stopped === ALL_COLUMNS; column++) {
    let ref: u64 = 0;
    let row = rows;
    for (; row < behind; row += ROW_BYTES) {
      let p = <usize>load<u32>(row, POSITION);
      const end = <usize>load<u32>(row, END);
      if (p >= end) break;
      let word = load<u64>(p);
      let size = varintSize(word);
      if (size > 8) break;
      p += <usize>size;
      const found = load<u64>(row, FIRST_REF) + unzigzag(varintOf(word, size));
      if (row === rows) ref = found;
      else if (found !== ref) break;
      word = load<u64>(p);
      size = varintSize(word);
      p += <usize>size;
      if (size > 8 || p + 8 > end) break;
      store<f64>(row, load<f64>(row, BASE_TIME) + <f64>(<i64>unzigzag(varintOf(word, size))), TIME);
      store<u64>(row, bswap(load<u64>(p)), VALUE);
      store<u32>(row, <u32>(p + 8), NEXT);
    }
    const page = <u32>(ref >>> 7);
    let record: usize = 0;
    if (row === behind && ref <= MAX_REF && page < pageCount) {
      record = <usize>load<u32>(arena + ((<usize>load<u32>(pages + ((<usize>page) << 2)) + (<usize>ref & 127)) << 2));
    }
    if (record === 0) {
      stopped = count;
      break;
    }
    row = appendRun(context, series, slots, pool, record, rows, behind, epoch, minValidTime, chunkRange);
    if (row !== behind) stopped = <u32>((row - rows) / ROW_BYTES);
  }
  return stopped;
}
