// FNV-1a over 64 bits, for what is hashed once per target.

/** The prime is 2^40 + this. */
const PRIME_LOW = 0x1b3;
const BASIS_HIGH = 0xcbf29ce4;
const BASIS_LOW = 0x84222325;

/** The hash of the text's UTF-8 bytes. */
export function fnv64a(text: string): bigint {
  let high = BASIS_HIGH | 0;
  let low = BASIS_LOW | 0;
  const bytes = Buffer.from(text);
  for (let i = 0; i < bytes.length; i++) {
    low ^= bytes[i]!;
    // The low half in two of 16 bits, so that no product needs more than 32; times 2^40 moves it up by 8 bits.
    const lowest = (low & 0xffff) * PRIME_LOW;
    const middle = (low >>> 16) * PRIME_LOW + (lowest >>> 16);
    high = (Math.imul(high, PRIME_LOW) + (middle >>> 16) + (low << 8)) | 0;
    low = (middle << 16) | (lowest & 0xffff);
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** A seed that differs between replicas: of the host's name and the external labels. */
export function offsetSeed(hostName: string, externalLabels: string): bigint {
  return fnv64a(hostName + externalLabels);
}
