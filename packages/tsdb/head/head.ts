// The head: the newest samples, in shared memory, with one writer (this thread) and readers in any thread.
import type { Exemplar, Labels } from "@narthex/model";
import { Append, type AppendOptions, type LabelBytes } from "@narthex/storage";
import type { FloatEncoding } from "../chunk/float-encoding.ts";
import type { HistogramEncoder } from "../chunk/histogram-encoder.ts";
import { Kernels } from "../kernels/kernels.ts";
import { Arena } from "../memory/arena.ts";
import {
  COLD_WORDS,
  FINISHED_WORDS,
  HeadMemory,
  RECORD_WORDS,
  reserveMemory,
  type SharedMemory,
  SLOT_WORDS,
} from "../memory/layout.ts";
import { HeadDeletions } from "../tombstone/head-deletions.ts";
import type { WalWriter } from "../wal/wal-writer.ts";
import { Batch } from "./batch.ts";
import { ChunkRestorer } from "./chunk-restorer.ts";
import { ExemplarRing } from "./exemplars.ts";
import { type ChunkSink, FinishedChunks } from "./finished-chunks.ts";
import { HeadAppender } from "./head-appender.ts";
import { HeadLog } from "./head-log.ts";
import { HeadRoom } from "./head-room.ts";
import { HeadCounters, HeadTimes } from "./head-state.ts";
import { HistogramWriter } from "./histogram-writer.ts";
import { LoggedRefs } from "./logged-refs.ts";
import { OutOfOrder } from "./out-of-order.ts";
import type { PendingExtras } from "./pending-extras.ts";
import { countPostings } from "./postings.ts";
import { Reclaimer } from "./reclaimer.ts";
import { ReplayIntake } from "./replay-intake.ts";
import { SampleApplier } from "./sample-applier.ts";
import { type HeadTruncation, SeriesCollector } from "./series-collector.ts";
import type { SeriesGate } from "./series-gate.ts";
import { labelsOf } from "./series-labels.ts";
import { SeriesMetadata } from "./series-metadata.ts";
import { recordOf, SeriesTable } from "./series-table.ts";
import { Snapshots } from "./snapshots.ts";
import { atOnce, type Steps } from "./steps.ts";
import { SymbolWriter } from "./symbol-writer.ts";

/** Full chunks moved to disk by one commit at most, so that a burst of cuts does not hold a scrape up. */
const MOVED_PER_COMMIT = 1024;
/** Batches kept for reuse. */
const KEPT_BATCHES = 8;

export interface HeadOptions {
  /** Chunks never cross a multiple of this: the smallest block's range. Less than 2^32 ms. */
  readonly chunkRangeMs: number;
  /** Shared memory to reserve; see `reserveMemory`. */
  readonly memoryBytes?: number;
  /** Memory that is reserved already, and of which nothing but the scratch region was used. */
  readonly memory?: SharedMemory | undefined;
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

export class Head {
  /** Undefined lets every new series in. */
  seriesGate: SeriesGate | undefined;
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
  readonly counters: HeadCounters = new HeadCounters();
  readonly times: HeadTimes = new HeadTimes();
  readonly room: HeadRoom;
  readonly loggedRefs: LoggedRefs;
  /** Takes what a start brings. */
  readonly replayed: ReplayIntake;
  /** What readers leave out. Replaced as a whole. */
  deletions: HeadDeletions = HeadDeletions.none;
  readonly #options: HeadOptions;
  readonly #arena: Arena;
  readonly #reclaimer: Reclaimer;
  readonly #applier: SampleApplier;
  readonly #collector: SeriesCollector;
  /** Whether appenders keep start timestamps: a chunk or a log has room for them. */
  keepsStartTimes = false;
  readonly #log: HeadLog;
  readonly #freeBatches: Batch[] = [];
  readonly #openBatches = new Set<Batch>();
  #commits = 0;

