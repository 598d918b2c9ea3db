// The best k of a stream of values, kept in a binary heap with the worst on top.
import { goSort } from "./go-sort.ts";

interface Entry<T> {
  readonly value: number;
  readonly item: T;
}

/**
 * Keeps the largest (or smallest) values offered. NaN counts as worst. The moves within the heap are those of Go's
 * container/heap, so that of equal values the same ones stay.
 */
export class ValueHeap<T> {
  readonly #largest: boolean;
  readonly #entries: Entry<T>[] = [];

  constructor(largest: boolean) {
    this.#largest = largest;
  }

  /** Takes the item in while there are fewer than `limit`, or in place of the worst if it is better. */
  offer(value: number, item: T, limit: number): void {
    const entries = this.#entries;
    if (entries.length < limit) {
      this.push(value, item);
      return;
    }
    const worst = (entries[0] as Entry<T>).value;
    const better = this.#largest ? worst < value : worst > value;
    if (better || (Number.isNaN(worst) && !Number.isNaN(value))) {
      entries[0] = { value, item };
      this.#down(0);
    }
  }

  /** Takes the item in, however many there are. */
  push(value: number, item: T): void {
    this.#entries.push({ value, item });
    this.#up(this.#entries.length - 1);
  }

  /** The items as they lie in the heap. */
  items(): T[] {
    return this.#entries.map(({ item }) => item);
  }

  /** The items, best first; of equal values in the order that Go's sort leaves them in. */
  bestFirst(): T[] {
    const sorted = [...this.#entries];
    goSort(sorted, (a, b) => this.#less(b, a));
    return sorted.map(({ item }) => item);
  }

  /** NaN is below everything, another NaN included. */
  #less(a: Entry<T>, b: Entry<T>): boolean {
    if (Number.isNaN(a.value)) return true;
    return this.#largest ? a.value < b.value : a.value > b.value;
  }

  #up(start: number): void {
    const entries = this.#entries;
    let j = start;
    while (j > 0) {
      const parent = (j - 1) >> 1;
      if (!this.#less(entries[j], entries[parent])) break;
      const moved = entries[parent];
      entries[parent] = entries[j];
      entries[j] = moved;
      j = parent;
    }
  }

  #down(start: number): void {
    const entries = this.#entries;
    let i = start;
    for (;;) {
      let child = 2 * i + 1;
      if (child >= entries.length) return;
      if (child + 1 < entries.length && this.#less(entries[child + 1], entries[child])) child++;
      if (!this.#less(entries[child], entries[i])) return;
      const moved = entries[i];
      entries[i] = entries[child];
      entries[child] = moved;
      i = child;
    }
  }
}
