// Vector selectors: a metric name, matchers in braces, or both.
import { Matcher, type MatchType, METRIC_NAME, RegexSyntaxError } from "@narthex/model";
import type { Position, VectorSelector } from "./ast.ts";
import { isMetricName, type Token, TokenName, tokenPosition } from "./token.ts";
import type { TokenStream } from "./token-stream.ts";

const MATCH_OPERATORS: ReadonlySet<string> = new Set(["=", "!=", "=~", "!~"]);

/** Reads a selector whose first token is next. */
export function readVectorSelector(tokens: TokenStream): VectorSelector {
  const { kind } = tokens.peek();
  if (isMetricName(kind)) return readNamedSelector(tokens, tokens.next());
  if (kind !== "{") tokens.unexpected();
  const { matchers, pos } = readBraces(tokens);
  return vectorSelector("", matchers, pos);
}

/** Reads the rest of a selector whose metric name was read. */
export function readNamedSelector(tokens: TokenStream, nameToken: Token): VectorSelector {
  const name = nameToken.text;
  const named = new Matcher("=", METRIC_NAME, name);
  if (tokens.peek().kind !== "{") return vectorSelector(name, [named], tokenPosition(nameToken));
  const { matchers, pos } = readBraces(tokens);
  return vectorSelector(name, [...matchers, named], { start: nameToken.start, end: pos.end });
}

function vectorSelector(name: string, matchers: readonly Matcher[], pos: Position): VectorSelector {
  return {
    kind: "vectorSelector",
    pos,
    name,
    matchers,
    offsetMs: 0,
    offsetExpr: undefined,
    at: undefined,
    anchored: false,
    smoothed: false,
  };
}

function readBraces(tokens: TokenStream): { matchers: readonly Matcher[]; pos: Position } {
  const open = tokens.expect("{");
  const matchers: Matcher[] = [];
  let close = tokens.accept("}");
  while (close === undefined) {
    const matcher = tokens.expecting('label matching, expected identifier or "}"', () => readMatcher(tokens));
    if (matcher !== undefined) matchers.push(matcher);
    close = tokens.accept("}");
    if (close !== undefined) break;
    tokens.expecting('label matching, expected "," or "}"', () => tokens.expect(","));
    close = tokens.accept("}");
  }
  return { matchers, pos: { start: open.start, end: close.start + 1 } };
}

/** Undefined after an issue. */
function readMatcher(tokens: TokenStream): Matcher | undefined {
  const first = tokens.peek();
  if (first.kind === TokenName.identifier) {
    tokens.next();
    const operator = tokens.peek();
    if (!MATCH_OPERATORS.has(operator.kind)) tokens.unexpected("label matching, expected label matching operator");
    return readComparison(tokens, first, first.text);
  }
  if (first.kind !== TokenName.string) return tokens.unexpected();
  tokens.next();
  const name = tokens.unquote(first);
  if (MATCH_OPERATORS.has(tokens.peek().kind)) return readComparison(tokens, first, name);
  return new Matcher("=", METRIC_NAME, name);
}

function readComparison(tokens: TokenStream, label: Token, name: string): Matcher | undefined {
  const type = tokens.next().kind as MatchType;
  const literal = tokens.expecting("label matching, expected string", () => tokens.expect(TokenName.string));
  const value = tokens.unquote(literal);
  try {
    return new Matcher(type, name, value);
  } catch (error) {
    if (!(error instanceof RegexSyntaxError)) throw error;
    tokens.addIssue({ start: label.start, end: literal.start + literal.text.length }, error.message);
    return undefined;
  }
}
