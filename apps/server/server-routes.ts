// Which part of the server answers which path.
import type { Registry } from "@narthex/client";
import { formatDuration, formatSize, type Logger } from "@narthex/toolkit";
import { UNAVAILABLE, UNSUPPORTED } from "./agent.ts";
import { Federation } from "./api/federate.ts";
import { AdminRoutes } from "./api/v1/admin-routes.ts";
import { AlertRoutes } from "./api/v1/alert-routes.ts";
import { BackfillRoutes } from "./api/v1/backfill-routes.ts";
import { OperatorRoutes } from "./api/v1/operator-routes.ts";
import { QueryRoutes } from "./api/v1/query-routes.ts";
import { addRemoteRoutes } from "./api/v1/remote-routes.ts";
import { addApiRoutes } from "./api/v1/routes.ts";
import { RuleRoutes } from "./api/v1/rule-routes.ts";
import { SearchRoutes } from "./api/v1/search-routes.ts";
import { SeriesRoutes } from "./api/v1/series-routes.ts";
import { StatusRoutes } from "./api/v1/status-routes.ts";
import { TargetRoutes } from "./api/v1/target-routes.ts";
import { BUILD_INFO } from "./build-info.ts";
import { type Config, toYaml } from "./config/index.ts";
import type { OtlpReceiver } from "./otlp/otlp-receiver.ts";
import type { EngineSettings } from "./query/engine-settings.ts";
import { ReadHandler } from "./remote/read/read-handler.ts";
import type { WriteReceiver } from "./remote/receive/write-receiver.ts";
import type { RuleFileOptions, RuleGroupSource } from "./rules/rule-file.ts";
import type { Running } from "./running.ts";
import type { ScrapeManager } from "./scrape/index.ts";
import type { ServerSettings } from "./settings.ts";
import { addAssetRoutes } from "./web/asset-routes.ts";
import { addConsoles, consolesLink } from "./web/consoles.ts";
import { addLifecycleRoutes } from "./web/lifecycle-routes.ts";
import type { Notifications } from "./web/notifications.ts";
import { addProfileRoutes } from "./web/profile-routes.ts";
import { addUserAssets } from "./web/user-assets.ts";
import type { WebMetrics } from "./web/web-metrics.ts";
import type { WebServer } from "./web/web-server.ts";

/** What answers see of the server. What may change is asked for anew each time. */
export interface ServerView {
  readonly settings: ServerSettings;
  readonly registry: Registry;
  readonly logger: Logger;
  readonly webMetrics: WebMetrics;
  readonly notifications: Notifications;
  readonly write: WriteReceiver;
  readonly otlp: OtlpReceiver;
  /** Folder of the built web page; without it there is no page. */
  readonly assets: string | undefined;
  readonly startTimeMs: number;
  /** Undefined until the storage is open, and in agent mode: paths that need it are not answered then. */
  readonly running: () => Running | undefined;
  readonly scrape: () => ScrapeManager;
  readonly config: () => Config;
  readonly engineSettings: () => EngineSettings;
  readonly ruleGroups: () => readonly RuleGroupSource[];
  readonly ruleOptions: () => RuleFileOptions;
  readonly reload: () => Promise<void>;
  readonly reloadState: () => { readonly successful: boolean; readonly lastSuccessMs: number };
  readonly walReplay: () => { readonly min: number; readonly max: number; readonly current: number };
  /** Asks the server to end. False when it was asked before. */
  readonly quit: () => boolean;
}

