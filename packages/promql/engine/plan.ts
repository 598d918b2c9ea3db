// From syntax tree to plan: durations and `@` resolved, parentheses gone, what does not change from step to step
// marked, and sub-expressions that occur more than once found.
import type { Matcher } from "@narthex/model";
import type {
  AggregateOp,
  AtModifier,
  BinaryOp,
  Expr,
  Position,
  ValueType,
  VectorMatching,
  VectorSelector,
} from "../parser/ast.ts";
import { resolveDuration } from "./duration.ts";

interface NodeBase {
  readonly pos: Position;
  readonly type: ValueType;
  /** Equal for nodes that give equal results on equal grids. */
  readonly key: string;
}

export interface NumberNode extends NodeBase {
  readonly kind: "number";
  readonly value: number;
}

export interface StringNode extends NodeBase {
  readonly kind: "string";
  readonly value: string;
}

export interface SelectorNode extends NodeBase {
  readonly kind: "selector";
  readonly matchers: readonly Matcher[];
  readonly offsetMs: number;
  /** Pinned time in milliseconds. */
  readonly at: number | undefined;
  readonly anchored: boolean;
  readonly smoothed: boolean;
  /** The function or aggregation around it, for the storage. */
  readonly func: string;
  readonly grouping: readonly string[];
  readonly by: boolean;
  /** Only counts and sums of histograms are looked at. */
  readonly statsOnly: boolean;
  readonly source: VectorSelector;
}

export interface RangeNode extends NodeBase {
  readonly kind: "range";
  readonly selector: SelectorNode;
  readonly rangeMs: number;
}

export interface SubqueryNode extends NodeBase {
  readonly kind: "subquery";
  readonly expr: PlanNode;
  readonly rangeMs: number;
  readonly stepMs: number;
  readonly offsetMs: number;
  readonly at: number | undefined;
}

export interface UnaryNode extends NodeBase {
  readonly kind: "unary";
  readonly op: "+" | "-";
  readonly expr: PlanNode;
}

export interface BinaryNode extends NodeBase {
  readonly kind: "binary";
  readonly op: BinaryOp;
  readonly lhs: PlanNode;
  readonly rhs: PlanNode;
  readonly matching: VectorMatching | undefined;
  readonly returnBool: boolean;
}

export interface AggregateNode extends NodeBase {
  readonly kind: "aggregate";
  readonly op: AggregateOp;
  readonly expr: PlanNode;
  readonly param: PlanNode | undefined;
  /** Sorted. */
  readonly grouping: readonly string[];
  readonly without: boolean;
}

export interface CallNode extends NodeBase {
  readonly kind: "call";
  readonly name: string;
  readonly args: readonly PlanNode[];
}

/** Evaluated at the first step and repeated at the others. */
export interface InvariantNode extends NodeBase {
  readonly kind: "invariant";
  readonly expr: PlanNode;
}

export type PlanNode =
  | NumberNode
  | StringNode
  | SelectorNode
  | RangeNode
  | SubqueryNode
  | UnaryNode
  | BinaryNode
  | AggregateNode
  | CallNode
  | InvariantNode;

export interface Plan {
  readonly root: PlanNode;
  /** Keys of nodes that occur more than once and are worth keeping. */
  readonly shared: ReadonlySet<string>;
}

export interface PlanOptions {
  readonly startMs: number;
  readonly endMs: number;
  /** 0 for instant queries. */
  readonly stepMs: number;
  readonly defaultSubqueryStepMs: (rangeMs: number) => number;
}

/** Functions whose result changes with the evaluation time even when their arguments do not. */
const TIME_DEPENDENT: ReadonlySet<string> = new Set([
  "days_in_month",
  "day_of_month",
  "day_of_week",
  "day_of_year",
  "end",
  "hour",
  "minute",
  "month",
  "year",
  "predict_linear",
  "range",
  "start",
  "step",
  "time",
  "timestamp",
]);

const BUCKET_FUNCTIONS: ReadonlySet<string> = new Set([
  "histogram_quantile",
  "histogram_quantiles",
  "histogram_fraction",
]);
const STATS_FUNCTIONS: ReadonlySet<string> = new Set(["histogram_count", "histogram_sum", "histogram_avg"]);

/** What surrounds a node on its way to the root. */
interface Surroundings {
  /** Whether a function around it takes only counts and sums of histograms. */
  readonly statsOnly: boolean;
  /** Whether anything around it needs all of them nevertheless. */
  readonly needsBuckets: boolean;
  readonly func: string;
  readonly grouping: readonly string[];
  readonly by: boolean;
}

