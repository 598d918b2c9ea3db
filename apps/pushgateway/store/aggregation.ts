// Pushes that add up: many short jobs share one group, and the group's counters are the sum of theirs.
import {
  addHistogram,
  CounterResetHint,
  compactHistogram,
  type FloatHistogramFields,
  floatFromInteger,
  integerFromFloat,
  validateHistogram,
} from "@narthex/model";
import type {
  BucketValue,
  Family,
  HistogramValue,
  Metric,
  NativeBuckets,
  NativeSide,
  SummaryValue,
} from "../family/family.ts";
import { labelsKey } from "../family/family.ts";
import { goQuote, metricText } from "../family/go-text.ts";
import type { StoredFamily } from "./group.ts";
import type { Aggregation, GaugeMode } from "./push-rules.ts";

/** A push that cannot be added to what is there. */
export class AggregationError extends Error {
  override readonly name = "AggregationError";
}

/**
 * The pushed families added to those of their names that are there: counters and histograms by sum, gauges and untyped ones as the rules
 * say. Summaries keep sum and count, since quantiles do not add up. Series that a push does not name stay. Throws an
 * `AggregationError` where buckets or types do not fit.
 */
export function aggregated(
  existing: ReadonlyMap<string, StoredFamily>,
  pushed: readonly Family[],
  aggregation: Aggregation,
): Family[] {
  return pushed.map((family) => {
    const before = existing.get(family.name)?.family;
    if (before === undefined) return family.type === "summary" ? withoutQuantiles(family) : family;
    if (before.type !== family.type)
      throw new AggregationError(
        `${goQuote(family.name)} is a ${before.type.toUpperCase()} in this group and cannot have a ${family.type.toUpperCase()} added`,
      );
    const metrics = new Map(before.metrics.map((metric) => [labelsKey(metric.labels), metric]));
    const seen = new Set<string>();
    for (const metric of family.metrics) {
      const key = labelsKey(metric.labels);
      const known = metrics.get(key);
      // A series twice in one push is the check's business: it must reach it as two.
      if (seen.has(key)) return family;
      seen.add(key);
      metrics.set(key, known === undefined ? metric : joined(family.name, known, metric, aggregation));
    }
    const result = { ...family, help: family.help ?? before.help, metrics: [...metrics.values()] };
    return family.type === "summary" ? withoutQuantiles(result) : result;
  });
}

function withoutQuantiles(family: Family): Family {
  const strip = (metric: Metric): Metric =>
    metric.summary === undefined ? metric : { ...metric, summary: { ...metric.summary, quantiles: [] } };
  return { ...family, metrics: family.metrics.map(strip) };
}

function joined(name: string, before: Metric, added: Metric, aggregation: Aggregation): Metric {
  // What is not what its family says is for the consistency check to refuse.
  if (before.kind !== added.kind) return added;
  switch (added.kind) {
    case "counter":
      return { ...added, value: before.value + added.value, created: before.created ?? added.created };
    case "gauge":
    case "untyped":
      return { ...added, value: joinedGauge(aggregation.gaugeMode(name), before.value, added.value) };
    case "summary":
      return { ...added, summary: joinedSummary(before.summary, added.summary) };
    case "histogram":
      if (before.histogram === undefined || added.histogram === undefined) return added;
      return { ...added, histogram: joinedHistogram(name, before.histogram, added.histogram, added) };
    case "nothing":
      return added;
  }
}

function joinedGauge(mode: GaugeMode, before: number, added: number): number {
  switch (mode) {
    case "last":
      return added;
    case "sum":
      return before + added;
    case "min":
      return Math.min(before, added);
    case "max":
      return Math.max(before, added);
  }
}

function joinedSummary(before: SummaryValue | undefined, added: SummaryValue | undefined): SummaryValue {
  return {
    count: sum(before?.count, added?.count),
    sum: sum(before?.sum, added?.sum),
    quantiles: [],
    created: before?.created ?? added?.created,
  };
}

