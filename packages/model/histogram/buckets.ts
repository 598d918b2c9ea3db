// Walking the buckets of a native histogram: bounds by schema, and cursors over one side or all of it.
import type { FloatHistogramFields } from "./float-histogram.ts";

/** Lowest and highest exponential schema that histograms are computed with. */
export const EXPONENTIAL_SCHEMA_MIN = -4;
export const EXPONENTIAL_SCHEMA_MAX = 8;

/** Whether the schema is that of custom bucket bounds (-53). */
export function isCustomBucketsSchema(schema: number): boolean {
  return schema === -53;
}

/** Whether the schema is one of the exponential ones, -4 to 8. */
export function isExponentialSchema(schema: number): boolean {
  return schema >= EXPONENTIAL_SCHEMA_MIN && schema <= EXPONENTIAL_SCHEMA_MAX;
}

/**
 * The upper bound of the bucket with this index; its lower bound is that of `index - 1`.
 * Exponential: exactly the reference's numbers, the last finite bucket ending at the largest float.
 * Custom: -Infinity for -1, Infinity for `customValues.length`.
 */
export function bucketBound(_index: number, _schema: number, _customValues: readonly number[]): number {
  throw new Error("not yet");
}

/** The index, in a coarser schema, of the bucket that holds bucket `index` of `originSchema`. */
export function reducedIndex(index: number, originSchema: number, targetSchema: number): number {
  return ((index - 1) >> (originSchema - targetSchema)) + 1;
}

/** One bucket. */
export interface Bucket {
  lower: number;
  upper: number;
  lowerInclusive: boolean;
  upperInclusive: boolean;
  count: number;
  /** Within schema and side; 0 for the zero bucket, where it means nothing. */
  index: number;
}

/**
 * A cursor over buckets: `next()` moves it and tells whether there is a bucket, then the fields describe that one.
 * Empty buckets inside spans are visited too. The histogram must not change meanwhile.
 */
export interface BucketCursor extends Readonly<Bucket> {
  next(): boolean;
}

/** Positive buckets upwards (away from zero), those of custom buckets included. */
export function positiveBuckets(_histogram: FloatHistogramFields): BucketCursor {
  throw new Error("not yet");
}

/** Negative buckets downwards (away from zero). */
export function negativeBuckets(_histogram: FloatHistogramFields): BucketCursor {
  throw new Error("not yet");
}

/** Positive buckets downwards (towards zero). */
export function positiveBucketsReversed(_histogram: FloatHistogramFields): BucketCursor {
  throw new Error("not yet");
}

/** Negative buckets upwards (towards zero). */
export function negativeBucketsReversed(_histogram: FloatHistogramFields): BucketCursor {
  throw new Error("not yet");
}

/**
 * All buckets, lowest first: negative, zero (when it holds anything), positive. A bucket overlapping the zero bucket
 * is cut at the zero threshold. The order in which the HTTP API prints them.
 */
export function allBuckets(_histogram: FloatHistogramFields): BucketCursor {
  throw new Error("not yet");
}

/** As `allBuckets`, highest first. */
export function allBucketsReversed(_histogram: FloatHistogramFields): BucketCursor {
  throw new Error("not yet");
}
