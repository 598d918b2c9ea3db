// Bits, most significant first, as chunks are written.

/** A growing run of bits. `bytes[0..length)` is what was written; the last byte may be filled only in part. */
export class BitWriter {
  bytes: Uint8Array;
  /** Bytes in use, a partly filled last one included. */
  length = 0;
  /** How many low bits of the last byte are still free, 0 to 7. */
  #free = 0;

  constructor(capacity: number = 128) {
    this.bytes = new Uint8Array(Math.max(16, capacity));
  }

  clear(): void {
    this.length = 0;
    this.#free = 0;
  }

  get bitLength(): number {
    return this.length * 8 - this.#free;
  }

  bit(bit: number): void {
    this.bits(bit, 1);
  }

  /** The lowest `count` bits of `value`, 0 to 32. */
  bits(value: number, count: number): void {
    if (this.bytes.length - this.length < 8) this.#grow();
    const { bytes } = this;
    let left = count;
    if (this.#free > 0 && left > 0) {
      const taken = Math.min(left, this.#free);
      const piece = (value >>> (left - taken)) & ((1 << taken) - 1);
      bytes[this.length - 1]! |= piece << (this.#free - taken);
      this.#free -= taken;
      left -= taken;
    }
    while (left >= 8) {
      left -= 8;
      bytes[this.length++] = value >>> left;
    }
    if (left > 0) {
      bytes[this.length++] = (value << (8 - left)) & 0xff;
      this.#free = 8 - left;
    }
  }

  /** The lowest `count` bits, 0 to 64, of a value in two halves. */
  bits64(high: number, low: number, count: number): void {
    if (count > 32) {
      this.bits(high, count - 32);
      this.bits(low, 32);
    } else this.bits(low, count);
  }

  /** One byte, wherever the last one ended. */
  byte(value: number): void {
    this.bits(value, 8);
  }

  /** A base-128 varint, byte by byte, of a value in two halves. */
  uvarint64(high: number, low: number): void {
    high >>>= 0;
    low >>>= 0;
    while (high !== 0 || low >= 0x80) {
      this.bits((low & 0x7f) | 0x80, 8);
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.bits(low, 8);
  }

  /** A zigzag varint of a two's complement value in two halves. */
  varint64(high: number, low: number): void {
    const sign = high >> 31;
    this.uvarint64(((high << 1) | (low >>> 31)) ^ sign, (low << 1) ^ sign);
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  #grow(): void {
    const grown = new Uint8Array(this.bytes.length * 2);
    grown.set(this.bytes);
    this.bytes = grown;
  }
}
