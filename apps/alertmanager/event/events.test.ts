import assert from "node:assert/strict";
import { test } from "node:test";
import { parseClassicMatchers } from "../matcher/classic-parser.ts";
import { Moment } from "../moment/moment.ts";
import { keyHash } from "../notify/delivery.ts";
import { NotifyError } from "../notify/reason.ts";
import { Rig } from "../testing-rig.ts";
import { encodeEvent } from "./event.ts";
import { shutDown, startedUp } from "./events.ts";
import type { Message } from "./message.ts";

const YAML = `
route: {receiver: r, routes: [{receiver: a, matchers: ["g=~x|y"], group_by: [g], group_wait: 10s, group_interval: 60s, repeat_interval: 10m}]}
receivers: [{name: r}, {name: a}]
inhibit_rules: [{name: calm, source_matchers: [i=9], target_matchers: [i=2], equal: [g, a]}]
`;
const KEY = '{}/{g=~"x|y"}:{g="x"}';
const LABELS = { labels: [{ key: "g", value: "x" }] };
/** The fingerprint and the hash of `{g="x", i="1"}` and its like, which other programs know them by. */
const alertLabels = (i: string): Message => ({ labels: [...LABELS.labels, { key: "i", value: i }] });

const types = (events: readonly [string, Message][]): string[] => events.map(([type]) => type);
// biome-ignore lint/suspicious/noExplicitAny: what tests look into has many shapes
const content = ([, told]: readonly [string, Message] = ["", {}]): any => told;

test("events: an alert is created once and grouped once, however often it is reported", async () => {
  const rig = new Rig(YAML);
  const alert = rig.report({ g: "x", i: "1" });
  await rig.turn(1);
  rig.report({ g: "x", i: "1" });
  const [created, grouped, ...more] = rig.takeEvents();
  assert.deepEqual(more, []);
  const told = {
    fingerprint: String(BigInt(`0x${alert.fingerprint}`)),
    labels: alertLabels("1"),
    annotations: {},
    startsAt: "2026-01-01T00:00:00Z",
    endsAt: "2026-01-02T03:46:40Z",
  };
  assert.deepEqual(created, ["alert_created", { alert: told }]);
  const { hash } = content(grouped).alert;
  assert.match(hash, /^\d{15,20}$/);
  const groupInfo = { groupKey: KEY, groupLabels: LABELS, groupId: keyHash(KEY), receiverName: "a" };
  assert.deepEqual(grouped, ["alert_grouped", { alert: { hash, details: told }, groupInfo }]);
});

test("events: a notification tells what was sent, of whom, why, and who was left out", async () => {
  const rig = new Rig(YAML);
  for (const i of ["1", "2", "9"]) rig.report({ g: "x", i });
  rig.takeEvents();
  await rig.turn(10);
  const events = rig.takeEvents();
  assert.deepEqual(types(events), ["inhibition_muted_alert", "notification"]);
  const [muted, notification] = events.map(content);
  assert.deepEqual(muted.inhibitRules, [
    {
      sourceMatchers: [{ type: "TYPE_EQUAL", name: "i", pattern: "9", rendered: 'i="9"' }],
      targetMatchers: [{ type: "TYPE_EQUAL", name: "i", pattern: "2", rendered: 'i="2"' }],
      equalLabels: ["a", "g"],
      name: "calm",
    },
  ]);
  assert.deepEqual(muted.mutedAlert.labels, alertLabels("2"));
  const { alerts, firingAlerts, mutedAlerts, groupInfo, ...rest } = notification;
  assert.deepEqual(
    alerts.map(({ details }: { details: Message }) => details["labels"]),
    [alertLabels("1"), alertLabels("9")],
  );
  assert.deepEqual(muted.inhibitingFingerprints, [alerts[1].details.fingerprint]);
  assert.equal(alerts[0].details.endsAt, "0001-01-01T00:00:00Z", "it has no end yet");
  const hashes = alerts.map(({ hash }: { hash: string }) => ({ hash }));
  assert.deepEqual(firingAlerts, hashes);
  assert.equal(mutedAlerts.length, 1);
  assert.match(groupInfo.groupUuid, /^[0-9a-f-]{36}$/);
  assert.deepEqual(groupInfo.matchers, [{ type: "TYPE_REGEXP", name: "g", pattern: "x|y", rendered: 'g=~"x|y"' }]);
  assert.deepEqual(rest, {
    repeatInterval: "600s",
    reason: "NOTIFY_REASON_FIRST_NOTIFICATION",
    flushId: "1",
    integration: { name: "test" },
  });
});

