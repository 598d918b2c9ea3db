// Numbers of the chunk formats. Source: tsdb/docs/format/chunks.md of the reference, and its code.

/** What a chunk's encoding byte says. */
export const ChunkEncoding = {
  none: 0,
  xor: 1,
  histogram: 2,
  floatHistogram: 3,
  xor2: 4,
  histogramStart: 5,
  floatHistogramStart: 6,
} as const;
export type ChunkEncoding = (typeof ChunkEncoding)[keyof typeof ChunkEncoding];

/** Samples that a chunk can count: its first two bytes. */
export const MAX_CHUNK_SAMPLES = 0xffff;

/** As many samples can those chunks of histograms count whose first two bits tell of counter resets. */
export const MAX_START_HISTOGRAMS = 0x3fff;

/** Whether chunks of this encoding have room for start timestamps. */
export function hasStartTimes(encoding: number): boolean {
  return encoding >= ChunkEncoding.xor2;
}

/** Whether chunks of this encoding hold histograms whose counts are integers. */
export function hasIntegers(encoding: number): boolean {
  return encoding === ChunkEncoding.histogram || encoding === ChunkEncoding.histogramStart;
}

/** Whether chunks of this encoding hold floats. */
export function hasFloats(encoding: number): boolean {
  return encoding === ChunkEncoding.xor || encoding === ChunkEncoding.xor2;
}

/** How many samples a chunk says it has; 0 when it is too short to say. */
export function chunkSampleCount(encoding: number, bytes: Uint8Array, start: number, end: number): number {
  if (end - start < 2) return 0;
  const count = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  return encoding > ChunkEncoding.xor2 ? count & MAX_START_HISTOGRAMS : count;
}

/** A chunk's bytes contradict their format. `offset` counts from where the chunk begins. */
export class ChunkError extends Error {
  override readonly name = "ChunkError";
  readonly code = "chunk_corrupt";
}
