export { Aggregation } from "./aggregate/aggregation.ts";
export {
  type FamilySnapshot,
  type HistogramSnapshot,
  type SeriesSnapshot,
  type SummarySnapshot,
  takeSnapshot,
  type ValueSnapshot,
} from "./aggregate/snapshot.ts";
export { DEFAULT_BUCKETS, exponentialBuckets, exponentialBucketsRange, linearBuckets } from "./buckets.ts";
export { Child } from "./child.ts";
export { Counter, CounterChild, type CounterConfig, type ErrorClass, type ExceptionCount } from "./counter.ts";
export { AlreadyRegisteredError, TooManySeriesError } from "./errors.ts";
export { EXEMPLAR_MAX_CHARS, type ExemplarLabels, type ExemplarProvider } from "./exemplar.ts";
export {
  collector,
  Family,
  type FamilySample,
  type HistogramSample,
  type SummarySample,
  wrapped,
} from "./families.ts";
export { type EscapingScheme, escapeName } from "./format/escaping.ts";
export type {
  Collector,
  FamilyHeader,
  FamilyType,
  FamilyWriter,
  NativeBuckets,
  PartialCollector,
  SampleExemplar,
  SampleExtras,
  SeriesBudget,
} from "./format/family-writer.ts";
export { isValidLabelName, isValidMetricName, parseLabels, renderLabels } from "./format/names.ts";
export {
  type ExpositionFormat,
  type NegotiatedFormat,
  negotiateFormat,
  OPENMETRICS_CONTENT_TYPE,
  PROTOBUF_CONTENT_TYPE,
  TEXT_CONTENT_TYPE,
} from "./format/negotiation.ts";
export { formatOpenMetricsValue, formatValue } from "./format/number-format.ts";
export { Gauge, GaugeChild, type GaugeConfig, type InProgress } from "./gauge.ts";
export { Histogram, HistogramChild, type HistogramConfig } from "./histogram.ts";
export type { HandlerOptions } from "./http/exposition-handler.ts";
export { fetchHandler } from "./http/fetch-handler.ts";
export { type Facts, Info, InfoChild, type InfoConfig } from "./info.ts";
export type { Decorator } from "./instrument.ts";
export {
  type LabelKind,
  type LabelRecord,
  type LabelSchema,
  type LabelTuple,
  type LabelValue,
  labelSchema,
  type WithLabels,
} from "./label-types.ts";
export { lintFamily } from "./lint.ts";
export {
  type Curried,
  type GaugeMode,
  Metric,
  type MetricConfig,
  OVERFLOW_VALUE,
  type OverflowPolicy,
} from "./metric.ts";
export type { NativeHistogramConfig } from "./native-buckets.ts";
export { type Grouping, groupingPath } from "./push/grouping.ts";
export {
  deleteFromGateway,
  PushError,
  type PushOptions,
  type PushRequest,
  pushAddToGateway,
  pushToGateway,
} from "./push/push-client.ts";
export {
  type Exposable,
  type ExposeOptions,
  type Exposition,
  type MergedRegistries,
  type MergeOptions,
  Registry,
  type RegistryOptions,
  register,
} from "./registry.ts";
export { StateSet, StateSetChild, type StateSetConfig } from "./state-set.ts";
export { Summary, SummaryChild, type SummaryConfig } from "./summary.ts";
export type { LabelsOrChoice, Outcome, Timer } from "./timer.ts";
