// Time, from outside, so that tests can turn it by hand.

export interface Clock {
  /** Milliseconds since the epoch, with fractions where the machine knows them. */
  now(): number;
  /** Calls back once, no earlier than in so many milliseconds. */
  after(delayMs: number, run: () => void): { cancel(): void };
}