  constructor(options: HeadOptions) {
    if (!(options.chunkRangeMs > 0 && options.chunkRangeMs < 2 ** 32)) {
      throw new RangeError(`chunk range of ${options.chunkRangeMs} ms is not supported: it must be below 49 days`);
    }
    this.#options = options;
    this.memory = new HeadMemory(options.memory ?? reserveMemory(options.memoryBytes));
    this.kernels = options.useKernels === false ? undefined : Kernels.over(this.memory);
    this.#log = new HeadLog(this.memory, this.kernels, options.logsStartTimes ?? false);
    this.#arena = new Arena(this.memory.arena, this.memory.arenaState);
    this.snapshots = new Snapshots(this.memory);
    this.room = new HeadRoom(this.memory, this.snapshots, options.onChunkError);
    const { slots, cells } = this.room;
    this.#reclaimer = new Reclaimer(this.snapshots, (slot) => this.finished.freeSlots(slot));
    this.snapshots.onRelease = () => this.#reclaimer.collect();
    this.symbols = new SymbolWriter(this.memory, this.#arena, this.#reclaimer);
    this.table = new SeriesTable(this.memory, this.#arena, this.symbols, this.#reclaimer, this.snapshots, this.kernels);
    this.finished = new FinishedChunks(this.memory, cells, slots, this.#reclaimer);
    this.room.finished = this.finished;
    this.outOfOrder = new OutOfOrder(this.memory, this.#arena, this.#reclaimer, this.snapshots);
    this.histograms = new HistogramWriter(
      this.memory,
      slots,
      options.chunkRangeMs,
      (record) => this.finished.cut(record, this.table.refOf(record)),
      (firstSlot) => this.#reclaimer.laterChain(firstSlot),
      options.histogramStartTimes,
    );
    this.#applier = new SampleApplier(this, options.chunkRangeMs);
    this.loggedRefs = new LoggedRefs(this.memory);
    this.restorer = new ChunkRestorer(this, slots, options.chunkRangeMs);
    this.exemplars = new ExemplarRing(options.maxExemplars ?? 0);
    this.metadata = new SeriesMetadata(this.memory);
    const { memory, table, finished, histograms, outOfOrder, metadata, loggedRefs: refs, times, counters } = this;
    this.#collector = new SeriesCollector(
      {
        memory,
        table,
        finished,
        histograms,
        outOfOrder,
        metadata,
        refs,
        times,
        counters,
        log: this.#log,
        openRecords: () => this.#openRecords(),
      },
      options.chunkRangeMs,
    );
    const { room } = this;
    this.replayed = new ReplayIntake({
      memory,
      room,
      table,
      finished,
      histograms,
      times,
      counters,
      applier: this.#applier,
      collector: this.#collector,
      log: this.#log,
      addExemplar: (ref, exemplar) => this.#addExemplar(ref, exemplar),
    });
    this.setFloatEncoding(options.floatEncoding ?? "xor");
  }

  /**
   * How chunks of floats are written from now on; open ones end as they began. Late samples follow with their next chunk. With `xor`
   * there is no room for start timestamps in new chunks.
   */
  setFloatEncoding(encoding: FloatEncoding): void {
    const { histogramStartTimes = false, logsStartTimes = false } = this.#options;
    this.#applier.choose(encoding, logsStartTimes);
    this.keepsStartTimes = encoding === "xor2" || histogramStartTimes || logsStartTimes;
    this.outOfOrder.configure(encoding, histogramStartTimes, logsStartTimes);
  }

  /** Whether XOR2 was never chosen: only then kernels append. */
  get writesPlainFloats(): boolean {
    return this.#applier.writesPlainFloats;
  }

  /** From now on commits are logged to `wal`, and full chunks go to `sink`. */
  attach(wal: WalWriter | undefined, sink: ChunkSink | undefined): void {
    this.#log.wal = wal;
    this.room.sink = sink;
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
      this.room.slots.used * SLOT_WORDS * 4 +
      this.room.cells.used * FINISHED_WORDS * 4
    );
  }

  recordOf(ref: number): number {
    return recordOf(this.memory, ref);
  }

  /** The newest sample of a series, when it is a histogram that came since the start. */
  newestHistogram(record: number): HistogramEncoder | undefined {
    return this.histograms.encoder(record);
  }

  /** The ref of a series, made at need, past any gate if `always`; it is logged with the next commit. 0 when it is not made. */
  seriesRef(labels: Labels, always = false): number {
    const gate = this.seriesGate;
    if (gate !== undefined && !always && gate.isClosedTo(labels)) return this.#knownRef(labels, gate);
    return this.#refOfFound(this.table.findOrCreate(labels));
  }

  /** The same for labels as bytes, whether they are in order or not; 0 where only the slow way can tell. */
  seriesRefByKernels(labels: LabelBytes): number {
    const found = this.seriesGate === undefined ? this.table.findOrCreateByKernels(labels) : 0;
    return found === 0 ? 0 : this.#refOfFound(found);
  }

  /** The same for labels as bytes, which must be in order. */
  seriesRefOfBytes(labels: LabelBytes): number {
    // A gate reads text: where there is one, new series cost a little more.
    if (this.seriesGate !== undefined) return this.seriesRef(labels.toLabels());
    return this.#refOfFound(this.table.findOrCreateBytes(labels));
  }

  /** How many series of the head have this label pair; those that were removed lately may be among them. */
  seriesCountOf(name: string, value: string): number {
    const id = this.symbols.pairId(this.symbols.nameId(name), value);
    return id === 0 ? 0 : countPostings(this.memory, id);
  }

  /** A series that is known goes on, whatever the gate says. Nothing of its text is kept if it is not. */
  #knownRef(labels: Labels, gate: SeriesGate): number {
    const record = this.table.find(labels);
    if (record !== 0) return this.table.refOf(record);
    gate.onRefusal(labels);
    return 0;
  }

  /** `found` is negative when the series was made just now. */
  #refOfFound(found: number): number {
    if (found > 0) return this.table.refOf(found);
    this.#log.add(-found);
    this.counters.seriesCreated++;
    return this.table.refOf(-found);
  }

