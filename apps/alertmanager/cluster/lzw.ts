// LZW as members of a cluster compress with it: eight-bit literals, codes of 9 to 12 bits, the lowest bits first, a clear code at the
// start, an end code at the end.
//
// Source of the format: Go's `compress/lzw` with `LSB` and a literal width of 8, which hashicorp/memberlist uses.

const CLEAR = 256;
const END = 257;
const FIRST_CODE = 258;
const MIN_WIDTH = 9;
const MAX_WIDTH = 12;
const MAX_CODES = 1 << MAX_WIDTH;

/** What is no compressed data, or more than was allowed. */
export class LzwError extends Error {
  override readonly name = "LzwError";
}

/** Slots of the table that finds `prefix code, next byte`; four times the codes that it can hold. */
const SLOTS = MAX_CODES * 4;
/** Used by one call at a time, which leaves nothing in them that the next one reads. */
const keys = new Int32Array(SLOTS);
const codes = new Uint16Array(SLOTS);

/** Returns the compressed bytes; they may be more than came in, by an eighth and a few. */
export function compressLzw(input: Uint8Array): Uint8Array {
  const out = new BitOutput(input.length + (input.length >> 1) + 8);
  keys.fill(-1);
  let width = MIN_WIDTH;
  /** The code that the next pair would get; it counts on although the end needs none. */
  let last = END;
  const step = (): boolean => {
    last++;
    if (last === 1 << width) width++;
    if (last < MAX_CODES - 1) return true;
    out.put(CLEAR, width);
    width = MIN_WIDTH;
    last = END;
    keys.fill(-1);
    return false;
  };
  out.put(CLEAR, width);
  if (input.length > 0) {
    let prefix = input[0] as number;
    for (let i = 1; i < input.length; i++) {
      const byte = input[i] as number;
      const key = (prefix << 8) | byte;
      let slot = ((key >> 12) ^ key) & (SLOTS - 1);
      while (keys[slot] !== -1 && keys[slot] !== key) slot = (slot + 1) & (SLOTS - 1);
      if (keys[slot] === key) {
        prefix = codes[slot] as number;
        continue;
      }
      out.put(prefix, width);
      prefix = byte;
      if (!step()) continue;
      keys[slot] = key;
      codes[slot] = last;
    }
    out.put(prefix, width);
    step();
  }
  out.put(END, width);
  return out.toBytes();
}

/**
 * Returns what was compressed, at most `maxBytes`. Throws an `LzwError` for more, for codes that cannot be, and when the end code is
 * missing. Memory grows with what comes out, never ahead of it by more than twice.
 */
export function decompressLzw(input: Uint8Array, maxBytes: number): Uint8Array {
  let out = new Uint8Array(Math.min(maxBytes, Math.max(256, input.length * 3)));
  let length = 0;
  // Every code stands for bytes that came out before: where they begin, and how many they are.
  const starts = new Int32Array(MAX_CODES);
  const lengths = new Int32Array(MAX_CODES);
  let width = MIN_WIDTH;
  /** The code that the next step defines. */
  let next = FIRST_CODE;
  /** Where the expansion before this one began; -1 after a clear code, when there is none. */
  let previous = -1;
  let bits = 0;
  let bitCount = 0;
  let position = 0;
  for (;;) {
    while (bitCount < width) {
      if (position >= input.length) throw new LzwError("the compressed data is cut off");
      bits |= (input[position++] as number) << bitCount;
      bitCount += 8;
    }
    const code = bits & ((1 << width) - 1);
    bits >>>= width;
    bitCount -= width;
    if (code === END) return out.subarray(0, length);
    if (code === CLEAR) {
      width = MIN_WIDTH;
      next = FIRST_CODE;
      previous = -1;
      continue;
    }
    const start = length;
    // The code that is being defined: the last expansion and its own first byte.
    const isNew = code === next && previous >= 0 && next < MAX_CODES;
    if (code >= FIRST_CODE && code >= next && !isNew) throw new LzwError(`code ${code} is not defined yet`);
    const count = code < CLEAR ? 1 : isNew ? length - previous + 1 : (lengths[code] as number);
    if (length + count > maxBytes) throw new LzwError(`more than ${maxBytes} bytes when decompressed`);
    if (length + count > out.length) {
      const grown = new Uint8Array(Math.min(maxBytes, Math.max(out.length * 2, length + count)));
      grown.set(out.subarray(0, length));
      out = grown;
    }
    if (code < CLEAR) out[length] = code;
    else {
      const from = isNew ? previous : (starts[code] as number);
      // Byte by byte: the source may reach into what is being written.
      for (let i = 0; i < count; i++) out[length + i] = out[from + i] as number;
    }
    length += count;
    if (previous >= 0 && next < MAX_CODES) {
      starts[next] = previous;
      lengths[next] = start - previous + 1;
      next++;
    }
    if (next === 1 << width && width < MAX_WIDTH) width++;
    previous = start;
  }
}

class BitOutput {
  #bytes: Uint8Array;
  #length = 0;
  #bits = 0;
  #count = 0;

  constructor(bytes: number) {
    this.#bytes = new Uint8Array(bytes);
  }

  put(code: number, width: number): void {
    this.#bits |= code << this.#count;
    this.#count += width;
    while (this.#count >= 8) {
      this.#byte(this.#bits & 0xff);
      this.#bits >>>= 8;
      this.#count -= 8;
    }
  }

  toBytes(): Uint8Array {
    if (this.#count > 0) this.#byte(this.#bits & 0xff);
    return this.#bytes.subarray(0, this.#length);
  }

  #byte(value: number): void {
    if (this.#length === this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes[this.#length++] = value;
  }
}
