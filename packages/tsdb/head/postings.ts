// Postings: per label pair the refs of its series, ascending, in a chain of blocks that only grows at its end.
//
// Header (in the pair's record): first block, count, last block. With one series the "first block" is the ref itself.
// Block: next block, entries used (the writer's), capacity, then the refs. Pair 0 stands for all series.
import { Arena } from "../memory/arena.ts";
import { COLD_WORDS, Control, type HeadMemory, PAIR_WORDS } from "../memory/layout.ts";
import { beginCopy, closeWindow, copyHolds, openWindow } from "../memory/window.ts";
import { Cold } from "./record.ts";
import { PairField } from "./symbols.ts";

const NEXT = 0;
const USED = 1;
const CAPACITY = 2;
const HEADER_WORDS = 3;
/** Largest block, in words: growth is by half of what is there, up to this. */
const MAX_BLOCK_WORDS = 4096;
/** Refs that `buildPostings` sorts at a time: 8 MB, whatever the number of series. */
const BUILD_BATCH = 2 * 2 ** 20;

/** The pair id that stands for all series. */
export const ALL_SERIES = 0;

const { postingsFirst, postingsCount, postingsLast } = PairField;

/** Adds a ref that is higher than all refs there. The caller holds the write window open. */
export function addPosting(memory: HeadMemory, arena: Arena, pair: number, ref: number): void {
  const { pairs, arena: words } = memory;
  const base = pair * PAIR_WORDS;
  const count = pairs[base + postingsCount];
  if (count === 0) {
    pairs[base + postingsFirst] = ref;
  } else if (count === 1) {
    const block = newBlock(arena, 2 + HEADER_WORDS);
    words[block + HEADER_WORDS] = pairs[base + postingsFirst];
    words[block + HEADER_WORDS + 1] = ref;
    words[block + USED] = 2;
    pairs[base + postingsFirst] = block;
    pairs[base + postingsLast] = block;
  } else {
    let block = pairs[base + postingsLast];
    let used = words[block + USED];
    if (used === words[block + CAPACITY]) {
      const wanted = Math.min(MAX_BLOCK_WORDS, (count >>> 1) + HEADER_WORDS);
      const next = newBlock(arena, wanted);
      words[block + NEXT] = next;
      pairs[base + postingsLast] = next;
      block = next;
      used = 0;
    }
    words[block + HEADER_WORDS + used] = ref;
    words[block + USED] = used + 1;
  }
  pairs[base + postingsCount] = count + 1;
  if (pair === ALL_SERIES) memory.control[Control.seriesCount] = count + 1;
}

/** How many series have the pair now. */
export function countPostings(memory: HeadMemory, pair: number): number {
  return memory.pairs[pair * PAIR_WORDS + postingsCount];
}

/** Copies all refs of a pair to `into[at...]` (which has room for `limit`), returns how many: never more than `limit`. */
export function readPostings(memory: HeadMemory, pair: number, into: Uint32Array, at: number, limit: number): number {
  const { control, pairs, arena } = memory;
  const base = pair * PAIR_WORDS;
  let first = 0;
  let count = 0;
  for (;;) {
    const sequence = beginCopy(control);
    first = pairs[base + postingsFirst];
    count = pairs[base + postingsCount];
    if (copyHolds(control, sequence)) break;
  }
  const wanted = Math.min(count, limit);
  if (count === 1) {
    if (wanted === 1) into[at] = first;
    return wanted;
  }
  let done = 0;
  for (let block = first; done < wanted; block = arena[block + NEXT]) {
    const here = Math.min(wanted - done, arena[block + CAPACITY]);
    const from = block + HEADER_WORDS;
    if (here < 32) for (let i = 0; i < here; i++) into[at + done + i] = arena[from + i];
    else into.set(arena.subarray(from, from + here), at + done);
    done += here;
  }
  return done;
}

/**
 * Replaces a pair's postings by `refs[0, count)`. Returns the old chain's first block, to be freed with `freeChain` when
 * no reader can stand on it; 0 when there is nothing to free.
 */
export function replacePostings(
  memory: HeadMemory,
  arena: Arena,
  pair: number,
  refs: Uint32Array,
  count: number,
): number {
  const { control, pairs, arena: words } = memory;
  const base = pair * PAIR_WORDS;
  const old = pairs[base + postingsCount] > 1 ? pairs[base + postingsFirst] : 0;
  let first = count === 0 ? 0 : refs[0];
  let last = 0;
  if (count > 1) {
    first = 0;
    for (let done = 0; done < count; ) {
      const block = newBlock(arena, Math.min(MAX_BLOCK_WORDS, count - done + HEADER_WORDS));
      const here = Math.min(words[block + CAPACITY], count - done);
      words.set(refs.subarray(done, done + here), block + HEADER_WORDS);
      words[block + USED] = here;
      if (last === 0) first = block;
      else words[last + NEXT] = block;
      last = block;
      done += here;
    }
  }
  openWindow(control);
  pairs[base + postingsFirst] = first;
  pairs[base + postingsCount] = count;
  pairs[base + postingsLast] = last;
  if (pair === ALL_SERIES) control[Control.seriesCount] = count;
  closeWindow(control);
  return old;
}

/**
 * Makes the postings of all pairs up to `highestPair`, which have none, from the label lists of `records` (in the order of their
 * refs). A third of the cost of adding refs one by one, and no room for growth in between. Nobody reads yet.
 */
export function buildPostings(memory: HeadMemory, arena: Arena, records: Uint32Array, highestPair: number): void {
  const { cold, arena: words } = memory;
  const counts = new Uint32Array(highestPair + 1);
  for (let r = 0; r < records.length; r++) {
    const list = cold[records[r] * COLD_WORDS + Cold.labels];
    for (let i = list + 1, end = list + words[list]; i <= end; i++) counts[words[i]]++;
  }
  const next = new Uint32Array(highestPair + 1);
  let refs = new Uint32Array(0);
  for (let from = 1; from <= highestPair; ) {
    let to = from;
    let entries = 0;
    // As many pairs as fit a batch, but at least one.
    for (; to <= highestPair && (to === from || entries + counts[to] <= BUILD_BATCH); to++) {
      next[to] = entries;
      entries += counts[to];
    }
    if (entries > refs.length) refs = new Uint32Array(entries);
    for (let r = 0; r < records.length; r++) {
      const at = records[r] * COLD_WORDS;
      const ref = cold[at + Cold.ref];
      const list = cold[at + Cold.labels];
      for (let i = list + 1, end = list + words[list]; i <= end; i++) {
        const pair = words[i];
        if (pair >= from && pair < to) refs[next[pair]++] = ref;
      }
    }
    for (let pair = from; pair < to; pair++) {
      const count = counts[pair];
      if (count > 0) replacePostings(memory, arena, pair, refs.subarray(next[pair] - count, next[pair]), count);
    }
    from = to;
  }
  const all = records.map((record) => cold[record * COLD_WORDS + Cold.ref]);
  replacePostings(memory, arena, ALL_SERIES, all, all.length);
}

/** Frees a chain that `replacePostings` returned. */
export function freeChain(arena: Arena, first: number): void {
  for (let block = first; block !== 0; ) {
    const next = arena.words[block + NEXT];
    arena.give(block, arena.words[block + CAPACITY] + HEADER_WORDS);
    block = next;
  }
}

function newBlock(arena: Arena, wantedWords: number): number {
  const words = Arena.roundUp(wantedWords);
  const block = arena.take(words);
  arena.words[block + NEXT] = 0;
  arena.words[block + USED] = 0;
  arena.words[block + CAPACITY] = words - HEADER_WORDS;
  return block;
}
