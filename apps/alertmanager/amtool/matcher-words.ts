// Matchers among the words of a command line.
import { quote } from "@narthex/toolkit";
import type { LabelMatcher } from "../matcher/matcher.ts";
import type { MatcherGrammar } from "../matcher/matcher-grammar.ts";
import { ToolError } from "./tool-error.ts";

const ORIGIN = "cli";

/** The words with the first one as a name of an alert when it is no matcher. */
export function withAlertName(words: readonly string[], grammar: MatcherGrammar): string[] {
  const [first, ...others] = words;
  if (first === undefined) return [];
  try {
    grammar.matcher(first, ORIGIN);
    return [first, ...others];
  } catch {
    return [`alertname=${quote(first)}`, ...others];
  }
}

/** Throws a `ToolError`. */
export function readMatcher(word: string, grammar: MatcherGrammar): LabelMatcher {
  try {
    return grammar.matcher(word, ORIGIN);
  } catch (error) {
    throw new ToolError((error as Error).message, "\n\n", { cause: error });
  }
}

/** Pairs written as equality matchers. `what` they are is for the message of the `ToolError`. */
export function readPairs(words: readonly string[], what: string, grammar: MatcherGrammar): Record<string, string> {
  const pairs: [string, string][] = [];
  for (const word of words) {
    const { type, name, value } = readMatcher(word, grammar);
    if (type !== "=") throw new ToolError(`${what} must be specified as key=value pairs`);
    pairs.push([name, value]);
  }
  return Object.fromEntries(pairs);
}
