// Histograms: observations counted in buckets, in given ones (classic), in ones that come as they are needed (native), or in both.
import { DEFAULT_BUCKETS } from "./buckets.ts";
import { Child } from "./child.ts";
import { type ExemplarLabels, makeExemplar } from "./exemplar.ts";
import type { FamilyWriter, SampleExemplar } from "./format/family-writer.ts";
import type { LabelRecord, LabelValue, WithLabels } from "./label-types.ts";
import { Metric, type MetricConfig } from "./metric.ts";
import {
  NativeBucketStore,
  type NativeHistogramConfig,
  type NativeSettings,
  nativeSettings,
} from "./native-buckets.ts";
import { type LabelsOrChoice, secondsSince, startTimer, type Timer, timed } from "./timer.ts";

/** What a histogram is made from. */
export interface HistogramConfig<Names extends readonly string[]> extends MetricConfig<Names, Histogram<Names>> {
  /** Upper bounds, ascending; +Inf is added by itself. `DEFAULT_BUCKETS` unless given, none where there are native ones. */
  readonly buckets?: readonly number[];
  /** Native buckets, which only protobuf carries. */
  readonly nativeHistogram?: NativeHistogramConfig | true;
}

// biome-ignore lint/suspicious/noExplicitAny: a wrapper takes any function and gives back one of the same type
type AnyFunction = (...args: any[]) => any;

/** What all series of a histogram share. */
interface Shape {
  readonly bounds: Float64Array;
  readonly native: NativeSettings | undefined;
  readonly now: () => number;
}

// A series' numbers: observations of each bucket by itself, +Inf last; then the sum; then when it began, in seconds.
const BESIDES_BOUNDS = 3;

/** One series of a histogram. */
export class HistogramChild extends Child {
  readonly #bounds: Float64Array;
  readonly #shape: Shape;
  readonly #native: NativeBucketStore | undefined;
  #exemplars: (SampleExemplar | undefined)[] | undefined;

  constructor(labelsText: string, cells: Float64Array, offset: number, watcher: Child["watcher"], shape: Shape) {
    super(labelsText, cells, offset, watcher);
    this.#bounds = shape.bounds;
    this.#shape = shape;
    this.#native = shape.native && new NativeBucketStore(shape.native, shape.now);
  }

