import assert from "node:assert/strict";
import { test } from "node:test";
import { EvaluationSlots, evaluationBatches, type RuleOutline } from "./rule-dependencies.ts";

function records(queries: Readonly<Record<string, string>>): RuleOutline[] {
  return Object.entries(queries).map(([name, query]) => ({ kind: "record", name, query }));
}

test("rule dependencies: rules that read none of the others all run at once", () => {
  assert.deepEqual(evaluationBatches(records({ a: "sum(x)", b: "rate(x[1m])", c: "y" })), [[0, 1, 2]]);
});

test("rule dependencies: first what needs nothing, then one by one what is needed and needs, then the rest", () => {
  const chain = records({ a: "x", b: "x", c: 'a{job="1"}', d: "c", e: "c", f: "sum(d)", g: "rate(d[5m])" });
  assert.deepEqual(evaluationBatches(chain), [[0, 1], [2], [3], [4, 5, 6]]);
});

test("rule dependencies: several may stand on one", () => {
  const rules = records({ a: "x", b: "a", c: "a", d: "a", e: "x", f: "e" });
  assert.deepEqual(evaluationBatches(rules), [
    [0, 4],
    [1, 2, 3, 5],
  ]);
});

test("rule dependencies: what comes later is no dependency, and a rule that reads itself reads its past", () => {
  assert.deepEqual(evaluationBatches(records({ a: "b", b: "x" })), [[0, 1]]);
  assert.deepEqual(evaluationBatches(records({ a: "a offset 1m", b: "x" })), [[0, 1]]);
});

test("rule dependencies: a pattern for names may mean others; a selector without a name means all, so all in order", () => {
  assert.deepEqual(evaluationBatches(records({ "job:a": "x", b: '{__name__=~"job:.*"}' })), [[0], [1]]);
  assert.deepEqual(evaluationBatches(records({ a: "x", b: "y", c: '{job="1"}' })), [[0], [1], [2]]);
  assert.deepEqual(evaluationBatches(records({ c: '{job="1"}' })), [[0]]);
});

test("rule dependencies: the series of alerts count, of the alert that is named or of all", () => {
  const reader = (query: string): RuleOutline[] => [
    { kind: "alert", name: "Down", query: "up == 0" },
    { kind: "alert", name: "Slow", query: "x > 1" },
    { kind: "record", name: "r", query },
  ];
  assert.deepEqual(evaluationBatches(reader("count(ALERTS)")), [[0, 1], [2]]);
  assert.deepEqual(evaluationBatches(reader('ALERTS_FOR_STATE{alertname="Down"}')), [[0, 1], [2]]);
  assert.deepEqual(evaluationBatches(reader('ALERTS{alertname="Other"}')), [[0, 1, 2]]);
});

test("evaluation slots: there are so many, and one that is given back can be taken again", () => {
  const slots = new EvaluationSlots(1);
  assert.deepEqual([slots.take(), slots.take()], [true, false]);
  slots.give();
  assert.equal(slots.take(), true);
});
