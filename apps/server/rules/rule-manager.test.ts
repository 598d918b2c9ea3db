import assert from "node:assert/strict";
import { test } from "node:test";
import { Matcher } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { AlertingRule } from "./alerting-rule.ts";
import { EvaluationSlots } from "./rule-dependencies.ts";
import type { RuleGroup } from "./rule-group.ts";
import { RuleBench, settled } from "./testing.ts";

/** What was written of series, as `round=value` with `end` for stale markers. */
function written(bench: RuleBench, name: string): Record<string, string> {
  const querier = bench.storage.written.querier(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER);
  const set = querier.select([new Matcher("=", "__name__", name)]);
  const found: Record<string, string> = {};
  const buffer = new SampleBuffer(64);
  for (let i = 0; i < set.count; i++) {
    buffer.clear();
    set.read(i, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, buffer);
    const points = Array.from({ length: buffer.count }, (_, at) => {
      const value = buffer.values[at] as number;
      return `${bench.roundOf(buffer.times[at] as number)}=${Number.isNaN(value) ? "end" : value}`;
    });
    found[set.labels(i).toString()] = points.join(" ");
  }
  querier.close();
  return found;
}

function alertsOf(bench: RuleBench): string[] {
  return bench.manager.groups.flatMap(({ rules }) =>
    rules.flatMap((rule) =>
      rule instanceof AlertingRule
        ? rule.activeAlerts.map(({ labels, state, activeAt }) => `${labels} ${state} ${bench.roundOf(activeAt)}`)
        : [],
    ),
  );
}

const group = (rules: string, more = ""): string => `groups:\n- name: g\n  interval: 30s\n${more}  rules:\n${rules}`;

test("rule group: rules see what those before them wrote in the same round; a series that vanishes ends", async () => {
  const bench = new RuleBench({
    rules: group("  - {record: a, expr: x}\n  - {record: b, expr: a + 1, labels: {l: v}}\n"),
    series: 'x{i="1"} 1+1x3 stale\nx{i="2"} 5x20',
    seriesStepMs: 30_000,
  });
  await bench.start();
  await bench.rounds(0, 5);
  assert.deepEqual(written(bench, "b"), {
    '{__name__="b", i="1", l="v"}': "0=2 1=3 2=4 3=5 4=end",
    '{__name__="b", i="2", l="v"}': "0=6 1=6 2=6 3=6 4=6 5=6",
  });
});

test("rule group: a failed rule leaves its series as they are, and says why; the next one runs", async () => {
  const bench = new RuleBench({
    rules: group("  - {record: a, expr: x * on() group_left() y}\n  - {record: b, expr: x}\n"),
    series: 'x 1x9\ny{i="1"} 1x1 _ _ 1\ny{i="2"} _ _ 1x1 stale',
    seriesStepMs: 30_000,
  });
  await bench.start();
  await bench.rounds(0, 2);
  const [a, b] = bench.manager.groups[0]?.rules ?? [];
  assert.equal(a?.health, "err");
  assert.match(a?.lastError ?? "", /^found duplicate series for the match group \{\} on the right hand-side/);
  assert.equal(b?.health, "ok");
  assert.deepEqual(written(bench, "a"), { '{__name__="a"}': "0=1 1=1" });
  await bench.rounds(3, 4);
  assert.deepEqual([a?.health, a?.lastError], ["ok", ""]);
  assert.deepEqual(written(bench, "a"), { '{__name__="a"}': "0=1 1=1 4=1" });
});

test("recording rule: equal label sets are refused, a label set to nothing goes, a scalar has none", async () => {
  const rules =
    '  - {record: a, expr: x, labels: {i: "1"}}\n  - {record: b, expr: x, labels: {i: ""}}\n  - {record: c, expr: "1 + 1"}\n';
  const bench = new RuleBench({ rules: group(rules), series: 'x{i="1"} 1x3\nx{i="2"} 2x3' });
  await bench.start();
  await bench.round(0);
  const [a, b] = bench.manager.groups[0]?.rules ?? [];
  for (const rule of [a, b])
    assert.equal(rule?.lastError, "vector contains metrics with the same labelset after applying rule labels");
  assert.deepEqual(written(bench, "c"), { '{__name__="c"}': "0=2" });
});

