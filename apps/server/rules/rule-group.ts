// Rules that are evaluated in order, on one timer.
import type { Labels } from "@narthex/model";
import { QueryError } from "@narthex/promql";
import { Append, type Appendable } from "@narthex/storage";
import { goDuration, type Logger } from "@narthex/toolkit";
import type { Span, Tracer } from "@narthex/tracing";
import type { Alert } from "./alert.ts";
import { AlertingRule } from "./alerting-rule.ts";
import { nextSlot, slotBefore, slotOffset } from "./group-slot.ts";
import type { Evaluate, Rule } from "./rule.ts";
import { type EvaluationSlots, evaluationBatches } from "./rule-dependencies.ts";
import type { RuleMetrics } from "./rule-metrics.ts";
import { writeResult, writeStale } from "./rule-writer.ts";

/** Alerts that stay valid for four rounds without being sent again. Source: the reference's resend rule. */
const VALID_ROUNDS = 4;
/** Longer waits are cut into pieces: Node's timers know no longer ones. */
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface RuleGroupConfig {
  readonly name: string;
  readonly file: string;
  readonly intervalMs: number;
  readonly queryOffsetMs: number;
  readonly limit: number;
}

/** Timers, so that tests can turn the clock by hand. */
export interface Clock {
  now(): number;
  /** Calls back once; the return value calls it off. */
  after(delayMs: number, run: () => void): () => void;
}

