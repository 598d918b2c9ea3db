// Chunks of floats in the newer form (encoding 4): time and value share a prefix, stale markers take no value, and start
// timestamps may stand behind samples.
//
// As in xor.ts, decoding works on 32-bit halves, 32 bits at a time. Source: tsdb/chunkenc/xor2.go of the reference.
import type { BitWriter } from "@narthex/encoding";
import { STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";
import { CHANGE_MASK, FIRST_START, StartTimeEncoder } from "./start-time.ts";
import { VARBIT_WIDTHS } from "./varbit.ts";
import { bits32, padChunk, uvarint, varint, varintEnd } from "./xor.ts";

const TWO_32 = 0x1_0000_0000;
/** Sample count (2 bytes) and what is said of start timestamps (1). */
const HEADER_BYTES = 3;

/**
 * Decodes the chunk `bytes[start, end)` and appends its samples with `minTime <= t <= maxTime` to `into`, start timestamps
 * included where the chunk has any.
 *
 * Returns false, and adds nothing to `into`, when the bytes are no such chunk. Reads nothing outside of the chunk, and takes
 * no more steps than the chunk has samples.
 */
export function decodeXor2(
  bytes: Uint8Array,
  start: number,
  end: number,
  minTime: number,
  maxTime: number,
  into: SampleBuffer,
): boolean {
  const length = end - start;
  if (length < HEADER_BYTES) return false;
  const samples = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  if (samples === 0) return true;
  const endBits = length * 8;
  // The first sample takes 9 bytes, the second one more and a bit, all others a bit.
  const leastBits = (HEADER_BYTES + 9) * 8 + (samples === 1 ? 0 : 7 + samples);
  if (leastBits > endBits) return false;
  padChunk(bytes, start, end);
  const header = bytes[start + 2] as number;
  const changeAt = header & CHANGE_MASK;

  into.reserve(samples);
  const { times, halves } = into;
  const startTimes = header !== 0 ? into.withStartTimes() : into.startTimes;
  const countBefore = into.count;
  let count = countBefore;

  const firstTime = varint(HEADER_BYTES * 8, endBits);
  if (firstTime === undefined) return false;
  let t = firstTime;
  let position = varintEnd;
  if (position + 64 > endBits) return false;
  let high = bits32(position) >>> 0;
  let low = bits32(position + 32) >>> 0;
  position += 64;
  let startTime = 0;
  if ((header & FIRST_START) !== 0) {
    const distance = varint(position, endBits);
    if (distance === undefined) return false;
    position = varintEnd;
    startTime = t - distance;
  }
  let isStale = high === STALE_NAN_HIGH && low === STALE_NAN_LOW;
  if (t >= minTime && t <= maxTime) {
    times[count] = t;
    halves[2 * count] = low;
    halves[2 * count + 1] = high;
    if (startTimes !== undefined) startTimes[count] = startTime;
    count++;
  }
  // What values are compared with: never a stale marker, 0 before the first other one.
  if (isStale) high = low = 0;
  let delta = 0;
  let startDistance = 0;
  // The window of the last XOR: its bits lie `leading` bits behind the start of a word.
  let leading = 0;
  let windowBits = 64;
  let maskHigh = -1;
  let maskLow = -1;
  for (let i = 1; i < samples; i++) {
    const previousTime = t;
    isStale = false;
    // Whether a value follows in the long form, which has prefixes for the same value and for stale markers.
    let isLong = true;
    let hasValue = true;
    let word = 0;
    if (i === 1) {
      const secondDelta = uvarint(position, endBits);
      if (secondDelta === undefined) return false;
      delta = secondDelta;
      position = varintEnd;
      word = bits32(position);
    } else {
      word = bits32(position);
      if (word >= 0) {
        position += 1;
        hasValue = false;
      } else if ((word & 0x40000000) === 0) {
        position += 2;
        word <<= 2;
        isLong = false;
      } else if ((word & 0x20000000) === 0) {
        delta += (word << 3) >> 19;
        position += 16;
        word <<= 16;
      } else if ((word & 0x10000000) === 0) {
        delta += (word << 4) >> 12;
        position += 24;
        word = bits32(position);
      } else if ((word & 0x08000000) === 0) {
        delta += bits32(position + 5) * TWO_32 + (bits32(position + 37) >>> 0);
        position += 69;
        if (position > endBits) return false;
        word = bits32(position);
      } else {
        position += 5;
        hasValue = false;
        isStale = true;
      }
    }
    t += delta;
    if (hasValue && isLong) {
      if (word >= 0) {
        position += 1;
        hasValue = false;
      } else if ((word & 0x60000000) === 0x60000000) {
        position += 3;
        hasValue = false;
        isStale = true;
      } else {
        // From here on as the short form: a bit says whether there is a new window.
        position += 1;
        word <<= 1;
      }
    }
    if (hasValue) {
      position += 1;
      if (word < 0) {
        // Behind the bit for the new window the long form has another one.
        if (isLong) position += 1;
        word = bits32(position);
        leading = word >>> 27;
        windowBits = (word >>> 21) & 0x3f;
        if (windowBits === 0) windowBits = 64;
        if (leading + windowBits > 64) return false;
        position += 11;
        const trailing = 64 - leading - windowBits;
        maskHigh = trailing >= 32 ? (trailing >= 64 ? 0 : -1 << (trailing - 32)) : -1;
        if (leading > 0) maskHigh &= -1 >>> leading;
        maskLow = trailing >= 32 ? 0 : -1 << trailing;
      }
      if (position + windowBits > endBits) return false;
      const at = position - leading;
      high = (high ^ (bits32(at) & maskHigh)) >>> 0;
      low = (low ^ (bits32(at + 32) & maskLow)) >>> 0;
      position += windowBits;
    }
    if (position > endBits) return false;
    if (changeAt !== 0 && i >= changeAt) {
      const field = varbitInt(position);
      position = varbitEnd;
      if (position > endBits) return false;
      startDistance = i === changeAt ? field : startDistance + field;
      startTime = previousTime - startDistance;
    }
    if (t < minTime) continue;
    if (t > maxTime) break;
    times[count] = t;
    halves[2 * count] = isStale ? STALE_NAN_LOW : low;
    halves[2 * count + 1] = isStale ? STALE_NAN_HIGH : high;
    if (startTimes !== undefined) startTimes[count] = startTime;
    count++;
  }
  into.count = count;
  return true;
}

/** Where the last number of few bits ended. */
let varbitEnd = 0;

/** A signed number of few bits (see varbit.ts) at any position. */
function varbitInt(position: number): number {
  const word = bits32(position);
  const ones = Math.min(8, Math.clz32(~word));
  const width = VARBIT_WIDTHS[ones] as number;
  if (ones < 7) {
    varbitEnd = position + ones + 1 + width;
    if (ones === 0) return 0;
    const value = (word << (ones + 1)) >>> (32 - width);
    return value > 2 ** (width - 1) ? value - 2 ** width : value;
  }
  varbitEnd = position + 8 + width;
  if (ones === 8) return bits32(position + 8) * TWO_32 + (bits32(position + 40) >>> 0);
  const low = bits32(position + 32) >>> 0;
  const high = bits32(position + 8) >>> 8;
  // The highest positive number takes the place of the lowest negative one.
  const isNegative = high > 0x80_0000 || (high === 0x80_0000 && low > 0);
  return (isNegative ? high - 0x100_0000 : high) * TWO_32 + low;
}

/** No window of significant bits yet. */
const NO_WINDOW = 0xff;

/**
 * Appends the samples `[from, to)` to `into` (cleared before by the caller) as one XOR2 chunk, byte for byte what the
 * reference makes of them. `startTimes`, when there are any, are 0 where unknown (see `storableStartTime`). At least one
 * sample, at most `MAX_CHUNK_SAMPLES`; times ascend, within 2^53.
 */
export function encodeXor2(
  into: BitWriter,
  times: Float64Array,
  halves: Uint32Array,
  startTimes: Float64Array | undefined,
  from: number,
  to: number,
): void {
  into.bits(to - from, 16);
  const headerAt = into.length;
  into.bits(0, 8);
  const values = new Xor2ValueWriter();
  const starts = new StartTimeEncoder();
  let t = 0;
  let delta = 0;
  for (let i = from; i < to; i++) {
    const previousTime = t;
    t = times[i] as number;
    const high = halves[2 * i + 1] as number;
    const low = halves[2 * i] as number;
    const nextDelta = t - previousTime;
    if (i === from) {
      into.varint64(Math.floor(t / TWO_32) >>> 0, t >>> 0);
      into.bits64(high, low, 64);
      values.start(high, low);
    } else if (i === from + 1) {
      into.uvarint64(Math.floor(nextDelta / TWO_32) >>> 0, nextDelta >>> 0);
      values.writeLong(into, high, low);
      delta = nextDelta;
    } else {
      values.write(into, nextDelta - delta, high, low);
      delta = nextDelta;
    }
    starts.write(into, i - from, t, previousTime, startTimes === undefined ? 0 : (startTimes[i] as number));
  }
  into.bytes[headerAt] = starts.header;
}

/** Writes values by XOR with the last one that was no stale marker. */
class Xor2ValueWriter {
  #high = 0;
  #low = 0;
  #leading = NO_WINDOW;
  #trailing = 0;

  start(high: number, low: number): void {
    if (isStale(high, low)) return;
    this.#high = high;
    this.#low = low;
  }

  /** Change of the distance of times, and value. */
  write(into: BitWriter, change: number, high: number, low: number): void {
    if (change === 0) {
      if (isStale(high, low)) into.bits(0b11111, 5);
      else if (high === this.#high && low === this.#low) into.bits(0, 1);
      else {
        into.bits(0b10, 2);
        this.#writeChange(into, high, low, 0, 1, 1);
      }
      return;
    }
    if (change >= -4096 && change <= 4095) into.bits((0b110 << 13) | (change & 0x1fff), 16);
    else if (change >= -524_288 && change <= 524_287) into.bits((0b1110 << 20) | (change & 0xfffff), 24);
    else {
      into.bits(0b11110, 5);
      into.bits64(Math.floor(change / TWO_32) >>> 0, change >>> 0, 64);
    }
    this.writeLong(into, high, low);
  }

  writeLong(into: BitWriter, high: number, low: number): void {
    if (isStale(high, low)) into.bits(0b111, 3);
    else if (high === this.#high && low === this.#low) into.bits(0, 1);
    else this.#writeChange(into, high, low, 0b10, 0b110, 2);
  }

  /** `same` and `other` announce the window of before (in `sameBits` bits) and a new one (in a bit more, but for the short form). */
  #writeChange(into: BitWriter, high: number, low: number, same: number, other: number, sameBits: number): void {
    const xorHigh = (high ^ this.#high) >>> 0;
    const xorLow = (low ^ this.#low) >>> 0;
    this.#high = high;
    this.#low = low;
    const leading = Math.min(31, xorHigh === 0 ? 32 + Math.clz32(xorLow) : Math.clz32(xorHigh));
    const trailing = xorLow === 0 ? 63 - Math.clz32(xorHigh & -xorHigh) : 31 - Math.clz32(xorLow & -xorLow);
    if (this.#leading !== NO_WINDOW && leading >= this.#leading && trailing >= this.#trailing) {
      into.bits(same, sameBits);
    } else {
      this.#leading = leading;
      this.#trailing = trailing;
      into.bits((other << 11) | (leading << 6) | ((64 - leading - trailing) & 0x3f), sameBits === 1 ? 12 : 14);
    }
    const shift = this.#trailing;
    const count = 64 - this.#leading - shift;
    if (shift >= 32) into.bits64(0, xorHigh >>> (shift - 32), count);
    else if (shift === 0) into.bits64(xorHigh, xorLow, count);
    else into.bits64(xorHigh >>> shift, (xorLow >>> shift) | (xorHigh << (32 - shift)), count);
  }
}

function isStale(high: number, low: number): boolean {
  return high === STALE_NAN_HIGH && low === STALE_NAN_LOW;
}
