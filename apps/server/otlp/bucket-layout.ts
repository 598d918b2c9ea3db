// From OpenTelemetry's dense lists of bucket counts to spans.
import type { Span } from "@narthex/model";

/** Empty buckets in a row that are written out; more of them begin a new span. */
const MAX_WRITTEN_GAP = 2;

export interface BucketLayout {
  readonly spans: readonly Span[];
  readonly buckets: Float64Array;
}

const NOTHING: BucketLayout = { spans: [], buckets: new Float64Array(0) };

/**
 * Lays out `counts`, the first of which has index `offset` in OpenTelemetry's numbering. Each 2^`scaleDown` buckets become
 * one. `shift` is 1 for exponential buckets, whose index 0 lies one to the right there, and 0 for explicit ones.
 *
 * As in the reference, buckets are kept that stand for nothing: those in short gaps, and the last one.
 */
export function layOutBuckets(
  counts: readonly number[],
  offset: number,
  scaleDown: number,
  shift: 0 | 1,
): BucketLayout {
  if (counts.length === 0) return NOTHING;
  // Shifting by 32 and more would be taken modulo 32.
  const down = Math.min(scaleDown, 31);
  const indexOf = (i: number): number => ((offset + i) | 0) >> down;
  const spans: { offset: number; length: number }[] = [{ offset: indexOf(0) + shift, length: 0 }];
  const buckets: number[] = [];
  let next = indexOf(0);
  const put = (index: number, count: number): void => {
    const gap = index - next;
    if (gap > MAX_WRITTEN_GAP) spans.push({ offset: gap, length: 0 });
    else for (let i = 0; i < gap; i++) buckets.push(0);
    (spans[spans.length - 1] as { length: number }).length += gap > MAX_WRITTEN_GAP ? 1 : 1 + gap;
    buckets.push(count);
    next = index + 1;
  };
  let at = next;
  let count = 0;
  for (let i = 0; i < counts.length; i++) {
    const index = indexOf(i);
    if (index !== at && count !== 0) {
      put(at, count);
      count = 0;
    }
    at = index;
    count += counts[i] as number;
  }
  put(at, count);
  return { spans, buckets: Float64Array.from(buckets) };
}
