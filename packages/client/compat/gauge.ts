// Gauges.
import { type Entry, NO_LABELS } from "./label-store.ts";
import { type BoundSeries, isObject, Metric, type MetricConfiguration } from "./metric.ts";
import type { AnyLabels, LabelValues, MetricValue } from "./types.ts";

export interface GaugeConfiguration<T extends string> extends MetricConfiguration<T, Gauge<T>> {}

interface Kept {
  value: number;
}

/** A number that comes and goes. */
export class Gauge<T extends string = never> extends Metric<Kept> {
  constructor(config: GaugeConfiguration<T>) {
    super("gauge", config);
    this.start();
  }

  set(labels: LabelValues<T>, value: number): void;
  set(value: number): void;
  set(first: unknown, second?: unknown): void {
    if (isObject(first)) {
      const value = numberOf(second, "Value");
      this.store.findOrAdd(first).kept.value = value;
    } else {
      const value = numberOf(first, "Value");
      this.store.findOrAdd(NO_LABELS).kept.value = value;
    }
  }

  inc(labels: LabelValues<T>, value?: number): void;
  inc(value?: number): void;
  inc(first?: unknown, second?: unknown): void {
    this.#add(first, second, 1);
  }

  dec(labels: LabelValues<T>, value?: number): void;
  dec(value?: number): void;
  dec(first?: unknown, second?: unknown): void {
    this.#add(first, second, -1);
  }

  setToCurrentTime(labels: LabelValues<T> = {} as LabelValues<T>): void {
    this.set(labels, Date.now() / 1000);
  }

  /** Returns a function that sets the gauge to the seconds since this call, and returns them. */
  startTimer(labels?: LabelValues<T>): (labels?: LabelValues<T>) => number {
    const start = performance.now();
    return (endLabels) => {
      const seconds = (performance.now() - start) / 1000;
      this.set({ ...labels, ...endLabels } as LabelValues<T>, seconds);
      return seconds;
    };
  }

  labels(...values: string[]): Gauge.Internal<T>;
  labels(labels: LabelValues<T>): Gauge.Internal<T>;
  labels(...values: unknown[]): Gauge.Internal<T> {
    const bound: BoundSeries<Kept> = this.bound(values);
    return {
      inc: (value) => {
        bound.kept.value += numberOf(value ?? 1, "Delta");
      },
      dec: (value) => {
        bound.kept.value -= numberOf(value ?? 1, "Delta");
      },
      set: (value) => {
        bound.kept.value = numberOf(value, "Value");
      },
      setToCurrentTime: () => {
        bound.kept.value = Date.now() / 1000;
      },
      startTimer: () => this.startTimer(bound.labels as LabelValues<T>),
    };
  }

  protected override make(): Kept {
    return { value: 0 };
  }

  protected override export({ labels, kept }: Entry<Kept>, values: MetricValue[]): void {
    values.push({ value: kept.value, labels });
  }

  #add(first: unknown, second: unknown, sign: 1 | -1): void {
    const labels: AnyLabels = isObject(first) ? first : NO_LABELS;
    const delta = numberOf((isObject(first) ? second : first) ?? 1, "Delta");
    this.store.findOrAdd(labels).kept.value += sign * delta;
  }
}

export declare namespace Gauge {
  interface Internal<T extends string> {
    inc(value?: number): void;
    dec(value?: number): void;
    set(value: number): void;
    setToCurrentTime(): void;
    startTimer(): (labels?: LabelValues<T>) => number;
  }
}

/** NaN and infinities are fine. */
function numberOf(value: unknown, what: "Value" | "Delta"): number {
  if (typeof value !== "number") throw new TypeError(`${what} is not a valid number: ${String(value)}`);
  return value;
}
