import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { silentLogger } from "@narthex/toolkit";
import { parseClassicMatchers } from "./classic-parser.ts";
import { matchersText, matchesAll } from "./matcher.ts";
import { MatcherGrammar, type MatcherMode } from "./matcher-grammar.ts";
import { parseUtf8Matchers } from "./utf8-parser.ts";

const SEED = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);

function read(mode: MatcherMode, text: string): string {
  try {
    return matchersText(new MatcherGrammar(mode, silentLogger).matchers(text, "test"));
  } catch (error) {
    return `! ${(error as Error).message}`;
  }
}

/** Text, what the classic grammar makes of it, and the new one. */
const TABLE: readonly (readonly [string, string, string])[] = [
  ["a=b", '{a="b"}', '{a="b"}'],
  ['{a="b"}', '{a="b"}', '{a="b"}'],
  ['{a="b", c=~"d|e"}', '{a="b",c=~"d|e"}', '{a="b",c=~"d|e"}'],
  ["a!=b,c!~d", '{a!="b",c!~"d"}', '{a!="b",c!~"d"}'],
  ["a=", '{a=""}', "! end of input: expected label value"],
  ['a=""', '{a=""}', '{a=""}'],
  ["ü=x", "! bad matcher format: ü=x", '{ü="x"}'],
  ['"a b"=x', '! bad matcher format: "a b"=x', '{"a b"="x"}'],
  ["a", "! bad matcher format: a", "! end of input: expected an operator such as '=', '!=', '=~' or '!~'"],
];

test("matchers: both grammars, beside one another", () => {
  for (const [text, classic, modern] of TABLE) {
    assert.equal(read("classic", text), classic, `classic: ${text}`);
    assert.equal(read("utf8", text), modern, `utf8: ${text}`);
  }
});

test("matchers: unless a flag says otherwise, what only one grammar reads is read by that", () => {
  assert.equal(read("fallback", "ü=x"), '{ü="x"}');
  assert.equal(read("fallback", "a="), '{a=""}');
  assert.match(read("fallback", "a"), /^! bad matcher format: a$/);
});

test("matchers: a label that is missing equals an empty one", () => {
  const fits = (text: string, labels: Record<string, string>): boolean =>
    matchesAll(parseClassicMatchers(text), Labels.fromObject(labels));
  assert.ok(fits("a=", { b: "c" }));
  assert.ok(!fits("a!=", { b: "c" }));
  assert.ok(fits('a=~"x.*|"', {}));
  assert.ok(!fits("a=~b", { a: "abc" }), "both ends are anchored");
});

test(`matchers: no text breaks either parser, and what is printed is read back (SEED=${SEED})`, () => {
  let state = SEED;
  const random = (below: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return (state >>> 8) % below;
  };
  const pieces = [
    "{",
    "}",
    ",",
    "=",
    "!=",
    "=~",
    "!~",
    '"',
    "\\",
    "a",
    "b_1",
    "ü",
    " ",
    "\n",
    "(",
    ")",
    "|",
    ".*",
    "\\n",
    '\\"',
    "\ud83d\ude00",
    "\ud800",
    "0",
    "'",
    "`",
    ":",
    "\t",
  ];
  for (let round = 0; round < 20_000; round++) {
    const text = Array.from({ length: random(9) }, () => pieces[random(pieces.length)]).join("");
    for (const parse of [parseClassicMatchers, parseUtf8Matchers]) {
      let printed: string;
      let isNameless: boolean;
      try {
        const matchers = parse(text);
        printed = matchersText(matchers);
        isNameless = matchers.some(({ name }) => name === "");
      } catch (error) {
        assert.match(
          (error as Error).name,
          /^(MatcherSyntaxError|RegexSyntaxError)$/,
          `${JSON.stringify(text)}: ${error}`,
        );
        continue;
      }
      // An empty name is printed without its quotes, as the reference does.
      if (printed === "{}" || isNameless || !printed.isWellFormed()) continue;
      assert.equal(matchersText(parseUtf8Matchers(printed)), printed, JSON.stringify(text));
    }
  }
});
