// Room for chunks: the pools of their memory, and the way of full ones to disk.
import { FINISHED_WORDS, type HeadMemory, SLOT_LINK, SLOT_WORDS } from "../memory/layout.ts";
import { HeadFullError, Pool } from "../memory/pool.ts";
import type { ChunkSink, FinishedChunks } from "./finished-chunks.ts";
import { Fin } from "./record.ts";
import type { Snapshots } from "./snapshots.ts";

/** Slots beyond two for each sample, so that no commit runs out in the middle. */
const SPARE_SLOTS = 64;

/** Used by the single writer, between write windows. */
export class HeadRoom {
  /** Memory of chunks, and of what is known of full ones. */
  readonly slots: Pool;
  readonly cells: Pool;
  /** Where full chunks go; while there is none they stay in memory. */
  sink: ChunkSink | undefined;
  readonly #snapshots: Snapshots;
  readonly #onError: ((error: unknown) => void) | undefined;
  #finished: FinishedChunks | undefined;

  /** `onError` is told when full chunks could not be written; they stay in memory and are tried again. */
  constructor(memory: HeadMemory, snapshots: Snapshots, onError: ((error: unknown) => void) | undefined) {
    this.slots = new Pool(memory.slots, SLOT_WORDS, SLOT_LINK, "chunks", memory.slotPool);
    this.cells = new Pool(memory.finished, FINISHED_WORDS, Fin.older, "finished chunks", memory.cellPool);
    this.#snapshots = snapshots;
    this.#onError = onError;
  }

  /** Whose full chunks it moves; they stand in its pools. */
  set finished(finished: FinishedChunks) {
    this.#finished = finished;
  }

  /** Moves up to `limit` full chunks from memory to disk. */
  moveOut(limit: number): void {
    const finished = this.#finished;
    if (this.sink === undefined || finished === undefined || finished.pendingCount === 0) return;
    try {
      finished.moveOut(this.sink, limit);
    } catch (error) {
      this.#onError?.(error);
    }
  }

  /** Sees to it that so many samples can be appended. Throws a `HeadFullError`. */
  forSamples(count: number): void {
    this.#make(count * 2 + SPARE_SLOTS, count);
  }

  /** Sees to it that so many slots can be taken, and a cell for a full chunk. Throws a `HeadFullError`. */
  forSlots(count: number): void {
    this.#make(count, 0);
  }

  /** More than `slots` and more than `cells`. */
  #make(slots: number, cells: number): void {
    if (this.slots.available > slots && this.cells.available > cells) return;
    this.moveOut(Infinity);
    // What waits for running queries is freed by ending the oldest of them.
    while (this.slots.available <= slots && this.#snapshots.liveCount > 0) this.#snapshots.expireOldest();
    if (this.slots.available <= slots || this.cells.available <= cells) throw new HeadFullError("samples");
  }
}
