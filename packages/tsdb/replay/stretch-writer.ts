// Filling a stretch of the log: records of the same series become rows of one item.
import { CELL_BYTES, REF_BYTES, ROW_BYTES, RowWord } from "../head/sample-rows.ts";
import { type Kernels, TIMES_DIFFER } from "../kernels/kernels.ts";
import { RecordType } from "../wal/record.ts";
import { SAMPLES_HEADER_BYTES, samplesBase } from "../wal/sample-record.ts";
import type { WalReader } from "../wal/wal-reader.ts";
import { STRETCH_BYTES } from "./ahead-words.ts";
import { ItemKind, ItemWord, itemAt, MAX_ITEMS, STRETCH_DATA_AT, StretchWord, stretchWords } from "./stretch.ts";

/** Rows of one item. */
const MAX_ROWS = 32;
/** A sample in a record: distances of ref and time, a byte each at least, and the value. */
const MIN_SAMPLE_BYTES = 10;
/** Records of more bytes than this do not go into a stretch, whatever they are: decoded they take more than twice as much. */
export const MAX_STRETCH_RECORD: number = STRETCH_BYTES / 4;

/** Rows that more may be added to. */
interface OpenRows {
  readonly refsAt: number;
  readonly columns: number;
  readonly lowest: number;
  readonly highest: number;
  readonly rows: Row[];
}

interface Row {
  /** Addresses; 0 for times that are all the same. */
  readonly values: number;
  readonly times: number;
  readonly time: number;
  /** The record's number in the stretch. */
  readonly record: number;
}

/** Used by the second thread. */
export class StretchWriter {
  readonly #kernels: Kernels;
  readonly #stretch: Uint8Array;
  readonly #words: Uint32Array;
  readonly #floats: Float64Array;
  /** Where the next bytes go, from the start of the stretch. */
  #at = STRETCH_DATA_AT;
  #items = 0;
  #records = 0;
  /**
   * By the first ref of their records, in the order in which they were begun. No two of them have a series in common: so whichever is
   * applied first, each series gets its samples in order.
   */
  readonly #open = new Map<number, OpenRows>();
  #openRows = 0;

  constructor(stretch: Uint8Array, kernels: Kernels) {
    this.#stretch = stretch;
    this.#words = stretchWords(stretch);
    this.#floats = new Float64Array(stretch.buffer, stretch.byteOffset, stretch.length / 8);
    this.#kernels = kernels;
  }

  get records(): number {
    return this.#records;
  }

  /** The bytes that are in use. */
  get size(): number {
    return this.#at - STRETCH_DATA_AT;
  }

  /** Whether more records may join those that came last. */
  get hasOpenRows(): boolean {
    return this.#open.size > 0;
  }

