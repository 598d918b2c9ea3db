// Rules that are evaluated in order, on one timer.
import type { Labels } from "@narthex/model";
import { Append, type Appendable, type SeriesRef } from "@narthex/storage";
import type { Logger } from "@narthex/toolkit";
import type { Alert } from "./alert.ts";
import { AlertingRule } from "./alerting-rule.ts";
import type { Evaluate, Rule, RuleSample } from "./rule.ts";
import type { RuleMetrics } from "./rule-metrics.ts";

/** Alerts that stay valid for four rounds without being sent again. Source: the reference's resend rule. */
const VALID_ROUNDS = 4;

export interface RuleGroupConfig {
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly limit: number;
}

export interface RuleGroupEnvironment {
  readonly appendable: Appendable;
  readonly evaluate: Evaluate;
  readonly now: () => number;
  readonly metrics: RuleMetrics;
  readonly logger: Logger;
  readonly resendDelayMs: number;
  /** Called once, after the second evaluation: restores how long alerts were active before a restart. */
  restore(group: RuleGroup, t: number): Promise<void>;
  send(rule: AlertingRule, alerts: readonly Alert[]): void;
}

export class RuleGroup {
  readonly config: RuleGroupConfig;
  readonly rules: readonly Rule[];
  evaluationSeconds = 0;
  lastEvaluation = 0;
  readonly #environment: RuleGroupEnvironment;
  /** Per rule: the series of its last evaluation, so that those that vanish get a stale marker. */
  #written: Map<string, Labels>[];
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #evaluations = 0;
  #stopped = false;

  constructor(config: RuleGroupConfig, rules: readonly Rule[], environment: RuleGroupEnvironment) {
    this.config = config;
    this.rules = rules;
    this.#environment = environment;
    this.#written = rules.map(() => new Map());
    environment.metrics.register(this.key, config.intervalMs, rules.length);
  }

  /** How metrics and the API name the group. */
  get key(): string {
    return `${this.config.file};${this.config.name}`;
  }

  /** Equal for groups that mean the same. */
  get identity(): string {
    const { intervalMs, queryOffsetMs, limit } = this.config;
    const rules = this.rules.map((rule) =>
      rule instanceof AlertingRule
        ? `${rule.identity}\0${rule.forMs}\0${rule.keepFiringForMs}\0${rule.annotations.key}`
        : rule.identity,
    );
    return [this.key, intervalMs, queryOffsetMs, limit, ...rules].join("\n");
  }

  start(): void {
    this.#schedule(this.#slotAfter(this.#environment.now()));
  }

  /** Resolves once an evaluation under way is through. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await this.#running;
  }

  /** Takes over what the group knew that this one replaces. */
  copyStateFrom(other: RuleGroup): void {
    this.lastEvaluation = other.lastEvaluation;
    this.evaluationSeconds = other.evaluationSeconds;
    this.#evaluations = other.#evaluations;
    const left = other.rules.map((rule, i) => ({ rule, written: other.#written[i] as Map<string, Labels> }));
    this.rules.forEach((rule, i) => {
      const at = left.findIndex((candidate) => candidate.rule.identity === rule.identity);
      if (at < 0) return;
      const [{ rule: from, written }] = left.splice(at, 1) as [(typeof left)[number]];
      this.#written[i] = written;
      if (rule instanceof AlertingRule && from instanceof AlertingRule) rule.copyStateFrom(from);
    });
    // What nobody took over ends with the next evaluation.
    for (const { written } of left) for (const [key, labels] of written) this.#orphans.set(key, labels);
  }

  readonly #orphans = new Map<string, Labels>();

  /** Ends the series that the group wrote, after it was removed. */
  markStale(t: number): void {
    const appender = this.#environment.appendable.appender();
    for (const written of this.#written)
      for (const labels of written.values()) appender.appendStale(appender.series(labels), t);
    appender.commit();
  }

  #schedule(slot: number): void {
    if (this.#stopped) return;
    this.#timer = setTimeout(
      () => {
        this.#running = this.#round(slot).finally(() => {
          this.#running = undefined;
        });
      },
      Math.max(0, slot - this.#environment.now()),
    );
  }

  async #round(slot: number): Promise<void> {
    await this.evaluate(slot);
    const { intervalMs } = this.config;
    const next = slot + intervalMs;
    const now = this.#environment.now();
    const missed = Math.max(0, Math.floor((now - next) / intervalMs) + (now > next ? 1 : 0));
    if (missed > 0) this.#environment.metrics.missed(this.key, missed);
    this.#schedule(next + missed * intervalMs);
  }

  /** The group's own place in each interval, so that groups do not all run at once and keep their phase over restarts. */
  #slotAfter(now: number): number {
    const { intervalMs } = this.config;
    const offset = hashOf(this.key) % intervalMs;
    const slot = Math.floor((now - offset) / intervalMs) * intervalMs + offset;
    return slot < now ? slot + intervalMs : slot;
  }

