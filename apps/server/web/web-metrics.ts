// What the HTTP server counts about its answers, by route.
import type { ServerResponse } from "node:http";
import { Counter, Histogram, type Registry } from "@narthex/client";

const DURATION_BUCKETS = [0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120];
const SIZE_BUCKETS = [100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

export class WebMetrics {
  readonly #requests: Counter<readonly ["handler", "code"]>;
  readonly #durations: Histogram<readonly ["handler"]>;
  readonly #sizes: Histogram<readonly ["handler"]>;

  constructor(registry: Registry) {
    this.#requests = new Counter({
      name: "prometheus_http_requests_total",
      help: "Counter of HTTP requests.",
      labelNames: ["handler", "code"],
      registers: [registry],
    });
    this.#durations = new Histogram({
      name: "prometheus_http_request_duration_seconds",
      help: "Histogram of latencies for HTTP requests.",
      labelNames: ["handler"],
      buckets: DURATION_BUCKETS,
      registers: [registry],
    });
    this.#sizes = new Histogram({
      name: "prometheus_http_response_size_bytes",
      help: "Histogram of response size for HTTP requests.",
      labelNames: ["handler"],
      buckets: SIZE_BUCKETS,
      registers: [registry],
    });
  }

  /** Makes the route's series appear at 0. */
  register(handler: string): void {
    this.#requests.labels({ handler, code: "200" });
  }

  /** Begins to time an answer; the returned function ends it once the handler is through. */
  start(handler: string, response: ServerResponse): () => void {
    const started = performance.now();
    const before = response.socket?.bytesWritten ?? 0;
    const { socket } = response;
    return () => {
      const record = (): void => {
        this.#requests.labels({ handler, code: String(response.statusCode) }).inc();
        this.#durations.labels({ handler }).observe((performance.now() - started) / 1000);
        this.#sizes.labels({ handler }).observe((socket?.bytesWritten ?? before) - before);
      };
      if (response.writableFinished || response.destroyed) record();
      else response.once("close", record);
    };
  }
}
