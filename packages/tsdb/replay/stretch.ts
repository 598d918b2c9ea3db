// A stretch of the log in shared memory: items in the order in which they are to be applied, and behind them what they are made of.
//
// An item is a record as the log has it, or rows (head/sample-rows.ts): samples of the same series from one or several records, such as
// the scrapes of a target.
import { SampleRows } from "../head/sample-rows.ts";

/** Words at the start: how many items there are; where the log goes on behind the stretch; records in it. */
export const StretchWord = { items: 0, segment: 1, offset: 2, records: 3 } as const;
const HEADER_WORDS = 4;

export const ItemKind = { record: 0, rows: 1 } as const;

/** Words of an item. `at`, `rowsAt` and addresses of rows are bytes from the start of the memory. */
export const ItemWord = {
  kind: 0,
  /** The record, or the list of refs. */
  at: 1,
  /** The record's bytes, or how many refs there are. */
  length: 2,
  rows: 3,
  rowsAt: 4,
  /** Of a record: where it stands in the log. */
  segment: 5,
  offset: 6,
} as const;
const ITEM_WORDS = 8;
export const MAX_ITEMS = 8192;
/** Where the rest begins, in bytes. */
export const STRETCH_DATA_AT: number = (HEADER_WORDS + MAX_ITEMS * ITEM_WORDS) * 4;

/** Where an item's words begin among those of its stretch. */
export function itemAt(item: number): number {
  return HEADER_WORDS + item * ITEM_WORDS;
}

/** The words of a stretch. */
export function stretchWords(stretch: Uint8Array): Uint32Array {
  return new Uint32Array(stretch.buffer, stretch.byteOffset, stretch.length / 4);
}

/** The rows of an item of a stretch with these words. */
export function rowsOf(words: Uint32Array, item: number): SampleRows {
  const at = itemAt(item);
  const [refsAt, columns] = [words[at + ItemWord.at] as number, words[at + ItemWord.length] as number];
  const [rowsAt, rows] = [words[at + ItemWord.rowsAt] as number, words[at + ItemWord.rows] as number];
  return new SampleRows(words.buffer, refsAt, columns, rowsAt, rows);
}
