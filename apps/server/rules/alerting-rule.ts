// A query that is watched: each element of its result is an alert.
import { Labels, METRIC_NAME } from "@narthex/model";
import type { VectorElement } from "@narthex/promql";
import type { Logger } from "@narthex/toolkit";
import { type Alert, type AlertState, needsSending, newAlert, seenAbsent, seenActive } from "./alert.ts";
import { AlertExpansion, AlertText, type TemplateSurroundings } from "./alert-template.ts";
import type { Evaluate, Rule, RuleContext, RuleHealth, RuleSample } from "./rule.ts";

export const ALERTS = "ALERTS";
export const ALERTS_FOR_STATE = "ALERTS_FOR_STATE";
export const ALERT_NAME = "alertname";
const ALERT_STATE = "alertstate";

/** How long alerts are made from a result in one go; between two such turns others may run. */
const TURN_MS = 5;

export interface AlertingRuleConfig {
  readonly name: string;
  readonly query: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly labels: Labels;
  readonly annotations: Labels;
}

/** A step in an alert's life, as it is told to who keeps account of them. */
export interface AlertTransition {
  /** Milliseconds: the evaluation's time. */
  readonly t: number;
  /** "resolved" after firing, "inactive" after pending alone. */
  readonly state: "pending" | "firing" | "resolved" | "inactive";
  readonly rule: AlertingRule;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly value: number;
  /** Since when its condition holds. */
  readonly activeAt: number;
}

export interface AlertingEnvironment extends TemplateSurroundings {
  readonly logger: Logger;
  /** Told of each text that was expanded, and whether that failed. */
  readonly onExpansion?: (failed: boolean) => void;
  readonly onTransition?: (transition: AlertTransition) => void;
}

/** What texts without templates are made from. */
const NO_DATA = {};

interface Found {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly value: number;
}

export class AlertingRule implements Rule {
  readonly kind = "alert";
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
  /** No series are written before the alerts' times were restored from what an earlier run wrote. */
  restored = false;
  readonly #environment: AlertingEnvironment;
  readonly #labelTexts: readonly (readonly [string, AlertText])[];
  readonly #annotationTexts: readonly (readonly [string, AlertText])[];
  readonly #isPlain: boolean;
  /** By the key of their labels. Holds no more than the rule's query gives, and what was resolved lately. */
  #alerts = new Map<string, Alert>();

  constructor(config: AlertingRuleConfig, environment: AlertingEnvironment) {
    this.name = config.name;
    this.query = config.query;
    this.forMs = config.forMs;
    this.keepFiringForMs = config.keepFiringForMs;
    this.labels = config.labels;
    this.annotations = config.annotations;
    this.#environment = environment;
    const textsOf = (labels: Labels): (readonly [string, AlertText])[] =>
      [...labels].map(([name, text]) => [name, new AlertText(config.name, text)]);
    this.#labelTexts = textsOf(config.labels);
    this.#annotationTexts = textsOf(config.annotations);
    this.#isPlain = [...this.#labelTexts, ...this.#annotationTexts].every(([, text]) => text.isPlain);
  }

  get meaning(): string {
    return [this.identity, this.query, this.forMs, this.keepFiringForMs, this.annotations.key].join("\0");
  }

  get identity(): string {
    return `${this.name}\0${this.labels.key}`;
  }

