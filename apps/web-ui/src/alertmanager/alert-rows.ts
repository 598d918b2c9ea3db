/** From the answer's groups to the rows of the table: what belongs together, in which order. */
import type { LabelMap } from "../format/labels.ts";
import type { Alert, AlertGroup } from "./api.ts";

/** `route`: as the Alertmanager groups them. `none`: one list. Anything else: names of labels, comma-separated. */
export type Grouping = string;

/**
 * Smaller groups have no line of their own: their alerts name the labels themselves, and 25 alerts are to be in sight at
 * once, however they are grouped.
 */
const LEAST_WITH_HEAD = 4;

/** A line above the alerts of one group. */
export interface GroupRow {
  readonly kind: "group";
  readonly key: string;
  readonly labels: LabelMap;
  readonly receiver: string;
  readonly count: number;
}

export interface AlertRow {
  readonly kind: "alert";
  readonly key: string;
  readonly alert: Alert;
  /** Of its group. */
  readonly isFirst: boolean;
}

export type Row = GroupRow | AlertRow;

/** Receivers, by alert, across the groups that it is in. */
export function alertsOf(groups: readonly AlertGroup[]): Alert[] {
  const byFingerprint = new Map<string, Alert>();
  for (const { alerts } of groups) for (const alert of alerts) byFingerprint.set(alert.fingerprint, alert);
  return [...byFingerprint.values()];
}

/** Rows in their order; within a group what began last comes first. `closed` are keys of groups whose alerts are not shown. */
export function rowsOf(groups: readonly Together[], grouping: Grouping, closed: ReadonlySet<string>): Row[] {
  const rows: Row[] = [];
  for (const { labels, receiver, count, alerts } of groups) {
    const key = `${receiver}\u0000${JSON.stringify(labels)}`;
    if (count >= LEAST_WITH_HEAD && grouping !== "none") {
      rows.push({ kind: "group", key, labels, receiver, count });
      if (closed.has(key)) continue;
    }
    [...alerts].sort(latestFirst).forEach((alert, i) => {
      rows.push({ kind: "alert", key: `${key}\u0000${alert.fingerprint}`, alert, isFirst: i === 0 });
    });
  }
  return rows;
}

/** Alerts that stand together in the table. */
export interface Together {
  readonly labels: LabelMap;
  /** "" where they are not grouped as they are told. */
  readonly receiver: string;
  /** Alerts in it; there may be fewer at hand. */
  readonly count: number;
  readonly alerts: readonly Alert[];
}

/** The answer's groups as they are to be shown, in the order in which they are to be shown. */
export function regrouped(groups: readonly AlertGroup[], grouping: Grouping): readonly Together[] {
  if (grouping === "route")
    return groups.map(({ labels, receiver, alerts }) => together(labels, receiver.name, alerts));
  const alerts = alertsOf(groups);
  if (grouping === "none") return alerts.length === 0 ? [] : [together({}, "", alerts)];
  const names = grouping.split(",").filter(Boolean);
  const found = new Map<string, { labels: LabelMap; alerts: Alert[] }>();
  for (const alert of alerts) {
    const pairs = names.map((name) => [name, alert.labels[name] ?? ""] as const).filter(([, value]) => value !== "");
    const key = JSON.stringify(pairs);
    const group = found.get(key);
    if (group === undefined) found.set(key, { labels: Object.fromEntries(pairs), alerts: [alert] });
    else group.alerts.push(alert);
  }
  return [...found.entries()]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => together(group.labels, "", group.alerts));
}

function together(labels: LabelMap, receiver: string, alerts: readonly Alert[]): Together {
  return { labels, receiver, count: alerts.length, alerts };
}

function latestFirst(a: Alert, b: Alert): number {
  if (a.startsAt !== b.startsAt) return a.startsAt < b.startsAt ? 1 : -1;
  return a.fingerprint < b.fingerprint ? -1 : 1;
}

/** What the alert is about, measured: its annotation or label `value`. */
export function measuredValue({ annotations, labels }: Alert): string {
  return annotations["value"] ?? labels["value"] ?? "";
}

/** In a sentence. */
export function summaryOf({ annotations }: Alert): string {
  return annotations["summary"] ?? annotations["description"] ?? annotations["message"] ?? "";
}

/** What stands against telling of it, in one word; `active` for nothing. */
export function stateWord({ status }: Alert): "active" | "silenced" | "inhibited" | "muted" | "unprocessed" {
  if (status.silencedBy.length > 0) return "silenced";
  if (status.inhibitedBy.length > 0) return "inhibited";
  if (status.mutedBy.length > 0) return "muted";
  return status.state === "unprocessed" ? "unprocessed" : "active";
}
