// Regular expressions of relabeling rules: matched against the whole text, with Go's templates for what replaces it.
import { RegexSyntaxError } from "@narthex/model";
import { RE2JS } from "re2js";

/** A compiled pattern that can also say what its groups caught. */
export interface ReplaceRegex {
  readonly source: string;
  matches(text: string): boolean;
  /** Matches once and fills all templates from that match; undefined when `text` does not match. */
  expand(text: string, templates: readonly string[]): string[] | undefined;
}

/** Compiles `^(?s:source)$`, or throws a `RegexSyntaxError` with the reference's text. */
export function compileReplaceRegex(source: string): ReplaceRegex {
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(`^(?s:${source})$`);
  } catch (error) {
    throw new RegexSyntaxError((error as Error).message);
  }
  const names = compiled.namedGroups() as Record<string, number>;
  return {
    source,
    matches: (text) => compiled.matcher(text).find(),
    expand(text, templates) {
      const matcher = compiled.matcher(text);
      if (!matcher.find()) return undefined;
      const groupCount = matcher.groupCount();
      const group = (name: string): string => {
        const index = /^(0|[1-9][0-9]*)$/.test(name)
          ? Number(name)
          : Object.hasOwn(names, name)
            ? names[name]
            : undefined;
        return index === undefined || index > groupCount ? "" : (matcher.group(index) ?? "");
      };
      return templates.map((template) => expandTemplate(template, group));
    },
  };
}

/**
 * Fills `$name`, `${name}` and `$$` of a template by the rules of Go's `Regexp.Expand`: the name after a bare `$` is
 * the longest run of letters, digits and `_`; an unknown group is empty; a `$` that begins nothing stands for itself.
 */
export function expandTemplate(template: string, group: (name: string) => string): string {
  if (!template.includes("$")) return template;
  return template.replace(/\$(?:(\$)|\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/gu, (_, dollar, braced, bare) =>
    dollar === undefined ? group((braced ?? bare) as string) : "$",
  );
}
