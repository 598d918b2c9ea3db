import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalFloat, parseFloatBytes, parseFloatText, scanDecimal } from "./float.ts";

function scan(text: string): { end: number; value: number } {
  const into = new Float64Array(1);
  const end = scanDecimal(Buffer.from(`${text}\n`), 0, into, 0);
  return { end, value: into[0] as number };
}

test("decimals: what the fast path takes, it reads as the language reads it", () => {
  const texts = ["0", "-0", "1", "12.5", "-0.001", "1e5", "1.23456e+06", "1.5E-7", "999999999999999", "0.000001", "5."];
  for (const text of texts) {
    const { end, value } = scan(text);
    assert.equal(end, text.length, text);
    assert.ok(Object.is(value, Number(text)), text);
  }
});

test("decimals: what is not certain is left to the slow path", () => {
  for (const text of [
    "",
    "-",
    ".",
    "NaN",
    "+1",
    "1e",
    "1e+",
    "1e99",
    "1234567890123456",
    "0.12345678901234567",
    "1e-30",
  ]) {
    assert.equal(scan(text).end, -1, text);
  }
});

test("decimals: the end is the first byte that does not belong to the number", () => {
  assert.equal(scan("12 34").end, 2);
  assert.equal(scan("1.5x").end, 3);
});

test("decimals: 200,000 random ones equal the language's own reading, to the last bit", () => {
  let state = 12345;
  const random = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < 200_000; i++) {
    const digits = 1 + Math.floor(random() * 17);
    const value = random() * 10 ** Math.floor(random() * 40 - 20);
    const text = i % 2 === 0 ? String(Number(value.toPrecision(digits))) : value.toExponential(digits - 1);
    const bytes = Buffer.from(`${text}\n`);
    assert.equal(parseFloatBytes(bytes, 0, text.length), Number(text), text);
  }
});

test("label numbers: canonical form has a point or an exponent", () => {
  const cases: [number, string][] = [
    [1, "1.0"],
    [0, "0.0"],
    [0.5, "0.5"],
    [-2, "-2.0"],
    [1e6, "1e+06"],
    [123456, "123456.0"],
    [1234567, "1.234567e+06"],
    [0.0001, "0.0001"],
    [0.00001, "1e-05"],
    [Number.POSITIVE_INFINITY, "+Inf"],
    [Number.NaN, "NaN"],
  ];
  for (const [value, text] of cases) assert.equal(canonicalFloat(value), text);
});

test("number texts: any case for the specials, a sign only for infinity", () => {
  assert.equal(parseFloatText("-infinity"), Number.NEGATIVE_INFINITY);
  assert.equal(parseFloatText("iNF"), Number.POSITIVE_INFINITY);
  assert.ok(Number.isNaN(parseFloatText("nAn")));
  for (const text of ["+nan", "", "1 ", "0x1", "1_0", "infi"]) assert.equal(parseFloatText(text), undefined, text);
});
