// The table of the HTTP API: every path, its methods and its handler.

import type { Call } from "../../web/call.ts";
import type { Handler, WebServer } from "../../web/web-server.ts";
import { ApiError } from "../api-error.ts";
import type { AdminRoutes } from "./admin-routes.ts";
import type { AlertRoutes } from "./alert-routes.ts";
import type { BackfillRoutes } from "./backfill-routes.ts";
import type { OperatorRoutes } from "./operator-routes.ts";
import type { QueryRoutes } from "./query-routes.ts";
import type { RuleRoutes } from "./rule-routes.ts";
import type { SearchRoutes } from "./search-routes.ts";
import type { SeriesRoutes } from "./series-routes.ts";
import type { StatusRoutes } from "./status-routes.ts";
import type { TargetRoutes } from "./target-routes.ts";

export interface ApiRoutes {
  readonly query: QueryRoutes;
  readonly series: SeriesRoutes;
  readonly search: SearchRoutes;
  readonly targets: TargetRoutes;
  readonly rules: RuleRoutes;
  readonly alerts: AlertRoutes;
  readonly backfill: BackfillRoutes;
  readonly status: StatusRoutes;
  readonly admin: AdminRoutes;
  readonly operator: OperatorRoutes;
  /** What an agent says where samples would be needed; undefined in a server. */
  readonly unavailable: string | undefined;
}

const BASE = "/api/v1";
const GET = ["GET"];
const GET_OR_POST = ["GET", "POST"];
const CHANGES = ["POST", "PUT"];

export function addApiRoutes(
  web: Pick<WebServer, "route">,
  { query, series, search, targets, rules, alerts, backfill, status, admin, operator, unavailable }: ApiRoutes,
): void {
  const add = (path: string, methods: readonly string[], handler: Handler, needsReady = true): void =>
    web.route(`${BASE}${path}`, methods, guarded(handler), { needsReady });
  /** Not in an agent. */
  const serve = (path: string, methods: readonly string[], handler: Handler): void =>
    add(path, methods, unavailable === undefined ? handler : () => refuse(unavailable));

  serve("/query", GET_OR_POST, (call) => query.instant(call));
  serve("/query_range", GET_OR_POST, (call) => query.range(call));
  serve("/query_exemplars", GET_OR_POST, (call) => query.exemplars(call));
  serve("/format_query", GET_OR_POST, (call) => query.format(call));
  serve("/parse_query", GET_OR_POST, (call) => query.parse(call));

  serve("/series", GET_OR_POST, (call) => series.series(call));
  serve("/series", ["DELETE"], (call) => series.drop(call));
  serve("/labels", GET_OR_POST, (call) => series.labelNames(call));
  serve("/label/:name/values", GET, (call) => series.labelValues(call));

  serve("/search/metric_names", GET_OR_POST, (call) => search.metricNames(call));
  serve("/search/label_names", GET_OR_POST, (call) => search.labelNames(call));
  serve("/search/label_values", GET_OR_POST, (call) => search.labelValues(call));

  add("/targets", GET, (call) => targets.list(call));
  add("/targets/metadata", GET, (call) => targets.metadataByTarget(call));
  add("/scrape_pools", GET, (call) => targets.scrapePools(call));
  add("/scrape_pools/config", GET, (call) => targets.poolConfig(call));
  add("/targets/relabel_steps", GET, (call) => targets.relabelSteps(call));
  add("/targets/scrape", ["POST"], (call) => operator.scrapeNow(call));
  add("/metadata", GET, (call) => targets.metadata(call));

  serve("/rules", GET, (call) => rules.rules(call));
  serve("/rules/backtest", ["POST"], (call) => alerts.backtest(call));
  serve("/rules/backfill", ["POST"], (call) => backfill.start(call));
  serve("/rules/backfill", GET, (call) => backfill.list(call));
  serve("/rules/backfill", ["DELETE"], (call) => backfill.cancel(call));
  serve("/alerts", GET, (call) => rules.alerts(call));
  serve("/alerts/history", GET, (call) => alerts.history(call));
  serve("/alertmanagers", GET, (call) => rules.alertmanagers(call));

  add("/status/config", GET, (call) => status.config(call));
  add("/status/flags", GET, (call) => status.flags(call));
  add("/status/buildinfo", GET, (call) => status.buildInfo(call));
  add("/status/runtimeinfo", GET, (call) => status.runtimeInfo(call));
  serve("/status/tsdb", GET, (call) => status.tsdb(call));
  serve("/status/tsdb/blocks", GET, (call) => status.blocks(call));
  serve("/status/active_queries", GET, (call) => operator.activeQueries(call));
  serve("/status/active_queries", ["DELETE"], (call) => operator.killQuery(call));
  add("/features", GET, (call) => status.features(call));
  add("/openapi.yaml", GET, (call) => status.openApi(call), false);
  add("/status/walreplay", GET, (call) => status.walReplay(call), false);
  add("/notifications", GET, (call) => status.notifications(call), false);
  add("/notifications/live", GET, (call) => status.liveNotifications(call), false);

  serve("/admin/tsdb/delete_series", CHANGES, (call) => admin.deleteSeries(call));
  serve("/admin/tsdb/clean_tombstones", CHANGES, (call) => admin.cleanTombstones(call));
  serve("/admin/tsdb/snapshot", CHANGES, (call) => admin.snapshot(call));

  web.route(`${BASE}/*`, ["OPTIONS"], (call) => call.noContent(), { needsReady: false });
}

function refuse(text: string): never {
  throw new ApiError("execution", text);
}

/** Turns whatever a handler throws into the API's envelope. */
function guarded(handler: Handler): Handler {
  return async (call: Call) => {
    try {
      await handler(call);
    } catch (error) {
      if (call.response.headersSent) call.response.destroy();
      else call.fail(error);
    }
  };
}
