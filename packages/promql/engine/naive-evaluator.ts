// The oracle of the evaluation's fuzz test: evaluates one step at a time over plain objects, by the letter of the
// language's definition. Slow on purpose; shares nothing with the engine but the tree and the storage.
import { Labels, STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import { type Queryable, SampleBuffer } from "@narthex/storage";
import type { AggregateExpr, BinaryExpr, Call, Expr, Subquery, VectorSelector } from "../parser/ast.ts";

interface Point {
  readonly t: number;
  readonly v: number;
}

interface NaiveSeries {
  readonly labels: Labels;
  readonly points: Point[];
}

/** An element of an instant vector. */
export interface NaiveElement {
  readonly labels: Labels;
  readonly value: number;
}

type NaiveValue = number | NaiveElement[];

const NAME: ReadonlySet<string> = new Set(["__name__"]);

/** Evaluates floats at one time after another. Refuses what it does not know with an error that says so. */
export class NaiveEvaluator {
  readonly #queryable: Queryable;
  readonly #lookbackMs: number;
  readonly #start: number;
  readonly #end: number;

  constructor(queryable: Queryable, lookbackMs: number, start: number, end: number) {
    this.#queryable = queryable;
    this.#lookbackMs = lookbackMs;
    this.#start = start;
    this.#end = end;
  }

  /** The value at one time. */
  at(expr: Expr, t: number): NaiveValue {
    switch (expr.kind) {
      case "number":
        return expr.value;
      case "paren":
        return this.at(expr.expr, t);
      case "unary": {
        const value = this.at(expr.expr, t);
        if (expr.op === "+") return value;
        return typeof value === "number" ? -value : unique(value.map((e) => element(dropName(e.labels), -e.value)));
      }
      case "vectorSelector":
        return this.#instant(expr, t);
      case "binary":
        return this.#binary(expr, t);
      case "aggregate":
        return this.#aggregate(expr, t);
      case "call":
        return this.#call(expr, t);
      default:
        throw new Error(`the naive evaluator has no ${expr.kind}`);
    }
  }

  #vector(expr: Expr, t: number): NaiveElement[] {
    const value = this.at(expr, t);
    if (typeof value === "number") throw new Error("expected a vector");
    return value;
  }

  #scalar(expr: Expr, t: number): number {
    const value = this.at(expr, t);
    if (typeof value !== "number") throw new Error("expected a scalar");
    return value;
  }

  #pinned(node: VectorSelector | Subquery, t: number): number {
    const { at, offsetMs } = node;
    if (at === undefined) return t - offsetMs;
    return (at.kind === "timestamp" ? at.t : at.kind === "start" ? this.#start : this.#end) - offsetMs;
  }

  /** All samples in (from, to], stale markers told apart. */
  #samples(
    node: VectorSelector,
    from: number,
    to: number,
  ): { labels: Labels; points: (Point & { stale: boolean })[] }[] {
    const querier = this.#queryable.querier(from + 1, to);
    const set = querier.select(node.matchers);
    const buffer = new SampleBuffer();
    const result = [];
    for (let i = 0; i < set.count; i++) {
      buffer.clear();
      set.read(i, from + 1, to, buffer);
      const points = [];
      for (let s = 0; s < buffer.count; s++) {
        const stale = buffer.halves[2 * s + 1] === STALE_NAN_HIGH && buffer.halves[2 * s] === STALE_NAN_LOW;
        points.push({ t: buffer.times[s], v: buffer.values[s], stale });
      }
      result.push({ labels: set.labels(i), points });
    }
    querier.close();
    return result;
  }

  #instant(node: VectorSelector, t: number): NaiveElement[] {
    const at = this.#pinned(node, t);
    const vector: NaiveElement[] = [];
    for (const { labels, points } of this.#samples(node, at - this.#lookbackMs, at)) {
      const last = points.at(-1);
      if (last !== undefined && !last.stale) vector.push(element(labels, last.v));
    }
    return vector;
  }

  #range(expr: Expr, t: number): { series: NaiveSeries[]; end: number; rangeMs: number } {
    if (expr.kind === "matrixSelector") {
      const end = this.#pinned(expr.selector, t);
      const series = this.#samples(expr.selector, end - expr.rangeMs, end).map(({ labels, points }) => ({
        labels,
        points: points.filter(({ stale }) => !stale),
      }));
      return { series, end, rangeMs: expr.rangeMs };
    }
    if (expr.kind !== "subquery") throw new Error("expected a range");
    const end = this.#pinned(expr, t);
    const byKey = new Map<string, NaiveSeries>();
    const stepMs = expr.stepMs || 60_000;
    for (let at = Math.floor((end - expr.rangeMs) / stepMs) * stepMs; at <= end; at += stepMs) {
      if (at <= end - expr.rangeMs) continue;
      const value = this.at(expr.expr, at);
      const vector = typeof value === "number" ? [element(Labels.empty, value)] : value;
      for (const { labels, value: v } of vector) {
        const series = byKey.get(labels.key) ?? { labels, points: [] };
        series.points.push({ t: at, v });
        byKey.set(labels.key, series);
      }
    }
    // The order of the storage, which decides in which order values are added up.
    const series = [...byKey.values()].sort((a, b) => Labels.compare(a.labels, b.labels));
    return { series, end, rangeMs: expr.rangeMs };
  }

  #call(expr: Call, t: number): NaiveValue {
    const { args } = expr;
    const { name } = expr.func;
    const [first, second] = args as [Expr, Expr];
    switch (name) {
      case "time":
        return t / 1000;
      case "vector":
        return [element(Labels.empty, this.#scalar(first, t))];
      case "scalar": {
        const vector = this.#vector(first, t);
        return vector.length === 1 ? (vector[0] as NaiveElement).value : NaN;
      }
      case "abs":
        return this.#each(first, t, Math.abs);
      case "ceil":
        return this.#each(first, t, Math.ceil);
      case "clamp_min": {
        const low = this.#scalar(second, t);
        return this.#each(first, t, (v) => Math.max(low, v));
      }
      case "absent":
        return this.#vector(first, t).length === 0 ? [element(absentLabels(first), 1)] : [];
      case "quantile_over_time": {
        const q = this.#scalar(first, t);
        return this.#window(second, t, name, (points) =>
          quantile(
            q,
            points.map(({ v }) => v),
          ),
        );
      }
    }
    const fold = windowFunctions[name];
    if (fold === undefined) throw new Error(`the naive evaluator has no ${name}`);
    return this.#window(first, t, name, fold);
  }

  #each(expr: Expr, t: number, change: (v: number) => number): NaiveElement[] {
    return unique(this.#vector(expr, t).map(({ labels, value }) => element(dropName(labels), change(value))));
  }

  #window(expr: Expr, t: number, name: string, fold: WindowFunction): NaiveElement[] {
    const { series, end, rangeMs } = this.#range(expr, t);
    const vector: NaiveElement[] = [];
    for (const { labels, points } of series) {
      const value = points.length === 0 ? undefined : fold(points, end - rangeMs, end);
      const kept = name === "last_over_time" || name === "first_over_time" ? labels : dropName(labels);
      if (value !== undefined) vector.push(element(kept, value));
    }
    return unique(vector);
  }

  #aggregate(expr: AggregateExpr, t: number): NaiveElement[] {
    const names = new Set(expr.grouping);
    const groups = new Map<string, { labels: Labels; members: NaiveElement[] }>();
    const param = expr.param === undefined ? 0 : this.#scalar(expr.param, t);
    for (const member of this.#vector(expr.expr, t)) {
      const labels = expr.without ? member.labels.without(new Set([...names, "__name__"])) : member.labels.keep(names);
      const group = groups.get(labels.key) ?? { labels, members: [] };
      group.members.push(member);
      groups.set(labels.key, group);
    }
    const vector: NaiveElement[] = [];
    for (const { labels, members } of groups.values()) {
      const values = members.map(({ value }) => value);
      if (expr.op === "topk" || expr.op === "bottomk") {
        const sign = expr.op === "topk" ? -1 : 1;
        const sorted = [...members].sort((a, b) => sign * (a.value - b.value));
        vector.push(...sorted.slice(0, Math.max(0, Math.trunc(param))));
      } else if (expr.op === "quantile") {
        vector.push(element(labels, quantile(param, values)));
      } else {
        const fold = aggregations[expr.op];
        if (fold === undefined) throw new Error(`the naive evaluator has no ${expr.op}`);
        vector.push(element(labels, fold(values)));
      }
    }
    return vector;
  }

  #binary(expr: BinaryExpr, t: number): NaiveValue {
    const left = this.at(expr.lhs, t);
    const right = this.at(expr.rhs, t);
    const compares = /^(==|!=|[<>]=?)$/.test(expr.op);
    const apply = operators[expr.op];
    if (typeof left === "number" && typeof right === "number") return Number(apply?.(left, right));
    if (typeof left !== "number" && typeof right !== "number") return this.#matched(expr, left, right, compares);
    const vector = (typeof left === "number" ? right : left) as NaiveElement[];
    const result: NaiveElement[] = [];
    for (const { labels, value } of vector) {
      const outcome = apply?.(typeof left === "number" ? left : value, typeof right === "number" ? right : value);
      if (!compares) result.push(element(dropName(labels), Number(outcome)));
      else if (expr.returnBool) result.push(element(dropName(labels), Number(outcome)));
      else if (outcome === true) result.push(element(labels, value));
    }
    return unique(result);
  }

  #matched(expr: BinaryExpr, left: NaiveElement[], right: NaiveElement[], compares: boolean): NaiveElement[] {
    const { on = false, labels: names = [], card = "one-to-one", include = [] } = expr.matching ?? {};
    const listed = new Set(names);
    const key = (labels: Labels): string =>
      (on ? labels.keep(listed) : labels.without(new Set([...listed, "__name__"]))).key;
    const rightKeys = new Set(right.map(({ labels }) => key(labels)));
    const leftKeys = new Set(left.map(({ labels }) => key(labels)));
    if (expr.op === "and") return left.filter(({ labels }) => rightKeys.has(key(labels)));
    if (expr.op === "unless") return left.filter(({ labels }) => !rightKeys.has(key(labels)));
    if (expr.op === "or") return unique([...left, ...right.filter(({ labels }) => !leftKeys.has(key(labels)))]);
    if (left.length === 0 || right.length === 0) return [];
    const swapped = card === "one-to-many";
    const many = swapped ? right : left;
    const one = swapped ? left : right;
    const partners = new Map<string, NaiveElement>();
    for (const candidate of one) {
      if (partners.has(key(candidate.labels))) throw new Error("duplicate series on the one side");
      partners.set(key(candidate.labels), candidate);
    }
    const used = new Set<string>();
    const result: NaiveElement[] = [];
    for (const member of many) {
      const partner = partners.get(key(member.labels));
      if (partner === undefined) continue;
      let labels = compares && !expr.returnBool ? member.labels : dropName(member.labels);
      if (card === "one-to-one") labels = on ? labels.keep(listed) : labels.without(listed);
      for (const name of include) labels = labels.with(name, partner.labels.get(name));
      const mark = card === "one-to-one" ? key(member.labels) : `${key(member.labels)}|${labels.key}`;
      if (used.has(mark)) throw new Error("multiple matches");
      used.add(mark);
      const a = swapped ? partner.value : member.value;
      const b = swapped ? member.value : partner.value;
      const outcome = operators[expr.op]?.(a, b);
      if (!compares || expr.returnBool) result.push(element(labels, Number(outcome)));
      else if (outcome === true) result.push(element(labels, a));
    }
    return unique(result);
  }
}

