// A clock for tests that stands still until it is turned.
import type { Clock, Timer } from "./clock.ts";

interface Pending extends Timer {
  readonly at: number;
  readonly run: () => void;
  isOff: boolean;
}

export class HandClock implements Clock {
  #now: number;
  #pending: Pending[] = [];

  /** Milliseconds since the epoch to begin at. */
  constructor(now: number = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  after(delayMs: number, run: () => void): Timer {
    const entry: Pending = {
      at: this.#now + Math.max(0, delayMs),
      run,
      isOff: false,
      cancel: () => {
        entry.isOff = true;
      },
    };
    this.#pending.push(entry);
    return entry;
  }

  /** Turns the clock on; what falls due runs in order, and what it began goes on until it waits for the clock again. */
  async turn(ms: number): Promise<void> {
    const end = this.#now + ms;
    for (;;) {
      await settled();
      this.#pending = this.#pending.filter((entry) => !entry.isOff);
      const next = this.#pending.reduce<Pending | undefined>(
        (first, entry) => (first === undefined || entry.at < first.at ? entry : first),
        undefined,
      );
      if (next === undefined || next.at > end) break;
      this.#now = Math.max(this.#now, next.at);
      next.isOff = true;
      next.run();
    }
    this.#now = end;
    await settled();
  }
}

/** Lets promises that wait for nothing but each other run to their end. */
async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
}
