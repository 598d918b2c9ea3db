// Interning of names and pairs: what only the single writer does with the symbol tables.
import type { Arena } from "../memory/arena.ts";
import { Control, type HeadMemory, NAME_WORDS, PAIR_WORDS } from "../memory/layout.ts";
import { Pool } from "../memory/pool.ts";
import { closeWindow, openWindow } from "../memory/window.ts";
import type { Reclaimer } from "./reclaimer.ts";
import type { Steps } from "./steps.ts";
import { hashBytes, hashText, NameField, NOT_ASCII, PairField, pairHash, Symbols } from "./symbols.ts";

const FIRST_TABLE_BITS = 10;
/** Pairs looked at in one step. */
const PAIRS_STEP = 16_384;

/** The writer's side of `Symbols`. */
export class SymbolWriter extends Symbols {
  readonly #arena: Arena;
  readonly #reclaimer: Reclaimer;
  readonly #namePool: Pool;
  readonly #pairPool: Pool;
  /** Pairs without series, out of the lists of their names already, but not out of the table. */
  #dropping: number[] = [];
  #tableGeneration = 0;

  constructor(memory: HeadMemory, arena: Arena, reclaimer: Reclaimer) {
    super(memory);
    this.#arena = arena;
    this.#reclaimer = reclaimer;
    this.#namePool = new Pool(memory.names, NAME_WORDS, 0, "label names", memory.namePool);
    this.#pairPool = new Pool(memory.pairs, PAIR_WORDS, 0, "label pairs", memory.pairPool);
    this.#newTable(Control.nameTable, 6);
    this.#newTable(Control.pairTable, FIRST_TABLE_BITS);
  }

  /** Distinct label pairs in use. */
  get pairTotal(): number {
    return this.#pairPool.used;
  }

  /** Ids of pairs run from 1 to this; not all of them are in use. */
  get highestPair(): number {
    return this.#pairPool.high;
  }

  /** Changes when pairs may have left the table: ids that somebody remembers are to be forgotten. */
  get tableGeneration(): number {
    return this.#tableGeneration;
  }

  /**
   * Makes room for so many new pairs, so that the table does not grow while the labels of one series are interned: a
   * table that is made anew leaves out pairs that are being dropped, although the labels so far may have one of them.
   */
  reservePairs(count: number): void {
    const { control } = this.memory;
    let bits = control[Control.pairTableBits];
    if ((this.#pairPool.used + count) * 2 <= 1 << bits) return;
    while ((this.#pairPool.used + count) * 2 > 1 << bits) bits++;
    this.#rebuildPairs(bits);
  }

  /** The id of a name, made at need. */
  internName(name: string): number {
    const hash = hashText(name);
    const { control, arena } = this.memory;
    const table = control[Control.nameTable];
    const mask = (1 << control[Control.nameTableBits]) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = arena[table + slot];
      if (id === 0) return this.#addName(name, hash);
      if (this.nameMatches(id, hash, name)) return id;
    }
  }

  /** The id of a pair, made at need. */
  internPair(nameId: number, value: string): number {
    const hash = pairHash(nameId, hashText(value));
    const { control, arena } = this.memory;
    const table = control[Control.pairTable];
    const mask = (1 << control[Control.pairTableBits]) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = arena[table + slot];
      if (id === 0) return this.#addPair(nameId, value, hash);
      if (this.pairMatches(id, nameId, hash, value)) return id;
    }
  }

  /** As `internName`, from UTF-8 bytes: ASCII text costs no string. */
  internNameBytes(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashBytes(bytes, start, end);
    if (hash < 0) return this.internName(textOf(bytes, start, end));
    const { control, arena, names } = this.memory;
    const table = control[Control.nameTable];
    const mask = (1 << control[Control.nameTableBits]) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = arena[table + slot];
      if (id === 0) return this.#addNameBytes(bytes, start, end, hash);
      const base = id * NAME_WORDS;
      if (names[base + NameField.hash] !== hash) continue;
      if (this.#bytesEqual(names[base + NameField.text], names[base + NameField.length], bytes, start, end)) return id;
    }
  }

  /** As `internPair`, from UTF-8 bytes. */
  internPairBytes(nameId: number, bytes: Uint8Array, start: number, end: number): number {
    const valueHash = hashBytes(bytes, start, end);
    if (valueHash < 0) return this.internPair(nameId, textOf(bytes, start, end));
    const hash = pairHash(nameId, valueHash);
    const { control, arena, pairs } = this.memory;
    const table = control[Control.pairTable];
    const mask = (1 << control[Control.pairTableBits]) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = arena[table + slot];
      if (id === 0) return this.#addPairBytes(nameId, bytes, start, end, hash);
      const base = id * PAIR_WORDS;
      if (pairs[base + PairField.hash] !== hash || pairs[base + PairField.name] !== nameId) continue;
      if (this.#bytesEqual(pairs[base + PairField.text], pairs[base + PairField.length], bytes, start, end)) return id;
    }
  }

  /**
   * Frees all pairs that no series has any more (postings count 0), and makes the pair table anew. Their memory is
   * reused once no running query can see it. In steps, between which pairs may be added and found.
   */
  *droppingUnusedPairs(): Steps<void> {
    const { control, names, pairs } = this.memory;
    const dropped = this.#dropping;
    let visited = 0;
    openWindow(control);
    for (let name = 1; name <= control[Control.nameHigh]; name++) {
      const nameBase = name * NAME_WORDS;
      let previous = 0;
      for (
        let id = names[nameBase + NameField.newestPair];
        id !== 0;
        id = pairs[id * PAIR_WORDS + PairField.nextOfName]
      ) {
        if (++visited % PAIRS_STEP === 0) {
          closeWindow(control);
          yield;
          openWindow(control);
          // Pairs that came meanwhile stand in front.
          let newer = previous === 0 ? names[nameBase + NameField.newestPair] : id;
          for (; newer !== id; newer = pairs[newer * PAIR_WORDS + PairField.nextOfName]) previous = newer;
        }
        const next = pairs[id * PAIR_WORDS + PairField.nextOfName];
        if (pairs[id * PAIR_WORDS + PairField.postingsCount] !== 0) {
          previous = id;
          continue;
        }
        // The dropped pair keeps its own link, so that a reader standing on it still finds the way.
        if (previous === 0) names[nameBase + NameField.newestPair] = next;
        else pairs[previous * PAIR_WORDS + PairField.nextOfName] = next;
        names[nameBase + NameField.pairCount]--;
        dropped.push(id);
      }
    }
    closeWindow(control);
    if (dropped.length === 0) return;
    yield* this.#rebuildingPairs();
    this.#dropping = [];
    // Nobody finds them any more.
    for (let from = 0; from < dropped.length; from += PAIRS_STEP) {
      const step = dropped.slice(from, from + PAIRS_STEP);
      this.#reclaimer.later(() => {
        for (const id of step) {
          const base = id * PAIR_WORDS;
          this.#arena.give(pairs[base + PairField.text], textWords(pairs[base + PairField.length]));
          this.#pairPool.give(id);
        }
        Atomics.add(control, Control.pairGeneration, 1);
        this.refresh();
      });
      yield;
    }
  }

