import assert from "node:assert/strict";
import { test } from "node:test";
import { changes, resets } from "./changes.ts";
import type { FloatWindows, WindowKernel } from "./kernel.ts";
import {
  avgOverTime,
  countOverTime,
  extremeOverTime,
  lastOverTime,
  madOverTime,
  quantileOverTime,
  sumOverTime,
  varianceOverTime,
} from "./over-time.ts";
import { durationSeconds, extrapolatedRate, isStartTimeReset, lastChange } from "./rate.ts";
import { deriv, predictLinear } from "./trend.ts";
import { slideWindows, WindowBounds } from "./window-bounds.ts";

interface Setting {
  readonly times: readonly number[];
  readonly values: readonly number[];
  readonly startTimes?: readonly number[];
  readonly firstEnd: number;
  readonly stepMs: number;
  readonly steps: number;
  readonly rangeMs: number;
}

function windowsOf({ times, values, startTimes, firstEnd, stepMs, steps, rangeMs }: Setting): FloatWindows {
  const bounds = new WindowBounds(steps);
  const ascending = Float64Array.from(times);
  slideWindows(ascending, ascending.length, firstEnd, stepMs, rangeMs, bounds);
  return {
    times: ascending,
    values: Float64Array.from(values),
    startTimes: startTimes === undefined ? undefined : Float64Array.from(startTimes),
    lo: bounds.lo,
    hi: bounds.hi,
    drops: undefined,
    firstEnd,
    stepMs,
    rangeMs,
    evalStart: firstEnd,
    evalStepMs: stepMs,
  };
}

/** The points of all steps, undefined where there is none. */
function run(kernel: WindowKernel, setting: Setting): (number | undefined)[] {
  const out = new Float64Array(setting.steps);
  const present = new Uint8Array(setting.steps);
  const points = kernel(windowsOf(setting), 0, setting.steps, out, present);
  assert.equal(
    points,
    present.reduce((sum, one) => sum + one, 0),
  );
  return [...out].map((value, k) => (present[k] === 1 ? value : undefined));
}

/** One window over all values, a second apart. */
function once(kernel: WindowKernel, values: readonly number[]): number | undefined {
  const times = values.map((_value, i) => (i + 1) * 1000);
  return run(kernel, { times, values, firstEnd: times.length * 1000, stepMs: 0, steps: 1, rangeMs: 3_600_000 })[0];
}

test("windows are open on the left and closed on the right, whatever the spacing and the step", () => {
  const times = [0, 10, 20, 21, 22, 50, 90, 91, 92, 93, 94, 200];
  for (const stepMs of [0, 1, 7, 10, 33, 500]) {
    for (const rangeMs of [1, 10, 40, 1000]) {
      const bounds = new WindowBounds(30);
      slideWindows(Float64Array.from(times), times.length, 5, stepMs, rangeMs, bounds);
      let total = 0;
      for (let k = 0; k < 30; k++) {
        const end = 5 + k * stepMs;
        const inside = times.filter((t) => t > end - rangeMs && t <= end);
        assert.deepEqual(
          times.slice(bounds.lo[k], bounds.hi[k]),
          inside,
          `step ${stepMs}, range ${rangeMs}, end ${end}`,
        );
        total += inside.length;
      }
      assert.equal(bounds.total, total);
    }
  }
});

test("increase is extrapolated to bounds that are near, half a distance elsewhere, and not below zero", () => {
  const increase = extrapolatedRate(true, false);
  const even = { firstEnd: 60_000, stepMs: 0, steps: 1, rangeMs: 60_000 };
  // Samples at 10, 20, .. 60 s: 10 s to the start are as far as the samples from each other.
  const times = [10_000, 20_000, 30_000, 40_000, 50_000, 60_000];
  assert.deepEqual(run(increase, { ...even, times, values: [100, 110, 120, 130, 140, 150] }), [60]);
  // From 5 upwards the counter was zero 5 s before its first sample.
  assert.deepEqual(run(increase, { ...even, times, values: [5, 15, 25, 35, 45, 55] }), [55.00000000000001]);
  // A series that begins in the middle is taken back by half a distance.
  assert.deepEqual(run(increase, { ...even, times: times.slice(2), values: [120, 130, 140, 150] }), [35]);
  assert.deepEqual(run(increase, { ...even, times: [30_000], values: [7] }), [undefined]);
});

test("rate counts what came before each reset, in windows with and without one", () => {
  const rate = extrapolatedRate(true, true);
  const setting = {
    times: [1000, 2000, 3000, 4000, 5000, 6000],
    values: [1000, 1010, 5, 15, 25, 35],
    firstEnd: 3000,
    stepMs: 1000,
    steps: 4,
    rangeMs: 3000,
  };
  assert.deepEqual(run(rate, setting), [7.5, 7.5, 8.333333333333334, 10]);
});

