export { collectDefaultMetrics, type DefaultMetricsOptions, type StopDefaultMetrics } from "./default-metrics.ts";
export { GoMetrics } from "./go-metrics.ts";
export { GraphiteBridge, type GraphiteOptions } from "./graphite-bridge.ts";
export {
  httpHandler,
  type MetricsServer,
  type MetricsServerOptions,
  type StreamedAnswer,
  startHttpServer,
  streamHandler,
} from "./http-handler.ts";
export { instanceIpGroupingKey } from "./instance-ip.ts";
export { ProcessMetrics, processStartSeconds } from "./process-metrics.ts";
export { RuntimeMetrics, type RuntimeMetricsOptions } from "./runtime-metrics.ts";
export { writeTextfile } from "./textfile.ts";
export { answerMetricsRequests, WorkerMetrics, type WorkerMetricsOptions } from "./worker-metrics.ts";
