// Neumaier's variant of Kahan's summation, step by step as the reference does it.

/** A running sum and what rounding took from it; the value is `sum + compensation`. */
export class KahanSum {
  sum = 0;
  compensation = 0;

  add(value: number): void {
    const { sum } = this;
    const t = sum + value;
    if (t === Infinity || t === -Infinity) this.compensation = 0;
    else if (Math.abs(sum) >= Math.abs(value)) this.compensation += sum - t + value;
    else this.compensation += value - t + sum;
    this.sum = t;
  }
}
