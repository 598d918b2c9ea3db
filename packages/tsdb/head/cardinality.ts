// What fills the head: the numbers of the status page.

import { NAME_WORDS, PAIR_WORDS } from "../memory/layout.ts";
import type { Head } from "./head.ts";
import { countPostings } from "./postings.ts";
import { NameField, PairField } from "./symbols.ts";

export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** The largest of each kind, descending. */
export interface Cardinality {
  readonly seriesCountByMetricName: readonly NamedCount[];
  readonly labelValueCountByLabelName: readonly NamedCount[];
  /** Bytes of the values' text, once per series that has them. */
  readonly memoryInBytesByLabelName: readonly NamedCount[];
  /** Pairs are written `name=value`. */
  readonly seriesCountByLabelValuePair: readonly NamedCount[];
}

/** Walks over all label pairs once; keeps `limit` of each kind. */
export function cardinality(head: Head, limit: number): Cardinality {
  const { memory, symbols } = head;
  const metricName = symbols.nameId("__name__");
  const metrics = new Top(limit);
  const values = new Top(limit);
  const bytes = new Top(limit);
  const pairs = new Top(limit);
  for (let name = 1; name <= symbols.nameCount; name++) {
    let total = 0;
    for (let pair = symbols.newestPair(name); pair !== 0; pair = symbols.nextOfName(pair)) {
      const count = countPostings(memory, pair);
      total += count * (memory.pairs[pair * PAIR_WORDS + PairField.length] & 0x7fff_ffff);
      if (name === metricName) metrics.offer(pair, count);
      pairs.offer(pair, count);
    }
    const distinct = memory.names[name * NAME_WORDS + NameField.pairCount];
    if (distinct === 0) continue;
    values.offer(name, distinct);
    bytes.offer(name, total);
  }
  const named = (top: Top, text: (id: number) => string): NamedCount[] =>
    top.entries.map(({ id, value }) => ({ name: text(id), value }));
  return {
    seriesCountByMetricName: named(metrics, (pair) => symbols.valueText(pair)),
    labelValueCountByLabelName: named(values, (name) => symbols.nameText(name)),
    memoryInBytesByLabelName: named(bytes, (name) => symbols.nameText(name)),
    seriesCountByLabelValuePair: named(
      pairs,
      (pair) => `${symbols.nameText(symbols.nameOfPair(pair))}=${symbols.valueText(pair)}`,
    ),
  };
}

/** The `limit` largest of what is offered, descending. */
class Top {
  readonly entries: { id: number; value: number }[] = [];
  readonly #limit: number;

  constructor(limit: number) {
    this.#limit = limit;
  }

  offer(id: number, value: number): void {
    const { entries } = this;
    if (value === 0 || (entries.length >= this.#limit && value <= (entries.at(-1)?.value ?? 0))) return;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries[middle]?.value ?? 0) >= value) low = middle + 1;
      else high = middle;
    }
    entries.splice(low, 0, { id, value });
    if (entries.length > this.#limit) entries.pop();
  }
}
