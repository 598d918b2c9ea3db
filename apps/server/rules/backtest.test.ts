import assert from "node:assert/strict";
import { test } from "node:test";
import { Engine, loadScript, QueryError } from "@narthex/promql";
import { type BacktestResult, type BacktestRule, runBacktest } from "./backtest.ts";

const MINUTE = 60_000;

function run(series: string, rule: Partial<BacktestRule> = {}, minutes = 20, limit = 100): BacktestResult {
  const lines = series.split("\n").map((line) => `  ${line}\n`);
  const queryable = loadScript(`load 1m\n${lines.join("")}`);
  return runBacktest(
    { name: "A", query: "x > 0", forMs: 0, keepFiringForMs: 0, labels: [], annotations: [], ...rule },
    { startMs: 0, endMs: minutes * MINUTE, stepMs: MINUTE },
    limit,
    { externalLabels: ["cluster", "c"], externalUrl: "http://p", pathPrefix: "" },
    { engine: new Engine(), queryable, cancelled: () => false },
  );
}

/** `labels from-to`, in minutes. */
function told({ firings }: BacktestResult): string[] {
  return firings.map(({ labels, activeAt, firedAt, resolvedAt }) => {
    const end = resolvedAt === undefined ? "" : resolvedAt / MINUTE;
    return `${labels.get("i")} ${activeAt / MINUTE}:${firedAt / MINUTE}-${end}`;
  });
}

test("back-test: when it began to hold, fired and ended; what holds at the end has no end", () => {
  const result = run('x{i="a"} 0 1 1 1 0 0 1 0x13\nx{i="b"} 0x15 1x9');
  assert.deepEqual(told(result), ["a 1:1-4", "a 6:6-7", "b 16:16-"]);
  assert.deepEqual(
    { ...result, firings: 0, samples: 0 },
    { firings: 0, firingCount: 3, firingMs: 8 * MINUTE, pendingOnly: 0, alertCount: 2, failedSteps: 0, samples: 0 },
  );
});

test("back-test: with durations, as a running rule has them", () => {
  const series = 'x{i="a"} 0 1 1 1 0 0 0 1 1 0 0 1 1 1 0x9';
  const result = run(series, { forMs: 2 * MINUTE, keepFiringForMs: 2 * MINUTE });
  assert.deepEqual(told(result), ["a 1:3-6", "a 11:13-16"]);
  assert.equal(result.pendingOnly, 1);
});

test("back-test: labels and annotations are expanded with values and queries of their time", () => {
  const result = run('x{i="a"} 0 5 5 0x20\ny 1+1x20', {
    labels: ["level", "{{ if gt $value 3.0 }}high{{ else }}low{{ end }}", "i", ""],
    annotations: ["s", '{{ $value }} {{ $externalLabels.cluster }} {{ query "y" | first | value }} {{ now }}'],
  });
  assert.equal(result.firings.length, 1);
  const [{ labels, annotations, value } = {}] = result.firings;
  assert.deepEqual(labels?.toObject(), { alertname: "A", level: "high" });
  assert.deepEqual(annotations?.toObject(), { s: "5 c 2 60" });
  assert.equal(value, 5);
});

test("back-test: where two elements come out as one alert the evaluation fails, and alerts stay as they are", () => {
  const result = run('x{i="a"} 1x9\nx{i="b"} 0 0 1 0x9', { labels: ["i", ""] }, 5);
  assert.deepEqual([result.failedSteps, result.firingCount, told(result)], [1, 1, [" 0:0-"]]);
});

test("back-test: at most so many firings are told, all are counted", () => {
  const result = run('x{i="a"} 1 0 1 0 1 0 1 0x20', {}, 20, 2);
  assert.deepEqual(told(result), ["a 0:0-1", "a 2:2-3"]);
  assert.equal(result.firingCount, 4);
});

test("back-test: it can be called off, and a query that does not parse is refused", () => {
  assert.throws(() => run("x 1x20", { query: "x >" }), QueryError);
  assert.throws(
    () =>
      runBacktest(
        { name: "A", query: "x", forMs: 0, keepFiringForMs: 0, labels: [], annotations: [] },
        { startMs: 0, endMs: 1000, stepMs: 1 },
        1,
        { externalLabels: [], externalUrl: "", pathPrefix: "" },
        { engine: new Engine(), queryable: loadScript("load 1m\n  x 1\n"), cancelled: () => true },
      ),
    (error) => error instanceof QueryError && error.code === "canceled",
  );
});
