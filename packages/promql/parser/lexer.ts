// From query text to tokens: a machine of states, because what a character means depends on the brackets around it
// (and in scripts on whether a series' samples have begun).
import { describeChar, quote, quoteChar } from "./go-text.ts";
import { KEYWORDS, type Token, TokenName } from "./token.ts";

/** What comes next; undefined once the input is over or broken. */
type State = "statement" | "braces" | "bracket" | "string" | "rawString" | "values" | "histogram" | "buckets";

const DURATION_WORDS: ReadonlySet<string> = new Set(["step", "range", "max_of", "min_of"]);
const HISTOGRAM_FIELDS: ReadonlySet<string> = new Set([
  "sum",
  "count",
  "schema",
  "offset",
  "n_offset",
  "buckets",
  "n_buckets",
  "z_bucket",
  "z_bucket_w",
  "custom_values",
  "counter_reset_hint",
]);
const RESET_HINTS: ReadonlySet<string> = new Set(["unknown", "reset", "not_reset", "gauge"]);
const DIGITS = "0123456789";
const HEX_DIGITS = "0123456789abcdefABCDEF";

export class Lexer {
  readonly #text: string;
  /** Whether the text is a series description: a metric and its samples. */
  readonly #series: boolean;
  #state: State | undefined = "statement";
  #at = 0;
  #start = 0;
  #token: Token | undefined;
  #stringMark = "";

  #parenDepth = 0;
  #braceOpen = false;
  #bracketOpen = false;
  #gotColon = false;
  #gotDuration = false;
  /** Where we are with a histogram literal: inside it, or right before the sign that follows it. */
  #histogram: "none" | "inside" | "sign" = "none";

  constructor(text: string, series = false) {
    this.#text = text;
    this.#series = series;
  }

  /** Where the token being read begins: what a lexical error points at. */
  get start(): number {
    return this.#start;
  }

  /** The next token, comments included; after the end or an error, the end again and again. */
  next(): Token {
    this.#token = undefined;
    while (this.#token === undefined) {
      if (this.#state === undefined) this.#emit(TokenName.endOfInput);
      else this.#state = this.#step(this.#state);
    }
    return this.#token;
  }

  #step(state: State): State | undefined {
    switch (state) {
      case "statement":
        return this.#statement();
      case "braces":
        return this.#insideBraces();
      case "bracket":
        return this.#insideBracket();
      case "string":
        return this.#string();
      case "rawString":
        return this.#rawString();
      case "values":
        return this.#values();
      case "histogram":
        return this.#insideHistogram();
      case "buckets":
        return this.#buckets();
    }
  }

  // Characters: `take` moves on by one code point, undefined being the end.

