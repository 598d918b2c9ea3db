// When an alerting rule would have fired over past data: one range query, and the alerts' states step by step over its result.
// Runs in a query worker: nothing here waits, and everything is bounded by the query's own limits.
import { Labels, METRIC_NAME } from "@narthex/model";
import { type Engine, type MatrixValue, QueryError, type VectorElement } from "@narthex/promql";
import type { Queryable } from "@narthex/storage";
import { type Alert, newAlert, seenAbsent, seenActive } from "./alert.ts";
import { AlertExpansion, AlertText } from "./alert-template.ts";

/** Flat pairs of labels, so that it crosses to a worker. Milliseconds. */
export interface BacktestRule {
  readonly name: string;
  readonly query: string;
  readonly forMs: number;
  readonly keepFiringForMs: number;
  readonly labels: readonly string[];
  readonly annotations: readonly string[];
}

export interface BacktestSpan {
  readonly startMs: number;
  readonly endMs: number;
  /** From one evaluation to the next. */
  readonly stepMs: number;
}

export interface BacktestSurroundings {
  readonly externalLabels: readonly string[];
  readonly externalUrl: string;
  readonly pathPrefix: string;
}

/** A time in which an alert would have fired. */
export interface Firing {
  readonly labels: Labels;
  readonly annotations: Labels;
  /** When it began to fire. */
  readonly value: number;
  readonly activeAt: number;
  readonly firedAt: number;
  /** Undefined while it still fires at the end. */
  readonly resolvedAt: number | undefined;
}

export interface BacktestResult {
  /** By the time they began, the first of them as many as wanted. */
  readonly firings: readonly Firing[];
  readonly firingCount: number;
  readonly firingMs: number;
  /** Alerts that were pending and went, without having fired. */
  readonly pendingOnly: number;
  /** Different alerts that fired. */
  readonly alertCount: number;
  /** Evaluations that would have failed as two elements come out as the same alert; they change nothing. */
  readonly failedSteps: number;
  readonly samples: number;
}

/** Steps beyond this are refused. */
export const MAX_BACKTEST_STEPS: number = 500_000;

/** Throws a `QueryError`, also when `cancelled` says so. */
export function runBacktest(
  rule: BacktestRule,
  span: BacktestSpan,
  limit: number,
  { externalLabels, externalUrl, pathPrefix }: BacktestSurroundings,
  { engine, queryable, cancelled }: { engine: Engine; queryable: Queryable; cancelled(): boolean },
): BacktestResult {
  const { value, statistics } = engine.rangeQuery(queryable, rule.query, span.startMs, span.endMs, span.stepMs, {
    cancelled,
  });
  if (value.kind !== "matrix") throw new QueryError("execution", "rule result is not a vector or scalar");
  const external = new Labels(externalLabels);
  const surroundings = { externalLabels: () => external, externalUrl, pathPrefix };
  const ask = (expr: string, t: number): readonly VectorElement[] => {
    const answer = engine.instantQuery(queryable, expr, t, { cancelled }).value;
    if (answer.kind === "vector") return answer.elements;
    if (answer.kind === "scalar") return [{ labels: Labels.empty, value: answer.value, histogram: undefined }];
    throw new QueryError("execution", "rule result is not a vector or scalar");
  };
  const expansionAt = (t: number): AlertExpansion => new AlertExpansion(surroundings, t, (expr) => ask(expr, t));
  const walk = new Walk(rule, limit, expansionAt);
  const count = Math.floor((span.endMs - span.startMs) / span.stepMs) + 1;
  for (let step = 0; step < count; step++) {
    if (cancelled()) throw new QueryError("canceled", "query was canceled in expression evaluation");
    walk.step(span.startMs + step * span.stepMs, value, step);
  }
  return walk.end(span.startMs + (count - 1) * span.stepMs, statistics.totalQueryableSamples);
}

interface Current {
  readonly alert: Alert;
  annotations: Labels;
  value: number;
}

class Walk {
  readonly #rule: BacktestRule;
  readonly #limit: number;
  readonly #expansionAt: (t: number) => AlertExpansion;
  readonly #labelTexts: readonly (readonly [string, AlertText])[];
  readonly #annotationTexts: readonly (readonly [string, AlertText])[];
  /** Where no label is a template: the alert's labels of each series, by its place in the result. */
  readonly #fixed: Labels[] = [];
  readonly #current = new Map<string, Current>();
  readonly #fired = new Set<string>();
  readonly #firings: Firing[] = [];
  #firingCount = 0;
  #firingMs = 0;
  #pendingOnly = 0;
  #failedSteps = 0;

