// The operators `</` and `>/`: a histogram of those observations only that lie below or above a bound.

import { compactHistogram } from "./arithmetic.ts";
import { type Bucket, isCustomBucketsSchema, negativeBuckets, positiveBuckets } from "./buckets.ts";
import type { FloatHistogramFields } from "./float-histogram.ts";
import { shareBelow } from "./quantile.ts";

/** What is left of a bucket: how many observations, and where they are taken to stand when the sum is estimated. */
interface Rest {
  readonly count: number;
  readonly middle: number;
}

/**
 * Removes observations above (`upper`, operator `</`) or below (`>/`) a bound. Buckets that the bound cuts are
 * interpolated as for quantiles. Count and sum are estimated anew when anything was removed. Returns its argument.
 */
export function trimHistogram(histogram: FloatHistogramFields, bound: number, upper: boolean): FloatHistogramFields {
  const custom = isCustomBucketsSchema(histogram.schema);
  let count = 0;
  let sum = 0;
  let trimmed = false;
  const populated = { positive: false, negative: false };
  for (const side of ["positive", "negative"] as const) {
    const buckets = side === "positive" ? histogram.positiveBuckets : histogram.negativeBuckets;
    const cursor = side === "positive" ? positiveBuckets(histogram) : negativeBuckets(histogram);
    for (let i = 0; cursor.next(); i++) {
      if (cursor.count === 0) continue;
      populated[side] = true;
      const rest = restOf(cursor, bound, upper, side === "positive", custom);
      if (rest === undefined) {
        buckets[i] = 0;
        trimmed = true;
        continue;
      }
      count += rest.count;
      sum += rest.middle * rest.count;
      if (buckets[i] !== rest.count) {
        buckets[i] = rest.count;
        trimmed = true;
      }
    }
  }
  if (histogram.zeroCount > 0) {
    const rest = restOfZero(histogram, bound, upper, populated.negative, populated.positive);
    if (histogram.zeroCount !== rest.count) {
      histogram.zeroCount = rest.count;
      trimmed = true;
    }
    sum += rest.middle * rest.count;
    count += rest.count;
  }
  if (!trimmed) return histogram;
  histogram.count = count;
  histogram.sum = sum;
  return compactHistogram(histogram, 0);
}

/** Undefined when nothing is left. */
function restOf(bucket: Bucket, bound: number, upper: boolean, positive: boolean, custom: boolean): Rest | undefined {
  const whole = upper ? bucket.upper <= bound : bucket.lower >= bound;
  if (whole) return { count: bucket.count, middle: middleOf(bucket.lower, bucket.upper, positive, custom) };
  const cut = upper ? bucket.lower < bound : bucket.upper > bound;
  if (!cut) return undefined;
  if (bucket.lower === -Infinity || bucket.upper === Infinity) return restOfInfinite(bucket, bound, upper);
  const below = bucket.count * shareBelow(bucket, bound, custom);
  if (upper) return { count: below, middle: middleOf(bucket.lower, bound, positive, custom) };
  return { count: bucket.count - below, middle: middleOf(bound, bucket.upper, positive, custom) };
}

/** How observations lie in a bucket without end is unknown, so what cannot be kept whole mostly goes. */
function restOfInfinite(bucket: Bucket, bound: number, upper: boolean): Rest {
  const { lower, count } = bucket;
  const finite = bucket.upper < Infinity;
  if (lower === -Infinity) {
    // A first bucket that ends above zero is taken to begin at zero, as for quantiles.
    if (upper) {
      if (bound >= bucket.upper) return { count, middle: 0 };
      if (bound > 0 && bucket.upper > 0 && finite) return { count: (count * bound) / bucket.upper, middle: bound / 2 };
      if (bucket.upper <= 0) return { count, middle: bound };
    } else {
      if (bound <= lower) return { count, middle: 0 };
      if (bound >= 0 && bucket.upper > bound && finite) {
        return { count: count * (1 - bound / bucket.upper), middle: (bound + bucket.upper) / 2 };
      }
    }
    return { count: 0, middle: finite ? bucket.upper : 0 };
  }
  return !upper && bound >= lower ? { count, middle: bound } : { count: 0, middle: lower };
}

function restOfZero(
  histogram: FloatHistogramFields,
  bound: number,
  upper: boolean,
  hasNegative: boolean,
  hasPositive: boolean,
): Rest {
  const { zeroCount, zeroThreshold } = histogram;
  // With observations on one side only, zero is taken to be that side's end.
  const low = hasPositive && !hasNegative ? 0 : -zeroThreshold;
  const high = hasNegative && !hasPositive ? 0 : zeroThreshold;
  const nothing: Rest = { count: 0, middle: 0 };
  const all: Rest = { count: zeroCount, middle: (low + high) / 2 };
  if (bound <= low) return upper ? nothing : all;
  if (bound >= high) return upper ? all : nothing;
  if (upper) return { count: zeroCount * ((bound - low) / (high - low)), middle: (low + bound) / 2 };
  return { count: zeroCount * ((high - bound) / (high - low)), middle: (bound + high) / 2 };
}

function middleOf(low: number, high: number, positive: boolean, linear: boolean): number {
  if (!Number.isFinite(low)) {
    if (!Number.isFinite(high)) return 0;
    return high > 0 ? high / 2 : high;
  }
  if (!Number.isFinite(high)) return low;
  if (linear) return (low + high) / 2;
  const middle = Math.sqrt(Math.abs(low * high));
  return positive ? middle : -middle;
}