  #take(): string | undefined {
    const char = this.#peek();
    if (char !== undefined) this.#at += char.length;
    return char;
  }

  #peek(): string | undefined {
    const code = this.#text.codePointAt(this.#at);
    return code === undefined ? undefined : code < 0x80 ? this.#text[this.#at] : String.fromCodePoint(code);
  }

  #accept(valid: string): boolean {
    const char = this.#peek();
    if (char === undefined || !valid.includes(char)) return false;
    this.#at += char.length;
    return true;
  }

  #acceptRun(valid: string): void {
    while (this.#accept(valid));
  }

  #acceptName(): string {
    while (isAlphaNumeric(this.#peek())) this.#at++;
    return this.#text.slice(this.#start, this.#at);
  }

  #emit(kind: string): void {
    this.#token = { kind, text: this.#text.slice(this.#start, this.#at), start: this.#start };
    this.#start = this.#at;
  }

  #error(message: string): undefined {
    this.#token = { kind: TokenName.error, text: message, start: this.#start };
    return undefined;
  }

  #skipSpace(): void {
    while (isSpace(this.#peek())) this.#at++;
    this.#start = this.#at;
  }

  #comment(): State {
    for (let char = this.#peek(); char !== undefined && char !== "\n" && char !== "\r"; char = this.#peek()) {
      this.#at += char.length;
    }
    this.#emit(TokenName.comment);
    return "statement";
  }

  #statement(): State | undefined {
    if (this.#histogram !== "none") return this.#histogram === "inside" ? "histogram" : "values";
    if (this.#braceOpen) return "braces";
    const char = this.#take();
    if (char === undefined) return this.#end();
    if (char === "#") return this.#comment();
    if (isSpace(char)) {
      this.#skipSpace();
      return "statement";
    }
    if (isDigit(char) || (char === "." && isDigit(this.#peek()))) {
      this.#at = this.#start;
      return this.#numberOrDuration();
    }
    if (isAlpha(char) || char === ":") return this.#word(char);
    switch (char) {
      case ",":
      case "*":
      case "/":
      case "%":
      case "+":
      case "-":
      case "^":
      case "@":
        this.#emit(char);
        return "statement";
      case "=":
        if (this.#peek() === "~") return this.#error("unexpected character after '=': '~'");
        this.#emit(this.#accept("=") ? "==" : "=");
        return "statement";
      case "!": {
        const next = this.#take();
        if (next !== "=") return this.#error(`unexpected character after '!': ${quoteChar(next)}`);
        this.#emit("!=");
        return "statement";
      }
      case "<":
      case ">":
        this.#emit(this.#accept("=") ? `${char}=` : this.#accept("/") ? `${char}/` : char);
        return "statement";
      case '"':
      case "'":
        this.#stringMark = char;
        return "string";
      case "`":
        return "rawString";
      case "(":
        this.#emit("(");
        this.#parenDepth++;
        return "statement";
      case ")":
        return this.#closeParen("statement");
      case "{":
        this.#emit("{");
        this.#braceOpen = true;
        return "braces";
      case "[":
        if (this.#bracketOpen) return this.#error("unexpected left bracket '['");
        this.#gotColon = false;
        this.#emit("[");
        this.#skipSpace();
        this.#bracketOpen = true;
        return "bracket";
      case "]":
        if (!this.#bracketOpen) return this.#error("unexpected right bracket ']'");
        this.#emit("]");
        this.#bracketOpen = false;
        return "statement";
      default:
        return this.#error(`unexpected character: ${quoteChar(char)}`);
    }
  }

  #end(): undefined {
    if (this.#parenDepth !== 0) return this.#error("unclosed left parenthesis");
    if (this.#bracketOpen) return this.#error("unclosed left bracket");
    this.#emit(TokenName.endOfInput);
    return undefined;
  }

  #closeParen(state: State): State | undefined {
    this.#emit(")");
    this.#parenDepth--;
    return this.#parenDepth < 0 ? this.#error("unexpected right parenthesis ')'") : state;
  }

  /** A name, a keyword, or inside brackets a colon or one of the few words allowed there. */
  #word(char: string): State | undefined {
    if (!this.#bracketOpen) {
      this.#at = this.#start;
      return this.#keywordOrIdentifier();
    }
    if (char === ":") {
      if (this.#gotColon) return this.#error("unexpected colon ':'");
      this.#emit(":");
      this.#gotColon = true;
      return "statement";
    }
    if (startsDurationWord(char) && this.#durationWord()) return "statement";
    return this.#error(`unexpected character: ${quoteChar(char)}, expected ':'`);
  }

  #durationWord(): boolean {
    while (isAlpha(this.#peek())) this.#at++;
    const word = this.#text.slice(this.#start, this.#at).toLowerCase();
    if (!DURATION_WORDS.has(word)) return false;
    this.#emit(word);
    return true;
  }

  #keywordOrIdentifier(): State {
    while (isAlphaNumeric(this.#peek()) || this.#peek() === ":") this.#at++;
    const written = this.#text.slice(this.#start, this.#at);
    const word = written.toLowerCase();
    if (word === "inf" || word === "nan") this.#emit(TokenName.number);
    else if (KEYWORDS.has(word) && !(word.startsWith("fill") && !this.#parenFollows())) this.#emit(word);
    else this.#emit(written.includes(":") ? TokenName.metricIdentifier : TokenName.identifier);
    return this.#series && this.#peek() !== "{" ? "values" : "statement";
  }

  /** The fill modifiers are keywords only in front of their parenthesis, for metrics may have such names. */
  #parenFollows(): boolean {
    let at = this.#at;
    while (isSpace(this.#text[at])) at++;
    return this.#text[at] === "(";
  }

  #insideBraces(): State | undefined {
    const char = this.#take();
    if (char === undefined) return this.#error("unexpected end of input inside braces");
    if (char === "#") return this.#comment();
    if (isSpace(char)) {
      this.#skipSpace();
      return "statement";
    }
    if (isAlpha(char)) {
      this.#acceptName();
      this.#emit(TokenName.identifier);
      return "statement";
    }
    switch (char) {
      case ",":
        this.#emit(",");
        return "braces";
      case '"':
      case "'":
        this.#stringMark = char;
        return "string";
      case "`":
        return "rawString";
      case "=":
        this.#emit(this.#accept("~") ? "=~" : "=");
        return "braces";
      case "!": {
        const next = this.#take();
        if (next !== "~" && next !== "=") {
          return this.#error(`unexpected character after '!' inside braces: ${quoteChar(next)}`);
        }
        this.#emit(`!${next}`);
        return "braces";
      }
      case "{":
        return this.#error("unexpected left brace '{'");
      case "}":
        this.#emit("}");
        this.#braceOpen = false;
        return this.#series ? "values" : "statement";
      default:
        return this.#error(`unexpected character inside braces: ${quoteChar(char)}`);
    }
  }

  /** Right after `[`: arithmetic on durations. A number leads back to the statement, which knows brackets too. */
  #insideBracket(): State | undefined {
    const char = this.#take();
    if (char === undefined) return this.#error("unexpected end of input in duration expression");
    if (isSpace(char)) {
      this.#skipSpace();
      return "bracket";
    }
    if (isDigit(char) || (char === "." && isDigit(this.#peek()))) {
      this.#at = this.#start;
      this.#gotDuration = true;
      return this.#numberOrDuration();
    }
    if (startsDurationWord(char)) {
      if (this.#durationWord()) return "bracket";
      return this.#error(`unexpected character in duration expression: ${quoteChar(char)}`);
    }
    switch (char) {
      case "]":
        this.#emit("]");
        this.#bracketOpen = false;
        this.#gotColon = false;
        return "statement";
      case ":":
        this.#emit(":");
        if (!this.#gotDuration) return this.#error("unexpected colon before duration in duration expression");
        if (this.#gotColon) return this.#error("unexpected repeated colon in duration expression");
        this.#gotColon = true;
        return "bracket";
      case "(":
        this.#emit("(");
        this.#parenDepth++;
        return "bracket";
      case ")":
        return this.#closeParen("bracket");
      case "+":
      case "-":
      case "*":
      case "/":
      case "%":
      case "^":
      case ",":
        this.#emit(char);
        return "bracket";
      default:
        return this.#error(`unexpected character in duration expression: ${quoteChar(char)}`);
    }
  }

  #string(): State | undefined {
    for (;;) {
      const char = this.#take();
      if (char === undefined || char === "\n") return this.#error("unterminated quoted string");
      if (char === "\ufffd") return this.#error("invalid UTF-8 rune");
      if (char === this.#stringMark) break;
      if (char === "\\" && !this.#escape()) return undefined;
    }
    this.#emit(TokenName.string);
    return "statement";
  }

  #rawString(): State | undefined {
    for (;;) {
      const char = this.#take();
      if (char === undefined) return this.#error("unterminated raw string");
      if (char === "\ufffd") return this.#error("invalid UTF-8 rune");
      if (char === "`") break;
    }
    this.#emit(TokenName.string);
    return "statement";
  }

  /** Checks an escape sequence whose backslash was read; false after an error. */
  #escape(): boolean {
    let char = this.#take();
    let digits = 3;
    let base = 8;
    let max = 255;
    if (char === undefined) {
      this.#error("escape sequence not terminated");
      return false;
    }
    if (char === this.#stringMark || "abfnrtv\\".includes(char)) return true;
    if (char === "x" || char === "u" || char === "U") {
      digits = char === "x" ? 2 : char === "u" ? 4 : 8;
      base = 16;
      max = char === "x" ? 255 : 0x10ffff;
      char = this.#take();
    } else if (char < "0" || char > "7") {
      this.#error(`unknown escape sequence ${describeChar(char)}`);
      return false;
    }
    let value = 0;
    for (let i = 0; i < digits; i++) {
      if (i > 0) char = this.#take();
      const digit = char === undefined ? -1 : HEX_DIGITS.indexOf(char);
      const worth = digit > 15 ? digit - 6 : digit;
      if (char === undefined) {
        this.#error("escape sequence not terminated");
        return false;
      }
      if (worth < 0 || worth >= base) {
        this.#error(`illegal character ${describeChar(char)} in escape sequence`);
        return false;
      }
      value = value * base + worth;
    }
    if (value <= max && !(value >= 0xd800 && value < 0xe000)) return true;
    this.#error("escape sequence is an invalid Unicode code point");
    return false;
  }

  #numberOrDuration(): State | undefined {
    if (this.#scanNumber()) {
      this.#emit(TokenName.number);
      return "statement";
    }
    if (this.#scanDuration()) {
      this.#emit(TokenName.duration);
      return "statement";
    }
    return this.#error(`bad number or duration syntax: ${quote(this.#text.slice(this.#start, this.#at))}`);
  }

  #number(): State | undefined {
    if (!this.#scanNumber()) return this.#error(`bad number syntax: ${quote(this.#text.slice(this.#start, this.#at))}`);
    this.#emit(TokenName.number);
    return "statement";
  }

  /** Reads on from where a number failed: a unit, then further numbers with units. */
  #scanDuration(): boolean {
    if (!this.#accept("smhdwy")) return false;
    this.#accept("s");
    while (this.#accept(DIGITS)) {
      this.#acceptRun(DIGITS);
      if (!this.#accept("smhdw")) return false;
      this.#accept("s");
    }
    const next = this.#peek();
    if (!isAlphaNumeric(next)) return true;
    this.#at++;
    return false;
  }

  /** Reads what looks like a number; whether it is one is found out when its value is needed. */
  #scanNumber(): boolean {
    const from = this.#at;
    let digits = DIGITS;
    // No hexadecimal numbers among samples, where `0x3` means a zero, repeated.
    if (!this.#series && this.#accept("0") && this.#accept("xX")) {
      this.#accept("_");
      digits = HEX_DIGITS;
    }
    this.#accept(".");
    this.#accept(digits);
    let dotted = false;
    let exponent = false;
    for (;;) {
      const char = this.#peek();
      if (char === undefined || !`${digits}._eE`.includes(char)) break;
      if ((char === "." && dotted) || ((char === "e" || char === "E") && exponent)) {
        this.#at++;
        return false;
      }
      if (this.#accept(".")) {
        dotted = true;
        if (this.#accept("_.") || digits === HEX_DIGITS) return false;
      } else if (this.#accept("eE")) {
        exponent = true;
        this.#accept("+-");
        if (this.#accept("._eE") || this.#peek() === undefined) return false;
      } else if (this.#accept("_")) {
        if (this.#accept("._eE") || this.#peek() === undefined) return false;
      } else this.#acceptRun(digits);
    }
    if (this.#at === from) return false;
    const next = this.#peek();
    return (this.#series && next === "x") || !isAlphaNumeric(next);
  }

  // Series descriptions

  /** The samples: numbers, blanks, signs, and space that separates. */
  #values(): State | undefined {
    if (this.#histogram === "inside") return "histogram";
    const char = this.#take();
    if (this.#histogram === "sign") {
      this.#histogram = "none";
      this.#emit(char as string);
      return "values";
    }
    if (char === undefined) return "statement";
    if (isSpace(char)) {
      while (isSpace(this.#peek())) this.#at++;
      this.#emit(TokenName.space);
      return "values";
    }
    if (isDigit(char) || (char === "." && isDigit(this.#peek()))) {
      this.#at = this.#start;
      return this.#number() && "values";
    }
    switch (char) {
      case "{":
        if (!this.#accept("{")) break;
        this.#histogram = "inside";
        this.#emit("{{");
        return "histogram";
      case "+":
      case "-":
      case "x":
      case "_":
        this.#emit(char);
        return "values";
    }
    if (isAlpha(char)) {
      this.#at = this.#start;
      return this.#keywordOrIdentifier();
    }
    return this.#error(`unexpected character in series sequence: ${quoteChar(char)}`);
  }

  #insideHistogram(): State | undefined {
    if (this.#bracketOpen) return "buckets";
    const char = this.#take();
    if (char !== undefined) {
      if (isSpace(char)) {
        while (isSpace(this.#peek())) this.#at++;
        this.#emit(TokenName.space);
        return "histogram";
      }
      if (isAlpha(char)) return this.#histogramWord();
      if (isDigit(char)) {
        this.#at = this.#start;
        return this.#number() && "histogram";
      }
    }
    switch (char) {
      case ":":
      case "-":
        this.#emit(char);
        return "histogram";
      case "[":
        this.#bracketOpen = true;
        this.#emit("[");
        return "buckets";
      case "}": {
        if (!this.#accept("}")) break;
        this.#emit("}}");
        const sign = this.#peek();
        this.#histogram = sign === "x" || sign === "+" || sign === "-" ? "sign" : "none";
        return "values";
      }
    }
    return this.#error(`histogram description incomplete unexpected: ${quoteChar(char)}`);
  }

  #histogramWord(): State | undefined {
    while (isAlpha(this.#peek())) this.#at++;
    const written = this.#text.slice(this.#start, this.#at);
    const word = written.toLowerCase();
    if (HISTOGRAM_FIELDS.has(word)) {
      if (this.#peek() !== ":") return this.#error("missing `:` for histogram descriptor");
      this.#emit(TokenName.histogramField);
    } else if (word === "inf" || word === "nan") this.#emit(TokenName.number);
    else if (RESET_HINTS.has(word)) this.#emit(TokenName.resetHint);
    else return this.#error(`bad histogram descriptor found: ${quote(written)}`);
    return "histogram";
  }

  #buckets(): State | undefined {
    const char = this.#take();
    if (char !== undefined) {
      if (isSpace(char)) {
        while (isSpace(this.#peek())) this.#at++;
        this.#emit(TokenName.space);
        return "buckets";
      }
      if (isDigit(char)) {
        this.#at = this.#start;
        return this.#number() && "buckets";
      }
      if (isAlpha(char)) {
        while (isAlpha(this.#peek())) this.#at++;
        const word = this.#text.slice(this.#start, this.#at).toLowerCase();
        if (word === "inf" || word === "nan") {
          this.#emit(TokenName.number);
          return "buckets";
        }
      }
    }
    switch (char) {
      case "-":
      case "+":
        this.#emit(char);
        return "buckets";
      case "]":
        this.#bracketOpen = false;
        this.#emit("]");
        return "histogram";
      default:
        return this.#error(`invalid character in buckets description: ${quoteChar(char)}`);
    }
  }
}

function isSpace(char: string | undefined): boolean {
  return char === " " || char === "\t" || char === "\n" || char === "\r";
}

function isDigit(char: string | undefined): boolean {
  return char !== undefined && char >= "0" && char <= "9" && char.length === 1;
}

function isAlpha(char: string | undefined): boolean {
  if (char === undefined || char.length !== 1) return false;
  return char === "_" || (char >= "a" && char <= "z") || (char >= "A" && char <= "Z");
}

function isAlphaNumeric(char: string | undefined): boolean {
  return isAlpha(char) || isDigit(char);
}

function startsDurationWord(char: string): boolean {
  return "srmSRM".includes(char);
}
