// What all metrics share: their configuration, and the children that stand for one label set each.
import type { Collector, FamilyHeader, FamilyType, FamilyWriter } from "./family-writer.ts";
import { isValidLabelName, isValidMetricName, renderLabels } from "./names.ts";
import { type Registry, register } from "./registry.ts";

/** Numbers are written as JavaScript writes them. */
export type LabelValue = string | number;

/** One value for each label name, by position. */
export type LabelTuple<Names extends readonly string[]> = { readonly [I in keyof Names]: LabelValue };

/** One value for each label name, by name. */
export type LabelRecord<Names extends readonly string[]> = { readonly [Name in Names[number]]: LabelValue };

/** What every metric is made from. */
export interface MetricConfig<Names extends readonly string[], Self> {
  readonly name: string;
  readonly help: string;
  /** Base unit, which the name must end with (before `_total`); shown by OpenMetrics. */
  readonly unit?: string;
  readonly labelNames?: Names;
  /** Labels that every series of the metric bears. */
  readonly constLabels?: Readonly<Record<string, string>>;
  /** Where to register; the process-wide `register` unless said otherwise, nowhere for []. */
  readonly registers?: readonly Registry[];
  /** Called before each exposition, to bring values up to date. */
  readonly collect?: (this: Self, metric: Self) => void | Promise<void>;
  /** Milliseconds since the epoch; for tests. */
  readonly now?: () => number;
}

/** A metric's series for one label set. */
export interface Child {
  /** Rendered once: `a="b",c="d"`. */
  readonly labelsText: string;
}

type Level<C> = Map<string, Level<C> | C>;

/** Slots of one block; a block never moves, so children can hold on to it. */
const BLOCK_SLOTS = 64;

/** The base of Counter, Gauge, Histogram and Summary. Not meant to be extended from outside. */
export abstract class Metric<Names extends readonly string[], C extends Child> implements Collector {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly unit: string;
  readonly labelNames: readonly string[];
  protected readonly now: () => number;
  readonly #constLabels: Readonly<Record<string, string>>;
  readonly #refresh: (() => void | Promise<void>) | undefined;
  readonly #children: Level<C> = new Map();
  #sole: C | undefined;
  #block: Float64Array = new Float64Array(0);
  #blockUsed = 0;
  #blockSlots = 1;

