// The cases of the alert generator's compliance specification (github.com/prometheus/compliance, alert_generator), told
// anew: series every 15 seconds, a group every 30, alerts sent again after a minute. Rounds are counted from the first sample.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { AlertingRule } from "./alerting-rule.ts";
import { RuleBench, spans } from "./testing.ts";

interface Story {
  /** Per alert and state: in which rounds the API shows it. */
  readonly states: Record<string, string>;
  /** Per alert: in which rounds it was sent, as firing and as resolved. */
  readonly sent: Record<string, string>;
  /** Rounds in which `ALERTS` has the alert's series. */
  readonly series: Record<string, string>;
  readonly bench: RuleBench;
}

async function tell(t: TestContext, rules: string, series: string, lastRound: number): Promise<Story> {
  const bench = new RuleBench({ rules, series });
  await bench.start(t);
  // Nothing was stored before: series of alerts are written from the start, as after a restoration.
  const states = new Map<string, number[]>();
  const written = new Map<string, number[]>();
  const note = (map: Map<string, number[]>, key: string, round: number): void => {
    map.set(key, [...(map.get(key) ?? []), round]);
  };
  for (let round = 0; round <= lastRound; round++) {
    await bench.round(round);
    for (const group of bench.manager.groups) {
      for (const rule of group.rules) {
        if (!(rule instanceof AlertingRule)) continue;
        for (const { state, labels, value } of rule.activeAlerts)
          note(states, `${nameOf(labels.toObject())} ${state} ${value}`, round);
      }
    }
    for (const { labels } of await bench.ask("ALERTS", bench.clock.now())) {
      note(written, `${nameOf(labels.toObject())} ${labels.get("alertstate")}`, round);
    }
  }
  const sent = new Map<string, number[]>();
  for (const { round, alert } of bench.told) {
    const isResolved = bench.roundOf(alert.endsAt) <= round;
    note(sent, `${nameOf(alert.labels)} ${isResolved ? "resolved" : "firing"}`, round);
  }
  const shown = (map: Map<string, number[]>): Record<string, string> =>
    Object.fromEntries([...map].map(([key, rounds]) => [key, spans(rounds)]));
  return { states: shown(states), sent: shown(sent), series: shown(written), bench };
}

function nameOf(labels: Readonly<Record<string, string>>): string {
  return [labels["alertname"], labels["variant"]].filter((part) => part !== undefined).join("/");
}

test("alert generator: pending, firing, resolved, and the same again while its resolution is still being sent", async (t) => {
  const rules = `groups:
- name: PendingAndFiringAndResolved
  interval: 30s
  rules:
  - alert: Simple
    expr: x > 10
    for: 6m
    labels: {foo: bar, rulegroup: g}
    annotations: {description: SimpleAlert is firing, summary: "The value is {{$value}} {{.Value}}"}
`;
  const { states, sent, series, bench } = await tell(t, rules, "x 3 5 5 5 9x3 11x12 15x31 19x15 9x19 15x44 8x15", 74);
  assert.deepEqual(states, {
    "Simple pending 11": "4-10",
    "Simple pending 15": "11-15 45-56",
    "Simple firing 15": "16-26 57-66",
    "Simple firing 19": "27-34",
  });
  // A resolution is sent again until its alert is pending anew; a pending one is never sent.
  assert.deepEqual(sent, {
    "Simple firing": "16 19 22 25 28 31 34 57 60 63 66",
    "Simple resolved": "35 38 41 44 67 70 73",
  });
  assert.deepEqual(series, { "Simple pending": "4-15 45-56", "Simple firing": "16-34 57-66" });

  const at = (round: number): unknown => {
    const { alert } = bench.told.find((message) => message.round === round) as (typeof bench.told)[number];
    const { labels, annotations, generatorURL } = alert;
    const [startsAt, endsAt] = [bench.roundOf(alert.startsAt), bench.roundOf(alert.endsAt)];
    return { labels, annotations, generatorURL, startsAt, endsAt };
  };
  const always = {
    labels: { alertname: "Simple", foo: "bar", rulegroup: "g" },
    generatorURL: "http://p/graph?g0.expr=x+%3E+10&g0.tab=1",
  };
  const summary = (value: number): object => ({
    description: "SimpleAlert is firing",
    summary: `The value is ${value} ${value}`,
  });
  // It starts when it began to fire, and holds for four times the longer of interval and resend delay.
  assert.deepEqual(at(16), { ...always, annotations: summary(15), startsAt: 16, endsAt: 24 });
  assert.deepEqual(at(28), { ...always, annotations: summary(19), startsAt: 16, endsAt: 36 });
  assert.deepEqual(at(35), { ...always, annotations: summary(19), startsAt: 16, endsAt: 35 });
  assert.deepEqual(at(41), { ...always, annotations: summary(19), startsAt: 16, endsAt: 35 });
  assert.deepEqual(at(57), { ...always, annotations: summary(15), startsAt: 57, endsAt: 65 });
});

test("alert generator: what was pending and resolved, or never held, is never sent", async (t) => {
  const rules = `groups:
- name: PendingAndResolved
  interval: 30s
  rules:
  - {alert: Pending, expr: 'x > 10', for: 3m}
  - {alert: Inactive, expr: 'x > 99', for: 3m}
  - {alert: Vanished, expr: 'y > 10', for: 3m}
`;
  const series = "x 3 5 5 5 9x3 11x10 9x9\n y 3 5 5 5 9x3 11x7 stale";
  const { states, sent, series: written } = await tell(t, rules, series, 30);
  assert.deepEqual(states, { "Pending pending 11": "4-9", "Vanished pending 11": "4-7" });
  assert.deepEqual(sent, {});
  assert.deepEqual(written, { "Pending pending": "4-9", "Vanished pending": "4-7" });
});

