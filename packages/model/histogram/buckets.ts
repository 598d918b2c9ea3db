// Walking the buckets of a native histogram: bounds by schema, and cursors over one side or all of it.
import { SCHEMA_8_BOUNDS } from "./bounds-table.ts";
import { CUSTOM_BUCKETS_SCHEMA, type FloatHistogramFields, type Span } from "./float-histogram.ts";
import { loadExponent } from "./logarithm.ts";

/** Lowest and highest exponential schema that histograms are computed with. */
export const EXPONENTIAL_SCHEMA_MIN = -4;
export const EXPONENTIAL_SCHEMA_MAX = 8;

/** Whether the schema is that of custom bucket bounds (-53). */
export function isCustomBucketsSchema(schema: number): boolean {
  return schema === CUSTOM_BUCKETS_SCHEMA;
}

/** Whether the schema is one of the exponential ones, -4 to 8. */
export function isExponentialSchema(schema: number): boolean {
  return schema >= EXPONENTIAL_SCHEMA_MIN && schema <= EXPONENTIAL_SCHEMA_MAX;
}

/**
 * The upper bound of the bucket with this index; its lower bound is that of `index - 1`.
 * Exponential: exactly the reference's numbers, the last finite bucket ending at the largest float.
 * Custom: -Infinity for -1, Infinity for `customValues.length` and (in malformed histograms) beyond.
 */
export function bucketBound(index: number, schema: number, customValues: readonly number[]): number {
  if (schema === CUSTOM_BUCKETS_SCHEMA) {
    if (index < 0) return -Infinity;
    return index < customValues.length ? (customValues[index] as number) : Infinity;
  }
  return exponentialBound(index, schema);
}

/** As `bucketBound`, for the exponential schemas. */
export function exponentialBound(index: number, schema: number): number {
  if (schema <= 0) {
    const exponent = index * 2 ** -schema;
    // The bucket below the one for infinities ends at the largest float, as no float is next to 2^1024.
    return exponent === 1024 ? Number.MAX_VALUE : loadExponent(1, exponent);
  }
  const fraction = SCHEMA_8_BOUNDS[(index & ((1 << schema) - 1)) << (8 - schema)] as number;
  const exponent = (index >> schema) + 1;
  return fraction === 0.5 && exponent === 1025 ? Number.MAX_VALUE : loadExponent(fraction, exponent);
}

/** The index, in a coarser schema, of the bucket that holds bucket `index` of `originSchema`. */
export function reducedIndex(index: number, originSchema: number, targetSchema: number): number {
  return ((index - 1) >> (originSchema - targetSchema)) + 1;
}

/** The index of each bucket. Spans and buckets that contradict each other are cut to what both have. */
export function bucketIndices(spans: readonly Span[], bucketCount: number): Int32Array {
  const indices = new Int32Array(bucketCount);
  let filled = 0;
  let index = 0;
  for (const span of spans) {
    index += span.offset;
    const length = Math.min(span.length, bucketCount - filled);
    for (let i = 0; i < length; i++) indices[filled++] = index++;
  }
  return filled === bucketCount ? indices : indices.subarray(0, filled);
}

/** Whether two lists of spans are the same, span by span. */
export function sameSpans(a: readonly Span[], b: readonly Span[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const left = a[i] as Span;
    const right = b[i] as Span;
    if (left.offset !== right.offset || left.length !== right.length) return false;
  }
  return true;
}

