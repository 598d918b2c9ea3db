import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { MemoryStorage, type Queryable } from "@narthex/storage";
import { Engine, type EngineOptions, type QueryOptions } from "./engine.ts";
import { QueryError, type QueryResult } from "./result.ts";

const MINUTE = 60_000;

/** `series` are samples a minute apart from time 0. */
function storageOf(series: Readonly<Record<string, readonly number[]>>): MemoryStorage {
  const storage = new MemoryStorage();
  const appender = storage.appender();
  for (const [name, values] of Object.entries(series)) {
    const [metric = "", ...pairs] = name.split(" ");
    const labels = Object.fromEntries(pairs.map((pair) => pair.split("=") as [string, string]));
    const ref = appender.series(Labels.fromObject({ __name__: metric, ...labels }));
    for (const [i, value] of values.entries()) appender.append(ref, i * MINUTE, value);
  }
  appender.commit();
  return storage;
}

const counters = storageOf({
  "c_total job=a": [0, 10, 20, 30, 40, 50],
  "c_total job=b": [0, 1, 2, 3, 4, 5],
  "g job=a": [5, 4, 3, 2, 1, 0],
  "up job=a": [1, 1, 1, 1, 1, 1],
});

/** The result as text: labels and values of each series. */
function shown({ value }: QueryResult): string[] {
  switch (value.kind) {
    case "scalar":
      return [String(value.value)];
    case "string":
      return [value.value];
    case "vector":
      return value.elements.map(({ labels, value: v }) => `${JSON.stringify(labels.toObject())} ${v}`);
    case "matrix":
      return value.series.map(({ labels, values, present }) => {
        const points = [...values].map((v, k) => (present === undefined || present[k] === 1 ? String(v) : "_"));
        return `${JSON.stringify(labels.toObject())} ${points.join(" ")}`;
      });
  }
}

function fails(
  query: string,
  expected: { code: string; message: RegExp },
  options: { engine?: EngineOptions; query?: QueryOptions; storage?: Queryable; range?: boolean } = {},
): void {
  const engine = new Engine(options.engine);
  const storage = options.storage ?? counters;
  assert.throws(
    () =>
      options.range === true
        ? engine.rangeQuery(storage, query, 0, 5 * MINUTE, MINUTE, options.query)
        : engine.instantQuery(storage, query, 5 * MINUTE, options.query),
    (error) => error instanceof QueryError && error.code === expected.code && expected.message.test(error.message),
    query,
  );
}

test("engine: instant queries answer scalars, strings, vectors and range vectors", () => {
  const engine = new Engine();
  const ask = (query: string): string[] => shown(engine.instantQuery(counters, query, 5 * MINUTE));
  assert.deepEqual(ask("1 + 2 * 3"), ["7"]);
  assert.deepEqual(ask('"text"'), ["text"]);
  assert.deepEqual(ask("sum by (job) (increase(c_total[2m]))"), ['{"job":"a"} 20', '{"job":"b"} 2']);
  assert.deepEqual(ask("g[3m]"), ['{"__name__":"g","job":"a"} 2 1 0']);
  assert.deepEqual(ask("g[4m:2m]"), ['{"__name__":"g","job":"a"} 3 1']);
});

test("engine: range queries answer one point per step, sorted by labels", () => {
  const engine = new Engine();
  const result = engine.rangeQuery(counters, "-c_total or g", 0, 5 * MINUTE, 2 * MINUTE);
  assert.deepEqual(shown(result), ['{"job":"a"} 0 -20 -40', '{"job":"b"} 0 -2 -4']);
});

test("engine: a sub-expression that occurs twice is evaluated once, with the same result and the same statistics", () => {
  let reads = 0;
  const counting: Queryable = {
    querier(minTime, maxTime) {
      const querier = counters.querier(minTime, maxTime);
      return {
        select(matchers, hints) {
          const set = querier.select(matchers, hints);
          return {
            count: set.count,
            labels: (i) => set.labels(i),
            warnings: set.warnings,
            read(i, from, to, into) {
              reads++;
              set.read(i, from, to, into);
            },
          };
        },
        estimateSeries: (matchers) => querier.estimateSeries(matchers),
        labelNames: (matchers, limit) => querier.labelNames(matchers, limit),
        labelValues: (name, matchers, limit) => querier.labelValues(name, matchers, limit),
        close: () => querier.close(),
      };
    },
  };
  const engine = new Engine();
  const twice = engine.rangeQuery(counting, "(c_total + 1) / (c_total + 1)", 0, 5 * MINUTE, MINUTE);
  assert.equal(reads, 2);
  assert.deepEqual(shown(twice), ['{"job":"a"} 1 1 1 1 1 1', '{"job":"b"} 1 1 1 1 1 1']);
  assert.equal(twice.statistics.totalQueryableSamples, 24);
});

