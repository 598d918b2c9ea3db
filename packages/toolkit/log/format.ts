// How one value of a log line is written: logfmt as operators' parsers know it, or JSON.

/** Attributes of a line, in the order in which they are printed. */
export type Attributes = Readonly<Record<string, unknown>>;

/** Keys that every line owns; an attribute of the same name is printed with `logged_` in front. */
const RESERVED = new Set(["time", "level", "source", "msg"]);

/** The key under which an attribute is printed. */
export function attributeKey(key: string): string {
  return RESERVED.has(key) && key !== "msg" ? `logged_${key}` : key;
}

/** ` key=value` for each attribute, with a blank in front of each. Undefined values are left out. */
export function logfmtAttributes(attributes: Attributes): string {
  let text = "";
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined) text += ` ${logfmtText(attributeKey(key))}=${logfmtText(plainText(value))}`;
  }
  return text;
}

/** `,"key":value` for each attribute, with a comma in front of each. Undefined values are left out. */
export function jsonAttributes(attributes: Attributes): string {
  let text = "";
  for (const key in attributes) {
    const value = attributes[key];
    if (value !== undefined) text += `,${JSON.stringify(attributeKey(key))}:${jsonValue(value)}`;
  }
  return text;
}

/** The text, quoted when a logfmt reader could not tell where it ends. Quoting follows Go's `strconv.Quote`. */
export function logfmtText(text: string): string {
  return needsQuotes(text) ? quote(text) : text;
}

const PLAIN_ASCII = /^[!#-<>-~]+$/;
const UNPRINTABLE = /[\p{Z}\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/u;

function needsQuotes(text: string): boolean {
  if (PLAIN_ASCII.test(text)) return false;
  return text === "" || /[\s="\x00-\x1f]/.test(text) || UNPRINTABLE.test(text);
}

const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** Quotes as Go's `strconv.Quote` does: printable text stays, everything else is escaped. */
export function quote(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const short = SHORT_ESCAPES[character];
    const code = character.codePointAt(0) as number;
    if (short !== undefined) quoted += short;
    else if (code === 0x20 || !UNPRINTABLE.test(character)) quoted += character;
    else if (code < 0x80) quoted += `\\x${code.toString(16).padStart(2, "0")}`;
    else if (code < 0x10000) quoted += `\\u${code.toString(16).padStart(4, "0")}`;
    else quoted += `\\U${code.toString(16).padStart(8, "0")}`;
  }
  return `${quoted}"`;
}

function plainText(value: unknown): string {
  if (typeof value === "string") return value;
  if (value instanceof Error) return value.message;
  if (value instanceof Date) return value.toISOString();
  if (value === null) return "<nil>";
  if (Array.isArray(value)) return `[${value.map(plainText).join(" ")}]`;
  if (typeof value === "object" && isPlain(value)) return JSON.stringify(value);
  return String(value);
}

function jsonValue(value: unknown): string {
  if (value instanceof Error) return JSON.stringify(value.message);
  if (typeof value === "bigint") return String(value);
  if (typeof value === "number" && !Number.isFinite(value)) return JSON.stringify(String(value));
  try {
    return JSON.stringify(value) ?? "null";
  } catch {
    return JSON.stringify(String(value));
  }
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
