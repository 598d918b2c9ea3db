// Chunks of floats as they come out of the decoder, kept for the next query: reading a few samples of one then costs
// no disk, no checksum and no decoding.
//
// Values are kept narrow where nothing is lost by it. What is measured is mostly whole numbers or has two or three
// decimals, and within a chunk they lie close together: then each is a distance from the least one, in as few bytes as
// the largest distance takes. So a sample takes about as much memory as in its chunk, and is read at once.
import type { SampleBuffer } from "@narthex/storage";

/** Samples are kept in pieces of so many bytes, which go when none of their chunks is in use any more. */
const SLAB_BYTES = 128 * 1024;
/** A chunk itself takes about so much memory. */
const CHUNK_WEIGHT_BYTES = 160;
/** Longer chunks are not kept. */
const MAX_SAMPLES = SLAB_BYTES / 16;
/** Longer stretches are copied by the runtime, shorter ones in a loop. */
const LOOP_SAMPLES = 24;
/** Values are tried as whole multiples of 1 / scale. */
const SCALES = [1, 100, 1000] as const;
const TWO_32 = 0x1_0000_0000;

/** One piece of memory, seen in all widths. */
interface Slab {
  readonly bytes: Uint8Array;
  readonly shorts: Uint16Array;
  /** Values that are kept whole are copied by halves, so that no NaN loses its bits. */
  readonly words: Uint32Array;
}

/** The samples of one chunk. Immutable. */
export interface DecodedChunk {
  readonly slab: Slab;
  /** Where the values begin in the slab, in bytes, a multiple of 8; where `intervalMs` is 0, the times follow behind them. */
  readonly start: number;
  readonly count: number;
  readonly firstTime: number;
  /** Milliseconds between neighbouring samples if that is always the same; else 0, and times are distances from the first in 4 bytes. */
  readonly intervalMs: number;
  /** Bytes per value: 8 is the value itself, 0 means that all are the one that stands at `start`. */
  readonly width: 0 | 1 | 2 | 4 | 8;
  /** A value of 1, 2 or 4 bytes stands for `(base + stored) / scale`. */
  readonly base: number;
  readonly scale: number;
}

let slab: Slab | undefined;
let slabUsed = 0;
/** Values as multiples of 1 / scale. */
const multiples = new Float64Array(MAX_SAMPLES);
let leastMultiple = 0;
let largestMultiple = 0;

/** Keeps what a chunk without start timestamps was decoded to; undefined for chunks too large to keep. */
export function keepSamples({ times, halves, values, count }: SampleBuffer): DecodedChunk | undefined {
  if (count === 0 || count > MAX_SAMPLES) return undefined;
  const firstTime = times[0] as number;
  if ((times[count - 1] as number) - firstTime >= TWO_32) return undefined;
  let intervalMs = count > 1 ? (times[1] as number) - firstTime : 1;
  for (let i = 1, t = firstTime; i < count; i++) {
    t += intervalMs;
    if (times[i] !== t) {
      intervalMs = 0;
      break;
    }
  }
  let width: DecodedChunk["width"] = 0;
  let base = 0;
  let scale = 1;
  if (!isConstant(halves, count)) {
    width = 8;
    for (const tried of SCALES) {
      if (!findMultiples(values, count, tried)) continue;
      const span = largestMultiple - leastMultiple;
      if (span >= TWO_32) break;
      width = span < 0x100 ? 1 : span < 0x10000 ? 2 : 4;
      base = leastMultiple;
      scale = tried;
      break;
    }
  }
  const valueBytes = valueBytesOf(width, count);
  const start = take(valueBytes + (intervalMs === 0 ? 4 * count : 0));
  const { bytes, shorts, words } = slab as Slab;
  switch (width) {
    case 0:
      words[start >>> 2] = halves[0] as number;
      words[(start >>> 2) + 1] = halves[1] as number;
      break;
    case 1:
      for (let i = 0; i < count; i++) bytes[start + i] = (multiples[i] as number) - base;
      break;
    case 2:
      for (let i = 0, at = start >>> 1; i < count; i++) shorts[at + i] = (multiples[i] as number) - base;
      break;
    case 4:
      for (let i = 0, at = start >>> 2; i < count; i++) words[at + i] = (multiples[i] as number) - base;
      break;
    case 8:
      words.set(halves.subarray(0, 2 * count), start >>> 2);
      break;
  }
  if (intervalMs === 0) {
    const at = (start + valueBytes) >>> 2;
    for (let i = 0; i < count; i++) words[at + i] = (times[i] as number) - firstTime;
  }
  return { slab: slab as Slab, start, count, firstTime, intervalMs, width, base, scale };
}

function isConstant(halves: Uint32Array, count: number): boolean {
  const low = halves[0];
  const high = halves[1];
  for (let i = 2; i < 2 * count; i += 2) if (halves[i] !== low || halves[i + 1] !== high) return false;
  return true;
}

/** Whether every value is exactly some whole number divided by `scale`; leaves those numbers in `multiples`. */
function findMultiples(values: Float64Array, count: number, scale: number): boolean {
  let least = Number.POSITIVE_INFINITY;
  let largest = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < count; i++) {
    const value = values[i] as number;
    const multiple = Math.round(value * scale);
    // Neither NaN nor a negative zero comes back.
    if (multiple / scale !== value || (multiple === 0 && 1 / value < 0)) return false;
    multiples[i] = multiple;
    if (multiple < least) least = multiple;
    if (multiple > largest) largest = multiple;
  }
  leastMultiple = least;
  largestMultiple = largest;
  return least >= Number.MIN_SAFE_INTEGER && largest <= Number.MAX_SAFE_INTEGER;
}

