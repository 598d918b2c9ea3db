// Series of the head: what head/series-table.ts does with them, from the pair ids of their labels on.

import {
  COLD_SHIFT,
  EPOCH,
  has,
  LAST_TIME,
  NEXT_CUT,
  NO_WINDOW,
  PACKED,
  POOL_FREE_COUNT,
  POOL_HIGH,
  RECORD_SHIFT,
  takeCell,
} from "./append";
import { firstFree, takeBlock } from "./arena";
import {
  ARENA,
  ARENA_LIMIT,
  ARENA_STATE,
  COLD,
  CONTROL,
  PAGES,
  PAIR_POOL,
  SERIES,
  SERIES_POOL,
  SERIES_TABLE,
} from "./context";
import { PAIR_TABLE_BITS } from "./symbols";

/** Labels of a series that is made by kernels, at most; `KERNEL_LABELS` of kernels/desk.ts is the same. */
export const MAX_LABELS: u32 = 64;

// The series table's state.
export const TABLE_ADDRESS: usize = 0;
export const TABLE_BITS: usize = 4;
const TABLE_COUNT: usize = 8;
export const TABLE_NEXT_REF: usize = 12;

const REF_PAGE: u32 = 128;

// A cold record (head/record.ts), in bytes; and how long a series record is, whose words append.ts has.
export const COLD_REF: usize = 0;
export const COLD_LABELS: usize = 4;
export const COLD_HASH: usize = 8;
export const COLD_FLAGS: usize = 12;
const COLD_OUT_OF_ORDER: usize = 24;
const RECORD_BYTES: usize = 64;
/** A flag: the series was removed. */
const REMOVED: u32 = 1;
/** Pools link free cells by their first word. */
const LINK: usize = 0;

/**
 * Whether a series with `count` labels of `bytes` bytes and `pairs` new pairs can be made without a table growing or a region coming near
 * its end; `blocks` are words of the arena that it may take besides.
 */
export function hasRoom(context: usize, count: u32, bytes: u64, pairs: u32, blocks: u64): bool {
  const pairPool = <usize>load<u32>(context, PAIR_POOL);
  if (!has(<usize>load<u32>(context, SERIES_POOL), 1) || !has(pairPool, pairs)) return false;
  const used = load<u32>(pairPool, POOL_HIGH) - load<u32>(pairPool, POOL_FREE_COUNT);
  if ((used + pairs) * 2 > (<u32>1) << load<u32>(<usize>load<u32>(context, CONTROL), PAIR_TABLE_BITS)) return false;
  const state = <usize>load<u32>(context, SERIES_TABLE);
  if ((load<u32>(state, TABLE_COUNT) + 1) * 2 > (<u32>1) << load<u32>(state, TABLE_BITS)) return false;
  // Texts of all labels, a list and a page, each rounded up by less than a granule and a fourth.
  const most = <u64>firstFree(<usize>load<u32>(context, ARENA_STATE)) + 2 * (bytes + 8 * <u64>count + 256) + blocks;
  return most <= <u64>load<u32>(context, ARENA_LIMIT);
}

/** The hash of no label; `addToHash` takes in one after the other, `finishHash` ends it. */
export function beginHash(count: u32): u32 {
  return 0x9e3779b9 ^ count;
}

export function addToHash(hash: u32, id: u32): u32 {
  const h = (hash ^ id) * 0x85ebca6b;
  return h ^ (h >>> 15);
}

export function finishHash(hash: u32): u32 {
  const h = hash * 0xc2b2ae35;
  return h ^ (h >>> 16);
}

/** Whether a label list (an address in the arena) is that of `count` ids. */
function sameLabels(list: usize, ids: usize, count: u32): bool {
  if (load<u32>(list) !== count) return false;
  for (let i: usize = 0; i < <usize>count; i++) {
    if (load<u32>(list + (i << 2), 4) !== load<u32>(ids + (i << 2))) return false;
  }
  return true;
}

/** The record of the series with these labels, 0 when there is none. */
export function findSeries(context: usize, ids: usize, count: u32, hash: u32): u32 {
  const arena = <usize>load<u32>(context, ARENA);
  const cold = <usize>load<u32>(context, COLD);
  const state = <usize>load<u32>(context, SERIES_TABLE);
  const table = arena + ((<usize>load<u32>(state, TABLE_ADDRESS)) << 2);
  const mask = ((<u32>1) << load<u32>(state, TABLE_BITS)) - 1;
  let slot = hash & mask;
  while (true) {
    const record = load<u32>(table + ((<usize>slot) << 2));
    if (record === 0) return 0;
    const at = cold + ((<usize>record) << COLD_SHIFT);
    if (load<u32>(at, COLD_HASH) === hash) {
      if (sameLabels(arena + ((<usize>load<u32>(at, COLD_LABELS)) << 2), ids, count)) return record;
    }
    slot = (slot + 1) & mask;
  }
}

