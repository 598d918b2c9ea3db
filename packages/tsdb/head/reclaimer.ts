// Memory that readers may still look at, waiting to be free: it is given back when every snapshot that is older than the
// moment it was let go has ended.
import type { Snapshots } from "./snapshots.ts";

interface Waiting {
  readonly epoch: number;
  readonly free: () => void;
}

/** Slot chains are by far the most frequent thing to wait, so they stand in a typed ring instead of objects. */
const FIRST_RING = 4096;

/**
 * Frees at once while no snapshot is held. The number of waiting chains is bounded by the number of chunks;
 * other waiting things come from truncation and growth of tables, a few per hour each.
 */
export class Reclaimer {
  readonly #snapshots: Snapshots;
  readonly #freeChain: (firstSlot: number) => void;
  #waiting: Waiting[] = [];
  /** Pairs of epoch and first slot; head and tail count entries and never wrap by themselves. */
  #ring = new Uint32Array(FIRST_RING * 2);
  #head = 0;
  #tail = 0;

  constructor(snapshots: Snapshots, freeChain: (firstSlot: number) => void) {
    this.#snapshots = snapshots;
    this.#freeChain = freeChain;
  }

  /** Slot chains and other things that still wait. */
  get waiting(): number {
    return this.#head - this.#tail + this.#waiting.length;
  }

  /** Lets a chain of slots go. */
  laterChain(firstSlot: number): void {
    if (this.#snapshots.liveCount === 0) {
      this.#freeChain(firstSlot);
      return;
    }
    if (this.#head - this.#tail === this.#ring.length / 2) this.#grow();
    const at = (this.#head++ % (this.#ring.length / 2)) * 2;
    this.#ring[at] = this.#snapshots.epoch;
    this.#ring[at + 1] = firstSlot;
  }

  /** Lets anything else go. */
  later(free: () => void): void {
    if (this.#snapshots.liveCount === 0) free();
    else this.#waiting.push({ epoch: this.#snapshots.epoch, free });
  }

  /** Frees what nobody can see any more. Call when a snapshot has ended. */
  collect(): void {
    const { liveCount } = this.#snapshots;
    const oldest = this.#snapshots.oldest;
    // Let go during epoch e: a snapshot taken before that has a number below e.
    const isFree = (epoch: number): boolean => liveCount === 0 || ((oldest - epoch) | 0) >= 0;
    const capacity = this.#ring.length / 2;
    while (this.#tail < this.#head) {
      const at = (this.#tail % capacity) * 2;
      if (!isFree(this.#ring[at])) break;
      this.#freeChain(this.#ring[at + 1]);
      this.#tail++;
    }
    if (this.#tail === this.#head) {
      this.#tail = this.#head = 0;
      if (capacity > FIRST_RING * 16) this.#ring = new Uint32Array(FIRST_RING * 2);
    }
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((entry) => isFree(entry.epoch));
    if (due.length === 0) return;
    this.#waiting = this.#waiting.filter((entry) => !isFree(entry.epoch));
    for (const entry of due) entry.free();
  }

  #grow(): void {
    const old = this.#ring;
    const capacity = old.length / 2;
    const grown = new Uint32Array(old.length * 2);
    let count = 0;
    for (; this.#tail < this.#head; this.#tail++) {
      const at = (this.#tail % capacity) * 2;
      grown[count * 2] = old[at];
      grown[count * 2 + 1] = old[at + 1];
      count++;
    }
    this.#ring = grown;
    this.#tail = 0;
    this.#head = count;
  }
}
