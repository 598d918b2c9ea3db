export {
  HypertracePrometheus,
  HypertracePrometheus as default,
  type HypertracePrometheusOptions,
  type PromClientRegistry,
} from "./adapter.ts";
export {
  type Caller,
  clearTraceFunction,
  createTracer,
  Hypertrace,
  type Props,
  setTraceFunction,
  type Trace,
  type TracedObject,
  type TraceFunction,
  type Tracer,
  type TracerOptions,
} from "./tracer.ts";
