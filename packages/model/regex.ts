// Regular expressions from outside: RE2 syntax, fully anchored, dot matches newline, never a backtracking engine
// on a pattern that could explode.
import { RE2JS } from "re2js";

/** A compiled, fully anchored pattern. */
export interface Regex {
  readonly source: string;
  matches(text: string): boolean;
  /** When the pattern is a plain alternation of literals: those, in order; otherwise undefined. */
  readonly literals: readonly string[] | undefined;
  /** A literal that every match begins with; "" when there is none. */
  readonly prefix: string;
}

/** A pattern that RE2 refuses; `message` is the engine's, as Go words it. */
export class RegexSyntaxError extends Error {
  override readonly name = "RegexSyntaxError";
}

/** Compiles `source`, or throws a `RegexSyntaxError`. */
export function compileRegex(source: string): Regex {
  try {
    const compiled = RE2JS.compile(`^(?s:${source})$`);
    return { source, matches: (text) => compiled.matches(text), literals: undefined, prefix: "" };
  } catch (error) {
    throw new RegexSyntaxError((error as Error).message);
  }
}
