export {
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  type FloatHistogramFields,
  type Span,
} from "./histogram/float-histogram.ts";
export { compareStrings, Labels, METRIC_NAME } from "./labels.ts";
export { Matcher, type MatchType } from "./matcher.ts";
export { compileRegex, type Regex, RegexSyntaxError } from "./regex.ts";
export {
  type Exemplar,
  isStaleAt,
  type Metadata,
  type MetricType,
  NORMAL_NAN_HIGH,
  NORMAL_NAN_LOW,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "./sample.ts";
