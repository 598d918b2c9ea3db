// Protobuf messages written from their end to their beginning: what stands within a message is written before its length, so that
// no length has to be known beforehand and nothing is copied.

const encoder = new TextEncoder();
const HALF = 0x1_0000_0000;

/** Bytes that grow towards the front. Fields of a message are given last one first. */
export class ProtobufEncoder {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #start = 1024;

  /** Number of bytes so far; the difference of two such numbers is what was written in between. */
  get length(): number {
    return this.#bytes.length - this.#start;
  }

  /** What was written, valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(this.#start);
  }

  clear(): void {
    this.#start = this.#bytes.length;
  }

  /** A field's number and wire type (0 varint, 1 eight bytes, 2 with length). */
  tag(field: number, wireType: 0 | 1 | 2): void {
    this.varint(field * 8 + wireType);
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    let size = 1;
    for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size++;
    this.#reserve(size);
    this.#start -= size;
    let at = this.#start;
    let rest = value;
    while (rest >= 128) {
      this.#bytes[at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[at] = rest;
  }

  /** A signed number within 2^52, small ones in few bytes. */
  zigzag(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  /** A signed number as `int64` holds it: negative ones take ten bytes. */
  int64(value: number): void {
    if (value >= 0) {
      this.varint(value);
      return;
    }
    let low = value % HALF;
    if (low < 0) low += HALF;
    let high = Math.floor(value / HALF);
    if (high < 0) high += HALF;
    this.#reserve(10);
    this.#start -= 10;
    for (let i = 0; i < 9; i++) {
      this.#bytes[this.#start + i] = (low & 127) | 128;
      low = ((low >>> 7) | ((high & 127) << 25)) >>> 0;
      high >>>= 7;
    }
    this.#bytes[this.#start + 9] = 1;
  }

  double(field: number, value: number): void {
    this.#reserve(8);
    this.#start -= 8;
    this.#view.setFloat64(this.#start, value, true);
    this.tag(field, 1);
  }

  uint(field: number, value: number): void {
    this.varint(value);
    this.tag(field, 0);
  }

  string(field: number, text: string): void {
    this.#reserve(text.length * 3);
    // Most texts are plain and need no encoder.
    const { length } = text;
    let i = length - 1;
    let at = this.#start;
    for (; i >= 0; i--) {
      const code = text.charCodeAt(i);
      if (code > 127) break;
      this.#bytes[--at] = code;
    }
    if (i >= 0) {
      const bytes = encoder.encode(text);
      at = this.#start - bytes.length;
      this.#bytes.set(bytes, at);
    }
    const size = this.#start - at;
    this.#start = at;
    this.varint(size);
    this.tag(field, 2);
  }

  /** Closes a message of which everything since `length` was `before` is the content. */
  message(field: number, before: number): void {
    this.varint(this.length - before);
    this.tag(field, 2);
  }

  #reserve(size: number): void {
    if (this.#start >= size) return;
    const used = this.length;
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, used + size));
    larger.set(this.view(), larger.length - used);
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
    this.#start = larger.length - used;
  }
}