/** The labels of a selector's equality matchers; the fuzz test matches no label twice. */
function absentLabels(expr: Expr): Labels {
  if (expr.kind === "paren") return absentLabels(expr.expr);
  if (expr.kind !== "vectorSelector") return Labels.empty;
  const equal = expr.matchers.filter(({ type, name }) => type === "=" && name !== "__name__");
  return Labels.fromUnsorted(equal.map(({ name, value }) => [name, value] as const));
}

function element(labels: Labels, value: number): NaiveElement {
  return { labels, value };
}

function dropName(labels: Labels): Labels {
  return labels.without(NAME);
}

function unique(vector: NaiveElement[]): NaiveElement[] {
  if (new Set(vector.map(({ labels }) => labels.key)).size !== vector.length) throw new Error("same labelset");
  return vector;
}

const operators: Readonly<Record<string, (a: number, b: number) => number | boolean>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
  "%": (a, b) => a % b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  ">": (a, b) => a > b,
  "<": (a, b) => a < b,
  ">=": (a, b) => a >= b,
  "<=": (a, b) => a <= b,
};

/** Neumaier's sum of values, the first taken as it is. */
function compensated(values: readonly number[]): { sum: number; compensation: number } {
  let sum = values[0] as number;
  let compensation = 0;
  for (const value of values.slice(1)) {
    const next = sum + value;
    if (!Number.isFinite(next) && !Number.isNaN(next)) compensation = 0;
    else compensation += Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
    sum = next;
  }
  return { sum, compensation };
}

