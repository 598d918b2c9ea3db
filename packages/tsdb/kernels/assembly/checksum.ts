// CRC-32C over linear memory, eight bytes a step. The tables (8 x 256 words, as `crc32cTables` of @narthex/encoding makes
// them) stand at `tables`.

/** Continues the checksum `crc` over `length` bytes from `at`. */
export function crc32c(tables: usize, at: usize, length: u32, crc: u32): u32 {
  let state = ~crc;
  let position = at;
  const end = at + <usize>length;
  const last = end - 8;
  if (length >= 8) {
    while (position <= last) {
      const low = state ^ load<u32>(position);
      const high = load<u32>(position, 4);
      state =
        load<u32>(tables + ((0x700 | (low & 0xff)) << 2)) ^
        load<u32>(tables + ((0x600 | ((low >>> 8) & 0xff)) << 2)) ^
        load<u32>(tables + ((0x500 | ((low >>> 16) & 0xff)) << 2)) ^
        load<u32>(tables + ((0x400 | (low >>> 24)) << 2)) ^
        load<u32>(tables + ((0x300 | (high & 0xff)) << 2)) ^
        load<u32>(tables + ((0x200 | ((high >>> 8) & 0xff)) << 2)) ^
        load<u32>(tables + ((0x100 | ((high >>> 16) & 0xff)) << 2)) ^
        load<u32>(tables + ((high >>> 24) << 2));
      position += 8;
    }
  }
  while (position < end) {
    state = (state >>> 8) ^ load<u32>(tables + (((state ^ load<u8>(position)) & 0xff) << 2));
    position++;
  }
  return ~state;
}