/** Appends the samples with `minTime <= t <= maxTime` to `into`. */
export function copySamples(chunk: DecodedChunk, minTime: number, maxTime: number, into: SampleBuffer): void {
  const { count, firstTime, intervalMs, start, width } = chunk;
  const { words } = chunk.slab;
  let from = 0;
  let to = count;
  const timesAt = (start + valueBytesOf(width, count)) >>> 2;
  if (intervalMs > 0) {
    if (minTime > firstTime) from = Math.ceil((minTime - firstTime) / intervalMs);
    if (maxTime < firstTime + (count - 1) * intervalMs) to = Math.floor((maxTime - firstTime) / intervalMs) + 1;
  } else {
    while (from < count && firstTime + (words[timesAt + from] as number) < minTime) from++;
    while (to > from && firstTime + (words[timesAt + to - 1] as number) > maxTime) to--;
  }
  const taken = to - from;
  if (taken <= 0) return;
  into.reserve(taken);
  const at = into.count;
  const { times } = into;
  if (intervalMs > 0) {
    for (let i = 0, t = firstTime + from * intervalMs; i < taken; i++, t += intervalMs) times[at + i] = t;
  } else {
    for (let i = 0; i < taken; i++) times[at + i] = firstTime + (words[timesAt + from + i] as number);
  }
  copyValues(chunk, from, taken, into);
  into.startTimes?.fill(0, at, at + taken);
  into.count = at + taken;
}

function copyValues(
  { slab, start, width, base, scale }: DecodedChunk,
  from: number,
  taken: number,
  into: SampleBuffer,
): void {
  const { halves } = into;
  const at = into.count;
  switch (width) {
    case 0: {
      const low = slab.words[start >>> 2] as number;
      const high = slab.words[(start >>> 2) + 1] as number;
      for (let i = 2 * at; i < 2 * (at + taken); i += 2) {
        halves[i] = low;
        halves[i + 1] = high;
      }
      return;
    }
    case 1:
      widen(slab.bytes, start + from, taken, base, scale, into.values, at);
      return;
    case 2:
      widenShorts(slab.shorts, (start >>> 1) + from, taken, base, scale, into.values, at);
      return;
    case 4:
      widenWords(slab.words, (start >>> 2) + from, taken, base, scale, into.values, at);
      return;
    case 8: {
      const source = (start >>> 2) + 2 * from;
      if (taken > LOOP_SAMPLES) halves.set(slab.words.subarray(source, source + 2 * taken), 2 * at);
      else for (let i = 0; i < 2 * taken; i++) halves[2 * at + i] = slab.words[source + i] as number;
    }
  }
}

// The same three times: each sees arrays of one kind only, which the engine compiles to plain loads.

function widen(
  source: Uint8Array,
  from: number,
  count: number,
  base: number,
  scale: number,
  target: Float64Array,
  at: number,
): void {
  if (scale === 1) for (let i = 0; i < count; i++) target[at + i] = base + (source[from + i] as number);
  else for (let i = 0; i < count; i++) target[at + i] = (base + (source[from + i] as number)) / scale;
}

function widenShorts(
  source: Uint16Array,
  from: number,
  count: number,
  base: number,
  scale: number,
  target: Float64Array,
  at: number,
): void {
  if (scale === 1) for (let i = 0; i < count; i++) target[at + i] = base + (source[from + i] as number);
  else for (let i = 0; i < count; i++) target[at + i] = (base + (source[from + i] as number)) / scale;
}

function widenWords(
  source: Uint32Array,
  from: number,
  count: number,
  base: number,
  scale: number,
  target: Float64Array,
  at: number,
): void {
  if (scale === 1) for (let i = 0; i < count; i++) target[at + i] = base + (source[from + i] as number);
  else for (let i = 0; i < count; i++) target[at + i] = (base + (source[from + i] as number)) / scale;
}

/** Bytes that the values of a chunk take, to a multiple of 8. */
function valueBytesOf(width: number, count: number): number {
  return width === 0 ? 8 : (width * count + 7) & -8;
}

function bytesOf({ count, intervalMs, width }: DecodedChunk): number {
  return (valueBytesOf(width, count) + (intervalMs === 0 ? 4 * count : 0) + 7) & -8;
}

/** About how much memory a chunk takes. */
export function weightOf(chunk: DecodedChunk): number {
  return bytesOf(chunk) + CHUNK_WEIGHT_BYTES;
}

/** A copy in the newest piece of memory, so that the piece it was in may go. */
export function renewed(chunk: DecodedChunk): DecodedChunk {
  const length = bytesOf(chunk);
  const start = take(length);
  const target = slab as Slab;
  target.bytes.set(chunk.slab.bytes.subarray(chunk.start, chunk.start + length), start);
  return { ...chunk, slab: target, start };
}

/** Room for so many bytes in `slab`. */
function take(length: number): number {
  const rounded = (length + 7) & -8;
  if (slab === undefined || slabUsed + rounded > SLAB_BYTES) {
    const buffer = new ArrayBuffer(SLAB_BYTES);
    slab = { bytes: new Uint8Array(buffer), shorts: new Uint16Array(buffer), words: new Uint32Array(buffer) };
    slabUsed = 0;
  }
  const start = slabUsed;
  slabUsed += rounded;
  return start;
}
