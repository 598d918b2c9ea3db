// Writing native histograms as chunks, sample by sample: what the next one is compared with, and the bits it takes.
//
// Source: tsdb/chunkenc/histogram.go, float_histogram.go, histogram_meta.go of the reference.
import type { BitWriter } from "@narthex/encoding";
import {
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogramFields,
  histogramsEqual,
  type Span,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@narthex/model";
import { bucketIndexes } from "./bucket-layout.ts";
import { StartTimeEncoder } from "./start-time.ts";
import { writeVarbitInt, writeVarbitUint } from "./varbit.ts";

/** One sample to encode: undefined stands for a stale marker. */
export type HistogramSample = FloatHistogramFields | undefined;

const scratch = new Float64Array(1);
const scratchHalves = new Uint32Array(scratch.buffer);
const NO_INDEXES = new Int32Array(0);
/** A stream of XOR values that has no window of significant bits yet. */
const NO_WINDOW = 0xff;

/** What stands in front of the buckets of a float histogram, in this order: each a stream of its own. */
const COUNT = 0;
const ZERO_COUNT = 1;
const SUM = 2;
const FIRST_BUCKET = 3;

/**
 * The end of one chunk, to which samples are added. Its memory depends on the number of buckets, not of samples.
 *
 * All samples must have the layout of the first one (see `HistogramContinuation` for what fits); after a stale marker only more
 * of them may come. Counts of integer histograms are whole numbers below 2^53.
 */
export class HistogramEncoder {
  readonly integer: boolean;
  /** The layout of all samples. */
  schema = 0;
  zeroThreshold = 0;
  positiveSpans: readonly Span[] = [];
  negativeSpans: readonly Span[] = [];
  customValues: readonly number[] = [];
  /** Indexes of the buckets that the layout has. */
  positive: Int32Array = NO_INDEXES;
  negative: Int32Array = NO_INDEXES;
  /** The last sample that was no stale marker: count, zero count and (its bits count) sum, then the buckets of both sides. */
  values: Float64Array = new Float64Array(FIRST_BUCKET);
  /** Whether the last sample is a stale marker. */
  stale = false;
  /** Writes start timestamps; undefined where the chunk has no room for them. */
  readonly starts: StartTimeEncoder | undefined;
  /** Samples so far. */
  length = 0;
  #halves = new Uint32Array(this.values.buffer);
  /** Integers: how much each bucket's distance to its neighbour changed; before them those of count and zero count. */
  #changes = new Float64Array(0);
  /** Floats: the windows of significant bits; of integers, only the sum's. */
  #leading = new Uint8Array(0);
  #trailing = new Uint8Array(0);
  #t = 0;
  #delta = 0;

  constructor(integer: boolean, withStarts = false) {
    this.integer = integer;
    this.starts = withStarts ? new StartTimeEncoder() : undefined;
  }

  get count(): number {
    return this.values[COUNT] as number;
  }

  get zeroCount(): number {
    return this.values[ZERO_COUNT] as number;
  }

  /** Buckets of the layout, both sides. */
  get bucketCount(): number {
    return this.values.length - FIRST_BUCKET;
  }

  /** Counts of the last sample that was no stale marker: a view. */
  get positiveCounts(): Float64Array {
    return this.values.subarray(FIRST_BUCKET, FIRST_BUCKET + this.positive.length);
  }

  get negativeCounts(): Float64Array {
    return this.values.subarray(FIRST_BUCKET + this.positive.length);
  }

  /** Whether the last sample, which must be no stale marker, has the same data; the reset hint is not compared. */
  isLast(histogram: FloatHistogramFields): boolean {
    const { schema, zeroThreshold, zeroCount, count, positiveSpans, negativeSpans, customValues } = this;
    return histogramsEqual(histogram, {
      counterResetHint: 0,
      schema,
      zeroThreshold,
      zeroCount,
      count,
      sum: this.values[SUM] as number,
      positiveSpans,
      negativeSpans,
      positiveBuckets: this.positiveCounts,
      negativeBuckets: this.negativeCounts,
      customValues,
    });
  }

  /** The bits of the last sample's sum, low half first: those of a stale marker tell it. */
  sumHalves(): Uint32Array {
    return this.#halves.subarray(2 * SUM, 2 * SUM + 2);
  }

  /**
   * Writes the layout and the first sample, which follow a chunk's header. `startTime` counts where the chunk has room for it (see
   * `storableStartTime`); whoever writes the header puts that of `starts` there.
   */
  start(into: BitWriter, t: number, sample: HistogramSample, startTime = 0): void {
    this.schema = sample?.schema ?? 0;
    this.zeroThreshold = sample?.zeroThreshold ?? 0;
    this.positiveSpans =
      sample === undefined ? [] : sample.positiveSpans.map(({ offset, length }) => ({ offset, length }));
    this.negativeSpans =
      sample === undefined ? [] : sample.negativeSpans.map(({ offset, length }) => ({ offset, length }));
    this.customValues = sample?.schema === CUSTOM_BUCKETS_SCHEMA ? [...sample.customValues] : [];
    writeLayout(into, this);
    this.positive = bucketIndexes(this.positiveSpans);
    this.negative = bucketIndexes(this.negativeSpans);
    const streams = FIRST_BUCKET + this.positive.length + this.negative.length;
    this.values = new Float64Array(streams);
    this.#halves = new Uint32Array(this.values.buffer);
    this.#changes = new Float64Array(this.integer ? streams : 0);
    this.#leading = new Uint8Array(this.integer ? FIRST_BUCKET : streams).fill(NO_WINDOW);
    this.#trailing = new Uint8Array(this.#leading.length);
    this.#take(sample);
    this.stale = sample === undefined;
    this.#t = t;
    this.#delta = 0;
    writeVarbitInt(into, t);
    if (this.integer) {
      writeVarbitUint(into, this.count);
      writeVarbitUint(into, this.zeroCount);
      this.#writeWhole(into, SUM);
      for (let i = FIRST_BUCKET; i < streams; i++) writeVarbitInt(into, this.#difference(i));
    } else {
      for (let i = 0; i < streams; i++) this.#writeWhole(into, i);
    }
    this.starts?.write(into, 0, t, 0, startTime);
    this.length = 1;
  }

  /** Writes a further sample. */
  add(into: BitWriter, t: number, sample: HistogramSample, startTime = 0): void {
    const previousTime = this.#t;
    const delta = t - previousTime;
    writeVarbitInt(into, delta - this.#delta);
    this.#t = t;
    this.#delta = delta;
    if (this.integer) this.#addIntegers(into, sample);
    else this.#addFloats(into, sample);
    this.starts?.write(into, this.length, t, previousTime, startTime);
    this.length++;
    this.stale = sample === undefined;
  }

  #addIntegers(into: BitWriter, sample: HistogramSample): void {
    const { values } = this;
    if (sample === undefined) {
      // Count and zero count change as they did before: no bits for a change that means nothing.
      writeVarbitInt(into, 0);
      writeVarbitInt(into, 0);
      this.#writeChange(into, SUM, STALE_NAN_HIGH, STALE_NAN_LOW);
      return;
    }
    this.#writeDifference(into, COUNT, sample.count - (values[COUNT] as number));
    this.#writeDifference(into, ZERO_COUNT, sample.zeroCount - (values[ZERO_COUNT] as number));
    scratch[0] = sample.sum;
    this.#writeChange(into, SUM, scratchHalves[1] as number, scratchHalves[0] as number);
    values[COUNT] = sample.count;
    values[ZERO_COUNT] = sample.zeroCount;
    let at = FIRST_BUCKET;
    for (const counts of [sample.positiveBuckets, sample.negativeBuckets]) {
      let neighbour = 0;
      let oldNeighbour = 0;
      for (const count of counts) {
        const old = values[at] as number;
        this.#writeDifference(into, at, count - neighbour - (old - oldNeighbour));
        values[at++] = count;
        neighbour = count;
        oldNeighbour = old;
      }
    }
  }

  #addFloats(into: BitWriter, sample: HistogramSample): void {
    this.#writeFloat(into, COUNT, sample?.count ?? 0);
    this.#writeFloat(into, ZERO_COUNT, sample?.zeroCount ?? 0);
    if (sample === undefined) {
      this.#writeChange(into, SUM, STALE_NAN_HIGH, STALE_NAN_LOW);
      return;
    }
    this.#writeFloat(into, SUM, sample.sum);
    let at = FIRST_BUCKET;
    for (const count of sample.positiveBuckets) this.#writeFloat(into, at++, count);
    for (const count of sample.negativeBuckets) this.#writeFloat(into, at++, count);
  }

  #take(sample: HistogramSample): void {
    const { values } = this;
    if (sample === undefined) {
      this.#halves[2 * SUM] = STALE_NAN_LOW;
      this.#halves[2 * SUM + 1] = STALE_NAN_HIGH;
      return;
    }
    values[COUNT] = sample.count;
    values[ZERO_COUNT] = sample.zeroCount;
    values[SUM] = sample.sum;
    values.set(sample.positiveBuckets, FIRST_BUCKET);
    values.set(sample.negativeBuckets, FIRST_BUCKET + this.positive.length);
  }

  /** A bucket's distance to its neighbour below on the same side. */
  #difference(at: number): number {
    const isFirst = at === FIRST_BUCKET || at === FIRST_BUCKET + this.positive.length;
    return (this.values[at] as number) - (isFirst ? 0 : (this.values[at - 1] as number));
  }

  #writeDifference(into: BitWriter, stream: number, difference: number): void {
    writeVarbitInt(into, difference - (this.#changes[stream] as number));
    this.#changes[stream] = difference;
  }

  #writeFloat(into: BitWriter, stream: number, value: number): void {
    scratch[0] = value;
    this.#writeChange(into, stream, scratchHalves[1] as number, scratchHalves[0] as number);
  }

  #writeWhole(into: BitWriter, stream: number): void {
    into.bits64(this.#halves[2 * stream + 1] as number, this.#halves[2 * stream] as number, 64);
  }

  /** A value by XOR with the one before in its stream. */
  #writeChange(into: BitWriter, stream: number, high: number, low: number): void {
    const halves = this.#halves;
    const xorHigh = ((halves[2 * stream + 1] as number) ^ high) >>> 0;
    const xorLow = ((halves[2 * stream] as number) ^ low) >>> 0;
    if (xorHigh === 0 && xorLow === 0) {
      into.bits(0, 1);
      return;
    }
    halves[2 * stream + 1] = high;
    halves[2 * stream] = low;
    const zerosAbove = Math.min(31, xorHigh === 0 ? 32 + Math.clz32(xorLow) : Math.clz32(xorHigh));
    const zerosBelow = xorLow === 0 ? 63 - Math.clz32(xorHigh & -xorHigh) : 31 - Math.clz32(xorLow & -xorLow);
    let leading = this.#leading[stream] as number;
    let trailing = this.#trailing[stream] as number;
    if (leading !== NO_WINDOW && zerosAbove >= leading && zerosBelow >= trailing) {
      into.bits(0b10, 2);
    } else {
      this.#leading[stream] = leading = zerosAbove;
      this.#trailing[stream] = trailing = zerosBelow;
      // 64 significant bits do not fit into six; 0 stands for them.
      into.bits((0b11 << 11) | (leading << 6) | ((64 - leading - trailing) & 0x3f), 13);
    }
    const count = 64 - leading - trailing;
    if (trailing >= 32) into.bits64(0, xorHigh >>> (trailing - 32), count);
    else if (trailing === 0) into.bits64(xorHigh, xorLow, count);
    else into.bits64(xorHigh >>> trailing, (xorLow >>> trailing) | (xorHigh << (32 - trailing)), count);
  }
}

