// Arithmetic of native histograms. Functions named after a deed change their first argument (its bucket arrays
// included); histograms that came from a storage are shared, so copy them first.
import { exponentialBound, isCustomBucketsSchema, isExponentialSchema, sameSpans } from "./buckets.ts";
import { boundsMatch, decreasedWithinSharedBounds, intersectBounds, mergeToBounds } from "./custom-buckets.ts";
import { CounterResetHint, type FloatHistogramFields } from "./float-histogram.ts";
import { KahanSum } from "./kahan.ts";
import { coarsen, mergeSides, readSide, type Side, thin, writeSide } from "./layout.ts";
import { reconcileZeroBuckets, widenedZeroBucket } from "./zero-bucket.ts";

/** An empty histogram with the given fields set: schema 0, no buckets, unknown reset hint. */
export function createHistogram(fields: Partial<FloatHistogramFields> = {}): FloatHistogramFields {
  return {
    counterResetHint: CounterResetHint.unknown,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 0,
    sum: 0,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: new Float64Array(0),
    negativeBuckets: new Float64Array(0),
    customValues: [],
    ...fields,
  };
}

/** A deep copy; spans and custom bounds are shared, they never change. */
export function copyHistogram(histogram: FloatHistogramFields): FloatHistogramFields {
  return {
    counterResetHint: histogram.counterResetHint,
    schema: histogram.schema,
    zeroThreshold: histogram.zeroThreshold,
    zeroCount: histogram.zeroCount,
    count: histogram.count,
    sum: histogram.sum,
    positiveSpans: histogram.positiveSpans,
    negativeSpans: histogram.negativeSpans,
    positiveBuckets: histogram.positiveBuckets.slice(),
    negativeBuckets: histogram.negativeBuckets.slice(),
    customValues: histogram.customValues,
  };
}

/**
 * A copy in a coarser (or the same) exponential schema; the reset hint is unknown if it is coarser. Throws a
 * RangeError for a finer schema or custom buckets.
 */
export function copyToSchema(histogram: FloatHistogramFields, targetSchema: number): FloatHistogramFields {
  const copy = copyHistogram(histogram);
  if (targetSchema === histogram.schema) return copy;
  const refusal = reduceResolution(copy, targetSchema);
  if (refusal !== undefined) throw new RangeError(refusal);
  copy.counterResetHint = CounterResetHint.unknown;
  return copy;
}

/** What adding or subtracting had to smooth over; the engine turns these into annotations. */
export interface Reconciliation {
  /** One hint said reset, the other said none; the result's hint is unknown. */
  readonly counterResetConflict: boolean;
  /** Custom bounds differed; the result has only those that both had. */
  readonly boundsReconciled: boolean;
}

/**
 * `histogram += other`, at the coarser schema and the wider zero bucket of both. `other` stays as it is. Empty buckets
 * may be left: see `compactHistogram`.
 * Returns undefined, having changed nothing, when one has custom and the other exponential buckets.
 */
export function addHistogram(histogram: FloatHistogramFields, other: FloatHistogramFields): Reconciliation | undefined {
  return combine(histogram, other, 1, undefined);
}

/** `histogram -= other`, as `addHistogram`. The `-` operator of PromQL then sets the hint to gauge itself. */
export function subtractHistogram(
  histogram: FloatHistogramFields,
  other: FloatHistogramFields,
): Reconciliation | undefined {
  return combine(histogram, other, -1, undefined);
}

/** A histogram of zeros with the layout of `histogram`: the compensation that `kahanAddHistogram` carries along. */
export function createCompensation(histogram: FloatHistogramFields): FloatHistogramFields {
  return createHistogram({
    counterResetHint: histogram.counterResetHint,
    schema: histogram.schema,
    zeroThreshold: histogram.zeroThreshold,
    customValues: histogram.customValues,
    positiveSpans: histogram.positiveSpans,
    negativeSpans: histogram.negativeSpans,
    positiveBuckets: new Float64Array(histogram.positiveBuckets.length),
    negativeBuckets: new Float64Array(histogram.negativeBuckets.length),
  });
}

