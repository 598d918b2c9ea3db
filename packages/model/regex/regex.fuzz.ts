// Every shortcut against the engine it stands in for, on random patterns and texts made to fit them.
// The seed is printed; give one with REGEX_FUZZ_SEED, more rounds with REGEX_FUZZ_ROUNDS.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RE2JS } from "re2js";
import { compileRegex, compileReplaceRegex } from "../index.ts";

const seed = Number(process.env["REGEX_FUZZ_SEED"] ?? Date.now() % 0xffff_ffff);
const rounds = Number(process.env["REGEX_FUZZ_ROUNDS"] ?? 4000);
let state = seed >>> 0;

function random(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

function pick<T>(items: readonly T[]): T {
  return items[random(items.length)] as T;
}

const ATOMS = [
  "a",
  "b",
  "ab",
  "foo",
  ".",
  ".*",
  ".+",
  "[ab]",
  "[^a]",
  "[a-c-]",
  "\\d",
  "\\w",
  "\\.",
  "\\S",
  "-",
  "_",
  "0",
  "k",
  "S",
  "é",
  "🔥",
  "[🔥é]",
  "\\n",
  "\\x61",
  "",
];
const QUANTIFIERS = ["*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}", "*?", "+?", "??", ""];
const LETTERS = [
  "a",
  "b",
  "c",
  "foo",
  "k",
  "K",
  "S",
  "s",
  "0",
  "1",
  "-",
  "_",
  ".",
  "\n",
  "é",
  "É",
  "🔥",
  "{",
  "\u212a",
  "\u017f",
  " ",
];

function pattern(depth: number): string {
  const parts: string[] = [];
  for (let n = 1 + random(4); n > 0; n--) {
    switch (random(depth > 0 ? 8 : 4)) {
      case 4:
        parts.push(`(${pattern(depth - 1)})${pick(QUANTIFIERS)}`);
        break;
      case 5:
        parts.push(`(?:${pattern(depth - 1)}|${pattern(depth - 1)})`);
        break;
      case 6:
        parts.push(`(${pattern(depth - 1)}|${pattern(depth - 1)}|${pick(ATOMS)})`);
        break;
      case 7:
        parts.push(`(?${pick(["i", "s", "-s", "i-s"])}:${pattern(depth - 1)})`);
        break;
      case 3: {
        const atom = pick(ATOMS);
        parts.push(/^(?:.|\\.|\[.*\]|🔥)$/u.test(atom) ? atom + pick(QUANTIFIERS) : atom);
        break;
      }
      default:
        parts.push(pick(ATOMS));
    }
  }
  const body = parts.join("");
  return random(12) === 0 ? `${body}|${pick(ATOMS)}` : body;
}

function text(): string {
  let out = "";
  for (let n = random(9); n > 0; n--) out += pick(LETTERS);
  return out;
}

/** A text that the engine says is matched in part of a longer one: random texts alone would hardly ever match. */
function texts(engine: RE2JS): string[] {
  const out = ["", "a", "foo", "ab"];
  for (let n = 0; n < 12; n++) {
    const candidate = text();
    out.push(candidate);
    const matcher = engine.matcher(candidate);
    if (matcher.find()) out.push(matcher.group() as string);
  }
  return out;
}

test(`regex fuzz: shortcuts agree with RE2 (seed ${seed})`, () => {
  const engines: Record<string, number> = {};
  let matched = 0;
  for (let round = 0; round < rounds; round++) {
    const source = (random(8) === 0 ? "(?i)" : "") + pattern(2);
    let engine: RE2JS;
    try {
      engine = RE2JS.compile(source, RE2JS.DOTALL);
    } catch {
      assert.throws(() => compileRegex(source), source);
      continue;
    }
    const regex = compileRegex(source);
    engines[regex.engine] = (engines[regex.engine] ?? 0) + 1;
    const replace = compileReplaceRegex(source);
    for (const candidate of texts(engine)) {
      const matcher = engine.matcher(candidate);
      const expected = matcher.matches();
      if (expected) matched++;
      const context = `seed ${seed}, pattern ${JSON.stringify(source)} (${regex.engine}) on ${JSON.stringify(candidate)}`;
      assert.equal(regex.matches(candidate), expected, context);
      assert.equal(regex.matches(candidate), expected, `${context}, second time`);
      if (regex.literals !== undefined) assert.equal(regex.literals.includes(candidate), expected, context);
      if (expected) assert.ok(candidate.startsWith(regex.prefix), context);
      const groups = [1, 2, 3].map((i) => (expected && i <= matcher.groupCount() ? (matcher.group(i) ?? "") : ""));
      assert.equal(
        replace.expand("$1|$2|$3", candidate),
        expected ? groups.join("|") : undefined,
        `${context}, captures`,
      );
    }
  }
  assert.ok(matched > rounds / 4, `only ${matched} matches`);
  for (const engine of ["literals", "wildcards", "backtracking", "re2"]) assert.ok((engines[engine] ?? 0) > 0, engine);
});
