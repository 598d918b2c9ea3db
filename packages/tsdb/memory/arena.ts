// Blocks of many sizes in one region: text, label lists, postings, hash tables.
import { HeadFullError } from "./pool.ts";

/** 32-bit words per granule: blocks are multiples of 16 bytes. */
const GRANULE_WORDS = 4;

/** So many words at the start are never given out and stay 0: a table page that is absent may be read as page 0. */
const ZERO_WORDS = 128;

/** Words of an arena's state: first word that was never given out, words in blocks that are taken, then the free list of each class. */
export const ArenaWord = { next: 0, used: 1, free: 2 } as const;
const CLASSES = 160;
export const ARENA_STATE_WORDS: number = ArenaWord.free + CLASSES;

/**
 * Size classes with free lists: every multiple of 16 bytes up to 128, then four steps per doubling, so at most a fifth
 * of a block is lost to rounding. Freed blocks serve only their own class. Used by the single writer only.
 * An address is an index into the region's 32-bit words; 0 means none.
 */
export class Arena {
  readonly words: Uint32Array;
  readonly #state: Uint32Array;

  /** `state` is where it keeps its `ARENA_STATE_WORDS`: in the head's memory, as kernels take blocks as well. */
  constructor(words: Uint32Array, state: Uint32Array) {
    this.words = words;
    this.#state = state;
    state.fill(0);
    state[ArenaWord.next] = ZERO_WORDS;
  }

  /** Bytes in blocks that are taken. */
  get usedBytes(): number {
    return this.#state[ArenaWord.used] * 4;
  }

  /** Words a block for `words` words really has. */
  static roundUp(words: number): number {
    return classWords(classOf(words));
  }

  /** Takes a block of at least `words` words with undefined content. Throws a `HeadFullError`. */
  take(words: number): number {
    const state = this.#state;
    const sizeClass = classOf(words);
    const size = classWords(sizeClass);
    const address = state[ArenaWord.free + sizeClass];
    if (address !== 0) {
      state[ArenaWord.free + sizeClass] = this.words[address];
      state[ArenaWord.used] += size;
      return address;
    }
    const fresh = state[ArenaWord.next];
    if (fresh + size > this.words.length) throw new HeadFullError("labels");
    state[ArenaWord.next] = fresh + size;
    state[ArenaWord.used] += size;
    return fresh;
  }

  /** Gives back a block that was taken with `words`. Nobody may look at it any more. */
  give(address: number, words: number): void {
    const state = this.#state;
    const sizeClass = classOf(words);
    state[ArenaWord.used] -= classWords(sizeClass);
    this.words[address] = state[ArenaWord.free + sizeClass];
    state[ArenaWord.free + sizeClass] = address;
  }
}

/** The size class that holds `words` words. */
function classOf(words: number): number {
  const granules = words <= GRANULE_WORDS ? 1 : (words + GRANULE_WORDS - 1) >>> 2;
  if (granules <= 8) return granules - 1;
  // Four classes per doubling: the three highest bits of (granules - 1) name it.
  const shift = 29 - Math.clz32(granules - 1);
  return 8 + (shift - 1) * 4 + (((granules - 1) >>> shift) - 4);
}

function classWords(sizeClass: number): number {
  if (sizeClass < 8) return (sizeClass + 1) * GRANULE_WORDS;
  const shift = ((sizeClass - 8) >>> 2) + 1;
  const step = (sizeClass - 8) & 3;
  return ((step + 5) << shift) * GRANULE_WORDS;
}
