// The engine's door: takes a query and a storage, answers with a result or a `QueryError`.

import { Labels } from "@narthex/model";
import type { Queryable } from "@narthex/storage";
import type { Expr } from "../parser/ast.ts";
import { ParseError } from "../parser/parse-error.ts";
import { parseExpr } from "../parser/parser.ts";
import { Annotations } from "./annotations.ts";
import { Evaluation, type Session } from "./evaluation.ts";
import { ExplainRecorder } from "./explain.ts";
import { Limits, SampleStatistics } from "./limits.ts";
import { makePlan, operands, type Plan, type PlanNode, type Selection, selectionsOf, timeBounds } from "./plan.ts";
import { rangeVectorRows } from "./range-vector.ts";
import { type MatrixSeries, QueryError, type QueryResult, type QueryStatistics, type QueryValue } from "./result.ts";
import { duplicateError, type Grid, METADATA_LABELS, mergeDuplicates, type Row } from "./row.ts";

export interface EngineOptions {
  /** How old an instant sample may be. Default 5 minutes. */
  readonly lookbackDeltaMs?: number;
  /** Samples that one query may hold. Default 50 million. */
  readonly maxSamples?: number;
  /** Default 2 minutes. */
  readonly timeoutMs?: number;
  /** Resolution of subqueries that give none. Default: one minute. */
  readonly defaultSubqueryStepMs?: (rangeMs: number) => number;
  /** Functions and aggregations behind `promql-experimental-functions`. */
  readonly experimentalFunctions?: boolean;
  /** `anchored` and `smoothed`. */
  readonly extendedRangeSelectors?: boolean;
  readonly fillModifiers?: boolean;
  /** On unless switched off. */
  readonly durationExpressions?: boolean;
  /** Lets queries ask for statistics per step. */
  readonly perStepStats?: boolean;
  readonly delayedNameRemoval?: boolean;
  readonly typeAndUnitLabels?: boolean;
  readonly useStartTimestamps?: boolean;
  /** Bytes that the rows of one query may take. Default 1 GiB. */
  readonly memoryBudgetBytes?: number;
  /** Milliseconds from any origin. */
  readonly now?: () => number;
}

export interface QueryOptions {
  /** Shortens the engine's timeout. */
  readonly timeoutMs?: number;
  readonly lookbackDeltaMs?: number;
  /** How many series or elements the answer may have; 0 for all. Further ones are left out with a warning. */
  readonly limit?: number;
  /** `perStep` counts the samples of each step too, if the engine allows it. */
  readonly stats?: "none" | "total" | "perStep";
  /** Asked between series; true stops the query. */
  readonly cancelled?: () => boolean;
  readonly memoryBudgetBytes?: number;
  /** Warnings and infos of each kind; 0 for all. Default 10. */
  readonly maxAnnotations?: number;
  /** Whether the result explains how it came about, at some cost per row. */
  readonly explain?: boolean;
  /** Whether annotations tell their place in the query. Default true; needs the query as text. */
  readonly annotationPositions?: boolean;
}

/** What `estimateSamples` takes for the distance between samples. */
const ASSUMED_INTERVAL_MS = 15_000;
/** Finding a series and its labels takes about as long as so many samples. */
const SERIES_SAMPLES = 40;
const NEVER = (): boolean => false;
/** Queries whose syntax trees are kept, as long as they are short: dashboards and rules ask the same again and again. */
const KEPT_QUERIES = 128;
const KEPT_QUERY_LENGTH = 4096;

/** The times of an evaluation; `stepMs` is 0 for instant queries. */
interface Span {
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** Evaluates PromQL on any storage. Holds no state of queries, so one engine serves any number of them in turn. */
export class Engine {
  readonly #parsed = new Map<string, Expr>();
  /** The newest plan: a query is planned when its cost is estimated, and right after that when it runs. */
  #planned: { readonly expr: Expr; readonly span: Span; readonly plan: Plan } | undefined;
  readonly #options: Required<EngineOptions>;

