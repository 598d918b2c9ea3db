// From the bytes of a series' labels, as they came over the wire, to its ref: a known series costs one comparison.
//
// Senders repeat themselves: what followed a series in one request follows it in the next. So the entry behind the
// last hit is compared first, and only when that fails the bytes are hashed.
import type { SeriesRef } from "@narthex/storage";

/** Words of one block: 1 MiB. */
const BLOCK_BITS = 18;
const BLOCK_WORDS = 1 << BLOCK_BITS;
const BLOCK_MASK = BLOCK_WORDS - 1;
/** Words in front of an entry's bytes: ref, length in bytes. */
const HEADER_WORDS = 2;
const REF = 0;
const LENGTH = 1;
/** Words of a slot of the table: address + 1 (0: nothing there) and hash, so that only entries that will do are looked at. */
const SLOT_WORDS = 2;
const FIRST_SLOTS = 4096;

/** Label bytes longer than this are not kept; such a series is looked up by its labels each time. */
export const MAX_KEY_BYTES: number = 64 * 1024;

/**
 * Holds at most `maxBytes` of label bytes and headers, plus 16 to 32 bytes a series for its table; what would go beyond
 * empties it. Refs may have become invalid meanwhile: the storage says so, and `update` sets them right.
 */
export class SeriesCache {
  readonly #maxBlocks: number;
  readonly #seed: number;
  #blocks: Int32Array[] = [];
  /** Words in use of the last block. */
  #used = BLOCK_WORDS;
  #table = new Int32Array(FIRST_SLOTS * SLOT_WORDS);
  #count = 0;
  /** Address of the entry behind the one hit last; -1 for none. */
  #next = -1;
  /** Address of the entry hit or added last. */
  #entry = -1;
  /** Where `find` looked last without success, and the hash of it; the length is 0 when that is of no use any more. */
  #missedStart = 0;
  #missedLength = 0;
  #missedHash = 0;

  /** `maxBytes` is rounded down to whole MiB, at least one; `seed` keeps senders from guessing hashes. */
  constructor(maxBytes: number, seed: number) {
    this.#maxBlocks = Math.min(4096, Math.max(1, Math.floor(maxBytes / (BLOCK_WORDS * 4))));
    this.#seed = seed | 0;
  }

  /** How many series are known. */
  get count(): number {
    return this.#count;
  }

  /**
   * Whether the series behind the last hit has exactly the bytes from `start` on; then returns their length, else 0.
   * `bytes` must be readable three bytes beyond `end`. Afterwards `ref` is that series' ref.
   */
  guess(bytes: DataView, start: number, end: number): number {
    const address = this.#next;
    if (address < 0) return 0;
    const block = this.#blocks[address >>> BLOCK_BITS] as Int32Array;
    const at = address & BLOCK_MASK;
    const length = block[at + LENGTH] as number;
    if (length > end - start || !isSame(block, at + HEADER_WORDS, bytes, start, length)) return 0;
    this.#hit(address, length);
    return length;
  }

  /** The ref of the series with the bytes `[start, end)`, 0 when it is not known. Readable as for `guess`. */
  find(bytes: DataView, start: number, end: number): SeriesRef {
    const length = end - start;
    if (length === 0 || length > MAX_KEY_BYTES) return 0;
    const hash = this.#hash(bytes, start, length);
    const table = this.#table;
    const mask = table.length - 1;
    for (let slot = (hash << 1) & mask; ; slot = (slot + SLOT_WORDS) & mask) {
      const stored = table[slot] as number;
      if (stored === 0) {
        this.#missedStart = start;
        this.#missedLength = length;
        this.#missedHash = hash;
        return 0;
      }
      if (table[slot + 1] !== hash) continue;
      const address = stored - 1;
      const block = this.#blocks[address >>> BLOCK_BITS] as Int32Array;
      const at = address & BLOCK_MASK;
      if (block[at + LENGTH] !== length || !isSame(block, at + HEADER_WORDS, bytes, start, length)) continue;
      this.#hit(address, length);
      return this.ref;
    }
  }

