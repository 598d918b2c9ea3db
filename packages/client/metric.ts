// What all metrics share: their configuration, and their series, found by label values.
import type { Child, Watcher } from "./child.ts";
import { TooManySeriesError } from "./errors.ts";
import type { ExemplarProvider } from "./exemplar.ts";
import type { FamilyHeader, FamilyType, FamilyWriter, PartialCollector, SeriesBudget } from "./format/family-writer.ts";
import { isValidLabelName, isValidMetricName, isValidUtf8Name } from "./format/names.ts";
import type { LabelRecord, LabelTuple, LabelValue } from "./label-types.ts";
import { type Registry, register } from "./registry.ts";
import { SeriesTable } from "./series-table.ts";

/** What becomes of label sets beyond `maxSeries`: one series for all of them, none, or an error for who asks. */
export type OverflowPolicy = "overflow" | "drop" | "throw";

/** How several processes' values of one gauge become one, see `aggregation`. */
export type GaugeMode =
  | "all"
  | "liveall"
  | "sum"
  | "livesum"
  | "min"
  | "livemin"
  | "max"
  | "livemax"
  | "mostrecent"
  | "livemostrecent";

/** What every metric is made from. */
export interface MetricConfig<Names extends readonly string[], Self> {
  /** The last part of the name, or all of it: `namespace_subsystem_name_unit`. */
  readonly name: string;
  readonly namespace?: string;
  readonly subsystem?: string;
  readonly help: string;
  /** Base unit. The name must end with it (before `_total`), or gets it when there is a namespace or subsystem. */
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
  /** How many series there may be; no bound unless given. */
  readonly maxSeries?: number;
  /** "overflow" unless given: what lies beyond `maxSeries` counts in one series whose labels are all `__overflow__`. */
  readonly onMaxSeries?: OverflowPolicy;
  /** Series that nobody touched for so long are removed, at expositions and when room is short. Never unless given. */
  readonly ttlSeconds?: number;
  /** Asked for an exemplar at each measurement that comes without one. */
  readonly exemplarProvider?: ExemplarProvider;
  /** Allows names outside the classic rules (any UTF-8), which are quoted or escaped as the scraper wants it. */
  readonly utf8Names?: boolean;
}

/** The value of every label of the series that stands for all those beyond `maxSeries`. */
export const OVERFLOW_VALUE = "__overflow__";

/** Rows written between two looks at the clock. */
const ROWS_AT_ONCE = 16;

/** What `curry` leaves to be said. */
export interface Curried<Names extends readonly string[], Known extends string, C> {
  /** The child for the labels that `curry` was not given. */
  labels(rest: Omit<LabelRecord<Names>, Known>): C;
}

/** The base of all metrics. Not meant to be extended from outside. */
export abstract class Metric<Names extends readonly string[], C extends Child> implements PartialCollector {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly unit: string;
  readonly utf8: boolean;
  readonly labelNames: readonly string[];
  /** How values of several processes are joined; only gauges have a choice. */
  readonly gaugeMode: GaugeMode | undefined = undefined;
  protected readonly now: () => number;
  protected readonly watcher: Watcher | undefined;
  protected readonly table: SeriesTable<C>;
  readonly #constLabels: Readonly<Record<string, string>>;
  /** Which of the label names comes when, in the table. */
  readonly #order: readonly number[];
  readonly #refresh: (() => void | Promise<void>) | undefined;
  readonly #maxSeries: number;
  readonly #policy: OverflowPolicy;
  readonly #ttlMs: number;
  readonly #budgets = new Set<SeriesBudget>();
  readonly #callbacks = new Map<C, () => number | Promise<number>>();
  #sole: C | undefined;
  #lost: C | undefined;
  #refused = 0;
  #callbackErrors = 0;

