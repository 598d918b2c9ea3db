// CRC-32C (Castagnoli), the checksum of the WAL, chunks and index. Polynomial 0x1EDC6F41, reflected 0x82F63B78,
// initial value and final xor all ones, as in RFC 3720.

/** Table k of 16 (256 words from k * 256 on) advances a byte's share by k further bytes. For kernels; not to be changed. */
export const crc32cTables: Int32Array = buildTables();

/**
 * The checksum of `bytes[start..end)` as an unsigned number. `crc` continues from the checksum of what came before.
 * Eight bytes a step, one table look-up each.
 */
export function crc32c(bytes: Uint8Array, start: number = 0, end: number = bytes.length, crc: number = 0): number {
  const tables = crc32cTables;
  let state = ~crc;
  let i = start;
  for (const last = end - 8; i <= last; i += 8) {
    const low = state ^ (bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24));
    state =
      tables[0x700 | (low & 0xff)]! ^
      tables[0x600 | ((low >>> 8) & 0xff)]! ^
      tables[0x500 | ((low >>> 16) & 0xff)]! ^
      tables[0x400 | (low >>> 24)]! ^
      tables[0x300 | bytes[i + 4]!]! ^
      tables[0x200 | bytes[i + 5]!]! ^
      tables[0x100 | bytes[i + 6]!]! ^
      tables[bytes[i + 7]!]!;
  }
  for (; i < end; i++) state = (state >>> 8) ^ tables[(state ^ bytes[i]!) & 0xff]!;
  return ~state >>> 0;
}

function buildTables(): Int32Array {
  const tables = new Int32Array(16 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
    tables[byte] = crc;
  }
  for (let i = 256; i < tables.length; i++) {
    const before = tables[i - 256]!;
    tables[i] = (before >>> 8) ^ tables[before & 0xff]!;
  }
  return tables;
}
