// Reads the index of a block, versions 2 and 1.
import { ByteReader, crc32c, EncodingError } from "@narthex/encoding";
import { compareStrings, type Labels, type Matcher } from "@narthex/model";
import type { FileSystem } from "../fs/file-system.ts";
import { FileEndError, PagedFile } from "../fs/paged-file.ts";
import {
  INDEX_HEADER_BYTES,
  INDEX_MAGIC,
  IndexError,
  SERIES_ALIGNMENT,
  type TableOfContents,
  TOC_BYTES,
} from "./format.ts";
import { estimatePostings, matchPostings, type PostingsSource } from "./matching.ts";
import { union } from "./postings.ts";
import { PostingsTable } from "./postings-table.ts";
import { type SeriesChunks, SeriesColumns, type SeriesEntry } from "./series-columns.ts";
import { SymbolTable } from "./symbol-table.ts";

const EMPTY = new Uint32Array(0);
const TWO_32 = 0x1_0000_0000;
/** Lists of so many ids in all are kept at most (16 MiB). */
const MAX_CACHED_IDS = 4 * 1024 * 1024;

/** A list itself, however short, takes the memory of about so many ids. */
const LIST_WEIGHT = 40;

/** One series of an index as it was read; reused from call to call. */
export class IndexSeries implements SeriesChunks {
  /** Symbol references: name, value, name, value; `labelCount` pairs. */
  readonly symbols: number[] = [];
  labelCount = 0;
  readonly first = 0;
  chunkCount = 0;
  minTimes: Float64Array = new Float64Array(8);
  maxTimes: Float64Array = new Float64Array(8);
  refs: Float64Array = new Float64Array(8);

  /** Makes room for so many chunks; what the arrays held is lost. */
  reserve(chunkCount: number): void {
    if (chunkCount <= this.refs.length) return;
    const capacity = Math.max(chunkCount, 2 * this.refs.length);
    this.minTimes = new Float64Array(capacity);
    this.maxTimes = new Float64Array(capacity);
    this.refs = new Float64Array(capacity);
  }
}

/**
 * A block's index. Series are known by id, ascending in the order of their labels: offset / 16 in version 2, the offset
 * itself in version 1. All methods throw `IndexError` for damaged bytes.
 */
export class IndexReader implements PostingsSource {
  readonly path: string;
  readonly version: number;
  readonly toc: TableOfContents;
  readonly symbols: SymbolTable;
  readonly size: number;
  readonly #file: PagedFile;
  readonly #table: PostingsTable;
  readonly #lists = new Map<number, Uint32Array>();
  #listIds = 0;
  readonly #series = new IndexSeries();
  readonly #entries = new SeriesColumns();

  static open(fs: FileSystem, path: string): IndexReader {
    const file = new PagedFile(fs.open(path, "read"));
    try {
      return guarded(path, () => new IndexReader(file, path));
    } catch (error) {
      file.close();
      throw error;
    }
  }

  private constructor(file: PagedFile, path: string) {
    this.path = path;
    this.#file = file;
    this.size = file.size;
    if (file.size < INDEX_HEADER_BYTES + TOC_BYTES) throw new IndexError(path, "invalid size");
    const header = new ByteReader(file.read(0, INDEX_HEADER_BYTES));
    const magic = header.uint32();
    if (magic !== INDEX_MAGIC) throw new IndexError(path, `invalid magic number ${magic.toString(16)}`);
    this.version = header.uint8();
    if (this.version !== 1 && this.version !== 2) {
      throw new IndexError(path, `unknown index file version ${this.version}`);
    }
    this.toc = readToc(file.read(file.size - TOC_BYTES, TOC_BYTES), file.size, path);
    this.symbols = new SymbolTable(file, this.version, this.toc.symbols, path);
    this.#table = new PostingsTable(file, this.version, this.toc.postingsOffsetTable, path);
  }

  close(): void {
    this.#file.close();
    this.#lists.clear();
    this.#entries.close();
  }

  // Postings -----------------------------------------------------------------------------------------------------------