  /** Alerts that are pending or firing, sorted by labels. */
  get activeAlerts(): Alert[] {
    return [...this.#alerts.values()]
      .filter(({ resolvedAt }) => resolvedAt === 0)
      .sort((a, b) => Labels.compare(a.labels, b.labels));
  }

  /** The weightiest of its alerts' states; "unknown" before the first evaluation. */
  get state(): AlertState | "unknown" {
    if (this.lastEvaluation === 0) return "unknown";
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
  }

  async evaluate({ evaluate, t, queryOffsetMs, limit }: RuleContext): Promise<readonly RuleSample[]> {
    const elements = await evaluate(this.query, t - queryOffsetMs);
    const found = await this.#expandAll(elements, t, evaluate);
    for (const [key, { labels, annotations, value }] of found) {
      const alert = this.#alerts.get(key);
      if (alert === undefined || alert.state === "inactive") {
        this.#alerts.set(key, newAlert(labels, annotations, value, t));
        continue;
      }
      alert.value = value;
      alert.annotations = annotations;
    }
    let activeCount = 0;
    const samples: RuleSample[] = [];
    for (const [key, alert] of this.#alerts) {
      const before = alert.activeAt === t && alert.state === "pending" ? "inactive" : alert.state;
      if (found.has(key)) seenActive(alert, t, this);
      else if (seenAbsent(alert, t, this)) this.#alerts.delete(key);
      if (before !== alert.state) this.#tell(alert, before, t);
      if (alert.state === "inactive") continue;
      activeCount++;
      if (this.restored) samples.push(...samplesOf(alert));
    }
    if (limit > 0 && activeCount > limit) {
      this.#alerts = new Map();
      throw new Error(`exceeded limit of ${limit} with ${activeCount} alerts`);
    }
    return samples;
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

  /** Labels that all its series of `ALERTS_FOR_STATE` have, those whose value is worked out per alert left out. */
  get stateLabels(): Labels {
    const fixed = [...this.labels].filter(([, value]) => !value.includes("{{"));
    return Labels.fromUnsorted([...fixed, [METRIC_NAME, ALERTS_FOR_STATE], [ALERT_NAME, this.name]]);
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
    for (const alert of this.#alerts.values()) {
      const stored = storedAt(alert.labels);
      if (stored === undefined) continue;
      const remaining = this.forMs - (stored.t - stored.activeAt);
      if (remaining <= 0) alert.activeAt = stored.activeAt;
      else if (remaining < graceMs) alert.activeAt = now + graceMs - this.forMs;
      else alert.activeAt = stored.activeAt + (now - stored.t);
    }
  }

  #tell(alert: Alert, before: AlertState, t: number): void {
    const { labels, annotations, value, activeAt } = alert;
    const ended = before === "firing" ? "resolved" : "inactive";
    const state = alert.state === "inactive" ? ended : alert.state;
    this.#environment.onTransition?.({ t, state, rule: this, labels, annotations, value, activeAt });
  }

  async #expandAll(elements: readonly VectorElement[], t: number, evaluate: Evaluate): Promise<Map<string, Found>> {
    const expansion = new AlertExpansion(this.#environment, t, (expr) => evaluate(expr, t));
    const found = new Map<string, Found>();
    let turnBegan = performance.now();
    for (const element of elements) {
      if (performance.now() - turnBegan > TURN_MS) {
        await new Promise((resolve) => setImmediate(resolve));
        turnBegan = performance.now();
      }
      const data = this.#isPlain ? NO_DATA : expansion.dataOf(element);
      const pairs = new Map(element.labels);
      pairs.delete(METRIC_NAME);
      for (const [name, text] of this.#labelTexts) {
        const expanded = this.#expand(text, data, expansion);
        pairs.set(name, typeof expanded === "string" ? expanded : await expanded);
      }
      pairs.set(ALERT_NAME, this.name);
      const annotations: [string, string][] = [];
      for (const [name, text] of this.#annotationTexts) {
        const expanded = this.#expand(text, data, expansion);
        annotations.push([name, typeof expanded === "string" ? expanded : await expanded]);
      }
      const labels = Labels.fromUnsorted(pairs);
      if (found.has(labels.key))
        throw new Error("vector contains metrics with the same labelset after applying alert labels");
      found.set(labels.key, { labels, annotations: Labels.fromUnsorted(annotations), value: numberOf(element) });
    }
    return found;
  }

  #expand(text: AlertText, data: object, expansion: AlertExpansion): string | Promise<string> {
    const { logger, onExpansion } = this.#environment;
    let failed = false;
    const expanded = text.expand(expansion, data, (error) => {
      failed = true;
      logger.warn("Expanding alert template failed", { alert: this.name, err: error });
    });
    if (typeof expanded === "string") onExpansion?.(failed);
    else void expanded.then(() => onExpansion?.(failed));
    return expanded;
  }
}

/** Alerts know no histograms: as in the reference, those count as 0. */
function numberOf({ value, histogram }: VectorElement): number {
  return histogram === undefined ? value : 0;
}

function samplesOf({ labels, state, activeAt }: Alert): RuleSample[] {
  return [
    { labels: labels.with(METRIC_NAME, ALERTS).with(ALERT_STATE, state), value: 1, histogram: undefined },
    {
      labels: labels.with(METRIC_NAME, ALERTS_FOR_STATE),
      value: Math.floor(activeAt / 1000),
      histogram: undefined,
    },
  ];
}
