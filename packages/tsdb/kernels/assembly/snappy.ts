// Snappy's block format over linear memory: the same algorithm as packages/encoding/snappy.ts, so that both write the same
// bytes. Source: https://github.com/google/snappy/blob/main/format_description.txt

const BLOCK_BYTES: u32 = 65536;
const MAX_TABLE_BITS: u32 = 14;
const MARGIN_BYTES: usize = 15;
const MIN_SEARCH_BYTES: usize = 17;

/**
 * Unpacks `source[0, length)` into `target`, where `capacity` bytes may be written. Returns the number of bytes, or -1 when the
 * data is damaged or needs more room: whoever called looks again with the slow decoder, which can say why.
 */
export function uncompress(source: usize, length: u32, target: usize, capacity: u32): i32 {
  const end = source + <usize>length;
  let at = source;
  let declared: u64 = 0;
  let shift: u64 = 0;
  while (true) {
    if (at >= end || shift > 28) return -1;
    const byte = <u64>load<u8>(at++);
    declared |= (byte & 0x7f) << shift;
    if (byte < 0x80) break;
    shift += 7;
  }
  if (declared > <u64>capacity) return -1;
  const stop = target + <usize>declared;
  let out = target;
  while (at < end) {
    const tag = <u32>load<u8>(at);
    let count: usize;
    let distance: usize;
    const kind = tag & 3;
    if (kind === 0) {
      count = (tag >>> 2) + 1;
      at++;
      if (count > 60) {
        const lengthBytes = count - 60;
        if (end - at < lengthBytes) return -1;
        let n: u64 = 0;
        for (let i: usize = lengthBytes; i > 0; i--) n = (n << 8) | <u64>load<u8>(at + i - 1);
        at += lengthBytes;
        if (n + 1 > <u64>(end - at)) return -1;
        count = <usize>n + 1;
      }
      if (count > end - at || count > stop - out) return -1;
      if (count <= 16 && end - at >= 16 && stop - out >= 16) {
        store<u64>(out, load<u64>(at));
        store<u64>(out, load<u64>(at, 8), 8);
      } else memory.copy(out, at, count);
      at += count;
      out += count;
      continue;
    }
    if (kind === 1) {
      if (end - at < 2) return -1;
      count = ((tag >>> 2) & 7) + 4;
      distance = ((tag >>> 5) << 8) | <u32>load<u8>(at, 1);
      at += 2;
    } else if (kind === 2) {
      if (end - at < 3) return -1;
      count = (tag >>> 2) + 1;
      distance = <usize>load<u16>(at, 1);
      at += 3;
    } else {
      if (end - at < 5) return -1;
      count = (tag >>> 2) + 1;
      distance = <usize>load<u32>(at, 1);
      at += 5;
    }
    if (distance === 0 || distance > out - target || count > stop - out) return -1;
    let from = out - distance;
    const until = out + count;
    if (distance >= 8 && stop - out >= 72) {
      // Whole words, up to seven bytes too many: what comes next overwrites them.
      while (out < until) {
        store<u64>(out, load<u64>(from));
        out += 8;
        from += 8;
      }
    } else {
      while (out < until) store<u8>(out++, load<u8>(from++));
    }
    out = until;
  }
  return out === stop ? <i32>declared : -1;
}

/**
 * Packs `source[0, length)` into `target`, which must have room for `maxCompressedLength(length)` bytes; returns how many were
 * written. `table` has 2^14 words of 16 bits.
 */
export function compress(source: usize, length: u32, target: usize, table: usize): u32 {
  let out = target;
  let rest = length;
  while (rest >= 0x80) {
    store<u8>(out++, rest | 0x80);
    rest >>>= 7;
  }
  store<u8>(out++, rest);
  const end = source + <usize>length;
  for (let start = source; start < end; start += BLOCK_BYTES) {
    const blockEnd = end - start < BLOCK_BYTES ? end : start + BLOCK_BYTES;
    if (blockEnd - start < MIN_SEARCH_BYTES) out = writeLiteral(start, blockEnd, out);
    else out = compressBlock(start, blockEnd, out, table);
  }
  return <u32>(out - target);
}

