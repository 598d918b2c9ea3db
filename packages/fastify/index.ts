export { environmentLabels, serverAddress } from "./environment.ts";
export { InfrastructureMonitor, type MetricsPage, type RequestDescription } from "./monitor.ts";
export {
  type CustomLabel,
  type DefaultMetricsChoice,
  type Domain,
  type FastifyMetricsOptions,
  getEndpointRoute,
  getRequestDomain,
  type RouteMetricsChoice,
  type RouteOverrides,
} from "./options.ts";
export {
  type FastifyMetricsDecorator,
  fastifyMetrics,
  fastifyMetrics as default,
  infrastructureMetrics,
} from "./plugin.ts";
export { createInfrastructureMetrics, type InfrastructureMetrics, type MetricsSet } from "./register.ts";
