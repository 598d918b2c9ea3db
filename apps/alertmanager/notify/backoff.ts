// How long to wait between attempts: half a second, then half as much again each time, a minute at most, up to half more or less.

const FIRST_MS = 500;
const FACTOR = 1.5;
const MAX_MS = 60_000;
const JITTER = 0.5;

export class Backoff {
  readonly #random: () => number;
  #nextMs = FIRST_MS;

  /** `random` gives numbers from 0 up to 1. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Milliseconds until the next attempt. */
  next(): number {
    const delay = this.#nextMs * (1 - JITTER + this.#random() * 2 * JITTER);
    this.#nextMs = Math.min(this.#nextMs * FACTOR, MAX_MS);
    return delay;
  }
}
