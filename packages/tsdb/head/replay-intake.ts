// What a start brings into a head, from logs, chunk files and snapshots: the log knows it already.
import type { Exemplar } from "@narthex/model";
import type { HistogramSample } from "../chunk/histogram-encoder.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { COLD_WORDS, type HeadMemory, RECORD_WORDS } from "../memory/layout.ts";
import { HeadFullError } from "../memory/pool.ts";
import { closeWindow, openWindow } from "../memory/window.ts";
import type { ChunkPlace, FinishedChunks } from "./finished-chunks.ts";
import type { HeadLog } from "./head-log.ts";
import type { HeadRoom } from "./head-room.ts";
import type { HeadCounters, HeadTimes } from "./head-state.ts";
import type { HistogramWriter } from "./histogram-writer.ts";
import { COUNT_MASK, Cold, FORM_MASK, formOf, Rec } from "./record.ts";
import type { SampleApplier } from "./sample-applier.ts";
import type { SampleRows } from "./sample-rows.ts";
import type { SeriesCollector } from "./series-collector.ts";
import type { SeriesTable } from "./series-table.ts";
import { atOnce } from "./steps.ts";

/** The parts of a head that a start fills. */
export interface ReplayParts {
  readonly memory: HeadMemory;
  readonly room: HeadRoom;
  readonly table: SeriesTable;
  readonly finished: FinishedChunks;
  readonly histograms: HistogramWriter;
  readonly times: HeadTimes;
  readonly counters: HeadCounters;
  readonly applier: SampleApplier;
  readonly collector: SeriesCollector;
  readonly log: HeadLog;
  readonly addExemplar: (ref: number, exemplar: Exemplar) => void;
}

/** Used by the single writer, before the first transaction. */
export class ReplayIntake {
  readonly #parts: ReplayParts;

  constructor(parts: ReplayParts) {
    this.#parts = parts;
  }

  /** Samples side by side: each must be newer than its series; others are left out. */
  floats(
    records: Uint32Array,
    times: Float64Array,
    halves: Uint32Array,
    startTimes: Float64Array | undefined,
    count: number,
  ): void {
    this.#parts.room.forSamples(count);
    this.#parts.applier.floats(records, times, halves, startTimes, 0, count);
    this.#parts.room.moveOut(Infinity);
  }

  /** The same for the first `count` samples in the kernels' arrays. */
  decoded(kernels: Kernels, count: number): void {
    this.#parts.room.forSamples(count);
    this.#parts.applier.decoded(kernels, count);
    this.#parts.room.moveOut(Infinity);
  }

  /** The same for columns `[from, to)` of rows; returns where it stopped: see `Kernels.appendRows`. Only while `writesPlainFloats`. */
  rows(kernels: Kernels, rows: SampleRows, from: number, to: number): number {
    this.#parts.room.forSamples(rows.rows * (to - from));
    const stoppedAt = this.#parts.applier.rows(kernels, rows, from, to);
    this.#parts.room.moveOut(Infinity);
    return stoppedAt;
  }

  /** The same for a histogram (undefined: a stale marker). */
  histogram(record: number, t: number, sample: HistogramSample, integer: boolean, startTime: number): void {
    this.#parts.applier.histogram(record, t, sample, integer, startTime);
    this.#parts.room.moveOut(Infinity);
  }

  /** An exemplar that needs no log. */
  exemplar(record: number, exemplar: Exemplar): void {
    this.#parts.addExemplar(this.#parts.table.refOf(record), exemplar);
  }

  /** A series that a log brought; unless the log is to be told of it by its new ref. */
  adoptSeries(record: number, isLogged: boolean): void {
    this.#parts.counters.seriesCreated++;
    if (!isLogged) this.#parts.log.add(record);
  }

  /** The log may not know a series any more: it is told of it by `logSeries`, or with the next commit. */
  logAnew(record: number): void {
    this.#parts.log.add(record);
  }

  /** Series that a log brought, made by kernels: see `SeriesTable.makeByKernels`. */
  makeByKernels(kernels: Kernels, bytes: Uint8Array, from: number, end: number): number {
    const made = this.#parts.table.makeByKernels(kernels, bytes, from, end);
    this.#parts.counters.seriesCreated += made;
    return made;
  }

  /**
   * A chunk that a start found on disk. One that overlaps what the series has is left out. It may be older than that: a series
   * that the log knows by two refs has chunks of both.
   */
  adoptChunk(
    record: number,
    minTime: number,
    maxTime: number,
    encoding: number,
    samples: number,
    place: ChunkPlace,
  ): void {
    const { memory, room, table, finished, histograms, times, counters } = this.#parts;
    const { control, coldFloats, series, seriesFloats } = memory;
    const base = record * RECORD_WORDS;
    const last = (base + Rec.lastTime) >> 1;
    if (maxTime < times.minValid) return;
    if (room.cells.available < 2) throw new HeadFullError("finished chunks");
    const isNewest = minTime > seriesFloats[last];
    if ((series[base + Rec.packed] & COUNT_MASK) > 0) {
      const openFirst = seriesFloats[(base + Rec.nextCut) >> 1] - series[base + Rec.cutAhead];
      if (!isNewest && maxTime >= openFirst) return;
      if (isNewest) {
        openWindow(control);
        finished.cut(record, table.refOf(record));
        histograms.forget(record);
        closeWindow(control);
      }
    }
    openWindow(control);
    const isAdopted = finished.adopt(record, minTime, maxTime, encoding, samples, place);
    if (isAdopted) {
      const first = (record * COLD_WORDS + Cold.minTime) >> 1;
      if (seriesFloats[last] === -Infinity || minTime < coldFloats[first]) coldFloats[first] = minTime;
    }
    if (isAdopted && isNewest) {
      seriesFloats[last] = maxTime;
      const kind = base + Rec.kind;
      series[kind] = ((series[kind] & ~FORM_MASK) | formOf(encoding)) >>> 0;
    }
    closeWindow(control);
    if (!isAdopted) return;
    counters.chunksCreated++;
    times.add(minTime);
    times.add(maxTime);
  }

  /** Makes postings after a replay, for the series that are left; where kernels may work on what was read ahead, by them. */
  finish(byKernels: boolean): void {
    this.#parts.table.finishReplay(byKernels);
    atOnce(this.#parts.table.droppingRemoved());
  }

  /** See `SeriesCollector.endReplayed`. */
  endSeries(record: number, ref: number): boolean {
    const isEnded = this.#parts.collector.endReplayed(record, ref);
    if (isEnded) this.#parts.log.forget(record);
    return isEnded;
  }
}
