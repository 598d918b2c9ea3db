import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { Expr } from "./ast.ts";
import { ALL_FEATURES, type ParserOptions } from "./options.ts";
import { describePlace, ParseError } from "./parse-error.ts";
import { parseExpr, parseMetricSelector } from "./parser.ts";
import { printExpr } from "./printer.ts";

function errorOf(query: string, options?: ParserOptions): string {
  try {
    parseExpr(query, options);
  } catch (error) {
    if (error instanceof ParseError) return error.message;
    throw error;
  }
  return "parses";
}

function parse(query: string): Expr {
  return parseExpr(query, ALL_FEATURES);
}

function only<K extends Expr["kind"]>(query: string, kind: K): Extract<Expr, { kind: K }> {
  const expr = parse(query);
  assert.equal(expr.kind, kind);
  return expr as Extract<Expr, { kind: K }>;
}

test("parser: every refused query of the fixture is refused with the reference's words and place", () => {
  const fixture = new URL("../../testdata/parse-errors.json", import.meta.url);
  const cases = JSON.parse(readFileSync(fixture, "utf8")) as [string, string][];
  assert.ok(cases.length > 250);
  for (const [query, message] of cases) assert.equal(errorOf(query), message, query);
});

test("parser: switched-off parts of the language are refused by name", () => {
  const cases: [string, string][] = [
    ["mad_over_time(a[5m])", '1:1: parse error: function "mad_over_time" is not enabled'],
    [
      "limitk(1, a)",
      "1:1: parse error: limitk() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
    ],
    ["rate(a[5m] anchored)", "1:6: parse error: anchored modifier is experimental and not enabled"],
    ["a smoothed", "1:1: parse error: smoothed modifier is experimental and not enabled"],
    ["a + fill(1) b", "1:1: parse error: binop fill modifiers are experimental and not enabled"],
  ];
  for (const [query, message] of cases) {
    assert.equal(errorOf(query), message);
    assert.equal(errorOf(query, ALL_FEATURES), "parses");
  }
  const off = { durationExpressions: false };
  assert.equal(errorOf("a[1m+1m]", off), "1:3: parse error: experimental duration expression is not enabled");
  assert.equal(errorOf("a[1m] offset -5m", off), "parses");
});

test("parser: faults of duration expressions and extended selectors", () => {
  const cases: [string, string][] = [
    ["a[0s]", "1:3: parse error: duration must be greater than 0"],
    ["a[5m/0]", "1:5: parse error: division by zero"],
    ["a[5m%0d]", "1:5: parse error: modulo by zero"],
    ["a offset 99999999999999999999", "1:10: parse error: duration out of range"],
    ["a[5mm]", '1:3: parse error: bad number or duration syntax: "5mm"'],
    ["a[1s1m]", '1:3: parse error: not a valid duration string: "1s1m"'],
    ["a[1h:] anchored", "1:1: parse error: anchored modifier is not supported for subqueries"],
    ["rate(a[5m] anchored smoothed)", "1:6: parse error: anchored and smoothed modifiers cannot be used together"],
    ["sum(a) smoothed", "1:1: parse error: smoothed modifier not implemented"],
    ["a and fill(0) b", "1:1: parse error: filling in missing series not allowed for set operators"],
    ["1 + fill(0) b", "1:1: parse error: filling in missing series only allowed between instant vectors"],
    ["info(a, b)", "1:9: parse error: expected label selectors only, got vector selector instead"],
    [
      'histogram_quantiles(a, "x")',
      '1:1: parse error: expected at least 3 argument(s) in call to "histogram_quantiles", got 2',
    ],
  ];
  for (const [query, message] of cases) assert.equal(errorOf(query, ALL_FEATURES), message, query);
});

test("parser: columns count bytes, lines count from the newest line break", () => {
  assert.equal(errorOf('{a="日本"} + )'), "1:17: parse error: unexpected right parenthesis ')'");
  assert.equal(errorOf("a +\n\n  * b"), "3:3: parse error: unexpected <op:*>");
  assert.equal(errorOf(""), "unknown position: parse error: no expression found in input");
  assert.equal(describePlace("abc", 7), "invalid position");
});

