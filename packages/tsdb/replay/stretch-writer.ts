// Filling a stretch of the log: records of the same series become rows of one item.
import { REF_BYTES, ROW_BYTES, SAMPLE_BYTES } from "../head/sample-rows.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { RecordType, SAMPLES_HEADER_BYTES, samplesBase } from "../wal/record.ts";
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
  /** Pairs of address and record number. */
  readonly list: number[];
}

/** Used by the second thread. */
export class StretchWriter {
  readonly #kernels: Kernels;
  readonly #stretch: Uint8Array;
  readonly #words: Uint32Array;
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
    const most = Math.floor((end - start) / MIN_SAMPLE_BYTES) * (SAMPLE_BYTES + REF_BYTES) + ROW_BYTES;
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
    if (bytes[start] !== RecordType.samples || body >= end) return false;
    const kernels = this.#kernels;
    const { ref, time } = samplesBase(bytes, start, end);
    const { byteOffset } = this.#stretch;
    const known = this.#open.get(ref);
    if (known !== undefined) {
      const row = byteOffset + this.#at;
      if (kernels.decodeNextRow(bytes, body, end, ref, time, row, known.refsAt, known.columns)) {
        this.#at += known.columns * SAMPLE_BYTES;
        known.list.push(row, this.#records);
        this.#openRows++;
        if (known.list.length === 2 * MAX_ROWS) this.#close(ref, known);
        return true;
      }
    }
    const refsAt = byteOffset + this.#at;
    const row = align(refsAt + Math.floor((end - body) / MIN_SAMPLE_BYTES) * REF_BYTES);
    const columns = kernels.decodeFirstRow(bytes, body, end, ref, time, row, refsAt);
    if (columns === 0) return false;
    this.#at = row - byteOffset + columns * SAMPLE_BYTES;
    const { areGrowing, lowest, highest } = kernels.rowRefs;
    for (const other of this.#open.values()) {
      if (other.lowest > highest || other.highest < lowest) continue;
      this.#closeAll();
      break;
    }
    const rows = { refsAt, columns, lowest, highest, list: [row, this.#records] };
    this.#open.set(ref, rows);
    this.#openRows++;
    // What has a series twice must be through before there is more of it.
    if (!areGrowing) this.#close(ref, rows);
    return true;
  }

  #closeAll(): void {
    for (const [ref, rows] of this.#open) this.#close(ref, rows);
  }

  #close(ref: number, { refsAt, columns, list }: OpenRows): void {
    const at = this.#at;
    this.#words.set(list, at / 4);
    this.#at = at + 4 * list.length;
    this.#openRows -= list.length / 2;
    this.#open.delete(ref);
    const { byteOffset } = this.#stretch;
    this.#add(ItemKind.rows, refsAt - byteOffset, columns, [list.length / 2, byteOffset + at]);
  }

  #add(kind: number, at: number, length: number, rest: readonly number[]): void {
    this.#words.set([kind, this.#stretch.byteOffset + at, length, ...rest], itemAt(this.#items++) + ItemWord.kind);
  }
}

/** Times and values stand at multiples of eight. */
function align(at: number): number {
  return Math.ceil(at / 8) * 8;
}
