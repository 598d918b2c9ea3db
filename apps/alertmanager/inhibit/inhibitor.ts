// Inhibition: alerts that are muted by others, which say what is behind them.
import type { Labels } from "@narthex/model";
import { type Alert, isResolvedAt } from "../alert/alert.ts";
import type { AlertListener, AlertStore } from "../alert/alert-store.ts";
import type { Clock, Timer } from "../clock.ts";
import { every } from "../clock.ts";
import type { InhibitRuleConfig } from "../config/inhibit-rule.ts";
import { oldMatchers } from "../config/matchers.ts";
import { type LabelMatcher, matchesAll } from "../matcher/matcher.ts";
import { Moment } from "../moment/moment.ts";

const COLLECT_INTERVAL_MS = 15 * 60 * 1000;

/** Why an alert is muted: the rule's place in the configuration, its name, and the source's fingerprint. */
export interface Inhibition {
  readonly rule: number;
  readonly ruleName: string;
  readonly source: string;
}

/** A rule as its configuration has it. */
export interface InhibitRuleParts {
  readonly name: string;
  readonly sourceMatchers: readonly LabelMatcher[];
  readonly targetMatchers: readonly LabelMatcher[];
  /** Sorted. */
  readonly equal: readonly string[];
}

/** One rule and the alerts that match its source side, the longest-lived of each set of equal values. */
class InhibitRule implements InhibitRuleParts {
  readonly name: string;
  readonly sourceMatchers: readonly LabelMatcher[];
  readonly targetMatchers: readonly LabelMatcher[];
  readonly equal: readonly string[];
  readonly #sources = new Map<string, Alert>();

  constructor(config: InhibitRuleConfig) {
    this.name = config.name;
    this.sourceMatchers = [...oldMatchers(config.sourceMatch, config.sourceMatchRe), ...config.sourceMatchers];
    this.targetMatchers = [...oldMatchers(config.targetMatch, config.targetMatchRe), ...config.targetMatchers];
    this.equal = [...new Set(config.equal)].sort();
  }

  take(alert: Alert): void {
    if (!matchesAll(this.sourceMatchers, alert.labels)) return;
    const key = this.#keyOf(alert.labels);
    const known = this.#sources.get(key);
    // Another alert of the same values takes over once it lasts at least as long.
    if (known === undefined || known.fingerprint === alert.fingerprint || isResolvedAt(known, alert.endsAt))
      this.#sources.set(key, alert);
  }

  /** The alert that mutes these labels, if there is one. */
  sourceFor(labels: Labels, now: Moment): Alert | undefined {
    if (!matchesAll(this.targetMatchers, labels)) return undefined;
    const source = this.#sources.get(this.#keyOf(labels));
    if (source === undefined || isResolvedAt(source, now)) return undefined;
    // Of two alerts that are on both sides, neither mutes the other.
    const isOnBothSides = matchesAll(this.sourceMatchers, labels) && matchesAll(this.targetMatchers, source.labels);
    return isOnBothSides ? undefined : source;
  }

  collect(now: Moment): void {
    for (const [key, source] of this.#sources) if (isResolvedAt(source, now)) this.#sources.delete(key);
  }

  #keyOf(labels: Labels): string {
    return this.equal.map((name) => labels.get(name)).join("\u0000");
  }
}

export class Inhibitor {
  readonly #rules: readonly InhibitRule[];
  readonly #clock: Clock;
  readonly #alerts: AlertStore;
  readonly #timer: Timer;
  readonly #listener: AlertListener = (alert) => {
    for (const rule of this.#rules) rule.take(alert);
  };

  /** Knows all sources when it has been made. */
  constructor(rules: readonly InhibitRuleConfig[], alerts: AlertStore, clock: Clock) {
    this.#rules = rules.map((rule) => new InhibitRule(rule));
    this.#clock = clock;
    this.#alerts = alerts;
    alerts.subscribe("inhibitor", this.#listener);
    this.#timer = every(clock, COLLECT_INTERVAL_MS, () => {
      const now = Moment.fromMs(clock.now());
      for (const rule of this.#rules) rule.collect(now);
    });
  }

  /** What mutes an alert with these labels, by the first rule that does. */
  inhibition(labels: Labels, now: Moment = Moment.fromMs(this.#clock.now())): Inhibition | undefined {
    for (let i = 0; i < this.#rules.length; i++) {
      const rule = this.#rules[i] as InhibitRule;
      const source = rule.sourceFor(labels, now);
      if (source !== undefined) return { rule: i, ruleName: rule.name, source: source.fingerprint };
    }
    return undefined;
  }

  ruleOf({ rule }: Inhibition): InhibitRuleParts {
    return this.#rules[rule] as InhibitRule;
  }

  close(): void {
    this.#timer.cancel();
    this.#alerts.unsubscribe("inhibitor", this.#listener);
  }
}
