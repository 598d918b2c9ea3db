// From samples to chunks: for what compaction must encode anew.
import { BitWriter } from "@narthex/encoding";
import {
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogramFields,
  isStaleAt,
  type Span,
} from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";
import type { ChunkList } from "./chunk-list.ts";
import type { FloatEncoding } from "./float-encoding.ts";
import { ChunkEncoding } from "./format.ts";
import { encodeHistogramChunk, type HistogramSample } from "./histogram-encoder.ts";
import { storableStartTime } from "./start-time.ts";
import { encodeXor } from "./xor.ts";
import { encodeXor2 } from "./xor2.ts";

/** As many samples as the reference aims at. */
const SAMPLES_PER_CHUNK = 120;

const bits = new BitWriter(4096);

/**
 * Encodes samples `[from, to)` of `buffer` as chunks at the end of `into`. `integerHistograms` holds those histograms
 * whose counts came as integers and shall stay so. A stale marker goes into the chunk of the histogram before it. Floats take the
 * encoding `floats`; samples with start timestamps one that has room for those.
 */
export function encodeChunks(
  buffer: SampleBuffer,
  from: number,
  to: number,
  integerHistograms: ReadonlySet<FloatHistogramFields>,
  into: ChunkList,
  floats: FloatEncoding = "xor",
): void {
  const { startTimes } = buffer;
  if (startTimes !== undefined) {
    for (let i = from; i < to; i++)
      startTimes[i] = storableStartTime(buffer.times[i] as number, startTimes[i] as number);
  }
  const hasStart = (i: number): boolean => startTimes !== undefined && startTimes[i] !== 0;
  let at = from;
  while (at < to) {
    const first = buffer.histograms?.[at];
    let end = at + 1;
    if (first === undefined) {
      const isXor = floats === "xor" && !hasStart(at);
      while (end < to && end - at < SAMPLES_PER_CHUNK && buffer.histograms?.[end] === undefined) {
        // What has begun with start timestamps goes on without; the other way round there is no room.
        if (isXor && hasStart(end)) break;
        end++;
      }
      bits.clear();
      if (isXor) encodeXor(bits, buffer.times, buffer.halves, at, end);
      else encodeXor2(bits, buffer.times, buffer.halves, startTimes, at, end);
      add(into, isXor ? ChunkEncoding.xor : ChunkEncoding.xor2, buffer, at, end);
    } else {
      const withStarts = hasStart(at);
      const integer = integerHistograms.has(first);
      const run = new HistogramRun(first);
      for (; end < to && end - at < SAMPLES_PER_CHUNK; end++) {
        const next = buffer.histograms?.[end];
        if (next === undefined) {
          if (!isStaleAt(buffer.halves, end)) break;
          if (hasStart(end) && !withStarts) break;
          run.addStale();
        } else if (hasStart(end) !== withStarts || integerHistograms.has(next) !== integer || !run.add(next)) break;
      }
      bits.clear();
      const starts = withStarts ? startTimes?.subarray(at, end) : undefined;
      encodeHistogramChunk(bits, integer, run.resetBits, buffer.times.subarray(at, end), run.samples(), starts);
      add(into, encodingFor(integer, withStarts), buffer, at, end);
    }
    at = end;
  }
}

/** The encoding of chunks of histograms. */
export function encodingFor(integer: boolean, withStarts: boolean): ChunkEncoding {
  if (integer) return withStarts ? ChunkEncoding.histogramStart : ChunkEncoding.histogram;
  return withStarts ? ChunkEncoding.floatHistogramStart : ChunkEncoding.floatHistogram;
}

function add(into: ChunkList, encoding: number, { times }: SampleBuffer, from: number, to: number): void {
  into.add(times[from] as number, times[to - 1] as number, encoding, bits.bytes, 0, bits.length);
}

/** Bucket counts by bucket index. */
type Buckets = Map<number, number>;

/**
 * Histograms that fit into one chunk, given one layout that covers the buckets of all. A counter's chunk ends before a
 * reset; a stale marker is followed by nothing but more of them.
 */
