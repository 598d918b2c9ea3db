// Alerts as unit tests compare and print them.
import { Labels } from "@narthex/model";

export interface AlertText {
  readonly labels: Labels;
  readonly annotations: Labels;
}

export function compareAlerts(a: AlertText, b: AlertText): number {
  return Labels.compare(a.labels, b.labels) || Labels.compare(a.annotations, b.annotations);
}

/** Both sorted. */
export function sameAlerts(wanted: readonly AlertText[], got: readonly AlertText[]): boolean {
  return wanted.length === got.length && wanted.every((alert, i) => compareAlerts(alert, got[i] as AlertText) === 0);
}

/** As the reference prints them, line by line. */
export function alertsText(alerts: readonly AlertText[]): string {
  if (alerts.length === 0) return "[]";
  const items = alerts.map(({ labels, annotations }, i) => `${i}:\n  Labels:${labels}\n  Annotations:${annotations}`);
  return `[\n${items.join(",\n")}\n]`;
}
