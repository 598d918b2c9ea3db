// Records of series (type 1) to series of the head, while a replay puts their postings off: what head/replay.ts does by way of
// head/label-interner.ts, head/symbol-writer.ts and head/series-table.ts, for a run of series in one call. Memory layouts and hashes
// are theirs. What is not usual is left to them, one series at a time.

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
  DECODED_TO,
  IDS,
  NAMES,
  PAGE_COUNT,
  PAGES,
  PAIR_POOL,
  PAIRS,
  RECORDS,
  SERIES,
  SERIES_POOL,
  SERIES_TABLE,
} from "./context";
import { MAX_REF } from "./samples";

/** Labels of a series that is made here, at most. */
const MAX_LABELS: u32 = 64;

// Names and pairs (head/symbols.ts), in bytes.
export const SYMBOL_SHIFT: usize = 5;
const NAME_TEXT: usize = 0;
const NAME_LENGTH: usize = 4;
const NAME_HASH: usize = 8;
const NAME_NEWEST_PAIR: usize = 12;
const NAME_PAIR_COUNT: usize = 16;
const PAIR_NAME: usize = 0;
const PAIR_TEXT: usize = 4;
const PAIR_LENGTH: usize = 8;
const PAIR_HASH: usize = 12;
const PAIR_NEXT_OF_NAME: usize = 16;
export const PAIR_POSTINGS_FIRST: usize = 20;
export const PAIR_POSTINGS_COUNT: usize = 24;
export const PAIR_POSTINGS_LAST: usize = 28;
const NOT_ASCII: u32 = 0x80000000;

// Words of the control region (memory/layout.ts), in bytes.
const NAME_TABLE: usize = 8;
const NAME_TABLE_BITS: usize = 12;
const PAIR_TABLE: usize = 16;
const PAIR_TABLE_BITS: usize = 20;
// The series table's state.
export const TABLE_ADDRESS: usize = 0;
export const TABLE_BITS: usize = 4;
const TABLE_COUNT: usize = 8;
const TABLE_NEXT_REF: usize = 12;

const REF_PAGE: u32 = 128;

// A cold record (head/record.ts), in bytes; and how long a series record is, whose words append.ts has.
export const COLD_REF: usize = 0;
export const COLD_LABELS: usize = 4;
export const COLD_HASH: usize = 8;
export const COLD_FLAGS: usize = 12;
const COLD_OUT_OF_ORDER: usize = 24;
const RECORD_BYTES: usize = 64;
/** Pools link free cells by their first word. */
const LINK: usize = 0;

/** FNV-1a's basis; `hashText` of head/symbols.ts. */
const HASH_BASIS: u32 = 0x811c9dc5;

/** Hash of ASCII text; 0 stands for other text (and for one ASCII text in four billion, which is then as slow). */
function hashAscii(at: usize, end: usize): u32 {
  let hash = HASH_BASIS;
  let all: u32 = 0;
  for (let p = at; p < end; p++) {
    const byte = <u32>load<u8>(p);
    all |= byte;
    hash = (hash ^ byte) * 0x01000193;
  }
  return all < 0x80 ? finish(hash) : 0;
}

function finish(hash: u32): u32 {
  let h = (hash ^ (hash >>> 16)) * 0x85ebca6b;
  h = (h ^ (h >>> 13)) * 0xc2b2ae35;
  return h ^ (h >>> 16);
}

/** Whether the text at an address (of the arena, in words) is that of `[at, end)`. */
function holds(arena: usize, address: u32, length: u32, at: usize, end: usize): bool {
  if ((length & ~NOT_ASCII) !== <u32>(end - at)) return false;
  const offset = arena + ((<usize>address) << 2) - at;
  // From the end: what differs usually differs there.
  let p = end;
  while (p - at >= 8) {
    p -= 8;
    if (load<u64>(p) !== load<u64>(offset + p)) return false;
  }
  while (p > at) {
    p--;
    if (load<u8>(p) !== load<u8>(offset + p)) return false;
  }
  return true;
}

