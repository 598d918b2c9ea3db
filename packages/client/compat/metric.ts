// What all metrics share.
import { isValidMetricName } from "../format/names.ts";
import { type Entry, LabelStore, labelsOf } from "./label-store.ts";
import { globalRegistry, Registry } from "./registry.ts";
import type { Aggregator, AnyLabels, MetricObject, MetricValue, RegistrableMetric } from "./types.ts";

/** Called before the values are read, with the metric as `this`. */
export type CollectFunction<M> = (this: M) => void | Promise<void>;

/** What every metric is made from. */
export interface MetricConfiguration<T extends string, M> {
  name: string;
  help: string;
  labelNames?: readonly T[] | T[];
  /** The global registry unless given; none for []. */
  registers?: readonly Registry[] | undefined;
  aggregator?: Aggregator;
  collect?: CollectFunction<M>;
  enableExemplars?: boolean;
}

const LABEL_NAME = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

/** The base of Counter, Gauge, Histogram and Summary. */
export abstract class Metric<V> implements RegistrableMetric {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames: readonly string[];
  readonly aggregator: Aggregator;
  readonly enableExemplars: boolean;
  readonly registers: readonly Registry[];
  readonly collect: CollectFunction<never> | undefined;
  protected readonly store: LabelStore<V>;

  // biome-ignore lint/suspicious/noExplicitAny: whoever `collect` is called on
  constructor(type: string, config: MetricConfiguration<string, any>, reservedLabel: string = "") {
    if (typeof config !== "object" || config === null) throw new TypeError("constructor expected a config object");
    if (!config.help) throw new Error("Missing mandatory help parameter");
    if (!config.name) throw new Error("Missing mandatory name parameter");
    if (!isValidMetricName(config.name)) throw new Error(`Invalid metric name: ${config.name}`);
    const labelNames = [...(config.labelNames ?? [])];
    const invalid = labelNames.filter((name) => !LABEL_NAME.test(name));
    if (invalid.length > 0) throw new Error(`At least one label name is invalid: ${invalid.join(",")}`);
    if (config.collect && typeof config.collect !== "function") {
      throw new Error('Optional "collect" parameter must be a function');
    }
    if (reservedLabel !== "" && labelNames.includes(reservedLabel)) {
      throw new Error(`${reservedLabel} is a reserved label keyword`);
    }
    this.type = type;
    this.name = config.name;
    this.help = config.help;
    this.labelNames = labelNames;
    this.aggregator = config.aggregator ?? "sum";
    this.enableExemplars = config.enableExemplars ?? false;
    this.registers = config.registers ?? [globalRegistry];
    this.collect = config.collect;
    this.store = new LabelStore(labelNames, (labels) => this.make(labels));
  }

  /** To be called at the end of each metric's constructor. */
  protected start(): void {
    if (this.labelNames.length === 0) this.store.findOrAdd({});
    for (const registry of this.registers) {
      if (this.enableExemplars && registry.contentType === Registry.PROMETHEUS_CONTENT_TYPE) {
        throw new TypeError("Exemplars are supported only on OpenMetrics registries");
      }
      registry.registerMetric(this);
    }
  }

  /** Drops all series; a metric without labels starts again at its beginning. */
  reset(): void {
    this.store.clear();
    if (this.labelNames.length === 0) this.store.findOrAdd({});
  }

  /** Drops one series. */
  remove(...values: readonly unknown[]): void {
    const labels = labelsOf(this.labelNames, values);
    this.store.validate(labels);
    this.store.remove(labels);
  }

  /** Everything, after `collect` was called. */
  async get(): Promise<MetricObject> {
    await this.collected();
    const values: MetricValue[] = [];
    for (const entry of this.store.entries()) this.export(entry, values);
    return { help: this.help, name: this.name, type: this.type, values, aggregator: this.aggregator };
  }

  protected async collected(): Promise<void> {
    if (this.collect === undefined) return;
    await (this.collect as unknown as (this: this) => void | Promise<void>).call(this);
  }

  protected bound(values: readonly unknown[]): BoundSeries<V> {
    const labels = labelsOf(this.labelNames, values);
    this.store.validate(labels);
    return new BoundSeries(this.store, { ...labels });
  }

  /** What is kept of a new series. */
  protected abstract make(labels: AnyLabels): V;
  protected abstract export(entry: Entry<V>, values: MetricValue[]): void;
}

/** One series, looked for only when it may have gone away since it was looked for last. */
export class BoundSeries<V> {
  readonly labels: AnyLabels;
  readonly #store: LabelStore<V>;
  #entry: Entry<V> | undefined;
  #generation = -1;

  constructor(store: LabelStore<V>, labels: AnyLabels) {
    this.#store = store;
    this.labels = labels;
  }

  get kept(): V {
    if (this.#entry === undefined || this.#generation !== this.#store.generation) {
      this.#entry = this.#store.findOrAdd(this.labels);
      this.#generation = this.#store.generation;
    }
    return this.#entry.kept;
  }
}

export function isObject(value: unknown): value is AnyLabels {
  return value !== null && typeof value === "object";
}
