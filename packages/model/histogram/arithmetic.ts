// Arithmetic of native histograms. Functions named after a deed change their first argument in place (its buckets
// included); histograms that came from a storage are shared, so copy them first.
import type { FloatHistogramFields } from "./float-histogram.ts";

/** An empty histogram with the given fields set: schema 0, no buckets, unknown reset hint. */
export function createHistogram(_fields: Partial<FloatHistogramFields> = {}): FloatHistogramFields {
  throw new Error("not yet");
}

/** A deep copy; custom bounds are shared, they never change. */
export function copyHistogram(_histogram: FloatHistogramFields): FloatHistogramFields {
  throw new Error("not yet");
}

/** A copy in a coarser (or the same) exponential schema. Throws a RangeError for a finer one or custom buckets. */
export function copyToSchema(_histogram: FloatHistogramFields, _targetSchema: number): FloatHistogramFields {
  throw new Error("not yet");
}

/** What adding or subtracting had to smooth over; the engine turns these into annotations. */
export interface Reconciliation {
  /** One hint said reset, the other said none; the result's hint is unknown. */
  readonly counterResetConflict: boolean;
  /** Custom bounds differed; the result has only those that both had. */
  readonly boundsReconciled: boolean;
}

/**
 * `histogram += other`, at the coarser schema and the wider zero bucket of both. `other` stays as it is.
 * Returns undefined, having changed nothing, when one has custom and the other exponential buckets.
 */
export function addHistogram(
  _histogram: FloatHistogramFields,
  _other: FloatHistogramFields,
): Reconciliation | undefined {
  throw new Error("not yet");
}

/** `histogram -= other`, as `addHistogram`. The `-` operator of PromQL then sets the hint to gauge itself. */
export function subtractHistogram(
  _histogram: FloatHistogramFields,
  _other: FloatHistogramFields,
): Reconciliation | undefined {
  throw new Error("not yet");
}

/** A histogram of zeros with the layout of `histogram`: the compensation that `kahanAddHistogram` carries along. */
export function createCompensation(_histogram: FloatHistogramFields): FloatHistogramFields {
  throw new Error("not yet");
}

/**
 * `histogram += other` in Kahan-Neumaier arithmetic; what rounding lost collects in `compensation`, which keeps the
 * layout of `histogram`. At the end, `addHistogram(histogram, compensation)` gives the sum.
 */
export function kahanAddHistogram(
  _histogram: FloatHistogramFields,
  _other: FloatHistogramFields,
  _compensation: FloatHistogramFields,
): Reconciliation | undefined {
  throw new Error("not yet");
}

/** Scales counts, buckets and sum. A negative factor makes it a gauge histogram. Returns its argument. */
export function multiplyHistogram(_histogram: FloatHistogramFields, _factor: number): FloatHistogramFields {
  throw new Error("not yet");
}

/** Divides counts, buckets and sum; by 0 it drops all buckets. A negative divisor makes it a gauge histogram. */
export function divideHistogram(_histogram: FloatHistogramFields, _divisor: number): FloatHistogramFields {
  throw new Error("not yet");
}

/** Whether `histogram`, coming after `previous` in a series, shows a counter reset; its own hint decides if it can. */
export function detectReset(_histogram: FloatHistogramFields, _previous: FloatHistogramFields): boolean {
  throw new Error("not yet");
}

/**
 * Cuts empty buckets from both ends of spans, merges spans at most `maxEmptyBuckets` apart and splits spans that hold
 * more consecutive empty buckets than that. Returns its argument.
 */
export function compactHistogram(_histogram: FloatHistogramFields, _maxEmptyBuckets: number): FloatHistogramFields {
  throw new Error("not yet");
}

/** Same data to the last bit: schema, bounds, spans (empty ones aside), counts, sum; the reset hint is not compared. */
export function histogramsEqual(_a: FloatHistogramFields, _b: FloatHistogramFields): boolean {
  throw new Error("not yet");
}

/** Why the histogram is malformed, in the reference's words, or undefined when it is sound. */
export function validateHistogram(_histogram: FloatHistogramFields): string | undefined {
  throw new Error("not yet");
}

/** Merges buckets to a coarser exponential schema. Returns why that cannot be, or undefined when it is done. */
export function reduceResolution(_histogram: FloatHistogramFields, _targetSchema: number): string | undefined {
  throw new Error("not yet");
}

/** Whether count, sum or any bucket is infinite. */
export function hasOverflow(_histogram: FloatHistogramFields): boolean {
  throw new Error("not yet");
}

/** Removes observations above (`upper`, operator `</`) or below (`>/`) a bound. Returns its argument, compacted. */
export function trimHistogram(_histogram: FloatHistogramFields, _bound: number, _upper: boolean): FloatHistogramFields {
  throw new Error("not yet");
}
