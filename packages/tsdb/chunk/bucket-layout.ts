// Which buckets a side of a histogram has: spans, and the ascending bucket indexes they stand for.
import type { FloatHistogramFields, Span } from "@narthex/model";

/** Buckets a histogram may have: ten of that size make a chunk of 5 MiB, where a reader expects 16 at most. */
const MAX_BUCKETS = 65_536;

/** Whether a chunk can hold the histogram: spans and counts agree, buckets ascend and are no more than 65,536. */
export function isWellFormed(histogram: FloatHistogramFields): boolean {
  const { positiveSpans, positiveBuckets, negativeSpans, negativeBuckets } = histogram;
  if (positiveBuckets.length + negativeBuckets.length > MAX_BUCKETS) return false;
  return covers(positiveSpans, positiveBuckets.length) && covers(negativeSpans, negativeBuckets.length);
}

function covers(spans: readonly Span[], count: number): boolean {
  let covered = 0;
  let index = 0;
  for (const [i, { offset, length }] of spans.entries()) {
    index += offset;
    if ((i > 0 && offset < 0) || length < 0 || Math.abs(index) > 0x7fff_ffff) return false;
    index += length;
    covered += length;
  }
  return covered === count && Math.abs(index) <= 0x7fff_ffff;
}

/** Index of every bucket that the spans cover, ascending. Their lengths must be sound: as many buckets as there are counts. */
export function bucketIndexes(spans: readonly Span[]): Int32Array {
  let count = 0;
  for (const { length } of spans) count += length;
  const indexes = new Int32Array(count);
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i++) indexes[at++] = index++;
  }
  return indexes;
}

/** The fewest spans that cover these ascending bucket indexes. */
export function spansOf(indexes: ArrayLike<number>): Span[] {
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (let i = 0; i < indexes.length; i++) {
    const index = indexes[i] as number;
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return spans;
}

/** Indexes that are in either list; both ascend. */
export function joinIndexes(a: Int32Array, b: Int32Array): Int32Array {
  const joined = new Int32Array(a.length + b.length);
  let count = 0;
  for (let i = 0, j = 0; i < a.length || j < b.length; count++) {
    const left = i < a.length ? (a[i] as number) : Infinity;
    const right = j < b.length ? (b[j] as number) : Infinity;
    joined[count] = Math.min(left, right);
    if (left <= right) i++;
    if (right <= left) j++;
  }
  return joined.slice(0, count);
}

/** Counts of the buckets `from`, laid out for the buckets `to`, which has all of them: the others are empty. */
export function spread(from: Int32Array, counts: Float64Array, to: Int32Array): Float64Array {
  if (from.length === to.length) return counts;
  const wider = new Float64Array(to.length);
  for (let i = 0, j = 0; i < from.length; i++, j++) {
    while (j < to.length && to[j] !== from[i]) j++;
    wider[j] = counts[i] as number;
  }
  return wider;
}

/** Whether two lists of custom bounds are the same. */
export function sameBounds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((bound, i) => bound === b[i]);
}
