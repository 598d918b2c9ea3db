// Putting bits into the slots of an open chunk: what the writers of floats have in common.
import { type HeadMemory, SLOT_DATA_WORDS, SLOT_LINK, SLOT_WORDS } from "../memory/layout.ts";
import type { Pool } from "../memory/pool.ts";
import { Rec } from "./record.ts";

/** Samples a chunk aims at. Source: the reference's head. */
export const SAMPLES_PER_CHUNK = 120;
/** At so many samples the end of the chunk is predicted. */
export const PREDICT_AT: number = SAMPLES_PER_CHUNK / 4;
export const MAX_SAMPLES: number = SAMPLES_PER_CHUNK * 2;
/** A chunk with more bytes than this takes no further sample: the largest one has 19 bytes, the limit is 1,024. */
const MAX_BYTES = 1024 - 19;

/** The end of the chunk range that holds `t`, rounding as the reference's integers do. */
export function rangeEnd(t: number, chunkRangeMs: number): number {
  return Math.trunc(t / chunkRangeMs) * chunkRangeMs + chunkRangeMs;
}

/**
 * Where a chunk that is full to one part in `parts` should end so that its range is split evenly.
 * Source: the reference's `computeChunkEndTime` (storage specification, "Chunk cut rules").
 */
export function predictedEnd(start: number, current: number, end: number, parts = 4): number {
  const chunks = (end - start) / ((current - start + 1) * parts);
  return chunks <= 1 ? end : Math.trunc(start + (end - start) / Math.floor(chunks));
}

/** A bit writer whose state lies in series records between samples. Used by the single writer, inside a write window. */
export class SlotWriter {
  protected readonly series: Uint32Array;
  protected readonly floats: Float64Array;
  protected readonly slots: Uint32Array;
  protected readonly chunkRangeMs: number;
  readonly #pool: Pool;
  /** While one sample is written: the unfinished word, the bits in it, the finished words, and where the series record is. */
  protected word = 0;
  protected bits = 0;
  protected words = 0;
  protected base = 0;

  constructor(memory: HeadMemory, slots: Pool, chunkRangeMs: number) {
    this.series = memory.series;
    this.floats = memory.seriesFloats;
    this.slots = memory.slots;
    this.#pool = slots;
    this.chunkRangeMs = chunkRangeMs;
  }

  /** Whether the open chunk of `count` samples and `bytes` takes none of time `t` any more. May predict its end. */
  protected isFull(base: number, t: number, count: number, bytes: number): boolean {
    const { floats, series } = this;
    const nextCut = (base + Rec.nextCut) >> 1;
    let end = floats[nextCut];
    if (count === PREDICT_AT && bytes <= MAX_BYTES) {
      const start = end - series[base + Rec.cutAhead];
      end = predictedEnd(start, floats[(base + Rec.lastTime) >> 1], end);
      floats[nextCut] = end;
      series[base + Rec.cutAhead] = end - start;
    }
    return bytes > MAX_BYTES || t >= end || count >= MAX_SAMPLES;
  }

  /** Begins a chunk whose first sample has time `t`. */
  protected begin(base: number, t: number): void {
    const { series } = this;
    const end = rangeEnd(t, this.chunkRangeMs);
    this.floats[(base + Rec.nextCut) >> 1] = end;
    series[base + Rec.cutAhead] = end - t;
    series[base + Rec.firstSlot] = series[base + Rec.currentSlot] = this.takeSlot();
    this.word = this.bits = this.words = 0;
  }

  /** Writes the low `count` (0 to 32) bits of `value`; bits above them must be 0. */
  protected put(value: number, count: number): void {
    const free = 32 - this.bits;
    if (count < free) {
      this.word |= value << (free - count);
      this.bits += count;
      return;
    }
    const over = count - free;
    this.store(this.base, this.words++, this.word | (over === 0 ? value : value >>> over));
    this.bits = over;
    this.word = over === 0 ? 0 : value << (32 - over);
  }

  /** Writes `bits` bits of a 64-bit number, from bit `shift` up. */
  protected putShifted(high: number, low: number, shift: number, bits: number): void {
    if (shift >= 32) {
      this.put(high >>> (shift - 32), bits);
      return;
    }
    const lower = shift === 0 ? low : (low >>> shift) | (high << (32 - shift));
    if (bits <= 32) this.put(lower, bits);
    else {
      this.put(high >>> shift, bits - 32);
      this.put(lower, 32);
    }
  }

  /** Stores the chunk's word number `at`, in a new slot when the current one is full. */
  protected store(base: number, at: number, word: number): void {
    const slots = this.slots;
    const series = this.series;
    const index = at % SLOT_DATA_WORDS;
    let slot = series[base + Rec.currentSlot];
    if (index === 0 && at !== 0) {
      const next = this.takeSlot();
      slots[slot * SLOT_WORDS + SLOT_LINK] = next;
      series[base + Rec.currentSlot] = next;
      slot = next;
    }
    slots[slot * SLOT_WORDS + index] = word;
  }

  /** Writes a whole number from 0 up, 7 bits to a byte. */
  protected putVarint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.put((rest % 0x80) | 0x80, 8);
      rest = Math.floor(rest / 0x80);
    }
    this.put(rest, 8);
  }

  protected takeSlot(): number {
    const slot = this.#pool.take();
    this.slots[slot * SLOT_WORDS + SLOT_LINK] = 0;
    return slot;
  }
}
