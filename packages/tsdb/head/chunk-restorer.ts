// Giving series their open chunks back, as a chunk snapshot kept them. Used by the single writer, during a start.
import { CounterResetHint } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { isWellFormed } from "../chunk/bucket-layout.ts";
import { decodeChunk } from "../chunk/decode.ts";
import { ChunkEncoding, hasIntegers, hasStartTimes } from "../chunk/format.ts";
import { XorEnd } from "../chunk/xor-end.ts";
import { COLD_WORDS, RECORD_WORDS, SLOT_DATA_WORDS, SLOT_LINK, SLOT_WORDS } from "../memory/layout.ts";
import type { Pool } from "../memory/pool.ts";
import { closeWindow, openWindow } from "../memory/window.ts";
import type { Head } from "./head.ts";
import {
  BITS_SHIFT,
  COUNT_MASK,
  Cold,
  FORM_MASK,
  Kind,
  LEADING_SHIFT,
  NO_WINDOW,
  Rec,
  TRAILING_SHIFT,
  WORDS_SHIFT,
} from "./record.ts";
import { predictedEnd, rangeEnd, SAMPLES_PER_CHUNK } from "./slot-writer.ts";

/** At so many samples the writer of samples predicts a chunk's end. */
const PREDICTED_AT = SAMPLES_PER_CHUNK / 4;
/** A chunk with more words or samples than this is no open one of this head's writer. */
const MAX_WORDS = 250;
const MAX_SAMPLES = SAMPLES_PER_CHUNK * 2;
/** The counter reset flag of a chunk of histograms, in its third byte; in its first when the third is about start timestamps. */
const RESET_SHIFT = 6;
const RESET = 2;

export class ChunkRestorer {
  readonly #head: Head;
  readonly #slots: Pool;
  readonly #chunkRangeMs: number;
  readonly #end = new XorEnd();
  readonly #decoded = new SampleBuffer();
  #records = new Uint32Array(256);

  constructor(head: Head, slots: Pool, chunkRangeMs: number) {
    this.#head = head;
    this.#slots = slots;
    this.#chunkRangeMs = chunkRangeMs;
  }

  /**
   * Gives the series of `record` the chunk `bytes[start, end)` to go on with. Samples that it has already (in chunks on disk), or that
   * belong to blocks, are left out. Returns false, and changes nothing, for bytes that are no such chunk. Throws a
   * `HeadFullError`.
   */
  restore(record: number, encoding: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (encoding === ChunkEncoding.xor) return this.#restoreFloats(record, bytes, start, end);
    if (encoding < ChunkEncoding.xor || encoding > ChunkEncoding.floatHistogramStart) return false;
    return this.#encodeAnew(record, encoding, bytes, start, end);
  }

  #restoreFloats(record: number, bytes: Uint8Array, start: number, end: number): boolean {
    const scanned = this.#end;
    if (!scanned.scan(bytes, start, end, PREDICTED_AT)) return false;
    const head = this.#head;
    const { series, seriesFloats } = head.memory;
    const base = record * RECORD_WORDS;
    const last = seriesFloats[(base + Rec.lastTime) >> 1];
    if (scanned.lastTime <= last || scanned.lastTime < head.times.minValid) return true;
    const { firstTime, samples } = scanned;
    const isWhole =
      firstTime > last && firstTime >= head.times.minValid && (series[base + Rec.packed] & COUNT_MASK) === 0;
    const words = (scanned.bits - 16) >>> 5;
    const range = rangeEnd(firstTime, this.#chunkRangeMs);
    if (isWhole && words < MAX_WORDS && samples <= MAX_SAMPLES && scanned.lastTime < range) {
      this.#place(record, bytes, start + 2, words, range);
    } else {
      const decoded = this.#decoded;
      decoded.clear();
      decodeChunk(ChunkEncoding.xor, bytes, start, end, -Infinity, Infinity, decoded);
      this.#appendFloats(record);
    }
    return true;
  }

