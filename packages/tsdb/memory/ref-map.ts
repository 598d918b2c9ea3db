// From series refs to small numbers, for refs that lie close together: those of one scrape do.

const PAGE_REFS = 256;

/** A map from series refs (integers from 0 to 2^53) to positive 32-bit integers; 0 stands for none. */
export class RefMap {
  readonly #pages = new Map<number, Int32Array>();
  readonly #counts = new Map<number, number>();
  #lastNumber = -1;
  #last: Int32Array | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(ref: number): number {
    const number = Math.floor(ref / PAGE_REFS);
    if (number !== this.#lastNumber) {
      this.#last = this.#pages.get(number);
      this.#lastNumber = number;
    }
    return this.#last === undefined ? 0 : (this.#last[ref % PAGE_REFS] as number);
  }

  set(ref: number, value: number): void {
    const number = Math.floor(ref / PAGE_REFS);
    let page = this.#pages.get(number);
    if (page === undefined) {
      page = new Int32Array(PAGE_REFS);
      this.#pages.set(number, page);
      this.#counts.set(number, 0);
      this.#lastNumber = -1;
    }
    if (page[ref % PAGE_REFS] === 0) {
      this.#counts.set(number, (this.#counts.get(number) as number) + 1);
      this.#size++;
    }
    page[ref % PAGE_REFS] = value;
  }

  delete(ref: number): void {
    const number = Math.floor(ref / PAGE_REFS);
    const page = this.#pages.get(number);
    if (page === undefined || page[ref % PAGE_REFS] === 0) return;
    page[ref % PAGE_REFS] = 0;
    this.#size--;
    const left = (this.#counts.get(number) as number) - 1;
    this.#counts.set(number, left);
    if (left > 0) return;
    this.#pages.delete(number);
    this.#counts.delete(number);
    this.#lastNumber = -1;
  }
}
