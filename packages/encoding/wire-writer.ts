// Writing the protobuf wire format, field by field, without a schema.
import { ByteWriter, uvarintBytes } from "./byte-writer.ts";
import { WireType } from "./wire-reader.ts";

const float = new Float64Array(1);
const halves = new Uint32Array(float.buffer);

/**
 * A buffer to which fields are appended; values are written even when they are defaults, so leave those out yourself
 * where the format wants that. Nested messages stand between `begin` and `end`.
 */
export class WireWriter extends ByteWriter {
  tag(field: number, type: WireType): void {
    this.uvarint(field * 8 + type);
  }

  /** `uint32`, `uint64` up to 2^53 - 1, enumerations, booleans. */
  uintField(field: number, value: number): void {
    this.tag(field, WireType.varint);
    this.uvarint(value);
  }

  /** `int32`, `int64` of an integer that a float holds exactly. */
  intField(field: number, value: number): void {
    this.tag(field, WireType.varint);
    this.packedInt(value);
  }

  /** `sint32`, `sint64` of an integer that a float holds exactly. */
  sintField(field: number, value: number): void {
    this.tag(field, WireType.varint);
    this.varint(value);
  }

  /** `uint64`, `int64` given as halves. */
  varint64Field(field: number, high: number, low: number): void {
    this.tag(field, WireType.varint);
    this.uvarint64(high, low);
  }

  doubleField(field: number, value: number): void {
    this.tag(field, WireType.fixed64);
    this.packedDouble(value);
  }

  /** A double by its bits. */
  doubleBitsField(field: number, high: number, low: number): void {
    this.tag(field, WireType.fixed64);
    this.packedDoubleBits(high, low);
  }

  bytesField(field: number, bytes: Uint8Array): void {
    this.tag(field, WireType.bytes);
    this.uvarint(bytes.length);
    this.raw(bytes);
  }

  textField(field: number, text: string): void {
    this.tag(field, WireType.bytes);
    this.uvarintText(text);
  }

  /** Begins a nested message or packed list; returns what `end` needs. */
  begin(field: number): number {
    this.tag(field, WireType.bytes);
    this.uint8(0);
    return this.length;
  }

  /** Ends what was begun: puts its length in front, moving it up where that takes more than one byte. */
  end(mark: number): void {
    const written = this.length - mark;
    if (written < 0x80) {
      this.bytes[mark - 1] = written;
      return;
    }
    const lengthBytes = uvarintBytes(written);
    this.reserve(lengthBytes);
    this.bytes.copyWithin(mark - 1 + lengthBytes, mark, this.length);
    this.length = mark - 1;
    this.uvarint(written);
    this.length += written;
  }

  /** One `int64` of a packed list. */
  packedInt(value: number): void {
    if (value >= 0) this.uvarint(value);
    else this.uvarint64(Math.floor(value / 0x1_0000_0000), value);
  }

  /** One `double` of a packed list. */
  packedDouble(value: number): void {
    float[0] = value;
    this.packedDoubleBits(halves[1] as number, halves[0] as number);
  }

  /** One `double` of a packed list, by its bits. */
  packedDoubleBits(high: number, low: number): void {
    this.reserve(8);
    const { bytes } = this;
    const i = this.length;
    bytes[i] = low;
    bytes[i + 1] = low >>> 8;
    bytes[i + 2] = low >>> 16;
    bytes[i + 3] = low >>> 24;
    bytes[i + 4] = high;
    bytes[i + 5] = high >>> 8;
    bytes[i + 6] = high >>> 16;
    bytes[i + 7] = high >>> 24;
    this.length = i + 8;
  }
}