/** NaN only when there is nothing else. */
function extreme(values: number[], choose: (...values: number[]) => number): number {
  const known = values.filter((v) => !Number.isNaN(v));
  return known.length === 0 ? NaN : choose(...known);
}

function quantile(q: number, values: number[]): number {
  const sorted = [
    ...values.filter((v) => Number.isNaN(v)),
    ...values.filter((v) => !Number.isNaN(v)).sort((a, b) => a - b),
  ];
  const rank = q * (sorted.length - 1);
  const low = Math.max(0, Math.floor(rank));
  const high = Math.min(sorted.length - 1, low + 1);
  const weight = rank - Math.floor(rank);
  return (sorted[low] as number) * (1 - weight) + (sorted[high] as number) * weight;
}

const aggregations: Readonly<Record<string, (values: number[]) => number>> = {
  sum(values) {
    const { sum, compensation } = compensated(values);
    return sum + compensation;
  },
  avg(values) {
    const { sum, compensation } = compensated(values);
    return sum / values.length + compensation / values.length;
  },
  min: (values) => extreme(values, Math.min),
  max: (values) => extreme(values, Math.max),
  count: (values) => values.length,
  group: () => 1,
};

type WindowFunction = (points: Point[], begin: number, end: number) => number | undefined;

function increase(points: Point[], begin: number, end: number, counter: boolean): number | undefined {
  if (points.length < 2) return undefined;
  const first = points[0] as Point;
  const last = points[points.length - 1] as Point;
  let result = last.v - first.v;
  if (counter) {
    for (let i = 1; i < points.length; i++) {
      if ((points[i] as Point).v < (points[i - 1] as Point).v) result += (points[i - 1] as Point).v;
    }
  }
  let toStart = (first.t - begin) / 1000;
  let toEnd = (end - last.t) / 1000;
  const sampled = (last.t - first.t) / 1000;
  const mean = sampled / (points.length - 1);
  if (toStart >= mean * 1.1) toStart = mean / 2;
  if (counter && result > 0 && first.v >= 0) toStart = Math.min(toStart, sampled * (first.v / result));
  if (toEnd >= mean * 1.1) toEnd = mean / 2;
  return result * ((sampled + toStart + toEnd) / sampled);
}

