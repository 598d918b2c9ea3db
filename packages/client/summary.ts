// Summaries: count and sum of observations, and quantiles over a sliding window.
import { Child } from "./child.ts";
import type { FamilyWriter } from "./format/family-writer.ts";
import type { LabelRecord, LabelValue, WithLabels } from "./label-types.ts";
import { Metric, type MetricConfig } from "./metric.ts";
import { QuantileStream } from "./quantile-stream.ts";
import { type QuantileWindow, SlidingQuantiles } from "./sliding-quantiles.ts";
import { type LabelsOrChoice, secondsSince, startTimer, type Timer, timed } from "./timer.ts";

/** What a summary is made from. */
export interface SummaryConfig<Names extends readonly string[]> extends MetricConfig<Names, Summary<Names>> {
  /** Quantiles and the error allowed for each (of rank): `{ 0.5: 0.05, 0.99: 0.001 }`. None unless given. */
  readonly objectives?: Readonly<Record<number, number>>;
  /** How far back quantiles look; 600 unless given. */
  readonly maxAgeSeconds?: number;
  /** In how many steps the window slides; 5 unless given. */
  readonly ageBuckets?: number;
  /** How many observations wait before they are sorted into the quantiles; 500 unless given. */
  readonly bufferSize?: number;
}

// biome-ignore lint/suspicious/noExplicitAny: a wrapper takes any function and gives back one of the same type
type AnyFunction = (...args: any[]) => any;

/** A series' numbers: sum, count, and when it began (seconds since the epoch). */
const WIDTH = 3;

/** One series of a summary. */
export class SummaryChild extends Child {
  readonly #quantiles: SlidingQuantiles | undefined;

  constructor(
    labelsText: string,
    cells: Float64Array,
    offset: number,
    watcher: Child["watcher"],
    now: () => number,
    window: QuantileWindow,
  ) {
    super(labelsText, cells, offset, watcher);
    this.#quantiles = window.quantiles.length === 0 ? undefined : new SlidingQuantiles(window, now);
  }

  get sum(): number {
    return this.cells[this.offset] as number;
  }

  get count(): number {
    return this.cells[this.offset + 1] as number;
  }

  /** Seconds since the epoch. */
  get created(): number {
    return this.cells[this.offset + 2] as number;
  }

  /** Throws a TypeError for what is no finite number. */
  observe(value: number): void {
    if (!(value > -Infinity && value < Infinity)) refuse(value);
    if (this.watcher !== undefined) this.touched = true;
    const { cells, offset } = this;
    (cells[offset] as number) += value;
    (cells[offset + 1] as number)++;
    this.#quantiles?.insert(value);
  }

  /** Returns a function that observes the seconds since this call, and returns them. */
  startTimer(): () => number {
    const start = performance.now();
    return () => {
      const seconds = secondsSince(start);
      this.observe(seconds);
      return seconds;
    };
  }

  /** Estimates for the quantiles of the metric, NaN when nothing was observed within the window. */
  estimates(): number[] {
    return this.#quantiles?.estimates() ?? [];
  }

  /** Internal. */
  restart(): void {
    this.#quantiles?.reset();
  }
}

/** Count and sum of observations, and quantiles over a sliding window, per label set. */
export class Summary<const Names extends readonly string[] = readonly []> extends Metric<Names, SummaryChild> {
  /** Ascending. */
  readonly quantiles: readonly number[];
  readonly #window: QuantileWindow;

  constructor(config: SummaryConfig<Names>) {
    super("summary", config as MetricConfig<Names, never>, WIDTH, "quantile");
    const objectives = Object.entries(config.objectives ?? {}).map(([q, error]) => [Number(q), error] as const);
    for (const [q, error] of objectives) {
      if (!(q >= 0 && q <= 1 && error >= 0 && error <= 1)) {
        throw new Error(`Summary objectives must lie between 0 and 1: ${q}: ${error}`);
      }
    }
    objectives.sort(([a], [b]) => a - b);
    const maxAgeSeconds = config.maxAgeSeconds ?? 600;
    const ageBuckets = config.ageBuckets ?? 5;
    const bufferSize = config.bufferSize ?? 500;
    if (!(maxAgeSeconds > 0 && ageBuckets >= 1 && bufferSize >= 1)) throw new Error("Summary window must be positive");
    this.quantiles = objectives.map(([q]) => q);
    const errors = objectives.map(([, error]) => error);
    this.#window = {
      quantiles: this.quantiles,
      makeSketch: () => new QuantileStream(this.quantiles, errors),
      stepMs: (maxAgeSeconds * 1000) / ageBuckets,
      ageBuckets,
      bufferSize,
    };
    this.start(config.registers);
  }

  /** Throws as `SummaryChild.observe`. */
  observe(...args: WithLabels<Names, [value: number]>): void;
  observe(first: unknown, second?: unknown): void {
    if (typeof first !== "object" || first === null) {
      this.sole.observe(first as number);
    } else if (this.needsChildren || this.labelNames.length === 0) {
      this.labels(first as LabelRecord<Names>).observe(second as number);
    } else {
      const value = second as number;
      if (!(value > -Infinity && value < Infinity)) refuse(value);
      const row = this.rowOf(first as Record<string, LabelValue>);
      if (row < 0) return;
      const cells = this.table.blockOf(row);
      const offset = this.table.offsetOf(row);
      (cells[offset] as number) += value;
      (cells[offset + 1] as number)++;
    }
  }

  /** Returns a function that observes the seconds since this call, and returns them. It may add to the labels. */
  startTimer(labels?: Partial<LabelRecord<Names>>): (more?: Partial<LabelRecord<Names>>) => number {
    const start = performance.now();
    return (more) => {
      const seconds = secondsSince(start);
      this.#childFor({ ...labels, ...more } as LabelRecord<Names>).observe(seconds);
      return seconds;
    };
  }

  /** A function whose every call is observed, in seconds; without one, a timer, see `Timer`. */
  time(): Timer<LabelRecord<Names>>;
  time<F extends AnyFunction>(fn: F, labels?: LabelsOrChoice<LabelRecord<Names>>): F;
  time(fn?: AnyFunction, labels?: LabelsOrChoice<LabelRecord<Names>>): unknown {
    const record = (seconds: number, found: LabelRecord<Names>): void => this.#childFor(found).observe(seconds);
    return fn === undefined ? startTimer(record, labels) : timed(fn, record, labels);
  }

  protected override get needsChildren(): boolean {
    return super.needsChildren || this.quantiles.length > 0;
  }

  protected override bind(labelsText: string, cells: Float64Array, offset: number): SummaryChild {
    return new SummaryChild(labelsText, cells, offset, this.watcher, this.now, this.#window);
  }

  protected override begin(cells: Float64Array, offset: number): void {
    cells[offset + 2] = this.now() / 1000;
  }

  protected override restart(child: SummaryChild): void {
    child.restart();
  }

  protected override blankCells(): number {
    return WIDTH;
  }

  protected override write(
    writer: FamilyWriter,
    labelsText: string,
    cells: Float64Array,
    offset: number,
    child: SummaryChild | undefined,
  ): void {
    const sum = cells[offset] as number;
    const count = cells[offset + 1] as number;
    const created = cells[offset + 2] as number;
    writer.summary(labelsText, this.quantiles, child?.estimates() ?? [], sum, count, created);
  }

  #childFor(labels: LabelRecord<Names>): SummaryChild {
    return this.labelNames.length === 0 ? this.sole : this.labels(labels);
  }
}

function refuse(value: unknown): never {
  throw new TypeError(`Value is not a valid number: ${String(value)}`);
}