  allPostings(): Uint32Array {
    return guarded(this.path, () => (this.#table.all === undefined ? EMPTY : this.#list(this.#table.all)));
  }

  postings(name: string, value: string): Uint32Array {
    return guarded(this.path, () => {
      const list = this.#table.find(name, value);
      return list === undefined ? EMPTY : this.#list(list);
    });
  }

  postingsWhere(name: string, test: (value: string) => boolean, prefix?: string): Uint32Array {
    return guarded(this.path, () => {
      const lists: Uint32Array[] = [];
      const visit = (value: string, list: number): boolean => {
        if (test(value)) lists.push(this.#list(list));
        return true;
      };
      this.#table.each(name, visit, prefix);
      return union(lists);
    });
  }

  valueCount(name: string): number {
    return this.#table.valueCount(name);
  }

  valueOf(id: number, name: string): string {
    return guarded(this.path, () => this.#cachedOrRead(id).get(name));
  }

  /** Ids of the series that pass all matchers, ascending: which is the order of their labels. */
  select(matchers: readonly Matcher[]): Uint32Array {
    return guarded(this.path, () => matchPostings(this, matchers));
  }

  estimate(matchers: readonly Matcher[]): number {
    return guarded(this.path, () => estimatePostings(this, matchers, this.allPostings().length));
  }

  /** Names of all labels, sorted; with ids, only those that these series have. */
  labelNames(ids?: Uint32Array): readonly string[] {
    if (ids === undefined) return this.#table.names();
    return guarded(this.path, () => {
      const names = new Set<string>();
      let shown: readonly string[] = [];
      for (const id of ids) {
        const { pairs } = this.#cachedOrRead(id);
        // Neighbours mostly have the same names.
        let same = pairs.length === shown.length;
        for (let i = 0; same && i < pairs.length; i += 2) same = pairs[i] === shown[i];
        if (same) continue;
        shown = pairs;
        for (let i = 0; i < pairs.length; i += 2) names.add(pairs[i] as string);
      }
      return [...names].sort(compareStrings);
    });
  }

  /** Values of one label, sorted; with ids, only those that these series have. Stops at `limit` if that is not 0. */
  labelValues(name: string, ids?: Uint32Array, limit = 0): string[] {
    return guarded(this.path, () => {
      if (ids === undefined) {
        const values: string[] = [];
        this.#table.each(name, (value) => values.push(value) !== limit);
        return values;
      }
      const found = new Set<string>();
      for (const id of ids) found.add(this.#cachedOrRead(id).get(name));
      found.delete("");
      const values = [...found].sort(compareStrings);
      return limit > 0 ? values.slice(0, limit) : values;
    });
  }

  #cachedOrRead(id: number): Labels {
    return this.#entries.get(id)?.labels ?? this.labelsOf(this.#readSeries(id, this.#series));
  }

  #list(offset: number): Uint32Array {
    const cached = this.#lists.get(offset);
    if (cached !== undefined) return cached;
    const header = new ByteReader(this.#file.read(offset, 8));
    const length = header.uint32();
    const count = header.uint32();
    if (length !== 4 + 4 * count || offset + 4 + length + 4 > this.size) {
      throw new IndexError(this.path, `postings at ${offset}: impossible length`);
    }
    const at = this.#file.locate(offset + 4, length + 4);
    const { bytes } = this.#file;
    if (crc32c(bytes, at, at + length) !== new ByteReader(bytes, at + length, at + length + 4).uint32()) {
      throw new IndexError(this.path, `postings at ${offset}: checksum mismatch`);
    }
    const ids = new Uint32Array(count);
    for (let i = 0, from = at + 4; i < count; i++, from += 4) {
      ids[i] =
        ((bytes[from] as number) << 24) |
        ((bytes[from + 1] as number) << 16) |
        ((bytes[from + 2] as number) << 8) |
        (bytes[from + 3] as number);
    }
    const weight = count + LIST_WEIGHT;
    if (this.#listIds + weight > MAX_CACHED_IDS) {
      this.#lists.clear();
      this.#listIds = 0;
    }
    if (count <= MAX_CACHED_IDS / 4) {
      this.#lists.set(offset, ids);
      this.#listIds += weight;
    }
    return ids;
  }

  // Series -------------------------------------------------------------------------------------------------------------

  /** Reads one series into `into` (or one of the reader's own, valid until its next call). */
  series(id: number, into: IndexSeries = this.#series): IndexSeries {
    return guarded(this.path, () => this.#readSeries(id, into));
  }

  /** The label set of a series. */
  labels(id: number): Labels {
    return this.entry(id).labels;
  }

  /** One series with its labels, read at most once as long as it is in use. Valid until the next call. */
  entry(id: number): SeriesEntry {
    const known = this.#entries.get(id);
    if (known !== undefined) return known;
    return guarded(this.path, () => {
      const series = this.#readSeries(id, this.#series);
      return this.#entries.add(id, this.labelsOf(series), series);
    });
  }

  /** The label set of a series that was read. */
  labelsOf({ symbols, labelCount }: IndexSeries): Labels {
    return this.symbols.labels(symbols, 2 * labelCount);
  }

  #readSeries(id: number, into: IndexSeries): IndexSeries {
    const offset = this.version === 1 ? id : id * SERIES_ALIGNMENT;
    let at = this.#file.locate(offset, 5);
    const reader = new ByteReader(this.#file.bytes, at, Math.min(at + 5, this.#file.bytes.length));
    const length = reader.uvarint();
    const headerBytes = reader.position - at;
    const total = headerBytes + length + 4;
    if (offset + total > this.size) throw new IndexError(this.path, `series ${id}: impossible length`);
    at = this.#file.locate(offset, total) + headerBytes;
    const { bytes } = this.#file;
    const end = at + length;
    if (crc32c(bytes, at, end) !== reader.reset(bytes, end, end + 4).uint32()) {
      throw new IndexError(this.path, `series ${id}: checksum mismatch`);
    }
    reader.reset(bytes, at, end);
    const labelCount = reader.uvarint();
    if (labelCount * 2 > length) throw new IndexError(this.path, `series ${id}: impossible number of labels`);
    into.labelCount = labelCount;
    const { symbols } = into;
    for (let i = 0; i < 2 * labelCount; i++) symbols[i] = reader.uvarint();
    const chunkCount = reader.uvarint();
    if (chunkCount * 3 > length) throw new IndexError(this.path, `series ${id}: impossible number of chunks`);
    into.chunkCount = chunkCount;
    if (chunkCount === 0) return into;
    into.reserve(chunkCount);
    const { minTimes, maxTimes, refs } = into;
    let time = reader.varint();
    let ref = 0;
    for (let i = 0; i < chunkCount; i++) {
      if (i > 0) time += reader.uvarint();
      minTimes[i] = time;
      time += reader.uvarint();
      maxTimes[i] = time;
      ref = i === 0 ? reader.uvarint() : ref + reader.varint();
      refs[i] = ref;
    }
    return into;
  }
}

function readToc(bytes: Uint8Array, size: number, path: string): TableOfContents {
  const reader = new ByteReader(bytes);
  const offsets: number[] = [];
  for (let i = 0; i < 6; i++) {
    reader.uint64();
    offsets.push(reader.high * TWO_32 + reader.low);
  }
  if (crc32c(bytes, 0, 48) !== reader.uint32()) throw new IndexError(path, "read TOC: invalid checksum");
  for (const offset of offsets) if (offset > size) throw new IndexError(path, "read TOC: offset outside of the file");
  const [symbols = 0, series = 0, labelIndices = 0, labelOffsetTable = 0, postings = 0, postingsOffsetTable = 0] =
    offsets;
  if (symbols === 0 || postingsOffsetTable === 0) throw new IndexError(path, "read TOC: sections missing");
  return { symbols, series, labelIndices, labelOffsetTable, postings, postingsOffsetTable };
}

/** Runs a reading; whatever damaged bytes make it throw comes out as `IndexError`. Disk errors pass through. */
function guarded<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof EncodingError || error instanceof FileEndError || error instanceof RangeError) {
      throw new IndexError(path, error.message, { cause: error });
    }
    throw error;
  }
}
