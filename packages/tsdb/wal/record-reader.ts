// What reading records needs beyond plain numbers.
import { ByteReader, EncodingError } from "@narthex/encoding";

const scratch = new Float64Array(1);
const scratchHalves = new Uint32Array(scratch.buffer);

/** A `ByteReader` for the storage engine's own records; its errors are `EncodingError`s as well. */
export class RecordReader extends ByteReader {
  /** Big-endian two's complement; throws beyond what a float holds exactly. */
  int64Number(): number {
    this.uint64();
    const value = (this.high | 0) * 0x1_0000_0000 + this.low;
    if (!Number.isSafeInteger(value)) throw new EncodingError("overflow", "number too large", this.position);
    return value;
  }

  /** A double, big-endian. A NaN may lose its payload: where that counts, `uint64` gives the halves. */
  float64(): number {
    this.uint64();
    scratchHalves[1] = this.high;
    scratchHalves[0] = this.low;
    return scratch[0] as number;
  }

  /** A varint that counts things of at least `minBytes` each: more than could follow is refused before it is believed. */
  count(minBytes: number): number {
    const count = this.uvarint();
    if (count * minBytes > this.remaining)
      throw new EncodingError("corrupt", `impossible count ${count}`, this.position);
    return count;
  }
}
