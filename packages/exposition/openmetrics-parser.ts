// OpenMetrics text, version 1.0.0: one space between tokens, no blank lines, `# EOF` at the end.
import { ExpositionError } from "./errors.ts";
import { Entry, METRIC_TYPES, quotedEnd, SampleParser, unescapeLabelValue } from "./sample-parser.ts";
import { LexerState, labelNameEnd, metricNameEnd, Token, tokenName, wordAt } from "./token.ts";

const TYPES: ReadonlyMap<string, number> = new Map(METRIC_TYPES.map((type, code) => [type, code]));

const LINE_BREAK = 0x0a;
const SPACE = 0x20;
const QUOTE = 0x22;
const HASH = 0x23;
const BRACE_OPEN = 0x7b;

/** Reads OpenMetrics text. See `SampleParser`. Timestamps, seconds there, come out in milliseconds. */
export class OpenMetricsParser extends SampleParser {
  override another(): OpenMetricsParser {
    return new OpenMetricsParser();
  }

  override get text(): string {
    const text = this.rawText();
    return text.includes("\\") ? unescapeLabelValue(text) : text;
  }

  override next(): Entry {
    this.entryStart = this.position;
    this.offsetCount = 0;
    const token = this.lex();
    switch (token) {
      case Token.eofWord:
        if (this.lex() !== Token.end) throw new ExpositionError("unexpected data after # EOF");
        return Entry.end;
      case Token.end:
        throw new ExpositionError("data does not end with # EOF");
      case Token.help:
      case Token.type:
      case Token.unit:
        this.#readMetadata(token);
        return token === Token.help ? Entry.help : token === Token.type ? Entry.type : Entry.unit;
      case Token.braceOpen:
        this.seriesStart = this.tokenStart;
        this.pushOffsets(-1, -1);
        this.#readLabels(false);
        this.seriesEnd = this.position;
        this.#readValue(this.lex());
        return Entry.sample;
      case Token.metricName: {
        this.seriesStart = this.tokenStart;
        this.pushOffsets(this.tokenStart, this.position);
        this.seriesEnd = this.position;
        let after = this.lex();
        if (after === Token.braceOpen) {
          this.#readLabels(false);
          this.seriesEnd = this.position;
          after = this.lex();
        }
        this.#readValue(after);
        return Entry.sample;
      }
      default:
        throw this.unexpected("expected a valid start token", token);
    }
  }

  protected override readTail(): void {
    this.hasTimestamp = false;
    this.hasExemplar = false;
    let token = this.lex();
    if (token === Token.timestamp) {
      const seconds = this.readFloat(this.tokenStart + 1, this.position);
      this.timestamp = milliseconds(seconds, "timestamp");
      this.hasTimestamp = true;
      token = this.lex();
      if (token === Token.lineBreak) return;
      if (token !== Token.comment) throw this.unexpected("expected next entry after timestamp", token);
    }
    if (token === Token.comment) {
      this.#readExemplar();
      return;
    }
    if (token === Token.lineBreak) return;
    if (token === Token.end) throw new ExpositionError("data does not end with # EOF");
    throw this.unexpected("expected timestamp or # symbol", token);
  }

