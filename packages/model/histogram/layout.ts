// Buckets of one side as ascending indices with counts: the form in which layouts are merged, thinned and coarsened.
// Beside each count stands its Kahan compensation where one is carried.
import { bucketIndices, exponentialBound, isExponentialSchema, reducedIndex, spansOf } from "./buckets.ts";
import type { FloatHistogramFields, Span } from "./float-histogram.ts";
import { KahanSum } from "./kahan.ts";

/** One side of a histogram. Never changed in place, so arrays may be shared with the histogram it was read from. */
export interface Side {
  readonly indices: ArrayLike<number>;
  readonly counts: ArrayLike<number>;
  readonly compensations: ArrayLike<number> | undefined;
}

/** Reads one side; `compensation` is a histogram of the same layout. */
export function readSide(
  histogram: FloatHistogramFields,
  positive: boolean,
  compensation: FloatHistogramFields | undefined,
): Side {
  const counts = positive ? histogram.positiveBuckets : histogram.negativeBuckets;
  const spans = positive ? histogram.positiveSpans : histogram.negativeSpans;
  const compensations = compensation && (positive ? compensation.positiveBuckets : compensation.negativeBuckets);
  return { indices: bucketIndices(spans, counts.length), counts, compensations };
}

/** Puts one side back, and its compensations into their histogram. */
export function writeSide(
  histogram: FloatHistogramFields,
  positive: boolean,
  side: Side,
  compensation: FloatHistogramFields | undefined,
): void {
  const spans: Span[] = spansOf(side.indices);
  writeBuckets(histogram, positive, spans, toFloats(side.counts, side.indices.length));
  if (compensation === undefined) return;
  const compensations = side.compensations ?? new Float64Array(side.indices.length);
  writeBuckets(compensation, positive, spans, toFloats(compensations, side.indices.length));
}

function writeBuckets(
  histogram: FloatHistogramFields,
  positive: boolean,
  spans: readonly Span[],
  buckets: Float64Array,
): void {
  if (positive) {
    histogram.positiveSpans = spans;
    histogram.positiveBuckets = buckets;
  } else {
    histogram.negativeSpans = spans;
    histogram.negativeBuckets = buckets;
  }
}

function toFloats(values: ArrayLike<number>, length: number): Float64Array {
  return values instanceof Float64Array && values.length === length
    ? values
    : Float64Array.from(values).subarray(0, length);
}

const kahan = new KahanSum();

/** Merges buckets to a coarser schema. */
export function coarsen(side: Side, originSchema: number, targetSchema: number): Side {
  if (originSchema === targetSchema) return side;
  const indices: number[] = [];
  const counts: number[] = [];
  const compensations: number[] | undefined = side.compensations && [];
  for (let i = 0; i < side.indices.length; i++) {
    const index = reducedIndex(side.indices[i] as number, originSchema, targetSchema);
    const count = side.counts[i] as number;
    const last = indices.length - 1;
    if (last < 0 || indices[last] !== index) {
      indices.push(index);
      counts.push(count);
      compensations?.push(side.compensations?.[i] as number);
    } else if (compensations === undefined) {
      (counts[last] as number) += count;
    } else {
      kahan
        .reset(counts[last], compensations[last])
        .add(count)
        .add(side.compensations?.[i] as number);
      counts[last] = kahan.sum;
      compensations[last] = kahan.compensation;
    }
  }
  return { indices, counts, compensations };
}

/**
 * `a` plus (`sign` 1) or minus (-1) `b`, both in `schema`. Leading buckets of `b` that lie within the zero bucket
 * (upper bound up to `threshold`) are left out: they are part of its zero count already.
 */
export function mergeSides(a: Side, b: Side, sign: number, schema: number, threshold: number): Side {
  const indices: number[] = [];
  const counts: number[] = [];
  const carried = a.compensations;
  const compensations: number[] | undefined = carried && [];
  let i = 0;
  let j = 0;
  if (isExponentialSchema(schema)) {
    while (j < b.indices.length && exponentialBound(b.indices[j] as number, schema) <= threshold) j++;
  }
  while (i < a.indices.length || j < b.indices.length) {
    const left = i < a.indices.length ? (a.indices[i] as number) : Infinity;
    const right = j < b.indices.length ? (b.indices[j] as number) : Infinity;
    if (left < right) {
      indices.push(left);
      counts.push(a.counts[i] as number);
      compensations?.push(carried?.[i] as number);
      i++;
      continue;
    }
    const count = sign * (b.counts[j] as number);
    const compensation = b.compensations === undefined ? 0 : sign * (b.compensations[j] as number);
    indices.push(right);
    if (left > right) {
      counts.push(count);
      compensations?.push(compensation);
    } else if (compensations === undefined) {
      counts.push((a.counts[i++] as number) + count);
    } else {
      kahan.reset(a.counts[i], carried?.[i]).add(count);
      if (compensation !== 0) kahan.add(compensation);
      counts.push(kahan.sum);
      compensations.push(kahan.compensation);
      i++;
    }
    j++;
  }
  return { indices, counts, compensations };
}

/** Leaves out empty buckets, except runs of up to `maxEmptyBuckets` between populated ones, which are filled in. */
export function thin(side: Side, maxEmptyBuckets: number): Side {
  const indices: number[] = [];
  const counts: number[] = [];
  const compensations: number[] | undefined = side.compensations && [];
  for (let i = 0; i < side.indices.length; i++) {
    const count = side.counts[i] as number;
    const compensation = side.compensations === undefined ? 0 : (side.compensations[i] as number);
    if (count === 0 && compensation === 0) continue;
    const index = side.indices[i] as number;
    const last = indices.length - 1;
    if (last >= 0 && index - (indices[last] as number) - 1 <= maxEmptyBuckets) {
      for (let filler = (indices[last] as number) + 1; filler < index; filler++) {
        indices.push(filler);
        counts.push(0);
        compensations?.push(0);
      }
    }
    indices.push(index);
    counts.push(count);
    compensations?.push(compensation);
  }
  return { indices, counts, compensations };
}