/**
 * Appends the samples as one chunk to `into` (cleared before by the caller).
 *
 * They must fit together: same schema, zero threshold, custom bounds and spans, stale markers only at the end or alone.
 * `resetBits`: 0 unknown, 1 not reset, 2 reset, 3 gauge. With `integer`, all counts are whole numbers below 2^53. With
 * `startTimes` (0 where unknown, see `storableStartTime`) it is a chunk of encoding 5 or 6, of 16,383 samples at most.
 */
export function encodeHistogramChunk(
  into: BitWriter,
  integer: boolean,
  resetBits: number,
  times: ArrayLike<number>,
  samples: readonly HistogramSample[],
  startTimes?: ArrayLike<number>,
): void {
  const encoder = new HistogramEncoder(integer, startTimes !== undefined);
  into.bits(encoder.starts === undefined ? samples.length : (resetBits << 14) | samples.length, 16);
  const headerAt = into.length;
  into.bits(encoder.starts === undefined ? resetBits << 6 : 0, 8);
  samples.forEach((sample, i) => {
    const [t, startTime] = [times[i] as number, startTimes?.[i] ?? 0];
    if (i === 0) encoder.start(into, t, sample, startTime);
    else encoder.add(into, t, sample, startTime);
  });
  if (encoder.starts !== undefined) into.bytes[headerAt] = encoder.starts.header;
}