export class HistogramRun {
  readonly #entries: (FloatHistogramFields | undefined)[] = [];
  readonly #first: FloatHistogramFields;
  #last: FloatHistogramFields;
  #stale = false;
  readonly #positive = new Set<number>();
  readonly #negative = new Set<number>();
  #lastPositive: Buckets;
  #lastNegative: Buckets;

  constructor(first: FloatHistogramFields) {
    this.#first = first;
    this.#last = first;
    this.#entries.push(first);
    this.#lastPositive = bucketsOf(first.positiveSpans, first.positiveBuckets);
    this.#lastNegative = bucketsOf(first.negativeSpans, first.negativeBuckets);
    for (const index of this.#lastPositive.keys()) this.#positive.add(index);
    for (const index of this.#lastNegative.keys()) this.#negative.add(index);
  }

  /** The chunk's counter reset header: 0 unknown, 1 not reset, 2 reset, 3 gauge. */
  get resetBits(): number {
    switch (this.#first.counterResetHint) {
      case CounterResetHint.gauge:
        return 3;
      case CounterResetHint.reset:
        return 2;
      case CounterResetHint.notReset:
        return 1;
      default:
        return 0;
    }
  }

  /** Adds a histogram, or returns false when it must begin a new chunk. */
  add(next: FloatHistogramFields): boolean {
    const first = this.#first;
    const gauge = first.counterResetHint === CounterResetHint.gauge;
    if (
      this.#stale ||
      next.schema !== first.schema ||
      next.zeroThreshold !== first.zeroThreshold ||
      gauge !== (next.counterResetHint === CounterResetHint.gauge) ||
      next.counterResetHint === CounterResetHint.reset ||
      (next.schema === CUSTOM_BUCKETS_SCHEMA && !sameBounds(next.customValues, first.customValues))
    ) {
      return false;
    }
    const positive = bucketsOf(next.positiveSpans, next.positiveBuckets);
    const negative = bucketsOf(next.negativeSpans, next.negativeBuckets);
    if (!gauge) {
      if (next.count < this.#last.count || next.zeroCount < this.#last.zeroCount) return false;
      if (anySmaller(positive, this.#lastPositive) || anySmaller(negative, this.#lastNegative)) return false;
    }
    for (const index of positive.keys()) this.#positive.add(index);
    for (const index of negative.keys()) this.#negative.add(index);
    this.#lastPositive = positive;
    this.#lastNegative = negative;
    this.#last = next;
    this.#entries.push(next);
    return true;
  }

  addStale(): void {
    this.#stale = true;
    this.#entries.push(undefined);
  }

  /** The samples, all with the same spans. */
  samples(): HistogramSample[] {
    const positiveSpans = spansOf(this.#positive);
    const negativeSpans = spansOf(this.#negative);
    return this.#entries.map((entry) =>
      entry === undefined
        ? undefined
        : {
            ...entry,
            positiveSpans,
            negativeSpans,
            positiveBuckets: spread(this.#positive, bucketsOf(entry.positiveSpans, entry.positiveBuckets)),
            negativeBuckets: spread(this.#negative, bucketsOf(entry.negativeSpans, entry.negativeBuckets)),
          },
    );
  }
}

function sameBounds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((bound, i) => bound === b[i]);
}

function bucketsOf(spans: readonly Span[], counts: Float64Array): Buckets {
  const buckets: Buckets = new Map();
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length && at < counts.length; i++) buckets.set(index++, counts[at++] as number);
  }
  return buckets;
}

/** A used bucket that shrank or vanished means a counter reset. */
function anySmaller(next: Buckets, last: Buckets): boolean {
  for (const [index, count] of last) if (count > (next.get(index) ?? 0)) return true;
  return false;
}

function spansOf(indexes: ReadonlySet<number>): Span[] {
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length++;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return spans;
}

function spread(indexes: ReadonlySet<number>, buckets: Buckets): Float64Array {
  return Float64Array.from(
    [...indexes].sort((a, b) => a - b),
    (index) => buckets.get(index) ?? 0,
  );
}
