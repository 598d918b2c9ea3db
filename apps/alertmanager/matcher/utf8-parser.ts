// The new grammar: `{name="value", "other name"=~value}`, braces both or neither, one comma may trail.
import { MatcherSyntaxError } from "./classic-parser.ts";
import { unquoteGo } from "./go-string.ts";
import { Lexer, type Token, type TokenKind } from "./lexer.ts";
import { LabelMatcher, type MatchType } from "./matcher.ts";

/** Exactly one matcher. Throws a `MatcherSyntaxError`. */
export function parseUtf8Matcher(text: string): LabelMatcher {
  const matchers = parseUtf8Matchers(text);
  if (matchers.length === 0) throw new MatcherSyntaxError("no matchers");
  if (matchers.length > 1) throw new MatcherSyntaxError(`expected 1 matcher, found ${matchers.length}`);
  return matchers[0] as LabelMatcher;
}

/** Any number of matchers. Throws a `MatcherSyntaxError`. */
export function parseUtf8Matchers(text: string): LabelMatcher[] {
  const lexer = new Lexer(text);
  const matchers: LabelMatcher[] = [];
  const hasBrace = lexer.peek().kind === "{";
  if (hasBrace) lexer.next();
  const isEmpty = lexer.peek().kind === "}" || lexer.peek().kind === "end";
  if (isEmpty && !hasBrace && lexer.peek().kind === "end") return matchers;
  if (!isEmpty) readMatchers(lexer, matchers);
  readClose(lexer, hasBrace);
  const rest = atEnd(() => lexer.next());
  if (rest.kind !== "end") fail(`${rest.start}:${rest.end}: ${rest.text}: expected end of input`);
  return matchers;
}

function readMatchers(lexer: Lexer, matchers: LabelMatcher[]): void {
  for (;;) {
    matchers.push(readMatcher(lexer));
    const after = explained(() => peekOne(lexer, [",", "}", "end"]), "expected a comma or close brace");
    if (after.kind !== ",") return;
    lexer.next();
    const following = explained(
      () => peekOne(lexer, ["}", "unquoted", "quoted", "end"]),
      "expected a matcher or close brace after comma",
    );
    if (following.kind === "}" || following.kind === "end") return;
  }
}

function readMatcher(lexer: Lexer): LabelMatcher {
  const name = explained(() => takeOne(lexer, ["quoted", "unquoted"]), "expected label name");
  const nameText = textOf(name);
  const operator = explained(
    () => takeOne(lexer, ["operator"]),
    "expected an operator such as '=', '!=', '=~' or '!~'",
  );
  const value = explained(() => takeOne(lexer, ["unquoted", "quoted"]), "expected label value");
  const valueText = textOf(value);
  try {
    return new LabelMatcher(operator.text as MatchType, nameText, valueText);
  } catch (error) {
    throw new MatcherSyntaxError(`failed to create matcher: ${(error as Error).message}`, { cause: error });
  }
}

function readClose(lexer: Lexer, hasBrace: boolean): void {
  if (hasBrace) {
    try {
      takeOne(lexer, ["}"]);
    } catch (error) {
      fail(`0:${lexer.column}: ${(error as Error).message}: expected close brace`);
    }
    return;
  }
  let token: Token;
  try {
    token = lexer.peek();
  } catch {
    // What cannot be read is no close brace; the end of the input is asked for next, and says so.
    return;
  }
  if (token.kind !== "}") return;
  lexer.next();
  fail(`0:${lexer.column}: }: expected opening brace`);
}

function takeOne(lexer: Lexer, kinds: readonly TokenKind[]): Token {
  peekOne(lexer, kinds);
  return lexer.next();
}

function peekOne(lexer: Lexer, kinds: readonly TokenKind[]): Token {
  const token = lexer.peek();
  if (kinds.includes(token.kind)) return token;
  if (token.kind === "end") return fail("end of input");
  return fail(`${token.start}:${token.end}: unexpected ${token.text}`);
}

function textOf(token: Token): string {
  if (token.kind !== "quoted") return token.text;
  const text = unquoteGo(token.text);
  if (text === undefined) return fail(`${token.start}:${token.end}: ${token.text}: invalid input`);
  return text;
}

/** What went wrong, and what was expected instead. */
function explained<T>(read: () => T, expectation: string): T {
  try {
    return read();
  } catch (error) {
    return fail(`${(error as Error).message}: ${expectation}`);
  }
}

function atEnd(read: () => Token): Token {
  return explained(read, "expected end of input");
}

function fail(message: string): never {
  throw new MatcherSyntaxError(message);
}
