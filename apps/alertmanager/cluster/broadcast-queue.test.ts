import assert from "node:assert/strict";
import { test } from "node:test";
import { BroadcastQueue } from "./broadcast-queue.ts";

function queueOf(options: { members?: number; multiplier?: number; capacity?: number } = {}): {
  queue: BroadcastQueue;
  add(text: string, about?: string): void;
  take(bytes?: number, times?: number): string;
  ends: string[];
} {
  const ends: string[] = [];
  const queue = new BroadcastQueue({
    members: () => options.members ?? 3,
    multiplier: options.multiplier ?? 2,
    capacity: options.capacity ?? 10,
    onDropped: () => ends.push("dropped"),
  });
  return {
    queue,
    add: (text, about) => queue.add(Buffer.from(text), about, () => ends.push(text)),
    take: (bytes = 100, times = 1) =>
      queue
        .take(bytes, 2, 255, times)
        .map((message) => Buffer.from(message).toString())
        .join(" "),
    ends,
  };
}

test("broadcasts: each goes out so often, the newest first, and then ends", () => {
  const { queue, add, take, ends } = queueOf();
  add("a");
  add("b");
  assert.deepEqual([take(), take(), take()], ["b a", "b a", ""]);
  assert.deepEqual([ends, queue.size], [["a", "b"], 0]);
});

test("broadcasts: what went out less often comes first", () => {
  const { add, take } = queueOf();
  add("a");
  take();
  add("b");
  assert.deepEqual([take(3), take(3), take(3)], ["b", "b", "a"]);
});

test("broadcasts: what does not fit stays, what is smaller goes", () => {
  const { add, take } = queueOf({ multiplier: 1 });
  add("long message");
  add("x");
  assert.deepEqual([take(5), take(13), take(14)], ["x", "", "long message"]);
});

test("broadcasts: a later word about the same takes the place of the earlier one", () => {
  const { queue, add, take, ends } = queueOf();
  add("a is alive", "a");
  take();
  add("a is dead", "a");
  assert.deepEqual([take(), ends, queue.size], ["a is dead", ["a is alive"], 1]);
});

test("broadcasts: sent to several members at once, they have gone out as often", () => {
  const { add, take } = queueOf({ multiplier: 4 });
  add("a");
  assert.deepEqual([take(100, 3), take(100, 3), take()], ["a", "a", ""]);
});

test("broadcasts: when there are too many, those that went out most often are dropped, the oldest first", () => {
  const { queue, add, take, ends } = queueOf({ capacity: 3 });
  add("a");
  add("b");
  take();
  add("c");
  add("d");
  assert.deepEqual([ends, queue.size], [["a", "dropped"], 3]);
  assert.equal(take(), "d c b");
});

test("broadcasts: the larger the cluster, the more often", () => {
  const { add, take } = queueOf({ members: 10, multiplier: 1 });
  add("a");
  assert.deepEqual([take(), take(), take()], ["a", "a", ""]);
});
