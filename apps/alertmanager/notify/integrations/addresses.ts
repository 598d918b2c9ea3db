// Lists of mail addresses, as `From` and `To` have them: `A Person <a@b.c>, d@e.f`.

const ATOM = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~\\u0080-\\uffff]+";
const QUOTED = '"(?:[^"\\\\]|\\\\.)*"';
const LOCAL = `(?:${ATOM}(?:\\.${ATOM})*|${QUOTED})`;
const DOMAIN = `(?:${ATOM}(?:\\.${ATOM})*|\\[[^\\]]*\\])`;
const ADDRESS = `${LOCAL}@${DOMAIN}`;
const ENTRY = new RegExp(
  `\\s*(?:(?:(?:${QUOTED}|${ATOM}(?:[ .]+${ATOM})*\\.?)\\s*)?<(${ADDRESS})>|(${ADDRESS}))\\s*(?:,|$)`,
  "y",
);

/** The addresses alone; or what is wrong. */
export function parseAddresses(text: string): string[] | string {
  const found: string[] = [];
  if (text.trim() === "") return "mail: no address";
  for (let at = 0; at < text.length; ) {
    // Empty entries between commas are passed over.
    const blank = /\s*,\s*/y;
    blank.lastIndex = at;
    const skipped = blank.exec(text);
    if (skipped !== null) {
      at += skipped[0].length;
      continue;
    }
    ENTRY.lastIndex = at;
    const match = ENTRY.exec(text);
    if (match === null) {
      const rest = text.slice(at).trim();
      return rest === "" && found.length > 0 ? found : `mail: cannot parse ${JSON.stringify(rest)} as an address`;
    }
    found.push((match[1] ?? match[2]) as string);
    at += match[0].length;
  }
  return found;
}
