// Gauges: numbers that come and go.
import { Child } from "./child.ts";
import type { FamilyWriter } from "./format/family-writer.ts";
import { type Decorator, DISPOSE, decorator, wrap } from "./instrument.ts";
import type { LabelRecord, LabelValue, WithLabels } from "./label-types.ts";
import { type GaugeMode, Metric, type MetricConfig } from "./metric.ts";
import { type LabelsOrChoice, secondsSince, startTimer, type Timer, timed } from "./timer.ts";

/** What a gauge is made from. */
export interface GaugeConfig<Names extends readonly string[]> extends MetricConfig<Names, Gauge<Names>> {
  /** What several processes' values become; "all" (each by itself, with a label `pid`) unless given. */
  readonly mode?: GaugeMode;
}

/** What is under way: counted up at the beginning, down at the end. */
export interface InProgress extends Decorator, Disposable {}

// biome-ignore lint/suspicious/noExplicitAny: a wrapper takes any function and gives back one of the same type
type AnyFunction = (...args: any[]) => any;

/** One series of a gauge. */
export class GaugeChild extends Child {
  readonly #now: () => number;

  constructor(labelsText: string, cells: Float64Array, offset: number, watcher: Child["watcher"], now: () => number) {
    super(labelsText, cells, offset, watcher);
    this.#now = now;
  }

  get value(): number {
    return this.cells[this.offset] as number;
  }

  /** Any number, NaN and infinities included. Throws a TypeError for what is no number. */
  set(value: number): void {
    if (typeof value !== "number") throw new TypeError(`Value is not a valid number: ${String(value)}`);
    this.touched = true;
    this.cells[this.offset] = value;
  }

  inc(delta: number = 1): void {
    if (typeof delta !== "number") throw new TypeError(`Delta is not a valid number: ${String(delta)}`);
    this.touched = true;
    (this.cells[this.offset] as number) += delta;
  }

  dec(delta: number = 1): void {
    if (typeof delta !== "number") throw new TypeError(`Delta is not a valid number: ${String(delta)}`);
    this.inc(-delta);
  }

  /** Seconds since the epoch. */
  setToCurrentTime(): void {
    this.set(this.#now() / 1000);
  }

  /** Returns a function that sets the gauge to the seconds since this call, and returns them. */
  startTimer(): () => number {
    const start = performance.now();
    return () => {
      const seconds = secondsSince(start);
      this.set(seconds);
      return seconds;
    };
  }

  /** See `Gauge.trackInProgress`. */
  trackInProgress(): InProgress;
  trackInProgress<F extends AnyFunction>(fn: F): F;
  trackInProgress(fn?: AnyFunction): unknown {
    const track = <F extends AnyFunction>(tracked: F): F =>
      wrap(tracked, () => {
        this.inc();
        return () => this.dec();
      });
    if (fn !== undefined) return track(fn);
    let open = true;
    const close = (): void => {
      if (open) this.dec();
      open = false;
    };
    this.inc();
    const decorate = decorator((decorated) => {
      // It was no block of its own.
      close();
      return track(decorated);
    });
    return Object.assign(decorate, { [DISPOSE]: close });
  }
}

/** A number that comes and goes, per label set. Without labels, it stands at 0 from the start. */
export class Gauge<const Names extends readonly string[] = readonly []> extends Metric<Names, GaugeChild> {
  override readonly gaugeMode: GaugeMode;

  constructor(config: GaugeConfig<Names>) {
    super("gauge", config as MetricConfig<Names, never>, 1);
    this.gaugeMode = config.mode ?? "all";
    this.start(config.registers);
  }

  set(...args: WithLabels<Names, [value: number]>): void;
  set(first: unknown, value?: number): void {
    if (typeof first !== "object" || first === null) this.sole.set(first as number);
    else if (this.needsChildren || this.labelNames.length === 0 || typeof value !== "number") {
      this.labels(first as LabelRecord<Names>).set(value as number);
    } else {
      const row = this.rowOf(first as Record<string, LabelValue>);
      if (row >= 0) this.table.blockOf(row)[this.table.offsetOf(row)] = value;
    }
  }

