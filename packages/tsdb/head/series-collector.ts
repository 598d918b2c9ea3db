// Series that leave the head: those without samples after a truncation, and those that are ended early.
import { COLD_WORDS, FINISHED_WORDS, type HeadMemory, RECORD_WORDS } from "../memory/layout.ts";
import type { FinishedChunks } from "./finished-chunks.ts";
import type { HeadLog } from "./head-log.ts";
import type { HeadCounters, HeadTimes } from "./head-state.ts";
import type { HistogramWriter } from "./histogram-writer.ts";
import type { LoggedRefs } from "./logged-refs.ts";
import type { OutOfOrder } from "./out-of-order.ts";
import { COUNT_MASK, Cold, Fin, IN_SLOTS, Rec } from "./record.ts";
import type { SeriesMetadata } from "./series-metadata.ts";
import type { SeriesTable } from "./series-table.ts";
import type { Steps } from "./steps.ts";

/** Series looked at in one step. */
const STEP_SERIES = 512;

/** What a truncation removed. */
export interface HeadTruncation {
  readonly removedSeries: number;
  readonly removedChunks: number;
}

/** The parts of a head that know series. */
export interface CollectorParts {
  readonly memory: HeadMemory;
  readonly table: SeriesTable;
  readonly finished: FinishedChunks;
  readonly histograms: HistogramWriter;
  readonly outOfOrder: OutOfOrder;
  readonly metadata: SeriesMetadata;
  readonly log: HeadLog;
  readonly refs: LoggedRefs;
  readonly times: HeadTimes;
  readonly counters: HeadCounters;
  /** Records that running transactions write to. */
  readonly openRecords: () => Iterable<number>;
}

/** Used by the single writer. */
export class SeriesCollector {
  readonly #parts: CollectorParts;
  readonly #chunkRangeMs: number;

  constructor(parts: CollectorParts, chunkRangeMs: number) {
    this.#parts = parts;
    this.#chunkRangeMs = chunkRangeMs;
  }

  /**
   * Forgets samples before `minTime` (they are in a block now), chunk by chunk, and series that have none left, except those that
   * a running transaction writes to. Memory is reused once no snapshot is older. Each step takes well below a millisecond;
   * between steps anything may be read and appended. One truncation at a time.
   */
  *truncating(minTime: number): Steps<HeadTruncation> {
    const { memory, table, outOfOrder, histograms, refs, times, counters } = this.#parts;
    times.minValid = Math.max(times.minValid, minTime);
    const { series, seriesFloats, finished, finishedFloats, coldFloats } = memory;
    const newestBefore = times.max;
    const appendedBefore = counters.samplesAppended + counters.histogramsAppended;
    const freeOpenChunk = (record: number): void => this.#freeOpenChunk(record);
    let pinned = this.#pinned();
    let dead: number[] = [];
    let removedSeries = 0;
    let removedChunks = 0;
    let oldest = Infinity;
    for (let record = 1; record <= table.highIndex; record++) {
      if (record % STEP_SERIES === 0) {
        table.remove(dead, freeOpenChunk);
        dead = [];
        if (yield) pinned = this.#pinned();
      }
      if (!table.isLive(record)) continue;
      removedChunks += this.#parts.finished.truncate(record, minTime);
      const base = record * RECORD_WORDS;
      const hasOpen = (series[base + Rec.packed] & COUNT_MASK) > 0;
      const last = seriesFloats[(base + Rec.lastTime) >> 1];
      if (last < minTime && !pinned.has(record) && !outOfOrder.chunks.has(record)) {
        removedChunks += this.#parts.finished.truncate(record, Infinity);
        histograms.forget(record);
        dead.push(record);
        removedSeries++;
        if (hasOpen) removedChunks++;
        continue;
      }
      let first = hasOpen ? seriesFloats[(base + Rec.nextCut) >> 1] - series[base + Rec.cutAhead] : Infinity;
      for (let cell = series[base + Rec.finished]; cell !== 0; cell = finished[cell * FINISHED_WORDS + Fin.older]) {
        first = finishedFloats[(cell * FINISHED_WORDS + Fin.minTime) >> 1];
      }
      coldFloats[(record * COLD_WORDS + Cold.minTime) >> 1] = first;
      if (first < oldest) oldest = first;
    }
    table.remove(dead, freeOpenChunk);
    yield* table.droppingRemoved();
    // Samples that came meanwhile were not looked at, but they cannot be older than this.
    const isSame = counters.samplesAppended + counters.histogramsAppended === appendedBefore;
    const newest = isSame ? times.max : newestBefore - this.#chunkRangeMs / 2;
    times.min = Math.max(minTime, Math.min(oldest, newest));
    refs.dropAliases((record) => table.isLive(record));
    refs.dropDeparted(minTime);
    this.#parts.metadata.collect(table.highIndex, (record) => table.isLive(record));
    counters.seriesRemoved += removedSeries;
    counters.chunksRemoved += removedChunks;
    return { removedSeries, removedChunks };
  }

