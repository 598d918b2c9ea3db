import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, humanSpan, neighbouringRange, parseDuration, RANGE_LADDER_MS } from "./duration.ts";

test("durations: texts of PromQL and plain seconds become milliseconds, anything else null", () => {
  assert.equal(parseDuration("1h"), 3600_000);
  assert.equal(parseDuration("1h30m"), 5_400_000);
  assert.equal(parseDuration("1.5h"), 5_400_000);
  assert.equal(parseDuration(" 90 "), 90_000);
  assert.equal(parseDuration("250ms"), 250);
  assert.equal(parseDuration("2w 1d"), 15 * 86_400_000);
  for (const bad of ["", "0", "0s", "h", "1x", "-1h", "1h-", "1h30", "999999999999y", "1".repeat(60)]) {
    assert.equal(parseDuration(bad), null, bad);
  }
});

test("durations: every range of the ladder survives being written and read", () => {
  assert.equal(RANGE_LADDER_MS.length, 20);
  for (const range of RANGE_LADDER_MS) assert.equal(parseDuration(formatDuration(range)), range);
  assert.equal(formatDuration(36 * 3600_000), "1d12h");
  assert.equal(formatDuration(10 * 86_400_000), "10d");
  assert.equal(formatDuration(1500), "1s500ms");
  assert.equal(formatDuration(0), "0s");
});

test("range buttons: one step along the ladder, also from between its rungs, and no further than its ends", () => {
  assert.equal(neighbouringRange(3600_000, 1), 2 * 3600_000);
  assert.equal(neighbouringRange(3600_000, -1), 30 * 60_000);
  assert.equal(neighbouringRange(45 * 60_000, 1), 3600_000);
  assert.equal(neighbouringRange(1000, -1), 1000);
  assert.equal(neighbouringRange(500, -1), 500);
  assert.equal(neighbouringRange(730 * 86_400_000, 1), 730 * 86_400_000);
});

test("spans for people: two units at most", () => {
  assert.equal(humanSpan(0.01), "<0.1 ms");
  assert.equal(humanSpan(3.21), "3.2 ms");
  assert.equal(humanSpan(340.4), "340 ms");
  assert.equal(humanSpan(1400), "1.4 s");
  assert.equal(humanSpan(2000), "2 s");
  assert.equal(humanSpan(125_000), "2m 5s");
  assert.equal(humanSpan(3 * 3600_000 + 10 * 60_000), "3h 10m");
  assert.equal(humanSpan(86_400_000), "1d");
  assert.equal(humanSpan(Number.NaN), "unknown");
});