const NO_SURROUNDINGS: Surroundings = { statsOnly: false, needsBuckets: false, func: "", grouping: [], by: false };

/** A node with what its parent needs to know of it. */
interface Built {
  readonly node: PlanNode;
  readonly invariant: boolean;
  /** Whether it should be wrapped when it is invariant but its parent is not. */
  readonly wrap: boolean;
}

/** Makes the plan of a checked expression. Throws a `QueryError` for durations out of range. */
export function makePlan(expr: Expr, options: PlanOptions): Plan {
  const built = new Planner(options).build(expr, NO_SURROUNDINGS);
  const root = built.wrap && built.invariant ? wrapInvariant(built.node) : built.node;
  return { root, shared: findShared(root) };
}

class Planner {
  readonly #options: PlanOptions;

  constructor(options: PlanOptions) {
    this.#options = options;
  }

  build(expr: Expr, around: Surroundings): Built {
    switch (expr.kind) {
      case "paren":
        return this.build(expr.expr, around);
      case "number":
        return constant(numberNode(expr.value, expr.pos));
      case "string":
        return constant({
          kind: "string",
          pos: expr.pos,
          type: "string",
          key: JSON.stringify(expr.value),
          value: expr.value,
        });
      case "vectorSelector": {
        const node = this.#selector(expr, around);
        return { node, invariant: node.at !== undefined, wrap: node.at !== undefined };
      }
      case "matrixSelector": {
        const selector = this.#selector(expr.selector, around);
        const rangeMs =
          expr.rangeExpr === undefined ? expr.rangeMs : resolveDuration(expr.rangeExpr, false, this.#options);
        const key = `${selector.key}[${rangeMs}]`;
        const node: RangeNode = { kind: "range", pos: expr.pos, type: "matrix", key, selector, rangeMs };
        return { node, invariant: selector.at !== undefined, wrap: false };
      }
      case "subquery":
        return this.#subquery(expr, around);
      case "unary": {
        const inner = this.build(expr.expr, around);
        const { node: operand } = inner;
        if (expr.op === "+") return inner;
        const key = `-(${operand.key})`;
        const node: UnaryNode = { kind: "unary", pos: expr.pos, type: operand.type, key, op: expr.op, expr: operand };
        return { node, invariant: inner.invariant, wrap: inner.wrap };
      }
      case "binary":
        return this.#binary(expr, around);
      case "aggregate":
        return this.#aggregate(expr, around);
      case "call":
        return this.#call(expr, around);
    }
  }

  #selector(expr: VectorSelector, around: Surroundings): SelectorNode {
    const options = this.#options;
    const at = resolveAt(expr.at, options);
    const offsetMs = expr.offsetExpr === undefined ? expr.offsetMs : resolveDuration(expr.offsetExpr, true, options);
    const matchers = expr.matchers.map(({ type, name, value }) => JSON.stringify([name, type, value])).join();
    const modifiers = `${at ?? ""}|${offsetMs}|${expr.anchored ? "a" : ""}${expr.smoothed ? "s" : ""}${around.statsOnly && !around.needsBuckets ? "c" : ""}`;
    return {
      kind: "selector",
      pos: expr.pos,
      type: "vector",
      key: `{${matchers}}@${modifiers}`,
      matchers: expr.matchers,
      offsetMs,
      at,
      anchored: expr.anchored,
      smoothed: expr.smoothed,
      func: around.func,
      grouping: around.grouping,
      by: around.by,
      statsOnly: around.statsOnly && !around.needsBuckets,
      source: expr,
    };
  }

