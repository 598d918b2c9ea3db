// What every part of the parser reads from: tokens one ahead, the issues found so far, and what was expected where.
import type { Position } from "./ast.ts";
import { quote, unquote } from "./go-text.ts";
import { Lexer } from "./lexer.ts";
import { ParseError, type ParseIssue } from "./parse-error.ts";
import { describeToken, type Token, TokenName, tokenPosition } from "./token.ts";

/** How deep the text of expressions may nest. */
const MAX_NESTING = 500;

/** How deep a syntax tree may be; a chain of operators of one strength is as deep as it is long. */
export const MAX_TREE_DEPTH = 1000;

/** Issues kept of one query; parsing stops there. */
const MAX_ISSUES = 100;

/**
 * Tokens of a text, comments left out.
 *
 * The reference's parser is generated from a grammar whose error rules name what was being read. On a token that fits
 * nowhere, the innermost rule that is open words the message; `expecting` opens and closes such a rule. Whether a
 * token is looked at before or after a construct is complete decides which of two faults comes first, so callers
 * `peek` only where the grammar needs to.
 */
export class TokenStream {
  readonly text: string;
  readonly issues: ParseIssue[] = [];
  readonly #lexer: Lexer;
  #ahead: Token | undefined;
  /** The token read last, looked ahead or not. */
  #latest: Token = { kind: TokenName.endOfInput, text: "", start: 0 };
  /** End of the newest bracket or number read so far: where an expression that ends in one ends. */
  lastClosing = 0;
  readonly #expectations: string[] = [];
  #depth = 0;

  constructor(text: string, series = false) {
    this.text = text;
    this.#lexer = new Lexer(text, series);
  }

  /** The next token, left in place. */
  peek(): Token {
    this.#ahead ??= this.#read();
    return this.#ahead;
  }

  next(): Token {
    const token = this.peek();
    this.#ahead = undefined;
    return token;
  }

  /** Takes the next token if it is of this kind. */
  accept(kind: string): Token | undefined {
    return this.peek().kind === kind ? this.next() : undefined;
  }

  /** Takes the next token, which must be of this kind. */
  expect(kind: string): Token {
    return this.accept(kind) ?? this.unexpected();
  }

  /** While `read` runs, an unexpected token is one "in WHAT", as in `offset, expected number`. */
  expecting<T>(what: string, read: () => T): T {
    this.#expectations.push(what);
    const result = read();
    this.#expectations.pop();
    return result;
  }

  /** Adds an issue and goes on: parsing may find more, but there will be no result. */
  addIssue(pos: Position, message: string): void {
    this.issues.push({ pos, message });
    if (this.issues.length >= MAX_ISSUES) this.fail();
  }

  /** Complains about the next token. */
  unexpected(what: string | undefined = this.#expectations.at(-1)): never {
    const token = this.peek();
    this.addIssue(tokenPosition(token), `unexpected ${describeToken(token)}${what === undefined ? "" : ` in ${what}`}`);
    return this.fail();
  }

  fail(): never {
    throw new ParseError(this.text, this.issues);
  }

  /** Runs a reader that may call itself, and refuses when that goes too deep. */
  nested<T>(read: () => T): T {
    if (++this.#depth > MAX_NESTING) this.tooDeep(tokenPosition(this.#latest), MAX_NESTING);
    const result = read();
    this.#depth--;
    return result;
  }

  tooDeep(pos: Position, limit: number): never {
    this.issues.unshift({ pos, message: `expression is nested too deeply, at most ${limit} levels are allowed` });
    return this.fail();
  }

  /** The value of a string token; "" with an issue when it cannot be read. */
  unquote(token: Token): string {
    const value = unquote(token.text);
    if (value === undefined) {
      this.addIssue(this.latestPosition, `error unquoting string ${quote(token.text)}: invalid syntax`);
    }
    return value ?? "";
  }

  /** Where the token read last stands. */
  get latestPosition(): Position {
    return tokenPosition(this.#latest);
  }

  /**
   * Where an expression ends whose end could only be known by looking one token further: if that token is a closing
   * parenthesis, right behind the one before it.
   */
  endBeforeLookahead(): number {
    const { text } = this;
    const at = this.#latest.start;
    if (this.lastClosing <= 0 || at <= 0 || at >= text.length || text[at] !== ")") return this.lastClosing;
    for (let i = at - 1; i > 0; i--) {
      const char = text[i] as string;
      if (char === ")") return i + 1;
      if (!" \t\n\r".includes(char)) break;
    }
    return this.lastClosing;
  }

  #read(): Token {
    let token = this.#lexer.next();
    while (token.kind === TokenName.comment) token = this.#lexer.next();
    this.#latest = token;
    switch (token.kind) {
      case TokenName.error:
        this.addIssue({ start: this.#lexer.start, end: this.text.length }, token.text);
        return this.fail();
      case "}":
      case ")":
      case "]":
      case TokenName.duration:
      case TokenName.number:
        this.lastClosing = token.start + token.text.length;
    }
    return token;
  }
}
