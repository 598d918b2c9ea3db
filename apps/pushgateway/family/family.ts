// Metric families as they are pushed and kept: the data model of the exposition formats.
// Source: the protobuf schema `io.prometheus.client`, whose optional fields are `undefined` here.

/** Types by number: the schema's enumeration. */
export const FAMILY_TYPES = ["counter", "gauge", "summary", "untyped", "histogram", "gauge_histogram"] as const;
export type FamilyType = (typeof FAMILY_TYPES)[number];

/** What a metric holds; `nothing` is what a damaged protobuf body can bring. */
export type MetricKind = "counter" | "gauge" | "summary" | "untyped" | "histogram" | "nothing";

/** Metrics of one name. Never changed once it is stored. */
export interface Family {
  readonly name: string;
  /** Undefined where nobody said anything, which is not the same as "". */
  readonly help: string | undefined;
  readonly unit: string | undefined;
  readonly type: FamilyType;
  readonly metrics: readonly Metric[];
}

/** One series of a family, or the few that make up a summary or a histogram. Never changed once it is stored. */
export interface Metric {
  /** Names and values in turn; sorted by name once it is stored. */
  readonly labels: readonly string[];
  readonly kind: MetricKind;
  /** Of counter, gauge and untyped. */
  readonly value: number;
  readonly summary: SummaryValue | undefined;
  readonly histogram: HistogramValue | undefined;
  /** Of a counter. */
  readonly exemplar: Exemplar | undefined;
  /** Of a counter. */
  readonly created: Instant | undefined;
  readonly timestampMs: number | undefined;
}

/** A time as protobuf has it. */
export interface Instant {
  readonly seconds: number;
  readonly nanos: number;
}

export interface Exemplar {
  readonly labels: readonly string[];
  readonly value: number;
  readonly at: Instant | undefined;
}

export interface SummaryValue {
  readonly count: number | undefined;
  readonly sum: number | undefined;
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[];
  readonly created: Instant | undefined;
}

/** A bucket of a classic histogram, cumulative. */
export interface BucketValue {
  readonly bound: number;
  readonly count: number | undefined;
  readonly floatCount: number | undefined;
  readonly exemplar: Exemplar | undefined;
}

/** A histogram: classic buckets, native ones, or both. Counts up to 2^53 are exact. */
export interface HistogramValue {
  readonly count: number | undefined;
  readonly floatCount: number | undefined;
  readonly sum: number | undefined;
  readonly buckets: readonly BucketValue[];
  readonly created: Instant | undefined;
  readonly native: NativeBuckets | undefined;
}

/** The native part of a histogram. */
export interface NativeBuckets {
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number | undefined;
  readonly zeroFloatCount: number | undefined;
  readonly negative: NativeSide;
  readonly positive: NativeSide;
  readonly exemplars: readonly Exemplar[];
}

/** Buckets on one side of zero: `deltas` of integer histograms or `counts` of float ones. */
export interface NativeSide {
  readonly spans: readonly { readonly offset: number; readonly length: number }[];
  readonly deltas: readonly number[];
  readonly counts: readonly number[];
}

/** A metric with these labels that holds one number. */
export function numberMetric(kind: "counter" | "gauge" | "untyped", labels: readonly string[], value: number): Metric {
  return {
    labels,
    kind,
    value,
    summary: undefined,
    histogram: undefined,
    exemplar: undefined,
    created: undefined,
    timestampMs: undefined,
  };
}

/** What a metric of this type of family must hold. */
export function kindOf(type: FamilyType): MetricKind {
  return type === "gauge_histogram" ? "histogram" : type;
}

/** The metric with other labels. */
export function withLabels(metric: Metric, labels: readonly string[]): Metric {
  return { ...metric, labels };
}

/** A text that two metrics of a family share exactly when their labels are the same; labels must be sorted. */
export function labelsKey(labels: readonly string[]): string {
  // No label can hold half a surrogate pair.
  return labels.join("\ud800");
}

/**
 * Roughly how many bytes of memory a family takes, for the bounds on what is kept. Measured on Node 20: 230 bytes for a metric with
 * one number, and what its texts take.
 */
export function familyBytes(family: Family): number {
  let bytes = 200 + textBytes(family.name) + textBytes(family.help ?? "");
  for (const metric of family.metrics) bytes += metricBytes(metric);
  return bytes;
}

/** The same for one metric. */
export function metricBytes(metric: Metric): number {
  let bytes = 230;
  for (const text of metric.labels) bytes += textBytes(text);
  const { histogram, summary } = metric;
  if (summary !== undefined) bytes += 100 + 60 * summary.quantiles.length;
  if (histogram !== undefined) {
    bytes += 150 + 100 * histogram.buckets.length;
    const { native } = histogram;
    if (native !== undefined) {
      for (const { spans, deltas, counts } of [native.negative, native.positive])
        bytes += 100 + 50 * spans.length + 8 * (deltas.length + counts.length);
      bytes += 200 * native.exemplars.length;
    }
  }
  return bytes;
}

function textBytes(text: string): number {
  return 24 + 2 * text.length;
}
