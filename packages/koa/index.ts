export { type KoaMetricsOptions, koaMetrics, koaMetrics as default } from "./koa-metrics.ts";
