// A query that is watched: each element of its result is an alert.
import { Labels, METRIC_NAME } from "@narthex/model";
import type { VectorElement } from "@narthex/promql";
import { execute, parseTemplate, TemplateError, type TemplateFunction } from "@narthex/template";
import type { Logger } from "@narthex/toolkit";
import { type Alert, type AlertState, needsSending, seenAbsent, seenActive } from "./alert.ts";
import type { Rule, RuleContext, RuleHealth, RuleSample } from "./rule.ts";
import { isTemplateFunction, labelMap } from "./template-functions.ts";

const ALERTS = "ALERTS";
const ALERTS_FOR_STATE = "ALERTS_FOR_STATE";
const ALERT_NAME = "alertname";
const ALERT_STATE = "alertstate";

/** So that templates reach labels, external labels, external URL and value by short names. */
const PRELUDE =
  "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}";

export interface AlertingRuleConfig {
  readonly name: string;
  readonly query: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface AlertingEnvironment {
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  /** The template functions for an evaluation at `t`. */
  functions(t: number): ReadonlyMap<string, TemplateFunction>;
  readonly logger: Logger;
  /** Told of each text that was expanded, and whether that failed. */
  readonly onExpansion?: (failed: boolean) => void;
}

export class AlertingRule implements Rule {
  readonly name: string;
  readonly query: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly labels: Labels;
  readonly annotations: Labels;
  health: RuleHealth = "unknown";
  lastError = "";
  evaluationSeconds = 0;
  lastEvaluation = 0;
  /** `ALERTS_FOR_STATE` is not written before the alerts' times were restored from what an earlier run wrote. */
  restored = false;
  readonly #environment: AlertingEnvironment;
  readonly #alerts = new Map<string, Alert>();

  constructor(config: AlertingRuleConfig, environment: AlertingEnvironment) {
    this.name = config.name;
    this.query = config.query;
    this.forMs = config.forMs;
    this.keepFiringForMs = config.keepFiringForMs;
    this.labels = config.labels;
    this.annotations = config.annotations;
    this.#environment = environment;
  }

  get identity(): string {
    return `alert\0${this.name}\0${this.query}\0${this.labels.key}`;
  }

