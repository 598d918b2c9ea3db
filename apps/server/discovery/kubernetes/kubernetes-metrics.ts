// What discovery by Kubernetes says about itself, under the reference's names.
import { Counter, Gauge, type Registry, Summary } from "@narthex/client";

/** The roles, as a label of the metrics. */
const ROLES = ["endpointslice", "endpoints", "node", "pod", "service", "ingress"] as const;

/** The `prometheus_sd_kubernetes_*` metrics. They are there from the start, as in the reference. */
export class KubernetesMetrics {
  readonly events: Counter<readonly ["role", "event"]>;
  readonly failures: Counter;
  readonly requests: Counter<readonly ["status_code"]>;
  readonly requestDuration: Summary<readonly ["endpoint"]>;
  /** Objects that wait for their targets to be made anew. */
  readonly queueDepth: Gauge<readonly ["queue_name"]>;
  readonly queueItems: Counter<readonly ["queue_name"]>;
  readonly queueLatency: Summary<readonly ["queue_name"]>;
  readonly queueWork: Summary<readonly ["queue_name"]>;
  readonly queueUnfinished: Gauge<readonly ["queue_name"]>;
  readonly queueLongest: Gauge<readonly ["queue_name"]>;

  constructor(registry: Registry) {
    const registers = [registry];
    const prefix = "prometheus_sd_kubernetes_";
    this.events = new Counter({
      name: `${prefix}events_total`,
      help: "The number of Kubernetes events handled.",
      labelNames: ["role", "event"] as const,
      registers,
    });
    for (const role of ROLES) for (const event of ["add", "delete", "update"]) this.events.labels(role, event);
    this.failures = new Counter({
      name: `${prefix}failures_total`,
      help: "The number of failed WATCH/LIST requests.",
      registers,
    });
    this.requests = new Counter({
      name: `${prefix}http_request_total`,
      help: "Total number of HTTP requests to the Kubernetes API by status code.",
      labelNames: ["status_code"] as const,
      registers,
    });
    this.requestDuration = new Summary({
      name: `${prefix}http_request_duration_seconds`,
      help: "Summary of latencies for HTTP requests to the Kubernetes API by endpoint.",
      labelNames: ["endpoint"] as const,
      registers,
    });
    const labelNames = ["queue_name"] as const;
    const gauge = (name: string, help: string) =>
      new Gauge({ name: `${prefix}workqueue_${name}`, help, labelNames, registers });
    const summary = (name: string, help: string) =>
      new Summary({ name: `${prefix}workqueue_${name}`, help, labelNames, registers });
    this.queueDepth = gauge("depth", "Current depth of the work queue.");
    this.queueItems = new Counter({
      name: `${prefix}workqueue_items_total`,
      help: "Total number of items added to the work queue.",
      labelNames,
      registers,
    });
    this.queueLatency = summary("latency_seconds", "How long an item stays in the work queue.");
    this.queueUnfinished = gauge(
      "unfinished_work_seconds",
      "How long an item has remained unfinished in the work queue.",
    );
    this.queueLongest = gauge(
      "longest_running_processor_seconds",
      "Duration of the longest running processor in the work queue.",
    );
    this.queueWork = summary("work_duration_seconds", "How long processing an item from the work queue takes.");
  }
}
