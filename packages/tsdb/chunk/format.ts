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

/** How many samples a chunk says it has; 0 when it is too short to say. */
export function chunkSampleCount(bytes: Uint8Array, start: number, end: number): number {
  return end - start < 2 ? 0 : ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
}

/** A chunk's bytes contradict their format. `offset` counts from where the chunk begins. */
export class ChunkError extends Error {
  override readonly name = "ChunkError";
  readonly code = "chunk_corrupt";
}
