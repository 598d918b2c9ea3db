// The way of bytes against the way of strings: what is taken is what `LabelList` makes of the same messages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WireReader } from "@narthex/encoding";
import { Labels } from "@narthex/model";
import { encodeProto } from "../proto-fixture.ts";
import { LabelList } from "./label-list.ts";
import { PlainLabels } from "./plain-labels.ts";

const CASES = 20_000;
const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));

function generator(state: number): (below: number) => number {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const NAMES = ["", "A", "__name__", "__name_", "a", "ab", "b", "job", "é"];
const VALUES = ["1", "api", "x", "", "ü", "v".repeat(117), "v".repeat(118), "v".repeat(200)];

/** As `LabelList` reads them; undefined for labels that name no series, or bytes that are no message. */
function read(bytes: Uint8Array): Labels | undefined {
  const list = new LabelList();
  const reader = new WireReader(bytes, 0, bytes.length);
  try {
    for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
      if (field === 1) list.addMessage(reader);
      else reader.skipField();
    }
  } catch {
    return undefined;
  }
  const labels = list.finish();
  return labels instanceof Labels ? labels : undefined;
}

test(`plain labels: what is taken is what strings give (FUZZ_SEED=${seed})`, () => {
  const random = generator(seed);
  const plain = new PlainLabels();
  let taken = 0;
  for (let i = 0; i < CASES; i++) {
    let names = Array.from({ length: random(6) }, () => NAMES[random(NAMES.length)] as string);
    if (random(4) > 0) names = [...new Set([...names, "__name__"])].sort();
    const labels = names.map((name) => ({ name, value: VALUES[random(random(2) === 0 ? 3 : VALUES.length)] }));
    const bytes = Uint8Array.from(encodeProto("TimeSeries", { labels }));
    if (random(5) === 0 && bytes.length > 0) bytes[random(bytes.length)] = random(256);
    const length = random(9) === 0 ? random(bytes.length + 1) : bytes.length;
    const message = bytes.subarray(0, length);
    if (!plain.readMessages(bytes, 0, length)) continue;
    taken++;
    assert.deepEqual(plain.labels.toLabels().pairs, read(message)?.pairs, `case ${i}: ${JSON.stringify(labels)}`);
  }
  assert.ok(taken > CASES / 10 && taken < CASES, `${taken} taken`);
});

test("plain labels: the usual series is taken, whatever has a rule of its own is not", () => {
  const takes = (...pairs: [string, string][]): boolean => {
    const bytes = encodeProto("TimeSeries", { labels: pairs.map(([name, value]) => ({ name, value })) });
    return new PlainLabels().readMessages(bytes, 0, bytes.length);
  };
  assert.equal(takes(["__name__", "up"], ["instance", "h:1"], ["job", "api"]), true);
  assert.equal(takes(["A", "1"], ["__name__", "up"]), true);
  assert.equal(takes(), false);
  assert.equal(takes(["job", "api"]), false);
  assert.equal(takes(["__name__", "up"], ["job", ""]), false);
  assert.equal(takes(["__name__", "up"], ["job", "ü"]), false);
  assert.equal(takes(["job", "api"], ["__name__", "up"]), false);
  assert.equal(takes(["__name__", "up"], ["job", "a"], ["job", "b"]), false);
});
