// Native histograms with float counts: what queries compute with.

/** A run of consecutive buckets; `offset` counts from the end of the run before it (from index 0 for the first). */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** What is known about a counter reset between a histogram and the one before it in its series. */
export const CounterResetHint = { unknown: 0, reset: 1, notReset: 2, gauge: 3 } as const;
export type CounterResetHint = (typeof CounterResetHint)[keyof typeof CounterResetHint];

/** The schema of histograms with custom bucket bounds; exponential ones go from -4 to 8. */
export const CUSTOM_BUCKETS_SCHEMA = -53;

/** Fields of a native histogram. Buckets are absolute counts (not deltas), one per bucket in the spans, in order. */
export interface FloatHistogramFields {
  counterResetHint: CounterResetHint;
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  count: number;
  sum: number;
  positiveSpans: readonly Span[];
  negativeSpans: readonly Span[];
  positiveBuckets: Float64Array;
  negativeBuckets: Float64Array;
  /** Upper bounds of custom buckets, ascending, without +Inf; empty for exponential schemas. */
  customValues: readonly number[];
  /** Set by storages on what came with integer counts, so that it can be passed on as such. Computing drops it. */
  integer?: boolean;
}
