import assert from "node:assert/strict";
import { test } from "node:test";
import { type Interval, ShardCount } from "./shard-count.ts";

const steady: Interval = {
  seconds: 10,
  samplesIn: 10_000,
  samplesOut: 10_000,
  samplesDropped: 0,
  sendSeconds: 10,
  lagSeconds: 0,
};

test("shards: as many as the time that sending takes, within the bounds", () => {
  assert.equal(new ShardCount(1, 50).next(steady), 1);
  assert.equal(new ShardCount(1, 50).next({ ...steady, sendSeconds: 45 }), 5);
  assert.equal(new ShardCount(1, 3).next({ ...steady, sendSeconds: 45 }), 3);
  assert.equal(new ShardCount(4, 50).next(steady), 4);
});

test("shards: a backlog asks for more; while it is long none is taken away", () => {
  assert.equal(new ShardCount(1, 50).next({ ...steady, lagSeconds: 60 }), 4);
  const shards = new ShardCount(1, 50);
  assert.equal(shards.next({ ...steady, sendSeconds: 80 }), 8);
  let count = 8;
  for (let i = 0; i < 20; i++) count = shards.next({ ...steady, sendSeconds: 1, lagSeconds: 11 });
  assert.equal(count, 8);
  for (let i = 0; i < 30; i++) count = shards.next({ ...steady, sendSeconds: 1 });
  assert.equal(count, 1);
});

test("shards: small changes are tolerated, and without anything sent nothing changes", () => {
  const shards = new ShardCount(1, 50);
  assert.equal(shards.next({ ...steady, sendSeconds: 100 }), 10);
  assert.equal(shards.next({ ...steady, sendSeconds: 125 }), 10);
  assert.equal(new ShardCount(2, 50).next({ ...steady, samplesOut: 0, lagSeconds: 1000 }), 2);
});
