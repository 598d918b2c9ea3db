import assert from "node:assert/strict";
import { test } from "node:test";
import { compileSearchRegex } from "./search.ts";

test("search: every match anywhere is replaced, captures put in", () => {
  const rows: [pattern: string, template: string, text: string, expected: string][] = [
    ["(\\d+)", "<$1>", "a1b22", "a<1>b<22>"],
    ["b*", "-", "abc", "-a-c-"],
    ["(?P<x>[ab])c", "$".concat("{x}$$"), "ac bc", "a$ b$"],
    ["z", "y", "abc", "abc"],
    ["(a)|(b)", "[$1$2$9]", "ab", "[a][b]"],
  ];
  for (const [pattern, template, text, expected] of rows)
    assert.equal(compileSearchRegex(pattern).replaceAll(text, template), expected, pattern);
  assert.equal(compileSearchRegex("b.").find("abc"), true);
  assert.equal(compileSearchRegex("^b").find("abc"), false);
  assert.equal(compileSearchRegex("a.c").find("a\nc"), false);
});
