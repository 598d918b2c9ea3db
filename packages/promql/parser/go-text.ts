// Text as Go writes and reads it: quoted strings, quoted characters, fixed-point numbers. The reference's messages and
// its canonical form are full of them. A byte that is no UTF-8 (from "\xff" in a query) is kept as a lone low
// surrogate U+DC80..U+DCFF, so that it survives until it is printed or refused.

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
/** Nothing to escape in it. */
const PLAIN = /^[ !#-[\]-~]*$/;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  "\\": "\\\\",
};

/** A string in double quotes, with Go's escapes (`strconv.Quote`, `%q`). */
export function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  let quoted = '"';
  for (const char of text) quoted += char === '"' ? '\\"' : escapeChar(char);
  return `${quoted}"`;
}

/** A character in single quotes (`%q` of a rune); undefined stands for the end of input. */
export function quoteChar(char: string | undefined): string {
  if (char === undefined) return "'\ufffd'";
  return `'${char === "'" ? "\\'" : escapeChar(char)}'`;
}

/** A character by code point and, where it can be printed, itself (`%#U`). */
export function describeChar(char: string): string {
  const code = codePoint(char);
  const hex = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  return PRINTABLE.test(char) ? `${hex} '${char}'` : hex;
}

function escapeChar(char: string): string {
  const short = SHORT_ESCAPES[char];
  if (short !== undefined) return short;
  if (PRINTABLE.test(char)) return char;
  const code = codePoint(char);
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, "0")}`;
  return code > 0xffff ? `\\U${code.toString(16).padStart(8, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
}

function codePoint(char: string): number {
  return char.codePointAt(0) as number;
}

/** Whether the text is valid UTF-8, that is: holds no lone surrogate. */
export function isWellFormed(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0xd800 || code > 0xdfff) continue;
    const next = text.charCodeAt(i + 1);
    if (code > 0xdbff || !(next >= 0xdc00 && next <= 0xdfff)) return false;
    i++;
  }
  return true;
}

/** How many bytes the text has as UTF-8; a lone surrogate counts as the one byte it stands for. */
export function byteLength(text: string): number {
  let bytes = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else if (code >= 0xd800 && code <= 0xdbff && isLowSurrogate(text.charCodeAt(i + 1))) {
      bytes += 4;
      i++;
    } else bytes += code >= 0xdc80 && code <= 0xdcff ? 1 : 3;
  }
  return bytes;
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}

const SIMPLE_ESCAPES: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  "'": 39,
  '"': 34,
};

/** The value of a string literal with its quotes, or undefined when it is no valid one. */
export function unquote(literal: string): string | undefined {
  const mark = literal[0];
  if (literal.length < 2 || mark !== literal[literal.length - 1]) return undefined;
  const inner = literal.slice(1, -1);
  if (mark === "`") return inner.includes("`") ? undefined : inner;
  if ((mark !== '"' && mark !== "'") || inner.includes("\n")) return undefined;
  if (!inner.includes("\\")) return inner.includes(mark) ? undefined : inner;
  return new Unescaper(inner, mark).run();
}

/** Walks the inside of a quoted string. Bytes named one by one are collected, for together they may be UTF-8. */
class Unescaper {
  readonly #text: string;
  readonly #mark: string;
  #at = 0;
  #out = "";
  #bytes: number[] = [];

  constructor(text: string, mark: string) {
    this.#text = text;
    this.#mark = mark;
  }

