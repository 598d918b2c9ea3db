import assert from "node:assert/strict";
import { test } from "node:test";
import { BodyLeash } from "./body-leash.ts";

const MIB = 1 << 20;

test("body leash: too large a body is given its whole limit ever more rarely, until one fits", () => {
  const leash = new BodyLeash();
  const whole: number[] = [];
  for (let attempt = 0; attempt < 100; attempt++) {
    if (leash.limit(50 * MIB) === 50 * MIB) whole.push(attempt);
    else assert.equal(leash.limit(50 * MIB), MIB);
    leash.note(true);
  }
  assert.deepEqual(whole, [0, 1, 2, 4, 8, 16, 32, 64, 96]);
  leash.note(false);
  assert.equal(leash.limit(50 * MIB), 50 * MIB);
  assert.equal(leash.isTaut, false);
});

test("body leash: no limit becomes a short one, a shorter limit stays", () => {
  const leash = new BodyLeash();
  for (let i = 0; i < 3; i++) leash.note(true);
  assert.equal(leash.limit(0), MIB);
  assert.equal(leash.limit(1000), 1000);
});
