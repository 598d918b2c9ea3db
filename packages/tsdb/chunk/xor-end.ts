// Where an XOR chunk ends: what must be known to append to it, without making its samples.
//
// Source: tsdb/chunkenc/xor.go of the reference; `decodeXor` reads the same bits for their values.

const LOOKAHEAD_BYTES = 24;
const TWO_32 = 0x1_0000_0000;

let padded = new Uint8Array(2048);
let view = new DataView(padded.buffer);

/** The state behind the last sample of a chunk. Times in milliseconds; valid until the next scan with the same object. */
export class XorEnd {
  samples = 0;
  firstTime = 0;
  lastTime = 0;
  /** Time of the sample number `watchedSample`, counted from 1; NaN when there are fewer. */
  watchedTime: number = Number.NaN;
  /** Distance of the last two times; 0 for a single sample. */
  delta = 0;
  /** The last value's halves. */
  high = 0;
  low = 0;
  /** Window of significant bits; `leading` 31 and `trailing` 63 while there was none. */
  leading = 31;
  trailing = 63;
  /** Bits of the chunk that are in use, those of the count included. */
  bits = 0;

  /**
   * Scans the chunk `bytes[start, end)`. False when the bytes are no such chunk, hold no sample, or times that do not ascend. Takes
   * no more steps than the chunk has samples.
   */
  scan(bytes: Uint8Array, start: number, end: number, watchedSample: number): boolean {
    const length = end - start;
    // Count, a time of one byte, a value.
    if (length < 11) return false;
    const samples = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
    const endBits = length * 8;
    if (samples === 0 || (samples > 1 && 97 + (samples - 2) * 2 > endBits)) return false;
    if (length + LOOKAHEAD_BYTES > padded.length) {
      padded = new Uint8Array(2 * length + LOOKAHEAD_BYTES);
      view = new DataView(padded.buffer);
    }
    padded.set(bytes.subarray(start, end));
    padded.fill(0, length, length + LOOKAHEAD_BYTES);

    const first = uvarint(16, endBits);
    if (first === undefined) return false;
    // Zig-zag: odd for times before the epoch.
    let t = first % 2 === 1 ? -(first + 1) / 2 : first / 2;
    let position = varintEnd;
    if (position + 64 > endBits) return false;
    let high = bits32(position);
    let low = bits32(position + 32);
    position += 64;
    this.firstTime = t;
    this.watchedTime = watchedSample === 1 ? t : Number.NaN;
    let delta = 0;
    let leading = 31;
    let trailing = 63;
    let hasWindow = false;
    for (let i = 1; i < samples; i++) {
      if (i === 1) {
        const second = uvarint(position, endBits);
        if (second === undefined) return false;
        delta = second;
        position = varintEnd;
      } else {
        const word = bits32(position);
        if (word >= 0) position += 1;
        else {
          const size =
            (word & 0x40000000) === 0 ? 14 : (word & 0x20000000) === 0 ? 17 : (word & 0x10000000) === 0 ? 20 : 64;
          const prefix = size === 14 ? 2 : size === 17 ? 3 : 4;
          if (position + prefix + size > endBits) return false;
          if (size === 64) delta += bits32(position + 4) * TWO_32 + (bits32(position + 36) >>> 0);
          else {
            const change = (word << prefix) >>> (32 - size);
            delta += change > 2 ** (size - 1) ? change - 2 ** size : change;
          }
          position += prefix + size;
        }
      }
      if (!(delta > 0)) return false;
      t += delta;
      const word = bits32(position);
      if (word >= 0) position += 1;
      else {
        if ((word & 0x40000000) === 0) {
          if (!hasWindow) return false;
          position += 2;
        } else {
          leading = (word >>> 25) & 0x1f;
          trailing = 64 - leading - ((word >>> 19) & 0x3f || 64);
          if (trailing < 0) return false;
          hasWindow = true;
          position += 13;
        }
        const size = 64 - leading - trailing;
        if (position + size > endBits) return false;
        // Read so that the window's bits stand where they belong in 64 bits.
        const at = position - leading;
        const lowZeros = Math.min(32, trailing);
        const highZeros = Math.max(0, trailing - 32);
        let maskHigh = highZeros === 32 ? 0 : -1 << highZeros;
        if (leading > 0) maskHigh &= -1 >>> leading;
        high ^= bits32(at) & maskHigh;
        if (lowZeros < 32) low ^= bits32(at + 32) & (-1 << lowZeros);
        position += size;
      }
      if (position > endBits) return false;
      if (i + 1 === watchedSample) this.watchedTime = t;
    }
    this.samples = samples;
    this.lastTime = t;
    this.delta = delta;
    this.high = high >>> 0;
    this.low = low >>> 0;
    this.leading = leading;
    this.trailing = trailing;
    this.bits = position;
    return Number.isSafeInteger(this.firstTime) && Number.isSafeInteger(t);
  }
}

/** The 32 bits from bit `position` on. */
function bits32(position: number): number {
  const at = position >>> 3;
  const shift = position & 7;
  return (view.getInt32(at) << shift) | (view.getUint8(at + 4) >>> (8 - shift));
}

/** Where the last varint ended, in bits. */
let varintEnd = 0;

function uvarint(position: number, endBits: number): number | undefined {
  let value = 0;
  let scale = 1;
  let at = position >>> 3;
  for (let i = 0; i < 10; i++) {
    if (at * 8 >= endBits) return undefined;
    const byte = padded[at++] as number;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) {
      varintEnd = at * 8;
      return value;
    }
    scale *= 128;
  }
  return undefined;
}
