// Samples into their series: what a commit or a replay brings, by kernels where they can, one by one elsewhere.
import type { FloatEncoding } from "../chunk/float-encoding.ts";
import type { HistogramSample } from "../chunk/histogram-encoder.ts";
import { KERNEL_SAMPLES } from "../kernels/desk.ts";
import type { AppendResult, Kernels } from "../kernels/kernels.ts";
import { COLD_WORDS, type HeadMemory, RECORD_WORDS } from "../memory/layout.ts";
import { closeWindow, openWindow } from "../memory/window.ts";
import type { FinishedChunks } from "./finished-chunks.ts";
import type { HeadRoom } from "./head-room.ts";
import type { HeadCounters, HeadTimes } from "./head-state.ts";
import type { HistogramWriter } from "./histogram-writer.ts";
import { Cold, Rec } from "./record.ts";
import type { SampleRows } from "./sample-rows.ts";
import { SampleWriter } from "./sample-writer.ts";
import type { SeriesTable } from "./series-table.ts";
import type { Snapshots } from "./snapshots.ts";
import { Xor2Writer } from "./xor2-writer.ts";

/** Samples applied per write window: a reader in another thread waits for about so many appends at most. */
const WINDOW_SAMPLES = 256;
/** Fewer samples than this are not worth being copied to the kernels. */
const MIN_KERNEL_RUN = 32;

/** The parts of a head that samples go through. */
export interface ApplierParts {
  readonly memory: HeadMemory;
  readonly kernels: Kernels | undefined;
  readonly room: HeadRoom;
  readonly snapshots: Snapshots;
  readonly table: SeriesTable;
  readonly finished: FinishedChunks;
  readonly histograms: HistogramWriter;
  readonly times: HeadTimes;
  readonly counters: HeadCounters;
}

/** Used by the single writer. Samples that are not newer than their series, or belong to blocks, are left out. */
export class SampleApplier {
  readonly #parts: ApplierParts;
  readonly #chunkRangeMs: number;
  readonly #writer: SampleWriter;
  /** Writes floats in place of `#writer` from when XOR2 was chosen. */
  #xor2: Xor2Writer | undefined;

  constructor(parts: ApplierParts, chunkRangeMs: number) {
    this.#parts = parts;
    this.#chunkRangeMs = chunkRangeMs;
    const { memory, room } = parts;
    this.#writer = new SampleWriter(memory, room.slots, chunkRangeMs, this.#cut, this.#forget);
  }

