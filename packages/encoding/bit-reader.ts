// Bits, most significant first, as chunks are read.

/**
 * A cursor over the bits of `bytes[start..end)`. Reading past the end gives zeros and sets `overrun`, so that a loop
 * over a chunk checks once, behind the loop, rather than at every bit.
 */
export class BitReader {
  /** Set once more was read than there is: whatever was read since the last check is worthless. */
  overrun = false;
  /** Upper half of what the last `...64` read found, unsigned. */
  high = 0;
  /** Lower half of what the last `...64` read found, unsigned. */
  low = 0;
  #bytes: Uint8Array;
  #position: number;
  #end: number;
  /** Up to 32 bits fetched but not read yet: the lowest `#count` bits. */
  #window = 0;
  #count = 0;

  constructor(bytes: Uint8Array, start: number = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
  }

  /** Points the cursor at other bytes, so that one cursor serves many chunks. */
  reset(bytes: Uint8Array, start: number = 0, end: number = bytes.length): this {
    this.#bytes = bytes;
    this.#position = start;
    this.#end = end;
    this.#window = 0;
    this.#count = 0;
    this.overrun = false;
    return this;
  }

  /** How many bits are left. */
  get remainingBits(): number {
    return (this.#end - this.#position) * 8 + this.#count;
  }

  bit(): number {
    if (this.#count === 0) this.#fetch();
    this.#count--;
    return (this.#window >>> this.#count) & 1;
  }

  /** The next `count` bits, 0 to 32, as an unsigned number. */
  bits(count: number): number {
    if (count <= this.#count) {
      this.#count -= count;
      // Shifts count modulo 32, so all 32 bits need no mask and none need no shift.
      const value = this.#window >>> this.#count;
      return count === 32 ? value : (value & ((1 << count) - 1)) >>> 0;
    }
    const had = this.#count;
    const head = had === 0 ? 0 : had === 32 ? this.#window : this.#window & ((1 << had) - 1);
    const rest = count - had;
    this.#fetch();
    if (this.#count < rest) {
      // Less than a whole word was left: the end of the input is close.
      return this.#acrossEnd(head, rest);
    }
    this.#count -= rest;
    const tail = rest === 32 ? this.#window : (this.#window >>> this.#count) & ((1 << rest) - 1);
    return (rest === 32 ? tail : (head << rest) | tail) >>> 0;
  }

  /** The next `count` bits, 0 to 64, into `high` and `low`. */
  bits64(count: number): void {
    this.high = count > 32 ? this.bits(count - 32) : 0;
    this.low = this.bits(Math.min(count, 32));
  }

  /** A base-128 varint of up to 64 bits into `high` and `low`; one that goes on beyond sets `overrun`. */
  uvarint64(): void {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.bits(8);
      const payload = byte & 0x7f;
      if (shift < 28) low |= payload << shift;
      else if (shift === 28) {
        low |= payload << 28;
        high |= payload >>> 4;
      } else {
        if (shift === 63 && byte > 1) break;
        high |= payload << (shift - 32);
      }
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    this.overrun = true;
    this.low = 0;
    this.high = 0;
  }

  /** A zigzag varint of up to 64 bits, as two's complement in `high` and `low`. */
  varint64(): void {
    this.uvarint64();
    const sign = -(this.low & 1);
    const low = (this.low >>> 1) | (this.high << 31);
    this.low = (low ^ sign) >>> 0;
    this.high = ((this.high >>> 1) ^ sign) >>> 0;
  }

  /** Fetches up to 32 bits into an empty window. */
  #fetch(): void {
    const bytes = this.#bytes;
    const i = this.#position;
    if (this.#end - i >= 4) {
      this.#window = (bytes[i]! << 24) | (bytes[i + 1]! << 16) | (bytes[i + 2]! << 8) | bytes[i + 3]!;
      this.#position = i + 4;
      this.#count = 32;
      return;
    }
    let window = 0;
    let count = 0;
    for (let j = i; j < this.#end; j++) {
      window = (window << 8) | bytes[j]!;
      count += 8;
    }
    this.#position = this.#end;
    if (count === 0) {
      this.overrun = true;
      count = 32;
    }
    this.#window = window;
    this.#count = count;
  }

  #acrossEnd(head: number, rest: number): number {
    const had = this.#count;
    const piece = this.#window & ((1 << had) - 1);
    const missing = rest - had;
    this.#count = 0;
    this.overrun = true;
    const value = (head << had) | piece;
    return (missing === 32 ? 0 : value << missing) >>> 0;
  }
}