/** Adds all of them. To be called once. */
export function addServerRoutes(web: WebServer, view: ServerView): void {
  const { settings, registry, config } = view;
  const running = (): Running => view.running() as Running;
  const isAgent = settings.agent !== undefined;
  const logger = view.logger.with({ component: "web" });
  addApiRoutes(web, {
    query: new QueryRoutes({
      queries: () => running().queries,
      exemplars: () => running().db,
      settings: view.engineSettings,
      now: Date.now,
    }),
    series: new SeriesRoutes(() => running().queries),
    search: new SearchRoutes({
      enabled: settings.features.has("search-api"),
      maxLimit: settings.searchMaxLimit,
      queries: () => running().queries,
      metadata: () =>
        running()
          .scrape.activeTargets()
          .map((target) => target.metadata()),
      now: Date.now,
    }),
    targets: new TargetRoutes(view.scrape, settings.externalUrl, () => String(web.ports[0] ?? "")),
    rules: new RuleRoutes(
      () => running().rules.groups,
      () => running().notifier,
    ),
    backfill: new BackfillRoutes({
      jobs: () => running().rules.backfills,
      groups: () => running().rules.groups,
      now: Date.now,
      adminApi: settings.enableAdminApi,
    }),
    alerts: new AlertRoutes({
      history: () => running().rules.history,
      queries: () => running().queries,
      groups: view.ruleGroups,
      evaluationIntervalMs: () => config().global.evaluationIntervalMs,
      ruleOptions: view.ruleOptions,
      externalLabels: () => config().global.externalLabels,
      externalUrl: settings.externalUrl,
      now: Date.now,
    }),
    status: new StatusRoutes({
      build: BUILD_INFO,
      flags: settings.flags,
      startTimeMs: view.startTimeMs,
      configYaml: () => toYaml(config()),
      reload: view.reloadState,
      retention: () => retentionText(config()),
      db: () => view.running()?.db,
      features: {
        enabled: settings.features,
        flags: {
          adminApi: settings.enableAdminApi,
          lifecycle: settings.enableLifecycle,
          remoteWriteReceiver: settings.enableRemoteWriteReceiver,
          otlpReceiver: settings.enableOtlpReceiver,
          autoReload: settings.autoReloadIntervalMs > 0,
        },
      },
      notifications: view.notifications,
      walReplay: view.walReplay,
    }),
    operator: new OperatorRoutes({
      queries: () => running().queries,
      targets: view.scrape,
      now: Date.now,
      adminApi: settings.enableAdminApi,
    }),
    admin: new AdminRoutes(settings.enableAdminApi, () => running().db),
    unavailable: isAgent ? UNAVAILABLE : undefined,
  });
  addRemoteRoutes(web, {
    write: view.write,
    read: new ReadHandler({
      queries: () => running().queries,
      externalLabels: () => config().global.externalLabels.pairs,
      sampleLimit: settings.remoteReadSampleLimit,
      concurrency: settings.remoteReadConcurrency,
      maxFrameBytes: settings.remoteReadMaxFrameBytes,
      registry,
    }),
    otlp: view.otlp,
    federation: new Federation({
      queries: () => running().queries,
      externalLabels: () => config().global.externalLabels.pairs,
      lookbackDeltaMs: settings.lookbackDeltaMs,
      registry,
      logger,
      now: Date.now,
    }),
    unsupported: isAgent ? UNSUPPORTED : undefined,
  });
  addLifecycleRoutes(web, {
    name: isAgent ? "Prometheus Agent" : "Prometheus Server",
    enabled: settings.enableLifecycle,
    reload: view.reload,
    quit: view.quit,
  });
  web.route(
    "/metrics",
    ["GET", "HEAD"],
    // Always the text format: the reference's own metrics do not come as OpenMetrics either.
    (call) =>
      view.webMetrics.countScrape(async () => {
        const { contentType, body } = await registry.expose();
        call.send(200, contentType, body);
      }),
    { needsReady: false },
  );
  addProfileRoutes(web);
  web.route("/version", ["GET"], (call) => call.text(200, `${JSON.stringify(BUILD_INFO)}\n`), {
    needsReady: false,
  });
  const externalPath = settings.externalUrl.pathname.replace(/\/$/, "");
  addUserAssets(web, settings.userAssets);
  addConsoles(web, {
    templates: settings.consoleTemplates,
    libraries: settings.consoleLibraries,
    externalUrl: settings.externalUrl.href.replace(/\/$/, ""),
    externalPath,
    externalLabels: () => new Map(config().global.externalLabels),
    query: async (expr, timeMs, { signal, origin, span }) => {
      if (isAgent) throw new Error(UNAVAILABLE);
      return running().queries.evaluate(expr, timeMs, signal, origin, span);
    },
    now: Date.now,
  });
  addAssetRoutes(web, view.assets, {
    externalPath,
    consolesLink: consolesLink(settings.consoleTemplates, settings.userAssets),
    pageTitle: settings.pageTitle,
    lookbackDeltaMs: settings.lookbackDeltaMs,
    isAgent,
  });
}

/** What is kept of the database, in the words of its status page. */
function retentionText({ storage }: Config): string {
  const { timeMs, sizeBytes, percentage } = storage.tsdb.retention;
  const parts: string[] = [];
  if (timeMs > 0) parts.push(formatDuration(timeMs));
  if (sizeBytes > 0 && percentage === 0) parts.push(formatSize(sizeBytes));
  if (percentage > 0) parts.push(`${percentage}%`);
  return parts.join(" or ");
}
