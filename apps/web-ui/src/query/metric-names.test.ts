import assert from "node:assert/strict";
import { test } from "node:test";
import { metricNamesIn, soundsLike } from "./metric-names.ts";

test("metric names: found in selectors, not in functions, labels, strings, durations or keywords", () => {
  assert.deepEqual(
    metricNamesIn('sum by (job, mode) (rate(node_cpu{mode="x", a=~"up"}[5m])) / on (job) group_left (x) job:total:sum'),
    ["node_cpu", "job:total:sum"],
  );
  assert.deepEqual(metricNamesIn("up and on(instance) down offset 5m > bool 1e3"), ["up", "down"]);
  assert.deepEqual(metricNamesIn('topk(3, up) without (a) # not_this\n + label_replace(up, "a", "b", "c", "d")'), [
    "up",
  ]);
  assert.deepEqual(metricNamesIn("1 + Inf"), []);
});

test("misspelt names: close ones first, far ones never", () => {
  const known = ["node_load1", "node_load15", "node_cpu_seconds_total", "up", "go_goroutines"];
  assert.equal(soundsLike("nod_load1", known)[0], "node_load1");
  assert.equal(soundsLike("node_cpu_seconds", known)[0], "node_cpu_seconds_total");
  assert.equal(soundsLike("node_laod1", known)[0], "node_load1");
  assert.deepEqual(soundsLike("completely_different_thing", known), []);
});