test("parser: operators group by strength, powers to the right, signs looser than powers", () => {
  const grouped = (expr: Expr): string => {
    if (expr.kind === "binary") return `(${grouped(expr.lhs)} ${expr.op} ${grouped(expr.rhs)})`;
    return expr.kind === "unary" ? `${expr.op}${grouped(expr.expr)}` : printExpr(expr);
  };
  const cases: [string, string][] = [
    ["a + b * c ^ d ^ e", "(a + (b * (c ^ (d ^ e))))"],
    ["a - b - c", "((a - b) - c)"],
    ["a or b and c unless d", "(a or ((b and c) unless d))"],
    ["a > b + c == d", "((a > (b + c)) == d)"],
    ["-a ^ b", "-(a ^ b)"],
    ["-a * b", "(-a * b)"],
    ["a ^ -b * c", "((a ^ -b) * c)"],
    ["a atan2 b / c", "((a atan2 b) / c)"],
    ["a </ 5 >/ 3", "((a </ 5) >/ 3)"],
  ];
  for (const [query, expected] of cases) assert.equal(grouped(parse(query)), expected);
  assert.equal(only("-1 ^ 2", "unary").op, "-");
  assert.deepEqual(only("-5m", "number"), { kind: "number", pos: { start: 0, end: 3 }, value: -300, duration: true });
});

test("parser: a selector keeps its matchers in the order written, the name's own last", () => {
  const { name, matchers, pos } = only('up{job="x",env!~"a|b",}', "vectorSelector");
  assert.equal(name, "up");
  assert.deepEqual(
    matchers.map((matcher) => [matcher.name, matcher.type, matcher.value]),
    [
      ["job", "=", "x"],
      ["env", "!~", "a|b"],
      ["__name__", "=", "up"],
    ],
  );
  assert.deepEqual(pos, { start: 0, end: 23 });
  const quoted = only('{"a.b", "c d"="e"}', "vectorSelector");
  assert.equal(quoted.name, "");
  assert.deepEqual(
    quoted.matchers.map((matcher) => matcher.name),
    ["__name__", "c d"],
  );
});

test("parser: keywords name metrics and labels where nothing else fits", () => {
  for (const word of ["sum", "by", "offset", "and", "start", "step", "fill", "limitk", "anchored", "min_of"]) {
    assert.equal(only(word, "vectorSelector").name, word);
    assert.deepEqual(only(`sum by (${word}) (a)`, "aggregate").grouping, [word]);
  }
  for (const word of ["on", "bool", "ignoring", "group_left", "atan2"])
    assert.match(errorOf(word), /^1:1: .*unexpected/);
  assert.equal(only("fill + fill", "binary").op, "+");
  assert.equal(only("SUM BY (a) (b)", "aggregate").op, "sum");
});

test("parser: offset and @ bind to the selector, in any order, once each", () => {
  const both = only("a @ 1.5 offset -5m", "vectorSelector");
  assert.deepEqual(both.at, { kind: "timestamp", t: 1500 });
  assert.equal(both.offsetMs, -300_000);
  const range = only("a[5m] offset 1h @ end()", "matrixSelector");
  assert.deepEqual([range.rangeMs, range.selector.offsetMs, range.selector.at], [300_000, 3_600_000, { kind: "end" }]);
  const subquery = only("a[1h:5m] @ start() offset 1w", "subquery");
  assert.deepEqual(
    [subquery.rangeMs, subquery.stepMs, subquery.offsetMs, subquery.at],
    [3_600_000, 300_000, 604_800_000, { kind: "start" }],
  );
  assert.equal(errorOf("a offset 1m offset 2m"), "1:1: parse error: offset may not be set multiple times");
  assert.equal(errorOf("a @ 1 @ 2"), "1:1: parse error: @ <timestamp> may not be set multiple times");
});