  inc(...args: WithLabels<Names, [delta?: number]>): void;
  inc(first?: unknown, delta?: number): void {
    if (typeof first !== "object" || first === null) this.sole.inc(first as number | undefined);
    else this.#add(first as Record<string, LabelValue>, delta ?? 1, 1);
  }

  dec(...args: WithLabels<Names, [delta?: number]>): void;
  dec(first?: unknown, delta?: number): void {
    if (typeof first !== "object" || first === null) this.sole.dec(first as number | undefined);
    else this.#add(first as Record<string, LabelValue>, delta ?? 1, -1);
  }

  /** Seconds since the epoch. */
  setToCurrentTime(labels?: LabelRecord<Names>): void {
    (labels === undefined ? this.sole : this.labels(labels)).setToCurrentTime();
  }

  /** See `GaugeChild.startTimer`. */
  startTimer(labels?: LabelRecord<Names>): () => number {
    return (labels === undefined ? this.sole : this.labels(labels)).startTimer();
  }

  /** A function whose every call sets the gauge to its seconds; without one, a timer, see `Timer`. */
  time(): Timer<LabelRecord<Names>>;
  time<F extends AnyFunction>(fn: F, labels?: LabelsOrChoice<LabelRecord<Names>>): F;
  time(fn?: AnyFunction, labels?: LabelsOrChoice<LabelRecord<Names>>): unknown {
    const record = (seconds: number, found: LabelRecord<Names>): void => this.#childFor(found).set(seconds);
    return fn === undefined ? startTimer(record, labels) : timed(fn, record, labels);
  }

  /**
   * Has the value read at each exposition (of a gauge without labels, or of the series named). A throw leaves the sample out, and is
   * counted.
   */
  setFunction(read: (() => number | Promise<number>) | undefined, labels?: LabelRecord<Names>): void {
    this.setCallback(labels === undefined ? this.sole : this.labels(labels), read);
  }

  /**
   * Counts what is under way, of a gauge without labels: `const f = gauge.trackInProgress(g)`, `@gauge.trackInProgress() method() {}`,
   * or `using block = gauge.trackInProgress()`. Children have it, too.
   */
  trackInProgress(): InProgress;
  trackInProgress<F extends AnyFunction>(fn: F): F;
  trackInProgress(fn?: AnyFunction): unknown {
    return fn === undefined ? this.sole.trackInProgress() : this.sole.trackInProgress(fn);
  }

  /** Of a gauge without labels. */
  get value(): number {
    return this.sole.value;
  }

  protected override bind(labelsText: string, cells: Float64Array, offset: number): GaugeChild {
    return new GaugeChild(labelsText, cells, offset, this.watcher, this.now);
  }

  protected override assign(child: GaugeChild, value: number): void {
    child.set(value);
  }

  protected override blankCells(): number {
    return 1;
  }

  protected override write(writer: FamilyWriter, labelsText: string, cells: Float64Array, offset: number): void {
    writer.value(labelsText, cells[offset] as number, 0);
  }

  #add(labels: Record<string, LabelValue>, delta: number, sign: 1 | -1): void {
    if (this.needsChildren || this.labelNames.length === 0 || typeof delta !== "number") {
      const child = this.labels(labels as LabelRecord<Names>);
      if (sign === 1) child.inc(delta);
      else child.dec(delta);
      return;
    }
    const row = this.rowOf(labels);
    if (row >= 0) (this.table.blockOf(row)[this.table.offsetOf(row)] as number) += sign * delta;
  }

  #childFor(labels: LabelRecord<Names>): GaugeChild {
    return this.labelNames.length === 0 ? this.sole : this.labels(labels);
  }
}
