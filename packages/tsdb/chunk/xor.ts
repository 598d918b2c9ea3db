// Chunks of floats: times as delta of deltas, values by XOR with the one before (encoding 1).
//
// Decoding is a hot kernel: it works on 32-bit halves, straight into a SampleBuffer, reading 32 bits at a time at any
// bit position. Source: tsdb/chunkenc/xor.go of the reference, and Facebook's Gorilla paper.
import type { BitWriter } from "@narthex/encoding";
import type { SampleBuffer } from "@narthex/storage";

/** Bytes that the decoder may look at behind the position it is at. */
const LOOKAHEAD_BYTES = 24;
const TWO_32 = 0x1_0000_0000;

let padded = new Uint8Array(2048);
let view = new DataView(padded.buffer);

/** Takes a chunk for the functions below, with zeros behind it for the decoder to look at. */
export function padChunk(bytes: Uint8Array, start: number, end: number): void {
  const length = end - start;
  if (length + LOOKAHEAD_BYTES > padded.length) {
    padded = new Uint8Array(2 * length + LOOKAHEAD_BYTES);
    view = new DataView(padded.buffer);
  }
  // A copy is cheaper than a check at every read, and makes shared memory stand still.
  if (length > 256) padded.set(bytes.subarray(start, end));
  else for (let i = 0; i < length; i++) padded[i] = bytes[start + i] as number;
  padded.fill(0, length, length + LOOKAHEAD_BYTES);
}

/** The 32 bits from bit `position` of the chunk at hand on. */
export function bits32(position: number): number {
  const at = position >>> 3;
  const shift = position & 7;
  return (view.getInt32(at) << shift) | (view.getUint8(at + 4) >>> (8 - shift));
}

/**
 * Decodes the chunk `bytes[start, end)` and appends its samples with `minTime <= t <= maxTime` to `into`.
 *
 * Returns false, and leaves `into` as it was, when the bytes are no such chunk. Reads nothing outside of the chunk,
 * and takes no more steps than the chunk has samples.
 */
export function decodeXor(
  bytes: Uint8Array,
  start: number,
  end: number,
  minTime: number,
  maxTime: number,
  into: SampleBuffer,
): boolean {
  const length = end - start;
  if (length < 2) return false;
  const samples = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  if (samples === 0) return true;
  // The first sample takes 9 bytes, the second one more and a bit, all others two bits.
  const endBits = length * 8;
  if ((samples === 1 ? 88 : 97) + (samples - 2) * 2 > endBits && samples > 1) return false;
  if (length < 11) return false;
  padChunk(bytes, start, end);

  into.reserve(samples);
  const { times, halves } = into;
  const countBefore = into.count;
  let count = countBefore;

  // The first sample: time as a varint, value as it is.
  const firstTime = varint(16, endBits);
  if (firstTime === undefined) return false;
  let t = firstTime;
  let position = varintEnd;
  if (position + 64 > endBits) return false;
  let high = bits32(position);
  let low = bits32(position + 32);
  position += 64;
  if (t >= minTime && t <= maxTime) {
    times[count] = t;
    halves[2 * count] = low;
    halves[2 * count + 1] = high;
    count++;
  }
  let delta = 0;
  // The window of the last XOR: its bits lie `leading` bits behind the start of a word.
  let leading = 0;
  let windowBits = 64;
  let maskHigh = -1;
  let maskLow = -1;
  for (let i = 1; i < samples; i++) {
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
        word <<= 1;
      } else if ((word & 0x40000000) === 0) {
        let dod = (word << 2) >>> 18;
        if (dod > 0x2000) dod -= 0x4000;
        delta += dod;
        position += 16;
        word <<= 16;
      } else if ((word & 0x20000000) === 0) {
        let dod = (word << 3) >>> 15;
        if (dod > 0x10000) dod -= 0x20000;
        delta += dod;
        position += 20;
        word = bits32(position);
      } else if ((word & 0x10000000) === 0) {
        let dod = (word << 4) >>> 12;
        if (dod > 0x80000) dod -= 0x100000;
        delta += dod;
        position += 24;
        word = bits32(position);
      } else {
        delta += bits32(position + 4) * TWO_32 + (bits32(position + 36) >>> 0);
        position += 68;
        if (position > endBits) return false;
        word = bits32(position);
      }
    }
    t += delta;
    if (word >= 0) {
      position += 1;
    } else {
      if ((word & 0x40000000) === 0) {
        position += 2;
      } else {
        leading = (word >>> 25) & 0x1f;
        windowBits = (word >>> 19) & 0x3f;
        if (windowBits === 0) windowBits = 64;
        if (leading + windowBits > 64) return false;
        position += 13;
        const trailing = 64 - leading - windowBits;
        maskHigh = trailing >= 32 ? (trailing >= 64 ? 0 : -1 << (trailing - 32)) : -1;
        if (leading > 0) maskHigh &= -1 >>> leading;
        maskLow = trailing >= 32 ? 0 : -1 << trailing;
      }
      if (position + windowBits > endBits) return false;
      // The window's bits stand where they belong when reading begins `leading` bits before them.
      const at = position - leading;
      if (maskHigh !== 0) high ^= bits32(at) & maskHigh;
      if (maskLow !== 0) low ^= bits32(at + 32) & maskLow;
      position += windowBits;
    }
    if (position > endBits) return false;
    if (t < minTime) continue;
    if (t > maxTime) break;
    times[count] = t;
    halves[2 * count] = low;
    halves[2 * count + 1] = high;
    count++;
  }
  into.startTimes?.fill(0, countBefore, count);
  into.count = count;
  return true;
}

