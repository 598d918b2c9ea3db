// Kahan-Neumaier summation: a sum that carries along what rounding lost.

/**
 * A sum and its compensation. `sum + compensation` is the result; both must be carried from addition to addition.
 * A sum that overflows has no compensation.
 */
export class KahanSum {
  sum = 0;
  compensation = 0;

  /** Starts over from a sum and its compensation. */
  reset(sum: number = 0, compensation: number = 0): this {
    this.sum = sum;
    this.compensation = compensation;
    return this;
  }

  add(value: number): this {
    const { sum } = this;
    const total = sum + value;
    if (total === Infinity || total === -Infinity) this.compensation = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.compensation += sum - total + value;
    else this.compensation += value - total + sum;
    this.sum = total;
    return this;
  }

  get value(): number {
    return this.sum + this.compensation;
  }
}
