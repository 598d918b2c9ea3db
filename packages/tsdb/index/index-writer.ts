// Writes the index of a block, version 2.
import { ByteWriter, crc32c } from "@narthex/encoding";
import { compareStrings, type Labels } from "@narthex/model";
import { BufferedFile } from "../fs/buffered-file.ts";
import type { FileSystem } from "../fs/file-system.ts";
import { INDEX_MAGIC, SERIES_ALIGNMENT } from "./format.ts";

const TWO_32 = 0x1_0000_0000;
const POSTINGS_ALIGNMENT = 4;
/** Series ids are 32 bits. */
const MAX_SERIES_OFFSET: number = SERIES_ALIGNMENT * TWO_32;

/** Numbers that grow at the end, in a typed array. */
class GrowingNumbers {
  values = new Uint32Array(1024);
  count = 0;

  push(value: number): void {
    if (this.count === this.values.length) {
      const grown = new Uint32Array(this.count * 2);
      grown.set(this.values);
      this.values = grown;
    }
    this.values[this.count++] = value;
  }
}

/**
 * Writes one index file front to back: symbols with the constructor, then every series in the order of labels, then
 * `finish`. Memory: the symbols, and eight bytes for each label of each series.
 */
export class IndexWriter {
  readonly #file: BufferedFile;
  readonly #symbols: readonly string[];
  readonly #refs = new Map<string, number>();
  readonly #seriesOffset: number;
  /** Each label of each series: number of its pair, and the series' id. */
  readonly #pairOf = new GrowingNumbers();
  readonly #idOf = new GrowingNumbers();
  readonly #pairs = new Map<number, number>();
  readonly #pairKeys: number[] = [];
  readonly #ids = new GrowingNumbers();
  readonly #entry = new ByteWriter(1024);

