import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { ExpositionError } from "./errors.ts";
import { ProtobufParser } from "./protobuf-parser.ts";

const SCHEMA = `syntax = "proto2"; package io.prometheus.client;
  message LabelPair { optional string name = 1; optional string value = 2; }
  enum MetricType { COUNTER = 0; GAUGE = 1; SUMMARY = 2; UNTYPED = 3; HISTOGRAM = 4; GAUGE_HISTOGRAM = 5; }
  message Timestamp { optional int64 seconds = 1; optional int32 nanos = 2; }
  message Gauge { optional double value = 1; }
  message Exemplar { repeated LabelPair label = 1; optional double value = 2; optional Timestamp timestamp = 3; }
  message Counter { optional double value = 1; optional Exemplar exemplar = 2; optional Timestamp created_timestamp = 3; }
  message Quantile { optional double quantile = 1; optional double value = 2; }
  message Summary { optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Quantile quantile = 3;
    optional Timestamp created_timestamp = 4; }
  message Untyped { optional double value = 1; }
  message Bucket { optional uint64 cumulative_count = 1; optional double upper_bound = 2; optional Exemplar exemplar = 3;
    optional double cumulative_count_float = 4; }
  message BucketSpan { optional sint32 offset = 1; optional uint32 length = 2; }
  message Histogram { optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Bucket bucket = 3;
    optional double sample_count_float = 4; optional sint32 schema = 5; optional double zero_threshold = 6;
    optional uint64 zero_count = 7; optional double zero_count_float = 8; repeated BucketSpan negative_span = 9;
    repeated sint64 negative_delta = 10; repeated double negative_count = 11; repeated BucketSpan positive_span = 12;
    repeated sint64 positive_delta = 13 PACKED; repeated double positive_count = 14 PACKED;
    optional Timestamp created_timestamp = 15; repeated Exemplar exemplars = 16; }
  message Metric { repeated LabelPair label = 1; optional Gauge gauge = 2; optional Counter counter = 3;
    optional Summary summary = 4; optional Untyped untyped = 5; optional int64 timestamp_ms = 6;
    optional Histogram histogram = 7; }
  message MetricFamily { optional string name = 1; optional string help = 2; optional MetricType type = 3;
    repeated Metric metric = 4; optional string unit = 5; }`;

/** Families as another implementation writes them, each behind its length. */
function encode(families: readonly object[], packed = false): Uint8Array {
  const protobuf = createRequire(import.meta.url)("protobufjs");
  const source = SCHEMA.replaceAll("PACKED", packed ? "[packed=true]" : "");
  const type = protobuf.parse(source, { keepCase: true }).root.lookupType("io.prometheus.client.MetricFamily");
  return Buffer.concat(families.map((family) => type.encodeDelimited(type.fromObject(family)).finish()));
}

function parserOf(bytes: Uint8Array): ProtobufParser {
  const parser = new ProtobufParser();
  parser.reset(bytes, bytes.length);
  return parser;
}

function labelsOf(parser: ProtobufParser): string[] {
  const labels: string[] = [];
  parser.labels(labels);
  return labels;
}

/** Everything a body says, in short. */
function read(bytes: Uint8Array): unknown[] {
  const parser = parserOf(bytes);
  const found: unknown[] = [];
  while (parser.nextFamily()) {
    found.push([parser.name, parser.type, parser.help, parser.unit]);
    while (parser.nextMetric()) {
      const buckets = Array.from({ length: parser.bucketCount }, (_, i) => [parser.bounds[i], parser.counts[i]]);
      const { value, count, sum, timestamp } = parser;
      found.push({ labels: labelsOf(parser), value, count, sum, timestamp, buckets });
    }
  }
  return found;
}

function refused(families: readonly object[]): string {
  try {
    read(encode(families));
  } catch (error) {
    assert.ok(error instanceof ExpositionError, String(error));
    return error.message;
  }
  return "";
}

const LABEL = [{ name: "a", value: "ü\n" }];