test("events: an alert is resolved once everybody was told so, not before", async () => {
  let isDown = true;
  const rig = new Rig(YAML, {
    a: () => {
      if (isDown) throw new NotifyError("down");
      return { status: 200, text: "" };
    },
  });
  rig.report({ g: "x", i: "1" }, 5);
  rig.report({ g: "x", i: "2" });
  rig.takeEvents();
  await rig.turn(10);
  assert.deepEqual(rig.takeEvents(), []);
  isDown = false;
  await rig.turn(60);
  const events = rig.takeEvents();
  assert.deepEqual(types(events), ["notification", "alert_resolved"]);
  const [notification, resolved] = events.map(content);
  assert.equal(notification.flushId, "2");
  assert.deepEqual(notification.resolvedAlerts, [{ hash: resolved.alert.hash }]);
  assert.equal(resolved.alert.details.resolved, true);
  assert.equal(resolved.groupInfo.groupUuid, undefined);
});

test("events: silences are created, changed, and mute", async () => {
  const rig = new Rig(YAML);
  const now = Moment.fromMs(rig.clock.now());
  const wanted = {
    id: "",
    matcherSets: [parseClassicMatchers('i!="2"'), parseClassicMatchers("i=7")],
    startsAt: now,
    endsAt: now.plusMs(3_600_000),
    updatedAt: now,
    createdBy: "me",
    comment: "calm",
    annotations: new Map([["ticket", "7"]]),
  };
  const id = await rig.silences.set(wanted);
  await rig.turn(1);
  await rig.silences.set({ ...wanted, id, comment: "still" });
  rig.report({ g: "x", i: "1" });
  await rig.turn(10);
  const events = rig.takeEvents();
  assert.deepEqual(types(events), [
    "silence_created",
    "silence_updated",
    "alert_created",
    "alert_grouped",
    "silence_muted_alert",
  ]);
  const matchers = [{ type: "TYPE_NOT_EQUAL", name: "i", pattern: "2", rendered: 'i!="2"' }];
  const created = {
    id,
    matchers,
    annotations: { labels: [{ key: "ticket", value: "7" }] },
    startsAt: "2026-01-01T00:00:00Z",
    endsAt: "2026-01-01T01:00:00Z",
    updatedAt: "2026-01-01T00:00:00Z",
    createdBy: "me",
    comment: "calm",
    matcherSets: [{ matchers }, { matchers: [{ type: "TYPE_EQUAL", name: "i", pattern: "7", rendered: 'i="7"' }] }],
  };
  assert.deepEqual(content(events[0]), { silence: created });
  const updated = { ...created, updatedAt: "2026-01-01T00:00:01Z", comment: "still" };
  assert.deepEqual(content(events[1]), { silence: updated });
  assert.deepEqual(content(events[4]).silence, updated);
  assert.deepEqual(content(events[4]).mutedAlert.labels, alertLabels("1"));
});

test("events: whoever asks what mutes an alert leaves no trace", async () => {
  const rig = new Rig(YAML);
  for (const i of ["2", "9"]) rig.report({ g: "x", i });
  rig.takeEvents();
  const alert = [...rig.alerts.values()][0];
  assert.ok(alert);
  assert.ok(rig.inhibitor.inhibition(alert.labels));
  assert.deepEqual(rig.takeEvents(), []);
});

test("events: around each of them stands when and where it was recorded", () => {
  const circumstances = { at: new Moment(0, 5_000_000), instance: "am-1", clusterPosition: 0 };
  assert.equal(
    String(encodeEvent(shutDown, circumstances).json),
    '{"@timestamp":"1970-01-01T00:00:00.005Z","instance":"am-1","data":{"alertmanagerShutdownEvent":{}}}',
  );
  const build = { version: "0.1", revision: "r", branch: "b", buildUser: "u", buildDate: "d", goVersion: "v20" };
  const told = JSON.parse(String(encodeEvent(startedUp(build), { ...circumstances, clusterPosition: 2 }).json));
  assert.equal(told.clusterPosition, 2);
  const { version, buildContext } = told.data.alertmanagerStartupEvent;
  assert.equal(version, "0.1");
  assert.match(buildContext, /^\(go=v20, platform=.+\/.+, user=u, date=d, tags=typescript\)$/);
});
