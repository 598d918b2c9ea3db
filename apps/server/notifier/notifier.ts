// From alerts of rules to every Alertmanager that the configuration and discovery know.
import type { Registry } from "@narthex/client";
import { Labels } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
import type { Tracer } from "@narthex/tracing";
import type { AlertmanagerConfig, Config } from "../config/types.ts";
import type { TargetGroup } from "../discovery/target-group.ts";
import { Relabeler } from "../relabel/index.ts";
import { withExternalLabels } from "../remote/external-labels.ts";
import { RemoteClient } from "../remote/remote-client.ts";
import type { RequestSigner } from "../remote/signer.ts";
import { canonical } from "../scrape/config-key.ts";
import { AlertQueue } from "./alert-queue.ts";
import { AlertmanagerSet, relabelAlerts } from "./alertmanager-set.ts";
import { NotifierMetrics } from "./notifier-metrics.ts";
import type { OutgoingAlert } from "./outgoing-alert.ts";

export interface NotifierOptions {
  readonly registry: Registry;
  readonly logger: Logger;
  /** Traces requests; nothing is traced unless given. */
  readonly tracer?: Tracer | undefined;
  /** For the User-Agent header. */
  readonly version: string;
  /** Alerts that may wait for one Alertmanager, and alerts of one request. */
  readonly queueCapacity: number;
  readonly batchSize: number;
  /** Whether what waits is still sent when the server stops. */
  readonly drainsOnStop: boolean;
  /** Signs requests for what the configuration asks for; undefined where it asks for nothing. */
  readonly signer?: (config: AlertmanagerConfig) => RequestSigner | undefined;
}

/** One set of Alertmanagers, and the configuration it was made with. */
interface KnownSet {
  readonly key: string;
  readonly managers: AlertmanagerSet;
}

/** Sends each alert to all Alertmanagers of all sets: they agree among themselves who notifies. */
export class Notifier {
  readonly #options: NotifierOptions;
  readonly #metrics: NotifierMetrics;
  #externalLabels: readonly string[] = [];
  #relabeler = new Relabeler([]);
  /** By the name discovery has for them. */
  #sets = new Map<string, KnownSet>();

  constructor(options: NotifierOptions) {
    this.#options = options;
    this.#metrics = new NotifierMetrics(options.registry, options.queueCapacity, () => this.active.length);
  }

  /** URLs of all Alertmanagers that alerts are sent to. */
  get active(): string[] {
    return [...this.#sets.values()].flatMap(({ managers }) => managers.active);
  }

  /** URLs of those that relabeling took away. */
  get dropped(): string[] {
    return [...this.#sets.values()].flatMap(({ managers }) => [...managers.dropped]);
  }

  /** Puts a configuration in force. Sets that are configured as before keep their Alertmanagers and what waits for them. */
  applyConfig({ global, alerting }: Config): void {
    this.#externalLabels = global.externalLabels.pairs;
    this.#relabeler = new Relabeler(alerting.alertRelabelConfigs);
    const before = [...this.#sets.values()];
    const sets = new Map<string, KnownSet>();
    for (const [name, config] of alertmanagerSets(alerting.alertmanagers)) {
      const key = canonical(config);
      const same = before.findIndex((known) => known.key === key);
      const { logger } = this.#options;
      const known =
        same < 0
          ? { key, managers: new AlertmanagerSet(config, (url) => this.#queue(url, config), logger) }
          : (before.splice(same, 1)[0] as KnownSet);
      sets.set(name, known);
    }
    this.#sets = sets;
    for (const { managers } of before) void managers.stop(this.#options.drainsOnStop);
  }

  /** Takes over what discovery found for each set. */
  updateTargets(groups: ReadonlyMap<string, readonly TargetGroup[]>): void {
    for (const [name, found] of groups) this.#sets.get(name)?.managers.sync(found, this.#options.drainsOnStop);
  }

  /** Queues alerts for all Alertmanagers, with external labels where they have none of that name. */
  send(alerts: readonly OutgoingAlert[]): void {
    if (alerts.length === 0 || this.#sets.size === 0) return;
    const external = this.#externalLabels;
    const complete = alerts.map((alert) => ({
      ...alert,
      labels: external.length === 0 ? alert.labels : new Labels(withExternalLabels(alert.labels.pairs, external)),
    }));
    const relabeled = relabelAlerts(complete, this.#relabeler);
    for (const { managers } of this.#sets.values()) managers.send(relabeled);
  }

  /** Resolves when what waits was sent or dropped, as configured. */
  async stop(): Promise<void> {
    const { logger, drainsOnStop } = this.#options;
    logger.info("Stopping notification manager...");
    await Promise.all([...this.#sets.values()].map(({ managers }) => managers.stop(drainsOnStop)));
    this.#sets = new Map();
    logger.info("Notification manager stopped");
  }

  #queue(url: URL, config: AlertmanagerConfig): AlertQueue {
    const { logger, version, queueCapacity, batchSize, signer, tracer } = this.#options;
    return new AlertQueue({
      client: new RemoteClient({ url, http: config.http, headers: new Map(), signer: signer?.(config) }),
      tracer,
      url: url.href,
      timeoutMs: config.timeoutMs,
      capacity: queueCapacity,
      batchSize,
      userAgent: `Prometheus/${version}`,
      metrics: this.#metrics.of(url.href),
      logger: logger.with({ alertmanager: url.href }),
    });
  }
}

/** The sets of a configuration under the names that discovery and metrics use. */
export function alertmanagerSets(configs: readonly AlertmanagerConfig[]): ReadonlyMap<string, AlertmanagerConfig> {
  return new Map(configs.map((config, i) => [`config-${i}`, config]));
}
