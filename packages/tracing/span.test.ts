import assert from "node:assert/strict";
import { test } from "node:test";
import protobuf from "protobufjs";
import { encodeExportRequest, refusalOf } from "./export-request.ts";
import { RandomIds } from "./random-ids.ts";
import { MAX_ATTRIBUTES, MAX_EVENTS, MAX_TEXT_CHARS, Span, type SpanSink } from "./span.ts";
import { spanContextFrom } from "./span-context.ts";
import { spansOf } from "./testing.ts";
import { Tracer } from "./tracer.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const PARENT = "b7ad6b7169203331";

/** The fields that are written, as OpenTelemetry's trace.proto and common.proto number them. */
const SCHEMA = `syntax = "proto3";
message Request { repeated ResourceSpans resource_spans = 1; }
message ResourceSpans { Resource resource = 1; repeated ScopeSpans scope_spans = 2; }
message Resource { repeated KeyValue attributes = 1; }
message ScopeSpans { Scope scope = 1; repeated Span spans = 2; }
message Scope { string name = 1; string version = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; string trace_state = 3; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; fixed64 end_time_unix_nano = 8; repeated KeyValue attributes = 9;
  repeated Event events = 11; Status status = 15; fixed32 flags = 16;
}
message Event { fixed64 time_unix_nano = 1; string name = 2; repeated KeyValue attributes = 3; }
message Status { string message = 2; int32 code = 3; }
message KeyValue { string key = 1; AnyValue value = 2; }
message AnyValue {
  oneof value { string string_value = 1; bool bool_value = 2; int64 int_value = 3; double double_value = 4; ArrayValue array_value = 5; }
}
message ArrayValue { repeated AnyValue values = 1; }
message Response { PartialSuccess partial_success = 1; }
message PartialSuccess { int64 rejected_spans = 1; string error_message = 2; }`;

class Kept implements SpanSink {
  readonly ids: RandomIds = new RandomIds();
  readonly spans: Span[] = [];
  nowMs = 1_700_000_000_000.25;

  now(): number {
    return this.nowMs;
  }

  add(span: Span): void {
    this.spans.push(span);
  }
}

test("traceparent: what is one is read, flags and state included, and what is not is nothing", () => {
  const read = (traceparent: string, tracestate?: string) => spanContextFrom({ traceparent, tracestate });
  const context = { traceId: TRACE, spanId: PARENT, isSampled: true, traceState: "" };
  assert.deepEqual(read(`00-${TRACE}-${PARENT}-01`), context);
  assert.deepEqual(read(`00-${TRACE}-${PARENT}-00`), { ...context, isSampled: false });
  assert.deepEqual(read(`cc-${TRACE}-${PARENT}-03-later`), context);
  assert.deepEqual(read(`00-${TRACE}-${PARENT}-01`, "congo=t61"), { ...context, traceState: "congo=t61" });
  assert.deepEqual(read(`00-${TRACE}-${PARENT}-01`, "x".repeat(513)), context);
  for (const wrong of [
    "",
    "00",
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE}-${PARENT}-01-more`,
    `ff-${TRACE}-${PARENT}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${"0".repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
  ]) {
    assert.equal(read(wrong), undefined, wrong);
  }
  assert.equal(spanContextFrom({}), undefined);
});

test("tracer: what is off, left out by chance or unwanted by the caller is not recorded; what the caller wants is", () => {
  const tracer = new Tracer();
  const kept = new Kept();
  assert.equal(tracer.isOn, false);
  assert.equal(tracer.start("off"), undefined);
  tracer.use(kept, 0);
  assert.equal(tracer.start("none of them"), undefined);
  const parent = { traceId: TRACE, spanId: PARENT, isSampled: true, traceState: "a=b" };
  const wanted = tracer.start("wanted", { kind: "server", parent }) as Span;
  assert.deepEqual([wanted.traceId, wanted.parentId, wanted.traceState], [TRACE, PARENT, "a=b"]);
  tracer.use(kept, 1);
  assert.equal(tracer.start("unwanted", { parent: { ...parent, isSampled: false } }), undefined);
  const root = tracer.start("all of them") as Span;
  const child = root.child("part", { kind: "client" });
  assert.deepEqual([child.traceId, child.parentId], [root.traceId, root.spanId]);
  const headers: Record<string, string> = {};
  child.tell(headers);
  assert.deepEqual(headers, { traceparent: `00-${root.traceId}-${child.spanId}-01` });
  assert.notEqual(root.traceId, (tracer.start("another") as Span).traceId);
});

