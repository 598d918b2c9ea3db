// Series by labels and by ref: label lists, the hash table, the pages from ref to record.
import type { Labels } from "@narthex/model";
import type { LabelBytes } from "@narthex/storage";
import { type Kernels, UNKNOWN_SERIES } from "../kernels/kernels.ts";
import type { Arena } from "../memory/arena.ts";
import { COLD_WORDS, Control, type HeadMemory, RECORD_WORDS, REF_PAGE, TableWord } from "../memory/layout.ts";
import { HeadFullError, Pool } from "../memory/pool.ts";
import { closeWindow, openWindow } from "../memory/window.ts";
import { LabelInterner } from "./label-interner.ts";
import {
  ALL_SERIES,
  addPosting,
  buildPostings,
  countPostings,
  freeChain,
  readPostings,
  replacePostings,
} from "./postings.ts";
import type { Reclaimer } from "./reclaimer.ts";
import { Cold, NO_WINDOW, REMOVED, Rec } from "./record.ts";
import type { Snapshots } from "./snapshots.ts";
import type { Steps } from "./steps.ts";
import type { SymbolWriter } from "./symbol-writer.ts";

const FIRST_TABLE_BITS = 12;
/** Refs looked at in one step. */
const POSTINGS_STEP = 16_384;
/** Labels a series may have; the reference has no bound, but a record in the WAL must fit. */
const MAX_LABELS = 65_535;

/** The record index that belongs to a ref, 0 for none. Any thread. */
export function recordOf(memory: HeadMemory, ref: number): number {
  // An absent page is page 0, whose words are all 0; a ref beyond the table reads undefined.
  return memory.arena[memory.refs[ref >>> 7] + (ref & (REF_PAGE - 1))] ?? 0;
}

/** Used by the single writer. */
export class SeriesTable {
  readonly #memory: HeadMemory;
  readonly #arena: Arena;
  readonly #symbols: SymbolWriter;
  readonly #reclaimer: Reclaimer;
  readonly #snapshots: Snapshots;
  readonly #kernels: Kernels | undefined;
  readonly #pool: Pool;
  readonly #interner: LabelInterner;
  /** `TableWord`s. */
  readonly #state: Uint32Array;
  /** Reused between look-ups. */
  #ids = new Uint32Array(64);
  /** Pairs whose postings name refs of removed series. */
  #touched = new Set<number>();
  /** Postings got a ref out of order (only a foreign WAL does that): sort them before anybody reads. */
  #unsorted = false;
  /** Postings are made all at once by `finishReplay`. */
  #isDeferring = false;

  constructor(
    memory: HeadMemory,
    arena: Arena,
    symbols: SymbolWriter,
    reclaimer: Reclaimer,
    snapshots: Snapshots,
    kernels: Kernels | undefined,
  ) {
    this.#memory = memory;
    this.#kernels = kernels;
    this.#arena = arena;
    this.#symbols = symbols;
    this.#reclaimer = reclaimer;
    this.#snapshots = snapshots;
    this.#pool = new Pool(memory.series, RECORD_WORDS, 0, "series", memory.seriesPool);
    this.#interner = new LabelInterner(memory, symbols);
    const table = arena.take(2 ** FIRST_TABLE_BITS);
    memory.arena.fill(0, table, table + 2 ** FIRST_TABLE_BITS);
    this.#state = memory.seriesTable;
    this.#state.set([table, FIRST_TABLE_BITS, 0, 1]);
  }

  get count(): number {
    return this.#state[TableWord.count];
  }

  /** Record indices run from 1 to this; not all of them are in use. */
  get highIndex(): number {
    return this.#pool.high;
  }

  /** The highest ref given. */
  get lastRef(): number {
    return this.#nextRef - 1;
  }

