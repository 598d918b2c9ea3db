// Counters: numbers that only grow.
import type { FamilyWriter } from "./family-writer.ts";
import { type Child, type LabelRecord, Metric, type MetricConfig } from "./metric.ts";

/** What a counter is made from. Its name should end in `_total`. */
export type CounterConfig<Names extends readonly string[]> = MetricConfig<Names, Counter<Names>>;

/** One series of a counter. */
export class CounterChild implements Child {
  readonly labelsText: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly #cells: Float64Array;
  readonly #slot: number;

  constructor(labelsText: string, created: number, cells: Float64Array, slot: number) {
    this.labelsText = labelsText;
    this.created = created;
    this.#cells = cells;
    this.#slot = slot;
  }

  get value(): number {
    return this.#cells[this.#slot] as number;
  }

  /** Throws for a negative amount and for what is no finite number. */
  inc(amount: number = 1): void {
    if (typeof amount !== "number" || !(amount >= 0 && amount < Infinity)) refuseAmount(amount);
    (this.#cells[this.#slot] as number) += amount;
  }

  /**
   * Takes over a total counted elsewhere (by the kernel, another library), which must not be less than before,
   * except after a restart there.
   */
  setTotal(total: number): void {
    if (!(total >= 0 && total < Infinity)) refuseAmount(total);
    this.#cells[this.#slot] = total;
  }
}

/** A number that only grows, per label set. Without labels, it stands at 0 from the start. */
export class Counter<const Names extends readonly string[] = readonly []> extends Metric<Names, CounterChild> {
  constructor(config: CounterConfig<Names>) {
    super("counter", config as MetricConfig<Names, never>);
    this.start(config.registers);
  }

  /** Without labels: `inc()`, `inc(2)`. With labels: `inc({ code: 200 })`, `inc({ code: 200 }, 2)`. */
  inc(amount?: number): void;
  inc(labels: LabelRecord<Names>, amount?: number): void;
  inc(first?: number | LabelRecord<Names>, amount?: number): void {
    if (typeof first === "object" && first !== null) this.labels(first).inc(amount);
    else this.sole.inc(first);
  }

  /** See `CounterChild.setTotal`; for a counter without labels. */
  setTotal(total: number): void {
    this.sole.setTotal(total);
  }

  /** Of a counter without labels. */
  get value(): number {
    return this.sole.value;
  }

  protected override create(labelsText: string): CounterChild {
    const { cells, slot } = this.allocate();
    return new CounterChild(labelsText, this.now() / 1000, cells, slot);
  }

  protected override write(writer: FamilyWriter, child: CounterChild): void {
    writer.value(child.labelsText, child.value, child.created);
  }
}

function refuseAmount(amount: unknown): never {
  if (typeof amount === "number" && amount < 0) throw new Error("It is not possible to decrease a counter");
  throw new TypeError(`Value is not a valid number: ${String(amount)}`);
}
