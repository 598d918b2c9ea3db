import assert from "node:assert/strict";
import { test } from "node:test";
import { ManualClock } from "../../scrape/testing.ts";
import type { OutgoingBatch } from "./outgoing-batch.ts";
import { Shard } from "./shard.ts";

/** A shard whose requests end when the test says so. */
function opened({ batchSize = 2, capacity = 4, deadlineMs = 100 } = {}) {
  const clock = new ManualClock(0);
  const sent: number[][] = [];
  const ends: ((isDone: boolean) => void)[] = [];
  let sequence = 0;
  let rooms = 0;
  const shard = new Shard({
    batchSize,
    capacity,
    deadlineMs,
    clock,
    nextSequence: () => ++sequence,
    send: (batch: OutgoingBatch) => {
      sent.push([...batch.times.subarray(0, batch.count)]);
      return new Promise((resolve) => ends.push(resolve));
    },
    onRoom: () => rooms++,
  });
  let next = 0;
  return {
    clock,
    shard,
    sent,
    rooms: () => rooms,
    /** Adds entries until there is no room or there are so many; returns how many went in. */
    add(count: number): number {
      let added = 0;
      while (added < count && shard.hasRoom) {
        shard.batch.addFloat(1, next++, 0, 0, 0);
        shard.added();
        added++;
      }
      return added;
    },
    async end(isDone = true): Promise<void> {
      ends.shift()?.(isDone);
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test("shard: full batches leave at once, one request at a time, in order", async () => {
  const { add, end, sent, rooms } = opened();
  assert.equal(add(5), 5);
  assert.deepEqual(sent, [[0, 1]]);
  await end();
  assert.deepEqual(sent, [
    [0, 1],
    [2, 3],
  ]);
  await end();
  assert.equal(sent.length, 2);
  assert.equal(rooms(), 2);
});

test("shard: while a request is under way it takes its capacity and one more batch, then nothing until there is room", async () => {
  const { add, end, sent } = opened();
  // Two under way, four waiting, two in the batch that is being filled.
  assert.equal(add(100), 8);
  await end();
  assert.equal(add(100), 2);
  for (let i = 0; i < 5; i++) await end();
  assert.deepEqual(sent.flat(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("shard: a capacity below the size of a batch still lets one wait", () => {
  assert.equal(opened({ batchSize: 3, capacity: 1 }).add(100), 9);
});

test("shard: what is not full leaves at its deadline, counted from its first entry", async () => {
  const { add, end, sent, clock } = opened({ batchSize: 10 });
  clock.pass(60);
  add(1);
  clock.pass(60);
  add(1);
  assert.deepEqual(sent, []);
  clock.pass(40);
  assert.deepEqual(sent, [[0, 1]]);
  // A deadline that passes while a request is under way is made up for.
  add(1);
  clock.pass(500);
  assert.equal(sent.length, 1);
  await end();
  assert.deepEqual(sent[1], [2]);
});

test("shard: flushing sends everything and resolves when it is done", async () => {
  const { add, end, sent, shard } = opened();
  add(5);
  let isFlushed = false;
  void shard.flush().then(() => (isFlushed = true));
  await end();
  await end();
  assert.equal(isFlushed, false);
  await end();
  assert.equal(isFlushed, true);
  assert.deepEqual(sent, [[0, 1], [2, 3], [4]]);
  await shard.flush();
});

test("shard: an abandoned one sends nothing more and keeps nobody waiting", async () => {
  const { add, end, sent, shard, rooms } = opened();
  add(5);
  const flushed = shard.flush();
  shard.abandon();
  await flushed;
  await end(false);
  assert.deepEqual(sent, [[0, 1]]);
  assert.equal(rooms(), 0);
});

test("shard: the oldest batch that holds something is told by its number", async () => {
  const { add, end, shard } = opened();
  assert.equal(shard.oldestSequence, Infinity);
  add(3);
  const first = shard.oldestSequence;
  await end();
  assert.ok(shard.oldestSequence > first && shard.oldestSequence < Infinity);
});