test("protobuf: counters, gauges and untyped metrics with labels, times and units, whatever the order of fields", () => {
  const bytes = encode([
    { name: "c_bytes_total", help: "h", unit: "bytes", metric: [{ label: LABEL, counter: { value: 1.5 } }] },
    {
      name: "g",
      type: "GAUGE",
      metric: [
        { gauge: { value: -2 }, timestamp_ms: 1234 },
        { label: LABEL, gauge: {} },
      ],
    },
    { name: "nothing", type: "GAUGE" },
    { name: "u", type: "UNTYPED", metric: [{ untyped: { value: Number.NaN }, timestamp_ms: -5 }] },
  ]);
  const none = { labels: [], value: 0, count: 0, sum: 0, timestamp: 0, buckets: [] };
  assert.deepEqual(read(bytes), [
    ["c_bytes_total", "counter", "h", "bytes"],
    { ...none, labels: ["a", "ü\n"], value: 1.5 },
    ["g", "gauge", "", ""],
    { ...none, value: -2, timestamp: 1234 },
    { ...none, labels: ["a", "ü\n"] },
    ["u", "unknown", "", ""],
    { ...none, value: Number.NaN, timestamp: -5 },
  ]);
});

test("protobuf: summaries and classic histograms; a missing +Inf bucket is added, what follows it is left out", () => {
  const quantile = [
    { quantile: 0.5, value: 3 },
    { quantile: 0.99, value: Number.NaN },
  ];
  const bucket = (upper_bound: number, cumulative_count: number) => ({ upper_bound, cumulative_count });
  const bytes = encode([
    { name: "s", type: "SUMMARY", metric: [{ summary: { sample_count: 7, sample_sum: 2.5, quantile } }] },
    {
      name: "h",
      type: "HISTOGRAM",
      metric: [
        { histogram: { sample_count: 9, sample_sum: 1, bucket: [bucket(0.1, 4), bucket(1, 8)] } },
        { histogram: { sample_count: 9, bucket: [bucket(Number.POSITIVE_INFINITY, 9), bucket(1, 8)] } },
        { histogram: { sample_count_float: 2.5, bucket: [{ upper_bound: 1, cumulative_count_float: 0.5 }] } },
        {},
      ],
    },
  ]);
  const infinity = Number.POSITIVE_INFINITY;
  const base = { labels: [], value: 0, sum: 0, timestamp: 0 };
  assert.deepEqual(read(bytes), [
    ["s", "summary", "", ""],
    {
      ...base,
      count: 7,
      sum: 2.5,
      buckets: [
        [0.5, 3],
        [0.99, Number.NaN],
      ],
    },
    ["h", "histogram", "", ""],
    {
      ...base,
      count: 9,
      sum: 1,
      buckets: [
        [0.1, 4],
        [1, 8],
        [infinity, 9],
      ],
    },
    { ...base, count: 9, buckets: [[infinity, 9]] },
    {
      ...base,
      count: 0,
      buckets: [
        [1, 0.5],
        [infinity, 2.5],
      ],
    },
    { ...base, count: 0, buckets: [[infinity, 0]] },
  ]);
});

for (const packed of [false, true]) {
  test(`protobuf: native histograms of integers and floats, lists ${packed ? "packed" : "one by one"}`, () => {
    const integer = {
      sample_count: 10,
      sample_sum: 5.5,
      schema: 3,
      zero_threshold: 0.001,
      zero_count: 2,
      positive_span: [
        { offset: -3, length: 2 },
        { offset: 4, length: 1 },
      ],
      positive_delta: [3, -1, 0],
      negative_span: [{ offset: 1, length: 1 }],
      negative_delta: [1],
      created_timestamp: { seconds: 1_700_000_000, nanos: 123_999_999 },
    };
    const float = { sample_count_float: 4.5, positive_span: [{ offset: 0, length: 2 }], positive_count: [1.5, 3] };
    const bytes = encode(
      [
        { name: "h", type: "HISTOGRAM", metric: [{ histogram: integer }] },
        { name: "f", type: "GAUGE_HISTOGRAM", metric: [{ histogram: float }, { histogram: { zero_count: 1 } }] },
      ],
      packed,
    );
    const parser = parserOf(bytes);
    parser.nextFamily();
    parser.nextMetric();
    assert.deepEqual([parser.isNative, parser.isInteger, parser.hasBuckets], [true, true, false]);
    assert.equal(parser.created, 1_700_000_000_123);
    assert.deepEqual(parser.histogram(), {
      counterResetHint: 0,
      schema: 3,
      zeroThreshold: 0.001,
      zeroCount: 2,
      count: 10,
      sum: 5.5,
      positiveSpans: integer.positive_span,
      negativeSpans: integer.negative_span,
      positiveBuckets: Float64Array.of(3, 2, 2),
      negativeBuckets: Float64Array.of(1),
      customValues: [],
    });
    parser.nextFamily();
    parser.nextMetric();
    assert.deepEqual([parser.isNative, parser.isInteger], [true, false]);
    const read = parser.histogram();
    assert.deepEqual([read.counterResetHint, read.count, [...read.positiveBuckets]], [3, 4.5, [1.5, 3]]);
    assert.ok(parser.nextMetric() && parser.isNative && parser.histogram().positiveSpans.length === 0);
    assert.ok(!parser.nextMetric() && !parser.nextFamily());
  });
}

