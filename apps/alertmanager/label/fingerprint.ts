// The two hashes of label sets that other programs see: fingerprints in the API, and hashes in the notification log.
import type { Labels } from "@narthex/model";
import { xxhash64 } from "./xxhash64.ts";

const SEPARATOR = 0xff;
let scratch = Buffer.allocUnsafe(1024);

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

/** The same, worked out anew and not kept: for label sets that are thrown away at once. */
export function fingerprintOnce(labels: Labels): string {
  return fnv64a(bytesOf(labels));
}

function identityOf(labels: Labels): Identity {
  let identity = identities.get(labels);
  if (identity === undefined) {
    identity = { fingerprint: fnv64a(bytesOf(labels)), hash: undefined };
    identities.set(labels, identity);
  }
  return identity;
}

/** Good until the next call. */
function bytesOf(labels: Labels): Uint8Array {
  let length = 0;
  for (const text of labels.pairs) {
    // No code unit takes more than three bytes.
    const most = length + text.length * 3 + 1;
    if (most > scratch.length) {
      const grown = Buffer.allocUnsafe(most * 2);
      scratch.copy(grown, 0, 0, length);
      scratch = grown;
    }
    length += scratch.write(text, length, "utf8");
    scratch[length++] = SEPARATOR;
  }
  return scratch.subarray(0, length);
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
