// What the notifier counts, under the reference's names.
import { Counter, Gauge, Histogram, type Registry, Summary } from "@narthex/client";

const NAMES = ["alertmanager"] as const;
type ByManager = typeof NAMES;
const PREFIX = "prometheus_notifications_";

/** What one queue counts of an Alertmanager. Several queues may lead to the same one: their counts are one. */
export interface ManagerMetrics {
  readonly sent: { inc(by: number): void };
  readonly errors: { inc(by: number): void };
  readonly dropped: { inc(by: number): void };
  /** How many alerts wait in this queue. */
  readonly queueLength: { set(value: number): void };
  observe(seconds: number): void;
  /** The queue is no more; with the last one of its Alertmanager the series go. To be called once. */
  remove(): void;
}

export class NotifierMetrics {
  /** By URL, how many queues count. */
  readonly #queues = new Map<string, number>();
  readonly #sent: Counter<ByManager>;
  readonly #errors: Counter<ByManager>;
  readonly #dropped: Counter<ByManager>;
  readonly #queueLength: Gauge<ByManager>;
  readonly #latency: Summary<ByManager>;
  readonly #latencies: Histogram<ByManager>;

  /** `discovered` is asked at each collection. */
  constructor(registry: Registry, queueCapacity: number, discovered: () => number) {
    const registers = [registry];
    const counter = (name: string, help: string): Counter<ByManager> =>
      new Counter({ name: PREFIX + name, help, labelNames: NAMES, registers });
    this.#sent = counter("sent_total", "Total number of alerts sent.");
    this.#errors = counter("errors_total", "Total number of sent alerts affected by errors.");
    this.#dropped = counter(
      "dropped_total",
      "Total number of alerts dropped due to errors when sending to Alertmanager.",
    );
    this.#queueLength = new Gauge({
      name: `${PREFIX}queue_length`,
      help: "The number of alert notifications in the queue.",
      labelNames: NAMES,
      registers,
    });
    this.#latency = new Summary({
      name: `${PREFIX}latency_seconds`,
      help: "Latency quantiles for sending alert notifications.",
      labelNames: NAMES,
      objectives: { 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 },
      registers,
    });
    this.#latencies = new Histogram({
      name: `${PREFIX}latency_histogram_seconds`,
      help: "Latency histogram for sending alert notifications.",
      labelNames: NAMES,
      buckets: [0.01, 0.1, 1, 10],
      registers,
    });
    new Gauge({
      name: `${PREFIX}queue_capacity`,
      help: "The capacity of the alert notifications queue.",
      registers,
    }).set(queueCapacity);
    const managers: Gauge = new Gauge({
      name: `${PREFIX}alertmanagers_discovered`,
      help: "The number of alertmanagers discovered and active.",
      registers,
      collect: () => managers.set(discovered()),
    });
  }

  /** Makes the series of an Alertmanager, by its URL, appear. */
  of(url: string): ManagerMetrics {
    const latency = this.#latency;
    const latencies = this.#latencies;
    const families = [this.#sent, this.#errors, this.#dropped, this.#queueLength];
    const queues = this.#queues;
    queues.set(url, (queues.get(url) ?? 0) + 1);
    const gauge = this.#queueLength.labels(url);
    let length = 0;
    const setLength = (value: number): void => {
      gauge.inc(value - length);
      length = value;
    };
    return {
      sent: this.#sent.labels(url),
      errors: this.#errors.labels(url),
      dropped: this.#dropped.labels(url),
      queueLength: { set: setLength },
      observe: (seconds) => {
        latency.labels(url).observe(seconds);
        latencies.labels(url).observe(seconds);
      },
      remove: () => {
        setLength(0);
        const left = (queues.get(url) ?? 1) - 1;
        if (left > 0) {
          queues.set(url, left);
          return;
        }
        queues.delete(url);
        for (const family of families) family.remove(url);
        latency.remove(url);
        latencies.remove(url);
      },
    };
  }
}
