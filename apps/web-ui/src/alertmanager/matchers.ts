/** Matchers as people type them and as links carry them: `severity="page"`, `{job=~"a|b", instance!="c"}`. */
import type { LabelMap } from "../format/labels.ts";
import type { SilenceMatcher } from "./api.ts";

export type MatchOperator = "=" | "!=" | "=~" | "!~";

/** The operators in the order in which they are offered. */
export const OPERATORS: readonly MatchOperator[] = ["=", "!=", "=~", "!~"];

export interface Matcher {
  readonly name: string;
  readonly operator: MatchOperator;
  readonly value: string;
}

const QUOTED = /"(?:[^"\\]|\\.)*"/y;
const BARE = /[^\s{}!=~,\\"'`]+/y;
const OPERATOR = /=~|!~|!=|=/y;
const RESERVED = /[\s{}!=~,\\"'`]/u;

/**
 * Reads a list of matchers, with braces or without. A single bare word is the name of an alert. Returns undefined for what
 * cannot be read. Whether a pattern is one, the server says.
 */
export function parseMatchers(text: string): Matcher[] | undefined {
  const trimmed = text.trim();
  const hasBraces = trimmed.startsWith("{") && trimmed.endsWith("}");
  if (trimmed.startsWith("{") !== trimmed.endsWith("}")) return undefined;
  const body = hasBraces ? trimmed.slice(1, -1) : trimmed;
  const matchers: Matcher[] = [];
  let at = 0;
  const take = (pattern: RegExp): string | undefined => {
    while (/\s/.test(body[at] ?? "")) at++;
    pattern.lastIndex = at;
    const found = pattern.exec(body)?.[0];
    at += found?.length ?? 0;
    return found;
  };
  const word = (): string | undefined => {
    const quoted = take(QUOTED);
    return quoted === undefined ? take(BARE) : unquote(quoted);
  };
  for (let isFirst = true; body.slice(at).trim() !== ""; isFirst = false) {
    if (!isFirst && take(/,/y) === undefined) return undefined;
    if (!isFirst && body.slice(at).trim() === "") break;
    const name = word();
    if (name === undefined) return undefined;
    const operator = take(OPERATOR) as MatchOperator | undefined;
    if (operator === undefined) {
      if (!isFirst || body.slice(at).trim() !== "") return undefined;
      return [{ name: "alertname", operator: "=", value: name }];
    }
    const value = word();
    if (value === undefined) return undefined;
    matchers.push({ name, operator, value });
  }
  return matchers;
}

/** Reads labels, written as matchers that are all `=`. Returns undefined for anything else. */
export function parseLabels(text: string): LabelMap | undefined {
  const matchers = parseMatchers(text);
  if (matchers === undefined || matchers.some(({ operator }) => operator !== "=")) return undefined;
  return Object.fromEntries(matchers.map(({ name, value }) => [name, value]));
}

/** What is said where `parseLabels` finds none. */
export const LABELS_EXPECTED = 'Labels are name="value", parted by commas';

/** `name="value"`, the name quoted where it must be. */
export function formatMatcher({ name, operator, value }: Matcher): string {
  return `${RESERVED.test(name) || name === "" ? quoteText(name) : name}${operator}${quoteText(value)}`;
}

/** `{a="b", c=~"d"}`, or nothing for none: what stands behind `filter=` in links. */
export function formatMatchers(matchers: readonly Matcher[]): string {
  return matchers.length === 0 ? "" : `{${matchers.map(formatMatcher).join(", ")}}`;
}

/** What the API says of a silence's matcher. */
export function fromApi({ name, value, isRegex, isEqual = true }: SilenceMatcher): Matcher {
  return { name, value, operator: isRegex ? (isEqual ? "=~" : "!~") : isEqual ? "=" : "!=" };
}

/** The other way round. */
export function toApi({ name, value, operator }: Matcher): SilenceMatcher {
  return { name, value, isRegex: operator.includes("~"), isEqual: operator.startsWith("=") };
}

/** Matchers that only alerts with all of these labels pass. */
export function exactly(labels: LabelMap): Matcher[] {
  return Object.entries(labels)
    .sort(([a], [b]) => Number(b === "alertname") - Number(a === "alertname") || (a < b ? -1 : 1))
    .map(([name, value]) => ({ name, operator: "=", value }));
}

function quoteText(text: string): string {
  return `"${text.replace(/[\\"]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(.)/gs, (_, character: string) => (character === "n" ? "\n" : character));
}
