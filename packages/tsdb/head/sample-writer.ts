// Appending a float to a series: the XOR chunk of the reference, bit for bit, written straight into the head's memory.
//
// The bit stream (what follows a chunk's two count bytes) stands in slots of 15 words, each word with its first bit on top;
// the unfinished word stays in the series record, so a usual append touches that record's cache line and nothing else.
import { type HeadMemory, RECORD_WORDS } from "../memory/layout.ts";
import type { Pool } from "../memory/pool.ts";
import {
  BITS_SHIFT,
  COUNT_MASK,
  FORM_MASK,
  Kind,
  LEADING_SHIFT,
  NO_WINDOW,
  Rec,
  TRAILING_SHIFT,
  WORDS_SHIFT,
} from "./record.ts";
import { MAX_SAMPLES, PREDICT_AT, SlotWriter } from "./slot-writer.ts";

const TWO_32 = 2 ** 32;

/** Writes samples into series records. Used by the single writer, inside a write window. */
export class SampleWriter extends SlotWriter {
  readonly #cut: (record: number) => void;
  readonly #onKind: (record: number) => void;

  /**
   * `cut` takes a series' full chunk away (see `FinishedChunks`) before a new one starts; `onKind` is told of series whose
   * newest sample was a histogram and is a float now.
   */
  constructor(
    memory: HeadMemory,
    slots: Pool,
    chunkRangeMs: number,
    cut: (record: number) => void,
    onKind: (record: number) => void,
  ) {
    super(memory, slots, chunkRangeMs);
    this.#onKind = onKind;
    this.#cut = cut;
  }

  /**
   * Appends one sample, whose time must be after the series' last. Takes at most two slots.
   * Returns whether a new chunk was begun.
   */
  append(record: number, t: number, high: number, low: number): boolean {
    const series = this.series;
    const base = record * RECORD_WORDS;
    const packed = series[base + Rec.packed];
    const count = packed & COUNT_MASK;
    if (count < 2 || count === PREDICT_AT || count >= MAX_SAMPLES || packed >>> WORDS_SHIFT > 249) {
      return this.#appendCarefully(record, t, high, low);
    }
    const floats = this.floats;
    if (t >= floats[(base + Rec.nextCut) >> 1]) return this.#appendCarefully(record, t, high, low);

    const delta = t - floats[(base + Rec.lastTime) >> 1];
    const change = delta - series[base + Rec.delta];
    // A field of n bits holds -(2^(n-1) - 1) to 2^(n-1); fields of more than 14 bits are rare.
    if (change > 8192 || change < -8191) return this.#appendCarefully(record, t, high, low);

    // From here on the bit writer's state stands in locals, and each `free = ...` block is one `#put`.
    let piece = 0;
    let size = 1;
    if (change !== 0) {
      piece = (0b10 << 14) | (change & 0x3fff);
      size = 16;
      series[base + Rec.delta] = delta;
    }
    const xorHigh = series[base + Rec.lastHigh] ^ high;
    const xorLow = series[base + Rec.lastLow] ^ low;
    let word = series[base + Rec.unfinished];
    let bits = (packed >>> BITS_SHIFT) & 31;
    let words = packed >>> WORDS_SHIFT;
    let window = packed & NO_WINDOW;
    let shift = 0;
    let significant = 0;
    if ((xorHigh | xorLow) === 0) {
      piece <<= 1;
      size += 1;
    } else {
      let leading = xorHigh !== 0 ? Math.clz32(xorHigh) : 32 + Math.clz32(xorLow);
      const trailing = xorLow !== 0 ? 31 - Math.clz32(xorLow & -xorLow) : 63 - Math.clz32(xorHigh & -xorHigh);
      if (leading > 31) leading = 31;
      const windowLeading = (packed >>> LEADING_SHIFT) & 31;
      shift = (packed >>> TRAILING_SHIFT) & 63;
      if (leading >= windowLeading && trailing >= shift) {
        piece = (piece << 2) | 0b10;
        size += 2;
        significant = 64 - windowLeading - shift;
      } else {
        shift = trailing;
        significant = 64 - leading - trailing;
        piece = (piece << 13) | (0b11 << 11) | (leading << 6) | (significant & 63);
        size += 13;
        window = (leading << LEADING_SHIFT) | (trailing << TRAILING_SHIFT);
      }
    }
    let free = 32 - bits;
    if (size < free) {
      word |= piece << (free - size);
      bits += size;
    } else {
      bits = size - free;
      this.store(base, words++, word | (piece >>> bits));
      word = bits === 0 ? 0 : piece << (32 - bits);
    }
    if (significant !== 0) {
      piece = xorHigh >>> shift;
      size = significant;
      if (shift >= 32) piece = xorHigh >>> (shift - 32);
      else {
        if (significant > 32) {
          size = significant - 32;
          free = 32 - bits;
          if (size < free) {
            word |= piece << (free - size);
            bits += size;
          } else {
            bits = size - free;
            this.store(base, words++, word | (piece >>> bits));
            word = bits === 0 ? 0 : piece << (32 - bits);
          }
          size = 32;
        }
        piece = shift === 0 ? xorLow : (xorLow >>> shift) | (xorHigh << (32 - shift));
      }
      free = 32 - bits;
      if (size < free) {
        word |= piece << (free - size);
        bits += size;
      } else {
        bits = size - free;
        this.store(base, words++, word | (piece >>> bits));
        word = bits === 0 ? 0 : piece << (32 - bits);
      }
    }
    floats[(base + Rec.lastTime) >> 1] = t;
    series[base + Rec.lastLow] = low;
    series[base + Rec.lastHigh] = high;
    series[base + Rec.unfinished] = word;
    series[base + Rec.packed] = (count + 1) | window | (bits << BITS_SHIFT) | (words << WORDS_SHIFT);
    return false;
  }