/**
 * `histogram += other` in Kahan-Neumaier arithmetic; what rounding lost collects in `compensation`, which keeps the
 * layout of `histogram`. At the end, `addHistogram(histogram, compensation)` gives the sum.
 */
export function kahanAddHistogram(
  histogram: FloatHistogramFields,
  other: FloatHistogramFields,
  compensation: FloatHistogramFields,
): Reconciliation | undefined {
  return combine(histogram, other, 1, compensation);
}

const kahan = new KahanSum();

function combine(
  histogram: FloatHistogramFields,
  other: FloatHistogramFields,
  sign: 1 | -1,
  compensation: FloatHistogramFields | undefined,
): Reconciliation | undefined {
  const custom = isCustomBucketsSchema(histogram.schema);
  if (custom !== isCustomBucketsSchema(other.schema)) return undefined;
  const counterResetConflict = adjustResetHint(histogram, other);
  if (!custom) {
    const zero = reconcileZeroBuckets(histogram, other, compensation);
    if (compensation === undefined) histogram.zeroCount += sign * zero.count;
    else {
      kahan.reset(histogram.zeroCount, compensation.zeroCount).add(zero.count).add(zero.compensation);
      histogram.zeroCount = kahan.sum;
      compensation.zeroCount = kahan.compensation;
    }
  }
  if (compensation === undefined) {
    histogram.count += sign * other.count;
    histogram.sum += sign * other.sum;
  } else {
    kahan.reset(histogram.count, compensation.count).add(other.count);
    histogram.count = kahan.sum;
    compensation.count = kahan.compensation;
    kahan.reset(histogram.sum, compensation.sum).add(other.sum);
    histogram.sum = kahan.sum;
    compensation.sum = kahan.compensation;
  }
  let boundsReconciled = false;
  if (custom && !boundsMatch(histogram.customValues, other.customValues)) {
    boundsReconciled = true;
    const bounds = intersectBounds(histogram.customValues, other.customValues);
    writeSide(histogram, true, mergeToBounds(histogram, other, sign, bounds, compensation), compensation);
    histogram.customValues = bounds;
    if (compensation !== undefined) compensation.customValues = bounds;
  } else {
    mergeBuckets(histogram, other, sign, compensation);
  }
  return { counterResetConflict, boundsReconciled };
}

function mergeBuckets(
  histogram: FloatHistogramFields,
  other: FloatHistogramFields,
  sign: 1 | -1,
  compensation: FloatHistogramFields | undefined,
): void {
  const schema = Math.min(histogram.schema, other.schema);
  const { zeroThreshold } = histogram;
  for (const positive of [true, false]) {
    if (addInPlace(histogram, other, positive, sign, compensation)) continue;
    const ours = coarsen(readSide(histogram, positive, compensation), histogram.schema, schema);
    let theirs = readSide(other, positive, undefined);
    if (compensation !== undefined && other.schema > schema) {
      // Merging their buckets loses something as well, which is carried along.
      theirs = { ...theirs, compensations: new Float64Array(theirs.indices.length) };
    }
    theirs = coarsen(theirs, other.schema, schema);
    writeSide(histogram, positive, mergeSides(ours, theirs, sign, schema, zeroThreshold), compensation);
  }
  histogram.schema = schema;
  if (compensation !== undefined) {
    compensation.schema = schema;
    compensation.zeroThreshold = zeroThreshold;
  }
}

/** The usual case, one layout for both: adds bucket by bucket, or does nothing and returns false. */
function addInPlace(
  histogram: FloatHistogramFields,
  other: FloatHistogramFields,
  positive: boolean,
  sign: 1 | -1,
  compensation: FloatHistogramFields | undefined,
): boolean {
  if (!sameLayout(histogram, other, positive)) return false;
  const buckets = positive ? histogram.positiveBuckets : histogram.negativeBuckets;
  const added = positive ? other.positiveBuckets : other.negativeBuckets;
  if (compensation === undefined) {
    for (let i = 0; i < buckets.length; i++) (buckets[i] as number) += sign * (added[i] as number);
    return true;
  }
  const carried = positive ? compensation.positiveBuckets : compensation.negativeBuckets;
  for (let i = 0; i < buckets.length; i++) {
    kahan.reset(buckets[i], carried[i]).add(added[i] as number);
    buckets[i] = kahan.sum;
    carried[i] = kahan.compensation;
  }
  return true;
}

