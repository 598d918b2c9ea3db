// `/api/v2/alerts` and `/api/v2/alerts/groups`.
import { compareStrings } from "@narthex/model";
import { type Alert, alertProblem } from "../../alert/alert.ts";
import type { AggregationGroup } from "../../dispatch/aggregation-group.ts";
import type { Route } from "../../dispatch/route.ts";
import { compareLabelSets } from "../../label/label-set.ts";
import type { LabelMatcher } from "../../matcher/matcher.ts";
import { Moment } from "../../moment/moment.ts";
import { goJsonString } from "../../template/go-json.ts";
import type { Exchange } from "../../web/exchange.ts";
import type { ApiContext, ApiState } from "./api-context.ts";
import { ApiError } from "./api-error.ts";
import { filtersOf, passesFilters, receiverFilter, switchOf } from "./filters.ts";
import { labelsJson, receiversJson, type ShownStatus, writeAlert } from "./gettable.ts";
import { JsonSink } from "./json-sink.ts";
import { readPostedAlerts } from "./postable-alerts.ts";

const RECEIVER_MATCHERS = "failed to parse receiver_matchers param: ";

/** What a list of alerts is narrowed down to. */
interface AlertQuery {
  readonly filters: readonly LabelMatcher[];
  readonly takesReceiver: (name: string) => boolean;
  readonly takesAllReceivers: boolean;
  readonly active: boolean;
  readonly silenced: boolean;
  readonly inhibited: boolean;
}

function queryOf(exchange: Exchange, { grammar }: ApiContext, state: ApiState): AlertQuery {
  const { query } = exchange;
  const filters = filtersOf(query, "filter", grammar);
  const byName = receiverFilter(query);
  const byLabels = filtersOf(query, "receiver_matchers", grammar, RECEIVER_MATCHERS);
  return {
    filters,
    takesAllReceivers: byName === undefined && byLabels.length === 0,
    takesReceiver: (name) => {
      if (byName?.(name) === false) return false;
      const labels = state.receiverLabels.get(name);
      return byLabels.length === 0 || (labels !== undefined && passesFilters(byLabels, labels));
    },
    active: switchOf(query, "active"),
    silenced: switchOf(query, "silenced"),
    inhibited: switchOf(query, "inhibited"),
  };
}

/** The state of an alert now, or undefined when the query does not want it. */
function statusFor(alert: Alert, query: AlertQuery, state: ApiState, now: Moment): ShownStatus | undefined {
  if (!alert.endsAt.isZero && alert.endsAt.isBefore(now)) return undefined;
  if (!passesFilters(query.filters, alert.labels)) return undefined;
  const status = state.statusOf(alert, now);
  const isSilenced = status.silencedBy.length > 0;
  const isInhibited = status.inhibitedBy.length > 0;
  if (!query.active && !isSilenced && !isInhibited) return undefined;
  if ((!query.silenced && isSilenced) || (!query.inhibited && isInhibited)) return undefined;
  return status;
}

export function getAlerts(exchange: Exchange, context: ApiContext): void {
  const state = context.state();
  const query = queryOf(exchange, context, state);
  const now = Moment.fromMs(context.clock.now());
  const out = new JsonSink();
  const shownReceivers = new Map<Route | readonly Route[], string>();
  let separator = "[";
  for (const fingerprint of context.alerts.sortedFingerprints()) {
    const alert = context.alerts.get(fingerprint) as Alert;
    const routes = state.dispatcher.routesOf(alert.labels);
    if (!query.takesAllReceivers && !routes.some(({ options }) => query.takesReceiver(options.receiver))) continue;
    const status = statusFor(alert, query, state, now);
    if (status === undefined) continue;
    // Most alerts end at one node, which many share.
    const key = routes.length === 1 ? (routes[0] as Route) : routes;
    let receivers = shownReceivers.get(key);
    if (receivers === undefined) {
      receivers = receiversJson(routes.map(({ options }) => options.receiver));
      shownReceivers.set(key, receivers);
    }
    out.addPlain(separator);
    writeAlert(out, alert, status, receivers);
    separator = ",";
  }
  out.add(separator === "[" ? "[]\n" : "]\n");
  exchange.send(200, "application/json", out.take());
}