const windowFunctions: Readonly<Record<string, WindowFunction>> = {
  count_over_time: (points) => points.length,
  last_over_time: (points) => points.at(-1)?.v,
  first_over_time: (points) => points[0]?.v,
  min_over_time: (points) =>
    extreme(
      points.map(({ v }) => v),
      Math.min,
    ),
  max_over_time: (points) =>
    extreme(
      points.map(({ v }) => v),
      Math.max,
    ),
  sum_over_time(points) {
    const { sum, compensation } = compensated([0, ...points.map(({ v }) => v)]);
    return sum + compensation;
  },
  avg_over_time(points) {
    const { sum, compensation } = compensated(points.map(({ v }) => v));
    return sum / points.length + compensation / points.length;
  },
  changes: (points) => points.filter(({ v }, i) => i > 0 && !Object.is(v + 0, (points[i - 1] as Point).v + 0)).length,
  resets: (points) => points.filter(({ v }, i) => i > 0 && v < (points[i - 1] as Point).v).length,
  increase: (points, begin, end) => increase(points, begin, end, true),
  delta: (points, begin, end) => increase(points, begin, end, false),
  irate(points) {
    const last = points.at(-1);
    const before = points.at(-2);
    if (last === undefined || before === undefined) return undefined;
    return (last.v < before.v ? last.v : last.v - before.v) / ((last.t - before.t) / 1000);
  },
};
