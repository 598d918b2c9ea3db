// Deleted ranges of the head's series, in shared memory: queries in every thread leave them out.
import type { TombstoneEntry } from "../wal/entry-records.ts";

/** Ref, first and last time: 64-bit floats. */
const STONE_WORDS = 3;

/**
 * Ranges by series ref, ascending; those of one series neither overlap nor touch. Never changed once made: whoever deletes
 * makes the next one, and a query keeps the one it began with. 24 bytes a range.
 */
export class HeadDeletions {
  static readonly none: HeadDeletions = new HeadDeletions(undefined);
  /** What goes to other threads; undefined when nothing is deleted. */
  readonly shared: SharedArrayBuffer | undefined;
  readonly #stones: Float64Array;

  constructor(shared: SharedArrayBuffer | undefined) {
    this.shared = shared;
    this.#stones = shared === undefined ? new Float64Array(0) : new Float64Array(shared);
  }

  /** How many ranges there are. */
  get count(): number {
    return this.#stones.length / STONE_WORDS;
  }

  /** The ranges of a series (first, last, first, last: milliseconds, both included), undefined when it has none. */
  get(ref: number): number[] | undefined {
    const stones = this.#stones;
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((stones[middle * STONE_WORDS] as number) < ref) low = middle + 1;
      else high = middle;
    }
    let ranges: number[] | undefined;
    for (let at = low * STONE_WORDS; at < stones.length && stones[at] === ref; at += STONE_WORDS) {
      ranges ??= [];
      ranges.push(stones[at + 1] as number, stones[at + 2] as number);
    }
    return ranges;
  }

  /** All ranges, ascending by ref and time. */
  *[Symbol.iterator](): Generator<TombstoneEntry> {
    const stones = this.#stones;
    for (let at = 0; at < stones.length; at += STONE_WORDS) {
      yield { ref: stones[at] as number, minTime: stones[at + 1] as number, maxTime: stones[at + 2] as number };
    }
  }

  /** These and more, which must ascend by ref; what overlaps or touches is joined. */
  with(more: readonly TombstoneEntry[]): HeadDeletions {
    if (more.length === 0) return this;
    const old = this.#stones;
    const merged = new Float64Array(old.length + more.length * STONE_WORDS);
    let end = 0;
    const add = (ref: number, first: number, last: number): void => {
      if (end > 0 && merged[end - 3] === ref && first <= (merged[end - 1] as number) + 1) {
        if (last > (merged[end - 1] as number)) merged[end - 1] = last;
        return;
      }
      merged[end] = ref;
      merged[end + 1] = first;
      merged[end + 2] = last;
      end += STONE_WORDS;
    };
    let at = 0;
    for (const { ref, minTime, maxTime } of more) {
      const isBefore = (): boolean => {
        const other = old[at] as number;
        return other < ref || (other === ref && (old[at + 1] as number) <= minTime);
      };
      for (; at < old.length && isBefore(); at += STONE_WORDS) {
        add(old[at] as number, old[at + 1] as number, old[at + 2] as number);
      }
      add(ref, minTime, maxTime);
    }
    for (; at < old.length; at += STONE_WORDS) add(old[at] as number, old[at + 1] as number, old[at + 2] as number);
    return made(merged.subarray(0, end));
  }

  /** Without ranges that end before `minTime`: those samples are gone. */
  truncateBefore(minTime: number): HeadDeletions {
    const stones = this.#stones;
    const kept = new Float64Array(stones.length);
    let end = 0;
    for (let at = 0; at < stones.length; at += STONE_WORDS) {
      if ((stones[at + 2] as number) < minTime) continue;
      kept.set(stones.subarray(at, at + STONE_WORDS), end);
      end += STONE_WORDS;
    }
    return end === stones.length ? this : made(kept.subarray(0, end));
  }
}

function made(stones: Float64Array): HeadDeletions {
  if (stones.length === 0) return HeadDeletions.none;
  const shared = new SharedArrayBuffer(stones.byteLength);
  new Float64Array(shared).set(stones);
  return new HeadDeletions(shared);
}
