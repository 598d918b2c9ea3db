// Runs one request against a storage and writes its answer: the same code on the main thread and in a worker.
import { compareStrings, Labels, type Matcher } from "@narthex/model";
import { type Engine, parseMetricSelector, QueryError, type QueryOptions, type QueryResult } from "@narthex/promql";
import type { Querier, Queryable } from "@narthex/storage";
import { writeQueryCsv } from "../api/csv/query-csv.ts";
import { answerFederation } from "../api/federate-answer.ts";
import { backtestJson } from "../api/json/backtest-json.ts";
import type { ByteSink } from "../api/json/byte-sink.ts";
import { writeLabels, writeNotes, writeQueryAnswer } from "../api/json/query-json.ts";
import { answerSearch } from "../api/search/search-answer.ts";
import { answerRemoteRead } from "../remote/read/read-answer.ts";
import { backfillRange } from "../rules/backfill/backfill-range.ts";
import { runBacktest } from "../rules/backtest.ts";
import type {
  BacktestRequest,
  LabelNamesRequest,
  LabelValuesRequest,
  PlainElement,
  RequestStatistics,
  SeriesRequest,
  StorageRequest,
  VectorRequest,
} from "./request.ts";

export const TRUNCATED_WARNING = "results truncated due to limit";

/** Takes the result of a `VectorRequest`. */
export type TakeElements = (elements: readonly PlainElement[]) => void;

export interface RunContext {
  readonly engine: Engine;
  readonly queryable: Queryable;
  /** How long the request waited for its turn. */
  readonly queueSeconds: number;
  cancelled(): boolean;
}

/** Answers into `sink`, whole envelope included. Throws `QueryError` before the first byte, or not at all. */
export function runRequest(
  request: StorageRequest,
  context: RunContext,
  sink: ByteSink,
  takeElements: TakeElements,
): RequestStatistics {
  switch (request.kind) {
    case "vector":
      return evaluateVector(request, context, takeElements);
    case "instant":
    case "range":
      return evaluate(request, context, sink);
    case "series":
      return answerSeries(request, context, sink);
    case "labelNames":
    case "labelValues":
      return answerNames(request, context, sink);
    case "remoteRead":
      return { ...NO_EVALUATION, samples: answerRemoteRead(request, context, sink) };
    case "federate":
      return { ...NO_EVALUATION, samples: answerFederation(request, context, sink) };
    case "search":
      answerSearch(request, context, sink);
      return NO_EVALUATION;
    case "backtest":
      return backtest(request, context, sink);
    case "backfill": {
      const { queried, ...done } = backfillRange(request.range, context);
      sink.text(JSON.stringify(done));
      sink.flush();
      return { ...NO_EVALUATION, samples: queried };
    }
  }
}

function backtest(request: BacktestRequest, context: RunContext, sink: ByteSink): RequestStatistics {
  const { rule, surroundings, limit, startMs, endMs, stepMs } = request;
  const begun = performance.now();
  const result = runBacktest(rule, { startMs, endMs, stepMs }, limit, surroundings, context);
  sink.text(`{"status":"success","data":${JSON.stringify(backtestJson(rule, { startMs, endMs, stepMs }, result))}}`);
  sink.flush();
  const evaluationSeconds = (performance.now() - begun) / 1000;
  return { ...NO_EVALUATION, samples: result.samples, evaluationSeconds };
}

function evaluate(
  request: Extract<StorageRequest, { kind: "instant" | "range" }>,
  { engine, queryable, queueSeconds, cancelled }: RunContext,
  sink: ByteSink,
): RequestStatistics {
  const started = performance.now();
  const options: QueryOptions = {
    ...(request.timeoutMs === undefined ? {} : { timeoutMs: request.timeoutMs }),
    ...(request.lookbackDeltaMs === undefined ? {} : { lookbackDeltaMs: request.lookbackDeltaMs }),
    limit: request.limit,
    stats: request.stats,
    explain: request.explain ?? false,
    cancelled,
  };
  const result =
    request.kind === "instant"
      ? engine.instantQuery(queryable, request.expr, request.timeMs, options)
      : engine.rangeQuery(queryable, request.expr, request.startMs, request.endMs, request.stepMs, options);
  const totalSeconds = (performance.now() - started) / 1000 + queueSeconds;
  if (request.format === "csv") writeQueryCsv(sink, result);
  else writeQueryAnswer(sink, result, request.stats === "none" ? undefined : { queueSeconds, totalSeconds });
  return statisticsOf(result);
}

