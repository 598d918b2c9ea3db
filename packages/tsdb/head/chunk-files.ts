// The head's side of `chunks_head`: full chunks go there, and are read back from there by any thread.
import type { SampleBuffer } from "@narthex/storage";
import { decodeChunk } from "../chunk/decode.ts";
import { ChunkError } from "../chunk/format.ts";
import { type HeadChunkReader, type HeadChunkWriter, headChunkFile, headChunkRef } from "../chunk/head-chunks.ts";
import type { ChunkPlace, ChunkSink } from "./finished-chunks.ts";
import type { ChunkBytes, ChunkSource } from "./head-view.ts";

/** Writes full chunks. Used by the single writer. */
export class ChunkFileSink implements ChunkSink {
  readonly #writer: HeadChunkWriter;
  readonly #outOfOrder: boolean;

  /** `outOfOrder` marks the chunks as such. */
  constructor(writer: HeadChunkWriter, outOfOrder = false) {
    this.#writer = writer;
    this.#outOfOrder = outOfOrder;
  }

  write(
    ref: number,
    minTime: number,
    maxTime: number,
    encoding: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ChunkPlace {
    return placeOf(this.#writer.write(ref, minTime, maxTime, encoding, this.#outOfOrder, bytes, start, end));
  }

  flush(): void {
    this.#writer.flush();
  }
}

/** Reads them back; one per thread. */
export class ChunkFileSource implements ChunkSource {
  readonly #reader: HeadChunkReader;

  constructor(reader: HeadChunkReader) {
    this.#reader = reader;
  }

  read(file: number, offset: number, minTime: number, maxTime: number, into: SampleBuffer): void {
    const chunk = this.#reader.read(headChunkRef(file, offset));
    if (!decodeChunk(chunk.encoding, chunk.bytes, chunk.start, chunk.end, minTime, maxTime, into)) {
      throw new ChunkError(`chunk at ${offset} of file ${file} in ${this.#reader.directory} cannot be decoded`);
    }
  }

  chunk(file: number, offset: number): ChunkBytes {
    return this.#reader.read(headChunkRef(file, offset));
  }
}

/** A chunk reference as two numbers of 32 bits. */
export function placeOf(ref: number): ChunkPlace {
  return { file: headChunkFile(ref), offset: ref >>> 0 };
}
