// Random and damaged bodies: each is taken or refused in words, and what is taken reads back the same from every format.
import assert from "node:assert/strict";
import { test } from "node:test";
import { EncodingError, WireWriter } from "@narthex/encoding";
import { familiesOf, faultOf, samplesOf } from "../testing.ts";
import { DelimitedSplitter, readFamily } from "./protobuf-reader.ts";
import { writeFamily } from "./protobuf-writer.ts";

const ROUNDS = 4000;
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

/** Mulberry32: small, and the same everywhere. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORDS = [
  "a",
  "b_total",
  "h",
  "h_bucket",
  "h_sum",
  "h_count",
  "s",
  "le",
  "quantile",
  '"',
  "{",
  "}",
  "=",
  ",",
  " ",
  "\t",
  "\n",
  "\n",
  "#",
  " HELP ",
  " TYPE ",
  "histogram",
  "summary",
  "counter",
  "1",
  "-5",
  "2.5",
  "NaN",
  "+Inf",
  "\\",
  "\\n",
  "\u00ff",
  "Π",
  "0x1",
  "1e400",
  "__name__",
  "}",
];

const LINES = [
  'a{b="c"} 1',
  'h_bucket{le="1",x="y"} 1',
  "h_count 2.5",
  "h_sum NaN",
  's{quantile="0.5"} 3',
  "s_count 7",
  "# HELP a Something \\n else",
  '{"a",b="c\\""} -5 17',
  "",
];

test(`text bodies of random words are taken or refused, and read back the same (FUZZ_SEED=${seed})`, () => {
  const next = random(seed);
  let taken = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let text = next() < 0.5 ? "# TYPE h histogram\n# TYPE s summary\n" : "";
    for (let lines = Math.floor(next() * 6); lines > 0; lines--) {
      if (next() < 0.7) text += LINES[Math.floor(next() * LINES.length)];
      else
        for (let words = Math.floor(next() * 8); words > 0; words--) text += WORDS[Math.floor(next() * WORDS.length)];
      text += "\n";
    }
    const bytes = Buffer.from(text);
    if (next() < 0.2 && bytes.length > 0) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
    const fault = faultOf(bytes, 1 + Math.floor(next() * 9));
    assert.equal(faultOf(bytes), fault, "pieces do not matter");
    if (fault !== "") {
      assert.match(fault, /^text format parsing error in line \d+: /);
      continue;
    }
    taken++;
    const families = familiesOf(bytes);
    for (const family of families) {
      const writer = new WireWriter();
      writeFamily(writer, family);
      assert.deepEqual(samplesOf([readFamily(writer.toBytes())]), samplesOf([family]));
    }
  }
  assert.ok(taken > ROUNDS / 10, `only ${taken} of ${ROUNDS} were taken`);
});

test(`damaged protobuf bodies are read or refused (FUZZ_SEED=${seed})`, () => {
  const next = random(seed + 1);
  const writer = new WireWriter();
  const [family] = familiesOf(
    '# HELP h x\n# TYPE h histogram\nh_bucket{a="b",le="1"} 1\nh_sum{a="b"} 2\nh_count{a="b"} 3\n',
  );
  writeFamily(writer, family as NonNullable<typeof family>);
  const whole = Buffer.concat([Buffer.from([writer.length]), writer.toBytes()]);
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = Buffer.from(whole);
    for (let i = 0; i <= next() * 3; i++) bytes[Math.floor(next() * bytes.length)] = Math.floor(next() * 256);
    const splitter = new DelimitedSplitter((message) => void readFamily(message));
    try {
      const cut = Math.floor(next() * bytes.length);
      splitter.push(bytes.subarray(0, cut));
      splitter.push(bytes.subarray(cut));
      splitter.end();
    } catch (error) {
      assert.ok(error instanceof EncodingError, String(error));
      refused++;
    }
  }
  assert.ok(refused > ROUNDS / 10);
});
