// Least squares over windows of samples, all sums in Kahan-Neumaier arithmetic.
//
// Two of the four sums are of times alone, taken from the window's beginning. Scraped samples are evenly spaced, so these sums are the
// same from window to window and from series to series: they are kept, which is worth half of the time.
import { compensation } from "../kahan.ts";

/** Windows of more samples are summed up as they are. */
const MOST_KEPT = 4096;

/** Sums over the times of evenly spaced samples, for windows of any size up to `MOST_KEPT`. */
class EvenTimes {
  /** Milliseconds from the intercept to the first sample, and from each sample to the next. NaN equals no other. */
  #offset = Number.NaN;
  #spacing = Number.NaN;
  /** How many samples are summed up. */
  #count = 0;
  /** Seconds from the intercept to sample `i`. */
  readonly x = new Float64Array(MOST_KEPT);
  /** Sums over the first `n` samples. */
  readonly sumX = new Float64Array(MOST_KEPT + 1);
  readonly sumX2 = new Float64Array(MOST_KEPT + 1);
  #running = 0;
  #rest = 0;
  #running2 = 0;
  #rest2 = 0;

  /** Has the sums of `count` samples ready. */
  prepare(offset: number, spacing: number, count: number): void {
    if (offset !== this.#offset || spacing !== this.#spacing) {
      this.#offset = offset;
      this.#spacing = spacing;
      this.#count = 0;
      this.#running = 0;
      this.#rest = 0;
      this.#running2 = 0;
      this.#rest2 = 0;
    }
    for (let i = this.#count; i < count; i++) {
      const x = (offset + i * spacing) / 1e3;
      const x2 = x * x;
      const next = this.#running + x;
      this.#rest = compensation(this.#rest, this.#running, x, next);
      this.#running = next;
      const next2 = this.#running2 + x2;
      this.#rest2 = compensation(this.#rest2, this.#running2, x2, next2);
      this.#running2 = next2;
      this.x[i] = x;
      this.sumX[i + 1] = next + this.#rest;
      this.sumX2[i + 1] = next2 + this.#rest2;
    }
    if (count > this.#count) this.#count = count;
  }
}

/** One for each thread: 96 KiB. */
let evenTimes: EvenTimes | undefined;

/** Fits lines to windows of one series, whose `times` (milliseconds) ascend. */
export class LineFit {
  /** Per second. */
  slope = 0;
  /** At the intercept time. */
  intercept = 0;
  readonly #times: Float64Array;
  readonly #values: Float64Array;
  readonly #even: EvenTimes;
  /** Samples in [runBegin, runEnd) are `spacing` milliseconds apart. */
  #runBegin = 0;
  #runEnd = 0;
  #spacing = 0;

  constructor(times: Float64Array, values: Float64Array) {
    this.#times = times;
    this.#values = values;
    this.#even = evenTimes ??= new EvenTimes();
  }

  /**
   * Fits a line to the samples in [lo, hi), at least two, times counted from `interceptTime` (milliseconds). A constant series has slope
   * 0, or NaN when it is infinite.
   */
  fit(lo: number, hi: number, interceptTime: number): void {
    if (this.#isConstant(lo, hi)) {
      const first = this.#values[lo];
      const infinite = first === Infinity || first === -Infinity;
      this.slope = infinite ? NaN : 0;
      this.intercept = infinite ? NaN : first;
    } else if (hi - lo <= MOST_KEPT && this.#isEven(lo, hi)) this.#fitEven(lo, hi, interceptTime);
    else this.#fitAny(lo, hi, interceptTime);
  }

  #isConstant(lo: number, hi: number): boolean {
    const values = this.#values;
    const first = values[lo];
    for (let i = lo + 1; i < hi; i++) if (values[i] !== first) return false;
    return true;
  }

  #isEven(lo: number, hi: number): boolean {
    const times = this.#times;
    // Windows move on: what lies before them is not asked for again.
    if (lo < this.#runBegin || lo + 1 >= this.#runEnd) {
      this.#spacing = times[lo + 1] - times[lo];
      this.#runBegin = lo;
      let end = lo + 2;
      while (end < hi && times[end] - times[end - 1] === this.#spacing) end++;
      this.#runEnd = end;
    }
    while (this.#runEnd < hi && times[this.#runEnd] - times[this.#runEnd - 1] === this.#spacing) this.#runEnd++;
    return hi <= this.#runEnd;
  }

  #fitEven(lo: number, hi: number, interceptTime: number): void {
    const values = this.#values;
    const n = hi - lo;
    const even = this.#even;
    even.prepare(this.#times[lo] - interceptTime, this.#spacing, n);
    const xs = even.x;
    let sumY = 0;
    let sumXY = 0;
    let restY = 0;
    let restXY = 0;
    for (let i = 0; i < n; i++) {
      const y = values[lo + i];
      const xy = xs[i] * y;
      const nextY = sumY + y;
      restY = compensation(restY, sumY, y, nextY);
      sumY = nextY;
      const nextXY = sumXY + xy;
      restXY = compensation(restXY, sumXY, xy, nextXY);
      sumXY = nextXY;
    }
    this.#solve(n, even.sumX[n], sumY + restY, sumXY + restXY, even.sumX2[n]);
  }

  #fitAny(lo: number, hi: number, interceptTime: number): void {
    const times = this.#times;
    const values = this.#values;
    // Four Kahan sums in local variables: as objects they took half of the time.
    let sumX = 0;
    let sumY = 0;
    let sumXY = 0;
    let sumX2 = 0;
    let restX = 0;
    let restY = 0;
    let restXY = 0;
    let restX2 = 0;
    for (let i = lo; i < hi; i++) {
      const y = values[i];
      const x = (times[i] - interceptTime) / 1e3;
      const xy = x * y;
      const x2 = x * x;
      const nextX = sumX + x;
      restX = compensation(restX, sumX, x, nextX);
      sumX = nextX;
      const nextY = sumY + y;
      restY = compensation(restY, sumY, y, nextY);
      sumY = nextY;
      const nextXY = sumXY + xy;
      restXY = compensation(restXY, sumXY, xy, nextXY);
      sumXY = nextXY;
      const nextX2 = sumX2 + x2;
      restX2 = compensation(restX2, sumX2, x2, nextX2);
      sumX2 = nextX2;
    }
    this.#solve(hi - lo, sumX + restX, sumY + restY, sumXY + restXY, sumX2 + restX2);
  }

  #solve(n: number, x: number, y: number, xy: number, x2: number): void {
    const covariance = xy - (x * y) / n;
    const variance = x2 - (x * x) / n;
    this.slope = covariance / variance;
    this.intercept = y / n - (this.slope * x) / n;
  }
}
