// Time, as scraping sees it: real, or turned by hand in tests.

/** What a `Clock` can call off. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Wall time: milliseconds since the epoch, with fractions. Jumps where somebody sets the machine's clock. */
  now(): number;
  /** Milliseconds from some moment on, with fractions; never jumps. For durations and pauses. */
  monotonic(): number;
  /** Calls back once, no earlier than in so many milliseconds. Time that the machine sleeps does not count. */
  after(ms: number, callback: () => void): Timer;
}

/** Timers longer than this overflow Node's; they are set in steps. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** The wall clock's reading stands for a whole millisecond, of which this is the last fraction told apart. */
const LAST_FRACTION_MS = 0.999;

/**
 * A wall clock with fractions, from one that shows whole milliseconds and one that is fine but knows no date: the fine
 * one runs on from the last reading, and is set right as soon as the other contradicts it. So it follows every step and
 * slew of the machine's clock, and is never off by more than a millisecond.
 */
export function fineWallClock(wall: () => number, monotonic: () => number): () => number {
  let offset = Number.NaN;
  return () => {
    const shown = wall();
    const fine = monotonic();
    const guess = offset + fine;
    if (guess >= shown && guess < shown + 1) return guess;
    // Behind: what is shown is the truth. Ahead by less than a tick: stand still rather than go back.
    const isAhead = guess >= shown + 1 && guess < shown + 2;
    const now = isAhead ? shown + LAST_FRACTION_MS : shown;
    offset = now - fine;
    return now;
  };
}

const monotonic = (): number => performance.now();

/** The system's time. A timer keeps the process alive until it rings or is cancelled. */
export const systemClock: Clock = {
  now: fineWallClock(Date.now, monotonic),
  monotonic,
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
