// The few shapes of MessagePack that members of a cluster speak: maps of named fields with texts, bytes, numbers and flags.
//
// Written is the older form of the format, in which texts and bytes are one kind ("raw"), as hashicorp/memberlist writes it; read are
// both forms.

/** No message has as many fields. */
const MAX_FIELDS = 64;
/** How deep a value may be nested that is passed over. */
const MAX_DEPTH = 8;

const FIRST = { fixMap: 0x80, fixArray: 0x90, fixRaw: 0xa0, negative: 0xe0 } as const;
const BYTE = { nil: 0xc0, no: 0xc2, yes: 0xc3, u8: 0xcc, u16: 0xcd, u32: 0xce, raw16: 0xda, raw32: 0xdb } as const;

/** What is no message. `isCut`: it may become one when more bytes follow. */
export class MsgpackError extends Error {
  override readonly name = "MsgpackError";
  readonly isCut: boolean;

  constructor(message: string, isCut = false) {
    super(message);
    this.isCut = isCut;
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Writes into a buffer that grows; the bytes belong to whoever asks for them at the end. */
export class MsgpackWriter {
  #bytes = new Uint8Array(128);
  #length = 0;

  /** At most 15 fields follow, each a text and a value. */
  map(fields: number): void {
    this.#put(FIRST.fixMap | fields);
  }

  bool(value: boolean): void {
    this.#put(value ? BYTE.yes : BYTE.no);
  }

  /** An integer from 0 to 2^32 - 1. */
  uint(value: number): void {
    if (value < 0x80) this.#put(value);
    else if (value < 0x100) this.#put(BYTE.u8, value);
    else if (value < 0x10000) this.#put(BYTE.u16, value >> 8, value);
    else this.#put(BYTE.u32, value >>> 24, value >>> 16, value >>> 8, value);
  }

  text(text: string): void {
    this.raw(encoder.encode(text));
  }

  raw(bytes: Uint8Array): void {
    const { length } = bytes;
    if (length < 32) this.#put(FIRST.fixRaw | length);
    else if (length < 0x10000) this.#put(BYTE.raw16, length >> 8, length);
    else this.#put(BYTE.raw32, length >>> 24, length >>> 16, length >>> 8, length);
    this.append(bytes);
  }

  /** Bytes as they are. */
  append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  byte(value: number): void {
    this.#put(value);
  }

  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
  }

  #put(...values: number[]): void {
    this.#reserve(values.length);
    for (const value of values) this.#bytes[this.#length++] = value;
  }

  #reserve(count: number): void {
    const needed = this.#length + count;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}

/** Reads from bytes that are not copied: what `raw` returns is a view of them. Throws a `MsgpackError`. */
export class MsgpackReader {
  readonly #bytes: Uint8Array;
  position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.position;
  }

  /** Calls `take` for each field of a map; what it does not take (it returns false) is passed over. */
  fields(take: (name: string) => boolean): void {
    const count = this.#mapLength();
    if (count > MAX_FIELDS) throw new MsgpackError(`a message of ${count} fields`);
    for (let i = 0; i < count; i++) if (!take(this.text(MAX_FIELDS))) this.#skip(0);
  }

  /** Nil is the empty text. */
  text(maxBytes: number): string {
    try {
      return decoder.decode(this.raw(maxBytes));
    } catch (error) {
      if (error instanceof MsgpackError) throw error;
      throw new MsgpackError("a text that is not UTF-8");
    }
  }

  /** Text or bytes; nil is none. */
  raw(maxBytes: number): Uint8Array {
    const length = this.#rawLength(this.#byte());
    if (length === undefined) throw new MsgpackError("bytes expected");
    if (length > maxBytes) throw new MsgpackError(`${length} bytes where at most ${maxBytes} may be`);
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  bool(): boolean {
    const byte = this.#byte();
    if (byte !== BYTE.yes && byte !== BYTE.no) throw new MsgpackError("a flag expected");
    return byte === BYTE.yes;
  }

  /** A whole number from 0 to `max`. */
  uint(max = 0xffffffff): number {
    const value = this.#integer(this.#byte());
    if (value === undefined || value < 0 || value > max) throw new MsgpackError("a number out of its range");
    return value;
  }

  #mapLength(): number {
    const byte = this.#byte();
    if (byte >= FIRST.fixMap && byte < FIRST.fixArray) return byte & 0x0f;
    if (byte === 0xde) return this.#number(2);
    if (byte === 0xdf) return this.#number(4);
    throw new MsgpackError("a map expected");
  }

  #rawLength(byte: number): number | undefined {
    if (byte === BYTE.nil) return 0;
    if (byte >= FIRST.fixRaw && byte < BYTE.nil) return byte & 0x1f;
    if (byte === 0xd9 || byte === 0xc4) return this.#number(1);
    if (byte === BYTE.raw16 || byte === 0xc5) return this.#number(2);
    if (byte === BYTE.raw32 || byte === 0xc6) return this.#number(4);
    return undefined;
  }

  #integer(byte: number): number | undefined {
    if (byte < 0x80) return byte;
    if (byte >= FIRST.negative) return byte - 0x100;
    if (byte >= 0xcc && byte <= 0xcf) return this.#number(1 << (byte - 0xcc));
    if (byte < 0xd0 || byte > 0xd3) return undefined;
    const width = 1 << (byte - 0xd0);
    const value = this.#number(width);
    return value >= 2 ** (8 * width - 1) ? value - 2 ** (8 * width) : value;
  }

  #skip(depth: number): void {
    if (depth > MAX_DEPTH) throw new MsgpackError("a value nested too deeply");
    const byte = this.#byte();
    if (byte === BYTE.no || byte === BYTE.yes) return;
    const length = this.#rawLength(byte);
    if (length !== undefined) {
      this.#take(length);
      return;
    }
    if (this.#integer(byte) !== undefined) return;
    if (byte === 0xca || byte === 0xcb) {
      this.#take(byte === 0xca ? 4 : 8);
      return;
    }
    let values: number;
    if (byte < FIRST.fixArray) values = 2 * (byte & 0x0f);
    else if (byte < FIRST.fixRaw) values = byte & 0x0f;
    else if (byte >= 0xdc && byte <= 0xdf) values = this.#number(byte & 1 ? 4 : 2) * (byte < 0xde ? 1 : 2);
    else throw new MsgpackError(`a value of an unknown kind (${byte})`);
    // Each takes at least one byte, so that the count alone makes no work.
    for (let i = 0; i < values; i++) this.#skip(depth + 1);
  }

  #byte(): number {
    return this.#bytes[this.#take(1)] as number;
  }

  #number(width: number): number {
    const start = this.#take(width);
    let value = 0;
    for (let i = 0; i < width; i++) value = value * 256 + (this.#bytes[start + i] as number);
    return value;
  }

  #take(count: number): number {
    if (count > this.remaining) throw new MsgpackError("the message is cut off", true);
    const start = this.position;
    this.position += count;
    return start;
  }
}
