// Snappy's block format, as WAL records, remote write and remote read use it.
// Source: https://github.com/google/snappy/blob/main/format_description.txt
import { EncodingError } from "./encoding-error.ts";

/** Input is compressed in pieces of this size, so that every distance fits into 16 bits. */
const BLOCK_BYTES = 65536;
const MAX_TABLE_BITS = 14;
/** No match may begin within so many bytes of a block's end: the search reads ahead without looking. */
const MARGIN_BYTES = 15;
/** A block shorter than this is not worth searching. */
const MIN_SEARCH_BYTES = 17;

/** Position of the last bytes with a hash, relative to the block. Used by one call at a time, which is synchronous. */
const table = new Uint16Array(1 << MAX_TABLE_BITS);

/** How many bytes compressing `length` bytes takes at most. */
export function maxCompressedLength(length: number): number {
  return 32 + length + Math.ceil(length / 6);
}

/**
 * Compresses `source` into `target` from `at` on, and returns the position behind the last byte written. There must be
 * `maxCompressedLength(source.length)` bytes of room; throws a RangeError otherwise.
 */
export function compressInto(source: Uint8Array, target: Uint8Array, at: number = 0): number {
  if (target.length - at < maxCompressedLength(source.length)) throw new RangeError("no room for the compressed data");
  let out = at;
  let length = source.length;
  while (length >= 0x80) {
    target[out++] = (length & 0x7f) | 0x80;
    length = Math.floor(length / 128);
  }
  target[out++] = length;
  // One load and one check for four bytes.
  const words = new DataView(source.buffer, source.byteOffset, source.byteLength);
  for (let start = 0; start < source.length; start += BLOCK_BYTES) {
    const end = Math.min(start + BLOCK_BYTES, source.length);
    if (end - start < MIN_SEARCH_BYTES) out = writeLiteral(source, start, end, target, out);
    else out = compressBlock(source, words, start, end, target, out);
  }
  return out;
}

/** Compresses into a new array. */
export function compress(source: Uint8Array): Uint8Array {
  const target = new Uint8Array(maxCompressedLength(source.length));
  return target.slice(0, compressInto(source, target));
}

/** The length that compressed data declares. Throws an `EncodingError` when it declares none. */
export function uncompressedLength(source: Uint8Array): number {
  return readLength(source).length;
}

/**
 * Uncompresses. The declared length is checked against `limit` (bytes) before anything is allocated; throws an
 * `EncodingError` ("limit_exceeded") above it, and others for damaged data. When `target` has room, the result is a
 * view of its beginning, else of a new array.
 */
export function uncompress(source: Uint8Array, limit: number, target?: Uint8Array): Uint8Array {
  const { length, position } = readLength(source);
  if (length > limit) {
    throw new EncodingError("limit_exceeded", `uncompressed data would take ${length} bytes, allowed are ${limit}`, 0);
  }
  const room = target !== undefined && target.length >= length ? target : new Uint8Array(length);
  uncompressBody(source, position, room, length);
  return room.length === length ? room : room.subarray(0, length);
}

function readLength(source: Uint8Array): { length: number; position: number } {
  let length = 0;
  let scale = 1;
  for (let i = 0; i < 5 && i < source.length; i++) {
    const byte = source[i]!;
    length += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      if (length > 0xffff_ffff) break;
      return { length, position: i + 1 };
    }
    scale *= 128;
  }
  throw new EncodingError("corrupt", "snappy data declares no valid length", 0);
}

function uncompressBody(source: Uint8Array, position: number, target: Uint8Array, length: number): void {
  const end = source.length;
  let at = position;
  let out = 0;
  while (at < end) {
    const tag = source[at]!;
    let count: number;
    let distance: number;
    switch (tag & 3) {
      case 0: {
        count = (tag >>> 2) + 1;
        at++;
        if (count > 60) {
          const lengthBytes = count - 60;
          if (at + lengthBytes > end) throw new EncodingError("truncated", "snappy literal ends too early", at);
          count = 0;
          for (let i = lengthBytes - 1; i >= 0; i--) count = count * 256 + source[at + i]!;
          count++;
          at += lengthBytes;
        }
        if (count > end - at) throw new EncodingError("truncated", "snappy literal ends too early", at);
        if (count > length - out) throw new EncodingError("corrupt", "snappy literal beyond the declared length", at);
        if (count <= 32) for (let i = 0; i < count; i++) target[out + i] = source[at + i]!;
        else target.set(source.subarray(at, at + count), out);
        at += count;
        out += count;
        continue;
      }
      case 1:
        if (at + 2 > end) throw new EncodingError("truncated", "snappy copy ends too early", at);
        count = ((tag >>> 2) & 7) + 4;
        distance = ((tag >>> 5) << 8) | source[at + 1]!;
        at += 2;
        break;
      case 2:
        if (at + 3 > end) throw new EncodingError("truncated", "snappy copy ends too early", at);
        count = (tag >>> 2) + 1;
        distance = source[at + 1]! | (source[at + 2]! << 8);
        at += 3;
        break;
      default:
        if (at + 5 > end) throw new EncodingError("truncated", "snappy copy ends too early", at);
        count = (tag >>> 2) + 1;
        distance = (source[at + 1]! | (source[at + 2]! << 8) | (source[at + 3]! << 16) | (source[at + 4]! << 24)) >>> 0;
        at += 5;
        break;
    }
    if (distance === 0 || distance > out) {
      throw new EncodingError("corrupt", `snappy copy from ${distance} bytes back, of ${out}`, at);
    }
    if (count > length - out) throw new EncodingError("corrupt", "snappy copy beyond the declared length", at);
    // Byte by byte, as source and target may overlap: that is how runs are written.
    for (const stop = out + count; out < stop; out++) target[out] = target[out - distance]!;
  }
  if (out !== length) throw new EncodingError("corrupt", `snappy data holds ${out} bytes, declared are ${length}`, at);
}

