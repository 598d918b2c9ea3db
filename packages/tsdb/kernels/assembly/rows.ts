// Records of samples (type 2) of the same series in the same order, such as one target's scrapes: appended series by series, so that
// what a series needs is fetched once for many samples. Source of the format: wal/record.ts. Numbers of variable length are read
// where they stand, as in samples.ts: a function could not return where they end as well.
import { appendOne, BEGAN, PASSED, REFUSED } from "./append";
import {
  APPLIED,
  ARENA,
  CREATED,
  HIGHEST_REF,
  LOWEST_REF,
  MAX_TIME,
  MIN_TIME,
  PAGE_COUNT,
  PAGES,
  SERIES,
  SHAPE,
  SLOT_POOL,
  SLOTS,
} from "./context";
import { MAX_REF } from "./samples";

/** What `scanSamples` says of a record: not sound for sure, sound, sound with refs that only grow. */
const UNSURE: u32 = 0;
const SOUND: u32 = 1;
const GROWING: u32 = 2;

// A row, in bytes: where its next sample stands and where it ends (addresses), what its refs and times are distances from.
const POSITION: usize = 0;
const END: usize = 4;
const BASE_REF: usize = 8;
const BASE_TIME: usize = 16;
// Of the sample at hand: where the one behind it stands, time, value.
const NEXT: usize = 24;
const TIME: usize = 32;
const VALUE: usize = 40;
const ROW_BYTES: usize = 48;

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
    let byte = <u64>load<u8>(p++);
    let delta = byte & 0x7f;
    let shift: u64 = 7;
    while (byte >= 0x80 && p < end && shift < 49) {
      byte = <u64>load<u8>(p++);
      delta |= (byte & 0x7f) << shift;
      shift += 7;
    }
    if (byte >= 0x80 || p >= end) return UNSURE;
    const ref = firstRef + ((delta >>> 1) ^ (0 - (delta & 1)));
    if (ref > MAX_REF) return UNSURE;
    if (lowest <= highest && ref <= highest) verdict = SOUND;
    if (ref < lowest) lowest = ref;
    if (ref > highest) highest = ref;
    shape = (rotl(shape, 5) ^ <u32>ref) * 0x9e3779b1;
    // The time: its last byte is the one without a mark.
    const limit = p + 7;
    while (p < end && p < limit && load<u8>(p) >= 0x80) p++;
    if (p === limit || p + 9 > end) return UNSURE;
    p += 9;
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
  let applied: u32 = 0;
  let created: u32 = 0;
  let minTime = load<f64>(context, MIN_TIME);
  let maxTime = load<f64>(context, MAX_TIME);
  let stopped = ALL_COLUMNS;
  for (let column: u32 = 0; column < columns && stopped === ALL_COLUMNS; column++) {
    let ref: u64 = 0;
    let row = rows;
    for (; row < behind; row += ROW_BYTES) {
      let p = <usize>load<u32>(row, POSITION);
      const end = <usize>load<u32>(row, END);
      if (p >= end) break;
      let byte = <u64>load<u8>(p++);
      let delta = byte & 0x7f;
      let shift: u64 = 7;
      while (byte >= 0x80 && p < end && shift < 56) {
        byte = <u64>load<u8>(p++);
        delta |= (byte & 0x7f) << shift;
        shift += 7;
      }
      if (byte >= 0x80 || p >= end) break;
      const found = <u64>load<f64>(row, BASE_REF) + ((delta >>> 1) ^ (0 - (delta & 1)));
      if (row === rows) ref = found;
      else if (found !== ref) break;
      byte = <u64>load<u8>(p++);
      delta = byte & 0x7f;
      shift = 7;
      while (byte >= 0x80 && p < end && shift < 56) {
        byte = <u64>load<u8>(p++);
        delta |= (byte & 0x7f) << shift;
        shift += 7;
      }
      if (byte >= 0x80 || end - p < 8) break;
      store<f64>(row, load<f64>(row, BASE_TIME) + <f64>(<i64>((delta >>> 1) ^ (0 - (delta & 1)))), TIME);
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
    for (row = rows; row < behind; row += ROW_BYTES) {
      const t = load<f64>(row, TIME);
      const value = load<u64>(row, VALUE);
      const outcome = appendOne(context, series, slots, pool, record, t, value, epoch, minValidTime, chunkRange);
      if (outcome === REFUSED) {
        stopped = <u32>((row - rows) / ROW_BYTES);
        break;
      }
      store<u32>(row, load<u32>(row, NEXT), POSITION);
      if (outcome === PASSED) continue;
      if (outcome === BEGAN) created++;
      if (t > maxTime) maxTime = t;
      if (t < minTime) minTime = t;
      applied++;
    }
  }
  store<u32>(context, applied, APPLIED);
  store<u32>(context, created, CREATED);
  store<f64>(context, minTime, MIN_TIME);
  store<f64>(context, maxTime, MAX_TIME);
  return stopped;
}