test("rule group: a limit fails the rule and writes nothing; of an alerting rule all alerts are forgotten", async () => {
  const bench = new RuleBench({
    rules: group("  - {record: a, expr: x > 0}\n  - {alert: A, expr: x > 0}\n", "  limit: 1\n"),
    series: 'x{i="1"} 1x9\nx{i="2"} 0x1 1x9',
    seriesStepMs: 30_000,
  });
  await bench.start();
  await bench.rounds(0, 1);
  assert.deepEqual(alertsOf(bench), ['{alertname="A", i="1"} firing 0']);
  await bench.round(2);
  const [a, b] = bench.manager.groups[0]?.rules ?? [];
  assert.equal(a?.lastError, "exceeded limit of 1 with 2 series");
  assert.equal(b?.lastError, "exceeded limit of 1 with 2 alerts");
  assert.deepEqual(alertsOf(bench), []);
  assert.deepEqual(written(bench, "a"), { '{__name__="a", i="1"}': "0=1 1=1" });
});

test("rule group: with an offset it asks about the past and writes into it; alerts count by the round itself", async () => {
  const bench = new RuleBench({
    rules: group("  - {record: a, expr: x}\n  - {alert: A, expr: x > 1}\n", "  query_offset: 60s\n"),
    series: "x 0 1 2 3 4 5 6",
    seriesStepMs: 30_000,
  });
  await bench.start();
  await bench.rounds(0, 5);
  assert.deepEqual(written(bench, "a"), { '{__name__="a"}': "0=0 1=1 2=2 3=3" });
  assert.deepEqual(alertsOf(bench), ['{alertname="A"} firing 4']);
});

test("rule group: rounds that pass while one runs are missed and counted, and time goes on in whole intervals", async () => {
  let release: () => void = () => {};
  let slow = false;
  const bench = new RuleBench({
    rules: group("  - {record: a, expr: x}\n"),
    series: "x 0+1x20",
    seriesStepMs: 30_000,
    beforeQuery: () => (slow ? new Promise<void>((resolve) => (release = resolve)) : undefined),
  });
  await bench.start();
  await bench.round(0);
  slow = true;
  await bench.round(1);
  // Three and a half intervals go by.
  bench.clock.pass(105_000);
  slow = false;
  release();
  await settled();
  await bench.clock.turnTo(bench.clock.now());
  await bench.round(6);
  assert.deepEqual(written(bench, "a"), { '{__name__="a"}': "0=0 1=1 4=4 5=5 6=6" });
  const text = (await bench.registry.expose()).body.toString();
  assert.match(text, /^prometheus_rule_group_iterations_missed_total\{rule_group="rules\.yml;g"\} 2$/m);
  assert.match(text, /^prometheus_rule_group_iterations_total\{rule_group="rules\.yml;g"\} 7$/m);
  assert.match(text, /^prometheus_rule_evaluations_total\{rule_group="rules\.yml;g"\} 5$/m);
});

test("rule manager: an equal group runs on untouched, a changed one takes over alerts and series by name and labels", async () => {
  const before = group(
    "  - {record: a, expr: x}\n  - {record: gone, expr: x}\n  - {alert: A, expr: x > 0, for: 10m}\n",
  );
  const bench = new RuleBench({ rules: before, series: "x 1x40", seriesStepMs: 30_000 });
  await bench.start();
  await bench.rounds(0, 3);
  const [running] = bench.manager.groups;
  await bench.reload(before);
  assert.equal(bench.manager.groups[0], running);
  // The query changes, and with it the group, but not what it knows.
  await bench.reload(group("  - {record: a, expr: x + 0}\n  - {alert: A, expr: x > 0.5, for: 1m}\n"));
  assert.notEqual(bench.manager.groups[0], running);
  await bench.rounds(4, 5);
  assert.deepEqual(alertsOf(bench), ['{alertname="A"} firing 0']);
  assert.deepEqual(written(bench, "a"), { '{__name__="a"}': "0=1 1=1 2=1 3=1 4=1 5=1" });
  assert.deepEqual(written(bench, "gone"), { '{__name__="gone"}': "0=1 1=1 2=1 3=1 4=end" });
});

