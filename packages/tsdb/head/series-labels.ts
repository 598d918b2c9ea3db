// A series' labels as strings. Any thread.
import { Labels } from "@narthex/model";
import { COLD_WORDS, type HeadMemory } from "../memory/layout.ts";
import { Cold } from "./record.ts";
import type { Symbols } from "./symbols.ts";

/** Label set of a record, as new strings' owner: pairs come from the thread's cache of symbols. */
export function labelsOf(memory: HeadMemory, symbols: Symbols, record: number): Labels {
  const { arena, cold } = memory;
  const list = cold[record * COLD_WORDS + Cold.labels];
  const count = arena[list];
  const pairs: string[] = new Array(count * 2);
  for (let i = 0; i < count; i++) {
    const pair = arena[list + 1 + i];
    pairs[2 * i] = symbols.nameText(symbols.nameOfPair(pair));
    pairs[2 * i + 1] = symbols.valueText(pair);
  }
  return new Labels(pairs);
}
