// What rule evaluation counts about itself, under the reference's names.
import { Counter, Gauge, Histogram, type Registry, Summary } from "@narthex/client";

const GROUP_LABEL = ["rule_group"] as const;
type ByGroup = typeof GROUP_LABEL;

/** Seconds. */
const DURATION_BUCKETS = [0.01, 0.1, 1, 10];

export class RuleMetrics {
  readonly #evaluations: Counter<ByGroup>;
  readonly #failures: Counter<ByGroup>;
  readonly #iterations: Counter<ByGroup>;
  readonly #missed: Counter<ByGroup>;
  readonly #lastDuration: Gauge<ByGroup>;
  readonly #lastTime: Gauge<ByGroup>;
  readonly #lastSamples: Gauge<ByGroup>;
  readonly #interval: Gauge<ByGroup>;
  readonly #rules: Gauge<ByGroup>;
  readonly #ruleDurationSum: Gauge<ByGroup>;
  readonly #restoreDuration: Gauge<ByGroup>;
  readonly #ruleDuration: Summary;
  readonly #ruleDurations: Histogram;
  readonly #groupDuration: Summary;
  readonly #groupDurations: Histogram;
  readonly #expansions: Counter;
  readonly #failedExpansions: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    const counter = (name: string, help: string): Counter<ByGroup> =>
      new Counter({ name, help, labelNames: GROUP_LABEL, registers });
    const gauge = (name: string, help: string): Gauge<ByGroup> =>
      new Gauge({ name, help, labelNames: GROUP_LABEL, registers });
    this.#expansions = new Counter({
      name: "prometheus_template_text_expansions_total",
      help: "The total number of template text expansions.",
      registers,
    });
    this.#failedExpansions = new Counter({
      name: "prometheus_template_text_expansion_failures_total",
      help: "The total number of template text expansion failures.",
      registers,
    });
    this.#evaluations = counter("prometheus_rule_evaluations_total", "The total number of rule evaluations.");
    this.#failures = counter(
      "prometheus_rule_evaluation_failures_total",
      "The total number of rule evaluation failures.",
    );
    this.#iterations = counter(
      "prometheus_rule_group_iterations_total",
      "The total number of scheduled rule group evaluations, whether executed or missed.",
    );
    this.#missed = counter(
      "prometheus_rule_group_iterations_missed_total",
      "The total number of rule group evaluations missed due to slow rule group evaluation.",
    );
    this.#lastDuration = gauge(
      "prometheus_rule_group_last_duration_seconds",
      "The duration of the last rule group evaluation.",
    );
    this.#ruleDurationSum = gauge(
      "prometheus_rule_group_last_rule_duration_sum_seconds",
      "The sum of time in seconds it took to evaluate each rule in the group regardless of concurrency. This should be higher than the group duration if rules are evaluated concurrently.",
    );
    this.#restoreDuration = gauge(
      "prometheus_rule_group_last_restore_duration_seconds",
      "The duration of the last alert rules alerts restoration using the `ALERTS_FOR_STATE` series.",
    );
    this.#lastTime = gauge(
      "prometheus_rule_group_last_evaluation_timestamp_seconds",
      "The timestamp of the last rule group evaluation in seconds.",
    );
    this.#lastSamples = gauge(
      "prometheus_rule_group_last_evaluation_samples",
      "The number of samples returned during the last rule group evaluation.",
    );
    this.#interval = gauge("prometheus_rule_group_interval_seconds", "The interval of a rule group.");
    this.#rules = gauge("prometheus_rule_group_rules", "The number of rules.");
    this.#ruleDuration = new Summary({
      name: "prometheus_rule_evaluation_duration_seconds",
      help: "The duration for a rule to execute.",
      objectives: { 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 },
      registers,
    });
    this.#ruleDurations = new Histogram({
      name: "prometheus_rule_evaluation_duration_histogram_seconds",
      help: "The duration for a rule to execute.",
      buckets: DURATION_BUCKETS,
      registers,
    });
    this.#groupDurations = new Histogram({
      name: "prometheus_rule_group_duration_histogram_seconds",
      help: "The duration of rule group evaluations.",
      buckets: DURATION_BUCKETS,
      registers,
    });
    this.#groupDuration = new Summary({
      name: "prometheus_rule_group_duration_seconds",
      help: "The duration of rule group evaluations.",
      objectives: { 0.01: 0.001, 0.05: 0.005, 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 },
      registers,
    });
  }

  /** Makes the group's series appear. */
  register(rule_group: string, intervalMs: number, ruleCount: number): void {
    for (const counter of [this.#evaluations, this.#failures, this.#iterations, this.#missed])
      counter.labels({ rule_group });
    for (const gauge of [this.#lastDuration, this.#ruleDurationSum, this.#lastTime, this.#lastSamples])
      gauge.labels({ rule_group });
    this.#interval.labels({ rule_group }).set(intervalMs / 1000);
    this.#rules.labels({ rule_group }).set(ruleCount);
  }

  /** Takes the series of a group away that no longer exists. */
  forget(rule_group: string): void {
    for (const metric of [
      this.#evaluations,
      this.#failures,
      this.#iterations,
      this.#missed,
      this.#lastDuration,
      this.#ruleDurationSum,
      this.#restoreDuration,
      this.#lastTime,
      this.#lastSamples,
      this.#interval,
      this.#rules,
    ])
      metric.remove({ rule_group });
  }

  /** An evaluation of one rule begins. */
  evaluationBegins(rule_group: string): void {
    this.#evaluations.labels({ rule_group }).inc();
  }

  evaluationFailed(rule_group: string): void {
    this.#failures.labels({ rule_group }).inc();
  }

  ruleDuration(seconds: number): void {
    this.#ruleDuration.observe(seconds);
    this.#ruleDurations.observe(seconds);
  }

  /** A round of the whole group begins. */
  roundBegins(rule_group: string): void {
    this.#iterations.labels({ rule_group }).inc();
  }

  /** `begunAt` in milliseconds. `ruleSeconds` is what its rules took, added up. */
  roundDone(rule_group: string, seconds: number, ruleSeconds: number, begunAt: number): void {
    this.#lastDuration.labels({ rule_group }).set(seconds);
    this.#ruleDurationSum.labels({ rule_group }).set(ruleSeconds);
    this.#lastTime.labels({ rule_group }).set(begunAt / 1000);
    this.#groupDuration.observe(seconds);
    this.#groupDurations.observe(seconds);
  }

  samples(rule_group: string, count: number): void {
    this.#lastSamples.labels({ rule_group }).set(count);
  }

  restored(rule_group: string, seconds: number): void {
    this.#restoreDuration.labels({ rule_group }).set(seconds);
  }

  expanded(failed: boolean): void {
    this.#expansions.inc();
    if (failed) this.#failedExpansions.inc();
  }

  missed(rule_group: string, count: number): void {
    this.#missed.labels({ rule_group }).inc(count);
    this.#iterations.labels({ rule_group }).inc(count);
  }
}
