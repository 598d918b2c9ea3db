// Counters.
import { makeExemplar } from "./exemplar.ts";
import { type Entry, NO_LABELS } from "./label-store.ts";
import { isObject, Metric, type MetricConfiguration } from "./metric.ts";
import type { Exemplar, LabelValues, MetricValue } from "./types.ts";

export interface CounterConfiguration<T extends string> extends MetricConfiguration<T, Counter<T>> {}

/** An increase where exemplars are enabled. */
export interface IncreaseDataWithExemplar<T extends string> {
  value?: number;
  labels?: LabelValues<T>;
  exemplarLabels?: Record<string, string | number>;
}

interface Kept {
  value: number;
  exemplar: Exemplar | undefined;
}

/** A number that only grows. */
export class Counter<T extends string = never> extends Metric<Kept> {
  constructor(config: CounterConfiguration<T>) {
    super("counter", config);
    this.start();
  }

  inc(labels: LabelValues<T>, value?: number): void;
  inc(value?: number): void;
  inc(data: IncreaseDataWithExemplar<T>): void;
  inc(first?: unknown, second?: unknown): void {
    if (this.enableExemplars) {
      const { labels = {}, value, exemplarLabels } = (first ?? {}) as IncreaseDataWithExemplar<string>;
      add(this.store.findOrAdd(labels).kept, amountOf(value), exemplarLabels);
    } else if (isObject(first)) {
      this.store.validate(first);
      const amount = amountOf(second);
      this.store.findOrAdd(first).kept.value += amount;
    } else {
      const amount = amountOf(first);
      this.store.findOrAdd(NO_LABELS).kept.value += amount;
    }
  }

  labels(...values: string[]): Counter.Internal;
  labels(labels: LabelValues<T>): Counter.Internal;
  labels(...values: unknown[]): Counter.Internal {
    const bound = this.bound(values);
    return {
      inc: (first) => {
        if (isObject(first)) add(bound.kept, amountOf(first.value), first.exemplarLabels);
        else bound.kept.value += amountOf(first);
      },
    };
  }

  protected override make(): Kept {
    return { value: 0, exemplar: undefined };
  }

  protected override export({ labels, kept }: Entry<Kept>, values: MetricValue[]): void {
    values.push(
      kept.exemplar === undefined
        ? { value: kept.value, labels }
        : { value: kept.value, labels, exemplar: kept.exemplar },
    );
  }
}

export declare namespace Counter {
  interface Internal {
    inc(value?: number | { value?: number; exemplarLabels?: Record<string, string | number> }): void;
  }
}

function add(kept: Kept, amount: number, exemplarLabels: Record<string, unknown> | undefined): void {
  if (exemplarLabels !== undefined) kept.exemplar = makeExemplar(exemplarLabels, amount);
  kept.value += amount;
}

/** Throws for what is negative or no finite number. */
function amountOf(value: unknown): number {
  if (value === undefined || value === null) return 1;
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new TypeError(`Value is not a valid number: ${String(value)}`);
  }
  if (value < 0) throw new Error("It is not possible to decrease a counter");
  return value;
}
