// The real disk, through Node's synchronous calls.
import {
  closeSync,
  existsSync,
  fstatSync,
  fsync,
  fsyncSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { EntryKind, FileSystem, OpenFile, OpenMode } from "./file-system.ts";

const FLAGS: Readonly<Record<OpenMode, string>> = { read: "r", create: "ax+", replace: "a+", append: "a+" };

class NodeFile implements OpenFile {
  readonly path: string;
  #descriptor: number;

  constructor(path: string, mode: OpenMode) {
    this.path = path;
    this.#descriptor = openSync(path, FLAGS[mode], 0o666);
    if (mode === "replace") ftruncateSync(this.#descriptor, 0);
  }

  read(into: Uint8Array, offset: number, length: number, position: number): number {
    let got = 0;
    while (got < length) {
      const count = readSync(this.#descriptor, into, offset + got, length - got, position + got);
      if (count === 0) break;
      got += count;
    }
    return got;
  }

  append(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    let at = start;
    while (at < end) at += writeSync(this.#descriptor, bytes, at, end - at, null);
  }

  sync(): void {
    fsyncSync(this.#descriptor);
  }

  syncInBackground(done: (error?: unknown) => void): void {
    fsync(this.#descriptor, (error) => done(error ?? undefined));
  }

  size(): number {
    return fstatSync(this.#descriptor).size;
  }

  close(): void {
    if (this.#descriptor < 0) return;
    const descriptor = this.#descriptor;
    this.#descriptor = -1;
    closeSync(descriptor);
  }
}

/** The file system of this machine. Without state: one instance serves any number of users. */
export class NodeFs implements FileSystem {
  open(path: string, mode: OpenMode): OpenFile {
    return new NodeFile(path, mode);
  }

  kind(path: string): EntryKind | undefined {
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return lstatSync(path, { throwIfNoEntry: false }) === undefined ? undefined : "other";
    return stat.isDirectory() ? "directory" : stat.isFile() ? "file" : "other";
  }

  list(path: string): string[] {
    return readdirSync(path).sort();
  }

  size(path: string): number {
    return statSync(path).size;
  }

  diskBytes(path: string): number {
    const { blocks, bsize } = statfsSync(path);
    return blocks * bsize;
  }

  truncate(path: string, size: number): void {
    truncateSync(path, size);
  }

  rename(from: string, to: string): void {
    renameSync(from, to);
  }

  link(from: string, to: string): void {
    linkSync(from, to);
  }

  unlink(path: string): void {
    unlinkSync(path);
  }

  mkdir(path: string): void {
    // Level by level: Node's own recursive way never returns where a file system refuses with "no such file" (/proc).
    if (existsSync(path)) return;
    const parent = dirname(path);
    if (parent !== path) this.mkdir(parent);
    mkdirSync(path);
  }

  removeAll(path: string): void {
    rmSync(path, { recursive: true, force: true });
  }

  syncDirectory(path: string): void {
    const descriptor = openSync(path, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  }
}
