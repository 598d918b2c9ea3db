// Estimates from classic histograms: cumulative buckets that are series of their own.

/** One bucket; `count` is cumulative. */
export interface ClassicBucket {
  readonly le: number;
  count: number;
}

/** Which corrections a quantile needed; see `ensureMonotonic`. */
export interface MonotonicityFix {
  forced: boolean;
  minBucket: number;
  maxBucket: number;
  maxDifference: number;
}

/** Relative differences below this are taken for rounding errors. */
const SMALL_DIFFERENCE = 1e-12;
const MIN_NORMAL = 2 ** -1022;

/**
 * The `q`-quantile by linear interpolation in the bucket that holds rank `q * count`. Sorts `buckets` by bound.
 *
 * NaN for NaN, without observations, with fewer than two buckets or without a +Inf bucket; -Infinity for q < 0,
 * Infinity for q > 1. In the +Inf bucket it is the bound below; in a first bucket with a bound of 0 or less, that bound.
 */
export function classicQuantile(q: number, buckets: ClassicBucket[], fix: MonotonicityFix): number {
  fix.forced = false;
  if (Number.isNaN(q)) return NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  const merged = prepare(buckets);
  if (merged === undefined) return NaN;
  ensureMonotonic(merged, fix);
  if (merged.length < 2) return NaN;
  const last = merged.length - 1;
  const observations = (merged[last] as ClassicBucket).count;
  if (observations === 0) return NaN;
  let rank = q * observations;
  let low = 0;
  let high = last;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((merged[middle] as ClassicBucket).count >= rank) high = middle;
    else low = middle + 1;
  }
  if (low === last) return (merged[last - 1] as ClassicBucket).le;
  const bucket = merged[low] as ClassicBucket;
  if (low === 0 && bucket.le <= 0) return bucket.le;
  let start = 0;
  let { count } = bucket;
  if (low > 0) {
    const below = merged[low - 1] as ClassicBucket;
    start = below.le;
    count -= below.count;
    rank -= below.count;
  }
  return start + (bucket.le - start) * (rank / count);
}

/**
 * The share of observations between two bounds, interpolated linearly. NaN for NaN bounds, without observations or
 * without a +Inf bucket; 0 when the lower bound is not below the upper. Sorts `buckets` by bound.
 */
export function classicFraction(lower: number, upper: number, buckets: ClassicBucket[]): number {
  const merged = prepare(buckets);
  if (merged === undefined) return NaN;
  const { count } = merged[merged.length - 1] as ClassicBucket;
  if (count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return NaN;
  if (lower >= upper) return 0;
  return (rankOf(upper, merged, count) - rankOf(lower, merged, count)) / count;
}

/** How many observations lie below `value`. */
function rankOf(value: number, buckets: readonly ClassicBucket[], total: number): number {
  let rank = 0;
  let below = (buckets[0] as ClassicBucket).le <= 0 ? -Infinity : 0;
  for (const { le, count } of buckets) {
    if (below >= value) return Math.min(rank, total);
    if (below < value && le > value) {
      const at = below === -Infinity ? count : rank + ((count - rank) * (value - below)) / (le - below);
      return Math.min(at, total);
    }
    rank = count;
    below = le;
  }
  return total;
}

/** Sorts, and adds up buckets of equal bounds. Undefined without a +Inf bucket. */
function prepare(buckets: ClassicBucket[]): ClassicBucket[] | undefined {
  buckets.sort((a, b) => (a.le < b.le ? -1 : a.le > b.le ? 1 : 0));
  if (buckets[buckets.length - 1]?.le !== Infinity) return undefined;
  const merged: ClassicBucket[] = [];
  for (const { le, count } of buckets) {
    const last = merged[merged.length - 1];
    if (last !== undefined && last.le === le) last.count += count;
    else merged.push({ le, count });
  }
  return merged;
}

/** Makes counts ascend: tiny differences go silently, others are noted in `fix`. */
function ensureMonotonic(buckets: readonly ClassicBucket[], fix: MonotonicityFix): void {
  fix.minBucket = Infinity;
  fix.maxBucket = -Infinity;
  fix.maxDifference = 0;
  let previous = (buckets[0] as ClassicBucket).count;
  for (const bucket of buckets) {
    const { count, le } = bucket;
    if (count === previous) continue;
    if (almostEqual(previous, count)) {
      bucket.count = previous;
    } else if (count < previous) {
      bucket.count = previous;
      fix.forced = true;
      fix.minBucket = Math.min(fix.minBucket, le);
      fix.maxBucket = Math.max(fix.maxBucket, le);
      fix.maxDifference = Math.max(fix.maxDifference, previous - count);
    } else {
      previous = count;
    }
  }
}

function almostEqual(a: number, b: number): boolean {
  if (Number.isNaN(a) && Number.isNaN(b)) return true;
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const difference = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < MIN_NORMAL) return difference < SMALL_DIFFERENCE * MIN_NORMAL;
  return difference / Math.min(sum, Number.MAX_VALUE) < SMALL_DIFFERENCE;
}
