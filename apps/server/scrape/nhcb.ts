// Classic histograms made into native ones with custom buckets (NHCB).
import { CounterResetHint, CUSTOM_BUCKETS_SCHEMA, compactHistogram, type FloatHistogramFields } from "@narthex/model";

/** Empty buckets that are kept between others, as the reference keeps them. */
const KEPT_EMPTY_BUCKETS = 2;

/** A native histogram, and whether it counts in integers. */
export interface MadeHistogram {
  readonly histogram: FloatHistogramFields;
  readonly integer: boolean;
}

/** Buckets, count and sum of one classic histogram, collected in any order. Reusable: `clear` begins another. */
export class ClassicCollation {
  #bounds: number[] = [];
  #counts: number[] = [];
  #count: number | undefined;
  #sum = 0;

  clear(): void {
    this.#bounds.length = 0;
    this.#counts.length = 0;
    this.#count = undefined;
    this.#sum = 0;
  }

  get isEmpty(): boolean {
    return this.#bounds.length === 0 && this.#count === undefined;
  }

  /** `count` observations are at most `bound`. Of several for one bound, the first holds. */
  addBucket(bound: number, count: number): void {
    const bounds = this.#bounds;
    let at = bounds.length;
    while (at > 0 && (bounds[at - 1] as number) > bound) at--;
    if (at > 0 && bounds[at - 1] === bound) return;
    if (at === bounds.length) {
      bounds.push(bound);
      this.#counts.push(count);
    } else {
      bounds.splice(at, 0, bound);
      this.#counts.splice(at, 0, count);
    }
  }

  setCount(count: number): void {
    this.#count = count;
  }

  setSum(sum: number): void {
    this.#sum = sum;
  }

  /**
   * The histogram, or undefined when what was collected contradicts itself: counts that fall, are negative or no
   * numbers, a total that is not that of the last bucket. A missing +Inf bucket holds the total.
   */
  convert(): MadeHistogram | undefined {
    const bounds = this.#bounds;
    const counts = this.#counts;
    if (bounds.at(-1) !== Number.POSITIVE_INFINITY) {
      bounds.push(Number.POSITIVE_INFINITY);
      counts.push(this.#count ?? counts.at(-1) ?? 0);
    }
    const total = this.#count ?? (counts.at(-1) as number);
    const buckets = new Float64Array(counts.length);
    let before = 0;
    let integer = Number.isSafeInteger(total);
    for (let i = 0; i < buckets.length; i++) {
      const count = counts[i] as number;
      if (!(count >= before) || Number.isNaN(bounds[i])) return undefined;
      integer &&= Number.isSafeInteger(count);
      buckets[i] = count - before;
      before = count;
    }
    if (before !== total) return undefined;
    const histogram: FloatHistogramFields = {
      counterResetHint: CounterResetHint.unknown,
      schema: CUSTOM_BUCKETS_SCHEMA,
      zeroThreshold: 0,
      zeroCount: 0,
      count: total,
      sum: this.#sum,
      positiveSpans: [{ offset: 0, length: buckets.length }],
      negativeSpans: [],
      positiveBuckets: buckets,
      negativeBuckets: new Float64Array(0),
      customValues: bounds.slice(0, -1),
    };
    return { histogram: compactHistogram(histogram, KEPT_EMPTY_BUCKETS), integer };
  }
}
