// Strings out of bytes: exposition repeats the same few names and values, so most are found instead of made.

const SLOTS = 8192;
const MAX_INTERNED_BYTES = 96;

/** Turns bytes into strings through a direct-mapped cache of 8,192 strings of at most 96 characters. */
export class TextInterner {
  readonly #slots: (string | undefined)[] = new Array(SLOTS).fill(undefined);

  /** The text of `bytes[start, end)`; bytes that are no UTF-8 become U+FFFD. */
  text(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    if (length === 0) return "";
    let hash = length;
    let high = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      hash = Math.imul(hash ^ byte, 0x01000193);
      high |= byte;
    }
    if (high >= 0x80) return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("utf8");
    if (length > MAX_INTERNED_BYTES) {
      return Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("latin1");
    }
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#slots[slot];
    if (known !== undefined && isAsciiAt(known, bytes, start, length)) return known;
    const made = Buffer.from(bytes.buffer, bytes.byteOffset + start, length).toString("latin1");
    this.#slots[slot] = made;
    return made;
  }
}

function isAsciiAt(text: string, bytes: Uint8Array, start: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}
