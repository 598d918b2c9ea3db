// The disk as the storage engine sees it: a small synchronous interface, so that tests bring a disk of their own.
//
// All paths are plain strings with "/" between the parts. Errors carry a `code` as Node names them
// ("ENOENT", "EEXIST", "ENOSPC", "EIO"); `isNotFound` tells the one that callers expect.

/** An open file. One owner; every call after `close` throws. */
export interface OpenFile {
  readonly path: string;
  /**
   * Reads up to `length` bytes from `position` of the file to `into[offset...]`, returns how many came: fewer only at
   * the end of the file (implementations repeat short reads themselves).
   */
  read(into: Uint8Array, offset: number, length: number, position: number): number;
  /** Writes `bytes[start, end)` at the end of the file, all of it or an error (after which a part may be written). */
  append(bytes: Uint8Array, start?: number, end?: number): void;
  /** Returns once everything written lies on the disk. Does not cover the directory entry: see `syncDirectory`. */
  sync(): void;
  /**
   * As `sync`, beside the caller's work; `done` comes later, or at once where the implementation cannot wait elsewhere.
   * Do not close the file before.
   */
  syncInBackground(done: (error?: unknown) => void): void;
  /** Bytes in the file now. */
  size(): number;
  /** Idempotent. */
  close(): void;
}

/**
 * `read`: an existing file. `create`: a file that must not exist yet. `replace`: an empty file, whatever was there.
 * `append`: an existing or a new file, kept as it is. All but `read` may also be read from.
 */
export type OpenMode = "read" | "create" | "replace" | "append";

/** What kind of entry a directory holds under a name. */
export type EntryKind = "file" | "directory" | "other";

/** Every disk access of the storage engine. Synchronous: callers that must not wait run in a worker. */
export interface FileSystem {
  open(path: string, mode: OpenMode): OpenFile;
  /** What lies at `path`, undefined when nothing does. */
  kind(path: string): EntryKind | undefined;
  /** Names (not paths) in a directory, sorted. */
  list(path: string): string[];
  /** Bytes of one file. */
  size(path: string): number;
  /** Bytes of the whole disk that a directory lies on, free or not; undefined where nobody knows. */
  diskBytes(path: string): number | undefined;
  /** Sets a file's length; growing fills with zeros. */
  truncate(path: string, size: number): void;
  /** Moves a file or directory; a file (or an empty directory) at the new path is replaced. */
  rename(from: string, to: string): void;
  /** A second name for the same file. Throws EEXIST when `to` is there. */
  link(from: string, to: string): void;
  /** Removes one file's name. */
  unlink(path: string): void;
  /** Makes a directory and its missing parents; fine when it is there. */
  mkdir(path: string): void;
  /** Removes a file or a whole directory; fine when nothing is there. */
  removeAll(path: string): void;
  /** Returns once the names in a directory (created, renamed, removed) are on the disk. */
  syncDirectory(path: string): void;
}

/** An error of a file system that is not Node's own; shaped alike. */
export class FileSystemError extends Error {
  override readonly name = "FileSystemError";
  readonly code: string;
  readonly path: string;

  constructor(code: string, operation: string, path: string) {
    super(`${code}: ${operation} '${path}'`);
    this.code = code;
    this.path = path;
  }
}

/** Tells that a file or directory was not there. */
export function isNotFound(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "ENOENT";
}

/** `parts` with one "/" between them. */
export function joinPath(...parts: readonly string[]): string {
  let joined = "";
  for (const part of parts) {
    if (part === "") continue;
    joined = joined === "" ? part : joined.endsWith("/") ? joined + part : `${joined}/${part}`;
  }
  return joined;
}

/** The directory part of a path: "." for a bare name. */
export function parentPath(path: string): string {
  const cut = path.lastIndexOf("/");
  return cut < 0 ? "." : cut === 0 ? "/" : path.slice(0, cut);
}

/** The last part of a path. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Bytes of all files in a directory and those in it; 0 when there is none. Files that go meanwhile do not count. */
export function directoryBytes(fs: FileSystem, path: string): number {
  let bytes = 0;
  try {
    for (const name of fs.list(path)) {
      const inner = joinPath(path, name);
      const kind = fs.kind(inner);
      if (kind === "directory") bytes += directoryBytes(fs, inner);
      else if (kind === "file") bytes += fs.size(inner);
    }
  } catch (error) {
    if (!isNotFound(error)) throw error;
  }
  return bytes;
}

/** A whole file's bytes. Throws FileSystemError "EFBIG" when it holds more than `maxBytes`. */
export function readWholeFile(fs: FileSystem, path: string, maxBytes = 0x7fffffff): Uint8Array {
  const file = fs.open(path, "read");
  try {
    const size = file.size();
    if (size > maxBytes) throw new FileSystemError("EFBIG", "read", path);
    const bytes = new Uint8Array(size);
    const got = file.read(bytes, 0, size, 0);
    return got === size ? bytes : bytes.subarray(0, got);
  } finally {
    file.close();
  }
}

/** Writes a file so that after a crash either the old or the new content is there: aside, fsynced, renamed. */
export function writeFileAtomically(fs: FileSystem, path: string, bytes: Uint8Array): void {
  const aside = `${path}.tmp`;
  const file = fs.open(aside, "replace");
  try {
    file.append(bytes);
    file.sync();
  } finally {
    file.close();
  }
  fs.rename(aside, path);
  fs.syncDirectory(parentPath(path));
}
