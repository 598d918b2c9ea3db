import assert from "node:assert/strict";
import { test } from "node:test";
import { loadScript } from "../script/script-runner.ts";
import { Engine } from "./engine.ts";
import { nearest } from "./explain.ts";

const storage = loadScript(`load 15s
  requests_total{job="api", code="200"} 0+1x100
  requests_total{job="api", code="500"} 0+2x100
  requests_total{job="web", code="200"} 0+3x100
`);
const engine = new Engine();
const explained = (query: string) =>
  engine.rangeQuery(storage, query, 300_000, 600_000, 60_000, { explain: true }).explanation;

test("explain: each node tells its place, series in and out and the samples it read", () => {
  const query = "sum by (job) (rate(requests_total[1m])) > 0";
  const { root, empty } = explained(query) ?? assert.fail();
  assert.equal(empty, undefined);
  assert.deepEqual([root.kind, root.name, root.seriesIn, root.seriesOut], ["binary", ">", 2, 2]);
  const [sum] = root.children;
  assert.deepEqual([sum?.kind, sum?.name, sum?.seriesIn, sum?.seriesOut], ["aggregate", "sum", 3, 2]);
  const [rate] = sum?.children ?? [];
  assert.equal(query.slice(rate?.start, rate?.end), "rate(requests_total[1m])");
  assert.deepEqual([rate?.seriesIn, rate?.seriesOut], [3, 3]);
  // Six steps, three series, four samples a minute.
  assert.equal(rate?.samplesRead, 72);
  const [range] = rate?.children ?? [];
  assert.deepEqual([range?.kind, range?.seriesIn, range?.children.length], ["range", 3, 0]);
  assert.ok(root.seconds >= 0 && root.seconds < 60);
});

test("explain: an empty result names its first node without data, and the nearest value there is", () => {
  const query = 'sum(rate(requests_total{job="apy"}[1m])) / sum(rate(requests_total[1m]))';
  const { empty } = explained(query) ?? assert.fail();
  assert.equal(query.slice(empty?.start, empty?.end), 'requests_total{job="apy"}[1m]');
  assert.deepEqual([empty?.label, empty?.value, empty?.nearest], ["job", "apy", "api"]);
  const named = explained("request_total")?.empty;
  assert.deepEqual([named?.label, named?.nearest], ["__name__", "requests_total"]);
});

test("explain: where every selector has data, the operator that lost it is named", () => {
  const query = "requests_total > 1e9";
  const { empty } = explained(query) ?? assert.fail();
  assert.equal(query.slice(empty?.start, empty?.end), query);
  assert.equal(empty?.label, undefined);
});

test("explain: nobody pays for it unasked", () => {
  assert.equal(engine.instantQuery(storage, "requests_total", 300_000).explanation, undefined);
});

test("nearest value: fewest edits, none without candidates", () => {
  assert.equal(nearest("prometeus", ["node", "prometheus", "promtail"]), "prometheus");
  assert.equal(nearest("x", []), undefined);
});
