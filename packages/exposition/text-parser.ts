// The Prometheus text format, versions 0.0.4 and 1.0.0 (the latter adds quoted names).
import { ExpositionError } from "./errors.ts";
import { Entry, METRIC_TYPES, quotedEnd, SampleParser, unescapeHelp } from "./sample-parser.ts";
import { LexerState, labelNameEnd, metricNameEnd, Token, tokenName, wordAt } from "./token.ts";

const TYPES: ReadonlyMap<string, number> = new Map([
  ["counter", METRIC_TYPES.indexOf("counter")],
  ["gauge", METRIC_TYPES.indexOf("gauge")],
  ["histogram", METRIC_TYPES.indexOf("histogram")],
  ["summary", METRIC_TYPES.indexOf("summary")],
  ["untyped", METRIC_TYPES.indexOf("unknown")],
]);

const TAB = 0x09;
const LINE_BREAK = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const HASH = 0x23;
const BRACE_OPEN = 0x7b;

/** Reads the text format. See `SampleParser`. A line break is added to each body: its last line need not have one. */
export class TextParser extends SampleParser {
  override reset(bytes: Uint8Array, length: number): void {
    bytes[length] = LINE_BREAK;
    super.reset(bytes, length + 1);
  }

  override another(): TextParser {
    return new TextParser();
  }

  override get text(): string {
    const text = this.rawText();
    return text.includes("\\") ? unescapeHelp(text) : text;
  }

  override next(): Entry {
    for (;;) {
      this.entryStart = this.position;
      this.offsetCount = 0;
      const token = this.#token();
      switch (token) {
        case Token.end:
          return Entry.end;
        case Token.lineBreak:
          continue;
        case Token.help:
        case Token.type:
          this.#readMetadata(token);
          return token === Token.help ? Entry.help : Entry.type;
        case Token.comment: {
          const after = this.#token();
          if (after !== Token.lineBreak) throw this.unexpected("linebreak expected after comment", after);
          return Entry.comment;
        }
        case Token.braceOpen:
          this.seriesStart = this.tokenStart;
          this.pushOffsets(-1, -1);
          this.#readLabels();
          this.seriesEnd = this.position;
          this.#readValue(this.#token());
          return Entry.sample;
        case Token.metricName: {
          this.seriesStart = this.tokenStart;
          this.pushOffsets(this.tokenStart, this.position);
          this.seriesEnd = this.position;
          let after = this.#token();
          if (after === Token.braceOpen) {
            this.#readLabels();
            this.seriesEnd = this.position;
            after = this.#token();
          }
          this.#readValue(after);
          return Entry.sample;
        }
        default:
          throw this.unexpected("expected a valid start token", token);
      }
    }
  }

  protected override readTail(): void {
    this.hasTimestamp = false;
    this.hasExemplar = false;
    const token = this.#token();
    if (token === Token.lineBreak) return;
    if (token !== Token.timestamp) throw this.unexpected("expected timestamp or new record", token);
    this.hasTimestamp = true;
    let timestamp = 0;
    for (let i = this.tokenStart; i < this.position; i++) timestamp = timestamp * 10 + (this.bytes[i] as number) - 0x30;
    if (timestamp >= 2 ** 63) {
      throw new ExpositionError(
        `strconv.ParseInt: parsing ${this.quoted(this.tokenStart, this.position)}: value out of range while parsing: ${this.quoted(this.entryStart, this.position)}`,
      );
    }
    this.timestamp = timestamp;
    const after = this.#token();
    if (after !== Token.lineBreak) throw this.unexpected("expected next entry after timestamp", after);
  }

