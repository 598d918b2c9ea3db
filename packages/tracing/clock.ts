// Time, from outside, so that tests can turn it by hand.

export interface Clock {
  /** Milliseconds since the epoch, with fractions where the machine knows them. */
  now(): number;
  /** Calls back once, no earlier than in so many milliseconds. */
  after(delayMs: number, run: () => void): { cancel(): void };
}

/** The machine's. A timer keeps the process alive until it rings or is cancelled. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};
