// What the head tells its log: new series before anything that names them, then a transaction's samples, then the ends of series.
import { ByteWriter } from "@narthex/encoding";
import type { Kernels } from "../kernels/kernels.ts";
import type { HeadMemory } from "../memory/layout.ts";
import { encodeTombstones, endOfSeries } from "../wal/entry-records.ts";
import { encodeHistograms, encodeHistogramsV2 } from "../wal/histogram-record.ts";
import { encodeSamples, encodeSamplesV2 } from "../wal/sample-record.ts";
import { beginSeries } from "../wal/series-record.ts";
import type { WalWriter } from "../wal/wal-writer.ts";
import type { Batch } from "./batch.ts";
import { logExtras } from "./pending-extras.ts";
import { encodeSeriesFromMemory } from "./series-record.ts";

/** Used by the single writer. Without a `wal` everything counts as logged. */
export class HeadLog {
  wal: WalWriter | undefined;
  /** How often the log refused. */
  failures = 0;
  readonly #memory: HeadMemory;
  readonly #kernels: Kernels | undefined;
  readonly #withStarts: boolean;
  readonly #record = new ByteWriter(65_536);
  /** Records of series that are not in the log yet. */
  readonly #unlogged: number[] = [];

  /** `withStarts`: samples are logged with their start timestamps. */
  constructor(memory: HeadMemory, kernels: Kernels | undefined, withStarts: boolean) {
    this.#memory = memory;
    this.#kernels = kernels;
    this.#withStarts = withStarts;
  }

  /** A series was made; it is logged with the next transaction. */
  add(record: number): void {
    this.#unlogged.push(record);
  }

  /** A series has left the head before it was logged. */
  forget(record: number): void {
    for (let i = this.#unlogged.length - 1; i >= 0; i--) if (this.#unlogged[i] === record) this.#unlogged.splice(i, 1);
  }

  /** Logs the series that wait for it, without a transaction. Throws when the log refuses: then they wait on. */
  writeSeries(): void {
    const { wal } = this;
    if (wal === undefined || this.#unlogged.length === 0) return;
    this.#orNothing(wal, () => this.#series(wal));
    this.#unlogged.length = 0;
  }

  /** Records of series that the log does not know yet. */
  get unlogged(): readonly number[] {
    return this.#unlogged;
  }

  /** Logs a transaction and hands it to the operating system. Throws when the log refuses: then nothing of it is there. */
  write(batch: Batch): void {
    const { wal } = this;
    const { extras, late, lateHistograms } = batch;
    const isEmpty = batch.count === 0 && this.#unlogged.length === 0 && !batch.hasLate && extras === undefined;
    if (wal !== undefined && !isEmpty) {
      this.#orNothing(wal, () => {
        const record = this.#record;
        if (this.#unlogged.length > 0) this.#series(wal);
        if (extras !== undefined) logExtras(wal, record, batch, extras, this.#withStarts);
        else if (batch.count > 0) this.#floats(wal, batch);
        // As in the reference, late samples stand in both logs: those who follow the log of samples miss none.
        if (late !== undefined && late.count > 0) this.#floats(wal, late);
        if (lateHistograms !== undefined) {
          const encode = this.#withStarts ? encodeHistogramsV2 : encodeHistograms;
          encode(record, lateHistograms, ({ bytes, length }) => wal.log(bytes, length));
        }
      });
    }
    this.#unlogged.length = 0;
  }

  /** Logs that series have left the head. Throws as `write` does. */
  writeEnds(refs: readonly number[]): void {
    const { wal } = this;
    if (wal === undefined) return;
    this.#orNothing(wal, () => {
      const record = this.#record;
      record.clear();
      encodeTombstones(record, refs.map(endOfSeries));
      wal.log(record.bytes, record.length);
    });
  }

  /** Logs the series that the log does not know yet. */
  #series(wal: WalWriter): void {
    const record = this.#record;
    record.clear();
    beginSeries(record);
    const kernels = this.#kernels;
    if (kernels !== undefined) {
      kernels.input.set(record.bytes.subarray(0, record.length));
      const length = kernels.encodeSeries(this.#unlogged, record.length);
      if (length > 0) {
        wal.log(kernels.input, length);
        return;
      }
    }
    for (const series of this.#unlogged) encodeSeriesFromMemory(this.#memory, series, record);
    wal.log(record.bytes, record.length);
  }

  #floats(wal: WalWriter, { refs, times, halves, startTimes, count }: Batch): void {
    const record = this.#record;
    record.clear();
    if (this.#withStarts) encodeSamplesV2(record, refs, times, halves, startTimes, 0, count);
    else encodeSamples(record, refs, times, halves, 0, count);
    wal.log(record.bytes, record.length);
  }

  #orNothing(wal: WalWriter, log: () => void): void {
    try {
      log();
      wal.flush();
    } catch (error) {
      this.failures++;
      wal.discard();
      throw error;
    }
  }
}
