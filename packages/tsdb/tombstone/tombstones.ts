// Deleted ranges: which samples of which series a reader must leave out, and the file that holds them in a block.
import { ByteReader, ByteWriter, crc32c, EncodingError } from "@narthex/encoding";
import type { SampleBuffer } from "@narthex/storage";
import { type FileSystem, isNotFound, joinPath, readWholeFile, writeFileAtomically } from "../fs/file-system.ts";

const MAGIC = 0x0130ba30;
const VERSION = 1;
const HEADER_BYTES = 5;
const CRC_BYTES = 4;
const TWO_32 = 0x1_0000_0000;
/** The file's name inside a block. */
export const TOMBSTONES_FILE = "tombstones";
/** A file larger than this is refused: at ten bytes a stone, hundred millions of them. */
const MAX_FILE_BYTES = 0x40000000;

/** A tombstones file that contradicts its format. */
export class TombstoneError extends Error {
  override readonly name = "TombstoneError";
  readonly code = "tombstones_corrupt";
}

/**
 * Deleted ranges by series. Ranges of one series lie flat (first, last, first, last: milliseconds, both included),
 * ascending, and never touch.
 */
export class Tombstones {
  readonly #ranges = new Map<number, number[]>();

  /** How many ranges there are in all. */
  get count(): number {
    let count = 0;
    for (const ranges of this.#ranges.values()) count += ranges.length / 2;
    return count;
  }

  /** How many series have any. */
  get seriesCount(): number {
    return this.#ranges.size;
  }

  /** The ranges of a series, undefined when it has none. Not to be changed. */
  get(ref: number): readonly number[] | undefined {
    return this.#ranges.get(ref);
  }

  /** Adds a range, joined with those that it overlaps or touches. */
  add(ref: number, minTime: number, maxTime: number): void {
    if (minTime > maxTime) return;
    const ranges = this.#ranges.get(ref);
    if (ranges === undefined) {
      this.#ranges.set(ref, [minTime, maxTime]);
      return;
    }
    let first = minTime;
    let last = maxTime;
    let from = 0;
    while (from < ranges.length && (ranges[from + 1] as number) + 1 < first) from += 2;
    let to = from;
    while (to < ranges.length && (ranges[to] as number) <= last + 1) {
      first = Math.min(first, ranges[to] as number);
      last = Math.max(last, ranges[to + 1] as number);
      to += 2;
    }
    ranges.splice(from, to - from, first, last);
  }

  /** Forgets a series. */
  remove(ref: number): void {
    this.#ranges.delete(ref);
  }

  *[Symbol.iterator](): Generator<readonly [number, readonly number[]]> {
    yield* this.#ranges;
  }
}

/** Whether `[minTime, maxTime]` lies in one deleted range as a whole. */
export function isDeleted(ranges: readonly number[], minTime: number, maxTime: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if ((ranges[i] as number) <= minTime && (ranges[i + 1] as number) >= maxTime) return true;
  }
  return false;
}

/** Takes deleted samples out of `buffer`, from position `from` to its end, where times ascend. */
export function dropDeleted(buffer: SampleBuffer, from: number, ranges: readonly number[]): void {
  const { times, halves, histograms, startTimes, count } = buffer;
  let kept = from;
  let range = 0;
  for (let i = from; i < count; i++) {
    const t = times[i] as number;
    while (range < ranges.length && (ranges[range + 1] as number) < t) range += 2;
    if (range < ranges.length && (ranges[range] as number) <= t) continue;
    if (kept !== i) {
      times[kept] = t;
      halves[2 * kept] = halves[2 * i] as number;
      halves[2 * kept + 1] = halves[2 * i + 1] as number;
      if (histograms !== undefined) histograms[kept] = histograms[i];
      if (startTimes !== undefined) startTimes[kept] = startTimes[i] as number;
    }
    kept++;
  }
  if (histograms !== undefined) histograms.length = Math.min(histograms.length, kept);
  buffer.count = kept;
}

/** The bytes of a tombstones file. */
export function encodeTombstonesFile(tombstones: Tombstones): Uint8Array {
  const writer = new ByteWriter(64);
  writer.uint32(MAGIC);
  writer.uint8(VERSION);
  for (const [ref, ranges] of tombstones) {
    for (let i = 0; i < ranges.length; i += 2) {
      writer.uvarint(ref);
      writer.varint(ranges[i] as number);
      writer.varint(ranges[i + 1] as number);
    }
  }
  writer.uint32(crc32c(writer.bytes, HEADER_BYTES, writer.length));
  return writer.toBytes();
}

/** Reads the bytes of a tombstones file. Throws `TombstoneError`. */
export function decodeTombstonesFile(bytes: Uint8Array): Tombstones {
  if (bytes.length < HEADER_BYTES + CRC_BYTES) throw new TombstoneError("tombstones: file too short");
  const reader = new ByteReader(bytes);
  const magic = reader.uint32();
  if (magic !== MAGIC) throw new TombstoneError(`tombstones: invalid magic number ${magic.toString(16)}`);
  const version = reader.uint8();
  if (version !== VERSION) throw new TombstoneError(`tombstones: unknown version ${version}`);
  const end = bytes.length - CRC_BYTES;
  if (crc32c(bytes, HEADER_BYTES, end) !== new ByteReader(bytes, end).uint32()) {
    throw new TombstoneError("tombstones: checksum did not match");
  }
  reader.reset(bytes, HEADER_BYTES, end);
  const tombstones = new Tombstones();
  try {
    while (reader.remaining > 0) {
      const ref = reader.uvarint();
      const minTime = readStoneTime(reader);
      tombstones.add(ref, minTime, readStoneTime(reader));
    }
  } catch (error) {
    if (error instanceof EncodingError) throw new TombstoneError(`tombstones: ${error.message}`, { cause: error });
    throw error;
  }
  return tombstones;
}

/** "From the beginning" and "to the end" are written as 64-bit extremes: a float near them serves as well. */
export function readStoneTime(reader: ByteReader): number {
  reader.varint64();
  return (reader.high | 0) * TWO_32 + reader.low;
}

/** The tombstones of a block; no file means none. */
export function readTombstones(fs: FileSystem, blockPath: string): Tombstones {
  let bytes: Uint8Array;
  try {
    bytes = readWholeFile(fs, joinPath(blockPath, TOMBSTONES_FILE), MAX_FILE_BYTES);
  } catch (error) {
    if (isNotFound(error)) return new Tombstones();
    throw error;
  }
  return decodeTombstonesFile(bytes);
}

/** Replaces a block's tombstones. */
export function writeTombstones(fs: FileSystem, blockPath: string, tombstones: Tombstones): void {
  writeFileAtomically(fs, joinPath(blockPath, TOMBSTONES_FILE), encodeTombstonesFile(tombstones));
}