  /** The chunk as it was, to the last bit. */
  #place(record: number, bytes: Uint8Array, from: number, words: number, range: number): void {
    const head = this.#head;
    const { control, coldFloats, series, seriesFloats, slots } = head.memory;
    const { firstTime, lastTime, samples, watchedTime, delta, high, low, leading, trailing, bits } = this.#end;
    head.room.forSlots(Math.ceil(words / SLOT_DATA_WORDS) + 1);
    const base = record * RECORD_WORDS;
    // The prediction is made with the time of that sample, before the next one comes.
    const end = samples > PREDICTED_AT ? predictedEnd(firstTime, watchedTime, range) : range;
    openWindow(control);
    let slot = this.#takeSlot();
    series[base + Rec.firstSlot] = slot;
    const word = (i: number): number => {
      const at = from + i * 4;
      return ((bytes[at] << 24) | (bytes[at + 1] << 16) | (bytes[at + 2] << 8) | bytes[at + 3]) >>> 0;
    };
    for (let i = 0; i < words; i++) {
      const index = i % SLOT_DATA_WORDS;
      if (index === 0 && i !== 0) {
        const next = this.#takeSlot();
        slots[slot * SLOT_WORDS + SLOT_LINK] = next;
        slot = next;
      }
      slots[slot * SLOT_WORDS + index] = word(i);
    }
    series[base + Rec.currentSlot] = slot;
    const rest = (bits - 16) & 31;
    series[base + Rec.unfinished] = rest === 0 ? 0 : unfinishedWord(bytes, from + words * 4, rest);
    if (seriesFloats[(base + Rec.lastTime) >> 1] === -Infinity) {
      coldFloats[(record * COLD_WORDS + Cold.minTime) >> 1] = firstTime;
    }
    seriesFloats[(base + Rec.lastTime) >> 1] = lastTime;
    series[base + Rec.lastLow] = low;
    series[base + Rec.lastHigh] = high;
    seriesFloats[(base + Rec.nextCut) >> 1] = end;
    series[base + Rec.cutAhead] = end - firstTime;
    series[base + Rec.delta] = delta;
    const window =
      leading === 31 && trailing === 63 ? NO_WINDOW : (leading << LEADING_SHIFT) | (trailing << TRAILING_SHIFT);
    series[base + Rec.packed] = samples | window | (rest << BITS_SHIFT) | (words << WORDS_SHIFT);
    series[base + Rec.kind] = ((series[base + Rec.kind] & ~FORM_MASK) | Kind.float) >>> 0;
    closeWindow(control);
    head.counters.chunksCreated++;
    head.times.min = Math.min(head.times.min, firstTime);
    head.times.max = Math.max(head.times.max, lastTime);
  }

  /** Appends what was decoded. */
  #appendFloats(record: number): void {
    const decoded = this.#decoded;
    if (decoded.count > this.#records.length) this.#records = new Uint32Array(decoded.count);
    this.#records.fill(record, 0, decoded.count);
    const { times, halves, startTimes, count } = decoded;
    this.#head.replayed.floats(this.#records, times, halves, startTimes, count);
  }

  /** Encoded anew, sample by sample: what the next one is compared with is more than the chunk's end. */
  #encodeAnew(record: number, encoding: number, bytes: Uint8Array, start: number, end: number): boolean {
    const decoded = this.#decoded;
    decoded.clear();
    if (!decodeChunk(encoding, bytes, start, end, -Infinity, Infinity, decoded)) return false;
    const { count, times, histograms, startTimes } = decoded;
    for (let i = 1; i < count; i++) if (!(times[i] > times[i - 1])) return false;
    for (let i = 0; i < count; i++) {
      const histogram = histograms?.[i];
      if (!Number.isSafeInteger(times[i]) || (histogram !== undefined && !isWellFormed(histogram))) return false;
    }
    if (encoding === ChunkEncoding.xor2) {
      this.#appendFloats(record);
      return count > 0;
    }
    const integer = hasIntegers(encoding);
    const isReset = (bytes[hasStartTimes(encoding) ? start : start + 2] as number) >>> RESET_SHIFT === RESET;
    for (let i = 0; i < count; i++) {
      const histogram = histograms?.[i];
      const sample =
        i === 0 && isReset && histogram !== undefined
          ? { ...histogram, counterResetHint: CounterResetHint.reset }
          : histogram;
      this.#head.replayed.histogram(record, times[i], sample, integer, startTimes?.[i] ?? 0);
    }
    return count > 0;
  }

  #takeSlot(): number {
    const slot = this.#slots.take();
    this.#head.memory.slots[slot * SLOT_WORDS + SLOT_LINK] = 0;
    return slot;
  }
}

/** The `bits` bits from byte `at` on, from the top of a word. What the last byte holds beyond them is left out. */
function unfinishedWord(bytes: Uint8Array, at: number, bits: number): number {
  let word = 0;
  for (let i = 0; i * 8 < bits; i++) word |= (bytes[at + i] as number) << (24 - i * 8);
  return (word & (-1 << (32 - bits))) >>> 0;
}
