// Many short byte strings without an object for each: pages of bytes, and for each string a place in one of them.

const PAGE_BYTES = 256 * 1024;
/** A page of which less than this share is in use is worth clearing out. */
const SPARSE = 0.5;

/**
 * Memory for byte strings. A place is a number: page times 2^32, plus offset. Whoever allocates knows the lengths. Bounded by what
 * is allocated, times two once `sparsePages` have been cleared out.
 */
export class ByteArena {
  /** The pages; empty where one was given up. */
  readonly pages: Uint8Array<ArrayBuffer>[] = [];
  readonly views: DataView[] = [];
  readonly #live: number[] = [];
  readonly #free: number[] = [];
  #current = -1;
  #used = 0;

  /** Bytes that all pages take. */
  get bytes(): number {
    return this.pages.reduce((sum, page) => sum + page.length, 0);
  }

  /** Copies `source[0, length)` and returns the place. */
  add(source: Uint8Array, length: number): number {
    if (this.#current < 0 || this.#used + length > (this.pages[this.#current] as Uint8Array).length) {
      const left = this.#current;
      this.#current = this.#open(Math.max(PAGE_BYTES, length));
      this.#used = 0;
      if (left >= 0) this.#giveUpIfEmpty(left);
    }
    const page = this.#current;
    const at = this.#used;
    (this.pages[page] as Uint8Array).set(length === source.length ? source : source.subarray(0, length), at);
    this.#used += length;
    (this.#live[page] as number) += length;
    return page * 2 ** 32 + at;
  }

  remove(place: number, length: number): void {
    const page = Math.floor(place / 2 ** 32);
    (this.#live[page] as number) -= length;
    if (page !== this.#current) this.#giveUpIfEmpty(page);
  }

  /** A view of what lies at a place, until the next `add` or `remove`. */
  view(place: number, length: number): Uint8Array {
    const at = place % 2 ** 32;
    return (this.pages[Math.floor(place / 2 ** 32)] as Uint8Array).subarray(at, at + length);
  }

  /** Pages that hold little: moving their strings elsewhere (`add`, `remove`) frees them. */
  sparsePages(): Set<number> {
    const sparse = new Set<number>();
    this.pages.forEach((page, i) => {
      if (i !== this.#current && page.length > 0 && (this.#live[i] as number) < page.length * SPARSE) sparse.add(i);
    });
    return sparse;
  }

  #open(bytes: number): number {
    const page = this.#free.pop() ?? this.pages.length;
    const memory = new Uint8Array(bytes);
    this.pages[page] = memory;
    this.views[page] = new DataView(memory.buffer);
    this.#live[page] = 0;
    return page;
  }

  #giveUpIfEmpty(page: number): void {
    if ((this.#live[page] as number) > 0 || (this.pages[page] as Uint8Array).length === 0) return;
    this.pages[page] = new Uint8Array(0);
    this.views[page] = new DataView(new ArrayBuffer(0));
    this.#free.push(page);
  }
}
