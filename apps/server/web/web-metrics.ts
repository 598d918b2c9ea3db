// What the HTTP server counts about its answers, by route.
import type { ServerResponse } from "node:http";
import { Counter, Gauge, Histogram, type Registry } from "@narthex/client";
import type { ConnectionCounts } from "./connection-gate.ts";

const DURATION_BUCKETS = [0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120];
const SIZE_BUCKETS = [100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/** What is counted of one route, so that no answer looks for it by its labels. */
interface HandlerMetrics {
  readonly ok: { inc(): void };
  readonly duration: { observe(value: number): void };
  readonly size: { observe(value: number): void };
}

export class WebMetrics {
  readonly #registry: Registry;
  readonly #scrapesInFlight: Gauge;
  readonly #scrapes: Counter<readonly ["code"]>;
  readonly #requests: Counter<readonly ["handler", "code"]>;
  readonly #durations: Histogram<readonly ["handler"]>;
  readonly #sizes: Histogram<readonly ["handler"]>;
  /** By route: as many as are registered. */
  readonly #handlers = new Map<string, HandlerMetrics>();

  constructor(registry: Registry) {
    this.#registry = registry;
    this.#scrapesInFlight = new Gauge({
      name: "promhttp_metric_handler_requests_in_flight",
      help: "Current number of scrapes being served.",
      registers: [registry],
    });
    this.#scrapes = new Counter({
      name: "promhttp_metric_handler_requests_total",
      help: "Total number of scrapes by HTTP status code.",
      labelNames: ["code"],
      registers: [registry],
    });
    for (const code of ["200", "500", "503"]) this.#scrapes.labels({ code });
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

  /** Shows the counts of the listeners' connections; they are read at each scrape. */
  countConnections(counts: ConnectionCounts): void {
    const registers = [this.#registry];
    const labelNames = ["listener_name"] as const;
    const accepted: Counter<readonly ["listener_name"]> = new Counter({
      name: "net_conntrack_listener_conn_accepted_total",
      help: "Total number of connections opened to the listener of a given name.",
      labelNames,
      registers,
      collect: () => rise(accepted.labels("http"), counts.accepted),
    });
    const closed: Counter<readonly ["listener_name"]> = new Counter({
      name: "net_conntrack_listener_conn_closed_total",
      help: "Total number of connections closed that were made to the listener of a given name.",
      labelNames,
      registers,
      collect: () => rise(closed.labels("http"), counts.closed),
    });
  }

  /** Counts a scrape of these metrics while `scrape` runs. */
  async countScrape(scrape: () => Promise<void>): Promise<void> {
    this.#scrapesInFlight.inc();
    try {
      await scrape();
      this.#scrapes.labels("200").inc();
    } catch (error) {
      this.#scrapes.labels("500").inc();
      throw error;
    } finally {
      this.#scrapesInFlight.dec();
    }
  }

  /** Begins to time an answer; the returned function ends it once the handler is through. */
  start(handler: string, response: ServerResponse): () => void {
    const started = performance.now();
    const { socket } = response;
    const before = socket?.bytesWritten ?? 0;
    const metrics = this.#of(handler);
    return () => {
      const record = (): void => {
        const { statusCode } = response;
        if (statusCode === 200) metrics.ok.inc();
        else this.#requests.labels({ handler, code: String(statusCode) }).inc();
        metrics.duration.observe((performance.now() - started) / 1000);
        metrics.size.observe((socket?.bytesWritten ?? before) - before);
      };
      if (response.writableFinished || response.destroyed) record();
      else response.once("close", record);
    };
  }

  #of(handler: string): HandlerMetrics {
    let metrics = this.#handlers.get(handler);
    if (metrics === undefined) {
      const ok = this.#requests.labels({ handler, code: "200" });
      metrics = { ok, duration: this.#durations.labels({ handler }), size: this.#sizes.labels({ handler }) };
      this.#handlers.set(handler, metrics);
    }
    return metrics;
  }
}

function rise(counter: { readonly value: number; inc(by: number): void }, to: number): void {
  counter.inc(to - counter.value);
}
