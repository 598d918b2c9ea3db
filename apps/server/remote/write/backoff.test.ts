import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../scrape/testing.ts";
import { untilFinal } from "./backoff.ts";
import { NOTHING_WRITTEN, retryAfter, type SendOutcome } from "./write-client.ts";

const written = NOTHING_WRITTEN;
const retry = (retryAfterMs = 0): SendOutcome => ({ kind: "retry", error: "no", retryAfterMs, written });

async function run(outcomes: readonly SendOutcome[], abortAfter = Number.POSITIVE_INFINITY) {
  const clock = new ManualClock(0);
  const times: number[] = [];
  let retries = 0;
  const controller = new AbortController();
  const watch = { onPause: () => {}, onRetry: () => retries++ };
  const attempt = async (number: number): Promise<SendOutcome> => {
    assert.equal(number, times.length);
    times.push(clock.now());
    return outcomes[number] as SendOutcome;
  };
  let isDone = false;
  const options = { minBackoffMs: 30, maxBackoffMs: 200, clock };
  const outcome = untilFinal(attempt, options, watch, controller.signal).finally(() => {
    isDone = true;
  });
  for (let i = 0; !isDone && i < 10_000; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    if (times.length > abortAfter) controller.abort();
    clock.pass(10);
  }
  return { outcome: await outcome, times, retries };
}

test("backoff: pauses double up to the longest, and the first final outcome ends it", async () => {
  const sent: SendOutcome = { kind: "sent", written };
  const { outcome, times, retries } = await run([retry(), retry(), retry(), retry(), retry(), sent]);
  assert.equal(outcome, sent);
  assert.deepEqual(
    times.map((time, i) => time - (times[i - 1] ?? 0)),
    [0, 30, 60, 120, 200, 200],
  );
  assert.equal(retries, 5);
});

test("backoff: a pause that the receiver asks for counts instead, and what follows starts from it", async () => {
  const failed: SendOutcome = { kind: "failed", error: "no", written };
  const { outcome, times } = await run([retry(1000), retry(), failed]);
  assert.equal(outcome, failed);
  assert.deepEqual(times, [0, 1000, 1200]);
});

test("backoff: it is called off at once", async () => {
  const { outcome, times } = await run([retry(), retry(), retry(1e9), retry()], 2);
  assert.equal(outcome, undefined);
  assert.equal(times.length, 3);
});

test("Retry-After: seconds or a date; what is past or unreadable counts as nothing", () => {
  const now = Date.UTC(2026, 0, 1);
  assert.equal(retryAfter(undefined, now), 0);
  assert.equal(retryAfter("7", now), 7000);
  assert.equal(retryAfter("Thu, 01 Jan 2026 00:01:00 GMT", now), 60_000);
  assert.equal(retryAfter("Thu, 01 Jan 2025 00:01:00 GMT", now), 0);
  assert.equal(retryAfter("-3", now), 0);
  assert.equal(retryAfter("soon", now), 0);
});
