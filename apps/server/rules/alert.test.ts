import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels } from "@narthex/model";
import { type Alert, needsSending, seenAbsent, seenActive } from "./alert.ts";

const MINUTE = 60_000;

/** Runs an alert through minutes: `x` where its condition holds, `.` where not; shows its state after each. */
function life(minutes: string, timing: { forMs: number; keepFiringForMs: number }): string {
  const alerts = new Map<string, Alert>();
  let shown = "";
  [...minutes].forEach((minute, i) => {
    const t = (i + 1) * MINUTE;
    let alert = alerts.get("");
    if (minute === "x") {
      if (alert === undefined || alert.state === "inactive") {
        alert = {
          state: "pending",
          labels: Labels.empty,
          annotations: Labels.empty,
          value: 1,
          activeAt: t,
          firedAt: 0,
          resolvedAt: 0,
          lastSentAt: 0,
          validUntil: 0,
          keepFiringSince: 0,
        };
        alerts.set("", alert);
      }
      seenActive(alert, t, timing);
    } else if (alert !== undefined && seenAbsent(alert, t, timing)) alerts.delete("");
    shown += { inactive: "r", pending: "p", firing: "F" }[alerts.get("")?.state ?? "inactive"];
    if (!alerts.has("")) shown = `${shown.slice(0, -1)}-`;
  });
  return shown;
}

test("alert: without a duration it fires at once and resolves at once", () => {
  assert.equal(life(".xx.", { forMs: 0, keepFiringForMs: 0 }), "-FFr");
});

test("alert: it is pending until its condition held for the duration; a gap forgets it", () => {
  assert.equal(life("xx.xxxx.", { forMs: 2 * MINUTE, keepFiringForMs: 0 }), "pp-ppFFr");
});

test("alert: it keeps firing for a while, and again from the start when its condition returns", () => {
  assert.equal(life("x..x...", { forMs: 0, keepFiringForMs: 2 * MINUTE }), "FFFFFFr");
});

test("alert: a resolved one is kept for 15 minutes, one that returns starts anew", () => {
  assert.equal(life(`x${".".repeat(17)}`, { forMs: 0, keepFiringForMs: 0 }), `F${"r".repeat(16)}-`);
  assert.equal(life("x.x", { forMs: MINUTE, keepFiringForMs: 0 }), "p-p");
});

test("alert: it is sent when it fires, when it resolves, and again after the delay, never while pending", () => {
  const alert: Alert = {
    state: "firing",
    labels: Labels.empty,
    annotations: Labels.empty,
    value: 1,
    activeAt: 1,
    firedAt: 1,
    resolvedAt: 0,
    lastSentAt: 0,
    validUntil: 0,
    keepFiringSince: 0,
  };
  assert.equal(needsSending(alert, 5 * MINUTE, MINUTE), true);
  alert.lastSentAt = 5 * MINUTE;
  assert.equal(needsSending(alert, 5.5 * MINUTE, MINUTE), false);
  assert.equal(needsSending(alert, 6.5 * MINUTE, MINUTE), true);
  alert.resolvedAt = 5.6 * MINUTE;
  assert.equal(needsSending(alert, 5.7 * MINUTE, MINUTE), true);
  alert.state = "pending";
  assert.equal(needsSending(alert, 60 * MINUTE, MINUTE), false);
});
