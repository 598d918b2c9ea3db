import assert from "node:assert/strict";
import { test } from "node:test";
import { fineWallClock, systemClock } from "./clock.ts";

function byHand(wall: number, monotonic: number) {
  const state = { wall, monotonic };
  const now = fineWallClock(
    () => Math.floor(state.wall),
    () => state.monotonic,
  );
  /** Lets time pass on both, the wall clock running wrong by so much. */
  const pass = (ms: number, wrongBy = 0) => {
    state.monotonic += ms;
    state.wall += ms + wrongBy;
  };
  return { now, pass, state };
}

test("wall clock: tells fractions of the millisecond that the machine shows, and never goes back by itself", () => {
  const { now, pass, state } = byHand(1_000_000.4, 7);
  let before = now();
  for (let i = 0; i < 1000; i++) {
    pass(0.1 + (i % 7) / 10);
    const time = now();
    assert.equal(Math.floor(time), Math.floor(state.wall));
    assert.ok(time >= before, `${time} after ${before}`);
    before = time;
  }
  assert.notEqual(before % 1, 0);
});

test("wall clock: follows a machine clock that is slewed for days, and one that is set", () => {
  const { now, pass, state } = byHand(1_000_000, 0);
  now();
  for (let hour = 0; hour < 72; hour++) pass(3_600_000, 360);
  assert.ok(Math.abs(now() - state.wall) <= 1);
  for (const step of [5000, -5000, 0.5, -0.5, 86_400_000, -86_400_000]) {
    pass(10, step);
    assert.ok(Math.abs(now() - state.wall) <= 1, `after a step of ${step} ms`);
  }
});

test("system clock: shows the machine's time", () => {
  const before = Date.now();
  const time = systemClock.now();
  assert.ok(time >= before && time < Date.now() + 1, String(time - before));
});
