// Replacement by capture groups, as relabeling and label_replace do it.
import type { RE2JS } from "re2js";
import { backtrackingSource } from "./backtracking.ts";
import { compileRe2, RegexSyntaxError } from "./regex.ts";
import { parseRegex } from "./syntax.ts";

/** A fully anchored pattern whose captures can be put into a template. */
export interface ReplaceRegex {
  readonly source: string;
  matches(text: string): boolean;
  /**
   * The template with captures put in, or undefined when the text does not match. Go's rules: `$1`, `$name` (the
   * longest run of letters, digits and underscores), `${1}`, `${name}`, `$$` for a dollar sign; groups that do not
   * exist or took no part give "", and a dollar sign before anything else stands for itself.
   */
  expand(template: string, text: string): string | undefined;
}

/**
 * Compiles a pattern for replacement. Throws a `RegexSyntaxError` in Go's words, which show the anchored pattern:
 * that is what the reference compiles here.
 */
export function compileReplaceRegex(source: string): ReplaceRegex {
  const compiled = compileRe2(`^(?s:${source})$`);
  // Closing and reopening the group around it is legal in the reference, but then it is no pattern by itself.
  const captures = capturesOf(source, compiled);
  const names = compiled.namedGroups() as Readonly<Record<string, number>>;
  let lastTemplate: string | undefined;
  let lastParts: readonly Part[] = [];
  return {
    source,
    matches: (text) => captures(text) !== undefined,
    expand(template, text) {
      const groups = captures(text);
      if (groups === undefined) return undefined;
      if (template !== lastTemplate) {
        lastParts = parseTemplate(template, names);
        lastTemplate = template;
      }
      let out = "";
      for (const part of lastParts) out += typeof part === "string" ? part : (groups[part] ?? "");
      return out;
    },
  };
}

type Captures = readonly (string | null | undefined)[];

/** A literal piece, or the number of a group. */
export type Part = string | number;

/** A function that gives the groups of a text (the whole match first), or undefined when it does not match. */
function capturesOf(source: string, compiled: RE2JS): (text: string) => Captures | undefined {
  if (source === "(.*)") return (text) => [text, text];
  const backtracking = isPattern(source) ? backtrackingOf(source) : undefined;
  if (backtracking !== undefined) {
    const expression = new RegExp(backtracking, "su");
    return (text) => expression.exec(text) ?? undefined;
  }
  return (text) => {
    const matcher = compiled.matcher(text);
    if (!matcher.matches()) return undefined;
    const groups: (string | null)[] = [];
    for (let i = 0; i <= matcher.groupCount(); i++) groups.push(matcher.group(i));
    return groups;
  };
}

function backtrackingOf(source: string): string | undefined {
  const tree = parseRegex(source);
  return tree === undefined ? undefined : backtrackingSource(tree);
}

function isPattern(source: string): boolean {
  try {
    compileRe2(source);
    return true;
  } catch (error) {
    if (error instanceof RegexSyntaxError) return false;
    throw error;
  }
}

const NAME = /^[\p{L}\p{Nd}_]+/u;

/** Splits a replacement into literal pieces and group numbers, by the rules of `ReplaceRegex.expand`. */
export function parseTemplate(template: string, names: Readonly<Record<string, number>>): Part[] {
  const parts: Part[] = [];
  let at = 0;
  for (;;) {
    const dollar = template.indexOf("$", at);
    if (dollar < 0) break;
    parts.push(template.slice(at, dollar));
    at = dollar + 1;
    if (template[at] === "$") {
      parts.push("$");
      at++;
      continue;
    }
    const braced = template[at] === "{";
    const start = braced ? at + 1 : at;
    const name = NAME.exec(template.slice(start))?.[0];
    const end = start + (name?.length ?? 0);
    if (name === undefined || (braced && template[end] !== "}")) {
      parts.push("$");
      continue;
    }
    parts.push(groupNumber(name, names));
    at = braced ? end + 1 : end;
  }
  parts.push(template.slice(at));
  return parts.filter((part) => part !== "");
}

/** A group's number, -1 (which no group has) for a name that is not there. */
function groupNumber(name: string, names: Readonly<Record<string, number>>): number {
  if (/^(?:0|[1-9][0-9]{0,8})$/.test(name)) return Number(name);
  return Object.hasOwn(names, name) ? (names[name] as number) : -1;
}
