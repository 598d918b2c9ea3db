// The Alertmanagers of one entry of the configuration: from what discovery finds to a queue for each.
import { Labels } from "@narthex/model";
import { type Logger, quote } from "@narthex/toolkit";
import type { AlertmanagerConfig } from "../config/types.ts";
import type { TargetGroup } from "../discovery/target-group.ts";
import { LabelBuilder, Relabeler } from "../relabel/index.ts";
import type { AlertQueue } from "./alert-queue.ts";
import type { OutgoingAlert } from "./outgoing-alert.ts";

/** Makes the queue for an Alertmanager with this URL. */
export type QueueFactory = (url: URL, config: AlertmanagerConfig) => AlertQueue;

/** One Alertmanager by its URL is there once, however often it was found. */
export class AlertmanagerSet {
  readonly #config: AlertmanagerConfig;
  readonly #makeQueue: QueueFactory;
  readonly #logger: Logger;
  readonly #targets: Relabeler;
  readonly #alerts: Relabeler;
  readonly #queues = new Map<string, AlertQueue>();
  #dropped: readonly string[] = [];

  constructor(config: AlertmanagerConfig, makeQueue: QueueFactory, logger: Logger) {
    this.#config = config;
    this.#makeQueue = makeQueue;
    this.#logger = logger;
    this.#targets = new Relabeler(config.relabelConfigs);
    this.#alerts = new Relabeler(config.alertRelabelConfigs);
  }

  /** URLs of those that alerts are sent to. */
  get active(): string[] {
    return [...this.#queues.keys()];
  }

  /** URLs of those that relabeling took away. */
  get dropped(): readonly string[] {
    return this.#dropped;
  }

  /** Takes over what discovery found. What waits for an Alertmanager that is gone is dropped or sent, as `drain` says. */
  sync(groups: readonly TargetGroup[], drain: boolean): void {
    const found = new Map<string, URL>();
    const dropped: string[] = [];
    for (const group of groups) {
      try {
        // A group with an Alertmanager that cannot be is left out as a whole, as in the reference.
        const { active, dropped: gone } = this.#resolve(group);
        for (const url of active) found.set(url.href, url);
        dropped.push(...gone);
      } catch (error) {
        this.#logger.error("Creating discovered Alertmanagers failed", { err: error as Error });
      }
    }
    this.#dropped = dropped;
    for (const [href, queue] of this.#queues) {
      if (found.has(href)) continue;
      this.#queues.delete(href);
      void queue.stop(drain);
    }
    for (const [href, url] of found) {
      if (!this.#queues.has(href)) this.#queues.set(href, this.#makeQueue(url, this.#config));
    }
  }

  send(alerts: readonly OutgoingAlert[]): void {
    if (this.#queues.size === 0) return;
    const relabeled = relabelAlerts(alerts, this.#alerts);
    if (relabeled.length === 0) return;
    for (const queue of this.#queues.values()) queue.add(relabeled);
  }

  async stop(drain: boolean): Promise<void> {
    await Promise.all([...this.#queues.values()].map((queue) => queue.stop(drain)));
  }

  #resolve(group: TargetGroup): { active: URL[]; dropped: string[] } {
    const active: URL[] = [];
    const dropped: string[] = [];
    const builder = new LabelBuilder();
    for (const target of group.targets) {
      const labels = new Map(target);
      for (const [name, value] of group.labels) if (!labels.has(name)) labels.set(name, value);
      labels.set("__scheme__", this.#config.scheme);
      labels.set("__alerts_path__", alertsPath(this.#config));
      const discovered = Labels.fromUnsorted(labels);
      builder.reset(discovered);
      if (this.#targets.applyTo(builder)) active.push(managerUrl(builder.labels()));
      else dropped.push(managerUrl(discovered).href);
    }
    return { active, dropped };
  }
}

/** Where alerts are posted, below the configured prefix. */
function alertsPath({ pathPrefix, apiVersion }: AlertmanagerConfig): string {
  const prefix = pathPrefix.split("/").filter((part) => part !== "" && part !== ".");
  return `/${[...prefix, "api", apiVersion, "alerts"].join("/")}`;
}

/** Throws an error for an address that is none. */
function managerUrl(labels: Labels): URL {
  const address = labels.get("__address__");
  if (address === "" || address.includes("/")) throw new Error(`${quote(address)} is not a valid hostname`);
  const url = new URL(`${labels.get("__scheme__")}://${address}`);
  url.pathname = labels.get("__alerts_path__");
  return url;
}

/** Alerts with their labels rewritten, without those that a rule drops. */
export function relabelAlerts(alerts: readonly OutgoingAlert[], relabeler: Relabeler): readonly OutgoingAlert[] {
  if (relabeler.isEmpty) return alerts;
  return alerts.flatMap((alert) => {
    const labels = relabeler.apply(alert.labels);
    return labels === undefined || labels.size === 0 ? [] : [{ ...alert, labels }];
  });
}
