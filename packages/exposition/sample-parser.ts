// What the parsers of both text formats share: one cursor over the bytes of a body, no object per sample.
import { isUtf8 } from "node:buffer";
import { METRIC_NAME, type MetricType } from "@narthex/model";
import { ExpositionError } from "./errors.ts";
import { canonicalFloat, parseFloatBytes, parseFloatText } from "./float.ts";
import { quoteBytes } from "./quote.ts";
import { TextInterner } from "./text-interner.ts";
import { LexerState, type Token, tokenName, wordAt } from "./token.ts";

/** What `next` stands on. */
export const Entry = { end: 0, sample: 1, type: 2, help: 3, unit: 4, comment: 5 } as const;
export type Entry = (typeof Entry)[keyof typeof Entry];

/** Metric types by number: what `SampleParser.typeCode` counts in. */
export const METRIC_TYPES: readonly MetricType[] = [
  "unknown",
  "counter",
  "gauge",
  "histogram",
  "gaugehistogram",
  "summary",
  "info",
  "stateset",
];
const HISTOGRAM = METRIC_TYPES.indexOf("histogram");
const SUMMARY = METRIC_TYPES.indexOf("summary");

const interner = new TextInterner();

/**
 * A cursor over one body after another: `reset`, then `next` until it returns `Entry.end`. Positions are offsets into
 * the body. It throws an `ExpositionError` at the first mistake; nothing after it is read.
 */
export abstract class SampleParser {
  protected bytes: Uint8Array = new Uint8Array(0);
  /** Bytes of the body, its added line break included. */
  protected length = 0;
  protected lexerState: LexerState = LexerState.start;
  protected tokenStart = 0;
  protected entryStart = 0;
  /** Where the next token begins: after a sample, behind its line break. */
  position = 0;
  /** The type that the last TYPE line named, as an index into `METRIC_TYPES`. */
  typeCode = 0;
  /** Sample: its series text (name and labels, with braces), the value's token, and the value. */
  seriesStart = 0;
  seriesEnd = 0;
  valueStart = 0;
  valueEnd = 0;
  value = 0;
  hasTimestamp = false;
  /** Milliseconds, when `hasTimestamp`. */
  timestamp = 0;
  hasExemplar = false;
  exemplarValue = 0;
  exemplarHasTimestamp = false;
  /** Milliseconds, when `exemplarHasTimestamp`. */
  exemplarTimestamp = 0;
  /**
   * Sample: positions of name and value of each label, four numbers a label, behind those of the metric's name, the first
   * two. Without quotes, but with escapes as they stand. `offsetCount` numbers count; the array is replaced when it grows.
   */
  offsets: Int32Array = new Int32Array(256);
  offsetCount = 0;
  protected exemplarOffsets: Int32Array = new Int32Array(64);
  protected exemplarOffsetCount = 0;
  protected familyStart = 0;
  protected familyEnd = 0;
  protected textStart = 0;
  protected textEnd = 0;

  /** Begins `bytes[0, length)`. The bytes must stay as they are until the end, and at least 8 more must follow them. */
  reset(bytes: Uint8Array, length: number): void {
    this.bytes = bytes;
    this.length = length;
    this.typeCode = 0;
    this.seek(0);
  }

  /** Goes on at `position`, which must be the start of a line. */
  seek(position: number): void {
    this.position = position;
    this.tokenStart = position;
    this.entryStart = position;
    this.lexerState = LexerState.start;
  }

  /** Bytes of the body as the parser sees it: the text format's added line break counts. */
  get end(): number {
    return this.length;
  }

  /** A new parser of the same format. */
  abstract another(): SampleParser;

  /** The next line that says something. */
  abstract next(): Entry;

  /**
   * Reads what follows a value that somebody else has read: timestamp, exemplar, line break. `lineStart` is where the
   * sample's line begins (for messages), `at` is the end of its value. Leaves `position` behind the line break.
   */
  resumeAfterValue(lineStart: number, at: number): void {
    this.entryStart = lineStart;
    this.position = at;
    this.tokenStart = at;
    this.lexerState = LexerState.timestamp;
    this.readTail();
  }

