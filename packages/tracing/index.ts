export type { Clock } from "./clock.ts";
export type { TracingConfig } from "./config.ts";
export { nameServerSpan, startServerSpan } from "./http-spans.ts";
export {
  type AttributeValue,
  Span,
  type SpanAttributes,
  type SpanKind,
  type SpanSink,
  type SpanStart,
} from "./span.ts";
export type { OnOutcome, SpanOutcome } from "./span-batcher.ts";
export { type SpanContext, spanContextFrom } from "./span-context.ts";
export { SILENT_TRACER, Tracer, type TraceStart } from "./tracer.ts";
export { Tracing, type TracingOptions } from "./tracing.ts";
