// The engine's own metrics, under the reference's names.
import type { Registry } from "@narthex/client";
import { Counter, Gauge, Histogram, Summary } from "@narthex/client";
import type { RequestStatistics } from "./request.ts";

const OBJECTIVES = { 0.5: 0.05, 0.9: 0.01, 0.99: 0.001 };

export class QueryMetrics {
  readonly logEnabled: Gauge;
  readonly logFailures: Counter;
  readonly #samples: Counter;
  readonly #samplesRead: Counter;
  readonly #slices: Record<
    "queue_time" | "prepare_time" | "inner_eval" | "result_sort",
    { observe(seconds: number): void }
  >;

  constructor(registry: Registry, maxConcurrency: number, running: () => number) {
    new Gauge({
      name: "prometheus_engine_queries",
      help: "The current number of queries being executed or waiting.",
      registers: [registry],
      collect: (gauge) => gauge.set(running()),
    });
    new Gauge({
      name: "prometheus_engine_queries_concurrent_max",
      help: "The max number of concurrent queries.",
      registers: [registry],
    }).set(maxConcurrency);
    this.logEnabled = new Gauge({
      name: "prometheus_engine_query_log_enabled",
      help: "State of the query log.",
      registers: [registry],
    });
    this.logFailures = new Counter({
      name: "prometheus_engine_query_log_failures_total",
      help: "The number of query log failures.",
      registers: [registry],
    });
    this.#samples = new Counter({
      name: "prometheus_engine_query_samples_total",
      help: "The total number of samples loaded by all queries (full window per step for range-vector).",
      registers: [registry],
    });
    this.#samplesRead = new Counter({
      name: "prometheus_engine_query_samples_read_total",
      help: "The total number of samples read by all queries (only new points per step for range-vector).",
      registers: [registry],
    });
    const durations = new Summary({
      name: "prometheus_engine_query_duration_seconds",
      help: "Query timings",
      labelNames: ["slice"],
      objectives: OBJECTIVES,
      registers: [registry],
    });
    const histograms = new Histogram({
      name: "prometheus_engine_query_duration_histogram_seconds",
      help: "The duration of various parts of PromQL query execution.",
      labelNames: ["slice"],
      buckets: [0.01, 0.1, 1, 10],
      registers: [registry],
    });
    const slice = (name: string): { observe(seconds: number): void } => {
      const [summary, histogram] = [durations.labels({ slice: name }), histograms.labels({ slice: name })];
      return {
        observe(seconds) {
          summary.observe(seconds);
          histogram.observe(seconds);
        },
      };
    };
    this.#slices = {
      queue_time: slice("queue_time"),
      prepare_time: slice("prepare_time"),
      inner_eval: slice("inner_eval"),
      result_sort: slice("result_sort"),
    };
  }

  observe(statistics: RequestStatistics, queueSeconds: number): void {
    this.#samples.inc(statistics.samples);
    this.#samplesRead.inc(statistics.samplesRead);
    this.#slices.queue_time.observe(queueSeconds);
    this.#slices.prepare_time.observe(statistics.preparationSeconds);
    this.#slices.inner_eval.observe(statistics.evaluationSeconds);
    this.#slices.result_sort.observe(statistics.sortSeconds);
  }
}