  /** Adds name and value of all labels to `into`, `__name__` first, the rest as they came; `le` and `quantile` normalised. */
  labels(into: string[]): void {
    const { offsets } = this;
    into.push(METRIC_NAME, this.#text(offsets[0] as number, offsets[1] as number));
    for (let i = 2; i < this.offsetCount; i += 4) {
      const name = this.#text(offsets[i] as number, offsets[i + 1] as number);
      const value = this.#text(offsets[i + 2] as number, offsets[i + 3] as number);
      into.push(name, this.#normalised(name, value));
    }
  }

  /**
   * The value that the label whose positions begin at `offsets[at]` has in `labels`, if it is a bound or quantile that was
   * written in another form; undefined when its bytes are the value.
   */
  normalisedValue(at: number): string | undefined {
    const word = this.typeCode === HISTOGRAM ? "le" : this.typeCode === SUMMARY ? "quantile" : "";
    if (word === "") return undefined;
    const { bytes, offsets } = this;
    const nameStart = offsets[at] as number;
    const nameEnd = offsets[at + 1] as number;
    if (nameEnd - nameStart !== word.length || !wordAt(bytes, nameStart, nameEnd, word)) return undefined;
    const value = this.#text(offsets[at + 2] as number, offsets[at + 3] as number);
    const normalised = normalisedBound(value);
    return normalised === value ? undefined : normalised;
  }

  /** Adds name and value of the exemplar's labels to `into`, as they came. */
  exemplarLabels(into: string[]): void {
    const { exemplarOffsets } = this;
    for (let i = 0; i < this.exemplarOffsetCount; i += 4) {
      into.push(
        this.#text(exemplarOffsets[i] as number, exemplarOffsets[i + 1] as number),
        this.#text(exemplarOffsets[i + 2] as number, exemplarOffsets[i + 3] as number),
      );
    }
  }

  /** The metric family that a TYPE, HELP or UNIT line is about. */
  get family(): string {
    return this.#text(this.familyStart, this.familyEnd);
  }

  get metricType(): MetricType {
    return METRIC_TYPES[this.typeCode] as MetricType;
  }

  /** Help text or unit, unescaped. */
  abstract get text(): string;

  protected abstract readTail(): void;

  protected abstract lex(): Token;

  protected rawText(): string {
    return interner.text(this.bytes, this.textStart, this.textEnd);
  }

  protected readFloat(start: number, end: number): number {
    try {
      return parseFloatBytes(this.bytes, start, end);
    } catch (error) {
      if (!(error instanceof ExpositionError)) throw error;
      throw new ExpositionError(`${error.message} while parsing: ${this.quoted(this.entryStart, this.position)}`);
    }
  }

  protected checkHelp(): void {
    if (isUtf8(this.bytes.subarray(this.textStart, this.textEnd))) return;
    throw new ExpositionError(`help text ${this.quoted(this.textStart, this.textEnd)} is not a valid utf8 string`);
  }

  protected checkLabelValue(): void {
    const { bytes } = this;
    for (let i = this.tokenStart; i < this.position; i++) {
      if ((bytes[i] as number) < 0x80) continue;
      if (isUtf8(bytes.subarray(this.tokenStart, this.position))) return;
      throw new ExpositionError(`invalid UTF-8 label value: ${this.quoted(this.tokenStart, this.position)}`);
    }
  }

  protected readType(allowed: ReadonlyMap<string, number>): void {
    const code = allowed.get(this.rawText());
    if (code === undefined) {
      throw new ExpositionError(`invalid metric type ${this.quoted(this.textStart, this.textEnd)}`);
    }
    this.typeCode = code;
  }

  protected unexpected(expected: string, token: Token): ExpositionError {
    const end = Math.min(this.length, this.position + 1);
    const got = this.quoted(this.tokenStart, end);
    return new ExpositionError(
      `${expected}, got ${got} ("${tokenName(token)}") while parsing: ${this.quoted(this.entryStart, end)}`,
    );
  }

  protected quoted(start: number, end: number): string {
    return quoteBytes(this.bytes, start, end);
  }

  protected pushOffsets(start: number, end: number): void {
    if (this.offsetCount + 2 > this.offsets.length) {
      const grown = new Int32Array(this.offsets.length * 2);
      grown.set(this.offsets);
      this.offsets = grown;
    }
    this.offsets[this.offsetCount++] = start;
    this.offsets[this.offsetCount++] = end;
  }

  protected pushExemplarOffsets(start: number, end: number): void {
    if (this.exemplarOffsetCount + 2 > this.exemplarOffsets.length) {
      const grown = new Int32Array(this.exemplarOffsets.length * 2);
      grown.set(this.exemplarOffsets);
      this.exemplarOffsets = grown;
    }
    this.exemplarOffsets[this.exemplarOffsetCount++] = start;
    this.exemplarOffsets[this.exemplarOffsetCount++] = end;
  }

  /** A quoted metric name inside the braces; only one is allowed. */
  protected setQuotedName(start: number, end: number): void {
    if (this.offsets[0] !== -1 || this.offsets[1] !== -1) {
      throw new ExpositionError(
        `metric name already set while parsing: ${this.quoted(this.entryStart, this.position)}`,
      );
    }
    this.offsets[0] = start + 1;
    this.offsets[1] = end - 1;
  }

  protected requireName(): void {
    if (this.offsets[0] !== -1) return;
    throw new ExpositionError(`metric name not set while parsing: ${this.quoted(this.entryStart, this.position)}`);
  }

  /** Takes the metric name at the token of a TYPE, HELP or UNIT line, without its quotes. */
  protected takeFamily(): void {
    const quoted = this.bytes[this.tokenStart] === 0x22 ? 1 : 0;
    this.familyStart = this.tokenStart + quoted;
    this.familyEnd = this.position - quoted;
  }

  #normalised(name: string, value: string): string {
    const applies =
      (this.typeCode === HISTOGRAM && name === "le") || (this.typeCode === SUMMARY && name === "quantile");
    return applies ? normalisedBound(value) : value;
  }

  #text(start: number, end: number): string {
    const text = interner.text(this.bytes, start, end);
    return text.includes("\\") ? unescapeLabelValue(text) : text;
  }
}

