// Samples of the same series from one or several records, as kernels decode and append them (kernels/assembly/rows.ts).
import type { SampleRecord } from "../wal/record.ts";

/** Bytes of a ref, of a sample in a row (time and value, 64-bit floats), and of a row in the list of rows. */
export const REF_BYTES = 4;
export const SAMPLE_BYTES = 16;
export const ROW_BYTES = 8;

/**
 * Rows in the head's memory: one list of refs, and for each row a time and a value for each of them. Addresses are bytes from the
 * memory's start.
 */
export class SampleRows {
  /** Address of the refs, and how many there are. */
  readonly refsAt: number;
  readonly columns: number;
  /** Address of the list of rows, and how many there are: pairs of a row's address and of its record's number. */
  readonly rowsAt: number;
  readonly rows: number;
  readonly #refs: Uint32Array;
  readonly #list: Uint32Array;

  constructor(memory: ArrayBufferLike, refsAt: number, columns: number, rowsAt: number, rows: number) {
    this.refsAt = refsAt;
    this.columns = columns;
    this.rowsAt = rowsAt;
    this.rows = rows;
    this.#refs = new Uint32Array(memory, refsAt, columns);
    this.#list = new Uint32Array(memory, rowsAt, (rows * ROW_BYTES) / 4);
  }

  /** The number of a row's record: they grow in the order of the log. */
  recordOf(row: number): number {
    return this.#list[2 * row + 1] as number;
  }

  /** Adds columns `[from, to)` of a row to samples side by side. */
  read(row: number, from: number, to: number, into: SampleRecord): void {
    const refs = this.#refs;
    const at = this.#list[2 * row] as number;
    const floats = new Float64Array(refs.buffer, at, 2 * this.columns);
    const halves = new Uint32Array(refs.buffer, at, 4 * this.columns);
    into.reserve(into.count + to - from);
    for (let column = from; column < to; column++) {
      const i = into.count++;
      into.refs[i] = refs[column] as number;
      into.times[i] = floats[2 * column] as number;
      into.halves[2 * i] = halves[4 * column + 2] as number;
      into.halves[2 * i + 1] = halves[4 * column + 3] as number;
    }
  }
}
