// Snappy's framing format with uncompressed and compressed chunks, made by an encoder that is not ours.
import snappy from "snappyjs";

function crc32c(bytes) {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let k = 0; k < 8; k++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

function chunk(type, body) {
  const head = Buffer.alloc(4);
  head[0] = type;
  head.writeUIntLE(body.length, 1, 3);
  return Buffer.concat([head, body]);
}

/** A framed stream of `bytes`, in chunks of at most 64 KiB. */
export function framed(bytes, { compressed = true } = {}) {
  const parts = [chunk(0xff, Buffer.from("sNaPpY"))];
  for (let at = 0; at < bytes.length; at += 65_536) {
    const piece = bytes.subarray(at, at + 65_536);
    const crc = crc32c(piece);
    const checksum = Buffer.alloc(4);
    checksum.writeUInt32LE((((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0);
    const body = compressed ? Buffer.from(snappy.compress(piece)) : piece;
    parts.push(chunk(compressed ? 0 : 1, Buffer.concat([checksum, body])));
  }
  return Buffer.concat(parts);
}
