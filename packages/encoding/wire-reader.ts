// Reading the protobuf wire format, field by field, without a schema: remote write and read, expositions, metadata.
// Source: https://protobuf.dev/programming-guides/encoding/
import { ByteReader } from "./byte-reader.ts";
import { EncodingError } from "./encoding-error.ts";

/** How a field's value is laid out. Groups (3 and 4) are long deprecated and are refused. */
export const WireType = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;
export type WireType = (typeof WireType)[keyof typeof WireType];

const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);
const single = new Float32Array(1);
const singleBits = new Uint32Array(single.buffer);

/**
 * A cursor over the fields of a message:
 * ```ts
 * for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
 *   if (field === 1) name = reader.textField();
 *   else if (field === 2) {
 *     const outer = reader.enter();
 *     readSample(reader); // another such loop
 *     reader.leave(outer);
 *   } else reader.skipField();
 * }
 * ```
 * Each field must be read or skipped before the next. A value of another wire type than the one asked for, and
 * anything else that is wrong, throws an `EncodingError`.
 */
export class WireReader extends ByteReader {
  /** Number of the current field. */
  field = 0;
  wireType: WireType = WireType.varint;

  /** Moves to the next field of the current message and returns its number, 0 at the end. */
  nextField(): number {
    if (this.position >= this.end) return 0;
    const tag = this.uvarint();
    const type = tag & 7;
    this.field = Math.floor(tag / 8);
    if (this.field === 0 || tag > 0xffff_ffff) this.#corrupt("invalid field number");
    if (type !== 0 && type !== 1 && type !== 2 && type !== 5) this.#corrupt(`unknown wire type ${type}`);
    this.wireType = type as WireType;
    return this.field;
  }

  /** Passes over the current field. */
  skipField(): void {
    switch (this.wireType) {
      case WireType.varint:
        this.uvarint64();
        break;
      case WireType.fixed64:
        this.skip(8);
        break;
      case WireType.bytes:
        this.skip(this.uvarint());
        break;
      case WireType.fixed32:
        this.skip(4);
        break;
    }
  }

  /** Enters a nested message or packed list; returns what `leave` needs. Until then, `end` is the end inside. */
  enter(): number {
    this.#expect(WireType.bytes);
    const length = this.uvarint();
    const outer = this.end;
    if (length > outer - this.position) this.#truncated();
    this.end = this.position + length;
    return outer;
  }

  /** Leaves what was entered, passing over what was not read. */
  leave(outer: number): void {
    this.position = this.end;
    this.end = outer;
  }

  /** `uint32`, `uint64` up to 2^53 - 1, enumerations. */
  uintField(): number {
    this.#expect(WireType.varint);
    return this.uvarint();
  }

  /** `int32`, `int64` within what a float holds exactly; throws ("overflow") beyond. */
  intField(): number {
    this.#expect(WireType.varint);
    return this.packedInt();
  }

  /** `sint32`, `sint64` within what a float holds exactly; throws ("overflow") beyond. */
  sintField(): number {
    this.#expect(WireType.varint);
    return this.varint();
  }

  boolField(): boolean {
    this.#expect(WireType.varint);
    this.uvarint64();
    return (this.high | this.low) !== 0;
  }

  /** `uint64`, `int64` of any size, into `high` and `low`. */
  varint64Field(): void {
    this.#expect(WireType.varint);
    this.uvarint64();
  }

  /** A double by its bits, into `high` and `low`: the stale marker survives only so. */
  doubleBitsField(): void {
    this.#expect(WireType.fixed64);
    this.packedDoubleBits();
  }

  doubleField(): number {
    this.#expect(WireType.fixed64);
    return this.packedDouble();
  }

  floatField(): number {
    this.#expect(WireType.fixed32);
    singleBits[0] = this.#littleEndian32();
    return single[0] as number;
  }

  /** `fixed32`. */
  fixed32Field(): number {
    this.#expect(WireType.fixed32);
    return this.#littleEndian32();
  }

  /** A view of the input. */
  bytesField(): Uint8Array {
    this.#expect(WireType.bytes);
    return this.view(this.uvarint());
  }

  textField(): string {
    this.#expect(WireType.bytes);
    return this.text(this.uvarint());
  }

  /** One `int64` of a packed list. */
  packedInt(): number {
    const { position } = this;
    if (position < this.end && (this.bytes[position] as number) < 0x80) {
      this.position++;
      return this.bytes[position] as number;
    }
    this.uvarint64();
    const value = (this.high | 0) * 0x1_0000_0000 + this.low;
    if (!Number.isSafeInteger(value)) throw new EncodingError("overflow", "number too large", this.position);
    return value;
  }

  /** One `double` of a packed list. */
  packedDouble(): number {
    this.packedDoubleBits();
    halves[0] = this.low;
    halves[1] = this.high;
    return float[0] as number;
  }

  /** One `double` of a packed list, as bits in `high` and `low`. */
  packedDoubleBits(): void {
    this.low = this.#littleEndian32();
    this.high = this.#littleEndian32();
  }

  #littleEndian32(): number {
    const i = this.position;
    this.skip(4);
    const { bytes } = this;
    return (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)) >>> 0;
  }

  #expect(type: WireType): void {
    if (this.wireType !== type) this.#corrupt(`field ${this.field} has wire type ${this.wireType} instead of ${type}`);
  }

  #truncated(): never {
    throw new EncodingError("truncated", "input ends too early", this.position);
  }

  #corrupt(message: string): never {
    throw new EncodingError("corrupt", message, this.position);
  }
}
