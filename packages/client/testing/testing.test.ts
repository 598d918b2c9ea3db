import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Gauge, Registry } from "../index.ts";
import { collectAndCompare, collectAndCount, gatherAndCompare, lint, toFloat } from "./index.ts";

test("testing: values, counts, comparisons and complaints", async () => {
  const registry = new Registry();
  const counter = new Counter({ name: "c_total", help: "h", labelNames: ["a"], registers: [registry] });
  const gauge = new Gauge({ name: "wait_ms", help: "h", registers: [registry] });
  counter.inc({ a: "x" });
  counter.inc({ a: "y" }, 2);
  gauge.set(-Infinity);
  assert.equal(await toFloat(gauge), -Infinity);
  await assert.rejects(toFloat(counter), /expected one sample, found 2/);
  assert.deepEqual([await collectAndCount(counter), await collectAndCount(counter, "other")], [2, 0]);
  const text = `
    # HELP c_total h
    # TYPE c_total counter
    c_total{a="y"} 2
    c_total{a="x"} 1
  `;
  await collectAndCompare(counter, text);
  await gatherAndCompare(registry, text, ["c_total"]);
  await assert.rejects(collectAndCompare(counter, text.replace("} 2", "} 3")), {
    message: 'metrics differ (- expected, + found):\n- c_total{a="y"} 3\n+ c_total{a="y"} 2',
  });
  assert.deepEqual(lint(registry), ["wait_ms metric names should not contain abbreviated units"]);
  assert.equal(registry.seriesCount, 3);
});
