// What one query may use: samples, memory and time; and what it did use.
import { QueryError } from "./result.ts";

/** Asked between series and every so many steps; `now` in milliseconds, from any origin. */
export interface LimitOptions {
  readonly maxSamples: number;
  readonly maxBytes: number;
  readonly deadlineMs: number;
  readonly now: () => number;
  readonly cancelled: () => boolean;
}

const UNITS_BETWEEN_CHECKS = 20_000;

/** Counts what a query holds and stops it with the reference's errors when it holds too much or takes too long. */
export class Limits {
  /** Samples held now, as the reference counts them. */
  samples = 0;
  /** Most samples held at one time. */
  peak = 0;
  /** Bytes of rows allocated and not given back. */
  #bytes = 0;
  #units = 0;
  readonly #options: LimitOptions;

  constructor(options: LimitOptions) {
    this.#options = options;
  }

  get maxSamples(): number {
    return this.#options.maxSamples;
  }

  /** Holds `count` more samples. */
  add(count: number): void {
    this.samples += count;
    this.require(0);
  }

  /** Checks that `extra` samples beside those held would not be too many. */
  require(extra: number): void {
    const total = this.samples + extra;
    if (total > this.peak) this.peak = total;
    if (total > this.#options.maxSamples) {
      throw new QueryError("execution", "query processing would load too many samples into memory in query execution");
    }
  }

  /** Takes `bytes` of the query's memory budget. */
  allocate(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#options.maxBytes) {
      const megabytes = Math.floor(this.#options.maxBytes / 1048576);
      throw new QueryError("execution", `query would take more than its memory budget of ${megabytes} MiB`);
    }
  }

  /** Gives back bytes that were taken. */
  release(bytes: number): void {
    this.#bytes = Math.max(0, this.#bytes - bytes);
  }

  /** To be called with an estimate of the samples or points looked at since the last call. */
  worked(units: number): void {
    this.#units += units + 20;
    if (this.#units >= UNITS_BETWEEN_CHECKS) this.checkNow();
  }

  /** Throws when the query was cancelled or its time is over. */
  checkNow(): void {
    this.#units = 0;
    if (this.#options.cancelled()) {
      throw new QueryError("canceled", "query was canceled in expression evaluation");
    }
    if (this.#options.now() > this.#options.deadlineMs) {
      throw new QueryError("timeout", "query timed out in expression evaluation");
    }
  }
}

/** How many samples the evaluation of each step looked at. */
export class SampleStatistics {
  total = 0;
  /** One per step of the query; undefined when not asked for. */
  readonly perStep: Float64Array | undefined;

  constructor(steps: number | undefined) {
    this.perStep = steps === undefined ? undefined : new Float64Array(steps);
  }

  addAtStep(step: number, count: number): void {
    this.total += count;
    const { perStep } = this;
    if (perStep !== undefined && step >= 0 && step < perStep.length) perStep[step] += count;
  }
}
