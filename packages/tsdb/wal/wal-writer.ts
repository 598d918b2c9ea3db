// Writes a log: records go into 32 KiB pages, pages into segments.
import { crc32c } from "@narthex/encoding";
import { type FileSystem, joinPath, type OpenFile } from "../fs/file-system.ts";
import { compressor, type RecordCompressor } from "./compression.ts";
import {
  type Compression,
  DEFAULT_SEGMENT_BYTES,
  FRAGMENT_HEADER_BYTES,
  Fragment,
  listSegments,
  PAGE_BYTES,
  segmentName,
} from "./format.ts";
import type { LogKernels } from "./log-kernels.ts";

/** So much is held back in memory at most; beyond it, and at each flush, bytes go to the operating system. */
const BUFFER_BYTES = 32 * PAGE_BYTES;

export interface WalWriterOptions {
  /** When a segment would grow beyond this, the next is begun. A multiple of 32 KiB; default 128 MiB. */
  readonly segmentBytes?: number;
  readonly compression?: Compression;
  /** Told when the fsync of a finished segment failed in the background. */
  readonly onSyncError?: (error: unknown) => void;
  /** Told how long each fsync took, in seconds. Needs `now`. */
  readonly onSync?: (seconds: number) => void;
  /** A monotonic clock in milliseconds, for `onSync`. */
  readonly now?: () => number;
  /** Compresses and checks faster; the same bytes come out. */
  readonly kernels?: LogKernels | undefined;
}

/** What a writer did since it was opened, as the reference counts it. */
export interface WalCounters {
  /** Pages handed to the operating system, in whole or in part; and those that are full. */
  pageFlushes: number;
  completedPages: number;
  /** Fragments, and their bytes with headers. */
  recordParts: number;
  recordPartBytes: number;
  /** What compression saved. */
  savedBytes: number;
}

/** Where a log ends: `offset` counts what is still buffered as well. */
export interface LogPosition {
  readonly segment: number;
  readonly offset: number;
}

/** A log as those see it who follow it with a `WalTail`: where it lies, where it ends, and a word when it grew. */
export interface LogFeed {
  readonly fs: FileSystem;
  readonly directory: string;
  readonly position: LogPosition;
  /** Called after each flush, by the thread that writes: it must not take long. One listener. */
  whenWritten: (() => void) | undefined;
}

/**
 * The one writer of a log directory.
 *
 * `log` buffers, `flush` hands everything to the operating system. What `flush` returned from survives the death of
 * the process; the death of the machine only what an fsync covered, which happens when a segment is finished and at
 * `close`. When `flush` (or a `log` that had to write) throws, everything logged since the last flush is taken back,
 * from the disk too, and the writer goes on working as soon as the disk does.
 */
export class WalWriter implements LogFeed {
  readonly directory: string;
  /** What is really used: "snappy" where zstd was asked for and this Node has none. */
  readonly compression: Compression;
  readonly counters: WalCounters = {
    pageFlushes: 0,
    completedPages: 0,
    recordParts: 0,
    recordPartBytes: 0,
    savedBytes: 0,
  };
  whenWritten: (() => void) | undefined = undefined;
  readonly #fs: FileSystem;
  readonly #options: WalWriterOptions;
  readonly #segmentBytes: number;
  readonly #compress: RecordCompressor | undefined;
  readonly #buffer = new Uint8Array(BUFFER_BYTES);
  #buffered = 0;
  #file: OpenFile;
  #segment: number;
  /** Bytes of the current segment that were handed to the operating system. */
  #written = 0;
  /** The end of what was flushed: to this the log goes back when a write fails. */
  #flushedSegment: number;
  #flushedOffset = 0;
  #mustTakeBack = false;
  #closed = false;
  readonly #syncing = new Set<OpenFile>();

  /** Begins a new segment after the last one there; makes the directory at need. */
  static open(fs: FileSystem, directory: string, options: WalWriterOptions = {}): WalWriter {
    fs.mkdir(directory);
    const last = listSegments(fs, directory).at(-1);
    return new WalWriter(fs, directory, last === undefined ? 0 : last.index + 1, options);
  }

