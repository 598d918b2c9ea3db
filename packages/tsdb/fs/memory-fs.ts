// A disk in memory for tests. It remembers what was fsynced, so that a test can pull the plug.
import {
  type EntryKind,
  type FileSystem,
  FileSystemError,
  type OpenFile,
  type OpenMode,
  parentPath,
} from "./file-system.ts";

/** A file's content; several names may lead to it. */
class FileNode {
  bytes: Uint8Array = new Uint8Array(0);
  size = 0;
  /** The content as of the last fsync. */
  durable: Uint8Array = new Uint8Array(0);
  /** So many bytes at the start of `bytes` and `durable` are known to be equal. */
  sameBytes = 0;

  resize(size: number): void {
    if (size > this.bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.bytes.length * 2, 64));
      grown.set(this.bytes.subarray(0, this.size));
      this.bytes = grown;
    }
    if (size < this.size) this.bytes.fill(0, size, this.size);
    this.size = size;
    this.sameBytes = Math.min(this.sameBytes, size);
  }

  sync(): void {
    if (this.durable.length === this.size && this.sameBytes === this.size) return;
    this.durable = this.bytes.slice(0, this.size);
    this.sameBytes = this.size;
  }

  revert(): void {
    this.bytes = this.durable.slice();
    this.size = this.durable.length;
    this.sameBytes = this.size;
  }
}

/** A directory's names, now and as of the last `syncDirectory`. */
class DirectoryNode {
  names = new Map<string, Node>();
  durable = new Map<string, Node>();
}

type Node = FileNode | DirectoryNode;

class MemoryFile implements OpenFile {
  readonly path: string;
  readonly #node: FileNode;
  readonly #writable: boolean;
  #open = true;

  constructor(path: string, node: FileNode, writable: boolean) {
    this.path = path;
    this.#node = node;
    this.#writable = writable;
  }