test("rule manager: a longer duration makes a firing alert pending again, and it is sent anew when it fires", async (t) => {
  const rules = (duration: string): string => group(`  - {alert: A, expr: x > 0, for: ${duration}}\n`);
  const bench = new RuleBench({ rules: rules("1m"), series: "x 1x40", seriesStepMs: 30_000 });
  await bench.start(t);
  await bench.rounds(0, 3);
  assert.deepEqual(alertsOf(bench), ['{alertname="A"} firing 0']);
  await bench.reload(rules("3m"));
  await bench.rounds(4, 5);
  assert.deepEqual(alertsOf(bench), ['{alertname="A"} pending 0']);
  await bench.rounds(6, 7);
  assert.deepEqual(alertsOf(bench), ['{alertname="A"} firing 0']);
  assert.deepEqual(
    bench.told.map(({ round }) => round),
    [2, 6],
  );
});

test("rule manager: series of a removed group end after two of its intervals, at the time it was removed", async () => {
  const other = "- name: h\n  interval: 30s\n  rules:\n  - {record: b, expr: x}\n";
  const bench = new RuleBench({
    rules: `${group("  - {record: a, expr: x}\n")}${other}`,
    series: "x 1x40",
    seriesStepMs: 30_000,
  });
  await bench.start();
  await bench.rounds(0, 3);
  await bench.reload(`groups:\n${other}`);
  await bench.round(4);
  assert.deepEqual(written(bench, "a"), { '{__name__="a"}': "0=1 1=1 2=1 3=1" });
  const text = (await bench.registry.expose()).body.toString();
  assert.doesNotMatch(text, /rule_group="rules\.yml;g"/);
  await bench.round(6);
  // The marker stands at the time of the removal, where the last sample is: that one stays.
  assert.deepEqual(written(bench, "a"), { '{__name__="a"}': "0=1 1=1 2=1 3=1" });
});

test("rule manager: a rule that moved to another group goes on with its series; no marker ends them", async () => {
  const named = (name: string): string =>
    `groups:\n- name: ${name}\n  interval: 30s\n  rules:\n  - {record: a, expr: x}\n`;
  const bench = new RuleBench({ rules: named("g"), series: "x 1x40", seriesStepMs: 30_000 });
  await bench.start();
  await bench.rounds(0, 3);
  bench.clock.pass(10);
  await bench.reload(named("renamed"));
  await bench.rounds(4, 9);
  const [points = ""] = Object.values(written(bench, "a"));
  assert.doesNotMatch(points, /end/);
  assert.equal(points.split(" ").length, 9 + 1);
});

test("rule manager: an alert that keeps firing does so as long as told, and starts anew when it returns", async () => {
  const bench = new RuleBench({
    rules: group("  - {alert: A, expr: x > 0, keep_firing_for: 1m}\n"),
    series: "x 1 0 0 0 1 0 1 0 0 0",
    seriesStepMs: 30_000,
  });
  await bench.start();
  const shown: string[] = [];
  await bench.rounds(0, 9, () => shown.push(alertsOf(bench).length > 0 ? "F" : "."));
  assert.equal(shown.join(""), "FFF.FFFFF.");
});

