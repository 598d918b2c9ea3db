// The engine against the naive evaluator: random expressions over random series, every step equal to the last bit.
// The seed is printed; give one with EVALUATION_FUZZ_SEED, more rounds with EVALUATION_FUZZ_ROUNDS.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { MemoryStorage } from "@narthex/storage";
import { parseExpr } from "../parser/parser.ts";
import { Engine } from "./engine.ts";
import { NaiveEvaluator } from "./naive-evaluator.ts";
import { QueryError } from "./result.ts";

const seed = Number(process.env["EVALUATION_FUZZ_SEED"] ?? Date.now() % 0xffff_ffff);
const rounds = Number(process.env["EVALUATION_FUZZ_ROUNDS"] ?? 400);
let state = seed >>> 0;

function random(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

function pick<T>(items: readonly T[]): T {
  return items[random(items.length)] as T;
}

/** Counters and gauges of a few jobs, with gaps, stale markers, resets and odd distances. */
function randomStorage(): MemoryStorage {
  const storage = new MemoryStorage();
  const appender = storage.appender();
  for (const name of ["requests_total", "temperature"]) {
    for (let job = 0; job < 3; job++) {
      for (let instance = 0; instance < 3; instance++) {
        const labels = Labels.fromObject({ __name__: name, job: `j${job}`, instance: `i${instance}` });
        const ref = appender.series(labels);
        const fractions = random(2) === 1;
        let value = random(20);
        let t = random(40_000);
        while (t < 3_600_000) {
          if (random(40) === 0) {
            appender.appendStale(ref, t);
            t += random(600_000);
          }
          if (name === "temperature") value += (random(2001) - 1000) / (fractions ? 97 : 1000);
          else value = random(30) === 0 ? 0 : value + random(100) / (fractions ? 7 : 1);
          t += random(12) === 0 ? random(90_000) + 1 : 15_000;
          appender.append(ref, t, value);
          t++;
        }
      }
    }
  }
  appender.commit();
  return storage;
}

const SELECTORS = [
  "requests_total",
  "temperature",
  'requests_total{job="j1"}',
  'temperature{instance!="i0"}',
  '{job="j2",__name__=~".+"}',
  'temperature{job=~"j1|j2"}',
];
const RANGES = ["1m", "2m30s", "5m", "17m"];
const MODIFIERS = ["", "", "", " offset 3m", " offset -2m", " @ 1500", " @ start()", " @ end() offset 1m"];
const WINDOWS = [
  "increase",
  "delta",
  "irate",
  "changes",
  "resets",
  "sum_over_time",
  "avg_over_time",
  "min_over_time",
  "max_over_time",
  "count_over_time",
  "last_over_time",
  "first_over_time",
];

function scalar(): string {
  return pick(["2", "0.5", "-3", "10", "time() / 1000", "scalar(temperature{job='j0',instance='i0'})"]);
}

/** Something whose series are in the order of the storage, so that sums over it have one right last bit. */
function inStorageOrder(sums = true): string {
  const selector = pick(SELECTORS.filter((text) => !text.startsWith("{")));
  switch (random(sums ? 4 : 3)) {
    case 0:
      return `${pick(WINDOWS)}(${selector}[${pick(RANGES)}]${pick(MODIFIERS)})`;
    case 1:
      return `${selector}${pick(MODIFIERS)} ${pick(["*", "-", ">", "<= bool"])} ${scalar()}`;
    case 2:
      return `${selector}${pick(MODIFIERS)}`;
    default:
      return `sum by (job) (${selector}${pick(MODIFIERS)}) / 3`;
  }
}

function vector(depth: number): string {
  if (depth <= 0) return `${pick(SELECTORS)}${pick(MODIFIERS)}`;
  switch (random(12)) {
    case 0:
    case 1:
    case 2:
      return `${pick(WINDOWS)}(${pick(SELECTORS)}[${pick(RANGES)}]${pick(MODIFIERS)})`;
    case 3:
      return `${pick(WINDOWS)}((${inStorageOrder()})[${pick(["5m", "10m"])}:${pick(["1m", "45s", ""])}]${pick(["", " offset 2m"])})`;
    case 4:
    case 5: {
      const grouping = pick(["", " by (job)", " without (instance)", " by (job, instance)"]);
      if (random(2) === 0) return `${pick(["sum", "avg"])}${grouping} (${inStorageOrder(false)})`;
      return `${pick(["min", "max", "count", "group"])}${grouping} (${vector(depth - 1)})`;
    }
    case 6:
      return `quantile by (job) (${pick(["0.3", "0.9"])}, ${vector(depth - 1)})`;
    case 7:
      return `${pick(["abs", "ceil", "-"])}(${vector(depth - 1)})`;
    case 8: {
      const [left, right] = random(2) === 0 ? [vector(depth - 1), scalar()] : [scalar(), vector(depth - 1)];
      return `(${left}) ${pick(["+", "-", "*", "/", "%", ">", "<", "== bool", "!=", ">= bool"])} (${right})`;
    }
    case 9: {
      const matching = pick(["", "on (job, instance)", "ignoring (instance)", "on (job) group_left ()"]);
      return `(${vector(depth - 1)}) ${pick(["+", "-", "*", "/", ">", "!= bool"])} ${matching} (${vector(depth - 1)})`;
    }
    case 10:
      return `(${vector(depth - 1)}) ${pick(["and", "or", "unless"])} ${pick(["", "on (job)"])} (${vector(depth - 1)})`;
    default:
      return `absent(${vector(depth - 1)})`;
  }
}

test(`engine: ${rounds} random range queries give at each step what step-by-step evaluation gives, seed ${seed}`, () => {
  const engine = new Engine();
  const startMs = 300_000;
  const endMs = 3_300_000;
  let compared = 0;
  let storage = randomStorage();
  for (let round = 0; round < rounds; round++) {
    if (round % 50 === 49) storage = randomStorage();
    const query = vector(3);
    const stepMs = pick([60_000, 97_000, 15_000 * 7, 600_000]);
    const expr = parseExpr(query);
    const naive = new NaiveEvaluator(storage, 300_000, startMs, endMs);
    const expected = new Map<string, Map<number, number>>();
    let refused = false;
    try {
      for (let t = startMs; t <= endMs; t += stepMs) {
        const value = naive.at(expr, t);
        for (const { labels, value: v } of typeof value === "number" ? [] : value) {
          const points = expected.get(labels.key) ?? new Map<number, number>();
          points.set(t, v);
          expected.set(labels.key, points);
        }
      }
    } catch (error) {
      if ((error as Error).message.startsWith("the naive evaluator has no")) throw error;
      refused = true;
    }
    let result: ReturnType<Engine["rangeQuery"]>;
    try {
      result = engine.rangeQuery(storage, query, startMs, endMs, stepMs);
    } catch (error) {
      assert.ok(error instanceof QueryError && error.code === "execution", `${query}: ${(error as Error).message}`);
      // The engine sees all steps, so it may refuse what no single step shows; never without two equal label sets.
      assert.ok(refused || error.message.includes("same labelset"), `${query}: ${error.message}`);
      continue;
    }
    assert.ok(!refused, `${query}: step by step it is refused`);
    assert.ok(result.value.kind === "matrix");
    const { series } = result.value;
    assert.deepEqual(
      new Set(series.map(({ labels }) => labels.key)),
      new Set(expected.keys()),
      `${query}, step ${stepMs}: other series`,
    );
    for (const { labels, values, present } of series) {
      const points = expected.get(labels.key) as Map<number, number>;
      for (let k = 0; k < values.length; k++) {
        const t = startMs + k * stepMs;
        const value = present === undefined || present[k] === 1 ? values[k] : undefined;
        const wanted = points.get(t);
        // Zeros compare equal: which of two equal extremes is kept is nobody's promise.
        const same = wanted === value || (Number.isNaN(wanted) && Number.isNaN(value));
        assert.ok(same, `${query}, step ${stepMs}, ${labels.key} at ${t}: ${value} instead of ${wanted}`);
        compared++;
      }
    }
  }
  assert.ok(compared > rounds, "hardly any values were compared");
});
