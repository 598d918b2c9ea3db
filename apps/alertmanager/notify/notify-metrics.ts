// What notifications count, under the reference's names. All series are there from the start.
import { Counter, Histogram, type LabelValue, type Registry } from "@narthex/client";
import { INTEGRATION_NAMES } from "../config/receiver.ts";
import { FAILURE_REASONS, type FailureReason } from "./reason.ts";

export type SuppressedReason = "silence" | "inhibition" | "mute_time_interval" | "active_time_interval";

const LATENCY_BUCKETS_SECONDS = [1, 5, 10, 15, 20];

/** One integration of one receiver. */
export interface CountedIntegration {
  readonly name: string;
  readonly receiver: string;
}

export class NotifyMetrics {
  readonly #namesReceivers: boolean;
  readonly #notifications: Counter<readonly string[]>;
  readonly #failed: Counter<readonly string[]>;
  readonly #requests: Counter<readonly string[]>;
  readonly #failedRequests: Counter<readonly string[]>;
  readonly #suppressed: Counter<readonly ["reason"]>;
  readonly #latency: Histogram<readonly string[]>;

  /** `namesReceivers` adds the receiver's name as a label. */
  constructor(registry: Registry, namesReceivers: boolean) {
    this.#namesReceivers = namesReceivers;
    const registers = [registry];
    const labelNames: readonly string[] = namesReceivers ? ["integration", "receiver_name"] : ["integration"];
    const counter = (name: string, help: string, names = labelNames): Counter<readonly string[]> =>
      new Counter({ name: `alertmanager_${name}`, help, labelNames: names, registers });
    this.#notifications = counter("notifications_total", "The total number of attempted notifications.");
    this.#failed = counter("notifications_failed_total", "The total number of failed notifications.", [
      ...labelNames,
      "reason",
    ]);
    this.#requests = counter("notification_requests_total", "The total number of attempted notification requests.");
    this.#failedRequests = counter(
      "notification_requests_failed_total",
      "The total number of failed notification requests.",
    );
    this.#suppressed = new Counter({
      name: "alertmanager_notifications_suppressed_total",
      help: "The total number of notifications suppressed for being silenced, inhibited, outside of active time intervals or within muted time intervals.",
      labelNames: ["reason"] as const,
      registers,
    });
    for (const reason of ["silence", "inhibition", "mute_time_interval", "active_time_interval"])
      this.#suppressed.labels(reason);
    this.#latency = new Histogram({
      name: "alertmanager_notification_latency_seconds",
      help: "The latency of notifications in seconds.",
      labelNames,
      buckets: LATENCY_BUCKETS_SECONDS,
      registers,
    });
    if (!namesReceivers) for (const name of INTEGRATION_NAMES) this.#prepare([name]);
  }

  /** Makes the series of what a configuration has; those of an earlier one go, where receivers are named. */
  prepareFor(integrations: readonly CountedIntegration[]): void {
    if (!this.#namesReceivers) return;
    for (const metric of [this.#notifications, this.#failed, this.#requests, this.#failedRequests, this.#latency])
      metric.reset();
    for (const { name, receiver } of integrations) this.#prepare([name, receiver]);
  }

  attempt(integration: CountedIntegration): void {
    this.#notifications.labels(...this.#labels(integration)).inc();
  }

  failure(integration: CountedIntegration, reason: FailureReason): void {
    this.#failed.labels(...this.#labels(integration), reason).inc();
  }

  request(integration: CountedIntegration, seconds: number, hasFailed: boolean): void {
    const labels = this.#labels(integration);
    this.#latency.labels(...labels).observe(seconds);
    this.#requests.labels(...labels).inc();
    if (hasFailed) this.#failedRequests.labels(...labels).inc();
  }

  suppressed(reason: SuppressedReason, alerts: number): void {
    this.#suppressed.labels(reason).inc(alerts);
  }

  #labels({ name, receiver }: CountedIntegration): LabelValue[] {
    return this.#namesReceivers ? [name, receiver] : [name];
  }

  #prepare(labels: readonly string[]): void {
    for (const metric of [this.#notifications, this.#requests, this.#failedRequests, this.#latency])
      metric.labels(...labels);
    for (const reason of FAILURE_REASONS) this.#failed.labels(...labels, reason);
  }
}
