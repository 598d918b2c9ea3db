// The syntax tree as `parse_query` answers it, for tree views. Times in milliseconds.
import type { Matcher } from "@narthex/model";
import type { AtModifier, DurationExpr, Expr, VectorSelector } from "./ast.ts";
import { formatPlain } from "./go-text.ts";

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** An expression as plain data for `JSON.stringify`. */
export function exprToJson(expr: Expr): JsonValue {
  switch (expr.kind) {
    case "number":
      return { type: "numberLiteral", val: formatPlain(expr.value) };
    case "string":
      return { type: "stringLiteral", val: text(expr.value) };
    case "paren":
      return { type: "parenExpr", expr: exprToJson(expr.expr) };
    case "unary":
      return { type: "unaryExpr", op: expr.op, expr: exprToJson(expr.expr) };
    case "aggregate":
      return {
        type: "aggregation",
        op: expr.op,
        expr: exprToJson(expr.expr),
        param: expr.param === undefined ? null : exprToJson(expr.param),
        grouping: expr.grouping.map(text),
        without: expr.without,
      };
    case "binary": {
      const { op, lhs, rhs, matching, returnBool } = expr;
      return {
        type: "binaryExpr",
        op,
        lhs: exprToJson(lhs),
        rhs: exprToJson(rhs),
        matching:
          matching === undefined
            ? null
            : {
                card: matching.card,
                labels: matching.labels.map(text),
                on: matching.on,
                include: matching.include.map(text),
                fillValues: { lhs: matching.fill.lhs ?? null, rhs: matching.fill.rhs ?? null },
              },
        bool: returnBool,
      };
    }
    case "call": {
      const { name, argTypes, variadic, returnType } = expr.func;
      return { type: "call", func: { name, argTypes, variadic, returnType }, args: expr.args.map(exprToJson) };
    }
    case "vectorSelector":
      return { type: "vectorSelector", ...selectorToJson(expr) };
    case "matrixSelector":
      return {
        type: "matrixSelector",
        ...selectorToJson(expr.selector),
        range: expr.rangeMs,
        rangeExpr: durationToJson(expr.rangeExpr),
      };
    case "subquery":
      return {
        type: "subquery",
        expr: exprToJson(expr.expr),
        range: expr.rangeMs,
        rangeExpr: durationToJson(expr.rangeExpr),
        offset: expr.offsetMs,
        offsetExpr: durationToJson(expr.offsetExpr),
        step: expr.stepMs,
        stepExpr: durationToJson(expr.stepExpr),
        ...atToJson(expr.at),
      };
  }
}

function selectorToJson(selector: VectorSelector): { readonly [name: string]: JsonValue } {
  const { name, offsetMs, offsetExpr, matchers, at, anchored, smoothed } = selector;
  return {
    name: text(name),
    offset: offsetMs,
    offsetExpr: durationToJson(offsetExpr),
    matchers: matchers.map(matcherToJson),
    ...atToJson(at),
    anchored,
    smoothed,
  };
}

function matcherToJson({ name, value, type }: Matcher): JsonValue {
  return { name: text(name), value: text(value), type };
}

function atToJson(at: AtModifier | undefined): { readonly [name: string]: JsonValue } {
  return {
    timestamp: at?.kind === "timestamp" ? at.t : null,
    startOrEnd: at === undefined || at.kind === "timestamp" ? null : at.kind,
  };
}

function durationToJson(expr: DurationExpr | undefined): JsonValue {
  if (expr === undefined) return null;
  if (expr.kind === "durationNumber") {
    return { type: "numberLiteral", val: formatPlain(expr.seconds), duration: expr.duration };
  }
  const { op, lhs, rhs, wrapped } = expr;
  return { type: "durationExpr", op, lhs: durationToJson(lhs), rhs: durationToJson(rhs), wrapped };
}

/** JSON holds whole characters only: bytes that are none become replacement characters. */
function text(value: string): string {
  return value.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}
