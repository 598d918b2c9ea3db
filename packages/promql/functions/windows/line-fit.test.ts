import assert from "node:assert/strict";
import { test } from "node:test";
import { KahanSum } from "../kahan.ts";
import { LineFit } from "./line-fit.ts";

/** Sums everything anew, as the reference does. */
function naive(times: Float64Array, values: Float64Array, lo: number, hi: number, interceptTime: number): number[] {
  const sums = Array.from({ length: 4 }, () => new KahanSum());
  for (let i = lo; i < hi; i++) {
    const x = ((times[i] as number) - interceptTime) / 1e3;
    const y = values[i] as number;
    for (const [k, term] of [x, y, x * y, x * x].entries()) sums[k]?.add(term);
  }
  const [x, y, xy, x2] = sums.map(({ sum, compensation }) => sum + compensation) as [number, number, number, number];
  const n = hi - lo;
  const slope = (xy - (x * y) / n) / (x2 - (x * x) / n);
  return [slope, y / n - (slope * x) / n];
}

const T = 1_700_000_000_000;
const values = (count: number, from = 0): Float64Array =>
  Float64Array.from({ length: count }, (_, i) => 1e9 * Math.sin(from + i * 1.3) + i * 1e-3);

test("line fit: windows of evenly spaced samples, of gaps and of jitter have the very numbers of sums made anew", () => {
  const series: Record<string, (i: number) => number> = {
    even: (i) => T + i * 15_000,
    "even, another spacing": (i) => T + 7 + i * 60_000,
    "a gap": (i) => T + i * 15_000 + (i > 40 ? 300_001 : 0),
    jitter: (i) => T + i * 15_000 + ((i * 7919) % 13),
    "even after jitter": (i) => T + i * 15_000 + (i < 50 ? (i * 7919) % 13 : 0),
  };
  // One after the other: what was kept of one series must not be used for the next.
  for (const [what, timeOf] of Object.entries(series)) {
    const times = Float64Array.from({ length: 120 }, (_, i) => timeOf(i));
    const y = values(120, what.length);
    const line = new LineFit(times, y);
    for (const [width, step] of [
      [2, 1],
      [20, 3],
      [90, 7],
    ] as const)
      for (let lo = 0; lo + width <= 120; lo += step)
        for (const intercept of [times[lo] as number, (times[lo] as number) + 100_000, T + 9_000_000]) {
          line.fit(lo, lo + width, intercept);
          assert.deepEqual([line.slope, line.intercept], naive(times, y, lo, lo + width, intercept), `${what}, ${lo}`);
        }
  }
});

test("line fit: windows larger than what is kept, constant series, infinite ones", () => {
  const times = Float64Array.from({ length: 10_000 }, (_, i) => T + i * 1000);
  const y = values(10_000);
  const line = new LineFit(times, y);
  line.fit(0, 10_000, T);
  assert.deepEqual([line.slope, line.intercept], naive(times, y, 0, 10_000, T));
  const of = (value: number): number[] => {
    const constant = new LineFit(times, new Float64Array(10).fill(value));
    constant.fit(0, 10, T);
    return [constant.slope, constant.intercept];
  };
  assert.deepEqual(of(5), [0, 5]);
  assert.deepEqual(of(Infinity), [NaN, NaN]);
  assert.deepEqual(of(NaN), [NaN, NaN]);
});
