// Remote read as a whole: fetches what the selectors of a query need from all endpoints, before the query runs.
import type { Registry } from "@narthex/client";
import { Labels } from "@narthex/model";
import type { Span } from "@narthex/tracing";
import { ByteBudget } from "../../care/byte-budget.ts";
import type { Config } from "../../config/index.ts";
import { remoteRead } from "../../config/schema/remote.ts";
import type { RemoteReadConfig } from "../../config/types.ts";
import type { DialMetrics, DialObserver } from "../../scrape/dial-metrics.ts";
import { configHash } from "../config-hash.ts";
import { type FetchedAnswer, type FetchedSelection, selectionKey } from "./fetched.ts";
import { ReadEndpoint } from "./read-endpoint.ts";
import { ReadMetrics } from "./read-metrics.ts";
import type { ReadQuery } from "./read-query.ts";

/** Requests of one query that are under way at once. */
const AT_ONCE = 8;
/** Answers of one query may take so much memory together; the one whose next piece would be beyond it fails. */
const MAX_QUERY_BYTES = 1024 * 1024 * 1024;

export interface RemoteReaderOptions {
  readonly registry: Registry;
  /** For the User-Agent header. */
  readonly version: string;
  /** Milliseconds: from here on local storage has everything. */
  readonly localStart: () => number;
  readonly dials?: DialMetrics;
  /** Standard: `MAX_QUERY_BYTES`. */
  readonly maxQueryBytes?: number;
}

export class RemoteReader {
  readonly #options: RemoteReaderOptions;
  #metrics: ReadMetrics | undefined;
  #observe: DialObserver | undefined;
  /** By the hashes of their configurations, in their order. */
  #endpoints: ReadonlyMap<string, ReadEndpoint> = new Map();
  #externalLabels: Labels = Labels.empty;

  constructor(options: RemoteReaderOptions) {
    this.#options = options;
  }

  /** Whether anybody is asked at all. */
  get isEmpty(): boolean {
    return this.#endpoints.size === 0;
  }

  /**
   * Takes over a configuration: endpoints whose own configuration and external labels are the same go on, and what is being asked of
   * the others is still answered. Throws for endpoints that are the same twice; then nothing changes.
   */
  apply({ remoteRead: configs, global }: Pick<Config, "remoteRead" | "global">): void {
    const hashes = new Map<string, RemoteReadConfig>();
    for (const config of configs) {
      const hash = configHash(remoteRead.encode(config as never));
      if (hashes.has(hash)) {
        throw new Error(
          `duplicate remote read configs are not allowed, found duplicate for URL: ${config.url.toString()}`,
        );
      }
      hashes.set(hash, config);
    }
    const { registry, dials } = this.#options;
    const old = this.#endpoints;
    const { externalLabels } = global;
    const isSameOutside = externalLabels.equals(this.#externalLabels);
    this.#externalLabels = externalLabels;
    if (hashes.size > 0) {
      this.#metrics ??= new ReadMetrics(registry);
      this.#observe ??= dials?.observer("remote_storage_read_client");
    }
    const next = new Map<string, ReadEndpoint>();
    for (const [hash, config] of hashes) {
      const kept = isSameOutside ? old.get(hash) : undefined;
      // The hash says nothing of secrets.
      kept?.renew(config);
      next.set(hash, kept ?? this.#open(hash, config));
    }
    this.#endpoints = next;
    for (const [hash, endpoint] of old) if (next.get(hash) !== endpoint) endpoint.close();
  }

  /**
   * Asks all endpoints for all selections of one query, each once. What goes wrong is told in the answers, and becomes warnings.
   * Undefined when nobody is to be asked. `signal` calls everything off. `span` is the query's, where it is traced.
   */
  fetch(queries: readonly ReadQuery[], signal: AbortSignal, span?: Span): Promise<FetchedSelection[]> | undefined {
    const endpoints = [...this.#endpoints.values()];
    if (endpoints.length === 0) return undefined;
    const localStart = this.#options.localStart();
    const minTime = queries.reduce((least, query) => Math.min(least, query.minTime), Number.POSITIVE_INFINITY);
    const selections = distinct(queries).map(({ key, query }) => ({
      key,
      query,
      asked: endpoints.map((endpoint) => ({ endpoint, query: endpoint.clip(query, minTime, localStart) })),
    }));
    if (!selections.some(({ asked }) => asked.some(({ query }) => query !== undefined))) return undefined;
    return this.#fetchAll(selections, signal, span);
  }

  close(): void {
    for (const endpoint of this.#endpoints.values()) endpoint.close();
    this.#endpoints = new Map();
  }

  #open(hash: string, config: RemoteReadConfig): ReadEndpoint {
    const metrics = this.#metrics as ReadMetrics;
    const endpoint = new ReadEndpoint({
      name: config.name || hash.slice(0, 6),
      config,
      externalLabels: this.#externalLabels,
      version: this.#options.version,
      metrics,
      observe: this.#observe,
    });
    metrics.opened(endpoint);
    return endpoint;
  }

  async #fetchAll(
    selections: readonly {
      readonly key: string;
      readonly query: ReadQuery;
      readonly asked: readonly { readonly endpoint: ReadEndpoint; readonly query: ReadQuery | undefined }[];
    }[],
    signal: AbortSignal,
    span: Span | undefined,
  ): Promise<FetchedSelection[]> {
    const fetched = selections.map(({ key, query: { minTime, maxTime }, asked }) => ({
      key,
      minTime,
      maxTime,
      answers: asked.map((): FetchedAnswer => NOTHING_ASKED),
    }));
    const work = selections.flatMap(({ asked }, i) =>
      asked.flatMap(({ endpoint, query }, j) => (query === undefined ? [] : [{ endpoint, query, i, j }])),
    );
    const budget = new ByteBudget(this.#options.maxQueryBytes ?? MAX_QUERY_BYTES);
    const run = async (): Promise<void> => {
      for (let next = work.shift(); next !== undefined; next = work.shift()) {
        const answer = await next.endpoint.ask(next.query, budget, signal, span);
        (fetched[next.i] as { answers: FetchedAnswer[] }).answers[next.j] = answer;
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, work.length) }, run));
    return fetched;
  }
}

/** An answer without series. */
const NOTHING_ASKED: FetchedAnswer = {
  form: "chunks",
  bytes: new Uint8Array(0),
  error: "",
  stripped: [],
  limitBytes: 0,
};

/** Selections with the same matchers are fetched once, with all times that any of them needs. */
function distinct(queries: readonly ReadQuery[]): { key: string; query: ReadQuery }[] {
  const byKey = new Map<string, ReadQuery>();
  for (const query of queries) {
    const key = selectionKey(query.matchers);
    const known = byKey.get(key);
    if (known === undefined) {
      byKey.set(key, query);
      continue;
    }
    // What is asked for two purposes is asked for without hints about either.
    byKey.set(key, {
      ...query,
      minTime: Math.min(known.minTime, query.minTime),
      maxTime: Math.max(known.maxTime, query.maxTime),
      rangeMs: 0,
      func: "",
      grouping: [],
      by: false,
    });
  }
  return [...byKey].map(([key, query]) => ({ key, query }));
}
