// Keeping late samples, a commit at a time: everything is built aside, then shown at once or thrown away.
//
// A commit works on copies of the open blocks it touches. Readers copy a block between two looks at the sequence counter, so
// the old one is free as soon as the new one is shown; blocks that went to disk wait for the snapshots that see only a part of them.
import { BitWriter } from "@narthex/encoding";
import type { ChunkList } from "../chunk/chunk-list.ts";
import type { FloatEncoding } from "../chunk/float-encoding.ts";
import { ChunkEncoding, hasFloats } from "../chunk/format.ts";
import { encodeXor } from "../chunk/xor.ts";
import { encodeXor2 } from "../chunk/xor2.ts";
import type { Arena } from "../memory/arena.ts";
import { COLD_WORDS, type HeadMemory } from "../memory/layout.ts";
import { HeadFullError } from "../memory/pool.ts";
import { closeWindow, openWindow } from "../memory/window.ts";
import type { ChunkPlace, ChunkSink } from "./finished-chunks.ts";
import { BLOCK_SAMPLES, blockWords, CELL_WORDS, Cell, Late, startsAt } from "./out-of-order-record.ts";
import type { Reclaimer } from "./reclaimer.ts";
import { Cold, FIN_COUNT_MASK, FIN_ENCODING_SHIFT } from "./record.ts";
import type { Snapshots } from "./snapshots.ts";

const FIRST_CAPACITY = 4;
/** Where a chunk is said to lie when there is no disk: its samples stay in memory. */
const NOWHERE: ChunkPlace = { file: 0, offset: 0 };

/** A series' late samples as they will be after the commit at hand. */
export interface StagedSeries {
  readonly record: number;
  /** Address of the open block's copy. */
  block: number;
  /** Cells made by this commit. */
  readonly cells: number[];
  /** Blocks that got their first sample from this commit. */
  begun: number;
  /** For the caller: which group of log records speaks of the series. */
  group: number;
}

/** Used by the single writer. */
export class OutOfOrderChunks {
  /** Where full blocks go; undefined keeps them in memory. */
  sink: ChunkSink | undefined = undefined;
  /** How chunks of floats are written, unless start timestamps call for `xor2`. */
  floats: FloatEncoding = "xor";
  readonly #memory: HeadMemory;
  readonly #arena: Arena;
  readonly #reclaimer: Reclaimer;
  readonly #snapshots: Snapshots;
  readonly #bits = new BitWriter(1024);
  readonly #staged = new Map<number, StagedSeries>();
  #hasCut = false;
  /** No late sample is older than this; Infinity while there is none. */
  minTime: number = Infinity;
  /** Chunks that belong to the head, open blocks included; made and removed so far. */
  chunksCreated = 0;
  chunksRemoved = 0;

  constructor(memory: HeadMemory, arena: Arena, reclaimer: Reclaimer, snapshots: Snapshots) {
    this.#memory = memory;
    this.#arena = arena;
    this.#reclaimer = reclaimer;
    this.#snapshots = snapshots;
  }

  /** Whether a series has late samples. */
  has(record: number): boolean {
    return this.#memory.cold[record * COLD_WORDS + Cold.outOfOrder] !== 0;
  }

  /** The series' state in the commit at hand. Throws a `HeadFullError`. */
  stage(record: number): StagedSeries {
    const known = this.#staged.get(record);
    if (known !== undefined) return known;
    const { arena, cold } = this.#memory;
    const old = cold[record * COLD_WORDS + Cold.outOfOrder];
    const count = old === 0 ? 0 : arena[old + Late.count];
    const block = this.#copy(old, capacityFor(Math.min(count + 1, BLOCK_SAMPLES)));
    const staged = { record, block, cells: [], begun: 0, group: -1 };
    this.#staged.set(record, staged);
    return staged;
  }

  /** Whether the open block takes no further sample. */
  isFull({ block }: StagedSeries): boolean {
    return this.#memory.arena[block + Late.count] === BLOCK_SAMPLES;
  }