/** The clock on the wall. */
export const WALL_CLOCK: Clock = {
  now: Date.now,
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

export interface RuleGroupEnvironment {
  readonly appendable: Appendable;
  readonly evaluate: Evaluate;
  readonly clock: Clock;
  readonly metrics: RuleMetrics;
  readonly logger: Logger;
  /** Traces rounds; nothing is traced unless given. */
  readonly tracer?: Tracer;
  readonly resendDelayMs: number;
  /** Where rules that need nothing of one another may run at the same time: as many as there are slots. */
  readonly slots?: EvaluationSlots | undefined;
  /** Restores since when alerts are active, from what an earlier run stored. Must not reject. */
  restore(group: RuleGroup, t: number): Promise<void>;
  send(rule: AlertingRule, alerts: readonly Alert[]): void;
}

export class RuleGroup {
  readonly config: RuleGroupConfig;
  readonly rules: readonly Rule[];
  evaluationSeconds = 0;
  /** When the last round began, in milliseconds; 0 before the first. */
  lastEvaluation = 0;
  /** Restores the alerts' times behind its second round; until then its alerts leave no series. */
  awaitsRestoration = false;
  readonly #environment: RuleGroupEnvironment;
  readonly #batches: readonly (readonly number[])[];
  /** Per rule: the series of its last evaluation, so that those that vanish get a stale marker. */
  #written: ReadonlyMap<string, Labels>[];
  /** Series of rules that are no more, to be ended with the next round. */
  #orphans = new Map<string, Labels>();
  #callOff: () => void = () => {};
  #running: Promise<void> | undefined;
  #rounds = 0;
  #stopped = false;

  constructor(config: RuleGroupConfig, rules: readonly Rule[], environment: RuleGroupEnvironment) {
    this.config = config;
    this.rules = rules;
    this.#environment = environment;
    this.#written = rules.map(() => new Map());
    this.#batches = environment.slots === undefined ? rules.map((_, index) => [index]) : evaluationBatches(rules);
    environment.metrics.register(this.key, config.intervalMs, rules.length);
  }

  /** How metrics and the API name the group. */
  get key(): string {
    return `${this.config.file};${this.config.name}`;
  }

  /** Equal for groups that mean the same. */
  get identity(): string {
    const { intervalMs, queryOffsetMs, limit } = this.config;
    return [this.key, intervalMs, queryOffsetMs, limit, ...this.rules.map(({ meaning }) => meaning)].join("\n");
  }

  /** Begins with the next slot. */
  start(): void {
    const { name, file, intervalMs } = this.config;
    const offsetMs = slotOffset(file, name, intervalMs);
    this.#schedule(slotBefore(this.#environment.clock.now(), intervalMs, offsetMs) + intervalMs);
  }

  /** Resolves once an evaluation under way is through. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#callOff();
    await this.#running;
  }

  /** Takes over what the group knew that this one replaces. Equal rules are matched first with first, second with second. */
  copyStateFrom(other: RuleGroup): void {
    this.lastEvaluation = other.lastEvaluation;
    this.evaluationSeconds = other.evaluationSeconds;
    this.awaitsRestoration = other.awaitsRestoration;
    const left = other.rules.map((rule, i) => ({ rule, written: other.#written[i] as ReadonlyMap<string, Labels> }));
    this.rules.forEach((rule, i) => {
      if (rule instanceof AlertingRule) rule.restored = !this.awaitsRestoration;
      const at = left.findIndex((candidate) => candidate.rule.identity === rule.identity);
      if (at < 0) return;
      const [{ rule: from, written }] = left.splice(at, 1) as [(typeof left)[number]];
      this.#written[i] = written;
      if (rule instanceof AlertingRule && from instanceof AlertingRule) rule.copyStateFrom(from);
    });
    this.#orphans = new Map(other.#orphans);
    for (const { written } of left) for (const [key, labels] of written) this.#orphans.set(key, labels);
  }

  /** Ends the series that the group wrote, after it was removed; `t` is when. */
  markStale(t: number): void {
    for (const written of this.#written) for (const [key, labels] of written) this.#orphans.set(key, labels);
    this.#endOrphans(t - this.config.queryOffsetMs);
  }

  #schedule(slot: number): void {
    if (this.#stopped) return;
    const delayMs = Math.max(0, slot - this.#environment.clock.now());
    this.#callOff = this.#environment.clock.after(Math.min(delayMs, MAX_TIMER_MS), () => {
      if (delayMs > MAX_TIMER_MS) {
        this.#schedule(slot);
        return;
      }
      this.#running = this.#round(slot).finally(() => {
        this.#running = undefined;
      });
    });
  }

  async #round(slot: number): Promise<void> {
    const { clock, metrics } = this.#environment;
    const begunAt = clock.now();
    const started = performance.now();
    metrics.roundBegins(this.key);
    const span = this.#startSpan(slot);
    await this.evaluate(slot, span);
    span?.end();
    this.evaluationSeconds = (performance.now() - started) / 1000;
    this.lastEvaluation = begunAt;
    const ruleSeconds = this.rules.reduce((sum, rule) => sum + rule.evaluationSeconds, 0);
    metrics.roundDone(this.key, this.evaluationSeconds, ruleSeconds, begunAt);
    // Not at once: before the second round, what the rules read may not have been scraped and recorded anew.
    if (++this.#rounds >= 2 && this.awaitsRestoration && !this.#stopped) await this.#restore();
    const next = nextSlot(slot, clock.now(), this.config.intervalMs);
    if (next.missed > 0) metrics.missed(this.key, next.missed);
    this.#schedule(next.slot);
  }

  /** From the slot on, so that a round that comes late is seen to. */
  #startSpan(slot: number): Span | undefined {
    const { tracer, clock } = this.#environment;
    if (tracer?.isOn !== true) return undefined;
    const span = tracer.start("rule group", { startMs: slot });
    if (span === undefined) return undefined;
    const { name, file, intervalMs } = this.config;
    const scheduled = new Date(slot).toISOString();
    span.setAll({ name, file, interval: goDuration(intervalMs), scheduled });
    const now = clock.now();
    if (now > slot) span.part("scheduleDelay", slot, now);
    return span;
  }

  async #restore(): Promise<void> {
    const started = performance.now();
    await this.#environment.restore(this, this.#environment.clock.now());
    this.awaitsRestoration = false;
    this.#environment.metrics.restored(this.key, (performance.now() - started) / 1000);
  }

  /** One evaluation of all rules at the same time stamp; each sees what those before it wrote. `span` is the round's. */
  async evaluate(t: number, span?: Span): Promise<void> {
    const { slots, metrics } = this.#environment;
    let samples = 0;
    const one = async (index: number): Promise<void> => {
      samples += await this.#evaluateRule(index, t, span?.child("rule"));
    };
    for (const batch of this.#batches) {
      const beside: Promise<void>[] = [];
      for (const index of batch) {
        if (this.#stopped) break;
        if (batch.length > 1 && slots?.take() === true) beside.push(one(index).finally(() => slots.give()));
        else await one(index);
      }
      await Promise.all(beside);
      if (this.#stopped) return;
    }
    metrics.samples(this.key, samples);
    this.#endOrphans(t - this.config.queryOffsetMs);
  }

  /**
   * Evaluates one rule, sends its alerts and writes its series. Resolves to how many samples it gave; never rejects. Ends `span`, which is
   * the rule's.
   */
  async #evaluateRule(index: number, t: number, span: Span | undefined): Promise<number> {
    const { metrics, clock, resendDelayMs } = this.#environment;
    const { limit, queryOffsetMs, intervalMs } = this.config;
    const rule = this.rules[index] as Rule;
    const evaluate = this.#evaluation(rule, index, span);
    const begunAt = clock.now();
    const started = performance.now();
    let count = 0;
    metrics.evaluationBegins(this.key);
    try {
      const samples = await rule.evaluate({ evaluate, t, queryOffsetMs, limit });
      rule.health = "ok";
      rule.lastError = "";
      count = samples.length;
      span?.set("num_series", count);
      if (rule instanceof AlertingRule) {
        const due = rule.takeDue(t, resendDelayMs, VALID_ROUNDS * Math.max(intervalMs, resendDelayMs));
        if (due.length > 0) this.#environment.send(rule, due);
      }
      this.#write(index, samples, t - queryOffsetMs, span);
    } catch (error) {
      this.#noteFailure(index, "Evaluating rule failed", error as Error, span);
    }
    if (span !== undefined && rule.health === "err") span.fail(rule.lastError);
    span?.end();
    rule.evaluationSeconds = (performance.now() - started) / 1000;
    rule.lastEvaluation = begunAt;
    metrics.ruleDuration(rule.evaluationSeconds);
    return count;
  }

  /** Queries of a rule that is traced are parts of its span. */
  #evaluation({ name }: Rule, index: number, span: Span | undefined): Evaluate {
    const { evaluate } = this.#environment;
    if (span === undefined) return evaluate;
    const { name: group, queryOffsetMs } = this.config;
    span.setAll({ group, name, query_offset: goDuration(queryOffsetMs), index });
    return (expr, t) => evaluate(expr, t, span);
  }

  #noteFailure(index: number, message: string, error: Error, span: Span | undefined): void {
    const { metrics, logger } = this.#environment;
    const rule = this.rules[index] as Rule;
    rule.health = "err";
    rule.lastError = error.message;
    metrics.evaluationFailed(this.key);
    // What is called off, is so because the server stops.
    if (error instanceof QueryError && error.code === "canceled") return;
    logger.warn(message, { ...this.#attributes(index, span), rule: rule.query, err: error });
  }

  #attributes(index: number, span: Span | undefined): Record<string, string | number> {
    const { file, name } = this.config;
    const traced = span === undefined ? {} : { trace_id: span.traceId };
    return { file, group: name, name: (this.rules[index] as Rule).name, index, ...traced };
  }

  #write(index: number, samples: Parameters<typeof writeResult>[1], t: number, span: Span | undefined): void {
    const { appendable, logger } = this.#environment;
    const rule = this.rules[index] as Rule;
    const before = this.#written[index] as ReadonlyMap<string, Labels>;
    try {
      const { written, refused } = writeResult(appendable, samples, t, before);
      this.#written[index] = written;
      for (const [verdict, count] of refused) {
        const { error, message } = REFUSALS[verdict] ?? UNKNOWN_REFUSAL;
        rule.health = "err";
        rule.lastError = error;
        logger.warn(message, { ...this.#attributes(index, span), num_dropped: count });
      }
    } catch (error) {
      this.#noteFailure(index, "Rule sample appending failed", error as Error, span);
    }
  }

  #endOrphans(t: number): void {
    if (this.#orphans.size === 0) return;
    try {
      writeStale(this.#environment.appendable, this.#orphans.values(), t);
      this.#orphans.clear();
    } catch (error) {
      const { file, name } = this.config;
      this.#environment.logger.warn("Stale sample appending for previous configuration failed", {
        file,
        group: name,
        err: error as Error,
      });
    }
  }
}

const UNKNOWN_REFUSAL = { error: "sample was refused", message: "Rule evaluation result discarded" };

const REFUSALS: Readonly<Partial<Record<Append, { readonly error: string; readonly message: string }>>> = {
  [Append.outOfOrder]: {
    error: "out of order sample",
    message: "Error on ingesting out-of-order result from rule evaluation",
  },
  [Append.tooOld]: { error: "too old sample", message: "Error on ingesting too old result from rule evaluation" },
  [Append.duplicate]: {
    error: "duplicate sample for timestamp",
    message: "Error on ingesting results from rule evaluation with different value but same timestamp",
  },
  [Append.outOfBounds]: { error: "out of bounds", message: "Rule evaluation result discarded" },
};
