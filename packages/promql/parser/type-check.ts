// Types of expressions, and what about an expression that parsed is still wrong.

import { METRIC_NAME } from "@narthex/model";
import type { BinaryExpr, Call, Expr, Position, ValueType, VectorMatching, VectorSelector } from "./ast.ts";
import { quote } from "./go-text.ts";

/** The type of what an expression evaluates to. */
export function typeOf(expr: Expr): ValueType {
  switch (expr.kind) {
    case "number":
      return "scalar";
    case "string":
      return "string";
    case "vectorSelector":
    case "aggregate":
      return "vector";
    case "matrixSelector":
    case "subquery":
      return "matrix";
    case "paren":
    case "unary":
      return typeOf(expr.expr);
    case "binary":
      return typeOf(expr.lhs) === "scalar" && typeOf(expr.rhs) === "scalar" ? "scalar" : "vector";
    case "call":
      return expr.func.returnType;
  }
}

/** A type as documentation calls it: `instant vector`, `range vector`, `scalar`, `string`. */
export function describeType(type: ValueType): string {
  return type === "vector" ? "instant vector" : type === "matrix" ? "range vector" : type;
}

const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<=", "<", ">=", ">"]);
const SET_OPERATORS: ReadonlySet<string> = new Set(["and", "or", "unless"]);
const SCALAR_PARAMETERS: ReadonlySet<string> = new Set(["topk", "bottomk", "quantile", "limitk", "limit_ratio"]);

/**
 * Checks a whole tree and reports in the reference's order. Settles what only types can tell: set operators match many
 * to many, and operators with a scalar side have no matching. Returns the settled tree.
 */
export class TypeChecker {
  readonly #text: string;
  readonly #report: (pos: Position, message: string) => void;

  constructor(text: string, report: (pos: Position, message: string) => void) {
    this.#text = text;
    this.#report = report;
  }

  check(expr: Expr): { readonly expr: Expr; readonly type: ValueType } {
    switch (expr.kind) {
      case "number":
      case "string":
        return { expr, type: typeOf(expr) };
      case "vectorSelector":
        this.#selector(expr, false);
        return { expr, type: "vector" };
      case "matrixSelector":
        this.#selector(expr.selector, false);
        return { expr, type: "matrix" };
      case "paren": {
        const inner = this.check(expr.expr);
        return { expr: { ...expr, expr: inner.expr }, type: inner.type };
      }
      case "unary": {
        const inner = this.check(expr.expr);
        if (inner.type !== "scalar" && inner.type !== "vector") {
          const message = "unary expression only allowed on expressions of type scalar or instant vector";
          this.#report(expr.pos, `${message}, got ${quote(describeType(inner.type))}`);
        }
        return { expr: { ...expr, expr: inner.expr }, type: inner.type };
      }
      case "subquery": {
        const inner = this.check(expr.expr);
        if (inner.type !== "vector") {
          this.#report(expr.pos, `subquery is only allowed on instant vector, got ${inner.type} instead`);
        }
        return { expr: { ...expr, expr: inner.expr }, type: "matrix" };
      }
      case "aggregate": {
        const inner = this.#expect(expr.expr, "vector", "aggregation expression");
        let { param } = expr;
        if (param !== undefined) {
          const wanted = SCALAR_PARAMETERS.has(expr.op) ? "scalar" : "string";
          param = this.#expect(param, wanted, "aggregation parameter");
        }
        return { expr: { ...expr, expr: inner, param }, type: "vector" };
      }
      case "binary":
        return this.#binary(expr);
      case "call":
        return { expr: this.#call(expr), type: expr.func.returnType };
    }
  }

  #expect(expr: Expr, wanted: ValueType, place: string): Expr {
    const checked = this.check(expr);
    if (checked.type !== wanted) {
      const message = `expected type ${describeType(wanted)} in ${place}, got ${describeType(checked.type)}`;
      this.#report(expr.pos, message);
    }
    return checked.expr;
  }

