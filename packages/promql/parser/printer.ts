// Expressions back to text, in the one canonical form that rules, logs and the API show.
import { compareStrings, type Matcher, METRIC_NAME } from "@narthex/model";
import type {
  AggregateExpr,
  AtModifier,
  BinaryExpr,
  DurationExpr,
  Expr,
  MatrixSelector,
  NumberLiteral,
  Subquery,
  VectorSelector,
} from "./ast.ts";
import { formatDuration } from "./duration.ts";
import { formatFixed, formatPlain, formatShortest, quote } from "./go-text.ts";

/** The canonical text of an expression: on one line, spaces normalised, matchers of a selector sorted. */
export function printExpr(expr: Expr): string {
  return print(expr, printExpr);
}

/** Prints expressions and remembers the text of every node, for who asks about whole trees again and again. */
export class RememberingPrinter {
  readonly #texts = new Map<Expr, string>();
  readonly #part = (expr: Expr): string => this.print(expr);

  print(expr: Expr): string {
    let text = this.#texts.get(expr);
    if (text === undefined) {
      text = print(expr, this.#part);
      this.#texts.set(expr, text);
    }
    return text;
  }
}

/** Prints one node; `part` prints those below it. */
function print(expr: Expr, part: (expr: Expr) => string): string {
  switch (expr.kind) {
    case "number":
      return printNumber(expr);
    case "string":
      return quote(expr.value);
    case "paren":
      return `(${part(expr.expr)})`;
    case "unary":
      return expr.op + part(expr.expr);
    case "binary":
      return `${part(expr.lhs)} ${printOperator(expr)} ${part(expr.rhs)}`;
    case "call":
      return `${expr.func.name}(${expr.args.map(part).join(", ")})`;
    case "aggregate": {
      const param = expr.param === undefined ? "" : `${part(expr.param)}, `;
      return `${printAggregation(expr)}(${param}${part(expr.expr)})`;
    }
    case "vectorSelector":
      return printVectorSelector(expr);
    case "matrixSelector":
      return printMatrixSelector(expr);
    case "subquery":
      return part(expr.expr) + printSubqueryRange(expr);
  }
}

/** `sum by (x) `: an aggregation up to its parenthesis. */
export function printAggregation({ op, grouping, without }: AggregateExpr): string {
  if (without) return `${op} without (${printLabels(grouping)}) `;
  return grouping.length > 0 ? `${op} by (${printLabels(grouping)}) ` : op;
}

/** `== bool on (x) group_left (y)`: an operator with everything up to its right side. */
export function printOperator({ op, returnBool, matching }: BinaryExpr): string {
  let text: string = op;
  if (returnBool) text += " bool";
  if (matching === undefined) return text;
  const { card, labels, on, include, fill } = matching;
  const grouped = card === "many-to-one" || card === "one-to-many";
  if (labels.length > 0 || on || grouped) text += ` ${on ? "on" : "ignoring"} (${printLabels(labels)})`;
  if (grouped) text += ` group_${card === "many-to-one" ? "left" : "right"} (${printLabels(include)})`;
  const { lhs, rhs } = fill;
  if (lhs !== undefined && lhs === rhs) return `${text} fill (${formatShortest(lhs)})`;
  if (lhs !== undefined) text += ` fill_left (${formatShortest(lhs)})`;
  if (rhs !== undefined) text += ` fill_right (${formatShortest(rhs)})`;
  return text;
}

/** `[5m:1m] @ end() offset 1h`: what makes a subquery of an expression. */
export function printSubqueryRange(subquery: Subquery): string {
  const { rangeMs, rangeExpr, stepMs, stepExpr, at } = subquery;
  const range = printDuration(rangeMs, rangeExpr);
  const step = stepMs === 0 && stepExpr === undefined ? "" : printDuration(stepMs, stepExpr);
  return `[${range}:${step}]${printAt(at)}${printOffset(subquery)}`;
}

/** A duration expression as it stands between brackets or after `offset`. */
export function printDurationExpr(expr: DurationExpr): string {
  if (expr.kind === "durationNumber") {
    return printNumber({ kind: "number", pos: expr.pos, value: expr.seconds, duration: expr.duration });
  }
  const { op, lhs, rhs } = expr;
  const left = lhs === undefined ? undefined : printDurationExpr(lhs);
  const right = rhs === undefined ? "" : printDurationExpr(rhs);
  let text: string;
  switch (op) {
    case "step":
    case "range":
      text = `${op}()`;
      break;
    case "min_of":
    case "max_of":
      text = `${op}(${left}, ${right})`;
      break;
    default:
      // A plus sign stands in front of a number that was in parentheses, and is not shown.
      if (left === undefined) text = op === "+" ? right : op + right;
      else text = `${left} ${op} ${right}`;
  }
  return expr.wrapped ? `(${text})` : text;
}

/** Label names with commas; what is no plain name stands in quotes. */
function printLabels(labels: readonly string[]): string {
  return labels.map((label) => (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(label) ? label : quote(label))).join(", ");
}

function printNumber({ value, duration }: NumberLiteral): string {
  if (!duration) return formatPlain(value);
  return value < 0 ? `-${formatDuration(-value * 1000)}` : formatDuration(Math.trunc((value * 1e9) / 1e6));
}

function printDuration(milliseconds: number, expr: DurationExpr | undefined): string {
  return expr === undefined ? formatDuration(milliseconds) : printDurationExpr(expr);
}

function printOffset({ offsetMs, offsetExpr }: VectorSelector | Subquery): string {
  if (offsetExpr !== undefined) return ` offset ${printDurationExpr(offsetExpr)}`;
  return offsetMs === 0 ? "" : ` offset ${formatDuration(offsetMs)}`;
}

function printAt(at: AtModifier | undefined): string {
  if (at === undefined) return "";
  return at.kind === "timestamp" ? ` @ ${formatFixed(at.t / 1000, 3)}` : ` @ ${at.kind}()`;
}

function printExtension({ anchored, smoothed }: VectorSelector): string {
  return anchored ? " anchored" : smoothed ? " smoothed" : "";
}

function printMatrixSelector({ selector, rangeMs, rangeExpr }: MatrixSelector): string {
  const range = printDuration(rangeMs, rangeExpr);
  return `${printSeries(selector)}[${range}]${printExtension(selector)}${printAt(selector.at)}${printOffset(selector)}`;
}

function printVectorSelector(selector: VectorSelector): string {
  return printSeries(selector) + printAt(selector.at) + printExtension(selector) + printOffset(selector);
}

/** Name and matchers, sorted by their text. */
function printSeries({ name, matchers }: VectorSelector): string {
  const shown = matchers.filter(
    (matcher) =>
      !(matcher.name === METRIC_NAME && matcher.type === "=" && matcher.value === name && matcher.value !== ""),
  );
  if (shown.length === 0) return name;
  return `${name}{${shown.map(printMatcher).sort(compareStrings).join(",")}}`;
}

/** One matcher as it stands in braces. */
export function printMatcher({ name, type, value }: Matcher): string {
  return `${/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name)}${type}${quote(value)}`;
}
