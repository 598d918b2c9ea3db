import assert from "node:assert/strict";
import { test } from "node:test";
import { changeSpan, readSpan, spanBetween, spanFrom } from "./silence-draft.ts";

const START = Date.UTC(2026, 0, 1, 12);
const SPAN = spanFrom(START, "2h", false);

test("silence draft: start and duration give the end", () => {
  assert.deepEqual(SPAN, { start: "2026-01-01 12:00:00", end: "2026-01-01 14:00:00", duration: "2h" });
  assert.equal(spanFrom(START, "nonsense", false).duration, "2h");
  assert.deepEqual(spanBetween(START, START + 90_500, false), {
    ...SPAN,
    end: "2026-01-01 12:01:30",
    duration: "1m30s",
  });
});

test("silence draft: a new start or duration moves the end, a new end changes the duration", () => {
  assert.equal(changeSpan(SPAN, "duration", "1d", false).end, "2026-01-02 12:00:00");
  assert.equal(changeSpan(SPAN, "start", "2026-01-01 13:00", false).end, "2026-01-01 15:00:00");
  assert.equal(changeSpan(SPAN, "end", "2026-01-01 12:30", false).duration, "30m");
});

test("silence draft: what cannot be read stays in its field and moves nothing", () => {
  assert.deepEqual(changeSpan(SPAN, "duration", "2 weeks", false), { ...SPAN, duration: "2 weeks" });
  assert.deepEqual(changeSpan(SPAN, "end", "later", false), { ...SPAN, end: "later" });
});

test("silence draft: times are read, and an end before the start is refused in a sentence", () => {
  assert.deepEqual(readSpan(SPAN, false), { startMs: START, endMs: START + 7_200_000 });
  assert.match(String(readSpan({ ...SPAN, end: "2026-01-01" }, false)), /must come after/);
  assert.match(String(readSpan({ ...SPAN, start: "x" }, false)), /start must be a time/);
});
