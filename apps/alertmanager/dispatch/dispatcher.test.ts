import assert from "node:assert/strict";
import { test } from "node:test";
import { NotifyError } from "../notify/reason.ts";
import { Rig } from "../testing-rig.ts";

const ONE = `
route: {receiver: a, group_by: [g], group_wait: 10s, group_interval: 60s, repeat_interval: 600s}
receivers: [{name: a}]
`;

test("groups wait, then tell what changed after each interval, then repeat", async () => {
  const rig = new Rig(ONE);
  rig.report({ g: "x", i: "1" });
  await rig.turn(5);
  rig.report({ g: "x", i: "2" });
  await rig.turn(5);
  assert.deepEqual(rig.take(), ["10 a: first notification [1 2] []"]);
  await rig.turn(60);
  assert.deepEqual(rig.take(), [], "nothing new");
  rig.report({ g: "x", i: "3" });
  await rig.turn(60);
  assert.deepEqual(rig.take(), ["130 a: new alerts added [1 2 3] []"]);
  await rig.turn(600);
  assert.deepEqual(rig.take(), [], "the interval is not over yet, by the least there is");
  await rig.turn(60);
  assert.deepEqual(rig.take(), ["790 a: repeat interval elapsed [1 2 3] []"]);
});

test("groups tell what is over once, and go when nothing is left", async () => {
  const rig = new Rig(ONE);
  rig.report({ g: "x", i: "1" }, 100);
  rig.report({ g: "x", i: "2" }, 30);
  await rig.turn(70);
  assert.deepEqual(rig.take(), ["10 a: first notification [1 2] []", "70 a: some alerts resolved [1] [2]"]);
  await rig.turn(60);
  assert.deepEqual(rig.take(), ["130 a: all alerts resolved [] [1]"]);
  await rig.turn(600);
  assert.deepEqual(rig.take(), []);
  assert.deepEqual([...rig.dispatcher.groups()], []);
  rig.report({ g: "x", i: "1" });
  await rig.turn(10);
  assert.match(rig.take()[0] as string, /first notification \[1\] \[\]/);
});

test("an alert that comes back before its group was told that it is over stays", async () => {
  const rig = new Rig(ONE);
  rig.report({ g: "x", i: "1" }, 5);
  await rig.turn(8);
  rig.report({ g: "x", i: "1" });
  await rig.turn(2);
  assert.deepEqual(rig.take(), ["10 a: first notification [1] []"]);
});

test("what is over before it was ever told is not told", async () => {
  const rig = new Rig(ONE);
  rig.report({ g: "x", i: "1" }, 5);
  await rig.turn(1000);
  assert.deepEqual(rig.take(), []);
});

test("groups of alerts that began long ago do not wait", async () => {
  const rig = new Rig(ONE);
  const alert = rig.report({ g: "x", i: "1" });
  rig.dispatcher.close();
  await rig.turn(100);
  const late = new Rig(ONE);
  await late.turn(100);
  late.alerts.put([alert]);
  await late.turn(0);
  assert.deepEqual(late.take(), ["100 a: first notification [1] []"]);
});

test("routes: deepest match, continue, and grouping by all labels", async () => {
  const rig = new Rig(`
route:
  receiver: root
  group_by: [g]
  group_wait: 1s
  routes:
  - {matchers: [team=x], receiver: x, continue: true, routes: [{matchers: [i=1], receiver: deep}]}
  - {matchers: [g=y], receiver: y, group_by: ['...']}
receivers: [{name: root}, {name: x}, {name: deep}, {name: y}]
`);
  rig.report({ team: "x", g: "y", i: "1" });
  rig.report({ team: "x", g: "z", i: "2" });
  rig.report({ team: "x", g: "y", i: "3" });
  rig.report({ i: "4" });
  await rig.turn(1);
  const reason = "first notification";
  assert.deepEqual(rig.take().sort(), [
    `1 deep: ${reason} [1] []`,
    `1 root: ${reason} [4] []`,
    `1 x: ${reason} [2] []`,
    `1 x: ${reason} [3] []`,
    `1 y: ${reason} [1] []`,
    `1 y: ${reason} [3] []`,
  ]);
});

