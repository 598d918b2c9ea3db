// Summaries.
import { SlidingQuantiles } from "../sliding-quantiles.ts";
import { TDigest } from "../t-digest.ts";
import { type Entry, NO_LABELS } from "./label-store.ts";
import { isObject, Metric, type MetricConfiguration } from "./metric.ts";
import type { AnyLabels, LabelValues, MetricObject, MetricValue } from "./types.ts";

export interface SummaryConfiguration<T extends string> extends MetricConfiguration<T, Summary<T>> {
  percentiles?: readonly number[];
  /** How far back percentiles look, in so many steps; both or neither. */
  maxAgeSeconds?: number;
  ageBuckets?: number;
  /** Whether series that observed nothing within the window go away. */
  pruneAgedBuckets?: boolean;
  /** How many observations wait before they are condensed. */
  compressCount?: number;
}

const DEFAULT_PERCENTILES: readonly number[] = [0.01, 0.05, 0.5, 0.9, 0.95, 0.99, 0.999];

interface Kept {
  sum: number;
  count: number;
  readonly quantiles: SlidingQuantiles;
}

/** Count and sum of observations, and percentiles, over a sliding window if asked for. */
export class Summary<T extends string = never> extends Metric<Kept> {
  readonly percentiles: readonly number[];
  readonly maxAgeSeconds: number | undefined;
  readonly ageBuckets: number | undefined;
  readonly pruneAgedBuckets: boolean;
  readonly compressCount: number;

  constructor(config: SummaryConfiguration<T>) {
    super("summary", config, "quantile");
    this.percentiles = config.percentiles ?? DEFAULT_PERCENTILES;
    this.maxAgeSeconds = config.maxAgeSeconds;
    this.ageBuckets = config.ageBuckets;
    this.pruneAgedBuckets = config.pruneAgedBuckets ?? false;
    this.compressCount = config.compressCount ?? 1000;
    this.start();
  }

  observe(value: number): void;
  observe(labels: LabelValues<T>, value: number): void;
  observe(first: unknown, second?: unknown): void {
    const [labels, value]: [AnyLabels, unknown] = isObject(first) ? [first, second] : [NO_LABELS, first];
    this.store.validate(labels);
    checkFinite(value);
    add(this.store.findOrAdd(labels).kept, value);
  }

  /** Returns a function that observes the seconds since this call, and returns them. */
  startTimer(labels?: LabelValues<T>): (labels?: LabelValues<T>) => number {
    const start = performance.now();
    return (endLabels) => {
      const seconds = (performance.now() - start) / 1000;
      this.observe({ ...labels, ...endLabels } as LabelValues<T>, seconds);
      return seconds;
    };
  }

  labels(...values: string[]): Summary.Internal<T>;
  labels(labels: LabelValues<T>): Summary.Internal<T>;
  labels(...values: unknown[]): Summary.Internal<T> {
    const bound = this.bound(values);
    return {
      observe: (value) => {
        checkFinite(value);
        add(bound.kept, value);
      },
      startTimer: () => this.startTimer(bound.labels as LabelValues<T>),
    };
  }

  /** Empties all series. They stay. */
  override reset(): void {
    for (const { kept } of this.store.entries()) {
      kept.quantiles.reset();
      kept.count = 0;
      kept.sum = 0;
    }
  }

  override async get(): Promise<MetricObject> {
    await this.collected();
    const values: MetricValue[] = [];
    for (const entry of [...this.store.entries()]) {
      if (this.pruneAgedBuckets && entry.kept.quantiles.count === 0) this.store.remove(entry.labels);
      else this.export(entry, values);
    }
    return { name: this.name, help: this.help, type: this.type, values, aggregator: this.aggregator };
  }

  protected override make(): Kept {
    const { maxAgeSeconds, ageBuckets } = this;
    const slides = maxAgeSeconds !== undefined && ageBuckets !== undefined && maxAgeSeconds > 0 && ageBuckets > 0;
    const quantiles = new SlidingQuantiles(
      {
        quantiles: this.percentiles,
        makeSketch: () => new TDigest(),
        stepMs: slides ? (maxAgeSeconds * 1000) / ageBuckets : Infinity,
        ageBuckets: slides ? ageBuckets : 1,
        bufferSize: Math.max(1, Math.min(this.compressCount, 10_000)),
      },
      () => Date.now(),
    );
    return { sum: 0, count: 0, quantiles };
  }

  protected override export({ labels, kept }: Entry<Kept>, values: MetricValue[]): void {
    const estimates = kept.quantiles.estimates();
    this.percentiles.forEach((quantile, i) => {
      // Nothing observed shows as 0 to callers of this interface.
      values.push({ labels: { quantile, ...labels }, value: estimates[i] || 0 });
    });
    values.push({ metricName: `${this.name}_sum`, labels, value: kept.sum });
    values.push({ metricName: `${this.name}_count`, labels, value: kept.count });
  }
}

export declare namespace Summary {
  interface Internal<T extends string> {
    observe(value: number): void;
    startTimer(): (labels?: LabelValues<T>) => number;
  }
}

function add(kept: Kept, value: number): void {
  kept.sum += value;
  kept.count++;
  kept.quantiles.insert(value);
}

function checkFinite(value: unknown): asserts value is number {
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new TypeError(`Value is not a valid number: ${String(value)}`);
  }
}
