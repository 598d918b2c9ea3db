// `chunks_head`: full chunks of the head, written out so that memory holds only the open ones.
//
// Source: tsdb/docs/format/head_chunks.md of the reference. A chunk's reference is its file's number times 2^32 plus
// its offset in the file.
import { ByteWriter, crc32c } from "@narthex/encoding";
import { type FileSystem, isNotFound, joinPath, type OpenFile } from "../fs/file-system.ts";
import { ChunkError, chunkSampleCount } from "./format.ts";

const MAGIC = 0x0130bc91;
const VERSION = 1;
const FILE_HEADER_BYTES = 8;
/** Series ref, first and last time (8 bytes each), encoding. */
const CHUNK_HEADER_BYTES = 8 + 8 + 8 + 1;
const CRC_BYTES = 4;
/** The encoding byte's highest bit marks a chunk of out-of-order samples. */
const OUT_OF_ORDER_FLAG = 0x80;
const TWO_32 = 0x1_0000_0000;
const DEFAULT_FILE_BYTES = 128 * 1024 * 1024;
/** So much is held back in memory at most. */
const BUFFER_BYTES = 256 * 1024;
/** One read of this size takes in nearly every chunk. */
const READ_BYTES = 2048;
/** No chunk is larger: the reference cuts them at about 1 KiB. */
const MAX_CHUNK_BYTES = 16 * 1024 * 1024;
const MAX_OPEN_FILES = 16;

/** A chunk's reference from its place. */
export function headChunkRef(file: number, offset: number): number {
  return file * TWO_32 + offset;
}

/** The number of the file that a chunk lies in. */
export function headChunkFile(ref: number): number {
  return Math.floor(ref / TWO_32);
}

/** One file of `chunks_head`. */
export interface HeadChunkFile {
  readonly index: number;
  readonly path: string;
  readonly bytes: number;
}

/** Files of a `chunks_head` directory, ascending; other names are passed over. No directory means no files. */
export function listHeadChunkFiles(fs: FileSystem, directory: string): HeadChunkFile[] {
  let names: string[];
  try {
    names = fs.list(directory);
  } catch (error) {
    if (isNotFound(error)) return [];
    throw error;
  }
  const files: HeadChunkFile[] = [];
  for (const name of names) {
    if (!/^\d{1,7}$/.test(name)) continue;
    const path = joinPath(directory, name);
    if (fs.kind(path) === "file") files.push({ index: Number(name), path, bytes: fs.size(path) });
  }
  return files.sort((a, b) => a.index - b.index);
}

export interface HeadChunkWriterOptions {
  /** The first file comes after this number as well, whatever files are there. */
  readonly afterFile?: number;
  /** A file that would grow beyond this is followed by the next; default 128 MiB. */
  readonly fileBytes?: number;
  /** Told when the fsync of a finished file failed in the background. */
  readonly onSyncError?: (error: unknown) => void;
}

/**
 * Appends chunks to `chunks_head`. `write` buffers and gives the reference; only after `flush` can the chunk be read
 * and its memory be freed. When the disk fails, `write` and `flush` throw and may be tried again: nothing that got a
 * reference is forgotten, nothing half-written stays.
 */
export class HeadChunkWriter {
  readonly directory: string;
  readonly #fs: FileSystem;
  readonly #fileBytes: number;
  readonly #onSyncError: ((error: unknown) => void) | undefined;
  readonly #buffer = new ByteWriter(BUFFER_BYTES);
  #file: OpenFile | undefined;
  #fileIndex: number;
  /** Bytes of the current file that were written soundly. */
  #written = 0;
  #torn = false;

  /** Makes the directory at need. The first chunk begins a new file after those that are there. */
  static open(fs: FileSystem, directory: string, options: HeadChunkWriterOptions = {}): HeadChunkWriter {
    fs.mkdir(directory);
    const last = Math.max(listHeadChunkFiles(fs, directory).at(-1)?.index ?? 0, options.afterFile ?? 0);
    return new HeadChunkWriter(fs, directory, last, options);
  }

