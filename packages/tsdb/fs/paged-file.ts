// Random access to a large file through a small cache of pages.
import type { OpenFile } from "./file-system.ts";

const DEFAULT_PAGE_BYTES = 32 * 1024;
const DEFAULT_MAX_PAGES = 128;

/** A read beyond the end of a file. */
export class FileEndError extends Error {
  override readonly name = "FileEndError";
  readonly code = "file_too_short";
}

/**
 * Reads a file that does not change, keeping the pages used last (4 MiB by default). `locate` brings bytes in and
 * tells where in `bytes` they are; they stay valid until the next `locate`.
 */
export class PagedFile {
  readonly file: OpenFile;
  readonly size: number;
  /** What `locate` brought in. */
  bytes: Uint8Array = new Uint8Array(0);
  readonly #pageBytes: number;
  readonly #maxPages: number;
  readonly #pages = new Map<number, Uint8Array>();
  #lastIndex = -1;
  #lastPage: Uint8Array = this.bytes;
  #joined: Uint8Array = new Uint8Array(0);

  constructor(file: OpenFile, pageBytes: number = DEFAULT_PAGE_BYTES, maxPages: number = DEFAULT_MAX_PAGES) {
    this.file = file;
    this.size = file.size();
    this.#pageBytes = pageBytes;
    this.#maxPages = maxPages;
  }

  /**
   * Brings in `length` bytes from `offset` on, or as many as there are to the end of the file, and returns their
   * position in `bytes`. Throws `FileEndError` when `offset` lies outside of the file.
   */
  locate(offset: number, length: number): number {
    if (!(offset >= 0 && offset <= this.size)) throw new FileEndError(`offset ${offset} outside of ${this.size} bytes`);
    const end = Math.min(this.size, offset + length);
    const index = Math.floor(offset / this.#pageBytes);
    const start = offset - index * this.#pageBytes;
    if (start + (end - offset) <= this.#pageBytes) {
      this.bytes = this.#page(index);
      return start;
    }
    // Beyond a page's end: joined into a buffer of its own. Long stretches do not go through the cache.
    const total = end - offset;
    if (this.#joined.length < total) this.#joined = new Uint8Array(Math.max(total, 4096));
    if (total > 4 * this.#pageBytes) {
      this.#readFully(this.#joined, total, offset);
    } else {
      for (let at = offset; at < end; ) {
        const page = Math.floor(at / this.#pageBytes);
        const from = at - page * this.#pageBytes;
        const count = Math.min(this.#pageBytes - from, end - at);
        this.#joined.set(this.#page(page).subarray(from, from + count), at - offset);
        at += count;
      }
    }
    this.bytes = this.#joined;
    return 0;
  }

  /** A copy of `length` bytes from `offset` on; throws `FileEndError` when the file is shorter. */
  read(offset: number, length: number): Uint8Array {
    if (!(offset >= 0 && offset + length <= this.size)) {
      throw new FileEndError(`bytes ${offset} to ${offset + length} outside of ${this.size}`);
    }
    const bytes = new Uint8Array(length);
    this.#readFully(bytes, length, offset);
    return bytes;
  }

  close(): void {
    this.file.close();
    this.#pages.clear();
    this.#lastIndex = -1;
    this.#lastPage = this.bytes = this.#joined = new Uint8Array(0);
  }

  #page(index: number): Uint8Array {
    if (index === this.#lastIndex) return this.#lastPage;
    let page = this.#pages.get(index);
    if (page === undefined) {
      if (this.#pages.size >= this.#maxPages) {
        const oldest = this.#pages.keys().next().value as number;
        page = this.#pages.get(oldest) as Uint8Array;
        this.#pages.delete(oldest);
      }
      if (page === undefined || page.length !== this.#pageBytes) page = new Uint8Array(this.#pageBytes);
      const offset = index * this.#pageBytes;
      this.#readFully(page, Math.min(this.#pageBytes, this.size - offset), offset);
    } else {
      this.#pages.delete(index);
    }
    this.#pages.set(index, page);
    this.#lastIndex = index;
    this.#lastPage = page;
    return page;
  }

  #readFully(into: Uint8Array, length: number, offset: number): void {
    const got = this.file.read(into, 0, length, offset);
    if (got < length) throw new FileEndError(`${this.file.path} ended at ${offset + got}, expected ${this.size} bytes`);
  }
}
