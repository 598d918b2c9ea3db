// Any chunk, by its encoding byte.
import type { SampleBuffer } from "@narthex/storage";
import { ChunkEncoding } from "./format.ts";
import { decodeHistogramChunk } from "./histogram.ts";
import { decodeXor } from "./xor.ts";
import { decodeXor2 } from "./xor2.ts";

/**
 * Appends the samples of the chunk `bytes[start, end)` with `minTime <= t <= maxTime` to `into`, with their start timestamps
 * where the chunk has any. Returns false, and adds nothing to `into`, for damaged bytes and for encodings that nobody knows.
 */
export function decodeChunk(
  encoding: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  minTime: number,
  maxTime: number,
  into: SampleBuffer,
): boolean {
  switch (encoding) {
    case ChunkEncoding.xor:
      return decodeXor(bytes, start, end, minTime, maxTime, into);
    case ChunkEncoding.xor2:
      return decodeXor2(bytes, start, end, minTime, maxTime, into);
    case ChunkEncoding.histogram:
    case ChunkEncoding.floatHistogram:
    case ChunkEncoding.histogramStart:
    case ChunkEncoding.floatHistogramStart:
      return decodeHistogramChunk(encoding, bytes, start, end, minTime, maxTime, into);
    default:
      return false;
  }
}
