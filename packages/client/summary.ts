// Summaries: count and sum of observations, and quantiles over a sliding window.
import type { FamilyWriter } from "./family-writer.ts";
import { type Child, type LabelRecord, Metric, type MetricConfig } from "./metric.ts";
import { QuantileStream } from "./quantile-stream.ts";

/** What a summary is made from. */
export interface SummaryConfig<Names extends readonly string[]> extends MetricConfig<Names, Summary<Names>> {
  /** Quantiles and the error allowed for each (of rank): `{ 0.5: 0.05, 0.99: 0.001 }`. None unless given. */
  readonly objectives?: Readonly<Record<number, number>>;
  /** How far back quantiles look; 600 unless given. */
  readonly maxAgeSeconds?: number;
  /** In how many steps the window slides; 5 unless given. */
  readonly ageBuckets?: number;
}

interface Window {
  readonly quantiles: readonly number[];
  readonly errors: readonly number[];
  readonly stepMs: number;
  readonly ageBuckets: number;
}

/** One series of a summary. */
export class SummaryChild implements Child {
  readonly labelsText: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly #cells = new Float64Array(2);
  readonly #window: Window;
  readonly #now: () => number;
  // Each stream has seen everything since it was last emptied; they are emptied in turn, so the oldest covers
  // nearly the whole window.
  readonly #streams: QuantileStream[];
  #oldest = 0;
  #turnMs: number;

  constructor(labelsText: string, now: () => number, window: Window) {
    this.labelsText = labelsText;
    this.created = now() / 1000;
    this.#now = now;
    this.#window = window;
    const streams = window.quantiles.length === 0 ? 0 : window.ageBuckets;
    this.#streams = Array.from({ length: streams }, () => new QuantileStream(window.quantiles, window.errors));
    this.#turnMs = now() + window.stepMs;
  }

  get sum(): number {
    return this.#cells[0] as number;
  }

  get count(): number {
    return this.#cells[1] as number;
  }

  /** Throws a TypeError for what is no finite number. */
  observe(value: number): void {
    if (!(value > -Infinity && value < Infinity)) {
      throw new TypeError(`Value is not a valid number: ${String(value)}`);
    }
    const cells = this.#cells;
    (cells[0] as number) += value;
    (cells[1] as number)++;
    if (this.#streams.length === 0) return;
    this.#turn();
    for (const stream of this.#streams) stream.insert(value);
  }

  /** Returns a function that observes the seconds since this call, and returns them. */
  startTimer(): () => number {
    const start = performance.now();
    return () => {
      const seconds = (performance.now() - start) / 1000;
      this.observe(seconds);
      return seconds;
    };
  }

  /** Estimates for the quantiles of the metric, NaN when nothing was observed within the window. */
  estimates(): number[] {
    if (this.#streams.length === 0) return [];
    this.#turn();
    const stream = this.#streams[this.#oldest] as QuantileStream;
    return this.#window.quantiles.map((q) => stream.query(q));
  }

  #turn(): void {
    const now = this.#now();
    if (now < this.#turnMs) return;
    const { stepMs } = this.#window;
    const steps = Math.floor((now - this.#turnMs) / stepMs) + 1;
    for (let i = 0; i < Math.min(steps, this.#streams.length); i++) {
      (this.#streams[this.#oldest] as QuantileStream).reset();
      this.#oldest = (this.#oldest + 1) % this.#streams.length;
    }
    this.#turnMs += steps * stepMs;
  }
}

/** Count and sum of observations, and quantiles over a sliding window, per label set. */
export class Summary<const Names extends readonly string[] = readonly []> extends Metric<Names, SummaryChild> {
  /** Ascending. */
  readonly quantiles: readonly number[];
  readonly #window: Window;

  constructor(config: SummaryConfig<Names>) {
    super("summary", config as MetricConfig<Names, never>, "quantile");
    const objectives = Object.entries(config.objectives ?? {}).map(([q, error]) => [Number(q), error] as const);
    for (const [q, error] of objectives) {
      if (!(q >= 0 && q <= 1 && error >= 0 && error <= 1)) {
        throw new Error(`Summary objectives must lie between 0 and 1: ${q}: ${error}`);
      }
    }
    objectives.sort(([a], [b]) => a - b);
    const maxAgeSeconds = config.maxAgeSeconds ?? 600;
    const ageBuckets = config.ageBuckets ?? 5;
    if (!(maxAgeSeconds > 0 && ageBuckets >= 1)) throw new Error("Summary window must be positive");
    this.quantiles = objectives.map(([q]) => q);
    this.#window = {
      quantiles: this.quantiles,
      errors: objectives.map(([, error]) => error),
      stepMs: (maxAgeSeconds * 1000) / ageBuckets,
      ageBuckets,
    };
    this.start(config.registers);
  }

  observe(value: number): void;
  observe(labels: LabelRecord<Names>, value: number): void;
  observe(first: number | LabelRecord<Names>, value?: number): void {
    if (typeof first === "object" && first !== null) this.labels(first).observe(value as number);
    else this.sole.observe(first);
  }

  /** See `SummaryChild.startTimer`. */
  startTimer(labels?: LabelRecord<Names>): () => number {
    return (labels === undefined ? this.sole : this.labels(labels)).startTimer();
  }

  protected override create(labelsText: string): SummaryChild {
    return new SummaryChild(labelsText, this.now, this.#window);
  }

  protected override write(writer: FamilyWriter, child: SummaryChild): void {
    writer.summary(child.labelsText, this.quantiles, child.estimates(), child.sum, child.count, child.created);
  }
}
