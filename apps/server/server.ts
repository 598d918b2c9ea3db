// The server as a whole: what it is made of, and in which order that starts, reloads and stops.
import { Gauge, Registry } from "@narthex/client";
import { Access, goDuration, type Logger } from "@narthex/toolkit";
import { Tracing } from "@narthex/tracing";
import { type FloatEncoding, IncompatibleEncodingError, type ReplayThread } from "@narthex/tsdb";
import { type RunningAgent, startAgent } from "./agent.ts";
import { applyToAgent, applyToServer } from "./apply-config.ts";
import { ApplyError, ApplySteps } from "./apply-steps.ts";
import { assemble } from "./assemble.ts";
import { AutoReload } from "./auto-reload.ts";
import { COMPATIBLE_VERSION } from "./build-info.ts";
import { addBuildMetrics } from "./build-metrics.ts";
import { SeriesBudget } from "./care/series-budget.ts";
import { configDifference, differenceAttributes } from "./config/difference.ts";
import { glob } from "./config/glob.ts";
import type { Config } from "./config/index.ts";
import { engineSettings, type LoadedConfig, loadAll, ruleOptions } from "./loaded-config.ts";
import { floatEncoding, openDb, startEncoding } from "./open-db.ts";
import { makeReceivers, type Receivers } from "./receivers.ts";
import { ReloadState } from "./reload-state.ts";
import type { Running } from "./running.ts";
import { systemClock } from "./scrape/index.ts";
import type { Sending } from "./sending.ts";
import { addServerRoutes } from "./server-routes.ts";
import type { ServerSettings } from "./settings.ts";
import { spanCounter } from "./span-counter.ts";
import { Notifications } from "./web/notifications.ts";
import { WebMetrics } from "./web/web-metrics.ts";
import { WebServer } from "./web/web-server.ts";

const STARTING = "Prometheus is starting and replaying the write-ahead log (WAL).";
const RELOAD_FAILED = "Configuration reload has failed.";
const MEMORY_IS_SHORT = "Memory is short: the server sheds load. Its log and narthex_memory_shedding tell which.";
const STOPPING = "Prometheus is shutting down and gracefully stopping all operations.";

export interface ServerOptions {
  readonly settings: ServerSettings;
  readonly logger: Logger;
  /** Folder of the built web page; without it there is no page. */
  readonly assets: string | undefined;
  /** Started already, where a long log waits to be replayed. */
  readonly replayThread?: ReplayThread | undefined;
}

export class Server {
  readonly #settings: ServerSettings;
  readonly #replayThread: ReplayThread | undefined;
  readonly #logger: Logger;
  readonly #registry: Registry;
  readonly #endMetrics: () => void;
  readonly #web: WebServer;
  readonly #notifications: Notifications;
  readonly #webMetrics: WebMetrics;
  readonly #tracing: Tracing;
  readonly #budget: SeriesBudget;
  readonly #receivers: Receivers;
  readonly #startTimeMs = Date.now();
  readonly #reloads: ReloadState;
  readonly #ready: Gauge;
  #walReplay = { min: 0, max: 0, current: 0 };
  /** In force, or about to be; after a part that failed, in force but for that. */
  #loaded: LoadedConfig;
  /** What a configuration that does not say how floats are encoded stands for: what the start made of it. */
  #startEncoding: FloatEncoding = "xor";
  #running: Running | undefined;
  /** In agent mode, in place of `#running`. */
  #agent: RunningAgent | undefined;
  #stop: (() => void) | undefined;
  #autoReload: AutoReload | undefined;
  /** Reloads run one after the other. */
  #reloading: Promise<void> = Promise.resolve();

