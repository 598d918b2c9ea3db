// FNV-1a over 64 bits, for what is hashed once per target.

const PRIME = 0x100000001b3n;
const OFFSET_BASIS = 0xcbf29ce484222325n;
const MASK = 0xffffffffffffffffn;

/** The hash of the text's UTF-8 bytes. Not for hot paths: it works on BigInt. */
export function fnv64a(text: string): bigint {
  let hash = OFFSET_BASIS;
  for (const byte of Buffer.from(text)) hash = ((hash ^ BigInt(byte)) * PRIME) & MASK;
  return hash;
}

/** A seed that differs between replicas: of the host's name and the external labels. */
export function offsetSeed(hostName: string, externalLabels: string): bigint {
  return fnv64a(hostName + externalLabels);
}
