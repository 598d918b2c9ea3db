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

/** Takes an alert whose condition holds at `t` one step further. */
export function seenActive(alert: Alert, t: number, { forMs }: AlertTiming): void {
  alert.keepFiringSince = 0;
  // The rule may have been given a longer `for` by a reload.
  if (alert.state === "firing" && t - alert.activeAt < forMs) {
    alert.state = "pending";
    alert.firedAt = 0;
  }
  if (alert.state === "pending" && t - alert.activeAt >= forMs) {
    alert.state = "firing";
    alert.firedAt = t;
  }
}

/** Takes an alert whose condition no longer holds at `t` one step further. Returns whether it can be forgotten. */
export function seenAbsent(alert: Alert, t: number, { keepFiringForMs }: AlertTiming): boolean {
  if (alert.state === "firing" && keepFiringForMs > 0) {
    if (alert.keepFiringSince === 0) alert.keepFiringSince = t;
    if (t - alert.keepFiringSince < keepFiringForMs) return false;
  }
  if (alert.state === "pending") return true;
  if (alert.resolvedAt !== 0) return t - alert.resolvedAt > RESOLVED_RETENTION_MS;
  alert.state = "inactive";
  alert.resolvedAt = t;
  alert.keepFiringSince = 0;
  return false;
}

/** Whether an alert is due to be sent at `t`: when it changed, or when it was last sent `resendDelayMs` ago. */
export function needsSending(alert: Alert, t: number, resendDelayMs: number): boolean {
  if (alert.state === "pending") return false;
  if (alert.resolvedAt > alert.lastSentAt) return true;
  return alert.lastSentAt + resendDelayMs < t;
}
