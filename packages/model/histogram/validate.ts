// What makes a native histogram sound. The texts are the reference's.
import { formatGeneral } from "../number.ts";
import { isCustomBucketsSchema, isExponentialSchema } from "./buckets.ts";
import type { FloatHistogramFields, Span } from "./float-histogram.ts";

const NEGATIVE_BUCKET = "histogram has a bucket whose observation count is negative";
const NEGATIVE_OFFSET = "histogram has a span whose offset is negative";
const SPANS_MISMATCH = "histogram spans specify different number of buckets than provided";
const INVALID_SCHEMA =
  "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom buckets";

/**
 * Why the histogram is malformed, in the reference's words, or undefined when it is sound. Of one with integer counts
 * (`integer`), the count must also agree with the buckets; float counts may be off by rounding.
 */
export function validateHistogram(histogram: FloatHistogramFields, integer: boolean = false): string | undefined {
  const custom = isCustomBucketsSchema(histogram.schema);
  if (!custom && !isExponentialSchema(histogram.schema)) return `${INVALID_SCHEMA}, got schema ${histogram.schema}`;
  const layout = custom ? checkCustom(histogram) : checkExponential(histogram);
  if (layout !== undefined) return layout;
  if (histogram.count < 0) {
    return `observation count is  ${formatGeneral(histogram.count)}: histogram's observation count is negative`;
  }
  const positive = checkBuckets("positive", histogram.positiveBuckets);
  if (positive !== undefined) return positive;
  return integer ? checkTotal(histogram) : undefined;
}

function checkCustom(histogram: FloatHistogramFields): string | undefined {
  const bounds = checkBounds(histogram.customValues) ?? checkCustomSpans(histogram);
  if (bounds !== undefined) return `custom buckets: ${bounds}`;
  if (histogram.zeroCount !== 0) return "custom buckets: must have zero count of 0";
  if (histogram.zeroThreshold !== 0) return "custom buckets: must have zero threshold of 0";
  if (histogram.negativeSpans.length > 0) return "custom buckets: must not have negative spans";
  if (histogram.negativeBuckets.length > 0) return "custom buckets: must not have negative buckets";
  return undefined;
}

function checkBounds(bounds: readonly number[]): string | undefined {
  let previous = -Infinity;
  for (const [i, bound] of bounds.entries()) {
    if (Number.isNaN(bound)) return "histogram custom bounds must not be NaN";
    if (i > 0 && bound <= previous) {
      return (
        `previous bound is ${formatFixed(previous)} and current is ${formatFixed(bound)}: ` +
        "histogram custom bounds must be in strictly increasing order"
      );
    }
    previous = bound;
  }
  if (previous === Infinity) {
    return "last +Inf bound must not be explicitly defined: histogram custom bounds must be finite";
  }
  return undefined;
}

function checkCustomSpans(histogram: FloatHistogramFields): string | undefined {
  const refusal = checkSpans(histogram.positiveSpans, histogram.positiveBuckets.length, 0);
  if (refusal !== undefined) return refusal;
  let reach = 0;
  for (const span of histogram.positiveSpans) reach += span.offset + span.length;
  const bounds = histogram.customValues.length;
  if (bounds + 1 >= reach) return undefined;
  return (
    `only ${bounds} custom bounds defined which is insufficient to cover total span length of ${reach}: ` +
    "histogram custom bounds are too few"
  );
}

function checkExponential(histogram: FloatHistogramFields): string | undefined {
  const positive = checkSpans(histogram.positiveSpans, histogram.positiveBuckets.length, 1);
  if (positive !== undefined) return `positive side: ${positive}`;
  const negative = checkSpans(histogram.negativeSpans, histogram.negativeBuckets.length, 1);
  if (negative !== undefined) return `negative side: ${negative}`;
  const buckets = checkBuckets("negative", histogram.negativeBuckets);
  if (buckets !== undefined) return buckets;
  if (histogram.zeroCount < 0) {
    return `zero bucket has observation count of ${formatGeneral(histogram.zeroCount)}: ${NEGATIVE_BUCKET}`;
  }
  return histogram.customValues.length > 0
    ? "histogram with exponential schema must not have custom bounds"
    : undefined;
}

/** Offsets must not be negative from span number `from` on. */
function checkSpans(spans: readonly Span[], bucketCount: number, from: number): string | undefined {
  let needed = 0;
  for (const [n, span] of spans.entries()) {
    if (n >= from && span.offset < 0) return `span number ${n + 1} with offset ${span.offset}: ${NEGATIVE_OFFSET}`;
    needed += span.length;
  }
  if (needed === bucketCount) return undefined;
  return `spans need ${needed} buckets, have ${bucketCount} buckets: ${SPANS_MISMATCH}`;
}

function checkBuckets(side: "positive" | "negative", buckets: Float64Array): string | undefined {
  for (const [i, count] of buckets.entries()) {
    if (count < 0) {
      return `${side} side: bucket number ${i + 1} has observation count of ${formatGeneral(count)}: ${NEGATIVE_BUCKET}`;
    }
  }
  return undefined;
}

function checkTotal(histogram: FloatHistogramFields): string | undefined {
  let found = histogram.zeroCount;
  for (const count of histogram.positiveBuckets) found += count;
  for (const count of histogram.negativeBuckets) found += count;
  const { count } = histogram;
  const facts = `${found} observations found in buckets, but the Count field is ${count}`;
  // Observations of NaN are in no bucket, and make the sum NaN.
  if (!Number.isNaN(histogram.sum)) {
    if (found === count) return undefined;
    return `${facts}: histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)`;
  }
  if (found <= count) return undefined;
  return `${facts}: histogram's observation count should be at least the number of observations found in the buckets`;
}

/** As Go's `%f`. */
function formatFixed(value: number): string {
  return Number.isFinite(value) ? value.toFixed(6) : formatGeneral(value);
}
