// What `require` returns: the adapter, as hypertrace-prometheus has it, with all else at hand.
import { HypertracePrometheus } from "./adapter.ts";
import { clearTraceFunction, createTracer, Hypertrace, setTraceFunction } from "./tracer.ts";

export default Object.assign(HypertracePrometheus, {
  HypertracePrometheus,
  Hypertrace,
  clearTraceFunction,
  createTracer,
  setTraceFunction,
}) as typeof HypertracePrometheus;
