// Label names and pairs: what head/symbol-writer.ts and head/label-interner.ts do with ASCII text.

import { takeCell } from "./append";
import { takeBlock } from "./arena";
import { ARENA, ARENA_STATE, CONTROL, NAMES, PAIR_POOL, PAIRS } from "./context";

// Names and pairs (head/symbols.ts), in bytes.
export const SYMBOL_SHIFT: usize = 5;
export const NAME_TEXT: usize = 0;
export const NAME_LENGTH: usize = 4;
const NAME_HASH: usize = 8;
const NAME_NEWEST_PAIR: usize = 12;
const NAME_PAIR_COUNT: usize = 16;
export const PAIR_NAME: usize = 0;
export const PAIR_TEXT: usize = 4;
export const PAIR_LENGTH: usize = 8;
const PAIR_HASH: usize = 12;
const PAIR_NEXT_OF_NAME: usize = 16;
export const PAIR_POSTINGS_FIRST: usize = 20;
export const PAIR_POSTINGS_COUNT: usize = 24;
export const PAIR_POSTINGS_LAST: usize = 28;
/** Of a length: the rest says whether the text is all ASCII. */
export const TEXT_LENGTH_MASK: u32 = 0x7fffffff;

// Words of the control region (memory/layout.ts), in bytes.
const NAME_TABLE: usize = 8;
const NAME_TABLE_BITS: usize = 12;
const PAIR_TABLE: usize = 16;
export const PAIR_TABLE_BITS: usize = 20;
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
  if ((length & TEXT_LENGTH_MASK) !== <u32>(end - at)) return false;
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
  // Other threads may look for pairs at any time: who finds this one sees all of it.
  atomic.store<u32>(table + ((<usize>slot) << 2), id);
  store<u32>(name, load<u32>(name, NAME_PAIR_COUNT) + 1, NAME_PAIR_COUNT);
  atomic.store<u32>(name, id, NAME_NEWEST_PAIR);
  return id;
}

/**
 * The id of a label, made at need; 0 when its name is not known, or its text is not ASCII. `like` is the pair that the series before has
 * in its place (0: none): the same pair costs a comparison, the same name half a look-up. There is room for one.
 */
export function internLabel(
  context: usize,
  control: usize,
  arena: usize,
  names: usize,
  pairs: usize,
  like: u32,
  name: usize,
  nameEnd: usize,
  value: usize,
  valueEnd: usize,
): u32 {
  let nameId: u32 = 0;
  if (like !== 0) {
    const pair = pairs + ((<usize>like) << SYMBOL_SHIFT);
    const known = load<u32>(pair, PAIR_NAME);
    const record = names + ((<usize>known) << SYMBOL_SHIFT);
    if (holds(arena, load<u32>(record, NAME_TEXT), load<u32>(record, NAME_LENGTH), name, nameEnd)) {
      nameId = known;
      if (holds(arena, load<u32>(pair, PAIR_TEXT), load<u32>(pair, PAIR_LENGTH), value, valueEnd)) return like;
    }
  }
  if (nameId === 0) nameId = findName(control, arena, names, name, nameEnd);
  return nameId === 0 ? 0 : internPair(context, nameId, value, valueEnd);
}