test("ratio of trace ids: the second half of an id, without its lowest bit, decides", () => {
  let next = "";
  const ids = new RandomIds((bytes) => {
    for (let i = 0; i < bytes.length; i += 16) bytes.set(Buffer.from(next, "hex"), i);
  });
  const drawn = (secondHalf: string, share: number) => {
    next = `00000000000000ff${secondHalf}`;
    // Whatever is left of the stock is drawn away.
    for (let i = 0; i < 256; i++) ids.traceIdBelow(0.5);
    return ids.traceIdBelow(share);
  };
  assert.equal(drawn("7fffffff00000001", 0.5), "00000000000000ff7fffffff00000001");
  assert.equal(drawn("8000000000000000", 0.5), undefined);
  assert.equal(drawn("ffffffffffffffff", 1), "00000000000000ffffffffffffffffff");
  assert.equal(drawn("0000000000000001", 0), undefined);
  assert.equal(drawn("0000000000000001", Number.NaN), undefined);
});

test("ratio of trace ids: a tenth of many traces is about a tenth", () => {
  const ids = new RandomIds();
  let count = 0;
  for (let i = 0; i < 20_000; i++) if (ids.traceIdBelow(0.1) !== undefined) count++;
  assert.ok(count > 1700 && count < 2300, String(count));
});

test("span: texts are cut, attributes and events have a bound, and only the first end counts", () => {
  const kept = new Kept();
  const span = new Span(kept, "bounded", TRACE, undefined);
  for (let i = 0; i < MAX_ATTRIBUTES + 10; i++) span.set(`a${i}`, "x".repeat(MAX_TEXT_CHARS + 1));
  for (let i = 0; i < MAX_EVENTS + 3; i++) span.fail(new TypeError(`no ${i}`));
  span.end();
  kept.nowMs += 1000;
  span.end();
  assert.equal(span.attributes.size, MAX_ATTRIBUTES);
  assert.equal((span.attributes.get("a0") as string).length, MAX_TEXT_CHARS);
  assert.equal(span.events.length, MAX_EVENTS);
  assert.equal(span.endMs, 1_700_000_000_000.25);
  assert.deepEqual(kept.spans, [span]);
});

test("encoding: another implementation reads of a request what the spans say", () => {
  const kept = new Kept();
  const parent = { traceId: TRACE, spanId: PARENT, isSampled: true, traceState: "a=b" };
  const span = new Span(kept, "GET /x", TRACE, parent, {
    kind: "server",
    attributes: { text: "ä", yes: true, whole: -7, part: 0.5, list: ["a", "b"] },
  });
  span.fail(new TypeError("broken"));
  kept.nowMs += 12.5;
  span.end();
  span.child("inside").end();
  const bytes = encodeExportRequest(
    { attributes: { "service.name": "prometheus" }, scopeName: "scope", scopeVersion: "1" },
    kept.spans,
  );
  const message = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType("Request");
  const shown = message.toObject(message.decode(bytes), { longs: String, bytes: String }) as {
    resource_spans: {
      resource: unknown;
      scope_spans: { scope: unknown; spans: Record<string, unknown>[] }[];
    }[];
  };
  const base64 = (hex: string) => Buffer.from(hex, "hex").toString("base64");
  const [{ resource, scope_spans: scopes }] = shown.resource_spans as [(typeof shown.resource_spans)[0]];
  assert.deepEqual(resource, { attributes: [{ key: "service.name", value: { string_value: "prometheus" } }] });
  const [{ scope, spans }] = scopes as [(typeof scopes)[0]];
  assert.deepEqual(scope, { name: "scope", version: "1" });
  assert.deepEqual(spans[0], {
    trace_id: base64(TRACE),
    span_id: base64(span.spanId),
    trace_state: "a=b",
    parent_span_id: base64(PARENT),
    name: "GET /x",
    kind: 2,
    start_time_unix_nano: "1700000000000250000",
    end_time_unix_nano: "1700000000012750000",
    attributes: [
      { key: "text", value: { string_value: "ä" } },
      { key: "yes", value: { bool_value: true } },
      { key: "whole", value: { int_value: "-7" } },
      { key: "part", value: { double_value: 0.5 } },
      { key: "list", value: { array_value: { values: [{ string_value: "a" }, { string_value: "b" }] } } },
    ],
    events: [
      {
        time_unix_nano: "1700000000000250000",
        name: "exception",
        attributes: [
          { key: "exception.type", value: { string_value: "TypeError" } },
          { key: "exception.message", value: { string_value: "broken" } },
        ],
      },
    ],
    status: { message: "broken", code: 2 },
    flags: 0x301,
  });
  assert.deepEqual([spans[1]?.["parent_span_id"], spans[1]?.["flags"]], [base64(span.spanId), 0x101]);
  assert.deepEqual(
    spansOf(bytes).map(({ name, parentId }) => [name, parentId]),
    [
      ["GET /x", PARENT],
      ["inside", span.spanId],
    ],
  );
});

test("answer of a collector: spans that it rejected are told, an empty or strange answer tells nothing", () => {
  const message = protobuf.parse(SCHEMA, { keepCase: true }).root.lookupType("Response");
  const bytes = message.encode({ partial_success: { rejected_spans: 3, error_message: "too old" } }).finish();
  assert.equal(refusalOf(bytes), "3 spans were rejected: too old");
  assert.equal(refusalOf(new Uint8Array(0)), "");
  assert.equal(refusalOf(Buffer.from("{}")), "");
});
