// What the log's reader and writer leave to compiled kernels, where there are some (kernels/kernels.ts).

/**
 * Checksums and compression over memory of their own. A reader and a writer may share it, as their records do not live past the
 * next call; two readers at a time must not.
 */
export interface LogKernels {
  /** `READ_BYTES` of the reader: what it reads ahead. */
  readonly readBuffer: Uint8Array;
  /** Room for a record in fragments, or one that is made for the log; `compress` takes it too. */
  readonly input: Uint8Array;
  /** What `uncompress` and `compress` wrote last. */
  readonly output: Uint8Array;
  /** Whether an array lies in that memory. */
  owns(bytes: Uint8Array): boolean;
  /** CRC-32C of a part of an owned array. */
  crc32c(bytes: Uint8Array, start: number, end: number): number;
  /** Snappy of a part of an owned array into `output`: the length, or -1 when it is damaged or too long. */
  uncompress(bytes: Uint8Array, start: number, end: number): number;
  /** Snappy of a part of any array into `output`: the length, or -1 when it is too long. */
  compress(bytes: Uint8Array, start: number, end: number): number;
}
