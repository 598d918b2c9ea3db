// Reads a log: all records of a directory's segments in order, and what to do where they are damaged.
import { crc32c } from "@narthex/encoding";
import { type FileSystem, joinPath, type OpenFile } from "../fs/file-system.ts";
import { MAX_RECORD_BYTES, RecordDecompressor } from "./compression.ts";
import {
  FRAGMENT_HEADER_BYTES,
  FRAGMENT_TYPE_MASK,
  Fragment,
  listSegments,
  PAGE_BYTES,
  READ_BYTES,
  type Segment,
  SNAPPY_FLAG,
  segmentName,
  WalCorruptionError,
  ZSTD_FLAG,
} from "./format.ts";
import type { LogKernels } from "./log-kernels.ts";

/** The reference refuses a log with missing segments; gaps up to this many are filled with empty files. */
const MAX_GAP_SEGMENTS = 10_000;

export interface WalReaderOptions {
  /** Only segments from this one on. */
  readonly fromSegment?: number;
  /** Where in the first of these segments to begin: where a record does. 0 unless told. */
  readonly fromOffset?: number;
  /** Only segments up to this one, it included. */
  readonly toSegment?: number;
  /** Told as each segment has been read to its end. */
  readonly onSegment?: (index: number) => void;
  /** Checks and unpacks faster. One reader at a time may have them. */
  readonly kernels?: LogKernels | undefined;
}

/**
 * Walks over all records: `while (reader.next()) use(reader.bytes, reader.start, reader.end)`.
 *
 * Records are views into the reader's buffers, valid until the next call. After `next` returned false, `corruption`
 * tells whether the log ended or was damaged. Memory: one megabyte, and as much as the largest record takes.
 */
export class WalReader {
  readonly directory: string;
  /** The current record is `bytes[start, end)`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  /** Where the current record begins. */
  segment = -1;
  offset = 0;
  /** Set when `next` returned false because of damage. */
  corruption: WalCorruptionError | undefined = undefined;
  /** Records and bytes (headers and padding included) read so far. */
  records = 0;
  bytesRead = 0;

  readonly #fs: FileSystem;
  readonly #segments: readonly Segment[];
  readonly #onSegment: ((index: number) => void) | undefined;
  readonly #kernels: LogKernels | undefined;
  readonly #buffer: Uint8Array;
  readonly #decompressor: RecordDecompressor;
  #assembled: Uint8Array;
  #next = 0;
  #fromOffset: number;
  #file: OpenFile | undefined;
  /** Position in the segment of the buffer's first byte, number of bytes in it, and where we are in it. */
  #bufferOffset = 0;
  #buffered = 0;
  #at = 0;

  constructor(fs: FileSystem, directory: string, options: WalReaderOptions = {}) {
    this.directory = directory;
    this.#fs = fs;
    this.#onSegment = options.onSegment;
    this.#fromOffset = options.fromOffset ?? 0;
    this.#kernels = options.kernels;
    this.#buffer = options.kernels?.readBuffer ?? new Uint8Array(READ_BYTES);
    this.#decompressor = new RecordDecompressor(options.kernels);
    this.#assembled = options.kernels?.input ?? new Uint8Array(0);
    const from = options.fromSegment ?? 0;
    const to = options.toSegment ?? Number.POSITIVE_INFINITY;
    this.#segments = listSegments(fs, directory).filter(({ index }) => index >= from && index <= to);
  }

  /** The segments that are read, in order. */
  get segments(): readonly Segment[] {
    return this.#segments;
  }

  /** Where reading goes on: behind the current record. Before the first record, the start. */
  get position(): { readonly segment: number; readonly offset: number } {
    const { segment, offset } = this;
    return segment < 0
      ? { segment: this.#segments[0]?.index ?? 0, offset }
      : { segment, offset: this.#bufferOffset + this.#at };
  }

  /** Goes to the next record; false at the end, or at damage (then `corruption` is set). Throws only disk errors. */
  next(): boolean {
    if (this.corruption !== undefined) return false;
    while (this.#file !== undefined || this.#openNext()) {
      const found = this.#record();
      if (found) {
        this.records++;
        return true;
      }
      if (this.corruption !== undefined) break;
      this.#onSegment?.(this.segment);
      this.#closeFile();
    }
    this.close();
    return false;
  }

  /**
   * What `corruption` would be if the log were damaged at the current record: for a record that is framed soundly but
   * cannot be decoded. Reading stops here.
   */
  corruptionHere(reason: string): WalCorruptionError {
    return this.#damaged(reason);
  }

  /** Lets go of the open file. Idempotent; `next` returns false afterwards unless more segments follow. */
  close(): void {
    this.#closeFile();
    this.#next = this.#segments.length;
  }

  #closeFile(): void {
    this.#file?.close();
    this.#file = undefined;
  }

  #openNext(): boolean {
    const segment = this.#segments[this.#next];
    if (segment === undefined) return false;
    this.#next++;
    this.segment = segment.index;
    this.offset = 0;
    this.#file = this.#fs.open(segment.path, "read");
    // Reading ahead goes by whole pages.
    const skipped = this.#fromOffset % PAGE_BYTES;
    this.#bufferOffset = this.#fromOffset - skipped;
    this.#fromOffset = 0;
    this.#buffered = 0;
    this.#fill();
    this.#at = skipped;
    return true;
  }

