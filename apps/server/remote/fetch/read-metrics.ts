// The metrics of remote read's client, under the reference's names.
import { Counter, DEFAULT_BUCKETS, Gauge, Histogram, type Registry } from "@narthex/client";

/** What tells endpoints apart. */
interface EndpointName {
  readonly name: string;
  readonly url: string;
}

export type AnswerKind = "sampled" | "chunked" | "unsupported";

const ENDPOINT = ["remote_name", "url"] as const;
const KIND = ["remote_name", "url", "response_type"] as const;

export class ReadMetrics {
  readonly #queries: Gauge<typeof ENDPOINT>;
  readonly #total: Counter<readonly ["remote_name", "url", "response_type", "code"]>;
  readonly #durations: Histogram<typeof KIND>;

  constructor(registry: Registry) {
    const registers = [registry];
    const prefix = "prometheus_remote_read_client_";
    this.#queries = new Gauge({
      name: `${prefix}queries`,
      help: "Queries of other servers that are under way.",
      labelNames: ENDPOINT,
      registers,
    });
    this.#total = new Counter({
      name: `${prefix}queries_total`,
      help: "Queries of other servers that were answered.",
      labelNames: ["remote_name", "url", "response_type", "code"] as const,
      registers,
    });
    this.#durations = new Histogram({
      name: `${prefix}request_duration_seconds`,
      help: "How long other servers took to begin their answers.",
      labelNames: KIND,
      buckets: [...DEFAULT_BUCKETS, 25, 60],
      registers,
    });
  }

  opened({ name, url }: EndpointName): void {
    this.#queries.labels(name, url).inc(0);
  }

  began({ name, url }: EndpointName): void {
    this.#queries.labels(name, url).inc();
  }

  ended({ name, url }: EndpointName): void {
    this.#queries.labels(name, url).dec();
  }

  answered({ name, url }: EndpointName, kind: AnswerKind, seconds: number): void {
    this.#durations.labels(name, url, kind).observe(seconds);
  }

  done({ name, url }: EndpointName, kind: AnswerKind, code: string): void {
    this.#total.labels(name, url, kind, code).inc();
  }
}
