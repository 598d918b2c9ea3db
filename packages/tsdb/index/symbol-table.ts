// The symbols of a block's index: all strings that its labels are made of.
import { ByteReader, crc32c, decodeText } from "@narthex/encoding";
import { Labels } from "@narthex/model";
import type { PagedFile } from "../fs/paged-file.ts";
import { IndexError, SAMPLE_EVERY } from "./format.ts";
import { forgetLabelSets, labelSet } from "./label-sets.ts";

/** So many references are kept at most; then the cache begins anew. */
const MAX_CACHED = 65_536;
/**
 * Strings known from any block of this thread, by numbers of their own: neighbouring blocks have the same ones, and
 * comparing those is quick.
 */
const known = new Map<string, number>();
let texts: string[] = [];
const MAX_KNOWN = 131_072;
/** How often numbers were given anew. */
let numbering = 0;
const scratch: number[] = [];

/**
 * Forgets all strings and label sets of this thread: numbers are given anew from here on. What was given out stays as it is. The
 * references that a table knows go when it is asked the next time.
 */
export function forgetSymbols(): void {
  known.clear();
  texts = [];
  numbering++;
  forgetLabelSets();
}

/** The number of a text. */
function numberOf(text: string): number {
  const found = known.get(text);
  if (found !== undefined) return found;
  if (texts.length >= MAX_KNOWN) {
    forgetSymbols();
  }
  const number = texts.push(text) - 1;
  known.set(text, number);
  return number;
}

/**
 * Strings by reference. Version 2 counts symbols: every 32nd place is kept in memory, and a look-up walks from there.
 * Version 1 refers to a symbol by its offset in the file.
 */
export class SymbolTable {
  readonly count: number;
  readonly #file: PagedFile;
  readonly #version: number;
  /** Where every 32nd symbol lies; in a Float64Array, since files may exceed 4 GiB. */
  readonly #sampled: Float64Array;
  /** Where the first symbol begins and the last one ends. */
  readonly #begin: number;
  readonly #end: number;
  /** Numbers of texts by reference. */
  readonly #cache = new Map<number, number>();
  #numbering = numbering;

  /** Reads the section once. Throws `IndexError` when it is damaged. */
  constructor(file: PagedFile, version: number, offset: number, path: string) {
    const header = new ByteReader(file.read(offset, 8));
    const length = header.uint32();
    this.count = header.uint32();
    if (length < 4 || offset + 4 + length + 4 > file.size) throw new IndexError(path, "symbols: impossible length");
    if (this.count > length) throw new IndexError(path, "symbols: impossible count");
    const section = file.read(offset + 4, length + 4);
    if (crc32c(section, 0, length) !== new ByteReader(section, length).uint32()) {
      throw new IndexError(path, "symbols: checksum mismatch");
    }
    this.#file = file;
    this.#version = version;
    this.#begin = offset + 8;
    this.#end = offset + 4 + length;
    this.#sampled = new Float64Array(version === 1 ? 0 : Math.ceil(this.count / SAMPLE_EVERY));
    const reader = new ByteReader(section, 4, length);
    for (let i = 0; i < this.count; i++) {
      if (version !== 1 && i % SAMPLE_EVERY === 0) this.#sampled[i / SAMPLE_EVERY] = offset + 4 + reader.position;
      reader.skip(reader.uvarint());
    }
  }

  /** The string that `ref` stands for. Throws `RangeError` for references that stand for none. */
  get(ref: number): string {
    return texts[this.#number(ref)] as string;
  }

  /** The label set of the first `count` of `refs`, names and values in turn; equal sets of this thread are one object. */
  labels(refs: readonly number[], count: number): Labels {
    const numbers = scratch;
    for (let tries = 0; tries < 2; tries++) {
      const before = numbering;
      for (let i = 0; i < count; i++) numbers[i] = this.#number(refs[i] as number);
      if (numbering === before) return labelSet(numbers, count, texts);
    }
    // More symbols than are ever known at a time.
    return new Labels(refs.slice(0, count).map((ref) => this.get(ref)));
  }

  #number(ref: number): number {
    if (this.#numbering !== numbering) {
      this.#cache.clear();
      this.#numbering = numbering;
    }
    const cached = this.#cache.get(ref);
    if (cached !== undefined) return cached;
    const number = numberOf(this.#version === 1 ? this.#readAt(ref) : this.#find(ref));
    if (this.#cache.size >= MAX_CACHED || this.#numbering !== numbering) this.#cache.clear();
    this.#numbering = numbering;
    this.#cache.set(ref, number);
    return number;
  }

  /** All symbols, in the file's order. */
  *[Symbol.iterator](): Generator<string> {
    const section = new ByteReader(this.#file.read(this.#begin, this.#end - this.#begin));
    for (let i = 0; i < this.count; i++) yield section.uvarintText();
  }

  #find(ref: number): string {
    if (ref >= this.count) throw new RangeError(`no symbol ${ref}, there are ${this.count}`);
    let offset = this.#sampled[Math.floor(ref / SAMPLE_EVERY)] as number;
    for (let skip = ref % SAMPLE_EVERY; skip > 0; skip--) offset = this.#measure(offset);
    return this.#readAt(offset);
  }

  /** Where the symbol after the one at `offset` begins. */
  #measure(offset: number): number {
    const at = this.#file.locate(offset, 10);
    const reader = new ByteReader(this.#file.bytes, at, at + 10);
    const length = reader.uvarint();
    return offset + (reader.position - at) + length;
  }

  #readAt(offset: number): string {
    let at = this.#file.locate(offset, 10);
    const reader = new ByteReader(this.#file.bytes, at, at + 10);
    const length = reader.uvarint();
    const from = offset + reader.position - at;
    if (from + length > this.#end) throw new RangeError(`symbol at ${offset} ends outside of the section`);
    at = this.#file.locate(from, length);
    return decodeText(this.#file.bytes, at, at + length);
  }
}