test("engine: samples looked at are counted as the reference counts them, per step on request", () => {
  const engine = new Engine({ perStepStats: true });
  const options: QueryOptions = { stats: "perStep" };
  const result = engine.rangeQuery(counters, "sum(rate(c_total[2m]))", 0, 5 * MINUTE, MINUTE, options);
  assert.deepEqual(result.statistics.totalQueryableSamplesPerStep, [2, 4, 4, 4, 4, 4]);
  assert.equal(result.statistics.totalQueryableSamples, 22);
  const pinned = engine.rangeQuery(counters, "c_total @ 120", 0, 5 * MINUTE, MINUTE, options);
  assert.deepEqual(pinned.statistics.totalQueryableSamplesPerStep, [2, 2, 2, 2, 2, 2]);
  assert.deepEqual(pinned.statistics.samplesReadPerStep, [2, 0, 0, 0, 0, 0]);
});

test("engine: of windows that overlap, each sample is read once, and what lies between windows never", () => {
  const engine = new Engine({ perStepStats: true });
  const read = (query: string, stepMs: number): { total: number; perStep: readonly number[] | undefined } => {
    const run = (options: QueryOptions): QueryResult =>
      engine.rangeQuery(counters, query, 0, 5 * MINUTE, stepMs, options);
    const { samplesRead, samplesReadPerStep } = run({ stats: "perStep" }).statistics;
    assert.equal(run({}).statistics.samplesRead, samplesRead, query);
    return { total: samplesRead, perStep: samplesReadPerStep };
  };
  assert.deepEqual(read("rate(c_total[2m])", MINUTE), { total: 12, perStep: [2, 2, 2, 2, 2, 2] });
  assert.deepEqual(read("count_over_time(c_total[1m])", 2 * MINUTE), { total: 6, perStep: [2, 2, 2] });
  assert.deepEqual(read("rate(c_total[2m] @ 120)", MINUTE), { total: 4, perStep: [4, 0, 0, 0, 0, 0] });
  // A subquery's samples count where its own selector reads them, at the first step that uses them.
  assert.deepEqual(read("max_over_time(c_total[2m:1m])", MINUTE), { total: 12, perStep: [2, 2, 2, 2, 2, 2] });
  assert.deepEqual(read("max_over_time(c_total[2m:1m] offset 1m)", MINUTE), { total: 10, perStep: [0, 2, 2, 2, 2, 2] });
  assert.deepEqual(read("max_over_time(c_total[1m:1m])", 2 * MINUTE), { total: 6, perStep: [2, 2, 2] });
});

test("engine: the most samples held are those that the reference holds, which calls functions step by step", () => {
  const peak = (query: string): number => new Engine().instantQuery(counters, query, 5 * MINUTE).statistics.peakSamples;
  // Two series: the operands, at the step their elements, and the result.
  assert.equal(peak("c_total"), 2);
  assert.equal(peak("sort(c_total)"), 6);
  assert.equal(peak("c_total and c_total"), 10);
  assert.equal(peak("c_total or g"), 8);
  assert.equal(peak("absent(c_total)"), 4);
  assert.equal(peak("scalar(g)"), 3);
  assert.equal(peak("vector(1)"), 3);
  assert.equal(peak("timestamp(c_total)"), 4);
  assert.equal(peak('count_values("v", c_total)'), 6);
  assert.equal(peak("histogram_quantile(0.9, c_total)"), 6);
  // A scalar on the right is not there yet while the left side is made.
  assert.equal(peak("c_total + 1 + 1"), 8);
  assert.equal(peak("absent_over_time(nothing[1m])"), 0);
});

test("engine: annotations tell what is odd and where, and at most ten of a kind", () => {
  const engine = new Engine();
  const counter = engine.instantQuery(counters, "1 +\n  rate(g[5m])", 5 * MINUTE);
  assert.deepEqual(counter.infos, [
    'PromQL info: metric might not be a counter, name does not end in _total/_sum/_count/_bucket: "g" (2:8)',
  ]);
  const quantile = engine.instantQuery(counters, "quantile(7, g)", 5 * MINUTE);
  assert.deepEqual(quantile.warnings, ["PromQL warning: quantile value should be between 0 and 1, got 7 (1:10)"]);
  const many = storageOf(Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`m${i} i=${i}`, [1, 2]])));
  const limited = engine.instantQuery(many, 'rate({__name__=~"m.+"}[5m])', MINUTE);
  assert.equal(limited.infos.length, 11);
  assert.equal(limited.infos[10], "3 more info annotations omitted");
  assert.equal(
    engine.instantQuery(many, 'rate({__name__=~"m.+"}[5m])', MINUTE, { maxAnnotations: 0 }).infos.length,
    13,
  );
});

