// Templates: what stays the same from scrape to scrape. A body is cut into runs, each from the end of one value (or of
// its timestamp) to the start of the next: line break, comments, series text, space. A block holds the runs of up to
// 255 neighbouring samples in one typed array; blocks are shared by content, since targets of one job say much the same.
import type { MetricType } from "@narthex/model";

/** Samples in one block at most. An entry of a target is addressed as `block * 256 + index in the block`. */
export const MAX_BLOCK_ENTRIES = 255;
/** A block that has so many entries ends at the next series whose hash says so, whatever came before it. */
const MIN_BLOCK_ENTRIES = 16;
const CUT_MASK = 63;
/** A block ends once its text has so many words. */
const MAX_BLOCK_WORDS = 1 << 15;

/** Words before the entries: how many there are. */
export const BLOCK_HEADER_WORDS = 1;
/** Words of one entry: where its text begins (word), bytes of the run, where the series text begins in it (byte),
 * bytes of the series text and the type in force (upper 8 bits), hash of the series text. Text follows the entries,
 * each run padded with zeros to whole words; the first byte is the lowest. */
export const ENTRY_WORDS = 5;
export const ENTRY_TEXT = 0;
export const ENTRY_RUN_BYTES = 1;
export const ENTRY_SERIES_OFFSET = 2;
export const ENTRY_SERIES_BYTES = 3;
export const ENTRY_HASH = 4;
/** Longest series text, in bytes, that a template takes. */
export const MAX_SERIES_BYTES: number = (1 << 24) - 1;
const SERIES_BYTES_MASK = MAX_SERIES_BYTES;

const TAIL_MASKS = Int32Array.of(0, 0xff, 0xffff, 0xffffff);

/** One thing a comment line of a block says about a metric family. */
export interface FamilyNote {
  readonly family: string;
  readonly kind: "type" | "help" | "unit";
  readonly text: string;
}

/** An immutable piece of a template. */
export interface Block {
  readonly words: Int32Array;
  readonly notes: readonly FamilyNote[];
  /** How many caches use it. Kept by the store. */
  users: number;
}

/** Whether the `byteCount` bytes at `at` equal the words from `first` on. At least 3 bytes must follow them in `view`. */
export function runMatches(view: DataView, at: number, words: Int32Array, first: number, byteCount: number): boolean {
  const full = first + (byteCount >> 2);
  let i = first;
  let position = at;
  while (i < full) {
    if (view.getInt32(position, true) !== words[i]) return false;
    position += 4;
    i++;
  }
  const rest = byteCount & 3;
  return rest === 0 || (view.getInt32(position, true) & (TAIL_MASKS[rest] as number)) === words[i];
}

/** Number of entries in a block. */
export function entryCount(words: Int32Array): number {
  return words[0] as number;
}

/** Bytes of the series text of the entry whose words begin at `entry`. */
export function seriesBytes(words: Int32Array, entry: number): number {
  return (words[entry + ENTRY_SERIES_BYTES] as number) & SERIES_BYTES_MASK;
}

/** Type in force at the entry whose words begin at `entry`, as an index into `METRIC_TYPES`. */
export function entryType(words: Int32Array, entry: number): number {
  return (words[entry + ENTRY_SERIES_BYTES] as number) >>> 24;
}

/** Whether the series text of an entry equals `bytes[start, start + length)`. */
export function seriesEquals(
  words: Int32Array,
  entry: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): boolean {
  if (seriesBytes(words, entry) !== length) return false;
  const text = words[entry + ENTRY_TEXT] as number;
  const offset = words[entry + ENTRY_SERIES_OFFSET] as number;
  for (let i = 0; i < length; i++) {
    const at = offset + i;
    if ((((words[text + (at >> 2)] as number) >>> ((at & 3) << 3)) & 0xff) !== bytes[start + i]) return false;
  }
  return true;
}

/** Copies the series text of an entry to `into[at, ...)` and returns its length. */
export function copySeries(words: Int32Array, entry: number, into: Uint8Array, at: number): number {
  const length = seriesBytes(words, entry);
  const text = words[entry + ENTRY_TEXT] as number;
  const offset = words[entry + ENTRY_SERIES_OFFSET] as number;
  for (let i = 0; i < length; i++) {
    const from = offset + i;
    into[at + i] = ((words[text + (from >> 2)] as number) >>> ((from & 3) << 3)) & 0xff;
  }
  return length;
}

/** Hash of a series text, never 0. FNV-1a over the bytes with its upper half folded in. */
export function hashSeries(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return finishHash(hash);
}

/** The last step of `hashSeries`, for those who run over the bytes anyway. */
export function finishHash(hash: number): number {
  return (hash ^ (hash >>> 15)) | 0 || 1;
}

/** Blocks by content, with a count of their users. Grows with what is scraped, shrinks when caches let go. */
export class TemplateStore {
  /** For bodies one after the other: each takes 21 KiB, which is not worth having once a target. */
  readonly builder: TemplateBuilder = new TemplateBuilder(this);
  readonly #blocks = new Map<number, Block[]>();
  #blockCount = 0;
  #bytes = 0;

  /** The shared block with these words, with one user more. `words` is copied when it is new. */
  intern(words: Int32Array, notes: readonly FamilyNote[]): Block {
    const hash = hashWords(words);
    let sameHash = this.#blocks.get(hash);
    if (sameHash === undefined) {
      sameHash = [];
      this.#blocks.set(hash, sameHash);
    }
    for (const known of sameHash) {
      if (wordsEqual(known.words, words)) {
        known.users++;
        return known;
      }
    }
    const block: Block = { words: words.slice(), notes, users: 1 };
    sameHash.push(block);
    this.#blockCount++;
    this.#bytes += words.byteLength;
    return block;
  }