/** Where the last varint ended, in bits. */
export let varintEnd = 0;

/** The varint at bit `position`, where a byte begins; undefined when the chunk ends before it. */
export function uvarint(position: number, endBits: number): number | undefined {
  let value = 0;
  let scale = 1;
  let at = position >>> 3;
  for (let i = 0; i < 10; i++) {
    if (at * 8 >= endBits) return undefined;
    const byte = padded[at++] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      varintEnd = at * 8;
      return value;
    }
    scale *= 128;
  }
  return undefined;
}

/** The same, zig-zag. */
export function varint(position: number, endBits: number): number | undefined {
  const negative = ((padded[position >>> 3] as number) & 1) === 1;
  const value = uvarint(position, endBits);
  return value === undefined ? undefined : negative ? -(value + 1) / 2 : value / 2;
}

/**
 * Writes values by XOR with the one before, as XOR chunks and the float parts of histogram chunks do. One per stream
 * of values.
 */
export class XorValueWriter {
  high = 0;
  low = 0;
  /** 0xff: no window yet. */
  #leading = 0xff;
  #trailing = 0;

  /** Sets the value that the next one is compared with. */
  start(high: number, low: number): void {
    this.high = high;
    this.low = low;
  }

  write(into: BitWriter, high: number, low: number): void {
    const xorHigh = (high ^ this.high) >>> 0;
    const xorLow = (low ^ this.low) >>> 0;
    this.high = high;
    this.low = low;
    if (xorHigh === 0 && xorLow === 0) {
      into.bits(0, 1);
      return;
    }
    const leading = Math.min(31, xorHigh === 0 ? 32 + Math.clz32(xorLow) : Math.clz32(xorHigh));
    const trailing = xorLow === 0 ? 32 + trailingZeros(xorHigh) : trailingZeros(xorLow);
    if (this.#leading !== 0xff && leading >= this.#leading && trailing >= this.#trailing) {
      into.bits(2, 2);
    } else {
      this.#leading = leading;
      this.#trailing = trailing;
      // 64 significant bits do not fit into six; 0 stands for them.
      into.bits((3 << 11) | (leading << 6) | ((64 - leading - trailing) & 0x3f), 13);
    }
    const shift = this.#trailing;
    const count = 64 - this.#leading - shift;
    if (shift >= 32) into.bits64(0, xorHigh >>> (shift - 32), count);
    else if (shift === 0) into.bits64(xorHigh, xorLow, count);
    else into.bits64(xorHigh >>> shift, (xorLow >>> shift) | (xorHigh << (32 - shift)), count);
  }
}

function trailingZeros(value: number): number {
  return 31 - Math.clz32(value & -value);
}

/**
 * Appends the samples `[from, to)` to `into` (cleared before by the caller) as one XOR chunk, byte for byte what the
 * reference makes of them. At least one sample, at most `MAX_CHUNK_SAMPLES`; times ascend, within 2^53.
 */
export function encodeXor(into: BitWriter, times: Float64Array, halves: Uint32Array, from: number, to: number): void {
  into.bits(to - from, 16);
  let t = times[from] as number;
  into.varint64(Math.floor(t / TWO_32) >>> 0, t >>> 0);
  const values = new XorValueWriter();
  values.start(halves[2 * from + 1] as number, halves[2 * from] as number);
  into.bits64(values.high, values.low, 64);
  let delta = 0;
  for (let i = from + 1; i < to; i++) {
    const nextDelta = (times[i] as number) - t;
    t = times[i] as number;
    if (i === from + 1) into.uvarint64(Math.floor(nextDelta / TWO_32) >>> 0, nextDelta >>> 0);
    else writeDod(into, nextDelta - delta);
    delta = nextDelta;
    values.write(into, halves[2 * i + 1] as number, halves[2 * i] as number);
  }
}

function writeDod(into: BitWriter, dod: number): void {
  if (dod === 0) into.bits(0, 1);
  else if (dod >= -0x1fff && dod <= 0x2000) into.bits((2 << 14) | (dod & 0x3fff), 16);
  else if (dod >= -0xffff && dod <= 0x10000) into.bits((6 << 17) | (dod & 0x1ffff), 20);
  else if (dod >= -0x7ffff && dod <= 0x80000) into.bits((14 << 20) | (dod & 0xfffff), 24);
  else {
    into.bits(15, 4);
    into.bits64(Math.floor(dod / TWO_32) >>> 0, dod >>> 0, 64);
  }
}
