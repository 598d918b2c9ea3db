// The classic grammar of matchers, which old configurations are written in.
// Source: the reference's documentation of `classic-mode`; what it accepts by accident is accepted here too.
import { LabelMatcher, type MatchType, trimBlanks } from "./matcher.ts";

const MATCHER = /^[\t\n\f\r ]*([a-zA-Z_:][a-zA-Z0-9_:]*)[\t\n\f\r ]*(=~|=|!=|!~)[\t\n\f\r ]*(.*?)[\t\n\f\r ]*$/su;

/** A text that is no matcher; the message is the reference's. */
export class MatcherSyntaxError extends Error {
  override readonly name = "MatcherSyntaxError";
}

/** A list in or without braces, separated by commas that stand outside of quotes. */
export function parseClassicMatchers(text: string): LabelMatcher[] {
  let body = text.startsWith("{") ? text.slice(1) : text;
  if (body.endsWith("}")) body = body.slice(0, -1);
  return splitAtCommas(body).map(parseClassicMatcher);
}

/** One matcher. Throws a `MatcherSyntaxError`, or a `RegexSyntaxError` for a bad pattern. */
export function parseClassicMatcher(text: string): LabelMatcher {
  const match = MATCHER.exec(text);
  if (match === null) throw new MatcherSyntaxError(`bad matcher format: ${text}`);
  const [, name, type, raw] = match as unknown as [string, string, MatchType, string];
  return new LabelMatcher(type, name, unquoted(raw));
}

function splitAtCommas(text: string): string[] {
  const parts: string[] = [];
  let part = "";
  let isQuoted = false;
  let isEscaped = false;
  for (const character of text) {
    if (character === "," && !isQuoted) {
      parts.push(part);
      part = "";
      continue;
    }
    if (character === '"') {
      if (isEscaped) isEscaped = false;
      else isQuoted = !isQuoted;
    } else isEscaped = character === "\\" && !isEscaped;
    part += character;
  }
  const last = trimBlanks(part);
  if (last !== "") parts.push(last);
  return parts;
}

/** Takes quotes and escapes off. A backslash before anything but `n`, `"` and `\` stands for itself. */
function unquoted(raw: string): string {
  const unescaped = (): never => {
    throw new MatcherSyntaxError(`matcher value contains unescaped double quote: ${raw}`);
  };
  const isQuoted = raw.startsWith('"');
  const body = isQuoted ? raw.slice(1) : raw;
  let isOpen = isQuoted;
  let value = "";
  for (let i = 0; i < body.length; i++) {
    const character = body[i] as string;
    const isLast = i === body.length - 1;
    if (character === "\\" && !isLast) {
      const next = body[++i] as string;
      value += next === "n" ? "\n" : next === '"' || next === "\\" ? next : `\\${next}`;
    } else if (character === '"') {
      if (!isOpen || !isLast) unescaped();
      isOpen = false;
    } else value += character;
  }
  if (isOpen) unescaped();
  return value;
}
