// The way of bytes against the way of strings: where the merger answers, it says what `storedLabels` says, and a head gives
// both the same series.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Entry, OpenMetricsParser, type SampleParser, TextParser } from "@narthex/exposition";
import { Labels } from "@narthex/model";
import { LabelBytes } from "@narthex/storage";
import { Db, MemoryFs } from "@narthex/tsdb";
import { LabelMerger } from "./label-merger.ts";
import { type SampleLabelOptions, storedLabels } from "./sample-labels.ts";
import { cacheOptions } from "./testing.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 60);

type Random = (below: number) => number;

function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const NAMES = [
  "a",
  "b",
  "ab",
  "B",
  "_x",
  "job",
  "instance",
  "exported_job",
  "le",
  "quantile",
  "__name__",
  "z9",
  '"q.x"',
];
const VALUES = ["1", "x", "x", "GET", "+Inf", "0.5", "1e3", "", "ü", "\\n", "a\\\\b", "long".repeat(9), "NaN", "a b"];
const METRICS = ["m", "m", "m_bucket", "up", "ns:rule", '{"m.x"', "{a"];
const TARGETS: Record<string, string>[] = [
  { instance: "h:1", job: "j" },
  { instance: "h:2", job: "j" },
  { A: "1", job: "jü", zz: "last" },
  { job: "j", "dotted.name": "x" },
  {},
];

/** A body of a few series; names mostly those of the line before, as exporters have them. */
function drawBody(random: Random, isOpenMetrics: boolean): string {
  const lines: string[] = [];
  let names: string[] = [];
  let metric = "m";
  for (let i = 0, count = 1 + random(12); i < count; i++) {
    if (random(6) === 0) lines.push(`# TYPE m${random(5)} ${["histogram", "summary", "gauge"][random(3)]}`);
    if (i === 0 || random(3) === 0) {
      metric = METRICS[random(METRICS.length)] as string;
      names = Array.from({ length: random(5) }, () => NAMES[random(random(3) === 0 ? NAMES.length : 10)] as string);
      if (random(4) > 0) names = [...new Set(names)];
    }
    const pairs = names.map((name) => `${name}="${VALUES[random(random(2) === 0 ? 4 : VALUES.length)]}"`);
    if (metric.startsWith("{a")) lines.push(`{${pairs.join(",")}} ${i}`);
    else if (metric.startsWith("{")) lines.push(`${[metric, ...pairs].join(",")}} ${i}`);
    else if (pairs.length === 0 && random(2) === 0) lines.push(`${metric} ${i}`);
    else lines.push(`${metric}{${pairs.join(!isOpenMetrics && random(9) === 0 ? " , " : ",")}} ${i}`);
  }
  return `${lines.join("\n")}\n${isOpenMetrics ? "# EOF\n" : ""}`;
}

function drawOptions(random: Random): SampleLabelOptions {
  const limit = (most: number): number => (random(8) === 0 ? 1 + random(most) : 0);
  return cacheOptions({
    honorLabels: random(2) === 0,
    labelLimit: limit(6),
    labelNameLengthLimit: limit(12),
    labelValueLengthLimit: limit(12),
    nameValidationScheme: random(2) === 0 ? "legacy" : "utf8",
  });
}

/** Runs over the samples of a text up to its end or its first fault. */
function eachSample(text: string, parser: SampleParser, visit: (bytes: Uint8Array) => void): void {
  const body = Buffer.from(text);
  const bytes = new Uint8Array(body.length + 16);
  bytes.set(body);
  parser.reset(bytes, body.length);
  try {
    for (let kind = parser.next(); kind !== Entry.end; kind = parser.next()) if (kind === Entry.sample) visit(bytes);
  } catch (error) {
    if ((error as Error).name !== "ExpositionError") throw error;
  }
}

test(`label merger: what it answers is what the strings give (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const db = await Db.open({ directory: "/data", fs: new MemoryFs() });
  const merger = new LabelMerger();
  const merged = new LabelBytes();
  let samples = 0;
  let answers = 0;
  for (let round = 0; round < ROUNDS * 20; round++) {
    const target = Labels.fromObject(TARGETS[random(TARGETS.length)] as Record<string, string>);
    const options = drawOptions(random);
    const isOpenMetrics = random(3) === 0;
    const text = drawBody(random, isOpenMetrics);
    const parser = isOpenMetrics ? new OpenMetricsParser() : new TextParser();
    const appender = db.appender();
    eachSample(text, parser, (bytes) => {
      samples++;
      if (!merger.merge(parser, bytes, target, options, merged)) return;
      answers++;
      const place = `seed ${SEED}, round ${round}:\n${text}`;
      const exposed: string[] = [];
      parser.labels(exposed);
      const expected = storedLabels(exposed, target, options);
      assert.deepEqual(merged.toLabels().pairs, expected?.pairs, place);
      const bytesFirst = random(2) === 0;
      const ref = bytesFirst ? appender.seriesOfBytes(merged) : appender.series(expected as Labels);
      assert.equal(bytesFirst ? appender.series(expected as Labels) : appender.seriesOfBytes(merged), ref, place);
    });
    appender.commit();
  }
  await db.close();
  assert.ok(answers > samples / 10, `only ${answers} of ${samples} samples were answered`);
  assert.ok(answers < samples, "the unusual is left to the strings");
});