/** Bounds that were normalised lately: the same dozen comes again and again. */
const normalisedBounds = new Map<string, string>();
const KEPT_BOUNDS = 1024;
/** Longer ones are no bounds, or not worth being kept. */
const KEPT_BOUND_CHARS = 32;

/** A bound or quantile in its canonical form; what is no number stays. */
function normalisedBound(value: string): string {
  const known = normalisedBounds.get(value);
  if (known !== undefined) return known;
  const number = parseFloatText(value);
  const normalised = number === undefined ? value : canonicalFloat(number);
  if (value.length <= KEPT_BOUND_CHARS) {
    if (normalisedBounds.size >= KEPT_BOUNDS) normalisedBounds.clear();
    normalisedBounds.set(value, normalised);
  }
  return normalised;
}

/** Undoes `\\`, `\"` and `\n`; other backslashes stay. */
export function unescapeLabelValue(text: string): string {
  return text.replace(/\\[\\"n]/g, (pair) => (pair === "\\n" ? "\n" : (pair[1] as string)));
}

/** Undoes `\\` and `\n`; other backslashes stay. */
export function unescapeHelp(text: string): string {
  return text.replace(/\\[\\n]/g, (pair) => (pair === "\\n" ? "\n" : "\\"));
}

/** Where the quoted text at `at` ends, behind its closing quote; `-1 - i` when it breaks off at `i`. */
export function quotedEnd(bytes: Uint8Array, at: number, end: number, overLines: boolean, overNull: boolean): number {
  let i = at + 1;
  for (; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === 0x22) return i + 1;
    if (byte === 0x5c) {
      i++;
      if (i >= end || bytes[i] === 0x0a || (bytes[i] === 0 && !overNull)) return -1 - i;
    } else if ((byte === 0x0a && !overLines) || (byte === 0 && !overNull)) {
      return -1 - i;
    }
  }
  return -1 - i;
}