test("restoration: after the second round alerts go on from when they were active; before it no series is written", async () => {
  const rules = group("  - {alert: A, expr: x > 0, for: 20m, labels: {t: '{{ $labels.i }}', s: fixed}}\n");
  const first = new RuleBench({ rules, series: 'x{i="1"} 1x400', seriesStepMs: 30_000 });
  await first.start();
  await first.rounds(0, 20);
  assert.match(Object.values(written(first, "ALERTS_FOR_STATE"))[0] ?? "", /^2=17 3=17 /);
  await first.manager.stop();

  // Another process, five minutes (ten rounds) later, on the same storage.
  const second = new RuleBench({ rules, series: "x 1", storage: first.storage, startMs: 30 * 30_000 });
  await second.start();
  await second.round(0);
  assert.deepEqual(alertsOf(second), ['{alertname="A", i="1", s="fixed", t="1"} pending 0']);
  const before = Object.values(written(first, "ALERTS_FOR_STATE"))[0] ?? "";
  assert.doesNotMatch(before, / 30=/);
  await second.round(1);
  // Pending for 20 rounds, 20 more to go; down for 11: it counts from round 11 on, seen from the first process.
  assert.deepEqual(alertsOf(second), ['{alertname="A", i="1", s="fixed", t="1"} pending -19']);
  await second.rounds(2, 21);
  assert.deepEqual(alertsOf(second), ['{alertname="A", i="1", s="fixed", t="1"} firing -19']);
  assert.match(
    (await second.registry.expose()).body.toString(),
    /^prometheus_rule_group_last_restore_duration_seconds/m,
  );
});

test("restoration: with little left the grace period is waited for; a short duration begins anew", async () => {
  const rules = group("  - {alert: A, expr: x > 0, for: 20m}\n  - {alert: B, expr: x > 0, for: 2m}\n");
  const first = new RuleBench({ rules, series: "x 1x400", seriesStepMs: 30_000, gracePeriodMs: 300_000 });
  await first.start();
  await first.rounds(0, 36);
  await first.manager.stop();
  const second = new RuleBench({
    rules,
    series: "x 1",
    storage: first.storage,
    startMs: 40 * 30_000,
    gracePeriodMs: 300_000,
  });
  await second.start();
  await second.rounds(0, 1);
  // Five minutes are ten rounds: it fires in round 11 at the earliest, as if active for 40 rounds then.
  assert.deepEqual(alertsOf(second), ['{alertname="A"} pending -29', '{alertname="B"} pending 0']);
});

test("rules beside one another: as many at once as there are slots and one; those that need others wait for them", async () => {
  let running = 0;
  let most = 0;
  const waiting: (() => void)[] = [];
  const bench = new RuleBench({
    rules: group(
      "  - {record: a, expr: x}\n  - {record: b, expr: x}\n  - {record: c, expr: x}\n  - {record: d, expr: a + b}\n",
    ),
    series: "x 1x9",
    seriesStepMs: 30_000,
    slots: new EvaluationSlots(2),
    beforeQuery: () => {
      most = Math.max(most, ++running);
      return new Promise<void>((resolve) => waiting.push(resolve)).then(() => {
        running--;
      });
    },
  });
  await bench.start();
  const round = bench.round(0);
  for (let i = 0; i < 20; i++) {
    await settled();
    for (const go of waiting.splice(0)) go();
  }
  await round;
  assert.equal(most, 3);
  await settled();
  assert.deepEqual(written(bench, "d"), { '{__name__="d"}': "0=2" });
});

test("alerting rule: before the first evaluation its state is unknown, without alerts it is inactive", async () => {
  const bench = new RuleBench({ rules: group("  - {alert: A, expr: x > 5}\n"), series: "x 1x9" });
  await bench.start();
  const [rule] = (bench.manager.groups[0] as RuleGroup).rules as readonly AlertingRule[];
  assert.deepEqual([rule?.state, rule?.health], ["unknown", "unknown"]);
  await bench.round(0);
  assert.deepEqual([rule?.state, rule?.health], ["inactive", "ok"]);
});

test("alerting rule: alerts that come out with the same labels fail the rule", async () => {
  const bench = new RuleBench({
    rules: group('  - {alert: A, expr: x > 0, labels: {i: "{{ 1 }}"}}\n'),
    series: 'x{i="1"} 1x9\nx{i="2"} 1x9',
  });
  await bench.start();
  await bench.round(0);
  const [rule] = bench.manager.groups[0]?.rules ?? [];
  assert.equal(rule?.lastError, "vector contains metrics with the same labelset after applying alert labels");
  assert.deepEqual(alertsOf(bench), []);
});
