// `series`, `labels` and `label/<name>/values`: what is stored, without its samples.
import { isValidLabelName, unescapeName } from "@narthex/model";
import { ParseError, parseMetricSelector } from "@narthex/promql";
import type { QueryService } from "../../query/query-service.ts";
import type { Call } from "../../web/call.ts";
import { ApiError, invalidParameter } from "../api-error.ts";
import { MAX_TIME, MIN_TIME } from "../params.ts";
import { streamAnswer } from "./query-routes.ts";

export class SeriesRoutes {
  readonly #queries: () => QueryService;

  constructor(queries: () => QueryService) {
    this.#queries = queries;
  }

  async series(call: Call): Promise<void> {
    if (call.params.all("match[]").length === 0) throw new ApiError("bad_data", "no match[] parameter provided");
    await streamAnswer(call, this.#queries(), { kind: "series", ...selection(call, invalidMatch) });
  }

  /** The reference once deleted here, and now only says that it does not. */
  drop(_call: Call): void {
    throw new ApiError("internal", "not implemented");
  }

  async labelNames(call: Call): Promise<void> {
    await streamAnswer(call, this.#queries(), { kind: "labelNames", ...selection(call) });
  }

  async labelValues(call: Call): Promise<void> {
    const given = call.pathParams["name"] ?? "";
    const name = given.startsWith("U__") ? unescapeName(given) : given;
    if (!isValidLabelName(name)) throw new ApiError("bad_data", `invalid label name: ${JSON.stringify(name)}`);
    await streamAnswer(call, this.#queries(), { kind: "labelValues", name, ...selection(call) });
  }
}

/** What the reference says of a bad `match[]`: everywhere but for `series` and deletions without naming the parameter. */
function badMatch(message: string): ApiError {
  return new ApiError("bad_data", message);
}

function invalidMatch(message: string): ApiError {
  return invalidParameter("match[]", message);
}

function selection(
  call: Call,
  refusal: (message: string) => ApiError = badMatch,
): { selectors: string[]; minTime: number; maxTime: number; limit: number } {
  const { params } = call;
  const limit = params.limit();
  const minTime = params.time("start", MIN_TIME);
  const maxTime = params.time("end", MAX_TIME);
  const selectors = params.all("match[]");
  for (const selector of selectors) checkSelector(selector, refusal);
  return { selectors, minTime, maxTime, limit };
}

/** Throws an `ApiError` unless `selector` names at least one label that must not be empty. */
export function checkSelector(selector: string, refusal: (message: string) => ApiError = invalidMatch): void {
  let matchers: ReturnType<typeof parseMetricSelector>;
  try {
    matchers = parseMetricSelector(selector);
  } catch (error) {
    if (error instanceof ParseError) throw refusal(error.message);
    throw error;
  }
  if (matchers.every((matcher) => matcher.matchesEmpty))
    throw refusal("match[] must contain at least one non-empty matcher");
}
