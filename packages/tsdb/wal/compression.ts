// Compression of log records: snappy's block format is ours, zstd comes with Node from 22.15 on.
import * as zlib from "node:zlib";
import { compressInto, maxCompressedLength, uncompress } from "@narthex/encoding";
import { decompress as fzstdDecompress } from "fzstd";
import { type Compression, SNAPPY_FLAG, ZSTD_FLAG } from "./format.ts";
import type { LogKernels } from "./log-kernels.ts";

/** No record is unpacked beyond this: far more than any writer makes, far less than would take the process down. */
export const MAX_RECORD_BYTES: number = 512 * 1024 * 1024;

/** Compresses whole records into a buffer of its own. */
export interface RecordCompressor {
  readonly name: Compression;
  /** The flag of the fragments' first byte. */
  readonly flag: number;
  /** Holds the last result until the next call. */
  readonly output: Uint8Array;
  /** Compresses `bytes[start, end)`; returns the number of bytes in `output`, or 0 when nothing is won. */
  compress(bytes: Uint8Array, start: number, end: number): number;
}

interface ZstdFunctions {
  zstdCompressSync?(bytes: Uint8Array, options?: object): Uint8Array;
  zstdDecompressSync?(bytes: Uint8Array, options?: object): Uint8Array;
  readonly constants: { readonly ZSTD_c_compressionLevel?: number };
}

/** Asked for where it is used, so that Node need not load it for those who do not. */
const zstd = (): ZstdFunctions => zlib as unknown as ZstdFunctions;

/** Whether this Node can write zstd; all versions can read it. */
export function canWriteZstd(): boolean {
  return zstd().zstdCompressSync !== undefined;
}

/** What is written when `compression` is asked for: snappy takes the place of zstd where that cannot be written. */
export function usedCompression(compression: Compression): Compression {
  return compression === "zstd" && !canWriteZstd() ? "snappy" : compression;
}

/** The compressor for a setting, undefined for "none". Where zstd cannot be written, snappy takes its place. */
export function compressor(compression: Compression, kernels?: LogKernels): RecordCompressor | undefined {
  switch (compression) {
    case "none":
      return undefined;
    case "snappy":
      return new SnappyCompressor(kernels);
    case "zstd": {
      const { zstdCompressSync } = zstd();
      return zstdCompressSync === undefined ? new SnappyCompressor(kernels) : new ZstdCompressor(zstdCompressSync);
    }
  }
}

class SnappyCompressor implements RecordCompressor {
  readonly name = "snappy";
  readonly flag = SNAPPY_FLAG;
  output: Uint8Array = new Uint8Array(0);
  readonly #kernels: LogKernels | undefined;

  constructor(kernels: LogKernels | undefined) {
    this.#kernels = kernels;
  }

  compress(bytes: Uint8Array, start: number, end: number): number {
    const kernels = this.#kernels;
    const packed = kernels === undefined ? -1 : kernels.compress(bytes, start, end);
    if (kernels !== undefined && packed >= 0) {
      this.output = kernels.output;
      return packed;
    }
    if (this.output === kernels?.output) this.output = new Uint8Array(0);
    const room = maxCompressedLength(end - start);
    if (this.output.length < room) this.output = new Uint8Array(Math.max(room, this.output.length * 2));
    return compressInto(bytes.subarray(start, end), this.output);
  }
}

class ZstdCompressor implements RecordCompressor {
  readonly name = "zstd";
  readonly flag = ZSTD_FLAG;
  output: Uint8Array = new Uint8Array(0);
  readonly #compress: NonNullable<ZstdFunctions["zstdCompressSync"]>;
  readonly #options: object;

  constructor(compress: NonNullable<ZstdFunctions["zstdCompressSync"]>) {
    this.#compress = compress;
    this.#options = { params: { [zstd().constants.ZSTD_c_compressionLevel as number]: 1 } };
  }

  compress(bytes: Uint8Array, start: number, end: number): number {
    this.output = this.#compress(bytes.subarray(start, end), this.#options);
    return this.output.length;
  }
}

/** Unpacks records; `output[0, length)` holds the last one until the next call. */
export class RecordDecompressor {
  output: Uint8Array = new Uint8Array(0);
  #space: Uint8Array = new Uint8Array(0);
  readonly #kernels: LogKernels | undefined;

  constructor(kernels?: LogKernels) {
    this.#kernels = kernels;
  }

  /** Returns the length, or undefined when the bytes are damaged. */
  uncompress(flags: number, bytes: Uint8Array, start: number, end: number): number | undefined {
    const kernels = this.#kernels;
    if (kernels?.owns(bytes) && (flags & SNAPPY_FLAG) !== 0) {
      const length = kernels.uncompress(bytes, start, end);
      if (length >= 0) {
        this.output = kernels.output;
        return length;
      }
    }
    const packed = bytes.subarray(start, end);
    try {
      return (flags & SNAPPY_FLAG) !== 0 ? this.#snappy(packed) : this.#zstd(packed);
    } catch {
      return undefined;
    }
  }

  #snappy(packed: Uint8Array): number {
    // Three bytes stand for 64 at most, so that a declared length beyond that is a lie.
    const limit = Math.min(32 * packed.length, MAX_RECORD_BYTES);
    const unpacked = uncompress(packed, limit, this.#space);
    if (unpacked.buffer !== this.#space.buffer) this.#space = unpacked;
    this.output = unpacked;
    return unpacked.length;
  }

  #zstd(packed: Uint8Array): number {
    const { zstdDecompressSync } = zstd();
    if (zstdDecompressSync !== undefined) {
      // As plain bytes: `slice` of a Buffer, which is what comes, would not copy.
      const { buffer, byteOffset, length } = zstdDecompressSync(packed, { maxOutputLength: MAX_RECORD_BYTES });
      this.output = new Uint8Array(buffer, byteOffset, length);
    } else {
      const length = zstdContentBytes(packed);
      if (length === undefined || length > MAX_RECORD_BYTES) throw new Error("unusable zstd frame");
      this.output = fzstdDecompress(packed, new Uint8Array(length));
    }
    return this.output.length;
  }
}

/** The content size that a zstd frame's header declares; undefined when it declares none (no log writer leaves it out). */
function zstdContentBytes(frame: Uint8Array): number | undefined {
  if (frame.length < 6 || frame[0] !== 0x28 || frame[1] !== 0xb5 || frame[2] !== 0x2f || frame[3] !== 0xfd) {
    return undefined;
  }
  const descriptor = frame[4] as number;
  const singleSegment = (descriptor & 0x20) !== 0;
  const sizeFlag = descriptor >>> 6;
  const sizeBytes = sizeFlag === 0 ? (singleSegment ? 1 : 0) : 1 << sizeFlag;
  if (sizeBytes === 0) return undefined;
  const at = 5 + (singleSegment ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number);
  if (at + sizeBytes > frame.length) return undefined;
  let size = 0;
  for (let i = sizeBytes - 1; i >= 0; i--) size = size * 256 + (frame[at + i] as number);
  return sizeBytes === 2 ? size + 256 : size;
}
