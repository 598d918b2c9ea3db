import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseGrid, chooseStep, pointCount } from "./step.ts";

test("steps: whole seconds by density, at least one; chosen ones as they are", () => {
  assert.equal(chooseStep({ kind: "auto", density: "low" }, 3600_000), 36_000);
  assert.equal(chooseStep({ kind: "auto", density: "medium" }, 3600_000), 14_000);
  assert.equal(chooseStep({ kind: "auto", density: "high" }, 3600_000), 4_000);
  assert.equal(chooseStep({ kind: "auto", density: "high" }, 60_000), 1000);
  assert.equal(chooseStep({ kind: "fixed", stepMs: 60_000 }, 3600_000), 60_000);
});

test("grids: they end where asked, or on a multiple of the step when they are to stay put between refreshes", () => {
  const end = 1_000_007_000;
  assert.deepEqual(chooseGrid({ kind: "fixed", stepMs: 10_000 }, 60_000, end, false), {
    start: end - 60_000,
    end,
    stepMs: 10_000,
  });
  const aligned = chooseGrid({ kind: "fixed", stepMs: 10_000 }, 60_000, end, true);
  assert.equal(aligned.end, 1_000_000_000);
  assert.equal(pointCount(aligned), 7);
  assert.equal(pointCount({ start: 0, end: 25, stepMs: 10 }), 3);
});
