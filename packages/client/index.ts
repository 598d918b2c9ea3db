export { Counter, CounterChild, type CounterConfig } from "./counter.ts";
export type {
  Collector,
  FamilyHeader,
  FamilyType,
  FamilyWriter,
  SampleExemplar,
  SampleExtras,
} from "./family-writer.ts";
export { Gauge, GaugeChild, type GaugeConfig } from "./gauge.ts";
export {
  DEFAULT_BUCKETS,
  exponentialBuckets,
  Histogram,
  HistogramChild,
  type HistogramConfig,
  linearBuckets,
} from "./histogram.ts";
export type { Child, LabelRecord, LabelTuple, LabelValue, MetricConfig } from "./metric.ts";
export { Metric } from "./metric.ts";
export { isValidLabelName, isValidMetricName, renderLabels } from "./names.ts";
export {
  type ExpositionFormat,
  type NegotiatedFormat,
  negotiateFormat,
  OPENMETRICS_CONTENT_TYPE,
  TEXT_CONTENT_TYPE,
} from "./negotiation.ts";
export { formatOpenMetricsValue, formatValue } from "./number-format.ts";
export { type Exposition, Registry, type RegistryOptions, register } from "./registry.ts";
export { Summary, SummaryChild, type SummaryConfig } from "./summary.ts";