test("a start time inside the window is an exact zero, even for a single sample", () => {
  const increase = extrapolatedRate(true, false);
  const setting = { firstEnd: 60_000, stepMs: 0, steps: 1, rangeMs: 60_000 };
  assert.deepEqual(run(increase, { ...setting, times: [50_000], values: [8], startTimes: [40_000] }), [8]);
  assert.equal(isStartTimeReset(0, 10, 12, 20), true);
  assert.equal(isStartTimeReset(5, 10, 5, 20), false);
  assert.equal(isStartTimeReset(5, 10, 10, 20), true);
  assert.equal(isStartTimeReset(10, 10, 10, 20), false);
  assert.equal(isStartTimeReset(0, 10, 20, 20), false);
});

test("irate and idelta look at the last two samples only", () => {
  assert.equal(once(lastChange(true), [0, 50, 20]), 20);
  assert.equal(once(lastChange(false), [0, 50, 20]), -30);
  assert.equal(once(lastChange(true), [3]), undefined);
});

test("sums lose nothing that compensation can save, and whole numbers take the short way to the same bits", () => {
  assert.equal(once(sumOverTime, [1, 1e100, 1, -1e100]), 2);
  assert.equal(once(avgOverTime, [Number.MAX_VALUE, Number.MAX_VALUE]), Number.MAX_VALUE);
  assert.equal(once(sumOverTime, [Infinity, -1]), Infinity);
  const values = Array.from({ length: 200 }, (_, i) => (i * 7919) % 1009);
  const times = values.map((_value, i) => i * 1000);
  const setting = { times, firstEnd: 20_000, stepMs: 3000, steps: 50, rangeMs: 17_000 };
  for (const kernel of [sumOverTime, avgOverTime]) {
    const whole = run(kernel, { ...setting, values });
    // One fraction outside of all windows forces the long way.
    const long = run(kernel, { ...setting, times: [...times, 1e9], values: [...values, 0.5], steps: 50 });
    const single = whole.map(
      (_value, k) => run(kernel, { ...setting, values, firstEnd: 20_000 + k * 3000, steps: 1 })[0],
    );
    assert.deepEqual(whole, single);
    assert.deepEqual(whole, long);
  }
});

test("extremes of sliding windows ignore NaN, unless there is nothing else", () => {
  const values = [3, NaN, 1, 4, 1, NaN, NaN, 5, 9, 2, 6];
  const times = values.map((_value, i) => i * 1000);
  const setting = { times, values, firstEnd: 0, stepMs: 1000, steps: 14, rangeMs: 2000 };
  for (const maximum of [true, false]) {
    const expected = Array.from({ length: 14 }, (_, k) => {
      const inside = values.filter((_value, i) => i <= k && i > k - 2);
      if (inside.length === 0) return undefined;
      const known = inside.filter((value) => !Number.isNaN(value));
      return known.length === 0 ? NaN : maximum ? Math.max(...known) : Math.min(...known);
    });
    assert.deepEqual(run(extremeOverTime(maximum), setting), expected);
  }
});

test("spread, quantiles and counts of a window", () => {
  assert.equal(once(varianceOverTime(false), [1, 2, 3, 4]), 1.25);
  assert.equal(once(varianceOverTime(true), [5, 5, 5]), 0);
  assert.equal(once(quantileOverTime(Float64Array.of(0.25)), [4, 1, 3, 2, 0]), 1);
  assert.equal(once(quantileOverTime(Float64Array.of(2)), [4]), Infinity);
  assert.equal(once(madOverTime, [4, 6, 2, 1, 999, 1, 2]), 1);
  assert.equal(once(countOverTime, [1, NaN, 3]), 3);
  assert.equal(once(lastOverTime, [1, 2]), 2);
  assert.equal(once(changes, [1, 1, 2, NaN, NaN, 2]), 3);
  assert.equal(once(resets, [5, 6, 1, 2, 0]), 2);
});

test("a line is fitted through at least two samples; constants have no slope", () => {
  assert.equal(once(deriv, [1, 3, 5, 7]), 2);
  assert.equal(once(deriv, [4, 4, 4]), 0);
  assert.equal(once(deriv, [4]), undefined);
  assert.ok(Number.isNaN(once(deriv, [Infinity, Infinity])));
  assert.equal(once(predictLinear(Float64Array.of(10)), [1, 3, 5, 7]), 27);
});

test("durations in seconds are rounded as nanoseconds would be", () => {
  assert.equal(durationSeconds(300_000), 300);
  assert.equal(durationSeconds(1), 0.001);
  assert.equal(durationSeconds(1234), 1.234);
});
