// Samples of the same series from one or several records, as kernels decode and append them (kernels/assembly/rows.ts).
import type { SampleRecord } from "../wal/record.ts";

/** Bytes of a ref, of a value or a time, and of a row in the list of rows. */
export const REF_BYTES = 4;
export const CELL_BYTES = 8;
export const ROW_BYTES = 24;
/** Words of a row: addresses of its values and times (0: all have the same time), its record's number; and that time, a 64-bit float. */
export const RowWord = { values: 0, times: 1, record: 2, time: 4 } as const;

/**
 * Rows in the head's memory: one list of refs, and for each row a value for each of them, and a time. Addresses are bytes from the
 * memory's start.
 */
export class SampleRows {
  /** Address of the refs, and how many there are. */
  readonly refsAt: number;
  readonly columns: number;
  /** Address of the list of rows, and how many there are. */
  readonly rowsAt: number;
  readonly rows: number;
  readonly #refs: Uint32Array;
  readonly #list: Uint32Array;
  readonly #times: Float64Array;

  constructor(memory: ArrayBufferLike, refsAt: number, columns: number, rowsAt: number, rows: number) {
    this.refsAt = refsAt;
    this.columns = columns;
    this.rowsAt = rowsAt;
    this.rows = rows;
    this.#refs = new Uint32Array(memory, refsAt, columns);
    this.#list = new Uint32Array(memory, rowsAt, (rows * ROW_BYTES) / 4);
    this.#times = new Float64Array(memory, rowsAt, (rows * ROW_BYTES) / 8);
  }

  /** The number of a row's record: they grow in the order of the log. */
  recordOf(row: number): number {
    return this.#word(row, RowWord.record);
  }

  /** Adds columns `[from, to)` of a row to samples side by side. */
  read(row: number, from: number, to: number, into: SampleRecord): void {
    const refs = this.#refs;
    const halves = new Uint32Array(refs.buffer, this.#word(row, RowWord.values), 2 * this.columns);
    const timesAt = this.#word(row, RowWord.times);
    const times = timesAt === 0 ? undefined : new Float64Array(refs.buffer, timesAt, this.columns);
    const time = this.#times[(row * ROW_BYTES) / 8 + RowWord.time / 2] as number;
    into.reserve(into.count + to - from);
    for (let column = from; column < to; column++) {
      const i = into.count++;
      into.refs[i] = refs[column] as number;
      into.times[i] = times === undefined ? time : (times[column] as number);
      into.halves[2 * i] = halves[2 * column] as number;
      into.halves[2 * i + 1] = halves[2 * column + 1] as number;
    }
  }

  #word(row: number, word: number): number {
    return this.#list[(row * ROW_BYTES) / 4 + word] as number;
  }
}
