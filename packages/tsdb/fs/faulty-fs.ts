// A disk that misbehaves on request: fails or tears the n-th change, fills up, reads short. For tests.
import { type EntryKind, type FileSystem, FileSystemError, type OpenFile, type OpenMode } from "./file-system.ts";

/** What goes wrong, and when. Changes are counted from 1: creating, appending, syncing, renaming, removing... */
export interface Faults {
  /** The n-th change throws EIO and does nothing. */
  failAt?: number;
  /** The n-th change, if it appends, writes only its first half and throws EIO; otherwise it is as `failAt`. */
  tearAt?: number;
  /** After a fault every later change throws as well: the process is as good as dead. */
  stayDown?: boolean;
  /** Appends beyond so many bytes in all throw ENOSPC, after the part that fits was written. */
  capacityBytes?: number;
  /** The n-th read returns at most half of what was asked for, as if the file ended there. */
  shortReadAt?: number;
  /** The n-th read throws EIO. */
  failReadAt?: number;
}

class FaultyFile implements OpenFile {
  readonly path: string;
  readonly #inner: OpenFile;
  readonly #fs: FaultyFs;

  constructor(inner: OpenFile, fs: FaultyFs) {
    this.path = inner.path;
    this.#inner = inner;
    this.#fs = fs;
  }

  read(into: Uint8Array, offset: number, length: number, position: number): number {
    return this.#inner.read(into, offset, this.#fs.countRead(this.path, length), position);
  }

  append(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.#fs.append(this.#inner, bytes, start, end);
  }

  sync(): void {
    this.#fs.countChange("fsync", this.path);
    this.#inner.sync();
  }

  syncInBackground(done: (error?: unknown) => void): void {
    try {
      this.sync();
    } catch (error) {
      done(error);
      return;
    }
    done();
  }

  size(): number {
    return this.#inner.size();
  }

  close(): void {
    this.#inner.close();
  }
}

/** Passes everything on to another file system, except where `faults` say otherwise (they may be changed at any time). */
export class FaultyFs implements FileSystem {
  readonly inner: FileSystem;
  readonly faults: Faults;
  /** Changes and reads so far, those that failed included. */
  changes = 0;
  reads = 0;
  /** Bytes appended so far, as `Faults.capacityBytes` counts them. */
  appendedBytes = 0;
  #down = false;

  constructor(inner: FileSystem, faults: Faults = {}) {
    this.inner = inner;
    this.faults = faults;
  }

  /** Counts one change of the disk and throws when it is one that shall fail. */
  countChange(operation: string, path: string): void {
    this.changes++;
    const hit = this.changes === this.faults.failAt || this.changes === this.faults.tearAt;
    if (!hit && !this.#down) return;
    this.#down ||= this.faults.stayDown === true;
    throw new FileSystemError("EIO", operation, path);
  }

  /** Counts one read; returns how many bytes it may yield. */
  countRead(path: string, length: number): number {
    this.reads++;
    if (this.reads === this.faults.failReadAt) throw new FileSystemError("EIO", "read", path);
    return this.reads === this.faults.shortReadAt ? length >>> 1 : length;
  }

  /** Appends to a file of the inner file system, as far as the faults let it. */
  append(file: OpenFile, bytes: Uint8Array, start: number, end: number): void {
    try {
      this.countChange("write", file.path);
    } catch (error) {
      if (this.changes === this.faults.tearAt) file.append(bytes, start, start + ((end - start) >>> 1));
      throw error;
    }
    const room = (this.faults.capacityBytes ?? Number.POSITIVE_INFINITY) - this.appendedBytes;
    const fits = Math.min(end - start, Math.max(0, room));
    this.appendedBytes += fits;
    file.append(bytes, start, start + fits);
    if (fits < end - start) throw new FileSystemError("ENOSPC", "write", file.path);
  }

  open(path: string, mode: OpenMode): OpenFile {
    if (mode !== "read") this.countChange("open", path);
    return new FaultyFile(this.inner.open(path, mode), this);
  }

  kind(path: string): EntryKind | undefined {
    return this.inner.kind(path);
  }

  list(path: string): string[] {
    return this.inner.list(path);
  }

  size(path: string): number {
    return this.inner.size(path);
  }

  diskBytes(path: string): number | undefined {
    return this.inner.diskBytes(path);
  }

  truncate(path: string, size: number): void {
    this.countChange("truncate", path);
    this.inner.truncate(path, size);
  }

  rename(from: string, to: string): void {
    this.countChange("rename", from);
    this.inner.rename(from, to);
  }

  link(from: string, to: string): void {
    this.countChange("link", from);
    this.inner.link(from, to);
  }

  unlink(path: string): void {
    this.countChange("unlink", path);
    this.inner.unlink(path);
  }

  mkdir(path: string): void {
    this.countChange("mkdir", path);
    this.inner.mkdir(path);
  }

  removeAll(path: string): void {
    this.countChange("rm", path);
    this.inner.removeAll(path);
  }

  syncDirectory(path: string): void {
    this.countChange("fsync", path);
    this.inner.syncDirectory(path);
  }
}