  /** `symbols` are all strings that labels are made of; they need no order. */
  constructor(fs: FileSystem, path: string, symbols: Iterable<string>) {
    this.#file = new BufferedFile(fs, path);
    const { buffer } = this.#file;
    buffer.uint32(INDEX_MAGIC);
    buffer.uint8(2);
    this.#symbols = [...new Set(symbols)].sort(compareStrings);
    const section = new ByteWriter(64 * 1024);
    section.uint32(this.#symbols.length);
    this.#symbols.forEach((symbol, ref) => {
      this.#refs.set(symbol, ref);
      section.uvarintText(symbol);
    });
    this.#section(section);
    this.#seriesOffset = this.#file.position;
  }

  /** How many series were added. */
  get seriesCount(): number {
    return this.#ids.count;
  }

  /**
   * Adds a series; its labels must come after those of the one before. Chunks ascend and do not overlap; `refs` are
   * those that the chunk writer gave. Returns the series' id. Throws for a label that is not among the symbols.
   */
  addSeries(
    labels: Labels,
    chunkCount: number,
    minTimes: ArrayLike<number>,
    maxTimes: ArrayLike<number>,
    refs: ArrayLike<number>,
  ): number {
    const file = this.#file;
    file.pad(SERIES_ALIGNMENT);
    const offset = file.position;
    if (offset >= MAX_SERIES_OFFSET) throw new Error("the index of a block holds no more than 64 GiB of series");
    const id = offset / SERIES_ALIGNMENT;
    this.#ids.push(id);
    const entry = this.#entry;
    entry.clear();
    entry.uvarint(labels.size);
    const { pairs } = labels;
    for (let i = 0; i < pairs.length; i += 2) {
      const name = this.#ref(pairs[i] as string);
      const value = this.#ref(pairs[i + 1] as string);
      entry.uvarint(name);
      entry.uvarint(value);
      const key = name * TWO_32 + value;
      let pair = this.#pairs.get(key);
      if (pair === undefined) {
        pair = this.#pairKeys.length;
        this.#pairs.set(key, pair);
        this.#pairKeys.push(key);
      }
      this.#pairOf.push(pair);
      this.#idOf.push(id);
    }
    entry.uvarint(chunkCount);
    let previousEnd = 0;
    let previousRef = 0;
    for (let i = 0; i < chunkCount; i++) {
      const minTime = minTimes[i] as number;
      const maxTime = maxTimes[i] as number;
      const ref = refs[i] as number;
      if (i === 0) {
        entry.varint(minTime);
        entry.uvarint(maxTime - minTime);
        entry.uvarint(ref);
      } else {
        entry.uvarint(minTime - previousEnd);
        entry.uvarint(maxTime - minTime);
        entry.varint(ref - previousRef);
      }
      previousEnd = maxTime;
      previousRef = ref;
    }
    file.buffer.uvarint(entry.length);
    file.buffer.raw(entry.view());
    file.buffer.uint32(crc32c(entry.bytes, 0, entry.length));
    file.settle();
    return id;
  }

  /** Writes postings, tables and contents; fsyncs and closes. */
  finish(): void {
    const file = this.#file;
    const postingsOffset = file.position;
    const table = new ByteWriter(64 * 1024);
    table.uint32(this.#pairKeys.length + 1);
    this.#postings(table, "", "", this.#ids.values, 0, this.#ids.count);
    // A counting sort brings each pair's series together; they stay ascending.
    const starts = new Uint32Array(this.#pairKeys.length + 1);
    const { values: pairOf, count } = this.#pairOf;
    for (let i = 0; i < count; i++) starts[(pairOf[i] as number) + 1]!++;
    for (let pair = 0; pair < this.#pairKeys.length; pair++) starts[pair + 1]! += starts[pair] as number;
    const filled = starts.slice();
    const ids = new Uint32Array(count);
    for (let i = 0; i < count; i++) ids[filled[pairOf[i] as number]!++] = this.#idOf.values[i] as number;
    // Symbols are sorted, so that pairs in the order of their references are in the order of their texts.
    for (const key of Float64Array.from(this.#pairKeys).sort()) {
      const pair = this.#pairs.get(key) as number;
      const name = this.#symbols[Math.floor(key / TWO_32)] as string;
      const value = this.#symbols[key % TWO_32] as string;
      this.#postings(table, name, value, ids, starts[pair] as number, starts[pair + 1] as number);
    }
    const tableOffset = file.position;
    this.#section(table);
    const toc = new ByteWriter(64);
    for (const offset of [
      INDEX_HEADER_END,
      this.#seriesOffset,
      // Label indices are no longer written; their places name what follows.
      postingsOffset,
      tableOffset,
      postingsOffset,
      tableOffset,
    ]) {
      toc.int64Number(offset);
    }
    toc.uint32(crc32c(toc.bytes, 0, toc.length));
    file.buffer.raw(toc.view());
    file.finish();
  }

  /** Lets go of the file without finishing it. */
  abandon(): void {
    this.#file.abandon();
  }

  #ref(text: string): number {
    const ref = this.#refs.get(text);
    if (ref === undefined) throw new Error(`symbol entry for ${JSON.stringify(text)} does not exist`);
    return ref;
  }

  #postings(table: ByteWriter, name: string, value: string, ids: Uint32Array, from: number, to: number): void {
    const file = this.#file;
    file.pad(POSTINGS_ALIGNMENT);
    table.uint8(2);
    table.uvarintText(name);
    table.uvarintText(value);
    table.uvarint(file.position);
    const { buffer } = file;
    buffer.uint32(4 + 4 * (to - from));
    // The list may be long, so that it goes out in pieces, each of which continues the checksum.
    let start = buffer.length;
    let crc = 0;
    buffer.uint32(to - from);
    for (let i = from; i < to; i++) {
      buffer.uint32(ids[i] as number);
      if (((i - from) & 0xffff) !== 0xffff) continue;
      crc = crc32c(buffer.bytes, start, buffer.length, crc);
      file.settle();
      start = buffer.length;
    }
    buffer.uint32(crc32c(buffer.bytes, start, buffer.length, crc));
    file.settle();
  }

  #section(content: ByteWriter): void {
    const { buffer } = this.#file;
    buffer.uint32(content.length);
    buffer.raw(content.view());
    buffer.uint32(crc32c(content.bytes, 0, content.length));
    this.#file.settle();
  }
}

const INDEX_HEADER_END = 5;