  run(): string | undefined {
    while (this.#at < this.#text.length) {
      const char = this.#text[this.#at++] as string;
      if (char === this.#mark) return undefined;
      if (char !== "\\") this.#add(char);
      else if (!this.#escape()) return undefined;
    }
    this.#flush();
    return this.#out;
  }

  #escape(): boolean {
    const char = this.#text[this.#at++];
    if (char === undefined) return false;
    if (char === "x") return this.#number(2, 16, 0xff, (byte) => this.#bytes.push(byte));
    if (char === "u") return this.#number(4, 16, 0x10ffff, (code) => this.#addCode(code));
    if (char === "U") return this.#number(8, 16, 0x10ffff, (code) => this.#addCode(code));
    if (char >= "0" && char <= "7") {
      this.#at--;
      return this.#number(3, 8, 0xff, (byte) => this.#bytes.push(byte));
    }
    const simple = SIMPLE_ESCAPES[char];
    if (simple === undefined || ((char === "'" || char === '"') && char !== this.#mark)) return false;
    this.#add(String.fromCharCode(simple));
    return true;
  }

  #number(digits: number, base: 8 | 16, max: number, add: (value: number) => void): boolean {
    const text = this.#text.slice(this.#at, this.#at + digits);
    if (text.length < digits || !(base === 8 ? /^[0-7]+$/ : /^[0-9a-fA-F]+$/).test(text)) return false;
    this.#at += digits;
    const value = Number.parseInt(text, base);
    if (value > max) return false;
    add(value);
    return true;
  }

  #addCode(code: number): void {
    this.#add(code >= 0xd800 && code <= 0xdfff ? "\ufffd" : String.fromCodePoint(code));
  }

  #add(text: string): void {
    if (this.#bytes.length > 0) this.#flush();
    this.#out += text;
  }

  #flush(): void {
    this.#out += decodeBytes(this.#bytes);
    this.#bytes = [];
  }
}

/** UTF-8 to text; a byte that belongs to no character becomes its lone surrogate. */
export function decodeBytes(bytes: readonly number[]): string {
  let text = "";
  for (let i = 0; i < bytes.length; ) {
    const first = bytes[i] as number;
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc2 ? 2 : 0;
    const decoded = length === 0 ? undefined : decodeOne(bytes.slice(i, i + length), length);
    if (decoded === undefined) text += String.fromCharCode(0xdc00 + bytes[i++]!);
    else {
      text += decoded;
      i += length;
    }
  }
  return text;
}

function decodeOne(bytes: readonly number[], length: number): string | undefined {
  if (bytes.length < length) return undefined;
  if (length === 1) return String.fromCharCode(bytes[0] as number);
  let code = (bytes[0] as number) & (0x7f >> length);
  for (const byte of bytes.slice(1)) {
    if ((byte & 0xc0) !== 0x80) return undefined;
    code = (code << 6) | (byte & 0x3f);
  }
  const smallest = [0, 0, 0x80, 0x800, 0x10000][length] as number;
  if (code < smallest || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return String.fromCodePoint(code);
}

/** A number with so many decimals and never an exponent (`%.3f`). */
export function formatFixed(value: number, decimals: number): string {
  if (!Number.isFinite(value)) return formatNonFinite(value);
  if (Math.abs(value) < 1e21) return value.toFixed(decimals);
  return `${BigInt(value).toString()}${decimals > 0 ? `.${"0".repeat(decimals)}` : ""}`;
}

/** The shortest text that reads back as the same number, never with an exponent (`strconv.FormatFloat(v, 'f', -1, 64)`). */
export function formatPlain(value: number): string {
  if (!Number.isFinite(value)) return formatNonFinite(value);
  if (Object.is(value, -0)) return "-0";
  const text = String(value);
  const exponentAt = text.indexOf("e");
  if (exponentAt < 0) return text;
  const negative = text.startsWith("-");
  const [whole, fraction = ""] = text.slice(negative ? 1 : 0, exponentAt).split(".") as [string, string?];
  const digits = whole + fraction;
  const point = whole.length + Number(text.slice(exponentAt + 1));
  const plain =
    point <= 0
      ? `0.${"0".repeat(-point)}${digits}`
      : point >= digits.length
        ? digits + "0".repeat(point - digits.length)
        : `${digits.slice(0, point)}.${digits.slice(point)}`;
  return negative ? `-${plain}` : plain;
}

/** The shortest text, with an exponent from 1e21 on and below 1e-4 (`%v` of a float64). */
export function formatShortest(value: number): string {
  if (!Number.isFinite(value)) return formatNonFinite(value);
  if (Object.is(value, -0)) return "-0";
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e21)) {
    const [mantissa, exponent] = value.toExponential().split("e") as [string, string];
    return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }
  return formatPlain(value);
}

function formatNonFinite(value: number): string {
  return Number.isNaN(value) ? "NaN" : value > 0 ? "+Inf" : "-Inf";
}
