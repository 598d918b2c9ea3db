import assert from "node:assert/strict";
import { test } from "node:test";
import { QUEUE_CAPACITY, QueueFullError, WriteQueue } from "./write-queue.ts";

test("write queue: in the order in which they came; full it refuses, and takes more when there is room", async () => {
  const done: number[] = [];
  const queue = new WriteQueue<number, number>((job) => done.push(job));
  const jobs = Array.from({ length: QUEUE_CAPACITY }, (_, i) => queue.submit(i));
  assert.equal(queue.isFull, true);
  await assert.rejects(queue.submit(-1), QueueFullError);
  await Promise.all(jobs);
  assert.deepEqual(
    done,
    Array.from({ length: QUEUE_CAPACITY }, (_, i) => i),
  );
  assert.equal(queue.isFull, false);
  await queue.submit(7);
});

test("write queue: a job that throws is its own trouble; others get their turn between slices of work", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 1);
  const queue = new WriteQueue<number, number>((job) => {
    for (const until = performance.now() + 2; performance.now() < until; );
    if (job === 3) throw new Error("no");
    return job;
  });
  const jobs = Array.from({ length: 30 }, (_, i) => queue.submit(i).catch((error: Error) => error.message));
  await queue.idle();
  clearInterval(timer);
  assert.deepEqual((await Promise.all(jobs)).slice(2, 5), [2, "no", 4]);
  assert.ok(turns >= 3, `${turns} turns`);
});