  #readMetadata(kind: Token): void {
    const name = this.lex();
    if (name !== Token.metricName) throw this.unexpected(`expected metric name after ${tokenName(kind)}`, name);
    this.takeFamily();
    if (this.lex() !== Token.text) throw new ExpositionError(`expected text in ${tokenName(kind)}`);
    // Without the space before it and the line break behind it.
    this.textStart = this.tokenStart + 1;
    this.textEnd = this.position - 1;
    if (kind === Token.type) this.readType(TYPES);
    else if (kind === Token.help) this.checkHelp();
    else this.#checkUnit();
  }

  #checkUnit(): void {
    const unit = this.rawText();
    const { family } = this;
    if (unit === "" || family.endsWith(`_${unit}`)) return;
    throw new ExpositionError(
      `unit ${this.quoted(this.textStart, this.textEnd)} not a suffix of metric ${this.quoted(this.familyStart, this.familyEnd)}`,
    );
  }

  #readLabels(ofExemplar: boolean): void {
    let token = this.lex();
    for (;;) {
      let start = this.tokenStart;
      let end = this.position;
      if (token === Token.braceClose) return;
      if (token !== Token.labelName && token !== Token.quoted) throw this.unexpected("expected label name", token);
      token = this.lex();
      if (token === Token.comma || token === Token.braceClose) {
        if (ofExemplar) throw this.unexpected("expected label name", token);
        this.setQuotedName(start, end);
        if (token === Token.braceClose) return;
        token = this.lex();
        continue;
      }
      if (this.bytes[start] === QUOTE) {
        start++;
        end--;
      }
      if (token !== Token.equal) throw this.unexpected("expected equal", token);
      token = this.lex();
      if (token !== Token.labelValue) throw this.unexpected("expected label value", token);
      this.checkLabelValue();
      if (ofExemplar) {
        this.pushExemplarOffsets(start, end);
        this.pushExemplarOffsets(this.tokenStart + 1, this.position - 1);
      } else {
        this.pushOffsets(start, end);
        this.pushOffsets(this.tokenStart + 1, this.position - 1);
      }
      token = this.lex();
      if (token === Token.comma) token = this.lex();
      else if (token !== Token.braceClose) throw this.unexpected("expected comma or brace close", token);
    }
  }

  #readValue(token: Token): void {
    this.requireName();
    if (token !== Token.value) throw this.unexpected("expected value after metric", token);
    this.valueStart = this.tokenStart + 1;
    this.valueEnd = this.position;
    this.value = this.readFloat(this.valueStart, this.valueEnd);
    this.readTail();
  }

  #readExemplar(): void {
    this.exemplarOffsetCount = 0;
    this.#readLabels(true);
    let token = this.lex();
    if (token !== Token.value) throw this.unexpected("expected value after exemplar labels", token);
    this.exemplarValue = this.readFloat(this.tokenStart + 1, this.position);
    this.exemplarHasTimestamp = false;
    this.hasExemplar = true;
    token = this.lex();
    if (token === Token.lineBreak) return;
    if (token === Token.end) throw new ExpositionError("data does not end with # EOF");
    if (token !== Token.timestamp) throw this.unexpected("expected timestamp or comment", token);
    this.exemplarTimestamp = milliseconds(this.readFloat(this.tokenStart + 1, this.position), "exemplar timestamp");
    this.exemplarHasTimestamp = true;
    token = this.lex();
    if (token !== Token.lineBreak) throw this.unexpected("expected next entry after exemplar timestamp", token);
  }

  protected override lex(): Token {
    const { bytes, length } = this;
    const start = this.position;
    if (start >= length) return Token.end;
    this.tokenStart = start;
    const byte = bytes[start] as number;
    switch (this.lexerState) {
      case LexerState.start:
        if (byte === HASH) return this.#lexComment(start);
        if (byte === BRACE_OPEN) return this.#accept(LexerState.labels, Token.braceOpen);
        this.position = metricNameEnd(bytes, start, length);
        if (this.position === start) return Token.invalid;
        this.lexerState = LexerState.value;
        return Token.metricName;
      case LexerState.metaName:
        if (byte === QUOTE) return this.#lexQuoted(start, true, LexerState.metaText, Token.metricName);
        this.position = metricNameEnd(bytes, start, length);
        if (this.position === start) return Token.invalid;
        this.lexerState = LexerState.metaText;
        return Token.metricName;
      case LexerState.metaText:
        return this.#lexText(start);
      case LexerState.labels:
      case LexerState.exemplar: {
        const inExemplar = this.lexerState === LexerState.exemplar;
        const state = this.lexerState;
        if (byte === 0x7d)
          return this.#accept(inExemplar ? LexerState.exemplarValue : LexerState.value, Token.braceClose);
        if (byte === 0x3d)
          return this.#accept(inExemplar ? LexerState.exemplarValue : LexerState.labelValue, Token.equal);
        if (byte === 0x2c) return this.#accept(state, Token.comma);
        if (byte === QUOTE) return this.#lexQuoted(start, !inExemplar, state, Token.quoted);
        this.position = labelNameEnd(bytes, start, length);
        return this.position === start ? Token.invalid : Token.labelName;
      }
      case LexerState.labelValue:
        return byte === QUOTE ? this.#lexQuoted(start, false, LexerState.labels, Token.labelValue) : Token.invalid;
      case LexerState.value:
        if (byte === BRACE_OPEN) return this.#accept(LexerState.labels, Token.braceOpen);
        return this.#lexWord(start, LexerState.timestamp, Token.value);
      case LexerState.timestamp:
        if (byte === LINE_BREAK) return this.#accept(LexerState.start, Token.lineBreak);
        if (wordAt(bytes, start, length, " # {")) {
          this.position = start + 4;
          this.lexerState = LexerState.exemplar;
          return Token.comment;
        }
        return this.#lexWord(start, LexerState.timestamp, Token.timestamp);
      case LexerState.exemplarValue:
        if (byte === QUOTE) return this.#lexQuoted(start, false, LexerState.exemplar, Token.labelValue);
        return this.#lexWord(start, LexerState.exemplarTimestamp, Token.value);
      default:
        if (byte === LINE_BREAK) return this.#accept(LexerState.start, Token.lineBreak);
        return this.#lexWord(start, LexerState.exemplarTimestamp, Token.timestamp);
    }
  }

  #accept(state: LexerState, token: Token): Token {
    this.position++;
    this.lexerState = state;
    return token;
  }

  /** A space and what follows it up to the next space or line break. */
  #lexWord(start: number, state: LexerState, token: Token): Token {
    const { bytes, length } = this;
    if (bytes[start] !== SPACE) return Token.invalid;
    let i = start + 1;
    while (i < length && bytes[i] !== SPACE && bytes[i] !== LINE_BREAK && bytes[i] !== 0) i++;
    this.position = i;
    if (i === start + 1) return Token.invalid;
    this.lexerState = state;
    return token;
  }

  #lexQuoted(start: number, overLines: boolean, state: LexerState, token: Token): Token {
    const end = quotedEnd(this.bytes, start, this.length, overLines, token === Token.labelValue);
    if (end < 0) {
      this.position = -1 - end;
      return Token.invalid;
    }
    this.position = end;
    this.lexerState = state;
    return token;
  }

  #lexText(start: number): Token {
    const { bytes, length } = this;
    if (bytes[start] !== SPACE) return Token.invalid;
    const end = bytes.indexOf(LINE_BREAK, start);
    if (end < 0 || end >= length) {
      this.position = length;
      return Token.invalid;
    }
    this.position = end + 1;
    this.lexerState = LexerState.start;
    return Token.text;
  }

  #lexComment(start: number): Token {
    const { bytes, length } = this;
    this.position = start + 1;
    if (bytes[this.position] !== SPACE || this.position >= length) return Token.invalid;
    const at = start + 2;
    if (wordAt(bytes, at, length, "EOF")) {
      this.position = at + 3;
      if (this.position < length && bytes[this.position] === LINE_BREAK) this.position++;
      this.lexerState = LexerState.start;
      return Token.eofWord;
    }
    for (const [word, token] of COMMENT_WORDS) {
      if (!wordAt(bytes, at, length, word)) continue;
      this.position = at + word.length;
      this.lexerState = LexerState.metaName;
      return token;
    }
    this.position = at;
    return Token.invalid;
  }
}

const COMMENT_WORDS: readonly (readonly [string, Token])[] = [
  ["HELP ", Token.help],
  ["TYPE ", Token.type],
  ["UNIT ", Token.unit],
];

function milliseconds(seconds: number, what: string): number {
  if (Number.isFinite(seconds)) return Math.trunc(seconds * 1000);
  const text = Number.isNaN(seconds) ? "NaN" : seconds > 0 ? "+Inf" : "-Inf";
  throw new ExpositionError(`invalid ${what} ${text}`);
}
