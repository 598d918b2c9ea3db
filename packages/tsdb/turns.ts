// The event loop's turns during long work that cannot be cut into slices beforehand: a replay.

/** Gives the event loop its turn about every `everyMs`, by a clock in milliseconds. */
export class Turns {
  readonly #everyMs: number;
  readonly #now: () => number;
  #nextAt = 0;

  constructor(everyMs: number, now: () => number) {
    this.#everyMs = everyMs;
    this.#now = now;
  }

  /** Undefined while it is too early, which costs a look at the clock; else wait for what is returned. */
  pause(): Promise<void> | undefined {
    if (this.#now() < this.#nextAt) return undefined;
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#nextAt = this.#now() + this.#everyMs;
        resolve();
      }),
    );
  }
}
