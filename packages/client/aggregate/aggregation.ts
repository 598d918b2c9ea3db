// Metrics of several processes or threads as one: counters and histograms add up, gauges as their mode says.
// Source of modes: client_python, multiprocess mode.
import type { Collector, FamilyHeader, FamilyWriter, SampleExemplar } from "../format/family-writer.ts";
import { renderLabels } from "../format/names.ts";
import { mergeNative } from "./merge-native.ts";
import type { FamilySnapshot, HistogramSnapshot, SeriesSnapshot, SummarySnapshot, ValueSnapshot } from "./snapshot.ts";

/** How many sources that are gone are remembered by their gauges; what they counted is kept for ever. */
const GONE_KEPT = 64;

interface Source {
  readonly name: string;
  readonly families: readonly FamilySnapshot[];
  /** Later snapshots have higher numbers. */
  readonly order: number;
  readonly isGone: boolean;
}

/** A collector of what several sources hold. Registered like a metric; `set` and `remove` bring it up to date. */
export class Aggregation implements Collector {
  readonly #label: string;
  readonly #sources = new Map<string, Source>();
  readonly #gone: Source[] = [];
  /** Sums of counters, histograms and summaries of sources that are gone. */
  #counted: FamilySnapshot[] = [];
  #order = 0;

  /** `label` tells sources apart in gauges of mode "all". */
  constructor(label: string = "pid") {
    this.#label = label;
  }

  /** Number of sources that are alive. */
  get size(): number {
    return this.#sources.size;
  }

  /** What a source holds now, in place of what it held before. */
  set(name: string, families: readonly FamilySnapshot[]): void {
    this.#sources.set(name, { name, families, order: ++this.#order, isGone: false });
  }

  /** A source is gone. What it counted stays, and so do its gauges, unless their mode is one of the living. */
  remove(name: string): void {
    const source = this.#sources.get(name);
    if (source === undefined) return;
    this.#sources.delete(name);
    const counts = source.families.filter(({ type }) => isSummed(type));
    this.#counted = mergeFamilies(
      [
        { ...source, families: this.#counted },
        { ...source, families: counts },
      ],
      this.#label,
    );
    const gauges = source.families.filter(
      ({ type, gaugeMode = "all" }) => !isSummed(type) && !gaugeMode.startsWith("live"),
    );
    this.#gone.push({ ...source, families: gauges, isGone: true });
    if (this.#gone.length > GONE_KEPT) this.#gone.shift();
  }

  describe(): readonly FamilyHeader[] {
    return [];
  }

  /** Throws when two sources have families of one name that do not fit together. */
  collect(writer: FamilyWriter): void {
    const past: Source = { name: "", families: this.#counted, order: 0, isGone: true };
    for (const family of mergeFamilies([past, ...this.#gone, ...this.#sources.values()], this.#label)) {
      writer.family(family);
      for (const series of family.series) writeSeries(writer, series);
    }
  }
}

function isSummed(type: FamilySnapshot["type"]): boolean {
  return type === "counter" || type === "histogram" || type === "summary";
}

function writeSeries(writer: FamilyWriter, series: SeriesSnapshot): void {
  switch (series.kind) {
    case "value":
      writer.value(series.labels, series.value, series.created, { exemplar: series.exemplar });
      break;
    case "histogram": {
      const { labels, bounds, cumulative, sum, created, exemplars, native } = series;
      writer.histogram(labels, bounds, cumulative, sum, created, exemplars, native);
      break;
    }
    case "summary":
      writer.summary(series.labels, series.quantiles, series.values, series.sum, series.count, series.created);
  }
}

function mergeFamilies(sources: readonly Source[], label: string): FamilySnapshot[] {
  const merged = new Map<string, { family: FamilySnapshot; series: Map<string, SeriesSnapshot>; order: number[] }>();
  for (const source of sources) {
    for (const family of source.families) {
      let into = merged.get(family.name);
      if (into === undefined) merged.set(family.name, (into = { family, series: new Map(), order: [] }));
      if (into.family.type !== family.type) {
        throw new Error(`${family.name} is a ${into.family.type} in one process and a ${family.type} in another`);
      }
      for (const series of family.series) addSeries(into.series, family, source, series, label);
    }
  }
  return [...merged.values()].map(({ family, series }) => ({ ...family, series: [...series.values()] }));
}

function addSeries(
  into: Map<string, SeriesSnapshot>,
  family: FamilySnapshot,
  source: Source,
  series: SeriesSnapshot,
  label: string,
): void {
  const mode = (family.gaugeMode ?? "all").replace(/^live/, "");
  const isGauge = family.type === "gauge" || family.type === "unknown";
  let added = series;
  if (isGauge && mode === "all") {
    const own = renderLabels([label], [source.name]);
    added = { ...series, labels: series.labels === "" ? own : `${series.labels},${own}` };
  }
  const existing = into.get(added.labels);
  into.set(added.labels, existing === undefined ? added : joined(family, existing, added, mode));
}

function joined(family: FamilySnapshot, a: SeriesSnapshot, b: SeriesSnapshot, mode: string): SeriesSnapshot {
  if (a.kind === "value" && b.kind === "value") return joinedValues(family, a, b, mode);
  if (a.kind === "histogram" && b.kind === "histogram") return joinedHistograms(family, a, b);
  if (a.kind === "summary" && b.kind === "summary") return joinedSummaries(a, b);
  throw new Error(`${family.name} has samples of different kinds`);
}

function joinedValues(family: FamilySnapshot, a: ValueSnapshot, b: ValueSnapshot, mode: string): ValueSnapshot {
  if (family.type === "info" || family.type === "stateset") return { ...b, value: Math.max(a.value, b.value) };
  if (family.type === "counter") {
    return {
      ...a,
      value: a.value + b.value,
      created: earlier(a.created, b.created),
      exemplar: later(a.exemplar, b.exemplar),
    };
  }
  switch (mode) {
    case "sum":
      return { ...a, value: a.value + b.value };
    case "min":
      return a.value <= b.value ? a : b;
    case "max":
      return a.value >= b.value ? a : b;
    default:
      // Sources come in the order of their snapshots, more or less; the last one counts.
      return b;
  }
}

function joinedHistograms(family: FamilySnapshot, a: HistogramSnapshot, b: HistogramSnapshot): HistogramSnapshot {
  if (String(a.bounds) !== String(b.bounds)) throw new Error(`${family.name} has other buckets in another process`);
  const native = a.native === undefined || b.native === undefined ? undefined : mergeNative(a.native, b.native);
  const exemplars =
    a.exemplars === undefined && b.exemplars === undefined
      ? undefined
      : a.cumulative.map((_, i) => later(a.exemplars?.[i], b.exemplars?.[i]));
  return {
    ...a,
    cumulative: a.cumulative.map((count, i) => count + (b.cumulative[i] as number)),
    sum: a.sum + b.sum,
    created: earlier(a.created, b.created),
    exemplars,
    native,
  };
}

/** Quantiles of several processes cannot be joined, and are left out. */
function joinedSummaries(a: SummarySnapshot, b: SummarySnapshot): SummarySnapshot {
  return {
    ...a,
    quantiles: [],
    values: [],
    sum: a.sum + b.sum,
    count: a.count + b.count,
    created: earlier(a.created, b.created),
  };
}

function earlier(a: number, b: number): number {
  return a === 0 || b === 0 ? Math.max(a, b) : Math.min(a, b);
}

function later(a: SampleExemplar | undefined, b: SampleExemplar | undefined): SampleExemplar | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.timestamp > b.timestamp ? a : b;
}
