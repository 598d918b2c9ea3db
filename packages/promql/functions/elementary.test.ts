// Values that differ in the last bit between runtimes; expected ones are the reference's (3.5.3 on amd64).
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { calendar } from "./calendar.ts";
import { classicFraction, classicQuantile, type MonotonicityFix } from "./classic-histogram.ts";
import { fusedMultiplyAdd } from "./fused.ts";
import { parseGoFloat } from "./go-float.ts";
import { acosh, cosh, exponential, logarithm, logarithm2, logarithm10, power, sinh, tanh } from "./go-math.ts";
import { hash64, labelsFraction } from "./labels-hash.ts";
import { compareNatural } from "./natural-order.ts";
import { asin, atan, atan2, cos, sin, tan } from "./trigonometry.ts";

test("a fused multiply-add rounds once", () => {
  // (1 + 2^-52)^2 - (1 + 2^-51) is exactly 2^-104.
  assert.equal(fusedMultiplyAdd(1 + 2 ** -52, 1 + 2 ** -52, -(1 + 2 ** -51)), 2 ** -104);
  assert.equal(fusedMultiplyAdd(0.1, 10, -1), 5.551115123125783e-17);
  assert.equal(fusedMultiplyAdd(3, 4, 5), 17);
});

test("elementary functions keep to their special values", () => {
  assert.equal(exponential(0), 1);
  assert.equal(exponential(1), Math.E);
  assert.equal(exponential(710), Infinity);
  assert.equal(exponential(-Infinity), 0);
  assert.equal(logarithm(0), -Infinity);
  assert.ok(Number.isNaN(logarithm(-1)));
  assert.equal(logarithm2(8), 3);
  assert.equal(logarithm2(2 ** -1074), -1074);
  assert.equal(logarithm10(100), 2);
  assert.equal(power(2, 10), 1024);
  assert.equal(power(-8, 3), -512);
  assert.ok(Number.isNaN(power(-8, 1 / 3)));
  assert.equal(power(2, -1074), 2 ** -1074);
  assert.equal(power(0, -1), Infinity);
  assert.equal(power(-0, -1), -Infinity);
  assert.equal(power(NaN, 0), 1);
  assert.equal(power(-1, Infinity), 1);
  assert.equal(power(2, 5000), Infinity);
  assert.ok(Object.is(sinh(-0), -0));
  assert.equal(cosh(0), 1);
  assert.equal(tanh(50), 1);
  assert.equal(acosh(1), 0);
  assert.equal(sin(0), 0);
  assert.equal(cos(0), 1);
  assert.ok(Number.isNaN(sin(Infinity)));
  assert.equal(atan(Infinity), Math.PI / 2);
  assert.equal(asin(1), Math.PI / 2);
  assert.equal(atan2(0, -1), Math.PI);
});

test("large angles are reduced with as many digits of pi as it takes", () => {
  for (const x of [1e9, 1e15, 1.5e22, 1e100, 1.7e308]) {
    assert.ok(Math.abs(sin(x) - Math.sin(x)) < 1e-15, `sin(${x})`);
    assert.ok(Math.abs(cos(x) - Math.cos(x)) < 1e-15, `cos(${x})`);
    assert.ok(Math.abs(tan(x) / Math.tan(x) - 1) < 1e-14, `tan(${x})`);
  }
});

test("functions stay within two units in the last place of the runtime's own", () => {
  for (let i = 1; i < 2000; i++) {
    const x = (i * 7919) / 1009 / 97;
    for (const [ours, theirs] of [
      [exponential(x / 10), Math.exp(x / 10)],
      [logarithm(x), Math.log(x)],
      [sin(x), Math.sin(x)],
      [atan(x), Math.atan(x)],
      [power(x, 1.3), x ** 1.3],
    ] as const) {
      assert.ok(Math.abs(ours - theirs) <= 4 * Number.EPSILON * Math.max(Math.abs(theirs), 1e-3), `x = ${x}`);
    }
  }
});

