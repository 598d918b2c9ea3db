// Long expressions over several lines: what `format_query` answers.
import type { Expr } from "./ast.ts";
import { byteLength } from "./go-text.ts";
import { printAggregation, printOperator, printSubqueryRange, RememberingPrinter } from "./printer.ts";

/** Whatever prints longer than this, in bytes, is split. */
const MAX_LINE_LENGTH = 100;
const INDENT = "  ";

/** The canonical form of an expression, with parts that are longer than 100 characters spread over indented lines. */
export function prettify(expr: Expr): string {
  return new Prettifier().pretty(expr, 0);
}

class Prettifier {
  // Each level asks how long everything below it is.
  readonly #printer = new RememberingPrinter();

  pretty(expr: Expr, level: number): string {
    const indent = INDENT.repeat(level);
    switch (expr.kind) {
      case "number":
      case "string":
      case "vectorSelector":
      case "matrixSelector":
        return indent + this.#printer.print(expr);
      case "unary":
        return indent + expr.op + this.pretty(expr.expr, level).trim();
      case "subquery":
        // The reference leaves out the indentation here when the whole fits on a line.
        if (this.#fits(expr)) return this.#printer.print(expr);
        return this.pretty(expr.expr, level) + printSubqueryRange(expr);
    }
    if (this.#fits(expr)) return indent + this.#printer.print(expr);
    switch (expr.kind) {
      case "paren":
        return `${indent}(\n${this.pretty(expr.expr, level + 1)}\n${indent})`;
      case "binary": {
        const operator = indent + printOperator(expr);
        return `${this.pretty(expr.lhs, level + 1)}\n${operator}\n${this.pretty(expr.rhs, level + 1)}`;
      }
      case "call": {
        const args = expr.args.map((arg) => this.pretty(arg, level + 1)).join(",\n");
        return `${indent}${expr.func.name}(\n${args}\n${indent})`;
      }
      case "aggregate": {
        const param = expr.param === undefined ? "" : `${this.pretty(expr.param, level + 1)},\n`;
        const open = `${indent}${printAggregation(expr)}(`;
        return `${open}\n${param}${this.pretty(expr.expr, level + 1)}\n${indent})`;
      }
    }
  }

  #fits(expr: Expr): boolean {
    const text = this.#printer.print(expr);
    // A text has at least as many bytes as code units.
    return text.length <= MAX_LINE_LENGTH && byteLength(text) <= MAX_LINE_LENGTH;
  }
}
