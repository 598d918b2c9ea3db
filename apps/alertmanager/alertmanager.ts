// The program: its parts, how they are started, reloaded and stopped.
import { hostname } from "node:os";
import { join } from "node:path";
import { Registry } from "@narthex/client";
import { Access, type Logger, parseListenAddress } from "@narthex/toolkit";
import { Tracing } from "@narthex/tracing";
import { AlertStore } from "./alert/alert-store.ts";
import { AlertMetrics } from "./api/v2/alert-metrics.ts";
import type { ApiContext } from "./api/v2/api-context.ts";
import { COMPATIBLE_VERSION, VERSION_INFO } from "./build-info.ts";
import { type Clock, every, type Timer } from "./clock.ts";
import { gossipPeerOf } from "./cluster/from-flags.ts";
import type { GossipPeer } from "./cluster/gossip-peer.ts";
import { lonePeer, type Peer } from "./cluster/peer.ts";
import type { EventRecorderConfig } from "./config/event-recorder.ts";
import { exporterConfig } from "./config/exporter-config.ts";
import { loadConfigFile } from "./config/load.ts";
import type { TracingConfig } from "./config/tracing.ts";
import { Configured, type Lasting, Prepared } from "./configured.ts";
import { DispatchMetrics } from "./dispatch/dispatch-metrics.ts";
import { type EventSink, noEvents } from "./event/event.ts";
import { EventRecorder } from "./event/event-recorder.ts";
import { alertCreated, shutDown, startedUp } from "./event/events.ts";
import { type Features, matcherMode } from "./features.ts";
import type { AlertmanagerFlags } from "./flags/flags.ts";
import { MatcherGrammar } from "./matcher/matcher-grammar.ts";
import { NotificationLog } from "./nflog/notification-log.ts";
import { NotifyMetrics } from "./notify/notify-metrics.ts";
import { ProgramMetrics } from "./program-metrics.ts";
import { NotificationRecords } from "./record/notification-records.ts";
import { RecurringSilences } from "./silence/recurring-silences.ts";
import { SilenceMetrics } from "./silence/silence-metrics.ts";
import { Silencer } from "./silence/silencer.ts";
import { Silences } from "./silence/silences.ts";
import { spanCounter } from "./span-counter.ts";
import type { LoadedState } from "./state/state-file.ts";
import { webAddress } from "./web/external-url.ts";
import { addPages } from "./web/pages.ts";
import { WebMetrics } from "./web/web-metrics.ts";
import { USUAL_PORT, WebServer } from "./web/web-server.ts";

export interface AlertmanagerOptions {
  readonly flags: AlertmanagerFlags;
  readonly features: Features;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly peer?: Peer;
  /** Folder of the built page. */
  readonly assets?: string | undefined;
}

export class Alertmanager {
  readonly registry: Registry = new Registry();
  readonly alerts: AlertStore;
  readonly silences: Silences;
  readonly log: NotificationLog;
  readonly #options: AlertmanagerOptions;
  readonly #grammar: MatcherGrammar;
  readonly #metrics: ProgramMetrics;
  readonly #peer: Peer;
  readonly #cluster: GossipPeer | undefined;
  readonly #recurring: RecurringSilences;
  readonly #silencer: Silencer;
  readonly #tracing: Tracing;
  readonly #web: WebServer;
  readonly #webMetrics: WebMetrics;
  /** Undefined without its feature flag. */
  readonly #recorder: EventRecorder | undefined;
  readonly #timers: Timer[] = [];
  #lasting: Lasting | undefined;
  #configured: Configured | undefined;

