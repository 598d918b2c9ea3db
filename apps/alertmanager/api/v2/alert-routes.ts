// `/api/v2/alerts` and `/api/v2/alerts/groups`.
import { compareStrings } from "@narthex/model";
import { type Alert, alertProblem } from "../../alert/alert.ts";
import type { AggregationGroup } from "../../dispatch/aggregation-group.ts";
import type { Route } from "../../dispatch/route.ts";
import { Moment } from "../../moment/moment.ts";
import { goJsonString } from "../../template/go-json.ts";
import type { Exchange } from "../../web/exchange.ts";
import { queryOf, selectGroups, statusFor } from "./alert-selection.ts";
import type { ApiContext } from "./api-context.ts";
import { ApiError } from "./api-error.ts";
import { labelsJson, receiversJson, writeAlert } from "./gettable.ts";
import { JsonSink } from "./json-sink.ts";
import { readPostedAlerts } from "./postable-alerts.ts";

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
  const { groups, receivers } = selectGroups(exchange, context);
  const out = new JsonSink();
  const shownReceivers = new Map<string, string>();
  let separator = "[";
  for (const { group, alerts } of groups) {
    out.add(`${separator}{"alerts":`);
    separator = ",";
    alerts.forEach(({ alert, status }, i) => {
      out.addPlain(i === 0 ? "[" : ",");
      const names = receivers.get(alert.fingerprint) as readonly string[];
      const key = names.length === 1 ? (names[0] as string) : names.join("\u0000");
      let shown = shownReceivers.get(key);
      if (shown === undefined) shownReceivers.set(key, (shown = receiversJson(names)));
      writeAlert(out, alert, status, shown);
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
