// Keeps the open blocks in step with the disk: takes up what came, lets go what went, deletes what is too much.
import { DELETION_SUFFIX, removeBlock } from "./block/block-writer.ts";
import { type DeletionReason, overlappingBlocks, planDeletion } from "./block/compaction-plan.ts";
import { BlockList, listBlocks } from "./block-list.ts";
import type { DbCounters } from "./db-metrics.ts";
import { directoryBytes, type FileSystem, joinPath } from "./fs/file-system.ts";
import type { Logger } from "./logger.ts";

/** When blocks are deleted; whatever limit is met first. */
export interface Retention {
  /** How far a block may lie behind the newest one (milliseconds); 0 for no limit. */
  readonly timeMs: number;
  /** Bytes of head and blocks in all; 0 for no limit. */
  readonly sizeBytes: number;
  /** Share of the disk in percent; above 0 it takes the place of `sizeBytes`. */
  readonly percentage: number;
}

export interface BlockKeeperOptions {
  readonly fs: FileSystem;
  readonly directory: string;
  readonly logger: Logger;
  readonly counters: DbCounters;
  readonly retention: Retention;
  /** Bytes of the head's files. */
  readonly headBytes: () => number;
  /** Resolves when no query is left that began before the call. */
  readonly whenUnread: () => Promise<void>;
  /** Removes directories, somewhere where it may take long. */
  readonly remove: (paths: readonly string[]) => Promise<void>;
}

export class BlockKeeper {
  readonly list: BlockList;
  retention: Retention;
  readonly #options: BlockKeeperOptions;
  /** Blocks that nobody is given any more, but that earlier queries may still open by their path. */
  readonly #leaving = new Set<string>();
  #overlaps = "";

  constructor(options: BlockKeeperOptions) {
    this.#options = options;
    this.retention = options.retention;
    this.list = new BlockList(options.fs, options.logger);
  }

  /** Bytes that head and blocks may take in all; 0 for no limit. */
  get maxBytes(): number {
    const { sizeBytes, percentage } = this.retention;
    if (percentage <= 0) return sizeBytes;
    const { fs, directory } = this.#options;
    const diskBytes = fs.diskBytes(directory) ?? 0;
    // Where nobody knows the disk's size, the fixed one holds, as in the reference.
    return diskBytes > 0 ? Math.floor((diskBytes * percentage) / 100) : sizeBytes;
  }

  /**
   * Looks at the directory: opens new blocks, forgets those that are gone, reads again what changes in blocks, and deletes those
   * that went into others or are beyond the limits. `setAside` as in `BlockList.use`. Throws when the directory cannot be read.
   */
  reload(setAside = false): void {
    const { fs, directory } = this.#options;
    const paths = listBlocks(fs, directory).filter((path) => !this.#leaving.has(path));
    this.list.use(paths, setAside);
    this.list.refresh();
    this.#deleteSurplus();
    this.#tellOverlaps();
  }

  /** Removes what waits for queries: all of them have ended. Blocks that cannot be removed are found by the next start. */
  close(): void {
    this.list.close();
    for (const path of this.#leaving) {
      try {
        removeBlock(this.#options.fs, path);
      } catch {
        // It was being removed already, or the disk refuses.
      }
    }
    this.#leaving.clear();
  }

  #deleteSurplus(): void {
    const { blocks } = this.list;
    const { counters, logger } = this.#options;
    const sizes = new Map(blocks.map((block) => [block.meta.ulid, block.size]));
    const deletions = planDeletion(
      blocks.map(({ meta }) => meta),
      { retentionMs: this.retention.timeMs, maxBytes: this.maxBytes, headBytes: this.#options.headBytes() },
      (meta) => sizes.get(meta.ulid) ?? 0,
    );
    if (deletions.size === 0) return;
    const reasons = new Set<DeletionReason>(deletions.values());
    if (reasons.has("time")) counters.timeRetentions++;
    if (reasons.has("size")) counters.sizeRetentions++;
    const surplus: string[] = [];
    const kept: string[] = [];
    for (const { meta, path } of blocks) {
      const reason = deletions.get(meta.ulid);
      if (reason === undefined) {
        kept.push(path);
        continue;
      }
      surplus.push(path);
      logger.info("Deleting obsolete block", { block: meta.ulid, reason, mint: meta.minTime, maxt: meta.maxTime });
    }
    this.list.use(kept);
    for (const path of surplus) this.#leaving.add(path);
    this.#remove(surplus).catch((error: unknown) => {
      logger.error("Deleting blocks failed; it is tried again", { err: error });
    });
  }

  async #remove(paths: readonly string[]): Promise<void> {
    const { fs, whenUnread, remove } = this.#options;
    try {
      await whenUnread();
      const aside: string[] = [];
      for (const path of paths) {
        // Closed meanwhile, or gone by other hands.
        if (!this.#leaving.has(path) || fs.kind(path) === undefined) continue;
        fs.removeAll(path + DELETION_SUFFIX);
        fs.rename(path, path + DELETION_SUFFIX);
        aside.push(path + DELETION_SUFFIX);
      }
      if (aside.length > 0) await remove(aside);
    } finally {
      for (const path of paths) this.#leaving.delete(path);
    }
  }

  #tellOverlaps(): void {
    const overlapping = overlappingBlocks(this.list.blocks.map(({ meta }) => meta));
    const detail = overlapping.map(
      ({ ulid, minTime, maxTime }) => `<ulid: ${ulid}, mint: ${minTime}, maxt: ${maxTime}>`,
    );
    const text = detail.join(", ");
    if (text !== "" && text !== this.#overlaps) {
      this.#options.logger.warn("Overlapping blocks found during reloadBlocks", { detail: text });
    }
    this.#overlaps = text;
  }
}

/** Bytes of the head's files in a data directory: logs with their checkpoints, and full chunks. */
export function headFileBytes(fs: FileSystem, directory: string): number {
  let bytes = 0;
  for (const name of ["wal", "wbl", "chunks_head"]) bytes += directoryBytes(fs, joinPath(directory, name));
  return bytes;
}
