import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedQueue } from "./bounded-queue.ts";

test("bounded queue: takes what fits by number and size, and gives it back in order", () => {
  const queue = new BoundedQueue<string>({ items: 3, bytes: 10 });
  assert.deepEqual([queue.shift(), queue.nextBytes], [undefined, undefined]);
  assert.ok(queue.push("large", 50), "one that is too large by itself finds room in an empty queue");
  assert.ok(!queue.push("no", 1));
  assert.equal(queue.shift(), "large");
  assert.deepEqual(
    ["a", "b", "c"].map((item) => queue.push(item, 4)),
    [true, true, false],
  );
  assert.deepEqual([queue.length, queue.bytes, queue.nextBytes], [2, 8, 4]);
  assert.deepEqual([queue.push("d"), queue.push("e")], [true, false]);
  assert.deepEqual([queue.shift(), queue.shift(), queue.shift(), queue.shift()], ["a", "b", "d", undefined]);
  assert.deepEqual([queue.length, queue.bytes], [0, 0]);
});

test("bounded queue: keeps its order over many rounds", () => {
  const queue = new BoundedQueue<number>({ items: 100, bytes: 0 });
  let next = 0;
  let expected = 0;
  for (let round = 0; round < 1000; round++) {
    for (let i = 0; i < round % 7; i++) if (queue.push(next)) next++;
    for (let i = 0; i < round % 5; i++) {
      const item = queue.shift();
      if (item !== undefined) assert.equal(item, expected++);
    }
  }
  assert.equal(queue.length, next - expected);
});