  /** Adds the reader's record, which has no more than `MAX_STRETCH_RECORD` bytes; false when there is no room for it any more. */
  put({ bytes, start, end, segment, offset }: WalReader): boolean {
    const samples = Math.floor((end - start) / MIN_SAMPLE_BYTES);
    const most = samples * (2 * CELL_BYTES + REF_BYTES) + 8;
    const lists = (this.#openRows + 1) * ROW_BYTES + 16;
    if (this.#items + this.#open.size + 2 > MAX_ITEMS) return false;
    if (this.#at + Math.max(end - start, most) + lists > STRETCH_BYTES) return false;
    if (!this.#putRow(bytes, start, end)) {
      this.#closeAll();
      const at = this.#at;
      this.#stretch.set(bytes.subarray(start, end), at);
      this.#at = align(at + end - start);
      this.#add(ItemKind.record, at, end - start, [0, 0, segment, offset]);
    }
    this.#records++;
    return true;
  }

  /** Ends the stretch; the log goes on behind it at this position. */
  finish(segment: number, offset: number): void {
    this.#closeAll();
    this.#words[StretchWord.items] = this.#items;
    this.#words[StretchWord.segment] = segment;
    this.#words[StretchWord.offset] = offset;
    this.#words[StretchWord.records] = this.#records;
  }

  /** Whether the record has nothing but sound samples: then they are rows now. */
  #putRow(bytes: Uint8Array, start: number, end: number): boolean {
    const body = start + SAMPLES_HEADER_BYTES;
    // What kernels do not see (a record that was packed with zstd) stands in memory of its own.
    if (bytes[start] !== RecordType.samples || body >= end || !this.#kernels.owns(bytes)) return false;
    const { ref, time } = samplesBase(bytes, start, end);
    if (this.#putNextRow(ref, time, bytes, body, end)) return true;
    const { byteOffset } = this.#stretch;
    const refsAt = byteOffset + this.#at;
    const values = align(refsAt + Math.floor((end - body) / MIN_SAMPLE_BYTES) * REF_BYTES);
    const decode = (times: number): number =>
      this.#kernels.decodeFirstRow(bytes, body, end, ref, time, values, times, refsAt);
    let times = 0;
    let columns = decode(0);
    if (columns === TIMES_DIFFER) {
      times = values + Math.floor((end - body) / MIN_SAMPLE_BYTES) * CELL_BYTES;
      columns = decode(times);
    }
    if (columns === 0) return false;
    this.#at = (times === 0 ? values : times) - byteOffset + columns * CELL_BYTES;
    const { areGrowing, lowest, highest } = this.#kernels.rowRefs;
    for (const other of this.#open.values()) {
      if (other.lowest > highest || other.highest < lowest) continue;
      this.#closeAll();
      break;
    }
    // The ref that a record names first need not be one of its samples.
    const other = this.#open.get(ref);
    if (other !== undefined) this.#close(ref, other);
    const rows = { refsAt, columns, lowest, highest, rows: [{ values, times, time, record: this.#records }] };
    this.#open.set(ref, rows);
    this.#openRows++;
    // What has a series twice must be through before there is more of it.
    if (!areGrowing) this.#close(ref, rows);
    return true;
  }

  /** Whether the record is one more row of those with the same refs. */
  #putNextRow(ref: number, time: number, bytes: Uint8Array, body: number, end: number): boolean {
    const known = this.#open.get(ref);
    if (known === undefined) return false;
    const { refsAt, columns, rows } = known;
    // Room was made for as many samples as the record can have.
    if (columns > Math.floor((end - body) / MIN_SAMPLE_BYTES)) return false;
    const values = this.#stretch.byteOffset + this.#at;
    const decode = (times: number): number =>
      this.#kernels.decodeNextRow(bytes, body, end, ref, time, values, times, refsAt, columns);
    let times = 0;
    let found = decode(0);
    if (found === TIMES_DIFFER) {
      times = values + columns * CELL_BYTES;
      found = decode(times);
    }
    if (found === 0) return false;
    this.#at += columns * CELL_BYTES * (times === 0 ? 1 : 2);
    rows.push({ values, times, time, record: this.#records });
    this.#openRows++;
    if (rows.length === MAX_ROWS) this.#close(ref, known);
    return true;
  }

  #closeAll(): void {
    for (const [ref, rows] of this.#open) this.#close(ref, rows);
  }

  #close(ref: number, { refsAt, columns, rows }: OpenRows): void {
    const at = this.#at;
    rows.forEach(({ values, times, time, record }, i) => {
      const row = (at + i * ROW_BYTES) / 4;
      this.#words[row + RowWord.values] = values;
      this.#words[row + RowWord.times] = times;
      this.#words[row + RowWord.record] = record;
      this.#floats[(row + RowWord.time) / 2] = time;
    });
    this.#at = at + rows.length * ROW_BYTES;
    this.#openRows -= rows.length;
    this.#open.delete(ref);
    const { byteOffset } = this.#stretch;
    this.#add(ItemKind.rows, refsAt - byteOffset, columns, [rows.length, byteOffset + at]);
  }

  #add(kind: number, at: number, length: number, rest: readonly number[]): void {
    this.#words.set([kind, this.#stretch.byteOffset + at, length, ...rest], itemAt(this.#items++) + ItemWord.kind);
  }
}

/** Times and values stand at multiples of eight. */
function align(at: number): number {
  return Math.ceil(at / 8) * 8;
}