  #readMetadata(kind: Token): void {
    const name = this.#token();
    if (name !== Token.metricName) throw this.unexpected(`expected metric name after ${tokenName(kind)}`, name);
    this.takeFamily();
    const text = this.#token();
    if (text !== Token.text) {
      throw new ExpositionError(`expected text in ${tokenName(kind)}, got ${tokenName(text)}`);
    }
    // The first character is whatever parts the text from the name.
    this.textStart = Math.min(this.tokenStart + 1, this.position);
    this.textEnd = this.position;
    if (kind === Token.type) this.readType(TYPES);
    else this.checkHelp();
    const after = this.#token();
    if (after !== Token.lineBreak) throw this.unexpected("linebreak expected after metadata", after);
  }

  #readLabels(): void {
    let token = this.#token();
    for (;;) {
      const start = this.tokenStart;
      const end = this.position;
      const quoted = token === Token.quoted;
      if (token === Token.braceClose) return;
      if (!quoted && token !== Token.labelName) throw this.unexpected("expected label name", token);
      token = this.#token();
      // Upstream takes a bare name here for a second metric name too; only its message tells them apart.
      if (token === Token.comma || token === Token.braceClose) {
        if (quoted || this.offsets[0] !== -1) this.setQuotedName(start, end);
        else throw this.unexpected("expected equal", token);
        if (token === Token.braceClose) return;
        token = this.#token();
        continue;
      }
      this.pushOffsets(quoted ? start + 1 : start, quoted ? end - 1 : end);
      if (token !== Token.equal) throw this.unexpected("expected equal", token);
      token = this.#token();
      if (token !== Token.labelValue) throw this.unexpected("expected label value", token);
      this.checkLabelValue();
      this.pushOffsets(this.tokenStart + 1, this.position - 1);
      token = this.#token();
      if (token === Token.comma) token = this.#token();
    }
  }

  #readValue(token: Token): void {
    this.requireName();
    if (token !== Token.value) throw this.unexpected("expected value after metric", token);
    this.valueStart = this.tokenStart;
    this.valueEnd = this.position;
    this.value = this.readFloat(this.valueStart, this.valueEnd);
    this.readTail();
  }

  /** The next token that is no blank. */
  #token(): Token {
    for (;;) {
      const token = this.lex();
      if (token !== Token.whitespace) return token;
    }
  }

  protected override lex(): Token {
    const { bytes, length } = this;
    const start = this.position;
    if (start >= length) return Token.end;
    this.tokenStart = start;
    const byte = bytes[start] as number;
    const state = this.lexerState;
    if (state === LexerState.metaText) return this.#lexText(start);
    if (byte === SPACE || byte === TAB) {
      this.#skipBlanks();
      return Token.whitespace;
    }
    switch (state) {
      case LexerState.start:
        if (byte === LINE_BREAK) {
          this.position++;
          return Token.lineBreak;
        }
        if (byte === HASH) return this.#lexComment();
        if (byte === BRACE_OPEN) return this.#accept(LexerState.labels, Token.braceOpen);
        if (byte === 0) return Token.end;
        this.position = metricNameEnd(bytes, start, length);
        if (this.position === start) return Token.invalid;
        this.lexerState = LexerState.value;
        return Token.metricName;
      case LexerState.metaName: {
        if (byte === QUOTE) return this.#lexQuoted(start, LexerState.metaText, Token.metricName, false);
        this.position = metricNameEnd(bytes, start, length);
        if (this.position === start) return Token.invalid;
        this.lexerState = LexerState.metaText;
        return Token.metricName;
      }
      case LexerState.labels:
        if (byte === 0x7d) return this.#accept(LexerState.value, Token.braceClose);
        if (byte === 0x3d) return this.#accept(LexerState.labelValue, Token.equal);
        if (byte === 0x2c) return this.#accept(LexerState.labels, Token.comma);
        if (byte === QUOTE) return this.#lexQuoted(start, LexerState.labels, Token.quoted, false);
        this.position = labelNameEnd(bytes, start, length);
        return this.position === start ? Token.invalid : Token.labelName;
      case LexerState.labelValue:
        if (byte !== QUOTE) return Token.invalid;
        return this.#lexQuoted(start, LexerState.labels, Token.labelValue, true);
      case LexerState.value: {
        if (byte === BRACE_OPEN) return this.#accept(LexerState.labels, Token.braceOpen);
        let i = start;
        for (; i < length; i++) {
          const c = bytes[i] as number;
          if (c === SPACE || c === LINE_BREAK || c === TAB || c === BRACE_OPEN || c === 0) break;
        }
        if (i === start) return Token.invalid;
        this.position = i;
        this.lexerState = LexerState.timestamp;
        return Token.value;
      }
      default: {
        if (byte === LINE_BREAK) return this.#accept(LexerState.start, Token.lineBreak);
        let i = start;
        while (i < length && (bytes[i] as number) >= 0x30 && (bytes[i] as number) <= 0x39) i++;
        this.position = i;
        return i === start ? Token.invalid : Token.timestamp;
      }
    }
  }

  #accept(state: LexerState, token: Token): Token {
    this.position++;
    this.lexerState = state;
    return token;
  }

  #skipBlanks(): void {
    const { bytes, length } = this;
    let i = this.position;
    while (i < length && (bytes[i] === SPACE || bytes[i] === TAB)) i++;
    this.position = i;
  }

  #lexQuoted(start: number, state: LexerState, token: Token, overNull: boolean): Token {
    const end = quotedEnd(this.bytes, start, this.length, true, overNull);
    if (end < 0) {
      this.position = -1 - end;
      return Token.invalid;
    }
    this.position = end;
    this.lexerState = state;
    return token;
  }

  /** A text runs to the end of its line; one of blanks alone counts as empty. */
  #lexText(start: number): Token {
    const { bytes, length } = this;
    let i = bytes.indexOf(LINE_BREAK, start);
    if (i < 0 || i >= length) i = length;
    this.position = i;
    this.lexerState = LexerState.start;
    let blank = start;
    while (blank < i && (bytes[blank] === SPACE || bytes[blank] === TAB)) blank++;
    if (blank === i) this.tokenStart = i;
    return Token.text;
  }

  #lexComment(): Token {
    const { bytes, length } = this;
    this.position++;
    const first = bytes[this.position];
    if (first === SPACE || first === TAB) {
      this.#skipBlanks();
      const at = this.position;
      const kind = wordAt(bytes, at, length, "HELP")
        ? Token.help
        : wordAt(bytes, at, length, "TYPE")
          ? Token.type
          : undefined;
      const after = bytes[at + 4];
      if (kind !== undefined && (after === SPACE || after === TAB)) {
        this.position = at + 4;
        this.#skipBlanks();
        this.lexerState = LexerState.metaName;
        return kind;
      }
    }
    const end = bytes.indexOf(LINE_BREAK, this.position);
    this.position = end < 0 || end >= length ? length : end;
    this.lexerState = LexerState.start;
    return Token.comment;
  }
}
