// Reading numbers and text from bytes: fixed-width big-endian, varints, UTF-8.
import { EncodingError } from "./encoding-error.ts";

const decoder = new TextDecoder("utf-8");
const TWO_32 = 0x1_0000_0000;

/** From this many bytes on, the platform's decoder beats a loop. */
const DECODER_FROM_BYTES = 24;

/**
 * A cursor over `bytes[position..end)`. Every read that does not fit before `end` throws an `EncodingError`
 * ("truncated") and leaves the position somewhere inside. 64-bit values come as two halves in `high` and `low`.
 */
export class ByteReader {
  bytes: Uint8Array;
  position: number;
  /** Just behind the last byte that may be read. */
  end: number;
  /** Upper half of what the last `...64` read found, unsigned. */
  high = 0;
  /** Lower half of what the last `...64` read found, unsigned. */
  low = 0;

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
  }

  /** Points the cursor at other bytes, so that one cursor serves many records. */
  reset(bytes: Uint8Array, start: number = 0, end: number = bytes.length): this {
    this.bytes = bytes;
    this.position = start;
    this.end = end;
    return this;
  }

  /** How many bytes are left. */
  get remaining(): number {
    return this.end - this.position;
  }

  skip(count: number): void {
    if (!(count >= 0 && count <= this.end - this.position)) this.#truncated();
    this.position += count;
  }

  uint8(): number {
    if (this.position >= this.end) this.#truncated();
    return this.bytes[this.position++]!;
  }

  /** Big-endian. */
  uint16(): number {
    const i = this.#take(2);
    return (this.bytes[i]! << 8) | this.bytes[i + 1]!;
  }

  /** Big-endian, unsigned. */
  uint32(): number {
    const i = this.#take(4);
    const { bytes } = this;
    return ((bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!) >>> 0;
  }

  /** Big-endian, into `high` and `low`. */
  uint64(): void {
    this.high = this.uint32();
    this.low = this.uint32();
  }

  /** Big-endian, unsigned; throws ("overflow") above 2^53 - 1. */
  uint64Number(): number {
    this.uint64();
    if (this.high > 0x1fffff) this.#overflow();
    return this.high * TWO_32 + this.low;
  }

  /** A base-128 varint, unsigned; throws ("overflow") above 2^53 - 1. */
  uvarint(): number {
    const { bytes, end } = this;
    let i = this.position;
    if (i < end) {
      const first = bytes[i]!;
      if (first < 0x80) {
        this.position = i + 1;
        return first;
      }
    }
    // Up to four bytes fit integer arithmetic.
    if (end - i >= 4) {
      let small = (bytes[i]! & 0x7f) | ((bytes[i + 1]! & 0x7f) << 7);
      if (bytes[i + 1]! < 0x80) {
        this.position = i + 2;
        return small;
      }
      small |= (bytes[i + 2]! & 0x7f) << 14;
      if (bytes[i + 2]! < 0x80) {
        this.position = i + 3;
        return small;
      }
      if (bytes[i + 3]! < 0x80) {
        this.position = i + 4;
        return small | (bytes[i + 3]! << 21);
      }
    }
    let value = 0;
    let scale = 1;
    // Eight bytes hold 56 bits; what lies above 2^53 is refused below, and a ninth byte can only be more.
    for (let n = 0; n < 8; n++) {
      if (i >= end) this.#truncated();
      const byte = bytes[i++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) this.#overflow();
        this.position = i;
        return value;
      }
      scale *= 128;
    }
    return this.#overflow();
  }

  /** A zigzag varint, signed; throws ("overflow") beyond what a float holds exactly. */
  varint(): number {
    const { bytes, end } = this;
    const i = this.position;
    if (i < end) {
      const first = bytes[i]!;
      if (first < 0x80) {
        this.position = i + 1;
        return (first >>> 1) ^ -(first & 1);
      }
    }
    this.uvarint64();
    // value = zigzag >>> 1, xor all ones when the lowest bit is set.
    const negative = (this.low & 1) === 1;
    const low = ((this.low >>> 1) | (this.high << 31)) >>> 0;
    const high = this.high >>> 1;
    if (high > 0x1fffff) this.#overflow();
    const magnitude = high * TWO_32 + low;
    return negative ? -magnitude - 1 : magnitude;
  }

  /** A varint of up to 64 bits into `high` and `low`; throws ("overflow") for more. */
  uvarint64(): void {
    const { bytes, end } = this;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= end) this.#truncated();
      const byte = bytes[this.position++]!;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else {
        if (shift === 63 && byte > 1) this.#overflow();
        high |= bits << (shift - 32);
      }
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    this.#overflow();
  }

  /** A zigzag varint of up to 64 bits, as two's complement in `high` and `low`. */
  varint64(): void {
    this.uvarint64();
    const sign = -(this.low & 1);
    const low = (this.low >>> 1) | (this.high << 31);
    this.low = (low ^ sign) >>> 0;
    this.high = ((this.high >>> 1) ^ sign) >>> 0;
  }

  /** The next `count` bytes, as a view of the same memory. */
  view(count: number): Uint8Array {
    this.skip(count);
    return this.bytes.subarray(this.position - count, this.position);
  }

  /** The next `count` bytes as text; what is no UTF-8 becomes U+FFFD. */
  text(count: number): string {
    const start = this.position;
    this.skip(count);
    return decodeText(this.bytes, start, start + count);
  }

  /** Text behind its length (a varint), as the reference's files hold strings. */
  uvarintText(): string {
    return this.text(this.uvarint());
  }

  #take(count: number): number {
    const i = this.position;
    if (count > this.end - i) this.#truncated();
    this.position = i + count;
    return i;
  }

  #truncated(): never {
    throw new EncodingError("truncated", "input ends too early", this.position);
  }

  #overflow(): never {
    throw new EncodingError("overflow", "number too large", this.position);
  }
}

/** Decodes UTF-8; what is none becomes U+FFFD. Short ASCII, the usual label, is decoded without leaving JavaScript. */
export function decodeText(bytes: Uint8Array, start: number, end: number): string {
  if (end - start < DECODER_FROM_BYTES) {
    let text = "";
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!;
      if (byte >= 0x80) return decodeShared(bytes, start, end);
      text += String.fromCharCode(byte);
    }
    return text;
  }
  return decodeShared(bytes, start, end);
}

/** Decoders refuse views of shared memory, so those are copied first. */
function decodeShared(bytes: Uint8Array, start: number, end: number): string {
  const shared = typeof SharedArrayBuffer !== "undefined" && bytes.buffer instanceof SharedArrayBuffer;
  return decoder.decode(shared ? bytes.slice(start, end) : bytes.subarray(start, end));
}
