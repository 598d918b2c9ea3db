// Writing YAML as the reference's library writes it: two blanks of indentation, lists not indented below their key,
// quotes only where a reader would misread.
import { tagOf } from "./resolve.ts";

/** What can be written. Mappings keep their order; a `Flow` list stands on one line. */
export type YamlValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Flow
  | readonly YamlValue[]
  | ReadonlyMap<string, YamlValue>;

/** A list of texts written as `[a, b]`. */
export class Flow {
  readonly items: readonly string[];

  constructor(items: readonly string[]) {
    this.items = items;
  }
}

/** Longer plain and quoted texts are folded at blanks. */
const BEST_WIDTH = 80;

/** Writes a document, newline included. */
export function emitYaml(value: YamlValue): string {
  const out: string[] = [];
  if (isMapping(value) && value.size > 0) emitMapping(value, 0, out);
  else if (isList(value) && value.length > 0) emitList(value, 0, out);
  else out.push(`${inline(value, 0, 0)}\n`);
  return out.join("");
}

function emitMapping(mapping: ReadonlyMap<string, YamlValue>, indent: number, out: string[], first = ""): void {
  let lead = first === "" ? " ".repeat(indent) : first;
  for (const [key, value] of mapping) {
    const head = `${lead}${scalarText(key, true, 0, 0)}:`;
    lead = " ".repeat(indent);
    emitValue(head, value, indent, indent, out);
  }
}

function emitList(items: readonly YamlValue[], indent: number, out: string[]): void {
  const lead = `${" ".repeat(indent)}-`;
  for (const item of items) {
    if (isMapping(item) && item.size > 0) emitMapping(item, indent + 2, out, `${lead} `);
    else emitValue(lead, item, indent, indent + 2, out);
  }
}

/** Writes what follows `key:` or `-`. */
function emitValue(head: string, value: YamlValue, indent: number, listIndent: number, out: string[]): void {
  if (isMapping(value) && value.size > 0) {
    out.push(`${head}\n`);
    emitMapping(value, indent + 2, out);
  } else if (isList(value) && value.length > 0) {
    out.push(`${head}\n`);
    emitList(value, listIndent, out);
  } else {
    out.push(`${head} ${inline(value, head.length + 1, indent + 2)}\n`);
  }
}

function inline(value: YamlValue, column: number, indent: number): string {
  if (value === null) return "null";
  if (value instanceof Flow) return `[${value.items.map((item) => scalarText(item, true, 0, 0, true)).join(", ")}]`;
  if (isList(value)) return "[]";
  if (isMapping(value)) return "{}";
  if (typeof value === "string") return scalarText(value, false, column, indent);
  if (typeof value === "number") return numberText(value);
  return String(value);
}

function numberText(value: number): string {
  if (Number.isNaN(value)) return ".nan";
  if (!Number.isFinite(value)) return value > 0 ? ".inf" : "-.inf";
  // Go's shortest form turns to exponents from 1e+21 on, as JavaScript does, but below 1e-4 already.
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && magnitude < 1e-4) {
    return value.toExponential().replace(/e([-+])(\d)$/, "e$10$2");
  }
  return String(value);
}

function isList(value: YamlValue): value is readonly YamlValue[] {
  return Array.isArray(value);
}

function isMapping(value: YamlValue): value is ReadonlyMap<string, YamlValue> {
  return value instanceof Map;
}

/** A text in its lightest safe style. `column` is where it begins, `indent` where folded lines go on. */
function scalarText(text: string, isKey: boolean, column: number, indent: number, inFlow = false): string {
  const traits = traitsOf(text);
  if (text.includes("\n") && traits.blockAllowed && !isKey && !inFlow) return literal(text, indent);
  const plainMeansText = tagOf(text) === "!!str" && !BASE_60.test(text);
  const wantsDouble = text.includes("\n") || !plainMeansText;
  if (!wantsDouble && (inFlow ? traits.flowPlainAllowed : traits.blockPlainAllowed)) {
    return isKey ? text : fold(text, column, indent);
  }
  if (!wantsDouble && traits.singleQuotedAllowed) {
    const quoted = `'${text.replaceAll("'", "''")}'`;
    return isKey ? quoted : fold(quoted, column, indent);
  }
  const quoted = `"${doubleQuoted(text)}"`;
  return isKey ? quoted : foldDouble(quoted, column, indent);
}

