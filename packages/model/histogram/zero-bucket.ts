// Zero buckets of different width: the wider one wins, widened further where it would cut a populated bucket.
import { bucketBound } from "./buckets.ts";
import type { FloatHistogramFields } from "./float-histogram.ts";
import { KahanSum } from "./kahan.ts";
import { readSide, type Side, thin, writeSide } from "./layout.ts";

/** A zero bucket as it would be at some width. */
export interface ZeroBucket {
  readonly threshold: number;
  readonly count: number;
  readonly compensation: number;
}

/**
 * The zero bucket of `histogram` if it reached up to `threshold` (not less than it does now), or further, to the far
 * end of a populated bucket that this would cut. Buckets within are counted to it.
 */
export function widenedZeroBucket(
  histogram: FloatHistogramFields,
  threshold: number,
  compensation: FloatHistogramFields | undefined,
): ZeroBucket {
  const carried = compensation?.zeroCount ?? 0;
  if (!(threshold > histogram.zeroThreshold)) return { threshold, count: histogram.zeroCount, compensation: carried };
  const positive = readSide(histogram, true, compensation);
  const negative = readSide(histogram, false, compensation);
  const sum = new KahanSum();
  let reach = threshold;
  sum.reset(histogram.zeroCount, carried);
  for (;;) {
    // What was lost in an earlier round stays in the compensation, as it does in the reference.
    sum.reset(histogram.zeroCount, sum.compensation);
    reach = swallow(histogram, positive, reach, sum);
    const wider = swallow(histogram, negative, reach, sum);
    // Widened by the negative side, the positive side has to be looked at again.
    if (wider === reach) return { threshold: reach, count: sum.sum, compensation: sum.compensation };
    reach = wider;
  }
}

/** Adds the buckets of one side that begin below `reach` (in absolute terms), and returns how far they reach. */
function swallow(histogram: FloatHistogramFields, side: Side, reach: number, sum: KahanSum): number {
  const { schema, customValues } = histogram;
  for (let i = 0; i < side.indices.length; i++) {
    const index = side.indices[i] as number;
    if (bucketBound(index - 1, schema, customValues) >= reach) return reach;
    const count = side.counts[i] as number;
    sum.add(count);
    if (side.compensations !== undefined) sum.add(side.compensations[i] as number);
    const far = bucketBound(index, schema, customValues);
    if (far > reach) return count === 0 ? reach : far;
  }
  return reach;
}

/**
 * Makes `histogram`'s zero bucket wide enough for that of `other` too, and returns what the zero bucket of `other`
 * would then hold. `other` stays as it is.
 */
export function reconcileZeroBuckets(
  histogram: FloatHistogramFields,
  other: FloatHistogramFields,
  compensation: FloatHistogramFields | undefined,
): ZeroBucket {
  let theirs: ZeroBucket = { threshold: other.zeroThreshold, count: other.zeroCount, compensation: 0 };
  while (theirs.threshold !== histogram.zeroThreshold) {
    if (histogram.zeroThreshold > theirs.threshold) {
      theirs = widenedZeroBucket(other, histogram.zeroThreshold, undefined);
    }
    if (theirs.threshold > histogram.zeroThreshold) {
      const ours = widenedZeroBucket(histogram, theirs.threshold, compensation);
      histogram.zeroThreshold = ours.threshold;
      histogram.zeroCount = ours.count;
      if (compensation !== undefined) compensation.zeroCount = ours.compensation;
      dropWithinZero(histogram, true, compensation);
      dropWithinZero(histogram, false, compensation);
    } else if (!(theirs.threshold < histogram.zeroThreshold)) break;
  }
  return theirs;
}

/** Drops buckets that the zero bucket covers, and empty ones. */
function dropWithinZero(
  histogram: FloatHistogramFields,
  positive: boolean,
  compensation: FloatHistogramFields | undefined,
): void {
  const side = readSide(histogram, positive, compensation);
  const { schema, customValues, zeroThreshold } = histogram;
  let first = 0;
  while (
    first < side.indices.length &&
    bucketBound((side.indices[first] as number) - 1, schema, customValues) < zeroThreshold
  ) {
    first++;
  }
  const slice = (values: ArrayLike<number>): number[] => Array.from(values).slice(first);
  const rest: Side = {
    indices: slice(side.indices),
    counts: slice(side.counts),
    compensations: side.compensations && slice(side.compensations),
  };
  writeSide(histogram, positive, thin(rest, 0), compensation);
}