  /** Whether no sample stands in the open block. */
  isEmpty({ block }: StagedSeries): boolean {
    return this.#memory.arena[block + Late.count] === 0;
  }

  /**
   * Adds a sample with its start timestamp (0 where unknown) to a block that is not full. False when there is one of that time: that
   * one stays. Throws a `HeadFullError`.
   */
  insert(staged: StagedSeries, t: number, high: number, low: number, startTime: number): boolean {
    const { arena, arenaFloats } = this.#memory;
    let { block } = staged;
    const count = arena[block + Late.count];
    let times = (block + Late.samples) >> 1;
    let at = count;
    while (at > 0 && arenaFloats[times + at - 1] > t) at--;
    if (at > 0 && arenaFloats[times + at - 1] === t) return false;
    const hasStarts = arena[block + Late.hasStarts] !== 0 || startTime !== 0;
    if (count === arena[block + Late.capacity] || (hasStarts && arena[block + Late.hasStarts] === 0)) {
      const grown = this.#copy(block, capacityFor(count + 1), hasStarts);
      this.#giveBlock(block);
      staged.block = block = grown;
      times = (block + Late.samples) >> 1;
    }
    const capacity = arena[block + Late.capacity];
    const values = block + Late.samples + 2 * capacity;
    const epochs = values + 2 * capacity;
    if (hasStarts) {
      const starts = (block >> 1) + startsAt(capacity);
      for (let i = count; i > at; i--) arenaFloats[starts + i] = arenaFloats[starts + i - 1];
      arenaFloats[starts + at] = startTime;
    }
    for (let i = count; i > at; i--) {
      arenaFloats[times + i] = arenaFloats[times + i - 1];
      arena[values + 2 * i] = arena[values + 2 * i - 2];
      arena[values + 2 * i + 1] = arena[values + 2 * i - 1];
      arena[epochs + i] = arena[epochs + i - 1];
    }
    arenaFloats[times + at] = t;
    arena[values + 2 * at] = low;
    arena[values + 2 * at + 1] = high;
    arena[epochs + at] = this.#snapshots.epoch;
    arena[block + Late.count] = count + 1;
    if (t < this.minTime) this.minTime = t;
    if (count === 0) {
      staged.begun++;
      this.chunksCreated++;
    }
    return true;
  }

  /** Makes a chunk of the full block and begins an empty one. Returns where the chunk lies. Throws as the disk does. */
  cut(staged: StagedSeries, ref: number): ChunkPlace {
    const { arena, arenaFloats } = this.#memory;
    const { block } = staged;
    const count = arena[block + Late.count];
    const capacity = arena[block + Late.capacity];
    const times = (block + Late.samples) >> 1;
    const values = block + Late.samples + 2 * capacity;
    const epochs = values + 2 * capacity;
    const cell = this.#take(CELL_WORDS);
    staged.cells.push(cell);
    arena[cell + Cell.block] = 0;
    const next = this.#newBlock(FIRST_CAPACITY, false);
    const hasStarts = arena[block + Late.hasStarts] !== 0;
    const encoding = hasStarts || this.floats === "xor2" ? ChunkEncoding.xor2 : ChunkEncoding.xor;
    let place = NOWHERE;
    if (this.sink !== undefined) {
      const bits = this.#bits;
      bits.clear();
      const halves = arena.subarray(values, values + 2 * count);
      const allTimes = arenaFloats.subarray(times, times + count);
      const starts = hasStarts ? arenaFloats.subarray((block >> 1) + startsAt(capacity)) : undefined;
      if (encoding === ChunkEncoding.xor) encodeXor(bits, allTimes, halves, 0, count);
      else encodeXor2(bits, allTimes, halves, starts, 0, count);
      const [first, last] = [arenaFloats[times], arenaFloats[times + count - 1]];
      try {
        place = this.sink.write(ref, first, last, encoding, bits.bytes, 0, bits.length);
      } catch (error) {
        this.#giveBlock(next);
        throw error;
      }
      this.#hasCut = true;
    }
    let newest = arena[epochs];
    for (let i = 1; i < count; i++) if (((arena[epochs + i] - newest) | 0) > 0) newest = arena[epochs + i];
    arenaFloats[(cell + Cell.minTime) >> 1] = arenaFloats[times];
    arenaFloats[(cell + Cell.maxTime) >> 1] = arenaFloats[times + count - 1];
    arena[cell + Cell.older] = arena[block + Late.newestCell];
    arena[cell + Cell.info] = (encoding << FIN_ENCODING_SHIFT) | count;
    arena[cell + Cell.file] = place.file;
    arena[cell + Cell.offset] = place.offset;
    arena[cell + Cell.block] = block;
    arena[cell + Cell.epoch] = newest;
    arena[next + Late.newestCell] = cell;
    staged.block = next;
    return place;
  }

