import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DurationError,
  formatDecimal,
  formatDuration,
  formatFloat,
  formatGeneral,
  isValidLabelName,
  isValidLabelValue,
  isValidMetricName,
  Labels,
  Matcher,
  parseDuration,
  parseFloatStrict,
  parseSignedDuration,
  quote,
} from "./index.ts";

test("number: the API's, the general and the decimal form", () => {
  const cases: readonly [number, string, string, string][] = [
    [0, "0", "0", "0"],
    [-0, "-0", "-0", "-0"],
    [1, "1", "1", "1"],
    [123456, "123456", "123456", "123456"],
    [1234567, "1234567", "1.234567e+06", "1234567"],
    [1e6, "1000000", "1e+06", "1000000"],
    [1e20, "100000000000000000000", "1e+20", "100000000000000000000"],
    [1e21, "1e+21", "1e+21", "1000000000000000000000"],
    [-1.5e22, "-1.5e+22", "-1.5e+22", "-15000000000000000000000"],
    [0.0001, "0.0001", "0.0001", "0.0001"],
    [0.00001, "0.00001", "1e-05", "0.00001"],
    [1e-6, "0.000001", "1e-06", "0.000001"],
    [-1.25e-7, "-1.25e-07", "-1.25e-07", "-0.000000125"],
    [5e-324, "5e-324", "5e-324", `0.${"0".repeat(323)}5`],
    [NaN, "NaN", "NaN", "NaN"],
    [Infinity, "+Inf", "+Inf", "+Inf"],
    [-Infinity, "-Inf", "-Inf", "-Inf"],
  ];
  for (const [value, api, general, decimal] of cases) {
    assert.equal(formatFloat(value), api);
    assert.equal(formatGeneral(value), general);
    assert.equal(formatDecimal(value), decimal);
  }
});

test("number: what Go reads as a float is read, and nothing else", () => {
  const good: readonly [string, number][] = [
    ["1", 1],
    ["+1", 1],
    ["-1.5e3", -1500],
    [".5", 0.5],
    ["5.", 5],
    ["1_000.5_0", 1000.5],
    ["1e-400", 0],
    ["nan", NaN],
    ["NaN", NaN],
    ["Inf", Infinity],
    ["+iNf", Infinity],
    ["-Infinity", -Infinity],
    ["0x1p-2", 0.25],
    ["-0x1.8p1", -3],
    ["0X_1FFFP-16", 0x1fff / 65536],
    ["0x1p-1074", 5e-324],
    ["0x1p-1075", 0],
    ["0x1.8p-1074", 1e-323],
    ["0x1.fffffffffffffp1023", Number.MAX_VALUE],
    ["0x1.00000000000008p0", 1],
    ["0x1.00000000000018p0", 1 + 2 ** -51],
  ];
  for (const [text, value] of good) assert.equal(parseFloatStrict(text), value, text);
  const bad = [
    "",
    " 1",
    "1 ",
    "+",
    "-",
    ".",
    "e5",
    "1e",
    "1e+",
    "0x10",
    "0x",
    "0xp1",
    "1__0",
    "_1",
    "1_",
    "1_.5",
    "+nan",
    "infi",
    "1,5",
    "0b1",
    "١",
    "1e999",
    "0x1p1024",
    "0x1_p1",
    "constructor",
    "__proto__",
  ];
  for (const text of bad) assert.equal(parseFloatStrict(text), undefined, text);
});

test("duration: reads and writes the usual forms", () => {
  const cases: readonly [string, number, string][] = [
    ["0", 0, "0s"],
    ["0s", 0, "0s"],
    ["15s", 15_000, "15s"],
    ["1h30m", 5_400_000, "1h30m"],
    ["90m", 5_400_000, "1h30m"],
    ["2w", 1_209_600_000, "2w"],
    ["90d", 7_776_000_000, "90d"],
    ["1y", 31_536_000_000, "1y"],
    ["370d", 31_968_000_000, "370d"],
    ["1d12h5m3s7ms", 129_903_007, "1d12h5m3s7ms"],
    ["324ms", 324, "324ms"],
    ["292y", 9_208_512_000_000, "292y"],
    ["0010s", 10_000, "10s"],
  ];
  for (const [text, ms, canonical] of cases) {
    assert.equal(parseDuration(text), ms);
    assert.equal(formatDuration(ms), canonical);
  }
  assert.equal(parseSignedDuration("-5m"), -300_000);
  assert.equal(formatDuration(-300_000), "-5m");
});

test("duration: what is none is refused in the reference's words", () => {
  const refusals: readonly [string, string][] = [
    ["", "empty duration string"],
    ["1", 'not a valid duration string: "1"'],
    ["-1h", 'not a valid duration string: "-1h"'],
    ["5m1h", 'not a valid duration string: "5m1h"'],
    ["5m1m", 'not a valid duration string: "5m1m"'],
    ["1.5h", 'unknown unit "." in duration "1.5h"'],
    ["1h ", 'unknown unit "h " in duration "1h "'],
    ["10\n", 'unknown unit "\\n" in duration "10\\n"'],
    ["293y", "duration out of range"],
    ["99999999999999999999s", 'not a valid duration string: "99999999999999999999s"'],
    ["18446744073709551615s", "duration out of range"],
  ];
  for (const [text, message] of refusals) {
    assert.throws(
      () => parseDuration(text),
      (error) => error instanceof DurationError && error.message === message,
      text,
    );
  }
});

test("quote: escapes as Go does", () => {
  assert.equal(quote('a "b" \\ c\n\t\x01\x7f'), '"a \\"b\\" \\\\ c\\n\\t\\x01\\x7f"');
  assert.equal(quote("Grüße 🔥"), '"Grüße 🔥"');
  assert.equal(quote("\u00a0\u200b\u{e0001}"), '"\\u00a0\\u200b\\U000e0001"');
});

test("name: classic rules and UTF-8", () => {
  assert.ok(
    isValidMetricName("a:b_c1", "legacy") && !isValidMetricName("1a", "legacy") && !isValidMetricName("a.b", "legacy"),
  );
  assert.ok(isValidLabelName("a_b", "legacy") && !isValidLabelName("a:b", "legacy") && !isValidLabelName("", "legacy"));
  assert.ok(isValidMetricName("a.b ü") && !isValidMetricName("") && !isValidLabelName("\ud800"));
  assert.ok(isValidLabelValue("") && isValidLabelValue("🔥") && !isValidLabelValue("x\udc00"));
});

test("labels and matchers: print as the reference prints them", () => {
  const labels = Labels.fromObject({ __name__: "up", job: 'a "b"', "my.label": "x" });
  assert.equal(labels.toString(), '{__name__="up", job="a \\"b\\"", "my.label"="x"}');
  assert.equal(labels.toSelector(), 'up{job="a \\"b\\"", "my.label"="x"}');
  assert.equal(Labels.fromObject({ __name__: "up" }).toSelector(), "up");
  assert.equal(Labels.empty.toSelector(), "{}");
  assert.equal(new Matcher("=~", "job", "a|b\\.c").toString(), 'job=~"a|b\\\\.c"');
  assert.equal(new Matcher("!=", "my.label", "").toString(), '"my.label"!=""');
});
