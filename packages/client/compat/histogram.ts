// Histograms.
import { DEFAULT_BUCKETS } from "../buckets.ts";
import { makeExemplar } from "./exemplar.ts";
import { type Entry, NO_LABELS } from "./label-store.ts";
import { isObject, Metric, type MetricConfiguration } from "./metric.ts";
import type { AnyLabels, Exemplar, LabelValues, MetricObject, MetricValue } from "./types.ts";

export interface HistogramConfiguration<T extends string> extends MetricConfiguration<T, Histogram<T>> {
  /** Upper bounds; sorted, each once, without +Inf, whatever is given. */
  buckets?: readonly number[];
}

/** An observation where exemplars are enabled. */
export interface ObserveDataWithExemplar<T extends string> {
  value: number;
  labels?: LabelValues<T>;
  exemplarLabels?: Record<string, string | number>;
}

interface Kept {
  /** Observations of each bucket by itself, +Inf last. */
  readonly counts: Float64Array;
  sum: number;
  readonly exemplars: (Exemplar | null)[] | undefined;
}

/** Observations counted in buckets. */
export class Histogram<T extends string = never> extends Metric<Kept> {
  readonly upperBounds: readonly number[];

  constructor(config: HistogramConfiguration<T>) {
    super("histogram", config, "le");
    const bounds = [...new Set(config.buckets ?? DEFAULT_BUCKETS)].filter((bound) => bound !== Infinity);
    const invalid = bounds.find((bound) => typeof bound !== "number" || !Number.isFinite(bound));
    if (invalid !== undefined) throw new TypeError(`Bucket is not a valid number: ${String(invalid)}`);
    this.upperBounds = Object.freeze(bounds.sort((a, b) => a - b));
    this.start();
  }

  observe(value: number): void;
  observe(labels: LabelValues<T>, value: number): void;
  observe(data: ObserveDataWithExemplar<T>): void;
  observe(first: unknown, second?: unknown): void {
    if (this.enableExemplars) {
      const { labels = {}, value, exemplarLabels } = (first ?? {}) as ObserveDataWithExemplar<string>;
      this.#observe(labels, value, exemplarLabels);
    } else if (isObject(first)) this.#observe(first, second);
    else this.#observe(NO_LABELS, first);
  }

  /** Makes a series that has observed nothing yet, or empties it. */
  zero(labels: LabelValues<T>): void {
    this.store.validate(labels);
    this.store.remove(labels);
    this.store.findOrAdd(labels);
  }

  /** Returns a function that observes the seconds since this call, and returns them. */
  startTimer(
    labels?: LabelValues<T>,
    exemplarLabels?: Record<string, string | number>,
  ): (labels?: LabelValues<T>, exemplarLabels?: Record<string, string | number>) => number {
    const start = performance.now();
    return (endLabels, endExemplarLabels) => {
      const seconds = (performance.now() - start) / 1000;
      this.#observe({ ...labels, ...endLabels }, seconds, { ...exemplarLabels, ...endExemplarLabels });
      return seconds;
    };
  }

  labels(...values: string[]): Histogram.Internal<T>;
  labels(labels: LabelValues<T>): Histogram.Internal<T>;
  labels(...values: unknown[]): Histogram.Internal<T> {
    const bound = this.bound(values);
    return {
      observe: (value) => this.#add(bound.kept, value),
      startTimer: () => this.startTimer(bound.labels as LabelValues<T>),
    };
  }

  override async get(): Promise<MetricObject> {
    const object = await this.getForPromString();
    // Here all labels are in one object.
    for (const sample of object.values) {
      sample.labels = { ...sample.labels, ...sample.sharedLabels };
      delete sample.sharedLabels;
    }
    return object;
  }

  getForPromString(): Promise<MetricObject> {
    return super.get();
  }

  protected override make(): Kept {
    const buckets = this.upperBounds.length + 1;
    return {
      counts: new Float64Array(buckets),
      sum: 0,
      exemplars: this.enableExemplars ? new Array(buckets).fill(null) : undefined,
    };
  }

  protected override export({ labels: sharedLabels, kept }: Entry<Kept>, values: MetricValue[]): void {
    const metricName = `${this.name}_bucket`;
    let count = 0;
    for (let i = 0; i <= this.upperBounds.length; i++) {
      count += kept.counts[i] as number;
      const le = this.upperBounds[i] ?? "+Inf";
      values.push({ labels: { le }, sharedLabels, value: count, metricName, exemplar: kept.exemplars?.[i] ?? null });
    }
    values.push({ labels: {}, sharedLabels, value: kept.sum, metricName: `${this.name}_sum`, exemplar: undefined });
    values.push({ labels: {}, sharedLabels, value: count, metricName: `${this.name}_count`, exemplar: undefined });
  }

  #observe(labels: AnyLabels, value: unknown, exemplarLabels?: AnyLabels): void {
    this.store.validate(labels);
    checkFinite(value);
    this.#add(this.store.findOrAdd(labels).kept, value, exemplarLabels);
  }

  #add(kept: Kept, value: unknown, exemplarLabels?: AnyLabels): void {
    checkFinite(value);
    const bounds = this.upperBounds;
    let bucket = 0;
    while (bucket < bounds.length && (bounds[bucket] as number) < value) bucket++;
    if (kept.exemplars !== undefined && exemplarLabels !== undefined && Object.keys(exemplarLabels).length > 0) {
      kept.exemplars[bucket] = makeExemplar(exemplarLabels, value);
    }
    (kept.counts[bucket] as number)++;
    kept.sum += value;
  }
}

export declare namespace Histogram {
  interface Internal<T extends string> {
    observe(value: number): void;
    startTimer(): (labels?: LabelValues<T>) => number;
  }
}

function checkFinite(value: unknown): asserts value is number {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new TypeError(`Value is not a valid number: ${String(value)}`);
  }
}
