// Postings: one ref more, and those of all pairs at once after a replay put them off: what head/postings.ts does (`addPosting`,
// `buildPostings`).
import { firstFree, roundUp, takeBlock } from "./arena";
import { ARENA, ARENA_LIMIT, ARENA_STATE, COLD, PAIRS } from "./context";
import { COLD_LABELS, COLD_REF, liveAt } from "./series";
import { PAIR_POSTINGS_COUNT, PAIR_POSTINGS_FIRST, PAIR_POSTINGS_LAST, SYMBOL_SHIFT } from "./symbols";

// A block of postings, in bytes; behind that its refs.
const NEXT: usize = 0;
const USED: usize = 4;
const CAPACITY: usize = 8;
const HEADER_WORDS: u32 = 3;
const HEADER_BYTES: usize = 12;
/** Words of the largest block. */
export const MAX_BLOCK_WORDS: u32 = 4096;

/** The pair that stands for all series. */
export const ALL_SERIES: u32 = 0;

/** A block with room for `wanted` words, header included, or more. */
function newBlock(state: usize, arena: usize, wanted: u32): u32 {
  const words = roundUp(wanted);
  const block = takeBlock(state, arena, words);
  const at = arena + ((<usize>block) << 2);
  store<u32>(at, 0, NEXT);
  store<u32>(at, 0, USED);
  store<u32>(at, words - HEADER_WORDS, CAPACITY);
  return block;
}

/** Gives a pair a ref that is higher than all that it has, for which there is room; returns how many it has then. */
export function addPosting(context: usize, pair: u32, ref: u32): u32 {
  const arena = <usize>load<u32>(context, ARENA);
  const state = <usize>load<u32>(context, ARENA_STATE);
  const header = <usize>load<u32>(context, PAIRS) + ((<usize>pair) << SYMBOL_SHIFT);
  const count = load<u32>(header, PAIR_POSTINGS_COUNT);
  if (count === 0) store<u32>(header, ref, PAIR_POSTINGS_FIRST);
  else if (count === 1) {
    const block = newBlock(state, arena, 2 + HEADER_WORDS);
    const at = arena + ((<usize>block) << 2);
    store<u32>(at + HEADER_BYTES, load<u32>(header, PAIR_POSTINGS_FIRST));
    store<u32>(at + HEADER_BYTES, ref, 4);
    store<u32>(at, 2, USED);
    store<u32>(header, block, PAIR_POSTINGS_FIRST);
    store<u32>(header, block, PAIR_POSTINGS_LAST);
  } else {
    let at = arena + ((<usize>load<u32>(header, PAIR_POSTINGS_LAST)) << 2);
    let used = load<u32>(at, USED);
    if (used === load<u32>(at, CAPACITY)) {
      const next = newBlock(state, arena, min(MAX_BLOCK_WORDS, (count >>> 1) + HEADER_WORDS));
      store<u32>(at, next, NEXT);
      store<u32>(header, next, PAIR_POSTINGS_LAST);
      at = arena + ((<usize>next) << 2);
      used = 0;
    }
    store<u32>(at + ((<usize>used) << 2) + HEADER_BYTES, ref);
    store<u32>(at, used + 1, USED);
  }
  store<u32>(header, count + 1, PAIR_POSTINGS_COUNT);
  return count + 1;
}

/** Gives a pair without postings the refs `[refs, refs + 4 * count)`. */
function fillPostings(context: usize, pair: u32, refs: usize, count: u32): void {
  const arena = <usize>load<u32>(context, ARENA);
  const state = <usize>load<u32>(context, ARENA_STATE);
  const header = <usize>load<u32>(context, PAIRS) + ((<usize>pair) << SYMBOL_SHIFT);
  let first: u32 = count === 0 ? 0 : load<u32>(refs);
  let last: u32 = 0;
  if (count > 1) {
    let done: u32 = 0;
    while (done < count) {
      const words = roundUp(min(MAX_BLOCK_WORDS, count - done + HEADER_WORDS));
      const block = takeBlock(state, arena, words);
      const at = arena + ((<usize>block) << 2);
      const here = min(words - HEADER_WORDS, count - done);
      store<u32>(at, 0, NEXT);
      store<u32>(at, here, USED);
      store<u32>(at, words - HEADER_WORDS, CAPACITY);
      memory.copy(at + HEADER_BYTES, refs + ((<usize>done) << 2), (<usize>here) << 2);
      if (last === 0) first = block;
      else store<u32>(arena + ((<usize>last) << 2), block, NEXT);
      last = block;
      done += here;
    }
  }
  store<u32>(header, first, PAIR_POSTINGS_FIRST);
  store<u32>(header, count, PAIR_POSTINGS_COUNT);
  store<u32>(header, last, PAIR_POSTINGS_LAST);
}

