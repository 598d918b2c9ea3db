// All alerts that are known, by fingerprint, and those who want to hear of every change.
import type { Clock, Timer } from "../clock.ts";
import { every } from "../clock.ts";
import { Moment } from "../moment/moment.ts";
import { type Alert, isResolvedAt, mergeAlerts, overlaps } from "./alert.ts";
import { AlertLimit } from "./alert-limit.ts";

export interface AlertStoreOptions {
  readonly clock: Clock;
  readonly gcIntervalMs: number;
  /** 0 or less: no limit. */
  readonly perNameLimit: number;
  /** Told of each alert that the limit keeps out. */
  readonly onLimited?: (alert: Alert) => void;
  /** Told of each alert that was not known, before listeners are. */
  readonly onCreated?: (alert: Alert) => void;
  /** Told of each alert handed to a listener, with the listener's name. */
  readonly onHandedOver?: (listener: string) => void;
}

export type AlertListener = (alert: Alert) => void;

/** Alerts live here until they are over and the next collection comes by; groups keep theirs for themselves. */
export class AlertStore {
  readonly #options: AlertStoreOptions;
  readonly #alerts = new Map<string, Alert>();
  readonly #limit: AlertLimit;
  readonly #listeners = new Map<string, AlertListener>();
  readonly #timer: Timer;
  #sorted: readonly string[] | undefined;

  constructor(options: AlertStoreOptions) {
    this.#options = options;
    this.#limit = new AlertLimit(options.perNameLimit);
    this.#timer = every(options.clock, options.gcIntervalMs, () => this.collect());
  }

  get size(): number {
    return this.#alerts.size;
  }

  get(fingerprint: string): Alert | undefined {
    return this.#alerts.get(fingerprint);
  }

  /** In order; the same list until alerts come or go. */
  sortedFingerprints(): readonly string[] {
    this.#sorted ??= [...this.#alerts.keys()].sort();
    return this.#sorted;
  }

  values(): Iterable<Alert> {
    return this.#alerts.values();
  }

  /** Takes reports in, each merged with what is known of its alert, and hands them to all listeners at once. */
  put(alerts: readonly Alert[]): void {
    const nowMs = this.#options.clock.now();
    const now = Moment.fromMs(nowMs);
    for (const reported of alerts) {
      const old = this.#alerts.get(reported.fingerprint);
      const alert = old !== undefined && overlaps(old, reported) ? mergeAlerts(old, reported, now) : reported;
      if (!this.#limit.admit(alert, nowMs)) {
        this.#options.onLimited?.(alert);
        continue;
      }
      this.#alerts.set(alert.fingerprint, alert);
      if (old === undefined) {
        this.#sorted = undefined;
        this.#options.onCreated?.(alert);
      }
      for (const [name, listener] of this.#listeners) {
        listener(alert);
        this.#options.onHandedOver?.(name);
      }
    }
  }

  /** Calls `listener` for every alert there is, and from then on for every change. */
  subscribe(name: string, listener: AlertListener): void {
    for (const alert of this.#alerts.values()) listener(alert);
    this.#listeners.set(name, listener);
  }

  unsubscribe(name: string, listener: AlertListener): void {
    if (this.#listeners.get(name) === listener) this.#listeners.delete(name);
  }

  /** Drops alerts that are over. */
  collect(): void {
    const nowMs = this.#options.clock.now();
    const now = Moment.fromMs(nowMs);
    this.#limit.collect(nowMs);
    const before = this.#alerts.size;
    for (const [fingerprint, alert] of this.#alerts) if (isResolvedAt(alert, now)) this.#alerts.delete(fingerprint);
    if (this.#alerts.size < before) this.#sorted = undefined;
  }

  close(): void {
    this.#timer.cancel();
    this.#listeners.clear();
  }
}