  private constructor(fs: FileSystem, directory: string, segment: number, options: WalWriterOptions) {
    const compress = compressor(options.compression ?? "none", options.kernels);
    this.directory = directory;
    this.compression = compress?.name ?? "none";
    this.#compress = compress;
    this.#fs = fs;
    this.#options = options;
    const asked = options.segmentBytes ?? DEFAULT_SEGMENT_BYTES;
    this.#segmentBytes = Math.max(PAGE_BYTES, Math.floor(asked / PAGE_BYTES) * PAGE_BYTES);
    this.#segment = segment;
    this.#flushedSegment = segment;
    this.#file = this.#create(segment);
  }

  get fs(): FileSystem {
    return this.#fs;
  }

  /** Where the next record will go, unless it needs a new segment. */
  get position(): LogPosition {
    return { segment: this.#segment, offset: this.#written + this.#buffered };
  }

  /** Number of the segment being written. */
  get segment(): number {
    return this.#segment;
  }

  /** Adds one record, `bytes[start, end)`; they are copied. */
  log(bytes: Uint8Array, end: number = bytes.length, start = 0): void {
    this.#ready();
    let record = bytes;
    let from = start;
    let to = end;
    let flags = 0;
    if (this.#compress !== undefined) {
      const length = this.#compress.compress(bytes, start, end);
      // As in the reference, what does not shrink is stored as it is.
      if (length > 0 && length < end - start) {
        record = this.#compress.output;
        from = 0;
        to = length;
        flags = this.#compress.flag;
        this.counters.savedBytes += end - start - length;
      }
    }
    this.#undoable(() => {
      const offset = this.#written + this.#buffered;
      const pageRoom = Math.max(0, PAGE_BYTES - (offset % PAGE_BYTES) - FRAGMENT_HEADER_BYTES);
      const pagesLeft = Math.floor(this.#segmentBytes / PAGE_BYTES) - Math.floor(offset / PAGE_BYTES) - 1;
      const room = pageRoom + pagesLeft * (PAGE_BYTES - FRAGMENT_HEADER_BYTES);
      if (to - from > room && offset > 0) this.#nextSegment();
      this.#fragments(record, from, to, flags);
    });
  }

  /** Hands everything logged so far to the operating system, in one write where it fits the buffer. */
  flush(): void {
    this.#ready();
    this.#undoable(() => this.#write());
    this.#flushedSegment = this.#segment;
    this.#flushedOffset = this.#written;
    this.whenWritten?.();
  }

  /** Takes back everything logged since the last flush. */
  discard(): void {
    if (this.#buffered > 0 || this.#written !== this.#flushedOffset || this.#segment !== this.#flushedSegment) {
      this.#takeBack();
    }
  }

  /** Flushes, pads the segment to a full page, begins the next one. Returns the new segment's number. */
  cutSegment(): number {
    this.#ready();
    this.#undoable(() => this.#nextSegment());
    this.flush();
    return this.#segment;
  }

