// How many series there may be: in all, of one job, of one metric. Known ones go on; new ones beyond are refused.
import { Counter, Gauge, type Registry } from "@narthex/client";
import { type Labels, METRIC_NAME } from "@narthex/model";
import type { SeriesGate } from "@narthex/tsdb";

/** A limit for all names, and others for some; 0 is none. */
export interface NamedLimits {
  readonly standard: number;
  readonly named: ReadonlyMap<string, number>;
}

export interface BudgetLimits {
  /** Series of the head; 0 for no limit. */
  readonly total: number;
  /** By the value of the label `job`. */
  readonly perJob: NamedLimits;
  /** By metric name. */
  readonly perMetric: NamedLimits;
}

/** What is counted: the head of a database. */
export interface CountedSeries {
  readonly seriesCount: number;
  seriesCountOf(label: string, value: string): number;
  seriesGate: SeriesGate | undefined;
}

/** Which budget refused a series. `memory` is none of its own: memory is short. */
export type BudgetKind = "total" | "job" | "metric" | "memory";

const KINDS: readonly BudgetKind[] = ["total", "job", "metric", "memory"];
const JOB = "job";

/**
 * Stands in front of a head while there is anything to refuse; without limits, and with memory to spare, it is not there.
 * Counts are those of the head: series that ended count until they leave it.
 */
export class SeriesBudget implements SeriesGate {
  readonly #limits: BudgetLimits;
  readonly #refused: Counter<readonly ["budget"]>;
  #series: CountedSeries | undefined;
  #memoryIsShort = false;
  #reason: BudgetKind = "total";

  constructor(limits: BudgetLimits, registry: Registry) {
    this.#limits = limits;
    const registers = [registry];
    this.#refused = new Counter({
      name: "narthex_series_refused_total",
      help: "New series that were refused, by the budget that was used up. A series counts each time it is tried.",
      labelNames: ["budget"],
      registers,
    });
    for (const kind of KINDS) this.#refused.labels(kind);
    const budget = new Gauge({
      name: "narthex_series_budget",
      help: "Series that there may be in all, and of any one job or metric that has no limit of its own. 0 is no limit.",
      labelNames: ["budget"],
      registers,
    });
    budget.labels("total").set(limits.total);
    budget.labels("job").set(limits.perJob.standard);
    budget.labels("metric").set(limits.perMetric.standard);
  }

  /** From now on the head asks before it makes a series. */
  guard(series: CountedSeries): void {
    this.#series = series;
    this.#place();
  }

  /** Refuses every new series, or goes back to the limits. */
  set memoryIsShort(isShort: boolean) {
    this.#memoryIsShort = isShort;
    this.#place();
  }

  isClosedTo(labels: Labels): boolean {
    const reason = this.#reasonAgainst(labels);
    if (reason === undefined) return false;
    this.#reason = reason;
    return true;
  }

  onRefusal(): void {
    this.#refused.labels(this.#reason).inc();
  }

  #reasonAgainst(labels: Labels): BudgetKind | undefined {
    if (this.#memoryIsShort) return "memory";
    const series = this.#series as CountedSeries;
    const { total, perJob, perMetric } = this.#limits;
    if (total > 0 && series.seriesCount >= total) return "total";
    if (isUsedUp(series, perJob, JOB, labels.get(JOB))) return "job";
    if (isUsedUp(series, perMetric, METRIC_NAME, labels.get(METRIC_NAME))) return "metric";
    return undefined;
  }

  #place(): void {
    if (this.#series === undefined) return;
    const { total, perJob, perMetric } = this.#limits;
    const hasLimits = total > 0 || isLimiting(perJob) || isLimiting(perMetric);
    this.#series.seriesGate = hasLimits || this.#memoryIsShort ? this : undefined;
  }
}

function isLimiting({ standard, named }: NamedLimits): boolean {
  return standard > 0 || [...named.values()].some((limit) => limit > 0);
}

function isUsedUp(series: CountedSeries, { standard, named }: NamedLimits, label: string, value: string): boolean {
  const limit = named.get(value) ?? standard;
  return limit > 0 && value !== "" && series.seriesCountOf(label, value) >= limit;
}

/** What a flag says: `1000` for all names, `NAME=500` for one. Throws an error that says what is wrong. */
export function parseNamedLimit(text: string): readonly [name: string | undefined, limit: number] {
  const at = text.lastIndexOf("=");
  const digits = text.slice(at + 1);
  if (!/^\d{1,15}$/.test(digits) || at === 0) {
    throw new Error(`expected a number of series, or NAME=NUMBER, got ${JSON.stringify(text)}`);
  }
  return [at < 0 ? undefined : text.slice(0, at), Number(digits)];
}

/** Of several that say the same, the last one counts. */
export function namedLimits(texts: readonly string[]): NamedLimits {
  let standard = 0;
  const named = new Map<string, number>();
  for (const [name, limit] of texts.map(parseNamedLimit)) {
    if (name === undefined) standard = limit;
    else named.set(name, limit);
  }
  return { standard, named };
}
