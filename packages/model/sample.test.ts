import assert from "node:assert/strict";
import { test } from "node:test";
import { isStaleAt, isStaleNumber, NORMAL_NAN_HIGH, NORMAL_NAN_LOW, STALE_NAN_HIGH, STALE_NAN_LOW } from "./sample.ts";

test("stale marker: told apart by its bits from the ordinary NaN and from numbers", () => {
  const halves = Uint32Array.of(STALE_NAN_LOW, STALE_NAN_HIGH, NORMAL_NAN_LOW, NORMAL_NAN_HIGH, 2, 0);
  const values = new Float64Array(halves.buffer);
  assert.deepEqual(
    [0, 1, 2].map((i) => isStaleAt(halves, i)),
    [true, false, false],
  );
  assert.deepEqual([...values].map(isStaleNumber), [true, false, false]);
});
