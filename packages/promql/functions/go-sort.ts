// Go's unstable sort, step by step: where elements tie, or an order contradicts itself, results come out as the reference's.

const INSERTION_LENGTH = 12;
const NINTHER_LENGTH = 50;
const SHIFTING_LENGTH = 50;
const SHIFTS = 5;
/** Swaps of three medians of three and one of those: the range seems to run downwards. */
const MOST_SWAPS = 12;

/**
 * Sorts in place. `less` need be no consistent order: any answer ends, and the same answers give the same result.
 *
 * Source: pattern-defeating quicksort (O. Peters, arXiv 2106.05123) with the choices of Go's packages sort and slices.
 */
export function goSort<T>(items: T[], less: (a: T, b: T) => boolean): void {
  if (items.length > 1) new Sorter(items, less).sort(0, items.length, bitLength(items.length));
}

interface Pivot {
  index: number;
  /** Swaps made on the way to the median. */
  swaps: number;
}

class Sorter<T> {
  readonly #items: T[];
  readonly #compare: (a: T, b: T) => boolean;

  constructor(items: T[], compare: (a: T, b: T) => boolean) {
    this.#items = items;
    this.#compare = compare;
  }

  /** Sorts from `lo` up to `hi`, with `limit` badly balanced partitions to go before it turns to heapsort. */
  sort(lo: number, hi: number, limit: number): void {
    let balanced = true;
    let partitioned = true;
    for (;;) {
      const length = hi - lo;
      if (length <= INSERTION_LENGTH) {
        this.#insertionSort(lo, hi);
        return;
      }
      if (limit === 0) {
        this.#heapSort(lo, hi);
        return;
      }
      if (!balanced) {
        this.#breakPatterns(lo, hi);
        limit--;
      }
      const pivot = this.#choosePivot(lo, hi);
      let { index } = pivot;
      let ascending = pivot.swaps === 0;
      if (pivot.swaps === MOST_SWAPS) {
        this.#reverse(lo, hi);
        index = hi - 1 - (index - lo);
        ascending = true;
      }
      if (balanced && partitioned && ascending && this.#finishesByShifts(lo, hi)) return;
      if (lo > 0 && !this.#less(lo - 1, index)) {
        lo = this.#partitionEqual(lo, hi, index);
        continue;
      }
      const middle = this.#partition(lo, hi, index);
      partitioned = middle.wasPartitioned;
      const left = middle.at - lo;
      const right = hi - middle.at;
      balanced = Math.min(left, right) >= Math.floor(length / 8);
      if (left < right) {
        this.sort(lo, middle.at, limit);
        lo = middle.at + 1;
      } else {
        this.sort(middle.at + 1, hi, limit);
        hi = middle.at;
      }
    }
  }

  #less(i: number, j: number): boolean {
    return this.#compare(this.#items[i], this.#items[j]);
  }

  #swap(i: number, j: number): void {
    const items = this.#items;
    const moved = items[i];
    items[i] = items[j];
    items[j] = moved;
  }

  #insertionSort(lo: number, hi: number): void {
    for (let i = lo + 1; i < hi; i++) {
      for (let j = i; j > lo && this.#less(j, j - 1); j--) this.#swap(j, j - 1);
    }
  }

  #heapSort(lo: number, hi: number): void {
    const length = hi - lo;
    for (let i = (length - 1) >> 1; i >= 0; i--) this.#siftDown(i, length, lo);
    for (let i = length - 1; i >= 0; i--) {
      this.#swap(lo, lo + i);
      this.#siftDown(0, i, lo);
    }
  }

  #siftDown(root: number, length: number, first: number): void {
    for (;;) {
      let child = 2 * root + 1;
      if (child >= length) return;
      if (child + 1 < length && this.#less(first + child, first + child + 1)) child++;
      if (!this.#less(first + root, first + child)) return;
      this.#swap(first + root, first + child);
      root = child;
    }
  }

  /** Scatters three elements around the middle, by a generator whose seed is the length. */
  #breakPatterns(lo: number, hi: number): void {
    const length = hi - lo;
    if (length < 8) return;
    const mask = (1n << BigInt(bitLength(length))) - 1n;
    const middle = lo + Math.floor(length / 4) * 2;
    let random = BigInt(length);
    for (let i = 0; i < 3; i++) {
      random ^= BigInt.asUintN(64, random << 13n);
      random ^= random >> 7n;
      random ^= BigInt.asUintN(64, random << 17n);
      let other = Number(random & mask);
      if (other >= length) other -= length;
      this.#swap(middle - 1 + i, lo + other);
    }
  }

  #choosePivot(lo: number, hi: number): Pivot {
    const length = hi - lo;
    const quarter = Math.floor(length / 4);
    const pivot: Pivot = { index: 0, swaps: 0 };
    let a = lo + quarter;
    let b = lo + quarter * 2;
    let c = lo + quarter * 3;
    if (length >= NINTHER_LENGTH) {
      a = this.#median(a - 1, a, a + 1, pivot);
      b = this.#median(b - 1, b, b + 1, pivot);
      c = this.#median(c - 1, c, c + 1, pivot);
    }
    pivot.index = this.#median(a, b, c, pivot);
    return pivot;
  }

  #median(a: number, b: number, c: number, pivot: Pivot): number {
    if (this.#less(b, a)) {
      [a, b] = [b, a];
      pivot.swaps++;
    }
    if (this.#less(c, b)) {
      [b, c] = [c, b];
      pivot.swaps++;
    }
    if (this.#less(b, a)) {
      [a, b] = [b, a];
      pivot.swaps++;
    }
    return b;
  }

  #reverse(lo: number, hi: number): void {
    for (let i = lo, j = hi - 1; i < j; i++, j--) this.#swap(i, j);
  }

  /** Sorts what is nearly sorted by a few shifts. Returns whether it is sorted now. */
  #finishesByShifts(lo: number, hi: number): boolean {
    let i = lo + 1;
    for (let shift = 0; shift < SHIFTS; shift++) {
      while (i < hi && !this.#less(i, i - 1)) i++;
      if (i === hi) return true;
      if (hi - lo < SHIFTING_LENGTH) return false;
      this.#swap(i, i - 1);
      if (i - lo >= 2) for (let j = i - 1; j >= 1 && this.#less(j, j - 1); j--) this.#swap(j, j - 1);
      if (hi - i >= 2) for (let j = i + 1; j < hi && this.#less(j, j - 1); j++) this.#swap(j, j - 1);
    }
    return false;
  }

  /** Splits into elements that equal the pivot, the lowest there is, and greater ones; returns where those begin. */
  #partitionEqual(lo: number, hi: number, pivot: number): number {
    this.#swap(lo, pivot);
    let i = lo + 1;
    let j = hi - 1;
    for (;;) {
      while (i <= j && !this.#less(lo, i)) i++;
      while (i <= j && this.#less(lo, j)) j--;
      if (i > j) return i;
      this.#swap(i++, j--);
    }
  }

  /** Splits into elements below the pivot and the others; the pivot comes to lie between, at `at`. */
  #partition(lo: number, hi: number, pivot: number): { at: number; wasPartitioned: boolean } {
    this.#swap(lo, pivot);
    let i = lo + 1;
    let j = hi - 1;
    for (let round = 0; ; round++) {
      while (i <= j && this.#less(i, lo)) i++;
      while (i <= j && !this.#less(j, lo)) j--;
      if (i > j) {
        this.#swap(j, lo);
        return { at: j, wasPartitioned: round === 0 };
      }
      this.#swap(i++, j--);
    }
  }
}

function bitLength(n: number): number {
  return 32 - Math.clz32(n);
}
