// The parser's doors.
import type { Matcher } from "@narthex/model";
import type { Expr } from "./ast.ts";
import { ExprParser } from "./expr-parser.ts";
import type { ParserOptions } from "./options.ts";
import { readVectorSelector } from "./selector-parser.ts";
import { TokenName } from "./token.ts";
import { MAX_TREE_DEPTH, TokenStream } from "./token-stream.ts";
import { treeDepth } from "./tree-depth.ts";
import { TypeChecker } from "./type-check.ts";

/**
 * Parses and type-checks a query. Throws a `ParseError`, also for text that nests deeper than 500 levels
 * or makes a tree deeper than 1000, so that whoever walks the tree may recurse. An evaluation takes some 2 KiB of stack a
 * level: of the deepest trees, more than the main thread of Node has.
 * Positions in the result are offsets into `text`.
 */
export function parseExpr(text: string, options: ParserOptions = {}): Expr {
  const tokens = new TokenStream(text);
  const expr = new ExprParser(tokens, options).whole();
  if (tokens.issues.length > 0) tokens.fail();
  if (treeDepth(expr) > MAX_TREE_DEPTH) tokens.tooDeep(expr.pos, MAX_TREE_DEPTH);
  const checker = new TypeChecker(text, (pos, message) => tokens.addIssue(pos, message));
  const checked = checker.check(expr).expr;
  if (tokens.issues.length > 0) tokens.fail();
  return checked;
}

/**
 * Parses what selects series (`match[]` and the like): one vector selector without modifiers, in the order written, the
 * metric name's matcher last. Throws a `ParseError`. Whether a matcher is non-empty is for the caller to ask.
 */
export function parseMetricSelector(text: string): readonly Matcher[] {
  const tokens = new TokenStream(text);
  const { matchers } = readVectorSelector(tokens);
  if (tokens.peek().kind !== TokenName.endOfInput) tokens.unexpected();
  if (tokens.issues.length > 0) tokens.fail();
  return matchers;
}
