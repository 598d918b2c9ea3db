// Label names and name=value pairs by number, readable by every thread.
//
// A name record: text address, bytes (top bit: not all ASCII), hash, newest pair of the name, number of its pairs.
// A pair record: name id, text address, bytes, hash, next older pair of its name, first postings block, postings count,
// newest postings block. Hash tables hold ids and use open addressing; they stand in the arena and move when they grow.
import { Control, type HeadMemory, NAME_WORDS, PAIR_WORDS } from "../memory/layout.ts";
import { beginCopy, copyHolds } from "../memory/window.ts";

export const NameField = { text: 0, length: 1, hash: 2, newestPair: 3, pairCount: 4 } as const;
export const PairField = {
  name: 0,
  text: 1,
  length: 2,
  hash: 3,
  nextOfName: 4,
  postingsFirst: 5,
  postingsCount: 6,
  postingsLast: 7,
} as const;

/** Set in a length when the text is not all ASCII: its bytes are not its code units. */
export const NOT_ASCII = 0x8000_0000;
const LENGTH_MASK = 0x7fff_ffff;

/** Decoded pairs a thread keeps; beyond it starts anew. */
const TEXT_CACHE_ENTRIES = 131_072;

/** Hash of a text's UTF-16 code units; for ASCII text that is also the hash of its bytes (`hashBytes`). */
export function hashText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return finish(hash);
}

/** The same for bytes that are all ASCII; returns -1 when they are not. */
export function hashBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  let all = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    all |= byte;
    hash = Math.imul(hash ^ byte, 0x01000193);
  }
  return all < 0x80 ? finish(hash) : -1;
}

function finish(hash: number): number {
  let h = hash;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** The hash under which a pair stands in its table. */
export function pairHash(nameId: number, valueHash: number): number {
  return finish(valueHash ^ Math.imul(nameId, 0x9e3779b1));
}

/** Look-ups that any thread may make. */
export class Symbols {
  protected readonly memory: HeadMemory;
  #generation = -1;
  readonly #names = new Map<number, string>();
  readonly #values = new Map<number, string>();

  constructor(memory: HeadMemory) {
    this.memory = memory;
  }

  /** Drops cached text that may have become another pair's. Call when a view is opened. */
  refresh(): void {
    const generation = Atomics.load(this.memory.control, Control.pairGeneration);
    if (generation === this.#generation) return;
    this.#generation = generation;
    this.#values.clear();
  }

  /** The id of a label name, 0 when no series has it. */
  nameId(name: string): number {
    const { arena } = this.memory;
    const hash = hashText(name);
    const [table, bits] = this.tableOf(Control.nameTable);
    if (table === 0) return 0;
    const mask = (1 << bits) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = arena[table + slot];
      if (id === 0) return 0;
      if (this.nameMatches(id, hash, name)) return id;
    }
  }

  /** The id of the pair, 0 when no series has it. */
  pairId(nameId: number, value: string): number {
    if (nameId === 0) return 0;
    const hash = pairHash(nameId, hashText(value));
    const [table, bits] = this.tableOf(Control.pairTable);
    if (table === 0) return 0;
    const mask = (1 << bits) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = this.memory.arena[table + slot];
      if (id === 0) return 0;
      if (this.pairMatches(id, nameId, hash, value)) return id;
    }
  }

  /** Text of a name; ids of names are never reused. */
  nameText(id: number): string {
    const cached = this.#names.get(id);
    if (cached !== undefined) return cached;
    const base = id * NAME_WORDS;
    const { names } = this.memory;
    const text = this.textAt(names[base + NameField.text], names[base + NameField.length]);
    this.#names.set(id, text);
    return text;
  }

  /** The value of a pair. */
  valueText(id: number): string {
    const cached = this.#values.get(id);
    if (cached !== undefined) return cached;
    const base = id * PAIR_WORDS;
    const { pairs } = this.memory;
    const text = this.textAt(pairs[base + PairField.text], pairs[base + PairField.length]);
    if (this.#values.size >= TEXT_CACHE_ENTRIES) this.#values.clear();
    this.#values.set(id, text);
    return text;
  }

  nameOfPair(id: number): number {
    return this.memory.pairs[id * PAIR_WORDS + PairField.name];
  }

  /** How many names were ever seen: ids run from 1 to this. */
  get nameCount(): number {
    return Atomics.load(this.memory.control, Control.nameHigh);
  }

  /** How many pairs a name has now. */
  pairCount(nameId: number): number {
    return this.memory.names[nameId * NAME_WORDS + NameField.pairCount];
  }

  /** The newest pair of a name; follow with `nextOfName`. */
  newestPair(nameId: number): number {
    return Atomics.load(this.memory.names, nameId * NAME_WORDS + NameField.newestPair);
  }

  nextOfName(pairId: number): number {
    return this.memory.pairs[pairId * PAIR_WORDS + PairField.nextOfName];
  }

  protected tableOf(which: number): readonly [number, number] {
    const { control } = this.memory;
    for (;;) {
      const sequence = beginCopy(control);
      const table = control[which];
      const bits = control[which + 1];
      if (copyHolds(control, sequence)) return [table, bits];
    }
  }

  protected nameMatches(id: number, hash: number, name: string): boolean {
    const base = id * NAME_WORDS;
    const { names } = this.memory;
    if (names[base + NameField.hash] !== hash) return false;
    return this.textEquals(names[base + NameField.text], names[base + NameField.length], name);
  }

  protected pairMatches(id: number, nameId: number, hash: number, value: string): boolean {
    const base = id * PAIR_WORDS;
    const { pairs } = this.memory;
    if (pairs[base + PairField.hash] !== hash || pairs[base + PairField.name] !== nameId) return false;
    return this.textEquals(pairs[base + PairField.text], pairs[base + PairField.length], value);
  }

  protected textEquals(address: number, length: number, text: string): boolean {
    const bytes = this.memory.text;
    if (length >= NOT_ASCII) return this.textAt(address, length) === text;
    if (length !== text.length) return false;
    const start = address * 4;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== text.charCodeAt(i)) return false;
    return true;
  }

  protected textAt(address: number, length: number): string {
    const start = address * 4;
    const end = start + (length & LENGTH_MASK);
    return length >= NOT_ASCII
      ? this.memory.text.toString("utf8", start, end)
      : this.memory.text.toString("latin1", start, end);
  }
}
