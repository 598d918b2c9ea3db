// The two hashes of label sets that other programs see: fingerprints in the API, and hashes in the notification log.
import type { Labels } from "@narthex/model";
import { xxhash64 } from "./xxhash64.ts";

const SEPARATOR = 0xff;

interface Identity {
  readonly fingerprint: string;
  hash: bigint | undefined;
}

const identities = new WeakMap<Labels, Identity>();

/** FNV-1a over 64 bits of `name 0xFF value 0xFF` for each label in order, as 16 hex digits. Kept with the label set. */
export function fingerprintOf(labels: Labels): string {
  return identityOf(labels).fingerprint;
}

/** XXH64 of the same bytes: how the notification log names an alert. Kept with the label set. */
export function hashOf(labels: Labels): bigint {
  const identity = identityOf(labels);
  identity.hash ??= xxhash64(bytesOf(labels));
  return identity.hash;
}

function identityOf(labels: Labels): Identity {
  let identity = identities.get(labels);
  if (identity === undefined) {
    identity = { fingerprint: fnv64a(bytesOf(labels)), hash: undefined };
    identities.set(labels, identity);
  }
  return identity;
}

function bytesOf(labels: Labels): Uint8Array {
  const parts: Buffer[] = [];
  const separator = Buffer.of(SEPARATOR);
  for (const text of labels.pairs) parts.push(Buffer.from(text), separator);
  return Buffer.concat(parts);
}

/** The prime is 2^40 + 0x1b3, which keeps the product within what two halves and a carry can hold. */
function fnv64a(bytes: Uint8Array): string {
  let high = 0xcbf29ce4;
  let low = 0x84222325;
  for (const byte of bytes) {
    low = (low ^ byte) >>> 0;
    const product = low * 0x1b3;
    high = (Math.imul(high, 0x1b3) + Math.floor(product / 0x1_0000_0000) + (low << 8)) >>> 0;
    low = product >>> 0;
  }
  return high.toString(16).padStart(8, "0") + low.toString(16).padStart(8, "0");
}
