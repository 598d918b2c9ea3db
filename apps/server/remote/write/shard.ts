// One of a queue's lanes: batches that wait, and the one request that is under way.
import type { Clock, Timer } from "../../scrape/index.ts";
import { OutgoingBatch } from "./outgoing-batch.ts";

export interface ShardOptions {
  /** Entries of a batch at most. */
  readonly batchSize: number;
  /** Entries that wait at most, besides those of the batch that is being filled and of the one under way. */
  readonly capacity: number;
  /** A batch that is not full is sent when its first entry is so old. */
  readonly deadlineMs: number;
  readonly clock: Clock;
  /** Numbers for batches, in the order in which they are begun. */
  readonly nextSequence: () => number;
  /** Sends a batch, for as long as it takes. Never rejects; false when it was called off, and the batch with it. */
  readonly send: (batch: OutgoingBatch) => Promise<boolean>;
  /** A batch is gone. */
  readonly onRoom: () => void;
}

/** Keeps the order of what it is given. Memory: `capacity` entries and two batches. */
export class Shard {
  /** The batch that is being filled: add to it while `hasRoom`, and call `added` after each. */
  batch: OutgoingBatch;
  readonly #options: ShardOptions;
  readonly #maxWaiting: number;
  readonly #waiting: OutgoingBatch[] = [];
  readonly #spare: OutgoingBatch[] = [];
  #sending: OutgoingBatch | undefined;
  #timer: Timer | undefined;
  /** The batch being filled is to go as it is. */
  #isDue = false;
  #isAbandoned = false;
  #whenEmpty: (() => void)[] = [];

  constructor(options: ShardOptions) {
    this.#options = options;
    this.#maxWaiting = Math.max(1, Math.floor(options.capacity / options.batchSize));
    this.batch = this.#begin();
  }

  get hasRoom(): boolean {
    return !this.batch.isFull || this.#rotate();
  }

  get isEmpty(): boolean {
    return this.#sending === undefined && this.#waiting.length === 0 && this.batch.count === 0;
  }

  /** Number of the oldest batch that holds something; Infinity when none does. */
  get oldestSequence(): number {
    if (this.isEmpty) return Number.POSITIVE_INFINITY;
    return (this.#sending ?? this.#waiting[0] ?? this.batch).sequence;
  }

  /** To be called after each entry that was added to `batch`. */
  added(): void {
    const { batch } = this;
    if (batch.isFull) this.#rotate();
    else if (batch.count === 1) {
      this.#timer = this.#options.clock.after(this.#options.deadlineMs, () => {
        this.#isDue = true;
        this.#next();
      });
    }
  }

  /** Sends everything there is, full batches or not. Resolves when it is done, or abandoned. */
  flush(): Promise<void> {
    if (this.isEmpty || this.#isAbandoned) return Promise.resolve();
    this.#isDue = true;
    this.#next();
    return new Promise((resolve) => this.#whenEmpty.push(resolve));
  }

  /** Forgets everything that waits; what is under way must be called off by the owner. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#timer?.cancel();
    this.#waiting.length = 0;
    this.batch.clear();
    this.#settle();
  }

  /** Puts the full batch into the queue and begins another; false when the queue is full. */
  #rotate(): boolean {
    if (this.#waiting.length >= this.#maxWaiting) return false;
    this.#waiting.push(this.batch);
    this.#close();
    this.#next();
    return true;
  }

  #close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#isDue = this.#whenEmpty.length > 0;
    this.batch = this.#begin();
  }

  #begin(): OutgoingBatch {
    const batch = this.#spare.pop() ?? new OutgoingBatch(this.#options.batchSize);
    batch.sequence = this.#options.nextSequence();
    return batch;
  }

  #next(): void {
    if (this.#sending !== undefined || this.#isAbandoned) return;
    let batch = this.#waiting.shift();
    if (batch === undefined) {
      // A full one may have found no room among those that wait.
      if (!(this.#isDue || this.batch.isFull) || this.batch.count === 0) return;
      batch = this.batch;
      this.#close();
    }
    this.#sending = batch;
    void this.#options.send(batch).then((isDone) => {
      this.#sending = undefined;
      batch.clear();
      if (!isDone || this.#isAbandoned) {
        this.#settle();
        return;
      }
      this.#spare.push(batch);
      this.#options.onRoom();
      this.#next();
      if (this.isEmpty) this.#settle();
    });
  }

  #settle(): void {
    for (const resolve of this.#whenEmpty.splice(0)) resolve();
  }
}