  /** Reads the next stretch of pages; false at the segment's end. Only called when all of the buffer was used. */
  #fill(): boolean {
    this.#bufferOffset += this.#buffered;
    this.#at = 0;
    this.#buffered = (this.#file as OpenFile).read(this.#buffer, 0, READ_BYTES, this.#bufferOffset);
    this.bytesRead += this.#buffered;
    return this.#buffered > 0;
  }

  #record(): boolean {
    let assembled = 0;
    let inside = false;
    let flags = 0;
    const buffer = this.#buffer;
    const kernels = this.#kernels;
    for (;;) {
      if (this.#at >= this.#buffered && !this.#fill()) {
        if (inside) this.#damaged("the last record is torn");
        else this.offset = this.#bufferOffset + this.#at;
        return false;
      }
      const at = this.#at;
      if (!inside) this.offset = this.#bufferOffset + at;
      const header = buffer[at] as number;
      const type = header & FRAGMENT_TYPE_MASK;
      const pageEnd = Math.min(at - (at % PAGE_BYTES) + PAGE_BYTES, this.#buffered);
      if (type === Fragment.pageEnd) {
        for (let i = at; i < pageEnd; i++) {
          if (buffer[i] === 0) continue;
          this.#damaged("unexpected non-zero byte in padded page");
          return false;
        }
        this.#at = pageEnd;
        continue;
      }
      if (at + FRAGMENT_HEADER_BYTES > pageEnd) {
        this.#damaged("the last record is torn");
        return false;
      }
      const length = ((buffer[at + 1] as number) << 8) | (buffer[at + 2] as number);
      const from = at + FRAGMENT_HEADER_BYTES;
      const to = from + length;
      if (to > pageEnd) {
        const torn = to <= at - (at % PAGE_BYTES) + PAGE_BYTES;
        this.#damaged(torn ? "the last record is torn" : `invalid record size ${length}`);
        return false;
      }
      if (type > Fragment.last || inside !== (type === Fragment.middle || type === Fragment.last)) {
        this.#damaged(`unexpected fragment type ${type}`);
        return false;
      }
      const expected =
        (((buffer[at + 3] as number) << 24) |
          ((buffer[at + 4] as number) << 16) |
          ((buffer[at + 5] as number) << 8) |
          (buffer[at + 6] as number)) >>>
        0;
      const actual = kernels === undefined ? crc32c(buffer, from, to) : kernels.crc32c(buffer, from, to);
      if (actual !== expected) {
        this.#damaged(`unexpected checksum ${actual.toString(16)}, expected ${expected.toString(16)}`);
        return false;
      }
      this.#at = to;
      if (type === Fragment.full) return this.#finish(header, buffer, from, to);
      if (!inside) flags = header;
      inside = true;
      if (assembled + length > MAX_RECORD_BYTES) {
        this.#damaged("record too large");
        return false;
      }
      if (assembled + length > this.#assembled.length) {
        const grown = new Uint8Array(Math.max(2 * PAGE_BYTES, assembled + length, this.#assembled.length * 2));
        grown.set(this.#assembled.subarray(0, assembled));
        this.#assembled = grown;
      }
      this.#assembled.set(buffer.subarray(from, to), assembled);
      assembled += length;
      if (type === Fragment.last) return this.#finish(flags, this.#assembled, 0, assembled);
    }
  }

  #finish(flags: number, bytes: Uint8Array, start: number, end: number): boolean {
    if ((flags & (SNAPPY_FLAG | ZSTD_FLAG)) === 0) {
      this.bytes = bytes;
      this.start = start;
      this.end = end;
      return true;
    }
    const length = this.#decompressor.uncompress(flags, bytes, start, end);
    if (length === undefined) {
      this.#damaged("the record cannot be decompressed");
      return false;
    }
    this.bytes = this.#decompressor.output;
    this.start = 0;
    this.end = length;
    return true;
  }

  #damaged(reason: string): WalCorruptionError {
    let lost = -this.offset;
    for (const { index, bytes } of this.#segments) if (index >= this.segment) lost += bytes;
    this.corruption = new WalCorruptionError(this.directory, this.segment, this.offset, lost, reason);
    this.close();
    return this.corruption;
  }
}

/** What a repair did. */
export interface WalRepair {
  readonly lostBytes: number;
  readonly removedSegments: number;
}

/**
 * Cuts a log where it is damaged, so that it can be written on and other servers can read it: the bad segment keeps
 * what lies before the damage, later segments go. Every step leaves a log that the next start repairs further.
 */
export function repairWal(fs: FileSystem, corruption: WalCorruptionError): WalRepair {
  let removedSegments = 0;
  let lostBytes = 0;
  // From the end, so that stopping half way leaves no gap.
  for (const { index, path, bytes } of listSegments(fs, corruption.directory).reverse()) {
    if (index < corruption.segment) break;
    if (index > corruption.segment) {
      fs.unlink(path);
      lostBytes += bytes;
      removedSegments++;
      continue;
    }
    lostBytes += bytes - corruption.offset;
    fs.truncate(path, corruption.offset);
    const file = fs.open(path, "append");
    try {
      file.sync();
    } finally {
      file.close();
    }
  }
  fs.syncDirectory(corruption.directory);
  return { lostBytes, removedSegments };
}

/**
 * Makes a log's segment numbers follow each other again, as the reference demands: missing ones become empty files.
 * Files whose number is absurdly far from the rest are renamed to `NAME.foreign`. Returns the paths touched.
 */
export function closeSegmentGaps(fs: FileSystem, directory: string): string[] {
  const touched: string[] = [];
  let previous: number | undefined;
  for (const { index, path } of listSegments(fs, directory)) {
    if (previous !== undefined && index - previous > MAX_GAP_SEGMENTS) {
      fs.rename(path, `${path}.foreign`);
      touched.push(path);
      continue;
    }
    for (let missing = (previous ?? index) + 1; missing < index; missing++) {
      const filler = joinPath(directory, segmentName(missing));
      fs.open(filler, "create").close();
      touched.push(filler);
    }
    previous = index;
  }
  if (touched.length > 0) fs.syncDirectory(directory);
  return touched;
}