/** Whether one side of both has the very same buckets, none of them within the zero bucket. */
function sameLayout(a: FloatHistogramFields, b: FloatHistogramFields, positive: boolean): boolean {
  const spans = positive ? a.positiveSpans : a.negativeSpans;
  const buckets = positive ? a.positiveBuckets : a.negativeBuckets;
  if (a.schema !== b.schema || !sameSpans(spans, positive ? b.positiveSpans : b.negativeSpans)) return false;
  if (buckets.length !== (positive ? b.positiveBuckets : b.negativeBuckets).length) return false;
  const [first] = spans;
  if (first === undefined || !isExponentialSchema(a.schema)) return true;
  return exponentialBound(first.offset, a.schema) > a.zeroThreshold;
}

/** Sets the hint that both together justify, and tells whether they contradicted each other. */
function adjustResetHint(histogram: FloatHistogramFields, other: FloatHistogramFields): boolean {
  const { unknown, gauge } = CounterResetHint;
  const ours = histogram.counterResetHint;
  const theirs = other.counterResetHint;
  if (ours === theirs || ours === gauge) return false;
  if (theirs === gauge) {
    histogram.counterResetHint = gauge;
    return false;
  }
  histogram.counterResetHint = unknown;
  return ours !== unknown && theirs !== unknown;
}

/** Scales counts, buckets and sum. A negative factor makes it a gauge histogram. Returns its argument. */
export function multiplyHistogram(histogram: FloatHistogramFields, factor: number): FloatHistogramFields {
  histogram.zeroCount *= factor;
  histogram.count *= factor;
  histogram.sum *= factor;
  for (const buckets of [histogram.positiveBuckets, histogram.negativeBuckets]) {
    for (let i = 0; i < buckets.length; i++) (buckets[i] as number) *= factor;
  }
  if (factor < 0) histogram.counterResetHint = CounterResetHint.gauge;
  return histogram;
}

/** Divides counts, buckets and sum; by 0 it drops all buckets. A negative divisor makes it a gauge histogram. */
export function divideHistogram(histogram: FloatHistogramFields, divisor: number): FloatHistogramFields {
  histogram.zeroCount /= divisor;
  histogram.count /= divisor;
  histogram.sum /= divisor;
  if (divisor === 0) {
    histogram.positiveSpans = [];
    histogram.negativeSpans = [];
    histogram.positiveBuckets = new Float64Array(0);
    histogram.negativeBuckets = new Float64Array(0);
    return histogram;
  }
  for (const buckets of [histogram.positiveBuckets, histogram.negativeBuckets]) {
    for (let i = 0; i < buckets.length; i++) (buckets[i] as number) /= divisor;
  }
  if (divisor < 0) histogram.counterResetHint = CounterResetHint.gauge;
  return histogram;
}

/** Whether `histogram`, coming after `previous` in a series, shows a counter reset; its own hint decides if it can. */
export function detectReset(histogram: FloatHistogramFields, previous: FloatHistogramFields): boolean {
  if (histogram.counterResetHint === CounterResetHint.reset) return true;
  if (histogram.counterResetHint === CounterResetHint.notReset) return false;
  if (histogram.count < previous.count) return true;
  if (isCustomBucketsSchema(histogram.schema)) {
    if (!isCustomBucketsSchema(previous.schema)) return true;
    if (!boundsMatch(histogram.customValues, previous.customValues)) {
      return decreasedWithinSharedBounds(histogram, previous);
    }
  }
  // Resolution and zero bucket change without a reset in one direction only.
  if (histogram.schema > previous.schema || histogram.zeroThreshold < previous.zeroThreshold) return true;
  const before = widenedZeroBucket(previous, histogram.zeroThreshold, undefined);
  if (before.threshold !== histogram.zeroThreshold || histogram.zeroCount < before.count) return true;
  return decreasedOn(histogram, previous, true) || decreasedOn(histogram, previous, false);
}

