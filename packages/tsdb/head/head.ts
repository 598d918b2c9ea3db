// The head: the newest samples, in shared memory, with one writer (this thread) and readers in any thread.
import type { Exemplar, Labels } from "@narthex/model";
import { Append, type LabelBytes } from "@narthex/storage";
import type { FloatEncoding } from "../chunk/float-encoding.ts";
import type { HistogramEncoder, HistogramSample } from "../chunk/histogram-encoder.ts";
import { KERNEL_SAMPLES } from "../kernels/desk.ts";
import { Kernels } from "../kernels/kernels.ts";
import { Arena } from "../memory/arena.ts";
import {
  COLD_WORDS,
  FINISHED_WORDS,
  HeadMemory,
  RECORD_WORDS,
  reserveMemory,
  SLOT_LINK,
  SLOT_WORDS,
} from "../memory/layout.ts";
import { HeadFullError, Pool } from "../memory/pool.ts";
import { closeWindow, openWindow } from "../memory/window.ts";
import { HeadDeletions } from "../tombstone/head-deletions.ts";
import type { WalWriter } from "../wal/wal-writer.ts";
import { Batch } from "./batch.ts";
import { ChunkRestorer } from "./chunk-restorer.ts";
import { ExemplarRing } from "./exemplars.ts";
import { type ChunkPlace, type ChunkSink, FinishedChunks } from "./finished-chunks.ts";
import { HeadAppender } from "./head-appender.ts";
import { HeadLog } from "./head-log.ts";
import { HistogramWriter } from "./histogram-writer.ts";
import { OutOfOrder } from "./out-of-order.ts";
import type { PendingExtras } from "./pending-extras.ts";
import { Reclaimer } from "./reclaimer.ts";
import { COUNT_MASK, Cold, Fin, FORM_MASK, formOf, IN_SLOTS, Rec } from "./record.ts";
import { SampleWriter } from "./sample-writer.ts";
import { labelsOf } from "./series-labels.ts";
import { SeriesMetadata } from "./series-metadata.ts";
import { recordOf, SeriesTable } from "./series-table.ts";
import { Snapshots } from "./snapshots.ts";
import { atOnce, type Steps } from "./steps.ts";
import { SymbolWriter } from "./symbol-writer.ts";
import { Xor2Writer } from "./xor2-writer.ts";

/** Samples applied per write window: a reader in another thread waits for about so many appends at most. */
const WINDOW_SAMPLES = 256;
/** Fewer samples than this are not worth being copied to the kernels. */
const MIN_KERNEL_RUN = 32;
/** Full chunks moved to disk by one commit at most, so that a burst of cuts does not hold a scrape up. */
const MOVED_PER_COMMIT = 1024;
/** Batches kept for reuse. */
const KEPT_BATCHES = 8;

/** Series looked at in one step of a truncation. */
const TRUNCATION_STEP = 512;

/** What a truncation removed. */
export interface HeadTruncation {
  readonly removedSeries: number;
  readonly removedChunks: number;
}

export interface HeadOptions {
  /** Chunks never cross a multiple of this: the smallest block's range. Less than 2^32 ms. */
  readonly chunkRangeMs: number;
  /** Shared memory to reserve; see `reserveMemory`. */
  readonly memoryBytes?: number;
  /** Whether compiled kernels may be used; yes, unless told. */
  readonly useKernels?: boolean;
  /** Exemplars kept at most; none unless told. */
  readonly maxExemplars?: number;
  /** How new chunks of floats are written; `xor` unless told. See `setFloatEncoding`. */
  readonly floatEncoding?: FloatEncoding;
  /** Whether new chunks of histograms have room for start timestamps; no, unless told. */
  readonly histogramStartTimes?: boolean;
  /** Whether the logs are written with start timestamps; no, unless told. */
  readonly logsStartTimes?: boolean;
  /** Told when full chunks could not be written; they stay in memory and are tried again. */
  readonly onChunkError?: (error: unknown) => void;
}

