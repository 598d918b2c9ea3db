// Reads a log while it is written: what remote write sends comes from here.
//
// Unlike `WalReader`, the end of the last segment is no end: what is not complete yet is read again later.
import { crc32c } from "@narthex/encoding";
import { type FileSystem, isNotFound, joinPath, type OpenFile } from "../fs/file-system.ts";
import { MAX_RECORD_BYTES, RecordDecompressor } from "./compression.ts";
import {
  FRAGMENT_HEADER_BYTES,
  FRAGMENT_TYPE_MASK,
  Fragment,
  PAGE_BYTES,
  SNAPPY_FLAG,
  segmentName,
  WalCorruptionError,
  ZSTD_FLAG,
} from "./format.ts";
import type { LogPosition } from "./wal-writer.ts";

/** Read ahead, in whole pages. */
const READ_BYTES = 8 * PAGE_BYTES;

/**
 * Follows a log from a position on, which must be where a record begins:
 * `while (tail.next()) use(tail.bytes, tail.start, tail.end)`, again whenever more may be there.
 *
 * Records are views into the tail's buffers, valid until the next call. Memory: a quarter of a megabyte, and as much as
 * the largest record takes. A segment that was finished and deleted meanwhile is still read to its end, as long as the
 * tail had begun it.
 */
export class WalTail {
  /** The current record is `bytes[start, end)`. */
  bytes: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #buffer = new Uint8Array(READ_BYTES);
  readonly #decompressor = new RecordDecompressor();
  #assembled: Uint8Array = new Uint8Array(0);
  #segment: number;
  /** Where the next record begins. */
  #offset: number;
  #file: OpenFile | undefined;
  /** What of the segment is in the buffer. */
  #bufferOffset = 0;
  #buffered = 0;

  constructor(fs: FileSystem, directory: string, { segment, offset }: LogPosition) {
    this.#fs = fs;
    this.#directory = directory;
    this.#segment = segment;
    this.#offset = offset;
  }

