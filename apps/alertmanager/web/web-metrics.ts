// What the HTTP server counts about its answers.
import { Counter, exponentialBuckets, Gauge, Histogram, type Registry } from "@narthex/client";

export class WebMetrics {
  readonly #durations: Histogram<readonly ["handler", "method", "code"]>;
  readonly #sizes: Histogram<readonly ["handler", "method"]>;
  readonly #inFlight: Gauge;
  readonly #exceeded: Counter;

  constructor(registry: Registry) {
    const registers = [registry];
    this.#durations = new Histogram({
      name: "alertmanager_http_request_duration_seconds",
      help: "Histogram of latencies for HTTP requests.",
      labelNames: ["handler", "method", "code"] as const,
      registers,
    });
    this.#sizes = new Histogram({
      name: "alertmanager_http_response_size_bytes",
      help: "Histogram of response size for HTTP requests.",
      labelNames: ["handler", "method"] as const,
      buckets: exponentialBuckets(100, 10, 7),
      registers,
    });
    const constLabels = { method: "get" };
    this.#inFlight = new Gauge({
      name: "alertmanager_http_requests_in_flight",
      help: "Current number of HTTP requests being processed.",
      constLabels,
      registers,
    });
    this.#exceeded = new Counter({
      name: "alertmanager_http_concurrency_limit_exceeded_total",
      help: "Total number of times an HTTP request failed because the concurrency limit was reached.",
      constLabels,
      registers,
    });
  }

  beginGet(): void {
    this.#inFlight.inc();
  }

  endGet(): void {
    this.#inFlight.dec();
  }

  limitReached(): void {
    this.#exceeded.inc();
  }

  /** `bytes` is undefined for what has no size counted. */
  answered(handler: string, method: string, code: number, seconds: number, bytes: number | undefined): void {
    const name = method.toLowerCase();
    this.#durations.labels(handler, name, String(code)).observe(seconds);
    if (bytes !== undefined) this.#sizes.labels(handler, name).observe(bytes);
  }
}
