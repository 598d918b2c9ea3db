// Double-quoted texts as Go reads them.

const ESCAPE = /\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/y;
const SHORT: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 0x5c,
  '"': 0x22,
};

/** The text inside the quotes; undefined for what Go refuses, and for bytes that are no UTF-8. */
export function unquoteGo(quoted: string): string | undefined {
  const body = quoted.slice(1, -1);
  if (body.includes("\n")) return undefined;
  if (!body.includes("\\")) return body;
  const bytes: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const slash = body.indexOf("\\", at);
    if (slash !== at) {
      const end = slash < 0 ? body.length : slash;
      bytes.push(Buffer.from(body.slice(at, end)));
      at = end;
      continue;
    }
    ESCAPE.lastIndex = at;
    const match = ESCAPE.exec(body);
    if (match === null) return undefined;
    const part = bytesOf(match);
    if (part === undefined) return undefined;
    bytes.push(part);
    at += match[0].length;
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(bytes));
  } catch {
    return undefined;
  }
}

function bytesOf([, short, hex, four, eight, octal]: RegExpExecArray): Buffer | undefined {
  if (short !== undefined) return Buffer.of(SHORT[short] as number);
  if (hex !== undefined) return Buffer.of(Number.parseInt(hex, 16));
  if (octal !== undefined) {
    const byte = Number.parseInt(octal, 8);
    return byte > 255 ? undefined : Buffer.of(byte);
  }
  const code = Number.parseInt((four ?? eight) as string, 16);
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return Buffer.from(String.fromCodePoint(code));
}
