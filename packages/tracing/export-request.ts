// Spans as bytes: opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest. Source: OpenTelemetry's trace.proto, common.proto.
import { WireReader, WireType, WireWriter } from "@narthex/encoding";
import type { AttributeValue, Span, SpanEvent, SpanKind } from "./span.ts";

/** Numbers of fields, by message. */
export const Field = {
  request: { resourceSpans: 1 },
  resourceSpans: { resource: 1, scopeSpans: 2 },
  resource: { attributes: 1 },
  scopeSpans: { scope: 1, spans: 2 },
  scope: { name: 1, version: 2 },
  span: {
    traceId: 1,
    spanId: 2,
    traceState: 3,
    parentSpanId: 4,
    name: 5,
    kind: 6,
    start: 7,
    end: 8,
    attributes: 9,
    events: 11,
    status: 15,
    flags: 16,
  },
  event: { time: 1, name: 2, attributes: 3 },
  status: { message: 2, code: 3 },
  keyValue: { key: 1, value: 2 },
  anyValue: { text: 1, bool: 2, int: 3, double: 4, list: 5 },
  arrayValue: { values: 1 },
  response: { partialSuccess: 1 },
  partialSuccess: { rejectedSpans: 1, errorMessage: 2 },
} as const;

export const KIND_NUMBERS: Readonly<Record<SpanKind, number>> = { internal: 1, server: 2, client: 3 };
/** Of `Status.code`: an error. */
export const STATUS_ERROR = 2;
/** Of `Span.flags`: recorded; it is known whether the parent is remote; it is. */
const FLAG_SAMPLED = 0x01;
const FLAG_KNOWS_REMOTE = 0x100;
const FLAG_IS_REMOTE = 0x200;

/** Whose spans they are. */
export interface TraceResource {
  /** Attributes of the program, as `service.name`. */
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly scopeName: string;
  readonly scopeVersion: string;
}

/** One request with all of `spans`, in memory of its own. */
export function encodeExportRequest(resource: TraceResource, spans: readonly Span[]): Uint8Array {
  const writer = new WireWriter(256 * (spans.length + 1));
  const ofResource = writer.begin(Field.request.resourceSpans);
  const about = writer.begin(Field.resourceSpans.resource);
  writeAttributes(writer, Field.resource.attributes, Object.entries(resource.attributes));
  writer.end(about);
  const ofScope = writer.begin(Field.resourceSpans.scopeSpans);
  const scope = writer.begin(Field.scopeSpans.scope);
  writer.textField(Field.scope.name, resource.scopeName);
  writer.textField(Field.scope.version, resource.scopeVersion);
  writer.end(scope);
  for (const span of spans) writeSpan(writer, span);
  writer.end(ofScope);
  writer.end(ofResource);
  return writer.toBytes();
}

function writeSpan(writer: WireWriter, span: Span): void {
  const { traceId, spanId, traceState, parentId, name, kind, startMs, endMs, attributes, events, error } = span;
  const mark = writer.begin(Field.scopeSpans.spans);
  writer.bytesField(Field.span.traceId, Buffer.from(traceId, "hex"));
  writer.bytesField(Field.span.spanId, Buffer.from(spanId, "hex"));
  if (traceState !== "") writer.textField(Field.span.traceState, traceState);
  if (parentId !== "") writer.bytesField(Field.span.parentSpanId, Buffer.from(parentId, "hex"));
  writer.textField(Field.span.name, name);
  writer.uintField(Field.span.kind, KIND_NUMBERS[kind]);
  writeTime(writer, Field.span.start, startMs);
  writeTime(writer, Field.span.end, endMs);
  writeAttributes(writer, Field.span.attributes, attributes);
  for (const event of events) writeEvent(writer, event);
  if (error !== undefined) {
    const status = writer.begin(Field.span.status);
    writer.textField(Field.status.message, error);
    writer.uintField(Field.status.code, STATUS_ERROR);
    writer.end(status);
  }
  writer.tag(Field.span.flags, WireType.fixed32);
  writeFixed32(writer, FLAG_SAMPLED | FLAG_KNOWS_REMOTE | (span.hasRemoteParent ? FLAG_IS_REMOTE : 0));
  writer.end(mark);
}

function writeEvent(writer: WireWriter, { name, timeMs, attributes }: SpanEvent): void {
  const mark = writer.begin(Field.span.events);
  writeTime(writer, Field.event.time, timeMs);
  writer.textField(Field.event.name, name);
  writeAttributes(writer, Field.event.attributes, Object.entries(attributes));
  writer.end(mark);
}

function writeAttributes(
  writer: WireWriter,
  field: number,
  attributes: Iterable<readonly [name: string, value: AttributeValue]>,
): void {
  for (const [name, value] of attributes) {
    const mark = writer.begin(field);
    writer.textField(Field.keyValue.key, name);
    const inner = writer.begin(Field.keyValue.value);
    writeValue(writer, value);
    writer.end(inner);
    writer.end(mark);
  }
}

function writeValue(writer: WireWriter, value: AttributeValue): void {
  const { anyValue } = Field;
  if (typeof value === "string") writer.textField(anyValue.text, value);
  else if (typeof value === "boolean") writer.uintField(anyValue.bool, value ? 1 : 0);
  else if (typeof value !== "number") {
    const list = writer.begin(anyValue.list);
    for (const text of value) {
      const mark = writer.begin(Field.arrayValue.values);
      writer.textField(anyValue.text, text);
      writer.end(mark);
    }
    writer.end(list);
  } else if (Number.isSafeInteger(value)) writer.intField(anyValue.int, value);
  else writer.doubleField(anyValue.double, value);
}

/** Nanoseconds since the epoch as `fixed64`: more than a float holds exactly. */
function writeTime(writer: WireWriter, field: number, timeMs: number): void {
  const wholeMs = Math.floor(timeMs);
  const nanoseconds = BigInt(wholeMs) * 1_000_000n + BigInt(Math.round((timeMs - wholeMs) * 1e6));
  // A double's bits are a `fixed64` too.
  writer.doubleBitsField(field, Number(nanoseconds >> 32n), Number(nanoseconds & 0xffff_ffffn));
}

function writeFixed32(writer: WireWriter, value: number): void {
  for (let shift = 0; shift < 32; shift += 8) writer.uint8((value >>> shift) & 0xff);
}

/** What a collector says of spans that it did not take, though it took the request; "" for nothing. */
export function refusalOf(response: Uint8Array): string {
  try {
    const reader = new WireReader(response);
    let rejected = 0;
    let message = "";
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field !== Field.response.partialSuccess) {
        reader.skipField();
        continue;
      }
      const outer = reader.enter();
      for (let inner = reader.nextField(); inner !== 0; inner = reader.nextField()) {
        if (inner === Field.partialSuccess.rejectedSpans) rejected = reader.intField();
        else if (inner === Field.partialSuccess.errorMessage) message = reader.textField();
        else reader.skipField();
      }
      reader.leave(outer);
    }
    return rejected === 0 && message === "" ? "" : `${rejected} spans were rejected: ${message}`;
  } catch {
    // The status said that the request was taken; what is told beside it need not be of this format.
    return "";
  }
}
