import assert from "node:assert/strict";
import { test } from "node:test";
import { formatOpenMetricsValue, formatValue } from "../index.ts";

// Values and their texts as Go's strconv.FormatFloat(v, 'g', -1, 64) gives them.
const CASES: readonly [number, string][] = [
  [0, "0"],
  [-0, "-0"],
  [1, "1"],
  [-42, "-42"],
  [0.0001, "0.0001"],
  [0.00001, "1e-05"],
  [1.5e-7, "1.5e-07"],
  [999999, "999999"],
  [1000000, "1e+06"],
  [1234567, "1.234567e+06"],
  [1e21, "1e+21"],
  [1e100, "1e+100"],
  [5e-324, "5e-324"],
  [0.1, "0.1"],
  [123456.789, "123456.789"],
  [NaN, "NaN"],
  [Infinity, "+Inf"],
  [-Infinity, "-Inf"],
];

test("number format: values stand as Go writes them", () => {
  for (const [value, text] of CASES) assert.equal(formatValue(value), text);
});

test("number format: OpenMetrics marks whole floats", () => {
  assert.equal(formatOpenMetricsValue(1), "1.0");
  assert.equal(formatOpenMetricsValue(-0), "-0.0");
  assert.equal(formatOpenMetricsValue(1e6), "1e+06");
  assert.equal(formatOpenMetricsValue(0.5), "0.5");
  assert.equal(formatOpenMetricsValue(NaN), "NaN");
});
