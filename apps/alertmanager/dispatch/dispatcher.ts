// Sorting alerts into groups by the routing tree, and keeping the groups.
import { Labels } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
import type { Tracer } from "@narthex/tracing";
import type { Alert } from "../alert/alert.ts";
import type { AlertListener, AlertStore } from "../alert/alert-store.ts";
import { type Clock, every, type Timer } from "../clock.ts";
import { type EventSink, noEvents } from "../event/event.ts";
import { fingerprintOf } from "../label/fingerprint.ts";
import type { Pipeline } from "../notify/pipeline.ts";
import { templateData } from "../template/data.ts";
import type { TemplateSet } from "../template/template-set.ts";
import { AggregationGroup, type GroupEnvironment } from "./aggregation-group.ts";
import type { DispatchMetrics } from "./dispatch-metrics.ts";
import type { Route } from "./route.ts";

export interface DispatcherOptions {
  readonly route: Route;
  readonly alerts: AlertStore;
  readonly pipeline: Pipeline;
  readonly templates: TemplateSet;
  readonly externalUrl: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Traces flushes; nothing is traced unless given. */
  readonly tracer?: Tracer;
  /** Undefined: nobody takes note. */
  readonly events?: EventSink;
  readonly metrics: DispatchMetrics;
  readonly maintenanceIntervalMs: number;
  /** Milliseconds since the epoch before which nothing is sent. */
  readonly startsAtMs: number;
  readonly waitMs: () => number;
}

export class Dispatcher {
  readonly #options: DispatcherOptions;
  readonly #environment: GroupEnvironment;
  /** By route and then by the fingerprint of the group's labels. */
  readonly #groups = new Map<Route, Map<string, AggregationGroup>>();
  readonly #routes = new WeakMap<Labels, readonly Route[]>();
  readonly #maintenance: Timer;
  readonly #listener: AlertListener = (alert) => this.#dispatch(alert);
  #start: Timer | undefined;
  /** Whether groups are flushed already. */
  #isSending = false;

  /**
   * Has all alerts in their groups when it has been made. Groups that were muted in the dispatcher `before` a reload are so in this
   * one until they are flushed.
   */
  constructor(options: DispatcherOptions, before?: Dispatcher) {
    this.#options = options;
    const { clock, alerts, route, pipeline } = options;
    this.#environment = {
      clock,
      logger: options.logger,
      tracer: options.tracer,
      events: options.events ?? noEvents,
      send: (flush, list, findings) => pipeline.run(flush, list, findings),
      waitMs: options.waitMs,
      renderRouteLabels: (group, list) => this.#renderRouteLabels(group, list),
    };
    for (const node of route.walk()) this.#groups.set(node, new Map());
    options.metrics.groups = () => this.groups();
    options.metrics.setGroups(0);
    alerts.subscribe("dispatcher", this.#listener);
    if (before !== undefined) this.#keepMuted(before);
    this.#maintenance = every(clock, options.maintenanceIntervalMs, () => this.#maintain());
    const delayMs = options.startsAtMs - clock.now();
    if (delayMs > 0) this.#start = clock.after(delayMs, () => this.#beginSending());
    else this.#beginSending();
  }

  get route(): Route {
    return this.#options.route;
  }

  get pipeline(): Pipeline {
    return this.#options.pipeline;
  }

  *groups(): Generator<AggregationGroup> {
    for (const groups of this.#groups.values()) yield* groups.values();
  }

  /** The nodes at which alerts with these labels end; kept with the label set. */
  routesOf(labels: Labels): readonly Route[] {
    let routes = this.#routes.get(labels);
    if (routes === undefined) {
      routes = this.#options.route.match(labels);
      this.#routes.set(labels, routes);
    }
    return routes;
  }

  /** The group of an alert at a route, if there is one. */
  groupOf(labels: Labels, route: Route): AggregationGroup | undefined {
    return this.#groups.get(route)?.get(fingerprintOf(groupLabels(labels, route)));
  }

  /** Ends all timers and sending. */
  close(): void {
    this.#options.alerts.unsubscribe("dispatcher", this.#listener);
    this.#maintenance.cancel();
    this.#start?.cancel();
    for (const group of this.groups()) group.stop();
  }

  #beginSending(): void {
    this.#isSending = true;
    for (const group of this.groups()) group.start();
  }

  #keepMuted(before: Dispatcher): void {
    const nameOf = ({ route, key }: AggregationGroup): string => `${route.id}\u0000${key}`;
    const muted = new Map([...before.groups()].map((group) => [nameOf(group), group.mutedBy]));
    for (const group of this.groups()) group.stayMuted(muted.get(nameOf(group)) ?? []);
  }

  #dispatch(alert: Alert): void {
    const end = this.#options.metrics.startProcessing();
    for (const route of this.routesOf(alert.labels)) this.#group(alert, route);
    end();
  }

  #group(alert: Alert, route: Route): void {
    const { clock, metrics } = this.#options;
    const labels = groupLabels(alert.labels, route);
    const key = fingerprintOf(labels);
    const groups = this.#groups.get(route) as Map<string, AggregationGroup>;
    const known = groups.get(key);
    if (known?.insert(alert) === true) return;
    const group = new AggregationGroup(route, labels, this.#environment);
    group.insert(alert);
    groups.set(key, group);
    metrics.setGroups(this.#count());
    // Others may have told of it long ago: it has waited for its group there.
    if (alert.startsAt.ms + route.options.groupWaitMs < clock.now()) group.hurry();
    if (this.#isSending) group.start();
  }

  #maintain(): void {
    for (const groups of this.#groups.values())
      for (const [key, group] of groups) if (group.isDestroyed) groups.delete(key);
    this.#options.metrics.setGroups(this.#count());
  }

  #count(): number {
    let count = 0;
    for (const groups of this.#groups.values()) count += groups.size;
    return count;
  }

  #renderRouteLabels(group: AggregationGroup, alerts: readonly Alert[]): ReadonlyMap<string, string> {
    const { labels, receiver } = group.route.options;
    const rendered = new Map<string, string>();
    if (labels.size === 0 || alerts.length === 0) return rendered;
    const { templates, externalUrl, clock, logger } = this.#options;
    const nowMs = clock.now();
    const data = templateData({
      receiver,
      groupLabels: group.labels,
      routeLabels: labels,
      reason: "unknown",
      alerts,
      isResolved: ({ endsAt }) => !endsAt.isZero && endsAt.ms <= nowMs,
      externalUrl,
    });
    const render = templates.routeLabelRenderer(labels, data);
    for (const [name, value] of labels) {
      try {
        rendered.set(name, render(name));
      } catch (error) {
        logger.error("failed to render route label", { label: name, value, err: (error as Error).message });
      }
    }
    return rendered;
  }
}

function groupLabels(labels: Labels, { options }: Route): Labels {
  if (options.groupsByAll) return labels;
  return options.groupBy.size === 0 ? Labels.empty : labels.keep(options.groupBy);
}