/** The id of the name `[at, end)`, 0 when it is not known or not ASCII. */
function findName(control: usize, arena: usize, names: usize, at: usize, end: usize): u32 {
  const hash = hashAscii(at, end);
  const table = arena + ((<usize>load<u32>(control, NAME_TABLE)) << 2);
  const mask = ((<u32>1) << load<u32>(control, NAME_TABLE_BITS)) - 1;
  let slot = hash & mask;
  while (true) {
    const id = load<u32>(table + ((<usize>slot) << 2));
    if (id === 0) return 0;
    const name = names + ((<usize>id) << SYMBOL_SHIFT);
    if (load<u32>(name, NAME_HASH) === hash) {
      if (holds(arena, load<u32>(name, NAME_TEXT), load<u32>(name, NAME_LENGTH), at, end)) return id;
    }
    slot = (slot + 1) & mask;
  }
}

/** The id of the pair of a name and the value `[at, end)`, made at need; 0 when the value is not ASCII. There is room for one. */
function internPair(context: usize, nameId: u32, at: usize, end: usize): u32 {
  const valueHash = hashAscii(at, end);
  if (valueHash === 0) return 0;
  const hash = finish(valueHash ^ (nameId * 0x9e3779b1));
  const control = <usize>load<u32>(context, CONTROL);
  const arena = <usize>load<u32>(context, ARENA);
  const pairs = <usize>load<u32>(context, PAIRS);
  const table = arena + ((<usize>load<u32>(control, PAIR_TABLE)) << 2);
  const mask = ((<u32>1) << load<u32>(control, PAIR_TABLE_BITS)) - 1;
  let slot = hash & mask;
  for (; ; slot = (slot + 1) & mask) {
    const id = load<u32>(table + ((<usize>slot) << 2));
    if (id === 0) break;
    const pair = pairs + ((<usize>id) << SYMBOL_SHIFT);
    if (load<u32>(pair, PAIR_HASH) !== hash || load<u32>(pair, PAIR_NAME) !== nameId) continue;
    if (holds(arena, load<u32>(pair, PAIR_TEXT), load<u32>(pair, PAIR_LENGTH), at, end)) return id;
  }
  const id = takeCell(<usize>load<u32>(context, PAIR_POOL), pairs, SYMBOL_SHIFT, LINK);
  const length = <u32>(end - at);
  const text = takeBlock(<usize>load<u32>(context, ARENA_STATE), arena, max((length + 3) >>> 2, 1));
  const into = arena + ((<usize>text) << 2) - at;
  for (let p = at; p < end; p++) store<u8>(into + p, load<u8>(p));
  const pair = pairs + ((<usize>id) << SYMBOL_SHIFT);
  const name = <usize>load<u32>(context, NAMES) + ((<usize>nameId) << SYMBOL_SHIFT);
  store<u32>(pair, nameId, PAIR_NAME);
  store<u32>(pair, text, PAIR_TEXT);
  store<u32>(pair, length, PAIR_LENGTH);
  store<u32>(pair, hash, PAIR_HASH);
  store<u32>(pair, load<u32>(name, NAME_NEWEST_PAIR), PAIR_NEXT_OF_NAME);
  store<u32>(pair, 0, PAIR_POSTINGS_FIRST);
  store<u32>(pair, 0, PAIR_POSTINGS_COUNT);
  store<u32>(pair, 0, PAIR_POSTINGS_LAST);
  store<u32>(table + ((<usize>slot) << 2), id);
  store<u32>(name, load<u32>(name, NAME_PAIR_COUNT) + 1, NAME_PAIR_COUNT);
  store<u32>(name, id, NAME_NEWEST_PAIR);
  return id;
}

/** Whether a label list (an address in the arena) is that of `count` ids. */
function sameLabels(list: usize, ids: usize, count: u32): bool {
  if (load<u32>(list) !== count) return false;
  for (let i: usize = 0; i < <usize>count; i++) {
    if (load<u32>(list + (i << 2), 4) !== load<u32>(ids + (i << 2))) return false;
  }
  return true;
}

