import assert from "node:assert/strict";
import { test } from "node:test";
import { excerpt, placeOf } from "./error-position.ts";

test("errors: the place in the expression is read off the server's message", () => {
  assert.deepEqual(placeOf('invalid parameter "query": 1:18: parse error: unexpected <by> in aggregation'), {
    line: 1,
    column: 18,
    message: "unexpected <by> in aggregation",
  });
  assert.deepEqual(placeOf("2:1: parse error: unexpected end of input"), {
    line: 2,
    column: 1,
    message: "unexpected end of input",
  });
  assert.equal(placeOf("query timed out in query execution"), null);
  assert.equal(placeOf('Get "http://a:1/": refused'), null);
});

test("errors: the excerpt marks the place, also past the end and in long lines", () => {
  assert.deepEqual(excerpt("sum(\n  rate(x)", { line: 2, column: 3, message: "" }), {
    before: "  ",
    at: "r",
    after: "ate(x)",
  });
  assert.deepEqual(excerpt("sum(", { line: 1, column: 5, message: "" }), { before: "sum(", at: "", after: "" });
  assert.deepEqual(excerpt("x", { line: 9, column: 9, message: "" }), { before: "", at: "", after: "" });
  const long = excerpt("a".repeat(500), { line: 1, column: 250, message: "" }, 10);
  assert.equal(long.before, `…${"a".repeat(10)}`);
  assert.ok(long.after.endsWith("…"));
});
