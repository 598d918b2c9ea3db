// What requests for lists may ask for: matchers, receivers, states.
import { compileRegex, compileSearchRegex } from "@narthex/model";
import type { LabelMatcher } from "../../matcher/matcher.ts";
import type { MatcherGrammar } from "../../matcher/matcher-grammar.ts";
import { ApiError } from "./api-error.ts";

/** Texts that mean true, as the reference's interface reads them; everything else means false. */
const TRUE_WORDS: ReadonlySet<string> = new Set([
  "true",
  "1",
  "yes",
  "ok",
  "y",
  "on",
  "selected",
  "checked",
  "t",
  "enabled",
]);

/** A switch that is on unless it is turned off. */
export function switchOf(query: URLSearchParams, name: string): boolean {
  const text = query.getAll(name).at(-1);
  return text === undefined || text === "" ? true : TRUE_WORDS.has(text.toLowerCase());
}

/** The matchers of a parameter that may repeat. Throws an `ApiError`; `prefix` stands in front of its message. */
export function filtersOf(
  query: URLSearchParams,
  name: string,
  grammar: MatcherGrammar,
  prefix: string = "",
): LabelMatcher[] {
  return query.getAll(name).map((text) => {
    try {
      return grammar.matcher(text, "api");
    } catch (error) {
      throw ApiError.plain(400, prefix + (error as Error).message);
    }
  });
}

/** The receivers that a pattern names; undefined for all. */
export function receiverFilter(query: URLSearchParams): ((name: string) => boolean) | undefined {
  const pattern = query.getAll("receiver").at(-1);
  if (pattern === undefined || pattern === "") return undefined;
  try {
    compileSearchRegex(`^(?:${pattern})$`);
  } catch (error) {
    throw ApiError.plain(400, `failed to parse receiver param: ${(error as Error).message}`);
  }
  const regex = compileRegex(pattern);
  return (name) => regex.matches(name);
}

/**
 * Whether labels pass. Unlike in routes, `a=""` asks for a label that is not there or empty, and `a!=""` for one that is there.
 */
export function passesFilters(
  matchers: readonly LabelMatcher[],
  labels: { get(name: string): string | undefined; has(name: string): boolean },
): boolean {
  return matchers.every((matcher) => {
    const isThere = labels.has(matcher.name);
    if (matcher.value === "" && isThere !== matcher.isEqual) return true;
    return matcher.matches(labels.get(matcher.name) ?? "");
  });
}