test("calendar parts match the runtime's calendar, and no number is the reference's least time", () => {
  for (let i = -3000; i < 3000; i++) {
    const seconds = i * 12_345_678 + 77;
    const date = new Date(seconds * 1000);
    assert.equal(calendar["year"]?.(seconds), date.getUTCFullYear());
    assert.equal(calendar["month"]?.(seconds), date.getUTCMonth() + 1);
    assert.equal(calendar["day_of_month"]?.(seconds), date.getUTCDate());
    assert.equal(calendar["day_of_week"]?.(seconds), date.getUTCDay());
    assert.equal(calendar["hour"]?.(seconds), date.getUTCHours());
    assert.equal(calendar["minute"]?.(seconds), date.getUTCMinutes());
    const newYear = Date.UTC(date.getUTCFullYear(), 0, 1);
    assert.equal(calendar["day_of_year"]?.(seconds), Math.floor((date.getTime() - newYear) / 86_400_000) + 1);
    const monthEnd = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0));
    assert.equal(calendar["days_in_month"]?.(seconds), monthEnd.getUTCDate());
  }
  assert.equal(calendar["year"]?.(NaN), 292277026596);
  assert.equal(calendar["minute"]?.(Infinity), 30);
});

test("classic quantiles: interpolation, corrections and what has none", () => {
  const fix: MonotonicityFix = { forced: false, minBucket: 0, maxBucket: 0, maxDifference: 0 };
  const buckets = (...pairs: [number, number][]): { le: number; count: number }[] =>
    pairs.map(([le, count]) => ({ le, count }));
  assert.equal(classicQuantile(0.5, buckets([1, 10], [2, 20], [Infinity, 20]), fix), 1);
  assert.equal(classicQuantile(0.75, buckets([Infinity, 20], [2, 20], [1, 10]), fix), 1.5);
  assert.equal(classicQuantile(0.99, buckets([1, 10], [Infinity, 20]), fix), 1);
  assert.ok(Number.isNaN(classicQuantile(0.5, buckets([1, 10], [2, 20]), fix)));
  assert.ok(Number.isNaN(classicQuantile(0.5, buckets([1, 0], [Infinity, 0]), fix)));
  assert.equal(classicQuantile(-1, buckets([1, 1], [Infinity, 1]), fix), -Infinity);
  assert.equal(fix.forced, false);
  classicQuantile(0.5, buckets([1, 10], [2, 8], [4, 9], [Infinity, 12]), fix);
  assert.deepEqual(fix, { forced: true, minBucket: 2, maxBucket: 4, maxDifference: 2 });
  assert.equal(classicFraction(0, 1, buckets([1, 10], [2, 20], [Infinity, 40])), 0.25);
  assert.equal(classicFraction(2, 1, buckets([1, 10], [Infinity, 40])), 0);
});

test("label sets hash as in the reference", () => {
  // xxHash64 of nothing, with seed 0, from its specification.
  assert.equal(hash64(new Uint8Array()), 0xef46db3751d8e999n);
  const fraction = labelsFraction(Labels.fromObject({ a: "b", c: "x".repeat(300) }));
  assert.ok(fraction > 0 && fraction < 1);
});

test("numbers in labels, and natural order", () => {
  assert.equal(parseGoFloat("+Inf"), Infinity);
  assert.equal(parseGoFloat("1e-3"), 0.001);
  assert.equal(parseGoFloat("0x1p-2"), 0.25);
  assert.equal(parseGoFloat(""), undefined);
  assert.equal(parseGoFloat("1 "), undefined);
  assert.ok(compareNatural("cpu2", "cpu10"));
  assert.ok(!compareNatural("cpu10", "cpu2"));
  assert.ok(compareNatural("a", "b"));
  assert.ok(compareNatural("a", "a1"));
  assert.ok(!compareNatural("a1", "a"));
  // Each before the other, and neither: what the reference's order says.
  assert.ok(compareNatural("01", "1") && compareNatural("1", "01"));
  assert.ok(!compareNatural("", "x") && !compareNatural("x", ""));
  // Digits that are no 64-bit integer are text.
  assert.ok(compareNatural("9223372036854775807", "9223372036854775808"));
  assert.ok(compareNatural("10000000000000000000", "9"));
  assert.ok(compareNatural("\uffff", "\u{1f525}"), "bytes, not UTF-16 units");
});
