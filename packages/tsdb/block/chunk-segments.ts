// The chunk files of a block: reading one series' chunks with as few positioned reads as they allow.
import { crc32c } from "@narthex/encoding";
import { SampleBuffer } from "@narthex/storage";
import { decodeChunk } from "../chunk/decode.ts";
import { copySamples, keepSamples } from "../chunk/decoded-chunk.ts";
import { ChunkError, hasFloats } from "../chunk/format.ts";
import { type FileSystem, isNotFound, joinPath, type OpenFile } from "../fs/file-system.ts";
import { keepDecoded, type SeriesChunks, type SeriesEntry } from "../index/series-columns.ts";
import { mergeRuns } from "./sample-merge.ts";

/** The directory's name inside a block. */
export const CHUNKS_DIRECTORY = "chunks";
export const SEGMENT_MAGIC = 0x85bd40dd;
export const SEGMENT_VERSION = 1;
export const SEGMENT_HEADER_BYTES = 8;
const TWO_32 = 0x1_0000_0000;
/** Bytes around a chunk's data at most: length (5), encoding, checksum (4). */
const CHUNK_FRAME_BYTES = 5 + 1 + 4;
/** How much is read for a chunk whose length is unknown: most are smaller. */
const GUESSED_CHUNK_BYTES = 1100;
/** One read covers no more than this... */
const MAX_READ_BYTES = 1024 * 1024;
/** ...and no gap larger than this between two chunks. */
const MAX_GAP_BYTES = 32 * 1024;
/** Reads that follow each other grow up to this. */
const MAX_AHEAD_BYTES = 64 * 1024;
/** No chunk is larger. */
const MAX_CHUNK_BYTES = 64 * 1024 * 1024;

const whole = new SampleBuffer();

/** One chunk's place and content, valid until the next read. */
export interface RawChunk {
  encoding: number;
  bytes: Uint8Array;
  /** The data is `bytes[start, end)`. */
  start: number;
  end: number;
}

/** All chunk files of a block, open: so that removing the block does not disturb a query that reads it. */
export class ChunkSegments {
  readonly path: string;
  readonly size: number;
  readonly #files: OpenFile[];
  readonly #sizes: number[] = [];
  #buffer = new Uint8Array(16 * 1024);
  /** What of which file lies in the buffer. */
  #bufferedFile = -1;
  #bufferedFrom = 0;
  #bufferedTo = 0;
  /** How much more than asked for is read, as long as reads follow each other. */
  #aheadBytes = 0;
  readonly #chunk: RawChunk = { encoding: 0, bytes: this.#buffer, start: 0, end: 0 };

  /** Throws `ChunkError` when a file is none of a block's. */
  static open(fs: FileSystem, blockPath: string): ChunkSegments {
    const path = joinPath(blockPath, CHUNKS_DIRECTORY);
    let names: string[] = [];
    try {
      names = fs.list(path).filter((name) => /^\d{1,7}$/.test(name));
    } catch (error) {
      // A block without samples may have no chunks at all.
      if (!isNotFound(error)) throw error;
    }
    names.sort((a, b) => Number(a) - Number(b));
    const files: OpenFile[] = [];
    try {
      for (const name of names) {
        const file = fs.open(joinPath(path, name), "read");
        files.push(file);
        checkHeader(file);
      }
      return new ChunkSegments(path, files);
    } catch (error) {
      for (const file of files) file.close();
      throw error;
    }
  }

  private constructor(path: string, files: OpenFile[]) {
    this.path = path;
    this.#files = files;
    let size = 0;
    for (const file of files) {
      const bytes = file.size();
      this.#sizes.push(bytes);
      size += bytes;
    }
    this.size = size;
  }

  close(): void {
    for (const file of this.#files) file.close();
    this.#bufferedFile = -1;
    this.#buffer = new Uint8Array(0);
  }

  /**
   * Appends a series' samples with `minTime <= t <= maxTime` to `into`, ascending, each time once. Throws `ChunkError`
   * for damaged chunks. Chunks are kept decoded with the entry `keep` of the same series, if there is one.
   */
  readSeries(series: SeriesChunks, minTime: number, maxTime: number, into: SampleBuffer, keep?: SeriesEntry): void {
    const { first, chunkCount, minTimes, maxTimes, refs } = series;
    const decoded = keep?.decoded;
    const begin = into.count;
    for (let i = first; i < first + chunkCount; i++) {
      if ((maxTimes[i] as number) < minTime || (minTimes[i] as number) > maxTime) continue;
      const middle = into.count;
      const known = decoded?.[i];
      if (known !== undefined) {
        copySamples(known, minTime, maxTime, into);
      } else {
        const ref = refs[i] as number;
        const chunk = this.read(ref, () => this.#endOfRun(series, i, maxTime));
        if (keep === undefined || !this.#decodeAndKeep(chunk, keep, i, minTime, maxTime, into)) {
          this.#decode(ref, chunk, minTime, maxTime, into);
        }
      }
      // Chunks of a series may overlap in blocks that other programs wrote.
      if (middle > begin) mergeRuns(into, begin, middle);
    }
  }

  #decode(ref: number, chunk: RawChunk, minTime: number, maxTime: number, into: SampleBuffer): void {
    const { encoding, bytes, start, end } = chunk;
    if (!decodeChunk(encoding, bytes, start, end, minTime, maxTime, into)) {
      throw new ChunkError(`${this.#place(ref)}: chunk of encoding ${encoding} cannot be decoded`);
    }
  }

  /** Decodes all of a chunk of floats for the next query. False when it is nothing to be kept. */
  #decodeAndKeep(
    { encoding, bytes, start, end }: RawChunk,
    entry: SeriesEntry,
    at: number,
    minTime: number,
    maxTime: number,
    into: SampleBuffer,
  ): boolean {
    if (!hasFloats(encoding)) return false;
    whole.clear();
    if (!decodeChunk(encoding, bytes, start, end, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, whole))
      return false;
    const kept = whole.startTimes === undefined ? keepSamples(whole) : undefined;
    if (kept === undefined) return false;
    keepDecoded(entry, at, kept);
    copySamples(kept, minTime, maxTime, into);
    return true;
  }

