// Samples of the same series from one or several records, as kernels decode and append them (kernels/assembly/rows.ts).
import type { SampleRecord } from "../wal/sample-record.ts";

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
  // Views of shared memory cost microseconds: only the slow way makes some.
  readonly #memory: ArrayBufferLike;

  constructor(memory: ArrayBufferLike, refsAt: number, columns: number, rowsAt: number, rows: number) {
    this.#memory = memory;
    this.refsAt = refsAt;
    this.columns = columns;
    this.rowsAt = rowsAt;
    this.rows = rows;
  }

  /** The number of a row's record: they grow in the order of the log. */
  recordOf(row: number): number {
    return this.#row(row)[RowWord.record] as number;
  }

  /** Adds columns `[from, to)` of a row to samples side by side. */
  read(row: number, from: number, to: number, into: SampleRecord): void {
    const memory = this.#memory;
    const { [RowWord.values]: valuesAt = 0, [RowWord.times]: timesAt = 0 } = this.#row(row);
    const refs = new Uint32Array(memory, this.refsAt, this.columns);
    const halves = new Uint32Array(memory, valuesAt, 2 * this.columns);
    const times = timesAt === 0 ? undefined : new Float64Array(memory, timesAt, this.columns);
    const [time = 0] = new Float64Array(memory, this.rowsAt + row * ROW_BYTES + RowWord.time * 4, 1);
    into.reserve(into.count + to - from);
    for (let column = from; column < to; column++) {
      const i = into.count++;
      into.refs[i] = refs[column] as number;
      into.times[i] = times === undefined ? time : (times[column] as number);
      into.halves[2 * i] = halves[2 * column] as number;
      into.halves[2 * i + 1] = halves[2 * column + 1] as number;
    }
  }

  #row(row: number): Uint32Array {
    return new Uint32Array(this.#memory, this.rowsAt + row * ROW_BYTES, ROW_BYTES / 4);
  }
}
