import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldSelectorProblem, labelSelectorProblem } from "./kubernetes-selector.ts";

test("field selectors: terms of name, operator and value; commas and signs in values need a backslash", () => {
  for (const good of ["", "a=b", "status.phase!=Running,spec.x==y", "a=", "a=b\\,c\\=d\\\\", "a=b,"]) {
    assert.equal(fieldSelectorProblem(good), undefined, good);
  }
  assert.equal(
    fieldSelectorProblem("metadata.status-Running"),
    "invalid selector: 'metadata.status-Running'; can't understand 'metadata.status-Running'",
  );
  assert.equal(fieldSelectorProblem("a=b,c"), "invalid selector: 'a=b,c'; can't understand 'c'");
  assert.match(fieldSelectorProblem("a=b\\n") ?? "", /invalid escape sequence: \\n/);
  assert.match(fieldSelectorProblem("a=b=c") ?? "", /unescaped character in value/);
});

test("label selectors: presence, absence, equality, sets and order", () => {
  for (const good of [
    "",
    "a",
    "!a",
    "a=b",
    "a == b , c!=d",
    "app.kubernetes.io/name in (x, y), z notin (q)",
    "a in (,b)",
    "a=",
    "n > 1, m<2",
  ]) {
    assert.equal(labelSelectorProblem(good), undefined, good);
  }
  for (const [bad, message] of [
    ["=b", /found '=', expected: identifier/],
    ["a b", /found 'b', expected: in, notin/],
    ["a in b", /found 'b', expected: '\('/],
    ["a in (b", /expected: ',' or '\)'/],
    ["a,", /expected: identifier after ','/],
    ["-a", /key: Invalid value: "-a"/],
    ["UP/a", /key: Invalid value: "UP\/a"/],
    ["a=b_", /Invalid value: "b_"/],
    ["a>b", /Invalid value: "b"/],
    ["a=b c", /found 'c', expected: ',' or 'end of string'/],
  ] as const) {
    assert.match(labelSelectorProblem(bad) ?? "", message, bad);
  }
});