test("parser: without parentheses an offset takes one literal, with them an expression", () => {
  assert.equal(only("a offset 1m + 2", "binary").lhs.kind, "vectorSelector");
  const { offsetMs, offsetExpr } = only("a offset (1m + step())", "vectorSelector");
  assert.equal(offsetMs, 0);
  assert.equal(offsetExpr?.kind === "durationOp" && offsetExpr.wrapped, true);
  assert.equal(only("a offset -step() * 2", "binary").op, "*");
  assert.equal(printExpr(parse("a[max_of(step(), 5m) * 2:range()]")), "a[max_of(step(), 5m) * 2:range()]");
});

test("parser: matching of vector operators", () => {
  const { matching, returnBool } = only("a == bool on (x) group_left (y, z) fill_right (-1) b", "binary");
  assert.equal(returnBool, true);
  assert.deepEqual(matching, {
    card: "many-to-one",
    labels: ["x"],
    on: true,
    include: ["y", "z"],
    fill: { lhs: undefined, rhs: -1 },
  });
  assert.equal(only("a and b", "binary").matching?.card, "many-to-many");
  assert.equal(only("a + 1", "binary").matching, undefined);
});

test("parser: numbers in every notation", () => {
  const cases: [string, number][] = [
    ["0x1F", 31],
    ["1_000", 1000],
    ["017", 15],
    ["08", 8],
    [".5", 0.5],
    ["1e3", 1000],
    ["+Inf", Number.POSITIVE_INFINITY],
    ["-inf", Number.NEGATIVE_INFINITY],
    ["nAn", Number.NaN],
    ["1h30m", 5400],
    ["1y", 31_536_000],
    ["150ms", 0.15],
  ];
  for (const [query, value] of cases) assert.equal(only(query, "number").value, value, query);
  assert.match(errorOf("1e999"), /value out of range$/);
});

test("parser: strings take Go's escapes, bytes that are no UTF-8 included", () => {
  const value = (query: string) => only(query, "string").value;
  assert.equal(value(String.raw`"\x41\101\u00e9\U0001F525\n\""`), 'AAé🔥\n"');
  assert.equal(value(String.raw`"\xc3\xa9"`), "é");
  assert.equal(printExpr(parse(String.raw`"a\xff"`)), String.raw`"a\xff"`);
  assert.equal(value("`a\\n\nb`"), "a\\n\nb");
});

test("parser: hostile nesting gives an error, never a stack overflow", () => {
  const many = 50_000;
  const hostile = [
    "(".repeat(many),
    `${"(".repeat(many)}1${")".repeat(many)}`,
    `${"-".repeat(many)}a`,
    `${"sum(".repeat(many)}a`,
    `${"1 + ".repeat(many)}1`,
    `${"1 ^ ".repeat(many)}1`,
    `a[${"(".repeat(many)}1`,
    `a[${"1+".repeat(many)}1]`,
    `a[${"-".repeat(many)}1]`,
    `a offset ${"-".repeat(many)}1`,
    `a${"[1h:1m]".repeat(many)}`,
    `a${" offset 1m".repeat(many)}`,
  ];
  for (const query of hostile) assert.match(errorOf(query, ALL_FEATURES), /parse error: /, query.slice(0, 20));
  assert.match(errorOf(hostile[1] as string), /nested too deeply/);
  assert.match(errorOf(hostile[4] as string), /nested too deeply, at most 1000 levels/);
  assert.match(errorOf("1 + ".repeat(2000)), /unexpected end of input$/);
  assert.equal(errorOf(`${"(".repeat(400)}1${")".repeat(400)}`), "parses");
});

test("parseMetricSelector: one selector and nothing else", () => {
  const matchers = parseMetricSelector('up{job="x"}');
  assert.deepEqual(
    matchers.map(({ name }) => name),
    ["job", "__name__"],
  );
  assert.equal(parseMetricSelector("{}").length, 0);
  for (const text of ["up[5m]", "rate(up)", "", "up offset 5m", "1"]) {
    assert.throws(() => parseMetricSelector(text), ParseError, text);
  }
});