/** Old readers take `1:20` for a number of base 60. */
const BASE_60 = /^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$/;

interface Traits {
  readonly flowPlainAllowed: boolean;
  readonly blockPlainAllowed: boolean;
  readonly singleQuotedAllowed: boolean;
  readonly blockAllowed: boolean;
}

/** Which styles can carry the text (libyaml's scalar analysis). */
function traitsOf(text: string): Traits {
  const special =
    /[^\n\t\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]|\ufeff/u.test(text) || text.includes("\t");
  const hasBreaks = /[\n\x85\u2028\u2029]/.test(text);
  const edges = /^[ \n]|[ \n]$/.test(text);
  const spaceBreak = / \n/.test(text);
  const breakSpace = /\n /.test(text);
  const marker = /^(?:---|\.\.\.)/.test(text);
  const firstForBoth = /^[#,[\]{}&*!|>'"%@`]/.test(text) || /^-(?:\s|$)/.test(text);
  const blockIndicator =
    marker || firstForBoth || /^\?(?:\s|$)/.test(text) || /:(?:\s|$)/.test(text) || /\s#/.test(text);
  const flowIndicator = marker || firstForBoth || /^[?:]/.test(text) || /[,?[\]{}:]/.test(text) || /\s#/.test(text);
  const quotable = !special && !spaceBreak;
  return {
    blockPlainAllowed: quotable && !edges && !hasBreaks && !blockIndicator && text !== "",
    flowPlainAllowed: quotable && !edges && !hasBreaks && !flowIndicator && text !== "",
    singleQuotedAllowed: quotable && !breakSpace,
    blockAllowed: quotable && !/ $/.test(text),
  };
}

function literal(text: string, indent: number): string {
  const pad = " ".repeat(indent);
  const hint = /^[ \n]/.test(text) ? "2" : "";
  const chomp = text.endsWith("\n\n") || text === "\n" ? "+" : text.endsWith("\n") ? "" : "-";
  const body = text.endsWith("\n") ? text.slice(0, -1) : text;
  const lines = body.split("\n").map((line) => (line === "" ? "" : pad + line));
  return `|${hint}${chomp}\n${lines.join("\n")}`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\0": "\\0",
  "\x07": "\\a",
  "\b": "\\b",
  "\t": "\\t",
  "\n": "\\n",
  "\v": "\\v",
  "\f": "\\f",
  "\r": "\\r",
  "\x1b": "\\e",
  '"': '\\"',
  "\\": "\\\\",
  "\x85": "\\N",
  "\u2028": "\\L",
  "\u2029": "\\P",
};

function doubleQuoted(text: string): string {
  let quoted = "";
  for (const character of text) {
    const short = ESCAPES[character];
    const code = character.codePointAt(0) as number;
    if (short !== undefined) quoted += short;
    else if (code < 0x20 || (code >= 0x7f && code < 0xa0))
      quoted += `\\x${code.toString(16).toUpperCase().padStart(2, "0")}`;
    else if (code === 0xfeff || (code >= 0xd800 && code <= 0xdfff)) quoted += `\\u${code.toString(16).toUpperCase()}`;
    else quoted += character;
  }
  return quoted;
}

/** Breaks at single blanks once a line is past the width: readers join such lines with a blank again. */
function fold(text: string, column: number, indent: number): string {
  if (column + text.length <= BEST_WIDTH) return text;
  let folded = "";
  let at = column;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    const isSingle = character === " " && text[i - 1] !== " " && text[i + 1] !== " ";
    if (isSingle && at > BEST_WIDTH && i > 0 && i < text.length - 1) {
      folded += `\n${" ".repeat(indent)}`;
      at = indent;
    } else {
      folded += character;
      at++;
    }
  }
  return folded;
}

/** As `fold`; a blank after the break has to be escaped to survive. */
function foldDouble(text: string, column: number, indent: number): string {
  if (column + text.length <= BEST_WIDTH) return text;
  let folded = "";
  let at = column;
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (character === " " && text[i - 1] !== " " && at > BEST_WIDTH && i > 1 && i < text.length - 2) {
      folded += `\n${" ".repeat(indent)}${text[i + 1] === " " ? "\\" : ""}`;
      at = indent;
    } else {
      folded += character;
      at++;
    }
  }
  return folded;
}
