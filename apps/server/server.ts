// The server as a whole: what it is made of, and in which order that starts, reloads and stops.
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { Gauge, Registry } from "@narthex/client";
import { Access, goDuration, type Logger } from "@narthex/toolkit";
import { Tracing } from "@narthex/tracing";
import { clearReadCache, Db, type FloatEncoding, IncompatibleEncodingError, type ReplayThread } from "@narthex/tsdb";
import { type RunningAgent, startAgent } from "./agent.ts";
import { ApplySteps } from "./apply-steps.ts";
import { AutoReload } from "./auto-reload.ts";
import { COMPATIBLE_VERSION } from "./build-info.ts";
import { addBuildMetrics } from "./build-metrics.ts";
import { MemoryWatch, type ShedStep } from "./care/memory-watch.ts";
import { SeriesBudget } from "./care/series-budget.ts";
import { configDifference, differenceAttributes } from "./config/difference.ts";
import { glob } from "./config/glob.ts";
import { type Config, loadConfig, loadConfigFile } from "./config/index.ts";
import { alertmanagerSets } from "./notifier/notifier.ts";
import { OtlpReceiver } from "./otlp/otlp-receiver.ts";
import { ActiveQueryLog } from "./query/active-query-log.ts";
import type { EngineSettings, FeatureSwitches } from "./query/engine-settings.ts";
import { QueryService } from "./query/query-service.ts";
import { RemoteReader } from "./remote/fetch/remote-reader.ts";
import { WriteReceiver } from "./remote/receive/write-receiver.ts";
import type { AppendedCounts } from "./remote/write/write-queue.ts";
import { AlertHistory } from "./rules/history/alert-history.ts";
import { loadRuleFiles, type RuleFileOptions, type RuleGroupSource } from "./rules/rule-file.ts";
import { RuleService } from "./rules/rule-service.ts";
import type { Running } from "./running.ts";
import { systemClock } from "./scrape/index.ts";
import { makeSending, type Sending } from "./sending.ts";
import { addServerRoutes } from "./server-routes.ts";
import type { ServerSettings } from "./settings.ts";
import { spanCounter } from "./span-counter.ts";
import { Notifications } from "./web/notifications.ts";
import { WebMetrics } from "./web/web-metrics.ts";
import { WebServer } from "./web/web-server.ts";

/** Heap of one query worker; rows of typed arrays lie outside of it and have a budget of their own in the engine. */
const WORKER_HEAP_MB = 1024;

/** In the data directory; nothing of the reference's is called so. */
const ALERT_HISTORY_FOLDER = "narthex-alert-history";