  /** The ref of the entry found last. */
  get ref(): SeriesRef {
    const address = this.#entry;
    return ((this.#blocks[address >>> BLOCK_BITS] as Int32Array)[(address & BLOCK_MASK) + REF] as number) >>> 0;
  }

  /** Gives the entry found or added last another ref. */
  update(ref: SeriesRef): void {
    const address = this.#entry;
    (this.#blocks[address >>> BLOCK_BITS] as Int32Array)[(address & BLOCK_MASK) + REF] = ref | 0;
  }

  /** Remembers the ref of bytes that `find` did not know, and that have not changed since. Longer ones than `MAX_KEY_BYTES` are passed over. */
  add(bytes: DataView, start: number, end: number, ref: SeriesRef): void {
    const length = end - start;
    if (length === 0 || length > MAX_KEY_BYTES) return;
    const words = (length + 3) >>> 2;
    if (this.#used + HEADER_WORDS + words > BLOCK_WORDS) this.#addBlock();
    const index = this.#blocks.length - 1;
    const block = this.#blocks[index] as Int32Array;
    const at = this.#used;
    const isKnown = this.#missedLength === length && this.#missedStart === start;
    const hash = isKnown ? this.#missedHash : this.#hash(bytes, start, length);
    this.#missedLength = 0;
    block[at + REF] = ref | 0;
    block[at + LENGTH] = length;
    for (let i = 0; i < words; i++) block[at + HEADER_WORDS + i] = bytes.getInt32(start + 4 * i, true);
    if ((length & 3) !== 0) (block[at + HEADER_WORDS + words - 1] as number) &= tailMask(length);
    this.#used = at + HEADER_WORDS + words;
    if (++this.#count * 2 * SLOT_WORDS > this.#table.length) this.#growTable();
    const address = (index << BLOCK_BITS) | at;
    this.#insert(hash, address);
    this.#hit(address, length);
  }

  clear(): void {
    this.#blocks = [];
    this.#used = BLOCK_WORDS;
    this.#table = new Int32Array(FIRST_SLOTS * SLOT_WORDS);
    this.#count = 0;
    this.#next = -1;
    this.#entry = -1;
  }

  #hit(address: number, length: number): void {
    this.#entry = address;
    const index = address >>> BLOCK_BITS;
    const behind = (address & BLOCK_MASK) + HEADER_WORDS + ((length + 3) >>> 2);
    const block = this.#blocks[index] as Int32Array;
    const isLast = index === this.#blocks.length - 1;
    // A word of 0 where a length belongs: the block ends here.
    const hasMore = isLast
      ? behind < this.#used
      : behind + LENGTH < BLOCK_WORDS && (block[behind + LENGTH] as number) > 0;
    if (hasMore) this.#next = (index << BLOCK_BITS) | behind;
    // Behind the last entry stands the first again.
    else this.#next = isLast ? 0 : (index + 1) << BLOCK_BITS;
  }

  #hash(bytes: DataView, start: number, length: number): number {
    let hash = this.#seed ^ length;
    const words = length >>> 2;
    for (let i = 0; i < words; i++) {
      hash = Math.imul(hash ^ bytes.getInt32(start + 4 * i, true), 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    if ((length & 3) !== 0) {
      hash = Math.imul(hash ^ (bytes.getInt32(start + 4 * words, true) & tailMask(length)), 0x85ebca6b);
      hash ^= hash >>> 13;
    }
    hash = Math.imul(hash, 0xc2b2ae35);
    return hash ^ (hash >>> 16);
  }

  #addBlock(): void {
    if (this.#blocks.length >= this.#maxBlocks) this.clear();
    this.#blocks.push(new Int32Array(BLOCK_WORDS));
    this.#used = 0;
  }

  #growTable(): void {
    const before = this.#table;
    this.#table = new Int32Array(before.length * 2);
    for (let slot = 0; slot < before.length; slot += SLOT_WORDS) {
      const stored = before[slot] as number;
      if (stored !== 0) this.#insert(before[slot + 1] as number, stored - 1);
    }
  }

  #insert(hash: number, address: number): void {
    const table = this.#table;
    const mask = table.length - 1;
    let slot = (hash << 1) & mask;
    while (table[slot] !== 0) slot = (slot + SLOT_WORDS) & mask;
    table[slot] = address + 1;
    table[slot + 1] = hash;
  }
}

/** The bytes of the last word that belong to a key whose length is no multiple of four. */
function tailMask(length: number): number {
  return (1 << ((length & 3) * 8)) - 1;
}

function isSame(block: Int32Array, at: number, bytes: DataView, start: number, length: number): boolean {
  const words = length >>> 2;
  for (let i = 0; i < words; i++) if (block[at + i] !== bytes.getInt32(start + 4 * i, true)) return false;
  return (length & 3) === 0 || block[at + words] === (bytes.getInt32(start + 4 * words, true) & tailMask(length));
}
