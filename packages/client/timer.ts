// Timing: from here to there, of a function, or of a block.
import { type Decorator, DISPOSE, decorator, wrap } from "./instrument.ts";

// biome-ignore lint/suspicious/noExplicitAny: a wrapper takes any function and gives back one of the same type
type AnyFunction = (...args: any[]) => any;

/** What a timed function or block came to, for labels that depend on it. */
export interface Outcome {
  readonly failed: boolean;
  readonly error: unknown;
  readonly result: unknown;
  readonly args: readonly unknown[];
}

/** Labels of a measurement, or how to find them when it is over. */
export type LabelsOrChoice<Labels> = Labels | ((outcome: Outcome) => Labels);

/**
 * A running measurement. As `using timer = histogram.time()` it ends with its block, by `stop` earlier; as `@histogram.time()` it
 * measures each call of the method that it decorates.
 */
export interface Timer<Labels> extends Decorator, Disposable {
  /** Sets or adds to the labels of the measurement. */
  labels(labels: Partial<Labels>): void;
  /** Ends the measurement, and returns its seconds. Only the first call counts. */
  stop(): number;
}

/** Seconds since `start` of the monotonic clock. */
export function secondsSince(start: number): number {
  return (performance.now() - start) / 1000;
}

/** Makes a timer that hands its seconds to `record`. */
export function startTimer<Labels extends object>(
  record: (seconds: number, labels: Labels) => void,
  initial: LabelsOrChoice<Labels> | undefined,
): Timer<Labels> {
  let start = performance.now();
  let stopped: number | undefined;
  let labels = (typeof initial === "function" ? {} : { ...initial }) as Labels;
  const stop = (): number => {
    if (stopped !== undefined) return stopped;
    stopped = secondsSince(start);
    record(stopped, labels);
    return stopped;
  };
  const decorate = decorator((fn) => {
    // It was no measurement by itself.
    stopped = 0;
    start = 0;
    return timed(fn, record, initial);
  });
  return Object.assign(decorate, {
    labels: (more: Partial<Labels>) => {
      labels = { ...labels, ...more };
    },
    stop,
    [DISPOSE]: () => {
      stop();
    },
  }) as Timer<Labels>;
}

/** A function whose every call is measured. */
export function timed<F extends AnyFunction, Labels extends object>(
  fn: F,
  record: (seconds: number, labels: Labels) => void,
  labels: LabelsOrChoice<Labels> | undefined,
): F {
  return wrap(fn, (args) => {
    const start = performance.now();
    return (failed, error, result) => {
      const seconds = secondsSince(start);
      const chosen = typeof labels === "function" ? labels({ failed, error, result, args }) : labels;
      record(seconds, (chosen ?? {}) as Labels);
    };
  });
}