  /** Reads the web configuration; throws a `WebConfigError` when it cannot be used, and an `Error` for addresses of a cluster. */
  constructor(options: AlertmanagerOptions) {
    const { flags, features, logger, clock } = options;
    const { registry } = this;
    this.#options = options;
    this.#cluster = options.peer === undefined ? gossipPeerOf(flags, { clock, logger, registry }) : undefined;
    this.#peer = options.peer ?? this.#cluster ?? lonePeer;
    this.#grammar = new MatcherGrammar(matcherMode(features), logger);
    this.#metrics = new ProgramMetrics(registry, {
      namesAlerts: features.has("alert-names-in-metrics"),
      perAlertnameLimit: flags.perAlertnameLimit,
      isClustered: this.#cluster !== undefined,
    });
    if (features.has("event-recorder"))
      this.#recorder = new EventRecorder({
        clock,
        logger: logger.with({ component: "eventrecorder" }),
        registry,
        instance: hostname(),
        clusterPosition: () => this.#peer.position,
      });
    const events: EventSink = this.#recorder ?? noEvents;
    this.alerts = new AlertStore({
      clock,
      gcIntervalMs: flags.alertGcIntervalMs,
      perNameLimit: flags.perAlertnameLimit,
      onLimited: (alert) => this.#metrics.limited(alert),
      onCreated: (alert) => events.record(alertCreated(alert)),
      onHandedOver: (subscriber) => this.#metrics.handedOver(subscriber),
    });
    this.silences = new Silences({
      file: join(flags.storagePath, "silences"),
      retentionMs: flags.retentionMs,
      maxSilences: flags.maxSilences,
      maxBytes: flags.maxSilenceBytes,
      logsChanges: flags.logSilences,
      clock,
      grammar: this.#grammar,
      peer: this.#peer,
      logger: logger.with({ component: "silences" }),
      metrics: new SilenceMetrics(registry, () => this.silences),
      events,
    });
    this.log = new NotificationLog({
      file: join(flags.storagePath, "nflog"),
      retentionMs: flags.retentionMs,
      clock,
      peer: this.#peer,
      logger: logger.with({ component: "nflog" }),
      registry,
    });
    this.#cluster?.addState("sil", this.silences);
    this.#cluster?.addState("nfl", this.log);
    this.#recurring = new RecurringSilences({
      file: join(flags.storagePath, "recurring-silences.json"),
      silences: this.silences,
      clock,
      grammar: this.#grammar,
      logger,
    });
    this.#silencer = new Silencer(this.silences, clock);
    this.#webMetrics = new WebMetrics(registry);
    const port = parseListenAddress(flags.listenAddresses[0] ?? `:${USUAL_PORT}`, USUAL_PORT).port;
    this.#tracing = new Tracing({
      service: "alertmanager",
      version: COMPATIBLE_VERSION,
      logger: logger.with({ component: "tracing" }),
      onOutcome: spanCounter(registry),
    });
    this.#web = new WebServer({
      listenAddresses: flags.listenAddresses,
      routePrefix: webAddress(flags.externalUrl, flags.routePrefix, port).routePrefix,
      getConcurrency: flags.getConcurrency,
      timeoutMs: flags.webTimeoutMs,
      systemdSocket: flags.systemdSocket,
      access: new Access(flags.webConfigFile, logger),
      logger,
      metrics: this.#webMetrics,
      tracer: this.#tracing.tracer,
    });
  }

  /** Ports that are open. */
  get ports(): readonly number[] {
    return this.#web.ports;
  }

  /** Loads state and configuration, opens the ports. Rejects when one of these fails; then `stop` is still due. */
  async start(): Promise<void> {
    const { flags, features, logger, clock } = this.#options;
    const startedAt = new Date(clock.now());
    this.#report("silences", await this.silences.load());
    this.#report("nflog", await this.log.load());
    await this.#cluster?.start();
    const port = parseListenAddress(flags.listenAddresses[0] ?? `:${USUAL_PORT}`, USUAL_PORT).port;
    const { externalUrl } = webAddress(flags.externalUrl, flags.routePrefix, port);
    const records = new NotificationRecords(clock);
    const waitMs = (): number => this.#peer.position * flags.clusterPeerTimeoutMs;
    const lasting: Lasting = {
      alerts: this.alerts,
      silencer: this.#silencer,
      peer: this.#peer,
      metrics: new NotifyMetrics(this.registry, features.has("receiver-name-in-metrics")),
      dispatchMetrics: new DispatchMetrics(this.registry, features.has("group-key-in-metrics"), clock),
      log: this.log,
      records,
      events: this.#recorder ?? noEvents,
      externalUrl,
      clock,
      logger,
      tracer: this.#tracing.tracer,
      maintenanceIntervalMs: flags.dispatchMaintenanceIntervalMs,
      startsAtMs: startedAt.getTime() + flags.dispatchStartDelayMs,
      waitMs,
      retentionMs: flags.retentionMs,
    };
    this.#lasting = lasting;
    this.reload();
    this.#recorder?.record(startedUp(VERSION_INFO));
    await this.#recurring.start();
    const context: ApiContext = {
      clock,
      alerts: this.alerts,
      silences: this.silences,
      recurring: this.#recurring,
      silencer: this.#silencer,
      log: this.log,
      records,
      peer: this.#peer,
      grammar: this.#grammar,
      metrics: new AlertMetrics(this.registry),
      logger,
      externalUrl,
      startedAt,
      state: () => this.#configured as Configured,
    };
    addPages(this.#web, {
      context,
      webMetrics: this.#webMetrics,
      assets: this.#options.assets,
      reload: () => this.reload(),
      scrape: (accept) => this.#metrics.scraped(() => this.registry.expose(accept)),
    });
    this.#maintain("silences", () => this.silences.maintain());
    this.#maintain("nflog", () => this.log.maintain());
    await this.#web.listen();
  }

  /** Puts the configuration file in force as it is now. Throws, and stays as it was, when it cannot be used. */
  reload(): void {
    const { flags, logger, clock } = this.#options;
    const lasting = this.#lasting as Lasting;
    const file = flags.configFile;
    logger.info("Loading configuration file", { file });
    let prepared: Prepared;
    try {
      prepared = new Prepared(loadConfigFile(file, this.#grammar), lasting);
    } catch (error) {
      this.#metrics.loadFailed();
      logger.error("Loading configuration file failed", { file, err: (error as Error).message });
      throw error;
    }
    const { config } = prepared;
    this.#applyEvents(config.eventRecorder);
    const before = this.#configured;
    before?.close();
    this.#configured = new Configured(prepared, lasting, before);
    this.#trace(config.tracing);
    this.#metrics.loaded(config.source, clock.now(), this.#configured.counts);
    logger.info("Completed loading of configuration file", { file });
  }

  /** Ends sending and listening, and writes what is to outlive the process. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await this.#web.close();
    this.#recurring.stop();
    this.#configured?.close();
    this.alerts.close();
    await this.#peer.close();
    await this.silences.close();
    await this.log.close();
    await this.#tracing.stop();
    this.#metrics.close();
    // Last: outputs may take their time, and nothing else is to wait for them.
    this.#recorder?.record(shutDown);
    await this.#recorder?.close();
  }

  #applyEvents(config: EventRecorderConfig | undefined): void {
    const { logger } = this.#options;
    if (this.#recorder === undefined) {
      if (config !== undefined)
        logger.warn("event_recorder is configured, but nothing is recorded without --enable-feature=event-recorder");
      return;
    }
    if (config !== undefined && config.kafkaOutputs.length > 0)
      logger.warn("kafka_outputs of event_recorder are not supported: nothing is sent to Kafka, other outputs work");
    this.#recorder.apply(config);
  }

  /** Never throws: notifications must not depend on it. */
  #trace(config: TracingConfig | undefined): void {
    try {
      this.#tracing.apply(config === undefined ? undefined : exporterConfig(config));
    } catch (error) {
      this.#options.logger.error("Tracing cannot be set up as configured and stays as it was", {
        err: (error as Error).message,
      });
    }
  }

  #maintain(component: string, run: () => Promise<void>): void {
    const { flags, clock, logger } = this.#options;
    if (flags.maintenanceIntervalMs <= 0) return;
    this.#timers.push(
      every(clock, flags.maintenanceIntervalMs, () => {
        run().catch((error: Error) => {
          logger.error("Running maintenance failed", { component, err: error.message });
        });
      }),
    );
  }

  #report(component: string, { records, damagedBytes, setAside }: LoadedState): void {
    const { logger } = this.#options;
    if (damagedBytes > 0)
      logger.error("The state file is damaged: what follows its last sound record was set aside", {
        component,
        records,
        damagedBytes,
        file: setAside ?? "",
      });
    else logger.debug("Loaded state", { component, records });
  }
}
