// Native histograms as text.
import { formatGeneral } from "../number.ts";
import { compactHistogram, copyHistogram } from "./arithmetic.ts";
import { allBuckets, type Bucket, isCustomBucketsSchema, negativeBucketsReversed, positiveBuckets } from "./buckets.ts";
import { CounterResetHint, type FloatHistogramFields, type Span } from "./float-histogram.ts";

/** As the reference prints results: `{count:3, sum:5, [-0.001,0.001]:1, (1,2]:2}`; empty buckets are left out. */
export function histogramToString(histogram: FloatHistogramFields): string {
  let text = `{count:${formatGeneral(histogram.count)}, sum:${formatGeneral(histogram.sum)}`;
  const negative = negativeBucketsReversed(histogram);
  while (negative.next()) if (negative.count !== 0) text += `, ${formatBucket(negative)}`;
  if (histogram.zeroCount !== 0) {
    const threshold = formatGeneral(histogram.zeroThreshold);
    text += `, [${formatGeneral(-histogram.zeroThreshold)},${threshold}]:${formatGeneral(histogram.zeroCount)}`;
  }
  const positive = positiveBuckets(histogram);
  while (positive.next()) if (positive.count !== 0) text += `, ${formatBucket(positive)}`;
  return `${text}}`;
}

function formatBucket(bucket: Bucket): string {
  const open = bucket.lowerInclusive ? "[" : "(";
  const close = bucket.upperInclusive ? "]" : ")";
  return `${open}${formatGeneral(bucket.lower)},${formatGeneral(bucket.upper)}${close}:${formatGeneral(bucket.count)}`;
}

const HINTS: Readonly<Record<CounterResetHint, string>> = {
  [CounterResetHint.unknown]: "",
  [CounterResetHint.reset]: "reset",
  [CounterResetHint.notReset]: "not_reset",
  [CounterResetHint.gauge]: "gauge",
};

/** As test scripts write them: `{{schema:1 count:3 sum:5 buckets:[1 2]}}`. */
export function histogramToTestExpression(histogram: FloatHistogramFields): string {
  // One span per side, however far apart its ends: the notation knows no more.
  const compacted = compactHistogram(copyHistogram(histogram), Infinity);
  const items: string[] = [];
  const number = (name: string, value: number): void => {
    if (value !== 0) items.push(`${name}:${formatGeneral(value)}`);
  };
  number("schema", compacted.schema);
  number("count", compacted.count);
  number("sum", compacted.sum);
  number("z_bucket", compacted.zeroCount);
  number("z_bucket_w", compacted.zeroThreshold);
  const list = (values: Iterable<number>): string => `[${Array.from(values, formatGeneral).join(" ")}]`;
  if (isCustomBucketsSchema(compacted.schema)) items.push(`custom_values:${list(compacted.customValues)}`);
  const hint = HINTS[compacted.counterResetHint];
  if (hint !== "") items.push(`counter_reset_hint:${hint}`);
  const side = (prefix: string, spans: readonly Span[], buckets: Float64Array): void => {
    const [span] = spans;
    if (span === undefined) return;
    number(`${prefix}offset`, span.offset);
    items.push(`${prefix}buckets:${list(buckets)}`);
  };
  side("", compacted.positiveSpans, compacted.positiveBuckets);
  side("n_", compacted.negativeSpans, compacted.negativeBuckets);
  return `{{${items.join(" ")}}}`;
}

/** A bucket as the HTTP API writes it: the kind of its bounds (0 to 3), lower, upper, count. */
export interface PrintedBucket {
  /** 0: open on the left; 1: open on the right; 2: open on both sides; 3: closed on both sides. */
  readonly boundaries: 0 | 1 | 2 | 3;
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** The populated buckets in the order and with the boundary codes of the HTTP API. */
export function printedBuckets(histogram: FloatHistogramFields): PrintedBucket[] {
  const printed: PrintedBucket[] = [];
  const buckets = allBuckets(histogram);
  while (buckets.next()) {
    const { lower, upper, count, lowerInclusive, upperInclusive } = buckets;
    if (count === 0) continue;
    const boundaries = lowerInclusive ? (upperInclusive ? 3 : 1) : upperInclusive ? 0 : 2;
    printed.push({ boundaries, lower, upper, count });
  }
  return printed;
}
