// Alerts that are told together: one route, equal values of the labels that it groups by.
import { randomUUID } from "node:crypto";
import type { Labels } from "@narthex/model";
import type { Logger } from "@narthex/toolkit";
import type { Span, Tracer } from "@narthex/tracing";
import { type Alert, compareAlerts, isResolvedAt, toldAlert } from "../alert/alert.ts";
import type { Clock, Timer } from "../clock.ts";
import type { EventSink } from "../event/event.ts";
import { alertGrouped, alertResolved } from "../event/events.ts";
import type { RecordedGroup } from "../event/messages.ts";
import { labelSetText } from "../label/label-set.ts";
import { Moment } from "../moment/moment.ts";
import { CANCELED, DEADLINE, type Flush } from "../notify/delivery.ts";
import type { AlertMark, FlushFindings } from "../notify/pipeline.ts";
import type { Route } from "./route.ts";

/** However short the interval, sending has so long. */
const MIN_TIMEOUT_MS = 10_000;

export interface GroupEnvironment {
  readonly clock: Clock;
  readonly logger: Logger;
  /** Traces flushes; nothing is traced unless given. */
  readonly tracer?: Tracer | undefined;
  readonly events: EventSink;
  /** Sends. Rejects when anything failed: then resolved alerts stay for the next flush. */
  readonly send: (flush: Flush, alerts: readonly Alert[], findings: FlushFindings) => Promise<void>;
  /** Extra time for peers that come first, in milliseconds. */
  readonly waitMs: () => number;
  readonly renderRouteLabels: (group: AggregationGroup, alerts: readonly Alert[]) => ReadonlyMap<string, string>;
}

export class AggregationGroup {
  readonly route: Route;
  readonly labels: Labels;
  readonly key: string;
  readonly #environment: GroupEnvironment;
  readonly #alerts = new Map<string, Alert>();
  readonly #marks = new Map<string, AlertMark>();
  #mutedBy: readonly string[] = [];
  #timer: Timer | undefined;
  #nextFlushMs: number;
  #flushing: AbortController | undefined;
  /** The timer rang while a flush was still under way. */
  #isOverdue = false;
  #isRunning = false;
  #isDestroyed = false;
  readonly #uuid = randomUUID();
  #flushId = 0;
  #routeLabels: ReadonlyMap<string, string> | undefined;
  #sorted: readonly Alert[] | undefined;

  constructor(route: Route, labels: Labels, environment: GroupEnvironment) {
    this.route = route;
    this.labels = labels;
    this.key = `${route.key}:${labelSetText(labels)}`;
    this.#environment = environment;
    this.#nextFlushMs = environment.clock.now() + route.options.groupWaitMs;
  }

  /** Its last alert was told to be over: it takes no more. */
  get isDestroyed(): boolean {
    return this.#isDestroyed;
  }

  get size(): number {
    return this.#alerts.size;
  }

  /** Milliseconds since the epoch. */
  get nextFlushMs(): number {
    return this.#nextFlushMs;
  }

  /** In order; the same list until alerts come or go. */
  sorted(): readonly Alert[] {
    this.#sorted ??= [...this.#alerts.values()].sort(compareAlerts);
    return this.#sorted;
  }

  values(): Iterable<Alert> {
    return this.#alerts.values();
  }

  has(fingerprint: string): boolean {
    return this.#alerts.has(fingerprint);
  }

  /** Undefined for an alert that no flush has seen yet. */
  markOf(fingerprint: string): AlertMark | undefined {
    return this.#marks.get(fingerprint);
  }

  /** Names of the time intervals that muted it at the last flush; empty when none did. */
  get mutedBy(): readonly string[] {
    return this.#mutedBy;
  }

  /** Takes over what muted it before a reload; the next flush finds out anew. */
  stayMuted(names: readonly string[]): void {
    this.#mutedBy = names;
  }

