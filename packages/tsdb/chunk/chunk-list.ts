// Chunks of one series, as they go from where they are stored into a block.
import { ByteWriter } from "@narthex/encoding";
import { chunkSampleCount } from "./format.ts";

/** Chunks side by side, with their bytes in one buffer; reused from series to series. */
export class ChunkList {
  count = 0;
  /** First and last time (milliseconds) and encoding of each chunk. */
  readonly minTimes: number[] = [];
  readonly maxTimes: number[] = [];
  readonly encodings: number[] = [];
  /** Chunk `i` is `data.bytes[starts[i], ends[i])`. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];
  readonly data: ByteWriter = new ByteWriter(16 * 1024);

  clear(): void {
    this.count = 0;
    this.data.clear();
  }

  /** Adds the chunk `bytes[start, end)`, copied. */
  add(minTime: number, maxTime: number, encoding: number, bytes: Uint8Array, start: number, end: number): void {
    const i = this.count++;
    this.minTimes[i] = minTime;
    this.maxTimes[i] = maxTime;
    this.encodings[i] = encoding;
    this.starts[i] = this.data.length;
    this.data.raw(bytes.subarray(start, end));
    this.ends[i] = this.data.length;
  }

  /** How many samples chunk `i` says it has. */
  samples(i: number): number {
    const [start, end] = [this.starts[i] as number, this.ends[i] as number];
    return chunkSampleCount(this.encodings[i] as number, this.data.bytes, start, end);
  }
}
