// `search/*`: names and values for what somebody types, if `--enable-feature=search-api` is set.
// Source: HTTP API specification, "search", and the reference's API documentation.
import type { QueryService } from "../../query/query-service.ts";
import type { Call } from "../../web/call.ts";
import { ApiError } from "../api-error.ts";
import type { Params } from "../params.ts";
import type { MetricMetadata, SearchRequest } from "../search/search-answer.ts";
import { ALGORITHMS, type Algorithm } from "../search/term-score.ts";
import { streamAnswer } from "./query-routes.ts";
import { checkSelector } from "./series-routes.ts";

export interface SearchOptions {
  readonly enabled: boolean;
  /** No search may ask for more results; 0 for no such bound. */
  readonly maxLimit: number;
  queries(): Pick<QueryService, "run">;
  /** What targets tell about their metrics. */
  metadata(): Iterable<Iterable<readonly [family: string, metadata: MetricMetadata]>>;
  now(): number;
}

const HOUR_MS = 3_600_000;
const DEFAULT_LIMIT = 100;
const DEFAULT_BATCH = 100;
const MAX_TERMS = 32;
/** Somebody who types asks several times a second, and what is known of metrics rarely changes. */
const METADATA_VALID_MS = 5000;
const METRIC_NAME = "__name__";

type Subject = Pick<SearchRequest, "label" | "field" | "metadata">;

export class SearchRoutes {
  readonly #options: SearchOptions;
  #known: { readonly t: number; readonly metadata: ReadonlyMap<string, MetricMetadata> } | undefined;

  constructor(options: SearchOptions) {
    this.#options = options;
  }

  metricNames(call: Call): Promise<void> {
    return this.#answer(call, "metric_names", ({ params }) => ({
      label: METRIC_NAME,
      field: "name",
      metadata: truth(params, "include_metadata", false) ? this.#metadata() : undefined,
    }));
  }

  labelNames(call: Call): Promise<void> {
    return this.#answer(call, "label_names", () => ({ label: undefined, field: "name", metadata: undefined }));
  }

  labelValues(call: Call): Promise<void> {
    return this.#answer(call, "label_values", ({ params }) => {
      const label = params.get("label");
      if (label === "") throw refusal('missing required parameter "label"');
      return { label, field: "value", metadata: undefined };
    });
  }

  async #answer(call: Call, endpoint: string, subject: (call: Call) => Subject): Promise<void> {
    const { enabled, maxLimit, queries, now } = this.#options;
    if (!enabled) throw new ApiError("unavailable", "search API disabled");
    const request = { ...searchOf(call.params, endpoint, maxLimit, now()), ...subject(call) };
    await streamAnswer(call, queries(), request, "application/x-ndjson; charset=utf-8");
  }

  #metadata(): ReadonlyMap<string, MetricMetadata> {
    const t = this.#options.now();
    if (this.#known === undefined || t - this.#known.t >= METADATA_VALID_MS || t < this.#known.t) {
      const metadata = new Map<string, MetricMetadata>();
      for (const entries of this.#options.metadata())
        for (const [family, { type, help, unit }] of entries)
          if (!metadata.has(family)) metadata.set(family, { type, help, unit });
      this.#known = { t, metadata };
    }
    return this.#known.metadata;
  }
}

/** What all three have in common, in the order in which the reference finds mistakes. */
function searchOf(params: Params, endpoint: string, maxLimit: number, now: number): Omit<SearchRequest, keyof Subject> {
  const minTime = params.time("start", now - HOUR_MS, refusal);
  const maxTime = params.time("end", now, refusal);
  if (maxTime < minTime) throw refusal("end timestamp must not be before start timestamp");
  const selectors = params.all("match[]");
  for (const selector of selectors) checkSelector(selector, refusal);
  const terms = params.all("search[]");
  if (terms.length > MAX_TERMS) throw refusal(`too many search[] terms: got ${terms.length}, maximum is ${MAX_TERMS}`);
  const threshold = thresholdOf(params.get("fuzz_threshold")) / 100;
  const algorithm = algorithmOf(params.get("fuzz_alg"));
  const caseSensitive = truth(params, "case_sensitive", true);
  const includeScore = truth(params, "include_score", false);
  const sortBy = params.get("sort_by");
  const direction = params.get("sort_dir");
  if (direction !== "" && sortBy === "") throw refusal("sort_dir is only valid when sort_by is set");
  if (direction !== "" && sortBy === "score") throw refusal("sort_dir is not supported for sort_by=score");
  if (!["", "asc", "dsc"].includes(direction))
    throw refusal(`invalid sort_dir ${JSON.stringify(direction)}: must be "asc" or "dsc"`);
  if (sortBy === "score" && terms.length === 0) throw refusal("sort_by=score requires search[] to be set");
  const limit = limitOf(params, maxLimit);
  const batchSize = positive(params, "batch_size") ?? DEFAULT_BATCH;
  if (!["", "alpha", "score"].includes(sortBy))
    throw refusal(`invalid sort_by ${JSON.stringify(sortBy)} for ${endpoint}: must be "alpha" or "score"`);
  const order = sortBy === "score" ? "score" : direction === "dsc" ? "descending" : "ascending";
  return {
    ...{ kind: "search", selectors, minTime, maxTime, terms, threshold, algorithm, caseSensitive },
    ...{ includeScore, order, limit, batchSize },
  };
}

function refusal(message: string): ApiError {
  return new ApiError("bad_data", message);
}

function thresholdOf(text: string): number {
  const threshold = text === "" ? 0 : integer(text);
  if (threshold === undefined || threshold < 0 || threshold > 100)
    throw refusal(`invalid fuzz_threshold ${JSON.stringify(text)}: must be 0-100`);
  return threshold;
}

function algorithmOf(text: string): Algorithm {
  const algorithm = text === "" ? ALGORITHMS[0] : ALGORITHMS.find((name) => name === text);
  if (algorithm === undefined)
    throw refusal(`unsupported fuzz_alg ${JSON.stringify(text)}: must be one of [${ALGORITHMS.join(" ")}]`);
  return algorithm;
}

function limitOf(params: Params, maxLimit: number): number {
  const limit = positive(params, "limit");
  if (limit === undefined) return maxLimit > 0 ? Math.min(DEFAULT_LIMIT, maxLimit) : DEFAULT_LIMIT;
  if (maxLimit > 0 && limit > maxLimit)
    throw refusal(`limit ${limit} exceeds the configured maximum (${maxLimit}, see --web.search.max-limit)`);
  return limit;
}

/** Undefined where absent. */
function positive(params: Params, name: string): number | undefined {
  const text = params.get(name);
  if (text === "") return undefined;
  const number = integer(text);
  if (number === undefined || number <= 0)
    throw refusal(`invalid ${name} ${JSON.stringify(text)}: must be a positive integer`);
  return number;
}

function integer(text: string): number | undefined {
  const number = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(number) ? number : undefined;
}

function truth(params: Params, name: string, fallback: boolean): boolean {
  const text = params.get(name);
  if (text === "") return fallback;
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw refusal(`invalid ${name} ${JSON.stringify(text)}: must be boolean`);
}
