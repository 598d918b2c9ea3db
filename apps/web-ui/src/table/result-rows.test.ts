import assert from "node:assert/strict";
import { test } from "node:test";
import type { QueryData } from "../api/answers.ts";
import { arrangeRows, resultRows, rowValue } from "./result-rows.ts";

const VECTOR: QueryData = {
  resultType: "vector",
  result: [
    { metric: { job: "b" }, value: [1, "2"] },
    { metric: { job: "a" }, value: [1, "NaN"] },
    { metric: { job: "c" }, value: [1, "-Inf"] },
    { metric: { job: "d" }, value: [1, "10"] },
  ],
};

test("rows: every kind of answer becomes rows", () => {
  assert.deepEqual(resultRows({ resultType: "scalar", result: [1, "2"] }), [
    { labels: null, cell: { kind: "value", sample: [1, "2"] } },
  ]);
  assert.equal(resultRows({ resultType: "string", result: [1, "x"] })[0]?.cell.kind, "text");
  assert.equal(
    resultRows({ resultType: "matrix", result: [{ metric: {}, values: [[1, "2"]] }] })[0]?.cell.kind,
    "samples",
  );
  const histogram = { count: "3", sum: "1" };
  const rows = resultRows({ resultType: "vector", result: [{ metric: {}, histogram: [1, histogram] }] });
  assert.deepEqual(rows[0]?.cell, { kind: "histograms", histograms: [[1, histogram]] });
  assert.equal(rowValue(rows[0]!), 3);
});

test("rows: sorted by value with NaN last both ways, by series, or as the server sent them", () => {
  const jobs = (order: Parameters<typeof arrangeRows>[2]): string =>
    arrangeRows(resultRows(VECTOR), "", order)
      .map(({ labels }) => labels?.["job"])
      .join("");
  assert.equal(jobs("server"), "bacd");
  assert.equal(jobs("series"), "abcd");
  assert.equal(jobs("ascending"), "cbda");
  assert.equal(jobs("descending"), "dbca");
});

test("rows: filtered by words, the input left as it was", () => {
  const rows = resultRows(VECTOR);
  assert.equal(arrangeRows(rows, "job=c", "server").length, 1);
  assert.equal(rows.length, 4);
});
