export { exposeAll, exposeText, pageOf } from "./exposition.ts";
export { type FetchHandler, type FetchOptions, measureFetch, metricsResponse } from "./fetch-handler.ts";
export { type MeasuredRequest, measureRequest } from "./fetch-request.ts";
export {
  declaredBytes,
  type HistogramOptions,
  HttpMetrics,
  type HttpMetricsOptions,
  MAX_LABEL_VALUES,
  type OpenRequest,
  type RequestRecord,
  SIZE_BUCKETS,
  type SummaryOptions,
  traceOf,
} from "./http-metrics.ts";
export { isIgnored, pathOf, USUAL_IGNORED } from "./ignored-paths.ts";
export { LabelCap, OVERFLOW_VALUE } from "./label-cap.ts";
export { type MiddlewareOptions, type MiddlewareParts, middlewareParts, registriesFor } from "./middleware.ts";
export { labelOr, type MethodCase, methodLabel, STATUS_ABORTED, statusLabel, UNKNOWN_ROUTE } from "./request-labels.ts";
export { replaceUrlValues, type UrlValueOptions } from "./url-values.ts";
