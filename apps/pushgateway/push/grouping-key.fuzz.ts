// Random paths: each names a group or is refused in words; what names a group can be named again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { shownLabels } from "../store/group.ts";
import { deletePath } from "./group-path.ts";
import { decodePath, type GroupingKey, parseGroupingKey } from "./grouping-key.ts";

const ROUNDS = 20_000;
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const PARTS = [
  "/",
  "/",
  "/",
  "a",
  "b",
  "job",
  "@base64",
  "=",
  "YQ",
  "YWJj",
  "$",
  "%2F",
  "%ff",
  "%CE%A0",
  "%",
  "%zz",
  "U__a_2e_b",
  "_",
  "__x",
  "é",
  "\u{1f600}",
  "\ud83d",
  "..",
  " ",
  "+",
  "\0",
  "\n",
];

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function parse(path: string, rules: Parameters<typeof parseGroupingKey>[3]): GroupingKey | undefined {
  const decoded = decodePath(path);
  const [, suffix, job, rest] = /^\/metrics\/job(@base64)?\/([^/]+)(\/.*)?$/s.exec(decoded ?? "") ?? [];
  if (job === undefined) return undefined;
  const verdict = parseGroupingKey(job, suffix !== undefined, rest ?? "", rules);
  if (!("message" in verdict)) return verdict;
  assert.ok(verdict.message.length > 0);
  return undefined;
}

test(`paths of random parts name a group or are refused, and groups have paths (FUZZ_SEED=${seed})`, () => {
  const next = random(seed);
  let named = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const rules =
      next() < 0.5 ? ({ scheme: "legacy", unescapes: false } as const) : ({ scheme: "utf8", unescapes: true } as const);
    let path = next() < 0.5 ? "/metrics/job/" : "/metrics/job@base64/";
    for (let i = 0; i < next() * 12; i++) path += PARTS[Math.floor(next() * PARTS.length)];
    const key = parse(path, rules);
    if (key === undefined) continue;
    named++;
    for (const text of key.labels) assert.ok(text.isWellFormed());
    const again = parse(`/${deletePath(shownLabels(key), rules.unescapes)}`, rules);
    assert.deepEqual(again, key, path);
  }
  assert.ok(named > ROUNDS / 50, `only ${named} of ${ROUNDS} named a group`);
});
