// Bounds of classic histograms.

/** Buckets for the durations of requests, in seconds. */
export const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** `count` bounds from `start` on, `width` apart. */
export function linearBuckets(start: number, width: number, count: number): number[] {
  if (count < 1) throw new Error("Linear buckets needs a positive count");
  return Array.from({ length: count }, (_, i) => start + i * width);
}

/** `count` bounds from `start` on, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  if (start <= 0) throw new Error("Exponential buckets needs a positive start");
  if (count < 1) throw new Error("Exponential buckets needs a positive count");
  if (factor <= 1) throw new Error("Exponential buckets needs a factor greater than 1");
  const buckets: number[] = [];
  for (let bound = start; buckets.length < count; bound *= factor) buckets.push(bound);
  return buckets;
}

/** `count` bounds from `least` to `most`, each the same factor times the one before. */
export function exponentialBucketsRange(least: number, most: number, count: number): number[] {
  if (count < 1) throw new Error("Exponential buckets needs a positive count");
  if (least <= 0) throw new Error("Exponential buckets needs a positive start");
  const factor = (most / least) ** (1 / (count - 1));
  return Array.from({ length: count }, (_, i) => least * factor ** i);
}
