import assert from "node:assert/strict";
import { test } from "node:test";
import { nextSlot, slotBefore, slotOffset } from "./group-slot.ts";

test("slot: its place in the interval depends on file and name alone, and lies within it", () => {
  assert.equal(slotOffset("r.yml", "g", 60_000), slotOffset("r.yml", "g", 60_000));
  assert.notEqual(slotOffset("r.yml", "g", 60_000), slotOffset("r.yml", "h", 60_000));
  for (let i = 0; i < 50; i++) {
    const offset = slotOffset("r.yml", `g${i}`, 15_000);
    assert.ok(Number.isInteger(offset) && offset >= 0 && offset < 15_000);
  }
});

test("slot: the newest one is not in the future", () => {
  assert.equal(slotBefore(100_000, 60_000, 30_000), 90_000);
  assert.equal(slotBefore(89_999, 60_000, 30_000), 30_000);
  assert.equal(slotBefore(90_000, 60_000, 30_000), 90_000);
});

test("slot: one tick waits for a slow evaluation; those behind it are missed, and time goes on by whole intervals", () => {
  assert.deepEqual(nextSlot(0, 3_000, 10_000), { slot: 10_000, missed: 0 });
  assert.deepEqual(nextSlot(0, 15_000, 10_000), { slot: 10_000, missed: 0 });
  assert.deepEqual(nextSlot(0, 25_000, 10_000), { slot: 20_000, missed: 1 });
  assert.deepEqual(nextSlot(0, 99_000, 10_000), { slot: 90_000, missed: 8 });
});
