// Counters: numbers that only grow.
import { Child } from "./child.ts";
import { type ExemplarLabels, makeExemplar } from "./exemplar.ts";
import type { FamilyWriter, SampleExemplar } from "./format/family-writer.ts";
import { type Decorator, DISPOSE, decorator, wrap } from "./instrument.ts";
import type { LabelRecord, LabelValue, WithLabels } from "./label-types.ts";
import { Metric, type MetricConfig } from "./metric.ts";

/** What a counter is made from. Its name should end in `_total`. */
export type CounterConfig<Names extends readonly string[]> = MetricConfig<Names, Counter<Names>>;

/** A series' numbers: its value, and when it began (seconds since the epoch). */
const WIDTH = 2;

/** A class of errors. */
// biome-ignore lint/suspicious/noExplicitAny: whatever its constructor takes
export type ErrorClass = abstract new (...args: any[]) => Error;

/** Counts what is thrown: in functions that it wraps, methods that it decorates, or in the block that ends without `succeeded()`. */
export interface ExceptionCount extends Decorator, Disposable {
  /** Says that the block went well, so that disposal counts nothing. */
  succeeded(): void;
}

/** One series of a counter. */
export class CounterChild extends Child {
  readonly #now: () => number;
  #exemplar: SampleExemplar | undefined;

  constructor(labelsText: string, cells: Float64Array, offset: number, watcher: Child["watcher"], now: () => number) {
    super(labelsText, cells, offset, watcher);
    this.#now = now;
  }

  get value(): number {
    return this.cells[this.offset] as number;
  }

  /** Seconds since the epoch. */
  get created(): number {
    return this.cells[this.offset + 1] as number;
  }

  /** The last exemplar. */
  get exemplar(): SampleExemplar | undefined {
    return this.#exemplar;
  }

  /** Throws for a negative amount, for what is no finite number, and for exemplars that are too long. */
  inc(amount: number = 1, exemplar?: ExemplarLabels): void {
    if (typeof amount !== "number" || !(amount >= 0 && amount < Infinity)) refuseAmount(amount);
    if (exemplar !== undefined || this.watcher !== undefined) this.#watch(amount, exemplar);
    (this.cells[this.offset] as number) += amount;
  }

  /**
   * Takes over a total counted elsewhere (by the kernel, another library), which must not be less than before,
   * except after a restart there.
   */
  setTotal(total: number): void {
    if (!(total >= 0 && total < Infinity)) refuseAmount(total);
    this.touched = true;
    this.cells[this.offset] = total;
  }

  /** See `Counter.countExceptions`. */
  countExceptions(...types: readonly ErrorClass[]): ExceptionCount {
    return exceptionCount(this, types);
  }

  /** Internal. */
  restart(): void {
    this.#exemplar = undefined;
  }

  #watch(amount: number, given: ExemplarLabels | undefined): void {
    const labels = this.exemplarFor(given);
    if (labels !== undefined) this.#exemplar = makeExemplar(labels, amount, this.#now());
  }
}

/** A number that only grows, per label set. Without labels, it stands at 0 from the start. */
export class Counter<const Names extends readonly string[] = readonly []> extends Metric<Names, CounterChild> {
  constructor(config: CounterConfig<Names>) {
    super("counter", config as MetricConfig<Names, never>, WIDTH);
    this.start(config.registers);
  }

  /**
   * Without labels: `inc()`, `inc(2)`, `inc(1, { trace_id })`. With labels: `inc({ code: 200 })`, `inc({ code: 200 }, 2)`. Throws as
   * `CounterChild.inc`.
   */
  inc(...args: WithLabels<Names, [amount?: number, exemplar?: ExemplarLabels]>): void;
  inc(first?: unknown, second?: unknown, third?: ExemplarLabels): void {
    if (typeof first !== "object" || first === null) {
      this.sole.inc(first as number | undefined, second as ExemplarLabels | undefined);
    } else if (third !== undefined || this.needsChildren || this.labelNames.length === 0) {
      this.labels(first as LabelRecord<Names>).inc(second as number | undefined, third);
    } else {
      const amount = second === undefined ? 1 : (second as number);
      if (typeof amount !== "number" || !(amount >= 0 && amount < Infinity)) refuseAmount(amount);
      const row = this.rowOf(first as Record<string, LabelValue>);
      if (row >= 0) (this.table.blockOf(row)[this.table.offsetOf(row)] as number) += amount;
    }
  }

  /** See `CounterChild.setTotal`; for a counter without labels. */
  setTotal(total: number): void {
    this.sole.setTotal(total);
  }

  /** Has the total of a counter without labels read at each exposition. A throw leaves the sample out, and is counted. */
  setFunction(read: (() => number | Promise<number>) | undefined): void {
    this.setCallback(this.sole, read);
  }

  /**
   * Counts what is thrown (all, or only errors of the classes given), and lets it pass: `const f = counter.countExceptions()(g)`,
   * `@counter.countExceptions(TypeError) method() {}`, or `using block = counter.countExceptions(); ...; block.succeeded()`.
   */
  countExceptions(...types: readonly ErrorClass[]): ExceptionCount {
    return this.sole.countExceptions(...types);
  }

  /** Of a counter without labels. */
  get value(): number {
    return this.sole.value;
  }

  protected override bind(labelsText: string, cells: Float64Array, offset: number): CounterChild {
    return new CounterChild(labelsText, cells, offset, this.watcher, this.now);
  }

  protected override begin(cells: Float64Array, offset: number): void {
    cells[offset + 1] = this.now() / 1000;
  }

  protected override restart(child: CounterChild): void {
    child.restart();
  }

  protected override assign(child: CounterChild, value: number): void {
    child.setTotal(value);
  }

  protected override blankCells(): number {
    return WIDTH;
  }

  protected override write(
    writer: FamilyWriter,
    labelsText: string,
    cells: Float64Array,
    offset: number,
    child: CounterChild | undefined,
  ): void {
    const exemplar = child?.exemplar;
    const created = cells[offset + 1] as number;
    if (exemplar === undefined) writer.value(labelsText, cells[offset] as number, created);
    else writer.value(labelsText, cells[offset] as number, created, { exemplar });
  }
}

function exceptionCount(child: CounterChild, types: readonly ErrorClass[]): ExceptionCount {
  const counts = (error: unknown): boolean => types.length === 0 || types.some((type) => error instanceof type);
  let open = true;
  const decorate = decorator((fn) => {
    open = false;
    return wrap(fn, () => (failed, error) => {
      if (failed && counts(error)) child.inc();
    });
  });
  return Object.assign(decorate, {
    succeeded: () => {
      open = false;
    },
    [DISPOSE]: () => {
      if (open) child.inc();
      open = false;
    },
  }) as ExceptionCount;
}

function refuseAmount(amount: unknown): never {
  if (typeof amount === "number" && amount < 0) throw new Error("It is not possible to decrease a counter");
  throw new TypeError(`Value is not a valid number: ${String(amount)}`);
}
