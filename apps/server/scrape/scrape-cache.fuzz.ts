// The cache against the plain reading of each body: whatever one scrape looks like after another, what the storage gets
// must be what a parser without memory would have given it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Entry, ExpositionError, TextParser } from "@narthex/exposition";
import { Labels } from "@narthex/model";
import type { Append, Appender, LabelBytes, SeriesRef } from "@narthex/storage";
import { DEFAULT_RELABEL_CONFIG, Relabeler } from "../relabel/index.ts";
import { SampleBatch } from "./sample-batch.ts";
import { ScrapeCache } from "./scrape-cache.ts";
import { emptyCounts } from "./scrape-counts.ts";
import { ScrapeError } from "./scrape-error.ts";
import { TemplateStore } from "./template.ts";
import { cacheOptions } from "./testing.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 60);

function randomFrom(seed: number): (below: number) => number {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

/** Records what one scrape gave: value or "stale" by series key. */
class RecordingAppender implements Appender {
  readonly #refs: Map<string, SeriesRef>;
  readonly #keys: string[];
  readonly got = new Map<string, string>();

  constructor(refs: Map<string, SeriesRef>, keys: string[]) {
    this.#refs = refs;
    this.#keys = keys;
  }

  series(labels: Labels): SeriesRef {
    let ref = this.#refs.get(labels.key);
    if (ref === undefined) {
      ref = this.#keys.length;
      this.#keys.push(labels.key);
      this.#refs.set(labels.key, ref);
    }
    return ref;
  }

  seriesOfBytes(labels: LabelBytes): SeriesRef {
    assert.equal(labels.firstFault(), -1);
    return this.series(labels.toLabels());
  }

  append(ref: SeriesRef, t: number, value: number): Append {
    return this.#put(ref, `${value}@${t}`);
  }

  appendStale(ref: SeriesRef): Append {
    return this.#put(ref, "stale");
  }

  appendBits(ref: SeriesRef, t: number, high: number, low: number): Append {
    return this.#put(ref, `${high}:${low}@${t}`);
  }

  appendBatch(refs: Uint32Array, halves: Uint32Array, count: number, t: number, verdicts: Uint8Array): number {
    const values = new Float64Array(halves.buffer, halves.byteOffset, count);
    let refused = 0;
    for (let i = 0; i < count; i++) {
      verdicts[i] = this.#put(refs[i] as number, `${values[i]}@${t}`);
      if (verdicts[i] !== 0) refused++;
    }
    return refused;
  }

  appendHistogram(): Append {
    return 6;
  }
  appendExemplar(): Append {
    return 6;
  }
  updateMetadata(): void {}
  commit(): void {}
  rollback(): void {}

  #put(ref: SeriesRef, what: string): Append {
    assert.notEqual(ref, 0, "dropped series never reach the storage");
    const key = this.#keys[ref] as string;
    if (this.got.has(key)) return 2;
    this.got.set(key, what);
    return 0;
  }
}

const VALUES = [
  "0",
  "1",
  "-7",
  "3.25",
  "1e+06",
  "1.5e-05",
  "NaN",
  "+Inf",
  "123456789012345678",
  "0.1234567890123456789",
  "5e300",
];

/** A list of lines: series drawn from a small world, so that they recur; now and then a comment or a blank line. */
function drawLines(random: (below: number) => number, count: number): string[] {
  const lines: string[] = [];
  for (let i = 0; i < count; i++) {
    const id = random(count * 2);
    const kind = random(20);
    if (kind === 0) lines.push(`# TYPE m${id % 7} ${["counter", "gauge", "summary"][id % 3]}`);
    if (kind === 1) lines.push(`# HELP m${id % 7} help ${random(3)}`);
    if (kind === 2) lines.push("");
    if (kind === 3) lines.push("# just words");
    lines.push(drawSeries(id));
  }
  return lines;
}

function drawSeries(id: number): string {
  if (id % 11 === 0) return `plain_${id}`;
  if (id % 11 === 1) return `spaced{ a="x ${id}" , b="\\"}" }`;
  if (id % 11 === 2) return `m_bucket{le="${id}"}`;
  if (id % 11 === 3) return `{"quoted ${id}",a="ü"}`;
  return `m${id % 7}{id="${id}",path="/a/b/${id % 5}"}`;
}

function withValues(lines: readonly string[], random: (below: number) => number): string {
  return lines
    .map((line) => {
      if (line === "" || line.startsWith("#")) return line;
      const value = random(3) === 0 ? (VALUES[random(VALUES.length)] as string) : String(random(1000));
      const end = random(40);
      const timestamp = end === 0 ? ` ${1000 + random(1000)}` : end === 1 ? " " : "";
      return `${line}${random(60) === 0 ? "  " : " "}${value}${timestamp}`;
    })
    .join("\n");
}

function mutate(lines: readonly string[], random: (below: number) => number): string[] {
  const next = [...lines];
  switch (random(7)) {
    case 0:
      next.splice(random(next.length + 1), random(6));
      break;
    case 1:
      next.splice(random(next.length + 1), 0, ...drawLines(random, 1 + random(4)));
      break;
    case 2:
      next.sort(() => random(3) - 1);
      break;
    case 3:
      next.push(next[random(next.length)] ?? "again");
      break;
    case 4:
      return drawLines(random, 1 + random(60));
  }
  return next;
}

interface Expected {
  readonly samples: Map<string, string>;
  readonly tracked: Set<string>;
  readonly scraped: number;
}

