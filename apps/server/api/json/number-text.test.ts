import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFloat } from "@narthex/model";
import { NUMBER_BYTES, writeNumber } from "./number-text.ts";

function written(value: number): string {
  const bytes = new Uint8Array(NUMBER_BYTES + 1);
  return Buffer.from(bytes.subarray(1, writeNumber(bytes, 1, value))).toString("latin1");
}

test("number text: whole numbers, decimals and all others are written as the shortest digits say", () => {
  const values = [
    0,
    -0,
    1,
    -1,
    0.1,
    0.01,
    0.001,
    0.0001,
    1e-5,
    1 / 3,
    0.005,
    999_999_999.999,
    1e15,
    1e21,
    2 ** 53,
    NaN,
    Infinity,
  ];
  for (let i = -2500; i < 2500; i++) values.push(i / 1000, (i * 7919) / 1000, i / 100, (i * 104_729) / 100, i * 1e9);
  for (let i = 1; i < 2000; i++) values.push(i / 7, 123_456 + i / 1000, 987_654_321 + i / 1000, i / 10_000);
  for (const value of values) {
    assert.equal(written(value), formatFloat(value));
    assert.equal(written(-value), formatFloat(-value));
  }
});
