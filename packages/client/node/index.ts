export { collectDefaultMetrics, type DefaultMetricsOptions } from "./default-metrics.ts";
export { GoMetrics } from "./go-metrics.ts";
export { ProcessMetrics, processStartSeconds } from "./process-metrics.ts";
export { RuntimeMetrics, type RuntimeMetricsOptions } from "./runtime-metrics.ts";
