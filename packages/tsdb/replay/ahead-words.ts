// What the two threads of a replay tell each other: words of shared memory, and behind them the stretches of the log.
//
// The second thread reads the log, checks, unpacks and decodes it, and fills one stretch after the other with what it says (stretch.ts).
// The main thread applies them in the same order.
import { AHEAD_REGION } from "../kernels/desk.ts";
import type { HeadMemory } from "../memory/layout.ts";

/** Positions of 32-bit words. */
export const Word = {
  /** An `AheadState`, and above it the number of the log: a thread that comes up late for another log changes nothing. */
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
  /** A `Left`. */
  left: 8,
  /** Which log these words are of. */
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

const STATE_BITS = 4;

/** Whether the second thread touches nothing any more: not yet, for sure, or nobody knows as it gave no sign for long. */
export const Left = { no: 0, yes: 1, lost: 2 } as const;

/** How long a thread waits for a sign of the other before it looks again. */
export const WAIT_MS = 100;

const WORDS_BYTES = 256;
/** One is applied while the next one is filled, and one is between. */
export const STRETCHES = 3;
/** A stretch takes what some 600,000 samples need. */
export const STRETCH_BYTES: number = 5 * 2 ** 20;
/** All of it, which `AHEAD_REGION` has room for. */
export const AHEAD_BYTES: number = WORDS_BYTES + STRETCHES * STRETCH_BYTES;

/** Both threads' view of the words. */
export class AheadWords {
  readonly words: Int32Array;
  readonly #memory: HeadMemory;
  readonly #at: number;

  #log: number;

  /** For the log that is being read, or `log` unless that is another one by now. */
  constructor(memory: HeadMemory, log?: number) {
    this.#memory = memory;
    this.#at = memory.layout.scratch.offset + AHEAD_REGION.offset;
    this.words = new Int32Array(memory.memory.buffer, this.#at, WORDS_BYTES / 4);
    this.#log = log ?? this.get(Word.log);
  }

  /** A new log, from the start of a segment on; returns its number. Nobody reads another one now. */
  begin(segment: number): number {
    this.#log = this.get(Word.log) + 1;
    this.words.fill(0);
    this.set(Word.segment, segment);
    this.set(Word.log, this.#log);
    this.set(Word.state, this.#stateWord(AheadState.starting));
    return this.#log;
  }

  /** What the second thread is at; `stop` for a thread that came up for another log. */
  get state(): number {
    const word = this.get(Word.state);
    return word >> STATE_BITS === this.#log ? word & (2 ** STATE_BITS - 1) : AheadState.stop;
  }

  /** Goes from one state to another, if it is at that, and wakes who waits for it. */
  change(from: number, to: number): boolean {
    const word = this.#stateWord(from);
    if (Atomics.compareExchange(this.words, Word.state, word, this.#stateWord(to)) !== word) return false;
    Atomics.notify(this.words, Word.state);
    return true;
  }

  /** Waits until the state is another one, at most `timeoutMs`. */
  waitWhile(state: number, timeoutMs: number): void {
    Atomics.wait(this.words, Word.state, this.#stateWord(state), timeoutMs);
  }

  /**
   * Ends the second thread, and waits until it touches nothing any more: at most so long without a sign of it. Returns whether that is
   * sure. Idempotent.
   */
  end(patienceMs: number): boolean {
    for (const state of [AheadState.starting, AheadState.late, AheadState.ready]) {
      // It never began.
      if (this.change(state, AheadState.stop)) this.set(Word.left, Left.yes);
    }
    // What it came to in the end stays.
    this.change(AheadState.running, AheadState.stop);
    this.signal(Word.mainSignal);
    for (let waited = 0; this.get(Word.left) === Left.no; ) {
      const seen = this.get(Word.readerSignal);
      if (this.get(Word.left) !== Left.no) break;
      if (waited >= patienceMs) {
        this.loseIt();
        break;
      }
      this.wait(Word.readerSignal, seen, WAIT_MS);
      waited = this.get(Word.readerSignal) === seen ? waited + WAIT_MS : 0;
    }
    return this.get(Word.left) === Left.yes;
  }

  /** The second thread gave no sign for so long that nobody waits for it any more. */
  loseIt(): void {
    this.change(AheadState.running, AheadState.failed);
    Atomics.compareExchange(this.words, Word.left, Left.no, Left.lost);
  }

  #stateWord(state: number): number {
    return (this.#log << STATE_BITS) | state;
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
