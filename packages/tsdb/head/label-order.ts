// Sorting series by their labels without making label sets: each pair in the selection gets its rank, ranks become numbers.
import { compareStrings } from "@narthex/model";
import { COLD_WORDS, type HeadMemory } from "../memory/layout.ts";
import { Cold } from "./record.ts";
import type { Symbols } from "./symbols.ts";

/** Largest whole number that a float counts exactly. */
const EXACT = 2 ** 53;

/** Sorts records in place by `Labels.compare`. */
export function sortByLabels(memory: HeadMemory, symbols: Symbols, records: Uint32Array): void {
  const { length } = records;
  if (length < 2) return;
  const { arena, cold } = memory;
  const lists = new Uint32Array(length);
  let longest = 0;
  for (let i = 0; i < length; i++) {
    lists[i] = cold[records[i] * COLD_WORDS + Cold.labels];
    longest = Math.max(longest, arena[lists[i]]);
  }
  // Keys: as many label positions as fit into one exact number, then the next number. A place where all agree costs nothing.
  const keys: Float64Array[] = [];
  let key: Float64Array | undefined;
  let room = 1;
  for (let place = 1; place <= longest; place++) {
    const ranks = ranksAt(memory, symbols, lists, place);
    if (ranks === undefined) continue;
    const base = ranks.size + 1;
    if (key === undefined || room * base >= EXACT) {
      key = new Float64Array(length);
      keys.push(key);
      room = 1;
    }
    room *= base;
    for (let i = 0; i < length; i++) {
      const list = lists[i];
      const rank = place <= arena[list] ? (ranks.get(arena[list + place]) as number) : 0;
      key[i] = key[i] * base + rank;
    }
  }
  const first = keys[0];
  if (first === undefined) return;
  if (keys.length === 1 && room * length < EXACT) {
    // The position goes along in the number, so that the engine's own sort of numbers does it all.
    for (let i = 0; i < length; i++) first[i] = first[i] * length + i;
    first.sort();
    const sorted = new Uint32Array(length);
    for (let i = 0; i < length; i++) sorted[i] = records[first[i] % length];
    records.set(sorted);
    return;
  }
  const order = new Uint32Array(length);
  for (let i = 0; i < length; i++) order[i] = i;
  order.sort((a, b) => {
    for (const values of keys) if (values[a] !== values[b]) return values[a] - values[b];
    return 0;
  });
  const sorted = new Uint32Array(length);
  for (let i = 0; i < length; i++) sorted[i] = records[order[i]];
  records.set(sorted);
}

/** Ranks (from 1) of the pairs at one label position; undefined when all series have the same one. */
function ranksAt(
  memory: HeadMemory,
  symbols: Symbols,
  lists: Uint32Array,
  place: number,
): Map<number, number> | undefined {
  const { arena } = memory;
  const ranks = new Map<number, number>();
  let previous = 0;
  let missing = false;
  for (let i = 0; i < lists.length; i++) {
    const list = lists[i];
    if (place > arena[list]) {
      missing = true;
      continue;
    }
    const pair = arena[list + place];
    if (pair === previous) continue;
    previous = pair;
    if (!ranks.has(pair)) ranks.set(pair, 0);
  }
  if (ranks.size <= 1 && !missing) return undefined;
  const sorted = [...ranks.keys()].map((id) => ({
    id,
    name: symbols.nameText(symbols.nameOfPair(id)),
    value: symbols.valueText(id),
  }));
  sorted.sort((a, b) => (a.name === b.name ? compareStrings(a.value, b.value) : compareStrings(a.name, b.name)));
  for (let i = 0; i < sorted.length; i++) ranks.set(sorted[i].id, i + 1);
  return ranks;
}
