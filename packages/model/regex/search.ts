// Patterns searched for anywhere in a text, as templates do it.
import { compileRe2 } from "./regex.ts";
import { parseTemplate } from "./replace.ts";

/** A pattern that is not anchored. Linear time: always RE2's engine. */
export interface SearchRegex {
  /** Whether it matches somewhere. */
  find(text: string): boolean;
  /** The text with every match replaced by the template, captures put in as `ReplaceRegex.expand` does. */
  replaceAll(text: string, template: string): string;
}

/** Unlike in matchers, the dot does not match a newline. Throws a `RegexSyntaxError` in Go's words. */
export function compileSearchRegex(source: string): SearchRegex {
  const compiled = compileRe2(source, false);
  const names = compiled.namedGroups() as Readonly<Record<string, number>>;
  return {
    find: (text) => compiled.matcher(text).find(),
    replaceAll(text, template) {
      const parts = parseTemplate(template, names);
      const matcher = compiled.matcher(text);
      let out = "";
      let at = 0;
      let lastEnd = -1;
      while (matcher.find()) {
        // As in Go, an empty match right behind the one before does not count.
        if (matcher.end() === matcher.start() && matcher.start() === lastEnd) continue;
        lastEnd = matcher.end();
        out += text.slice(at, matcher.start());
        for (const part of parts)
          out +=
            typeof part === "string"
              ? part
              : part >= 0 && part <= matcher.groupCount()
                ? (matcher.group(part) ?? "")
                : "";
        at = matcher.end();
      }
      return out + text.slice(at);
    },
  };
}
