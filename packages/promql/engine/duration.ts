// Duration expressions: resolved once start, end and step of the query are known.
import type { DurationExpr } from "../parser/ast.ts";
import { QueryError } from "./result.ts";

const MAX_SECONDS = 2 ** 63 / 1e9;

export interface DurationContext {
  readonly startMs: number;
  readonly endMs: number;
  /** 0 for instant queries. */
  readonly stepMs: number;
}

/** Milliseconds of a duration expression. Throws for NaN, out of range, and (unless allowed) for 0 and below. */
export function resolveDuration(expr: DurationExpr, allowNegative: boolean, context: DurationContext): number {
  const seconds = evaluate(expr, context);
  if (!Number.isFinite(seconds)) throw failure(expr, "duration is NaN or infinite");
  if (seconds <= 0 && !allowNegative) throw failure(expr, "duration must be greater than 0");
  if (Math.abs(seconds) > MAX_SECONDS) throw failure(expr, "duration is out of range");
  return Math.trunc(seconds * 1000);
}

function evaluate(expr: DurationExpr, context: DurationContext): number {
  if (expr.kind === "durationNumber") return expr.seconds;
  const left = expr.lhs === undefined ? 0 : evaluate(expr.lhs, context);
  const right = expr.rhs === undefined ? 0 : evaluate(expr.rhs, context);
  switch (expr.op) {
    case "step":
      return context.stepMs / 1000;
    case "range":
      return (context.endMs - context.startMs) / 1000;
    case "min_of":
      return Math.min(left, right);
    case "max_of":
      return Math.max(left, right);
    case "+":
      return expr.lhs === undefined ? right : left + right;
    case "-":
      return expr.lhs === undefined ? -right : left - right;
    case "*":
      return left * right;
    case "/":
      if (right === 0) throw failure(expr, "division by zero");
      return left / right;
    case "%":
      if (right === 0) throw failure(expr, "modulo by zero");
      return left % right;
    case "^":
      return left ** right;
  }
}

function failure(expr: DurationExpr, message: string): QueryError {
  return new QueryError("bad_data", `${expr.pos.start}:${expr.pos.end}: ${message}`);
}