  /** `width` numbers for each series. */
  constructor(type: FamilyType, config: MetricConfig<Names, never>, width: number, reservedLabel: string = "") {
    if (typeof config !== "object" || config === null) throw new TypeError("constructor expected a config object");
    if (!config.help) throw new Error("Missing mandatory help parameter");
    if (!config.name) throw new Error("Missing mandatory name parameter");
    this.type = type;
    this.name = fullName(config, type);
    this.help = config.help;
    this.unit = config.unit ?? "";
    this.labelNames = [...(config.labelNames ?? [])];
    this.now = config.now ?? Date.now;
    this.#constLabels = { ...config.constLabels };
    const names = [...this.labelNames, ...Object.keys(this.#constLabels)];
    this.utf8 = checkNames(this.name, names, config.utf8Names === true);
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
    this.#maxSeries = config.maxSeries ?? Infinity;
    if (!(this.#maxSeries >= 1)) throw new RangeError(`maxSeries must be at least 1: ${config.maxSeries}`);
    this.#policy = config.onMaxSeries ?? "overflow";
    this.#ttlMs = (config.ttlSeconds ?? Infinity) * 1000;
    if (!(this.#ttlMs > 0)) throw new RangeError(`ttlSeconds must be positive: ${config.ttlSeconds}`);
    if (config.exemplarProvider !== undefined || this.#ttlMs < Infinity) {
      this.watcher = { exemplarProvider: config.exemplarProvider };
    }
    this.table = new SeriesTable(this.labelNames, this.#constLabels, width);
    this.#order = this.table.names.map((name) => this.labelNames.indexOf(name));
  }

  /** To be called at the end of each metric's constructor. */
  protected start(registers: readonly Registry[] | undefined): void {
    if (this.labelNames.length === 0) this.#sole = this.#childAt(this.#add([]), []);
    for (const registry of registers ?? [register]) registry.registerMetric(this);
  }

  /** Number of series. */
  get size(): number {
    return this.table.size;
  }

  /** How often a label set was turned away for lack of room. */
  get refusedSeries(): number {
    return this.#refused;
  }

  /** How often a callback of `setFunction` threw. */
  get callbackErrors(): number {
    return this.#callbackErrors;
  }

  /**
   * The child for these label values, given by position or as an object; made on first use. Keep it where the same
   * series is touched often: looking it up costs far more than touching it.
   */
  labels(...values: LabelTuple<Names> | readonly [LabelRecord<Names>]): C {
    const first = values[0] as unknown;
    const path =
      typeof first === "object" && first !== null
        ? this.#valuesOf(first as Record<string, LabelValue>)
        : this.#checked(values as readonly LabelValue[]);
    if (path.length === 0) return this.sole;
    return this.#childOf(path);
  }

  /** Children that know some of the labels already. Throws for a label that the metric does not have. */
  curry<const Part extends Partial<LabelRecord<Names>>>(known: Part): Curried<Names, keyof Part & string, C> {
    this.#checkKnown(known as Record<string, LabelValue>);
    return {
      labels: (rest) => this.#childOf(this.#valuesOf({ ...known, ...rest } as Record<string, LabelValue>)),
    };
  }

  /** Drops one child; who still holds it counts into the void. Tells whether there was one. */
  remove(...values: LabelTuple<Names> | readonly [LabelRecord<Names>]): boolean {
    const first = values[0] as unknown;
    const path =
      typeof first === "object" && first !== null
        ? this.#valuesOf(first as Record<string, LabelValue>)
        : this.#checked(values as readonly LabelValue[]);
    if (path.length === 0) return false;
    const child = this.#heldBy(this.table.find(path));
    const found = this.table.remove(path);
    if (found) this.#forget(child);
    return found;
  }

  /** Drops all children whose labels have these values. Returns how many. */
  removeByLabels(part: Partial<LabelRecord<Names>>): number {
    const record = part as Record<string, LabelValue>;
    this.#checkKnown(record);
    const wanted: (readonly [index: number, value: string])[] = [];
    for (let i = 0; i < this.table.names.length; i++) {
      const name = this.table.names[i] as string;
      if (Object.hasOwn(record, name)) wanted.push([i, valueText(name, record[name])]);
    }
    return this.table.removeWhere(
      (values) => wanted.every(([i, value]) => values[i] === value),
      (row) => this.#forget(this.#heldBy(row)),
    );
  }

  /** Drops all children; a metric without labels starts again at its beginning. */
  reset(): void {
    if (this.labelNames.length === 0) {
      const row = 0;
      const { offset, cells } = this.#placeOf(row);
      cells.fill(0, offset);
      this.begin(cells, offset);
      this.restart(this.sole);
      return;
    }
    for (const budget of this.#budgets) budget.give(this.table.size);
    this.table.clear();
    this.#lost = undefined;
    this.#callbacks.clear();
  }

  /** Drops all children, see `reset`. */
  clear(): void {
    this.reset();
  }

  describe(): readonly FamilyHeader[] {
    return [this];
  }

  refresh(): void | Promise<void> {
    if (this.#ttlMs < Infinity) this.#expire();
    const collecting = this.#refresh?.();
    if (this.#callbacks.size === 0) return collecting;
    return collecting === undefined ? this.#callBack() : collecting.then(() => this.#callBack());
  }

  collect(writer: FamilyWriter): void {
    writer.family(this);
    const writeSome = this.parts(writer);
    while (writeSome());
  }

  parts(writer: FamilyWriter): () => boolean {
    const { table } = this;
    const cursor = table.cursor();
    return () => {
      for (let i = 0; i < ROWS_AT_ONCE; i++) {
        if (!cursor.next()) return false;
        const { row } = cursor;
        const child = table.holderOf(row);
        if (child?.absent === true) continue;
        this.write(writer, cursor.labels, table.blockOf(row), table.offsetOf(row), child);
      }
      return true;
    };
  }

  joined(budget: SeriesBudget): void {
    if (this.#budgets.has(budget)) return;
    this.#budgets.add(budget);
    // Those that were there before are shown, room or not; what was not counted could not be given back either.
    budget.add(this.table.size);
  }

  left(budget: SeriesBudget): void {
    if (this.#budgets.delete(budget)) budget.give(this.table.size);
  }

  /** The child of a metric without labels. Throws for one that has labels. */
  protected get sole(): C {
    if (this.#sole === undefined) this.#checked([]);
    return this.#sole as C;
  }

  /** The row of these labels, made on first use; -1 when there is no room and the policy is to drop. For the quick way only. */
  protected rowOf(record: Readonly<Record<string, LabelValue>>): number {
    const found = this.table.findRecord(record);
    if (found >= 0) return found;
    const values = this.#valuesOf(record);
    const row = this.table.find(values);
    return row >= 0 ? row : this.#make(values);
  }

  /** Has `read` called before each exposition for the child's value; undefined ends it. */
  protected setCallback(child: C, read: (() => number | Promise<number>) | undefined): void {
    child.absent = false;
    if (read === undefined) this.#callbacks.delete(child);
    else if (typeof read === "function") this.#callbacks.set(child, read);
    else throw new TypeError("setFunction expected a function");
  }

  /** Makes the child of a row. */
  protected abstract bind(labelsText: string, cells: Float64Array, offset: number): C;
  protected abstract write(
    writer: FamilyWriter,
    labelsText: string,
    cells: Float64Array,
    offset: number,
    child: C | undefined,
  ): void;
  /** Sets what is not 0 at the start of a series. */
  protected begin(_cells: Float64Array, _offset: number): void {}
  /** Empties what a child keeps besides its numbers. */
  protected restart(_child: C): void {}
  /** Takes over what `setFunction` read. */
  protected assign(_child: C, _value: number): void {}
  /** Whether every series needs its child, for what it keeps besides its numbers. */
  protected get needsChildren(): boolean {
    return this.watcher !== undefined;
  }

  #childOf(path: readonly string[]): C {
    const row = this.table.find(path);
    if (row >= 0) return this.#childAt(row, path);
    const made = this.#make(path);
    return made >= 0 ? this.#childAt(made, path) : this.#lostChild();
  }

  /** A row for label values that are new; -1 for none. */
  #make(values: readonly string[]): number {
    if (this.#hasRoom()) return this.#add(values);
    this.#refused++;
    if (this.#policy === "throw") throw new TooManySeriesError(this.name, this.table.size);
    if (this.#policy === "drop") return -1;
    const overflow = values.map(() => OVERFLOW_VALUE);
    const row = this.table.find(overflow);
    if (row >= 0) return row;
    // It comes on top of the bound, else there would be nowhere to count.
    for (const budget of this.#budgets) budget.add(1);
    return this.#add(overflow);
  }

  #hasRoom(): boolean {
    if (this.table.size >= this.#maxSeries) {
      if (this.#ttlMs < Infinity) this.#expire();
      if (this.table.size >= this.#maxSeries) return false;
    }
    let taken = 0;
    for (const budget of this.#budgets) {
      if (budget.take()) {
        taken++;
        continue;
      }
      for (const other of this.#budgets) {
        if (taken-- === 0) break;
        other.give(1);
      }
      return false;
    }
    return true;
  }

  #add(values: readonly string[]): number {
    const row = this.table.add(values);
    const { cells, offset } = this.#placeOf(row);
    this.begin(cells, offset);
    if (this.needsChildren) this.#childAt(row, values);
    return row;
  }

  #childAt(row: number, values: readonly string[]): C {
    const held = this.table.holderOf(row);
    if (held !== undefined) return held;
    const { cells, offset } = this.#placeOf(row);
    const child = this.bind(this.table.render(values), cells, offset);
    child.seenAt = this.#ttlMs < Infinity ? this.now() : 0;
    this.table.setHolder(row, child);
    return child;
  }

  /** For label sets that there is no room for, when the policy is to drop them: one child for all, shown nowhere. */
  #lostChild(): C {
    this.#lost ??= this.bind("", new Float64Array(this.blankCells()), 0);
    return this.#lost;
  }

  /** Numbers of a series that is shown nowhere. */
  protected abstract blankCells(): number;

  #placeOf(row: number): { cells: Float64Array; offset: number } {
    return { cells: this.table.blockOf(row), offset: this.table.offsetOf(row) };
  }

  #heldBy(row: number): C | undefined {
    return row < 0 ? undefined : this.table.holderOf(row);
  }

  #forget(child: C | undefined): void {
    if (child !== undefined) this.#callbacks.delete(child);
    for (const budget of this.#budgets) budget.give(1);
  }

  #expire(): void {
    const now = this.now();
    this.table.removeWhere(
      (_, row) => {
        const child = this.table.holderOf(row) as C;
        if (this.#callbacks.has(child)) return false;
        if (child.touched) {
          child.touched = false;
          child.seenAt = now;
        }
        return now - child.seenAt >= this.#ttlMs;
      },
      (row) => this.#forget(this.#heldBy(row)),
    );
  }

  #callBack(): void | Promise<void> {
    const waiting: Promise<void>[] = [];
    const fail = (child: C): void => {
      child.absent = true;
      this.#callbackErrors++;
    };
    for (const [child, read] of this.#callbacks) {
      try {
        const value = read();
        if (typeof value === "number") {
          this.assign(child, value);
          child.absent = false;
          continue;
        }
        const settle = async (): Promise<void> => {
          try {
            this.assign(child, await value);
            child.absent = false;
          } catch {
            fail(child);
          }
        };
        waiting.push(settle());
      } catch {
        fail(child);
      }
    }
    if (waiting.length > 0) return Promise.all(waiting).then(() => undefined);
  }

  #valuesOf(record: Readonly<Record<string, LabelValue>>): string[] {
    this.#checkKnown(record);
    return this.table.names.map((name) => (Object.hasOwn(record, name) ? valueText(name, record[name]) : ""));
  }

  #checkKnown(record: Readonly<Record<string, unknown>>): void {
    for (const name in record) {
      if (!this.labelNames.includes(name)) {
        const known = this.labelNames.map((known) => `'${known}'`).join(", ");
        throw new Error(`Added label "${name}" is not included in initial labelset: [ ${known} ]`);
      }
    }
  }

  #checked(values: readonly LabelValue[]): string[] {
    if (values.length !== this.labelNames.length) {
      throw new Error(
        `Invalid number of arguments (${values.length}): "${values.join(", ")}" for label names ` +
          `(${this.labelNames.length}): "${this.labelNames.join(", ")}".`,
      );
    }
    return this.#order.map((i) => valueText(this.labelNames[i] as string, values[i]));
  }
}

/** A label's value as text; what is left out is the empty value. Throws a TypeError for what is no value. */
function valueText(name: string, value: unknown): string {
  switch (typeof value) {
    case "string":
      // Half a surrogate pair has no form in UTF-8.
      return value.isWellFormed() ? value : value.toWellFormed();
    case "number":
    case "boolean":
      return String(value);
    case "undefined":
      return "";
    default:
      if (value === null) return "";
      throw new TypeError(`Label "${name}" must be a string, a number or a boolean, not ${typeof value}`);
  }
}

/** Joins the parts of a name; the unit stands at its end once, before a counter's `_total`. */
function fullName(config: MetricConfig<readonly string[], never>, type: FamilyType): string {
  const { namespace, subsystem, unit } = config;
  if (namespace === undefined && subsystem === undefined) return config.name;
  let name = [namespace, subsystem, config.name].filter((part) => part).join("_");
  if (type === "counter" && name.endsWith("_total")) name = name.slice(0, -"_total".length);
  if (unit && !name.endsWith(`_${unit}`)) name += `_${unit}`;
  return type === "counter" ? `${name}_total` : name;
}

/** Refuses names that cannot be exposed. Tells whether some lie outside the classic rules. */
function checkNames(name: string, labels: readonly string[], utf8: boolean): boolean {
  const bad = (label: string): boolean =>
    utf8 ? !isValidUtf8Name(label) || label.startsWith("__") : !isValidLabelName(label);
  if (!(utf8 ? isValidUtf8Name(name) : isValidMetricName(name))) throw new Error(`Invalid metric name: ${name}`);
  const invalid = labels.filter(bad);
  if (invalid.length > 0) throw new Error(`At least one label name is invalid: ${invalid.join(",")}`);
  return !isValidMetricName(name) || labels.some((label) => !isValidLabelName(label));
}
