// File name patterns of `rule_files`, `scrape_config_files` and file discovery.
import { lstatSync, readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * The existing paths that a pattern names, sorted. Only the last element may hold `*`, `?` and `[…]`. A pattern without
 * them names itself if it exists. What cannot be read does not exist. Throws a `GlobError` for a broken pattern.
 */
export function glob(pattern: string): string[] {
  matchesPattern(basename(pattern), "");
  if (!/[*?[\\]/.test(pattern)) return exists(pattern) ? [pattern] : [];
  const directory = dirname(pattern);
  const last = basename(pattern);
  let names: string[];
  try {
    names = readdirSync(directory);
  } catch {
    return [];
  }
  return names
    .filter((name) => matchesPattern(last, name))
    .sort()
    .map((name) => (pattern.includes("/") ? join(directory, name) : name));
}

/** A pattern with an unclosed bracket or a lone backslash at its end. */
export class GlobError extends Error {
  override readonly name = "GlobError";
}

/**
 * Whether `name` as a whole fits `pattern`: `*` any run without `/`, `?` one character, `[a-z]` and `[^a-z]` one of a
 * set, `\` takes the next character as it is. Time is bounded by the product of both lengths.
 */
export function matchesPattern(pattern: string, name: string): boolean {
  const tokens = tokenize(pattern);
  let token = 0;
  let at = 0;
  let star = -1;
  let starAt = 0;
  while (at < name.length) {
    const current = tokens[token];
    if (current === "star") {
      star = token++;
      starAt = at;
    } else if (current?.(name[at] as string) === true) {
      token++;
      at++;
    } else if (star >= 0 && name[starAt] !== "/") {
      token = star + 1;
      at = ++starAt;
    } else {
      return false;
    }
  }
  while (tokens[token] === "star") token++;
  return token === tokens.length;
}

type Token = "star" | ((character: string) => boolean);

function tokenize(pattern: string): Token[] {
  const tokens: Token[] = [];
  for (let i = 0; i < pattern.length; i++) {
    const character = pattern[i] as string;
    if (character === "*") {
      tokens.push("star");
    } else if (character === "?") {
      tokens.push((each) => each !== "/");
    } else if (character === "[") {
      const end = pattern.indexOf("]", i + 2);
      if (end < 0) throw new GlobError("syntax error in pattern");
      tokens.push(classOf(pattern.slice(i + 1, end)));
      i = end;
    } else {
      if (character === "\\") i++;
      const literal = pattern[i];
      if (literal === undefined) throw new GlobError("syntax error in pattern");
      tokens.push((each) => each === literal);
    }
  }
  return tokens;
}

function classOf(inner: string): (character: string) => boolean {
  const negated = inner.startsWith("^");
  const ranges: [string, string][] = [];
  for (let i = negated ? 1 : 0; i < inner.length; i++) {
    const low = inner[i] as string;
    const isRange = inner[i + 1] === "-" && i + 2 < inner.length;
    ranges.push([low, isRange ? (inner[i + 2] as string) : low]);
    if (isRange) i += 2;
  }
  return (character) => ranges.some(([low, high]) => character >= low && character <= high) !== negated;
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
