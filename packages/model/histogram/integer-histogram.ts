// Native histograms as applications count them: integers, buckets written as differences to the bucket before.
import type { CounterResetHint, FloatHistogramFields, Span } from "./float-histogram.ts";

/** As in the storage and in protobuf expositions. All numbers are integers that a float holds exactly, save the sum. */
export interface IntegerHistogramFields {
  readonly counterResetHint: CounterResetHint;
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly count: number;
  readonly sum: number;
  readonly positiveSpans: readonly Span[];
  readonly negativeSpans: readonly Span[];
  /** First bucket absolute, every further one as the difference to the one before. */
  readonly positiveDeltas: ArrayLike<number>;
  readonly negativeDeltas: ArrayLike<number>;
  readonly customValues: readonly number[];
}

/** The same histogram with absolute float counts. Spans and bounds are shared. */
export function floatFromInteger(histogram: IntegerHistogramFields): FloatHistogramFields {
  return {
    counterResetHint: histogram.counterResetHint,
    schema: histogram.schema,
    zeroThreshold: histogram.zeroThreshold,
    zeroCount: histogram.zeroCount,
    count: histogram.count,
    sum: histogram.sum,
    positiveSpans: histogram.positiveSpans,
    negativeSpans: histogram.negativeSpans,
    positiveBuckets: accumulate(histogram.positiveDeltas),
    negativeBuckets: accumulate(histogram.negativeDeltas),
    customValues: histogram.customValues,
  };
}

/** The same histogram with differences; counts must be integers. */
export function integerFromFloat(histogram: FloatHistogramFields): IntegerHistogramFields {
  return {
    counterResetHint: histogram.counterResetHint,
    schema: histogram.schema,
    zeroThreshold: histogram.zeroThreshold,
    zeroCount: histogram.zeroCount,
    count: histogram.count,
    sum: histogram.sum,
    positiveSpans: histogram.positiveSpans,
    negativeSpans: histogram.negativeSpans,
    positiveDeltas: differences(histogram.positiveBuckets),
    negativeDeltas: differences(histogram.negativeBuckets),
    customValues: histogram.customValues,
  };
}

function accumulate(deltas: ArrayLike<number>): Float64Array {
  const buckets = new Float64Array(deltas.length);
  let count = 0;
  for (let i = 0; i < deltas.length; i++) buckets[i] = count += deltas[i] as number;
  return buckets;
}

function differences(buckets: Float64Array): Float64Array {
  const deltas = new Float64Array(buckets.length);
  for (let i = 0, before = 0; i < buckets.length; i++) {
    const count = buckets[i] as number;
    deltas[i] = count - before;
    before = count;
  }
  return deltas;
}