  /** Throws a TypeError for what is no finite number, and for exemplars that are too long a RangeError. */
  observe(value: number, exemplar?: ExemplarLabels): void {
    if (!(value > -Infinity && value < Infinity)) refuse(value);
    if (exemplar !== undefined || this.watcher !== undefined) this.#watch(value, exemplar);
    if (this.#native !== undefined) this.#observeNative(this.#native, value);
    count(this.cells, this.offset, this.#bounds, value);
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

  get sum(): number {
    return this.cells[this.offset + this.#bounds.length + 1] as number;
  }

  get count(): number {
    return this.cumulative()[this.#bounds.length] as number;
  }

  /** Seconds since the epoch. */
  get created(): number {
    return this.cells[this.offset + this.#bounds.length + 2] as number;
  }

  /** Cumulative counts per bound, +Inf last. */
  cumulative(): Float64Array {
    const counts = this.cells.slice(this.offset, this.offset + this.#bounds.length + 1);
    for (let i = 1; i < counts.length; i++) (counts[i] as number) += counts[i - 1] as number;
    return counts;
  }

  /** The last exemplar of each bucket, if there is any. */
  get exemplars(): readonly (SampleExemplar | undefined)[] | undefined {
    return this.#exemplars;
  }

  /** Internal: native buckets, after a reset that was due. */
  currentNative(): NativeBucketStore | undefined {
    if (this.#native?.resetWhenDue() === true) this.#startOver();
    return this.#native;
  }

  /** Internal. */
  restart(): void {
    this.#exemplars = undefined;
    this.#native?.reset();
  }

  #observeNative(native: NativeBucketStore, value: number): void {
    if (native.resetWhenDue()) this.#startOver();
    if (native.observe(value)) this.#startOver();
  }

  #startOver(): void {
    const created = this.offset + this.#bounds.length + 2;
    this.cells.fill(0, this.offset, created);
    this.cells[created] = this.#shape.now() / 1000;
  }

  #watch(value: number, given: ExemplarLabels | undefined): void {
    const labels = this.exemplarFor(given);
    if (labels === undefined) return;
    const exemplar = makeExemplar(labels, value, this.#shape.now());
    this.#exemplars ??= new Array(this.#bounds.length + 1).fill(undefined);
    this.#exemplars[bucketOf(this.#bounds, value)] = exemplar;
    this.#native?.addExemplar(exemplar);
  }
}

/** Observations counted in buckets, per label set. */
export class Histogram<const Names extends readonly string[] = readonly []> extends Metric<Names, HistogramChild> {
  readonly buckets: readonly number[];
  readonly #shape: Shape;
  readonly #scratch: Float64Array;

  /** Throws when bounds do not ascend. */
  constructor(config: HistogramConfig<Names>) {
    const native = config?.nativeHistogram;
    const buckets = checkedBounds(config?.buckets ?? (native === undefined ? DEFAULT_BUCKETS : []));
    super("histogram", config as MetricConfig<Names, never>, buckets.length + BESIDES_BOUNDS, "le");
    this.buckets = buckets;
    this.#shape = {
      bounds: Float64Array.from(buckets),
      native: native && nativeSettings(native === true ? {} : native),
      now: this.now,
    };
    this.#scratch = new Float64Array(buckets.length + 1);
    this.start(config.registers);
  }

  /** Throws as `HistogramChild.observe`. */
  observe(...args: WithLabels<Names, [value: number, exemplar?: ExemplarLabels]>): void;
  observe(first: unknown, second?: unknown, third?: ExemplarLabels): void {
    if (typeof first !== "object" || first === null) {
      this.sole.observe(first as number, second as ExemplarLabels | undefined);
    } else if (third !== undefined || this.needsChildren || this.labelNames.length === 0) {
      this.labels(first as LabelRecord<Names>).observe(second as number, third);
    } else {
      const value = second as number;
      if (!(value > -Infinity && value < Infinity)) refuse(value);
      const row = this.rowOf(first as Record<string, LabelValue>);
      if (row >= 0) count(this.table.blockOf(row), this.table.offsetOf(row), this.#shape.bounds, value);
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

  /** Makes a series, so that it is exposed before anything was observed. */
  zero(labels: LabelRecord<Names>): void {
    this.labels(labels);
  }

  protected override get needsChildren(): boolean {
    return super.needsChildren || this.#shape.native !== undefined;
  }

  protected override bind(labelsText: string, cells: Float64Array, offset: number): HistogramChild {
    return new HistogramChild(labelsText, cells, offset, this.watcher, this.#shape);
  }

  protected override begin(cells: Float64Array, offset: number): void {
    cells[offset + this.buckets.length + 2] = this.now() / 1000;
  }

  protected override restart(child: HistogramChild): void {
    child.restart();
  }

  protected override blankCells(): number {
    return this.buckets.length + BESIDES_BOUNDS;
  }

  protected override write(
    writer: FamilyWriter,
    labelsText: string,
    cells: Float64Array,
    offset: number,
    child: HistogramChild | undefined,
  ): void {
    const native = child?.currentNative()?.snapshot();
    const cumulative = this.#scratch;
    const { length } = this.buckets;
    let total = 0;
    for (let i = 0; i <= length; i++) cumulative[i] = total += cells[offset + i] as number;
    const sum = cells[offset + length + 1] as number;
    const created = cells[offset + length + 2] as number;
    writer.histogram(labelsText, this.buckets, cumulative, sum, created, child?.exemplars, native);
  }

  #childFor(labels: LabelRecord<Names>): HistogramChild {
    return this.labelNames.length === 0 ? this.sole : this.labels(labels);
  }
}

/** The bucket of a value: the first one whose bound is not less. */
function bucketOf(bounds: Float64Array, value: number): number {
  let low = 0;
  let high = bounds.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((bounds[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function count(cells: Float64Array, offset: number, bounds: Float64Array, value: number): void {
  (cells[offset + bucketOf(bounds, value)] as number)++;
  (cells[offset + bounds.length + 1] as number) += value;
}

function refuse(value: unknown): never {
  throw new TypeError(`Value is not a valid number: ${String(value)}`);
}

function checkedBounds(given: readonly number[]): number[] {
  const bounds = [...given];
  if (bounds.at(-1) === Infinity) bounds.pop();
  for (let i = 0; i < bounds.length; i++) {
    const bound = bounds[i] as number;
    if (!Number.isFinite(bound) || (i > 0 && !(bound > (bounds[i - 1] as number)))) {
      throw new Error(`Histogram buckets must be finite and ascend: ${bounds.join(", ")}`);
    }
  }
  return bounds;
}