  readonly #cut = (record: number): void => {
    const { finished, table } = this.#parts;
    finished.cut(record, table.refOf(record));
  };

  readonly #forget = (record: number): void => this.#parts.histograms.forget(record);

  /** How chunks of floats are written from now on; open ones end as they began. `keepsStarts`: the log has room for start times. */
  choose(encoding: FloatEncoding, keepsStarts: boolean): void {
    const isXor2 = encoding === "xor2";
    if (isXor2 && this.#xor2 === undefined) {
      const { memory, room } = this.#parts;
      this.#xor2 = new Xor2Writer(
        memory,
        room.slots,
        this.#chunkRangeMs,
        this.#writer,
        this.#cut,
        this.#forget,
        keepsStarts,
      );
    }
    if (this.#xor2 !== undefined) this.#xor2.isChosen = isXor2;
  }

  /** Whether XOR2 was never chosen. */
  get writesPlainFloats(): boolean {
    return this.#xor2 === undefined;
  }

  /** Floats `[start, end)` of arrays side by side: records, milliseconds, value bits (low half first), start times. */
  floats(
    records: Uint32Array,
    times: Float64Array,
    halves: Uint32Array,
    startTimes: Float64Array | undefined,
    start: number,
    end: number,
  ): void {
    const xor2 = this.#xor2;
    const { memory, kernels, snapshots, times: bounds, counters } = this.#parts;
    const { control, series, seriesFloats, coldFloats } = memory;
    const { epoch } = snapshots;
    const hasReaders = snapshots.liveCount > 0;
    const { newest } = snapshots;
    const minValidTime = bounds.minValid;
    let minTime = bounds.min;
    let maxTime = bounds.max;
    let created = 0;
    let applied = 0;
    if (start === end) return;
    const isRun = end - start >= MIN_KERNEL_RUN && end - start <= KERNEL_SAMPLES;
    if (kernels !== undefined && xor2 === undefined && !hasReaders && isRun) {
      kernels.records.set(records.subarray(start, end));
      kernels.times.set(times.subarray(start, end));
      kernels.halves.set(halves.subarray(2 * start, 2 * end));
      this.#byKernels(kernels, end - start);
      return;
    }
    for (let from = start; from < end; from += WINDOW_SAMPLES) {
      const to = Math.min(end, from + WINDOW_SAMPLES);
      openWindow(control);
      for (let i = from; i < to; i++) {
        const record = records[i];
        const t = times[i];
        const base = record * RECORD_WORDS;
        const last = seriesFloats[(base + Rec.lastTime) >> 1];
        // Another transaction, or an earlier sample of this one, was faster; or the time went into a block meanwhile.
        if (!(t > last) || t < minValidTime) continue;
        if (series[base + Rec.epoch] !== epoch) {
          const before = series[base + Rec.epoch];
          if (hasReaders && ((before - newest) | 0) <= 0) {
            series[base + Rec.undo] = snapshots.keep(before, last, series[base + Rec.undo]);
          }
          series[base + Rec.epoch] = epoch;
        }
        if (last === -Infinity) coldFloats[(record * COLD_WORDS + Cold.minTime) >> 1] = t;
        const begins =
          xor2 === undefined
            ? this.#writer.append(record, t, halves[2 * i + 1], halves[2 * i])
            : xor2.append(record, t, halves[2 * i + 1], halves[2 * i], startTimes === undefined ? 0 : startTimes[i]);
        if (begins) created++;
        if (t > maxTime) maxTime = t;
        if (t < minTime) minTime = t;
        applied++;
      }
      closeWindow(control);
    }
    bounds.min = minTime;
    bounds.max = maxTime;
    counters.chunksCreated += created;
    counters.samplesAppended += applied;
  }

  /** The first `count` samples in the kernels' arrays. */
  decoded(kernels: Kernels, count: number): void {
    // Kernels write plain chunks only.
    if (this.#xor2 === undefined) this.#byKernels(kernels, count);
    else this.floats(kernels.records, kernels.times, kernels.halves, undefined, 0, count);
  }

  /** Columns `[from, to)` of rows; returns where the kernels stopped. No snapshot is held. */
  rows(kernels: Kernels, { refsAt, rowsAt, rows }: SampleRows, from: number, to: number): number {
    const { memory, snapshots, times: bounds } = this.#parts;
    const { min, max, minValid } = bounds;
    const range = this.#chunkRangeMs;
    openWindow(memory.control);
    const run = kernels.appendRows(refsAt, from, to, rowsAt, rows, snapshots.epoch, minValid, range, min, max);
    this.#note(run);
    this.#takeCuts(kernels);
    closeWindow(memory.control);
    return run.stoppedAt;
  }

  /** A native histogram; undefined: a stale marker. Throws a `HeadFullError`. */
  histogram(record: number, t: number, sample: HistogramSample, integer: boolean, startTime: number): void {
    const { memory, room, snapshots, histograms, times, counters } = this.#parts;
    const { control, series, seriesFloats, coldFloats } = memory;
    const base = record * RECORD_WORDS;
    const last = seriesFloats[(base + Rec.lastTime) >> 1];
    if (!(t > last) || t < times.minValid) return;
    const slots = histograms.prepare(record, t, sample, integer, startTime);
    try {
      room.forSlots(slots);
    } catch (error) {
      histograms.abandon(record);
      throw error;
    }
    openWindow(control);
    const before = series[base + Rec.epoch];
    if (before !== snapshots.epoch) {
      if (snapshots.liveCount > 0 && ((before - snapshots.newest) | 0) <= 0) {
        series[base + Rec.undo] = snapshots.keep(before, last, series[base + Rec.undo]);
      }
      series[base + Rec.epoch] = snapshots.epoch;
    }
    if (last === -Infinity) coldFloats[(record * COLD_WORDS + Cold.minTime) >> 1] = t;
    if (histograms.write(record, t, integer)) counters.chunksCreated++;
    closeWindow(control);
    times.add(t);
    counters.histogramsAppended++;
  }

  /** Appends the first `count` samples of the kernels' arrays. No snapshot is held. */
  #byKernels(kernels: Kernels, count: number): void {
    const { memory, snapshots, times: bounds, counters } = this.#parts;
    const { control, series } = memory;
    const { epoch } = snapshots;
    const { records, times, halves } = kernels;
    for (let from = 0; from < count; ) {
      const to = Math.min(count, from + WINDOW_SAMPLES);
      openWindow(control);
      while (from < to) {
        const { min, max, minValid } = bounds;
        const run = kernels.appendSamples(from, to, epoch, minValid, this.#chunkRangeMs, min, max);
        this.#note(run);
        from = run.stoppedAt;
        this.#takeCuts(kernels);
        if (from === to) break;
        // The series held histograms so far, or nothing is left to take.
        const t = times[from];
        series[records[from] * RECORD_WORDS + Rec.epoch] = epoch;
        if (this.#writer.append(records[from], t, halves[2 * from + 1], halves[2 * from])) counters.chunksCreated++;
        counters.samplesAppended++;
        bounds.add(t);
        from++;
      }
      closeWindow(control);
    }
  }

  #note({ minTime, maxTime, applied, chunksCreated }: AppendResult): void {
    const { times, counters } = this.#parts;
    times.min = minTime;
    times.max = maxTime;
    counters.samplesAppended += applied;
    counters.chunksCreated += chunksCreated;
  }

  /** What kernels cut is this thread's to move to disk. */
  #takeCuts(kernels: Kernels): void {
    const { finished, table } = this.#parts;
    const count = kernels.takeCuts();
    for (let i = 0; i < count; i++) {
      finished.adoptCut(kernels.cuts[2 * i], table.refOf(kernels.cuts[2 * i + 1]));
    }
  }
}
