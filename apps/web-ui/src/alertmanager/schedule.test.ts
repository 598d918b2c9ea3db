import assert from "node:assert/strict";
import { test } from "node:test";
import { type IntervalDraft, intervalText, readInterval } from "./schedule.ts";

const NONE: IntervalDraft = { weekdays: [], times: "", daysOfMonth: "", months: "", location: "" };

test("schedule: what is typed becomes an interval of the configuration, without what does not restrict", () => {
  assert.deepEqual(
    readInterval({
      weekdays: ["friday", "monday"],
      times: "2:00-03:30, 22:00 – 24:00",
      daysOfMonth: "1-7, -7--1, -1, 15:20",
      months: "December, january-march, 4",
      location: " Europe/Berlin ",
    }),
    {
      weekdays: ["monday", "friday"],
      times: [
        { start_time: "02:00", end_time: "03:30" },
        { start_time: "22:00", end_time: "24:00" },
      ],
      days_of_month: ["1:7", "-7:-1", "-1", "15:20"],
      months: ["december", "january:march", "4"],
      location: "Europe/Berlin",
    },
  );
  assert.deepEqual(readInterval({ ...NONE, times: "00:00-24:00", location: "UTC" }), {
    times: [{ start_time: "00:00", end_time: "24:00" }],
  });
});

test("schedule: what cannot be is said in a sentence", () => {
  for (const [draft, problem] of [
    [NONE, /^Say when/],
    [{ ...NONE, location: "Europe/Berlin" }, /^Say when/],
    [{ ...NONE, times: "noon" }, /"noon" is no time of day/],
    [{ ...NONE, times: "22:00-6:00" }, /write 22:00-24:00, 00:00-06:00$/],
  ] as const)
    assert.match(String(readInterval(draft)), problem);
});

test("schedule: an interval is read as a person says it", () => {
  for (const [interval, text] of [
    [{}, "UTC"],
    [
      {
        weekdays: ["monday:friday", "sunday"],
        times: [{ start_time: "02:00", end_time: "03:30" }],
        location: "Europe/Berlin",
      },
      "Mon–Fri, Sun 02:00–03:30 Europe/Berlin",
    ],
    [
      { days_of_month: ["1:7", "-1"], months: ["december"], years: ["2026:2028"] },
      "day 1–7, -1 of the month in december of 2026–2028 UTC",
    ],
  ] as const)
    assert.equal(intervalText(interval), text);
});