  read(into: Uint8Array, offset: number, length: number, position: number): number {
    this.#check("read");
    const count = Math.max(0, Math.min(length, this.#node.size - position));
    into.set(this.#node.bytes.subarray(position, position + count), offset);
    return count;
  }

  append(bytes: Uint8Array, start = 0, end: number = bytes.length): void {
    this.#check("write");
    if (!this.#writable) throw new FileSystemError("EBADF", "write", this.path);
    const at = this.#node.size;
    this.#node.resize(at + end - start);
    this.#node.bytes.set(bytes.subarray(start, end), at);
  }

  sync(): void {
    this.#check("fsync");
    this.#node.sync();
  }

  syncInBackground(done: (error?: unknown) => void): void {
    this.sync();
    done();
  }

  size(): number {
    this.#check("stat");
    return this.#node.size;
  }

  close(): void {
    this.#open = false;
  }

  #check(operation: string): void {
    if (!this.#open) throw new FileSystemError("EBADF", operation, this.path);
  }
}

/**
 * A file system in memory. Everything written is visible at once; `dropUnsynced` shows what a power cut would leave:
 * names as of the last `syncDirectory` of their directory, contents as of the last `sync` of their file.
 * Paths may begin with "/" or not, both mean the same place.
 */
export class MemoryFs implements FileSystem {
  #root = new DirectoryNode();
  /** What `diskBytes` tells; nothing stops at it. */
  capacityBytes: number | undefined;

  /** Turns the disk into what a power cut would leave. Files still open write into contents that nobody sees. */
  dropUnsynced(): void {
    const revert = (node: Node): void => {
      if (node instanceof FileNode) {
        node.revert();
        return;
      }
      node.names = new Map(node.durable);
      for (const inner of node.names.values()) revert(inner);
    };
    revert(this.#root);
  }

  /** A copy of the disk as it is now, durability included: a test can go back to it. */
  clone(): MemoryFs {
    const copies = new Map<Node, Node>();
    const copied = (node: Node): Node => {
      const known = copies.get(node);
      if (known !== undefined) return known;
      if (node instanceof FileNode) {
        const twin = new FileNode();
        twin.bytes = node.bytes.slice(0, node.size);
        twin.size = node.size;
        twin.durable = node.durable.slice();
        twin.sameBytes = node.sameBytes;
        copies.set(node, twin);
        return twin;
      }
      const twin = new DirectoryNode();
      copies.set(node, twin);
      for (const [name, inner] of node.names) twin.names.set(name, copied(inner));
      for (const [name, inner] of node.durable) twin.durable.set(name, copied(inner));
      return twin;
    };
    const copy = new MemoryFs();
    copy.#root = copied(this.#root) as DirectoryNode;
    return copy;
  }

  /** Places a whole file, fsynced, with its directories: for setting up tests. */
  put(path: string, bytes: Uint8Array): void {
    this.mkdir(parentPath(path));
    const node = new FileNode();
    node.bytes = bytes.slice();
    node.size = bytes.length;
    node.sync();
    let directory = this.#root;
    const parts = split(path);
    for (let i = 0; i < parts.length; i++) {
      const name = parts[i] as string;
      if (i === parts.length - 1) directory.names.set(name, node);
      const inner = directory.names.get(name) as Node;
      directory.durable.set(name, inner);
      if (inner instanceof DirectoryNode) directory = inner;
    }
  }

  /** The paths of all files, sorted, without a leading "/". */
  files(): string[] {
    const paths: string[] = [];
    const walk = (directory: DirectoryNode, prefix: string): void => {
      for (const [name, node] of directory.names) {
        if (node instanceof FileNode) paths.push(prefix + name);
        else walk(node, `${prefix}${name}/`);
      }
    };
    walk(this.#root, "");
    return paths.sort();
  }

  /** Changes one byte in place, as a bad disk would: what was fsynced changes too. */
  corrupt(path: string, position: number, byte: number): void {
    const node = this.#file(path, "corrupt");
    if (position < node.size) node.bytes[position] = byte;
    if (position < node.durable.length) node.durable[position] = byte;
  }

  open(path: string, mode: OpenMode): OpenFile {
    let node = this.#find(path);
    if (node instanceof DirectoryNode) throw new FileSystemError("EISDIR", "open", path);
    if (mode === "read" && node === undefined) throw new FileSystemError("ENOENT", "open", path);
    if (mode === "create" && node !== undefined) throw new FileSystemError("EEXIST", "open", path);
    if (node === undefined) {
      node = new FileNode();
      this.#parent(path, "open").names.set(lastName(path), node);
    } else if (mode === "replace") {
      node.resize(0);
    }
    return new MemoryFile(path, node, mode !== "read");
  }

  kind(path: string): EntryKind | undefined {
    const node = this.#find(path);
    return node === undefined ? undefined : node instanceof DirectoryNode ? "directory" : "file";
  }

  list(path: string): string[] {
    return [...this.#directory(path, "scandir").names.keys()].sort();
  }

  size(path: string): number {
    return this.#file(path, "stat").size;
  }

  diskBytes(): number | undefined {
    return this.capacityBytes;
  }

  truncate(path: string, size: number): void {
    this.#file(path, "truncate").resize(size);
  }

  rename(from: string, to: string): void {
    const node = this.#find(from);
    if (node === undefined) throw new FileSystemError("ENOENT", "rename", from);
    const there = this.#find(to);
    if (there === node) return;
    const target = this.#parent(to, "rename");
    if (there instanceof DirectoryNode) {
      if (node instanceof FileNode) throw new FileSystemError("EISDIR", "rename", to);
      if (there.names.size > 0) throw new FileSystemError("ENOTEMPTY", "rename", to);
    } else if (there !== undefined && node instanceof DirectoryNode) {
      throw new FileSystemError("ENOTDIR", "rename", to);
    }
    this.#parent(from, "rename").names.delete(lastName(from));
    target.names.set(lastName(to), node);
  }

  link(from: string, to: string): void {
    const node = this.#file(from, "link");
    if (this.#find(to) !== undefined) throw new FileSystemError("EEXIST", "link", to);
    this.#parent(to, "link").names.set(lastName(to), node);
  }

  unlink(path: string): void {
    this.#file(path, "unlink");
    this.#parent(path, "unlink").names.delete(lastName(path));
  }

  mkdir(path: string): void {
    let directory = this.#root;
    for (const name of split(path)) {
      let inner = directory.names.get(name);
      if (inner === undefined) {
        inner = new DirectoryNode();
        directory.names.set(name, inner);
      }
      if (inner instanceof FileNode) throw new FileSystemError("EEXIST", "mkdir", path);
      directory = inner;
    }
  }

  removeAll(path: string): void {
    if (this.#find(path) === undefined) return;
    this.#parent(path, "rm").names.delete(lastName(path));
  }

  syncDirectory(path: string): void {
    const directory = this.#directory(path, "fsync");
    directory.durable = new Map(directory.names);
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of split(path)) {
      if (!(node instanceof DirectoryNode)) return undefined;
      node = node.names.get(name);
    }
    return node;
  }

  #file(path: string, operation: string): FileNode {
    const node = this.#find(path);
    if (node === undefined) throw new FileSystemError("ENOENT", operation, path);
    if (node instanceof DirectoryNode) throw new FileSystemError("EISDIR", operation, path);
    return node;
  }

  #directory(path: string, operation: string): DirectoryNode {
    const node = this.#find(path);
    if (node === undefined) throw new FileSystemError("ENOENT", operation, path);
    if (node instanceof FileNode) throw new FileSystemError("ENOTDIR", operation, path);
    return node;
  }

  #parent(path: string, operation: string): DirectoryNode {
    const node = this.#find(parentPath(path));
    if (!(node instanceof DirectoryNode)) throw new FileSystemError("ENOENT", operation, path);
    return node;
  }
}

function split(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}

function lastName(path: string): string {
  return split(path).at(-1) ?? "";
}
