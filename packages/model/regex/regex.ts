// Regular expressions from outside: RE2 syntax, fully anchored, dot matches newline, never a backtracking engine
// on a pattern that could explode.
import { RE2JS } from "re2js";
import { backtrackingSource } from "./backtracking.ts";
import { globMatcher, globsOf, literalsOf, prefixOf } from "./literals.ts";
import { parseRegex } from "./syntax.ts";

/** A compiled, fully anchored pattern. */
export interface Regex {
  readonly source: string;
  matches(text: string): boolean;
  /**
   * When the pattern matches a limited number of texts only: all of those, without repetition, in the pattern's
   * order; "" may be among them. Otherwise undefined.
   */
  readonly literals: readonly string[] | undefined;
  /** A literal that every match begins with; "" when there is none. */
  readonly prefix: string;
  /** How it is matched, from cheap to dear; for tests and for deciding what to try first. */
  readonly engine: "literals" | "wildcards" | "backtracking" | "re2";
}

/** A pattern that RE2 refuses; `message` is the engine's, as Go words it. */
export class RegexSyntaxError extends Error {
  override readonly name = "RegexSyntaxError";
}

/**
 * Results kept per pattern that runs on RE2: so many texts, and none longer than this. Once full, it stays as it is
 * until so many further texts were not in it (a walk over many texts would otherwise flush it for nothing).
 */
const CACHED_RESULTS = 4096;
const CACHED_TEXT_CHARS = 256;
const FORGOTTEN_AFTER_MISSES = 65_536;

/** Compiles `source`, or throws a `RegexSyntaxError`. */
export function compileRegex(source: string): Regex {
  // Plain literals and alternations of them need no parser, however many there are.
  if (!/[\\.+*?()[\]{}^$]/.test(source)) return literalRegex(source, [...new Set(source.split("|"))]);
  const compiled = compileRe2(source);
  const tree = parseRegex(source);
  if (tree === undefined) return re2Regex(source, compiled, "");
  const literals = literalsOf(tree);
  // A pattern that matches nothing at all (`[^\x00-\x{10FFFF}]`) is no list of literals to look up.
  if (literals !== undefined && literals.length > 0) return literalRegex(source, literals);
  const prefix = prefixOf(tree);
  const globs = globsOf(tree);
  if (globs !== undefined) {
    return { source, matches: globMatcher(globs), literals: undefined, prefix, engine: "wildcards" };
  }
  const backtracking = backtrackingSource(tree);
  if (backtracking === undefined) return re2Regex(source, compiled, prefix);
  const expression = new RegExp(backtracking, "su");
  return { source, matches: (text) => expression.test(text), literals: undefined, prefix, engine: "backtracking" };
}

/** Compiles with RE2's engine. Throws a `RegexSyntaxError` in Go's words. */
export function compileRe2(source: string, dotMatchesNewline: boolean = true): RE2JS {
  const reversed = reversedRepeat(source);
  if (reversed !== undefined) {
    throw new RegexSyntaxError(`error parsing regexp: invalid repeat count: \`${reversed}\``);
  }
  try {
    return RE2JS.compile(source, dotMatchesNewline ? RE2JS.DOTALL : 0);
  } catch (error) {
    throw syntaxError(source, error as Error);
  }
}

/** A repetition whose least count is above its most, which the engine lets pass; RE2 does not. */
function reversedRepeat(source: string): string | undefined {
  if (!source.includes("{")) return undefined;
  // Escapes, quoted text and classes stand in front, so that braces within them are no repetitions.
  const parts = /\\Q.*?(?:\\E|$)|\\.|\[\^?\]?(?:\\.|\[:\^?\w+:\]|[^\]\\])*\]|\{(\d{1,4}),(\d{1,4})\}/gs;
  for (const [text, least, most] of source.matchAll(parts)) {
    if (least !== undefined && Number(least) > Number(most)) return text;
  }
  return undefined;
}

function syntaxError(source: string, error: Error): RegexSyntaxError {
  let { message } = error;
  try {
    // Flags stand in front of the pattern that the message shows, so it is asked for again without them.
    RE2JS.compile(source);
  } catch (plain) {
    message = (plain as Error).message;
  }
  // Go always names the offending part, even when it is empty.
  return new RegexSyntaxError(message.endsWith("`") ? message : `${message}: \`\``);
}

function literalRegex(source: string, literals: readonly string[]): Regex {
  const [first = ""] = literals;
  const set = new Set(literals);
  let prefix = first;
  for (const literal of literals) {
    let shared = 0;
    while (shared < prefix.length && prefix[shared] === literal[shared]) shared++;
    if (shared > 0 && shared < prefix.length && /[\ud800-\udbff]/.test(prefix[shared - 1] as string)) shared--;
    prefix = prefix.slice(0, shared);
  }
  const matches = literals.length === 1 ? (text: string) => text === first : (text: string) => set.has(text);
  return { source, matches, literals, prefix, engine: "literals" };
}

function re2Regex(source: string, compiled: RE2JS, prefix: string): Regex {
  const known = new Map<string, boolean>();
  let misses = 0;
  const matches = (text: string): boolean => {
    if (prefix !== "" && !text.startsWith(prefix)) return false;
    if (text.length > CACHED_TEXT_CHARS) return compiled.matches(text);
    let result = known.get(text);
    if (result === undefined) {
      result = compiled.matches(text);
      if (known.size < CACHED_RESULTS) known.set(text, result);
      else if (++misses >= FORGOTTEN_AFTER_MISSES) {
        known.clear();
        misses = 0;
      }
    }
    return result;
  };
  return { source, matches, literals: undefined, prefix, engine: "re2" };
}
