// The storage engine from a worker: it looks at the same memory and opens the same files.
import type { Names, Querier, Queryable, SeriesSet } from "@narthex/storage";
import { BlockList } from "./block-list.ts";
import { HeadChunkReader } from "./chunk/head-chunks.ts";
import { type FileSystem, joinPath } from "./fs/file-system.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { ChunkFileSource } from "./head/chunk-files.ts";
import { HeadQuerier } from "./head/head-querier.ts";
import { HeadView } from "./head/head-view.ts";
import type { Snapshot } from "./head/snapshots.ts";
import { readBudget } from "./index/read-cache.ts";
import { forgetSymbols } from "./index/symbol-table.ts";
import { silentLogger } from "./logger.ts";
import { HeadMemory, type Layout, type SharedMemory } from "./memory/layout.ts";
import { mergeQueriers } from "./merge-querier.ts";
import { HeadDeletions } from "./tombstone/head-deletions.ts";

/** What a worker needs once, to read a database of the main thread: post it with the first message. */
export interface DbShare {
  readonly directory: string;
  readonly memory: SharedMemory;
  readonly layout: Layout;
}

/**
 * What a worker needs per query: the moment it looks at. Small and structured-clonable. While it is held, the memory and
 * files it needs stay; give it back with `Db.endRead`, whatever became of the query.
 */
export interface ReadTicket {
  readonly snapshot: Snapshot;
  /** Directories of the blocks that belong to the view. */
  readonly blocks: readonly string[];
  /** How often samples of blocks were deleted: readers elsewhere look at the tombstones again when it changed. */
  readonly blockDeletions: number;
  /** What was deleted in the head, undefined for nothing (see `HeadDeletions`). */
  readonly headDeletions: SharedArrayBuffer | undefined;
  /** Time of the head's oldest sample in milliseconds: a view that ends before leaves it out. -Infinity where nothing is known. */
  readonly headMinTime: number;
  /** The same of samples that did not come late. */
  readonly headInOrderMinTime: number;
}

/**
 * Bounds what this thread keeps of blocks between queries, in bytes: series with their labels, and decoded chunks. Without a
 * word, 48 MiB.
 */
export function limitReadCache(bytes: number): void {
  readBudget.limit(bytes);
}

/** Forgets what this thread keeps of blocks: series and decoded chunks, and the label sets and strings that all blocks share. */
export function clearReadCache(): void {
  readBudget.clear();
  forgetSymbols();
}

export const HEAD_CHUNKS_DIRECTORY = "chunks_head";

/** A database seen from a worker. One per worker, for all its queries, one after the other. */
export class DbReader {
  readonly #view: HeadView;
  readonly #chunks: HeadChunkReader;
  readonly #blocks: BlockList;
  #blockDeletions = 0;

  constructor(share: DbShare, fs: FileSystem = new NodeFs()) {
    this.#blocks = new BlockList(fs, silentLogger);
    this.#chunks = new HeadChunkReader(fs, joinPath(share.directory, HEAD_CHUNKS_DIRECTORY));
    this.#view = new HeadView(new HeadMemory(share.memory, share.layout), new ChunkFileSource(this.#chunks));
  }

  /** The database as the ticket saw it. Reading throws `SnapshotExpiredError` when the ticket was given up meanwhile. */
  queryable(ticket: ReadTicket): Queryable {
    this.#blocks.use(ticket.blocks);
    if (ticket.blockDeletions !== this.#blockDeletions) this.#blocks.refresh();
    this.#blockDeletions = ticket.blockDeletions;
    return {
      querier: (minTime: number, maxTime: number): Querier =>
        openQuerier(this.#blocks, this.#view, ticket, minTime, maxTime, () => {}),
    };
  }

  /** Closes files. */
  close(): void {
    this.#chunks.close();
    this.#blocks.close();
  }
}

/** Blocks and head as one querier; `release` is called when it is closed. */
export function openQuerier(
  blocks: BlockList,
  view: HeadView,
  ticket: ReadTicket,
  minTime: number,
  maxTime: number,
  release: () => void,
): Querier {
  const asked = blocks.overlapping(minTime, maxTime);
  const queriers = asked.map((block) => block.querier(minTime, maxTime, 1 / asked.length));
  // The head goes along even where it has nothing to say, when nobody else is there, and to give the ticket back.
  const deletions = new HeadDeletions(ticket.headDeletions);
  const onlyLate = maxTime < ticket.headInOrderMinTime;
  const head = new HeadQuerier(view, ticket.snapshot, minTime, maxTime, release, deletions, onlyLate);
  queriers.push(maxTime < Math.max(ticket.headMinTime, minTime) ? new SilentQuerier(release) : head);
  return mergeQueriers(queriers);
}

/** Stands for a head that lies outside of a view's range, so that labels of later series do not show. */
class SilentQuerier implements Querier {
  #release: (() => void) | undefined;

  constructor(release: () => void) {
    this.#release = release;
  }

  select(): SeriesSet {
    const nothing = (): never => {
      throw new RangeError("an empty selection has no series");
    };
    return { count: 0, warnings: [], labels: nothing, read: nothing };
  }

  estimateSeries(): number {
    return 0;
  }

  labelNames(): Names {
    return { values: [], truncated: false };
  }

  labelValues(): Names {
    return { values: [], truncated: false };
  }

  close(): void {
    this.#release?.();
    this.#release = undefined;
  }
}
