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
  /** By queue: what tells for how many seconds a go of work that is on has lasted. Several queues may have one name. */
  readonly #going = new Map<string, Set<() => number>>();

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
    const going = (name: string, help: string, total: (seconds: readonly number[]) => number): void => {
      new Gauge({
        name: `${prefix}workqueue_${name}`,
        help,
        labelNames,
        registers,
        collect: (gauge) => {
          for (const [queue, goes] of this.#going) gauge.labels(queue).set(total([...goes].map((lasted) => lasted())));
        },
      });
    };
    const summary = (name: string, help: string) =>
      new Summary({ name: `${prefix}workqueue_${name}`, help, labelNames, registers });
    this.queueDepth = new Gauge({
      name: `${prefix}workqueue_depth`,
      help: "Current depth of the work queue.",
      labelNames,
      registers,
    });
    this.queueItems = new Counter({
      name: `${prefix}workqueue_items_total`,
      help: "Total number of items added to the work queue.",
      labelNames,
      registers,
    });
    this.queueLatency = summary("latency_seconds", "How long an item stays in the work queue.");
    going("unfinished_work_seconds", "How long an item has remained unfinished in the work queue.", (seconds) =>
      seconds.reduce((sum, each) => sum + each, 0),
    );
    going(
      "longest_running_processor_seconds",
      "Duration of the longest running processor in the work queue.",
      (seconds) => Math.max(0, ...seconds),
    );
    this.queueWork = summary("work_duration_seconds", "How long processing an item from the work queue takes.");
  }

  /** Makes the series of a queue appear. */
  queueOpened(name: string): void {
    this.queueDepth.labels(name).inc(0);
    this.queueItems.labels(name).inc(0);
    if (!this.#going.has(name)) this.#going.set(name, new Set());
  }

  /** A go of work begins; `lasted` tells for how many seconds it is on. Returns what is to be called at its end. */
  workBegan(name: string, lasted: () => number): () => void {
    this.#going.get(name)?.add(lasted);
    return () => this.#going.get(name)?.delete(lasted);
  }
}