/** Puts a record where the series table has a free place for its hash. */
function place(table: usize, mask: u32, hash: u32, record: u32): void {
  let slot = hash & mask;
  while (load<u32>(table + ((<usize>slot) << 2)) !== 0) slot = (slot + 1) & mask;
  store<u32>(table + ((<usize>slot) << 2), record);
}

/** Makes a series with a ref that no other has, for which there is room and a page; returns its record. It has no postings. */
export function createSeries(context: usize, ids: usize, count: u32, hash: u32, ref: u32, epoch: u32): u32 {
  const arena = <usize>load<u32>(context, ARENA);
  const arenaState = <usize>load<u32>(context, ARENA_STATE);
  const series = <usize>load<u32>(context, SERIES);
  const record = takeCell(<usize>load<u32>(context, SERIES_POOL), series, RECORD_SHIFT, LINK);
  const list = takeBlock(arenaState, arena, count + 1);
  const listAt = arena + ((<usize>list) << 2);
  store<u32>(listAt, count);
  for (let i: usize = 0; i < <usize>count; i++) store<u32>(listAt + (i << 2), load<u32>(ids + (i << 2)), 4);
  const coldAt = <usize>load<u32>(context, COLD) + ((<usize>record) << COLD_SHIFT);
  store<u32>(coldAt, ref, COLD_REF);
  store<u32>(coldAt, list, COLD_LABELS);
  store<u32>(coldAt, hash, COLD_HASH);
  store<u32>(coldAt, 0, COLD_FLAGS);
  store<u32>(coldAt, 0, COLD_OUT_OF_ORDER);
  const base = series + ((<usize>record) << RECORD_SHIFT);
  for (let i: usize = 0; i < RECORD_BYTES; i += 8) store<u64>(base + i, 0);
  store<f64>(base, -Infinity, LAST_TIME);
  store<f64>(base, -Infinity, NEXT_CUT);
  store<u32>(base, NO_WINDOW, PACKED);
  store<u32>(base, epoch, EPOCH);
  const pageAt = <usize>load<u32>(context, PAGES) + ((<usize>(ref >>> 7)) << 2);
  if (load<u32>(pageAt) === 0) {
    const fresh = takeBlock(arenaState, arena, REF_PAGE);
    memory.fill(arena + ((<usize>fresh) << 2), 0, (<usize>REF_PAGE) << 2);
    store<u32>(pageAt, fresh);
  }
  store<u32>(arena + ((<usize>load<u32>(pageAt) + (<usize>ref & 127)) << 2), record);
  const state = <usize>load<u32>(context, SERIES_TABLE);
  const table = arena + ((<usize>load<u32>(state, TABLE_ADDRESS)) << 2);
  place(table, ((<u32>1) << load<u32>(state, TABLE_BITS)) - 1, hash, record);
  store<u32>(state, load<u32>(state, TABLE_COUNT) + 1, TABLE_COUNT);
  store<u32>(state, max(load<u32>(state, TABLE_NEXT_REF), ref + 1), TABLE_NEXT_REF);
  return record;
}

/** Places all series up to `highestRecord` in the series table, whose words are all 0. */
export function placeSeries(context: usize, highestRecord: u32): void {
  const cold = <usize>load<u32>(context, COLD);
  const state = <usize>load<u32>(context, SERIES_TABLE);
  const table = <usize>load<u32>(context, ARENA) + ((<usize>load<u32>(state, TABLE_ADDRESS)) << 2);
  const mask = ((<u32>1) << load<u32>(state, TABLE_BITS)) - 1;
  for (let record: u32 = 1; record <= highestRecord; record++) {
    const at = liveAt(cold, record);
    if (at !== 0) place(table, mask, load<u32>(at, COLD_HASH), record);
  }
}

/** The cold record of a series, 0 where the number stands for none now. */
export function liveAt(cold: usize, record: u32): usize {
  const at = cold + ((<usize>record) << COLD_SHIFT);
  return load<u32>(at, COLD_REF) !== 0 && (load<u32>(at, COLD_FLAGS) & REMOVED) === 0 ? at : 0;
}
