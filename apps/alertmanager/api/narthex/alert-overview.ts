// `/narthex/alerts/overview`: how many alerts there are, and the first of them as a table shows them. A page of ten thousand alerts
// needs those in sight at once, and can fetch the others behind them.
import type { Labels } from "@narthex/model";
import type { Exchange } from "../../web/exchange.ts";
import { type GroupedAlert, type SelectedGroups, selectGroups } from "../v2/alert-selection.ts";
import type { ApiContext } from "../v2/api-context.ts";
import { ApiError } from "../v2/api-error.ts";
import { labelsJson, receiversJson, type ShownStatus, writeAlert } from "../v2/gettable.ts";
import { JsonSink } from "../v2/json-sink.ts";

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;
const ROUTE = "route";
const NONE = "none";

/** Alerts that stand together in the table. */
interface Together {
  /** As JSON. */
  readonly labels: string;
  readonly receiver: string;
  readonly alerts: GroupedAlert[];
}

/**
 * Takes the parameters of `/alerts/groups`, and besides: `by`, which is `route` (the groups that are told together), `none`, or names of
 * labels with commas between them, and `limit`, the number of alerts shown (100, at most 1000). Counts are of all that pass.
 */
export function getOverview(exchange: Exchange, context: ApiContext): void {
  const limit = limitOf(exchange.query);
  const by = exchange.query.get("by") || ROUTE;
  const selected = selectGroups(exchange, context);
  const alerts = distinct(selected);
  const groups = by === ROUTE ? asRouted(selected) : by === NONE ? asOne(alerts) : byLabels(alerts, by);
  const out = new JsonSink();
  out.add(`{"counts":${JSON.stringify(countStates(alerts))},"groupCount":${selected.groups.length},"groups":[`);
  let left = limit;
  groups.every(({ labels, receiver, alerts }, i) => {
    const shown = [...alerts].sort(latestFirst).slice(0, left);
    left -= shown.length;
    out.add(
      `${i === 0 ? "" : ","}{"labels":${labels},"receiver":${receiversJson([receiver])},"count":${alerts.length}`,
    );
    out.add(',"alerts":[');
    shown.forEach(({ alert, status }, k) => {
      if (k > 0) out.add(",");
      writeAlert(out, alert, status, receiversJson(selected.receivers.get(alert.fingerprint) ?? []));
    });
    out.add("]}");
    return left > 0;
  });
  out.add("]}\n");
  exchange.send(200, "application/json", out.take());
}

function limitOf(query: URLSearchParams): number {
  const limit = query.get("limit") === null ? DEFAULT_LIMIT : Number(query.get("limit"));
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw ApiError.coded(400, 400, `limit must be a whole number from 1 to ${MAX_LIMIT}`);
  return limit;
}

/** Each alert once, however many groups it is in. */
function distinct({ groups }: SelectedGroups): GroupedAlert[] {
  const byFingerprint = new Map<string, GroupedAlert>();
  for (const { alerts } of groups) for (const each of alerts) byFingerprint.set(each.alert.fingerprint, each);
  return [...byFingerprint.values()];
}

function asRouted({ groups }: SelectedGroups): Together[] {
  return groups.map(({ group, alerts }) => ({
    labels: labelsJson(group.labels),
    receiver: group.route.options.receiver,
    alerts: [...alerts],
  }));
}

function asOne(alerts: GroupedAlert[]): Together[] {
  return alerts.length === 0 ? [] : [{ labels: "{}", receiver: "", alerts }];
}

function byLabels(alerts: readonly GroupedAlert[], by: string): Together[] {
  const names = by.split(",").filter(Boolean);
  const together = new Map<string, Together>();
  for (const each of alerts) {
    const pairs = pairsOf(each.alert.labels, names);
    const key = JSON.stringify(pairs);
    const found = together.get(key);
    if (found === undefined)
      together.set(key, { labels: JSON.stringify(Object.fromEntries(pairs)), receiver: "", alerts: [each] });
    else found.alerts.push(each);
  }
  return [...together].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

function pairsOf(labels: Labels, names: readonly string[]): [string, string][] {
  return names.map((name): [string, string] => [name, labels.get(name)]).filter(([, value]) => value !== "");
}

function latestFirst({ alert: a }: GroupedAlert, { alert: b }: GroupedAlert): number {
  return b.startsAt.compare(a.startsAt) || (a.fingerprint < b.fingerprint ? -1 : 1);
}

function countStates(alerts: readonly GroupedAlert[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of alerts) {
    const word = stateWord(status);
    counts[word] = (counts[word] ?? 0) + 1;
  }
  return counts;
}

/** What stands against telling of it, in one word. */
function stateWord({ silencedBy, inhibitedBy, mutedBy }: ShownStatus): string {
  if (silencedBy.length > 0) return "silenced";
  if (inhibitedBy.length > 0) return "inhibited";
  return mutedBy.length > 0 ? "muted" : "active";
}
