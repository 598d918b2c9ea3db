// Classic histograms (`x_bucket`, `x_count`, `x_sum`) turned into native ones with custom buckets, for `load_with_nhcb`.
import {
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogramFields,
  type Labels,
  METRIC_NAME,
} from "@narthex/model";
import { parseNumber } from "../parser/number.ts";
import type { LoadedSeries } from "./script.ts";

/** A classic histogram at one point in time. */
interface ClassicHistogram {
  /** Cumulative counts by upper bound. */
  readonly buckets: Map<number, number>;
  count: number | undefined;
  sum: number;
}

/** One native histogram series; times are numbers of steps. */
export interface CustomHistogramSeries {
  readonly labels: Labels;
  readonly samples: readonly { readonly step: number; readonly histogram: FloatHistogramFields }[];
}

const BUCKET_LABEL = "le";

/** Collects the classic histograms among the series. Throws an Error when counts are negative or do not add up. */
export function customHistograms(series: readonly LoadedSeries[]): readonly CustomHistogramSeries[] {
  const found = new Map<string, { labels: Labels; byStep: Map<number, ClassicHistogram> }>();
  for (const { labels, values } of series) {
    const match = /^(.*)_(bucket|count|sum)$/s.exec(labels.get(METRIC_NAME));
    if (match === null) continue;
    const [, name, part] = match as unknown as [string, string, "bucket" | "count" | "sum"];
    const bound = parseBound(labels.get(BUCKET_LABEL));
    if (part === "bucket" && Number.isNaN(bound)) continue;
    const base = labels.with(METRIC_NAME, name).with(BUCKET_LABEL, "");
    const entry = found.get(base.key) ?? { labels: base, byStep: new Map() };
    found.set(base.key, entry);
    values.forEach((value, step) => {
      if (value.kind !== "float") return;
      const histogram = entry.byStep.get(step) ?? { buckets: new Map(), count: undefined, sum: 0 };
      entry.byStep.set(step, histogram);
      if (part === "sum") histogram.sum = value.value;
      else if (value.value < 0) throw new Error(`histogram ${name} has a negative count`);
      else if (part === "count") histogram.count = value.value;
      else histogram.buckets.set(bound, value.value);
    });
  }
  return [...found.values()].map(({ labels, byStep }) => ({
    labels,
    samples: [...byStep]
      .sort(([a], [b]) => a - b)
      .map(([step, histogram]) => ({ step, histogram: convert(histogram, labels.get(METRIC_NAME)) })),
  }));
}

function parseBound(text: string): number {
  if (/^[+-]?inf$/i.test(text)) return text.startsWith("-") ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const negative = text.startsWith("-");
  const value = parseNumber(text.replace(/^[+-]/, ""));
  return typeof value === "string" ? Number.NaN : negative ? -value : value;
}

function convert({ buckets, count, sum }: ClassicHistogram, name: string): FloatHistogramFields {
  const bounds = [...buckets.keys()].sort((a, b) => a - b);
  const highest = buckets.get(bounds.at(-1) as number);
  const total = count ?? highest ?? 0;
  if (bounds.at(-1) !== Number.POSITIVE_INFINITY) {
    bounds.push(Number.POSITIVE_INFINITY);
    buckets.set(Number.POSITIVE_INFINITY, total);
  }
  let previous = 0;
  const counts = bounds.map((bound) => {
    const cumulative = buckets.get(bound) as number;
    if (cumulative < previous) throw new Error(`counts of histogram ${name} are not cumulative`);
    const own = cumulative - previous;
    previous = cumulative;
    return own;
  });
  if (previous !== total)
    throw new Error(`count of histogram ${name} is ${total}, but its last bucket has ${previous}`);
  return {
    counterResetHint: CounterResetHint.unknown,
    schema: CUSTOM_BUCKETS_SCHEMA,
    zeroThreshold: 0,
    zeroCount: 0,
    count: total,
    sum,
    ...occupied(counts),
    negativeSpans: [],
    negativeBuckets: new Float64Array(0),
    customValues: bounds.slice(0, -1),
  };
}

/** Spans over the buckets that are not empty. */
function occupied(counts: readonly number[]): Pick<FloatHistogramFields, "positiveSpans" | "positiveBuckets"> {
  const spans: { offset: number; length: number }[] = [];
  let end = 0;
  counts.forEach((count, i) => {
    if (count === 0) return;
    const last = spans.at(-1);
    if (last !== undefined && end === i) last.length++;
    else spans.push({ offset: i - end, length: 1 });
    end = i + 1;
  });
  return { positiveSpans: spans, positiveBuckets: Float64Array.from(counts.filter((count) => count !== 0)) };
}
