// Both text parsers against damaged bodies: they end, they throw nothing but their own error, and what they report lies
// inside the body. And resuming behind a value gives what reading the line gives.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ExpositionError } from "./errors.ts";
import { OpenMetricsParser } from "./openmetrics-parser.ts";
import { Entry, type SampleParser } from "./sample-parser.ts";
import { TextParser } from "./text-parser.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 20_000);

const SEEDS: readonly string[] = [
  '# HELP a some \\n help\n# TYPE a counter\na{x="1",y="\\"q\\\\"} 1 123\na 2\n{"u.t",l="ü"} NaN\n',
  '# TYPE a counter\n# UNIT a_s s\na_total{x="1"} 1 1.5 # {t="1",u="2"} 0.5 3\na_total 2 # {} 1\n# EOF\n',
  '# TYPE h histogram\nh_bucket{le="0.1"} 1\nh_bucket{le="+Inf"} 2e+06\nh_sum 1e-5\nh_count 2\n',
];
const PIECES = [
  "{",
  "}",
  '"',
  "\\",
  "\n",
  " ",
  "\t",
  "#",
  "# EOF",
  "=",
  ",",
  "\0",
  "\xff",
  "é",
  "1e",
  "NaN",
  "# HELP ",
  "_",
  "ct@1",
];

function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

function damaged(random: (below: number) => number): Buffer {
  let text = SEEDS[random(SEEDS.length)] as string;
  for (let i = random(4); i >= 0; i--) {
    const at = random(text.length + 1);
    text = text.slice(0, at) + (random(2) === 0 ? PIECES[random(PIECES.length)] : "") + text.slice(at + random(3));
  }
  return Buffer.from(text, random(4) === 0 ? "latin1" : "utf8");
}

test(`exposition parsers: damaged bodies end in samples or in an error of ours (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  const parsers: SampleParser[] = [new TextParser(), new OpenMetricsParser()];
  for (let round = 0; round < ROUNDS; round++) {
    const body = damaged(random);
    const bytes = new Uint8Array(body.length + 16);
    bytes.set(body);
    const parser = parsers[round % 2] as SampleParser;
    const place = `seed ${SEED}, round ${round}: ${JSON.stringify(body.toString("latin1"))}`;
    let entries = 0;
    try {
      parser.reset(bytes, body.length);
      for (let entry = parser.next(); entry !== Entry.end; entry = parser.next()) {
        assert.ok(++entries <= body.length + 1, `no end: ${place}`);
        if (entry !== Entry.sample) {
          if (entry !== Entry.comment) assert.ok(parser.family.length >= 0 && parser.text.length >= 0);
          continue;
        }
        const flat: string[] = [];
        parser.labels(flat);
        assert.equal(flat.length % 2, 0);
        assert.ok(parser.seriesStart < parser.seriesEnd && parser.seriesEnd <= parser.valueStart, place);
        assert.ok(parser.valueStart < parser.valueEnd && parser.valueEnd <= parser.position, place);
        checkResume(parser, bytes, body.length, place);
      }
    } catch (error) {
      assert.ok(error instanceof ExpositionError, `${place}: ${String(error)}`);
      assert.ok(error.message.length < 8000, place);
    }
  }
});

function checkResume(parser: SampleParser, bytes: Uint8Array, length: number, place: string): void {
  const other = parser.another();
  other.reset(bytes, length);
  other.resumeAfterValue(parser.seriesStart, parser.valueEnd);
  const facts = (p: SampleParser) => [p.position, p.hasTimestamp, p.hasTimestamp && p.timestamp, p.hasExemplar];
  assert.deepEqual(facts(other), facts(parser), place);
}
