import assert from "node:assert/strict";
import { test } from "node:test";
import { formatMatchers, parseLabels, parseMatchers } from "./matchers.ts";

for (const [text, written] of [
  ["", ""],
  ["foo", '{alertname="foo"}'],
  ['severity="page"', '{severity="page"}'],
  ['{severity="page"}', '{severity="page"}'],
  ["{ a=b ,c!=d, e=~f.*,}", '{a="b", c!="d", e=~"f.*"}'],
  ['a="x,y}", b!~"\\"\\\\\\n"', '{a="x,y}", b!~"\\"\\\\\\n"}'],
  ['"näme with spaces"="<b>"', '{"näme with spaces"="<b>"}'],
  ['a=""', '{a=""}'],
] as const)
  test(`matchers: ${JSON.stringify(text)} is read as ${written || "nothing"}, and what is written is read again`, () => {
    const matchers = parseMatchers(text);
    assert.ok(matchers);
    assert.equal(formatMatchers(matchers), written);
    assert.deepEqual(parseMatchers(written), matchers);
  });

for (const text of ["{a=b", "a=b}", "a=", "=b", "a=b c=d", "a b", "a==b", 'a="b', "a=b,,c=d", "a=b c"])
  test(`matchers: ${JSON.stringify(text)} is refused`, () => {
    assert.equal(parseMatchers(text), undefined);
  });

test("labels: matchers that are all equal, and nothing else", () => {
  assert.deepEqual(parseLabels('a="b", c=d'), { a: "b", c: "d" });
  assert.deepEqual(parseLabels("Down"), { alertname: "Down" });
  assert.deepEqual(parseLabels(""), {});
  for (const text of ['a!="b"', "a=~b", "a=b c", "{a=b"]) assert.equal(parseLabels(text), undefined, text);
});