  /** Removes all segments before the given one. */
  truncate(beforeSegment: number): void {
    let removed = false;
    for (const { index, path } of listSegments(this.#fs, this.directory)) {
      if (index >= beforeSegment || index >= this.#flushedSegment) break;
      this.#fs.unlink(path);
      removed = true;
    }
    if (removed) this.#fs.syncDirectory(this.directory);
  }

  /** Bytes of all segments in the directory, what is buffered included; checkpoints are not counted. */
  size(): number {
    let bytes = this.#buffered;
    for (const segment of listSegments(this.#fs, this.directory)) bytes += segment.bytes;
    return bytes;
  }

  /** Flushes and fsyncs. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    for (const file of this.#syncing) file.sync();
    this.#timedSync(this.#file);
    this.#file.close();
  }

  /** Lets go of the files and forgets what was not flushed: for a log that is given up as a whole. Idempotent. */
  abandon(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#file.close();
  }

  #fragments(record: Uint8Array, start: number, end: number, flags: number): void {
    const kernels = this.#options.kernels?.owns(record) ? this.#options.kernels : undefined;
    let from = start;
    // Where a page has room for a header only, the first fragment is empty: `from` does not tell whether it was written.
    let isFirst = true;
    do {
      let pageLeft = PAGE_BYTES - ((this.#written + this.#buffered) % PAGE_BYTES);
      if (pageLeft < FRAGMENT_HEADER_BYTES) {
        this.#pad(pageLeft);
        pageLeft = PAGE_BYTES;
      }
      if (this.#buffered + pageLeft > BUFFER_BYTES) this.#write();
      const length = Math.min(end - from, pageLeft - FRAGMENT_HEADER_BYTES);
      const isLast = from + length === end;
      const type = isFirst ? (isLast ? Fragment.full : Fragment.first) : isLast ? Fragment.last : Fragment.middle;
      const buffer = this.#buffer;
      let at = this.#buffered;
      const crc =
        kernels === undefined ? crc32c(record, from, from + length) : kernels.crc32c(record, from, from + length);
      buffer[at++] = type | flags;
      buffer[at++] = length >>> 8;
      buffer[at++] = length;
      buffer[at++] = crc >>> 24;
      buffer[at++] = crc >>> 16;
      buffer[at++] = crc >>> 8;
      buffer[at++] = crc;
      copyBytes(record, from, from + length, buffer, at);
      this.#buffered = at + length;
      this.counters.recordParts++;
      this.counters.recordPartBytes += FRAGMENT_HEADER_BYTES + length;
      from += length;
      isFirst = false;
    } while (from < end);
  }

  #pad(count: number): void {
    if (this.#buffered + count > BUFFER_BYTES) this.#write();
    this.#buffer.fill(0, this.#buffered, this.#buffered + count);
    this.#buffered += count;
  }

  #write(): void {
    if (this.#buffered === 0) return;
    this.#file.append(this.#buffer, 0, this.#buffered);
    const before = this.#written;
    this.#written += this.#buffered;
    this.counters.pageFlushes += Math.ceil(this.#written / PAGE_BYTES) - Math.floor(before / PAGE_BYTES);
    this.counters.completedPages += Math.floor(this.#written / PAGE_BYTES) - Math.floor(before / PAGE_BYTES);
    this.#buffered = 0;
  }

  #nextSegment(): void {
    const used = (this.#written + this.#buffered) % PAGE_BYTES;
    if (used > 0) this.#pad(PAGE_BYTES - used);
    this.#write();
    const finished = this.#file;
    const next = this.#create(this.#segment + 1);
    this.#segment++;
    this.#written = 0;
    this.#file = next;
    this.#syncAndClose(finished);
  }

  #create(segment: number): OpenFile {
    const file = this.#fs.open(joinPath(this.directory, segmentName(segment)), "create");
    this.#fs.syncDirectory(this.directory);
    return file;
  }

  /** A finished segment is fsynced beside the work: for 128 MiB that may take longer than a scrape may wait. */
  #syncAndClose(file: OpenFile): void {
    this.#syncing.add(file);
    const began = this.#options.now?.() ?? 0;
    file.syncInBackground((error) => {
      if (this.#options.now !== undefined) this.#options.onSync?.((this.#options.now() - began) / 1000);
      this.#syncing.delete(file);
      file.close();
      if (error !== undefined) this.#options.onSyncError?.(error);
    });
  }

  #timedSync(file: OpenFile): void {
    const began = this.#options.now?.() ?? 0;
    file.sync();
    if (this.#options.now !== undefined) this.#options.onSync?.((this.#options.now() - began) / 1000);
  }

  /** Refuses work while the remains of a failed write could not be removed yet. */
  #ready(): void {
    if (this.#closed) throw new Error("the log is closed");
    if (this.#mustTakeBack) this.#takeBack();
  }

  #undoable(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#mustTakeBack = true;
      try {
        this.#takeBack();
      } catch {
        // The disk does not even let us remove what it took: `#ready` tries again before the next record.
      }
      throw error;
    }
  }

  #takeBack(): void {
    this.#mustTakeBack = true;
    this.#buffered = 0;
    for (const { index, path } of listSegments(this.#fs, this.directory).reverse()) {
      if (index <= this.#flushedSegment) break;
      this.#fs.unlink(path);
    }
    const path = joinPath(this.directory, segmentName(this.#flushedSegment));
    this.#fs.truncate(path, this.#flushedOffset);
    if (this.#segment !== this.#flushedSegment || this.#file.path !== path) {
      const file = this.#fs.open(path, "append");
      this.#file.close();
      this.#file = file;
    }
    this.#segment = this.#flushedSegment;
    this.#written = this.#flushedOffset;
    this.#mustTakeBack = false;
  }
}

/** Short runs are copied byte by byte: `set` with a view costs more than they do. */
function copyBytes(from: Uint8Array, start: number, end: number, to: Uint8Array, at: number): void {
  if (end - start > 64) {
    to.set(from.subarray(start, end), at);
    return;
  }
  for (let i = start, j = at; i < end; i++, j++) to[j] = from[i] as number;
}
