// What the two threads of a replay tell each other: words of shared memory, and the ring of unpacked records behind them.
//
// The second thread reads the log, checks and unpacks it, and puts each record into the ring. The main thread applies the records in
// their order, but of samples only those of its own lane of series; the second thread applies those of the other lane. It
// may lag behind or run ahead: before the samples of a record it waits until the main thread has applied every earlier record
// that is not samples, since that made the series.
import { LANE_REGION } from "../kernels/desk.ts";
import type { HeadMemory } from "../memory/layout.ts";
import { POOL_STATE_WORDS } from "../memory/pool.ts";

const POOL_STATE_BYTES = POOL_STATE_WORDS * 4;

/** Positions of 32-bit words. */
export const Word = {
  /** A `LaneState`. */
  state: 0,
  /** Where the second thread is to begin, and where it left off: segment and offset in it. */
  segment: 1,
  offset: 2,
  /** Records put into the ring; those that the main thread is done with; those whose other lane is applied. */
  produced: 3,
  mainDone: 4,
  laneDone: 5,
  /** Samples of this record and of later ones are all the main thread's. */
  laneLimit: 6,
  /** They grow when something above changed; each thread waits for the other's. */
  laneSignal: 7,
  mainSignal: 8,
  /** Cells that the main thread offers: first and last of each pool, the last 0 when the offer was taken. */
  slotsFirst: 9,
  slotsLast: 10,
  cellsFirst: 11,
  cellsLast: 12,
  /** Cut chunks that the main thread has not taken yet: pairs written, pairs taken. */
  cutsWritten: 13,
  cutsTaken: 14,
  /** What the second thread appended. */
  applied: 15,
  chunksCreated: 16,
  /** Epoch of the head. */
  epoch: 17,
  /** The second thread cannot go on with its lane (a series of histograms got floats, say): the main thread takes it over. */
  isStuck: 18,
  /** The second thread touches nothing any more. */
  hasLeft: 19,
} as const;

/** Positions of 64-bit floats. */
export const Float = { minTime: 12, maxTime: 13, minValidTime: 14, chunkRangeMs: 15 } as const;

/** What the second thread is at. */
export const LaneState = {
  /** It comes up. */
  starting: 0,
  /** It waits to be told where to begin. */
  ready: 1,
  running: 2,
  /** It has read the log to its end, or handed it over at `segment` and `offset`, and applied its lane of all it produced. */
  ended: 3,
  handedOver: 4,
  /** The main thread wants it to end at once. */
  stop: 5,
  /** Something went wrong: what it produced holds, but of its lane only what `laneDone` says. */
  failed: 6,
} as const;

/** Where things stand in the region, in bytes. */
const POOLS_AT = 256;
const ENTRIES_AT = 512;
/** Per record in the ring: address and length of its bytes, segment, offset in the segment. */
const ENTRY_WORDS = 4;
export const RING_RECORDS = 128;
const CUTS_AT = ENTRIES_AT + RING_RECORDS * ENTRY_WORDS * 4;
/** Pairs of cut chunks that may wait. */
export const RING_CUTS = 8192;
const DATA_AT = CUTS_AT + RING_CUTS * 8;
export const RING_BYTES: number = 2 * 2 ** 20;

/** Series of the main thread's lane; it also makes all series. The second thread's also reads. */
export const MAIN_LANE = { from: 0, to: 5 } as const;
export const SECOND_LANE = { from: 5, to: 8 } as const;

/** Both threads' view of the words and the ring. */
export class LaneWords {
  readonly words: Int32Array;
  readonly floats: Float64Array;
  readonly entries: Uint32Array;
  readonly cuts: Uint32Array;
  /** The records' bytes. */
  readonly data: Uint8Array;
  /** State of the second thread's pools, and where they stand in the memory. */
  readonly slotPool: Uint32Array;
  readonly cellPool: Uint32Array;
  readonly pools: { readonly slotPool: number; readonly cellPool: number };

  constructor(memory: HeadMemory) {
    const { buffer } = memory.memory;
    const at = memory.layout.scratch.offset + LANE_REGION.offset;
    this.words = new Int32Array(buffer, at, POOLS_AT / 4);
    this.floats = new Float64Array(buffer, at, POOLS_AT / 8);
    this.pools = { slotPool: at + POOLS_AT, cellPool: at + POOLS_AT + POOL_STATE_BYTES };
    this.slotPool = new Uint32Array(buffer, this.pools.slotPool, POOL_STATE_BYTES / 4);
    this.cellPool = new Uint32Array(buffer, this.pools.cellPool, POOL_STATE_BYTES / 4);
    this.entries = new Uint32Array(buffer, at + ENTRIES_AT, RING_RECORDS * ENTRY_WORDS);
    this.cuts = new Uint32Array(buffer, at + CUTS_AT, RING_CUTS * 2);
    this.data = new Uint8Array(buffer, at + DATA_AT, RING_BYTES);
  }

  get(word: number): number {
    return Atomics.load(this.words, word);
  }

  /** Sets a word; whoever reads it later sees all that was written before. */
  set(word: number, value: number): void {
    Atomics.store(this.words, word, value);
  }

  /** Tells the other thread, by its signal word, that something changed. */
  signal(word: number): void {
    Atomics.add(this.words, word, 1);
    Atomics.notify(this.words, word);
  }

  /** Waits until a signal word is no longer `seen`, at most `timeoutMs`. */
  wait(word: number, seen: number, timeoutMs: number): void {
    Atomics.wait(this.words, word, seen, timeoutMs);
  }

  /** Position of a record's entry. */
  entryOf(record: number): number {
    return (record % RING_RECORDS) * ENTRY_WORDS;
  }
}