function evaluateVector(
  { expr, timeMs }: VectorRequest,
  { engine, queryable, cancelled }: RunContext,
  takeElements: TakeElements,
): RequestStatistics {
  const result = engine.instantQuery(queryable, expr, timeMs, { cancelled });
  const { value } = result;
  switch (value.kind) {
    case "vector":
      takeElements(
        value.elements.map(({ labels, value: v, histogram }) => ({ pairs: labels.pairs, value: v, histogram })),
      );
      break;
    case "scalar":
      takeElements([{ pairs: [], value: value.value, histogram: undefined }]);
      break;
    default:
      throw new QueryError("execution", "rule result is not a vector or scalar");
  }
  return statisticsOf(result);
}

function statisticsOf({ statistics }: QueryResult): RequestStatistics {
  return {
    samples: statistics.totalQueryableSamples,
    samplesRead: statistics.samplesRead,
    peakSamples: statistics.peakSamples,
    preparationSeconds: statistics.queryPreparationSeconds,
    evaluationSeconds: statistics.innerEvalSeconds,
    sortSeconds: statistics.resultSortSeconds,
  };
}

const NO_EVALUATION: RequestStatistics = {
  samples: 0,
  samplesRead: 0,
  peakSamples: 0,
  preparationSeconds: 0,
  evaluationSeconds: 0,
  sortSeconds: 0,
};

function answerSeries(request: SeriesRequest, { queryable }: RunContext, sink: ByteSink): RequestStatistics {
  const { minTime, maxTime, limit } = request;
  const querier = queryable.querier(minTime, maxTime);
  try {
    // One more than the limit, to see whether something is left out.
    const needed = limit > 0 ? limit + 1 : 0;
    const hints = { minTime, maxTime, stepMs: 0, rangeMs: 0, func: "series", grouping: [], by: false, limit: needed };
    const sets = request.selectors.map((selector) => querier.select(parseMetricSelector(selector), hints));
    const warnings = sets.flatMap((set) => set.warnings);
    sink.ascii('{"status":"success","data":[');
    let written = 0;
    let truncated = false;
    for (const labels of mergedLabels(sets)) {
      if (limit > 0 && written === limit) {
        truncated = true;
        break;
      }
      if (written++ > 0) sink.ascii(",");
      writeLabels(sink, labels);
    }
    sink.ascii("]");
    writeNotes(sink, "warnings", truncated ? [...warnings, TRUNCATED_WARNING] : warnings);
    sink.ascii("}");
    sink.flush();
  } finally {
    querier.close();
  }
  return NO_EVALUATION;
}

/** Label sets of several sorted sets in order, each once. */
function* mergedLabels(sets: readonly { count: number; labels(index: number): Labels }[]): Generator<Labels> {
  const cursors = sets.filter((set) => set.count > 0).map((set) => ({ set, index: 0, head: set.labels(0) }));
  while (cursors.length > 0) {
    let least = cursors[0]!;
    for (const cursor of cursors) if (Labels.compare(cursor.head, least.head) < 0) least = cursor;
    const { head } = least;
    yield head;
    for (let i = cursors.length - 1; i >= 0; i--) {
      const cursor = cursors[i]!;
      if (!cursor.head.equals(head)) continue;
      cursor.index++;
      if (cursor.index < cursor.set.count) cursor.head = cursor.set.labels(cursor.index);
      else cursors.splice(i, 1);
    }
  }
}

function answerNames(
  request: LabelNamesRequest | LabelValuesRequest,
  { queryable }: RunContext,
  sink: ByteSink,
): RequestStatistics {
  const querier = queryable.querier(request.minTime, request.maxTime);
  try {
    const matcherSets = request.selectors.map((selector) => parseMetricSelector(selector));
    const { values, truncated } = namesOf(querier, request, matcherSets);
    sink.text(`{"status":"success","data":${JSON.stringify(values)}`);
    writeNotes(sink, "warnings", truncated ? [TRUNCATED_WARNING] : []);
    sink.ascii("}");
    sink.flush();
  } finally {
    querier.close();
  }
  return NO_EVALUATION;
}

function namesOf(
  querier: Querier,
  request: LabelNamesRequest | LabelValuesRequest,
  matcherSets: readonly (readonly Matcher[])[],
): { values: readonly string[]; truncated: boolean } {
  const ask = (matchers: readonly Matcher[]) =>
    request.kind === "labelNames"
      ? querier.labelNames(matchers, request.limit)
      : querier.labelValues(request.name, matchers, request.limit);
  if (matcherSets.length <= 1) return ask(matcherSets[0] ?? []);
  const answers = matcherSets.map(ask);
  const values = [...new Set(answers.flatMap((answer) => answer.values))].sort(compareStrings);
  const over = request.limit > 0 && values.length > request.limit;
  return {
    values: over ? values.slice(0, request.limit) : values,
    truncated: over || answers.some((answer) => answer.truncated),
  };
}
