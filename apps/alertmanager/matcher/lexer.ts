// From a text to the tokens of the new grammar of matchers, whose names and values may be any UTF-8.
import { MatcherSyntaxError } from "./classic-parser.ts";
import { isBlank, isReserved } from "./matcher.ts";

export type TokenKind = "{" | "}" | "," | "operator" | "quoted" | "unquoted" | "end";

/** Columns count characters from 0; `end` is the column behind the last one. */
export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Hands out one token after the other; at the end, "end" for ever. Throws a `MatcherSyntaxError` at the first bad one. */
export class Lexer {
  readonly #characters: readonly string[];
  #at = 0;
  /** Where the reading stands: the column behind the last token, or behind the blanks in front of the end. */
  #column = 0;
  #peeked: { readonly token: Token; readonly at: number } | undefined;

  constructor(text: string) {
    this.#characters = [...text];
  }

  /** The column behind the last token that was taken. */
  get column(): number {
    return this.#column;
  }

  peek(): Token {
    if (this.#peeked === undefined) {
      const before = this.#at;
      const token = this.#scan();
      this.#peeked = { token, at: this.#at };
      this.#at = before;
    }
    return this.#peeked.token;
  }

  next(): Token {
    const token = this.peek();
    this.#at = (this.#peeked as { readonly at: number }).at;
    this.#column = this.#at;
    this.#peeked = undefined;
    return token;
  }

  #scan(): Token {
    const characters = this.#characters;
    while (this.#at < characters.length && isBlank(characters[this.#at] as string)) this.#at++;
    const start = this.#at;
    const first = characters[start];
    if (first === undefined) return { kind: "end", text: "", start, end: start };
    if (first === "{" || first === "}" || first === ",") return this.#token(first, start, start + 1);
    if (first === "=" || first === "!") return this.#operator(start);
    if (first === '"') return this.#quoted(start);
    if (isReserved(first)) this.#fail(start, start + 1, `${first}: invalid input`);
    let end = start;
    while (end < characters.length && !isReserved(characters[end] as string)) end++;
    return this.#token("unquoted", start, end);
  }

  #operator(start: number): Token {
    const isNot = this.#characters[start] === "!";
    const second = this.#characters[start + 1];
    if (second === "~" || (isNot && second === "=")) return this.#token("operator", start, start + 2);
    if (!isNot) return this.#token("operator", start, start + 1);
    const found = second === undefined ? "unexpected end of input, expected" : "!: expected";
    return this.#fail(start, start + 1, `${found} one of '=~'`);
  }

  #quoted(start: number): Token {
    const characters = this.#characters;
    let end = start + 1;
    while (end < characters.length && characters[end] !== '"') end += characters[end] === "\\" ? 2 : 1;
    if (end >= characters.length)
      this.#fail(start, characters.length, `${characters.slice(start).join("")}: missing end "`);
    return this.#token("quoted", start, end + 1);
  }

  #token(kind: TokenKind, start: number, end: number): Token {
    this.#at = end;
    return { kind, text: this.#characters.slice(start, end).join(""), start, end };
  }

  #fail(start: number, end: number, message: string): never {
    throw new MatcherSyntaxError(`${start}:${end}: ${message}`);
  }
}
