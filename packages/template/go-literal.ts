// Go's literals of strings, characters and numbers.

const ESCAPES: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  "'": "'",
  '"': '"',
};

/** The text of a quoted literal (`"…"`, `` `…` `` or `'…'`); undefined when an escape is none. */
export function unquote(literal: string): string | undefined {
  const inner = literal.slice(1, -1);
  if (literal.startsWith("`")) return inner.replaceAll("\r", "");
  let text = "";
  for (let i = 0; i < inner.length; i++) {
    const character = inner[i] as string;
    if (character !== "\\") {
      text += character;
      continue;
    }
    const next = inner[++i] ?? "";
    const simple = ESCAPES[next];
    if (simple !== undefined) {
      text += simple;
      continue;
    }
    const digits = next === "x" ? 2 : next === "u" ? 4 : next === "U" ? 8 : /[0-7]/.test(next) ? 3 : 0;
    const octal = digits === 3;
    const written = octal ? inner.slice(i, i + 3) : inner.slice(i + 1, i + 1 + digits);
    const valid = octal ? /^[0-7]{3}$/ : /^[0-9a-fA-F]+$/;
    if (digits === 0 || written.length !== digits || !valid.test(written)) return undefined;
    const code = Number.parseInt(written, octal ? 8 : 16);
    if (code > 0x10ffff) return undefined;
    text += String.fromCodePoint(code);
    i += octal ? 2 : digits;
  }
  return text;
}

/** An integer as bigint, anything else as number; undefined when it is no number. */
export function parseNumber(literal: string): number | bigint | undefined {
  const plain = literal.replaceAll("_", "");
  if (/^[+-]?\d+$/.test(plain)) {
    const legacyOctal = /^[+-]?0[0-7]+$/.test(plain);
    return legacyOctal ? BigInt(Number.parseInt(plain, 8)) : BigInt(plain);
  }
  const radix = /^([+-]?)(0[xXbBoO][0-9a-fA-F]+)$/.exec(plain);
  if (radix !== null) return (radix[1] === "-" ? -1n : 1n) * BigInt(radix[2] as string);
  const value = Number(plain);
  return Number.isNaN(value) ? undefined : value;
}
