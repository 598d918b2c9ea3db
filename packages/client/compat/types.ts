// The shapes that prom-client's callers know.

export type PrometheusContentType = "text/plain; version=0.0.4; charset=utf-8";
export type OpenMetricsContentType = "application/openmetrics-text; version=1.0.0; charset=utf-8";
export type RegistryContentType = PrometheusContentType | OpenMetricsContentType;

/** How values of several processes become one. */
export type Aggregator = "omit" | "sum" | "first" | "min" | "max" | "average";

/** Labels of a call; any of the metric's may be left out. */
export type LabelValues<T extends string> = [T] extends [never]
  ? Partial<Record<string, never>>
  : Partial<Record<T, string | number>>;

/** Any labels, where it does not matter whose they are. */
export type AnyLabels = Readonly<Record<string, unknown>>;

/** The last exemplar of a series or bucket. */
export interface Exemplar {
  labelSet: Record<string, unknown>;
  value: number;
  /** Seconds since the epoch. */
  timestamp: number;
}

/** One sample. */
export interface MetricValue {
  value: number;
  labels: Record<string, string | number>;
  metricName?: string;
  exemplar?: Exemplar | null | undefined;
  /** For the text only: labels that stand after those of the registry. */
  sharedLabels?: Record<string, string | number>;
}

/** A family with its samples, as `get` and `getMetricsAsJSON` return it. */
export interface MetricObject {
  name: string;
  help: string;
  type: string;
  values: MetricValue[];
  aggregator: Aggregator;
}

/** What a registry needs of a metric. */
export interface RegistrableMetric {
  readonly name?: string;
  get(): MetricObject | Promise<MetricObject>;
  getForPromString?(): Promise<MetricObject>;
  reset?(): void;
}
