// The postings offset table of a block's index: from label and value to the list of series.
import { ByteReader, crc32c } from "@narthex/encoding";
import { compareStrings } from "@narthex/model";
import type { PagedFile } from "../fs/paged-file.ts";
import { IndexError, SAMPLE_EVERY } from "./format.ts";

interface NameEntry {
  /** Every n-th value and the last one. */
  readonly values: string[];
  /** Where the entries of those values begin, relative to the section; the last element is where the name's end. */
  readonly places: number[];
  count: number;
  /** All values and their lists, once they were walked through, if they are few. */
  all: { readonly values: readonly string[]; readonly lists: readonly number[] } | undefined;
  /** Lists of values that were looked up. */
  readonly found: Map<string, number | undefined>;
}

/** All values of a label are kept in memory up to so many. */
const MAX_ALL = 512;
/** So many look-ups of a label are remembered; then they begin anew. */
const MAX_FOUND = 256;

/**
 * Finds lists by label and value. Version 2 keeps every 32nd value in memory; version 1 may be unsorted, so that
 * there, every value is kept.
 */
export class PostingsTable {
  readonly #file: PagedFile;
  readonly #path: string;
  readonly #bodyOffset: number;
  readonly #names = new Map<string, NameEntry>();
  #sortedNames: readonly string[] | undefined;
  /** Only for version 1: value to list, sorted by value. */
  readonly #whole: Map<string, Map<string, number>> | undefined;
  /** Where the list of all series lies. */
  readonly all: number | undefined;

  /** Reads the section once. Throws `IndexError` when it is damaged. */
  constructor(file: PagedFile, version: number, offset: number, path: string) {
    const header = new ByteReader(file.read(offset, 8));
    const length = header.uint32();
    const count = header.uint32();
    if (length < 4 || offset + 4 + length + 4 > file.size) {
      throw new IndexError(path, "postings offset table: impossible length");
    }
    const section = file.read(offset + 4, length + 4);
    if (crc32c(section, 0, length) !== new ByteReader(section, length).uint32()) {
      throw new IndexError(path, "postings offset table: checksum mismatch");
    }
    this.#file = file;
    this.#path = path;
    this.#bodyOffset = offset + 4;
    this.#whole = version === 1 ? new Map() : undefined;
    const reader = new ByteReader(section, 4, length);
    let name: string | undefined;
    let entry: NameEntry = { values: [], places: [], count: 0, all: undefined, found: new Map() };
    let lastValue = "";
    let lastPlace = 0;
    const finish = (end: number): void => {
      if (entry.count === 0) return;
      if ((entry.count - 1) % SAMPLE_EVERY !== 0) {
        entry.values.push(lastValue);
        entry.places.push(lastPlace);
      }
      entry.places.push(end);
    };
    for (let i = 0; i < count; i++) {
      const place = reader.position;
      if (reader.uint8() !== 2) throw new IndexError(path, "postings offset table: unexpected number of keys");
      const entryName = reader.uvarintText();
      const value = reader.uvarintText();
      const list = reader.uvarint();
      if (entryName === "" && value === "") {
        this.all = list;
        continue;
      }
      if (this.#whole !== undefined) {
        let values = this.#whole.get(entryName);
        if (values === undefined) this.#whole.set(entryName, (values = new Map()));
        values.set(value, list);
        continue;
      }
      if (entryName !== name) {
        finish(place);
        name = entryName;
        entry = { values: [], places: [], count: 0, all: undefined, found: new Map() };
        this.#names.set(entryName, entry);
      }
      if (entry.count % SAMPLE_EVERY === 0) {
        entry.values.push(value);
        entry.places.push(place);
      }
      entry.count++;
      lastValue = value;
      lastPlace = place;
    }
    finish(reader.position);
    if (this.#whole === undefined) return;
    for (const [key, values] of this.#whole) {
      this.#whole.set(key, new Map([...values].sort(([a], [b]) => compareStrings(a, b))));
    }
  }

  /** All label names, sorted. */
  names(): readonly string[] {
    this.#sortedNames ??= [...(this.#whole ?? this.#names).keys()].sort(compareStrings);
    return this.#sortedNames;
  }

  /** How many values a label has. */
  valueCount(name: string): number {
    return this.#whole?.get(name)?.size ?? this.#names.get(name)?.count ?? 0;
  }

  /** Where the list of series with this label and value lies in the file, undefined when there is none. */
  find(name: string, value: string): number | undefined {
    if (this.#whole !== undefined) return this.#whole.get(name)?.get(value);
    const entry = this.#names.get(name);
    if (entry === undefined) return undefined;
    if (!entry.found.has(value)) {
      if (entry.found.size >= MAX_FOUND) entry.found.clear();
      entry.found.set(value, this.#search(entry, value));
    }
    return entry.found.get(value);
  }

  #search({ values, places }: NameEntry, value: string): number | undefined {
    const low = firstAfter(values, value);
    if (low === 0) return undefined;
    let found: number | undefined;
    this.#walk(places[low - 1] as number, places[low] as number, (candidate, list) => {
      const order = compareStrings(candidate, value);
      if (order === 0) found = list;
      return order < 0;
    });
    return found;
  }

  /**
   * Calls `visit` with each value of a label in order, and where its list lies, until it returns false. With a prefix,
   * values that do not begin with it may be passed over.
   */
  each(name: string, visit: (value: string, list: number) => boolean, prefix = ""): void {
    if (this.#whole !== undefined) {
      for (const [value, list] of this.#whole.get(name) ?? []) if (!visit(value, list)) return;
      return;
    }
    const entry = this.#names.get(name);
    if (entry === undefined) return;
    const { values, places } = entry;
    if (entry.count <= MAX_ALL) {
      const all = (entry.all ??= this.#walkAll(entry));
      for (let i = 0; i < all.values.length; i++) {
        const value = all.values[i] as string;
        if (value.startsWith(prefix) && !visit(value, all.lists[i] as number)) return;
      }
      return;
    }
    const from = prefix === "" ? 0 : Math.max(0, firstAfter(values, prefix) - 1);
    let more = true;
    // Stretch by stretch, so that a label with millions of values needs no buffer for all of them.
    for (let i = from; i + 1 < places.length && more; i++) {
      const first = values[i] as string;
      if (compareStrings(first, prefix) > 0 && !first.startsWith(prefix)) break;
      this.#walk(places[i] as number, places[i + 1] as number, (value, list) => (more = visit(value, list)));
    }
  }

  #walkAll({ places }: NameEntry): { values: string[]; lists: number[] } {
    const all: { values: string[]; lists: number[] } = { values: [], lists: [] };
    this.#walk(places[0] as number, places[places.length - 1] as number, (value, list) => {
      all.values.push(value);
      all.lists.push(list);
      return true;
    });
    return all;
  }

  #walk(from: number, to: number, visit: (value: string, list: number) => boolean): void {
    const length = to - from;
    const at = this.#file.locate(this.#bodyOffset + from, length);
    // `visit` may read elsewhere in the file, which would replace the bytes.
    const reader = new ByteReader(this.#file.bytes.slice(at, at + length));
    while (reader.remaining > 0) {
      if (reader.uint8() !== 2) throw new IndexError(this.#path, "postings offset table: unexpected number of keys");
      reader.skip(reader.uvarint());
      const value = reader.uvarintText();
      if (!visit(value, reader.uvarint())) return;
    }
  }
}

/** Position of the first of `values` (sorted) that comes after `value`. */
function firstAfter(values: readonly string[], value: string): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compareStrings(values[middle] as string, value) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