  /** Where the next record begins. */
  get position(): LogPosition {
    return { segment: this.#segment, offset: this.#offset };
  }

  /** Whether the segment of the position is not there: removed, or not begun yet. */
  get isGone(): boolean {
    return this.#fs.kind(this.#path(this.#segment)) !== "file";
  }

  /**
   * Goes to the next record; false when there is none yet. Throws a `WalCorruptionError` where bytes cannot be what a
   * writer writes; the position stays, so that the caller can go on at a later segment with another tail.
   */
  next(): boolean {
    for (;;) {
      this.#file ??= this.#open();
      if (this.#file === undefined) return false;
      if (this.#record()) return true;
      if (this.#fs.kind(this.#path(this.#segment + 1)) !== "file") return false;
      // Read once more, so that nothing is missed that was written before the next one began.
      if (this.#record()) return true;
      const left = this.#file.size() - this.#offset;
      if (left > 0 && !this.#isPadding(left)) throw this.#damaged("the segment ends within a record");
      this.close();
      this.#segment++;
      this.#offset = 0;
    }
  }

  /** Lets go of the open file. `next` opens it again. Idempotent. */
  close(): void {
    this.#file?.close();
    this.#file = undefined;
    this.#buffered = 0;
  }

  #open(): OpenFile | undefined {
    try {
      return this.#fs.open(this.#path(this.#segment), "read");
    } catch (error) {
      if (isNotFound(error)) return undefined;
      throw error;
    }
  }

  #path(segment: number): string {
    return joinPath(this.#directory, segmentName(segment));
  }

  /** Makes `count` bytes from `offset` on readable in the buffer, never across pages; false when they are not written. */
  #has(offset: number, count: number): boolean {
    const from = this.#bufferOffset;
    if (offset >= from && offset + count <= from + this.#buffered) return true;
    this.#bufferOffset = offset - (offset % PAGE_BYTES);
    this.#buffered = (this.#file as OpenFile).read(this.#buffer, 0, READ_BYTES, this.#bufferOffset);
    return offset + count <= this.#bufferOffset + this.#buffered;
  }

  #record(): boolean {
    const buffer = this.#buffer;
    let offset = this.#offset;
    let assembled = 0;
    let inside = false;
    let flags = 0;
    for (;;) {
      if (!this.#has(offset, 1)) return false;
      const header = buffer[offset - this.#bufferOffset] as number;
      const type = header & FRAGMENT_TYPE_MASK;
      const pageEnd = offset - (offset % PAGE_BYTES) + PAGE_BYTES;
      if (type === Fragment.pageEnd) {
        if (!this.#has(offset, pageEnd - offset)) return false;
        if (!this.#isPadding(pageEnd - offset, offset)) throw this.#damaged("unexpected non-zero byte in padded page");
        offset = pageEnd;
        if (!inside) this.#offset = offset;
        continue;
      }
      if (!this.#has(offset, FRAGMENT_HEADER_BYTES)) return false;
      const at = offset - this.#bufferOffset;
      const length = ((buffer[at + 1] as number) << 8) | (buffer[at + 2] as number);
      const dataStart = offset + FRAGMENT_HEADER_BYTES;
      if (dataStart + length > pageEnd) throw this.#damaged(`invalid record size ${length}`);
      if (type > Fragment.last || inside !== (type === Fragment.middle || type === Fragment.last)) {
        throw this.#damaged(`unexpected fragment type ${type}`);
      }
      if (!this.#has(offset, FRAGMENT_HEADER_BYTES + length)) return false;
      const from = dataStart - this.#bufferOffset;
      const header32 = offset - this.#bufferOffset + 3;
      const expected =
        (((buffer[header32] as number) << 24) |
          ((buffer[header32 + 1] as number) << 16) |
          ((buffer[header32 + 2] as number) << 8) |
          (buffer[header32 + 3] as number)) >>>
        0;
      if (crc32c(buffer, from, from + length) !== expected) throw this.#damaged("unexpected checksum");
      offset = dataStart + length;
      if (type === Fragment.full) return this.#finish(header, buffer, from, from + length, offset);
      if (!inside) flags = header;
      inside = true;
      assembled = this.#assemble(assembled, from, length);
      if (type === Fragment.last) return this.#finish(flags, this.#assembled, 0, assembled, offset);
    }
  }

  #assemble(assembled: number, from: number, length: number): number {
    const needed = assembled + length;
    if (needed > MAX_RECORD_BYTES) throw this.#damaged("record too large");
    if (needed > this.#assembled.length) {
      const grown = new Uint8Array(Math.max(2 * PAGE_BYTES, needed, this.#assembled.length * 2));
      grown.set(this.#assembled.subarray(0, assembled));
      this.#assembled = grown;
    }
    this.#assembled.set(this.#buffer.subarray(from, from + length), assembled);
    return needed;
  }

  #finish(flags: number, bytes: Uint8Array, start: number, end: number, next: number): boolean {
    if ((flags & (SNAPPY_FLAG | ZSTD_FLAG)) === 0) {
      this.bytes = bytes;
      this.start = start;
      this.end = end;
    } else {
      const length = this.#decompressor.uncompress(flags, bytes, start, end);
      if (length === undefined) throw this.#damaged("the record cannot be decompressed");
      this.bytes = this.#decompressor.output;
      this.start = 0;
      this.end = length;
    }
    this.#offset = next;
    return true;
  }

  /** Whether `count` bytes from `offset` on, within a page, are all zero. */
  #isPadding(count: number, offset: number = this.#offset): boolean {
    if (count > PAGE_BYTES || !this.#has(offset, count)) return false;
    const at = offset - this.#bufferOffset;
    for (let i = at; i < at + count; i++) if (this.#buffer[i] !== 0) return false;
    return true;
  }

  #damaged(reason: string): WalCorruptionError {
    return new WalCorruptionError(this.#directory, this.#segment, this.#offset, 0, reason);
  }
}