function slotOf(word: u32, shift: u32): usize {
  return (<usize>((word * 0x1e35a7bd) >>> shift)) << 1;
}

function compressBlock(start: usize, end: usize, target: usize, table: usize): usize {
  let bits: u32 = 8;
  while (bits < MAX_TABLE_BITS && (<usize>1) << bits < end - start) bits++;
  const shift = 32 - bits;
  memory.fill(table, 0, (<usize>2) << bits);
  const lastStart = end - MARGIN_BYTES;
  let out = target;
  let literalStart = start;
  let position = start + 1;
  let next = load<u32>(position);
  while (true) {
    // Search: the longer nothing is found, the larger the steps, so that incompressible data passes quickly.
    let steps: u32 = 32;
    let candidate: usize;
    while (true) {
      const slot = table + slotOf(next, shift);
      candidate = start + <usize>load<u16>(slot);
      store<u16>(slot, <u32>(position - start));
      if (candidate < position && load<u32>(candidate) === next) break;
      position += steps++ >>> 5;
      if (position > lastStart) return writeLiteral(literalStart, end, out);
      next = load<u32>(position);
    }
    if (literalStart < position) out = writeLiteral(literalStart, position, out);
    // Copies: one match often ends where the next begins.
    while (true) {
      const matchStart = position;
      const distance = <u32>(position - candidate);
      position += 4;
      candidate += 4;
      while (position + 8 <= end) {
        const difference = load<u64>(position) ^ load<u64>(candidate);
        if (difference !== 0) {
          position += <usize>(ctz(difference) >>> 3);
          break;
        }
        position += 8;
        candidate += 8;
      }
      if (position + 8 > end) {
        candidate = position - <usize>distance;
        while (position < end && load<u8>(position) === load<u8>(candidate)) {
          position++;
          candidate++;
        }
      }
      out = writeCopy(out, distance, <u32>(position - matchStart));
      literalStart = position;
      if (position > lastStart) return writeLiteral(literalStart, end, out);
      const around = load<u64>(position - 1);
      store<u16>(table + slotOf(<u32>around, shift), <u32>(position - 1 - start));
      next = <u32>(around >>> 8);
      const slot = table + slotOf(next, shift);
      candidate = start + <usize>load<u16>(slot);
      store<u16>(slot, <u32>(position - start));
      if (candidate >= position || load<u32>(candidate) !== next) break;
    }
    position++;
    next = load<u32>(position);
  }
}

function writeLiteral(start: usize, end: usize, target: usize): usize {
  const count = end - start;
  if (count === 0) return target;
  const n = <u32>(count - 1);
  let out = target;
  if (n < 60) store<u8>(out++, n << 2);
  else if (n < 256) {
    store<u8>(out, 60 << 2);
    store<u8>(out, n, 1);
    out += 2;
  } else {
    // A block has no more than 65,536 bytes, so two bytes of length always do.
    store<u8>(out, 61 << 2);
    store<u16>(out, n, 1);
    out += 3;
  }
  if (count <= 16) {
    for (let i: usize = 0; i < count; i++) store<u8>(out + i, load<u8>(start + i));
  } else memory.copy(out, start, count);
  return out + count;
}

function writeCopy(target: usize, distance: u32, length: u32): usize {
  let out = target;
  let count = length;
  // A piece of 60 first when 65 to 67 are left, so that the last one is long enough for the short form.
  while (count >= 68) {
    out = writeLongCopy(out, distance, 64);
    count -= 64;
  }
  if (count > 64) {
    out = writeLongCopy(out, distance, 60);
    count -= 60;
  }
  if (count >= 12 || distance >= 2048) return writeLongCopy(out, distance, count);
  store<u8>(out, ((distance >>> 8) << 5) | ((count - 4) << 2) | 1);
  store<u8>(out, distance, 1);
  return out + 2;
}

function writeLongCopy(out: usize, distance: u32, count: u32): usize {
  store<u8>(out, ((count - 1) << 2) | 2);
  store<u16>(out, distance, 1);
  return out + 3;
}
