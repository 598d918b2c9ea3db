// Environment variables in the values of external labels.

const SPECIAL = /[*#$@!?\-0-9]/;

/**
 * Replaces `$NAME` and `${NAME}` by what `lookup` gives, by the rules of Go's `os.Expand`: a `$` before anything that
 * is no name stays, `${` without a name or an end is dropped. `$$` is the way to write a dollar: its name is `$`.
 */
export function expandVariables(text: string, lookup: (name: string) => string): string {
  let expanded = "";
  for (let i = 0; i < text.length; i++) {
    const character = text[i] as string;
    if (character !== "$" || i + 1 >= text.length) {
      expanded += character;
      continue;
    }
    const { name, width } = variableAt(text, i + 1);
    if (name !== "") expanded += lookup(name);
    else if (width === 0) expanded += "$";
    i += width;
  }
  return expanded;
}

function variableAt(text: string, start: number): { name: string; width: number } {
  const first = text[start] as string;
  if (first === "{") {
    const end = text.indexOf("}", start);
    if (end < 0) return { name: "", width: 1 };
    return { name: text.slice(start + 1, end), width: end - start + 1 };
  }
  if (SPECIAL.test(first)) return { name: first, width: 1 };
  const [name] = /^[A-Za-z0-9_]*/.exec(text.slice(start)) as RegExpExecArray;
  return { name, width: name.length };
}
