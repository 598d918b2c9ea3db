// CRC-32C over linear memory, 16 bytes a step. The tables (16 x 256 words, as `crc32cTables` of @narthex/encoding makes them) stand at
// `tables`.

/** Continues the checksum `crc` over `length` bytes from `at`. */
export function crc32c(tables: usize, at: usize, length: u32, crc: u32): u32 {
  let state = ~crc;
  let position = at;
  const end = at + <usize>length;
  const last = end - 16;
  if (length >= 16) {
    while (position <= last) {
      const first = state ^ load<u32>(position);
      const second = load<u32>(position, 4);
      const third = load<u32>(position, 8);
      const fourth = load<u32>(position, 12);
      state =
        load<u32>(tables + ((0xf00 | (first & 0xff)) << 2)) ^
        load<u32>(tables + ((0xe00 | ((first >>> 8) & 0xff)) << 2)) ^
        load<u32>(tables + ((0xd00 | ((first >>> 16) & 0xff)) << 2)) ^
        load<u32>(tables + ((0xc00 | (first >>> 24)) << 2)) ^
        load<u32>(tables + ((0xb00 | (second & 0xff)) << 2)) ^
        load<u32>(tables + ((0xa00 | ((second >>> 8) & 0xff)) << 2)) ^
        load<u32>(tables + ((0x900 | ((second >>> 16) & 0xff)) << 2)) ^
        load<u32>(tables + ((0x800 | (second >>> 24)) << 2)) ^
        load<u32>(tables + ((0x700 | (third & 0xff)) << 2)) ^
        load<u32>(tables + ((0x600 | ((third >>> 8) & 0xff)) << 2)) ^
        load<u32>(tables + ((0x500 | ((third >>> 16) & 0xff)) << 2)) ^
        load<u32>(tables + ((0x400 | (third >>> 24)) << 2)) ^
        load<u32>(tables + ((0x300 | (fourth & 0xff)) << 2)) ^
        load<u32>(tables + ((0x200 | ((fourth >>> 8) & 0xff)) << 2)) ^
        load<u32>(tables + ((0x100 | ((fourth >>> 16) & 0xff)) << 2)) ^
        load<u32>(tables + ((fourth >>> 24) << 2));
      position += 16;
    }
  }
  while (position < end) {
    state = (state >>> 8) ^ load<u32>(tables + (((state ^ load<u8>(position)) & 0xff) << 2));
    position++;
  }
  return ~state;
}