test("a receiver that hangs delays nobody: neither the other integration nor other groups", async () => {
  const rig = new Rig(
    ONE.replaceAll("a", "a").replace("receiver: a,", "receiver: a+,").replace("name: a}", "name: a+}"),
    {
      "a+0": () => new Promise(() => {}),
    },
  );
  rig.report({ g: "x", i: "1" });
  rig.report({ g: "y", i: "2" });
  await rig.turn(10);
  assert.deepEqual(rig.take(), ["10 a+: first notification [1] []", "10 a+: first notification [2] []"]);
  await rig.turn(60);
  rig.report({ g: "x", i: "3" });
  await rig.turn(60);
  assert.deepEqual(
    rig.take().filter((line) => line.includes("3")),
    [],
    "its own group waits for it until its time is up",
  );
});

test("failures that may pass are tried again, ever more slowly, until the next flush", async () => {
  let attempts = 0;
  const rig = new Rig(ONE, {
    a: () => {
      attempts++;
      throw new NotifyError("busy", { retry: true });
    },
  });
  rig.report({ g: "x", i: "1" });
  await rig.turn(10);
  assert.equal(attempts, 1);
  await rig.turn(1);
  assert.ok(attempts >= 2 && attempts <= 4, `${attempts}`);
  await rig.turn(1000);
  assert.ok(attempts < 600, `${attempts} attempts are a storm`);
  const [record] = rig.records.list({ limit: 1 });
  assert.equal(record?.outcome, "pending");
});

test("failures for good are not tried again before the next flush", async () => {
  let attempts = 0;
  const rig = new Rig(ONE, {
    a: () => {
      attempts++;
      throw new NotifyError("bad request", { retry: false });
    },
  });
  rig.report({ g: "x", i: "1" });
  await rig.turn(60);
  assert.equal(attempts, 1);
  await rig.turn(10);
  assert.equal(attempts, 2);
});

test("resolved alerts stay in their group until somebody took the news", async () => {
  let isBroken = true;
  const rig = new Rig(ONE, {
    a: ({ reason }) => {
      if (isBroken && reason !== "first notification") throw new NotifyError("no", { retry: false });
      return { status: 200, text: "" };
    },
  });
  rig.report({ g: "x", i: "1" }, 30);
  await rig.turn(70);
  isBroken = false;
  assert.deepEqual(rig.take(), ["10 a: first notification [1] []"]);
  await rig.turn(60);
  assert.deepEqual(rig.take(), ["130 a: all alerts resolved [] [1]"]);
});

test("receivers that want no resolved alerts are told of firing ones only", async () => {
  const rig = new Rig(ONE, {}, false);
  rig.report({ g: "x", i: "1" });
  rig.report({ g: "x", i: "2" }, 30);
  await rig.turn(70);
  assert.deepEqual(rig.take(), ["10 a: first notification [1 2] []"]);
});

test("time intervals: mute, and active only", async () => {
  const rig = new Rig(`
route:
  receiver: a
  group_wait: 1s
  group_interval: 600s
  routes:
  - {matchers: [i=1], receiver: muted, mute_time_intervals: [night]}
  - {matchers: [i=2], receiver: active, active_time_intervals: [night]}
receivers: [{name: a}, {name: muted}, {name: active}]
time_intervals: [{name: night, time_intervals: [{times: [{start_time: '00:00', end_time: '01:00'}]}]}]
`);
  rig.report({ i: "1" });
  rig.report({ i: "2" });
  await rig.turn(1);
  assert.deepEqual(rig.take(), ["1 active: first notification [2] []"]);
  const [muted] = [...rig.dispatcher.groups()].filter(({ route }) => route.options.receiver === "muted");
  assert.deepEqual(muted?.mutedBy, ["night"]);
  await rig.turn(3600);
  assert.deepEqual(rig.take(), ["3601 muted: first notification [1] []"]);
  assert.deepEqual(muted?.mutedBy, []);
});

