import assert from "node:assert/strict";
import { test } from "node:test";
import { layOutBuckets } from "./bucket-layout.ts";

/** Spans and counts as text. */
function layout(counts: readonly number[], offset = 0, scaleDown = 0, shift: 0 | 1 = 1): string {
  const { spans, buckets } = layOutBuckets(counts, offset, scaleDown, shift);
  return `${spans.map((span) => `${span.offset}x${span.length}`).join(" ")}: ${buckets.join(" ")}`;
}

test("bucket layout: index 0 lies one to the right of OpenTelemetry's, if the buckets are exponential", () => {
  assert.equal(layout([4, 3, 2, 1]), "1x4: 4 3 2 1");
  assert.equal(layout([4, 3], -7), "-6x2: 4 3");
  assert.equal(layout([4, 3], 2, 0, 0), "2x2: 4 3");
  assert.equal(layout([]), ": ");
});

test("bucket layout: up to two empty buckets are written, more begin a new span, the last one stays", () => {
  assert.equal(layout([1, 0, 0, 2]), "1x4: 1 0 0 2");
  assert.equal(layout([1, 0, 0, 0, 2]), "1x1 3x1: 1 2");
  assert.equal(layout([0, 0, 0, 2]), "1x0 3x1: 2");
  assert.equal(layout([0, 2]), "1x2: 0 2");
  assert.equal(layout([1, 0]), "1x2: 1 0");
  assert.equal(layout([1, 0, 0, 0, 0, 0]), "1x1 4x1: 1 0");
});

test("bucket layout: finer scales are merged, also behind empty buckets", () => {
  assert.equal(layout([1, 2, 3, 4], 0, 1), "1x2: 3 7");
  assert.equal(layout([1, 2, 3], -1, 1), "0x2: 1 5");
  // The reference puts the 1 into the bucket before.
  assert.equal(layout([0, 0, 1, 2], 0, 1), "1x2: 0 3");
  assert.equal(layout([5, 5], 3, 40), "1x1: 10");
});
