// A file that lines are appended to. It may be moved away or deleted at any time, as by logrotate: the next write makes it anew.
import type { FileHandle } from "node:fs/promises";
import { open, stat } from "node:fs/promises";
import type { LineSink, Written } from "./line-output.ts";

const NEWLINE = 0x0a;

/** What a file sink needs of the file system; another one for tests. */
export interface AppendFiles {
  /** Opens for appending; makes the file when it is not there. */
  open(path: string): Promise<AppendedFile>;
  /** Which file has that path now; undefined when none has. */
  identify(path: string): Promise<string | undefined>;
}

export interface AppendedFile {
  /** No two files have the same. */
  readonly identity: string;
  /** Whether it ends within a line: somebody died while writing it. */
  readonly isTorn: boolean;
  /** Resolves with how many bytes were written, 1 at least. */
  write(bytes: Uint8Array): Promise<number>;
  close(): Promise<void>;
}

/** The machine's own files. */
const machineFiles: AppendFiles = {
  async open(path) {
    const handle = await open(path, "a", 0o644);
    try {
      const { dev, ino, size } = await handle.stat();
      return {
        identity: `${dev}:${ino}`,
        isTorn: size > 0 && (await endsTorn(path, size)),
        write: async (bytes) => (await handle.write(bytes)).bytesWritten,
        close: () => handle.close(),
      };
    } catch (error) {
      await handle.close();
      throw error;
    }
  },
  async identify(path) {
    const found = await stat(path).catch(() => undefined);
    return found === undefined ? undefined : `${found.dev}:${found.ino}`;
  },
};

/** A file that may not be read is taken as whole. */
async function endsTorn(path: string, size: number): Promise<boolean> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, "r");
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1);
    return bytesRead === 1 && buffer[0] !== NEWLINE;
  } catch {
    return false;
  } finally {
    await handle?.close();
  }
}

export class FileSink implements LineSink {
  readonly #path: string;
  readonly #files: AppendFiles;
  #file: AppendedFile | undefined;
  #mustReopen = false;

  /** Opens the file with the first write, and tries again with each further one where that fails. */
  constructor(path: string, files: AppendFiles = machineFiles) {
    this.#path = path;
    this.#files = files;
  }

  async write(bytes: Buffer): Promise<Written> {
    let count = 0;
    try {
      const file = await this.#current();
      while (count < bytes.length) count += await file.write(bytes.subarray(count));
      return { count };
    } catch (error) {
      // Part of a line may have arrived: opening the file again shows it, and the next line does not continue it.
      await this.close();
      return { count, error: error as Error };
    }
  }

  reopen(): void {
    this.#mustReopen = true;
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close().catch(() => {});
  }

  /** Looking at the path before each write costs less than a watcher, and works where watchers do not, as on network drives. */
  async #current(): Promise<AppendedFile> {
    const known = this.#file;
    if (known !== undefined && !this.#mustReopen && (await this.#files.identify(this.#path)) === known.identity)
      return known;
    this.#mustReopen = false;
    await this.close();
    const file = await this.#files.open(this.#path);
    this.#file = file;
    if (file.isTorn) await file.write(Buffer.of(NEWLINE));
    return file;
  }
}