/** What the head counted since it was made. */
export interface HeadCounters {
  samplesAppended: number;
  histogramsAppended: number;
  /** Refusals: floats, then histograms. */
  outOfOrder: number;
  outOfBounds: number;
  tooOld: number;
  outOfOrderHistograms: number;
  outOfBoundsHistograms: number;
  tooOldHistograms: number;
  duplicates: number;
  seriesCreated: number;
  seriesRemoved: number;
  seriesNotFound: number;
  chunksCreated: number;
  chunksRemoved: number;
  appendersCreated: number;
}

export class Head {
  readonly memory: HeadMemory;
  /** Compiled kernels, where they can run. */
  readonly kernels: Kernels | undefined;
  readonly symbols: SymbolWriter;
  readonly table: SeriesTable;
  readonly snapshots: Snapshots;
  readonly finished: FinishedChunks;
  readonly outOfOrder: OutOfOrder;
  readonly histograms: HistogramWriter;
  readonly restorer: ChunkRestorer;
  readonly exemplars: ExemplarRing;
  readonly metadata: SeriesMetadata;
  readonly counters: HeadCounters = {
    samplesAppended: 0,
    histogramsAppended: 0,
    outOfOrder: 0,
    outOfBounds: 0,
    tooOld: 0,
    outOfOrderHistograms: 0,
    outOfBoundsHistograms: 0,
    tooOldHistograms: 0,
    duplicates: 0,
    seriesCreated: 0,
    seriesRemoved: 0,
    seriesNotFound: 0,
    chunksCreated: 0,
    chunksRemoved: 0,
    appendersCreated: 0,
  };
  /** Times of the oldest and newest sample; Infinity and -Infinity while there is none. */
  minTime: number = Infinity;
  maxTime: number = -Infinity;
  /** Samples before this belong to blocks. */
  minValidTime: number = -Infinity;
  /** Refs of series that were ended, and their newest times: until those are truncated the log has samples of them. */
  readonly departed: Map<number, number> = new Map();
  /** What readers leave out. Replaced as a whole. */
  deletions: HeadDeletions = HeadDeletions.none;
  readonly #options: HeadOptions;
  readonly #arena: Arena;
  readonly #reclaimer: Reclaimer;
  /** Pools of chunk slots and of finished chunks. */
  readonly slots: Pool;
  readonly cells: Pool;
  readonly #writer: SampleWriter;
  /** Writes floats in place of `#writer` from when XOR2 was chosen. */
  #xor2: Xor2Writer | undefined;
  /** Whether appenders keep start timestamps: a chunk or a log has room for them. */
  keepsStartTimes = false;
  readonly #log: HeadLog;
  readonly #freeBatches: Batch[] = [];
  readonly #openBatches = new Set<Batch>();
  /** Refs in the log that stand for a series with another ref. As many as the last start found, at most. */
  readonly #aliases = new Map<number, number>();
  #commits = 0;
  #sink: ChunkSink | undefined;