function writeLayout(into: BitWriter, layout: HistogramEncoder): void {
  writeZeroThreshold(into, layout.zeroThreshold);
  writeVarbitInt(into, layout.schema);
  writeSpans(into, layout.positiveSpans);
  writeSpans(into, layout.negativeSpans);
  if (layout.schema === CUSTOM_BUCKETS_SCHEMA) writeCustomBounds(into, layout.customValues);
}

function writeZeroThreshold(into: BitWriter, threshold: number): void {
  const exponent = Math.round(Math.log2(threshold));
  if (threshold === 0) into.bits(0, 8);
  else if (threshold === 2 ** exponent && exponent >= -243 && exponent <= 10) into.bits(exponent + 244, 8);
  else {
    into.bits(255, 8);
    writeFloat(into, threshold);
  }
}

function writeSpans(into: BitWriter, spans: readonly Span[]): void {
  writeVarbitUint(into, spans.length);
  for (const { offset, length } of spans) {
    writeVarbitUint(into, length);
    writeVarbitInt(into, offset);
  }
}

function writeCustomBounds(into: BitWriter, bounds: readonly number[]): void {
  writeVarbitUint(into, bounds.length);
  for (const bound of bounds) {
    const thousandths = bound * 1000;
    const whole = Math.round(thousandths);
    if (thousandths >= 0 && thousandths <= 33_554_430 && whole / 1000 === bound) writeVarbitUint(into, whole + 1);
    else {
      into.bits(0, 1);
      writeFloat(into, bound);
    }
  }
}

function writeFloat(into: BitWriter, value: number): void {
  scratch[0] = value;
  into.bits64(scratchHalves[1] as number, scratchHalves[0] as number, 64);
}
