// Classic histograms: observations counted in buckets.
import type { FamilyWriter } from "./family-writer.ts";
import { type Child, type LabelRecord, Metric, type MetricConfig } from "./metric.ts";

/** Buckets for the durations of requests, in seconds. */
export const DEFAULT_BUCKETS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What a histogram is made from. */
export interface HistogramConfig<Names extends readonly string[]> extends MetricConfig<Names, Histogram<Names>> {
  /** Upper bounds, ascending; +Inf is added by itself. */
  readonly buckets?: readonly number[];
}

/** One series of a histogram. */
export class HistogramChild implements Child {
  readonly labelsText: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly #bounds: Float64Array;
  /** Observations of each bucket by itself, +Inf last, then the sum. */
  readonly #cells: Float64Array;

  constructor(labelsText: string, created: number, bounds: Float64Array) {
    this.labelsText = labelsText;
    this.created = created;
    this.#bounds = bounds;
    this.#cells = new Float64Array(bounds.length + 2);
  }

  /** Throws a TypeError for what is no finite number. */
  observe(value: number): void {
    if (!(value > -Infinity && value < Infinity)) {
      throw new TypeError(`Value is not a valid number: ${String(value)}`);
    }
    const bounds = this.#bounds;
    let low = 0;
    let high = bounds.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((bounds[middle] as number) < value) low = middle + 1;
      else high = middle;
    }
    const cells = this.#cells;
    (cells[low] as number)++;
    (cells[bounds.length + 1] as number) += value;
  }

  /** Returns a function that observes the seconds since this call, and returns them. */
  startTimer(): () => number {
    const start = performance.now();
    return () => {
      const seconds = (performance.now() - start) / 1000;
      this.observe(seconds);
      return seconds;
    };
  }

  get sum(): number {
    return this.#cells[this.#bounds.length + 1] as number;
  }

  get count(): number {
    return this.cumulative()[this.#bounds.length] as number;
  }

  /** Cumulative counts per bound, +Inf last. */
  cumulative(): Float64Array {
    const counts = this.#cells.slice(0, -1);
    for (let i = 1; i < counts.length; i++) (counts[i] as number) += counts[i - 1] as number;
    return counts;
  }
}

/** Observations counted in buckets, per label set. */
export class Histogram<const Names extends readonly string[] = readonly []> extends Metric<Names, HistogramChild> {
  readonly buckets: readonly number[];
  readonly #bounds: Float64Array;

  /** Throws when bounds do not ascend. */
  constructor(config: HistogramConfig<Names>) {
    super("histogram", config as MetricConfig<Names, never>, "le");
    const bounds = [...(config.buckets ?? DEFAULT_BUCKETS)];
    if (bounds.at(-1) === Infinity) bounds.pop();
    for (let i = 0; i < bounds.length; i++) {
      const bound = bounds[i] as number;
      if (!Number.isFinite(bound) || (i > 0 && !(bound > (bounds[i - 1] as number)))) {
        throw new Error(`Histogram buckets must be finite and ascend: ${bounds.join(", ")}`);
      }
    }
    this.buckets = bounds;
    this.#bounds = Float64Array.from(bounds);
    this.start(config.registers);
  }

  observe(value: number): void;
  observe(labels: LabelRecord<Names>, value: number): void;
  observe(first: number | LabelRecord<Names>, value?: number): void {
    if (typeof first === "object" && first !== null) this.labels(first).observe(value as number);
    else this.sole.observe(first);
  }

  /** See `HistogramChild.startTimer`. */
  startTimer(labels?: LabelRecord<Names>): () => number {
    return (labels === undefined ? this.sole : this.labels(labels)).startTimer();
  }

  protected override create(labelsText: string): HistogramChild {
    return new HistogramChild(labelsText, this.now() / 1000, this.#bounds);
  }

  protected override write(writer: FamilyWriter, child: HistogramChild): void {
    writer.histogram(child.labelsText, this.buckets, child.cumulative(), child.sum, child.created);
  }
}

/** `count` bounds from `start` on, `width` apart. */
export function linearBuckets(start: number, width: number, count: number): number[] {
  if (count < 1) throw new Error("Linear buckets needs a positive count");
  return Array.from({ length: count }, (_, i) => start + i * width);
}

/** `count` bounds from `start` on, each `factor` times the one before. */
export function exponentialBuckets(start: number, factor: number, count: number): number[] {
  if (start <= 0) throw new Error("Exponential buckets needs a positive start");
  if (count < 1) throw new Error("Exponential buckets needs a positive count");
  if (factor <= 1) throw new Error("Exponential buckets needs a factor greater than 1");
  const buckets: number[] = [];
  for (let bound = start; buckets.length < count; bound *= factor) buckets.push(bound);
  return buckets;
}
