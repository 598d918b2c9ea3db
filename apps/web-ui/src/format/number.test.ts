import assert from "node:assert/strict";
import { test } from "node:test";
import { axisLabels, compactNumber, formatBytes, formatValue, groupDigits, parseValue } from "./number.ts";

test("axis labels: one unit for all marks and as many decimals as the marks need", () => {
  assert.deepEqual(axisLabels([0, 0.25, 0.5, 0.75, 1]), ["0", "0.25", "0.50", "0.75", "1.00"]);
  assert.deepEqual(axisLabels([0, 5_000_000, 10_000_000]), ["0", "5M", "10M"]);
  assert.deepEqual(axisLabels([0, 0.0001, 0.0002]), ["0", "100µ", "200µ"]);
  assert.deepEqual(axisLabels([-1, null, 1]), ["-1", "", "1"]);
  assert.deepEqual(axisLabels([1_000_000_000, 1_000_000_500]), ["1.0000000G", "1.0000005G"]);
  assert.deepEqual(axisLabels([]), []);
});

test("compact numbers keep three digits", () => {
  assert.equal(compactNumber(0), "0");
  assert.equal(compactNumber(1234), "1230");
  assert.equal(compactNumber(12_345), "12.3k");
  assert.equal(compactNumber(-4_560_000), "-4.56M");
  assert.equal(compactNumber(0.00436), "4.36m");
  assert.equal(compactNumber(Number.NaN), "NaN");
});

test("sample values: the API's texts and numbers, both ways", () => {
  for (const text of ["NaN", "+Inf", "-Inf", "0.1", "1e+21", "-5"]) assert.equal(formatValue(parseValue(text)), text);
  assert.ok(Number.isNaN(parseValue("")));
  assert.ok(Number.isNaN(parseValue("abc")));
});

test("bytes and grouped digits", () => {
  assert.equal(formatBytes(512), "512 B");
  assert.equal(formatBytes(1536), "1.5 KiB");
  assert.equal(formatBytes(3.2 * 2 ** 30), "3.2 GiB");
  assert.equal(groupDigits(1234567), "1,234,567");
  assert.equal(groupDigits(12), "12");
});
