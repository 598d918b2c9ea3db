// A bound on the values of one label: whoever calls a server must not decide how many series it has.

/** What stands for all values beyond the bound. */
export const OVERFLOW_VALUE = "other";

/** Lets so many different values pass, the first ones; every further one becomes `OVERFLOW_VALUE`. */
export class LabelCap {
  readonly #max: number;
  readonly #seen = new Set<string>();
  #overflowed = 0;

  /** `max` is at least 1. */
  constructor(max: number) {
    if (!(max >= 1)) throw new RangeError(`a label needs at least one value, not ${max}`);
    this.#max = max;
  }

  /** How many times a value was replaced. */
  get overflowed(): number {
    return this.#overflowed;
  }

  pass(value: string): string {
    if (this.#seen.has(value)) return value;
    if (this.#seen.size < this.#max) {
      this.#seen.add(value);
      return value;
    }
    this.#overflowed++;
    return OVERFLOW_VALUE;
  }
}
