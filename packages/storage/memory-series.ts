// One series of the in-memory storage: its samples in time order, and the rules by which new ones enter.
import {
  type Exemplar,
  type FloatHistogramFields,
  type Labels,
  type Metadata,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@narthex/model";
import { Append, type SeriesRef } from "./appender.ts";
import { SampleBuffer } from "./sample-buffer.ts";

/** A sample on its way in. Floats travel as bits, so that stale markers and other NaNs keep theirs. */
export interface PendingSample {
  readonly ref: SeriesRef;
  readonly t: number;
  readonly high: number;
  readonly low: number;
  readonly histogram: FloatHistogramFields | undefined;
  /** Milliseconds; 0 where unknown. */
  readonly startTime: number;
}

/** Exemplars kept per series; older ones fall out. */
export const EXEMPLARS_PER_SERIES = 16;

/** Samples of one series. What a view took from it (`samples` and its count) never changes afterwards. */
export class MemorySeries {
  readonly ref: SeriesRef;
  readonly labels: Labels;
  /** Only ever appended to; a sample in between makes a new buffer. */
  samples: SampleBuffer = new SampleBuffer(16);
  /** Appenders that resolved this series and have not ended. */
  users = 0;
  metadata: Metadata | undefined = undefined;
  readonly exemplars: Exemplar[] = [];

  constructor(ref: SeriesRef, labels: Labels) {
    this.ref = ref;
    this.labels = labels;
  }

  get lastTime(): number {
    const { samples } = this;
    return samples.count === 0 ? Number.NEGATIVE_INFINITY : (samples.times[samples.count - 1] as number);
  }

  /** What would become of the sample: `ok` also for one that is there already, bit for bit. */
  verdict(sample: PendingSample, outOfOrderWindowMs: number): Append {
    const { samples, lastTime } = this;
    if (sample.t > lastTime) return Append.ok;
    if (sample.t < lastTime && outOfOrderWindowMs === 0) return Append.outOfOrder;
    if (sample.t < lastTime - outOfOrderWindowMs) return Append.tooOld;
    const at = firstIndexFrom(samples, samples.count, sample.t);
    if (samples.times[at] !== sample.t) return Append.ok;
    return isSameSample(samples, at, sample) ? Append.ok : Append.duplicate;
  }

  /** Puts a sample in whose verdict was `ok`. */
  add(sample: PendingSample): void {
    const { samples } = this;
    if (sample.t > this.lastTime) {
      push(samples, sample);
      return;
    }
    const at = firstIndexFrom(samples, samples.count, sample.t);
    if (samples.times[at] === sample.t) return;
    const merged = new SampleBuffer(samples.count + 16);
    copySamples(samples, 0, at, merged);
    push(merged, sample);
    copySamples(samples, at, samples.count, merged);
    this.samples = merged;
  }
}

/** Index of the first of the `count` samples whose time is `t` or later; `count` when there is none. */
export function firstIndexFrom(samples: SampleBuffer, count: number, t: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((samples.times[middle] as number) < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Appends samples `start` to `end` (exclusive) of one buffer to another, bit for bit. */
export function copySamples(from: SampleBuffer, start: number, end: number, into: SampleBuffer): void {
  if (start >= end) return;
  const length = end - start;
  into.reserve(length);
  const at = into.count;
  into.times.set(from.times.subarray(start, end), at);
  into.halves.set(from.halves.subarray(2 * start, 2 * end), 2 * at);
  if (from.histograms !== undefined) {
    for (let i = start; i < end; i++) {
      const histogram = from.histograms[i];
      if (histogram === undefined) continue;
      into.histograms ??= [];
      into.histograms[at + i - start] = histogram;
    }
  }
  if (from.startTimes !== undefined) {
    into.startTimes ??= new Float64Array(into.times.length);
    into.startTimes.set(from.startTimes.subarray(start, end), at);
  } else if (into.startTimes !== undefined) into.startTimes.fill(0, at, at + length);
  into.count = at + length;
}

function push(samples: SampleBuffer, sample: PendingSample): void {
  const at = samples.count;
  if (sample.histogram === undefined) samples.pushBits(sample.t, sample.high, sample.low);
  else samples.pushHistogram(sample.t, sample.histogram);
  if (sample.startTime !== 0) samples.startTimes ??= new Float64Array(samples.times.length);
  if (samples.startTimes !== undefined) samples.startTimes[at] = sample.startTime;
}

function isSameSample(samples: SampleBuffer, at: number, sample: PendingSample): boolean {
  const histogram = samples.histograms?.[at];
  if (histogram === undefined || sample.histogram === undefined) {
    if (histogram !== sample.histogram) return false;
    return samples.halves[2 * at] === sample.low && samples.halves[2 * at + 1] === sample.high;
  }
  const other = sample.histogram;
  return (
    histogram === other ||
    (histogram.schema === other.schema &&
      Object.is(histogram.zeroThreshold, other.zeroThreshold) &&
      Object.is(histogram.zeroCount, other.zeroCount) &&
      Object.is(histogram.count, other.count) &&
      Object.is(histogram.sum, other.sum) &&
      isSameSpans(histogram.positiveSpans, other.positiveSpans) &&
      isSameSpans(histogram.negativeSpans, other.negativeSpans) &&
      isSameNumbers(histogram.positiveBuckets, other.positiveBuckets) &&
      isSameNumbers(histogram.negativeBuckets, other.negativeBuckets) &&
      isSameNumbers(histogram.customValues, other.customValues))
  );
}

function isSameSpans(a: FloatHistogramFields["positiveSpans"], b: FloatHistogramFields["positiveSpans"]): boolean {
  return a.length === b.length && a.every((span, i) => span.offset === b[i]!.offset && span.length === b[i]!.length);
}

function isSameNumbers(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}

/** A stale marker's sample. */
export function stalePending(ref: SeriesRef, t: number): PendingSample {
  return { ref, t, high: STALE_NAN_HIGH, low: STALE_NAN_LOW, histogram: undefined, startTime: 0 };
}
