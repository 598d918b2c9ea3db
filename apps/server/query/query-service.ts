// Where a query runs: small ones at once on the main thread, all others in a worker, so that no query delays a scrape.
import type { Registry } from "@narthex/client";
import { Labels, type Matcher } from "@narthex/model";
import { type Engine, parseMetricSelector, QueryError, type QueryErrorCode, type VectorElement } from "@narthex/promql";
import type { Span } from "@narthex/tracing";
import type { Db } from "@narthex/tsdb";
import { ApiError } from "../api/api-error.ts";
import { ByteSink } from "../api/json/byte-sink.ts";
import type { FetchedSelection } from "../remote/fetch/fetched.ts";
import type { ReadQuery } from "../remote/fetch/read-query.ts";
import type { RemoteReader } from "../remote/fetch/remote-reader.ts";
import { compileMatchers, type RemoteReadRequest } from "../remote/read/read-answer.ts";
import type { RemoteReadQuery } from "../remote/read/read-request.ts";
import type { ActiveQueryLog } from "./active-query-log.ts";
import { type EngineSettings, engineFrom } from "./engine-settings.ts";
import { PRACTICE_SAMPLES, Practice } from "./practice.ts";
import { QueryGate } from "./query-gate.ts";
import { QueryLog } from "./query-log.ts";
import { QueryMetrics } from "./query-metrics.ts";
import { QueryTrace } from "./query-trace.ts";
import type {
  BacktestRequest,
  InstantRequest,
  PlainElement,
  RangeRequest,
  RequestStatistics,
  StorageRequest,
  VectorRequest,
} from "./request.ts";
import { runRequest } from "./run-request.ts";
import {
  type Asker,
  type QueryOrigin,
  type QueryTicket,
  RunningQueries,
  type RunningQuery,
} from "./running-queries.ts";
import { type AnswerOutput, WorkerPool } from "./worker-pool.ts";

/** Samples that a query on the main thread may read: about two milliseconds of work. */
const INLINE_SAMPLES = 100_000;
/** The same when blocks have to be read from disk. */
const INLINE_BLOCK_SAMPLES = 20_000;
/** Series whose labels the main thread may list. */
const INLINE_SERIES = 2_000;
/** What is taken for the distance between samples where nothing is known of it. */
const ASSUMED_INTERVAL_MS = 15_000;
/** Answers up to here are put together without memory of their own. */
const SCRATCH_BYTES = 4096;
/** From here on a query counts as heavy: it never takes the last worker. */
const HEAVY_SAMPLES = 20_000_000;

/** Longer timers overflow Node's, and would ring at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Longer queries do not run on the main thread: their patterns may take long to compile, and a long chain of operators
 * needs more stack than it has.
 */
export const INLINE_QUERY_LENGTH = 1024;

/** What a request will take, as far as can be said beforehand. */
interface Cost {
  /** Samples, or series where it lists them. */
  readonly samples: number;
  /** Whether it runs at once, on the main thread. */
  readonly isSmall: boolean;
}

const MEMORY_IS_SHORT = "the server's memory is short, so that only small queries are answered: try again later";

export interface QueryServiceOptions {
  readonly db: Db;
  readonly settings: EngineSettings;
  readonly maxConcurrency: number;
  readonly workers: number;
  /** Heap of one worker in MiB; a query that needs more fails with a clear error. */
  readonly workerHeapMb: number;
  readonly registry: Registry;
  readonly active: ActiveQueryLog;
  /** Other servers that are read beside the database. */
  readonly remote?: RemoteReader;
}