function readPlainly(bytes: Uint8Array, length: number, t: number): Expected {
  const parser = new TextParser();
  parser.reset(bytes, length);
  const samples = new Map<string, string>();
  const tracked = new Set<string>();
  let scraped = 0;
  for (let entry = parser.next(); entry !== Entry.end; entry = parser.next()) {
    if (entry !== Entry.sample) continue;
    scraped++;
    const flat: string[] = [];
    parser.labels(flat);
    const pairs: [string, string][] = [["job", "j"]];
    for (let i = 0; i < flat.length; i += 2) pairs.push([flat[i] as string, flat[i + 1] as string]);
    const { key } = Labels.fromUnsorted(pairs);
    const value = `${parser.value}@${parser.hasTimestamp ? parser.timestamp : t}`;
    if (!samples.has(key) || parser.hasTimestamp) {
      if (!samples.has(key)) samples.set(key, value);
    }
    if (!parser.hasTimestamp) tracked.add(key);
  }
  return { samples, tracked, scraped };
}

test(`scrape cache: any sequence of bodies gives what reading each alone gives (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const store = new TemplateStore();
    const cache = new ScrapeCache(
      Labels.fromObject({ job: "j" }),
      cacheOptions({ trackTimestampsStaleness: true, exemplars: false }),
      store,
      new SampleBatch(),
    );
    const refs = new Map<string, SeriesRef>();
    const keys: string[] = [""];
    let lines = drawLines(random, 1 + random(80));
    let before = new Set<string>();
    for (let scrape = 0; scrape < 25; scrape++) {
      if (random(3) === 0) lines = mutate(lines, random);
      const broken = random(12) === 0;
      const text = withValues(lines, random) + (broken ? "\nbroken{" : "\n");
      const body = Buffer.from(text);
      const bytes = new Uint8Array(body.length + 16);
      bytes.set(body);
      const t = 100_000 + scrape * 1000;
      const appender = new RecordingAppender(refs, keys);
      const counts = emptyCounts();
      const place = `seed ${SEED}, round ${round}, scrape ${scrape}`;
      if (broken) {
        assert.throws(() => cache.scrape(bytes, body.length, new TextParser(), appender, t, counts), ExpositionError);
        const ending = new RecordingAppender(refs, keys);
        cache.endAll(ending, t);
        assert.deepEqual(new Set(ending.got.keys()), before, `${place}: ended`);
        before = new Set();
        continue;
      }
      cache.scrape(bytes, body.length, new TextParser(), appender, t, counts);
      const expected = readPlainly(bytes, body.length, t);
      const now = new Set(expected.samples.keys());
      for (const key of before) if (!now.has(key)) expected.samples.set(key, "stale");
      // A series once with and once without a time of its own: which of the two the storage sees first is open.
      for (const [key, value] of appender.got) {
        const other = expected.samples.get(key);
        assert.ok(other !== undefined, `${place}: unexpected ${key}`);
        if (other !== value) assert.ok(countOf(text, key) > 1, `${place}: ${key} is ${value}, not ${other}\n${text}`);
      }
      for (const [key, value] of expected.samples) {
        assert.ok(appender.got.has(key), `${place}: ${key} = ${value} is missing\n${text}`);
      }
      assert.equal(counts.scraped, expected.scraped, place);
      before = now;
    }
    cache.release();
    assert.equal(store.blockCount, 0, "templates are given back");
  }
});

test(`scrape cache: series made from bytes and from strings are the same (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  // A rule that changes nothing: with one, all labels go through strings.
  const idle = { ...DEFAULT_RELABEL_CONFIG, sourceLabels: ["no_such_label"], regex: "x", targetLabel: "y" };
  for (let round = 0; round < ROUNDS; round++) {
    const store = new TemplateStore();
    const refs = new Map<string, SeriesRef>();
    const keys: string[] = [""];
    const target = Labels.fromObject(random(2) === 0 ? { job: "j" } : { a: "own", job: "j", zone: "z" });
    const limit = (most: number): number => (random(6) === 0 ? 1 + random(most) : 0);
    const options = {
      honorLabels: random(2) === 0,
      exemplars: false,
      labelLimit: limit(4),
      labelValueLengthLimit: limit(9),
      sampleLimit: limit(80),
    };
    const caches = [new Relabeler([]), new Relabeler([idle])].map(
      (metricRelabeler) =>
        new ScrapeCache(target, cacheOptions({ ...options, metricRelabeler }), store, new SampleBatch()),
    );
    let lines = drawLines(random, 1 + random(60));
    for (let scrape = 0; scrape < 8; scrape++) {
      if (random(2) === 0) lines = mutate(lines, random);
      const body = Buffer.from(`${withValues(lines, random)}\n`);
      const bytes = new Uint8Array(body.length + 16);
      bytes.set(body);
      const outcomes = caches.map((cache) => {
        const appender = new RecordingAppender(refs, keys);
        const counts = emptyCounts();
        try {
          cache.scrape(bytes, body.length, new TextParser(), appender, 1000 * scrape, counts);
          return { got: appender.got, counts, message: "" };
        } catch (error) {
          if (!(error instanceof ScrapeError) && !(error instanceof ExpositionError)) throw error;
          cache.endAll(new RecordingAppender(refs, keys), 1000 * scrape);
          return { got: new Map<string, string>(), counts, message: error.message };
        }
      });
      assert.deepEqual(outcomes[0], outcomes[1], `seed ${SEED}, round ${round}, scrape ${scrape}\n${body}`);
    }
  }
});

/** How many lines of the body may stand for this series: those with an equal number of the series' own texts. */
function countOf(text: string, key: string): number {
  const id = /\d+(?!.*\d)/s.exec(key)?.[0] ?? "";
  return text.split("\n").filter((line) => line.includes(id)).length;
}