  /** Records that running transactions write to, or that the log does not know yet. */
  #pinned(): Set<number> {
    const { log, openRecords } = this.#parts;
    const pinned = new Set<number>(log.unlogged);
    for (const record of openRecords()) pinned.add(record);
    return pinned;
  }

  /** The lowest number of a chunk file that a series still needs; Infinity when none is. In steps, as `truncating`. */
  *findingOldestChunkFile(): Steps<number> {
    const { memory, table, outOfOrder } = this.#parts;
    const { series, finished } = memory;
    let oldest = Infinity;
    for (let record = 1; record <= table.highIndex; record++) {
      if (record % STEP_SERIES === 0) yield;
      if (!table.isLive(record)) continue;
      oldest = Math.min(oldest, outOfOrder.chunks.oldestFile(record));
      for (let cell = series[record * RECORD_WORDS + Rec.finished]; cell !== 0; ) {
        const base = cell * FINISHED_WORDS;
        if (finished[base + Fin.info] < IN_SLOTS) oldest = Math.min(oldest, finished[base + Fin.file]);
        cell = finished[base + Fin.older];
      }
    }
    return oldest;
  }

  /** A log says that a series has left the head (see `endOfSeries`). False when it stays, since it has late samples. */
  endReplayed(record: number, ref: number): boolean {
    const { memory, outOfOrder, refs } = this.#parts;
    if (outOfOrder.chunks.has(record)) return false;
    refs.departed.set(ref, memory.seriesFloats[(record * RECORD_WORDS + Rec.lastTime) >> 1]);
    this.#end([record]);
    return true;
  }

  /**
   * Ends series of which all samples are in blocks, as far as nothing came since `lastTimes` were their newest times: `refs` are
   * those of the series in `records`. In steps; what a step ends is logged first. Returns what was removed. Throws when the log
   * refuses: then the rest stays.
   */
  *ending(records: Uint32Array, refs: Uint32Array, lastTimes: Float64Array): Steps<HeadTruncation> {
    const { memory, table, outOfOrder, log, counters } = this.#parts;
    const { seriesFloats } = memory;
    const { departed } = this.#parts.refs;
    const chunksBefore = counters.chunksRemoved;
    let removedSeries = 0;
    for (let from = 0; from < records.length; from += STEP_SERIES) {
      if (from > 0) yield;
      const pinned = this.#pinned();
      const dead: number[] = [];
      for (let i = from; i < Math.min(records.length, from + STEP_SERIES); i++) {
        const record = records[i];
        const isSame = table.isLive(record) && table.refOf(record) === refs[i];
        const last = seriesFloats[(record * RECORD_WORDS + Rec.lastTime) >> 1];
        if (isSame && last === lastTimes[i] && !pinned.has(record) && !outOfOrder.chunks.has(record)) {
          dead.push(record);
          departed.set(refs[i], last);
        }
      }
      if (dead.length === 0) continue;
      log.writeEnds(dead.map((record) => table.refOf(record)));
      this.#end(dead);
      removedSeries += dead.length;
    }
    yield* table.droppingRemoved();
    return { removedSeries, removedChunks: counters.chunksRemoved - chunksBefore };
  }

  #end(records: readonly number[]): void {
    const { memory, table, finished, histograms, refs, counters } = this.#parts;
    const { series } = memory;
    for (const record of records) {
      counters.chunksRemoved += finished.truncate(record, Infinity);
      if ((series[record * RECORD_WORDS + Rec.packed] & COUNT_MASK) > 0) counters.chunksRemoved++;
      histograms.forget(record);
    }
    table.remove(records, (record) => this.#freeOpenChunk(record));
    refs.dropAliases((record) => table.isLive(record));
    counters.seriesRemoved += records.length;
  }

  #freeOpenChunk(record: number): void {
    const base = record * RECORD_WORDS;
    const { memory, finished } = this.#parts;
    const { series } = memory;
    if ((series[base + Rec.packed] & COUNT_MASK) > 0) finished.freeSlots(series[base + Rec.firstSlot]);
  }
}
