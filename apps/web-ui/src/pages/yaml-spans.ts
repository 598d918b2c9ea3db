/** Just enough of YAML to colour it: keys, comments, scalars. */

/** A run of text of one kind; all texts of a line joined give the line back. */
export interface YamlSpan {
  readonly kind: "plain" | "key" | "comment" | "string" | "number";
  readonly text: string;
}

/** The spans of one line. Block scalars are not tracked: their lines are coloured as if they were YAML of their own. */
export function yamlSpans(line: string): YamlSpan[] {
  const spans: YamlSpan[] = [];
  const add = (kind: YamlSpan["kind"], text: string): void => {
    if (text !== "") spans.push({ kind, text });
  };
  const lead = /^\s*(?:- +)*/.exec(line)![0];
  add("plain", lead);
  let rest = line.slice(lead.length);
  const key = /^(?:"[^"]*"|'[^']*'|[^\s#:'"[\]{},][^#:]*?)\s*:(?=\s|$)/.exec(rest);
  if (key) {
    add("key", key[0].slice(0, -1));
    add("plain", ":");
    rest = rest.slice(key[0].length);
  }
  const value = /^(\s*)("(?:[^"\\]|\\.)*"|'[^']*'|[^#]*?(?:\S#[^#]*?)*)(\s*)((?:#.*)?)$/.exec(rest);
  if (!value) {
    add("plain", rest);
    return spans;
  }
  add("plain", value[1]!);
  add(
    /^-?\d[\d.]*(?:ms|[smhdwy]|[KMGTP]?B)?$|^(?:true|false|null|~)$/.test(value[2]!)
      ? "number"
      : key || lead.includes("-")
        ? "string"
        : "plain",
    value[2]!,
  );
  add("plain", value[3]!);
  add("comment", value[4]!);
  return spans;
}
