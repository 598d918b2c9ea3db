// Bytes in messages: quoted the way Go's `%q` quotes, so that operators read the texts they know.

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;
const SHORT_ESCAPES: Readonly<Record<string, string>> = {
  "\x07": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** Longest stretch of a body that a message repeats, in bytes; beyond it the middle is left out. */
export const MAX_QUOTED_BYTES = 1024;

/** `bytes[start, end)` in double quotes; bytes that are no UTF-8 appear as `\xff`. At most `MAX_QUOTED_BYTES` of them. */
export function quoteBytes(bytes: Uint8Array, start: number, end: number): string {
  if (end - start > MAX_QUOTED_BYTES) {
    const half = MAX_QUOTED_BYTES >> 1;
    return `${quoteBytes(bytes, start, start + half).slice(0, -1)}...${quoteBytes(bytes, end - half, end).slice(1)}`;
  }
  let text = '"';
  let at = start;
  while (at < end) {
    const length = sequenceLength(bytes, at, end);
    if (length === 0) {
      text += `\\x${hex(bytes[at] as number, 2)}`;
      at++;
      continue;
    }
    text += quoteCharacter(Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString("utf8"));
    at += length;
  }
  return `${text}"`;
}

/** `text` in double quotes, as `quoteBytes` does it. */
export function quoteText(text: string): string {
  let quoted = '"';
  for (const character of text) quoted += quoteCharacter(character);
  return `${quoted}"`;
}

function quoteCharacter(character: string): string {
  const short = SHORT_ESCAPES[character];
  if (short !== undefined) return short;
  if (PRINTABLE.test(character)) return character;
  const code = character.codePointAt(0) as number;
  if (code < 0x80) return `\\x${hex(code, 2)}`;
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, "0");
}

/** Length of the UTF-8 sequence at `at`, or 0 when there is none: overlong forms and surrogates count as none. */
function sequenceLength(bytes: Uint8Array, at: number, end: number): number {
  const first = bytes[at] as number;
  if (first < 0x80) return 1;
  const length =
    first >= 0xf0 && first <= 0xf4 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 0;
  if (length === 0 || at + length > end) return 0;
  for (let i = 1; i < length; i++) if (((bytes[at + i] as number) & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1] as number;
  if (first === 0xe0 && second < 0xa0) return 0;
  if (first === 0xed && second > 0x9f) return 0;
  if (first === 0xf0 && second < 0x90) return 0;
  if (first === 0xf4 && second > 0x8f) return 0;
  return length;
}