function decreasedOn(histogram: FloatHistogramFields, previous: FloatHistogramFields, positive: boolean): boolean {
  if (sameLayout(histogram, previous, positive)) {
    const after = positive ? histogram.positiveBuckets : histogram.negativeBuckets;
    const earlier = positive ? previous.positiveBuckets : previous.negativeBuckets;
    for (let i = 0; i < after.length; i++) if ((after[i] as number) < (earlier[i] as number)) return true;
    return false;
  }
  const { schema, zeroThreshold } = histogram;
  const now = readSide(histogram, positive, undefined);
  const before = coarsen(readSide(previous, positive, undefined), previous.schema, schema);
  let i = 0;
  let j = 0;
  if (isExponentialSchema(schema) && zeroThreshold > 0) {
    while (j < before.indices.length && exponentialBound(before.indices[j] as number, schema) <= zeroThreshold) j++;
  }
  for (; j < before.indices.length; j++) {
    const index = before.indices[j] as number;
    while (i < now.indices.length && (now.indices[i] as number) < index) i++;
    const count = before.counts[j] as number;
    if (i < now.indices.length && now.indices[i] === index) {
      if ((now.counts[i] as number) < count) return true;
    } else if (count !== 0) return true;
  }
  return false;
}

/**
 * Cuts empty buckets from both ends of spans, merges spans at most `maxEmptyBuckets` apart and splits spans that hold
 * more consecutive empty buckets than that. Returns its argument.
 */
export function compactHistogram(histogram: FloatHistogramFields, maxEmptyBuckets: number): FloatHistogramFields {
  for (const positive of [true, false]) {
    const side = readSide(histogram, positive, undefined);
    if (side.indices.length > 0 || (positive ? histogram.positiveSpans : histogram.negativeSpans).length > 0) {
      writeSide(histogram, positive, thin(side, maxEmptyBuckets), undefined);
    }
  }
  return histogram;
}

/** Same data to the last bit: schema, bounds, spans (empty ones aside), counts, sum; the reset hint is not compared. */
export function histogramsEqual(a: FloatHistogramFields, b: FloatHistogramFields): boolean {
  if (a.schema !== b.schema || a.zeroThreshold !== b.zeroThreshold) return false;
  if (!Object.is(a.count, b.count) || !Object.is(a.sum, b.sum) || !Object.is(a.zeroCount, b.zeroCount)) return false;
  if (isCustomBucketsSchema(a.schema) && !boundsMatch(a.customValues, b.customValues)) return false;
  return (
    sidesEqual(readSide(a, true, undefined), readSide(b, true, undefined)) &&
    sidesEqual(readSide(a, false, undefined), readSide(b, false, undefined))
  );
}

function sidesEqual(a: Side, b: Side): boolean {
  if (a.indices.length !== b.indices.length) return false;
  for (let i = 0; i < a.indices.length; i++) {
    if (a.indices[i] !== b.indices[i] || !Object.is(a.counts[i], b.counts[i])) return false;
  }
  return true;
}

/** Merges buckets to a coarser exponential schema. Returns why that cannot be, or undefined when it is done. */
export function reduceResolution(histogram: FloatHistogramFields, targetSchema: number): string | undefined {
  if (isCustomBucketsSchema(histogram.schema)) return "cannot reduce resolution when there are custom buckets";
  if (isCustomBucketsSchema(targetSchema)) return "cannot reduce resolution to custom buckets schema";
  if (targetSchema >= histogram.schema) {
    return `cannot reduce resolution from schema ${histogram.schema} to ${targetSchema}`;
  }
  for (const positive of [true, false]) {
    const side = readSide(histogram, positive, undefined);
    writeSide(histogram, positive, coarsen(side, histogram.schema, targetSchema), undefined);
  }
  histogram.schema = targetSchema;
  return undefined;
}

/** Whether count, sum or any bucket is infinite. */
export function hasOverflow(histogram: FloatHistogramFields): boolean {
  const isInfinite = (value: number): boolean => value === Infinity || value === -Infinity;
  return (
    isInfinite(histogram.zeroCount) ||
    isInfinite(histogram.count) ||
    isInfinite(histogram.sum) ||
    histogram.positiveBuckets.some(isInfinite) ||
    histogram.negativeBuckets.some(isInfinite) ||
    histogram.customValues.some(isInfinite)
  );
}
