// Numbers of variable length (LEB128) of up to eight bytes, read from eight bytes at a time without a loop.

/** A mask of 64 bits from one of 32. */
function twice(half: u64): u64 {
  return (half << 32) | half;
}

/** Bytes of the number that begins with the lowest byte of `word`; 9 when it does not end there. */
export function varintSize(word: u64): u64 {
  // Mostly short, which a processor can guess.
  if ((word & 0x80) === 0) return 1;
  if ((word & 0x8000) === 0) return 2;
  return (ctz(~word & twice(0x80808080)) >>> 3) + 1;
}

/** The number in the lowest `size` bytes of `word`: groups of seven bits, moved together two by two. */
export function varintOf(word: u64, size: u64): u64 {
  const sevens = word & (twice(0x7f7f7f7f) >>> (64 - (size << 3)));
  const fourteens = (sevens & twice(0x007f007f)) | ((sevens & twice(0x7f007f00)) >>> 1);
  const halves = (fourteens & twice(0x00003fff)) | ((fourteens & twice(0x3fff0000)) >>> 2);
  return (halves & 0x0fffffff) | ((halves >>> 32) << 28);
}

/** What a zig-zag number stands for. */
export function unzigzag(number: u64): u64 {
  return (number >>> 1) ^ (0 - (number & 1));
}
