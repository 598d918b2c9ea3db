// Gauges: numbers that come and go.
import type { FamilyWriter } from "./family-writer.ts";
import { type Child, type LabelRecord, Metric, type MetricConfig } from "./metric.ts";

/** What a gauge is made from. */
export type GaugeConfig<Names extends readonly string[]> = MetricConfig<Names, Gauge<Names>>;

/** One series of a gauge. */
export class GaugeChild implements Child {
  readonly labelsText: string;
  readonly #cells: Float64Array;
  readonly #slot: number;
  readonly #now: () => number;

  constructor(labelsText: string, cells: Float64Array, slot: number, now: () => number) {
    this.labelsText = labelsText;
    this.#cells = cells;
    this.#slot = slot;
    this.#now = now;
  }

  get value(): number {
    return this.#cells[this.#slot] as number;
  }

  /** Any number, NaN and infinities included. Throws a TypeError for what is no number. */
  set(value: number): void {
    if (typeof value !== "number") throw new TypeError(`Value is not a valid number: ${String(value)}`);
    this.#cells[this.#slot] = value;
  }

  inc(delta: number = 1): void {
    if (typeof delta !== "number") throw new TypeError(`Delta is not a valid number: ${String(delta)}`);
    (this.#cells[this.#slot] as number) += delta;
  }

  dec(delta: number = 1): void {
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
      const seconds = (performance.now() - start) / 1000;
      this.set(seconds);
      return seconds;
    };
  }
}

/** A number that comes and goes, per label set. Without labels, it stands at 0 from the start. */
export class Gauge<const Names extends readonly string[] = readonly []> extends Metric<Names, GaugeChild> {
  constructor(config: GaugeConfig<Names>) {
    super("gauge", config as MetricConfig<Names, never>);
    this.start(config.registers);
  }

  set(value: number): void;
  set(labels: LabelRecord<Names>, value: number): void;
  set(first: number | LabelRecord<Names>, value?: number): void {
    if (typeof first === "object" && first !== null) this.labels(first).set(value as number);
    else this.sole.set(first);
  }

  inc(delta?: number): void;
  inc(labels: LabelRecord<Names>, delta?: number): void;
  inc(first?: number | LabelRecord<Names>, delta?: number): void {
    if (typeof first === "object" && first !== null) this.labels(first).inc(delta);
    else this.sole.inc(first);
  }

  dec(delta?: number): void;
  dec(labels: LabelRecord<Names>, delta?: number): void;
  dec(first?: number | LabelRecord<Names>, delta?: number): void {
    if (typeof first === "object" && first !== null) this.labels(first).dec(delta);
    else this.sole.dec(first);
  }

  /** Seconds since the epoch. */
  setToCurrentTime(labels?: LabelRecord<Names>): void {
    (labels === undefined ? this.sole : this.labels(labels)).setToCurrentTime();
  }

  /** See `GaugeChild.startTimer`. */
  startTimer(labels?: LabelRecord<Names>): () => number {
    return (labels === undefined ? this.sole : this.labels(labels)).startTimer();
  }

  /** Of a gauge without labels. */
  get value(): number {
    return this.sole.value;
  }

  protected override create(labelsText: string): GaugeChild {
    const { cells, slot } = this.allocate();
    return new GaugeChild(labelsText, cells, slot, this.now);
  }

  protected override write(writer: FamilyWriter, child: GaugeChild): void {
    writer.value(child.labelsText, child.value, 0);
  }
}
