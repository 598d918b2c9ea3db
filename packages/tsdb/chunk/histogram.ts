// Chunks of native histograms: integer (encoding 2) and float (encoding 3), and with start timestamps (5 and 6).
//
// Decoding gives float histograms, as queries want them. One layout (schema, spans, zero threshold) serves a whole
// chunk. Source: tsdb/chunkenc/histogram.go, float_histogram.go, histogram_meta.go, histogram_st.go,
// float_histogram_st.go of the reference.
import { BitReader } from "@narthex/encoding";
import {
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogramFields,
  type Span,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";
import { hasIntegers, hasStartTimes, MAX_START_HISTOGRAMS } from "./format.ts";
import { StartTimeDecoder } from "./start-time.ts";
import { readVarbitInt, readVarbitUint } from "./varbit.ts";

/** Count (2 bytes) and flags (1); with start timestamps: flags (2 bits) with count (14), and their header. */
const HEADER_BYTES = 3;
const scratch = new Float64Array(1);
const scratchHalves = new Uint32Array(scratch.buffer);
const reader = new BitReader(new Uint8Array(0));

interface Layout {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly positiveSpans: readonly Span[];
  readonly negativeSpans: readonly Span[];
  readonly customValues: readonly number[];
  readonly positiveCount: number;
  readonly negativeCount: number;
}

/**
 * Decodes the histogram chunk `bytes[start, end)` and appends its samples with `minTime <= t <= maxTime` to `into`.
 *
 * Returns false, and adds nothing to `into`, when the bytes are no chunk of this encoding (2, 3, 5 or 6). Never reads outside, and never makes more buckets than the chunk has bits.
 */
export function decodeHistogramChunk(
  encoding: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  minTime: number,
  maxTime: number,
  into: SampleBuffer,
): boolean {
  if (end - start < HEADER_BYTES) return false;
  const withStarts = hasStartTimes(encoding);
  let samples = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  if (withStarts) samples &= MAX_START_HISTOGRAMS;
  if (samples === 0) return true;
  const header = bytes[start + 2] as number;
  const resetBits = (withStarts ? (bytes[start] as number) : header) >>> 6;
  const starts = withStarts && header !== 0 ? new StartTimeDecoder(header) : undefined;
  reader.reset(bytes, start + HEADER_BYTES, end);
  // Each sample takes four bits at least.
  if (samples * 4 > reader.remainingBits) return false;
  const layout = readLayout();
  if (layout === undefined) return false;
  const countBefore = into.count;
  const decoded = hasIntegers(encoding)
    ? decodeInteger(layout, samples, resetBits, starts, minTime, maxTime, into)
    : decodeFloat(layout, samples, resetBits, starts, minTime, maxTime, into);
  if (!decoded) {
    into.count = countBefore;
    if (into.histograms !== undefined) into.histograms.length = Math.min(into.histograms.length, countBefore);
  }
  return decoded;
}

function readLayout(): Layout | undefined {
  const zeroThreshold = readZeroThreshold();
  const schema = readVarbitInt(reader);
  if (schema !== CUSTOM_BUCKETS_SCHEMA && (schema < -9 || schema > 52)) return undefined;
  const positiveSpans = readSpans();
  const negativeSpans = positiveSpans === undefined ? undefined : readSpans();
  if (positiveSpans === undefined || negativeSpans === undefined) return undefined;
  let customValues: readonly number[] = [];
  if (schema === CUSTOM_BUCKETS_SCHEMA) {
    const count = readVarbitUint(reader);
    if (count > reader.remainingBits) return undefined;
    const bounds: number[] = [];
    for (let i = 0; i < count && !reader.overrun; i++) {
      const bound = readVarbitUint(reader);
      bounds.push(bound === 0 ? readFloat() : (bound - 1) / 1000);
    }
    customValues = bounds;
  }
  const positiveCount = bucketCount(positiveSpans);
  const negativeCount = bucketCount(negativeSpans);
  // Every bucket takes a bit in the first sample, unless that one is a stale marker, which has no buckets at all.
  if (reader.overrun || positiveCount + negativeCount > reader.remainingBits) return undefined;
  return { schema, zeroThreshold, positiveSpans, negativeSpans, customValues, positiveCount, negativeCount };
}

function readZeroThreshold(): number {
  const byte = reader.bits(8);
  return byte === 0 ? 0 : byte === 255 ? readFloat() : 2 ** (byte - 244);
}

function readFloat(): number {
  reader.bits64(64);
  scratchHalves[1] = reader.high;
  scratchHalves[0] = reader.low;
  return scratch[0] as number;
}

function readSpans(): Span[] | undefined {
  const count = readVarbitUint(reader);
  if (count * 2 > reader.remainingBits) return undefined;
  const spans: Span[] = [];
  for (let i = 0; i < count; i++) {
    const length = readVarbitUint(reader);
    const offset = readVarbitInt(reader);
    if (reader.overrun || length > 0xffffffff || Math.abs(offset) > 0x7fffffff) return undefined;
    spans.push({ offset, length });
  }
  return spans;
}

function bucketCount(spans: readonly Span[]): number {
  let count = 0;
  for (const { length } of spans) count += length;
  return count;
}

/** What is known of a counter reset before sample `index`: only within a chunk is there certainty. */
function resetHint(resetBits: number, index: number): CounterResetHint {
  if (resetBits === 3) return CounterResetHint.gauge;
  return index > 0 ? CounterResetHint.notReset : CounterResetHint.unknown;
}

/** Values by XOR with the one before. */
class XorValue {
  high = 0;
  low = 0;
  #leading = 0;
  #bits = 64;

  start(): void {
    reader.bits64(64);
    this.high = reader.high;
    this.low = reader.low;
  }

  /** Returns false when the bits cannot be. */
  next(): boolean {
    if (reader.bit() === 0) return true;
    if (reader.bit() === 1) {
      const window = reader.bits(11);
      this.#leading = window >>> 6;
      this.#bits = (window & 0x3f) === 0 ? 64 : window & 0x3f;
      if (this.#leading + this.#bits > 64) return false;
    }
    const bits = this.#bits;
    const shift = 64 - this.#leading - bits;
    reader.bits64(bits);
    const { high, low } = reader;
    if (shift === 0) {
      this.high = (this.high ^ high) >>> 0;
      this.low = (this.low ^ low) >>> 0;
    } else if (shift >= 32) {
      this.high = (this.high ^ (low << (shift - 32))) >>> 0;
    } else {
      this.high = (this.high ^ ((high << shift) | (low >>> (32 - shift)))) >>> 0;
      this.low = (this.low ^ (low << shift)) >>> 0;
    }
    return true;
  }

  get isStale(): boolean {
    return this.high === STALE_NAN_HIGH && this.low === STALE_NAN_LOW;
  }

  get value(): number {
    scratchHalves[1] = this.high;
    scratchHalves[0] = this.low;
    return scratch[0] as number;
  }
}

function decodeInteger(
  layout: Layout,
  samples: number,
  resetBits: number,
  starts: StartTimeDecoder | undefined,
  minTime: number,
  maxTime: number,
  into: SampleBuffer,
): boolean {
  const { positiveCount } = layout;
  const bucketTotal = positiveCount + layout.negativeCount;
  // Of each bucket the distance to its neighbour, and how that changed in the last sample.
  const buckets = new Float64Array(bucketTotal);
  const bucketDeltas = new Float64Array(bucketTotal);
  const sum = new XorValue();
  let t = 0;
  let count = 0;
  let zeroCount = 0;
  let delta = 0;
  let countDelta = 0;
  let zeroDelta = 0;
  for (let i = 0; i < samples; i++) {
    const previousTime = t;
    if (i === 0) {
      t = readVarbitInt(reader);
      count = readVarbitUint(reader);
      zeroCount = readVarbitUint(reader);
      sum.start();
    } else {
      delta += readVarbitInt(reader);
      t += delta;
      countDelta += readVarbitInt(reader);
      count += countDelta;
      zeroDelta += readVarbitInt(reader);
      zeroCount += zeroDelta;
      if (!sum.next()) return false;
    }
    const { isStale } = sum;
    if (!isStale || i === 0) {
      for (let b = 0; b < bucketTotal; b++) {
        if (i === 0) buckets[b] = readVarbitInt(reader);
        else {
          bucketDeltas[b] = (bucketDeltas[b] as number) + readVarbitInt(reader);
          buckets[b] = (buckets[b] as number) + (bucketDeltas[b] as number);
        }
      }
    }
    const startTime = starts === undefined ? 0 : starts.next(reader, i, t, previousTime);
    if (reader.overrun) return false;
    if (t < minTime) continue;
    if (t > maxTime) break;
    if (isStale) into.pushBits(t, STALE_NAN_HIGH, STALE_NAN_LOW);
    else {
      const positive = absolute(buckets, 0, positiveCount);
      const negative = absolute(buckets, positiveCount, bucketTotal);
      const hint = resetHint(resetBits, i);
      const histogram = histogramOf(layout, hint, count, zeroCount, sum.value, positive, negative);
      histogram.integer = true;
      into.pushHistogram(t, histogram);
    }
    if (startTime !== 0) into.withStartTimes()[into.count - 1] = startTime;
  }
  return true;
}

function absolute(deltas: Float64Array, from: number, to: number): Float64Array {
  const counts = new Float64Array(to - from);
  let current = 0;
  for (let i = from; i < to; i++) {
    current += deltas[i] as number;
    counts[i - from] = current;
  }
  return counts;
}

function decodeFloat(
  layout: Layout,
  samples: number,
  resetBits: number,
  starts: StartTimeDecoder | undefined,
  minTime: number,
  maxTime: number,
  into: SampleBuffer,
): boolean {
  const { positiveCount } = layout;
  const bucketTotal = positiveCount + layout.negativeCount;
  // Every bucket takes 64 bits in the first sample.
  if (bucketTotal * 64 > reader.remainingBits) return false;
  const count = new XorValue();
  const zeroCount = new XorValue();
  const sum = new XorValue();
  const buckets = Array.from({ length: bucketTotal }, () => new XorValue());
  let t = 0;
  let delta = 0;
  for (let i = 0; i < samples; i++) {
    const previousTime = t;
    if (i === 0) {
      t = readVarbitInt(reader);
      count.start();
      zeroCount.start();
      sum.start();
      for (const bucket of buckets) bucket.start();
    } else {
      delta += readVarbitInt(reader);
      t += delta;
      if (!count.next() || !zeroCount.next() || !sum.next()) return false;
      if (!sum.isStale) for (const bucket of buckets) if (!bucket.next()) return false;
    }
    const startTime = starts === undefined ? 0 : starts.next(reader, i, t, previousTime);
    if (reader.overrun) return false;
    if (t < minTime) continue;
    if (t > maxTime) break;
    if (sum.isStale) into.pushBits(t, STALE_NAN_HIGH, STALE_NAN_LOW);
    else {
      const positive = new Float64Array(positiveCount);
      const negative = new Float64Array(bucketTotal - positiveCount);
      for (let b = 0; b < positiveCount; b++) positive[b] = (buckets[b] as XorValue).value;
      for (let b = positiveCount; b < bucketTotal; b++) negative[b - positiveCount] = (buckets[b] as XorValue).value;
      const hint = resetHint(resetBits, i);
      into.pushHistogram(t, histogramOf(layout, hint, count.value, zeroCount.value, sum.value, positive, negative));
    }
    if (startTime !== 0) into.withStartTimes()[into.count - 1] = startTime;
  }
  return true;
}

function histogramOf(
  layout: Layout,
  counterResetHint: CounterResetHint,
  count: number,
  zeroCount: number,
  sum: number,
  positiveBuckets: Float64Array,
  negativeBuckets: Float64Array,
): FloatHistogramFields {
  return {
    counterResetHint,
    schema: layout.schema,
    zeroThreshold: layout.zeroThreshold,
    zeroCount,
    count,
    sum,
    positiveSpans: layout.positiveSpans,
    negativeSpans: layout.negativeSpans,
    positiveBuckets,
    negativeBuckets,
    customValues: layout.customValues,
  };
}
