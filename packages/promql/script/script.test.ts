import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import type { QueryResult, QueryValue } from "../engine/result.ts";
import { almostEqual, histogramsMatch } from "./comparison.ts";
import { customHistograms } from "./custom-histograms.ts";
import { type EvalCommand, type LoadCommand, ScriptError } from "./script.ts";
import { parseScript } from "./script-parser.ts";
import { loadScript, runScript, runScripts, type ScriptEngine } from "./script-runner.ts";

const UP = Labels.fromObject({ __name__: "up" });

function result(value: QueryValue, warnings: string[] = [], infos: string[] = []): QueryResult {
  const statistics = {
    totalQueryableSamples: 0,
    peakSamples: 0,
    startMs: 0,
    stepMs: 0,
    totalQueryableSamplesPerStep: undefined,
    samplesRead: 0,
    samplesReadPerStep: undefined,
    queryPreparationSeconds: 0,
    innerEvalSeconds: 0,
    resultSortSeconds: 0,
  };
  return { value, warnings, infos, statistics };
}

function vector(value: number, t = 0): QueryValue {
  return { kind: "vector", t, elements: [{ labels: UP, value, histogram: undefined }] };
}

/** An engine that always gives the same number for `up`, at every step. */
function constantEngine(value: number, warnings: string[] = []): ScriptEngine {
  return {
    instantQuery: (_storage, _expr, t) => result(vector(value, t), warnings),
    rangeQuery: (_storage, _expr, startMs, endMs, stepMs) => {
      const count = (endMs - startMs) / stepMs + 1;
      const series = [
        {
          labels: UP,
          times: undefined,
          values: new Float64Array(count).fill(value),
          present: undefined,
          histograms: undefined,
        },
      ];
      return result({ kind: "matrix", grid: { startMs, stepMs, count }, series }, warnings);
    },
  };
}

function faultOf(script: string, engine: ScriptEngine): string | undefined {
  const { cases } = runScript(script, engine);
  assert.equal(cases.length, 1);
  return cases[0]?.fault;
}

test("scripts: load, clear and eval are read with their lines, comments end blocks", () => {
  const commands = parseScript(`
    load 30s
      up{a="1"} 0+1x3 _ stale
      up{a="2"}@st -1m -2m-1mx1 _
      up{a="2"}    1   2x1      3
      # over
    clear
    eval range from 1m to 5m step 30s rate(up[1m])
      expect no_warn
      {a="1"} 1x8

    eval instant at 90s up
  `);
  assert.deepEqual(
    commands.map(({ kind, line }) => [kind, line]),
    [
      ["load", 2],
      ["clear", 7],
      ["eval", 8],
      ["eval", 12],
    ],
  );
  const [load, , range, instant] = commands as [LoadCommand, unknown, EvalCommand, EvalCommand];
  assert.equal(load.stepMs, 30_000);
  assert.equal(load.series[0]?.values.length, 6);
  assert.deepEqual(load.series[1]?.startOffsets, [-60_000, -120_000, -180_000, undefined]);
  assert.deepEqual([range.startMs, range.endMs, range.stepMs, range.isRange], [60_000, 300_000, 30_000, true]);
  assert.deepEqual([instant.startMs, instant.text, instant.expected.series.length], [90_000, "up", 0]);
});

test("scripts: what cannot be read is refused with its line", () => {
  const cases: [string, RegExp][] = [
    ["\nlode 1m", /^line 2: invalid command "lode 1m"/],
    ["load 1x", /^line 1: unknown unit "x" in duration "1x"/],
    ["load 1m\n  up{ 1", /^line 2: .*parse error: /],
    ["eval instant at 1m sum(", /^line 1: .*parse error: unclosed left parenthesis/],
    ["eval at 1m up", /^line 1: invalid evaluation command/],
    ["eval instant up\n  up 1 2", /^line 2: an instant query has one value per series/],
    ["eval instant up\n  expect nothing", /^line 2: invalid expect line/],
    ["eval instant up\n  expect warn\n  expect no_warn", /^line 3: warn and no_warn cannot be used together/],
    ["eval range from 5m to 1m step 1m up", /^line 1: the end \(1m\) is before the start \(5m\)/],
    ["load 1m\n  a@st -1m\n  b 1", /^line 3: the series differs from that of the @st line above/],
  ];
  for (const [script, message] of cases)
    assert.throws(() => parseScript(script), { name: "ScriptError", message }, script);
});

