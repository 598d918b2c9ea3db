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

/** Cells of `strideWords` words, indices from 1 (0 means none). Used by the single writer only. */
export class Pool {
  readonly capacity: number;
  readonly #words: Uint32Array;
  readonly #stride: number;
  readonly #link: number;
  readonly #what: string;
  #free = 0;
  #freeCount = 0;
  #high = 0;

  /** `linkWord` is the word of a free cell that holds the index of the next free one. */
  constructor(words: Uint32Array, strideWords: number, linkWord: number, what: string) {
    this.#words = words;
    this.#stride = strideWords;
    this.#link = linkWord;
    this.#what = what;
    this.capacity = Math.floor(words.length / strideWords) - 1;
  }

  /** Cells in use. */
  get used(): number {
    return this.#high - this.#freeCount;
  }

  /** Cells that can still be taken. */
  get available(): number {
    return this.capacity - this.used;
  }

  /** The highest index ever taken. */
  get high(): number {
    return this.#high;
  }

  /** Takes a cell; its words hold whatever they held. Throws a `HeadFullError`. */
  take(): number {
    const index = this.#free;
    if (index !== 0) {
      this.#free = this.#words[index * this.#stride + this.#link];
      this.#freeCount--;
      return index;
    }
    if (this.#high >= this.capacity) throw new HeadFullError(this.#what);
    return ++this.#high;
  }

  /** Gives a cell back. Nobody may look at it any more. */
  give(index: number): void {
    this.#words[index * this.#stride + this.#link] = this.#free;
    this.#free = index;
    this.#freeCount++;
  }
}
