import assert from "node:assert/strict";
import { test } from "node:test";
import { regrouped, rowsOf, stateWord } from "./alert-rows.ts";
import type { Alert, AlertGroup } from "./api.ts";

function alert(fingerprint: string, labels: Record<string, string>, startsAt = "2026-01-01T00:00:00.000Z"): Alert {
  return {
    labels,
    annotations: {},
    fingerprint,
    startsAt,
    endsAt: startsAt,
    updatedAt: startsAt,
    receivers: [],
    status: { state: "active", silencedBy: [], inhibitedBy: [], mutedBy: [] },
  };
}

const a = alert("a", { alertname: "Down", job: "x" });
const b = alert("b", { alertname: "Down", job: "y" }, "2026-01-02T00:00:00.000Z");
const c = alert("c", { alertname: "Full", job: "x" });
const e = alert("e", { alertname: "Down", job: "x" }, "2024-01-01T00:00:00.000Z");
const d = alert("d", { alertname: "Down", job: "x" }, "2025-01-01T00:00:00.000Z");
const GROUPS: AlertGroup[] = [
  { labels: { alertname: "Down" }, receiver: { name: "mail" }, alerts: [a, b, d, e] },
  { labels: { alertname: "Full" }, receiver: { name: "mail" }, alerts: [c] },
  { labels: { alertname: "Full" }, receiver: { name: "page" }, alerts: [c] },
];
const shown = (grouping: string, closed: string[] = []): string[] =>
  rowsOf(regrouped(GROUPS, grouping), grouping, new Set(closed)).map((row) =>
    row.kind === "group" ? `${JSON.stringify(row.labels)} ${row.receiver} ${row.count}` : row.alert.fingerprint,
  );

test("alert rows: by route, groups of four have a head, the latest alert comes first, an alert is in each of its groups", () => {
  assert.deepEqual(shown("route"), ['{"alertname":"Down"} mail 4', "b", "a", "d", "e", "c", "c"]);
});

test("alert rows: by labels, each alert once, and those that lack the label together", () => {
  assert.deepEqual(shown("job"), ['{"job":"x"}  4', "a", "c", "d", "e", "b"]);
  assert.deepEqual(shown("nothing"), ["{}  5", "b", "a", "c", "d", "e"]);
});

test("alert rows: not grouped, one list without heads", () => {
  assert.deepEqual(shown("none"), ["b", "a", "c", "d", "e"]);
});

test("alert rows: of a closed group only the head is shown", () => {
  assert.deepEqual(shown("route", [`mail\u0000{"alertname":"Down"}`]), ['{"alertname":"Down"} mail 4', "c", "c"]);
});

test("alert rows: a group of which few alerts are at hand has the head of the whole one", () => {
  const [down] = regrouped(GROUPS, "route");
  const part = { ...down!, count: 900, alerts: [b] };
  assert.deepEqual(
    rowsOf([part], "route", new Set()).map((row) => (row.kind === "group" ? row.count : row.alert.fingerprint)),
    [900, "b"],
  );
});

test("alert rows: the state names what stands against telling, a silence first", () => {
  const status = { state: "suppressed", silencedBy: ["s"], inhibitedBy: ["i"], mutedBy: [] } as const;
  assert.equal(stateWord({ ...a, status }), "silenced");
  assert.equal(stateWord({ ...a, status: { ...status, silencedBy: [] } }), "inhibited");
  assert.equal(stateWord(a), "active");
});
