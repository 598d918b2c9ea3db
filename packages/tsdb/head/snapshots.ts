// Which moments of the past running queries still look at.
//
// Time is counted in epochs: taking a snapshot ends one. A series record carries the epoch of its last append, and the first
// append after a snapshot leaves an undo entry (epoch and time of the append before), so that a reader of an older
// snapshot knows from which time on to drop samples. Commits are synchronous and snapshots are taken between them, so a
// snapshot holds each commit whole or not at all.
import { Control, type HeadMemory, MAX_SNAPSHOTS, UNDO_WORDS } from "../memory/layout.ts";

/** Undo entries per block: 64 KiB. Blocks are filled in order and freed in order. */
const BLOCK_ENTRIES = 4096;

/** The snapshot of a query was given up, because too many were held or one was held for too long. Ask again. */
export class SnapshotExpiredError extends Error {
  override readonly name = "SnapshotExpiredError";

  constructor() {
    super("the query's view of the storage expired: it was held for too long");
  }
}

/** A moment of the head, structured-clonable. Its series refs, slots and finished chunks stay until it is released. */
export interface Snapshot {
  /** Which of the snapshot words in shared memory belongs to it, and what stands there while it holds. */
  readonly word: number;
  readonly token: number;
  readonly epoch: number;
  /** Series with a higher ref came later. */
  readonly lastRef: number;
}

/** The writer's account of snapshots and the undo entries they need. */
export class Snapshots {
  /** The current epoch; an appended series record takes this number. */
  epoch = 1;
  liveCount = 0;
  /** Epochs of the oldest and newest live snapshot; meaningless while there is none. */
  oldest = 0;
  newest = 0;
  readonly #memory: HeadMemory;
  readonly #live: Snapshot[] = [];
  readonly #freeWords: number[] = [];
  #tokens = 0;
  // Blocks of undo entries in use, oldest first, with the epoch in which each got its last entry.
  readonly #blocks: { first: number; lastEpoch: number }[] = [];
  readonly #freeBlocks: number[] = [];
  #freshBlock = 0;
  #used = BLOCK_ENTRIES;
  readonly #maxBlocks: number;
  /** Called after a snapshot has ended. */
  onRelease: () => void = () => {};

  constructor(memory: HeadMemory) {
    this.#memory = memory;
    this.#maxBlocks = Math.floor(memory.undo.length / UNDO_WORDS / BLOCK_ENTRIES);
    for (let word = MAX_SNAPSHOTS - 1; word >= 0; word--) this.#freeWords.push(word);
  }

  /** Undo entries that are kept now. */
  get undoEntries(): number {
    return this.#blocks.length === 0 ? 0 : (this.#blocks.length - 1) * BLOCK_ENTRIES + this.#used;
  }

  /** Ends the current epoch. The 1,025th snapshot ends the oldest one. */
  take(lastRef: number): Snapshot {
    if (this.#freeWords.length === 0) this.expireOldest();
    const word = this.#freeWords.pop()!;
    this.#tokens = (this.#tokens + 1) & 0x7fff_ffff || 1;
    const snapshot: Snapshot = { word, token: this.#tokens, epoch: this.epoch, lastRef };
    Atomics.store(this.#memory.control, Control.snapshots + word, this.#tokens);
    this.epoch = (this.epoch + 1) >>> 0;
    this.#live.push(snapshot);
    this.#account();
    return snapshot;
  }

  /** Ends a snapshot. One that has ended (or expired) already is ignored. */
  release(snapshot: Snapshot): void {
    const at = this.#live.findIndex((live) => live.word === snapshot.word && live.token === snapshot.token);
    if (at < 0) return;
    this.#live.splice(at, 1);
    Atomics.store(this.#memory.control, Control.snapshots + snapshot.word, 0);
    this.#freeWords.push(snapshot.word);
    this.#account();
    this.#freeUndo();
    this.onRelease();
  }

  /** Gives the oldest snapshot up: its readers throw `SnapshotExpiredError` at their next read. */
  expireOldest(): void {
    const oldest = this.#live[0];
    if (oldest !== undefined) this.release(oldest);
  }

  /** Keeps (epoch, time) of a series' last append before this epoch; returns the entry's index. Call when snapshots live. */
  keep(epoch: number, lastTime: number, previous: number): number {
    if (this.#used === BLOCK_ENTRIES) this.#nextBlock();
    const block = this.#blocks[this.#blocks.length - 1];
    block.lastEpoch = this.epoch;
    const entry = block.first + this.#used++;
    const { undo, undoFloats } = this.#memory;
    undo[entry * UNDO_WORDS] = epoch;
    undo[entry * UNDO_WORDS + 1] = previous;
    undoFloats[entry * 2 + 1] = lastTime;
    return entry;
  }

  #nextBlock(): void {
    this.#freeUndo();
    while (this.#freeBlocks.length === 0 && this.#freshBlock >= this.#maxBlocks && this.liveCount > 0)
      this.expireOldest();
    // Entry 0 means none, so the first entry of the first block stays unused.
    const first = this.#freeBlocks.pop() ?? this.#freshBlock++ * BLOCK_ENTRIES;
    this.#blocks.push({ first, lastEpoch: this.epoch });
    this.#used = first === 0 ? 1 : 0;
  }

  /** Blocks whose entries all were made before the oldest snapshot serve nobody. */
  #freeUndo(): void {
    while (this.#blocks.length > 0) {
      const block = this.#blocks[0];
      if (this.liveCount > 0 && ((block.lastEpoch - this.oldest) | 0) > 0) return;
      this.#blocks.shift();
      this.#freeBlocks.push(block.first);
      if (this.#blocks.length === 0) this.#used = BLOCK_ENTRIES;
    }
  }

  #account(): void {
    this.liveCount = this.#live.length;
    if (this.liveCount === 0) return;
    this.oldest = this.#live[0].epoch;
    this.newest = this.#live[this.liveCount - 1].epoch;
  }
}

/** Throws `SnapshotExpiredError` when the snapshot has ended; any thread. */
export function checkSnapshot(control: Int32Array, snapshot: Snapshot): void {
  if (Atomics.load(control, Control.snapshots + snapshot.word) !== snapshot.token) throw new SnapshotExpiredError();
}
