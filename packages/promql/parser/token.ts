// The words of PromQL, and how messages call them.
import type { AggregateOp, Position } from "./ast.ts";
import { quote } from "./go-text.ts";

/**
 * What a token is: one of these names, or for punctuation, operators and keywords their canonical spelling
 * (`"=~"`, `"group_left"`, `"sum"`).
 */
export type TokenKind = string;

export const TokenName = {
  endOfInput: "<end of input>",
  error: "<error>",
  comment: "<comment>",
  identifier: "<identifier>",
  /** An identifier with a colon in it. */
  metricIdentifier: "<metric identifier>",
  string: "<string>",
  number: "<number>",
  duration: "<duration>",
  /** In series descriptions, where space separates. */
  space: "<space>",
  /** `name` before a colon in a histogram literal. */
  histogramField: "<histogram field>",
  /** `gauge` and its like in a histogram literal. */
  resetHint: "<reset hint>",
} as const;

export interface Token {
  readonly kind: TokenKind;
  /** As written; the message of an error. */
  readonly text: string;
  readonly start: number;
}

export function tokenPosition(token: Token): Position {
  return { start: token.start, end: token.start + token.text.length };
}

const AGGREGATIONS: ReadonlySet<string> = new Set([
  "avg",
  "bottomk",
  "count",
  "count_values",
  "group",
  "max",
  "min",
  "quantile",
  "stddev",
  "stdvar",
  "sum",
  "topk",
  "limitk",
  "limit_ratio",
]);

const MODIFIERS: readonly string[] = [
  "bool",
  "by",
  "group_left",
  "group_right",
  "fill",
  "fill_left",
  "fill_right",
  "ignoring",
  "offset",
  "smoothed",
  "anchored",
  "on",
  "without",
];

const WORD_OPERATORS: readonly string[] = ["and", "or", "unless", "atan2"];
const PREPROCESSORS: readonly string[] = ["start", "end", "step", "range", "max_of", "min_of"];
const SIGN_OPERATORS: ReadonlySet<string> = new Set(
  "+ / == =~ >= > </ >/ < <= % * != !~ ^ - @".split(" ").concat(WORD_OPERATORS),
);
const MODIFIER_SET: ReadonlySet<string> = new Set(MODIFIERS);

/** Words that are more than identifiers, in lower case; they are recognised in any case. */
export const KEYWORDS: ReadonlySet<string> = new Set([
  ...AGGREGATIONS,
  ...MODIFIERS,
  ...WORD_OPERATORS,
  ...PREPROCESSORS,
]);

/** Keywords that can name a metric where an operand stands. */
const METRIC_KEYWORDS: ReadonlySet<string> = new Set([
  ...AGGREGATIONS,
  ...PREPROCESSORS,
  "and",
  "or",
  "unless",
  "by",
  "without",
  "offset",
  "fill",
  "fill_left",
  "fill_right",
  "anchored",
  "smoothed",
]);

export function isAggregation(kind: TokenKind): kind is AggregateOp {
  return AGGREGATIONS.has(kind);
}

/** Whether a token can name a metric. */
export function isMetricName(kind: TokenKind): boolean {
  return kind === TokenName.identifier || kind === TokenName.metricIdentifier || METRIC_KEYWORDS.has(kind);
}

/** Whether a token can name a label in a list of labels: every keyword but `without`. */
export function isLabelName(kind: TokenKind): boolean {
  if (kind === TokenName.identifier || kind === TokenName.metricIdentifier) return true;
  return KEYWORDS.has(kind) && kind !== "without";
}

/** Whether an expression can begin with such a token. */
export function startsExpression(kind: TokenKind): boolean {
  switch (kind) {
    case TokenName.number:
    case TokenName.duration:
    case TokenName.string:
    case "(":
    case "{":
    case "+":
    case "-":
      return true;
    default:
      return isMetricName(kind);
  }
}

/** A token as messages call it: `identifier "bar"`, `<op:*>`, `end of input`. */
export function describeToken(token: Token): string {
  const { kind } = token;
  switch (kind) {
    case TokenName.endOfInput:
      return "end of input";
    case TokenName.error:
      return `error ${token.text}`;
    case TokenName.identifier:
      return `identifier ${quote(token.text)}`;
    case TokenName.metricIdentifier:
      return `metric identifier ${quote(token.text)}`;
    case TokenName.string:
      return `string ${abbreviate(token.text)}`;
    case TokenName.number:
      return `number ${abbreviate(token.text)}`;
    case TokenName.duration:
      return `duration ${abbreviate(token.text)}`;
  }
  if (MODIFIER_SET.has(kind)) return `<${token.text}>`;
  if (SIGN_OPERATORS.has(kind)) return `<op:${token.text}>`;
  if (AGGREGATIONS.has(kind)) return `<aggr:${token.text}>`;
  return abbreviate(token.text);
}

function abbreviate(text: string): string {
  const chars = [...text];
  return chars.length > 10 ? `${quote(chars.slice(0, 10).join(""))}...` : quote(text);
}
