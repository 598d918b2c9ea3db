// What the two threads of a replay tell each other: words of shared memory, and the ring of unpacked records behind them.
//
// The second thread reads the log, checks and unpacks it, looks over what samples there are, and puts each record into the ring. The
// main thread applies them. It is told of records window by window, so that it finds many scrapes of a target together.
import { AHEAD_REGION } from "../kernels/desk.ts";
import type { HeadMemory } from "../memory/layout.ts";

/** Positions of 32-bit words. */
export const Word = {
  /** An `AheadState`. */
  state: 0,
  /** Where the second thread is to begin, and where it left off: segment and offset in it. */
  segment: 1,
  offset: 2,
  /** Records put into the ring; those of them that the main thread may take; those that it is done with. */
  produced: 3,
  offered: 4,
  done: 5,
  /** They grow when something above changed; each thread waits for the other's. */
  readerSignal: 6,
  mainSignal: 7,
  /** The second thread touches nothing any more. */
  hasLeft: 8,
  /** Which log these words are of: a thread that comes up late for another one keeps out. */
  log: 9,
} as const;

/** What the second thread is at. */
export const AheadState = {
  /** It comes up. */
  starting: 0,
  /** It waits to be told where to begin. */
  ready: 1,
  running: 2,
  /** It has read the log to its end, or handed it over at `segment` and `offset`. */
  ended: 3,
  handedOver: 4,
  /** The main thread wants it to end at once. */
  stop: 5,
  /** Something went wrong: what it produced holds. */
  failed: 6,
} as const;

/** Positions of the words of a record's entry. */
export const Entry = {
  /** Where its bytes stand in the ring, and how many they are. */
  at: 0,
  length: 1,
  /** Where it stands in the log. */
  segment: 2,
  offset: 3,
  /** What the kernels say of it (`Soundness`); `unsure` for all that is no record of plain samples. */
  soundness: 4,
  /** For those that are sound, see `Kernels.scanned`. */
  shape: 5,
  lowestRef: 6,
  highestRef: 7,
} as const;

/** Where things stand in the region, in bytes. */
const ENTRIES_AT = 256;
const ENTRY_WORDS = 8;
export const RING_RECORDS = 4096;
/** Records are counted in words: what a log has beyond so many the main thread reads by itself. */
export const MAX_RECORDS: number = 2 ** 30;
const DATA_AT = ENTRIES_AT + RING_RECORDS * ENTRY_WORDS * 4;
export const RING_BYTES: number = 6 * 2 ** 20;
/** So many bytes of samples are offered together, so that the second thread can read two times that ahead. */
export const WINDOW_BYTES: number = RING_BYTES / 3;

/** Both threads' view of the words and the ring. */
export class AheadWords {
  readonly words: Int32Array;
  readonly entries: Uint32Array;
  /** The records' bytes. */
  readonly data: Uint8Array;

  constructor(memory: HeadMemory) {
    const { buffer } = memory.memory;
    const at = memory.layout.scratch.offset + AHEAD_REGION.offset;
    this.words = new Int32Array(buffer, at, ENTRIES_AT / 4);
    this.entries = new Uint32Array(buffer, at + ENTRIES_AT, RING_RECORDS * ENTRY_WORDS);
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

  /** Position of a record's entry in `entries`. */
  entryOf(record: number): number {
    return (record % RING_RECORDS) * ENTRY_WORDS;
  }
}
