// Time, as scraping sees it: real, or turned by hand in tests.

/** What a `Clock` can call off. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch, with fractions. */
  now(): number;
  /** Calls back once, no earlier than in so many milliseconds. */
  after(ms: number, callback: () => void): Timer;
}

/** Timers longer than this overflow Node's; they are set in steps. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** The system's time. A timer keeps the process alive until it rings or is cancelled. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(ms, callback) {
    let handle: NodeJS.Timeout;
    const set = (rest: number): void => {
      handle =
        rest > MAX_TIMER_MS ? setTimeout(() => set(rest - MAX_TIMER_MS), MAX_TIMER_MS) : setTimeout(callback, rest);
    };
    set(Math.max(0, ms));
    return { cancel: () => clearTimeout(handle) };
  },
};
