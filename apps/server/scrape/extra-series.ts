// Series of a target that stand beside its template: they came after it was made. No object and no string per series.
import type { SeriesRef } from "@narthex/storage";
import type { GroupPart } from "./sample-groups.ts";

const FIRST_CAPACITY = 64;
const FIRST_TEXT_WORDS = 1024;
/** What a set that was emptied may leave for the next one to fill: so many series, so many words of text. */
const SPARE_CAPACITY = 1 << 15;
const SPARE_TEXT_WORDS = 1 << 20;

/** All of them, side by side, by position and by text. Positions change when others leave. */
export class ExtraSeriesSet {
  #columns: Columns | undefined;
  #count = 0;
  /** Places in groups, of the series that have one; undefined while none has. */
  #parts: (GroupPart | undefined)[] | undefined;

  get size(): number {
    return this.#count;
  }

  /** The series with the text `bytes[start, end)`, -1 for none. `hash` is as `hashSeries` gives it; 3 more bytes must be readable. */
  find(bytes: DataView, start: number, end: number, hash: number): number {
    if (this.#count === 0) return -1;
    const { table, hashes, texts, lengths, words } = this.#columns as Columns;
    const mask = table.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const id = (table[slot] as number) - 1;
      if (id < 0) return -1;
      if (hashes[id] !== hash || lengths[id] !== end - start) continue;
      if (isSame(words, texts[id] as number, bytes, start, end - start)) return id;
    }
  }