test("engine: errors have the reference's words", () => {
  fails("rat(g)", { code: "bad_data", message: /^1:1: parse error: unknown function with name "rat"$/ });
  fails(
    "g[5m]",
    { code: "bad_data", message: /^invalid expression type "range vector" for range query/ },
    { range: true },
  );
  fails('{__name__=~"g|up"} * 2', {
    code: "execution",
    message: /^vector cannot contain metrics with the same labelset$/,
  });
  fails("g * on () c_total", {
    code: "execution",
    message:
      /^found duplicate series for the match group \{\} on the right hand-side of the operation: \[\{__name__="c_total", job="a"\}, \{__name__="c_total", job="b"\}\];many-to-many matching not allowed: matching labels must be unique on one side$/,
  });
  fails("c_total * on () g", { code: "execution", message: /^multiple matches for labels: many-to-one matching/ });
  fails("topk(scalar(nothing) or 3, g)", { code: "bad_data", message: /parse error/ });
  fails('label_replace(g, "x", "$1", "job", "(")', {
    code: "execution",
    message: /^invalid regular expression in label_replace\(\): \($/,
  });
});

test("engine: limits on samples, memory and time, and cancellation, stop a query", () => {
  const many = {
    code: "execution",
    message: /^query processing would load too many samples into memory in query execution$/,
  };
  fails("c_total", many, { engine: { maxSamples: 11 }, range: true });
  fails("sum(rate(c_total[5m]))", many, { engine: { maxSamples: 9 }, range: true });
  fails("c_total * 2", many, { engine: { maxSamples: 13 }, range: true });
  fails("sum_over_time(vector(1)[1y:1ms])", many, { range: true });
  fails(
    "g + up",
    { code: "execution", message: /^query would take more than its memory budget/ },
    { query: { memoryBudgetBytes: 300 } },
  );
  let asked = 0;
  const cancelled = (): boolean => ++asked > 2;
  fails(
    "g + g * 2 + up",
    { code: "canceled", message: /^query was canceled in expression evaluation$/ },
    { query: { cancelled } },
  );
  let clock = 0;
  const now = (): number => (clock += 10);
  fails(
    "g + up",
    { code: "timeout", message: /^query timed out in expression evaluation$/ },
    { engine: { now, timeoutMs: 35 } },
  );
  fails("g", { code: "timeout", message: /^query timed out/ }, { engine: { now }, query: { timeoutMs: 5 } });
});

test("engine: a limit on series cuts the answer with a warning", () => {
  const result = new Engine().instantQuery(counters, "c_total", 5 * MINUTE, { limit: 1 });
  assert.equal(shown(result).length, 1);
  assert.deepEqual(result.warnings, ["results truncated due to limit"]);
});

test("engine: name removal can wait for the end", () => {
  const engine = new Engine({ delayedNameRemoval: true });
  const ask = (query: string): string[] => shown(engine.instantQuery(counters, query, 5 * MINUTE));
  const both = 'abs({__name__=~"c_total|g",job="a"})';
  assert.deepEqual(ask(`sum(${both})`), ["{} 50"]);
  fails(`sum(${both})`, { code: "execution", message: /same labelset/ });
  fails(both, { code: "execution", message: /same labelset/ }, { engine: { delayedNameRemoval: true } });
  assert.deepEqual(ask('label_replace(abs(g), "__name__", "x", "", "")'), ['{"__name__":"x","job":"a"} 0']);
});

test("engine: estimates grow with series, ranges and steps, and select nothing", () => {
  const engine = new Engine();
  const estimate = (query: string, steps: number): number =>
    engine.estimateSamples(counters, query, 0, steps * MINUTE, MINUTE);
  assert.ok(estimate("c_total", 10) > 0);
  assert.ok(estimate("c_total", 1000) > 50 * estimate("c_total", 10));
  assert.ok(estimate("rate(c_total[1d])", 10) > 50 * estimate("c_total", 10));
  assert.ok(estimate("max_over_time(c_total[1d:1s])", 10) > 10_000);
  assert.ok(estimate("c_total @ 0", 100) < estimate("c_total", 100));
  assert.ok(estimate("1 + 1", 10) < 100);
});
