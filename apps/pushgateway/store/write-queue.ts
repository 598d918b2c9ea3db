// Changes one after the other, in the order in which they came.

/** How many changes may wait, as in the reference. */
export const QUEUE_CAPACITY = 1000;
/** After so much work other things get their turn. */
const SLICE_MS = 5;

/** More changes wait than may. */
export class QueueFullError extends Error {
  override readonly name = "QueueFullError";

  constructor() {
    super("write queue is full");
  }
}

/** Runs jobs, each of which does its work at once. */
export class WriteQueue<Job, Result> {
  readonly #run: (job: Job) => Result;
  readonly #waiting: { readonly job: Job; settle(): void; fail(error: unknown): void }[] = [];
  #isRunning = false;
  #idle: (() => void)[] = [];

  constructor(run: (job: Job) => Result) {
    this.#run = run;
  }

  get isFull(): boolean {
    return this.#waiting.length >= QUEUE_CAPACITY;
  }

  /** Resolves once the job is done. Rejects with a `QueueFullError`, or with what the job throws. */
  submit(job: Job): Promise<Result> {
    if (this.isFull) return Promise.reject(new QueueFullError());
    return new Promise((resolve, reject) => {
      this.#waiting.push({ job, settle: () => resolve(this.#run(job)), fail: reject });
      if (this.#isRunning) return;
      this.#isRunning = true;
      setImmediate(() => this.#drain());
    });
  }

  /** Resolves when nothing waits any more. */
  idle(): Promise<void> {
    if (!this.#isRunning) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #drain(): void {
    const until = performance.now() + SLICE_MS;
    let done = 0;
    while (done < this.#waiting.length && (done === 0 || performance.now() < until)) {
      const each = this.#waiting[done++];
      try {
        each?.settle();
      } catch (error) {
        each?.fail(error);
      }
    }
    this.#waiting.splice(0, done);
    if (this.#waiting.length > 0) {
      setImmediate(() => this.#drain());
      return;
    }
    this.#isRunning = false;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