  /** Alerts that are pending or firing, sorted by labels. */
  get activeAlerts(): Alert[] {
    return [...this.#alerts.values()]
      .filter(({ resolvedAt }) => resolvedAt === 0)
      .sort((a, b) => Labels.compare(a.labels, b.labels));
  }

  get state(): AlertState {
    let state: AlertState = "inactive";
    for (const alert of this.#alerts.values()) {
      if (alert.state === "firing") return "firing";
      if (alert.state === "pending") state = "pending";
    }
    return state;
  }

  /** Takes over the alerts of the rule that this one replaces. */
  copyStateFrom(other: AlertingRule): void {
    for (const [key, alert] of other.#alerts) this.#alerts.set(key, alert);
    this.restored = other.restored;
  }

  async evaluate({ evaluate, t, queryOffsetMs, limit }: RuleContext): Promise<readonly RuleSample[]> {
    const elements = await evaluate(this.query, t - queryOffsetMs);
    const current = this.#expandAll(elements, t);
    if (limit > 0 && current.size > limit) {
      this.#alerts.clear();
      throw new Error(`exceeded limit of ${limit} with ${current.size} alerts`);
    }
    for (const [key, { labels, annotations, value }] of current) {
      let alert = this.#alerts.get(key);
      if (alert === undefined || alert.state === "inactive") {
        alert = {
          state: "pending",
          labels,
          annotations,
          value,
          activeAt: t,
          firedAt: 0,
          resolvedAt: 0,
          lastSentAt: 0,
          validUntil: 0,
          keepFiringSince: 0,
        };
        this.#alerts.set(key, alert);
      }
      alert.value = value;
      alert.annotations = annotations;
      seenActive(alert, t, this);
    }
    for (const [key, alert] of this.#alerts) {
      if (!current.has(key) && seenAbsent(alert, t, this)) this.#alerts.delete(key);
    }
    return [...this.#alerts.values()]
      .filter(({ state }) => state !== "inactive")
      .flatMap((alert) => this.#samplesOf(alert));
  }

  /** Alerts that are due, marked as sent; `validMs` is how long one holds unless it is sent again. */
  takeDue(t: number, resendDelayMs: number, validMs: number): Alert[] {
    const due: Alert[] = [];
    for (const alert of this.#alerts.values()) {
      if (!needsSending(alert, t, resendDelayMs)) continue;
      alert.lastSentAt = t;
      alert.validUntil = t + validMs;
      due.push({ ...alert });
    }
    return due;
  }

  /**
   * Restores since when alerts are active: `storedAt(labels)` gives the newest stored activity of an alert and when it was
   * stored. Source: rules specification, "'for' restoration after restart".
   */
  restore(
    now: number,
    graceMs: number,
    storedAt: (labels: Labels) => { activeAt: number; t: number } | undefined,
  ): void {
    this.restored = true;
    if (this.forMs < graceMs) return;
    for (const alert of this.#alerts.values()) {
      const stored = storedAt(alert.labels.with(METRIC_NAME, ALERTS_FOR_STATE));
      if (stored === undefined) continue;
      const remaining = this.forMs - (stored.t - stored.activeAt);
      if (remaining <= 0) alert.activeAt = stored.activeAt;
      else if (remaining < graceMs) alert.activeAt = now + graceMs - this.forMs;
      else alert.activeAt = stored.activeAt + (now - stored.t);
    }
  }

  #samplesOf({ labels, state, activeAt }: Alert): RuleSample[] {
    const samples = [
      { labels: labels.with(METRIC_NAME, ALERTS).with(ALERT_STATE, state), value: 1, histogram: undefined },
    ];
    if (this.restored)
      samples.push({
        labels: labels.with(METRIC_NAME, ALERTS_FOR_STATE),
        value: Math.trunc(activeAt / 1000),
        histogram: undefined,
      });
    return samples;
  }

  #expandAll(
    elements: readonly VectorElement[],
    t: number,
  ): Map<string, { labels: Labels; annotations: Labels; value: number }> {
    const functions = this.#environment.functions(t);
    const current = new Map<string, { labels: Labels; annotations: Labels; value: number }>();
    for (const { labels: found, value } of elements) {
      const data = {
        Labels: labelMap(found),
        ExternalLabels: labelMap(this.#environment.externalLabels),
        ExternalURL: this.#environment.externalUrl,
        Value: value,
      };
      let labels = found.with(METRIC_NAME, "");
      for (const [name, text] of this.labels) labels = labels.with(name, this.#expand(text, data, functions));
      labels = labels.with(ALERT_NAME, this.name);
      if (current.has(labels.key))
        throw new Error("vector contains metrics with the same labelset after applying alert labels");
      const annotations = Labels.fromUnsorted(
        [...this.annotations].map(([name, text]) => [name, this.#expand(text, data, functions)]),
      );
      current.set(labels.key, { labels, annotations, value });
    }
    return current;
  }

  /** What cannot be expanded becomes a text that says so: an alert must fire even with a broken annotation. */
  #expand(text: string, data: unknown, functions: ReadonlyMap<string, TemplateFunction>): string {
    if (!text.includes("{{")) {
      this.#environment.onExpansion?.(false);
      return text;
    }
    try {
      const template = parseTemplate(`__alert_${this.name}`, PRELUDE + text, isTemplateFunction);
      const expanded = execute(template, data, { functions });
      this.#environment.onExpansion?.(false);
      return expanded;
    } catch (error) {
      if (!(error instanceof TemplateError)) throw error;
      this.#environment.onExpansion?.(true);
      this.#environment.logger.warn("Expanding alert template failed", { alert: this.name, err: error });
      return `<error expanding template: error executing template __alert_${this.name}: ${error.message}>`;
    }
  }
}
