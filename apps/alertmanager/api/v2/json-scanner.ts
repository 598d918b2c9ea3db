// Reading JSON as Go reads it: one value, whatever follows; refused in the words that clients of the reference know.

/** A text that is no JSON. */
export class JsonSyntaxError extends Error {
  override readonly name = "JsonSyntaxError";
}

export type Json = null | boolean | number | string | readonly Json[] | ReadonlyMap<string, Json>;

/** Values nest so deep at most; Go allows ten thousand, which a stack here would not bear. */
const MAX_DEPTH = 1000;
const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The first value of a text; undefined for one with nothing but white space. Throws a `JsonSyntaxError`. */
export function scanJson(text: string): Json | undefined {
  const scanner = new Scanner(text);
  return scanner.isEmpty() ? undefined : scanner.value(0);
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  isEmpty(): boolean {
    this.#skipSpace();
    return this.#at >= this.#text.length;
  }

  value(depth: number): Json {
    if (depth > MAX_DEPTH) throw new JsonSyntaxError("exceeded max depth");
    this.#skipSpace();
    const character = this.#text[this.#at];
    switch (character) {
      case "{":
        return this.#object(depth);
      case "[":
        return this.#array(depth);
      case '"':
        return this.#string();
      case "t":
        return this.#literal("true", true);
      case "f":
        return this.#literal("false", false);
      case "n":
        return this.#literal("null", null);
      default:
        if (character !== undefined && /[-0-9]/.test(character)) return this.#number();
        return this.#fail("looking for beginning of value");
    }
  }

  #object(depth: number): ReadonlyMap<string, Json> {
    const entries = new Map<string, Json>();
    this.#at++;
    this.#skipSpace();
    if (this.#text[this.#at] === "}") {
      this.#at++;
      return entries;
    }
    for (;;) {
      this.#skipSpace();
      if (this.#text[this.#at] !== '"') this.#fail("looking for beginning of object key string");
      const key = this.#string();
      this.#skipSpace();
      if (this.#text[this.#at] !== ":") this.#fail("after object key");
      this.#at++;
      entries.set(key, this.value(depth + 1));
      this.#skipSpace();
      const next = this.#text[this.#at];
      if (next !== "," && next !== "}") this.#fail("after object key:value pair");
      this.#at++;
      if (next === "}") return entries;
    }
  }

  #array(depth: number): readonly Json[] {
    const items: Json[] = [];
    this.#at++;
    this.#skipSpace();
    if (this.#text[this.#at] === "]") {
      this.#at++;
      return items;
    }
    for (;;) {
      items.push(this.value(depth + 1));
      this.#skipSpace();
      const next = this.#text[this.#at];
      if (next !== "," && next !== "]") this.#fail("after array element");
      this.#at++;
      if (next === "]") return items;
    }
  }

  #string(): string {
    const text = this.#text;
    const start = this.#at++;
    let hasEscapes = false;
    for (;;) {
      const code = text.charCodeAt(this.#at);
      if (code === QUOTE) break;
      if (code === BACKSLASH) {
        hasEscapes = true;
        this.#escape();
      } else if (code >= SPACE) this.#at++;
      else if (this.#at < text.length) this.#fail("in string literal");
      else throw new JsonSyntaxError("unexpected EOF");
    }
    this.#at++;
    // A copy, made by the parser: a slice would keep the whole body for as long as one of its labels is kept.
    const value = JSON.parse(text.slice(start, this.#at)) as string;
    // Halves of surrogate pairs cannot be written in UTF-8: what a decoder makes of them is U+FFFD.
    return hasEscapes ? value.toWellFormed() : value;
  }

  #escape(): void {
    const rest = this.#text.slice(this.#at, this.#at + 6);
    if (/^\\["\\/bfnrt]/.test(rest)) this.#at += 2;
    else if (/^\\u[0-9a-fA-F]{4}/.test(rest)) this.#at += 6;
    else if (rest.length < 2 || (rest[1] === "u" && rest.length < 6)) throw new JsonSyntaxError("unexpected EOF");
    else
      throw new JsonSyntaxError(`invalid escape sequence \`${rest[1] === "u" ? rest : rest.slice(0, 2)}\` in string`);
  }

  #number(): number {
    const match = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?/.exec(this.#text.slice(this.#at, this.#at + 400));
    const length = match?.[0].length ?? 0;
    const next = this.#text[this.#at + length];
    // A sign, a point or an exponent without digits behind it.
    if (match === null || next === "." || next === "e" || next === "E") {
      const bad = /^-?(?:\d+)?(?:\.\d*)?(?:[eE][-+]?)?/.exec(this.#text.slice(this.#at))?.[0].length ?? 0;
      this.#at += bad;
      this.#fail("in numeric literal");
    }
    this.#at += length;
    return Number(match?.[0]);
  }

  #literal<T extends Json>(word: string, value: T): T {
    for (let i = 0; i < word.length; i++) {
      if (this.#text[this.#at + i] === word[i]) continue;
      this.#at += i;
      this.#fail(`in literal ${word} (expecting ${quoted(word[i] as string)})`);
    }
    this.#at += word.length;
    return value;
  }

  #skipSpace(): void {
    for (;;) {
      const code = this.#text.charCodeAt(this.#at);
      if (code !== SPACE && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.#at++;
    }
  }

  #fail(where: string): never {
    const code = this.#text.codePointAt(this.#at);
    if (code === undefined) throw new JsonSyntaxError("unexpected EOF");
    throw new JsonSyntaxError(`invalid character ${quoted(String.fromCodePoint(code))} ${where}`);
  }
}

/** A character as Go quotes it. */
function quoted(character: string): string {
  if (character === "'") return "'\\''";
  if (character === '"') return "'\"'";
  return `'${JSON.stringify(character).slice(1, -1)}'`;
}