/**
 * Makes series of what stands in `[at, end)`, up to `limit`: notes their records in the context's array, and the position it reached.
 * Returns how many; what is not for it ends the run without being consumed: labels that are empty, many, of unknown names or of new
 * text that is not ASCII, a set of them that is known, refs that are none or taken, a table or region that is full, damage.
 */
export function makeSeries(context: usize, at: usize, end: usize, limit: u32, epoch: u32): u32 {
  const control = <usize>load<u32>(context, CONTROL);
  const arena = <usize>load<u32>(context, ARENA);
  const arenaState = <usize>load<u32>(context, ARENA_STATE);
  const arenaLimit = load<u32>(context, ARENA_LIMIT);
  const names = <usize>load<u32>(context, NAMES);
  const pairs = <usize>load<u32>(context, PAIRS);
  const pairPool = <usize>load<u32>(context, PAIR_POOL);
  const seriesPool = <usize>load<u32>(context, SERIES_POOL);
  const state = <usize>load<u32>(context, SERIES_TABLE);
  const series = <usize>load<u32>(context, SERIES);
  const cold = <usize>load<u32>(context, COLD);
  const pages = <usize>load<u32>(context, PAGES);
  const pageCount = load<u32>(context, PAGE_COUNT);
  const records = <usize>load<u32>(context, RECORDS);
  const ids = <usize>load<u32>(context, IDS);
  /** Ids of the series before, as far as this one has not come. */
  let before: u32 = 0;
  let made: u32 = 0;
  let position = at;
  while (made < limit && end - position >= 10) {
    let p = position;
    const ref = bswap(load<u64>(p));
    const count = <u32>load<u8>(p, 8);
    p += 9;
    const page = <u32>(ref >>> 7);
    if (ref === 0 || ref > MAX_REF || page >= pageCount || count === 0 || count > MAX_LABELS) break;
    const pageAt = pages + ((<usize>page) << 2);
    const inPage = <usize>ref & 127;
    // An absent page is page 0, whose words are all 0.
    if (load<u32>(arena + ((<usize>load<u32>(pageAt) + inPage) << 2)) !== 0) break;
    if (!has(seriesPool, 1) || !has(pairPool, count)) break;
    const used = load<u32>(pairPool, POOL_HIGH) - load<u32>(pairPool, POOL_FREE_COUNT);
    if ((used + count) * 2 > (<u32>1) << load<u32>(control, PAIR_TABLE_BITS)) break;
    const bits = load<u32>(state, TABLE_BITS);
    const total = load<u32>(state, TABLE_COUNT) + 1;
    if (total * 2 > (<u32>1) << bits) break;
    // Texts of all labels, a list and a page, each rounded up by less than a granule and a fourth.
    const most = <u64>firstFree(arenaState) + 2 * (<u64>(end - position) + 8 * <u64>count + 256);
    if (most > <u64>arenaLimit) break;

    let i: u32 = 0;
    let hash: u32 = 0x9e3779b9 ^ count;
    for (; i < count; i++) {
      if (p >= end) break;
      let length = <u32>load<u8>(p++);
      if (length >= 0x80) {
        if (p >= end || load<u8>(p) >= 0x80) break;
        length = (length & 0x7f) | ((<u32>load<u8>(p++)) << 7);
      }
      const name = p;
      const nameEnd = name + <usize>length;
      if (nameEnd >= end) break;
      p = nameEnd;
      length = <u32>load<u8>(p++);
      if (length >= 0x80) {
        if (p >= end || load<u8>(p) >= 0x80) break;
        length = (length & 0x7f) | ((<u32>load<u8>(p++)) << 7);
      }
      const value = p;
      const valueEnd = value + <usize>length;
      if (valueEnd > end || length === 0) break;
      p = valueEnd;
      let nameId: u32 = 0;
      let id: u32 = 0;
      if (i < before) {
        const pair = pairs + ((<usize>load<u32>(ids + ((<usize>i) << 2))) << SYMBOL_SHIFT);
        const known = load<u32>(pair, PAIR_NAME);
        const record = names + ((<usize>known) << SYMBOL_SHIFT);
        if (holds(arena, load<u32>(record, NAME_TEXT), load<u32>(record, NAME_LENGTH), name, nameEnd)) {
          nameId = known;
          if (holds(arena, load<u32>(pair, PAIR_TEXT), load<u32>(pair, PAIR_LENGTH), value, valueEnd)) {
            id = load<u32>(ids + ((<usize>i) << 2));
          }
        }
      }
      if (nameId === 0) nameId = findName(control, arena, names, name, nameEnd);
      if (nameId === 0) break;
      if (id === 0) id = internPair(context, nameId, value, valueEnd);
      if (id === 0) break;
      store<u32>(ids + ((<usize>i) << 2), id);
      hash = (hash ^ id) * 0x85ebca6b;
      hash ^= hash >>> 15;
    }
    if (i < count) break;
    before = max(before, count);
    hash = hash * 0xc2b2ae35;
    hash ^= hash >>> 16;

    const table = arena + ((<usize>load<u32>(state, TABLE_ADDRESS)) << 2);
    const mask = ((<u32>1) << bits) - 1;
    let slot = hash & mask;
    let known: u32 = 0;
    for (; ; slot = (slot + 1) & mask) {
      known = load<u32>(table + ((<usize>slot) << 2));
      if (known === 0) break;
      const other = cold + ((<usize>known) << COLD_SHIFT);
      if (load<u32>(other, COLD_HASH) !== hash) continue;
      if (sameLabels(arena + ((<usize>load<u32>(other, COLD_LABELS)) << 2), ids, count)) break;
    }
    if (known !== 0) break;

    const record = takeCell(seriesPool, series, RECORD_SHIFT, LINK);
    const list = takeBlock(arenaState, arena, count + 1);
    const listAt = arena + ((<usize>list) << 2);
    store<u32>(listAt, count);
    for (let k: usize = 0; k < <usize>count; k++) store<u32>(listAt + (k << 2), load<u32>(ids + (k << 2)), 4);
    const coldAt = cold + ((<usize>record) << COLD_SHIFT);
    store<u32>(coldAt, <u32>ref, COLD_REF);
    store<u32>(coldAt, list, COLD_LABELS);
    store<u32>(coldAt, hash, COLD_HASH);
    store<u32>(coldAt, 0, COLD_FLAGS);
    store<u32>(coldAt, 0, COLD_OUT_OF_ORDER);
    const base = series + ((<usize>record) << RECORD_SHIFT);
    for (let k: usize = 0; k < RECORD_BYTES; k += 8) store<u64>(base + k, 0);
    store<f64>(base, -Infinity, LAST_TIME);
    store<f64>(base, -Infinity, NEXT_CUT);
    store<u32>(base, NO_WINDOW, PACKED);
    store<u32>(base, epoch, EPOCH);
    if (load<u32>(pageAt) === 0) {
      const fresh = takeBlock(arenaState, arena, REF_PAGE);
      memory.fill(arena + ((<usize>fresh) << 2), 0, (<usize>REF_PAGE) << 2);
      store<u32>(pageAt, fresh);
    }
    store<u32>(arena + ((<usize>load<u32>(pageAt) + inPage) << 2), record);
    store<u32>(table + ((<usize>slot) << 2), record);
    store<u32>(state, total, TABLE_COUNT);
    store<u32>(state, max(load<u32>(state, TABLE_NEXT_REF), <u32>ref + 1), TABLE_NEXT_REF);
    store<u32>(records + ((<usize>made) << 2), record);
    made++;
    position = p;
  }
  store<u32>(context, <u32>position, DECODED_TO);
  return made;
}