  /** Adds chunks that are complete, beside the open block. Needs a sink; throws as the disk does. */
  addChunks(staged: StagedSeries, ref: number, list: ChunkList): void {
    const { arena, arenaFloats } = this.#memory;
    for (let i = 0; i < list.count; i++) {
      const [first, last] = [list.minTimes[i] as number, list.maxTimes[i] as number];
      const encoding = list.encodings[i] as number;
      const place = (this.sink as ChunkSink).write(
        ref,
        first,
        last,
        encoding,
        list.data.bytes,
        list.starts[i] as number,
        list.ends[i] as number,
      );
      this.#hasCut = true;
      const cell = this.#take(CELL_WORDS);
      staged.cells.push(cell);
      arenaFloats[(cell + Cell.minTime) >> 1] = first;
      arenaFloats[(cell + Cell.maxTime) >> 1] = last;
      arena[cell + Cell.older] = arena[staged.block + Late.newestCell];
      arena[cell + Cell.info] = (encoding << FIN_ENCODING_SHIFT) | (list.samples(i) & FIN_COUNT_MASK);
      arena[cell + Cell.file] = place.file;
      arena[cell + Cell.offset] = place.offset;
      arena[cell + Cell.block] = 0;
      arena[cell + Cell.epoch] = this.#snapshots.epoch;
      arena[staged.block + Late.newestCell] = cell;
      if (first < this.minTime) this.minTime = first;
      staged.begun++;
      this.chunksCreated++;
    }
  }

  /** Whether a chunk is there that holds one histogram, of time `t`. */
  hasSingle(record: number, t: number): boolean {
    const { arena, arenaFloats, cold } = this.#memory;
    const block = cold[record * COLD_WORDS + Cold.outOfOrder];
    if (record === 0 || block === 0) return false;
    for (let cell = arena[block + Late.newestCell]; cell !== 0; cell = arena[cell + Cell.older]) {
      const isFloats = hasFloats(arena[cell + Cell.info] >>> FIN_ENCODING_SHIFT);
      const isAlone = (arena[cell + Cell.info] & FIN_COUNT_MASK) === 1;
      if (!isFloats && isAlone && arenaFloats[(cell + Cell.minTime) >> 1] === t) return true;
    }
    return false;
  }

  /** The ref of a series. */
  refOf(record: number): number {
    return this.#memory.cold[record * COLD_WORDS + Cold.ref];
  }

