import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDuration, parseDuration } from "./duration.ts";
import { parseGoDuration } from "./go-duration.ts";
import { formatSize, parseSize } from "./size.ts";

test("durations: units in descending order, each once, whole numbers", () => {
  assert.equal(parseDuration("1y2w3d4h5m6s7ms"), 365 * 86_400_000 + 17 * 86_400_000 + 14_706_007);
  assert.equal(parseDuration("0"), 0);
  for (const [wrong, message] of [
    ["", "empty duration string"],
    ["-1h", 'not a valid duration string: "-1h"'],
    ["1m1h", 'not a valid duration string: "1m1h"'],
    ["5", 'not a valid duration string: "5"'],
    ["1.5h", 'unknown unit "." in duration "1.5h"'],
    ["5x", 'unknown unit "x" in duration "5x"'],
    ["300y", "duration out of range"],
  ] as const) {
    assert.throws(() => parseDuration(wrong), { message }, wrong);
  }
});

test("durations: written back, years and weeks only when they come out even", () => {
  const written = ["0", "90d", "1w", "365d", "36h", "90m", "1500ms", "8d", "730d"].map((each) =>
    formatDuration(parseDuration(each)),
  );
  assert.deepEqual(written, ["0s", "90d", "1w", "1y", "1d12h", "1h30m", "1s500ms", "8d", "2y"]);
});

test("Go durations: fractions and small units", () => {
  assert.equal(parseGoDuration("1.5h"), 5_400_000);
  assert.equal(parseGoDuration("300us"), 0.3);
  assert.throws(() => parseGoDuration("5"), { message: 'time: missing unit in duration "5"' });
  assert.throws(() => parseGoDuration("5x"), { message: 'time: unknown unit "x" in duration "5x"' });
});

test("sizes: all units count by 1024 and are mandatory", () => {
  assert.deepEqual(
    ["1KB", "1KiB", "1.5MB", "1GB512MB", "0", "7B"].map(parseSize),
    [1024, 1024, 1_572_864, 1_610_612_736, 0, 7],
  );
  assert.throws(() => parseSize("5"), { message: "units: unknown unit  in 5" });
  assert.throws(() => parseSize("abc"), { message: "units: invalid abc" });
  assert.throws(() => parseSize("1kb"), { message: "units: unknown unit kb in 1kb" });
  assert.deepEqual([0, 1024, 1_572_864, 1_610_612_736, 1025].map(formatSize), [
    "0B",
    "1KiB",
    "1MiB512KiB",
    "1GiB512MiB",
    "1KiB1B",
  ]);
});