  /** Adds a series that `find` does not know, and returns its position: the last. */
  add(
    bytes: DataView,
    start: number,
    end: number,
    hash: number,
    ref: SeriesRef,
    flags: number,
    typeCode: number,
    part: GroupPart | undefined,
  ): number {
    this.#columns ??= takeColumns();
    const columns = this.#columns;
    const id = this.#count;
    columns.reserve(id, (end - start + 3) >>> 2);
    columns.place(hash, id);
    columns.hashes[id] = hash;
    columns.refs[id] = ref;
    columns.flags[id] = flags;
    columns.typeCodes[id] = typeCode;
    columns.seen[id] = 0;
    columns.addText(id, bytes, start, end - start);
    if (part !== undefined) (this.#parts ??= [])[id] = part;
    this.#count++;
    return id;
  }

  ref(id: number): SeriesRef {
    return (this.#columns as Columns).refs[id] as number;
  }

  setRef(id: number, ref: SeriesRef): void {
    (this.#columns as Columns).refs[id] = ref;
  }

  flags(id: number): number {
    return (this.#columns as Columns).flags[id] as number;
  }

  setFlags(id: number, flags: number): void {
    (this.#columns as Columns).flags[id] = flags;
  }

  /** The metric type in force where it stood, as an index into `METRIC_TYPES`. */
  typeCode(id: number): number {
    return (this.#columns as Columns).typeCodes[id] as number;
  }

  /** Scrape number * 2, plus 1 when the scrape before that had it too. */
  seen(id: number): number {
    return (this.#columns as Columns).seen[id] as number;
  }

  setSeen(id: number, mark: number): void {
    (this.#columns as Columns).seen[id] = mark;
  }

  /** Its place in a group, if it has one. */
  part(id: number): GroupPart | undefined {
    return this.#parts?.[id];
  }

  /** Length of its text. */
  textBytes(id: number): number {
    return (this.#columns as Columns).lengths[id] as number;
  }

  /** Copies its text to the beginning of `into` and returns the length. */
  copyText(id: number, into: Uint8Array): number {
    const { texts, lengths, words } = this.#columns as Columns;
    const first = texts[id] as number;
    const length = lengths[id] as number;
    for (let i = 0; i < length; i++) into[i] = (words[first + (i >> 2)] as number) >>> ((i & 3) << 3);
    return length;
  }

  /** Keeps those that scrape number `scrape` had. */
  keepSeen(scrape: number): void {
    const before = this.#count;
    if (before === 0) return;
    const old = this.#columns as Columns;
    let kept = 0;
    for (let id = 0; id < before; id++) if ((old.seen[id] as number) >>> 1 === scrape) kept++;
    // Much too large: it may be what another set left.
    if (kept === before && old.capacity <= Math.max(FIRST_CAPACITY, 4 * kept)) return;
    const parts = this.#parts;
    this.#columns = kept === 0 ? undefined : new Columns(Math.max(FIRST_CAPACITY, kept));
    this.#parts = undefined;
    this.#count = 0;
    for (let id = 0; id < before && kept > 0; id++) {
      if ((old.seen[id] as number) >>> 1 !== scrape) continue;
      const columns = this.#columns as Columns;
      const at = this.#count++;
      columns.adopt(at, old, id);
      const part = parts?.[id];
      if (part !== undefined) (this.#parts ??= [])[at] = part;
    }
    leaveColumns(old, before);
  }

  /** Takes back the marks of a scrape that failed. */
  unsee(scrape: number): void {
    if (this.#columns === undefined) return;
    const { seen } = this.#columns;
    for (let id = 0; id < this.#count; id++) seen[id] = markBefore(seen[id] as number, scrape);
  }

  clear(): void {
    if (this.#columns !== undefined) leaveColumns(this.#columns, this.#count);
    this.#columns = undefined;
    this.#parts = undefined;
    this.#count = 0;
  }
}

/** The mark as it was before scrape number `scrape`; see `ExtraSeriesSet.seen`. */
export function markBefore(mark: number, scrape: number): number {
  if (mark >>> 1 !== scrape) return mark;
  return (mark & 1) === 1 ? (scrape - 1) * 2 : 0;
}

/** The set's memory. A first scrape fills it and then hands everything to the template, so that the next target's may have it. */
class Columns {
  capacity: number;
  hashes: Int32Array;
  refs: Uint32Array;
  seen: Uint32Array;
  /** First word and bytes of each text. */
  texts: Uint32Array;
  lengths: Uint32Array;
  flags: Uint8Array;
  typeCodes: Uint8Array;
  /** Texts, each padded with zeros to whole words; the first byte is the lowest. */
  words: Int32Array;
  usedWords = 0;
  /** Open addressing by hash: positions from 1. At most half full. */
  table: Int32Array;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.hashes = new Int32Array(capacity);
    this.refs = new Uint32Array(capacity);
    this.seen = new Uint32Array(capacity);
    this.texts = new Uint32Array(capacity);
    this.lengths = new Uint32Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.typeCodes = new Uint8Array(capacity);
    this.words = new Int32Array(FIRST_TEXT_WORDS);
    this.table = new Int32Array(tableSize(capacity));
  }

  /** Makes room for one series more than `count`, with so many words of text. */
  reserve(count: number, words: number): void {
    if (this.usedWords + words > this.words.length) {
      this.words = grown(this.words, new Int32Array(Math.max(this.words.length * 2, this.usedWords + words)));
    }
    if (count < this.capacity) return;
    this.capacity *= 2;
    const { capacity } = this;
    this.hashes = grown(this.hashes, new Int32Array(capacity));
    this.refs = grown(this.refs, new Uint32Array(capacity));
    this.seen = grown(this.seen, new Uint32Array(capacity));
    this.texts = grown(this.texts, new Uint32Array(capacity));
    this.lengths = grown(this.lengths, new Uint32Array(capacity));
    this.flags = grown(this.flags, new Uint8Array(capacity));
    this.typeCodes = grown(this.typeCodes, new Uint8Array(capacity));
    this.table = new Int32Array(tableSize(capacity));
    for (let id = 0; id < count; id++) this.place(this.hashes[id] as number, id);
  }

  place(hash: number, id: number): void {
    const { table } = this;
    const mask = table.length - 1;
    let slot = hash & mask;
    while (table[slot] !== 0) slot = (slot + 1) & mask;
    table[slot] = id + 1;
  }

  addText(id: number, bytes: DataView, start: number, length: number): void {
    const { words } = this;
    const first = this.usedWords;
    const full = length >>> 2;
    for (let i = 0; i < full; i++) words[first + i] = bytes.getInt32(start + 4 * i, true);
    const hasRest = (length & 3) !== 0;
    if (hasRest) words[first + full] = bytes.getInt32(start + 4 * full, true) & tailMask(length);
    this.texts[id] = first;
    this.lengths[id] = length;
    this.usedWords = first + full + (hasRest ? 1 : 0);
  }

  /** Takes over one series of another set, marks included, as number `at`. There must be room. */
  adopt(at: number, other: Columns, id: number): void {
    const length = other.lengths[id] as number;
    const first = other.texts[id] as number;
    const words = (length + 3) >>> 2;
    this.reserve(at, words);
    this.place(other.hashes[id] as number, at);
    this.hashes[at] = other.hashes[id] as number;
    this.refs[at] = other.refs[id] as number;
    this.seen[at] = other.seen[id] as number;
    this.flags[at] = other.flags[id] as number;
    this.typeCodes[at] = other.typeCodes[id] as number;
    for (let i = 0; i < words; i++) this.words[this.usedWords + i] = other.words[first + i] as number;
    this.texts[at] = this.usedWords;
    this.lengths[at] = length;
    this.usedWords += words;
  }
}

/** Empty columns that nobody uses. Scrapes are taken in one after the other, so one set of them serves all first scrapes. */
let spare: Columns | undefined;

function takeColumns(): Columns {
  const columns = spare ?? new Columns(FIRST_CAPACITY);
  spare = undefined;
  return columns;
}

/** Keeps the larger of what is left and what is spare, up to a bound. */
function leaveColumns(columns: Columns, count: number): void {
  if (columns.capacity > SPARE_CAPACITY || columns.words.length > SPARE_TEXT_WORDS) return;
  if (spare !== undefined && spare.capacity >= columns.capacity) return;
  if (count > 0) columns.table.fill(0);
  columns.usedWords = 0;
  spare = columns;
}

function tableSize(capacity: number): number {
  return 2 ** (32 - Math.clz32(2 * capacity - 1));
}

function tailMask(length: number): number {
  return (1 << ((length & 3) * 8)) - 1;
}

function isSame(words: Int32Array, first: number, bytes: DataView, start: number, length: number): boolean {
  const full = length >>> 2;
  for (let i = 0; i < full; i++) if (words[first + i] !== bytes.getInt32(start + 4 * i, true)) return false;
  return (length & 3) === 0 || words[first + full] === (bytes.getInt32(start + 4 * full, true) & tailMask(length));
}

function grown<T extends Int32Array | Uint32Array | Uint8Array>(from: T, into: T): T {
  into.set(from);
  return into;
}
