// Several storages as one: series by labels, samples by time, duplicates dropped.
import { compareStrings, Labels, type Matcher } from "@narthex/model";
import type { Names, Querier, SampleBuffer, SelectHints, SeriesSet } from "@narthex/storage";
import { mergeRuns } from "./block/sample-merge.ts";

/**
 * Asks all of `queriers` (owned from here on) and merges what they say. Where two hold a sample of the same time, that
 * of the earlier one in the list stays. Give them in the order of their times, oldest first: then samples of most
 * series need no sorting.
 */
export function mergeQueriers(queriers: readonly Querier[]): Querier {
  return queriers.length === 1 ? (queriers[0] as Querier) : new MergeQuerier(queriers);
}

class MergeQuerier implements Querier {
  readonly #queriers: readonly Querier[];

  constructor(queriers: readonly Querier[]) {
    this.#queriers = queriers;
  }

  select(matchers: readonly Matcher[], hints?: SelectHints): SeriesSet {
    // Merging needs the order.
    const ordered = hints && { ...hints, anyOrder: false };
    const sets = this.#queriers.map((querier) => querier.select(matchers, ordered));
    const filled = sets.filter(({ count }) => count > 0);
    const warnings = sets.flatMap((set) => set.warnings);
    const only = filled[0];
    if (filled.length === 1 && only !== undefined && only.warnings.length === warnings.length) return only;
    return new MergedSeriesSet(filled, warnings, hints?.limit ?? 0);
  }

  estimateSeries(matchers: readonly Matcher[]): number {
    let sum = 0;
    for (const querier of this.#queriers) sum += querier.estimateSeries(matchers);
    return sum;
  }

  labelNames(matchers: readonly Matcher[], limit = 0): Names {
    return mergeNames(
      this.#queriers.map((querier) => querier.labelNames(matchers, limit)),
      limit,
    );
  }

  labelValues(name: string, matchers: readonly Matcher[], limit = 0): Names {
    return mergeNames(
      this.#queriers.map((querier) => querier.labelValues(name, matchers, limit)),
      limit,
    );
  }

  close(): void {
    for (const querier of this.#queriers) querier.close();
  }
}

/** Joins sorted lists of names into one, each name once. */
export function mergeNames(lists: readonly Names[], limit: number): Names {
  const filled = lists.filter(({ values }) => values.length > 0);
  const truncated = lists.some((list) => list.truncated);
  let values = filled[0]?.values ?? [];
  // Neighbouring blocks mostly have the same names.
  if (filled.some((list) => !sameTexts(list.values, values))) {
    values = [...new Set(filled.flatMap((list) => list.values))].sort(compareStrings);
  }
  if (limit > 0 && values.length > limit) return { values: values.slice(0, limit), truncated: true };
  return { values, truncated };
}

function sameTexts(a: readonly string[], b: readonly string[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Series of several sets; of each the members (set and position in it) are kept as numbers. */
class MergedSeriesSet implements SeriesSet {
  readonly count: number;
  readonly warnings: readonly string[];
  readonly #sets: readonly SeriesSet[];
  /** Members of series `i` are those from `#starts[i]` to `#starts[i + 1]`. */
  readonly #starts: Uint32Array;
  readonly #memberSets: Uint8Array | Uint32Array;
  readonly #memberIndexes: Uint32Array;

  constructor(sets: readonly SeriesSet[], warnings: readonly string[], limit: number) {
    this.#sets = sets;
    this.warnings = warnings;
    let total = 0;
    for (const set of sets) total += set.count;
    const starts = new Uint32Array(total + 1);
    const memberSets = sets.length <= 256 ? new Uint8Array(total) : new Uint32Array(total);
    const memberIndexes = new Uint32Array(total);
    const positions = new Uint32Array(sets.length);
    const heads: (Labels | undefined)[] = sets.map((set) => set.labels(0));
    let count = 0;
    let members = 0;
    for (;;) {
      let least: Labels | undefined;
      let alive = 0;
      let last = 0;
      for (let s = 0; s < heads.length; s++) {
        const head = heads[s];
        if (head === undefined) continue;
        alive++;
        last = s;
        if (least === undefined || (head !== least && Labels.compare(head, least) < 0)) least = head;
      }
      if (least === undefined || (limit > 0 && count === limit)) break;
      if (alive === 1) {
        // What only one set still has needs no comparing, and no labels.
        const set = sets[last] as SeriesSet;
        for (let i = positions[last] as number; i < set.count && !(limit > 0 && count === limit); i++) {
          starts[count++] = members;
          memberSets[members] = last;
          memberIndexes[members++] = i;
        }
        break;
      }
      starts[count++] = members;
      for (let s = 0; s < heads.length; s++) {
        const head = heads[s];
        if (head === undefined || !(head === least || head.equals(least))) continue;
        const set = sets[s] as SeriesSet;
        const position = positions[s] as number;
        memberSets[members] = s;
        memberIndexes[members++] = position;
        positions[s] = position + 1;
        heads[s] = position + 1 < set.count ? set.labels(position + 1) : undefined;
      }
    }
    starts[count] = members;
    this.count = count;
    this.#starts = starts;
    this.#memberSets = memberSets;
    this.#memberIndexes = memberIndexes;
  }

  labels(index: number): Labels {
    const member = this.#starts[index] as number;
    return this.#set(member).labels(this.#memberIndexes[member] as number);
  }

  read(index: number, minTime: number, maxTime: number, into: SampleBuffer): void {
    const begin = into.count;
    const end = this.#starts[index + 1] as number;
    for (let member = this.#starts[index] as number; member < end; member++) {
      const middle = into.count;
      this.#set(member).read(this.#memberIndexes[member] as number, minTime, maxTime, into);
      mergeRuns(into, begin, middle);
    }
  }

  #set(member: number): SeriesSet {
    return this.#sets[this.#memberSets[member] as number] as SeriesSet;
  }
}