  #subquery(expr: Extract<Expr, { kind: "subquery" }>, around: Surroundings): Built {
    const options = this.#options;
    const inner = this.build(expr.expr, { ...around, needsBuckets: true });
    const body = inner.invariant ? wrapInvariant(inner.node) : inner.node;
    const rangeMs = expr.rangeExpr === undefined ? expr.rangeMs : resolveDuration(expr.rangeExpr, false, options);
    const givenStep = expr.stepExpr === undefined ? expr.stepMs : resolveDuration(expr.stepExpr, false, options);
    const offsetMs = expr.offsetExpr === undefined ? expr.offsetMs : resolveDuration(expr.offsetExpr, true, options);
    const stepMs = Math.max(1, givenStep !== 0 ? givenStep : options.defaultSubqueryStepMs(rangeMs));
    const at = resolveAt(expr.at, options);
    const node: SubqueryNode = {
      kind: "subquery",
      pos: expr.pos,
      type: "matrix",
      key: `(${body.key})[${rangeMs}:${stepMs}]@${at ?? ""}|${offsetMs}`,
      expr: body,
      rangeMs,
      stepMs,
      offsetMs,
      at,
    };
    return { node, invariant: at !== undefined, wrap: false };
  }

  #binary(expr: Extract<Expr, { kind: "binary" }>, around: Surroundings): Built {
    const trims = expr.op === "</" || expr.op === ">/";
    const inside: Surroundings = { ...around, func: "", needsBuckets: around.needsBuckets || trims };
    const left = this.build(expr.lhs, inside);
    const right = this.build(expr.rhs, inside);
    const invariant = left.invariant && right.invariant;
    const lhs = invariant ? left.node : wrapAtNeed(left);
    const rhs = invariant ? right.node : wrapAtNeed(right);
    const type = lhs.type === "scalar" && rhs.type === "scalar" ? "scalar" : "vector";
    const matching = JSON.stringify(expr.matching ?? null);
    const node: BinaryNode = {
      kind: "binary",
      pos: expr.pos,
      type,
      key: `(${lhs.key})${expr.op}${expr.returnBool ? "b" : ""}${matching}(${rhs.key})`,
      op: expr.op,
      lhs,
      rhs,
      matching: expr.matching,
      returnBool: expr.returnBool,
    };
    return { node, invariant, wrap: invariant };
  }

  #aggregate(expr: Extract<Expr, { kind: "aggregate" }>, around: Surroundings): Built {
    const grouping = [...expr.grouping].sort();
    const inner = this.build(expr.expr, { ...around, func: expr.op, grouping: expr.grouping, by: !expr.without });
    const param = expr.param === undefined ? undefined : this.build(expr.param, NO_SURROUNDINGS);
    const invariant = inner.invariant;
    const paramNode = param === undefined ? undefined : invariant ? param.node : wrapAtNeed(param);
    const node: AggregateNode = {
      kind: "aggregate",
      pos: expr.pos,
      type: "vector",
      key: `${expr.op}${expr.without ? "!" : ""}${JSON.stringify(grouping)}(${paramNode?.key ?? ""},${inner.node.key})`,
      op: expr.op,
      expr: inner.node,
      param: paramNode,
      grouping,
      without: expr.without,
    };
    return { node, invariant, wrap: inner.wrap };
  }

  #call(expr: Extract<Expr, { kind: "call" }>, around: Surroundings): Built {
    const { startMs, endMs, stepMs } = this.#options;
    const { name } = expr.func;
    switch (name) {
      case "start":
        return constant(numberNode(startMs / 1000, expr.pos));
      case "end":
        return constant(numberNode(endMs / 1000, expr.pos));
      case "range":
        return constant(numberNode((endMs - startMs) / 1000, expr.pos));
      case "step":
        return constant(numberNode(startMs === endMs ? 0 : stepMs / 1000, expr.pos));
    }
    const inside: Surroundings = {
      ...around,
      func: name,
      statsOnly: around.statsOnly || STATS_FUNCTIONS.has(name),
      needsBuckets: around.needsBuckets || BUCKET_FUNCTIONS.has(name),
    };
    const args = expr.args.map((arg) => this.build(arg, inside));
    const allInvariant = args.every(({ invariant }) => invariant);
    const timestampOfPinned =
      name === "timestamp" && args.every(({ node, invariant }) => invariant && node.kind === "selector");
    const invariant = allInvariant && (!TIME_DEPENDENT.has(name) || timestampOfPinned);
    const nodes = args.map((arg) => (invariant ? arg.node : wrapAtNeed(arg)));
    const node: CallNode = {
      kind: "call",
      pos: expr.pos,
      type: expr.func.returnType,
      key: `${name}(${nodes.map(({ key }) => key).join()})`,
      name,
      args: nodes,
    };
    return { node, invariant, wrap: invariant };
  }
}

function numberNode(value: number, pos: Position): NumberNode {
  return { kind: "number", pos, type: "scalar", key: Object.is(value, -0) ? "-0" : String(value), value };
}

function constant(node: PlanNode): Built {
  return { node, invariant: true, wrap: false };
}

function wrapAtNeed({ node, invariant, wrap }: Built): PlanNode {
  return invariant && wrap ? wrapInvariant(node) : node;
}

function wrapInvariant(expr: PlanNode): PlanNode {
  if (expr.kind === "number" || expr.kind === "string" || expr.kind === "invariant") return expr;
  return { kind: "invariant", pos: expr.pos, type: expr.type, key: `once(${expr.key})`, expr };
}

