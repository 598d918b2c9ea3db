// Appending a native histogram to a series: the chunk of the reference, bit for bit, written into the head's memory.
//
// As with floats, the bit stream (what follows a chunk's two count bytes) stands in slots with its unfinished word in the series
// record, where readers in any thread find it. What the next sample is compared with stands beside it in an object per series
// whose newest sample is a histogram; its size follows the number of buckets.
import { BitWriter } from "@narthex/encoding";
import type { FloatHistogramFields } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { MAX_CHUNK_SAMPLES, MAX_START_HISTOGRAMS } from "../chunk/format.ts";
import { decodeHistogramChunk } from "../chunk/histogram.ts";
import { continuation, resetBitsAfter, withLayout } from "../chunk/histogram-continuation.ts";
import { HistogramEncoder, type HistogramSample } from "../chunk/histogram-encoder.ts";
import { storableStartTime } from "../chunk/start-time.ts";
import { type HeadMemory, RECORD_WORDS, SLOT_DATA_WORDS, SLOT_LINK, SLOT_WORDS } from "../memory/layout.ts";
import type { Pool } from "../memory/pool.ts";
import { ChunkBuffer } from "./finished-chunks.ts";
import { BITS_SHIFT, COUNT_MASK, encodingOf, FORM_MASK, Kind, openCount, packOpen, Rec, STARTS } from "./record.ts";
import { predictedEnd, rangeEnd } from "./slot-writer.ts";

/** Bytes a chunk of histograms aims at, and samples it has at least unless its range ends. Source: the reference's head. */
const TARGET_BYTES = 1024;
const MIN_SAMPLES = 10;
const SLOT_BYTES = SLOT_DATA_WORDS * 4;

/** What the next histogram of a series is compared with. */
interface SeriesState {
  encoder: HistogramEncoder;
  /** The chunk's counter reset flag. */
  resetBits: number;
  /** Whether the chunk's end was predicted. As in the reference, a chunk that ends early leaves this to the next one. */
  hasEnd: boolean;
}

/** What `prepare` found out, for `write`. */
const Plan = { append: 0, begin: 1, replace: 2 } as const;

/** Writes histograms into series records. Used by the single writer. */
export class HistogramWriter {
  readonly #memory: HeadMemory;
  readonly #pool: Pool;
  readonly #chunkRangeMs: number;
  readonly #cut: (record: number) => void;
  readonly #letGo: (firstSlot: number) => void;
  readonly #states = new Map<number, SeriesState>();
  readonly #bits = new BitWriter(4096);
  readonly #buffer = new ChunkBuffer();
  readonly #decoded = new SampleBuffer();
  readonly #starts: number;
  /** Samples that a chunk can count. */
  readonly #maxSamples: number;
  /** Buckets of the newest samples of all series whose newest sample is a histogram. */
  bucketCount = 0;
  // The sample at hand, between `prepare` and `write`.
  #plan: number = Plan.append;
  #nextCut = 0;

  /**
   * `cut` takes a series' full chunk away (see `FinishedChunks`) before a new one starts; `letGo` takes slots of a chunk that was
   * written anew, which readers may still look at. With `withStarts`, chunks have room for start timestamps.
   */
  constructor(
    memory: HeadMemory,
    slots: Pool,
    chunkRangeMs: number,
    cut: (record: number) => void,
    letGo: (firstSlot: number) => void,
    withStarts = false,
  ) {
    this.#starts = withStarts ? STARTS : 0;
    this.#maxSamples = withStarts ? MAX_START_HISTOGRAMS : MAX_CHUNK_SAMPLES;
    this.#memory = memory;
    this.#pool = slots;
    this.#chunkRangeMs = chunkRangeMs;
    this.#cut = cut;
    this.#letGo = letGo;
  }

  /** Series whose newest sample is a histogram, as far as they got one since the start. */
  get seriesCount(): number {
    return this.#states.size;
  }

  /** The state behind a series' newest sample, undefined when that is no histogram (or came before the start). */
  encoder(record: number): HistogramEncoder | undefined {
    return this.#states.get(record)?.encoder;
  }

  /** The series' newest sample is no histogram any more, or the series goes. */
  forget(record: number): void {
    const state = this.#states.get(record);
    if (state === undefined) return;
    this.bucketCount -= bucketsOf(state);
    this.#states.delete(record);
  }

