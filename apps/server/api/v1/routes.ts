// The table of the HTTP API: every path, its methods and its handler.
import type { Call } from "../../web/call.ts";
import type { Handler, WebServer } from "../../web/web-server.ts";
import type { AdminRoutes } from "./admin-routes.ts";
import type { OperatorRoutes } from "./operator-routes.ts";
import type { QueryRoutes } from "./query-routes.ts";
import type { RuleRoutes } from "./rule-routes.ts";
import type { SeriesRoutes } from "./series-routes.ts";
import type { StatusRoutes } from "./status-routes.ts";
import type { TargetRoutes } from "./target-routes.ts";

export interface ApiRoutes {
  readonly query: QueryRoutes;
  readonly series: SeriesRoutes;
  readonly targets: TargetRoutes;
  readonly rules: RuleRoutes;
  readonly status: StatusRoutes;
  readonly admin: AdminRoutes;
  readonly operator: OperatorRoutes;
}

const BASE = "/api/v1";
const GET = ["GET"];
const GET_OR_POST = ["GET", "POST"];
const CHANGES = ["POST", "PUT"];

export function addApiRoutes(
  web: Pick<WebServer, "route">,
  { query, series, targets, rules, status, admin, operator }: ApiRoutes,
): void {
  const add = (path: string, methods: readonly string[], handler: Handler, needsReady = true): void =>
    web.route(`${BASE}${path}`, methods, guarded(handler), { needsReady });

  add("/query", GET_OR_POST, (call) => query.instant(call));
  add("/query_range", GET_OR_POST, (call) => query.range(call));
  add("/query_exemplars", GET_OR_POST, (call) => query.exemplars(call));
  add("/format_query", GET_OR_POST, (call) => query.format(call));
  add("/parse_query", GET_OR_POST, (call) => query.parse(call));

  add("/series", GET_OR_POST, (call) => series.series(call));
  add("/series", ["DELETE"], (call) => series.drop(call));
  add("/labels", GET_OR_POST, (call) => series.labelNames(call));
  add("/label/:name/values", GET, (call) => series.labelValues(call));

  add("/targets", GET, (call) => targets.list(call));
  add("/targets/metadata", GET, (call) => targets.metadataByTarget(call));
  add("/scrape_pools", GET, (call) => targets.scrapePools(call));
  add("/scrape_pools/config", GET, (call) => targets.poolConfig(call));
  add("/targets/relabel_steps", GET, (call) => targets.relabelSteps(call));
  add("/targets/scrape", ["POST"], (call) => operator.scrapeNow(call));
  add("/metadata", GET, (call) => targets.metadata(call));

  add("/rules", GET, (call) => rules.rules(call));
  add("/alerts", GET, (call) => rules.alerts(call));
  // Nothing is sent to an Alertmanager yet, so none is discovered.
  add("/alertmanagers", GET, (call) => call.json({ activeAlertmanagers: [], droppedAlertmanagers: [] }));

  add("/status/config", GET, (call) => status.config(call));
  add("/status/flags", GET, (call) => status.flags(call));
  add("/status/buildinfo", GET, (call) => status.buildInfo(call));
  add("/status/runtimeinfo", GET, (call) => status.runtimeInfo(call));
  add("/status/tsdb", GET, (call) => status.tsdb(call));
  add("/status/tsdb/blocks", GET, (call) => status.blocks(call));
  add("/status/active_queries", GET, (call) => operator.activeQueries(call));
  add("/status/active_queries", ["DELETE"], (call) => operator.killQuery(call));
  add("/features", GET, (call) => status.features(call));
  add("/openapi.yaml", GET, (call) => status.openApi(call), false);
  add("/status/walreplay", GET, (call) => status.walReplay(call), false);
  add("/notifications", GET, (call) => status.notifications(call), false);
  add("/notifications/live", GET, (call) => status.liveNotifications(call), false);

  add("/admin/tsdb/delete_series", CHANGES, (call) => admin.deleteSeries(call));
  add("/admin/tsdb/clean_tombstones", CHANGES, (call) => admin.cleanTombstones(call));
  add("/admin/tsdb/snapshot", CHANGES, (call) => admin.snapshot(call));

  web.route(`${BASE}/*`, ["OPTIONS"], (call) => call.noContent(), { needsReady: false });
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
