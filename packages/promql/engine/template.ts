// Replacement templates of label_replace: `$1`, `${1}`, `$name`, `${name}`, `$$`.
import type { Matcher, RE2JS } from "re2js";

/** Expands a template with the groups of a match. Groups that are unknown or did not take part are empty. */
export function expandTemplate(template: string, match: Matcher, regex: RE2JS): string {
  let result = "";
  let i = 0;
  while (i < template.length) {
    const dollar = template.indexOf("$", i);
    if (dollar < 0) return result + template.slice(i);
    result += template.slice(i, dollar);
    i = dollar + 1;
    if (template[i] === "$") {
      result += "$";
      i++;
      continue;
    }
    const reference = /^(?:\{([\p{L}\p{Nd}_]+)\}|([\p{L}\p{Nd}_]+))/u.exec(template.slice(i));
    if (reference === null) {
      result += "$";
      continue;
    }
    i += reference[0].length;
    result += groupOf(reference[1] ?? (reference[2] as string), match, regex);
  }
  return result;
}

function groupOf(name: string, match: Matcher, regex: RE2JS): string {
  if (/^\d+$/.test(name) && (name === "0" || !name.startsWith("0"))) {
    const index = Number(name);
    return index <= match.groupCount() ? (match.group(index) ?? "") : "";
  }
  const groups = regex.namedGroups() as Record<string, number>;
  const index = Object.hasOwn(groups, name) ? groups[name] : undefined;
  return index === undefined ? "" : (match.group(index) ?? "");
}