  /**
   * Encodes one sample (undefined: a stale marker), whose time must be after the series' last, with its start timestamp where chunks
   * have room for it. Nobody sees it before `write`, which must follow before anything else. Returns how many slots `write` takes at most; if they are not there, call `abandon` instead.
   */
  prepare(record: number, t: number, sample: HistogramSample, integer: boolean, startTime = 0): number {
    const { series, seriesFloats } = this.#memory;
    const base = record * RECORD_WORDS;
    const form = this.#formOf(integer);
    const start = this.#starts === 0 || startTime === 0 ? 0 : storableStartTime(t, startTime);
    const packed = series[base + Rec.packed];
    const isOpen = (packed & COUNT_MASK) !== 0;
    let state = this.#states.get(record);
    if ((series[base + Rec.kind] & FORM_MASK) !== form) {
      this.forget(record);
      state = undefined;
    }
    if (state !== undefined) this.bucketCount -= bucketsOf(state);
    this.#bits.clear();
    this.#nextCut = seriesFloats[(base + Rec.nextCut) >> 1];
    const isFull = !isOpen || state === undefined || this.#isFull(base, state, t);
    if (state === undefined || isFull) {
      const resetBits = resetBitsAfter(state?.encoder, state?.resetBits ?? 0, sample);
      state = { encoder: this.#newEncoder(integer), resetBits, hasEnd: false };
      this.#states.set(record, state);
      this.#begin(state, t, sample, start);
    } else {
      const next = continuation(state.encoder, state.resetBits, sample);
      if (!next.fits) {
        state.encoder = this.#newEncoder(integer);
        state.resetBits = next.resetBits;
        this.#begin(state, t, sample, start);
      } else if (next.layout !== undefined) {
        this.#encodeAnew(base, state, (histogram) => withLayout(histogram, next.layout!));
        state.encoder.add(this.#bits, t, next.sample, start);
      } else {
        this.#plan = Plan.append;
        state.encoder.add(this.#bits, t, next.sample, start);
      }
    }
    // A chunk that is written from its beginning gets the header it has by now; else `write` puts it there.
    if (this.#plan !== Plan.append && state.encoder.starts !== undefined)
      this.#bits.bytes[0] = state.encoder.starts.header;
    this.bucketCount += bucketsOf(state);
    // The unfinished word may need a slot of its own when the chunk is cut.
    return Math.ceil(this.#bits.length / SLOT_BYTES) + 2;
  }

  /** Gives up what was prepared: the series' next histogram begins a new chunk. */
  abandon(record: number): void {
    this.forget(record);
  }

  /** Writes what was prepared. Inside a write window. Returns whether a new chunk was begun. */
  write(record: number, t: number, integer: boolean): boolean {
    const { series, seriesFloats } = this.#memory;
    const base = record * RECORD_WORDS;
    const plan = this.#plan;
    const { encoder, resetBits } = this.#states.get(record)!;
    let bits = (series[base + Rec.packed] >>> BITS_SHIFT) & 31;
    if (plan === Plan.begin) {
      if ((series[base + Rec.packed] & COUNT_MASK) !== 0) this.#cut(record);
      series[base + Rec.kind] = ((series[base + Rec.kind] & ~FORM_MASK) | this.#formOf(integer)) >>> 0;
      const end = rangeEnd(t, this.#chunkRangeMs);
      seriesFloats[(base + Rec.nextCut) >> 1] = end;
      series[base + Rec.cutAhead] = end - t;
    } else {
      const moved = seriesFloats[(base + Rec.nextCut) >> 1] - this.#nextCut;
      seriesFloats[(base + Rec.nextCut) >> 1] = this.#nextCut;
      series[base + Rec.cutAhead] -= moved;
      if (plan === Plan.replace) this.#letGo(series[base + Rec.firstSlot]);
    }
    if (plan !== Plan.append) {
      series[base + Rec.firstSlot] = series[base + Rec.currentSlot] = this.#takeSlot();
      series[base + Rec.delta] = 0;
      series[base + Rec.unfinished] = 0;
      bits = 0;
    }
    bits = this.#append(base, bits);
    const { starts } = encoder;
    if (plan === Plan.append && starts !== undefined) this.#putHeader(base, starts.header);
    series[base + Rec.packed] = packOpen(encoder.length | (starts === undefined ? 0 : resetBits << 14), bits);
    seriesFloats[(base + Rec.lastTime) >> 1] = t;
    // The sum tells stale markers apart, as the value of a float does.
    const sum = encoder.sumHalves();
    series[base + Rec.lastLow] = sum[0];
    series[base + Rec.lastHigh] = sum[1];
    return plan === Plan.begin;
  }

  /** Whether the open chunk takes no further sample. May predict its end. */
  #isFull(base: number, state: SeriesState, t: number): boolean {
    const { series, seriesFloats } = this.#memory;
    const packed = series[base + Rec.packed];
    const count = state.encoder.length;
    if (count >= this.#maxSamples) return true;
    const bytes = 2 + series[base + Rec.delta] * 4 + ((((packed >>> BITS_SHIFT) & 31) + 7) >>> 3);
    const start = this.#nextCut - series[base + Rec.cutAhead];
    const range = state.hasEnd ? rangeEnd(start, this.#chunkRangeMs) : this.#nextCut;
    if (!state.hasEnd && bytes >= TARGET_BYTES / 4) {
      const last = seriesFloats[(base + Rec.lastTime) >> 1];
      this.#nextCut = predictedEnd(start, last, this.#nextCut, TARGET_BYTES / bytes);
      state.hasEnd = true;
    }
    return (t >= this.#nextCut || bytes >= TARGET_BYTES * 2) && (count >= MIN_SAMPLES || t >= range);
  }

  #begin(state: SeriesState, t: number, sample: HistogramSample, startTime: number): void {
    this.#plan = Plan.begin;
    // With start timestamps the third byte is about those, and the flags stand above the count.
    this.#bits.bits(this.#starts === 0 ? state.resetBits << 6 : 0, 8);
    state.encoder.start(this.#bits, t, sample, startTime);
  }

  #newEncoder(integer: boolean): HistogramEncoder {
    return new HistogramEncoder(integer, this.#starts !== 0);
  }

  #formOf(integer: boolean): number {
    return (integer ? Kind.histogram : Kind.floatHistogram) | this.#starts;
  }

  /** Brings the chunk's third byte up to date. Readers that see fewer samples never come to the one named there. */
  #putHeader(base: number, header: number): void {
    const { series, slots } = this.#memory;
    if (series[base + Rec.delta] === 0) series[base + Rec.unfinished] |= header << 24;
    else slots[series[base + Rec.firstSlot] * SLOT_WORDS] |= header << 24;
  }

  /** Encodes the samples of the open chunk with other buckets. No stale marker is among them: those end a chunk. */
  #encodeAnew(
    base: number,
    state: SeriesState,
    change: (histogram: FloatHistogramFields) => FloatHistogramFields,
  ): void {
    const { series, slots } = this.#memory;
    const packed = series[base + Rec.packed];
    const words = series[base + Rec.delta];
    const dataBytes = words * 4 + ((((packed >>> BITS_SHIFT) & 31) + 7) >>> 3);
    const form = series[base + Rec.kind] & FORM_MASK;
    const count = openCount(form, packed);
    this.#buffer.fill(slots, series[base + Rec.firstSlot], dataBytes, count, words, series[base + Rec.unfinished]);
    const { bytes, start, end } = this.#buffer;
    const decoded = this.#decoded;
    decoded.clear();
    if (!decodeHistogramChunk(encodingOf(form), bytes, start, end, -Infinity, Infinity, decoded)) {
      throw new Error("an open chunk of histograms cannot be decoded");
    }
    state.encoder = this.#newEncoder(state.encoder.integer);
    const startOf = (i: number): number => decoded.startTimes?.[i] ?? 0;
    this.#begin(state, decoded.times[0], change(decoded.histograms![0]!), startOf(0));
    for (let i = 1; i < decoded.count; i++) {
      state.encoder.add(this.#bits, decoded.times[i], change(decoded.histograms![i]!), startOf(i));
    }
    decoded.clear();
    this.#plan = Plan.replace;
  }

  /** Puts the prepared bits behind the `bits` of the unfinished word; returns how many are in that word then. */
  #append(base: number, bits: number): number {
    const { series } = this.#memory;
    const { bytes, length, bitLength } = this.#bits;
    let word = series[base + Rec.unfinished];
    let words = series[base + Rec.delta];
    for (let at = 0; at < length; at += 4) {
      const size = Math.min(32, bitLength - at * 8);
      let piece = bytes[at] << 24;
      if (at + 1 < length) piece |= bytes[at + 1] << 16;
      if (at + 2 < length) piece |= bytes[at + 2] << 8;
      if (at + 3 < length) piece |= bytes[at + 3];
      word |= piece >>> bits;
      if (bits + size < 32) {
        bits += size;
        continue;
      }
      this.#store(base, words++, word);
      word = bits === 0 ? 0 : piece << (32 - bits);
      bits += size - 32;
    }
    series[base + Rec.unfinished] = word;
    series[base + Rec.delta] = words;
    return bits;
  }

  #store(base: number, at: number, word: number): void {
    const { series, slots } = this.#memory;
    const index = at % SLOT_DATA_WORDS;
    let slot = series[base + Rec.currentSlot];
    if (index === 0 && at !== 0) {
      const next = this.#takeSlot();
      slots[slot * SLOT_WORDS + SLOT_LINK] = next;
      series[base + Rec.currentSlot] = next;
      slot = next;
    }
    slots[slot * SLOT_WORDS + index] = word;
  }

  #takeSlot(): number {
    const slot = this.#pool.take();
    this.#memory.slots[slot * SLOT_WORDS + SLOT_LINK] = 0;
    return slot;
  }
}

/** Buckets of a series' newest sample; a stale marker has none. */
function bucketsOf({ encoder }: SeriesState): number {
  return encoder.stale ? 0 : encoder.bucketCount;
}
