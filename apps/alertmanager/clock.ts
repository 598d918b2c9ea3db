// Time, as everything here gets it: from outside, so that tests can turn it by hand.

/** Something that will happen, unless it is called off. */
export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since the epoch; has a fraction where the machine knows it. */
  now(): number;
  /** Calls `run` once after at least so many milliseconds, any number of them. */
  after(delayMs: number, run: () => void): Timer;
}

/** The longest time that Node's timers know. */
const MAX_DELAY_MS = 2 ** 31 - 1;

/** The machine's clock. Its timers keep no process alive. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(delayMs, run) {
    let timer: NodeJS.Timeout;
    const wait = (leftMs: number): void => {
      const step = Math.min(Math.max(leftMs, 0), MAX_DELAY_MS);
      timer = setTimeout(() => (leftMs > step ? wait(leftMs - step) : run()), step).unref();
    };
    wait(delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

/** Calls `run` every `intervalMs`, the first time after one interval. */
export function every(clock: Clock, intervalMs: number, run: () => void): Timer {
  let timer = clock.after(intervalMs, tick);
  function tick(): void {
    timer = clock.after(intervalMs, tick);
    run();
  }
  return { cancel: () => timer.cancel() };
}

/** Waits so many milliseconds of a clock, or until the signal aborts. */
export function pause(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = clock.after(ms, end);
    signal.addEventListener("abort", end);
  });
}