  /** First, second and 31st sample, and whatever may need a cut. */
  #appendCarefully(record: number, t: number, high: number, low: number): boolean {
    const series = this.series;
    const floats = this.floats;
    const base = record * RECORD_WORDS;
    let packed = series[base + Rec.packed];
    let count = packed & COUNT_MASK;
    // A chunk of another form seems to have one sample, so that it always comes by here.
    if ((series[base + Rec.kind] & FORM_MASK) !== Kind.float) {
      if (count !== 0) this.#cut(record);
      this.#onKind(record);
      series[base + Rec.kind] &= ~FORM_MASK;
      packed = NO_WINDOW;
      count = 0;
    }
    if (count !== 0) {
      const bytes = 2 + (packed >>> WORDS_SHIFT) * 4 + ((((packed >>> BITS_SHIFT) & 31) + 7) >>> 3);
      if (this.isFull(base, t, count, bytes)) {
        this.#cut(record);
        packed = NO_WINDOW;
        count = 0;
      }
    }
    this.base = base;
    this.word = series[base + Rec.unfinished];
    this.bits = (packed >>> BITS_SHIFT) & 31;
    this.words = packed >>> WORDS_SHIFT;
    let window = packed & NO_WINDOW;
    if (count === 0) {
      this.begin(base, t);
      window = NO_WINDOW;
      series[base + Rec.delta] = 0;
      // Zig-zag: even for times since the epoch, odd before it.
      this.putVarint(t < 0 ? -2 * t - 1 : 2 * t);
      this.put(high, 32);
      this.put(low, 32);
    } else {
      const delta = t - floats[(base + Rec.lastTime) >> 1];
      if (count === 1) {
        this.putVarint(delta);
      } else {
        this.#putChange(delta - series[base + Rec.delta]);
      }
      series[base + Rec.delta] = delta;
      window = this.#putValue(
        series[base + Rec.lastHigh] ^ high,
        series[base + Rec.lastLow] ^ low,
        (packed >>> LEADING_SHIFT) & 31,
        (packed >>> TRAILING_SHIFT) & 63,
      );
    }
    floats[(base + Rec.lastTime) >> 1] = t;
    series[base + Rec.lastLow] = low;
    series[base + Rec.lastHigh] = high;
    series[base + Rec.unfinished] = this.word;
    series[base + Rec.packed] = (count + 1) | window | (this.bits << BITS_SHIFT) | (this.words << WORDS_SHIFT);
    return count === 0;
  }

  #putChange(change: number): void {
    if (change === 0) this.put(0, 1);
    else if (change >= -8191 && change <= 8192) this.put((0b10 << 14) | (change & 0x3fff), 16);
    else if (change >= -65535 && change <= 65536) this.put((0b110 << 17) | (change & 0x1ffff), 20);
    else if (change >= -524287 && change <= 524288) this.put((0b1110 << 20) | (change & 0xfffff), 24);
    else {
      this.put(0b1111, 4);
      this.put(Math.floor(change / TWO_32), 32);
      this.put(change >>> 0, 32);
    }
  }

  /** Writes a value's change; returns the window of significant bits, packed. */
  #putValue(high: number, low: number, leading: number, trailing: number): number {
    const window = (leading << LEADING_SHIFT) | (trailing << TRAILING_SHIFT);
    if ((high | low) === 0) {
      this.put(0, 1);
      return window;
    }
    let zerosAbove = high !== 0 ? Math.clz32(high) : 32 + Math.clz32(low);
    const zerosBelow = low !== 0 ? 31 - Math.clz32(low & -low) : 63 - Math.clz32(high & -high);
    if (zerosAbove > 31) zerosAbove = 31;
    if (zerosAbove >= leading && zerosBelow >= trailing) {
      this.put(0b10, 2);
      this.putShifted(high, low, trailing, 64 - leading - trailing);
      return window;
    }
    const significant = 64 - zerosAbove - zerosBelow;
    this.put((0b11 << 11) | (zerosAbove << 6) | (significant & 63), 13);
    this.putShifted(high, low, zerosBelow, significant);
    return (zerosAbove << LEADING_SHIFT) | (zerosBelow << TRAILING_SHIFT);
  }
}
