export { type HonoMetricsOptions, honoMetrics, honoMetrics as default } from "./hono-metrics.ts";
