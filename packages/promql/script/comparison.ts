// When an answer is the expected one: floats nearly, histograms nearly in their counts and exactly in their shape.
import { CUSTOM_BUCKETS_SCHEMA, type FloatHistogramFields, type Span } from "@narthex/model";

const TOLERANCE = 1e-6;
const SMALLEST_NORMAL = 2.2250738585072014e-308;

/** Whether two floats (no stale markers) are equal up to a relative difference of one millionth; NaN equals NaN. */
export function almostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) && Number.isNaN(b);
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < SMALLEST_NORMAL) return difference < TOLERANCE * SMALLEST_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < TOLERANCE;
}

/** Whether histograms are equal; empty buckets do not count, the reset hint only if `withHint`. */
export function histogramsMatch(
  expected: FloatHistogramFields,
  actual: FloatHistogramFields,
  withHint: boolean,
): boolean {
  return (
    expected.schema === actual.schema &&
    almostEqual(expected.count, actual.count) &&
    almostEqual(expected.sum, actual.sum) &&
    expected.zeroThreshold === actual.zeroThreshold &&
    almostEqual(expected.zeroCount, actual.zeroCount) &&
    (expected.schema !== CUSTOM_BUCKETS_SCHEMA || sameNumbers(expected.customValues, actual.customValues)) &&
    sameBuckets(
      occupiedBuckets(expected.positiveSpans, expected.positiveBuckets),
      occupiedBuckets(actual.positiveSpans, actual.positiveBuckets),
    ) &&
    sameBuckets(
      occupiedBuckets(expected.negativeSpans, expected.negativeBuckets),
      occupiedBuckets(actual.negativeSpans, actual.negativeBuckets),
    ) &&
    (!withHint || expected.counterResetHint === actual.counterResetHint)
  );
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

/** Counts of all buckets that are not empty, by index. `buckets` has one per bucket in the spans. */
export function occupiedBuckets(spans: readonly Span[], buckets: Float64Array): ReadonlyMap<number, number> {
  const counts = new Map<number, number>();
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++, index++, at++) {
      const count = buckets[at] as number;
      if (count !== 0) counts.set(index, count);
    }
  }
  return counts;
}

function sameBuckets(expected: ReadonlyMap<number, number>, actual: ReadonlyMap<number, number>): boolean {
  if (expected.size !== actual.size) return false;
  for (const [index, count] of expected) {
    const other = actual.get(index);
    if (other === undefined || !almostEqual(count, other)) return false;
  }
  return true;
}