const STARTING = "Prometheus is starting and replaying the write-ahead log (WAL).";
const RELOAD_FAILED = "Configuration reload has failed.";
const MEMORY_IS_SHORT = "Memory is short: the server sheds load. Its log and narthex_memory_shedding tell which.";
/** Step of the memory watch that takes no samples out of order. */
const LATE_SAMPLES = "late samples";
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
  readonly #write: WriteReceiver;
  readonly #otlp: OtlpReceiver;
  readonly #startTimeMs = Date.now();
  readonly #reload = { successful: true, lastSuccessMs: 0 };
  readonly #reloadGauges: { readonly successful: Gauge; readonly time: Gauge; readonly ready: Gauge };
  #walReplay = { min: 0, max: 0, current: 0 };
  #config: Config;
  /** What a configuration that does not say how floats are encoded stands for: what the start made of it. */
  #startEncoding: FloatEncoding = "xor";
  #ruleGroups: readonly RuleGroupSource[];
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
    ({ config: this.#config, ruleGroups: this.#ruleGroups } = this.#load());
    this.#registry = new Registry({
      onCollectError: (error) => logger.error("Collecting the server's own metrics failed", { err: error as Error }),
    });
    const registers = [this.#registry];
    this.#reloadGauges = {
      successful: new Gauge({
        name: "prometheus_config_last_reload_successful",
        help: "Whether the last configuration reload attempt was successful.",
        registers,
      }),
      time: new Gauge({
        name: "prometheus_config_last_reload_success_timestamp_seconds",
        help: "Timestamp of the last successful configuration reload.",
        registers,
      }),
      ready: new Gauge({
        name: "prometheus_ready",
        help: "Whether Prometheus startup was fully completed and the server is ready for normal operation.",
        registers,
      }),
    };
    this.#noteReload(true);
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
    this.#write = this.#makeWriteReceiver();
    this.#otlp = this.#makeOtlpReceiver();
    addServerRoutes(this.#web, {
      settings,
      registry: this.#registry,
      logger,
      webMetrics: this.#webMetrics,
      notifications: this.#notifications,
      write: this.#write,
      otlp: this.#otlp,
      assets,
      startTimeMs: this.#startTimeMs,
      running: () => this.#running,
      scrape: () => ((this.#running ?? this.#agent) as Sending).scrape,
      config: () => this.#config,
      engineSettings: () => this.#engineSettings(),
      ruleGroups: () => this.#ruleGroups,
      ruleOptions: () => this.#ruleOptions(this.#config),
      reload: () => this.reload(),
      reloadState: () => this.#reload,
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
      this.#running = this.#assemble(await this.#openDb(), await this.#openAlertHistory());
      this.#running.memory.start();
    }
    await this.#apply({ config: this.#config, ruleGroups: this.#ruleGroups }, performance.now()).catch((error) => {
      if (error instanceof ApplyError) throw new Error(this.#partlyApplied(), { cause: error });
      throw error;
    });
    this.#notifications.remove(STARTING);
    this.#web.readiness = "ready";
    this.#reloadGauges.ready.set(1);
    this.#watchFiles();
    this.#logger.info("Server is ready to receive web requests.");
  }

  async #openDb(): Promise<Db> {
    const settings = this.#settings;
    this.#startEncoding = floatEncoding(this.#config, settings.features.has("xor2-encoding") ? "xor2" : "xor");
    const db = await Db.open({
      directory: settings.storagePath,
      logger: this.#logger.with({ component: "tsdb" }),
      registry: this.#registry,
      lockFile: !settings.noLockfile,
      blockRangeMs: settings.minBlockDurationMs,
      maxBlockRangeMs: maxBlockRange(settings, this.#config.storage.tsdb.retention.timeMs),
      ...(settings.maxBlockSegmentBytes > 0 ? { blockSegmentBytes: settings.maxBlockSegmentBytes } : {}),
      retention: this.#config.storage.tsdb.retention,
      mergesOverlaps: settings.mergesOverlappingBlocks,
      ...(settings.uploadedBlocksFile === "" ? {} : { uploadedBlocksFile: settings.uploadedBlocksFile }),
      compactionDelayPercent: settings.features.has("delayed-compaction") ? settings.compactionDelayPercent : 0,
      ...(settings.features.has("exemplar-storage") ? { maxExemplars: maxExemplars(this.#config) } : {}),
      snapshotsChunks: settings.features.has("memory-snapshot-on-shutdown"),
      floatEncoding: this.#startEncoding,
      logsStartTimes: settings.features.has("st-storage"),
      histogramStartTimes: settings.features.has("histograms-st-encoding"),
      walSegmentBytes: settings.walSegmentBytes,
      walCompression: settings.walCompression,
      replayThread: this.#replayThread,
      onReplay: (progress) => {
        this.#walReplay = progress;
      },
    }).catch((error: unknown) => {
      if (!(error instanceof IncompatibleEncodingError)) throw error;
      throw new Error(`opening storage failed: ${error.message}`, { cause: error });
    });
    this.#walReplay = db.replayProgress;
    return db;
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
    this.#reloadGauges.ready.set(0);
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

  /** Undefined without one: alerts go on all the same. */
  async #openAlertHistory(): Promise<AlertHistory | undefined> {
    const { alertHistoryRetentionMs: retentionMs, storagePath } = this.#settings;
    if (retentionMs === 0) return undefined;
    const logger = this.#logger.with({ component: "rule manager" });
    try {
      return await AlertHistory.open({
        directory: join(storagePath, ALERT_HISTORY_FOLDER),
        retentionMs,
        now: Date.now,
        logger,
      });
    } catch (error) {
      logger.error("Opening the history of alerts failed: none is kept", { err: error as Error });
      return undefined;
    }
  }

  #assemble(db: Db, history: AlertHistory | undefined): Running {
    const settings = this.#settings;
    const registry = this.#registry;
    const logger = this.#logger;
    const sending = makeSending({
      settings,
      appendable: db,
      feed: db.log,
      appended: appendedSince(db),
      features: settings.features,
      registry,
      logger,
      tracer: this.#tracing.tracer,
    });
    const reader = new RemoteReader({
      registry,
      version: COMPATIBLE_VERSION,
      // As in the reference, with a margin in which everything comes up.
      localStart: () => (db.blocks[0]?.minTime ?? Date.now()) + 2 * settings.minBlockDurationMs,
      dials: sending.scrape.dials,
    });
    const queries = new QueryService({
      db,
      remote: reader,
      settings: this.#engineSettings(),
      maxConcurrency: settings.queryMaxConcurrency,
      workers: Math.max(2, availableParallelism() - 1),
      workerHeapMb: WORKER_HEAP_MB,
      registry,
      active: new ActiveQueryLog(
        settings.storagePath,
        settings.queryMaxConcurrency,
        logger.with({ component: "query engine" }),
      ),
    });
    const rules = new RuleService({
      db,
      queries,
      registry,
      logger: logger.with({ component: "rule manager" }),
      tracer: this.#tracing.tracer,
      settings,
      history,
      send: (alerts) => sending.notifier.send(alerts),
    });
    this.#budget.guard(db.head);
    const memory = new MemoryWatch({
      limitBytes: settings.memoryLimitBytes,
      steps: this.#shedSteps(db, queries),
      logger,
      registry,
      onChange: (isShedding) =>
        isShedding ? this.#notifications.add(MEMORY_IS_SHORT) : this.#notifications.remove(MEMORY_IS_SHORT),
    });
    return { ...sending, db, queries, rules, reader, memory };
  }

  /** What is given up when memory is short, dearest last. Scraping of known series, rules and small queries always go on. */
  #shedSteps(db: Db, queries: QueryService): readonly ShedStep[] {
    const nothing = (): void => {};
    const dropCaches = (): void => {
      queries.dropCaches();
      clearReadCache();
      this.#write.forget();
      this.#otlp.forget();
    };
    return [
      {
        name: "big queries",
        share: 0.8,
        enter: () => {
          queries.refusesBig = true;
        },
        leave: () => {
          queries.refusesBig = false;
        },
      },
      { name: "caches", share: 0.86, enter: dropCaches, leave: nothing, repeat: dropCaches },
      { name: "running big queries", share: 0.9, enter: () => queries.endBig(), leave: nothing },
      {
        name: "new series",
        share: 0.93,
        enter: () => {
          this.#budget.memoryIsShort = true;
        },
        leave: () => {
          this.#budget.memoryIsShort = false;
        },
      },
      {
        name: LATE_SAMPLES,
        share: 0.96,
        enter: () => db.setOutOfOrderWindow(0),
        leave: () => db.setOutOfOrderWindow(this.#config.storage.tsdb.outOfOrderTimeWindowMs),
      },
    ];
  }

  async #reloadNow(): Promise<void> {
    const started = performance.now();
    const { configFile } = this.#settings;
    this.#logger.info("Loading configuration file", { filename: configFile });
    try {
      await this.#apply(this.#load(), started);
    } catch (error) {
      this.#noteReload(false);
      this.#notifications.add(RELOAD_FAILED);
      const message =
        error instanceof ApplyError
          ? this.#partlyApplied()
          : `couldn't load configuration (--config.file=${JSON.stringify(configFile)}): ${(error as Error).message}`;
      this.#logger.error("Error reloading config", { err: message });
      throw new Error(message, { cause: error });
    }
    this.#noteReload(true);
    this.#notifications.remove(RELOAD_FAILED);
  }

  #partlyApplied(): string {
    const { configFile } = this.#settings;
    return `one or more errors occurred while applying the new configuration (--config.file=${JSON.stringify(configFile)})`;
  }

  /** Part by part, in the reference's order. `started` is when the reload began, for the log. Rejects with an `ApplyError`. */
  async #apply(loaded: Loaded, started: number): Promise<void> {
    const steps = new ApplySteps(this.#logger);
    if (this.#agent === undefined) await this.#applyToServer(loaded, steps);
    else await this.#applyToAgent(this.#agent, loaded, steps);
    if (steps.failed) throw new ApplyError();
    this.#logger.info("Completed loading of configuration file", {
      ...steps.durations,
      filename: this.#settings.configFile,
      totalDuration: goDuration(performance.now() - started),
    });
  }

  async #applyToAgent(agent: RunningAgent, { config }: Loaded, steps: ApplySteps): Promise<void> {
    this.#noteConfig(config);
    await steps.run("db_storage", () => {
      agent.db.outOfOrderWindowMs = config.storage.tsdb.outOfOrderTimeWindowMs;
    });
    await steps.run("remote_storage", () => agent.writer.apply(config));
    await this.#applyJobs(agent, config, steps);
    await steps.run("tracing", () => this.#tracing.apply(config.tracing));
  }

  /** Puts a configuration in the place of the one before, and tells what it changes. */
  #noteConfig(config: Config): void {
    const changes = differenceAttributes(configDifference(this.#config, config));
    if (changes !== undefined) this.#logger.info("The configuration changed", changes);
    this.#config = config;
  }

  async #applyJobs({ scrape, discovery }: Sending, config: Config, steps: ApplySteps): Promise<void> {
    await steps.run("scrape", () => scrape.applyConfig(config));
    await steps.run("scrape_sd", () =>
      discovery.applyConfig(new Map(config.allScrapeConfigs.map((job) => [job.jobName, job.discovery]))),
    );
  }

  async #applyToServer({ config, ruleGroups }: Loaded, steps: ApplySteps): Promise<void> {
    const running = this.#running as Running;
    const { db, queries, rules, memory, reader, writer } = running;
    try {
      // Before anything changes: it may be refused.
      db.setFloatEncoding(floatEncoding(config, this.#startEncoding));
    } catch (error) {
      if (!(error instanceof IncompatibleEncodingError)) throw error;
      this.#logger.error("Failed to apply configuration", { err: error.message });
      throw new ApplyError();
    }
    this.#noteConfig(config);
    this.#ruleGroups = ruleGroups;
    await steps.run("db_storage", () => {
      db.retention = config.storage.tsdb.retention;
      if (this.#settings.features.has("exemplar-storage")) db.setMaxExemplars(maxExemplars(config));
      if (!memory.sheds(LATE_SAMPLES)) db.setOutOfOrderWindow(config.storage.tsdb.outOfOrderTimeWindowMs);
      db.staleSeriesThreshold = config.storage.tsdb.staleSeriesCompactionThreshold;
    });
    await steps.run("remote_storage", () => {
      reader.apply(config);
      writer.apply(config);
    });
    await steps.run("query_engine", () => {
      queries.configure(this.#engineSettings());
      queries.log.open(config.global.queryLogFile);
    });
    await this.#applyJobs(running, config, steps);
    await steps.run("notify", () => running.notifier.applyConfig(config));
    await steps.run("notify_sd", () =>
      running.notifierDiscovery.applyConfig(
        new Map([...alertmanagerSets(config.alerting.alertmanagers)].map(([name, { discovery }]) => [name, discovery])),
      ),
    );
    await steps.run("rules", () => rules.apply(config, ruleGroups));
    await steps.run("tracing", () => this.#tracing.apply(config.tracing));
  }

  #watchFiles(): void {
    const { autoReloadIntervalMs, configFile, configText } = this.#settings;
    if (autoReloadIntervalMs === 0 || configText !== undefined) return;
    this.#autoReload = new AutoReload({
      intervalMs: autoReloadIntervalMs,
      files: () => [configFile, ...[...this.#config.ruleFiles, ...this.#config.scrapeConfigFiles].flatMap(glob)],
      reload: () => this.reload(),
      onError: (err) => this.#logger.error("Failed to generate checksum during configuration reload", { err }),
    });
  }

  /** Reads and checks everything that can be refused, before anything changes. Throws a `ConfigError`. */
  #load(): Loaded {
    const { configFile, configText } = this.#settings;
    const { retentionMs: timeMs, retentionBytes: sizeBytes, features } = this.#settings;
    const defaults = {
      retention: { timeMs, sizeBytes },
      // Start times come with protobuf only.
      protobufFirst: features.has("created-timestamp-zero-ingestion") || features.has("st-storage"),
      extraScrapeMetrics: features.has("extra-scrape-metrics"),
      ...(features.has("exemplar-storage") ? { maxExemplars: DEFAULT_MAX_EXEMPLARS } : {}),
    };
    const options = { logger: this.#logger, defaults, agentMode: this.#settings.agent !== undefined };
    const config =
      configText === undefined ? loadConfigFile(configFile, options) : loadConfig(configText, configFile, options);
    return { config, ruleGroups: loadRuleFiles(config.ruleFiles, this.#ruleOptions(config)) };
  }

  #ruleOptions({ global }: Config): RuleFileOptions {
    const parser = featureSwitches(this.#settings.features);
    return { nameValidationScheme: global.metricNameValidationScheme, parser };
  }

  #noteReload(successful: boolean): void {
    this.#reload.successful = successful;
    this.#reloadGauges.successful.set(successful ? 1 : 0);
    if (!successful) return;
    this.#reload.lastSuccessMs = Date.now();
    this.#reloadGauges.time.set(Date.now() / 1000);
  }

  #engineSettings(): EngineSettings {
    const settings = this.#settings;
    return {
      ...featureSwitches(settings.features),
      lookbackDeltaMs: settings.lookbackDeltaMs,
      maxSamples: settings.queryMaxSamples,
      timeoutMs: settings.queryTimeoutMs,
      defaultSubqueryStepMs: this.#config.global.evaluationIntervalMs,
    };
  }

  #quit(): boolean {
    const stop = this.#stop;
    this.#stop = undefined;
    stop?.();
    return stop !== undefined;
  }

  #makeWriteReceiver(): WriteReceiver {
    const settings = this.#settings;
    return new WriteReceiver({
      enabled: settings.enableRemoteWriteReceiver,
      acceptedMessages: settings.remoteWriteMessages,
      appendable: () => this.#agent?.db ?? (this.#running as Running).db,
      registry: this.#registry,
      logger: this.#logger.with({ component: "remote" }),
      keepsMetadata: settings.features.has("metadata-wal-records"),
      now: Date.now,
    });
  }

  #makeOtlpReceiver(): OtlpReceiver {
    const settings = this.#settings;
    return new OtlpReceiver({
      enabled: settings.enableOtlpReceiver,
      appendable: () => this.#agent?.db ?? (this.#running as Running).db,
      config: () => this.#config.otlp,
      registry: this.#registry,
      logger: this.#logger.with({ component: "web" }),
      keepsMetadata: settings.features.has("metadata-wal-records"),
      typeAndUnitLabels: settings.features.has("type-and-unit-labels"),
      takesDeltas: settings.features.has("otlp-native-delta-ingestion"),
      sumsDeltas: settings.features.has("otlp-deltatocumulative"),
      lookbackDeltaMs: settings.lookbackDeltaMs,
      now: Date.now,
    });
  }
}

