// The whole interface as one object: what `require` returns, and what a default import gets. Its `contentType` can be set.
import { exponentialBuckets, linearBuckets } from "../buckets.ts";
import { isValidMetricName } from "../format/names.ts";
import { AggregatorFactory, aggregators } from "./aggregators.ts";
import { AggregatorRegistry } from "./cluster.ts";
import { Counter } from "./counter.ts";
import { collectDefaultMetrics } from "./default-metrics.ts";
import { Gauge } from "./gauge.ts";
import { Histogram } from "./histogram.ts";
import { Pushgateway } from "./pushgateway.ts";
import { globalRegistry, Registry } from "./registry.ts";
import { Summary } from "./summary.ts";
import type { OpenMetricsContentType, PrometheusContentType, RegistryContentType } from "./types.ts";

export const prometheusContentType: PrometheusContentType = Registry.PROMETHEUS_CONTENT_TYPE;
export const openMetricsContentType: OpenMetricsContentType = Registry.OPENMETRICS_CONTENT_TYPE;

/** The type of the object. */
export interface Client {
  readonly register: Registry;
  readonly Registry: typeof Registry;
  /** Of the global registry. */
  contentType: RegistryContentType;
  readonly prometheusContentType: PrometheusContentType;
  readonly openMetricsContentType: OpenMetricsContentType;
  readonly validateMetricName: (name: string) => boolean;
  readonly Counter: typeof Counter;
  readonly Gauge: typeof Gauge;
  readonly Histogram: typeof Histogram;
  readonly Summary: typeof Summary;
  readonly Pushgateway: typeof Pushgateway;
  readonly linearBuckets: typeof linearBuckets;
  readonly exponentialBuckets: typeof exponentialBuckets;
  readonly collectDefaultMetrics: typeof collectDefaultMetrics;
  readonly aggregators: typeof aggregators;
  readonly AggregatorFactory: typeof AggregatorFactory;
  readonly AggregatorRegistry: typeof AggregatorRegistry;
}

const client: Client = {
  register: globalRegistry,
  Registry,
  get contentType() {
    return globalRegistry.contentType;
  },
  set contentType(value) {
    globalRegistry.setContentType(value);
  },
  prometheusContentType,
  openMetricsContentType,
  validateMetricName: isValidMetricName,
  Counter,
  Gauge,
  Histogram,
  Summary,
  Pushgateway,
  linearBuckets,
  exponentialBuckets,
  collectDefaultMetrics,
  aggregators,
  AggregatorFactory,
  AggregatorRegistry,
};

export default client;
