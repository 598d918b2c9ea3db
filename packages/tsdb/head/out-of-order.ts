// Samples that come late: which of them are taken, what the out-of-order log (WBL) says of them, where they are kept.
import { ByteWriter } from "@narthex/encoding";
import { type FloatHistogramFields, STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import { Append, SampleBuffer } from "@narthex/storage";
import { ChunkList } from "../chunk/chunk-list.ts";
import type { FloatEncoding } from "../chunk/float-encoding.ts";
import { headChunkRef } from "../chunk/head-chunks.ts";
import { encodeChunks } from "../chunk/sample-encoder.ts";
import type { Arena } from "../memory/arena.ts";
import { COLD_WORDS, type HeadMemory, RECORD_WORDS } from "../memory/layout.ts";
import { encodeMmapMarkers, type MmapMarker } from "../wal/entry-records.ts";
import type { HistogramEntry } from "../wal/histogram-record.ts";
import { encodeSamples, encodeSamplesV2 } from "../wal/sample-record.ts";
import type { WalWriter } from "../wal/wal-writer.ts";
import { Batch } from "./batch.ts";
import type { ChunkSink } from "./finished-chunks.ts";
import { OutOfOrderChunks, type StagedSeries } from "./out-of-order-chunks.ts";
import type { Reclaimer } from "./reclaimer.ts";
import { Cold, Rec } from "./record.ts";
import type { Snapshots } from "./snapshots.ts";

/** Bounds of the histogram of how late samples were, in seconds. Source: `prometheus_tsdb_sample_ooo_delta` of the reference. */
export const DELTA_BOUNDS: readonly number[] = [600, 1800, 3600, 7200, 10_800, 21_600, 43_200];

/** What was counted since the start. */
export interface OutOfOrderCounters {
  samplesAppended: number;
  histogramsAppended: number;
  logFailures: number;
  /** How late samples were, those refused included: per bound, and beyond the last. */
  readonly deltas: Float64Array;
  deltaSum: number;
}

/** Used by the single writer. */
export class OutOfOrder {
  /** How much older than the head's newest sample a sample may be; 0 takes none. */
  windowMs = 0;
  readonly chunks: OutOfOrderChunks;
  readonly counters: OutOfOrderCounters = {
    samplesAppended: 0,
    histogramsAppended: 0,
    logFailures: 0,
    deltas: new Float64Array(DELTA_BOUNDS.length + 1),
    deltaSum: 0,
  };
  readonly #memory: HeadMemory;
  readonly #record = new ByteWriter(16_384);
  /** Samples of the commit at hand that are really kept, and from where on they are not logged yet. */
  readonly #kept = new Batch();
  #unlogged = 0;
  #preparedHistograms = 0;
  readonly #buffer = new SampleBuffer();
  readonly #list = new ChunkList();
  #markers: MmapMarker[] = [];
  /** Number of the group of records being filled: first its markers, then its samples. */
  #group = 0;
  #wbl: WalWriter | undefined;
  /** Whether floats and histograms keep start timestamps, and whether the log has them. */
  #keepsStarts = false;
  #histogramStarts = false;
  #logsStarts = false;

  constructor(memory: HeadMemory, arena: Arena, reclaimer: Reclaimer, snapshots: Snapshots) {
    this.#memory = memory;
    this.chunks = new OutOfOrderChunks(memory, arena, reclaimer, snapshots);
  }

  /** From now on late samples are logged to `wbl`, and full chunks go to `sink`. */
  attach(wbl: WalWriter | undefined, sink: ChunkSink | undefined): void {
    this.#wbl = wbl;
    this.chunks.sink = sink;
  }

  /** How chunks are written from now on: floats, and whether histograms keep start timestamps; and whether the log has those. */
  configure(floats: FloatEncoding, histogramStarts: boolean, logsStarts: boolean): void {
    this.chunks.floats = floats;
    this.#keepsStarts = floats === "xor2";
    this.#histogramStarts = histogramStarts;
    this.#logsStarts = logsStarts;
  }

  /**
   * Takes a sample that is not newer than its series into `batch`, or says why not. `headMaxTime` is the head's newest time,
   * `isBelowBound` whether the sample is older than what the head takes in order.
   */
  take(
    batch: Batch,
    ref: number,
    record: number,
    t: number,
    high: number,
    low: number,
    startTime: number,
    headMaxTime: number,
    isBelowBound: boolean,
  ): Append {
    this.#observe((headMaxTime - t) / 1000);
    if (this.windowMs === 0) return isBelowBound ? Append.outOfBounds : Append.outOfOrder;
    if (record === 0 || record === undefined) return Append.unknownRef;
    if (t < headMaxTime - this.windowMs) return Append.tooOld;
    add((batch.late ??= new Batch()), ref, record, t, high, low, startTime);
    return Append.ok;
  }

  /** As `take`, for a histogram; it must not change before the commit. Without a disk none are taken. */
  takeHistogram(
    batch: Batch,
    entry: HistogramEntry,
    record: number,
    headMaxTime: number,
    isBelowBound: boolean,
  ): Append {
    this.#observe((headMaxTime - entry.t) / 1000);
    if (this.windowMs === 0 || this.chunks.sink === undefined) {
      return isBelowBound ? Append.outOfBounds : Append.outOfOrder;
    }
    if (record === 0) return Append.unknownRef;
    if (entry.t < headMaxTime - this.windowMs) return Append.tooOld;
    batch.lateHistograms ??= [];
    batch.lateHistograms.push(entry);
    return Append.ok;
  }

  /**
   * Moves samples of a batch that have become late since they were taken, because another transaction was faster, to its late
   * samples. They stay in the batch: who applies it passes over them.
   */
  demote(batch: Batch, headMaxTime: number, minValidTime: number): void {
    const { seriesFloats } = this.#memory;
    for (let i = 0; i < batch.count; i++) {
      // Late histograms are not kept.
      if (batch.extras?.histograms.has(i)) continue;
      const t = batch.times[i];
      const last = seriesFloats[(batch.records[i] * RECORD_WORDS + Rec.lastTime) >> 1];
      if ((t > last && t >= minValidTime) || t === last || t < headMaxTime - this.windowMs) continue;
      const late = (batch.late ??= new Batch());
      const startTime = batch.startTimes?.[i] ?? 0;
      add(late, batch.refs[i], batch.records[i], t, batch.halves[2 * i + 1], batch.halves[2 * i], startTime);
    }
  }

  /**
   * Prepares and logs the late samples of a commit; `publish` shows them. When memory or the disk refuses, it throws, and none of
   * them is kept. `recordOf` resolves refs of histograms.
   */
  prepare({ late, lateHistograms }: Batch, recordOf: (ref: number) => number): void {
    try {
      if (late !== undefined) this.#stage(late);
      if (lateHistograms !== undefined) this.#preparedHistograms = this.#stageHistograms(lateHistograms, recordOf);
      this.#closeGroup();
      this.chunks.flush();
      this.#wbl?.flush();
    } catch (error) {
      this.counters.logFailures++;
      this.#kept.clear();
      this.#unlogged = this.#markers.length = this.#preparedHistograms = 0;
      this.chunks.discard();
      this.#wbl?.discard();
      throw error;
    }
  }

  /** Shows what was prepared to the snapshots to come. Returns how many floats it were. */
  publish(): number {
    const added = this.#kept.count;
    this.counters.histogramsAppended += this.#preparedHistograms;
    this.#preparedHistograms = 0;
    this.#kept.clear();
    this.#unlogged = 0;
    this.chunks.publish();
    this.counters.samplesAppended += added;
    return added;
  }

  /** A sample from the out-of-order log. */
  replay(record: number, ref: number, t: number, high: number, low: number, startTime: number): void {
    const { chunks } = this;
    const staged = chunks.stage(record);
    if (chunks.isFull(staged)) chunks.cut(staged, ref);
    chunks.insert(staged, t, high, low, this.#keepsStarts ? startTime : 0);
  }

  /** Histograms from the out-of-order log; those that are there already (an earlier start brought them) are left out. */
  replayHistograms(entries: readonly HistogramEntry[], recordOf: (ref: number) => number): void {
    for (const entry of entries) {
      // Each in a chunk of its own, so that the next start knows it again while it stands in the log.
      if (!this.chunks.hasSingle(recordOf(entry.ref), entry.t)) this.#stageHistograms([entry], recordOf);
    }
  }

  /** Shows what was replayed. */
  endReplay(): void {
    this.chunks.flush();
    this.chunks.publish();
  }

  /** Whether no series has late samples. `highIndex` is the highest record of the head. */
  isEmpty(highIndex: number): boolean {
    const { cold } = this.#memory;
    for (let record = 1; record <= highIndex; record++) {
      if (cold[record * COLD_WORDS + Cold.outOfOrder] !== 0) return false;
    }
    return true;
  }

  /** Forgets late samples that were committed up to `epoch` (they are in blocks now), when no snapshot is that old any more. */
  forget(highIndex: number, epoch: number): void {
    for (let record = 1; record <= highIndex; record++) this.chunks.forget(record, epoch);
    if (this.isEmpty(highIndex)) this.chunks.minTime = Infinity;
  }

  #stage(late: Batch): void {
    const { chunks } = this;
    const isLogged = this.#wbl !== undefined;
    for (let i = 0; i < late.count; i++) {
      const ref = late.refs[i];
      const staged = chunks.stage(late.records[i]);
      if (chunks.isFull(staged)) {
        const { file, offset } = chunks.cut(staged, ref);
        if (isLogged) this.#mark(staged, ref, headChunkRef(file, offset));
      } else if (isLogged && chunks.isEmpty(staged)) {
        // As in the reference: whatever the log said of the series before is done with.
        this.#mark(staged, ref, 0);
      }
      const [high, low] = [late.halves[2 * i + 1], late.halves[2 * i]];
      const startTime = late.startTimes?.[i] ?? 0;
      if (!chunks.insert(staged, late.times[i], high, low, this.#keepsStarts ? startTime : 0)) continue;
      staged.group = this.#group;
      add(this.#kept, ref, late.records[i], late.times[i], high, low, startTime);
    }
  }

  /**
   * Late histograms go to disk at once, those of one series in as few chunks as they fit: from there the next start has them, so the
   * out-of-order log does not speak of them. Of one time the first one stays. Returns how many were staged.
   */
  #stageHistograms(entries: readonly HistogramEntry[], recordOf: (ref: number) => number): number {
    const bySeries = new Map<number, HistogramEntry[]>();
    for (const entry of entries) {
      const own = bySeries.get(entry.ref);
      if (own === undefined) bySeries.set(entry.ref, [entry]);
      else if (!own.some(({ t }) => t === entry.t)) own.push(entry);
    }
    let staged = 0;
    for (const [ref, own] of bySeries) {
      own.sort((a, b) => a.t - b.t);
      const buffer = this.#buffer;
      buffer.clear();
      const integers = new Set<FloatHistogramFields>();
      for (const { t, histogram, integer, stale, startTime } of own) {
        if (stale) buffer.pushBits(t, STALE_NAN_HIGH, STALE_NAN_LOW);
        else buffer.pushHistogram(t, histogram);
        if (startTime !== 0 && this.#histogramStarts) buffer.withStartTimes()[buffer.count - 1] = startTime;
        if (integer) integers.add(histogram);
      }
      this.#list.clear();
      encodeChunks(buffer, 0, buffer.count, integers, this.#list, this.chunks.floats);
      this.chunks.addChunks(this.chunks.stage(recordOf(ref)), this.chunks.refOf(recordOf(ref)), this.#list);
      staged += own.length;
    }
    return staged;
  }

  /** Samples logged before a marker lie in its chunk, those after it do not: a group never has both of one series. */
  #mark(staged: StagedSeries, ref: number, chunkRef: number): void {
    if (staged.group === this.#group) this.#closeGroup();
    staged.group = this.#group;
    this.#markers.push({ ref, chunkRef });
  }

  #closeGroup(): void {
    this.#group++;
    const wbl = this.#wbl;
    const kept = this.#kept;
    const from = this.#unlogged;
    this.#unlogged = kept.count;
    if (wbl === undefined) return;
    const record = this.#record;
    if (this.#markers.length > 0) {
      record.clear();
      encodeMmapMarkers(record, this.#markers);
      this.#markers.length = 0;
      wbl.log(record.bytes, record.length);
    }
    if (kept.count === from) return;
    record.clear();
    const { refs, times, halves, startTimes, count } = kept;
    if (this.#logsStarts) encodeSamplesV2(record, refs, times, halves, startTimes, from, count);
    else encodeSamples(record, refs, times, halves, from, count);
    wbl.log(record.bytes, record.length);
  }

  #observe(seconds: number): void {
    if (!(seconds > 0) || seconds === Infinity) return;
    const { counters } = this;
    let at = 0;
    while (at < DELTA_BOUNDS.length && seconds > (DELTA_BOUNDS[at] as number)) at++;
    counters.deltas[at]++;
    counters.deltaSum += seconds;
  }
}

function add(batch: Batch, ref: number, record: number, t: number, high: number, low: number, startTime: number): void {
  batch.reserve(1);
  const at = batch.count++;
  batch.refs[at] = ref;
  batch.records[at] = record;
  batch.times[at] = t;
  batch.halves[2 * at] = low;
  batch.halves[2 * at + 1] = high;
  batch.setStartTime(at, startTime);
}
