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

/** Samples that were counted ahead of when the reference counts them. */
export interface Ahead {
  /** Those still held. */
  readonly held: number;
  /** Most held at one time. */
  readonly peak: number;
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

  /** Runs an evaluation which the reference runs later, and takes back what it holds. */
  ahead(evaluate: () => void): Ahead {
    const before = this.samples;
    const peak = this.peakOf(evaluate);
    const held = this.samples - before;
    this.samples = before;
    return { held, peak };
  }

  /** Runs an evaluation. Returns the most samples it held at one time, beside those held before. */
  peakOf(evaluate: () => void): number {
    const { samples, peak } = this;
    this.peak = samples;
    evaluate();
    const own = this.peak - samples;
    if (peak > this.peak) this.peak = peak;
    return own;
  }

  /**
   * Ends a function that the reference calls step by step: the samples held become those of before and `out` of the
   * result. At the last step it holds, beside the operands, all of the result and that step's `elements` of them.
   */
  calledPerStep(before: number, out: number, elements: number): void {
    this.require(out + elements);
    this.samples = before + out;
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

/**
 * How many samples the evaluation of each step looked at, and how many it read for that: of windows that overlap, each
 * sample is read once.
 */
export class SampleStatistics {
  total = 0;
  read = 0;
  /** One per step of the query; undefined when not asked for. */
  readonly perStep: Float64Array | undefined;
  readonly readPerStep: Float64Array | undefined;

  constructor(steps: number | undefined, readSteps: number | undefined = steps) {
    this.perStep = steps === undefined ? undefined : new Float64Array(steps);
    this.readPerStep = readSteps === undefined ? undefined : new Float64Array(readSteps);
  }

  /** Counts samples that a step looked at, `read` of them for the first time. */
  addAtStep(step: number, count: number, read: number = count): void {
    this.total += count;
    if (this.perStep !== undefined) this.perStep[step] += count;
    this.addReadAtStep(step, read);
  }

  addReadAtStep(step: number, count: number): void {
    this.read += count;
    if (this.readPerStep !== undefined) this.readPerStep[step] += count;
  }

  /** Counts what an evaluation over the same steps counted. */
  add(other: SampleStatistics): void {
    this.total += other.total;
    this.read += other.read;
    addEach(this.perStep, other.perStep);
    addEach(this.readPerStep, other.readPerStep);
  }
}

function addEach(target: Float64Array | undefined, source: Float64Array | undefined): void {
  if (target === undefined || source === undefined) return;
  for (let k = 0; k < target.length; k++) target[k] += source[k];
}