test("alert generator: without duration it fires at once, with a short one in the next round; templates and queries", async (t) => {
  const rules = `groups:
- name: ZeroFor_SmallFor
  interval: 30s
  rules:
  - alert: Zero
    expr: x > 10
    annotations:
      template_test: "{{humanize 1048576}} {{humanize1024 1048576}} {{humanizeDuration 135.3563}} {{humanizePercentage 0.959}} {{humanizeTimestamp 1643114203}}"
      template_query_test: '{{ define "testtemplate" }}Args are: {{.arg0}} {{.arg1}} {{.arg2}}. {{ with query "source{for=''template''}" }}first_id:{{ . | sortByLabel "id" | first | label "id"}},{{ range $v := sortByLabel "id" .}}{{ . | label "id" }}:{{ . | value }},{{end}}{{end}}{{ end }}{{ template "testtemplate" (args "foo" "bar" 99) }}'
  - alert: Small
    expr: x > 13
    for: 15s
    annotations:
      template_test: '{{title "this part"}} {{toUpper "is testing"}} {{toLower "THE STRINGS"}}. {{ stripPort "[::1]:6006"}} {{ stripPort "127.0.0.1:4004"}}. {{parseDuration "2h10m15s"}}. {{if match "[0-9]+" "1234"}}{{reReplaceAll "r.*d" "replaced" "rpld text"}}{{end}}. {{if match "[0-9]+$" "1234a"}}WRONG{{end}}.'
`;
  const sources = [103, 101, 102].map((id) => `source{for="template",id="${id}"} ${id - 100}x27 ${2 * (id - 100)}x200`);
  const series = ["x 3 5 5 5 9x3 15x12 9x71 11x12 9x20", ...sources].join("\n");
  const { states, sent, bench } = await tell(t, rules, series, 58);
  assert.deepEqual(states, {
    "Zero firing 15": "4-10",
    "Small pending 15": "4",
    "Small firing 15": "5-10",
    "Zero firing 11": "47-52",
  });
  // Resolutions go out for a quarter of an hour, no longer; the alert that returns later is a new one.
  const resolved = "11 14 17 20 23 26 29 32 35 38 41";
  assert.deepEqual(sent, {
    "Zero firing": "4 7 10 47 50",
    "Small firing": "5 8",
    "Zero resolved": `${resolved} 53 56`,
    "Small resolved": resolved,
  });
  const annotationsOf = (name: string): object | undefined =>
    bench.told.find(({ alert }) => alert.labels["alertname"] === name)?.alert.annotations;
  assert.deepEqual(annotationsOf("Zero"), {
    template_test: "1.049M 1Mi 2m 15s 95.9% 2022-01-25 12:36:43 +0000 UTC",
    template_query_test: "Args are: foo bar 99. first_id:101,101:1,102:2,103:3,",
  });
  assert.deepEqual(annotationsOf("Small"), {
    template_test: "This Part IS TESTING the strings. ::1 127.0.0.1. 7815. replaced text. .",
  });
});

test("alert generator: alerts come to others of the rule; later rules see ALERTS of the same round; order of messages", async (t) => {
  const rules = `groups:
- name: NewAlerts_OrderCheck
  interval: 30s
  rules:
  - alert: Rule1
    expr: x > 10
    for: 3m
    labels: {foo: bar}
    annotations: {description: This should produce more alerts later}
  - alert: Rule2
    expr: '(ALERTS{alertstate="firing", alertname="Rule1", variant="one"} + ignoring(variant) ALERTS{alertstate="firing", alertname="Rule1", variant="two"}) == 2'
    labels: {foo: baz, ba_dum: tss}
    annotations: {description: "Based on ALERTS. Old alertname was {{$labels.alertname}}. foo was {{.Labels.foo}}."}
`;
  const series = 'x{variant="one"} 1x7 11x64 9x20\nx{variant="two"} 1x31 11x32 9x20';
  const { states, sent, bench } = await tell(t, rules, series, 40);
  assert.deepEqual(states, {
    "Rule1/one pending 11": "4-9",
    "Rule1/one firing 11": "10-36",
    "Rule1/two pending 11": "16-21",
    "Rule1/two firing 11": "22-32",
    "Rule2 firing 2": "22-32",
  });
  assert.deepEqual(sent, {
    "Rule1/one firing": "10 13 16 19 22 25 28 31 34",
    "Rule1/two firing": "22 25 28 31",
    "Rule2 firing": "22 25 28 31",
    "Rule1/two resolved": "33 36 39",
    "Rule2 resolved": "33 36 39",
    "Rule1/one resolved": "37 40",
  });
  const ofRound22 = bench.told.filter(({ round }) => round === 22).map(({ alert }) => alert);
  assert.deepEqual(
    ofRound22.map(({ labels }) => labels["alertname"]),
    ["Rule1", "Rule1", "Rule2"],
  );
  assert.deepEqual(ofRound22[2]?.labels, { alertname: "Rule2", alertstate: "firing", foo: "baz", ba_dum: "tss" });
  assert.equal(ofRound22[2]?.annotations["description"], "Based on ALERTS. Old alertname was Rule1. foo was bar.");
});