  constructor(options: HeadOptions) {
    if (!(options.chunkRangeMs > 0 && options.chunkRangeMs < 2 ** 32)) {
      throw new RangeError(`chunk range of ${options.chunkRangeMs} ms is not supported: it must be below 49 days`);
    }
    this.#options = options;
    this.memory = new HeadMemory(reserveMemory(options.memoryBytes));
    this.kernels = options.useKernels === false ? undefined : Kernels.over(this.memory);
    this.#log = new HeadLog(this.memory, options.logsStartTimes ?? false);
    this.#arena = new Arena(this.memory.arena);
    this.snapshots = new Snapshots(this.memory);
    this.slots = new Pool(this.memory.slots, SLOT_WORDS, SLOT_LINK, "chunks", this.memory.slotPool);
    this.cells = new Pool(this.memory.finished, FINISHED_WORDS, Fin.older, "finished chunks", this.memory.cellPool);
    this.#reclaimer = new Reclaimer(this.snapshots, (slot) => this.finished.freeSlots(slot));
    this.snapshots.onRelease = () => this.#reclaimer.collect();
    this.symbols = new SymbolWriter(this.memory, this.#arena, this.#reclaimer);
    this.table = new SeriesTable(this.memory, this.#arena, this.symbols, this.#reclaimer, this.snapshots);
    this.finished = new FinishedChunks(this.memory, this.cells, this.slots, this.#reclaimer);
    this.outOfOrder = new OutOfOrder(this.memory, this.#arena, this.#reclaimer, this.snapshots);
    const cut = (record: number): void => this.finished.cut(record, this.table.refOf(record));
    this.histograms = new HistogramWriter(
      this.memory,
      this.slots,
      options.chunkRangeMs,
      cut,
      (firstSlot) => this.#reclaimer.laterChain(firstSlot),
      options.histogramStartTimes,
    );
    this.#writer = new SampleWriter(this.memory, this.slots, options.chunkRangeMs, cut, (record) =>
      this.histograms.forget(record),
    );
    this.restorer = new ChunkRestorer(this, this.slots, options.chunkRangeMs);
    this.exemplars = new ExemplarRing(options.maxExemplars ?? 0);
    this.metadata = new SeriesMetadata(this.memory);
    this.setFloatEncoding(options.floatEncoding ?? "xor");
  }

  /**
   * How chunks of floats are written from now on; open ones end as they began. Late samples follow with their next chunk. With `xor`
   * there is no room for start timestamps in new chunks.
   */
  setFloatEncoding(encoding: FloatEncoding): void {
    const { chunkRangeMs, histogramStartTimes = false, logsStartTimes = false } = this.#options;
    const isXor2 = encoding === "xor2";
    if (isXor2 && this.#xor2 === undefined) {
      this.#xor2 = new Xor2Writer(
        this.memory,
        this.slots,
        chunkRangeMs,
        this.#writer,
        (record) => this.finished.cut(record, this.table.refOf(record)),
        (record) => this.histograms.forget(record),
        logsStartTimes,
      );
    }
    if (this.#xor2 !== undefined) this.#xor2.isChosen = isXor2;
    this.keepsStartTimes = isXor2 || histogramStartTimes || logsStartTimes;
    this.outOfOrder.configure(encoding, histogramStartTimes, logsStartTimes);
  }

  /** Whether XOR2 was never chosen: only then kernels append, and lanes of series may be appended side by side. */
  get writesPlainFloats(): boolean {
    return this.#xor2 === undefined;
  }

  /** From now on commits are logged to `wal`, and full chunks go to `sink`. */
  attach(wal: WalWriter | undefined, sink: ChunkSink | undefined): void {
    this.#log.wal = wal;
    this.#sink = sink;
  }

  /** Chunks never cross a multiple of this; milliseconds. */
  get chunkRangeMs(): number {
    return this.#options.chunkRangeMs;
  }

  get seriesCount(): number {
    return this.table.count;
  }

  /** Chunks in memory and on disk that belong to the head. */
  get chunkCount(): number {
    const { chunks } = this.outOfOrder;
    return this.counters.chunksCreated - this.counters.chunksRemoved + chunks.chunksCreated - chunks.chunksRemoved;
  }

  /** Bytes of label data and of chunks, as far as they are in use. */
  get usedBytes(): number {
    return (
      this.table.count * (RECORD_WORDS + COLD_WORDS) * 4 +
      this.#arena.usedBytes +
      this.slots.used * SLOT_WORDS * 4 +
      this.cells.used * FINISHED_WORDS * 4
    );
  }

  recordOf(ref: number): number {
    return recordOf(this.memory, ref);
  }

  /** The newest sample of a series, when it is a histogram that came since the start. */
  newestHistogram(record: number): HistogramEncoder | undefined {
    return this.histograms.encoder(record);
  }

  /** The ref of a series, made at need; it is logged with the next commit. */
  seriesRef(labels: Labels): number {
    return this.#refOfFound(this.table.findOrCreate(labels));
  }

  /** The same for labels as bytes, which must be in order. */
  seriesRefOfBytes(labels: LabelBytes): number {
    return this.#refOfFound(this.table.findOrCreateBytes(labels));
  }

  /** `found` is negative when the series was made just now. */
  #refOfFound(found: number): number {
    if (found > 0) return this.table.refOf(found);
    this.#log.add(-found);
    this.counters.seriesCreated++;
    return this.table.refOf(-found);
  }

  appender(): HeadAppender {
    this.counters.appendersCreated++;
    const batch = this.#freeBatches.pop() ?? new Batch();
    batch.clear();
    batch.commits = this.#commits;
    batch.minValidTime = this.minValidTime;
    this.#openBatches.add(batch);
    return new HeadAppender(this, batch, this.boundFrom(this.maxTime));
  }

  /** Oldest time that is taken while the newest sample has time `t`. */
  boundFrom(t: number): number {
    return Math.max(this.minValidTime, Math.max(this.maxTime, t) - this.#options.chunkRangeMs / 2);
  }

  /** Appenders that were neither committed nor rolled back. */
  get activeAppenders(): number {
    return this.#openBatches.size;
  }

  count(verdict: Append, samples: number, isHistogram = false): void {
    const { counters } = this;
    if (isHistogram) {
      if (verdict === Append.outOfOrder) counters.outOfOrderHistograms += samples;
      else if (verdict === Append.outOfBounds) counters.outOfBoundsHistograms += samples;
      else if (verdict === Append.tooOld) counters.tooOldHistograms += samples;
      if (verdict !== Append.duplicate && verdict !== Append.unknownRef) return;
    }
    if (verdict === Append.outOfOrder) counters.outOfOrder += samples;
    else if (verdict === Append.outOfBounds) counters.outOfBounds += samples;
    else if (verdict === Append.duplicate) counters.duplicates += samples;
    else if (verdict === Append.tooOld) counters.tooOld += samples;
    else if (verdict === Append.unknownRef) counters.seriesNotFound += samples;
  }

  /** Logs, then applies. Throws when the log refuses or memory is short; nothing of the batch is visible then. */
  commit(batch: Batch): void {
    this.#openBatches.delete(batch);
    const { outOfOrder } = this;
    try {
      this.#makeRoom(batch.count + (batch.extras?.weight ?? 0));
      if (outOfOrder.windowMs > 0 && (batch.commits !== this.#commits || batch.minValidTime !== this.minValidTime)) {
        outOfOrder.demote(batch, this.maxTime, this.minValidTime);
      }
      this.#log.write(batch);
      if (batch.hasLate) outOfOrder.prepare(batch, (ref) => this.recordOf(ref));
      this.#apply(batch);
      if (batch.hasLate) this.counters.samplesAppended += outOfOrder.publish();
      this.#commits++;
    } finally {
      this.#release(batch);
    }
    if (this.finished.pendingCount > 0) this.moveChunksOut(MOVED_PER_COMMIT);
  }

  /** Series that were made stay; they are logged, since their refs are given out. */
  rollback(batch: Batch): void {
    this.#openBatches.delete(batch);
    this.#release(batch);
  }

  /** Moves full chunks from memory to disk; errors go to `onChunkError`. */
  moveChunksOut(limit: number): void {
    if (this.#sink === undefined) return;
    try {
      this.finished.moveOut(this.#sink, limit);
    } catch (error) {
      this.#options.onChunkError?.(error);
    }
  }

  /** Applies samples that need no log (replay): each sample must be newer than its series; others are left out. */
  applyReplayed(
    records: Uint32Array,
    times: Float64Array,
    halves: Uint32Array,
    startTimes: Float64Array | undefined,
    count: number,
  ): void {
    this.#makeRoom(count);
    this.#applyArrays(records, times, halves, startTimes, 0, count);
    if (this.finished.pendingCount > 0) this.moveChunksOut(Infinity);
  }

  /** The same for the first `count` samples in the kernels' arrays. Returns how many were taken. */
  applyDecoded(kernels: Kernels, count: number): number {
    this.#makeRoom(count);
    const before = this.counters.samplesAppended;
    // Kernels write plain chunks only.
    if (this.#xor2 === undefined) this.#appendByKernels(kernels, count);
    else this.#applyArrays(kernels.records, kernels.times, kernels.halves, undefined, 0, count);
    if (this.finished.pendingCount > 0) this.moveChunksOut(Infinity);
    return this.counters.samplesAppended - before;
  }

  /** The same for a histogram (undefined: a stale marker). */
  applyReplayedHistogram(
    record: number,
    t: number,
    sample: HistogramSample,
    integer: boolean,
    startTime: number,
  ): void {
    this.#applyHistogram(record, t, sample, integer, startTime);
    if (this.finished.pendingCount > 0) this.moveChunksOut(Infinity);
  }

  /** An exemplar that needs no log. */
  applyReplayedExemplar(record: number, exemplar: Exemplar): void {
    this.#addExemplar(this.table.refOf(record), exemplar);
  }

  /** A series that a log brought; unless the log is to be told of it by its new ref. */
  adoptSeries(record: number, isLogged: boolean): void {
    this.counters.seriesCreated++;
    if (!isLogged) this.#log.add(record);
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
    const { control, coldFloats, series, seriesFloats } = this.memory;
    const base = record * RECORD_WORDS;
    const last = (base + Rec.lastTime) >> 1;
    if (maxTime < this.minValidTime) return;
    if (this.cells.available < 2) throw new HeadFullError("finished chunks");
    const isNewest = minTime > seriesFloats[last];
    if ((series[base + Rec.packed] & COUNT_MASK) > 0) {
      const openFirst = seriesFloats[(base + Rec.nextCut) >> 1] - series[base + Rec.cutAhead];
      if (!isNewest && maxTime >= openFirst) return;
      if (isNewest) {
        openWindow(control);
        this.finished.cut(record, this.table.refOf(record));
        this.histograms.forget(record);
        closeWindow(control);
      }
    }
    openWindow(control);
    const isAdopted = this.finished.adopt(record, minTime, maxTime, encoding, samples, place);
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
    this.counters.chunksCreated++;
    this.minTime = Math.min(this.minTime, minTime);
    this.maxTime = Math.max(this.maxTime, maxTime);
  }

  /** The log has samples of a series under another ref as well: checkpoints must keep that one's labels. */
  keepAlias(ref: number, record: number): void {
    this.#aliases.set(ref, record);
  }

  /** Refs in the log that stand for series with another ref. */
  get aliases(): number[] {
    return [...this.#aliases.keys()];
  }

  /** Refs in the log whose series the head has under another ref or no more, but whose labels a checkpoint must keep. */
  get otherLoggedRefs(): number[] {
    return [...this.#aliases.keys(), ...this.departed.keys()];
  }

  /** The series behind one of `aliases`. */
  aliasedRecord(ref: number): number {
    return this.#aliases.get(ref) ?? 0;
  }

  /** How often the log refused a transaction. */
  get logFailures(): number {
    return this.#log.failures;
  }

  /** Records of series that the log does not know yet. */
  get unloggedSeries(): ReadonlySet<number> {
    return new Set(this.#log.unlogged);
  }

  /** Whether a checkpoint must keep the labels of a ref. */
  isLoggedRefNeeded(ref: number): boolean {
    return this.recordOf(ref) !== 0 || this.#aliases.has(ref) || this.departed.has(ref);
  }

  /** Makes postings after a replay, for the series that are left. */
  finishReplay(): void {
    this.table.finishReplay();
    atOnce(this.table.droppingRemoved());
  }

  /** A log says that a series has left the head (see `endOfSeries`). False when it stays, since it has late samples. */
  endReplayed(record: number, ref: number): boolean {
    if (this.outOfOrder.chunks.has(record)) return false;
    this.departed.set(ref, this.memory.seriesFloats[(record * RECORD_WORDS + Rec.lastTime) >> 1]);
    this.#end([record]);
    return true;
  }

  /**
   * Ends series of which all samples are in blocks, as far as nothing came since `lastTimes` were their newest times: `refs` are
   * those of the series in `records`. In steps; what a step ends is logged first. Returns what was removed. Throws when the log
   * refuses: then the rest stays.
   */
  *ending(records: Uint32Array, refs: Uint32Array, lastTimes: Float64Array): Steps<HeadTruncation> {
    const { seriesFloats } = this.memory;
    const chunksBefore = this.counters.chunksRemoved;
    let removedSeries = 0;
    for (let from = 0; from < records.length; from += TRUNCATION_STEP) {
      if (from > 0) yield;
      const pinned = this.#pinned();
      const dead: number[] = [];
      for (let i = from; i < Math.min(records.length, from + TRUNCATION_STEP); i++) {
        const record = records[i];
        const isSame = this.table.isLive(record) && this.table.refOf(record) === refs[i];
        const last = seriesFloats[(record * RECORD_WORDS + Rec.lastTime) >> 1];
        if (isSame && last === lastTimes[i] && !pinned.has(record) && !this.outOfOrder.chunks.has(record)) {
          dead.push(record);
          this.departed.set(refs[i], last);
        }
      }
      if (dead.length === 0) continue;
      this.#log.writeEnds(dead.map((record) => this.table.refOf(record)));
      this.#end(dead);
      removedSeries += dead.length;
    }
    yield* this.table.droppingRemoved();
    return { removedSeries, removedChunks: this.counters.chunksRemoved - chunksBefore };
  }

  #end(records: readonly number[]): void {
    const { series } = this.memory;
    for (const record of records) {
      this.counters.chunksRemoved += this.finished.truncate(record, Infinity);
      if ((series[record * RECORD_WORDS + Rec.packed] & COUNT_MASK) > 0) this.counters.chunksRemoved++;
      this.histograms.forget(record);
    }
    this.table.remove(records, (record) => this.#freeOpenChunk(record));
    for (const [ref, record] of this.#aliases) if (!this.table.isLive(record)) this.#aliases.delete(ref);
    this.counters.seriesRemoved += records.length;
  }

  #freeOpenChunk(record: number): void {
    const base = record * RECORD_WORDS;
    const { series } = this.memory;
    if ((series[base + Rec.packed] & COUNT_MASK) > 0) this.finished.freeSlots(series[base + Rec.firstSlot]);
  }

  /** All of `truncating` at once. */
  truncate(minTime: number): HeadTruncation {
    return atOnce(this.truncating(minTime));
  }

  /**
   * Forgets samples before `minTime` (they are in a block now), chunk by chunk, and series that have none left, except those that
   * a running transaction writes to. Memory is reused once no snapshot is older. Each step takes well below a millisecond;
   * between steps anything may be read and appended. One truncation at a time.
   */
  *truncating(minTime: number): Steps<HeadTruncation> {
    this.minValidTime = Math.max(this.minValidTime, minTime);
    const { series, seriesFloats, finished, finishedFloats, coldFloats } = this.memory;
    const newestBefore = this.maxTime;
    const appendedBefore = this.counters.samplesAppended + this.counters.histogramsAppended;
    const freeOpenChunk = (record: number): void => this.#freeOpenChunk(record);
    let pinned = this.#pinned();
    let dead: number[] = [];
    let removedSeries = 0;
    let removedChunks = 0;
    let oldest = Infinity;
    for (let record = 1; record <= this.table.highIndex; record++) {
      if (record % TRUNCATION_STEP === 0) {
        this.table.remove(dead, freeOpenChunk);
        dead = [];
        if (yield) pinned = this.#pinned();
      }
      if (!this.table.isLive(record)) continue;
      removedChunks += this.finished.truncate(record, minTime);
      const base = record * RECORD_WORDS;
      const hasOpen = (series[base + Rec.packed] & COUNT_MASK) > 0;
      const last = seriesFloats[(base + Rec.lastTime) >> 1];
      if (last < minTime && !pinned.has(record) && !this.outOfOrder.chunks.has(record)) {
        removedChunks += this.finished.truncate(record, Infinity);
        this.histograms.forget(record);
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
    this.table.remove(dead, freeOpenChunk);
    yield* this.table.droppingRemoved();
    // Samples that came meanwhile were not looked at, but they cannot be older than this.
    const isSame = this.counters.samplesAppended + this.counters.histogramsAppended === appendedBefore;
    const newest = isSame ? this.maxTime : newestBefore - this.#options.chunkRangeMs / 2;
    this.minTime = Math.max(minTime, Math.min(oldest, newest));
    for (const [ref, record] of this.#aliases) if (!this.table.isLive(record)) this.#aliases.delete(ref);
    for (const [ref, last] of this.departed) if (last < minTime) this.departed.delete(ref);
    this.metadata.collect(this.table.highIndex, (record) => this.table.isLive(record));
    this.counters.seriesRemoved += removedSeries;
    this.counters.chunksRemoved += removedChunks;
    return { removedSeries, removedChunks };
  }

  /** Records that running transactions write to, or that the log does not know yet. */
  #pinned(): Set<number> {
    const pinned = new Set<number>(this.#log.unlogged);
    for (const batch of this.#openBatches) {
      for (let i = 0; i < batch.count; i++) pinned.add(batch.records[i]);
      if (batch.late !== undefined) for (let i = 0; i < batch.late.count; i++) pinned.add(batch.late.records[i]);
      for (const { ref } of batch.lateHistograms ?? []) pinned.add(this.recordOf(ref));
    }
    return pinned;
  }

  /** The lowest number of a chunk file that a series still needs; Infinity when none is. */
  oldestChunkFile(): number {
    return atOnce(this.findingOldestChunkFile());
  }

  /** The same in steps, as `truncating`. */
  *findingOldestChunkFile(): Steps<number> {
    const { series, finished } = this.memory;
    let oldest = Infinity;
    for (let record = 1; record <= this.table.highIndex; record++) {
      if (record % TRUNCATION_STEP === 0) yield;
      if (!this.table.isLive(record)) continue;
      oldest = Math.min(oldest, this.outOfOrder.chunks.oldestFile(record));
      for (let cell = series[record * RECORD_WORDS + Rec.finished]; cell !== 0; ) {
        const base = cell * FINISHED_WORDS;
        if (finished[base + Fin.info] < IN_SLOTS) oldest = Math.min(oldest, finished[base + Fin.file]);
        cell = finished[base + Fin.older];
      }
    }
    return oldest;
  }

  #makeRoom(count: number): void {
    if (this.slots.available > count * 2 + 64 && this.cells.available > count) return;
    this.moveChunksOut(Infinity);
    // What waits for running queries is freed by ending the oldest of them.
    while (this.slots.available <= count * 2 + 64 && this.snapshots.liveCount > 0) this.snapshots.expireOldest();
    if (this.slots.available <= count * 2 + 64 || this.cells.available <= count) throw new HeadFullError("samples");
  }

  #apply(batch: Batch): void {
    const { records, times, halves, startTimes, count, extras } = batch;
    if (extras === undefined) {
      this.#applyArrays(records, times, halves, startTimes, 0, count);
      return;
    }
    let from = 0;
    for (const [at, { sample, integer }] of extras.histograms) {
      this.#applyArrays(records, times, halves, startTimes, from, at);
      this.#applyHistogram(records[at], times[at], sample, integer, startTimes?.[at] ?? 0);
      from = at + 1;
    }
    this.#applyArrays(records, times, halves, startTimes, from, count);
    this.#applyOthers(extras);
  }

  #applyOthers({ exemplars, metadata }: PendingExtras): void {
    for (const { ref, exemplar } of exemplars) if (this.recordOf(ref) !== 0) this.#addExemplar(ref, exemplar);
    for (const { ref, metadata: entry } of metadata) {
      const record = this.recordOf(ref);
      if (record !== 0) this.metadata.set(record, entry);
    }
  }

  #addExemplar(ref: number, exemplar: Exemplar): void {
    this.exemplars.add(ref, () => labelsOf(this.memory, this.symbols, this.recordOf(ref)), exemplar);
  }

  #applyHistogram(record: number, t: number, sample: HistogramSample, integer: boolean, startTime: number): void {
    const { control, series, seriesFloats, coldFloats } = this.memory;
    const base = record * RECORD_WORDS;
    const last = seriesFloats[(base + Rec.lastTime) >> 1];
    if (!(t > last) || t < this.minValidTime) return;
    const slots = this.histograms.prepare(record, t, sample, integer, startTime);
    try {
      this.makeSlots(slots);
    } catch (error) {
      this.histograms.abandon(record);
      throw error;
    }
    const { snapshots } = this;
    openWindow(control);
    const before = series[base + Rec.epoch];
    if (before !== snapshots.epoch) {
      if (snapshots.liveCount > 0 && ((before - snapshots.newest) | 0) <= 0) {
        series[base + Rec.undo] = snapshots.keep(before, last, series[base + Rec.undo]);
      }
      series[base + Rec.epoch] = snapshots.epoch;
    }
    if (last === -Infinity) coldFloats[(record * COLD_WORDS + Cold.minTime) >> 1] = t;
    if (this.histograms.write(record, t, integer)) this.counters.chunksCreated++;
    closeWindow(control);
    this.maxTime = Math.max(this.maxTime, t);
    this.minTime = Math.min(this.minTime, t);
    this.counters.histogramsAppended++;
  }

  /** Between windows: sees to it that so many slots can be taken, and a cell for a full chunk. Throws a `HeadFullError`. */
  makeSlots(count: number): void {
    if (this.slots.available > count && this.cells.available > 0) return;
    this.moveChunksOut(Infinity);
    while (this.slots.available <= count && this.snapshots.liveCount > 0) this.snapshots.expireOldest();
    if (this.slots.available <= count || this.cells.available === 0) throw new HeadFullError("samples");
  }

  #applyArrays(
    records: Uint32Array,
    times: Float64Array,
    halves: Uint32Array,
    startTimes: Float64Array | undefined,
    start: number,
    end: number,
  ): void {
    const xor2 = this.#xor2;
    const { control, series, seriesFloats, coldFloats } = this.memory;
    const { snapshots } = this;
    const { epoch } = snapshots;
    const hasReaders = snapshots.liveCount > 0;
    const { newest } = snapshots;
    const { minValidTime } = this;
    let { minTime, maxTime } = this;
    let created = 0;
    let applied = 0;
    if (start === end) return;
    const { kernels } = this;
    const isRun = end - start >= MIN_KERNEL_RUN && end - start <= KERNEL_SAMPLES;
    if (kernels !== undefined && xor2 === undefined && !hasReaders && isRun) {
      kernels.records.set(records.subarray(start, end));
      kernels.times.set(times.subarray(start, end));
      kernels.halves.set(halves.subarray(2 * start, 2 * end));
      this.#appendByKernels(kernels, end - start);
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
    this.minTime = minTime;
    this.maxTime = maxTime;
    this.counters.chunksCreated += created;
    this.counters.samplesAppended += applied;
  }

  /** Appends the first `count` samples of the kernels' arrays. No snapshot is held. */
  #appendByKernels(kernels: Kernels, count: number): void {
    const { control, series } = this.memory;
    const { epoch } = this.snapshots;
    const { records, times, halves } = kernels;
    const { chunkRangeMs } = this.#options;
    for (let from = 0; from < count; ) {
      const to = Math.min(count, from + WINDOW_SAMPLES);
      openWindow(control);
      while (from < to) {
        const { minTime, maxTime } = this;
        const run = kernels.appendSamples(from, to, epoch, this.minValidTime, chunkRangeMs, minTime, maxTime);
        this.minTime = run.minTime;
        this.maxTime = run.maxTime;
        this.counters.samplesAppended += run.applied;
        this.counters.chunksCreated += run.chunksCreated;
        from = run.stoppedAt;
        this.#takeCuts(kernels);
        if (from === to) break;
        // The series held histograms so far, or nothing is left to take.
        const t = times[from];
        series[records[from] * RECORD_WORDS + Rec.epoch] = epoch;
        if (this.#writer.append(records[from], t, halves[2 * from + 1], halves[2 * from]))
          this.counters.chunksCreated++;
        this.counters.samplesAppended++;
        this.minTime = Math.min(this.minTime, t);
        this.maxTime = Math.max(this.maxTime, t);
        from++;
      }
      closeWindow(control);
    }
  }

  /** What kernels cut is this thread's to move to disk. */
  #takeCuts(kernels: Kernels): void {
    const count = kernels.takeCuts();
    for (let i = 0; i < count; i++) {
      this.finished.adoptCut(kernels.cuts[2 * i], this.table.refOf(kernels.cuts[2 * i + 1]));
    }
  }

  #release(batch: Batch): void {
    if (this.#freeBatches.length < KEPT_BATCHES && batch.isReusable) this.#freeBatches.push(batch);
  }
}
