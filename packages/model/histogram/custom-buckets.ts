// Histograms with custom bounds that do not agree: only the bounds that both have can be kept.
import type { FloatHistogramFields } from "./float-histogram.ts";
import { KahanSum } from "./kahan.ts";
import { readSide, type Side } from "./layout.ts";

/** Whether two lists of bounds are the same. */
export function boundsMatch(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** The bounds that stand in both lists. */
export function intersectBounds(a: readonly number[], b: readonly number[]): number[] {
  const shared: number[] = [];
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const left = a[i] as number;
    const right = b[j] as number;
    if (left === right) shared.push(left);
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return shared;
}

/**
 * `histogram` plus (`sign` 1) or minus (-1) `other`, each bucket counted to the first shared bound that holds it.
 * Empty buckets are left out. The sums are compensated also where the caller keeps no compensation.
 */
export function mergeToBounds(
  histogram: FloatHistogramFields,
  other: FloatHistogramFields,
  sign: number,
  bounds: readonly number[],
  compensation: FloatHistogramFields | undefined,
): Side {
  const sums = Array.from({ length: bounds.length + 1 }, () => new KahanSum());
  pour(readSide(histogram, true, compensation), histogram.customValues, 1, bounds, sums);
  pour(readSide(other, true, undefined), other.customValues, sign, bounds, sums);
  const indices: number[] = [];
  const counts: number[] = [];
  const compensations: number[] = [];
  for (const [index, { sum, compensation }] of sums.entries()) {
    if (sum === 0 && compensation === 0) continue;
    indices.push(index);
    counts.push(sum);
    compensations.push(compensation);
  }
  return { indices, counts, compensations };
}

function pour(
  side: Side,
  sourceBounds: readonly number[],
  sign: number,
  bounds: readonly number[],
  sums: readonly KahanSum[],
): void {
  let target = 0;
  for (let i = 0; i < side.indices.length; i++) {
    const index = side.indices[i] as number;
    if (index < sourceBounds.length) {
      while (target < bounds.length && (bounds[target] as number) < (sourceBounds[index] as number)) target++;
    } else target = bounds.length;
    const sum = sums[target] as KahanSum;
    sum.add(sign * (side.counts[i] as number));
    if (side.compensations !== undefined) sum.add(side.compensations[i] as number);
  }
}

/** Whether, counted to shared bounds, any bucket of `histogram` holds less than the same one of `previous`. */
export function decreasedWithinSharedBounds(histogram: FloatHistogramFields, previous: FloatHistogramFields): boolean {
  const bounds = [...intersectBounds(histogram.customValues, previous.customValues), Infinity];
  const current = rollUp(histogram, bounds);
  const before = rollUp(previous, bounds);
  return bounds.some((_, i) => (current[i] as number) < (before[i] as number));
}

function rollUp(histogram: FloatHistogramFields, bounds: readonly number[]): Float64Array {
  const { indices, counts } = readSide(histogram, true, undefined);
  const sums = new Float64Array(bounds.length);
  let target = 0;
  for (let i = 0; i < indices.length; i++) {
    const upper = histogram.customValues[indices[i] as number] ?? Infinity;
    while ((bounds[target] as number) < upper) target++;
    (sums[target] as number) += counts[i] as number;
  }
  return sums;
}
