// The blocks of a data directory, as one thread has them open.
import { Block, BlockError } from "./block/block.ts";
import { BlockMetaError } from "./block/meta.ts";
import { type FileSystem, joinPath } from "./fs/file-system.ts";
import type { Logger } from "./logger.ts";

/** Names of block directories: ULIDs. Everything else in a data directory is somebody else's. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

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
  readonly #reported = new Set<string>();

  constructor(fs: FileSystem, logger: Logger) {
    this.#fs = fs;
    this.#logger = logger;
  }

  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  /** End of the newest block, -Infinity without blocks: the head begins there. */
  get maxTime(): number {
    return this.#blocks.reduce((latest, block) => Math.max(latest, block.maxTime), Number.NEGATIVE_INFINITY);
  }

  /** Blocks that may hold samples of a time range. */
  overlapping(minTime: number, maxTime: number): Block[] {
    return this.#blocks.filter((block) => block.overlaps(minTime, maxTime));
  }

  /**
   * Makes the given directories the open blocks: opens new ones, closes others once their last querier has ended. A damaged
   * block is reported once and left out; its files stay as they are. Other errors are thrown after the rest was opened.
   */
  use(paths: readonly string[]): void {
    const known = new Map(this.#blocks.map((block) => [block.path, block]));
    const next: Block[] = [];
    for (const path of paths) {
      const block = known.get(path) ?? this.#open(path);
      if (block !== undefined) next.push(block);
      known.delete(path);
    }
    next.sort((a, b) => a.minTime - b.minTime || a.maxTime - b.maxTime);
    this.#blocks = next;
    for (const block of known.values()) block.close();
  }

  /** Closes all. */
  close(): void {
    this.use([]);
  }

  #open(path: string): Block | undefined {
    try {
      return Block.open(this.#fs, path);
    } catch (error) {
      if (!(error instanceof BlockError) && !(error instanceof BlockMetaError) && !isDiskError(error)) throw error;
      if (!this.#reported.has(path))
        this.#logger.error("Failed to open block, it is left out", { block: path, err: error });
      this.#reported.add(path);
      return undefined;
    }
  }
}

/** A file that is missing or cannot be read spoils its block, not the start. */
function isDiskError(error: unknown): boolean {
  return typeof (error as { code?: unknown } | null)?.code === "string";
}