export class QueryService {
  readonly #db: Db;
  readonly #pool: WorkerPool;
  readonly #gate: QueryGate;
  readonly #metrics: QueryMetrics;
  readonly #active: ActiveQueryLog;
  readonly #remote: RemoteReader | undefined;
  readonly running: RunningQueries = new RunningQueries();
  readonly log: QueryLog;
  /** While memory is short, queries for workers are refused; those of rules are not. */
  refusesBig = false;
  #settings: EngineSettings;
  #engine: Engine;
  /** Where small answers are put together: one at a time, from begin to end. */
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  readonly #practice = new Practice((request) => {
    this.#runHere(request, { write: () => undefined }, () => false, 0);
  });

  constructor({ db, settings, maxConcurrency, workers, workerHeapMb, registry, active, remote }: QueryServiceOptions) {
    this.#remote = remote;
    this.#db = db;
    this.#pool = new WorkerPool(db, workers, workerHeapMb);
    this.#gate = new QueryGate(maxConcurrency);
    this.#metrics = new QueryMetrics(registry, maxConcurrency, () => this.#gate.running);
    this.#active = active;
    this.log = new QueryLog(this.#metrics.logEnabled, this.#metrics.logFailures);
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
   * only when the asker left or the worker died.
   */
  async run(request: StorageRequest, output: AnswerOutput, asker: Asker, origin?: QueryOrigin): Promise<void> {
    if (request.kind !== "instant" && request.kind !== "range" && request.kind !== "backtest") {
      await this.#answer(request, this.#costOf(request), output, asker, () => false, 0);
      return;
    }
    const queued = performance.now();
    const ticket = this.running.begin(describe(request, origin), asker);
    const trace = asker.span === undefined ? undefined : new QueryTrace(asker.span, request);
    let queueSeconds = 0;
    let isIn = false;
    let slot = -1;
    let statistics: RequestStatistics | undefined;
    let failure: unknown;
    try {
      const waiting = this.#gate.enter(request.timeoutMs ?? this.#settings.timeoutMs, ticket);
      if (waiting !== undefined) await waiting;
      isIn = true;
      ticket.query.state = "running";
      ticket.span = trace?.begin();
      queueSeconds = (performance.now() - queued) / 1000;
      const cost = this.#costOf(request);
      // What runs here and now is over before anything could be read of it, and is bounded too tightly to end the process.
      if (!cost.isSmall) slot = this.#active.insert(request.expr, Date.now());
      const answered = this.#answer(request, cost, output, ticket, () => ticket.isStopped, queueSeconds);
      statistics = answered instanceof Promise ? await answered : answered;
      this.#metrics.observe(statistics, queueSeconds);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      ticket.end();
      this.#active.remove(slot);
      if (isIn) this.#gate.leave();
      trace?.end(statistics, failure);
      this.#note(ticket, statistics, queueSeconds, (performance.now() - queued) / 1000, failure);
    }
  }

  /**
   * A rule's query: an instant vector, or a scalar as one element without labels. Rejects with `QueryError`. `span` is the rule's, where
   * it is traced.
   */
  async evaluate(
    expr: string,
    timeMs: number,
    signal: AbortSignal,
    origin?: QueryOrigin,
    span?: Span,
  ): Promise<VectorElement[]> {
    const begun = performance.now();
    const ticket = this.running.begin(describe({ kind: "vector", expr, timeMs }, origin), { signal });
    const trace = span === undefined ? undefined : new QueryTrace(span, { kind: "vector", expr, timeMs });
    ticket.query.state = "running";
    ticket.span = trace?.begin();
    let statistics: RequestStatistics | undefined;
    let failure: unknown;
    let found: readonly PlainElement[] = [];
    const output: AnswerOutput = { write: () => undefined, elements: (elements) => (found = elements) };
    try {
      const request = { kind: "vector", expr, timeMs } as const;
      statistics = await this.#answer(request, this.#costOf(request), output, ticket, () => ticket.isStopped, 0);
      this.#metrics.observe(statistics, 0);
    } catch (error) {
      failure = error;
      throw error;
    } finally {
      ticket.end();
      trace?.end(statistics, failure);
      this.#note(ticket, statistics, 0, (performance.now() - begun) / 1000, failure);
    }
    return found.map(({ pairs, value, histogram }) => ({ labels: new Labels(pairs), value, histogram }));
  }

  /** Gives up what workers keep for the next query. */
  dropCaches(): void {
    this.#pool.endIdle();
  }

  /** Ends what runs on workers and is no rule's: who asked is told why. */
  endBig(): void {
    this.#pool.endRunning(({ request }) => request.kind !== "vector", new ApiError("overloaded", MEMORY_IS_SHORT));
  }

  async close(): Promise<void> {
    this.#practice.close();
    await this.#pool.close();
    this.#active.close();
    await this.log.close();
  }

  #note(
    { query, span }: QueryTicket,
    statistics: RequestStatistics | undefined,
    queueSeconds: number,
    totalSeconds: number,
    failure: unknown,
  ): void {
    if (!this.log.isOpen) return;
    // What is no query was not run: the reference logs none of it either.
    if (failure instanceof QueryError && failure.code === "bad_data") return;
    const { expr, startMs, endMs, stepMs, origin } = query;
    const { samples, samplesRead, peakSamples, ...rest } = statistics ?? NOTHING_DONE;
    const { preparationSeconds, evaluationSeconds, sortSeconds } = rest;
    const timings = { queueSeconds, totalSeconds, preparationSeconds, evaluationSeconds, sortSeconds };
    const error = failure === undefined ? undefined : (failure as Error).message;
    this.log.write({ expr, startMs, endMs, stepMs, origin, timings, samples, samplesRead, peakSamples, error, span });
  }

  #costOf(request: StorageRequest): Cost {
    const samples = this.#estimate(request);
    return { samples, isSmall: samples <= this.#inlineLimit(request) };
  }

  #answer(
    request: StorageRequest,
    { samples, isSmall }: Cost,
    output: AnswerOutput,
    asker: Asker,
    cancelled: () => boolean,
    queueSeconds: number,
  ): RequestStatistics | Promise<RequestStatistics> {
    const refuse = (): void => {
      if (!isSmall && this.refusesBig && request.kind !== "vector") throw new ApiError("overloaded", MEMORY_IS_SHORT);
    };
    // Before anybody is asked: what other servers answer takes memory too.
    refuse();
    const fetching = this.#remote?.isEmpty === false ? this.#fetch(request, asker) : undefined;
    if (fetching !== undefined) {
      return fetching.then((fetched) => {
        // Memory may have become short meanwhile.
        refuse();
        const { signal } = asker;
        return this.#pool.run({
          request,
          settings: this.#settings,
          output,
          signal,
          heavy: samples >= HEAVY_SAMPLES,
          fetched,
        });
      });
    }
    if (isSmall) {
      if (samples <= PRACTICE_SAMPLES) this.#practice.take(request);
      return this.#runHere(request, output, cancelled, queueSeconds);
    }
    const { signal } = asker;
    return this.#pool.run({ request, settings: this.#settings, output, signal, heavy: samples >= HEAVY_SAMPLES });
  }

  #runHere(
    request: StorageRequest,
    output: AnswerOutput,
    cancelled: () => boolean,
    queueSeconds: number,
  ): RequestStatistics {
    const sink = new ByteSink((bytes) => void output.write(bytes), this.#scratch);
    const context = { engine: this.#engine, queryable: this.#db, queueSeconds, cancelled };
    return runRequest(request, context, sink, (elements) => output.elements?.(elements));
  }

  /** What the request needs from other servers, before it runs; undefined for nothing. Rejects with `QueryError`. */
  #fetch(request: StorageRequest, { signal, span }: Asker): Promise<readonly FetchedSelection[]> | undefined {
    const queries = this.#remoteQueries(request);
    if (queries.length === 0) return undefined;
    const callOff = new AbortController();
    const fetching = this.#remote?.fetch(queries, callOff.signal, span);
    if (fetching === undefined) return undefined;
    const timeoutMs = ("timeoutMs" in request ? request.timeoutMs : undefined) ?? this.#settings.timeoutMs;
    return new Promise((resolve, reject) => {
      const end = (code: QueryErrorCode, message: string): void => {
        settle();
        callOff.abort();
        reject(new QueryError(code, message));
      };
      const onAbort = (): void => end("canceled", "query was canceled in expression evaluation");
      const late = (): void => end("timeout", "query timed out in expression evaluation");
      const timer = setTimeout(late, Math.min(timeoutMs, MAX_TIMER_MS));
      const settle = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener("abort", onAbort);
      fetching.then((fetched) => {
        settle();
        resolve(fetched);
      }, reject);
    });
  }

  #remoteQueries(request: StorageRequest): ReadQuery[] {
    switch (request.kind) {
      case "vector":
      case "instant":
        return this.#selections(request, request.timeMs, request.timeMs, 0);
      case "backfill": {
        const { query, startMs, endMs, stepMs } = request.range;
        return this.#engine.selections(query, startMs, endMs, stepMs).map((selection) => ({ ...selection, stepMs }));
      }
      case "backtest":
      case "range":
        return this.#selections(request, request.startMs, request.endMs, request.stepMs);
      case "series": {
        const { minTime, maxTime } = request;
        const rest = { minTime, maxTime, stepMs: 0, rangeMs: 0, func: "series", grouping: [], by: false };
        return request.selectors.map((text) => ({ matchers: parseMetricSelector(text), ...rest }));
      }
      // As in the reference, names of labels are local. So is what other servers read from here, lest two ask one another.
      default:
        return [];
    }
  }

  #selections(
    request: InstantRequest | RangeRequest | VectorRequest | BacktestRequest,
    startMs: number,
    endMs: number,
    stepMs: number,
  ): ReadQuery[] {
    const lookbackMs = request.kind === "vector" ? undefined : request.lookbackDeltaMs;
    const found = this.#engine.selections(request.expr, startMs, endMs, stepMs, lookbackMs);
    return found.map((selection) => ({ ...selection, stepMs }));
  }

  #inlineLimit(request: StorageRequest): number {
    switch (request.kind) {
      case "vector":
      case "instant":
      case "range": {
        const from = request.kind === "range" ? request.startMs : request.timeMs;
        return from >= (this.#db.stats().minTime ?? Number.POSITIVE_INFINITY) ? INLINE_SAMPLES : INLINE_BLOCK_SAMPLES;
      }
      case "remoteRead":
        return INLINE_BLOCK_SAMPLES;
      default:
        return INLINE_SERIES;
    }
  }

  /** An evaluation without selectors reads nothing, but its subqueries may still take long: never on the main thread. */
  #estimateEvaluation(expr: string, startMs: number, endMs: number, stepMs: number): number {
    if (expr.length > INLINE_QUERY_LENGTH) return INLINE_SAMPLES + 1;
    const samples = this.#engine.estimateSamples(this.#db, expr, startMs, endMs, stepMs);
    return samples === 0 && expr.includes("[") ? INLINE_SAMPLES + 1 : samples;
  }

  /** Samples that an evaluation reads, or series that a listing visits; an upper bound, cheaply had. */
  #estimate(request: StorageRequest): number {
    switch (request.kind) {
      case "vector":
      case "instant":
        return this.#estimateEvaluation(request.expr, request.timeMs, request.timeMs, 0);
      case "backfill":
        // It writes, too: never on the main thread, and never on the last worker.
        return HEAVY_SAMPLES;
      case "backtest":
        // All steps of all series are walked one by one: never on the main thread.
        return INLINE_SAMPLES + this.#estimateEvaluation(request.expr, request.startMs, request.endMs, request.stepMs);
      case "range":
        return this.#estimateEvaluation(request.expr, request.startMs, request.endMs, request.stepMs);
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
      case "search":
        // Every text is looked at, character by character: cheap for a few labels' names, and for nothing else.
        return request.label === undefined && request.selectors.length === 0 ? 0 : Number.POSITIVE_INFINITY;
      case "federate":
        return this.#estimateSeries(
          request.selectors.map((text) => parseMetricSelector(text)),
          request.minTime,
          request.maxTime,
        );
      case "remoteRead":
        return request.queries.reduce((sum, query) => sum + this.#estimateRemoteRead(query, request), 0);
    }
  }

  #estimateSeries(matcherSets: readonly (readonly Matcher[])[], minTime: number, maxTime: number): number {
    const querier = this.#db.querier(minTime, maxTime);
    try {
      return matcherSets.reduce((sum, matchers) => sum + querier.estimateSeries(matchers), 0);
    } finally {
      querier.close();
    }
  }

  /** Samples of a remote read, if there is one every 15 s over the part of its range of which there are any. */
  #estimateRemoteRead(query: RemoteReadQuery, { externalLabels }: RemoteReadRequest): number {
    const minTime = Math.max(query.minTime, this.#db.blocks[0]?.minTime ?? this.#db.stats().minTime ?? 0);
    const maxTime = Math.min(query.maxTime, Date.now());
    if (minTime > maxTime) return 0;
    const series = this.#estimateSeries([compileMatchers(query, externalLabels)], minTime, maxTime);
    return series * ((maxTime - minTime) / ASSUMED_INTERVAL_MS + 1);
  }
}

const NOTHING_DONE: RequestStatistics = {
  samples: 0,
  samplesRead: 0,
  peakSamples: 0,
  preparationSeconds: 0,
  evaluationSeconds: 0,
  sortSeconds: 0,
};

function describe(
  request: Extract<StorageRequest, { kind: "instant" | "range" | "vector" | "backtest" }>,
  origin: QueryOrigin | undefined,
): Omit<RunningQuery, "id" | "state"> {
  const { startMs, endMs, stepMs } =
    request.kind === "range" || request.kind === "backtest"
      ? request
      : { startMs: request.timeMs, endMs: request.timeMs, stepMs: 0 };
  return { expr: request.expr, startMs, endMs, stepMs, begunMs: Date.now(), origin };
}
