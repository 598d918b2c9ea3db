// What the two threads of a replay tell each other: words of shared memory, and behind them the stretches of the log.
//
// The second thread reads the log, checks, unpacks and decodes it, and fills one stretch after the other with what it says (stretch.ts).
// The main thread applies them in the same order.
import { AHEAD_REGION } from "../kernels/desk.ts";
import type { HeadMemory } from "../memory/layout.ts";

/** Positions of 32-bit words. */
export const Word = {
  /** An `AheadState`. */
  state: 0,
  /** Where the second thread is to begin, and where it left off: segment and offset in it. */
  segment: 1,
  offset: 2,
  /** Stretches that the second thread filled; those of them that the main thread is done with. */
  filled: 3,
  done: 4,
  /** The main thread has nothing to do: a stretch need not be filled up. */
  isIdle: 5,
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
  /** It comes up, and will read from where the words say. */
  starting: 0,
  /** It comes up, but the main thread reads meanwhile. */
  late: 1,
  /** It is up, late, and waits to be told where to go on. */
  ready: 2,
  running: 3,
  /** It has read the log to its end, or handed it over at `segment` and `offset`. */
  ended: 4,
  handedOver: 5,
  /** The main thread wants it to end at once. */
  stop: 6,
  /** Something went wrong: the stretches that it filled hold. */
  failed: 7,
} as const;

/** How long a thread waits for a sign of the other before it looks again. */
export const WAIT_MS = 100;

const WORDS_BYTES = 256;
/** One is applied while the next one is filled, and one is between. */
export const STRETCHES = 3;
/** A stretch takes what some 150,000 samples need. */
export const STRETCH_BYTES: number = 5 * 2 ** 20;

/** Both threads' view of the words. */
export class AheadWords {
  readonly words: Int32Array;
  readonly #memory: HeadMemory;
  readonly #at: number;

  constructor(memory: HeadMemory) {
    this.#memory = memory;
    this.#at = memory.layout.scratch.offset + AHEAD_REGION.offset;
    this.words = new Int32Array(memory.memory.buffer, this.#at, WORDS_BYTES / 4);
  }

  /** A new log, from the start of a segment on; returns its number. Whoever was at work here before keeps out from now on. */
  begin(segment: number): number {
    const log = this.get(Word.log) + 1;
    this.words.fill(0);
    this.set(Word.segment, segment);
    this.set(Word.log, log);
    return log;
  }

  /** Goes from one state to another, if it is at that. */
  change(from: number, to: number): boolean {
    return Atomics.compareExchange(this.words, Word.state, from, to) === from;
  }

  /** Ends the second thread, and waits until it touches nothing any more: at most so long without a sign of it. */
  end(patienceMs: number): void {
    const hasBegun = this.get(Word.state) >= AheadState.running;
    // What it came to in the end stays.
    for (const state of [AheadState.starting, AheadState.late, AheadState.ready, AheadState.running]) {
      this.change(state, AheadState.stop);
    }
    Atomics.notify(this.words, Word.state);
    this.signal(Word.mainSignal);
    for (let waited = 0; hasBegun && this.get(Word.hasLeft) === 0 && waited < patienceMs; ) {
      const seen = this.get(Word.readerSignal);
      if (this.get(Word.hasLeft) === 1) return;
      this.wait(Word.readerSignal, seen, WAIT_MS);
      waited = this.get(Word.readerSignal) === seen ? waited + WAIT_MS : 0;
    }
  }

  /** Address and bytes of a stretch, by its number among all of the log. */
  stretch(number: number): Uint8Array {
    const at = this.#at + WORDS_BYTES + (number % STRETCHES) * STRETCH_BYTES;
    return new Uint8Array(this.#memory.memory.buffer, at, STRETCH_BYTES);
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
}