/** Counts what is appended from now on, for remote write. */
function appendedSince(db: Db): () => AppendedCounts {
  const { counters, exemplars: kept } = db.head;
  const before = {
    samples: counters.samplesAppended,
    histograms: counters.histogramsAppended,
    exemplars: kept.appended,
  };
  return () => {
    const samples = counters.samplesAppended - before.samples;
    const histograms = counters.histogramsAppended - before.histograms;
    const newest = samples + histograms > 0 ? (db.stats().maxTime ?? 0) : 0;
    return {
      samples,
      histograms,
      exemplars: kept.appended - before.exemplars,
      highestSeconds: Math.floor(newest / 1000),
    };
  };
}

/** A configuration that was read but is in force only in part: the log has told why. */
class ApplyError extends Error {
  override readonly name = "ApplyError";

  constructor() {
    super("parts of the configuration could not be applied");
  }
}

/** A configuration with the rules of the files it names. */
interface Loaded {
  readonly config: Config;
  readonly ruleGroups: readonly RuleGroupSource[];
}

/** Exemplars kept unless configured otherwise. Source: the reference's defaults. */
const DEFAULT_MAX_EXEMPLARS = 100_000;

function maxExemplars(config: Config): number {
  return config.storage.exemplars?.maxExemplars ?? DEFAULT_MAX_EXEMPLARS;
}

