import assert from "node:assert/strict";
import { test } from "node:test";
import { commonLabels, formatSeries, matchesSearch } from "./labels.ts";

test("series: written as selectors that can be pasted back", () => {
  assert.equal(formatSeries({ __name__: "up", job: "b", instance: "a:1" }), 'up{instance="a:1", job="b"}');
  assert.equal(formatSeries({ __name__: "up" }), "up");
  assert.equal(formatSeries({}), "{}");
  assert.equal(formatSeries({ job: 'a"b\\c\nd' }), '{job="a\\"b\\\\c\\nd"}');
  assert.equal(formatSeries({ __name__: "http.requests", "le gume": "x" }), '{"http.requests", "le gume"="x"}');
});

test("common labels: only pairs that every set has", () => {
  const common = commonLabels([
    { job: "node", mode: "user" },
    { job: "node", mode: "idle", cpu: "0" },
  ]);
  assert.deepEqual([...common], [["job", "node"]]);
  assert.deepEqual([...commonLabels([])], []);
});

test("search: every word must occur, as text or as a pair", () => {
  const labels = { job: "Node", instance: "10.0.0.1:9100" };
  assert.ok(matchesSearch("", labels));
  assert.ok(matchesSearch("node 10.0", labels));
  assert.ok(matchesSearch("job=node", labels));
  assert.ok(matchesSearch('job="node"', labels));
  assert.ok(matchesSearch("refused", labels, "connection refused"));
  assert.ok(!matchesSearch("node missing", labels));
});
