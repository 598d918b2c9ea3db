// The same question asked in other ways, which must give the same answer.
import type { Expr, VectorSelector } from "../parser/ast.ts";

/** Functions whose result changes with the time of asking, whatever their arguments are pinned to. */
const TIME_DEPENDENT: ReadonlySet<string> = new Set([
  "day_of_month",
  "day_of_week",
  "day_of_year",
  "days_in_month",
  "end",
  "hour",
  "minute",
  "month",
  "predict_linear",
  "range",
  "start",
  "step",
  "time",
  "timestamp",
  "year",
]);

/** The query with every selector and outermost subquery pinned to `t`; undefined where that would change its meaning. */
export function pinExpr(expr: Expr, t: number): Expr | undefined {
  const pin = new Pinning(t);
  const pinned = pin.apply(expr);
  return pin.timeDependent ? undefined : pinned;
}

/** Times other than `t` at which a pinned query must give the same. */
export function otherTimes(t: number): readonly number[] {
  return t === 0 ? [-1000, 0, 1000] : [-10 * t, 0, Math.trunc(t / 5), t, 10 * t];
}

class Pinning {
  readonly #t: number;
  timeDependent = false;

  constructor(t: number) {
    this.#t = t;
  }

  apply(expr: Expr): Expr {
    switch (expr.kind) {
      case "number":
      case "string":
        return expr;
      case "paren":
      case "unary":
        return { ...expr, expr: this.apply(expr.expr) };
      case "binary":
        return { ...expr, lhs: this.apply(expr.lhs), rhs: this.apply(expr.rhs) };
      case "aggregate":
        return {
          ...expr,
          expr: this.apply(expr.expr),
          param: expr.param === undefined ? undefined : this.apply(expr.param),
        };
      case "call":
        if (TIME_DEPENDENT.has(expr.func.name)) this.timeDependent = true;
        return { ...expr, args: expr.args.map((arg) => this.apply(arg)) };
      case "vectorSelector":
        return this.#pinned(expr);
      case "matrixSelector":
        return { ...expr, selector: this.#pinned(expr.selector) };
      case "subquery":
        // What stands inside is asked at the subquery's own times, but may still depend on the time of asking.
        this.apply(expr.expr);
        return this.#pinned(expr);
    }
  }

  #pinned<T extends Pick<VectorSelector, "at">>(node: T): T {
    if (node.at?.kind === "timestamp") return node;
    return { ...node, at: { kind: "timestamp", t: this.#t } };
  }
}
