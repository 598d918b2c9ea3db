// The storage engine from a worker: it looks at the same memory and opens the same files.
import type { Querier, Queryable } from "@narthex/storage";
import { HeadChunkReader } from "./chunk/head-chunks.ts";
import { type FileSystem, joinPath } from "./fs/file-system.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { ChunkFileSource } from "./head/chunk-files.ts";
import { HeadQuerier } from "./head/head-querier.ts";
import { HeadView } from "./head/head-view.ts";
import type { Snapshot } from "./head/snapshots.ts";
import { HeadMemory, type Layout, type SharedMemory } from "./memory/layout.ts";

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
}

export const HEAD_CHUNKS_DIRECTORY = "chunks_head";

/** A database seen from a worker. One per worker, for all its queries, one after the other. */
export class DbReader {
  readonly #view: HeadView;
  readonly #chunks: HeadChunkReader;

  constructor(share: DbShare, fs: FileSystem = new NodeFs()) {
    this.#chunks = new HeadChunkReader(fs, joinPath(share.directory, HEAD_CHUNKS_DIRECTORY));
    this.#view = new HeadView(new HeadMemory(share.memory, share.layout), new ChunkFileSource(this.#chunks));
  }

  /** The database as the ticket saw it. Reading throws `SnapshotExpiredError` when the ticket was given up meanwhile. */
  queryable(ticket: ReadTicket): Queryable {
    return {
      querier: (minTime: number, maxTime: number): Querier =>
        new HeadQuerier(this.#view, ticket.snapshot, minTime, maxTime, () => {}),
    };
  }

  /** Closes files. */
  close(): void {
    this.#chunks.close();
  }
}