test("scripts: a right answer passes, and each kind of wrong one is told", () => {
  const engine = constantEngine(5);
  assert.equal(faultOf("eval instant at 1m up\n  up 5", engine), undefined);
  assert.equal(faultOf("eval range from 0 to 2m step 1m up\n  up 5x2", engine), undefined);
  assert.match(String(faultOf("eval instant at 1m up\n  up 5.1", engine)), /expected 5.1, got 5$/);
  assert.match(String(faultOf("eval instant at 1m up", engine)), /^unexpected series \{__name__="up"\} with 5$/);
  assert.match(
    String(faultOf("eval instant at 1m up\n  up 5\n  down 1", engine)),
    /expected series .*down.* did not come/,
  );
  assert.match(String(faultOf("eval instant at 1m up\n  5", engine)), /expected scalar 5, got a vector/);
  assert.match(String(faultOf("eval instant at 1m up\n  up {{count:5}}", engine)), /expected \{\{.*count:5.*got 5$/);
  assert.match(
    String(faultOf("eval range from 0 to 2m step 1m up\n  up 5 _ 5", engine)),
    /place 1 .*expected no point, got 5/,
  );
  assert.match(String(faultOf("eval range from 0 to 2m step 1m up\n  up 5 5", engine)), /has a point at t=120000: 5/);
  assert.match(
    String(faultOf("eval range from 0 to 1m step 1m up\n  up 5 5 5", engine)),
    /which the time range has not/,
  );
  assert.match(String(faultOf("eval instant at 1m up\n  expect fail", engine)), /was expected to fail, but did not/);
});

test("scripts: annotations are compared without their place in the query", () => {
  const engine = constantEngine(5, ["PromQL warning: odd (1:3)"]);
  const withExpectation = (line: string) => faultOf(`eval instant at 1m up\n  ${line}\n  up 5`, engine);
  assert.equal(withExpectation("expect warn msg: PromQL warning: odd"), undefined);
  assert.equal(withExpectation("expect warn regex: o.d$"), undefined);
  assert.equal(withExpectation("expect warn"), undefined);
  assert.equal(withExpectation("expect no_info"), undefined);
  assert.match(String(withExpectation("expect no_warn")), /^unexpected warning: PromQL warning: odd$/);
  assert.match(String(withExpectation("expect warn msg: odd")), /^no warning is "odd", got/);
  assert.match(String(withExpectation("expect info")), /^no info is anything, got \[\]$/);
});

test("scripts: a failure must be the expected one", () => {
  const engine: ScriptEngine = {
    instantQuery: () => {
      throw new Error("too much of it");
    },
    rangeQuery: () => {
      throw new Error("too much of it");
    },
  };
  assert.equal(faultOf("eval instant up\n  expect fail msg: too much of it", engine), undefined);
  assert.equal(faultOf("eval instant up\n  expect fail regex: much", engine), undefined);
  assert.equal(faultOf("eval_fail instant up\n  expected_fail_message too much of it", engine), undefined);
  assert.match(
    String(faultOf("eval instant up\n  expect fail msg: too little", engine)),
    /failed with "too much of it"/,
  );
  assert.match(String(faultOf("eval instant up", engine)), /^failed: too much of it$/);
});

test("scripts: an instant query is asked as a step of a range, and pinned at other times", () => {
  const asked: [string, number][] = [];
  const honest = constantEngine(5);
  const engine: ScriptEngine = {
    instantQuery: (storage, expr, t) => {
      asked.push(["instant", t]);
      return honest.instantQuery(storage, expr, t);
    },
    rangeQuery: (storage, expr, start, end, step) => {
      asked.push(["range", start]);
      return honest.rangeQuery(storage, expr, start, end, step);
    },
  };
  assert.equal(faultOf("eval instant at 1m up\n  up 5", engine), undefined);
  assert.deepEqual(
    asked.filter(([kind]) => kind === "instant").map(([, t]) => t),
    [60_000, -600_000, 0, 12_000, 60_000, 600_000],
  );
  assert.equal(asked.filter(([kind]) => kind === "range").length, 6);
  const wrongInRanges = { ...honest, rangeQuery: constantEngine(6).rangeQuery };
  assert.match(String(faultOf("eval instant at 1m up\n  up 5", wrongInRanges)), /^as a step of a range query: /);
  const wrongLater: ScriptEngine = {
    ...honest,
    instantQuery: (storage, expr, t) => constantEngine(t > 60_000 ? 6 : 5).instantQuery(storage, expr, t),
  };
  assert.match(String(faultOf("eval instant at 1m up\n  up 5", wrongLater)), /^pinned to 60000 and asked at 600000: /);
  assert.equal(faultOf("eval instant at 1m up + time()\n  up 5", wrongLater), undefined);
});

test("scripts: several files are counted together, one that cannot be read as a failure", () => {
  const scripts = [
    { name: "good", text: "eval instant at 1m up\n  up 5" },
    { name: "bad", text: "eval instant at 1m up\n  up 6" },
    { name: "broken", text: "nonsense" },
  ];
  const { passed, failed, text } = runScripts(scripts, constantEngine(5));
  assert.deepEqual([passed, failed], [1, 2]);
  assert.match(text, /^good: 1 passed, 0 failed\nbad: 0 passed, 1 failed\n {2}bad:1: up\n[\s\S]*1 passed, 2 failed$/);
});

test("loadScript: samples only", () => {
  const storage = loadScript("load 1m\n  up 1 2 3\n  down 1");
  assert.equal(storage.sampleCount, 4);
  assert.throws(() => loadScript("clear"), ScriptError);
});

test("floats are almost equal up to a millionth; NaN equals NaN, near zero nothing is near", () => {
  const equal: [number, number][] = [
    [1, 1 + 1e-7],
    [1e300, 1e300 * (1 + 1e-7)],
    [Number.NaN, Number.NaN],
    [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
    [0, -0],
  ];
  const different: [number, number][] = [
    [1, 1.00001],
    [0, 1e-12],
    [Number.NaN, 1],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  ];
  for (const [a, b] of equal) assert.ok(almostEqual(a, b), `${a} ${b}`);
  for (const [a, b] of different) assert.ok(!almostEqual(a, b), `${a} ${b}`);
});

test("histograms match whatever empty buckets their spans hold; hints count only when asked for", () => {
  const [a, b, c] = (
    parseScript(
      "load 1m\n  h {{count:3 buckets:[1 0 0 2]}} {{count:3 buckets:[0 1 0 0 2 0] offset:-1}} {{count:3 buckets:[1 0 2]}}",
    )[0] as LoadCommand
  ).series[0]!.values.map((value) => (value.kind === "histogram" ? value.histogram : undefined));
  assert.ok(histogramsMatch(a!, b!, true));
  assert.ok(!histogramsMatch(a!, c!, false));
  assert.ok(histogramsMatch(a!, { ...b!, counterResetHint: 3 }, false));
  assert.ok(!histogramsMatch(a!, { ...b!, counterResetHint: 3 }, true));
  assert.ok(!histogramsMatch(a!, { ...b!, sum: 1 }, false));
});

test("load_with_nhcb: classic histograms become native ones with custom buckets", () => {
  const { series } = parseScript(`load_with_nhcb 1m
    x_bucket{a="b", le="0.5"} 1 4
    x_bucket{a="b", le="1"}   1 5
    x_bucket{a="b", le="+Inf"} 3 7
    x_bucket{a="b", le="bad"} 9 9
    x_sum{a="b"} 2.5 6
    x_count{a="b"} 3 7`)[0] as LoadCommand;
  const [histogram] = customHistograms(series);
  assert.deepEqual(histogram?.labels.toObject(), { __name__: "x", a: "b" });
  assert.deepEqual(
    histogram?.samples.map(({ step, histogram: { customValues, positiveBuckets, positiveSpans, count, sum } }) => ({
      step,
      customValues,
      buckets: [...positiveBuckets],
      positiveSpans,
      count,
      sum,
    })),
    [
      {
        step: 0,
        customValues: [0.5, 1],
        buckets: [1, 2],
        positiveSpans: [
          { offset: 0, length: 1 },
          { offset: 1, length: 1 },
        ],
        count: 3,
        sum: 2.5,
      },
      {
        step: 1,
        customValues: [0.5, 1],
        buckets: [4, 1, 2],
        positiveSpans: [{ offset: 0, length: 3 }],
        count: 7,
        sum: 6,
      },
    ],
  );
});
