// The spans of one query. Names and nesting are those of the reference, where it has the same step.
import type { Span } from "@narthex/tracing";
import type { RequestStatistics, StorageRequest } from "./request.ts";
import { timeText } from "./time-text.ts";

type TracedRequest = Extract<StorageRequest, { kind: "instant" | "range" | "vector" | "backtest" }>;

/** Begins where a query does, and ends with it. What workers do is told afterwards, from their statistics. */
export class QueryTrace {
  /** The API's; a rule's query is a part of the rule's span itself. */
  readonly #query: Span | undefined;
  readonly #execution: Span;
  #evaluation: Span | undefined;

  constructor(parent: Span, request: TracedRequest) {
    this.#query = request.kind === "vector" ? undefined : parent.child(NAMES[request.kind]);
    const about = this.#query ?? parent;
    about.set("query", request.expr);
    if (request.kind === "range" || request.kind === "backtest") {
      about.set("start", timeText(request.startMs));
      about.set("end", timeText(request.endMs));
      about.set("step", `${request.stepMs / 1000}s`);
    } else about.set("time", timeText(request.timeMs));
    this.#execution = about.child("promqlExec");
  }

  /** It has waited for its turn and runs now. Returns the span of which what is asked elsewhere is a part. */
  begin(): Span {
    const evaluation = this.#execution.child("promqlEval");
    this.#execution.part("promqlExecQueue", this.#execution.startMs, evaluation.startMs);
    this.#evaluation = evaluation;
    return evaluation;
  }

  /** `statistics` of a query that was answered, `failure` of all others. */
  end(statistics: RequestStatistics | undefined, failure: unknown): void {
    const evaluation = this.#evaluation;
    if (statistics !== undefined && evaluation !== undefined) {
      const { preparationSeconds, evaluationSeconds, sortSeconds } = statistics;
      // One after the other, up to now: before them come the way to a worker and what other servers were asked for.
      const doneMs = evaluation.nowMs;
      const sortMs = doneMs - sortSeconds * 1000;
      const innerMs = sortMs - evaluationSeconds * 1000;
      evaluation.part("promqlPrepare", innerMs - preparationSeconds * 1000, innerMs);
      evaluation.part("promqlInnerEval", innerMs, sortMs);
      if (sortSeconds > 0) evaluation.part("promqlSort", sortMs, doneMs);
      (this.#query ?? this.#execution).set("total_samples", statistics.samples);
    }
    if (failure !== undefined) (this.#query ?? this.#execution).fail(failure);
    evaluation?.end();
    this.#execution.end();
    this.#query?.end();
  }
}

const NAMES = {
  instant: "promqlInstantQuery",
  range: "promqlRangeQuery",
  backtest: "backtest",
} as const;
