// One alert: one label set of an alerting rule, on its way from pending to firing to resolved.
import type { Labels } from "@narthex/model";

export type AlertState = "inactive" | "pending" | "firing";

/** Times in milliseconds; 0 means never. */
export interface Alert {
  state: AlertState;
  readonly labels: Labels;
  annotations: Labels;
  value: number;
  activeAt: number;
  firedAt: number;
  resolvedAt: number;
  lastSentAt: number;
  validUntil: number;
  /** Since when it only fires because of `keep_firing_for`. */
  keepFiringSince: number;
}

/** How long a resolved alert is kept, so that its resolution can be sent again. */
export const RESOLVED_RETENTION_MS: number = 15 * 60_000;

/** What an alert's life depends on, in milliseconds. */
export interface AlertTiming {
  readonly forMs: number;
  readonly keepFiringForMs: number;
}

/** An alert as it begins: its condition holds for the first time, at `t`. */
export function newAlert(labels: Labels, annotations: Labels, value: number, t: number): Alert {
  return {
    state: "pending",
    labels,
    annotations,
    value,
    activeAt: t,
    firedAt: 0,
    resolvedAt: 0,
    lastSentAt: 0,
    validUntil: 0,
    keepFiringSince: 0,
  };
}

/** Takes an alert whose condition holds at `t` one step further. */
export function seenActive(alert: Alert, t: number, timing: AlertTiming): void {
  alert.keepFiringSince = 0;
  settle(alert, t, timing);
}

/** Takes an alert whose condition no longer holds at `t` one step further. Returns whether it can be forgotten. */
export function seenAbsent(alert: Alert, t: number, timing: AlertTiming): boolean {
  if (alert.state === "firing" && timing.keepFiringForMs > 0) {
    if (alert.keepFiringSince === 0) alert.keepFiringSince = t;
    if (t - alert.keepFiringSince < timing.keepFiringForMs) {
      settle(alert, t, timing);
      return false;
    }
  }
  const isOver = alert.state === "pending" || (alert.resolvedAt !== 0 && t - alert.resolvedAt > RESOLVED_RETENTION_MS);
  if (alert.state !== "inactive") {
    alert.state = "inactive";
    alert.resolvedAt = t;
  }
  return isOver;
}

/** From pending to firing once the duration is over; back where a reload made the duration longer. */
function settle(alert: Alert, t: number, { forMs }: AlertTiming): void {
  const isDue = t - alert.activeAt >= forMs;
  if (alert.state === "pending" && isDue) {
    alert.state = "firing";
    alert.firedAt = t;
  } else if (alert.state === "firing" && !isDue) {
    alert.state = "pending";
    alert.firedAt = 0;
    alert.lastSentAt = 0;
    alert.keepFiringSince = 0;
  }
}

/** Whether an alert is due to be sent at `t`: when it changed, or when it was last sent `resendDelayMs` ago. */
export function needsSending(alert: Alert, t: number, resendDelayMs: number): boolean {
  if (alert.state === "pending") return false;
  if (alert.resolvedAt > alert.lastSentAt) return true;
  return alert.lastSentAt + resendDelayMs < t;
}
