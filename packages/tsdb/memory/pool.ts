// Fixed-size cells of one region: taken from a free list, which is kept in the cells themselves, or from the untouched end.

/** A region is full. The head refuses the sample or series that needed the cell. */
export class HeadFullError extends Error {
  override readonly name = "HeadFullError";
  readonly region: string;

  constructor(region: string) {
    super(`the head is full: no room for more ${region}`);
    this.region = region;
  }
}

/** Words of a pool's state: first free cell (0: none), number of free cells, highest index ever taken, highest there is. */
export const PoolWord = { free: 0, freeCount: 1, high: 2, capacity: 3 } as const;
export const POOL_STATE_WORDS = 4;

/** Cells of `strideWords` words, indices from 1 (0 means none). Used by the single writer only. */
export class Pool {
  readonly capacity: number;
  readonly #words: Uint32Array;
  readonly #stride: number;
  readonly #link: number;
  readonly #what: string;
  readonly #state: Uint32Array;

  /**
   * `linkWord` is the word of a free cell that holds the index of the next free one. `state` is where the pool keeps its
   * `POOL_STATE_WORDS`: in the head's memory when kernels take cells as well.
   */
  constructor(
    words: Uint32Array,
    strideWords: number,
    linkWord: number,
    what: string,
    state: Uint32Array = new Uint32Array(POOL_STATE_WORDS),
  ) {
    this.#words = words;
    this.#stride = strideWords;
    this.#link = linkWord;
    this.#what = what;
    this.#state = state;
    this.capacity = Math.floor(words.length / strideWords) - 1;
    state.fill(0);
    state[PoolWord.capacity] = this.capacity;
  }

  /** Cells in use. */
  get used(): number {
    return this.#state[PoolWord.high] - this.#state[PoolWord.freeCount];
  }

  /** Cells that can still be taken. */
  get available(): number {
    return this.capacity - this.used;
  }

  /** The highest index ever taken. */
  get high(): number {
    return this.#state[PoolWord.high];
  }

  /** Takes a cell; its words hold whatever they held. Throws a `HeadFullError`. */
  take(): number {
    const state = this.#state;
    const index = state[PoolWord.free];
    if (index !== 0) {
      state[PoolWord.free] = this.#words[index * this.#stride + this.#link];
      state[PoolWord.freeCount]--;
      return index;
    }
    if (state[PoolWord.high] >= this.capacity) throw new HeadFullError(this.#what);
    return ++state[PoolWord.high];
  }

  /**
   * Takes up to `count` cells that were never used, which follow each other, for somebody else to give out; returns the first and
   * the last. Throws a `HeadFullError` when there is none. What is left of them comes back with `giveRun`.
   */
  takeRun(count: number): { readonly first: number; readonly last: number } {
    const state = this.#state;
    const first = state[PoolWord.high] + 1;
    const last = Math.min(state[PoolWord.high] + count, this.capacity);
    if (first > last) throw new HeadFullError(this.#what);
    state[PoolWord.high] = last;
    return { first, last };
  }

  /** Gives back the cells from `first` to `last`, none when `first` is behind it. They were never written to if they end the used part. */
  giveRun(first: number, last: number): void {
    const state = this.#state;
    if (first > last) return;
    if (last === state[PoolWord.high]) state[PoolWord.high] = first - 1;
    else for (let index = first; index <= last; index++) this.give(index);
  }

  /** The cell that a free cell is linked to. */
  linkOf(index: number): number {
    return this.#words[index * this.#stride + this.#link];
  }

  /** Gives a cell back. Nobody may look at it any more. */
  give(index: number): void {
    const state = this.#state;
    this.#words[index * this.#stride + this.#link] = state[PoolWord.free];
    state[PoolWord.free] = index;
    state[PoolWord.freeCount]++;
  }
}
