import assert from "node:assert/strict";
import { test } from "node:test";
import { rowAt, rowOffsets } from "./use-window.ts";

test("rows near the window: a row is found by where it begins, those outside are the first and the last", () => {
  const offsets = rowOffsets([10, 20, 30], (pixels) => pixels);
  assert.deepEqual([...offsets], [0, 10, 30, 60]);
  assert.deepEqual(
    [-5, 0, 9, 10, 29, 30, 59, 60, 1000].map((pixels) => rowAt(offsets, pixels)),
    [0, 0, 0, 1, 1, 2, 2, 2, 2],
  );
  assert.equal(
    rowAt(
      rowOffsets([], () => 1),
      5,
    ),
    0,
  );
});
