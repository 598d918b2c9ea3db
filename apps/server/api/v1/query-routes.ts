// `query` and `query_range`, and what surrounds them: formatting and parsing of expressions.
import { formatFloat, type Matcher } from "@narthex/model";
import { type Expr, exprToJson, ParseError, parseExpr, prettify, QueryError } from "@narthex/promql";
import type { Db } from "@narthex/tsdb";
import type { EngineSettings } from "../../query/engine-settings.ts";
import { INLINE_QUERY_LENGTH, type QueryService } from "../../query/query-service.ts";
import type { StorageRequest } from "../../query/request.ts";
import type { Call } from "../../web/call.ts";
import { ApiError, invalidParameter } from "../api-error.ts";
import { CSV_CONTENT_TYPE } from "../csv/query-csv.ts";
import { MAX_TIME, MIN_TIME, parseDurationMs } from "../params.ts";

/** Points per series that a range query may ask for. */
const MAX_POINTS = 11_000;

export interface QueryRoutesOptions {
  readonly queries: () => QueryService;
  readonly exemplars: () => Pick<Db, "exemplars">;
  /** As configured now. */
  readonly settings: () => EngineSettings;
  readonly now: () => number;
}

export class QueryRoutes {
  readonly #options: QueryRoutesOptions;

  constructor(options: QueryRoutesOptions) {
    this.#options = options;
  }

  async instant(call: Call): Promise<void> {
    const { params } = call;
    const limit = params.limit();
    const timeMs = params.evaluationTime("time", this.#options.now());
    const common = this.#common(call);
    await this.#answer(call, { kind: "instant", ...common, limit, timeMs });
  }

  async range(call: Call): Promise<void> {
    const { params } = call;
    const limit = params.limit();
    const startMs = params.requiredTime("start");
    const endMs = params.requiredTime("end");
    if (endMs < startMs) throw invalidParameter("end", "end timestamp must not be before start time");
    const stepMs = params.requiredDuration("step");
    if (stepMs <= 0)
      throw invalidParameter(
        "step",
        "zero or negative query resolution step widths are not accepted. Try a positive integer",
      );
    if ((endMs - startMs) / stepMs > MAX_POINTS)
      throw new ApiError(
        "bad_data",
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
      );
    const common = this.#common(call);
    await this.#answer(call, {
      kind: "range",
      ...common,
      limit,
      startMs,
      endMs,
      stepMs: Math.max(1, Math.floor(stepMs)),
    });
  }

  /** Exemplars of the series that any selector of the expression names. An empty list when none are kept. */
  exemplars(call: Call): void {
    const { params } = call;
    const startMs = params.time("start", MIN_TIME);
    const endMs = params.time("end", MAX_TIME);
    if (endMs < startMs) throw new ApiError("bad_data", "end timestamp must not be before start timestamp");
    // Unlike its neighbours, the reference does not name the parameter here.
    const expr = this.#parsed(call, (message) => new ApiError("bad_data", message));
    const selections: (readonly Matcher[])[] = [];
    collectSelections(expr, selections);
    if (selections.length === 0) {
      call.noContent();
      return;
    }
    const found = this.#options.exemplars().exemplars(startMs, endMs, selections);
    call.json(
      found.map(({ labels, exemplars }) => ({
        seriesLabels: labels.toObject(),
        exemplars: exemplars.map((exemplar) => ({
          labels: exemplar.labels.toObject(),
          value: formatFloat(exemplar.value),
          timestamp: exemplar.t / 1000,
        })),
      })),
    );
  }

  format(call: Call): void {
    call.json(prettify(this.#parsed(call)));
  }

  parse(call: Call): void {
    call.json(exprToJson(this.#parsed(call)));
  }

  #common(call: Call): {
    expr: string;
    timeoutMs: number | undefined;
    lookbackDeltaMs: number | undefined;
    stats: "none" | "total" | "perStep";
    explain: boolean;
    format: "json" | "csv";
  } {
    const { params } = call;
    const timeoutMs = params.duration("timeout");
    const lookbackDeltaMs = lookback(call);
    const expr = params.get("query");
    const stats = params.get("stats");
    const format = params.get("format") || "json";
    if (format !== "json" && format !== "csv")
      throw invalidParameter("format", `unknown format ${JSON.stringify(format)}: expected json or csv`);
    // Very long ones are left to the worker that will run them.
    if (expr.length <= INLINE_QUERY_LENGTH) this.#check(expr);
    const level = stats === "" ? "none" : stats === "all" ? "perStep" : "total";
    return { expr, timeoutMs, lookbackDeltaMs, stats: level, explain: params.get("explain") === "1", format };
  }

  /** Refuses what does not parse; the engine remembers what does. */
  #check(expr: string): void {
    try {
      this.#options.queries().engine.parse(expr);
    } catch (error) {
      if (error instanceof QueryError) throw invalidParameter("query", error.message);
      throw error;
    }
  }

  #parsed(
    call: Call,
    refusal = (message: string): ApiError => invalidParameter("query", message),
  ): ReturnType<typeof parseExpr> {
    try {
      return parseExpr(call.params.get("query"), this.#options.settings());
    } catch (error) {
      if (error instanceof ParseError) throw refusal(error.message);
      throw error;
    }
  }

  async #answer(call: Call, request: StorageRequest): Promise<void> {
    await streamAnswer(call, this.#options.queries(), request);
  }
}

/** Adds the matchers of each selector in an expression. */
function collectSelections(expr: Expr, into: (readonly Matcher[])[]): void {
  switch (expr.kind) {
    case "vectorSelector":
      into.push(expr.matchers);
      break;
    case "matrixSelector":
      into.push(expr.selector.matchers);
      break;
    case "number":
    case "string":
      break;
    case "paren":
    case "unary":
    case "subquery":
      collectSelections(expr.expr, into);
      break;
    case "binary":
      collectSelections(expr.lhs, into);
      collectSelections(expr.rhs, into);
      break;
    case "aggregate":
      collectSelections(expr.expr, into);
      if (expr.param !== undefined) collectSelections(expr.param, into);
      break;
    case "call":
      for (const arg of expr.args) collectSelections(arg, into);
      break;
  }
}

function lookback({ params }: Call): number | undefined {
  const text = params.get("lookback_delta");
  if (text === "") return undefined;
  const parsed = parseDurationMs(text);
  if (typeof parsed === "string") throw new ApiError("bad_data", `error parsing lookback delta duration: ${parsed}`);
  return parsed <= 0 ? undefined : parsed;
}

/** Runs a request and streams its answer; what fails before the first byte left becomes a refusal. */
export async function streamAnswer(
  call: Call,
  queries: Pick<QueryService, "run">,
  request: StorageRequest,
  contentType: string = "format" in request && request.format === "csv" ? CSV_CONTENT_TYPE : "application/json",
): Promise<void> {
  const answer = call.stream({ contentType });
  try {
    await queries.run(request, answer, call, call.origin);
    answer.end();
  } catch (error) {
    if (answer.started || call.response.destroyed) answer.break();
    else if (error instanceof QueryError && error.code === "bad_data") throw invalidParameter("query", error.message);
    else if (error instanceof QueryError) throw new ApiError(error.code, error.message);
    else throw error;
  }
}
