import assert from "node:assert/strict";
import { test } from "node:test";
import { readTimeIntervals } from "../config/time-interval.ts";
import { containsTime } from "./interval.ts";

function holds(interval: Record<string, unknown>, at: string): boolean {
  return readTimeIntervals([interval]).some((each) => containsTime(each, Date.parse(at)));
}

/** An interval, a moment inside of it, and one outside. */
const TABLE: readonly (readonly [Record<string, unknown>, string, string])[] = [
  [{ times: [{ start_time: "09:00", end_time: "17:00" }] }, "2026-05-04T09:00:00Z", "2026-05-04T17:00:00Z"],
  [{ times: [{ start_time: "09:00", end_time: "17:00" }] }, "2026-05-04T16:59:59Z", "2026-05-04T08:59:59Z"],
  [{ times: [{ start_time: "23:00", end_time: "24:00" }] }, "2026-05-04T23:59:59Z", "2026-05-05T00:00:00Z"],
  [{ weekdays: ["monday:friday"] }, "2026-05-04T12:00:00Z", "2026-05-03T12:00:00Z"],
  [{ weekdays: ["saturday", "sunday"] }, "2026-05-03T12:00:00Z", "2026-05-04T12:00:00Z"],
  [{ days_of_month: ["1:5"] }, "2026-05-05T23:59:00Z", "2026-05-06T00:00:00Z"],
  [{ days_of_month: ["-1"] }, "2026-02-28T12:00:00Z", "2026-02-27T12:00:00Z"],
  [{ days_of_month: ["-1"] }, "2028-02-29T12:00:00Z", "2028-02-28T12:00:00Z"],
  [{ days_of_month: ["31"] }, "2026-01-31T12:00:00Z", "2026-02-28T12:00:00Z"],
  [{ months: ["february:april"] }, "2026-04-30T23:59:59Z", "2026-05-01T00:00:00Z"],
  [{ months: ["12"] }, "2026-12-31T23:00:00Z", "2027-01-01T00:00:00Z"],
  [{ years: ["2026:2027"] }, "2027-06-01T00:00:00Z", "2028-01-01T00:00:00Z"],
  [
    { times: [{ start_time: "09:00", end_time: "10:00" }], location: "Europe/Berlin" },
    "2026-07-01T07:30:00Z",
    "2026-07-01T09:30:00Z",
  ],
  [
    { times: [{ start_time: "09:00", end_time: "10:00" }], location: "Europe/Berlin" },
    "2026-01-01T08:30:00Z",
    "2026-01-01T07:30:00Z",
  ],
  [{ weekdays: ["monday"], location: "Australia/Sydney" }, "2026-05-03T14:30:00Z", "2026-05-04T14:30:00Z"],
];

test("time intervals: what they contain, and what not", () => {
  for (const [interval, inside, outside] of TABLE) {
    assert.ok(holds(interval, inside), `${JSON.stringify(interval)} contains ${inside}`);
    assert.ok(!holds(interval, outside), `${JSON.stringify(interval)} does not contain ${outside}`);
  }
  assert.ok(holds({}, "2026-05-04T09:00:00Z"), "an empty one always holds");
});