/** How new chunks of floats are encoded; the field is "" where it is left out. */
function floatEncoding(config: Config, otherwise: FloatEncoding): FloatEncoding {
  return config.storage.tsdb.floatChunkEncoding || otherwise;
}

const MONTH_MS = 31 * 24 * 60 * 60 * 1000;

/** The largest block's range (milliseconds): a tenth of the retention time, as long as a month at most, unless a flag says it. */
function maxBlockRange(settings: ServerSettings, retentionMs: number): number {
  if (settings.maxBlockDurationMs > 0) return settings.maxBlockDurationMs;
  const share = retentionMs > 0 ? Math.min(MONTH_MS, Math.floor(retentionMs / 10)) : MONTH_MS;
  return Math.max(share, settings.minBlockDurationMs);
}

/** Parts of the query language that `--enable-feature` switches. */
function featureSwitches(features: ReadonlySet<string>): FeatureSwitches {
  return {
    experimentalFunctions: features.has("promql-experimental-functions"),
    extendedRangeSelectors: features.has("promql-extended-range-selectors"),
    fillModifiers: features.has("promql-binop-fill-modifiers"),
    perStepStats: features.has("promql-per-step-stats"),
    delayedNameRemoval: features.has("promql-delayed-name-removal"),
    typeAndUnitLabels: features.has("type-and-unit-labels"),
    useStartTimestamps: features.has("use-start-timestamps"),
  };
}