  #binary(expr: BinaryExpr): { readonly expr: Expr; readonly type: ValueType } {
    const lhs = this.check(expr.lhs);
    const rhs = this.check(expr.rhs);
    const { op } = expr;
    const isSet = SET_OPERATORS.has(op);
    const bothScalar = lhs.type === "scalar" && rhs.type === "scalar";
    if (expr.returnBool && !COMPARISONS.has(op)) {
      this.#report(this.#operatorPosition(expr), "bool modifier can only be used on comparison operators");
    }
    if (COMPARISONS.has(op) && !expr.returnBool && bothScalar) {
      this.#report(this.#operatorPosition(expr), "comparisons between scalars must use BOOL modifier");
    }
    let matching: VectorMatching | undefined = expr.matching as VectorMatching;
    if (isSet && matching.card === "one-to-one") matching = { ...matching, card: "many-to-many" };
    if (matching.on) {
      const included = new Set(matching.include);
      for (const label of matching.labels) {
        if (!included.has(label)) continue;
        const message = `label ${quote(label)} must not occur in ON and GROUP clause at once`;
        this.#report(this.#operatorPosition(expr), message);
      }
    }
    for (const side of [lhs, rhs]) {
      if (side.type === "scalar" || side.type === "vector") continue;
      this.#report(side.expr.pos, "binary expression must contain only scalar and instant vector types");
    }
    const filled = matching.fill.lhs !== undefined || matching.fill.rhs !== undefined;
    if (lhs.type !== "vector" || rhs.type !== "vector") {
      if (matching.labels.length > 0) {
        this.#report(expr.pos, "vector matching only allowed between instant vectors");
      }
      if (filled) this.#report(expr.pos, "filling in missing series only allowed between instant vectors");
      matching = undefined;
    } else if (isSet) {
      if (matching.card !== "many-to-many") {
        this.#report(expr.pos, `no grouping allowed for ${quote(op)} operation`);
        this.#report(expr.pos, "set operations must always be many-to-many");
      }
      if (filled) this.#report(expr.pos, "filling in missing series not allowed for set operators");
    }
    if (isSet && (lhs.type === "scalar" || rhs.type === "scalar")) {
      this.#report(expr.pos, `set operator ${quote(op)} not allowed in binary scalar expression`);
    }
    return { expr: { ...expr, lhs: lhs.expr, rhs: rhs.expr, matching }, type: bothScalar ? "scalar" : "vector" };
  }

  /** What stands between the operands, without the space around it. */
  #operatorPosition({ lhs, rhs }: BinaryExpr): Position {
    let start = lhs.pos.end;
    while (isSpace(this.#text[start])) start++;
    let end = rhs.pos.start - 1;
    while (isSpace(this.#text[end])) end--;
    return { start, end };
  }

  #call(call: Call): Call {
    const { func, args, pos } = call;
    const wanted = func.argTypes.length;
    const given = args.length;
    const name = quote(func.name);
    if (func.variadic === 0) {
      if (wanted !== given) this.#report(pos, `expected ${wanted} argument(s) in call to ${name}, got ${given}`);
    } else {
      const least = wanted - 1;
      const most = least + func.variadic;
      if (least > given) {
        this.#report(pos, `expected at least ${least} argument(s) in call to ${name}, got ${given}`);
      } else if (func.variadic > 0 && most < given) {
        this.#report(pos, `expected at most ${most} argument(s) in call to ${name}, got ${given}`);
      }
    }
    const isInfo = func.name === "info" && given > 1;
    if (isInfo) this.#infoSelector(call);
    const checked = args.map((arg, i) => {
      if (i >= wanted && func.variadic === 0) return arg;
      const type = func.argTypes[Math.min(i, wanted - 1)] as ValueType;
      if (isInfo && i === 1 && arg.kind === "vectorSelector" && arg.name === "") {
        this.#selector(arg, true);
        return arg;
      }
      return this.#expect(arg, type, `call to function ${name}`);
    });
    return { ...call, args: checked };
  }

  /** The second argument of `info` holds matchers only, and they may match everything. */
  #infoSelector({ args, pos }: Call): void {
    const selector = args[1] as Expr;
    const type = typeOf(selector);
    if (type !== "vector") {
      this.#report(pos, `expected type instant vector in call to function "info", got ${describeType(type)}`);
    }
    if (selector.kind !== "vectorSelector") this.#report(selector.pos, "expected label selectors only");
    else if (selector.name !== "") {
      this.#report(selector.pos, "expected label selectors only, got vector selector instead");
    }
  }

  #selector({ name, matchers, pos }: VectorSelector, mayBeEmpty: boolean): void {
    if (name !== "") {
      for (const matcher of matchers.slice(0, -1)) {
        if (matcher.name !== METRIC_NAME) continue;
        this.#report(pos, `metric name must not be set twice: ${quote(name)} or ${quote(matcher.value)}`);
      }
    } else if (!mayBeEmpty && matchers.every((matcher) => matcher.matchesEmpty)) {
      this.#report(pos, "vector selector must contain at least one non-empty matcher");
    }
  }
}

function isSpace(char: string | undefined): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\r";
}