/**
 * Makes the postings of all pairs up to `highestPair`, which have none, and of all series (pair 0), from the records up to
 * `highestRecord`, `total` of which stand for series now. `[work, work + 4 * words)` is free to use. Returns false, with nothing
 * changed, where the series are not in the order of their refs, or where room may be short.
 */
export function buildPostings(
  context: usize,
  highestRecord: u32,
  total: u32,
  highestPair: u32,
  work: usize,
  words: u32,
): bool {
  const arena = <usize>load<u32>(context, ARENA);
  const cold = <usize>load<u32>(context, COLD);
  const room = <u64>words;
  if (<u64>highestPair * 2 + <u64>total + 2 > room) return false;
  const counts = work;
  memory.fill(counts, 0, (<usize>highestPair + 1) << 2);
  let entries: u64 = 0;
  let before: u32 = 0;
  for (let record: u32 = 1; record <= highestRecord; record++) {
    const at = liveAt(cold, record);
    if (at === 0) continue;
    const ref = load<u32>(at, COLD_REF);
    if (ref < before) return false;
    before = ref;
    const list = arena + ((<usize>load<u32>(at, COLD_LABELS)) << 2);
    const end = list + ((<usize>load<u32>(list)) << 2);
    for (let label = list + 4; label <= end; label += 4) {
      const counter = counts + ((<usize>load<u32>(label)) << 2);
      store<u32>(counter, load<u32>(counter) + 1);
      entries++;
    }
  }
  const batch = room - 2 * (<u64>highestPair + 1);
  // More than there are series only where a series has a pair twice.
  for (let pair: u32 = 1; pair <= highestPair; pair++) {
    if (<u64>load<u32>(counts + ((<usize>pair) << 2)) > batch) return false;
  }
  // A block is rounded up by a fourth at most, and has a header.
  const most = (entries + <u64>total) * 2 + (<u64>highestPair + 1) * 16;
  if (<u64>firstFree(<usize>load<u32>(context, ARENA_STATE)) + most > <u64>load<u32>(context, ARENA_LIMIT))
    return false;

  const next = counts + ((<usize>highestPair + 1) << 2);
  const refs = next + ((<usize>highestPair + 1) << 2);
  let from: u32 = 1;
  while (from <= highestPair) {
    // As many pairs as fit the room.
    let to = from;
    let sum: u64 = 0;
    while (to <= highestPair && sum + <u64>load<u32>(counts + ((<usize>to) << 2)) <= batch) {
      store<u32>(next + ((<usize>to) << 2), <u32>sum);
      sum += <u64>load<u32>(counts + ((<usize>to) << 2));
      to++;
    }
    for (let record: u32 = 1; record <= highestRecord; record++) {
      const at = liveAt(cold, record);
      if (at === 0) continue;
      const ref = load<u32>(at, COLD_REF);
      const list = arena + ((<usize>load<u32>(at, COLD_LABELS)) << 2);
      const end = list + ((<usize>load<u32>(list)) << 2);
      for (let label = list + 4; label <= end; label += 4) {
        const pair = load<u32>(label);
        if (pair < from || pair >= to) continue;
        const place = next + ((<usize>pair) << 2);
        const i = load<u32>(place);
        store<u32>(refs + ((<usize>i) << 2), ref);
        store<u32>(place, i + 1);
      }
    }
    for (let pair = from; pair < to; pair++) {
      const count = load<u32>(counts + ((<usize>pair) << 2));
      const behind = load<u32>(next + ((<usize>pair) << 2));
      if (count > 0) fillPostings(context, pair, refs + ((<usize>(behind - count)) << 2), count);
    }
    from = to;
  }
  let all: usize = 0;
  for (let record: u32 = 1; record <= highestRecord; record++) {
    const at = liveAt(cold, record);
    if (at !== 0) store<u32>(refs + (all++ << 2), load<u32>(at, COLD_REF));
  }
  fillPostings(context, 0, refs, total);
  return true;
}
