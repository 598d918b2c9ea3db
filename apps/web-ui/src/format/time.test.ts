import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTime, parseTime, timeAgo, timeAxisLabels } from "./time.ts";

const NOON = Date.UTC(2026, 10, 21, 12, 0, 0);

test("times: what is written is read back, in UTC and in local time", () => {
  for (const t of [NOON, NOON + 1, NOON + 86_399_999, 0]) {
    assert.equal(parseTime(formatTime(t)), t);
    assert.equal(parseTime(formatTime(t, true), true), t);
  }
  assert.equal(formatTime(NOON), "2026-11-21 12:00:00");
  assert.equal(formatTime(NOON + 5), "2026-11-21 12:00:00.005");
  assert.equal(formatTime(Number.NaN), "unknown time");
});

test("times: dates, zones and Unix seconds are understood, the rest is refused", () => {
  assert.equal(parseTime("2026-11-21"), Date.UTC(2026, 10, 21));
  assert.equal(parseTime("2026-11-21T12:00"), NOON);
  assert.equal(parseTime("2026-11-21T13:00:00+01:00"), NOON);
  assert.equal(parseTime("2026-11-21T12:00:00Z", true), NOON);
  assert.equal(parseTime(String(NOON / 1000)), NOON);
  for (const bad of ["", "now", "12:00", "2026-13-01", "2026-11-21 25:00", "21.11.2026"])
    assert.equal(parseTime(bad), null, bad);
});

test("ages: whole seconds, the future said as such, and the API's zero time is never", () => {
  assert.equal(timeAgo(NOON - 2400, NOON), "2 s ago");
  assert.equal(timeAgo(NOON - 100, NOON), "just now");
  assert.equal(timeAgo(NOON + 120_000, NOON), "in 2m");
  assert.equal(timeAgo(Date.parse("0001-01-01T00:00:00Z"), NOON), "never");
  assert.equal(timeAgo(Number.NaN, NOON), "never");
});

test("time axis: the date stands below the first mark and wherever the day changes", () => {
  const start = Date.UTC(2026, 11, 31, 22) / 1000;
  assert.deepEqual(timeAxisLabels([start, start + 3600, start + 7200], 3600), [
    "22:00\n12-31",
    "23:00",
    "00:00\n2027-01-01",
  ]);
  assert.deepEqual(timeAxisLabels([start, start + 10], 10), ["22:00:00\n12-31", "22:00:10"]);
  assert.deepEqual(timeAxisLabels([start, start + 86_400], 86_400), ["12-31", "2027-01-01"]);
});
