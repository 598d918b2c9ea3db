// Quantiles of a stream within a given error, in little memory.
// Source: G. Cormode, F. Korn, S. Muthukrishnan, D. Srivastava, "Effective Computation of Biased Quantiles over Data
// Streams" (ICDE 2005), the variant for targeted quantiles.

/**
 * A summary of observations which answers the given quantiles within their errors (of rank, 0.01 = one percent).
 * Memory grows with the logarithm of the number of observations.
 */
export class QuantileStream {
  readonly #quantiles: readonly number[];
  readonly #errors: readonly number[];
  // The samples kept, ascending: value, ranks since the one before, and how uncertain that is.
  #values: number[] = [];
  #widths: number[] = [];
  #deltas: number[] = [];
  #count = 0;

  constructor(quantiles: readonly number[], errors: readonly number[]) {
    this.#quantiles = quantiles;
    this.#errors = errors;
  }

  get count(): number {
    return this.#count;
  }

  /** Takes in observations, which must ascend. Best many at a time. */
  merge(incoming: Float64Array): void {
    if (incoming.length === 0) return;
    const values: number[] = [];
    const widths: number[] = [];
    const deltas: number[] = [];
    let rank = 0;
    let next = 0;
    for (let i = 0; i <= this.#values.length; i++) {
      const ahead = i < this.#values.length ? (this.#values[i] as number) : Infinity;
      const atEnd = i === this.#values.length;
      while (next < incoming.length && (atEnd || (incoming[next] as number) < ahead)) {
        this.#count++;
        values.push(incoming[next++] as number);
        widths.push(1);
        // The extremes are known exactly.
        deltas.push(values.length === 1 || atEnd ? 0 : Math.max(0, Math.floor(this.#allowed(rank)) - 1));
        rank++;
      }
      if (atEnd) break;
      values.push(ahead);
      widths.push(this.#widths[i] as number);
      deltas.push(this.#deltas[i] as number);
      rank += this.#widths[i] as number;
    }
    this.#values = values;
    this.#widths = widths;
    this.#deltas = deltas;
    this.#compress();
  }

  reset(): void {
    this.#count = 0;
    this.#values = [];
    this.#widths = [];
    this.#deltas = [];
  }

  /** The estimate for `q`, NaN without observations. */
  query(q: number): number {
    const values = this.#values;
    if (values.length === 0) return NaN;
    if (q <= 0) return values[0] as number;
    if (q >= 1) return values[values.length - 1] as number;
    const rank = Math.ceil(q * this.#count);
    const wanted = rank + this.#allowed(rank) / 2;
    let below = 0;
    for (let i = 1; i < values.length; i++) {
      below += this.#widths[i - 1] as number;
      if (below + (this.#widths[i] as number) + (this.#deltas[i] as number) > wanted) return values[i - 1] as number;
    }
    return values[values.length - 1] as number;
  }

  /** By how many ranks a sample at this rank may be off. */
  #allowed(rank: number): number {
    const n = this.#count;
    let least = Infinity;
    for (let i = 0; i < this.#quantiles.length; i++) {
      const q = this.#quantiles[i] as number;
      const error = this.#errors[i] as number;
      const allowed = rank >= q * n ? (2 * error * rank) / q : (2 * error * (n - rank)) / (1 - q);
      if (allowed < least) least = allowed;
    }
    return least;
  }

  /** Joins neighbours wherever the errors allow it, from the top down. */
  #compress(): void {
    const { length } = this.#values;
    if (length < 2) return;
    const values: number[] = [];
    const widths: number[] = [];
    const deltas: number[] = [];
    let value = this.#values[length - 1] as number;
    let width = this.#widths[length - 1] as number;
    let delta = this.#deltas[length - 1] as number;
    let rank = this.#count - width;
    for (let i = length - 2; i >= 0; i--) {
      const before = this.#widths[i] as number;
      if (before + width + delta <= this.#allowed(rank - before) && i > 0) {
        width += before;
      } else {
        values.push(value);
        widths.push(width);
        deltas.push(delta);
        value = this.#values[i] as number;
        width = before;
        delta = this.#deltas[i] as number;
      }
      rank -= before;
    }
    values.push(value);
    widths.push(width);
    deltas.push(delta);
    this.#values = values.reverse();
    this.#widths = widths.reverse();
    this.#deltas = deltas.reverse();
  }
}
