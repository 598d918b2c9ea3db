// Appending a float with its start timestamp to a series: the XOR2 chunk of the reference, bit for bit, written straight into the
// head's memory. As sample-writer.ts, for heads that write XOR2 (or did: a switched encoding applies to new chunks).
//
// The bit stream begins with the chunk's third byte. What readers need stands in the series record; what only the writer needs
// (windows, distances, the last value that was no stale marker) beside it, 40 bytes a series, in pages made at need.
import { STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import { CHANGE_MASK, FIRST_START, LAST_CHANGE, storableStartTime } from "../chunk/start-time.ts";
import { VARBIT_WIDTHS } from "../chunk/varbit.ts";
import { type HeadMemory, RECORD_WORDS, SLOT_WORDS } from "../memory/layout.ts";
import type { Pool } from "../memory/pool.ts";
import {
  BITS_SHIFT,
  COUNT_MASK,
  FORM_MASK,
  KIND_MASK,
  Kind,
  openCount,
  openWords,
  packOpen,
  Rec,
  STARTS,
} from "./record.ts";
import type { SampleWriter } from "./sample-writer.ts";
import { SlotWriter } from "./slot-writer.ts";

const TWO_32 = 2 ** 32;
/** Series per page of state. */
const PAGE_SERIES = 4096;
/** 64-bit floats of one series' state; its 32-bit words are counted behind the floats that come first. */
const STATE_FLOATS = 5;
/** The last two times' distance; the last start timestamp; the distance of it to the time before, once such distances are written. */
const At = { delta: 0, startTime: 1, startDistance: 2 } as const;
/** The value that the next is compared with, low and high half; leading and trailing zeros of the window; the third byte. */
const Word = { low: 6, high: 7, window: 8, header: 9 } as const;
/** In `Word.window`: none yet. */
const NO_WINDOW = 0xffff;

interface Page {
  readonly floats: Float64Array;
  readonly words: Uint32Array;
}

/** Used by the single writer, inside a write window. */
export class Xor2Writer extends SlotWriter {
  /** Whether new chunks are XOR2; else they are the plain writer's. */
  isChosen = true;
  readonly #plain: SampleWriter;
  readonly #cut: (record: number) => void;
  readonly #onKind: (record: number) => void;
  readonly #cutsPlain: boolean;
  readonly #pages: Page[] = [];
  // The state of the series at hand: its page, and where in it.
  #state: Float64Array = new Float64Array(0);
  #stateWords: Uint32Array = new Uint32Array(0);
  #at = 0;

  /**
   * `plain` goes on with chunks of the other encoding, unless `cutsPlain`: then those end at once, since they would lose start
   * timestamps. `cut` and `onKind` are as for that one.
   */
  constructor(
    memory: HeadMemory,
    slots: Pool,
    chunkRangeMs: number,
    plain: SampleWriter,
    cut: (record: number) => void,
    onKind: (record: number) => void,
    cutsPlain: boolean,
  ) {
    super(memory, slots, chunkRangeMs);
    this.#cutsPlain = cutsPlain;
    this.#plain = plain;
    this.#cut = cut;
    this.#onKind = onKind;
  }

  /**
   * Appends one sample, whose time must be after the series' last. Takes at most two slots. Chunks of plain floats keep no start
   * timestamp. Returns whether a new chunk was begun.
   */
  append(record: number, t: number, high: number, low: number, startTime: number): boolean {
    const { series, floats } = this;
    const base = record * RECORD_WORDS;
    const packed = series[base + Rec.packed];
    const form = series[base + Rec.kind] & FORM_MASK;
    let count = 0;
    if ((packed & COUNT_MASK) !== 0) {
      if ((form & KIND_MASK) !== Kind.float) this.#cut(record);
      else {
        count = openCount(form, packed);
        const words = openWords(form, packed, series[base + Rec.delta]);
        const bytes = 2 + words * 4 + ((((packed >>> BITS_SHIFT) & 31) + 7) >>> 3);
        if (this.isFull(base, t, count, bytes) || (this.#cutsPlain && form === Kind.float)) {
          this.#cut(record);
          count = 0;
        } else if (form === Kind.float) return this.#plain.append(record, t, high, low);
        else {
          this.base = base;
          this.word = series[base + Rec.unfinished];
          this.bits = (packed >>> BITS_SHIFT) & 31;
          this.words = words;
        }
      }
    }
    if (count === 0) {
      if ((form & KIND_MASK) !== Kind.float) this.#onKind(record);
      if (!this.isChosen) {
        series[base + Rec.kind] &= ~FORM_MASK;
        this.#plain.append(record, t, high, low);
        return true;
      }
      series[base + Rec.kind] = ((series[base + Rec.kind] & ~FORM_MASK) | STARTS) >>> 0;
      this.base = base;
      this.begin(base, t);
    }
    this.#openState(record);
    const start = startTime === 0 ? 0 : storableStartTime(t, startTime);
    if (count === 0) this.#putFirst(t, high, low, start);
    else {
      const last = floats[(base + Rec.lastTime) >> 1];
      const delta = t - last;
      if (count === 1) {
        this.putVarint(delta);
        this.#putLong(high, low);
      } else this.#put(delta - this.#state[this.#at + At.delta], high, low);
      this.#state[this.#at + At.delta] = delta;
      this.#putStart(count, last, start);
    }
    this.#state[this.#at + At.startTime] = start;
    floats[(base + Rec.lastTime) >> 1] = t;
    series[base + Rec.lastLow] = low;
    series[base + Rec.lastHigh] = high;
    series[base + Rec.unfinished] = this.word;
    series[base + Rec.delta] = this.words;
    series[base + Rec.packed] = packOpen(count + 1, this.bits);
    return count === 0;
  }

  #openState(record: number): void {
    const number = Math.floor(record / PAGE_SERIES);
    let page = this.#pages[number];
    if (page === undefined) {
      while (this.#pages.length < number) this.#pages.push(EMPTY_PAGE);
      page = this.#pages[number] = EMPTY_PAGE;
    }
    if (page === EMPTY_PAGE) {
      const floats = new Float64Array(PAGE_SERIES * STATE_FLOATS);
      page = this.#pages[number] = { floats, words: new Uint32Array(floats.buffer) };
    }
    this.#state = page.floats;
    this.#stateWords = page.words;
    this.#at = (record % PAGE_SERIES) * STATE_FLOATS;
  }

  #putFirst(t: number, high: number, low: number, startTime: number): void {
    const words = this.#stateWords;
    const at = 2 * this.#at;
    const header = startTime === 0 ? 0 : FIRST_START;
    this.put(header, 8);
    this.putVarint(zigzag(t));
    this.put(high, 32);
    this.put(low, 32);
    if (startTime !== 0) this.putVarint(zigzag(t - startTime));
    const isMarker = isStale(high, low);
    words[at + Word.low] = isMarker ? 0 : low;
    words[at + Word.high] = isMarker ? 0 : high;
    words[at + Word.window] = NO_WINDOW;
    words[at + Word.header] = header;
    this.#state[this.#at + At.delta] = 0;
    this.#state[this.#at + At.startDistance] = 0;
  }

  /** Change of the distance of times, and value. */
  #put(change: number, high: number, low: number): void {
    if (change === 0) {
      const words = this.#stateWords;
      const at = 2 * this.#at;
      const xorHigh = (words[at + Word.high] ^ high) >>> 0;
      const xorLow = (words[at + Word.low] ^ low) >>> 0;
      if ((xorHigh | xorLow) === 0) this.put(0, 1);
      else if (isStale(high, low)) this.put(0b11111, 5);
      else this.#putChange(xorHigh, xorLow, 0b100, 0b101, 3);
      return;
    }
    if (change >= -4096 && change <= 4095) this.put((0b110 << 13) | (change & 0x1fff), 16);
    else if (change >= -524_288 && change <= 524_287) this.put((0b1110 << 20) | (change & 0xfffff), 24);
    else {
      this.put(0b11110, 5);
      this.put(Math.floor(change / TWO_32), 32);
      this.put(change >>> 0, 32);
    }
    this.#putLong(high, low);
  }

  #putLong(high: number, low: number): void {
    const words = this.#stateWords;
    const at = 2 * this.#at;
    const xorHigh = (words[at + Word.high] ^ high) >>> 0;
    const xorLow = (words[at + Word.low] ^ low) >>> 0;
    if ((xorHigh | xorLow) === 0) this.put(0, 1);
    else if (isStale(high, low)) this.put(0b111, 3);
    else this.#putChange(xorHigh, xorLow, 0b10, 0b110, 2);
  }

  /**
   * A value that differs, and becomes what the next one is compared with. `same` announces the window of before in `sameBits` bits,
   * `other` a new one in three.
   */
  #putChange(xorHigh: number, xorLow: number, same: number, other: number, sameBits: number): void {
    const words = this.#stateWords;
    const at = 2 * this.#at;
    words[at + Word.high] ^= xorHigh;
    words[at + Word.low] ^= xorLow;
    const window = words[at + Word.window];
    let leading = xorHigh !== 0 ? Math.clz32(xorHigh) : 32 + Math.clz32(xorLow);
    const trailing = xorLow !== 0 ? 31 - Math.clz32(xorLow & -xorLow) : 63 - Math.clz32(xorHigh & -xorHigh);
    if (leading > 31) leading = 31;
    const windowTrailing = window >>> 8;
    const windowLeading = window & 0xff;
    if (window !== NO_WINDOW && leading >= windowLeading && trailing >= windowTrailing) {
      this.put(same, sameBits);
      this.putShifted(xorHigh, xorLow, windowTrailing, 64 - windowLeading - windowTrailing);
      return;
    }
    words[at + Word.window] = leading | (trailing << 8);
    const significant = 64 - leading - trailing;
    this.put((other << 11) | (leading << 6) | (significant & 63), 14);
    this.putShifted(xorHigh, xorLow, trailing, significant);
  }

  /** What follows sample `index`, from the second on. */
  #putStart(index: number, previousTime: number, startTime: number): void {
    const words = this.#stateWords;
    const state = this.#state;
    const at = this.#at;
    const header = words[2 * at + Word.header];
    if ((header & CHANGE_MASK) === 0) {
      if (startTime === state[at + At.startTime] && index !== LAST_CHANGE) return;
      words[2 * at + Word.header] = header | index;
      // The first sample alone fills more than one word. Readers that see fewer samples never come to the one named here.
      this.slots[this.series[this.base + Rec.firstSlot] * SLOT_WORDS] |= index << 24;
      state[at + At.startDistance] = 0;
    }
    const distance = previousTime - startTime;
    this.#putVarbit(distance - state[at + At.startDistance]);
    state[at + At.startDistance] = distance;
  }

  /** A signed number of few bits, see varbit.ts. */
  #putVarbit(value: number): void {
    if (value === 0) {
      this.put(0, 1);
      return;
    }
    for (let ones = 1; ones < 7; ones++) {
      const width = VARBIT_WIDTHS[ones];
      const half = 2 ** (width - 1);
      if (value <= -half || value > half) continue;
      this.put((1 << (ones + 1)) - 2, ones + 1);
      this.put(value & (2 ** width - 1), width);
      return;
    }
    const isShorter = value > -(2 ** 55) && value <= 2 ** 55;
    this.put(isShorter ? 0xfe : 0xff, 8);
    this.put(Math.floor(value / TWO_32) & (isShorter ? 0xff_ffff : -1), isShorter ? 24 : 32);
    this.put(value >>> 0, 32);
  }
}

const EMPTY_PAGE: Page = { floats: new Float64Array(0), words: new Uint32Array(0) };

/** Even for numbers from 0 up, odd below. */
function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function isStale(high: number, low: number): boolean {
  return high === STALE_NAN_HIGH && low === STALE_NAN_LOW;
}
