// Estimates from native histograms: quantiles, fractions, mean and spread.
import { allBuckets, allBucketsReversed, type Bucket, isCustomBucketsSchema } from "./buckets.ts";
import type { FloatHistogramFields } from "./float-histogram.ts";
import { KahanSum } from "./kahan.ts";
import { exp2, log2 } from "./logarithm.ts";

/** What an estimate has to say besides its number; pass one object again and again, only `true` is ever written. */
export interface NanNotes {
  /** NaN observations made the result NaN. */
  nanResult: boolean;
  /** NaN observations skew the result: higher for quantiles, lower for fractions. */
  nanSkew: boolean;
}

/**
 * `histogram_quantile` of a native histogram: exponential interpolation, linear in the zero bucket and in custom
 * buckets. -Infinity for q < 0, Infinity for q > 1, NaN for NaN or without observations.
 * Source: PromQL reference and the reference's engine, release 3.14.
 */
export function histogramQuantile(q: number, histogram: FloatHistogramFields, notes?: NanNotes): number {
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  if (histogram.count === 0 || Number.isNaN(q)) return NaN;
  const custom = isCustomBucketsSchema(histogram.schema);
  // NaN observations are in no bucket: then ranks can only be counted from below.
  const mayHaveNan = Number.isNaN(histogram.sum);
  const forward = mayHaveNan || q < 0.5;
  const buckets = forward ? allBuckets(histogram) : allBucketsReversed(histogram);
  let rank = (forward ? q : 1 - q) * histogram.count;
  let count = 0;
  while (buckets.next()) {
    if (buckets.count === 0) continue;
    count += buckets.count;
    if (count >= rank) break;
  }
  let { lower, upper } = buckets;
  let bucketCount = buckets.count;
  if (!custom && lower < 0 && upper > 0) {
    // The zero bucket of a histogram with one sign only ends at zero.
    const hasNegative = histogram.negativeBuckets.length > 0;
    const hasPositive = histogram.positiveBuckets.length > 0;
    if (!hasNegative && hasPositive) lower = 0;
    else if (!hasPositive && hasNegative) upper = 0;
  } else if (custom) {
    if (lower === -Infinity) {
      if (upper <= 0) return upper;
      lower = 0;
    } else if (upper === Infinity) return lower;
  }
  // Rounding may have brought more together than there is.
  if (count > histogram.count) count = histogram.count;
  if (count < rank) {
    if (!mayHaveNan) return upper;
    if (notes !== undefined) notes.nanResult = true;
    return NaN;
  }
  rank = forward ? rank - (count - bucketCount) : count - rank;
  if (mayHaveNan) {
    // Here the reference goes on with the highest bucket instead of the one it found; results follow it.
    while (buckets.next()) {
      ({ lower, upper } = buckets);
      bucketCount = buckets.count;
      count += bucketCount;
    }
    if (count < histogram.count && notes !== undefined) notes.nanSkew = true;
  }
  const fraction = rank / bucketCount;
  if (custom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction;
  // On a logarithmic scale all buckets are equally wide.
  const logLower = log2(Math.abs(lower));
  const logUpper = log2(Math.abs(upper));
  if (lower > 0) return exp2(logLower + (logUpper - logLower) * fraction);
  return -exp2(logUpper + (logLower - logUpper) * (1 - fraction));
}

/** The share of a bucket that lies below `value`, which is strictly inside its finite bounds. */
export function shareBelow(bucket: Readonly<Pick<Bucket, "lower" | "upper">>, value: number, linear: boolean): number {
  const { lower, upper } = bucket;
  if (linear) return (value - lower) / (upper - lower);
  const logLower = log2(Math.abs(lower));
  const logUpper = log2(Math.abs(upper));
  const logValue = log2(Math.abs(value));
  if (value > 0) return (logValue - logLower) / (logUpper - logLower);
  return 1 - (logValue - logUpper) / (logLower - logUpper);
}

/** `histogram_fraction`: the share of observations between `lower` and `upper`. NaN for NaN bounds or no observations. */
export function histogramFraction(
  lower: number,
  upper: number,
  histogram: FloatHistogramFields,
  notes?: NanNotes,
): number {
  if (histogram.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return NaN;
  if (lower >= upper) return 0;
  const custom = isCustomBucketsSchema(histogram.schema);
  const buckets = allBuckets(histogram);
  let seen = 0;
  let rank = 0;
  let lowerRank: number | undefined;
  let upperRank: number | undefined;
  while (buckets.next()) {
    seen += buckets.count;
    const bounds = { lower: buckets.lower, upper: buckets.upper };
    const zero = bounds.lower <= 0 && bounds.upper >= 0;
    if (zero) {
      const hasNegative = histogram.negativeBuckets.length > 0;
      const hasPositive = histogram.positiveBuckets.length > 0;
      if (!hasNegative && hasPositive) bounds.lower = 0;
      else if (!hasPositive && hasNegative) bounds.upper = 0;
    }
    const rankAt = (value: number): number => {
      const linear = custom || zero;
      // Nothing is known of how observations lie in a bucket without end.
      if (linear && bounds.lower === -Infinity) return buckets.count;
      return rank + buckets.count * shareBelow(bounds, value, linear);
    };
    if (lowerRank === undefined && bounds.lower >= lower) lowerRank = rank;
    if (upperRank === undefined && bounds.lower >= upper) upperRank = rank;
    if (lowerRank !== undefined && upperRank !== undefined) break;
    if (lowerRank === undefined && bounds.lower < lower && bounds.upper > lower) lowerRank = rankAt(lower);
    if (upperRank === undefined && bounds.lower < upper && bounds.upper > upper) upperRank = rankAt(upper);
    if (lowerRank !== undefined && upperRank !== undefined) break;
    rank += buckets.count;
  }
  let count = histogram.count;
  if (Number.isNaN(histogram.sum)) {
    while (buckets.next()) seen += buckets.count;
    if (seen < histogram.count && notes !== undefined) notes.nanSkew = true;
    count = seen;
  }
  if (lowerRank === undefined || lowerRank > count) lowerRank = count;
  if (upperRank === undefined || upperRank > count) upperRank = count;
  return (upperRank - lowerRank) / histogram.count;
}

/** `histogram_avg`: sum by count. */
export function histogramAverage(histogram: FloatHistogramFields): number {
  return histogram.sum / histogram.count;
}

/** `histogram_stdvar`, each bucket standing at its (geometric, or for custom and zero buckets arithmetic) middle. */
export function histogramVariance(histogram: FloatHistogramFields): number {
  const custom = isCustomBucketsSchema(histogram.schema);
  const mean = histogram.sum / histogram.count;
  const variance = new KahanSum();
  const buckets = allBuckets(histogram);
  while (buckets.next()) {
    const { lower, upper, count } = buckets;
    if (count === 0) continue;
    let middle: number;
    if (custom) middle = (upper + lower) / 2;
    else if (lower <= 0 && upper >= 0) middle = 0;
    else middle = upper < 0 ? -Math.sqrt(upper * lower) : Math.sqrt(upper * lower);
    const delta = middle - mean;
    variance.add(count * delta * delta);
  }
  return variance.value / histogram.count;
}

/** `histogram_stddev`: the root of `histogramVariance`. */
export function histogramDeviation(histogram: FloatHistogramFields): number {
  return Math.sqrt(histogramVariance(histogram));
}
