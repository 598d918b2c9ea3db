// How many series all metrics of a registry may have together.
import type { SeriesBudget } from "./format/family-writer.ts";

/** Counts series against a bound, and warns once when there are many. */
export class Budget implements SeriesBudget {
  readonly #max: number;
  readonly #warnAt: number;
  readonly #warn: (series: number) => void;
  #used = 0;
  #warned = false;

  /** `warn` is called once, when there are `warnAt`. */
  constructor(max: number, warnAt: number, warn: (series: number) => void) {
    this.#max = max;
    this.#warnAt = warnAt;
    this.#warn = warn;
  }

  get used(): number {
    return this.#used;
  }

  take(): boolean {
    if (this.#used >= this.#max) return false;
    this.add(1);
    return true;
  }

  add(count: number): void {
    this.#used += count;
    if (this.#used >= this.#warnAt && !this.#warned) {
      this.#warned = true;
      this.#warn(this.#used);
    }
  }

  give(count: number): void {
    this.#used -= count;
  }
}