  constructor(options: EngineOptions = {}) {
    this.#options = {
      lookbackDeltaMs: options.lookbackDeltaMs ?? 300_000,
      maxSamples: options.maxSamples ?? 50_000_000,
      timeoutMs: options.timeoutMs ?? 120_000,
      defaultSubqueryStepMs: options.defaultSubqueryStepMs ?? (() => 60_000),
      experimentalFunctions: options.experimentalFunctions ?? false,
      extendedRangeSelectors: options.extendedRangeSelectors ?? false,
      fillModifiers: options.fillModifiers ?? false,
      durationExpressions: options.durationExpressions ?? true,
      perStepStats: options.perStepStats ?? false,
      delayedNameRemoval: options.delayedNameRemoval ?? false,
      typeAndUnitLabels: options.typeAndUnitLabels ?? false,
      useStartTimestamps: options.useStartTimestamps ?? false,
      memoryBudgetBytes: options.memoryBudgetBytes ?? 2 ** 30,
      now: options.now ?? (() => performance.now()),
    };
  }

  /** Evaluates at one time. Throws a `QueryError`; its code is `bad_data` for queries that do not parse. */
  instantQuery(queryable: Queryable, expr: string | Expr, timeMs: number, options: QueryOptions = {}): QueryResult {
    return this.#run(queryable, expr, { startMs: timeMs, stepMs: 0, count: 1 }, timeMs, options);
  }

  /** Evaluates at `startMs + k * stepMs` up to `endMs`. Throws a `QueryError`. */
  rangeQuery(
    queryable: Queryable,
    expr: string | Expr,
    startMs: number,
    endMs: number,
    stepMs: number,
    options: QueryOptions = {},
  ): QueryResult {
    if (!(stepMs > 0))
      throw new QueryError("bad_data", "zero or negative query resolution step widths are not accepted");
    const count = endMs < startMs ? 0 : Math.floor((endMs - startMs) / stepMs) + 1;
    return this.#run(queryable, expr, { startMs, stepMs, count }, endMs, options);
  }

  /**
   * About how many samples a query will look at, from counts of series alone: for deciding where it should run. A series
   * counts as some samples itself.
   * `stepMs` is 0 for instant queries. Throws a `QueryError` when the query does not parse.
   */
  estimateSamples(queryable: Queryable, expr: string | Expr, startMs: number, endMs: number, stepMs: number): number {
    const { root } = this.#plan(this.#parse(expr), startMs, endMs, stepMs);
    const bounds = timeBounds(root, startMs, endMs, this.#options.lookbackDeltaMs);
    if (bounds === undefined) return 0;
    const querier = queryable.querier(bounds.min, bounds.max);
    try {
      const estimate = (node: PlanNode, spanMs: number, steps: number): number => {
        switch (node.kind) {
          case "selector":
            return querier.estimateSeries(node.matchers) * (spanMs / ASSUMED_INTERVAL_MS + steps + SERIES_SAMPLES);
          case "range":
            return estimate(node.selector, spanMs + node.rangeMs, steps);
          case "subquery": {
            const inner = (node.at === undefined ? spanMs : 0) + node.rangeMs;
            return estimate(node.expr, inner, inner / node.stepMs + 1);
          }
          case "invariant":
            return estimate(node.expr, 0, 1) + steps;
          default: {
            let total = steps;
            for (const operand of operands(node)) total += estimate(operand, spanMs, steps);
            return total;
          }
        }
      };
      const steps = stepMs > 0 ? Math.floor((endMs - startMs) / stepMs) + 1 : 1;
      return Math.ceil(estimate(root, endMs - startMs, steps));
    } finally {
      querier.close();
    }
  }

  /**
   * What a query will ask of the storage, selector by selector: for those who must fetch it beforehand. What `info()` looks up
   * depends on data and is not among it. `stepMs` is 0 for instant queries. Throws a `QueryError` when the query does not parse.
   */
  selections(
    expr: string | Expr,
    startMs: number,
    endMs: number,
    stepMs: number,
    lookbackDeltaMs: number = this.#options.lookbackDeltaMs,
  ): Selection[] {
    const { root } = this.#plan(this.#parse(expr), startMs, endMs, stepMs);
    return selectionsOf(root, startMs, endMs, lookbackDeltaMs);
  }

  #parse(expr: string | Expr): Expr {
    return typeof expr === "string" ? this.parse(expr) : expr;
  }

