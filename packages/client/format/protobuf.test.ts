// The protobuf format, read by another implementation of protobuf.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { Counter, collector, Family, Gauge, Histogram, Registry, Summary } from "../index.ts";

// What of io.prometheus.client.MetricFamily is written here. Source: prometheus/client_model.
const SCHEMA = `
syntax = "proto2";
message Timestamp { optional int64 seconds = 1; optional int32 nanos = 2; }
message LabelPair { optional string name = 1; optional string value = 2; }
message Exemplar { repeated LabelPair label = 1; optional double value = 2; optional Timestamp timestamp = 3; }
message Gauge { optional double value = 1; }
message Counter { optional double value = 1; optional Exemplar exemplar = 2; optional Timestamp created = 3; }
message Quantile { optional double quantile = 1; optional double value = 2; }
message Summary { optional uint64 count = 1; optional double sum = 2; repeated Quantile quantile = 3; optional Timestamp created = 4; }
message Bucket { optional uint64 count = 1; optional double bound = 2; optional Exemplar exemplar = 3; }
message Span { optional sint32 offset = 1; optional uint32 length = 2; }
message Histogram {
  optional uint64 count = 1; optional double sum = 2; repeated Bucket bucket = 3;
  optional sint32 schema = 5; optional double zero_threshold = 6; optional uint64 zero_count = 7;
  repeated Span negative_span = 9; repeated sint64 negative_delta = 10 [packed = false];
  repeated Span positive_span = 12; repeated sint64 positive_delta = 13 [packed = false];
  optional Timestamp created = 15; repeated Exemplar exemplars = 16;
}
message Metric {
  repeated LabelPair label = 1; optional Gauge gauge = 2; optional Counter counter = 3; optional Summary summary = 4;
  optional Gauge untyped = 5; optional int64 timestamp_ms = 6; optional Histogram histogram = 7;
}
message MetricFamily {
  optional string name = 1; optional string help = 2; optional int32 type = 3; repeated Metric metric = 4; optional string unit = 5;
}`;

const protobuf = createRequire(import.meta.url)("protobufjs");
const root = protobuf.parse(SCHEMA, { keepCase: true }).root;
const MetricFamily = root.lookupType("MetricFamily");

/** Messages as plain objects, whole numbers of 64 bits as numbers. */
async function families(registry: Registry): Promise<Record<string, unknown>[]> {
  const reader = protobuf.Reader.create((await registry.metrics("protobuf")) as Uint8Array);
  const found: Record<string, unknown>[] = [];
  while (reader.pos < reader.len) {
    found.push(MetricFamily.toObject(MetricFamily.decodeDelimited(reader), { longs: Number }));
  }
  return found;
}

const now = () => 1_700_000_000_500;
const created = { seconds: 1_700_000_000, nanos: 500_000_000 };

test("protobuf: counters, gauges, summaries, and a unit", async () => {
  const registry = new Registry();
  const options = { help: "h", registers: [registry], now };
  const counter = new Counter({
    name: "c_seconds_total",
    labelNames: ["é", "b"],
    utf8Names: true,
    unit: "seconds",
    ...options,
  });
  counter.labels({ é: 'x"\n😀', b: "" }).inc(2.5, { trace: "t" });
  new Gauge({ name: "g", ...options }).set(-Infinity);
  new Gauge({ name: "empty", labelNames: ["a"], ...options });
  const summary = new Summary({ name: "s", objectives: { 0.5: 0.1 }, ...options });
  summary.observe(3);
  registry.register(collector(() => [new Family("unknown", "u", "").add({}, 1, { timestamp: -1.5 })]));
  assert.deepEqual(await families(registry), [
    {
      name: "c_seconds_total",
      help: "h",
      type: 0,
      unit: "seconds",
      metric: [
        {
          label: [
            { name: "b", value: "" },
            { name: "_", value: 'x"\n😀' },
          ],
          counter: {
            value: 2.5,
            created,
            exemplar: { label: [{ name: "trace", value: "t" }], value: 2.5, timestamp: created },
          },
        },
      ],
    },
    { name: "g", help: "h", type: 1, metric: [{ gauge: { value: -Infinity } }] },
    {
      name: "s",
      help: "h",
      type: 2,
      metric: [{ summary: { count: 1, sum: 3, created, quantile: [{ quantile: 0.5, value: 3 }] } }],
    },
    { name: "u", type: 3, metric: [{ timestamp_ms: -1500, untyped: { value: 1 } }] },
  ]);
});

test("protobuf: histograms, classic and native", async () => {
  const registry = new Registry();
  const options = { help: "h", registers: [registry], now };
  const native = { bucketFactor: 2, zeroThreshold: 0 };
  const both = new Histogram({ name: "both", buckets: [1, 10], nativeHistogram: native, ...options });
  for (const value of [0, 3, -3, 100]) both.observe(value);
  both.observe(200, { trace: "t" });
  new Histogram({ name: "empty", nativeHistogram: native, ...options });
  const exemplar = { label: [{ name: "trace", value: "t" }], value: 200, timestamp: created };
  assert.deepEqual(await families(registry), [
    {
      name: "both",
      help: "h",
      type: 4,
      metric: [
        {
          histogram: {
            count: 5,
            sum: 300,
            bucket: [
              { count: 2, bound: 1 },
              { count: 3, bound: 10 },
              { count: 5, bound: Infinity, exemplar },
            ],
            schema: 0,
            zero_threshold: 0,
            zero_count: 1,
            negative_span: [{ offset: 2, length: 1 }],
            negative_delta: [1],
            positive_span: [
              { offset: 2, length: 1 },
              { offset: 4, length: 2 },
            ],
            positive_delta: [1, 0, 0],
            created,
            exemplars: [exemplar],
          },
        },
      ],
    },
    {
      name: "empty",
      help: "h",
      type: 4,
      metric: [
        {
          histogram: {
            count: 0,
            sum: 0,
            schema: 0,
            zero_threshold: 0,
            zero_count: 0,
            positive_span: [{ offset: 0, length: 0 }],
            created,
          },
        },
      ],
    },
  ]);
});
