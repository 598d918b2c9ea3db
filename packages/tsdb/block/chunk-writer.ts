// Writes the chunk files of a block.
import { crc32c } from "@narthex/encoding";
import { BufferedFile } from "../fs/buffered-file.ts";
import { type FileSystem, joinPath } from "../fs/file-system.ts";
import { SEGMENT_HEADER_BYTES, SEGMENT_MAGIC, SEGMENT_VERSION } from "./chunk-segments.ts";

const TWO_32 = 0x1_0000_0000;
/** A file that would grow beyond this is followed by the next. */
const DEFAULT_SEGMENT_BYTES = 512 * 1024 * 1024;

/** Appends chunks to numbered files. */
export class ChunkWriter {
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #segmentBytes: number;
  #file: BufferedFile | undefined;
  #count = 0;
  /** Chunks and bytes written, of all files. */
  chunks = 0;
  bytes = 0;

  constructor(fs: FileSystem, directory: string, segmentBytes: number = DEFAULT_SEGMENT_BYTES) {
    this.#fs = fs;
    this.#directory = directory;
    this.#segmentBytes = segmentBytes;
  }

  /** Adds the chunk `bytes[start, end)`; returns its reference: file index (from 0) times 2^32 plus offset. */
  write(encoding: number, bytes: Uint8Array, start: number, end: number): number {
    if (this.#file === undefined || this.#file.position + (end - start) + 16 > this.#segmentBytes) this.#next();
    const file = this.#file as BufferedFile;
    const offset = file.position;
    const { buffer } = file;
    buffer.uvarint(end - start);
    const from = buffer.length;
    buffer.uint8(encoding);
    buffer.raw(bytes.subarray(start, end));
    buffer.uint32(crc32c(buffer.bytes, from, buffer.length));
    this.bytes += file.position - offset;
    file.settle();
    this.chunks++;
    return (this.#count - 1) * TWO_32 + offset;
  }

  /** Fsyncs and closes the last file. */
  finish(): void {
    this.#file?.finish();
    this.#file = undefined;
  }

  /** Lets go of the last file without finishing it. */
  abandon(): void {
    this.#file?.abandon();
    this.#file = undefined;
  }

  #next(): void {
    this.#file?.finish();
    this.#file = undefined;
    const file = new BufferedFile(this.#fs, joinPath(this.#directory, String(this.#count + 1).padStart(6, "0")));
    this.#count++;
    this.#file = file;
    file.buffer.uint32(SEGMENT_MAGIC);
    file.buffer.uint32(SEGMENT_VERSION * 0x1000000);
    this.bytes += SEGMENT_HEADER_BYTES;
  }
}
