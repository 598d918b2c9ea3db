// Label sets that any block of this thread has shown: equal ones are one object, so that merging the series of many
// blocks compares references, and a set that is in twelve blocks takes memory once.
import { Labels } from "@narthex/model";

/** Symbols in all kept sets; beyond that, they begin anew. What was given out stays as it is, only no longer unique. */
const MAX_SYMBOLS = 1024 * 1024;
const FIRST_CAPACITY = 1024;

let sets: Labels[] = [];
/** The symbols of the sets, one set behind the other: numbers that `symbol-table.ts` gives to texts. */
let symbols = new Uint32Array(8 * FIRST_CAPACITY);
/** Where the symbols of set `i` begin; those of the next one begin where they end. */
let starts = new Uint32Array(FIRST_CAPACITY + 1);
/** Open addressing: set number plus 1, 0 for free. At least twice as many places as sets. */
let table = new Uint32Array(2 * FIRST_CAPACITY);

/** Forgets all sets: when symbols are numbered anew. */
export function forgetLabelSets(): void {
  sets = [];
  symbols = new Uint32Array(8 * FIRST_CAPACITY);
  starts = new Uint32Array(FIRST_CAPACITY + 1);
  table = new Uint32Array(2 * FIRST_CAPACITY);
}

/** The label set of the first `count` of `wanted` (symbols of names and values in turn), whose texts `texts` knows. */
export function labelSet(wanted: readonly number[], count: number, texts: readonly string[]): Labels {
  let hash = count;
  for (let i = 0; i < count; i++) hash = Math.imul(hash ^ (wanted[i] as number), 0x9e3779b1) ^ (hash >>> 15);
  hash ^= hash >>> 16;
  const mask = table.length - 1;
  let place = hash & mask;
  for (; table[place] !== 0; place = (place + 1) & mask) {
    const found = (table[place] as number) - 1;
    const start = starts[found] as number;
    if ((starts[found + 1] as number) - start !== count) continue;
    let i = 0;
    while (i < count && symbols[start + i] === wanted[i]) i++;
    if (i === count) return sets[found] as Labels;
  }
  const pairs = new Array<string>(count);
  for (let i = 0; i < count; i++) pairs[i] = texts[wanted[i] as number] as string;
  const labels = new Labels(pairs);
  const end = starts[sets.length] as number;
  if (end + count > MAX_SYMBOLS) {
    forgetLabelSets();
    return labels;
  }
  table[place] = sets.push(labels);
  if (end + count > symbols.length) symbols = grown(symbols, 2 * symbols.length + count);
  for (let i = 0; i < count; i++) symbols[end + i] = wanted[i] as number;
  if (sets.length === starts.length) starts = grown(starts, 2 * starts.length);
  starts[sets.length] = end + count;
  if (2 * sets.length > table.length) rehash();
  return labels;
}

function rehash(): void {
  table = new Uint32Array(2 * table.length);
  const mask = table.length - 1;
  for (let set = 0; set < sets.length; set++) {
    const start = starts[set] as number;
    const end = starts[set + 1] as number;
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ (symbols[i] as number), 0x9e3779b1) ^ (hash >>> 15);
    hash ^= hash >>> 16;
    let place = hash & mask;
    while (table[place] !== 0) place = (place + 1) & mask;
    table[place] = set + 1;
  }
}

function grown(array: Uint32Array<ArrayBuffer>, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(array);
  return larger;
}