function resolveAt(at: AtModifier | undefined, { startMs, endMs }: PlanOptions): number | undefined {
  if (at === undefined) return undefined;
  return at.kind === "timestamp" ? at.t : at.kind === "start" ? startMs : endMs;
}

/** The direct operands of a node. */
export function operands(node: PlanNode): readonly PlanNode[] {
  switch (node.kind) {
    case "number":
    case "string":
    case "selector":
      return [];
    case "range":
      return [node.selector];
    case "subquery":
    case "unary":
    case "invariant":
      return [node.expr];
    case "binary":
      return [node.lhs, node.rhs];
    case "aggregate":
      return node.param === undefined ? [node.expr] : [node.param, node.expr];
    case "call":
      return node.args;
  }
}

/** Keys of the largest sub-expressions that occur more than once; what lies inside of one is not counted again. */
function findShared(root: PlanNode): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  const visit = (node: PlanNode): void => {
    // A range is read by the call around it, never by itself.
    const countable = node.kind !== "number" && node.kind !== "string" && node.kind !== "range";
    if (countable) {
      if (seen.has(node.key)) {
        shared.add(node.key);
        return;
      }
      seen.add(node.key);
    }
    if (node.kind === "range") return;
    if (node.kind === "call" && node.name === "info") {
      visit(node.args[0] as PlanNode);
      return;
    }
    for (const operand of operands(node)) visit(operand);
  };
  visit(root);
  return shared;
}

/** Times a plan will ask of the storage when it is evaluated from `startMs` to `endMs`; undefined without selectors. */
export function timeBounds(
  node: PlanNode,
  startMs: number,
  endMs: number,
  lookbackMs: number,
): { min: number; max: number } | undefined {
  switch (node.kind) {
    case "selector":
      return selectorBounds(node, 0, startMs, endMs, lookbackMs);
    case "range":
      return selectorBounds(node.selector, node.rangeMs, startMs, endMs, lookbackMs);
    case "subquery": {
      const start = (node.at ?? startMs) - node.offsetMs - node.rangeMs;
      return timeBounds(node.expr, start, (node.at ?? endMs) - node.offsetMs, lookbackMs);
    }
    default: {
      let bounds: { min: number; max: number } | undefined;
      for (const operand of operands(node)) {
        const inner = timeBounds(operand, startMs, endMs, lookbackMs);
        if (inner === undefined) continue;
        bounds =
          bounds === undefined ? inner : { min: Math.min(bounds.min, inner.min), max: Math.max(bounds.max, inner.max) };
      }
      return bounds;
    }
  }
}

/** One selector of a plan, and what it asks of the storage: times in milliseconds, both included. */
export interface Selection {
  readonly matchers: readonly Matcher[];
  readonly minTime: number;
  readonly maxTime: number;
  /** Of the range selector; 0 for instant selectors. */
  readonly rangeMs: number;
  readonly func: string;
  readonly grouping: readonly string[];
  readonly by: boolean;
}

/** What a plan will select when it is evaluated from `startMs` to `endMs`, selector by selector. */
export function selectionsOf(node: PlanNode, startMs: number, endMs: number, lookbackMs: number): Selection[] {
  const select = (selector: SelectorNode, rangeMs: number): Selection => {
    const { matchers, func, grouping, by } = selector;
    const { min, max } = selectorBounds(selector, rangeMs, startMs, endMs, lookbackMs);
    return { matchers, minTime: min, maxTime: max, rangeMs, func, grouping, by };
  };
  switch (node.kind) {
    case "selector":
      return [select(node, 0)];
    case "range":
      return [select(node.selector, node.rangeMs)];
    case "subquery": {
      const start = (node.at ?? startMs) - node.offsetMs - node.rangeMs;
      return selectionsOf(node.expr, start, (node.at ?? endMs) - node.offsetMs, lookbackMs);
    }
    default:
      return operands(node).flatMap((operand) => selectionsOf(operand, startMs, endMs, lookbackMs));
  }
}

function selectorBounds(
  node: SelectorNode,
  rangeMs: number,
  startMs: number,
  endMs: number,
  lookbackMs: number,
): { min: number; max: number } {
  const extended = rangeMs === 0 || node.anchored || node.smoothed;
  const before = rangeMs + (extended ? lookbackMs : 0);
  const after = node.smoothed ? lookbackMs : 0;
  return {
    min: (node.at ?? startMs) - node.offsetMs - Math.max(0, before - 1),
    max: (node.at ?? endMs) - node.offsetMs + after,
  };
}