  /** Gives up one use of each block. */
  release(blocks: readonly Block[]): void {
    for (const block of blocks) {
      block.users--;
      if (block.users > 0) continue;
      const hash = hashWords(block.words);
      const sameHash = this.#blocks.get(hash)?.filter((other) => other !== block) ?? [];
      if (sameHash.length === 0) this.#blocks.delete(hash);
      else this.#blocks.set(hash, sameHash);
      this.#blockCount--;
      this.#bytes -= block.words.byteLength;
    }
  }

  get blockCount(): number {
    return this.#blockCount;
  }

  /** Bytes of text and entries, each shared block once. */
  get bytes(): number {
    return this.#bytes;
  }
}

/** Cuts a body into blocks, entry by entry. Reusable: `finish` leaves it empty. */
export class TemplateBuilder {
  readonly #store: TemplateStore;
  #entries = new Int32Array(MAX_BLOCK_ENTRIES * ENTRY_WORDS);
  #text = new Int32Array(4096);
  #textWords = 0;
  #count = 0;
  #notes: FamilyNote[] = [];
  #blocks: Block[] = [];

  constructor(store: TemplateStore) {
    this.#store = store;
  }

  /** A comment line of the run that comes next. */
  note(family: string, kind: FamilyNote["kind"], text: string): void {
    this.#notes.push({ family, kind, text });
  }

  /** Adds the run `[start, valueStart)` with the series text `[seriesStart, seriesEnd)` in it, and the type in force. */
  add(
    view: DataView,
    start: number,
    seriesStart: number,
    seriesEnd: number,
    valueStart: number,
    typeCode: number,
    hash: number,
  ): void {
    const length = valueStart - start;
    const words = (length + 3) >> 2;
    this.#reserveText(words);
    const entry = this.#count * ENTRY_WORDS;
    this.#entries[entry + ENTRY_TEXT] = this.#textWords;
    this.#entries[entry + ENTRY_RUN_BYTES] = length;
    this.#entries[entry + ENTRY_SERIES_OFFSET] = seriesStart - start;
    this.#entries[entry + ENTRY_SERIES_BYTES] = (seriesEnd - seriesStart) | (typeCode << 24);
    this.#entries[entry + ENTRY_HASH] = hash;
    const full = length >> 2;
    for (let i = 0; i < full; i++) this.#text[this.#textWords + i] = view.getInt32(start + 4 * i, true);
    const rest = length & 3;
    if (rest > 0) {
      this.#text[this.#textWords + full] = view.getInt32(start + 4 * full, true) & (TAIL_MASKS[rest] as number);
    }
    this.#textWords += words;
    this.#count++;
    const cutsHere = this.#count >= MIN_BLOCK_ENTRIES && (hash & CUT_MASK) === 0;
    if (cutsHere || this.#count === MAX_BLOCK_ENTRIES || this.#textWords >= MAX_BLOCK_WORDS) this.#closeBlock();
  }

  /** The blocks of all entries since the last `finish`; the caller holds one use of each. */
  finish(): Block[] {
    if (this.#count > 0 || this.#notes.length > 0) this.#closeBlock();
    const blocks = this.#blocks;
    this.#blocks = [];
    return blocks;
  }

  /** Forgets what was added since the last `finish`. */
  abandon(): void {
    this.#store.release(this.finish());
  }

  #closeBlock(): void {
    const textStart = BLOCK_HEADER_WORDS + this.#count * ENTRY_WORDS;
    const words = new Int32Array(textStart + this.#textWords);
    words[0] = this.#count;
    words.set(this.#entries.subarray(0, this.#count * ENTRY_WORDS), BLOCK_HEADER_WORDS);
    for (let i = 0; i < this.#count; i++) {
      words[BLOCK_HEADER_WORDS + i * ENTRY_WORDS + ENTRY_TEXT] =
        (this.#entries[i * ENTRY_WORDS + ENTRY_TEXT] as number) + textStart;
    }
    words.set(this.#text.subarray(0, this.#textWords), textStart);
    this.#blocks.push(this.#store.intern(words, this.#notes));
    this.#count = 0;
    this.#textWords = 0;
    this.#notes = [];
    if (this.#text.length > 4 * MAX_BLOCK_WORDS) this.#text = new Int32Array(4096);
  }

  #reserveText(words: number): void {
    if (this.#textWords + words <= this.#text.length) return;
    const grown = new Int32Array(Math.max(this.#text.length * 2, this.#textWords + words));
    grown.set(this.#text.subarray(0, this.#textWords));
    this.#text = grown;
  }
}

/** What a family is, put together from its notes. */
export interface FamilyMetadata {
  type: MetricType;
  help: string;
  unit: string;
}

/** Puts one note into a map of families; the last word on a thing counts. */
export function applyNote(families: Map<string, FamilyMetadata>, note: FamilyNote): void {
  let family = families.get(note.family);
  if (family === undefined) {
    family = { type: "unknown", help: "", unit: "" };
    families.set(note.family, family);
  }
  if (note.kind === "type") family.type = note.text as MetricType;
  else if (note.kind === "help") family.help = note.text;
  else family.unit = note.text;
}

function hashWords(words: Int32Array): number {
  let hash = words.length;
  for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ (words[i] as number), 0x01000193) ^ (hash >>> 13);
  return hash | 0;
}

function wordsEqual(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
