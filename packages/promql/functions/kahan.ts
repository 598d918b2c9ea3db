// Neumaier's variant of Kahan's summation, step by step as the reference does it.

/** A running sum and what rounding took from it; the value is `sum + compensation`. */
export class KahanSum {
  sum = 0;
  compensation = 0;

  add(value: number): void {
    const { sum } = this;
    const t = sum + value;
    this.compensation = compensation(this.compensation, sum, value, t);
    this.sum = t;
  }
}

/** What rounding took so far, `before` included, when `value` was added to `sum` and that made `next`. */
export function compensation(before: number, sum: number, value: number, next: number): number {
  if (next === Infinity || next === -Infinity) return 0;
  return before + (Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum);
}
