// Writing numbers and text as bytes: fixed-width big-endian, varints, UTF-8.

const encoder = new TextEncoder();
const TWO_32 = 0x1_0000_0000;

/** Up to this many characters, a loop beats the platform's encoder. */
const LOOP_UP_TO_CHARS = 32;

/**
 * A buffer that grows by doubling and is used again after `clear`. `bytes[0..length)` is what was written; `bytes` is
 * replaced when it grows, so take it again after each write. Numbers must be within what their method says: they come
 * from our own side and are not checked.
 */
export class ByteWriter {
  bytes: Uint8Array;
  length = 0;
  #view: DataView;

  constructor(capacity: number = 256) {
    this.bytes = new Uint8Array(Math.max(16, capacity));
    this.#view = new DataView(this.bytes.buffer);
  }

  clear(): void {
    this.length = 0;
  }

  /** Makes room for `extra` more bytes, for callers that write into `bytes` themselves and then move `length`. */
  reserve(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** What was written, as a view that the next write may overwrite. */
  view(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  uint8(value: number): void {
    if (this.length === this.bytes.length) this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** Big-endian. */
  uint16(value: number): void {
    this.reserve(2);
    this.bytes[this.length++] = value >>> 8;
    this.bytes[this.length++] = value;
  }

  /** Big-endian. */
  uint32(value: number): void {
    this.reserve(4);
    const { bytes } = this;
    const i = this.length;
    bytes[i] = value >>> 24;
    bytes[i + 1] = value >>> 16;
    bytes[i + 2] = value >>> 8;
    bytes[i + 3] = value;
    this.length = i + 4;
  }

  /** Big-endian, from two halves. */
  uint64(high: number, low: number): void {
    this.uint32(high);
    this.uint32(low);
  }

  /** Big-endian two's complement of an integer that a float holds exactly. */
  int64Number(value: number): void {
    this.uint64(Math.floor(value / TWO_32), value);
  }

  /** The bits of a float, big-endian. A NaN may lose its payload; pass those as halves to `uint64`. */
  float64(value: number): void {
    this.reserve(8);
    this.#view.setFloat64(this.length, value);
    this.length += 8;
  }

  /** A base-128 varint of an integer, 0 to 2^53 - 1. */
  uvarint(value: number): void {
    if (this.bytes.length - this.length < 10) this.reserve(10);
    const { bytes } = this;
    let i = this.length;
    while (value >= 0x1000_0000) {
      bytes[i++] = (value % 128) | 0x80;
      value = Math.floor(value / 128);
    }
    while (value >= 0x80) {
      bytes[i++] = (value & 0x7f) | 0x80;
      value >>>= 7;
    }
    bytes[i++] = value;
    this.length = i;
  }

  /** A zigzag varint of an integer from -2^53 to 2^53. */
  varint(value: number): void {
    if (value >= -0x4000_0000 && value < 0x4000_0000) {
      this.uvarint(((value << 1) ^ (value >> 31)) >>> 0);
      return;
    }
    this.varint64(Math.floor(value / TWO_32) >>> 0, value >>> 0);
  }

  /** A varint of 64 bits given as two halves. */
  uvarint64(high: number, low: number): void {
    this.reserve(10);
    const { bytes } = this;
    let i = this.length;
    high >>>= 0;
    low >>>= 0;
    while (high !== 0) {
      bytes[i++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    while (low >= 0x80) {
      bytes[i++] = (low & 0x7f) | 0x80;
      low >>>= 7;
    }
    bytes[i++] = low;
    this.length = i;
  }

  /** A zigzag varint of 64 bits in two's complement, given as two halves. */
  varint64(high: number, low: number): void {
    const sign = high >> 31;
    this.uvarint64(((high << 1) | (low >>> 31)) ^ sign, (low << 1) ^ sign);
  }

  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** UTF-8, without a length. Returns the number of bytes. Lone surrogates become U+FFFD. */
  text(text: string): number {
    const start = this.length;
    this.reserve(text.length * 3);
    if (text.length <= LOOP_UP_TO_CHARS) {
      const { bytes } = this;
      let i = 0;
      for (; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (code >= 0x80) break;
        bytes[start + i] = code;
      }
      if (i === text.length) {
        this.length = start + i;
        return i;
      }
    }
    const { written } = encoder.encodeInto(text, this.bytes.subarray(start));
    this.length = start + written;
    return written;
  }

  /** UTF-8 behind its length in bytes (a varint), as the reference's files hold strings. */
  uvarintText(text: string): void {
    const start = this.length;
    // Nearly always the length takes one byte; else the text moves up to make room for the rest of it.
    this.uint8(0);
    const written = this.text(text);
    if (written < 0x80) {
      this.bytes[start] = written;
      return;
    }
    const lengthBytes = uvarintBytes(written);
    this.reserve(lengthBytes);
    this.bytes.copyWithin(start + lengthBytes, start + 1, this.length);
    this.length = start;
    this.uvarint(written);
    this.length += written;
  }
}

/** How many bytes the varint of an integer takes, 0 to 2^53 - 1. */
export function uvarintBytes(value: number): number {
  let bytes = 1;
  while (value >= 0x80) {
    value = Math.floor(value / 128);
    bytes++;
  }
  return bytes;
}