  /** Makes the chunks of the commit readable by others. Throws as the disk does. */
  flush(): void {
    if (this.#hasCut) this.sink?.flush();
    this.#hasCut = false;
  }

  /** Shows everything staged to the snapshots to come. */
  publish(): void {
    const { control, arena, cold } = this.#memory;
    openWindow(control);
    for (const { record, block } of this.#staged.values()) {
      const at = record * COLD_WORDS + Cold.outOfOrder;
      const old = cold[at];
      cold[at] = block;
      if (old !== 0) this.#giveBlock(old);
    }
    closeWindow(control);
    const full: number[] = [];
    for (const { cells } of this.#staged.values()) {
      for (const cell of cells) if (arena[cell + Cell.file] !== 0) full.push(cell);
    }
    this.#staged.clear();
    if (full.length === 0) return;
    this.#reclaimer.later(() => {
      for (const cell of full) this.#dropBlock(cell);
    });
  }

  /** Forgets everything staged. */
  discard(): void {
    for (const { block, cells, begun } of this.#staged.values()) {
      this.chunksCreated -= begun;
      this.#giveBlock(block);
      for (const cell of cells) {
        this.#dropBlock(cell);
        this.#arena.give(cell, CELL_WORDS);
      }
    }
    this.#staged.clear();
    this.#hasCut = false;
  }

  /** A chunk that a start found on disk. Newer chunks come later. */
  adopt(
    record: number,
    minTime: number,
    maxTime: number,
    encoding: number,
    samples: number,
    { file, offset }: ChunkPlace,
  ): void {
    const { arena, arenaFloats, cold, control } = this.#memory;
    const at = record * COLD_WORDS + Cold.outOfOrder;
    const block = cold[at] !== 0 ? cold[at] : this.#newBlock(FIRST_CAPACITY, false);
    const cell = this.#take(CELL_WORDS);
    arenaFloats[(cell + Cell.minTime) >> 1] = minTime;
    arenaFloats[(cell + Cell.maxTime) >> 1] = maxTime;
    arena[cell + Cell.older] = arena[block + Late.newestCell];
    arena[cell + Cell.info] = (encoding << FIN_ENCODING_SHIFT) | (samples & FIN_COUNT_MASK);
    arena[cell + Cell.file] = file;
    arena[cell + Cell.offset] = offset;
    arena[cell + Cell.block] = 0;
    arena[cell + Cell.epoch] = this.#snapshots.epoch;
    this.minTime = Math.min(this.minTime, minTime);
    openWindow(control);
    arena[block + Late.newestCell] = cell;
    cold[at] = block;
    closeWindow(control);
    this.chunksCreated++;
  }

  /** Replay: all samples of the open block lie in chunks on disk as well. */
  clearOpen(record: number): void {
    const { arena, cold } = this.#memory;
    const block = cold[record * COLD_WORDS + Cold.outOfOrder];
    if (block === 0 || arena[block + Late.count] === 0) return;
    arena[block + Late.count] = 0;
    this.chunksRemoved++;
  }

  /**
   * Forgets the samples of a series that were committed up to `epoch` (they are in a block now); chunks that hold later ones as
   * well stay whole. Only when no snapshot is that old.
   */
  forget(record: number, epoch: number): void {
    const { control, arena, cold } = this.#memory;
    const at = record * COLD_WORDS + Cold.outOfOrder;
    const old = cold[at];
    if (old === 0) return;
    const kept: number[] = [];
    const dead: number[] = [];
    for (let cell = arena[old + Late.newestCell]; cell !== 0; cell = arena[cell + Cell.older]) {
      (((arena[cell + Cell.epoch] - epoch) | 0) > 0 ? kept : dead).push(cell);
    }
    const block = this.#copyNewer(old, epoch);
    const isGone = arena[block + Late.count] === 0 && kept.length === 0;
    if (arena[old + Late.count] > 0 && arena[block + Late.count] === 0) this.chunksRemoved++;
    this.chunksRemoved += dead.length;
    openWindow(control);
    for (let i = 0; i < kept.length; i++) arena[kept[i] + Cell.older] = kept[i + 1] ?? 0;
    arena[block + Late.newestCell] = kept[0] ?? 0;
    cold[at] = isGone ? 0 : block;
    closeWindow(control);
    if (isGone) this.#giveBlock(block);
    this.#giveBlock(old);
    if (dead.length === 0) return;
    this.#reclaimer.later(() => {
      for (const cell of dead) {
        this.#dropBlock(cell);
        this.#arena.give(cell, CELL_WORDS);
      }
    });
  }

  /** The lowest chunk file that a series' late samples lie in; Infinity without any. */
  oldestFile(record: number): number {
    const { arena, cold } = this.#memory;
    const block = cold[record * COLD_WORDS + Cold.outOfOrder];
    let oldest = Infinity;
    if (block === 0) return oldest;
    for (let cell = arena[block + Late.newestCell]; cell !== 0; cell = arena[cell + Cell.older]) {
      if (arena[cell + Cell.file] !== 0) oldest = Math.min(oldest, arena[cell + Cell.file]);
    }
    return oldest;
  }

  #newBlock(capacity: number, hasStarts: boolean): number {
    const { arena } = this.#memory;
    const block = this.#take(blockWords(capacity, hasStarts));
    arena[block + Late.hasStarts] = hasStarts ? 1 : 0;
    arena[block + Late.count] = 0;
    arena[block + Late.capacity] = capacity;
    arena[block + Late.newestCell] = 0;
    return block;
  }

  /** A copy of a block (0: an empty one) with room for `capacity` samples, and for start timestamps where the old one has them. */
  #copy(
    old: number,
    capacity: number,
    hasStarts = old !== 0 && this.#memory.arena[old + Late.hasStarts] !== 0,
  ): number {
    const block = this.#newBlock(capacity, hasStarts);
    if (old === 0) return block;
    const { arena, arenaFloats } = this.#memory;
    const count = arena[old + Late.count];
    const from = old + Late.samples;
    const oldCapacity = arena[old + Late.capacity];
    const to = block + Late.samples;
    for (let i = 0; i < 2 * count; i++) {
      arena[to + i] = arena[from + i];
      arena[to + 2 * capacity + i] = arena[from + 2 * oldCapacity + i];
    }
    for (let i = 0; i < count; i++) arena[to + 4 * capacity + i] = arena[from + 4 * oldCapacity + i];
    if (hasStarts) {
      const starts = (block >> 1) + startsAt(capacity);
      const oldStarts = (old >> 1) + startsAt(oldCapacity);
      const isKnown = arena[old + Late.hasStarts] !== 0;
      for (let i = 0; i < count; i++) arenaFloats[starts + i] = isKnown ? arenaFloats[oldStarts + i] : 0;
    }
    arena[block + Late.count] = count;
    arena[block + Late.newestCell] = arena[old + Late.newestCell];
    return block;
  }

  /** A copy with the samples of later epochs only. */
  #copyNewer(old: number, epoch: number): number {
    const { arena, arenaFloats } = this.#memory;
    const block = this.#copy(old, capacityFor(Math.max(1, arena[old + Late.count])));
    const capacity = arena[block + Late.capacity];
    const times = (block + Late.samples) >> 1;
    const values = block + Late.samples + 2 * capacity;
    const epochs = values + 2 * capacity;
    const starts = (block >> 1) + startsAt(capacity);
    const hasStarts = arena[block + Late.hasStarts] !== 0;
    let kept = 0;
    for (let i = 0; i < arena[block + Late.count]; i++) {
      if (((arena[epochs + i] - epoch) | 0) <= 0) continue;
      arenaFloats[times + kept] = arenaFloats[times + i];
      if (hasStarts) arenaFloats[starts + kept] = arenaFloats[starts + i];
      arena[values + 2 * kept] = arena[values + 2 * i];
      arena[values + 2 * kept + 1] = arena[values + 2 * i + 1];
      arena[epochs + kept++] = arena[epochs + i];
    }
    arena[block + Late.count] = kept;
    return block;
  }

  /** Room in the arena; at need the oldest queries are given up for it. Throws a `HeadFullError`. */
  #take(words: number): number {
    for (;;) {
      try {
        return this.#arena.take(words);
      } catch (error) {
        if (!(error instanceof HeadFullError) || this.#snapshots.liveCount === 0) throw error;
        this.#snapshots.expireOldest();
      }
    }
  }

  #giveBlock(block: number): void {
    const { arena } = this.#memory;
    this.#arena.give(block, blockWords(arena[block + Late.capacity], arena[block + Late.hasStarts] !== 0));
  }

  /** Frees the block behind a cell, when it is still there. */
  #dropBlock(cell: number): void {
    const { arena } = this.#memory;
    const block = arena[cell + Cell.block];
    if (block === 0) return;
    arena[cell + Cell.block] = 0;
    this.#giveBlock(block);
  }
}

function capacityFor(count: number): number {
  let capacity = FIRST_CAPACITY;
  while (capacity < count) capacity *= 2;
  return capacity;
}