// A list beside the groups held this, by names of routes: what a reload took off no route was left to take off the list.
test("time intervals: a group that was muted before a reload is so until it is flushed, at the same route", async () => {
  const yaml = (routes: string): string => `
route: {receiver: a, group_by: [i], group_wait: 10s, group_interval: 600s, routes: [${routes}]}
receivers: [{name: a}]
time_intervals: [{name: night, time_intervals: [{times: [{start_time: '00:00', end_time: '01:00'}]}]}]
`;
  const muted = "{matchers: ['i=~\"[12]\"'], mute_time_intervals: [night]}";
  const rig = new Rig(yaml(muted));
  const shown = (): string[] =>
    [...rig.dispatcher.groups()].map(({ key, mutedBy }) => `${key} ${mutedBy.join()}`.trimEnd()).sort();
  rig.report({ i: "1" });
  await rig.turn(10);
  rig.report({ i: "2" });
  const route = '{}/{i=~"[12]"}';
  assert.deepEqual(shown(), [`${route}:{i="1"} night`, `${route}:{i="2"}`]);
  rig.reroute(yaml(muted));
  assert.deepEqual(shown(), [`${route}:{i="1"} night`, `${route}:{i="2"}`]);
  rig.reroute(yaml(""));
  assert.deepEqual(shown(), ['{}:{i="1"}', '{}:{i="2"}']);
  rig.reroute(yaml(muted));
  assert.deepEqual(shown(), [`${route}:{i="1"}`, `${route}:{i="2"}`]);
  await rig.turn(10);
  assert.deepEqual(shown(), [`${route}:{i="1"} night`, `${route}:{i="2"} night`]);
});

test("inhibition: sources mute equal targets while they fire, and never themselves", async () => {
  const rig = new Rig(`
route: {receiver: a, group_by: ['...'], group_wait: 1s, group_interval: 60s}
receivers: [{name: a}]
inhibit_rules: [{source_matchers: [s=crit], target_matchers: ['s=~"warn|crit"'], equal: [dc]}]
`);
  rig.report({ s: "crit", dc: "1", i: "source" }, 100);
  rig.report({ s: "warn", dc: "1", i: "target" });
  rig.report({ s: "warn", dc: "2", i: "other" });
  rig.report({ s: "warn", i: "none" });
  await rig.turn(1);
  const reason = "first notification";
  assert.deepEqual(rig.take().sort(), [
    `1 a: ${reason} [none] []`,
    `1 a: ${reason} [other] []`,
    `1 a: ${reason} [source] []`,
  ]);
  await rig.turn(60);
  assert.deepEqual(rig.take(), []);
  await rig.turn(60);
  assert.deepEqual(rig.take().sort(), [`121 a: all alerts resolved [] [source]`, `121 a: ${reason} [target] []`]);
});

test("silences mute while they are active", async () => {
  const rig = new Rig(ONE);
  rig.report({ g: "x", i: "1" });
  rig.report({ g: "x", i: "2" });
  const now = rig.report({ g: "x", i: "3" }).startsAt;
  const { parseClassicMatchers } = await import("../matcher/classic-parser.ts");
  await rig.silences.set({
    id: "",
    matcherSets: [parseClassicMatchers("i=~1|2")],
    startsAt: now,
    endsAt: now.plusMs(100_000),
    updatedAt: now,
    createdBy: "me",
    comment: "c",
    annotations: new Map(),
  });
  await rig.turn(10);
  assert.deepEqual(rig.take(), ["10 a: first notification [3] []"]);
  await rig.turn(120);
  assert.deepEqual(rig.take(), ["130 a: new alerts added [1 2 3] []"]);
});
