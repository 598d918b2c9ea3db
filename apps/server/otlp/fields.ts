// Numbers of the messages' fields. Source: opentelemetry-proto, collector/metrics/v1, metrics/v1, resource/v1, common/v1.

export const RequestField = { resourceMetrics: 1 } as const;
export const ResourceMetricsField = { resource: 1, scopeMetrics: 2, schemaUrl: 3 } as const;
export const ResourceField = { attributes: 1 } as const;
export const ScopeMetricsField = { scope: 1, metrics: 2, schemaUrl: 3 } as const;
export const ScopeField = { name: 1, version: 2, attributes: 3 } as const;
export const MetricField = {
  name: 1,
  description: 2,
  unit: 3,
  gauge: 5,
  sum: 7,
  histogram: 9,
  exponentialHistogram: 10,
  summary: 11,
} as const;
/** Of gauges, sums, histograms and summaries alike; the latter two only where there are such. */
export const DataField = { points: 1, temporality: 2, isMonotonic: 3 } as const;
export const NumberPointField = {
  startTime: 2,
  time: 3,
  asDouble: 4,
  exemplars: 5,
  asInt: 6,
  attributes: 7,
  flags: 8,
} as const;
export const HistogramPointField = {
  startTime: 2,
  time: 3,
  count: 4,
  sum: 5,
  bucketCounts: 6,
  explicitBounds: 7,
  exemplars: 8,
  attributes: 9,
  flags: 10,
} as const;
export const ExponentialPointField = {
  attributes: 1,
  startTime: 2,
  time: 3,
  count: 4,
  sum: 5,
  scale: 6,
  zeroCount: 7,
  positive: 8,
  negative: 9,
  flags: 10,
  exemplars: 11,
} as const;
export const BucketsField = { offset: 1, bucketCounts: 2 } as const;
export const SummaryPointField = {
  startTime: 2,
  time: 3,
  count: 4,
  sum: 5,
  quantiles: 6,
  attributes: 7,
  flags: 8,
} as const;
export const QuantileField = { quantile: 1, value: 2 } as const;
export const ExemplarField = { time: 2, asDouble: 3, spanId: 4, traceId: 5, asInt: 6, attributes: 7 } as const;
export const KeyValueField = { key: 1, value: 2 } as const;
export const AnyValueField = { text: 1, bool: 2, int: 3, double: 4, array: 5, map: 6, bytes: 7 } as const;
/** Of `ArrayValue` and `KeyValueList`. */
export const ListField = { values: 1 } as const;

export const Temporality = { unspecified: 0, delta: 1, cumulative: 2 } as const;
/** The point says that there is no value any more. */
export const NO_RECORDED_VALUE = 1;
