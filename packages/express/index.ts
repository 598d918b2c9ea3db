export {
  type BundleOptions,
  type ExpressMetrics,
  expressMetrics,
  expressMetrics as default,
  type MetricLabels,
  type PathReplacement,
} from "./express-metrics.ts";
