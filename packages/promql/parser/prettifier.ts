// Long expressions over several lines: what `format_query` answers.
import type { Expr } from "./ast.ts";
import { printAggregation, printExpr, printedLength, printOperator, printSubqueryRange } from "./printer.ts";

/** Whatever prints longer than this, in bytes, is split. */
const MAX_LINE_LENGTH = 100;
const INDENT = "  ";

/** The canonical form of an expression, with parts that are longer than 100 characters spread over indented lines. */
export function prettify(expr: Expr): string {
  return pretty(expr, 0);
}

function pretty(expr: Expr, level: number): string {
  const indent = INDENT.repeat(level);
  switch (expr.kind) {
    case "number":
    case "string":
    case "vectorSelector":
    case "matrixSelector":
      return indent + printExpr(expr);
    case "unary":
      return indent + expr.op + pretty(expr.expr, level).trim();
    case "subquery":
      // The reference leaves out the indentation here when the whole fits on a line.
      return fits(expr) ? printExpr(expr) : pretty(expr.expr, level) + printSubqueryRange(expr);
  }
  if (fits(expr)) return indent + printExpr(expr);
  switch (expr.kind) {
    case "paren":
      return `${indent}(\n${pretty(expr.expr, level + 1)}\n${indent})`;
    case "binary":
      return `${pretty(expr.lhs, level + 1)}\n${indent}${printOperator(expr)}\n${pretty(expr.rhs, level + 1)}`;
    case "call": {
      const args = expr.args.map((arg) => pretty(arg, level + 1)).join(",\n");
      return `${indent}${expr.func.name}(\n${args}\n${indent})`;
    }
    case "aggregate": {
      const param = expr.param === undefined ? "" : `${pretty(expr.param, level + 1)},\n`;
      return `${indent}${printAggregation(expr)}(\n${param}${pretty(expr.expr, level + 1)}\n${indent})`;
    }
  }
}

function fits(expr: Expr): boolean {
  return printedLength(expr) <= MAX_LINE_LENGTH;
}
