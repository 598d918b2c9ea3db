// The tutorial's metrics, with `fastify.prometheus.monitor` for whoever wants to count more.
export { infrastructureMetrics as default } from "@narthex/fastify";
