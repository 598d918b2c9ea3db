// The blocks of a data directory, as one thread has them open.
import { Block, BlockError } from "./block/block.ts";
import { BlockMetaError, isHeadRange, META_FILE } from "./block/meta.ts";
import { directoryBytes, type FileSystem, isNotFound, joinPath } from "./fs/file-system.ts";
import type { Logger } from "./logger.ts";

/** Names of block directories: ULIDs. Everything else in a data directory is somebody else's. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** What the directory of a damaged block ends in, once it was set aside: no server takes it for a block any more. */
const CORRUPT_SUFFIX = ".corrupt";

/** Paths of all block directories in a data directory. */
export function listBlocks(fs: FileSystem, directory: string): string[] {
  return fs
    .list(directory)
    .filter((name) => ULID.test(name))
    .map((name) => joinPath(directory, name))
    .filter((path) => fs.kind(path) === "directory");
}

/** Open blocks, in the order of their times. */
export class BlockList {
  readonly #fs: FileSystem;
  readonly #logger: Logger;
  #blocks: readonly Block[] = [];
  /** Damaged directories that were reported already. */
  #reported = new Set<string>();

  constructor(fs: FileSystem, logger: Logger) {
    this.#fs = fs;
    this.#logger = logger;
  }

  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  /**
   * End of the newest block, -Infinity without blocks: the head begins there. Late samples and those of some
   * series say nothing about the head.
   */
  get maxTime(): number {
    let latest = Number.NEGATIVE_INFINITY;
    for (const { meta } of this.#blocks) {
      if (isHeadRange(meta)) latest = Math.max(latest, meta.maxTime);
    }
    return latest;
  }

  /** Blocks that may hold samples of a time range. */
  overlapping(minTime: number, maxTime: number): Block[] {
    return this.#blocks.filter((block) => block.overlaps(minTime, maxTime));
  }

  /**
   * Makes the given directories the open blocks: opens new ones, closes others once their last querier has ended. A damaged
   * block is reported once and left out; its files stay as they are, since somebody may be copying them here, and it is tried
   * again each time. With `setAside` (at a start) the directory of a damaged block is renamed to `ULID.corrupt`, so that the
   * reference starts as well; one whose meta.json cannot be read stays, as in the reference.
   */
  use(paths: readonly string[], setAside = false): void {
    this.#reported = new Set([...this.#reported].filter((path) => paths.includes(path)));
    const known = new Map(this.#blocks.map((block) => [block.path, block]));
    const next: Block[] = [];
    for (const path of paths) {
      const block = known.get(path) ?? this.#open(path, setAside);
      if (block !== undefined) next.push(block);
      known.delete(path);
    }
    next.sort((a, b) => a.minTime - b.minTime || a.maxTime - b.maxTime);
    this.#blocks = next;
    for (const block of known.values()) block.close();
  }

  /** Looks again at what is not immutable in a block: its meta.json and tombstones. A block that refuses keeps what it had. */
  refresh(): void {
    for (const block of this.#blocks) {
      try {
        block.refresh();
      } catch (error) {
        // It is on its way out, or was damaged since: the next start tells.
        this.#logger.warn("Reading a block's meta.json and tombstones again failed", { block: block.path, err: error });
      }
    }
  }

  /** Closes all. */
  close(): void {
    this.use([]);
  }

  #open(path: string, setAside: boolean): Block | undefined {
    try {
      return Block.open(this.#fs, path);
    } catch (error) {
      if (!(error instanceof BlockError) && !(error instanceof BlockMetaError) && !isDiskError(error)) throw error;
      const isDamaged = error instanceof BlockError && !(error.cause instanceof BlockMetaError);
      const isIncomplete = isNotFound(error) && this.#fs.kind(joinPath(path, META_FILE)) === "file";
      if (setAside && (isDamaged || isIncomplete)) this.#setAside(path, error);
      else if (!this.#reported.has(path)) {
        this.#logger.error("Failed to open block, it is left out", { block: path, err: error });
      }
      this.#reported.add(path);
      return undefined;
    }
  }

  #setAside(path: string, error: unknown): void {
    const facts = { block: path, err: error, lost_bytes: directoryBytes(this.#fs, path) };
    let to = path + CORRUPT_SUFFIX;
    for (let i = 2; this.#fs.kind(to) !== undefined; i++) to = `${path}${CORRUPT_SUFFIX}.${i}`;
    try {
      this.#fs.rename(path, to);
      this.#logger.error("A damaged block was set aside", { ...facts, renamed_to: to });
    } catch (renameError) {
      this.#logger.error("A damaged block is left out; it could not be renamed", { ...facts, rename: renameError });
    }
  }
}

/** A file that is missing or cannot be read spoils its block, not the start. */
function isDiskError(error: unknown): boolean {
  return typeof (error as { code?: unknown } | null)?.code === "string";
}
