// Where a query runs: small ones at once on the main thread, all others in a worker, so that no query delays a scrape.
import type { Registry } from "@narthex/client";
import { Labels } from "@narthex/model";
import { type Engine, parseMetricSelector, type VectorElement } from "@narthex/promql";
import type { Db } from "@narthex/tsdb";
import { ByteSink } from "../api/json/byte-sink.ts";
import type { ActiveQueryLog } from "./active-query-log.ts";
import { type EngineSettings, engineFrom } from "./engine-settings.ts";
import { QueryGate } from "./query-gate.ts";
import { QueryMetrics } from "./query-metrics.ts";
import type { PlainElement, RequestStatistics, StorageRequest } from "./request.ts";
import { runRequest } from "./run-request.ts";
import { type AnswerOutput, WorkerPool } from "./worker-pool.ts";

/** Samples that a query on the main thread may read: about two milliseconds of work. */
const INLINE_SAMPLES = 100_000;
/** The same when blocks have to be read from disk. */
const INLINE_BLOCK_SAMPLES = 20_000;
/** Series whose labels the main thread may list. */
const INLINE_SERIES = 2_000;
/** From here on a query counts as heavy: it never takes the last worker. */
const HEAVY_SAMPLES = 20_000_000;

export interface QueryServiceOptions {
  readonly db: Db;
  readonly settings: EngineSettings;
  readonly maxConcurrency: number;
  readonly workers: number;
  /** Heap of one worker in MiB; a query that needs more fails with a clear error. */
  readonly workerHeapMb: number;
  readonly registry: Registry;
  readonly active: ActiveQueryLog;
}

export class QueryService {
  readonly #db: Db;
  readonly #pool: WorkerPool;
  readonly #gate: QueryGate;
  readonly #metrics: QueryMetrics;
  readonly #active: ActiveQueryLog;
  #settings: EngineSettings;
  #engine: Engine;

  constructor({ db, settings, maxConcurrency, workers, workerHeapMb, registry, active }: QueryServiceOptions) {
    this.#db = db;
    this.#pool = new WorkerPool(db, workers, workerHeapMb);
    this.#gate = new QueryGate(maxConcurrency);
    this.#metrics = new QueryMetrics(registry, maxConcurrency, () => this.#gate.running);
    this.#active = active;
    this.#settings = settings;
    this.#engine = engineFrom(settings);
  }

  /** For queries from now on. */
  configure(settings: EngineSettings): void {
    this.#settings = settings;
    this.#engine = engineFrom(settings);
  }

  get engine(): Engine {
    return this.#engine;
  }

  /**
   * Answers `request` into `output`, whole envelope included. Rejects with `QueryError` before the first byte; later
   * only when `signal` aborted or the worker died.
   */
  async run(request: StorageRequest, output: AnswerOutput, signal: AbortSignal): Promise<void> {
    if (request.kind !== "instant" && request.kind !== "range") {
      await this.#answer(request, output, signal, 0);
      return;
    }
    const queued = performance.now();
    const waiting = this.#gate.enter(request.timeoutMs ?? this.#settings.timeoutMs, signal);
    if (waiting !== undefined) await waiting;
    const queueSeconds = (performance.now() - queued) / 1000;
    const slot = this.#active.insert(request.expr, Date.now());
    try {
      this.#metrics.observe(await this.#answer(request, output, signal, queueSeconds), queueSeconds);
    } finally {
      this.#active.remove(slot);
      this.#gate.leave();
    }
  }

  /** A rule's query: an instant vector, or a scalar as one element without labels. Rejects with `QueryError`. */
  async evaluate(expr: string, timeMs: number, signal: AbortSignal): Promise<VectorElement[]> {
    let found: readonly PlainElement[] = [];
    const output: AnswerOutput = { write: () => undefined, elements: (elements) => (found = elements) };
    this.#metrics.observe(await this.#answer({ kind: "vector", expr, timeMs }, output, signal, 0), 0);
    return found.map(({ pairs, value, histogram }) => ({ labels: new Labels(pairs), value, histogram }));
  }

  async close(): Promise<void> {
    await this.#pool.close();
    this.#active.close();
  }

  #answer(
    request: StorageRequest,
    output: AnswerOutput,
    signal: AbortSignal,
    queueSeconds: number,
  ): RequestStatistics | Promise<RequestStatistics> {
    const samples = this.#estimate(request);
    if (samples <= this.#inlineLimit(request)) {
      const sink = new ByteSink((bytes) => void output.write(bytes));
      const context = { engine: this.#engine, queryable: this.#db, queueSeconds, cancelled: () => signal.aborted };
      return runRequest(request, context, sink, (elements) => output.elements?.(elements));
    }
    return this.#pool.run({ request, settings: this.#settings, output, signal, heavy: samples >= HEAVY_SAMPLES });
  }

  #inlineLimit(request: StorageRequest): number {
    switch (request.kind) {
      case "vector":
      case "instant":
      case "range": {
        const from = request.kind === "range" ? request.startMs : request.timeMs;
        return from >= (this.#db.stats().minTime ?? Number.POSITIVE_INFINITY) ? INLINE_SAMPLES : INLINE_BLOCK_SAMPLES;
      }
      default:
        return INLINE_SERIES;
    }
  }

  /** Samples that an evaluation reads, or series that a listing visits; an upper bound, cheaply had. */
  #estimate(request: StorageRequest): number {
    switch (request.kind) {
      case "vector":
      case "instant":
        return this.#engine.estimateSamples(this.#db, request.expr, request.timeMs, request.timeMs, 0);
      case "range":
        return this.#engine.estimateSamples(this.#db, request.expr, request.startMs, request.endMs, request.stepMs);
      case "series":
      case "labelNames":
      case "labelValues": {
        if (request.selectors.length === 0)
          return this.#db.stats().numLabelPairs > 100_000 ? Number.POSITIVE_INFINITY : 0;
        const querier = this.#db.querier(request.minTime, request.maxTime);
        try {
          return request.selectors.reduce((sum, text) => sum + querier.estimateSeries(parseMetricSelector(text)), 0);
        } finally {
          querier.close();
        }
      }
    }
  }
}
