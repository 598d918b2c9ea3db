// Matchers of routes, inhibition rules, silences and filters: tests of one label, in the reference's spelling.
import { compareStrings, compileRegex, compileSearchRegex, type Labels, quote, type Regex } from "@narthex/model";

export type MatchType = "=" | "!=" | "=~" | "!~";

/** In the order of the reference's enumeration, by which matchers are sorted. */
export const MATCH_TYPES: readonly MatchType[] = ["=", "!=", "=~", "!~"];

/** White space by Go's rules, which are not JavaScript's. */
const BLANKS = "\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";
const BLANK = new RegExp(`^[${BLANKS}]$`, "u");
const EDGES = new RegExp(`^[${BLANKS}]+|[${BLANKS}]+$`, "gu");
const RESERVED = new RegExp(`[${BLANKS}{}!=~,\\\\"'\`]`, "u");

/** Test of one label's value. A label that is not there counts as "". */
export class LabelMatcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
  readonly #regex: Regex | undefined;

  /** Throws a `RegexSyntaxError` when `value` is no valid pattern. */
  constructor(type: MatchType, name: string, value: string) {
    this.type = type;
    this.name = name;
    this.value = value;
    if (type !== "=~" && type !== "!~") return;
    // The reference compiles the pattern with its anchors around it, which shows in what is said about a bad one.
    const anchored = compileSearchRegex(`^(?:${value})$`);
    const regex = compileRegex(value);
    // Unlike in a server's selectors, the dot stops at a newline here: texts with one are rare and go the slow way.
    this.#regex = { ...regex, matches: (text) => (text.includes("\n") ? anchored.find(text) : regex.matches(text)) };
  }

  get isRegex(): boolean {
    return this.#regex !== undefined;
  }

  get isEqual(): boolean {
    return this.type === "=" || this.type === "=~";
  }

  matches(value: string): boolean {
    switch (this.type) {
      case "=":
        return value === this.value;
      case "!=":
        return value !== this.value;
      case "=~":
        return (this.#regex as Regex).matches(value);
      case "!~":
        return !(this.#regex as Regex).matches(value);
    }
  }

  toString(): string {
    return matcherText(this.type, this.name, this.value);
  }
}

/** Names with reserved characters are quoted, and then the value is too, in Go's manner. */
export function matcherText(type: MatchType, name: string, value: string): string {
  if (RESERVED.test(name)) return `${quote(name)}${type}${quote(value)}`;
  return `${name}${type}"${value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"')}"`;
}

/** Whether a character must be quoted in the new grammar. */
export function isReserved(character: string): boolean {
  return RESERVED.test(character);
}

export function isBlank(character: string): boolean {
  return BLANK.test(character);
}

export function trimBlanks(text: string): string {
  return text.replace(EDGES, "");
}

/** Whether all of them pass. */
export function matchesAll(matchers: readonly LabelMatcher[], labels: Labels): boolean {
  for (const matcher of matchers) if (!matcher.matches(labels.get(matcher.name))) return false;
  return true;
}

/** As route keys hold them: `{a="b",c=~"d"}`. */
export function matchersText(matchers: readonly LabelMatcher[]): string {
  return `{${matchers.join(",")}}`;
}

/** By name, value and type, as routes keep them. */
export function sortedMatchers(matchers: readonly LabelMatcher[]): LabelMatcher[] {
  return [...matchers].sort(
    (a, b) =>
      compareStrings(a.name, b.name) ||
      compareStrings(a.value, b.value) ||
      MATCH_TYPES.indexOf(a.type) - MATCH_TYPES.indexOf(b.type),
  );
}

/** Whether two matchers test the same. */
export function sameMatcher(a: LabelMatcher, b: LabelMatcher): boolean {
  return a.type === b.type && a.name === b.name && a.value === b.value;
}