  /** Loads the configuration. Throws a `ConfigError`; then nothing was started. */
  constructor({ settings, logger, assets, replayThread }: ServerOptions) {
    this.#settings = settings;
    this.#replayThread = replayThread;
    this.#logger = logger;
    this.#loaded = loadAll(settings, logger);
    this.#registry = new Registry({
      onCollectError: (error) => logger.error("Collecting the server's own metrics failed", { err: error as Error }),
    });
    this.#reloads = new ReloadState(this.#registry);
    this.#reloads.note(true);
    this.#ready = new Gauge({
      name: "prometheus_ready",
      help: "Whether Prometheus startup was fully completed and the server is ready for normal operation.",
      registers: [this.#registry],
    });
    this.#endMetrics = addBuildMetrics(this.#registry);
    this.#webMetrics = new WebMetrics(this.#registry);
    this.#notifications = new Notifications(settings.maxNotificationSubscribers, this.#registry);
    this.#tracing = new Tracing({
      service: "prometheus",
      version: COMPATIBLE_VERSION,
      clock: systemClock,
      logger: logger.with({ component: "tracing" }),
      onOutcome: spanCounter(this.#registry),
    });
    this.#web = new WebServer({
      listenAddresses: settings.listenAddresses,
      routePrefix: settings.routePrefix,
      corsOrigin: settings.corsOrigin,
      readTimeoutMs: settings.readTimeoutMs,
      maxConnections: settings.maxConnections,
      access: new Access(settings.webConfigFile, logger.with({ component: "web" })),
      logger: logger.with({ component: "web" }),
      metrics: this.#webMetrics,
      tracer: this.#tracing.tracer,
    });
    this.#budget = new SeriesBudget(settings.budget, this.#registry);
    this.#receivers = makeReceivers({
      settings,
      registry: this.#registry,
      logger,
      appendable: () => this.#agent?.db ?? (this.#running as Running).db,
      config: () => this.#loaded.config,
    });
    addServerRoutes(this.#web, {
      settings,
      registry: this.#registry,
      logger,
      webMetrics: this.#webMetrics,
      notifications: this.#notifications,
      ...this.#receivers,
      assets,
      startTimeMs: this.#startTimeMs,
      running: () => this.#running,
      scrape: () => ((this.#running ?? this.#agent) as Sending).scrape,
      config: () => this.#loaded.config,
      engineSettings: () => engineSettings(settings, this.#loaded.config),
      ruleGroups: () => this.#loaded.ruleGroups,
      ruleOptions: () => ruleOptions(settings, this.#loaded.config),
      reload: () => this.reload(),
      reloadState: () => this.#reloads,
      walReplay: () => this.#walReplay,
      quit: () => this.#quit(),
    });
  }

  get registry(): Registry {
    return this.#registry;
  }

  get ports(): readonly number[] {
    return this.#web.ports;
  }

  /** Whether the listeners speak TLS. */
  get isSecure(): boolean {
    return this.#web.isSecure;
  }

  /** Opens listeners and storage, and begins to scrape. Rejects with one clear sentence. */
  async start(): Promise<void> {
    const settings = this.#settings;
    this.#notifications.add(STARTING);
    await this.#web.listen();
    if (settings.agent !== undefined) {
      this.#agent = await startAgent(settings, this.#registry, this.#logger, this.#tracing.tracer);
    } else {
      this.#running = await this.#openStorage();
      this.#running.memory.start();
    }
    await this.#apply(this.#loaded, performance.now()).catch((error) => {
      if (error instanceof ApplyError) throw new Error(this.#partlyApplied(), { cause: error });
      throw error;
    });
    this.#notifications.remove(STARTING);
    this.#web.readiness = "ready";
    this.#ready.set(1);
    this.#watchFiles();
    this.#logger.info("Server is ready to receive web requests.");
  }

  async #openStorage(): Promise<Running> {
    const settings = this.#settings;
    const registry = this.#registry;
    const logger = this.#logger;
    this.#startEncoding = startEncoding(this.#loaded.config, settings);
    const db = await openDb({
      settings,
      config: this.#loaded.config,
      floatEncoding: this.#startEncoding,
      logger,
      registry,
      replayThread: this.#replayThread,
      onReplay: (progress) => {
        this.#walReplay = progress;
      },
    });
    this.#walReplay = db.replayProgress;
    return assemble(db, {
      settings,
      config: () => this.#loaded.config,
      registry,
      logger,
      tracer: this.#tracing.tracer,
      budget: this.#budget,
      receivers: this.#receivers,
      onShed: (isShedding) =>
        isShedding ? this.#notifications.add(MEMORY_IS_SHORT) : this.#notifications.remove(MEMORY_IS_SHORT),
    });
  }

  /** Reads the configuration again and puts it in force. Rejects with the reason; then what ran before goes on. */
  reload(): Promise<void> {
    const run = this.#reloading.then(() => this.#reloadNow());
    this.#reloading = run.catch(() => {});
    return run;
  }

  /** Stops in the reference's order: discovery, rules, scrapes, queries, storage, web, notifier. */
  async stop(): Promise<void> {
    this.#notifications.add(STOPPING);
    this.#web.readiness = "stopping";
    this.#autoReload?.stop();
    this.#ready.set(0);
    const running = this.#running;
    this.#running = undefined;
    if (running !== undefined) {
      running.memory.stop();
      running.discovery.stop();
      running.notifierDiscovery.stop();
      await running.rules.stop();
      running.scrape.stop();
      await running.writer.stop();
      await running.queries.close();
      running.reader.close();
      await running.db.close();
    }
    await this.#agent?.stop();
    this.#agent = undefined;
    await this.#web.close();
    // Last, as in the reference: the rules' last alerts may still wait.
    await running?.notifier.stop();
    await this.#tracing.stop();
    this.#endMetrics();
    this.#logger.info("See you next time!");
  }

  /** Resolves when somebody asked the server to stop over HTTP. */
  untilQuit(): Promise<void> {
    return new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  async #reloadNow(): Promise<void> {
    const started = performance.now();
    const { configFile } = this.#settings;
    this.#logger.info("Loading configuration file", { filename: configFile });
    try {
      await this.#apply(loadAll(this.#settings, this.#logger), started);
    } catch (error) {
      this.#reloads.note(false);
      this.#notifications.add(RELOAD_FAILED);
      const message =
        error instanceof ApplyError
          ? this.#partlyApplied()
          : `couldn't load configuration (--config.file=${JSON.stringify(configFile)}): ${(error as Error).message}`;
      this.#logger.error("Error reloading config", { err: message });
      throw new Error(message, { cause: error });
    }
    this.#reloads.note(true);
    this.#notifications.remove(RELOAD_FAILED);
  }

  #partlyApplied(): string {
    const { configFile } = this.#settings;
    return `one or more errors occurred while applying the new configuration (--config.file=${JSON.stringify(configFile)})`;
  }

  /** `started` is when the reload began, for the log. Rejects with an `ApplyError`. */
  async #apply(loaded: LoadedConfig, started: number): Promise<void> {
    const steps = new ApplySteps(this.#logger);
    if (this.#agent === undefined) {
      this.#refuseEncoding(loaded.config);
      this.#note(loaded);
      await applyToServer(this.#running as Running, loaded, this.#settings, this.#tracing, steps);
    } else {
      this.#note(loaded);
      await applyToAgent(this.#agent, loaded.config, this.#tracing, steps);
    }
    if (steps.failed) throw new ApplyError();
    this.#logger.info("Completed loading of configuration file", {
      ...steps.durations,
      filename: this.#settings.configFile,
      totalDuration: goDuration(performance.now() - started),
    });
  }

  /** The one part that can refuse a configuration that was read: it comes before anything changes. */
  #refuseEncoding(config: Config): void {
    try {
      (this.#running as Running).db.setFloatEncoding(floatEncoding(config, this.#startEncoding));
    } catch (error) {
      if (!(error instanceof IncompatibleEncodingError)) throw error;
      this.#logger.error("Failed to apply configuration", { err: error.message });
      throw new ApplyError();
    }
  }

  /** Puts a configuration in the place of the one before, and tells what it changes. */
  #note(loaded: LoadedConfig): void {
    const changes = differenceAttributes(configDifference(this.#loaded.config, loaded.config));
    if (changes !== undefined) this.#logger.info("The configuration changed", changes);
    this.#loaded = loaded;
  }

  #watchFiles(): void {
    const { autoReloadIntervalMs, configFile, configText } = this.#settings;
    if (autoReloadIntervalMs === 0 || configText !== undefined) return;
    this.#autoReload = new AutoReload({
      intervalMs: autoReloadIntervalMs,
      files: () => {
        const { ruleFiles, scrapeConfigFiles } = this.#loaded.config;
        return [configFile, ...[...ruleFiles, ...scrapeConfigFiles].flatMap(glob)];
      },
      reload: () => this.reload(),
      onError: (err) => this.#logger.error("Failed to generate checksum during configuration reload", { err }),
    });
  }

  #quit(): boolean {
    const stop = this.#stop;
    this.#stop = undefined;
    stop?.();
    return stop !== undefined;
  }
}
