// From a template's source to tokens: text outside of `{{ }}`, and words inside.
import { lineOf, TemplateError } from "./template-error.ts";

export type TokenKind =
  | "text"
  | "open"
  | "close"
  | "word"
  | "field"
  | "variable"
  | "string"
  | "number"
  | "char"
  | "symbol"
  | "space"
  | "end";

export interface Token {
  readonly kind: TokenKind;
  /** As written; for "text" with trimmed ends. */
  readonly text: string;
  readonly pos: number;
}

const TRIMMED = " \t\r\n";
const WORD = /[\p{L}_][\p{L}\p{Nd}_]*/uy;
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]+|0[bB][01_]+|0[oO][0-7_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)?)/y;
const STRING = /"(?:[^"\\\n]|\\.)*"|`[^`]*`/y;
const CHAR = /'(?:[^'\\\n]|\\.[^']*)'/y;
const SYMBOLS = [":=", "|", "(", ")", ",", "=", "."];

/** Splits `source`; throws a `TemplateError` for what is no token. */
export function tokenize(name: string, source: string): Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  const fail = (message: string): never => {
    throw new TemplateError(`template: ${name}:${lineOf(source, at)}: ${message}`);
  };
  while (at < source.length) {
    const open = source.indexOf("{{", at);
    let text = open < 0 ? source.slice(at) : source.slice(at, open);
    const trimsBefore = open >= 0 && source[open + 2] === "-" && TRIMMED.includes(source[open + 3] ?? "x");
    if (trimNext) text = text.replace(/^[ \t\r\n]+/, "");
    if (trimsBefore) text = text.replace(/[ \t\r\n]+$/, "");
    trimNext = false;
    if (text !== "") tokens.push({ kind: "text", text, pos: at });
    if (open < 0) break;
    at = open + (trimsBefore ? 3 : 2);
    const inside = source.slice(at).replace(/^[ \t\r\n]*/, "");
    if (inside.startsWith("/*")) {
      const end = source.indexOf("*/", at);
      if (end < 0) fail("unclosed comment");
      const rest = /^([ \t\r\n]+-)?\}\}/.exec(source.slice(end + 2));
      if (rest === null) fail("comment ends before closing delimiter");
      trimNext = rest![1] !== undefined;
      at = end + 2 + rest![0].length;
      continue;
    }
    tokens.push({ kind: "open", text: "{{", pos: open });
    at = insideAction(at);
  }
  tokens.push({ kind: "end", text: "", pos: source.length });
  return tokens;

  function insideAction(from: number): number {
    at = from;
    for (;;) {
      if (at >= source.length) fail("unclosed action");
      const trimmed = /[ \t\r\n]-\}\}/y;
      trimmed.lastIndex = at;
      if (trimmed.test(source)) {
        tokens.push({ kind: "close", text: "}}", pos: at });
        trimNext = true;
        return at + 4;
      }
      if (source.startsWith("}}", at)) {
        tokens.push({ kind: "close", text: "}}", pos: at });
        return at + 2;
      }
      const character = source[at] as string;
      if (TRIMMED.includes(character)) {
        const start = at;
        while (
          at < source.length &&
          TRIMMED.includes(source[at] as string) &&
          !/^[ \t\r\n]-\}\}/.test(source.slice(at, at + 4))
        )
          at++;
        if (at > start) tokens.push({ kind: "space", text: " ", pos: start });
        continue;
      }
      if (take("string", STRING) || take("char", CHAR)) continue;
      if (character === '"' || character === "`")
        fail(character === '"' ? "unterminated quoted string" : "unterminated raw quoted string");
      if (character === "'") fail("unterminated character constant");
      if (character === "." && /[\p{L}_]/u.test(source[at + 1] ?? "")) {
        const start = at++;
        WORD.lastIndex = at;
        at += (WORD.exec(source) as RegExpExecArray)[0].length;
        tokens.push({ kind: "field", text: source.slice(start, at), pos: start });
        continue;
      }
      if (character === "$") {
        const start = at++;
        WORD.lastIndex = at;
        at += WORD.exec(source)?.[0].length ?? 0;
        tokens.push({ kind: "variable", text: source.slice(start, at), pos: start });
        continue;
      }
      if (/[0-9]/.test(character) || (/[+\-.]/.test(character) && /[0-9.]/.test(source[at + 1] ?? ""))) {
        if (take("number", NUMBER)) continue;
      }
      if (take("word", WORD)) continue;
      const symbol = SYMBOLS.find((candidate) => source.startsWith(candidate, at));
      if (symbol === undefined) fail(`unexpected ${describe(character)} in operand`);
      tokens.push({ kind: "symbol", text: symbol as string, pos: at });
      at += (symbol as string).length;
    }
  }

  function take(kind: TokenKind, pattern: RegExp): boolean {
    pattern.lastIndex = at;
    const match = pattern.exec(source);
    if (match === null || match[0] === "") return false;
    tokens.push({ kind, text: match[0], pos: at });
    at += match[0].length;
    return true;
  }
}

function describe(character: string): string {
  return `"${character}"`;
}
