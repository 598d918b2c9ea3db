// How names beyond the old alphabet are written for readers that know only it.
// Source: the reference's escaping schemes (scrape specification, "Name validation and escaping").

export type EscapingScheme = "allow-utf-8" | "underscores" | "dots" | "values";

const LEGACY_METRIC = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LEGACY_CHARACTER = /[a-zA-Z0-9_:]/;

function isLegalAt(character: string, position: number): boolean {
  return LEGACY_CHARACTER.test(character) && !(position === 0 && character >= "0" && character <= "9");
}

/** The name under a scheme. Legal names stay as they are, except that "dots" doubles their underscores. */
export function escapeName(name: string, scheme: EscapingScheme): string {
  if (name === "" || scheme === "allow-utf-8") return name;
  const legal = LEGACY_METRIC.test(name);
  switch (scheme) {
    case "underscores":
      return legal ? name : mapName(name, (character, i) => (isLegalAt(character, i) ? character : "_"));
    case "dots":
      return mapName(name, (character, i) => {
        if (character === "_") return "__";
        if (character === ".") return "_dot_";
        return isLegalAt(character, i) ? character : "__";
      });
    case "values":
      return legal
        ? name
        : `U__${mapName(name, (character, i) => {
            if (character === "_") return "__";
            return isLegalAt(character, i) ? character : `_${(character.codePointAt(0) as number).toString(16)}_`;
          })}`;
  }
}

/** The name that the "values" scheme wrote as `escaped`; `escaped` itself where it was not written so. */
export function unescapeName(escaped: string): string {
  if (!escaped.startsWith("U__")) return escaped;
  let name = "";
  const body = escaped.slice(3);
  for (let i = 0; i < body.length; ) {
    if (body[i] !== "_") {
      name += body[i++];
      continue;
    }
    if (body[i + 1] === "_") {
      name += "_";
      i += 2;
      continue;
    }
    const end = body.indexOf("_", i + 1);
    const digits = end < 0 ? "" : body.slice(i + 1, end);
    if (!/^[0-9a-f]{1,6}$/.test(digits)) return escaped;
    const code = Number.parseInt(digits, 16);
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return escaped;
    name += String.fromCodePoint(code);
    i = end + 1;
  }
  return name;
}

function mapName(name: string, map: (character: string, position: number) => string): string {
  let out = "";
  let position = 0;
  for (const character of name) out += map(character, position++);
  return out;
}