  /** A reference that all chunks written so far are below, and all later ones are not. */
  get position(): number {
    if (this.#file === undefined) return headChunkRef(this.#fileIndex + 1, 0);
    return headChunkRef(this.#fileIndex, this.#written + this.#buffer.length);
  }

  private constructor(fs: FileSystem, directory: string, lastIndex: number, options: HeadChunkWriterOptions) {
    this.directory = directory;
    this.#fs = fs;
    this.#fileBytes = options.fileBytes ?? DEFAULT_FILE_BYTES;
    this.#onSyncError = options.onSyncError;
    this.#fileIndex = lastIndex;
  }

  /** Adds the chunk `bytes[start, end)` (copied) and returns its reference. Times in milliseconds. */
  write(
    seriesRef: number,
    minTime: number,
    maxTime: number,
    encoding: number,
    outOfOrder: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const room = CHUNK_HEADER_BYTES + 5 + (end - start) + CRC_BYTES;
    if (this.#file !== undefined && this.#buffer.length > 0 && this.#buffer.length + room > BUFFER_BYTES) this.flush();
    if (this.#file === undefined || this.#written + this.#buffer.length + room > this.#fileBytes) this.#nextFile();
    const buffer = this.#buffer;
    const from = buffer.length;
    buffer.int64Number(seriesRef);
    buffer.int64Number(minTime);
    buffer.int64Number(maxTime);
    buffer.uint8(outOfOrder ? encoding | OUT_OF_ORDER_FLAG : encoding);
    buffer.uvarint(end - start);
    buffer.raw(bytes.subarray(start, end));
    buffer.uint32(crc32c(buffer.bytes, from, buffer.length));
    return headChunkRef(this.#fileIndex, this.#written + from);
  }

  /** Hands everything to the operating system: from here on the chunks can be read and survive the process. */
  flush(): void {
    if (this.#buffer.length === 0) return;
    const file = this.#file as OpenFile;
    if (this.#torn) {
      this.#fs.truncate(file.path, this.#written);
      this.#torn = false;
    }
    this.#torn = true;
    file.append(this.#buffer.bytes, 0, this.#buffer.length);
    this.#torn = false;
    this.#written += this.#buffer.length;
    this.#buffer.clear();
  }

  /** Removes all files before the given one. */
  truncate(beforeFile: number): void {
    for (const { index, path } of listHeadChunkFiles(this.#fs, this.directory)) {
      if (index < beforeFile && index !== this.#fileIndex) this.#fs.unlink(path);
    }
    this.#fs.syncDirectory(this.directory);
  }

  /** Bytes of all files, what is buffered included. */
  size(): number {
    let bytes = this.#buffer.length;
    for (const file of listHeadChunkFiles(this.#fs, this.directory)) bytes += file.bytes;
    return bytes;
  }

  /** Flushes and fsyncs. Idempotent. */
  close(): void {
    if (this.#file === undefined) return;
    this.flush();
    this.#file.sync();
    this.#file.close();
    this.#file = undefined;
  }

  #nextFile(): void {
    this.flush();
    const path = joinPath(this.directory, String(this.#fileIndex + 1).padStart(6, "0"));
    // A file that an earlier attempt left without a header may be there.
    const next = this.#fs.open(path, "replace");
    const header = new ByteWriter(FILE_HEADER_BYTES);
    header.uint32(MAGIC);
    header.uint32(VERSION * 0x1000000);
    try {
      next.append(header.bytes, 0, FILE_HEADER_BYTES);
      this.#fs.syncDirectory(this.directory);
    } catch (error) {
      next.close();
      throw error;
    }
    const finished = this.#file;
    finished?.syncInBackground((error) => {
      finished.close();
      if (error !== undefined) this.#onSyncError?.(error);
    });
    this.#file = next;
    this.#fileIndex++;
    this.#written = FILE_HEADER_BYTES;
  }
}

/** One chunk of `chunks_head`; the bytes are valid until the reader's next call. */
export interface HeadChunk {
  seriesRef: number;
  minTime: number;
  maxTime: number;
  encoding: number;
  outOfOrder: boolean;
  /** The chunk's data is `bytes[start, end)`. */
  bytes: Uint8Array;
  start: number;
  end: number;
}

/**
 * Reads chunks by reference, each with one positioned read. Any number of readers, in any thread, beside the writer.
 * Keeps at most 16 files open.
 */
export class HeadChunkReader {
  readonly directory: string;
  readonly #fs: FileSystem;
  readonly #files = new Map<number, OpenFile>();
  #buffer = new Uint8Array(READ_BYTES);
  readonly #chunk: HeadChunk = {
    seriesRef: 0,
    minTime: 0,
    maxTime: 0,
    encoding: 0,
    outOfOrder: false,
    bytes: this.#buffer,
    start: 0,
    end: 0,
  };

  constructor(fs: FileSystem, directory: string) {
    this.#fs = fs;
    this.directory = directory;
  }

  /** The chunk at `ref`, valid until the next call. Throws `ChunkError` when there is no sound chunk. */
  read(ref: number): HeadChunk {
    const index = headChunkFile(ref);
    const offset = ref - index * TWO_32;
    const file = this.#open(index);
    let got = file.read(this.#buffer, 0, this.#buffer.length, offset);
    const needed = parseChunk(this.#buffer, 0, got, this.#chunk);
    if (needed > got && got === this.#buffer.length && needed <= MAX_CHUNK_BYTES) {
      this.#buffer = new Uint8Array(needed);
      got = file.read(this.#buffer, 0, needed, offset);
      if (parseChunk(this.#buffer, 0, got, this.#chunk) > 0 && needed <= got) return this.#chunk;
    } else if (needed > 0 && needed <= got) return this.#chunk;
    throw new ChunkError(`no sound chunk in ${file.path} at ${offset}`);
  }

  /** Closes files that were removed (or all, without an argument). */
  close(beforeFile: number = Number.POSITIVE_INFINITY): void {
    for (const [index, file] of this.#files) {
      if (index >= beforeFile) continue;
      file.close();
      this.#files.delete(index);
    }
  }

  #open(index: number): OpenFile {
    const known = this.#files.get(index);
    if (known !== undefined) return known;
    const path = joinPath(this.directory, String(index).padStart(6, "0"));
    let file: OpenFile;
    try {
      file = this.#fs.open(path, "read");
    } catch (error) {
      if (!isNotFound(error)) throw error;
      throw new ChunkError(`no file ${path}`);
    }
    const oldest = this.#files.keys().next();
    if (this.#files.size >= MAX_OPEN_FILES && !oldest.done) {
      this.#files.get(oldest.value)?.close();
      this.#files.delete(oldest.value);
    }
    this.#files.set(index, file);
    return file;
  }
}

/**
 * Reads the chunk at `at`. Returns how many bytes it takes, more than there are when it is cut off, and 0 when it is
 * damaged.
 */
function parseChunk(bytes: Uint8Array, at: number, end: number, into: HeadChunk): number {
  if (end - at < CHUNK_HEADER_BYTES + 1) return CHUNK_HEADER_BYTES + 1 + CRC_BYTES;
  let length = 0;
  let scale = 1;
  let start = at + CHUNK_HEADER_BYTES;
  for (let i = 0; ; i++) {
    if (start >= end) return start - at + 1 + CRC_BYTES;
    const byte = bytes[start++] as number;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) break;
    if (i === 4) return 0;
    scale *= 128;
  }
  if (length > MAX_CHUNK_BYTES) return 0;
  const dataEnd = start + length;
  if (dataEnd + CRC_BYTES > end) return dataEnd + CRC_BYTES - at;
  if (crc32c(bytes, at, dataEnd) !== uint32(bytes, dataEnd)) return 0;
  const encoding = bytes[at + 24] as number;
  into.seriesRef = uint32(bytes, at) * TWO_32 + uint32(bytes, at + 4);
  into.minTime = (uint32(bytes, at + 8) | 0) * TWO_32 + uint32(bytes, at + 12);
  into.maxTime = (uint32(bytes, at + 16) | 0) * TWO_32 + uint32(bytes, at + 20);
  into.encoding = encoding & ~OUT_OF_ORDER_FLAG;
  into.outOfOrder = (encoding & OUT_OF_ORDER_FLAG) !== 0;
  into.bytes = bytes;
  into.start = start;
  into.end = dataEnd;
  return dataEnd + CRC_BYTES - at;
}

function uint32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] as number) << 24) |
      ((bytes[at + 1] as number) << 16) |
      ((bytes[at + 2] as number) << 8) |
      (bytes[at + 3] as number)) >>>
    0
  );
}

/** Damage in `chunks_head`. */
export interface HeadChunkCorruption {
  readonly file: number;
  readonly path: string;
  /** Where the first unusable byte lies. */
  readonly offset: number;
  /** Bytes from there to the end of the last file. */
  readonly lostBytes: number;
  readonly reason: string;
}

/**
 * Walks over all chunks at start-up, in the order they were written. `visit` gets each chunk's reference and the chunk
 * (valid during the call); `samples` is how many it holds. Returns the damage that ended the walk, if any.
 *
 * Zeros at a file's end are fine: the reference lays its files out in full size before it fills them.
 */
export function scanHeadChunks(
  fs: FileSystem,
  directory: string,
  visit: (ref: number, chunk: HeadChunk, samples: number) => void,
): HeadChunkCorruption | undefined {
  const files = listHeadChunkFiles(fs, directory);
  for (const [position, file] of files.entries()) {
    const damage = scanFile(fs, file, position === files.length - 1, visit);
    if (damage === undefined) continue;
    const later = files.slice(position + 1).reduce((sum, { bytes }) => sum + bytes, 0);
    return {
      file: file.index,
      path: file.path,
      offset: damage.offset,
      lostBytes: file.bytes - damage.offset + later,
      reason: damage.reason,
    };
  }
  return undefined;
}

function scanFile(
  fs: FileSystem,
  { index, path, bytes: size }: HeadChunkFile,
  isLast: boolean,
  visit: (ref: number, chunk: HeadChunk, samples: number) => void,
): { offset: number; reason: string } | undefined {
  const file = fs.open(path, "read");
  try {
    let buffer = new Uint8Array(Math.min(1024 * 1024, Math.max(size, FILE_HEADER_BYTES)));
    let buffered = file.read(buffer, 0, buffer.length, 0);
    // A file that was begun and never written to is no damage.
    if (isLast && isZero(buffer, 0, buffered) && buffered <= FILE_HEADER_BYTES) return undefined;
    if (buffered < FILE_HEADER_BYTES || uint32(buffer, 0) !== MAGIC) return { offset: 0, reason: "no head chunk file" };
    if (buffer[4] !== VERSION) return { offset: 0, reason: `unknown version ${buffer[4]}` };
    let bufferOffset = 0;
    let at = FILE_HEADER_BYTES;
    const chunk: HeadChunk = {
      seriesRef: 0,
      minTime: 0,
      maxTime: 0,
      encoding: 0,
      outOfOrder: false,
      bytes: buffer,
      start: 0,
      end: 0,
    };
    for (;;) {
      const offset = bufferOffset + at;
      if (offset >= size) return undefined;
      const needed = parseChunk(buffer, at, buffered, chunk);
      const more = bufferOffset + buffered < size;
      if (needed > buffered - at && more && needed <= MAX_CHUNK_BYTES + 64) {
        if (needed > buffer.length) buffer = new Uint8Array(needed);
        bufferOffset = offset;
        at = 0;
        buffered = file.read(buffer, 0, buffer.length, bufferOffset);
        continue;
      }
      if (needed === 0 || needed > buffered - at || chunk.seriesRef === 0) {
        if (restIsZero(file, buffer, bufferOffset, at, buffered)) return undefined;
        return { offset, reason: needed > buffered - at ? "chunk cut off" : "checksum mismatch" };
      }
      visit(headChunkRef(index, offset), chunk, chunkSampleCount(chunk.encoding, buffer, chunk.start, chunk.end));
      at += needed;
    }
  } finally {
    file.close();
  }
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (bytes[i] !== 0) return false;
  return true;
}

function restIsZero(file: OpenFile, buffer: Uint8Array, offset: number, at: number, buffered: number): boolean {
  if (!isZero(buffer, at, buffered)) return false;
  let position = offset + buffered;
  for (;;) {
    const got = file.read(buffer, 0, buffer.length, position);
    if (got === 0) return true;
    if (!isZero(buffer, 0, got)) return false;
    position += got;
  }
}

/** Cuts `chunks_head` where it is damaged; later files go. What is lost must come from the WAL. */
export function repairHeadChunks(fs: FileSystem, directory: string, corruption: HeadChunkCorruption): void {
  for (const { index, path } of listHeadChunkFiles(fs, directory).reverse()) {
    if (index < corruption.file) break;
    if (index > corruption.file || corruption.offset < FILE_HEADER_BYTES) fs.unlink(path);
    else fs.truncate(path, corruption.offset);
  }
  fs.syncDirectory(directory);
}
