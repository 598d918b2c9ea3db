export { exponentialBuckets, linearBuckets } from "../buckets.ts";
export { isValidMetricName as validateMetricName } from "../format/names.ts";
export { AggregatorFactory, type AggregatorFunction, aggregators } from "./aggregators.ts";
export { default, openMetricsContentType, prometheusContentType } from "./client.ts";
export { AggregatorRegistry } from "./cluster.ts";
export { Counter, type CounterConfiguration, type IncreaseDataWithExemplar } from "./counter.ts";
export { collectDefaultMetrics, type DefaultMetricsCollectorConfiguration } from "./default-metrics.ts";
export { Gauge, type GaugeConfiguration } from "./gauge.ts";
export { Histogram, type HistogramConfiguration, type ObserveDataWithExemplar } from "./histogram.ts";
export type { CollectFunction, MetricConfiguration } from "./metric.ts";
export { Metric } from "./metric.ts";
export { Pushgateway, type PushgatewayOptions, type PushParameters, type PushResult } from "./pushgateway.ts";
export { globalRegistry as register, Registry } from "./registry.ts";
export { Summary, type SummaryConfiguration } from "./summary.ts";
export type {
  Aggregator,
  LabelValues,
  MetricObject,
  MetricValue,
  OpenMetricsContentType,
  PrometheusContentType,
  RegistryContentType,
} from "./types.ts";
