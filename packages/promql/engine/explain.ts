// What an evaluation did, node by node: how long each took, what went in and came out, and why there is no result.
import type { Querier } from "@narthex/storage";
import type { Evaluation } from "./evaluation.ts";
import { operands, type PlanNode, type SelectorNode } from "./plan.ts";
import type { RowSink } from "./row.ts";

/** One node of the plan and what its evaluation cost. */
export interface ExplainNode {
  /** `aggregate`, `call`, `selector` and so on. */
  readonly kind: string;
  /** Operator, function or aggregation; "" for selectors and numbers. */
  readonly name: string;
  /** Where it stands in the query: offsets from `start` up to `end`. */
  readonly start: number;
  readonly end: number;
  /** Operands included. */
  readonly seconds: number;
  /** Series that its operands handed over; for selectors, those that the storage found. */
  readonly seriesIn: number;
  readonly seriesOut: number;
  /** Operands included. */
  readonly samplesRead: number;
  readonly children: readonly ExplainNode[];
}

/** The first node without data, for a result that is empty. */
export interface ExplainEmpty {
  readonly start: number;
  readonly end: number;
  /** The matcher that no series has, with the value that comes nearest to it. */
  readonly label: string | undefined;
  readonly value: string | undefined;
  readonly nearest: string | undefined;
}

export interface Explanation {
  readonly root: ExplainNode;
  readonly empty: ExplainEmpty | undefined;
}

interface Measured {
  seconds: number;
  series: number;
  samples: number;
}

/** Values of a label that are looked through for the nearest one. */
const MAX_VALUES = 10_000;
/** Longer texts are compared by their beginnings. */
const MAX_COMPARED = 64;

/** Collects measurements while a query is evaluated. Nodes with equal keys, which are evaluated once, share theirs. */
export class ExplainRecorder {
  readonly #nodes = new Map<string, Measured>();
  readonly #selected = new Map<string, number>();
  readonly #now: () => number;
  /** Milliseconds spent in sinks of the nodes that are running, the innermost last. */
  readonly #outside: number[] = [];

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Notes how many series the storage found for a selector. */
  selected({ key }: SelectorNode, count: number): void {
    this.#selected.set(key, count);
  }

  /** Runs the evaluation of a node and measures it; what `sink` takes is the time of whoever asked. */
  run(ev: Evaluation, node: PlanNode, sink: RowSink, evaluate: (sink: RowSink) => void): void {
    const measured = this.#nodes.get(node.key) ?? { seconds: 0, series: 0, samples: 0 };
    this.#nodes.set(node.key, measured);
    const samples = ev.statistics.read;
    const level = this.#outside.length;
    this.#outside.push(0);
    const began = this.#now();
    evaluate((row) => {
      measured.series++;
      const handed = this.#now();
      sink(row);
      this.#outside[level] = (this.#outside[level] as number) + this.#now() - handed;
    });
    measured.seconds += (this.#now() - began - (this.#outside[level] as number)) / 1000;
    this.#outside.length = level;
    measured.samples += ev.statistics.read - samples;
  }

  explain(root: PlanNode, querier: Querier, isEmpty: boolean): Explanation {
    return { root: this.#describe(root), empty: isEmpty ? this.#firstEmpty(root, querier) : undefined };
  }

  #describe(node: PlanNode): ExplainNode {
    // A step-invariant part is its expression, evaluated once.
    if (node.kind === "invariant") return this.#describe(node.expr);
    const children = operands(node).map((operand) => this.#describe(operand));
    const measured = this.#nodes.get(node.key);
    const selector = selectorOf(node);
    const found = selector === undefined ? undefined : (this.#selected.get(selector.key) ?? 0);
    let handed = 0;
    for (const { seriesOut } of children) handed += seriesOut;
    return {
      kind: node.kind,
      name: nameOf(node),
      start: node.pos.start,
      end: node.pos.end,
      seconds: measured?.seconds ?? 0,
      seriesIn: found ?? handed,
      // A range has no rows of its own: the function around it takes its series one by one.
      seriesOut: measured?.series ?? found ?? 0,
      samplesRead: measured?.samples ?? 0,
      children: node.kind === "range" ? [] : children,
    };
  }

  /** The innermost node without data, in the order of evaluation. */
  #firstEmpty(node: PlanNode, querier: Querier): ExplainEmpty | undefined {
    for (const operand of node.kind === "range" ? [] : operands(node)) {
      const inner = this.#firstEmpty(operand, querier);
      if (inner !== undefined) return inner;
    }
    const selector = selectorOf(node);
    if (selector === undefined) {
      const measured = this.#nodes.get(node.key);
      if (measured === undefined || measured.series > 0) return undefined;
      return { ...place(node), label: undefined, value: undefined, nearest: undefined };
    }
    const series = this.#nodes.get(selector.key)?.series ?? this.#selected.get(selector.key) ?? 0;
    if (series > 0) return undefined;
    return { ...place(node), ...missingValue(selector, querier) };
  }
}

function place({ pos }: PlanNode): { start: number; end: number } {
  return { start: pos.start, end: pos.end };
}

function selectorOf(node: PlanNode): SelectorNode | undefined {
  return node.kind === "selector" ? node : node.kind === "range" ? node.selector : undefined;
}

function nameOf(node: PlanNode): string {
  switch (node.kind) {
    case "call":
      return node.name;
    case "aggregate":
    case "binary":
    case "unary":
      return node.op;
    default:
      return "";
  }
}

/** The first `=` matcher whose value no series has, beside what comes nearest. */
function missingValue(
  { matchers }: SelectorNode,
  querier: Querier,
): { label: string | undefined; value: string | undefined; nearest: string | undefined } {
  for (const matcher of matchers) {
    if (matcher.type !== "=" || matcher.value === "") continue;
    if (querier.labelValues(matcher.name, [matcher], 1).values.length > 0) continue;
    const { values } = querier.labelValues(matcher.name, [], MAX_VALUES);
    return { label: matcher.name, value: matcher.value, nearest: nearest(matcher.value, values) };
  }
  return { label: undefined, value: undefined, nearest: undefined };
}

/** The one of `values` with the fewest edits from `text`; undefined when there are none. */
export function nearest(text: string, values: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const value of values) {
    if (Math.abs(value.length - text.length) >= least) continue;
    const edits = editsBetween(text.slice(0, MAX_COMPARED), value.slice(0, MAX_COMPARED));
    if (edits >= least) continue;
    least = edits;
    best = value;
  }
  return best;
}

/** Characters to insert, delete or replace (Levenshtein's distance). */
function editsBetween(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(replaced, (row[j] as number) + 1, (next[j - 1] as number) + 1);
    }
    row = next;
  }
  return row[b.length] as number;
}