  /** The table still leads to pairs that are being dropped, so some may have got a series meanwhile: those stay. */
  #keepRevived(): void {
    const { control, names, pairs } = this.memory;
    const dropping = this.#dropping;
    let dropped = 0;
    openWindow(control);
    for (const id of dropping) {
      const base = id * PAIR_WORDS;
      if (pairs[base + PairField.postingsCount] === 0) {
        dropping[dropped++] = id;
        continue;
      }
      const nameBase = pairs[base + PairField.name] * NAME_WORDS;
      pairs[base + PairField.nextOfName] = names[nameBase + NameField.newestPair];
      names[nameBase + NameField.newestPair] = id;
      names[nameBase + NameField.pairCount]++;
    }
    closeWindow(control);
    dropping.length = dropped;
  }

  #addName(name: string, hash: number): number {
    const id = this.#namePool.take();
    this.#storeText(name, this.memory.names, id * NAME_WORDS + NameField.text);
    return this.#publishName(id, hash);
  }

  #addNameBytes(bytes: Uint8Array, start: number, end: number, hash: number): number {
    const id = this.#namePool.take();
    this.#storeAscii(bytes, start, end, this.memory.names, id * NAME_WORDS + NameField.text);
    return this.#publishName(id, hash);
  }

  /** Makes a name whose text is stored known to all. */
  #publishName(id: number, hash: number): number {
    const { control, names } = this.memory;
    const base = id * NAME_WORDS;
    names[base + NameField.hash] = hash;
    names[base + NameField.newestPair] = 0;
    names[base + NameField.pairCount] = 0;
    const bits = control[Control.nameTableBits];
    this.#place(control[Control.nameTable], bits, hash, id);
    Atomics.store(control, Control.nameHigh, id);
    if (id * 2 > 1 << bits) this.#rebuildNames(bits + 1);
    return id;
  }

  #addPair(nameId: number, value: string, hash: number): number {
    const id = this.#pairPool.take();
    this.#storeText(value, this.memory.pairs, id * PAIR_WORDS + PairField.text);
    return this.#publishPair(id, nameId, hash);
  }

  #addPairBytes(nameId: number, bytes: Uint8Array, start: number, end: number, hash: number): number {
    const id = this.#pairPool.take();
    this.#storeAscii(bytes, start, end, this.memory.pairs, id * PAIR_WORDS + PairField.text);
    return this.#publishPair(id, nameId, hash);
  }

  #publishPair(id: number, nameId: number, hash: number): number {
    const { control, names, pairs } = this.memory;
    const base = id * PAIR_WORDS;
    pairs[base + PairField.name] = nameId;
    pairs[base + PairField.hash] = hash;
    pairs[base + PairField.postingsFirst] = 0;
    pairs[base + PairField.postingsCount] = 0;
    pairs[base + PairField.postingsLast] = 0;
    const nameBase = nameId * NAME_WORDS;
    pairs[base + PairField.nextOfName] = names[nameBase + NameField.newestPair];
    const bits = control[Control.pairTableBits];
    this.#place(control[Control.pairTable], bits, hash, id);
    names[nameBase + NameField.pairCount]++;
    Atomics.store(names, nameBase + NameField.newestPair, id);
    if (this.#pairPool.used * 2 > 1 << bits) this.#rebuildPairs(bits + 1);
    return id;
  }

  #storeText(text: string, records: Uint32Array, field: number): void {
    const bytes = Buffer.byteLength(text, "utf8");
    const length = bytes === text.length ? bytes : bytes + NOT_ASCII;
    const address = this.#arena.take(textWords(length));
    if (bytes === text.length) this.memory.text.write(text, address * 4, bytes, "latin1");
    else this.memory.text.write(text, address * 4, bytes, "utf8");
    records[field] = address;
    records[field + 1] = length;
  }

  #storeAscii(bytes: Uint8Array, start: number, end: number, records: Uint32Array, field: number): void {
    const { text } = this.memory;
    const address = this.#arena.take(textWords(end - start));
    const to = address * 4 - start;
    for (let i = start; i < end; i++) text[to + i] = bytes[i];
    records[field] = address;
    records[field + 1] = end - start;
  }

  #bytesEqual(address: number, length: number, bytes: Uint8Array, start: number, end: number): boolean {
    if (length !== end - start) return false;
    const { text } = this.memory;
    const from = address * 4 - start;
    for (let i = start; i < end; i++) if (text[from + i] !== bytes[i]) return false;
    return true;
  }

  #place(table: number, bits: number, hash: number, id: number): void {
    const { arena } = this.memory;
    const mask = (1 << bits) - 1;
    let slot = hash & mask;
    while (arena[table + slot] !== 0) slot = (slot + 1) & mask;
    Atomics.store(arena, table + slot, id);
  }

  #newTable(which: number, bits: number): number {
    const { control, arena } = this.memory;
    const table = this.#arena.take(1 << bits);
    arena.fill(0, table, table + (1 << bits));
    if (control[which] === 0) {
      control[which] = table;
      control[which + 1] = bits;
    }
    return table;
  }

  #publish(which: number, table: number, bits: number): void {
    const { control } = this.memory;
    const old = control[which];
    const oldWords = 1 << control[which + 1];
    openWindow(control);
    control[which] = table;
    control[which + 1] = bits;
    closeWindow(control);
    if (which === Control.pairTable) this.#tableGeneration++;
    this.#reclaimer.later(() => this.#arena.give(old, oldWords));
  }

  #rebuildNames(bits: number): void {
    const { control, names } = this.memory;
    const table = this.#newTable(Control.nameTable, bits);
    for (let id = 1; id <= control[Control.nameHigh]; id++) {
      this.#place(table, bits, names[id * NAME_WORDS + NameField.hash], id);
    }
    this.#publish(Control.nameTable, table, bits);
  }

  /** Makes the table anew in steps, without what was dropped. Pairs that are added meanwhile come along. */
  *#rebuildingPairs(): Steps<void> {
    const { control, names, pairs } = this.memory;
    const before = control[Control.pairTable];
    const bits = control[Control.pairTableBits];
    const table = this.#newTable(Control.pairTable, bits);
    const known: number[] = [];
    let visited = 0;
    for (let name = 1; name <= control[Control.nameHigh]; name++) {
      known[name] = names[name * NAME_WORDS + NameField.newestPair];
      for (let id = known[name]; id !== 0; id = pairs[id * PAIR_WORDS + PairField.nextOfName]) {
        this.#place(table, bits, pairs[id * PAIR_WORDS + PairField.hash], id);
        if (++visited % PAIRS_STEP !== 0) continue;
        yield;
        if (control[Control.pairTable] === before) continue;
        // It grew meanwhile, and was made anew for that.
        this.#arena.give(table, 1 << bits);
        return;
      }
    }
    this.#keepRevived();
    for (let name = 1; name <= control[Control.nameHigh]; name++) {
      const until = known[name] ?? 0;
      let id = names[name * NAME_WORDS + NameField.newestPair];
      for (; id !== until; id = pairs[id * PAIR_WORDS + PairField.nextOfName]) {
        this.#place(table, bits, pairs[id * PAIR_WORDS + PairField.hash], id);
      }
    }
    this.#publish(Control.pairTable, table, bits);
  }

  #rebuildPairs(bits: number): void {
    this.#keepRevived();
    const { control, names, pairs } = this.memory;
    const table = this.#newTable(Control.pairTable, bits);
    for (let name = 1; name <= control[Control.nameHigh]; name++) {
      let id = names[name * NAME_WORDS + NameField.newestPair];
      for (; id !== 0; id = pairs[id * PAIR_WORDS + PairField.nextOfName]) {
        this.#place(table, bits, pairs[id * PAIR_WORDS + PairField.hash], id);
      }
    }
    this.#publish(Control.pairTable, table, bits);
  }
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString("utf8");
}

function textWords(length: number): number {
  return Math.max(1, ((length & 0x7fff_ffff) + 3) >>> 2);
}
