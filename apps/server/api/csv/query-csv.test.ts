import assert from "node:assert/strict";
import { test } from "node:test";
import { type FloatHistogramFields, Labels } from "@narthex/model";
import type { QueryValue } from "@narthex/promql";
import { ByteSink } from "../json/byte-sink.ts";
import { writeQueryCsv } from "./query-csv.ts";

function csv(value: QueryValue): string[] {
  const parts: Uint8Array[] = [];
  const sink = new ByteSink((bytes) => parts.push(bytes));
  const statistics = {
    totalQueryableSamples: 0,
    peakSamples: 0,
    startMs: 0,
    stepMs: 0,
    totalQueryableSamplesPerStep: undefined,
    samplesRead: 0,
    samplesReadPerStep: undefined,
    queryPreparationSeconds: 0,
    innerEvalSeconds: 0,
    resultSortSeconds: 0,
  };
  writeQueryCsv(sink, { value, warnings: [], infos: [], statistics });
  const text = Buffer.concat(parts).toString("utf8");
  assert.ok(text.endsWith("\r\n"));
  return text.slice(0, -2).split("\r\n");
}

const labels = (record: Record<string, string>): Labels => Labels.fromUnsorted(Object.entries(record));

test("CSV: columns are the labels of all series, the name first; what a series lacks is empty", () => {
  const elements = [
    { labels: labels({ __name__: "a", zone: "ü", Z: '"' }), value: 1e21, histogram: undefined },
    { labels: labels({ job: "x,y" }), value: Number.NaN, histogram: undefined },
  ];
  assert.deepEqual(csv({ kind: "vector", t: 1500, elements }), [
    "__name__,Z,job,zone,timestamp,value",
    'a,"""",,ü,1.5,1e+21',
    ',,"x,y",,1.5,NaN',
  ]);
});

test("CSV: steps without a point have no line, raw samples have their own times", () => {
  const series = { labels: labels({ a: "b" }), histograms: undefined };
  const values = Float64Array.of(1, 2, 3);
  assert.deepEqual(
    csv({
      kind: "matrix",
      grid: { startMs: 1000, stepMs: 500, count: 3 },
      series: [{ ...series, times: undefined, values, present: Uint8Array.of(1, 0, 1) }],
    }),
    ["a,timestamp,value", "b,1,1", "b,2,3"],
  );
  assert.deepEqual(
    csv({
      kind: "matrix",
      grid: undefined,
      series: [{ ...series, times: Float64Array.of(1, 20, 1001), values, present: undefined }],
    }),
    ["a,timestamp,value", "b,0.001,1", "b,0.02,2", "b,1.001,3"],
  );
});

test("CSV: a histogram is its JSON in one field, texts and scalars have no labels", () => {
  const histogram: FloatHistogramFields = {
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 2,
    sum: 3,
    positiveSpans: [],
    negativeSpans: [],
    positiveBuckets: [],
    negativeBuckets: [],
    customValues: [],
    counterReset: "unknown",
  } as unknown as FloatHistogramFields;
  assert.deepEqual(csv({ kind: "vector", t: 0, elements: [{ labels: Labels.empty, value: 0, histogram }] }), [
    "timestamp,value",
    '0,"{""count"":""2"",""sum"":""3""}"',
  ]);
  assert.deepEqual(csv({ kind: "string", t: 0, value: "a\nb" }).join("|"), 'timestamp,value|0,"a\nb"');
  assert.deepEqual(csv({ kind: "scalar", t: 0, value: -0.5 }), ["timestamp,value", "0,-0.5"]);
});

test("CSV: nothing found is a header", () => {
  assert.deepEqual(csv({ kind: "vector", t: 0, elements: [] }), ["timestamp,value"]);
});