/** The fewest spans that cover buckets of these ascending indices. */
export function spansOf(indices: ArrayLike<number>): Span[] {
  const spans: Span[] = [];
  let end = 0;
  for (let i = 0; i < indices.length; ) {
    const start = indices[i] as number;
    const first = i++;
    while (i < indices.length && indices[i] === start + (i - first)) i++;
    spans.push({ offset: start - end, length: i - first });
    end = start + (i - first);
  }
  return spans;
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
 * Empty buckets inside spans are visited too. Before the first `next` all fields are 0; after the last they stay on the
 * last bucket. The layout of the histogram must not change meanwhile.
 */
export interface BucketCursor extends Readonly<Bucket> {
  next(): boolean;
}

/** Positive buckets upwards (away from zero), those of custom buckets included. */
export function positiveBuckets(histogram: FloatHistogramFields): BucketCursor {
  return new SideCursor(histogram, true, false);
}

/** Negative buckets downwards (away from zero). */
export function negativeBuckets(histogram: FloatHistogramFields): BucketCursor {
  return new SideCursor(histogram, false, false);
}

/** Positive buckets downwards (towards zero). */
export function positiveBucketsReversed(histogram: FloatHistogramFields): BucketCursor {
  return new SideCursor(histogram, true, true);
}

/** Negative buckets upwards (towards zero). */
export function negativeBucketsReversed(histogram: FloatHistogramFields): BucketCursor {
  return new SideCursor(histogram, false, true);
}

/**
 * All buckets, lowest first: negative, zero (when it holds anything), positive. A bucket overlapping the zero bucket
 * is cut at the zero threshold. The order in which the HTTP API prints them.
 */
export function allBuckets(histogram: FloatHistogramFields): BucketCursor {
  return new AllCursor(histogram, new SideCursor(histogram, false, true), new SideCursor(histogram, true, false));
}

/** As `allBuckets`, highest first. */
export function allBucketsReversed(histogram: FloatHistogramFields): BucketCursor {
  return new AllCursor(histogram, new SideCursor(histogram, true, true), new SideCursor(histogram, false, false));
}

// Bounds are worked out when they are asked for: most walks only count until they have found their bucket.
class SideCursor implements BucketCursor {
  count = 0;
  index = 0;
  readonly #histogram: FloatHistogramFields;
  readonly #buckets: Float64Array;
  readonly #indices: Int32Array;
  readonly #positive: boolean;
  readonly #step: number;
  #at: number;
  #started = false;

  constructor(histogram: FloatHistogramFields, positive: boolean, reversed: boolean) {
    this.#histogram = histogram;
    this.#positive = positive;
    this.#buckets = positive ? histogram.positiveBuckets : histogram.negativeBuckets;
    const spans = positive ? histogram.positiveSpans : histogram.negativeSpans;
    this.#indices = bucketIndices(spans, this.#buckets.length);
    this.#step = reversed ? -1 : 1;
    this.#at = reversed ? this.#indices.length : -1;
  }

  next(): boolean {
    const at = this.#at + this.#step;
    // The cursor stays on its last bucket, as its fields do.
    if (at < 0 || at >= this.#indices.length) return false;
    this.#at = at;
    this.#started = true;
    this.index = this.#indices[at] as number;
    this.count = this.#buckets[at] as number;
    return true;
  }

  get lower(): number {
    return this.#positive ? this.#bound(this.index - 1) : -this.#bound(this.index);
  }

  get upper(): number {
    return this.#positive ? this.#bound(this.index) : -this.#bound(this.index - 1);
  }

  get lowerInclusive(): boolean {
    return this.#histogram.schema === CUSTOM_BUCKETS_SCHEMA ? this.index === 0 : this.lower < 0;
  }

  get upperInclusive(): boolean {
    return this.#histogram.schema === CUSTOM_BUCKETS_SCHEMA || this.upper > 0;
  }

  #bound(index: number): number {
    return this.#started ? bucketBound(index, this.#histogram.schema, this.#histogram.customValues) : 0;
  }
}

class AllCursor implements BucketCursor {
  count = 0;
  index = 0;
  readonly #threshold: number;
  readonly #zeroCount: number;
  readonly #before: SideCursor;
  readonly #after: SideCursor;
  #stage: "before" | "zero" | "after" = "before";
  /** Undefined while on the zero bucket. */
  #current: SideCursor | undefined;

  constructor(histogram: FloatHistogramFields, before: SideCursor, after: SideCursor) {
    this.#threshold = histogram.zeroThreshold;
    this.#zeroCount = histogram.zeroCount;
    this.#before = before;
    this.#after = after;
    this.#current = before;
  }

  next(): boolean {
    if (this.#stage === "before") {
      if (this.#before.next()) return this.#take(this.#before);
      this.#stage = "zero";
    }
    if (this.#stage === "zero") {
      this.#stage = "after";
      if (this.#zeroCount > 0) {
        this.#current = undefined;
        this.count = this.#zeroCount;
        this.index = 0;
        return true;
      }
    }
    return this.#after.next() && this.#take(this.#after);
  }

  get lower(): number {
    if (this.#current === undefined) return -this.#threshold;
    const { lower } = this.#current;
    return lower > 0 && lower < this.#threshold ? this.#threshold : lower;
  }

  get upper(): number {
    if (this.#current === undefined) return this.#threshold;
    const { upper } = this.#current;
    return upper < 0 && upper > -this.#threshold ? -this.#threshold : upper;
  }

  get lowerInclusive(): boolean {
    return this.#current === undefined || this.#current.lowerInclusive;
  }

  get upperInclusive(): boolean {
    return this.#current === undefined || this.#current.upperInclusive;
  }

  #take(side: SideCursor): true {
    this.#current = side;
    this.count = side.count;
    this.index = side.index;
    return true;
  }
}
