// Where the windows of a range function come from: series of the storage, or the result of a subquery.
import { CounterResetHint, type Labels } from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";
import type { Position } from "../parser/ast.ts";
import type { Evaluation, Reference } from "./evaluation.ts";
import type { PlanNode, RangeNode, SubqueryNode } from "./plan.ts";
import { QueryError } from "./result.ts";
import { rowsWeight } from "./row.ts";
import { reduceToStatistics } from "./samples.ts";

/** Series by position, with the samples that the windows of all steps need. */
export interface RangeSource {
  readonly count: number;
  readonly pos: Position;
  readonly rangeMs: number;
  /** The end of the first window and how it moves. */
  readonly reference: Reference;
  /** Milliseconds by which windows are wider than the range, in front and behind. */
  readonly before: number;
  readonly after: number;
  readonly anchored: boolean;
  readonly smoothed: boolean;
  /** Whether its samples are read for the windows; those of a subquery count where its selectors read them. */
  readonly isStored: boolean;
  /** Whether two series may have equal labels once their names are gone. */
  readonly mayRepeat: boolean;
  labels(index: number): Labels;
  dropName(index: number): boolean;
  read(index: number, into: SampleBuffer): void;
  /** Gives back what it held. */
  release(): void;
}

/** The source of a range selector. */
export function selectorSource(ev: Evaluation, node: RangeNode, func: string): RangeSource {
  const { selector, rangeMs } = node;
  const { lookbackMs } = ev.session;
  const { anchored, smoothed } = selector;
  const reference = ev.reference(selector);
  const before = anchored || smoothed ? lookbackMs : 0;
  const after = smoothed ? lookbackMs : 0;
  const minTime = reference.first - rangeMs - before + 1;
  const maxTime = reference.first + reference.stepMs * (ev.steps - 1) + after;
  const set = ev.select({ ...selector, func }, minTime, maxTime, rangeMs);
  return {
    count: set.count,
    pos: node.pos,
    rangeMs,
    reference,
    before,
    after,
    anchored,
    smoothed,
    isStored: true,
    mayRepeat: !ev.hasUniqueNames(selector),
    labels: (index) => set.labels(index),
    dropName: () => false,
    read(index, into) {
      set.read(index, minTime, maxTime, into);
      if (selector.statsOnly) reduceToStatistics(into);
    },
    release() {},
  };
}

/** The source of a subquery: its expression is evaluated once, over the windows of all steps. */
export function subquerySource(ev: Evaluation, node: PlanNode): RangeSource {
  if (node.kind !== "subquery") throw new QueryError("internal", "a range function needs a range");
  const isSparse = ev.steps > 1 && ev.grid.stepMs > node.rangeMs;
  const child = ev.child(ev.subqueryGrid(node), isSparse || ev.statistics.readPerStep !== undefined);
  const { limits } = ev.session;
  const rows = child.rows(node.expr);
  addReadOf(child, ev, node);
  const weight = rowsWeight(rows);
  return {
    count: rows.length,
    // The reference puts a selector without position in the place of the subquery.
    pos: { start: 0, end: 0 },
    rangeMs: node.rangeMs,
    reference: ev.reference(node),
    before: 0,
    after: 0,
    anchored: false,
    smoothed: false,
    isStored: false,
    mayRepeat: true,
    labels: (index) => rows[index].labels,
    dropName: (index) => rows[index].dropName,
    read(index, into) {
      const { values, present, histograms, points } = rows[index];
      into.reserve(points);
      const { times, values: target } = into;
      let n = 0;
      for (let k = 0; k < present.length; k++) {
        if (present[k] === 0) continue;
        times[n] = child.timeOf(k);
        target[n] = values[k];
        const histogram = histograms?.[k];
        if (histogram !== undefined) {
          into.histograms ??= [];
          const known =
            histogram.counterResetHint === CounterResetHint.reset ||
            histogram.counterResetHint === CounterResetHint.notReset;
          // What was (no) reset among raw samples says nothing about the samples of the subquery.
          into.histograms[n] = known ? { ...histogram, counterResetHint: CounterResetHint.unknown } : histogram;
        }
        n++;
      }
      into.count = n;
    },
    release() {
      limits.samples -= weight;
    },
  };
}

/**
 * Counts what a subquery read at the first step that uses it, and what lies between the windows of two steps not at all.
 * Source: the reference's `MergeSamplesReadFromSubquery`.
 */
function addReadOf(child: Evaluation, ev: Evaluation, { offsetMs, rangeMs }: SubqueryNode): void {
  const { read, readPerStep } = child.statistics;
  const { startMs, stepMs } = ev.grid;
  if (readPerStep === undefined || ev.steps === 1) {
    ev.statistics.addReadAtStep(0, read);
    return;
  }
  for (let k = 0; k < readPerStep.length; k++) {
    const time = child.timeOf(k) + offsetMs;
    const step = Math.min(Math.max(0, Math.ceil((time - startMs) / stepMs)), ev.steps - 1);
    if (time > startMs + step * stepMs - rangeMs) ev.statistics.addReadAtStep(step, readPerStep[k]);
  }
}
