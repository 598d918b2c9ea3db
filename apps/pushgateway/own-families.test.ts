import assert from "node:assert/strict";
import { test } from "node:test";
import { Counter, Gauge, Histogram, Registry, Summary } from "@narthex/client";
import { compareStrings } from "@narthex/model";
import { sortLabels } from "./family/labels.ts";
import { familiesOf } from "./own-families.ts";
import { comparePageOrder } from "./store/family-index.ts";
import { familiesOf as pushedFamilies } from "./testing.ts";

test("own families: the same as if the registry's text had been pushed, and nothing of what is empty", async () => {
  const registers = [new Registry()] as const;
  const [registry] = registers;
  const requests = new Counter({ name: "r_total", help: "Requests.", labelNames: ["z", "a"], registers });
  requests.labels({ z: 'x"\\\n', a: "Π" }).inc(3);
  requests.labels({ z: "x", a: "a" }).inc(1e-7);
  new Gauge({ name: "g", help: "Now.", registers }).set(Number.NaN);
  new Histogram({ name: "h", help: "Sizes.", labelNames: ["p"], buckets: [0.5, 2], registers }).labels("/").observe(1);
  const summary = new Summary({ name: "s", help: "Times.", labelNames: ["p"], objectives: { 0.5: 0.01 }, registers });
  summary.labels("/").observe(4);
  new Counter({ name: "none_total", help: "Nothing yet.", labelNames: ["a"], registers });

  const text = await registry.metrics();
  const pushed = pushedFamilies(text)
    .filter(({ metrics }) => metrics.length > 0)
    .map((family) => ({
      ...family,
      metrics: family.metrics.map((each) => ({ ...each, labels: sortLabels(each.labels) })).sort(comparePageOrder),
    }));
  const own = await familiesOf(registry);
  assert.deepEqual(
    own.sort((a, b) => compareStrings(a.name, b.name)),
    pushed.sort((a, b) => compareStrings(a.name, b.name)),
  );
  assert.deepEqual(
    own.map(({ name, type, metrics }) => `${name} ${type} ${metrics.length}`),
    ["g gauge 1", "h histogram 1", "r_total counter 2", "s summary 1"],
  );
});