test("protobuf: exemplars of counters, buckets and native histograms, with and without times", () => {
  const exemplar = (value: number, seconds?: number) => ({
    label: [{ name: "trace_id", value: `t${value}` }],
    value,
    ...(seconds === undefined ? {} : { timestamp: { seconds, nanos: 5_000_000 } }),
  });
  const histogram = {
    bucket: [{ upper_bound: 1 }, { upper_bound: 2, exemplar: exemplar(2) }],
    exemplars: [exemplar(3, 10), exemplar(4)],
  };
  const bytes = encode([
    { name: "c", metric: [{ counter: { exemplar: exemplar(1, 7) } }, { counter: {} }] },
    { name: "h", type: "HISTOGRAM", metric: [{ histogram }] },
  ]);
  const parser = parserOf(bytes);
  const found: unknown[] = [];
  while (parser.nextFamily()) {
    while (parser.nextMetric()) {
      for (let i = 0; i < parser.exemplarCount; i++) {
        const { labels, value, timestamp } = parser.exemplar(i);
        found.push([parser.name, parser.exemplarOwner(i), labels[1], value, timestamp]);
      }
    }
  }
  assert.deepEqual(found, [
    ["c", -1, "t1", 1, 7005],
    ["h", 1, "t2", 2, undefined],
    ["h", -2, "t3", 3, 10_005],
    ["h", -2, "t4", 4, undefined],
  ]);
});

test("protobuf: labels that do not lie side by side are read together, and equal ones have equal bytes", () => {
  // timestamp_ms between two labels, which no usual writer does.
  const pair = [0x0a, 0x06, 0x0a, 0x01, 0x61, 0x12, 0x01, 0x31];
  const other = [0x0a, 0x06, 0x0a, 0x01, 0x62, 0x12, 0x01, 0x32];
  const metric = [...pair, 0x30, 0x05, ...other];
  const family = [0x0a, 0x01, 0x67, 0x18, 0x01, 0x22, metric.length, ...metric];
  const parser = parserOf(Uint8Array.from([family.length, ...family]));
  assert.ok(parser.nextFamily() && parser.nextMetric());
  assert.deepEqual(labelsOf(parser), ["a", "1", "b", "2"]);
  assert.deepEqual([...parser.labelBytes.subarray(parser.labelsStart, parser.labelsEnd)], [...pair, ...other]);
  assert.equal(parser.timestamp, 5);
});

test("protobuf: what is wrong is refused in the reference's words", () => {
  const metric = [{ counter: { value: 1 } }];
  assert.equal(refused([{ metric }]), "invalid metric name: ");
  assert.equal(refused([{ name: "a", unit: "bytes", metric }]), 'unit "bytes" not a suffix of metric "a"');
  assert.equal(refused([{ name: "a_total", unit: "bytes", metric }]), 'unit "bytes" not a suffix of counter "a_total"');
  const bytes = encode([{ name: "a", metric }]);
  assert.throws(() => read(bytes.subarray(0, -1)), /^ExpositionError: unexpected EOF$/);
  assert.throws(() => read(Uint8Array.of(3, 0x0a, 5, 0x61)), /^ExpositionError: proto: input ends too early/);
  assert.throws(
    () => read(Uint8Array.of(7, 0x0a, 1, 0x61, 0x18, 9, 0x22, 0)),
    /^ExpositionError: unknown metric type for metric "a": 9$/,
  );
  assert.throws(() => read(Uint8Array.of(5, 0x0a, 1, 0xff, 0x22, 0)), /^ExpositionError: invalid metric name/);
});
