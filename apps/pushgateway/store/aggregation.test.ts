import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "@narthex/toolkit";
import { numberMetric } from "../family/family.ts";
import { problemOf, pushOf, shownBy } from "../testing.ts";
import { MetricStore } from "./metric-store.ts";
import { PushRules, PushRulesError } from "./push-rules.ts";

const RULES = `
rules:
  - match: {job: "lambda.*"}
    aggregate: true
    gauges: max
    gauge_rules:
      - {name: ".*_now", gauges: sum}
      - {name: lowest, gauges: min}
`;

function store(): MetricStore {
  const rules = PushRules.parse(RULES, "rules.yml", 0);
  return new MetricStore({ own: [], checks: true, maxBytes: 1e6, rules, logger: silentLogger });
}

function shown(store: MetricStore): string[] {
  return shownBy(store)
    .filter((line) => !line.startsWith("push_"))
    .map((line) => line.replace('instance="",job="lambda"', "*"));
}

const LAMBDA = { job: "lambda" };

test("aggregation: counters add up, gauges by rule, series that are not named stay", () => {
  const sums = store();
  const push = (text: string, replaces: boolean): string => problemOf(sums.write(pushOf(LAMBDA, text, { replaces })));
  const first = '# TYPE c counter\nc{a="1"} 2\nc{a="2"} 5\n# TYPE g gauge\ng 7\nbusy_now 1\nlowest 3\nonly_first 1\n';
  assert.equal(push(first, false), "");
  assert.equal(push('# TYPE c counter\nc{a="1"} 3\nc{a="3"} 1\n# TYPE g gauge\ng 4\nbusy_now 1\nlowest 9\n', true), "");
  assert.deepEqual(shown(sums), [
    "busy_now{*} 2",
    'c{a="1",*} 5',
    'c{a="2",*} 5',
    'c{a="3",*} 1',
    "g{*} 7",
    "lowest{*} 3",
    "only_first{*} 1",
  ]);
});

test("aggregation: histograms add bucket by bucket; summaries keep sum and count", () => {
  const sums = store();
  const text =
    '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n# TYPE s summary\ns{quantile="0.5"} 1\ns_sum 2\ns_count 3\n';
  for (let i = 0; i < 3; i++) assert.equal(problemOf(sums.write(pushOf(LAMBDA, text))), "");
  assert.deepEqual(shown(sums), [
    'h_bucket{*,le="1"} 3',
    'h_bucket{*,le="+Inf"} 6',
    "h_sum{*} 9",
    "h_count{*} 6",
    "s_sum{*} 6",
    "s_count{*} 9",
  ]);
});

test("aggregation: native histograms add at the coarser schema", () => {
  const sums = store();
  const push = (schema: number, deltas: readonly number[], count: number): string => {
    const native = {
      schema,
      zeroThreshold: 0.001,
      zeroCount: 1,
      zeroFloatCount: undefined,
      negative: { spans: [], deltas: [], counts: [] },
      positive: { spans: [{ offset: 0, length: deltas.length }], deltas, counts: [] },
      exemplars: [],
    };
    const histogram = { count, floatCount: undefined, sum: 2, buckets: [], created: undefined, native };
    const metric = { ...numberMetric("untyped", [], 0), kind: "histogram", histogram } as const;
    const family = { name: "n", help: undefined, unit: undefined, type: "histogram", metrics: [metric] } as const;
    return problemOf(sums.write(pushOf(LAMBDA, "", { families: [family] })));
  };
  assert.equal(push(1, [1, 1, 0, 0], 8), "");
  assert.equal(push(0, [1, 1], 4), "");
  const family = sums.groups()[0]?.families.get("n")?.family;
  const histogram = family?.metrics[0]?.histogram;
  assert.deepEqual(
    [histogram?.count, histogram?.sum, histogram?.native?.schema, histogram?.native?.zeroCount],
    [12, 4, 0, 2],
  );
  // Buckets (0.7,1] (1,1.4] (1.4,2] (2,2.8] with 1 2 2 2 are (0.5,1] (1,2] (2,4] with 1 4 2 at schema 0.
  assert.deepEqual(histogram?.native?.positive, { spans: [{ offset: 0, length: 3 }], deltas: [2, 4, -4], counts: [] });
  assert.match(push(0, [-5], 0), /^histogram "n" cannot be added to: /);
});

test("aggregation: what does not fit is refused and leaves the sums", () => {
  const sums = store();
  const push = (text: string): string => problemOf(sums.write(pushOf(LAMBDA, text)));
  push('# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 3\nh_count 2\n# TYPE c counter\nc 1\n');
  assert.match(
    push('# TYPE h histogram\nh_bucket{le="2"} 1\nh_sum 3\nh_count 2\n'),
    /^histogram "h" .* has other buckets/,
  );
  assert.match(push("# TYPE c gauge\nc 1\n"), /^"c" is a COUNTER in this group and cannot have a GAUGE added$/);
  assert.match(push("c 1\n"), /cannot have a UNTYPED added$/);
  assert.match(push("# TYPE c counter\nc 1\nc 1\n"), /was collected before with the same name and label values$/);
  assert.equal(shown(sums)[0], "c{*} 1");
});

test("aggregation: groups that no rule names are replaced as ever", () => {
  const sums = store();
  for (let i = 0; i < 2; i++) sums.write(pushOf({ job: "other" }, "# TYPE c counter\nc 1\n"));
  assert.equal(shown(sums)[0], 'c{instance="",job="other"} 1');
});

test("push rules: mistakes are named with their place", () => {
  const fault = (text: string): string => {
    try {
      PushRules.parse(text, "rules.yml", 0);
      return "";
    } catch (error) {
      assert.ok(error instanceof PushRulesError);
      return error.message;
    }
  };
  assert.match(fault("rules: [{match: {job: '('}}]"), /^rules.yml:1:\d+: /);
  assert.match(fault("rules: [{ttl: soon}]"), /^rules.yml:1:\d+: .*duration/);
  assert.match(
    fault("rules: [{gauges: average}]"),
    /^rules.yml:1:\d+: gauges are joined by one of last, sum, min, max, not by "average"/,
  );
  assert.match(fault("rulez: []"), /^rules.yml:1:1: .*rulez/);
  assert.match(fault("rules: ["), /^rules.yml:/);
});
