import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFloat, Labels } from "@narthex/model";
import type { QueryResult, QueryValue } from "@narthex/promql";
import { ByteSink } from "./byte-sink.ts";
import { timeText, writeNumber } from "./number-text.ts";
import { writeQueryAnswer } from "./query-json.ts";

function written(value: QueryValue, warnings: string[] = []): string {
  const parts: Uint8Array[] = [];
  const result = { value, warnings, infos: [], statistics: {} } as unknown as QueryResult;
  writeQueryAnswer(new ByteSink((bytes) => parts.push(bytes)), result, undefined);
  return Buffer.concat(parts).toString("utf8");
}

test("query JSON: a vector shows labels and values as text", () => {
  const elements = [
    { labels: Labels.fromObject({ __name__: "up", job: 'a"b\n', ä: "é" }), value: 1, histogram: undefined },
  ];
  assert.equal(
    written({ kind: "vector", t: 1_500, elements }),
    '{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"up","job":"a\\"b\\n","ä":"é"},"value":[1.5,"1"]}]}}',
  );
});

test("query JSON: a matrix on the grid leaves out the steps without a point", () => {
  const series = [
    {
      labels: Labels.empty,
      times: undefined,
      values: Float64Array.of(1, 2, Number.NaN),
      present: Uint8Array.of(1, 0, 1),
      histograms: undefined,
    },
  ];
  assert.equal(
    written({ kind: "matrix", grid: { startMs: 1000, stepMs: 250, count: 3 }, series }, ["careful"]),
    '{"status":"success","data":{"resultType":"matrix","result":[{"metric":{},"values":[[1,"1"],[1.5,"NaN"]]}]},"warnings":["careful"]}',
  );
});

test("query JSON: an answer of many buffers is the same text as one of few", () => {
  const count = 60_000;
  const values = Float64Array.from({ length: count }, (_, i) => i * 1.37);
  const text = written({
    kind: "matrix",
    grid: { startMs: 0, stepMs: 1000, count },
    series: [{ labels: Labels.empty, times: undefined, values, present: undefined, histograms: undefined }],
  });
  const points = JSON.parse(text).data.result[0].values as [number, string][];
  assert.equal(points.length, count);
  points.forEach(([t, v], i) => {
    assert.equal(t, i);
    assert.equal(v, formatFloat(values[i] as number));
  });
});

test("numbers: the quick paths write what the general one writes", () => {
  const bytes = new Uint8Array(64);
  const same = (value: number): void => {
    const end = writeNumber(bytes, 3, value);
    assert.equal(Buffer.from(bytes.subarray(3, end)).toString("latin1"), formatFloat(value));
  };
  for (const value of [
    0,
    -0,
    1,
    -1,
    0.1,
    -0.25,
    1.5,
    99.99,
    1e14,
    1e15,
    123456789012345,
    -999999999999999,
    2147483648,
    4294967295.5,
    1e21,
    1e-7,
    5e-324,
    Number.MAX_VALUE,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    0.005,
    0.07,
    1.005,
    8.41,
  ])
    same(value);
  let seed = 42;
  for (let i = 0; i < 20_000; i++) {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    same((seed - 2 ** 31) / 100);
    same((seed - 2 ** 31) / 1000);
    same(seed * 4194.304);
    same(Math.sin(seed) * 10 ** (seed % 40) * 1e-10);
  }
});

test("times: seconds with as many decimals as needed", () => {
  assert.deepEqual([0, 1000, 1500, 1001, 1010, -192, -1000, 1709251200123].map(timeText), [
    "0",
    "1",
    "1.5",
    "1.001",
    "1.01",
    "-0.192",
    "-1",
    "1709251200.123",
  ]);
  assert.deepEqual([Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -0].map(timeText), [
    "9007199254740.991",
    "-9007199254740.991",
    "0",
  ]);
  for (let t = -20_000; t <= 20_000; t += 7) assert.equal(timeText(t), String(t / 1000));
});