  constructor(rule: BacktestRule, limit: number, expansionAt: (t: number) => AlertExpansion) {
    this.#rule = rule;
    this.#limit = limit;
    this.#expansionAt = expansionAt;
    const textsOf = (pairs: readonly string[]): (readonly [string, AlertText])[] =>
      Array.from({ length: pairs.length / 2 }, (_, i) => [
        pairs[2 * i] as string,
        new AlertText(rule.name, pairs[2 * i + 1] as string),
      ]);
    this.#labelTexts = textsOf(rule.labels);
    this.#annotationTexts = textsOf(rule.annotations);
  }

  step(t: number, matrix: MatrixValue, step: number): void {
    const expansion = this.#expansionAt(t);
    const found = new Map<string, { labels: Labels; element: VectorElement }>();
    for (const [index, { labels, values, present, histograms }] of matrix.series.entries()) {
      if (present !== undefined && present[step] === 0) continue;
      const element = { labels, value: values[step] as number, histogram: histograms?.[step] };
      const alertLabels = this.#labelsOf(index, element, expansion);
      if (found.has(alertLabels.key)) {
        // The rule's evaluation fails as a whole: alerts stay as they are.
        this.#failedSteps++;
        return;
      }
      found.set(alertLabels.key, { labels: alertLabels, element });
    }
    for (const [key, { labels, element }] of found) {
      const value = element.histogram === undefined ? element.value : 0;
      let current = this.#current.get(key);
      if (current === undefined) {
        current = { alert: newAlert(labels, Labels.empty, value, t), annotations: Labels.empty, value };
        this.#current.set(key, current);
      }
      const { alert } = current;
      const before = alert.state;
      seenActive(alert, t, this.#rule);
      if (before !== "firing" && alert.state === "firing") {
        current.value = value;
        // Templates of annotations may ask queries: only for those that are shown.
        if (this.#firings.length < this.#limit) current.annotations = this.#annotationsOf(element, expansion);
      }
    }
    for (const [key, current] of this.#current) {
      if (found.has(key)) continue;
      const before = current.alert.state;
      seenAbsent(current.alert, t, this.#rule);
      if (current.alert.state !== "inactive") continue;
      this.#current.delete(key);
      if (before === "firing") this.#close(current, t, false);
      else this.#pendingOnly++;
    }
  }

  end(t: number, samples: number): BacktestResult {
    for (const current of this.#current.values()) if (current.alert.state === "firing") this.#close(current, t, true);
    return {
      firings: this.#firings.sort((a, b) => a.firedAt - b.firedAt || Labels.compare(a.labels, b.labels)),
      firingCount: this.#firingCount,
      firingMs: this.#firingMs,
      pendingOnly: this.#pendingOnly,
      alertCount: this.#fired.size,
      failedSteps: this.#failedSteps,
      samples,
    };
  }

  #close({ alert, annotations, value }: Current, t: number, stillFires: boolean): void {
    const { labels, activeAt, firedAt } = alert;
    this.#firingCount++;
    this.#firingMs += t - firedAt;
    this.#fired.add(labels.key);
    if (this.#firings.length >= this.#limit) return;
    this.#firings.push({ labels, annotations, value, activeAt, firedAt, resolvedAt: stillFires ? undefined : t });
  }

  #labelsOf(index: number, element: VectorElement, expansion: AlertExpansion): Labels {
    const fixed = this.#fixed[index];
    if (fixed !== undefined) return fixed;
    const isFixed = this.#labelTexts.every(([, text]) => text.isPlain);
    const data = isFixed ? {} : expansion.dataOf(element);
    const pairs = new Map(element.labels);
    pairs.delete(METRIC_NAME);
    for (const [name, text] of this.#labelTexts) pairs.set(name, expanded(text, expansion, data));
    pairs.set("alertname", this.#rule.name);
    const labels = Labels.fromUnsorted(pairs);
    if (isFixed) this.#fixed[index] = labels;
    return labels;
  }

  #annotationsOf(element: VectorElement, expansion: AlertExpansion): Labels {
    const data = expansion.dataOf(element);
    return Labels.fromUnsorted(
      this.#annotationTexts.map(([name, text]) => [name, expanded(text, expansion, data)] as const),
    );
  }
}

/** Here queries are answered at once, so that no text has to be waited for. */
function expanded(text: AlertText, expansion: AlertExpansion, data: object): string {
  return text.expand(expansion, data, () => {}) as string;
}
