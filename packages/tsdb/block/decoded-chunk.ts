// Chunks of floats as they come out of the decoder, kept for the next query: reading a few samples of one then costs
// no disk, no checksum and no decoding.
import type { SampleBuffer } from "@narthex/storage";
import { CacheBudget, GenerationCache } from "../index/generation-cache.ts";

/** Samples are kept in pieces of so many numbers (128 KiB), which go when none of their chunks is in use any more. */
const SLAB_NUMBERS = 16 * 1024;
/** What all blocks of a thread may keep decoded, in numbers of 8 bytes: 32 MiB. */
const MAX_NUMBERS = 4 * 1024 * 1024;
/** A chunk itself takes the memory of about so many numbers. */
const CHUNK_WEIGHT = 16;
/** Longer stretches are copied by the runtime, shorter ones in a loop. */
const LOOP_SAMPLES = 24;

interface Slab {
  readonly numbers: Float64Array;
  /** The same memory: values are copied by halves, so that no NaN loses its bits. */
  readonly halves: Uint32Array;
}

/** The samples of one chunk. Immutable. */
export interface DecodedChunk {
  readonly slab: Slab;
  /** The values are `slab.numbers[start, start + count)`; where `intervalMs` is 0, the times follow. */
  readonly start: number;
  readonly count: number;
  readonly firstTime: number;
  /** Milliseconds between neighbouring samples if that is always the same, else 0. */
  readonly intervalMs: number;
}

const budget = new CacheBudget(MAX_NUMBERS);
let slab: Slab | undefined;
let slabUsed = 0;

/** The cache of one block's chunks, by their reference. All of a thread share one bound. */
export function chunkCache(): GenerationCache<DecodedChunk> {
  return new GenerationCache<DecodedChunk>(budget, (chunk) => numbersOf(chunk) + CHUNK_WEIGHT, copyOf);
}

/** Keeps what a chunk without start timestamps was decoded to; undefined for chunks too large to keep. */
export function keepSamples({ times, halves, count }: SampleBuffer): DecodedChunk | undefined {
  if (count === 0 || 2 * count > SLAB_NUMBERS) return undefined;
  const firstTime = times[0] as number;
  let intervalMs = count > 1 ? (times[1] as number) - firstTime : 1;
  for (let i = 1, t = firstTime; i < count; i++) {
    t += intervalMs;
    if (times[i] !== t) {
      intervalMs = 0;
      break;
    }
  }
  if (intervalMs < 0) intervalMs = 0;
  const start = take(intervalMs === 0 ? 2 * count : count);
  const target = slab as Slab;
  target.halves.set(halves.subarray(0, 2 * count), 2 * start);
  if (intervalMs === 0) target.numbers.set(times.subarray(0, count), start + count);
  return { slab: target, start, count, firstTime, intervalMs };
}

/** Appends the samples with `minTime <= t <= maxTime` to `into`. */
export function copySamples(chunk: DecodedChunk, minTime: number, maxTime: number, into: SampleBuffer): void {
  const { count, firstTime, intervalMs, start } = chunk;
  const { numbers, halves } = chunk.slab;
  let from = 0;
  let to = count;
  if (intervalMs > 0) {
    if (minTime > firstTime) from = Math.ceil((minTime - firstTime) / intervalMs);
    if (maxTime < firstTime + (count - 1) * intervalMs) to = Math.floor((maxTime - firstTime) / intervalMs) + 1;
  } else {
    const times = start + count;
    while (from < count && (numbers[times + from] as number) < minTime) from++;
    while (to > from && (numbers[times + to - 1] as number) > maxTime) to--;
  }
  const taken = to - from;
  if (taken <= 0) return;
  into.reserve(taken);
  const at = into.count;
  const { times } = into;
  if (intervalMs > 0) {
    for (let i = 0, t = firstTime + from * intervalMs; i < taken; i++, t += intervalMs) times[at + i] = t;
  } else {
    for (let i = 0; i < taken; i++) times[at + i] = numbers[start + count + from + i] as number;
  }
  const source = 2 * (start + from);
  if (taken > LOOP_SAMPLES) into.halves.set(halves.subarray(source, source + 2 * taken), 2 * at);
  else for (let i = 0; i < 2 * taken; i++) into.halves[2 * at + i] = halves[source + i] as number;
  into.startTimes?.fill(0, at, at + taken);
  into.count = at + taken;
}

function numbersOf({ count, intervalMs }: DecodedChunk): number {
  return intervalMs === 0 ? 2 * count : count;
}

function copyOf(chunk: DecodedChunk): DecodedChunk {
  const numbers = numbersOf(chunk);
  const start = take(numbers);
  const target = slab as Slab;
  target.halves.set(chunk.slab.halves.subarray(2 * chunk.start, 2 * (chunk.start + numbers)), 2 * start);
  return { ...chunk, slab: target, start };
}

/** Room for so many numbers in `slab`. */
function take(count: number): number {
  if (slab === undefined || slabUsed + count > SLAB_NUMBERS) {
    const numbers = new Float64Array(SLAB_NUMBERS);
    slab = { numbers, halves: new Uint32Array(numbers.buffer) };
    slabUsed = 0;
  }
  const start = slabUsed;
  slabUsed += count;
  return start;
}