  /** The syntax tree of a query, parsed once as long as it is asked for. Throws a `QueryError` (`bad_data`). */
  parse(expr: string): Expr {
    const known = this.#parsed.get(expr);
    if (known !== undefined) return known;
    const { experimentalFunctions, extendedRangeSelectors, fillModifiers, durationExpressions } = this.#options;
    try {
      const features = { experimentalFunctions, extendedRangeSelectors, fillModifiers, durationExpressions };
      const parsed = parseExpr(expr, features);
      if (expr.length <= KEPT_QUERY_LENGTH) {
        if (this.#parsed.size >= KEPT_QUERIES) this.#parsed.clear();
        this.#parsed.set(expr, parsed);
      }
      return parsed;
    } catch (error) {
      if (error instanceof ParseError) throw new QueryError("bad_data", error.message, { cause: error });
      throw error;
    }
  }

  #plan(expr: Expr, startMs: number, endMs: number, stepMs: number): Plan {
    const last = this.#planned;
    if (last?.expr === expr) {
      const { span } = last;
      if (span.startMs === startMs && span.endMs === endMs && span.stepMs === stepMs) return last.plan;
    }
    const span = { startMs, endMs, stepMs };
    const plan = makePlan(expr, { ...span, defaultSubqueryStepMs: this.#options.defaultSubqueryStepMs });
    this.#planned = { expr, span, plan };
    return plan;
  }

  #run(queryable: Queryable, expr: string | Expr, grid: Grid, endMs: number, query: QueryOptions): QueryResult {
    const options = this.#options;
    const began = options.now();
    const plan = this.#plan(this.#parse(expr), grid.startMs, endMs, grid.stepMs);
    const { root } = plan;
    const isRange = grid.stepMs > 0;
    if (isRange && root.type !== "vector" && root.type !== "scalar") {
      const shown = root.type === "matrix" ? "range vector" : root.type;
      throw new QueryError(
        "bad_data",
        `invalid expression type "${shown}" for range query, must be Scalar or instant Vector`,
      );
    }
    const lookbackMs = query.lookbackDeltaMs ?? options.lookbackDeltaMs;
    const bounds = timeBounds(root, grid.startMs, endMs, lookbackMs) ?? { min: 0, max: 0 };
    const limits = new Limits({
      maxSamples: options.maxSamples,
      maxBytes: query.memoryBudgetBytes ?? options.memoryBudgetBytes,
      deadlineMs: began + Math.min(options.timeoutMs, query.timeoutMs ?? Infinity),
      now: options.now,
      cancelled: query.cancelled ?? NEVER,
    });
    const perStep = query.stats === "perStep" && options.perStepStats;
    const statistics = new SampleStatistics(perStep ? grid.count : undefined);
    const annotations = new Annotations();
    limits.checkNow();
    const querier = queryable.querier(bounds.min, bounds.max);
    try {
      const session: Session = {
        querier,
        shared: plan.shared,
        limits,
        annotations,
        lookbackMs,
        delayedNameRemoval: options.delayedNameRemoval,
        typeAndUnitLabels: options.typeAndUnitLabels,
        useStartTimestamps: options.useStartTimestamps,
        recorder: query.explain === true ? new ExplainRecorder(options.now) : undefined,
      };
      const prepared = options.now();
      const ev = new Evaluation(session, grid, statistics);
      const unsorted = this.#evaluate(ev, root, isRange);
      const evaluated = options.now();
      const value = limitValue(sortValue(unsorted), query.limit ?? 0, annotations);
      const positions = typeof expr === "string" && (query.annotationPositions ?? true);
      const printed = annotations.print(positions ? expr : undefined, query.maxAnnotations ?? 10);
      const used: QueryStatistics = {
        totalQueryableSamples: statistics.total,
        peakSamples: limits.peak,
        startMs: grid.startMs,
        stepMs: grid.stepMs,
        totalQueryableSamplesPerStep: statistics.perStep === undefined ? undefined : [...statistics.perStep],
        samplesRead: statistics.read,
        samplesReadPerStep: statistics.readPerStep === undefined ? undefined : [...statistics.readPerStep],
        queryPreparationSeconds: (prepared - began) / 1000,
        innerEvalSeconds: (evaluated - prepared) / 1000,
        resultSortSeconds: (options.now() - evaluated) / 1000,
      };
      const explanation = session.recorder?.explain(root, querier, isEmpty(value));
      return { value, warnings: printed.warnings, infos: printed.infos, statistics: used, explanation };
    } catch (error) {
      if (error instanceof QueryError) throw error;
      if (error instanceof RangeError && /array length|allocation/i.test(error.message)) {
        throw new QueryError("execution", "query ran out of memory", { cause: error });
      }
      if (error instanceof RangeError && /call stack/i.test(error.message)) {
        throw new QueryError("execution", "expression is nested too deeply to be evaluated", { cause: error });
      }
      throw new QueryError("internal", `unexpected error: ${(error as Error).message}`, { cause: error });
    } finally {
      querier.close();
    }
  }

  #evaluate(ev: Evaluation, root: PlanNode, isRange: boolean): QueryValue {
    const { grid } = ev;
    if (root.kind === "string") return { kind: "string", t: grid.startMs, value: root.value };
    const inner = root.kind === "invariant" ? root.expr : root;
    if (inner.kind === "range" || inner.kind === "subquery") {
      return { kind: "matrix", grid: undefined, series: rangeVectorRows(ev, inner) };
    }
    const rows = this.#cleaned(ev, ev.rows(root));
    if (isRange) return { kind: "matrix", grid, series: rows.map((row) => toMatrixSeries(row)) };
    if (root.type === "scalar") return { kind: "scalar", t: grid.startMs, value: rows[0]?.values[0] ?? NaN };
    const elements = rows.map(({ labels, values, histograms }) => ({
      labels,
      value: values[0],
      histogram: histograms?.[0],
    }));
    return { kind: "vector", t: grid.startMs, elements };
  }

