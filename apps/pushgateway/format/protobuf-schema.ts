// Field numbers of the schema `io.prometheus.client`, for its reader and its writer.
// Source: github.com/prometheus/client_model, io/prometheus/client/metrics.proto.

export const FAMILY = { name: 1, help: 2, type: 3, metric: 4, unit: 5 } as const;
export const METRIC = { label: 1, gauge: 2, counter: 3, summary: 4, untyped: 5, timestampMs: 6, histogram: 7 } as const;
export const LABEL = { name: 1, value: 2 } as const;
/** Gauge and untyped have only the first. */
export const COUNTER = { value: 1, exemplar: 2, created: 3 } as const;
export const SUMMARY = { count: 1, sum: 2, quantile: 3, created: 4 } as const;
export const QUANTILE = { quantile: 1, value: 2 } as const;
export const HISTOGRAM = {
  count: 1,
  sum: 2,
  bucket: 3,
  floatCount: 4,
  schema: 5,
  zeroThreshold: 6,
  zeroCount: 7,
  zeroFloatCount: 8,
  negativeSpan: 9,
  negativeDelta: 10,
  negativeCount: 11,
  positiveSpan: 12,
  positiveDelta: 13,
  positiveCount: 14,
  created: 15,
  exemplar: 16,
} as const;
export const BUCKET = { count: 1, bound: 2, exemplar: 3, floatCount: 4 } as const;
export const SPAN = { offset: 1, length: 2 } as const;
export const EXEMPLAR = { label: 1, value: 2, at: 3 } as const;
/** `google.protobuf.Timestamp`. */
export const INSTANT = { seconds: 1, nanos: 2 } as const;
