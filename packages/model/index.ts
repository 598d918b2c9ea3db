export { DurationError, formatDuration, parseDuration, parseSignedDuration } from "./duration.ts";
export {
  addHistogram,
  compactHistogram,
  copyHistogram,
  copyToSchema,
  createCompensation,
  createHistogram,
  detectReset,
  divideHistogram,
  hasOverflow,
  histogramsEqual,
  kahanAddHistogram,
  multiplyHistogram,
  type Reconciliation,
  reduceResolution,
  subtractHistogram,
} from "./histogram/arithmetic.ts";
export {
  allBuckets,
  allBucketsReversed,
  type Bucket,
  type BucketCursor,
  bucketBound,
  isCustomBucketsSchema,
  isExponentialSchema,
  negativeBuckets,
  negativeBucketsReversed,
  positiveBuckets,
  positiveBucketsReversed,
  reducedIndex,
} from "./histogram/buckets.ts";
export {
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogramFields,
  type Span,
} from "./histogram/float-histogram.ts";
export {
  floatFromInteger,
  type IntegerHistogramFields,
  integerFromFloat,
} from "./histogram/integer-histogram.ts";
export { KahanSum } from "./histogram/kahan.ts";
export { exp2, log2 } from "./histogram/logarithm.ts";
export {
  histogramAverage,
  histogramDeviation,
  histogramFraction,
  histogramQuantile,
  histogramVariance,
  type NanNotes,
} from "./histogram/quantile.ts";
export {
  histogramToString,
  histogramToTestExpression,
  type PrintedBucket,
  printedBuckets,
} from "./histogram/text.ts";
export { trimHistogram } from "./histogram/trim.ts";
export { validateHistogram } from "./histogram/validate.ts";
export { compareStrings, Labels, METRIC_NAME } from "./labels.ts";
export { Matcher, type MatchType } from "./matcher.ts";
export { isValidLabelName, isValidLabelValue, isValidMetricName, type NameScheme } from "./name.ts";
export { type EscapingScheme, escapeName, unescapeName } from "./name-escaping.ts";
export { formatDecimal, formatFloat, formatGeneral, parseFloatStrict } from "./number.ts";
export { quote } from "./quote.ts";
export { compileRegex, type Regex, RegexSyntaxError } from "./regex/regex.ts";
export { compileReplaceRegex, type ReplaceRegex } from "./regex/replace.ts";
export { compileSearchRegex, type SearchRegex } from "./regex/search.ts";
export {
  type Exemplar,
  isStaleAt,
  isStaleNumber,
  type Metadata,
  type MetricType,
  NORMAL_NAN_HIGH,
  NORMAL_NAN_LOW,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "./sample.ts";