  appender({ inOrderOnly = false }: AppendOptions = {}): HeadAppender {
    this.counters.appendersCreated++;
    const batch = this.#freeBatches.pop() ?? new Batch();
    batch.clear();
    batch.commits = this.#commits;
    batch.minValidTime = this.times.minValid;
    this.#openBatches.add(batch);
    return new HeadAppender(this, batch, this.boundFrom(this.times.max), inOrderOnly);
  }

  /** Oldest time that is taken while the newest sample has time `t`. */
  boundFrom(t: number): number {
    const { minValid, max } = this.times;
    return Math.max(minValid, Math.max(max, t) - this.#options.chunkRangeMs / 2);
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
    const { outOfOrder, times } = this;
    try {
      this.room.forSamples(batch.count + (batch.extras?.weight ?? 0));
      if (outOfOrder.windowMs > 0 && (batch.commits !== this.#commits || batch.minValidTime !== times.minValid)) {
        outOfOrder.demote(batch, times.max, times.minValid);
      }
      this.#log.write(batch);
      if (batch.hasLate) outOfOrder.prepare(batch, (ref) => this.recordOf(ref));
      this.#apply(batch);
      if (batch.hasLate) this.counters.samplesAppended += outOfOrder.publish();
      this.#commits++;
    } finally {
      this.#release(batch);
    }
    this.room.moveOut(MOVED_PER_COMMIT);
  }

  /** Series that were made stay; they are logged, since their refs are given out. */
  rollback(batch: Batch): void {
    this.#openBatches.delete(batch);
    this.#release(batch);
  }

  /** Logs the series that the log may not know, if there are some: a snapshot leaves those out. Throws when the log refuses. */
  logSeries(): void {
    this.#log.writeSeries();
  }

  /** How often the log refused a transaction. */
  get logFailures(): number {
    return this.#log.failures;
  }

  /** Records of series that the log does not know yet. */
  get unloggedSeries(): ReadonlySet<number> {
    return new Set(this.#log.unlogged);
  }

  /** See `SeriesCollector.ending`. */
  ending(records: Uint32Array, refs: Uint32Array, lastTimes: Float64Array): Steps<HeadTruncation> {
    return this.#collector.ending(records, refs, lastTimes);
  }

  /** All of `truncating` at once. */
  truncate(minTime: number): HeadTruncation {
    return atOnce(this.truncating(minTime));
  }

  /** See `SeriesCollector.truncating`. */
  truncating(minTime: number): Steps<HeadTruncation> {
    return this.#collector.truncating(minTime);
  }

  /** See `SeriesCollector.findingOldestChunkFile`. */
  findingOldestChunkFile(): Steps<number> {
    return this.#collector.findingOldestChunkFile();
  }

  /** Records that running transactions write to. */
  *#openRecords(): Generator<number> {
    for (const { records, count, late, lateHistograms } of this.#openBatches) {
      for (let i = 0; i < count; i++) yield records[i];
      if (late !== undefined) for (let i = 0; i < late.count; i++) yield late.records[i];
      for (const { ref } of lateHistograms ?? []) yield this.recordOf(ref);
    }
  }

  #apply(batch: Batch): void {
    const { records, times, halves, startTimes, count, extras } = batch;
    if (extras === undefined) {
      this.#applier.floats(records, times, halves, startTimes, 0, count);
      return;
    }
    let from = 0;
    for (const [at, { sample, integer }] of extras.histograms) {
      this.#applier.floats(records, times, halves, startTimes, from, at);
      this.#applier.histogram(records[at], times[at], sample, integer, startTimes?.[at] ?? 0);
      from = at + 1;
    }
    this.#applier.floats(records, times, halves, startTimes, from, count);
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

  #release(batch: Batch): void {
    if (this.#freeBatches.length < KEPT_BATCHES && batch.isReusable) this.#freeBatches.push(batch);
  }
}