  /** Takes an alert in. Returns false when the group is gone and another one is needed. */
  insert(alert: Alert): boolean {
    if (this.#isDestroyed) return false;
    const isNew = !this.#alerts.has(alert.fingerprint);
    this.#alerts.set(alert.fingerprint, alert);
    if (isNew) this.#environment.events.record(alertGrouped(alert, this.#recorded));
    this.#routeLabels = undefined;
    this.#sorted = undefined;
    return true;
  }

  /** Flushes as soon as it runs: its first alert has waited elsewhere already. */
  hurry(): void {
    this.#nextFlushMs = this.#environment.clock.now();
    if (this.#isRunning) this.#arm();
  }

  /** Starts the timer. */
  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#arm();
  }

  /** Ends timer and sending. */
  stop(): void {
    this.#isRunning = false;
    this.#timer?.cancel();
    this.#flushing?.abort(CANCELED);
  }

  /** The route's labels rendered for what is in the group now. */
  renderedRouteLabels(): ReadonlyMap<string, string> {
    this.#routeLabels ??= this.#environment.renderRouteLabels(this, [...this.#alerts.values()]);
    return this.#routeLabels;
  }

  #arm(): void {
    const { clock } = this.#environment;
    this.#timer?.cancel();
    this.#timer = clock.after(this.#nextFlushMs - clock.now(), () => this.#ring());
  }

  #ring(): void {
    if (this.#flushing !== undefined) {
      this.#isOverdue = true;
      return;
    }
    const nowMs = this.#environment.clock.now();
    // The next flush is one interval after this one began, however long it takes.
    this.#nextFlushMs = nowMs + this.route.options.groupIntervalMs;
    this.#arm();
    void this.#flush(nowMs);
  }

  /** Never rejects. */
  async #flush(nowMs: number): Promise<void> {
    const { clock, logger, send, waitMs } = this.#environment;
    if (this.#alerts.size === 0) return;
    const { options } = this.route;
    const aborter = new AbortController();
    this.#flushing = aborter;
    const timeoutMs = Math.max(options.groupIntervalMs, MIN_TIMEOUT_MS) + waitMs();
    const deadline = clock.after(timeoutMs, () => aborter.abort(DEADLINE));
    const now = Moment.fromMs(nowMs);
    const alerts = [...this.#alerts.values()];
    const resolved = alerts.filter((alert) => isResolvedAt(alert, now));
    const told = alerts.map((alert) => toldAlert(alert, now)).sort(compareAlerts);
    const span = this.#startSpan(told.length);
    try {
      const flush = this.#flushOf(nowMs, aborter.signal, told, span);
      await send(flush, told, {
        mark: (fingerprint, mark) => this.#marks.set(fingerprint, mark),
        mutedBy: (names) => {
          this.#mutedBy = names;
        },
      });
      for (const alert of resolved) this.#environment.events.record(alertResolved(alert, this.#recorded));
      this.#drop(resolved);
    } catch (error) {
      span?.fail(error);
      const attributes = { aggrGroup: this.key, num_alerts: told.length, err: (error as Error).message };
      if (aborter.signal.reason === CANCELED) logger.debug("Notify for alerts failed", attributes);
      else logger.error("Notify for alerts failed", attributes);
    }
    span?.end();
    deadline.cancel();
    this.#flushing = undefined;
    if (this.#isOverdue && this.#isRunning) {
      this.#isOverdue = false;
      this.#ring();
    }
  }

  #startSpan(count: number): Span | undefined {
    const { tracer } = this.#environment;
    if (tracer?.isOn !== true) return undefined;
    const attributes = { "alerting.aggregation_group.key": this.key, "alerting.alerts.count": count };
    return tracer.start("dispatch.AggregationGroup.flush", { attributes });
  }

  #flushOf(nowMs: number, signal: AbortSignal, alerts: readonly Alert[], span: Span | undefined): Flush {
    const { options, id } = this.route;
    return {
      receiver: options.receiver,
      groupKey: this.key,
      groupLabels: this.labels,
      routeLabels: this.#environment.renderRouteLabels(this, alerts),
      routeId: id,
      matchers: this.route.matchers,
      groupUuid: this.#uuid,
      flushId: ++this.#flushId,
      mutedHashes: [],
      nowMs,
      repeatIntervalMs: options.repeatIntervalMs,
      muteTimeIntervals: options.muteTimeIntervals,
      activeTimeIntervals: options.activeTimeIntervals,
      signal,
      span,
    };
  }

  /** As events name it. */
  get #recorded(): RecordedGroup {
    return { key: this.key, labels: this.labels, receiver: this.route.options.receiver };
  }

  /** Takes out what was told to be over, unless it was reported again meanwhile. */
  #drop(resolved: readonly Alert[]): void {
    for (const alert of resolved) {
      if (this.#alerts.get(alert.fingerprint) !== alert) continue;
      this.#alerts.delete(alert.fingerprint);
      this.#marks.delete(alert.fingerprint);
    }
    if (resolved.length > 0) {
      this.#routeLabels = undefined;
      this.#sorted = undefined;
    }
    if (this.#alerts.size > 0) return;
    this.#isDestroyed = true;
    this.stop();
  }
}
