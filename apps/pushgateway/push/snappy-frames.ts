// Snappy's framing format, in which bodies come that say `Content-Encoding: snappy`.
// Source: https://github.com/google/snappy/blob/main/framing_format.txt
import { Transform, type TransformCallback } from "node:stream";
import { crc32c, uncompress } from "@narthex/encoding";

const CHUNK = { compressed: 0x00, plain: 0x01, lastUnskippable: 0x7f, identifier: 0xff } as const;
/** Type (1), length (3, little-endian). */
const HEADER_BYTES = 4;
/** Masked CRC-32C of the uncompressed data, little-endian. */
const CHECKSUM_BYTES = 4;
const MAX_PLAIN_BYTES = 65_536;
/** The most that 64 KiB can take compressed, checksum included. */
const MAX_CHUNK_BYTES = CHECKSUM_BYTES + 76_490;
const IDENTIFIER = Buffer.from("sNaPpY", "latin1");
const CORRUPT = "snappy: corrupt input";

/** Uncompresses a framed stream. Holds one chunk at a time; fails with the reference's words for what is damaged. */
export class SnappyFrames extends Transform {
  #held: Buffer = Buffer.alloc(0);
  #hasBegun = false;
  /** Bytes of a skippable chunk that are still to come. */
  #toSkip = 0;

  override _transform(piece: Buffer, _encoding: string, done: TransformCallback): void {
    this.#held = this.#held.length === 0 ? piece : Buffer.concat([this.#held, piece]);
    done(this.#readChunks());
  }

  override _flush(done: TransformCallback): void {
    done(this.#held.length > 0 || this.#toSkip > 0 ? new Error(CORRUPT) : null);
  }

  /** Takes every whole chunk off what is held; returns what is wrong. */
  #readChunks(): Error | null {
    for (;;) {
      const skipped = Math.min(this.#toSkip, this.#held.length);
      this.#toSkip -= skipped;
      this.#held = this.#held.subarray(skipped);
      if (this.#toSkip > 0 || this.#held.length < HEADER_BYTES) return null;
      const type = this.#held[0] as number;
      const length = this.#held.readUIntLE(1, 3);
      if (!this.#hasBegun && type !== CHUNK.identifier) return new Error(CORRUPT);
      if (type > CHUNK.lastUnskippable && type !== CHUNK.identifier) {
        this.#held = this.#held.subarray(HEADER_BYTES);
        this.#toSkip = length;
        continue;
      }
      if (type > CHUNK.plain && type !== CHUNK.identifier) return new Error("snappy: unsupported input");
      if (length > MAX_CHUNK_BYTES) return new Error(CORRUPT);
      if (this.#held.length < HEADER_BYTES + length) return null;
      const chunk = this.#held.subarray(HEADER_BYTES, HEADER_BYTES + length);
      this.#held = this.#held.subarray(HEADER_BYTES + length);
      if (type === CHUNK.identifier) {
        if (!chunk.equals(IDENTIFIER)) return new Error(CORRUPT);
        this.#hasBegun = true;
      } else if (!this.#take(chunk, type)) return new Error(CORRUPT);
    }
  }

  #take(chunk: Buffer, type: number): boolean {
    if (chunk.length < CHECKSUM_BYTES) return false;
    const body = chunk.subarray(CHECKSUM_BYTES);
    let plain: Uint8Array = body;
    if (type === CHUNK.compressed) {
      try {
        plain = uncompress(body, MAX_PLAIN_BYTES);
      } catch {
        return false;
      }
    }
    if (plain.length > MAX_PLAIN_BYTES || maskedChecksum(plain) !== chunk.readUInt32LE(0)) return false;
    this.push(Buffer.from(plain.buffer, plain.byteOffset, plain.length));
    return true;
  }
}

function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}