  /** One evaluation of all rules, in order, at the same time stamp; each sees what the ones before it wrote. */
  async evaluate(t: number): Promise<void> {
    const { metrics, evaluate, now, resendDelayMs } = this.#environment;
    const started = performance.now();
    let samples = 0;
    for (const [i, rule] of this.rules.entries()) {
      if (this.#stopped) return;
      const ruleStarted = performance.now();
      const { limit, queryOffsetMs, intervalMs } = this.config;
      try {
        const made = await rule.evaluate({ evaluate, t, queryOffsetMs, limit });
        rule.health = "ok";
        rule.lastError = "";
        if (rule instanceof AlertingRule) {
          const due = rule.takeDue(t, resendDelayMs, VALID_ROUNDS * Math.max(intervalMs, resendDelayMs));
          if (due.length > 0) this.#environment.send(rule, due);
        }
        this.#write(rule, i, made, t - queryOffsetMs);
        samples += made.length;
        metrics.evaluated(this.key, true);
      } catch (error) {
        rule.health = "err";
        rule.lastError = (error as Error).message;
        metrics.evaluated(this.key, false);
        this.#environment.logger.warn("Evaluating rule failed", {
          name: rule.name,
          group: this.config.name,
          file: this.config.file,
          index: i,
          err: error as Error,
        });
      }
      rule.evaluationSeconds = (performance.now() - ruleStarted) / 1000;
      rule.lastEvaluation = now();
      metrics.ruleDuration(rule.evaluationSeconds);
    }
    if (this.#orphans.size > 0) this.#endOrphans(t - this.config.queryOffsetMs);
    this.evaluationSeconds = (performance.now() - started) / 1000;
    this.lastEvaluation = t;
    metrics.groupDone(this.key, this.evaluationSeconds, t, samples);
    if (++this.#evaluations === 2) await this.#environment.restore(this, t);
  }

  #write(rule: Rule, index: number, samples: readonly RuleSample[], t: number): void {
    const appender = this.#environment.appendable.appender();
    const refused = { [Append.outOfOrder]: 0, [Append.duplicate]: 0, [Append.tooOld]: 0 } as Record<Append, number>;
    const written = new Map<string, Labels>();
    for (const { labels, value, histogram } of samples) {
      const ref: SeriesRef = appender.series(labels, true);
      const verdict =
        histogram === undefined ? appender.append(ref, t, value) : appender.appendHistogram(ref, t, histogram, false);
      if (verdict === Append.ok) written.set(labels.key, labels);
      else refused[verdict] = (refused[verdict] ?? 0) + 1;
    }
    for (const [key, labels] of this.#written[index] as Map<string, Labels>) {
      if (!written.has(key)) appender.appendStale(appender.series(labels), t);
    }
    appender.commit();
    this.#written[index] = written;
    for (const [verdict, count] of Object.entries(refused)) {
      if (count === 0) continue;
      const message = REFUSALS[Number(verdict)] ?? "Error on ingesting results from rule evaluation";
      rule.health = "err";
      rule.lastError = message;
      this.#environment.logger.warn(message, { name: rule.name, group: this.config.name, num_dropped: count });
    }
  }

  #endOrphans(t: number): void {
    const appender = this.#environment.appendable.appender();
    for (const labels of this.#orphans.values()) appender.appendStale(appender.series(labels), t);
    appender.commit();
    this.#orphans.clear();
  }
}

const REFUSALS: Readonly<Record<number, string>> = {
  [Append.outOfOrder]: "Error on ingesting out-of-order result from rule evaluation",
  [Append.tooOld]: "Error on ingesting too old result from rule evaluation",
  [Append.duplicate]: "Error on ingesting results from rule evaluation with different value but same timestamp",
};

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}