export function getAlertGroups(exchange: Exchange, context: ApiContext): void {
  const state = context.state();
  const query = queryOf(exchange, context, state);
  const showsMuted = switchOf(exchange.query, "muted");
  const now = Moment.fromMs(context.clock.now());
  const receivers = new Map<string, string[]>();
  const chosen: { readonly group: AggregationGroup; readonly alerts: readonly (readonly [Alert, ShownStatus])[] }[] =
    [];
  for (const group of state.dispatcher.groups()) {
    const { receiver } = group.route.options;
    if (!query.takesReceiver(receiver)) continue;
    const alerts: (readonly [Alert, ShownStatus])[] = [];
    for (const alert of group.sorted()) {
      const status = statusFor(alert, query, state, now);
      if (status === undefined) continue;
      alerts.push([alert, status]);
      const known = receivers.get(alert.fingerprint);
      if (known === undefined) receivers.set(alert.fingerprint, [receiver]);
      else known.push(receiver);
    }
    if (alerts.length > 0) chosen.push({ group, alerts });
  }
  for (const names of receivers.values()) names.sort(compareStrings);
  chosen.sort((a, b) => compareGroups(a.group, b.group));
  const out = new JsonSink();
  const shownReceivers = new Map<string, string>();
  let separator = "[";
  for (const { group, alerts } of chosen) {
    const { mutedBy } = group;
    if (!showsMuted && mutedBy.length > 0) continue;
    out.add(`${separator}{"alerts":`);
    separator = ",";
    alerts.forEach(([alert, status], i) => {
      out.addPlain(i === 0 ? "[" : ",");
      const names = receivers.get(alert.fingerprint) as string[];
      const key = names.length === 1 ? (names[0] as string) : names.join("\u0000");
      let shown = shownReceivers.get(key);
      if (shown === undefined) shownReceivers.set(key, (shown = receiversJson(names)));
      writeAlert(out, alert, mutedBy.length === 0 ? status : { ...status, mutedBy }, shown);
    });
    const labels = [...group.renderedRouteLabels()].sort(([a], [b]) => compareStrings(a, b));
    const routeLabels = labels.map(([name, value]) => `${goJsonString(name, false)}:${goJsonString(value, false)}`);
    out.add(
      `],"labels":${plainLabels(group)},"receiver":{"name":${goJsonString(group.route.options.receiver, false)}},"routeLabels":{${routeLabels.join(",")}}}`,
    );
  }
  out.add(separator === "[" ? "[]\n" : "]\n");
  exchange.send(200, "application/json", out.take());
}

/** Labels of a group are written without escapes for HTML, those of its alerts with: one of them writes itself. */
function plainLabels({ labels }: AggregationGroup): string {
  const json = labelsJson(labels);
  if (!json.includes("\\u00")) return json;
  return `{${[...labels].map(([name, value]) => `${goJsonString(name, false)}:${goJsonString(value, false)}`).join(",")}}`;
}

function compareGroups(a: AggregationGroup, b: AggregationGroup): number {
  return compareLabelSets(a.labels, b.labels) || compareStrings(a.route.options.receiver, b.route.options.receiver);
}

export function postAlerts(exchange: Exchange, context: ApiContext): void {
  const { alerts: store, clock, grammar, metrics, logger } = context;
  const nowMs = clock.now();
  const now = Moment.fromMs(nowMs);
  const posted = readPostedAlerts(exchange.body, {
    nowMs,
    resolveTimeoutMs: context.state().resolveTimeoutMs,
    known: (fingerprint) => store.get(fingerprint),
  });
  const problems: string[] = [];
  const valid = posted.filter((alert) => {
    metrics.received(alert.endsAt.isAfter(now) ? "firing" : "resolved");
    const problem = alertProblem(alert, grammar);
    if (problem === undefined) return true;
    problems.push(problem);
    metrics.invalid();
    return false;
  });
  store.put(valid);
  if (problems.length > 0) {
    logger.error("Failed to validate alerts", { err: problems.join("\n"), path: exchange.path, method: "POST" });
    throw ApiError.plain(400, problems.join("\n"));
  }
  exchange.empty(200);
}