  /** Removes the names whose removal was delayed. */
  #cleaned(ev: Evaluation, rows: Row[]): Row[] {
    if (!ev.session.delayedNameRemoval || !rows.some(({ dropName }) => dropName)) return rows;
    const cleaned = rows.map((row) =>
      row.dropName ? { ...row, labels: row.labels.without(METADATA_LABELS) } : { ...row },
    );
    return mergeDuplicates(cleaned);
  }
}

function isEmpty(value: QueryValue): boolean {
  return (
    (value.kind === "matrix" && value.series.length === 0) || (value.kind === "vector" && value.elements.length === 0)
  );
}

function toMatrixSeries({ labels, values, present, histograms, points }: Row): MatrixSeries {
  const full = points === values.length;
  return { labels, times: undefined, values, present: full ? undefined : present, histograms };
}

/** Matrices are ordered by labels; vectors stay in the order of the evaluation. */
function sortValue(value: QueryValue): QueryValue {
  if (value.kind !== "matrix") return value;
  const series = [...value.series].sort((a, b) => Labels.compare(a.labels, b.labels));
  for (let i = 1; i < series.length; i++) {
    if ((series[i] as MatrixSeries).labels.equals((series[i - 1] as MatrixSeries).labels)) throw duplicateError();
  }
  return { ...value, series };
}

function limitValue(value: QueryValue, limit: number, annotations: Annotations): QueryValue {
  if (limit <= 0) return value;
  if (value.kind === "matrix" && value.series.length > limit) {
    annotations.foreign("results truncated due to limit");
    return { ...value, series: value.series.slice(0, limit) };
  }
  if (value.kind === "vector" && value.elements.length > limit) {
    annotations.foreign("results truncated due to limit");
    return { ...value, elements: value.elements.slice(0, limit) };
  }
  return value;
}
