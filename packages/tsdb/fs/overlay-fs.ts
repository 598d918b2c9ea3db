// A disk that is only looked at: what is written goes to memory, what is removed is hidden, and the files below stay as they are.
import {
  type EntryKind,
  type FileSystem,
  FileSystemError,
  joinPath,
  type OpenFile,
  type OpenMode,
  parentPath,
} from "./file-system.ts";
import { MemoryFs } from "./memory-fs.ts";

/** So much of a file is copied at a time. */
const COPY_BYTES = 1024 * 1024;

/**
 * Everything above `lower` behaves as if it could be changed. Files are copied to memory when they are appended to or cut; what
 * is new there takes as much memory as it has bytes.
 */
export class OverlayFs implements FileSystem {
  readonly #lower: FileSystem;
  readonly #upper = new MemoryFs();
  /** Paths below which nothing of `lower` shows. */
  readonly #hidden = new Set<string>();
  /** Directories of `lower` that show under another path, by that path. */
  readonly #moved = new Map<string, string>();

  constructor(lower: FileSystem) {
    this.#lower = lower;
  }

  open(path: string, mode: OpenMode): OpenFile {
    const isUpper = this.#upper.kind(path) !== undefined;
    if (mode === "read") {
      if (isUpper) return this.#upper.open(path, mode);
      const lower = this.#below(path);
      if (lower === undefined) throw new FileSystemError("ENOENT", "open", path);
      return this.#lower.open(lower, mode);
    }
    if (mode === "create" && this.kind(path) !== undefined) throw new FileSystemError("EEXIST", "open", path);
    if (mode === "append" && !isUpper && this.kind(path) === "file") this.#copyUp(path, Number.POSITIVE_INFINITY);
    this.#makeParent(path);
    return this.#upper.open(path, mode);
  }

  kind(path: string): EntryKind | undefined {
    const upper = this.#upper.kind(path);
    if (upper !== undefined) return upper;
    const lower = this.#below(path);
    return lower === undefined ? undefined : this.#lower.kind(lower);
  }

  list(path: string): string[] {
    if (this.kind(path) !== "directory") throw new FileSystemError("ENOENT", "scandir", path);
    const names = new Set<string>(this.#upper.kind(path) === "directory" ? this.#upper.list(path) : []);
    const lower = this.#below(path);
    if (lower !== undefined && this.#lower.kind(lower) === "directory") {
      for (const name of this.#lower.list(lower)) if (this.#below(joinPath(path, name)) !== undefined) names.add(name);
    }
    for (const to of this.#moved.keys()) if (parentPath(to) === path) names.add(to.slice(path.length + 1));
    return [...names].sort();
  }

  size(path: string): number {
    if (this.#upper.kind(path) === "file") return this.#upper.size(path);
    const lower = this.#below(path);
    if (lower === undefined) throw new FileSystemError("ENOENT", "stat", path);
    return this.#lower.size(lower);
  }

  diskBytes(path: string): number | undefined {
    return this.#lower.diskBytes(path);
  }

  truncate(path: string, size: number): void {
    if (this.#upper.kind(path) === undefined) this.#copyUp(path, size);
    this.#upper.truncate(path, size);
  }

  rename(from: string, to: string): void {
    const kind = this.kind(from);
    if (kind === undefined) throw new FileSystemError("ENOENT", "rename", from);
    const lower = this.#below(from);
    const isUpper = this.#upper.kind(from) !== undefined;
    if (kind === "directory") {
      if (this.kind(to) !== undefined && this.list(to).length > 0) throw new FileSystemError("ENOTEMPTY", "rename", to);
      this.#hide(to);
      if (lower !== undefined) this.#moved.set(to, lower);
    } else if (!isUpper) this.#copyUp(from, Number.POSITIVE_INFINITY);
    if (isUpper || kind === "file") {
      this.#makeParent(to);
      this.#upper.rename(from, to);
    }
    this.#hide(from);
  }

  /** There are no second names here: a copy. */
  link(from: string, to: string): void {
    if (this.kind(to) !== undefined) throw new FileSystemError("EEXIST", "link", to);
    const lower = this.#below(from);
    if (this.#upper.kind(from) === undefined && lower !== undefined) this.#copyUp(from, Number.POSITIVE_INFINITY);
    this.#makeParent(to);
    this.#upper.link(from, to);
  }

  unlink(path: string): void {
    if (this.kind(path) !== "file") throw new FileSystemError("ENOENT", "unlink", path);
    if (this.#upper.kind(path) !== undefined) this.#upper.unlink(path);
    this.#hide(path);
  }

  mkdir(path: string): void {
    this.#upper.mkdir(path);
  }

  removeAll(path: string): void {
    this.#upper.removeAll(path);
    this.#hide(path);
  }

  syncDirectory(): void {}

  /** The path in `lower` that shows at `path`, undefined when nothing of it may. */
  #below(path: string): string | undefined {
    for (let at = path; ; at = parentPath(at)) {
      const moved = this.#moved.get(at);
      if (moved !== undefined) return moved + path.slice(at.length);
      if (this.#hidden.has(at)) return undefined;
      if (parentPath(at) === at || at === ".") return path;
    }
  }

  #hide(path: string): void {
    this.#hidden.add(path);
    for (const to of this.#moved.keys()) if (to === path || to.startsWith(`${path}/`)) this.#moved.delete(to);
  }

  #makeParent(path: string): void {
    const parent = parentPath(path);
    if (this.kind(parent) === undefined) throw new FileSystemError("ENOENT", "open", path);
    this.#upper.mkdir(parent);
  }

  #copyUp(path: string, bytes: number): void {
    const from = this.open(path, "read");
    try {
      this.#makeParent(path);
      const to = this.#upper.open(path, "replace");
      const end = Math.min(bytes, from.size());
      const buffer = new Uint8Array(Math.min(COPY_BYTES, end));
      for (let at = 0; at < end; at += buffer.length) {
        to.append(buffer, 0, from.read(buffer, 0, Math.min(buffer.length, end - at), at));
      }
      to.close();
    } finally {
      from.close();
    }
  }
}
