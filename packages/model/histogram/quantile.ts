// Estimates from native histograms: quantiles, fractions, mean and spread.
import type { FloatHistogramFields } from "./float-histogram.ts";

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
 */
export function histogramQuantile(_q: number, _histogram: FloatHistogramFields, _notes?: NanNotes): number {
  throw new Error("not yet");
}

/** `histogram_fraction`: the share of observations between `lower` and `upper`. NaN for NaN bounds or no observations. */
export function histogramFraction(
  _lower: number,
  _upper: number,
  _histogram: FloatHistogramFields,
  _notes?: NanNotes,
): number {
  throw new Error("not yet");
}

/** `histogram_avg`: sum by count. */
export function histogramAverage(histogram: FloatHistogramFields): number {
  return histogram.sum / histogram.count;
}

/** `histogram_stdvar`, each bucket standing at its (geometric, or for custom and zero buckets arithmetic) middle. */
export function histogramVariance(_histogram: FloatHistogramFields): number {
  throw new Error("not yet");
}

/** `histogram_stddev`: the root of `histogramVariance`. */
export function histogramDeviation(histogram: FloatHistogramFields): number {
  return Math.sqrt(histogramVariance(histogram));
}
