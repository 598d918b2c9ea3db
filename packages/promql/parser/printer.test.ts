import assert from "node:assert/strict";
import { test } from "node:test";
import { exprToJson } from "./expr-json.ts";
import { ALL_FEATURES } from "./options.ts";
import { parseExpr } from "./parser.ts";
import { prettify } from "./prettifier.ts";
import { printExpr } from "./printer.ts";

const print = (query: string): string => printExpr(parseExpr(query, ALL_FEATURES));

test("printer: canonical forms", () => {
  const cases: [string, string][] = [
    ["sum(a)by(b)", "sum by (b) (a)"],
    ["sum by () (a)", "sum(a)"],
    ["sum without () (a)", "sum without () (a)"],
    ['sum by ("a.b", c) (d)', 'sum by ("a.b", c) (d)'],
    ["topk( 5,a )", "topk(5, a)"],
    ['a{z="1",b!="2",c=~"3"}', 'a{b!="2",c=~"3",z="1"}'],
    ['{__name__="a"}', '{__name__="a"}'],
    ['{"a b"}', '{__name__="a b"}'],
    ['a{"x y"="1"}', 'a{"x y"="1"}'],
    ["a[90]", "a[1m30s]"],
    ["a[14d]", "a[2w]"],
    ["a[13d]", "a[13d]"],
    ["a[8761h]", "a[365d1h]"],
    ["a offset 90 @ 1", "a @ 1.000 offset 1m30s"],
    ["a[5m] @ end() offset -1h", "a[5m] @ end() offset -1h"],
    ["a[5m] anchored offset 1m", "a[5m] anchored offset 1m"],
    ["a smoothed @ 2", "a @ 2.000 smoothed"],
    ["a[1h:] @ start()", "a[1h:] @ start()"],
    ["a[(1m):(2*step())]", "a[(1m):(2 * step())]"],
    ["a offset -(5m)", "a offset -(5m)"],
    ["a + ignoring() b", "a + b"],
    ["a + on() b", "a + on () b"],
    ["a / ignoring(x) group_right b", "a / ignoring (x) group_right () b"],
    ["a > bool fill(0) b", "a > bool fill (0) b"],
    ["a + fill_left(1) fill_right(2e30) b", "a + fill_left (1) fill_right (2e+30) b"],
    ["1e21", "1000000000000000000000"],
    ["1e-7", "0.0000001"],
    ["-5m", "-5m"],
    ["'it\\'s'", `"it's"`],
    ["+a", "+a"],
    ["- (a)", "-(a)"],
  ];
  for (const [query, expected] of cases) assert.equal(print(query), expected, query);
});

test("prettifier: what is longer than a hundred characters goes over several lines", () => {
  const long = 'http_requests_total{job="api-server", handler="/api/comments", group="canary", instance="0"}';
  assert.equal(
    prettify(parseExpr(`sum by (job) (rate(${long}[5m])) / ignoring(x) group_left() (topk(5, ${long}) > 1)`)),
    [
      "  sum by (job) (",
      '    rate(http_requests_total{group="canary",handler="/api/comments",instance="0",job="api-server"}[5m])',
      "  )",
      "/ ignoring (x) group_left ()",
      "  (",
      '      topk(5, http_requests_total{group="canary",handler="/api/comments",instance="0",job="api-server"})',
      "    >",
      "      1",
      "  )",
    ].join("\n"),
  );
  assert.equal(prettify(parseExpr("a   +b")), "a + b");
});

test("prettifier: a hundred bytes still fit on a line", () => {
  const fitting = `a{b="${"x".repeat(88)}"} + 1`;
  assert.equal(print(fitting).length, 100 - 1);
  assert.equal(prettify(parseExpr(`${fitting}1`)), `${fitting}1`);
  assert.equal(prettify(parseExpr(`${fitting}11`)), `  a{b="${"x".repeat(88)}"}\n+\n  111`);
});

test("tree as JSON: the shapes of parse_query", () => {
  const json = (query: string) => exprToJson(parseExpr(query, ALL_FEATURES));
  assert.deepEqual(json("rate(a[5m] offset 1m)"), {
    type: "call",
    func: { name: "rate", argTypes: ["matrix"], variadic: 0, returnType: "vector" },
    args: [
      {
        type: "matrixSelector",
        name: "a",
        range: 300_000,
        rangeExpr: null,
        offset: 60_000,
        offsetExpr: null,
        matchers: [{ name: "__name__", value: "a", type: "=" }],
        timestamp: null,
        startOrEnd: null,
        anchored: false,
        smoothed: false,
      },
    ],
  });
  assert.deepEqual(json("topk by (x) (3, a) - 1"), {
    type: "binaryExpr",
    op: "-",
    lhs: {
      type: "aggregation",
      op: "topk",
      expr: json("a"),
      param: { type: "numberLiteral", val: "3" },
      grouping: ["x"],
      without: false,
    },
    rhs: { type: "numberLiteral", val: "1" },
    matching: null,
    bool: false,
  });
  assert.deepEqual(json("a[1h:step() * 2] @ end()"), {
    type: "subquery",
    expr: json("a"),
    range: 3_600_000,
    rangeExpr: null,
    offset: 0,
    offsetExpr: null,
    step: 0,
    stepExpr: {
      type: "durationExpr",
      op: "*",
      lhs: { type: "durationExpr", op: "step", lhs: null, rhs: null, wrapped: false },
      rhs: { type: "numberLiteral", val: "2", duration: false },
      wrapped: false,
    },
    timestamp: null,
    startOrEnd: "end",
  });
  assert.deepEqual(json('("x")'), { type: "parenExpr", expr: { type: "stringLiteral", val: "x" } });
});