  /** One chunk. `readAhead` says up to which offset of the file it is worth reading, in case a read is needed. */
  read(ref: number, readAhead?: () => number): RawChunk {
    const index = Math.floor(ref / TWO_32);
    const offset = ref - index * TWO_32;
    const size = this.#sizes[index];
    if (size === undefined || offset < SEGMENT_HEADER_BYTES || offset >= size) {
      throw new ChunkError(`${this.#place(ref)}: no such place`);
    }
    if (index !== this.#bufferedFile || offset < this.#bufferedFrom || offset + CHUNK_FRAME_BYTES > this.#bufferedTo) {
      this.#fetch(index, offset, readAhead?.() ?? offset + GUESSED_CHUNK_BYTES);
    }
    let needed = this.#parse(offset);
    if (needed > this.#bufferedTo - offset && needed <= size - offset) {
      this.#fetch(index, offset, offset + needed);
      needed = this.#parse(offset);
    }
    if (needed === 0 || needed > this.#bufferedTo - offset)
      throw new ChunkError(`${this.#place(ref)}: impossible length`);
    const { bytes, start, end } = this.#chunk;
    const expected =
      (((bytes[end] as number) << 24) |
        ((bytes[end + 1] as number) << 16) |
        ((bytes[end + 2] as number) << 8) |
        (bytes[end + 3] as number)) >>>
      0;
    if (crc32c(bytes, start - 1, end) !== expected) throw new ChunkError(`${this.#place(ref)}: checksum mismatch`);
    return this.#chunk;
  }

  /** Where a read that begins at chunk `from` should end: behind the last chunk in the range that lies close by. */
  #endOfRun({ first, chunkCount, minTimes, refs }: SeriesChunks, from: number, maxTime: number): number {
    const begin = refs[from] as number;
    const file = Math.floor(begin / TWO_32);
    let last = begin;
    let end = begin + GUESSED_CHUNK_BYTES;
    for (let i = from + 1; i < first + chunkCount; i++) {
      const ref = refs[i] as number;
      const follows = ref > last && ref - last <= MAX_GAP_BYTES && ref - begin <= MAX_READ_BYTES;
      if (!follows || Math.floor(ref / TWO_32) !== file) break;
      end = ref;
      if ((minTimes[i] as number) > maxTime) break;
      last = ref;
      end = ref + GUESSED_CHUNK_BYTES;
    }
    return end - file * TWO_32;
  }

  #fetch(index: number, from: number, to: number): void {
    // Whoever walks over neighbouring series gets more and more at once; whoever jumps gets what was asked for.
    const follows = index === this.#bufferedFile && from >= this.#bufferedFrom && from <= this.#bufferedTo + 4096;
    this.#aheadBytes = follows ? Math.min(MAX_AHEAD_BYTES, this.#aheadBytes * 2 + 2048) : 0;
    const end = Math.min(Math.max(to, from + this.#aheadBytes), this.#sizes[index] as number);
    const length = Math.max(end - from, Math.min(CHUNK_FRAME_BYTES, (this.#sizes[index] as number) - from));
    if (this.#buffer.length < length) this.#buffer = new Uint8Array(Math.max(length, this.#buffer.length * 2));
    this.#bufferedFile = -1;
    const got = (this.#files[index] as OpenFile).read(this.#buffer, 0, length, from);
    this.#bufferedFile = index;
    this.#bufferedFrom = from;
    this.#bufferedTo = from + got;
  }

  /** Finds the chunk at `offset` in the buffer; returns the bytes it takes, 0 when that cannot be. */
  #parse(offset: number): number {
    const bytes = this.#buffer;
    const begin = offset - this.#bufferedFrom;
    const limit = this.#bufferedTo - this.#bufferedFrom;
    let at = begin;
    let length = 0;
    let scale = 1;
    for (let i = 0; ; i++) {
      if (at >= limit || i === 5) return 0;
      const byte = bytes[at++] as number;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
    }
    if (length > MAX_CHUNK_BYTES) return 0;
    const chunk = this.#chunk;
    chunk.bytes = bytes;
    chunk.encoding = bytes[at] as number;
    chunk.start = at + 1;
    chunk.end = at + 1 + length;
    return chunk.end + 4 - begin;
  }

  #place(ref: number): string {
    const index = Math.floor(ref / TWO_32);
    return `${this.#files[index]?.path ?? `${this.path}, file ${index + 1}`} at ${ref - index * TWO_32}`;
  }
}

function checkHeader(file: OpenFile): void {
  const header = new Uint8Array(SEGMENT_HEADER_BYTES);
  const got = file.read(header, 0, SEGMENT_HEADER_BYTES, 0);
  const magic = new DataView(header.buffer).getUint32(0);
  if (got < SEGMENT_HEADER_BYTES || magic !== SEGMENT_MAGIC) {
    throw new ChunkError(`${file.path}: invalid magic number ${magic.toString(16)}`);
  }
  if (header[4] !== SEGMENT_VERSION) throw new ChunkError(`${file.path}: invalid chunk format version ${header[4]}`);
}
