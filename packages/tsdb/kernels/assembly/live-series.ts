// A series that somebody appends to, by its labels: what head/series-table.ts does for labels as bytes (`findOrCreateBytes`), postings
// included. What is not usual is left to that.

import { ARENA, CONTROL, HASH, IDS, KNOWN_IDS, LABELS, NAMES, PAGE_COUNT, PAIRS, SERIES_TABLE } from "./context";
import { ALL_SERIES, addPosting, MAX_BLOCK_WORDS } from "./postings";
import { MAX_REF } from "./samples";
import {
  addToHash,
  beginHash,
  createSeries,
  findSeries,
  finishHash,
  hasRoom,
  MAX_LABELS,
  TABLE_NEXT_REF,
} from "./series";
import { internLabel } from "./symbols";

// Words of the control region (memory/layout.ts), in bytes.
const SERIES_COUNT: usize = 32;
const LAST_REF: usize = 36;

/** What `seriesOfLabels` says of labels that no series has. */
const UNKNOWN: i32 = -1;

/** Where text begins behind `LABELS`; before that stand the ends of names and values. */
const TEXT: usize = (<usize>MAX_LABELS) << 3;

/** Whether no name or value is empty, and each name is above the one before it. */
function areInOrder(ends: usize, count: u32): bool {
  let start = ends + TEXT;
  let before = start;
  let beforeEnd = start;
  for (let i: u32 = 0; i < count; i++) {
    const end = ends + ((<usize>i) << 3);
    const nameEnd = ends + TEXT + <usize>load<u32>(end);
    const valueEnd = ends + TEXT + <usize>load<u32>(end, 4);
    if (nameEnd <= start || valueEnd <= nameEnd || !isAbove(start, nameEnd, before, beforeEnd)) return false;
    before = start;
    beforeEnd = nameEnd;
    start = valueEnd;
  }
  return true;
}

/** Whether the text `[at, end)`, which is not empty, is above `[before, beforeEnd)`, which may be. */
function isAbove(at: usize, end: usize, before: usize, beforeEnd: usize): bool {
  while (before < beforeEnd && at < end && load<u8>(before) === load<u8>(at)) {
    before++;
    at++;
  }
  return at < end && (before === beforeEnd || load<u8>(before) < load<u8>(at));
}

/**
 * The record of the series with the `count` labels at the context's place for them, whose text has `bytes` bytes; `UNKNOWN` when there
 * is none: then `makeSeriesOfLabels` makes it. 0 when the labels are not for this: many, some that are empty or not in the order of
 * their names, a name that is not known, new text that is not ASCII, a table or region that is full. The first `KNOWN_IDS` ids are those
 * of labels before.
 */
export function seriesOfLabels(context: usize, count: u32, bytes: u32): i32 {
  // Each label may begin a block of postings, and so may all series.
  const blocks = <u64>(count + 1) * 2 * <u64>MAX_BLOCK_WORDS;
  if (count === 0 || count > MAX_LABELS) return 0;
  // Twice as many pairs: what is made here before a label that is not for this must not let the table grow there.
  if (!hasRoom(context, count, <u64>bytes, 2 * count, blocks)) return 0;
  const ref = load<u32>(<usize>load<u32>(context, SERIES_TABLE), TABLE_NEXT_REF);
  if (<u64>ref > MAX_REF || ref >>> 7 >= load<u32>(context, PAGE_COUNT)) return 0;
  const ends = <usize>load<u32>(context, LABELS);
  const text = ends + TEXT;
  // First, so that nothing is made of labels that are refused.
  if (!areInOrder(ends, count)) return 0;
  const control = <usize>load<u32>(context, CONTROL);
  const arena = <usize>load<u32>(context, ARENA);
  const names = <usize>load<u32>(context, NAMES);
  const pairs = <usize>load<u32>(context, PAIRS);
  const ids = <usize>load<u32>(context, IDS);
  const known = load<u32>(context, KNOWN_IDS);
  let hash = beginHash(count);
  let start = text;
  for (let i: u32 = 0; i < count; i++) {
    const end = ends + ((<usize>i) << 3);
    const nameEnd = text + <usize>load<u32>(end);
    const valueEnd = text + <usize>load<u32>(end, 4);
    const place = ids + ((<usize>i) << 2);
    const like = i < known ? load<u32>(place) : 0;
    const id = internLabel(context, control, arena, names, pairs, like, start, nameEnd, nameEnd, valueEnd);
    if (id === 0) return 0;
    store<u32>(place, id);
    hash = addToHash(hash, id);
    start = valueEnd;
  }
  store<u32>(context, max(known, count), KNOWN_IDS);
  hash = finishHash(hash);
  store<u32>(context, hash, HASH);
  const found = findSeries(context, ids, count, hash);
  return found === 0 ? UNKNOWN : <i32>found;
}

/** Makes the series that `seriesOfLabels` has just looked for, as of `epoch`; returns its record. The caller holds the write window open. */
export function makeSeriesOfLabels(context: usize, count: u32, epoch: u32): u32 {
  const control = <usize>load<u32>(context, CONTROL);
  const ids = <usize>load<u32>(context, IDS);
  const ref = load<u32>(<usize>load<u32>(context, SERIES_TABLE), TABLE_NEXT_REF);
  const record = createSeries(context, ids, count, load<u32>(context, HASH), ref, epoch);
  for (let i: usize = 0; i < <usize>count; i++) addPosting(context, load<u32>(ids + (i << 2)), ref);
  store<u32>(control, addPosting(context, ALL_SERIES, ref), SERIES_COUNT);
  store<u32>(control, ref, LAST_REF);
  return record;
}
