// The YAML that most files are written in, read in one pass: blocks, texts on one line, literal and folded texts, flow collections on
// one line. Whatever goes beyond, and whatever may be a mistake, is left to the library, which is made for all of YAML. It takes eight
// times as long, for a file of 10,000 rules a second; and when its code is cold, at a start, a twelfth of all the work until the server
// is ready, for a configuration of 50 targets.
import type { Position, YamlEntry, YamlMapping, YamlNode, YamlScalar, YamlSequence } from "./node.ts";

/** Deeper nesting is left to the library, which counts it. */
const MAX_DEPTH = 64;
/** YAML bounds keys to 1024 characters. */
const MAX_KEY = 1000;

const LINE_BREAK = 0x0a;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const HASH = 0x23;
const SINGLE_QUOTE = 0x27;
const COMMA = 0x2c;
const DASH = 0x2d;
const COLON = 0x3a;
const GREATER = 0x3e;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const BACKSLASH = 0x5c;
const OPEN_BRACE = 0x7b;
const BAR = 0x7c;
const CLOSE_BRACE = 0x7d;

/** Tabs, carriage returns, marks of byte order, other controls and surrogates have rules of their own. */
const UNUSUAL = /[^\n\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]/;
/** What a text without quotes may begin with; a dash only before one of these. */
const PLAIN_START = /[A-Za-z0-9_./$~^+(=<\\;\u00a1-\ufffd]/;
const ESCAPES: Readonly<Record<string, string>> = { '"': '"', "\\": "\\", "/": "/", n: "\n", t: "\t" };

/** The tree of a document, or undefined where the library has to look. Never throws. */
export function readPlainDocument(text: string): YamlNode | undefined {
  if (UNUSUAL.test(text)) return undefined;
  try {
    return new PlainReader(text).read();
  } catch (error) {
    if (error === BEYOND) return undefined;
    throw error;
  }
}

/** Thrown where something is met that is left to the library. */
const BEYOND = Symbol("beyond plain YAML");

class PlainReader {
  readonly #text: string;
  /** Where the reader stands; at the first character of a line's content between nodes. */
  #at = 0;
  #lineStart = 0;
  #line = 1;
  /** Of the line at hand: spaces in front of its content; -1 behind the last line. */
  #indent = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): YamlNode {
    if (this.#text.startsWith("---\n")) this.#nextLine();
    else this.#goTo(0);
    if (this.#indent < 0) throw BEYOND;
    const root = this.#readBlock(0);
    // Less indented than the first line, for instance.
    if (this.#indent >= 0) throw BEYOND;
    return root;
  }

  /** The sequence or mapping whose first line is at hand. */
  #readBlock(depth: number): YamlNode {
    if (depth > MAX_DEPTH) throw BEYOND;
    return this.#isDash() ? this.#readSequence(this.#indent, depth) : this.#readMapping(this.#indent, depth);
  }

  #readSequence(indent: number, depth: number): YamlSequence {
    const at = this.#position();
    const items: YamlNode[] = [];
    while (this.#indent === indent && this.#isDash()) {
      this.#at++;
      this.#skipSpaces();
      if (this.#isLineDone()) items.push(this.#readBelow(indent, indent + 1, depth));
      else if (this.#isDash()) throw BEYOND;
      else if (this.#hasKey()) {
        // The mapping begins on the line of the dash.
        this.#indent = this.#at - this.#lineStart;
        items.push(this.#readMapping(this.#indent, depth + 1));
      } else items.push(this.#readInline(indent));
    }
    if (this.#indent > indent) throw BEYOND;
    return { kind: "sequence", items, at };
  }

  #readMapping(indent: number, depth: number): YamlMapping {
    if (depth > MAX_DEPTH) throw BEYOND;
    const at = this.#position();
    const entries: YamlEntry[] = [];
    while (this.#indent === indent && !this.#isDash()) {
      const key = this.#readKey();
      this.#skipSpaces();
      // The items of a sequence may stand right below their key.
      const value = this.#isLineDone() ? this.#readBelow(indent, indent, depth) : this.#readInline(indent);
      entries.push({ key, value, merged: false });
    }
    if (this.#indent > indent) throw BEYOND;
    return { kind: "mapping", entries, at };
  }

  /** What stands below a dash or a key that has nothing behind it; a sequence may be indented by no more than `sequenceIndent`. */
  #readBelow(indent: number, sequenceIndent: number, depth: number): YamlNode {
    const empty: YamlScalar = { kind: "scalar", text: "", plain: true, at: this.#position() };
    this.#nextLine();
    if (this.#indent > indent) return this.#readBlock(depth + 1);
    return this.#indent === sequenceIndent && this.#isDash() ? this.#readSequence(this.#indent, depth + 1) : empty;
  }

  /** A value on the line of its key or dash; goes on to the next line. `indent` is that of what it belongs to. */
  #readInline(indent: number): YamlNode {
    if (this.#isBlockText()) return this.#readBlockText(indent);
    const node = this.#isFlow() ? this.#readFlow(0) : this.#readScalar(false);
    this.#endLine();
    // It would go on there.
    if (this.#indent > indent) throw BEYOND;
    return node;
  }

  #readKey(): YamlScalar {
    const start = this.#at;
    const key = this.#isQuote() ? this.#readQuoted() : this.#readPlainKey();
    const isKey = this.#code() === COLON && this.#isGap(this.#at + 1);
    // A mapping's keys may be unfolded from another mapping: `<<`.
    if (!isKey || this.#at - start > MAX_KEY || key.text === "<<") throw BEYOND;
    this.#at++;
    return key;
  }

  #readPlainKey(): YamlScalar {
    const end = this.#keyEnd();
    if (end < 0) throw BEYOND;
    return this.#plain(end);
  }

  /** Whether a key stands here, and not a text. */
  #hasKey(): boolean {
    if (!this.#isQuote()) return !this.#isFlow() && !this.#isBlockText() && this.#keyEnd() >= 0;
    const at = this.#at;
    this.#readQuoted();
    const isKey = this.#code() === COLON;
    this.#at = at;
    return isKey;
  }

  /** Where the colon behind a key without quotes is, -1 when there is none in this line. */
  #keyEnd(): number {
    const text = this.#text;
    for (let i = this.#at; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === LINE_BREAK || (code === HASH && text.charCodeAt(i - 1) === SPACE)) return -1;
      if (code === COLON && this.#isGap(i + 1)) return i;
    }
    return -1;
  }

  #readScalar(inFlow: boolean): YamlScalar {
    return this.#isQuote() ? this.#readQuoted() : this.#readPlain(inFlow);
  }

  /** A text without quotes, as far as it goes. */
  #readPlain(inFlow: boolean): YamlScalar {
    const text = this.#text;
    let i = this.#at;
    for (; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code === LINE_BREAK) break;
      if (code === HASH && text.charCodeAt(i - 1) === SPACE) break;
      if (inFlow && isFlowMark(code)) break;
      if (code !== COLON) continue;
      if (inFlow && (this.#isGap(i + 1) || isFlowMark(text.charCodeAt(i + 1)))) break;
      if (!inFlow && this.#isGap(i + 1)) throw BEYOND;
    }
    while (text.charCodeAt(i - 1) === SPACE) i--;
    return this.#plain(i);
  }

  /** The text without quotes that ends at `end`. */
  #plain(end: number): YamlScalar {
    const text = this.#text.slice(this.#at, end);
    const start = text.charCodeAt(0) === DASH ? text.charAt(1) : text.charAt(0);
    if (!PLAIN_START.test(start) || text.endsWith(" ")) throw BEYOND;
    const at = this.#position();
    this.#at = end;
    return { kind: "scalar", text, plain: true, at };
  }

  /** A text in quotes on one line. */
  #readQuoted(): YamlScalar {
    const at = this.#position();
    const quote = this.#code();
    const text = this.#text;
    let value = "";
    let start = this.#at + 1;
    for (let i = start; ; i++) {
      const code = text.charCodeAt(i);
      if (code === LINE_BREAK || Number.isNaN(code)) throw BEYOND;
      if (code === quote && quote === SINGLE_QUOTE && text.charCodeAt(i + 1) === SINGLE_QUOTE) {
        value += text.slice(start, ++i);
        start = i + 1;
      } else if (code === quote) {
        value += text.slice(start, i);
        this.#at = i + 1;
        return { kind: "scalar", text: value, plain: false, at };
      } else if (code === BACKSLASH && quote === DOUBLE_QUOTE) {
        const meant = ESCAPES[text.charAt(i + 1)];
        if (meant === undefined) throw BEYOND;
        value += text.slice(start, i++) + meant;
        start = i + 1;
      }
    }
  }

  /** A collection in brackets on one line. */
  #readFlow(depth: number): YamlNode {
    if (depth > MAX_DEPTH) throw BEYOND;
    const at = this.#position();
    const isMapping = this.#code() === OPEN_BRACE;
    const close = isMapping ? CLOSE_BRACE : CLOSE_BRACKET;
    const items: YamlNode[] = [];
    const entries: YamlEntry[] = [];
    this.#at++;
    this.#skipSpaces();
    while (this.#code() !== close) {
      if (isMapping) entries.push(this.#readFlowEntry(depth));
      else items.push(this.#readFlowItem(depth));
      this.#skipSpaces();
      if (this.#code() === close) break;
      if (this.#code() !== COMMA) throw BEYOND;
      this.#at++;
      this.#skipSpaces();
      // A comma with nothing behind it is legal, and rare.
      if (this.#code() === close) throw BEYOND;
    }
    this.#at++;
    return isMapping ? { kind: "mapping", entries, at } : { kind: "sequence", items, at };
  }

  #readFlowItem(depth: number): YamlNode {
    return this.#isFlow() ? this.#readFlow(depth + 1) : this.#readScalar(true);
  }

  #readFlowEntry(depth: number): YamlEntry {
    if (this.#isFlow()) throw BEYOND;
    const key = this.#readScalar(true);
    if (key.text === "<<" || this.#code() !== COLON || this.#text.charCodeAt(this.#at + 1) !== SPACE) throw BEYOND;
    this.#at++;
    this.#skipSpaces();
    return { key, value: this.#readFlowItem(depth), merged: false };
  }

  /** A literal text (lines as they are, without the spaces that all of them begin with) or a folded one (their breaks are spaces). */
  #readBlockText(indent: number): YamlScalar {
    const at = this.#position();
    const text = this.#text;
    const isFolded = this.#code() === GREATER;
    const keepsBreak = text.charCodeAt(this.#at + 1) === LINE_BREAK;
    if (!keepsBreak && !text.startsWith("-\n", this.#at + 1)) throw BEYOND;
    let start = text.indexOf("\n", this.#at) + 1;
    const lines: string[] = [];
    let own = -1;
    for (;;) {
      const lineEnd = text.indexOf("\n", start);
      // A last line without a break is a case of its own.
      if (lineEnd < 0 && start < text.length) throw BEYOND;
      if (lineEnd < 0) break;
      let spaces = 0;
      while (text.charCodeAt(start + spaces) === SPACE) spaces++;
      const isBlank = start + spaces === lineEnd;
      if (own < 0 && !isBlank) {
        own = spaces;
        if (own <= indent || lines.length > 0) throw BEYOND;
      }
      if (!isBlank && spaces < own) break;
      // Spaces beyond the indentation are content, even with nothing behind them, and are not folded.
      if (isBlank ? spaces > Math.max(own, 0) : isFolded && spaces > own) throw BEYOND;
      lines.push(isBlank ? "" : text.slice(start + own, lineEnd));
      this.#line++;
      start = lineEnd + 1;
    }
    if (own < 0) throw BEYOND;
    while (lines.at(-1) === "") lines.pop();
    this.#line++;
    this.#goTo(start);
    if (this.#indent > indent) throw BEYOND;
    const content = isFolded ? folded(lines) : lines.join("\n");
    return { kind: "scalar", text: keepsBreak ? `${content}\n` : content, plain: false, at };
  }

  /** Nothing but a comment may stand behind a value. */
  #endLine(): void {
    const before = this.#at;
    this.#skipSpaces();
    if (!this.#isLineDone() || (this.#code() === HASH && this.#at === before)) throw BEYOND;
    this.#nextLine();
  }

  /** Whether nothing is left of the line but a comment. */
  #isLineDone(): boolean {
    const code = this.#code();
    return code === LINE_BREAK || code === HASH || Number.isNaN(code);
  }

  #nextLine(): void {
    const lineBreak = this.#text.indexOf("\n", this.#at);
    this.#line++;
    this.#goTo(lineBreak < 0 ? this.#text.length : lineBreak + 1);
  }

  /** To the content of the line that begins at `start`, or of the first behind it that has some. */
  #goTo(start: number): void {
    const text = this.#text;
    let lineStart = start;
    for (;;) {
      let at = lineStart;
      while (text.charCodeAt(at) === SPACE) at++;
      const code = text.charCodeAt(at);
      this.#lineStart = lineStart;
      this.#at = at;
      this.#indent = Number.isNaN(code) ? -1 : at - lineStart;
      if (code !== LINE_BREAK && code !== HASH) break;
      const lineBreak = text.indexOf("\n", at);
      if (lineBreak < 0) {
        this.#at = text.length;
        this.#indent = -1;
        return;
      }
      this.#line++;
      lineStart = lineBreak + 1;
    }
    // Another document, or the end of this one.
    if (this.#indent === 0 && (text.startsWith("---", this.#at) || text.startsWith("...", this.#at))) throw BEYOND;
  }

  #skipSpaces(): void {
    while (this.#code() === SPACE) this.#at++;
  }

  #code(): number {
    return this.#text.charCodeAt(this.#at);
  }

  #isQuote(): boolean {
    const code = this.#code();
    return code === DOUBLE_QUOTE || code === SINGLE_QUOTE;
  }

  #isBlockText(): boolean {
    const code = this.#code();
    return code === BAR || code === GREATER;
  }

  #isFlow(): boolean {
    const code = this.#code();
    return code === OPEN_BRACKET || code === OPEN_BRACE;
  }

  /** Whether an item of a sequence begins here. */
  #isDash(): boolean {
    return this.#code() === DASH && this.#isGap(this.#at + 1);
  }

  /** Whether nothing but a space, or the end of the line or of the text, stands there: what sets a mark off. */
  #isGap(at: number): boolean {
    const code = this.#text.charCodeAt(at);
    return code === SPACE || code === LINE_BREAK || Number.isNaN(code);
  }

  #position(): Position {
    return { line: this.#line, column: this.#at - this.#lineStart + 1 };
  }
}

function isFlowMark(code: number): boolean {
  return (
    code === COMMA || code === OPEN_BRACKET || code === CLOSE_BRACKET || code === OPEN_BRACE || code === CLOSE_BRACE
  );
}

/** One break between lines becomes a space; of several, one is left out. */
function folded(lines: readonly string[]): string {
  let text = "";
  let breaks = 0;
  lines.forEach((line, i) => {
    if (line === "") {
      breaks++;
      return;
    }
    if (i > 0) text += breaks === 0 ? " " : "\n".repeat(breaks);
    text += line;
    breaks = 0;
  });
  return text;
}
