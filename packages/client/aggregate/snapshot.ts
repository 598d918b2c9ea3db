// What a registry holds at one moment as plain data, to be sent to another process or thread.
import type { FamilyHeader, FamilyType, FamilyWriter, NativeBuckets, SampleExemplar } from "../format/family-writer.ts";
import type { Registry } from "../registry.ts";

/** A sample of a counter, gauge, info, state set or unknown type. */
export interface ValueSnapshot {
  readonly kind: "value";
  /** Rendered. */
  readonly labels: string;
  readonly value: number;
  readonly created: number;
  readonly exemplar: SampleExemplar | undefined;
}

/** A series of a histogram; cumulative counts, +Inf last. */
export interface HistogramSnapshot {
  readonly kind: "histogram";
  readonly labels: string;
  readonly bounds: readonly number[];
  readonly cumulative: readonly number[];
  readonly sum: number;
  readonly created: number;
  readonly exemplars: readonly (SampleExemplar | undefined)[] | undefined;
  readonly native: NativeBuckets | undefined;
}

/** A series of a summary. */
export interface SummarySnapshot {
  readonly kind: "summary";
  readonly labels: string;
  readonly quantiles: readonly number[];
  readonly values: readonly number[];
  readonly sum: number;
  readonly count: number;
  readonly created: number;
}

export type SeriesSnapshot = ValueSnapshot | HistogramSnapshot | SummarySnapshot;

/** One family and its series. */
export interface FamilySnapshot {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  readonly unit: string;
  readonly gaugeMode: string | undefined;
  readonly series: readonly SeriesSnapshot[];
}

/** All families of a registry, brought up to date. Rejects as `Registry.metrics` does. */
export async function takeSnapshot(registry: Registry): Promise<FamilySnapshot[]> {
  const writer = new SnapshotWriter();
  await registry.collectInto(writer);
  return writer.families;
}

/** Keeps what is written. */
class SnapshotWriter implements FamilyWriter {
  readonly families: FamilySnapshot[] = [];
  #series: SeriesSnapshot[] = [];

  family({ name, help, type, unit, gaugeMode }: FamilyHeader): void {
    this.#series = [];
    this.families.push({ name, help, type, unit, gaugeMode, series: this.#series });
  }

  value(
    labels: string,
    value: number,
    created: number,
    extras?: { readonly exemplar?: SampleExemplar | undefined },
  ): void {
    this.#series.push({ kind: "value", labels, value, created, exemplar: extras?.exemplar });
  }

  histogram(
    labels: string,
    bounds: readonly number[],
    cumulative: ArrayLike<number>,
    sum: number,
    created: number,
    exemplars?: readonly (SampleExemplar | undefined)[],
    native?: NativeBuckets,
  ): void {
    this.#series.push({
      kind: "histogram",
      labels,
      bounds,
      cumulative: Array.from(cumulative),
      sum,
      created,
      exemplars: exemplars && [...exemplars],
      native,
    });
  }

  summary(
    labels: string,
    quantiles: readonly number[],
    values: ArrayLike<number>,
    sum: number,
    count: number,
    created: number,
  ): void {
    this.#series.push({ kind: "summary", labels, quantiles, values: Array.from(values), sum, count, created });
  }
}