function joinedHistogram(name: string, before: HistogramValue, added: HistogramValue, metric: Metric): HistogramValue {
  const isFloat = before.floatCount !== undefined || added.floatCount !== undefined;
  const count = (before.floatCount ?? before.count ?? 0) + (added.floatCount ?? added.count ?? 0);
  return {
    count: isFloat ? undefined : count,
    floatCount: isFloat ? count : undefined,
    sum: sum(before.sum, added.sum),
    buckets: joinedBuckets(name, before.buckets, added.buckets, metric),
    created: before.created ?? added.created,
    native: joinedNative(name, before, added, metric),
  };
}

function joinedBuckets(
  name: string,
  before: readonly BucketValue[],
  added: readonly BucketValue[],
  metric: Metric,
): readonly BucketValue[] {
  const isSame = before.length === added.length && before.every(({ bound }, i) => bound === added[i]?.bound);
  if (!isSame)
    throw new AggregationError(
      `histogram ${goQuote(name)} { ${metricText({ ...metric, kind: "nothing" })}} has other buckets than the one it is to be added to`,
    );
  return added.map((bucket, i) => {
    const old = before[i] as BucketValue;
    const isFloat = bucket.floatCount !== undefined || old.floatCount !== undefined;
    const count = (bucket.floatCount ?? bucket.count ?? 0) + (old.floatCount ?? old.count ?? 0);
    return { ...bucket, count: isFloat ? undefined : count, floatCount: isFloat ? count : undefined };
  });
}

function joinedNative(
  name: string,
  before: HistogramValue,
  added: HistogramValue,
  metric: Metric,
): NativeBuckets | undefined {
  if (before.native === undefined || added.native === undefined) {
    if (before.native === added.native) return undefined;
    throw new AggregationError(
      `histogram ${goQuote(name)} { ${metricText({ ...metric, kind: "nothing" })}} is native on one side only`,
    );
  }
  const total = floatHistogram(before);
  const problem = validateHistogram(total) ?? validateHistogram(floatHistogram(added));
  if (problem !== undefined) throw new AggregationError(`histogram ${goQuote(name)} cannot be added to: ${problem}`);
  addHistogram(total, floatHistogram(added));
  compactHistogram(total, 0);
  const isFloat = isFloatHistogram(before) || isFloatHistogram(added);
  const whole = isFloat ? undefined : integerFromFloat(total);
  const side = (
    spans: NativeSide["spans"],
    counts: Float64Array,
    deltas: ArrayLike<number> | undefined,
  ): NativeSide => ({
    spans,
    counts: isFloat ? [...counts] : [],
    deltas: deltas === undefined ? [] : Array.from(deltas),
  });
  return {
    schema: total.schema,
    zeroThreshold: total.zeroThreshold,
    zeroCount: isFloat ? undefined : total.zeroCount,
    zeroFloatCount: isFloat ? total.zeroCount : undefined,
    negative: side(total.negativeSpans, total.negativeBuckets, whole?.negativeDeltas),
    positive: side(total.positiveSpans, total.positiveBuckets, whole?.positiveDeltas),
    exemplars: added.native.exemplars,
  };
}

/** Whether its native buckets count in floats. */
export function isFloatHistogram({ floatCount, native }: HistogramValue): boolean {
  return (floatCount ?? 0) > 0 || (native?.zeroFloatCount ?? 0) > 0;
}

/** The native part of a histogram, to compute with; it must have one. */
export function floatHistogram(histogram: HistogramValue): FloatHistogramFields {
  const native = histogram.native as NativeBuckets;
  const shared = {
    counterResetHint: CounterResetHint.unknown,
    schema: native.schema,
    zeroThreshold: native.zeroThreshold,
    sum: histogram.sum ?? 0,
    positiveSpans: native.positive.spans,
    negativeSpans: native.negative.spans,
    customValues: [],
  };
  if (!isFloatHistogram(histogram))
    return floatFromInteger({
      ...shared,
      count: histogram.count ?? 0,
      zeroCount: native.zeroCount ?? 0,
      positiveDeltas: native.positive.deltas,
      negativeDeltas: native.negative.deltas,
    });
  return {
    ...shared,
    count: histogram.floatCount ?? 0,
    zeroCount: native.zeroFloatCount ?? 0,
    positiveBuckets: Float64Array.from(native.positive.counts),
    negativeBuckets: Float64Array.from(native.negative.counts),
  };
}

function sum(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);
}