function compressBlock(
  source: Uint8Array,
  words: DataView,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  let bits = 8;
  while (bits < MAX_TABLE_BITS && 1 << bits < end - start) bits++;
  const shift = 32 - bits;
  table.fill(0, 0, 1 << bits);
  const lastStart = end - MARGIN_BYTES;
  let out = at;
  let literalStart = start;
  let position = start + 1;
  let next = words.getInt32(position, true);
  for (;;) {
    // Search: the longer nothing is found, the larger the steps, so that incompressible data passes quickly.
    let steps = 32;
    let candidate: number;
    for (;;) {
      const slot = Math.imul(next, 0x1e35a7bd) >>> shift;
      candidate = start + table[slot]!;
      table[slot] = position - start;
      if (candidate < position && words.getInt32(candidate, true) === next) break;
      position += steps++ >>> 5;
      if (position > lastStart) return writeLiteral(source, literalStart, end, target, out);
      next = words.getInt32(position, true);
    }
    if (literalStart < position) out = writeLiteral(source, literalStart, position, target, out);
    // Copies: one match often ends where the next begins.
    for (;;) {
      const matchStart = position;
      const distance = position - candidate;
      position += 4;
      candidate += 4;
      while (position + 4 <= end && words.getInt32(position, true) === words.getInt32(candidate, true)) {
        position += 4;
        candidate += 4;
      }
      while (position < end && source[position] === source[candidate]) {
        position++;
        candidate++;
      }
      out = writeCopy(target, out, distance, position - matchStart);
      literalStart = position;
      if (position > lastStart) return writeLiteral(source, literalStart, end, target, out);
      const before = words.getInt32(position - 1, true);
      table[Math.imul(before, 0x1e35a7bd) >>> shift] = position - 1 - start;
      next = (before >>> 8) | (source[position + 3]! << 24);
      const slot = Math.imul(next, 0x1e35a7bd) >>> shift;
      candidate = start + table[slot]!;
      table[slot] = position - start;
      if (candidate >= position || words.getInt32(candidate, true) !== next) break;
    }
    position++;
    next = words.getInt32(position, true);
  }
}

function writeLiteral(source: Uint8Array, start: number, end: number, target: Uint8Array, out: number): number {
  const count = end - start;
  if (count === 0) return out;
  const n = count - 1;
  if (n < 60) target[out++] = n << 2;
  else if (n < 256) {
    target[out++] = 60 << 2;
    target[out++] = n;
  } else {
    // A block has no more than 65,536 bytes, so two bytes of length always do.
    target[out++] = 61 << 2;
    target[out++] = n;
    target[out++] = n >>> 8;
  }
  if (count <= 32) for (let i = 0; i < count; i++) target[out + i] = source[start + i]!;
  else target.set(source.subarray(start, end), out);
  return out + count;
}

function writeCopy(target: Uint8Array, out: number, distance: number, count: number): number {
  // A piece of 60 first when 65 to 67 are left, so that the last one is long enough for the short form.
  while (count >= 68) {
    out = writeLongCopy(target, out, distance, 64);
    count -= 64;
  }
  if (count > 64) {
    out = writeLongCopy(target, out, distance, 60);
    count -= 60;
  }
  if (count >= 12 || distance >= 2048) return writeLongCopy(target, out, distance, count);
  target[out] = ((distance >>> 8) << 5) | ((count - 4) << 2) | 1;
  target[out + 1] = distance;
  return out + 2;
}

function writeLongCopy(target: Uint8Array, out: number, distance: number, count: number): number {
  target[out] = ((count - 1) << 2) | 2;
  target[out + 1] = distance;
  target[out + 2] = distance >>> 8;
  return out + 3;
}
