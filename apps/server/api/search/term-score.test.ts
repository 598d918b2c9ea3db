import assert from "node:assert/strict";
import { test } from "node:test";
import { type Algorithm, scoreOf } from "./term-score.ts";

const near = (actual: number | undefined, expected: number, label: string): void =>
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-12, `${label}: ${actual}, not ${expected}`);

function score(term: string, text: string, algorithm: Algorithm = "subsequence", threshold = 0): number | undefined {
  return scoreOf([term], { algorithm, threshold, caseSensitive: true })(text);
}

test("a term's characters in order, with gaps: long runs count for more, gaps for less", () => {
  // The reference's own examples, with how each comes about.
  const examples: readonly [term: string, text: string, expected: number][] = [
    ["tex", "my awesome text", (247 / 270) * 0.999],
    ["met", "my awesome text", (43 / 90) * 0.999],
    ["bac", "babac", (43 / 45) * 0.999],
    ["éü", "éàü", (5 / 12) * 0.999],
    ["oa", "goat", (29 / 32) * 0.999],
    // The whole text, and a beginning.
    ["my awesome text", "my awesome text", 1],
    ["handler1", "handler10", 1],
  ];
  for (const [term, text, expected] of examples) near(score(term, text), expected, `${term} in ${text}`);
  for (const [term, text] of [
    ["abcd", "abc"],
    ["xyz", "abc"],
    ["é", "ã"],
    ["éàx", "éàü"],
    ["abc", ""],
  ] as const)
    assert.equal(score(term, text), undefined, `${term} in ${text}`);
  assert.equal(score("oa", "goat", "subsequence", 0.95), undefined);
});

test("a part counts for more the earlier it stands; else what is similar is found from the threshold on", () => {
  near(score("b", "abc", "jarowinkler"), 0.55, "b in abc");
  near(score("é", "aéb", "jarowinkler"), 0.55, "é in aéb");
  near(score("c", "abc", "jarowinkler"), 0.1, "c in abc");
  assert.equal(score("martha", "marhta", "jarowinkler"), undefined);
  const similar: readonly [term: string, text: string, expected: number][] = [
    ["martha", "marhta", 0.961111111111111],
    ["dwayne", "duane", 0.84],
    ["dixon", "dicksonx", 0.8133333333333332],
    ["màrthà", "màrhtà", 0.961111111111111],
  ];
  for (const [term, text, expected] of similar) {
    near(score(term, text, "jarowinkler", 0.5), expected, `${term} and ${text}`);
    near(score(text, term, "jarowinkler", 0.5), expected, `${text} and ${term}`);
    assert.equal(score(term, text, "jarowinkler", 0.99), undefined);
  }
  assert.equal(score("abc", "xyz", "jarowinkler", 0.01), undefined);
});

test("the best of several terms counts; cases are told apart only when asked; without terms all is found", () => {
  const options = { algorithm: "subsequence", threshold: 0, caseSensitive: false } as const;
  assert.equal(scoreOf(["zzz", "HTTP"], options)("http_requests"), 1);
  assert.equal(scoreOf(["HTTP"], { ...options, caseSensitive: true })("http_requests"), undefined);
  assert.equal(scoreOf([], options)("anything"), 1);
  assert.equal(scoreOf([""], options)("anything"), 1);
});

test("texts and terms of any length take bounded work", () => {
  const text = "a".repeat(1_000_000);
  const began = performance.now();
  score(`${"a".repeat(5000)}b`, text);
  score(`${"a".repeat(5000)}b`, text, "jarowinkler", 0.5);
  assert.ok(performance.now() - began < 2000);
});
