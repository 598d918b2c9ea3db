import assert from "node:assert/strict";
import { test } from "node:test";
import { ParseError } from "./parse-error.ts";
import { parseSeriesDescription } from "./series-parser.ts";

function values(text: string): (number | string)[] {
  return parseSeriesDescription(`x ${text}`).values.map((value) => (value.kind === "float" ? value.value : value.kind));
}

test("series description: numbers, gaps, stale markers and repetitions", () => {
  assert.deepEqual(values("1 -2.5 1e3 Inf -Inf"), [1, -2.5, 1000, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  assert.deepEqual(values("0+10x3"), [0, 10, 20, 30]);
  assert.deepEqual(values("5-2x2"), [5, 3, 1]);
  assert.deepEqual(values("-1-1x1 7x1"), [-1, -2, 7, 7]);
  assert.deepEqual(values("_ _x2 stale 3"), ["omitted", "omitted", "omitted", "stale", 3]);
  assert.deepEqual(values("0x3"), [0, 0, 0, 0]);
  assert.deepEqual(values(""), []);
});

test("series description: labels in every notation", () => {
  assert.deepEqual(parseSeriesDescription('a{b="c", "d.e"="f",} 1').labels.toObject(), {
    __name__: "a",
    b: "c",
    "d.e": "f",
  });
  assert.deepEqual(parseSeriesDescription('{"a b"} 1').labels.toObject(), { __name__: "a b" });
  assert.deepEqual(parseSeriesDescription("{} 1").labels.toObject(), {});
});

test("series description: histogram literals", () => {
  const text =
    "{{schema:1 sum:-0.3 count:3 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2] offset:-1 n_buckets:[4] n_offset:2}}";
  const [value] = parseSeriesDescription(`x ${text}`).values;
  assert.ok(value?.kind === "histogram");
  assert.equal(value.hintSet, false);
  assert.deepEqual(value.histogram, {
    counterResetHint: 0,
    schema: 1,
    zeroThreshold: 0.5,
    zeroCount: 1,
    count: 3,
    sum: -0.3,
    positiveSpans: [{ offset: -1, length: 3 }],
    negativeSpans: [{ offset: 2, length: 1 }],
    positiveBuckets: Float64Array.of(1, 0, 2),
    negativeBuckets: Float64Array.of(4),
    customValues: [],
  });
  assert.deepEqual(values("{{}}x2 {{ }} {{schema:-53 custom_values:[5 10] buckets:[1] }}"), Array(5).fill("histogram"));
  const [hinted] = parseSeriesDescription("x {{counter_reset_hint:gauge}}").values;
  assert.ok(hinted?.kind === "histogram" && hinted.hintSet && hinted.histogram.counterResetHint === 3);
});

test("series description: what is refused, and where", () => {
  const cases: [string, RegExp][] = [
    ["x 1 foo", /^1:5: parse error: unexpected identifier "foo" in series values, expected number or "stale"$/],
    ["x 1 $", /^1:5: parse error: unexpected character in series sequence: '\$'$/],
    ["x {{foo:1}}", /^1:5: parse error: bad histogram descriptor found: "foo"$/],
    ["x {{sum:1 sum:2}}", /duplicate key "sum" in histogram$/],
    ["x -3-3 -3", /in series values$/],
    ["x 1x99999999999", /more than 1000000 values in a series$/],
    ['x{a="b} 1', /unterminated quoted string$/],
    ["x 1y", /bad number syntax/],
  ];
  for (const [text, message] of cases)
    assert.throws(() => parseSeriesDescription(text), { message, name: "ParseError" }, text);
  assert.throws(() => parseSeriesDescription("x {{"), ParseError);
});
