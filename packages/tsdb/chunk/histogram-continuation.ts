// Whether a histogram can go on in the chunk of those before it, and how.
//
// Source: `appendable`, `appendableGauge` and `AppendHistogram` of the reference's chunk appenders, whose choices are kept to the
// form of spans and the counter reset flag, so that chunks come out with the same bytes.
import { CounterResetHint, CUSTOM_BUCKETS_SCHEMA, type FloatHistogramFields, type Span } from "@narthex/model";
import { bucketIndexes, joinIndexes, sameBounds, spansOf, spread } from "./bucket-layout.ts";
import type { HistogramEncoder, HistogramSample } from "./histogram-encoder.ts";

/** The two highest bits of a chunk's flags, as a number. */
export const ResetBits = { unknown: 0, notReset: 1, reset: 2, gauge: 3 } as const;

/** Buckets of both sides. */
export interface BucketLayout {
  readonly positiveSpans: readonly Span[];
  readonly negativeSpans: readonly Span[];
}

export interface Continuation {
  /** Whether the sample fits behind the last one. */
  readonly fits: boolean;
  /** If not: what is known of a counter reset between the two. */
  readonly resetBits: number;
  /** The chunk must be written anew with this layout first. */
  readonly layout: BucketLayout | undefined;
  /** The sample, with the buckets of the chunk (or of its new layout). */
  readonly sample: HistogramSample;
}

/** What becomes of `sample` behind the last sample of a chunk that began with these reset bits. */
export function continuation(chunk: HistogramEncoder, chunkBits: number, sample: HistogramSample): Continuation {
  const cut = (resetBits: number): Continuation => ({ fits: false, resetBits, layout: undefined, sample });
  const isGauge = sample?.counterResetHint === CounterResetHint.gauge;
  // Of integers the reference says that a counter which follows gauges was not reset; of floats it says nothing.
  const undecided = isGauge ? ResetBits.gauge : chunk.integer ? ResetBits.notReset : ResetBits.unknown;
  if (isGauge !== (chunkBits === ResetBits.gauge)) return cut(undecided);
  if (sample?.counterResetHint === CounterResetHint.reset) return cut(ResetBits.reset);
  if (sample === undefined) return { fits: true, resetBits: ResetBits.notReset, layout: undefined, sample };
  const other = isGauge ? ResetBits.gauge : ResetBits.unknown;
  if (chunk.stale) return cut(other);
  const reset = isGauge ? ResetBits.gauge : ResetBits.reset;
  if (!isGauge && sample.count < chunk.count) return cut(reset);
  if (sample.schema !== chunk.schema || sample.zeroThreshold !== chunk.zeroThreshold) return cut(other);
  if (sample.schema === CUSTOM_BUCKETS_SCHEMA && !sameBounds(sample.customValues, chunk.customValues))
    return cut(reset);
  if (!isGauge && sample.zeroCount < chunk.zeroCount) return cut(reset);

  if (sameSpans(sample.positiveSpans, chunk.positiveSpans) && sameSpans(sample.negativeSpans, chunk.negativeSpans)) {
    const isReset =
      !isGauge &&
      (hasSmaller(chunk.positiveCounts, sample.positiveBuckets) ||
        hasSmaller(chunk.negativeCounts, sample.negativeBuckets));
    return isReset ? cut(ResetBits.reset) : { fits: true, resetBits: ResetBits.notReset, layout: undefined, sample };
  }
  const positive = bucketIndexes(sample.positiveSpans);
  const negative = bucketIndexes(sample.negativeSpans);
  if (
    !isGauge &&
    (isAnySmaller(chunk.positive, chunk.positiveCounts, positive, sample.positiveBuckets) ||
      isAnySmaller(chunk.negative, chunk.negativeCounts, negative, sample.negativeBuckets))
  ) {
    return cut(ResetBits.reset);
  }
  const allPositive = joinIndexes(chunk.positive, positive);
  const allNegative = joinIndexes(chunk.negative, negative);
  const isWider = allPositive.length > chunk.positive.length || allNegative.length > chunk.negative.length;
  const lacksPositive = allPositive.length > positive.length;
  const lacksNegative = allNegative.length > negative.length;
  // Of gauges both sides are joined as soon as one lacks something; of counters each side by itself.
  const layout = isWider
    ? {
        positiveSpans: lacksPositive || (isGauge && lacksNegative) ? spansOf(allPositive) : sample.positiveSpans,
        negativeSpans: lacksNegative || (isGauge && lacksPositive) ? spansOf(allNegative) : sample.negativeSpans,
      }
    : undefined;
  const fitted = lacksPositive || lacksNegative || isWider;
  return {
    fits: true,
    resetBits: ResetBits.notReset,
    layout,
    sample: fitted
      ? {
          ...sample,
          positiveSpans: layout?.positiveSpans ?? chunk.positiveSpans,
          negativeSpans: layout?.negativeSpans ?? chunk.negativeSpans,
          positiveBuckets: spread(positive, sample.positiveBuckets, allPositive),
          negativeBuckets: spread(negative, sample.negativeBuckets, allNegative),
        }
      : sample,
  };
}

/** The reset bits of a chunk that is begun with `sample` because the one before it was full. */
export function resetBitsAfter(
  before: HistogramEncoder | undefined,
  beforeBits: number,
  sample: HistogramSample,
): number {
  if (sample?.counterResetHint === CounterResetHint.gauge) return ResetBits.gauge;
  if (sample?.counterResetHint === CounterResetHint.reset) return ResetBits.reset;
  if (before === undefined) return ResetBits.unknown;
  const { resetBits } = continuation(before, beforeBits, sample);
  if (before.integer || resetBits === ResetBits.reset) return resetBits;
  return ResetBits.notReset;
}

/** The same histogram for a layout that has all of its buckets. */
export function withLayout(histogram: FloatHistogramFields, layout: BucketLayout): FloatHistogramFields {
  const { positiveSpans, negativeSpans } = layout;
  const widen = (from: readonly Span[], counts: Float64Array, to: readonly Span[]): Float64Array =>
    spread(bucketIndexes(from), counts, bucketIndexes(to));
  return {
    ...histogram,
    positiveSpans,
    negativeSpans,
    positiveBuckets: widen(histogram.positiveSpans, histogram.positiveBuckets, positiveSpans),
    negativeBuckets: widen(histogram.negativeSpans, histogram.negativeBuckets, negativeSpans),
  };
}

function sameSpans(a: readonly Span[], b: readonly Span[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    if ((a[i] as Span).offset !== (b[i] as Span).offset || (a[i] as Span).length !== (b[i] as Span).length)
      return false;
  }
  return true;
}

/** Whether any bucket shrank; both have the same buckets. */
function hasSmaller(counts: Float64Array, nextCounts: Float64Array): boolean {
  for (let i = 0; i < counts.length; i++) if ((counts[i] as number) > (nextCounts[i] as number)) return true;
  return false;
}

/** A used bucket that shrank or vanished means a counter reset. */
function isAnySmaller(
  indexes: Int32Array,
  counts: Float64Array,
  nextIndexes: Int32Array,
  nextCounts: Float64Array,
): boolean {
  let next = 0;
  for (let i = 0; i < indexes.length; i++) {
    while (next < nextIndexes.length && (nextIndexes[next] as number) < (indexes[i] as number)) next++;
    const isThere = next < nextIndexes.length && nextIndexes[next] === indexes[i];
    const count = counts[i] as number;
    if (isThere ? count > (nextCounts[next] as number) : count !== 0) return true;
  }
  return false;
}
