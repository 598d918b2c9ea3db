import assert from "node:assert/strict";
import { test } from "node:test";
import { gridTimes, layOut, lonelyPoints, nearestSeries, stack, toggled } from "./plot-data.ts";

const GRID = { start: 1_000_000, end: 1_040_000, stepMs: 10_000 };

test("layout: samples land on their grid points, gaps and what cannot be drawn are null", () => {
  assert.deepEqual(gridTimes(GRID), [1000, 1010, 1020, 1030, 1040]);
  const [series] = layOut(
    [
      {
        metric: { a: "b" },
        values: [
          [1000, "1"],
          [1020.001, "NaN"],
          [1030, "+Inf"],
          [1040, "-2.5"],
          [1050, "9"],
          [990, "9"],
        ],
      },
    ],
    GRID,
    2,
  );
  assert.deepEqual(series, { labels: { a: "b" }, values: [1, null, null, null, -2.5], query: 2, index: 0 });
});

test("layout: a native histogram is drawn by its count", () => {
  const [series] = layOut([{ metric: {}, histograms: [[1010, { count: "7", sum: "1" }]] }], GRID, 0);
  assert.deepEqual(series?.values, [null, 7, null, null, null]);
});

test("stacking: positives pile up, negatives pile down, missing values count as zero", () => {
  const { heights, below } = stack([
    [1, 1, null],
    [-1, -2, -3],
    [2, null, 2],
    [-1, -1, -1],
  ]);
  assert.deepEqual(heights, [
    [1, 1, 0],
    [-1, -2, -3],
    [3, 1, 2],
    [-2, -3, -4],
  ]);
  assert.deepEqual(below, [-1, -1, 0, 1]);
});

test("lonely points: only values without a neighbour", () => {
  assert.deepEqual(lonelyPoints([1, null, 2, 3, null, 4]), [0, 5]);
  assert.deepEqual(lonelyPoints([null, null]), []);
});

test("nearest series: hidden and missing ones are passed over", () => {
  const rows = [[1], [5], [null], [4.9]];
  assert.equal(
    nearestSeries(rows, () => true, 0, 5.2),
    1,
  );
  assert.equal(
    nearestSeries(rows, (i) => i !== 1, 0, 5.2),
    3,
  );
  assert.equal(
    nearestSeries([[null]], () => true, 0, 1),
    -1,
  );
});

test("legend clicks: isolate, back to all, and single ones with a modifier", () => {
  assert.deepEqual([...toggled(new Set(), 1, 3, false)], [0, 2]);
  assert.deepEqual([...toggled(new Set([0, 2]), 1, 3, false)], []);
  assert.deepEqual([...toggled(new Set([0, 2]), 0, 3, false)], [1, 2]);
  assert.deepEqual([...toggled(new Set(), 1, 3, true)], [1]);
  assert.deepEqual([...toggled(new Set([1]), 1, 3, true)], []);
});