  get #nextRef(): number {
    return this.#state[TableWord.nextRef];
  }

  get #table(): number {
    return this.#state[TableWord.address];
  }

  get #bits(): number {
    return this.#state[TableWord.bits];
  }

  /** Refs up to `ref` are taken (a log mentions them). */
  reserveRefs(ref: number): void {
    if (ref < this.#nextRef) return;
    this.#state[TableWord.nextRef] = ref + 1;
    this.#memory.control[Control.lastRef] = ref;
  }

  /** The record of a label set, 0 when there is none. */
  find(labels: Labels): number {
    const { pairs } = labels;
    const count = pairs.length >>> 1;
    const ids = this.#room(count);
    for (let i = 0; i < count; i++) {
      const id = this.#symbols.pairId(this.#symbols.nameId(pairs[2 * i] as string), pairs[2 * i + 1] as string);
      if (id === 0) return 0;
      ids[i] = id;
    }
    return this.#lookUp(ids, count, hashIds(ids, count));
  }

  /**
   * The record of a label set, made with a new ref (or `ref`, when it is not 0) if there is none. Negative when it was made.
   * Throws a `HeadFullError`.
   */
  findOrCreate(labels: Labels, ref = 0): number {
    const { pairs } = labels;
    const count = pairs.length >>> 1;
    const ids = this.#room(count);
    this.#symbols.reservePairs(count);
    for (let i = 0; i < count; i++) {
      ids[i] = this.#symbols.internPair(this.#symbols.internName(pairs[2 * i] as string), pairs[2 * i + 1] as string);
    }
    return this.findOrCreateIds(ids, count, ref);
  }

  /** The same for labels as bytes, which must be in order. */
  findOrCreateBytes(labels: LabelBytes): number {
    const { bytes, ends, count } = labels;
    const interner = this.#interner;
    this.#symbols.reservePairs(count);
    interner.begin();
    for (let i = 0, start = 0; i < count; i++) {
      const nameEnd = ends[2 * i];
      const end = ends[2 * i + 1];
      interner.add(bytes, start, nameEnd, nameEnd, end);
      start = end;
    }
    return this.findOrCreateIds(interner.ids, count, 0);
  }

  /** The same by kernels, which see to the order of the labels; 0 where the slow way has to look. */
  findOrCreateByKernels(labels: LabelBytes): number {
    const kernels = this.#kernels;
    if (kernels === undefined || this.#isDeferring) return 0;
    const found = kernels.seriesOfLabels(labels, this.#symbols.tableGeneration);
    if (found !== UNKNOWN_SERIES) return found;
    const { control } = this.#memory;
    openWindow(control);
    try {
      return -kernels.makeSeriesOfLabels(labels.count, this.#firstEpoch);
    } finally {
      closeWindow(control);
    }
  }

  /** The same for interned pairs in the order of their names. */
  findOrCreateIds(ids: Uint32Array, count: number, ref: number): number {
    const hash = hashIds(ids, count);
    const known = this.#lookUp(ids, count, hash);
    return known !== 0 ? known : -this.#create(ids, count, hash, ref);
  }

  /**
   * Makes the series of a record body `bytes[from, end)` by kernels, as far as they go: see `Kernels.makeSeries`. Only while postings
   * are put off.
   */
  makeByKernels(kernels: Kernels, bytes: Uint8Array, from: number, end: number): number {
    const made = kernels.makeSeries(bytes, from, end, this.#firstEpoch);
    this.#memory.control[Control.lastRef] = this.#nextRef - 1;
    return made;
  }

  refOf(record: number): number {
    return this.#memory.cold[record * COLD_WORDS + Cold.ref];
  }

  /** Whether a record index stands for a series now. */
  isLive(record: number): boolean {
    const base = record * COLD_WORDS;
    return this.#memory.cold[base + Cold.ref] !== 0 && (this.#memory.cold[base + Cold.flags] & REMOVED) === 0;
  }

  /** While a replay makes series nobody asks for postings: from now on they wait for `finishReplay`. The table must be empty. */
  deferPostings(): void {
    this.#isDeferring = this.count === 0;
  }

  /** Whether postings wait for `finishReplay`. */
  get defersPostings(): boolean {
    return this.#isDeferring;
  }

  /** Makes postings that were put off, and sorts those that a foreign log filled out of order. */
  finishReplay(byKernels: boolean): void {
    if (this.#isDeferring) {
      this.#isDeferring = false;
      this.#unsorted = false;
      if (byKernels && this.#kernels?.buildPostings(this.highIndex, this.count, this.#symbols.highestPair)) {
        this.#memory.control[Control.seriesCount] = this.count;
        return;
      }
      buildPostings(this.#memory, this.#arena, this.#liveByRef(), this.#symbols.highestPair);
      return;
    }
    if (!this.#unsorted) return;
    this.#unsorted = false;
    this.#rebuildPostings();
  }

  /**
   * Removes series: they are found no more, and their records are reused once no snapshot is older. `onFree` is told each
   * record then, to free what hangs on it. Postings still name their refs, which lead nowhere; see `droppingRemoved`.
   */
  remove(records: readonly number[], onFree: (record: number) => void): void {
    if (records.length === 0) return;
    const { cold, arena } = this.#memory;
    const touched = this.#touched;
    for (const record of records) {
      const base = record * COLD_WORDS;
      cold[base + Cold.flags] |= REMOVED;
      const list = cold[base + Cold.labels];
      for (let i = 1; i <= arena[list]; i++) touched.add(arena[list + i]);
      this.#unplace(record, cold[base + Cold.hash]);
      this.#dropRef(cold[base + Cold.ref]);
    }
    touched.add(ALL_SERIES);
    this.#state[TableWord.count] -= records.length;
    this.#reclaimer.later(() => {
      for (const record of records) {
        onFree(record);
        const base = record * COLD_WORDS;
        const list = cold[base + Cold.labels];
        this.#arena.give(list, arena[list] + 1);
        cold[base + Cold.ref] = 0;
        this.#pool.give(record);
      }
    });
  }

  /** Takes removed series out of the postings, and label pairs that no series has any more out of the symbols. In steps. */
  *droppingRemoved(): Steps<void> {
    const touched = this.#touched;
    this.#touched = new Set();
    let work = 0;
    for (const pair of touched) {
      work += countPostings(this.#memory, pair) + 16;
      yield* this.#compactingPostings(pair);
      if (work < POSTINGS_STEP) continue;
      work = 0;
      yield;
    }
    if (touched.size > 0) yield* this.#symbols.droppingUnusedPairs();
  }

  /** Makes a pair's postings anew from the refs that still stand for series. Refs that are added meanwhile come along. */
  *#compactingPostings(pair: number): Steps<void> {
    const memory = this.#memory;
    const before = countPostings(memory, pair);
    let refs = new Uint32Array(before);
    readPostings(memory, pair, refs, 0, before);
    let kept = 0;
    for (let i = 0; i < before; i++) {
      if (recordOf(memory, refs[i]) !== 0) refs[kept++] = refs[i];
      if (i % POSTINGS_STEP === POSTINGS_STEP - 1) yield;
    }
    const now = countPostings(memory, pair);
    if (now > before) {
      const all = new Uint32Array(now);
      readPostings(memory, pair, all, 0, now);
      const joined = new Uint32Array(kept + now - before);
      joined.set(refs.subarray(0, kept));
      joined.set(all.subarray(before), kept);
      refs = joined;
      kept = joined.length;
    }
    const chain = replacePostings(memory, this.#arena, pair, refs, kept);
    if (chain !== 0) this.#reclaimer.later(() => freeChain(this.#arena, chain));
  }

  #create(ids: Uint32Array, count: number, hash: number, wantedRef: number): number {
    if (count > MAX_LABELS) throw new HeadFullError("labels of one series");
    const memory = this.#memory;
    const ref = wantedRef !== 0 ? wantedRef : this.#nextRef;
    if (ref >>> 7 >= memory.refs.length) throw new HeadFullError("series refs");
    if (ref < this.#nextRef) this.#unsorted = true;
    const record = this.#pool.take();
    const list = this.#arena.take(count + 1);
    memory.arena[list] = count;
    for (let i = 0; i < count; i++) memory.arena[list + 1 + i] = ids[i];
    const cold = record * COLD_WORDS;
    memory.cold[cold + Cold.ref] = ref;
    memory.cold[cold + Cold.labels] = list;
    memory.cold[cold + Cold.hash] = hash;
    memory.cold[cold + Cold.flags] = 0;
    memory.cold[cold + Cold.outOfOrder] = 0;
    const base = record * RECORD_WORDS;
    memory.series.fill(0, base, base + RECORD_WORDS);
    memory.seriesFloats[(base + Rec.lastTime) >> 1] = -Infinity;
    memory.seriesFloats[(base + Rec.nextCut) >> 1] = -Infinity;
    memory.series[base + Rec.packed] = NO_WINDOW;
    // Not later than any snapshot that is held, so that the first append leaves an undo entry for all of them.
    memory.series[base + Rec.epoch] = this.#firstEpoch;
    this.#setRef(ref, record);
    if (ref >= this.#nextRef) this.#state[TableWord.nextRef] = ref + 1;
    if (this.#isDeferring) memory.control[Control.lastRef] = this.#nextRef - 1;
    else this.#addPostings(ids, count, ref);
    this.#state[TableWord.count]++;
    if (this.count * 2 > 1 << this.#bits) this.#rehash(this.#bits + 1);
    else this.#place(record, hash);
    return record;
  }

  get #firstEpoch(): number {
    return this.#snapshots.liveCount > 0 ? this.#snapshots.oldest : this.#snapshots.epoch;
  }

  #addPostings(ids: Uint32Array, count: number, ref: number): void {
    const memory = this.#memory;
    openWindow(memory.control);
    try {
      for (let i = 0; i < count; i++) addPosting(memory, this.#arena, ids[i], ref);
      addPosting(memory, this.#arena, ALL_SERIES, ref);
      memory.control[Control.lastRef] = this.#nextRef - 1;
    } finally {
      closeWindow(memory.control);
    }
  }

  /** Records of all series, in the order of their refs. */
  #liveByRef(): Uint32Array {
    const records = new Uint32Array(this.count);
    let count = 0;
    let before = 0;
    let isSorted = true;
    for (let record = 1; record <= this.#pool.high; record++) {
      if (!this.isLive(record)) continue;
      const ref = this.refOf(record);
      if (ref < before) isSorted = false;
      before = ref;
      records[count++] = record;
    }
    return isSorted ? records : records.sort((a, b) => this.refOf(a) - this.refOf(b));
  }

  #lookUp(ids: Uint32Array, count: number, hash: number): number {
    const { arena, cold } = this.#memory;
    const table = this.#table;
    const mask = (1 << this.#bits) - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const record = arena[table + slot];
      if (record === 0) return 0;
      const base = record * COLD_WORDS;
      if (cold[base + Cold.hash] !== hash) continue;
      const list = cold[base + Cold.labels];
      if (arena[list] !== count) continue;
      let i = 0;
      while (i < count && arena[list + 1 + i] === ids[i]) i++;
      if (i === count) return record;
    }
  }

  #place(record: number, hash: number): void {
    const { arena } = this.#memory;
    const table = this.#table;
    const mask = (1 << this.#bits) - 1;
    let slot = hash & mask;
    while (arena[table + slot] !== 0) slot = (slot + 1) & mask;
    arena[table + slot] = record;
  }

  /** Takes a record out of the table; those behind it move up, so that look-ups need no marks. */
  #unplace(record: number, hash: number): void {
    const { arena, cold } = this.#memory;
    const table = this.#table;
    const mask = (1 << this.#bits) - 1;
    let hole = hash & mask;
    while (arena[table + hole] !== record) {
      if (arena[table + hole] === 0) return;
      hole = (hole + 1) & mask;
    }
    for (let slot = (hole + 1) & mask; ; slot = (slot + 1) & mask) {
      const other = arena[table + slot];
      if (other === 0) break;
      const home = cold[other * COLD_WORDS + Cold.hash] & mask;
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      arena[table + hole] = other;
      hole = slot;
    }
    arena[table + hole] = 0;
  }

  /** The table is the writer's alone, so it may be freed at once. */
  #rehash(bits: number): void {
    const { arena, cold } = this.#memory;
    if (bits !== this.#bits) {
      const table = this.#arena.take(1 << bits);
      this.#arena.give(this.#table, 1 << this.#bits);
      this.#state[TableWord.address] = table;
      this.#state[TableWord.bits] = bits;
    }
    arena.fill(0, this.#table, this.#table + (1 << bits));
    if (this.#kernels !== undefined) {
      this.#kernels.placeSeries(this.highIndex);
      return;
    }
    for (let record = 1; record <= this.#pool.high; record++) {
      if (this.isLive(record)) this.#place(record, cold[record * COLD_WORDS + Cold.hash]);
    }
  }

  #setRef(ref: number, record: number): void {
    const { refs, arena } = this.#memory;
    const number = ref >>> 7;
    if (refs[number] === 0) {
      const page = this.#arena.take(REF_PAGE);
      arena.fill(0, page, page + REF_PAGE);
      refs[number] = page;
    }
    arena[refs[number] + (ref & (REF_PAGE - 1))] = record;
  }

  #dropRef(ref: number): void {
    const { refs, arena } = this.#memory;
    const number = ref >>> 7;
    const page = refs[number];
    arena[page + (ref & (REF_PAGE - 1))] = 0;
    for (let i = 0; i < REF_PAGE; i++) if (arena[page + i] !== 0) return;
    Atomics.store(refs, number, 0);
    this.#reclaimer.later(() => this.#arena.give(page, REF_PAGE));
  }

  /** Makes all pairs' postings anew, sorted, from the series that are live. */
  #rebuildPostings(): void {
    const memory = this.#memory;
    const old: number[] = [];
    const rebuild = (pair: number): void => {
      const before = countPostings(memory, pair);
      const refs = new Uint32Array(before);
      const count = readPostings(memory, pair, refs, 0, before);
      let kept = 0;
      for (let i = 0; i < count; i++) {
        const record = recordOf(memory, refs[i]);
        if (record !== 0 && this.isLive(record)) refs[kept++] = refs[i];
      }
      const live = refs.subarray(0, kept).sort();
      const chain = replacePostings(memory, this.#arena, pair, live, kept);
      if (chain !== 0) old.push(chain);
    };
    rebuild(ALL_SERIES);
    for (let name = 1; name <= this.#symbols.nameCount; name++) {
      for (let pair = this.#symbols.newestPair(name); pair !== 0; pair = this.#symbols.nextOfName(pair)) {
        rebuild(pair);
      }
    }
    this.#reclaimer.later(() => {
      for (const chain of old) freeChain(this.#arena, chain);
    });
  }

  #room(count: number): Uint32Array {
    if (count > this.#ids.length) this.#ids = new Uint32Array(count * 2);
    return this.#ids;
  }
}

/** Hash of a label list by its pair ids. */
function hashIds(ids: Uint32Array, count: number): number {
  let hash = 0x9e3779b9 ^ count;
  for (let i = 0; i < count; i++) {
    hash = Math.imul(hash ^ ids[i], 0x85ebca6b);
    hash ^= hash >>> 15;
  }
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
