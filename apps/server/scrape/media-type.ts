// Reading a Content-Type by the rules of Go's `mime.ParseMediaType`, whose refusals operators see.

/** The media type in lower case, or why there is none. */
export type MediaType = { readonly type: string } | { readonly fault: string };

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]+/y;
const QUOTED = /"((?:[^"\\\r\n]|\\[^\r\n])*)"/y;

export function parseMediaType(contentType: string): MediaType {
  const semicolon = contentType.indexOf(";");
  const base = (semicolon < 0 ? contentType : contentType.slice(0, semicolon)).trim().toLowerCase();
  const fault = faultOfBase(base);
  if (fault !== undefined) return { fault: `mime: ${fault}` };
  const parameters = new Map<string, string>();
  for (let rest = semicolon < 0 ? "" : contentType.slice(semicolon); rest !== ""; ) {
    rest = rest.trimStart();
    if (rest === "") break;
    const found = parameterAt(rest);
    if (found === undefined) {
      // A semicolon at the end is common.
      if (rest.trim() === ";") break;
      return { fault: "mime: invalid media parameter" };
    }
    const before = parameters.get(found.name);
    if (before !== undefined && before !== found.value) return { fault: "mime: duplicate parameter name" };
    parameters.set(found.name, found.value);
    rest = rest.slice(found.length);
  }
  return { type: base };
}

/** One token alone is taken, too: that is how dispositions look. */
function faultOfBase(base: string): string | undefined {
  const type = tokenAt(base, 0);
  if (type === "") return "no media type";
  if (type.length === base.length) return undefined;
  if (base[type.length] !== "/") return "expected slash after first token";
  const subtype = tokenAt(base, type.length + 1);
  if (subtype === "") return "expected token after slash";
  return type.length + 1 + subtype.length === base.length ? undefined : "unexpected content after media subtype";
}

function parameterAt(text: string): { name: string; value: string; length: number } | undefined {
  if (text[0] !== ";") return undefined;
  let at = 1 + blanksAt(text, 1);
  const name = tokenAt(text, at);
  at += name.length;
  at += blanksAt(text, at);
  if (name === "" || text[at] !== "=") return undefined;
  at++;
  at += blanksAt(text, at);
  QUOTED.lastIndex = at;
  const quoted = QUOTED.exec(text);
  if (quoted !== null) {
    const value = (quoted[1] as string).replace(/\\(.)/g, "$1");
    return { name: name.toLowerCase(), value, length: at + quoted[0].length };
  }
  const value = tokenAt(text, at);
  return value === "" ? undefined : { name: name.toLowerCase(), value, length: at + value.length };
}

function tokenAt(text: string, at: number): string {
  TOKEN.lastIndex = at;
  return TOKEN.exec(text)?.[0] ?? "";
}

function blanksAt(text: string, at: number): number {
  return /^[ \t]*/.exec(text.slice(at))?.[0].length ?? 0;
}