  constructor(type: FamilyType, config: MetricConfig<Names, never>, reservedLabel = "") {
    if (typeof config !== "object" || config === null) throw new TypeError("constructor expected a config object");
    if (!config.help) throw new Error("Missing mandatory help parameter");
    if (!config.name) throw new Error("Missing mandatory name parameter");
    if (!isValidMetricName(config.name)) throw new Error(`Invalid metric name: ${config.name}`);
    this.type = type;
    this.name = config.name;
    this.help = config.help;
    this.unit = config.unit ?? "";
    this.labelNames = [...(config.labelNames ?? [])];
    this.now = config.now ?? Date.now;
    this.#constLabels = { ...config.constLabels };
    const names = [...this.labelNames, ...Object.keys(this.#constLabels)];
    const invalid = names.filter((name) => !isValidLabelName(name));
    if (invalid.length > 0) throw new Error(`At least one label name is invalid: ${invalid.join(",")}`);
    if (new Set(names).size !== names.length) throw new Error(`A label name is repeated: ${names.join(",")}`);
    if (reservedLabel !== "" && names.includes(reservedLabel)) {
      throw new Error(`${reservedLabel} is a reserved label keyword`);
    }
    const stem = type === "counter" ? this.name.replace(/_total$/, "") : this.name;
    if (this.unit !== "" && !stem.endsWith(`_${this.unit}`)) {
      throw new Error(`Metric name ${this.name} does not end in its unit ${this.unit}`);
    }
    if (config.collect !== undefined && typeof config.collect !== "function") {
      throw new TypeError('Optional "collect" parameter must be a function');
    }
    const collect = config.collect as ((this: unknown, metric: unknown) => void | Promise<void>) | undefined;
    this.#refresh = collect && (() => collect.call(this, this));
  }

  /** To be called at the end of each metric's constructor. */
  protected start(registers: readonly Registry[] | undefined): void {
    if (this.labelNames.length === 0) this.#sole = this.#create([]);
    for (const registry of registers ?? [register]) registry.registerMetric(this);
  }

  /**
   * The child for these label values, given by position or as an object; made on first use. Keep it where the same
   * series is touched often: looking it up costs far more than touching it.
   */
  labels(...values: LabelTuple<Names> | readonly [LabelRecord<Names>]): C {
    const first = values[0] as unknown;
    if (typeof first === "object" && first !== null) return this.#byRecord(first as Record<string, LabelValue>);
    return this.#byTuple(values as readonly LabelValue[]);
  }

  /** Drops one child; who still holds it counts into the void. Tells whether there was one. */
  remove(...values: LabelTuple<Names> | readonly [LabelRecord<Names>]): boolean {
    const first = values[0] as unknown;
    const path =
      typeof first === "object" && first !== null
        ? this.#valuesOf(first as Record<string, LabelValue>)
        : this.#checked(values as readonly LabelValue[]);
    let level = this.#children;
    for (let i = 0; i < path.length - 1; i++) {
      const next = level.get(path[i] as string);
      if (next === undefined) return false;
      level = next as Level<C>;
    }
    return path.length > 0 && level.delete(path[path.length - 1] as string);
  }

  /** Drops all children; a metric without labels starts again at its beginning. */
  reset(): void {
    this.#children.clear();
    if (this.labelNames.length === 0) this.#sole = this.#create([]);
  }

  describe(): readonly FamilyHeader[] {
    return [this];
  }

  refresh(): void | Promise<void> {
    return this.#refresh?.();
  }

  collect(writer: FamilyWriter): void {
    writer.family(this);
    if (this.#sole !== undefined) this.write(writer, this.#sole);
    this.#walk(this.#children, 0, writer);
  }

  /** The child of a metric without labels. Throws for one that has labels. */
  protected get sole(): C {
    if (this.#sole === undefined) this.#checked([]);
    return this.#sole as C;
  }

  protected abstract create(labelsText: string): C;
  protected abstract write(writer: FamilyWriter, child: C): void;

  /** A slot of a block that never moves. Slots are not reused, as a removed child may still be held by someone. */
  protected allocate(): { readonly cells: Float64Array; readonly slot: number } {
    if (this.#blockUsed === this.#block.length) {
      this.#block = new Float64Array(this.#blockSlots);
      this.#blockUsed = 0;
      this.#blockSlots = Math.min(BLOCK_SLOTS, this.#blockSlots * 2);
    }
    return { cells: this.#block, slot: this.#blockUsed++ };
  }

  #walk(level: Level<C>, depth: number, writer: FamilyWriter): void {
    const last = depth === this.labelNames.length - 1;
    for (const next of level.values()) {
      if (last) this.write(writer, next as C);
      else this.#walk(next as Level<C>, depth + 1, writer);
    }
  }

  #byTuple(values: readonly LabelValue[]): C {
    if (values.length !== this.labelNames.length) this.#checked(values);
    const last = values.length - 1;
    if (last < 0) return this.sole;
    let level = this.#children;
    for (let i = 0; i < last; i++) {
      const key = typeof values[i] === "string" ? (values[i] as string) : String(values[i]);
      let next = level.get(key) as Level<C> | undefined;
      if (next === undefined) level.set(key, (next = new Map()));
      level = next;
    }
    const key = typeof values[last] === "string" ? (values[last] as string) : String(values[last]);
    let child = level.get(key) as C | undefined;
    if (child === undefined) level.set(key, (child = this.#create(values.map(String))));
    return child;
  }

  #byRecord(record: Readonly<Record<string, LabelValue>>): C {
    return this.#byTuple(this.#valuesOf(record));
  }

  #valuesOf(record: Readonly<Record<string, LabelValue>>): string[] {
    for (const name in record) {
      if (!this.labelNames.includes(name)) {
        const known = this.labelNames.map((known) => `'${known}'`).join(", ");
        throw new Error(`Added label "${name}" is not included in initial labelset: [ ${known} ]`);
      }
    }
    return this.labelNames.map((name) => (record[name] === undefined ? "" : String(record[name])));
  }

  #checked(values: readonly LabelValue[]): string[] {
    if (values.length !== this.labelNames.length) {
      throw new Error(
        `Invalid number of arguments (${values.length}): "${values.join(", ")}" for label names ` +
          `(${this.labelNames.length}): "${this.labelNames.join(", ")}".`,
      );
    }
    return values.map(String);
  }

  #create(values: readonly string[]): C {
    const pairs = this.labelNames.map((name, i): [string, string] => [name, values[i] as string]);
    pairs.push(...Object.entries(this.#constLabels));
    pairs.sort(([a], [b]) => (a < b ? -1 : 1));
    return this.create(
      renderLabels(
        pairs.map(([name]) => name),
        pairs.map(([, value]) => value),
      ),
    );
  }
}
