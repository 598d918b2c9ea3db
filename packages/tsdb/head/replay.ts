// Filling the head from the log, record by record, without an object per series or sample.
import { isWellFormed } from "../chunk/bucket-layout.ts";
import { KERNEL_SAMPLES } from "../kernels/desk.ts";
import type { Kernels } from "../kernels/kernels.ts";
import {
  decodeExemplars,
  decodeMetadata,
  decodeTombstones,
  type ExemplarEntry,
  isEndOfSeries,
  type MetadataEntry,
  type TombstoneEntry,
} from "../wal/entry-records.ts";
import { decodeHistograms, type HistogramEntry, isHistogramRecord } from "../wal/histogram-record.ts";
import { RecordError, RecordType } from "../wal/record.ts";
import { decodeSamples, SAMPLES_HEADER_BYTES, SampleRecord, samplesBase } from "../wal/sample-record.ts";
import { SeriesRecordCursor } from "../wal/series-record.ts";
import type { ChunkPlace } from "./finished-chunks.ts";
import type { Head } from "./head.ts";
import { LabelInterner } from "./label-interner.ts";
import type { SampleRows } from "./sample-rows.ts";
import { recordOf } from "./series-table.ts";

/** Refs above this get a new one, so that there is room to count on. The reference's refs start at 1. */
const MAX_REF = 0xf000_0000;

/** Chunks found on disk before their series are known, by series ref, side by side. */
export class ReplayChunks {
  #count = 0;
  #minTimes = new Float64Array(1024);
  #maxTimes = new Float64Array(1024);
  #files = new Uint32Array(1024);
  #offsets = new Uint32Array(1024);
  /** Encoding above, count below 16 bits. */
  #infos = new Uint32Array(1024);
  #next = new Uint32Array(1024);
  /** First and last chunk of each ref, as positions from 1. */
  readonly #firsts = new Map<number, number>();
  readonly #lasts = new Map<number, number>();

  get count(): number {
    return this.#count;
  }

  /** Chunks of one series must come in the order they were written. */
  add(ref: number, minTime: number, maxTime: number, encoding: number, samples: number, place: ChunkPlace): void {
    if (this.#count === this.#next.length) this.#grow();
    const at = this.#count++;
    this.#minTimes[at] = minTime;
    this.#maxTimes[at] = maxTime;
    this.#files[at] = place.file;
    this.#offsets[at] = place.offset;
    this.#infos[at] = (encoding << 16) | samples;
    this.#next[at] = 0;
    const last = this.#lasts.get(ref);
    if (last === undefined) this.#firsts.set(ref, at + 1);
    else this.#next[last - 1] = at + 1;
    this.#lasts.set(ref, at + 1);
  }

  /** The highest ref of chunks that no series has taken. */
  get highestUnknownRef(): number {
    let highest = 0;
    for (const ref of this.#firsts.keys()) if (ref > highest && ref <= MAX_REF) highest = ref;
    return highest;
  }

  /** Whether chunks that no series has taken reach to `minTime` or beyond. */
  hasUnclaimed(minTime: number): boolean {
    for (const first of this.#firsts.values()) {
      for (let at = first; at !== 0; at = this.#next[at - 1]) if (this.#maxTimes[at - 1] >= minTime) return true;
    }
    return false;
  }

  /** Hands a series its chunks, and forgets them. */
  take(
    ref: number,
    visit: (minTime: number, maxTime: number, encoding: number, samples: number, place: ChunkPlace) => void,
  ): void {
    const first = this.#firsts.get(ref);
    if (first === undefined) return;
    for (let at = first; at !== 0; at = this.#next[at - 1]) {
      const info = this.#infos[at - 1];
      const place = { file: this.#files[at - 1], offset: this.#offsets[at - 1] };
      visit(this.#minTimes[at - 1], this.#maxTimes[at - 1], info >>> 16, info & 0xffff, place);
    }
    this.#firsts.delete(ref);
    this.#lasts.delete(ref);
  }

  #grow(): void {
    const capacity = this.#next.length * 2;
    const grow = <T extends Float64Array | Uint32Array>(from: T, into: T): T => {
      into.set(from);
      return into;
    };
    this.#minTimes = grow(this.#minTimes, new Float64Array(capacity));
    this.#maxTimes = grow(this.#maxTimes, new Float64Array(capacity));
    this.#files = grow(this.#files, new Uint32Array(capacity));
    this.#offsets = grow(this.#offsets, new Uint32Array(capacity));
    this.#infos = grow(this.#infos, new Uint32Array(capacity));
    this.#next = grow(this.#next, new Uint32Array(capacity));
  }
}

/** Where records come from: a `WalReader`, or a log that a second thread reads ahead. */
export interface RecordSource {
  /** The current record is `bytes[start, end)`. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** What there is in place of a record: samples of the same series from one or several records. */
  readonly rows?: SampleRows | undefined;
  /** See `AheadLog.takeInOrder`; there whenever there may be rows. */
  takeInOrder?(visit: (rows: SampleRows, row: number) => void): void;
}

/** What a log mentioned without having said what it is. */
export interface UnknownRefs {
  series: number;
  samples: number;
  histograms: number;
  exemplars: number;
  metadata: number;
}

/** Replays one log after the other into one head. */
export class Replay {
  readonly unknown: UnknownRefs = { series: 0, samples: 0, histograms: 0, exemplars: 0, metadata: 0 };
  /** Records of kinds that this head does not keep yet, by type byte. */
  readonly skippedRecords: Map<number, number> = new Map();
  readonly #head: Head;
  readonly #chunks: ReplayChunks;
  readonly #late: ReplayChunks;
  readonly #decoded = new SampleRecord();
  #records = new Uint32Array(1024);
  readonly #interner: LabelInterner;
  /** Refs of the log that stand for a series with another ref. */
  readonly #aliases = new Map<number, number>();
  readonly #unknownRefs = new Set<number>();
  /** The highest ref that the log mentions without a series having it now. */
  #highestRef = 0;
  /** What was deleted, by the refs of the head. */
  readonly #stones: TombstoneEntry[] = [];

  /** `late` are chunks of out-of-order samples. */
  constructor(head: Head, chunks: ReplayChunks, late: ReplayChunks = new ReplayChunks()) {
    this.#head = head;
    this.#interner = new LabelInterner(head.memory, head.symbols);
    this.#chunks = chunks;
    this.#late = late;
  }

  /** The record that a ref of the log stands for, 0 for none. */
  recordOf(ref: number): number {
    return this.#aliases.get(ref) ?? (ref <= MAX_REF ? recordOf(this.#head.memory, ref) : 0);
  }

  /** Applies the record the log stands on. Throws a `RecordError` when its bytes are no record. */
  apply(log: RecordSource): void {
    if (log.rows !== undefined) {
      this.#applyRows(log, log.rows);
      return;
    }
    const { bytes, start, end } = log;
    if (start >= end) return;
    const type = bytes[start] as number;
    if (type === RecordType.series) this.#applySeries(log);
    else if (type === RecordType.samples) {
      const from = this.#applyByKernels(log);
      if (from === end) return;
      decodeSamples(bytes, start, end, this.#decoded, from);
      this.#applySamples(this.#decoded);
    } else if (type === RecordType.samplesV2) {
      decodeSamples(bytes, start, end, this.#decoded);
      this.#applySamples(this.#decoded);
    } else if (type === RecordType.tombstones) this.#applyTombstones(decodeTombstones(bytes, start, end));
    else if (isHistogramRecord(type)) this.#applyHistograms(decodeHistograms(bytes, start, end));
    else if (type === RecordType.exemplars) this.#applyExemplars(decodeExemplars(bytes, start, end));
    else if (type === RecordType.metadata) this.#applyMetadata(decodeMetadata(bytes, start, end));
    else this.skippedRecords.set(type, (this.skippedRecords.get(type) ?? 0) + 1);
  }

  /** What was unknown may be told of by a log that is replayed next. */
  forgetUnknown(): void {
    Object.assign(this.unknown, { series: 0, samples: 0, histograms: 0, exemplars: 0, metadata: 0 });
    this.#unknownRefs.clear();
  }

  /** Call after the last log: brings postings in order. `isThreadLost`: a second thread may still use its part of the memory. */
  finish(isThreadLost = false): void {
    this.unknown.series = this.#unknownRefs.size;
    for (const [ref, record] of this.#aliases) this.#head.loggedRefs.keepAlias(ref, record);
    // A ref that the log or a chunk mentions must never mean another series: the next start would mix them up.
    this.#head.table.reserveRefs(Math.max(this.#highestRef, this.#chunks.highestUnknownRef));
    this.#head.replayed.finish(!isThreadLost);
    this.#stones.sort((a, b) => a.ref - b.ref || a.minTime - b.minTime);
    this.#head.deletions = this.#head.deletions.with(this.#stones);
  }

  #applySeries({ bytes, start, end }: RecordSource): void {
    const cursor = new SeriesRecordCursor(bytes, start, end);
    try {
      this.#makeSeries(cursor, end);
    } catch (error) {
      // The log may be cut in front of the record: what is whole of it goes to the log anew, even if that says it elsewhere.
      if (error instanceof RecordError) this.#logAnew(new SeriesRecordCursor(bytes, start, end));
      throw error;
    }
  }

  #makeSeries(cursor: SeriesRecordCursor, end: number): void {
    const { kernels, table } = this.#head;
    const { bytes } = cursor;
    const usesKernels = kernels?.owns(bytes) === true && table.defersPostings;
    for (;;) {
      if (usesKernels) cursor.goTo(this.#makeByKernels(kernels, bytes, cursor.at, end));
      if (!cursor.next()) return;
      this.#addSeries(cursor);
    }
  }

  /** The series of a broken record are to be logged, as far as they are whole and known. */
  #logAnew(cursor: SeriesRecordCursor): void {
    try {
      while (cursor.next()) {
        while (cursor.nextLabel());
        const record = this.recordOf(cursor.ref);
        if (record !== 0) this.#head.replayed.logAnew(record);
      }
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
    }
  }

  /** Makes series as far as kernels go; returns where they stopped. */
  #makeByKernels(kernels: Kernels, bytes: Uint8Array, from: number, end: number): number {
    const made = this.#head.replayed.makeByKernels(kernels, bytes, from, end);
    if (this.#chunks.count > 0 || this.#late.count > 0) {
      const { table } = this.#head;
      for (let i = 0; i < made; i++) this.#takeChunks(kernels.records[i], table.refOf(kernels.records[i]));
    }
    return kernels.decodedTo;
  }

  #addSeries(cursor: SeriesRecordCursor): void {
    const { table } = this.#head;
    const interner = this.#interner;
    const { bytes } = cursor;
    interner.begin();
    while (cursor.nextLabel()) {
      const { nameStart, nameEnd, valueStart, valueEnd } = cursor;
      if (valueEnd > valueStart) interner.add(bytes, nameStart, nameEnd, valueStart, valueEnd);
    }
    const { ids, count } = interner;
    if (count === 0) return;
    const { ref } = cursor;
    const isUsable = ref > 0 && ref <= MAX_REF && recordOf(this.#head.memory, ref) === 0;
    const found = table.findOrCreateIds(ids, count, isUsable ? ref : 0);
    const record = Math.abs(found);
    if (found < 0) this.#head.replayed.adoptSeries(record, isUsable);
    if (table.refOf(record) !== ref) {
      this.#aliases.set(ref, record);
      this.#noteRef(ref);
    }
    this.#takeChunks(record, ref);
  }

  /** Gives a series the chunks that the disk has of it under a ref. */
  #takeChunks(record: number, ref: number): void {
    this.#chunks.take(ref, (minTime, maxTime, encoding, samples, place) =>
      this.#head.replayed.adoptChunk(record, minTime, maxTime, encoding, samples, place),
    );
    this.#late.take(ref, (minTime, maxTime, encoding, samples, place) =>
      this.#head.outOfOrder.chunks.adopt(record, minTime, maxTime, encoding, samples, place),
    );
  }

  #applyHistograms(entries: readonly HistogramEntry[]): void {
    for (const { ref, t, histogram, integer, stale, startTime } of entries) {
      if (t < this.#head.times.minValid) continue;
      // A log that others wrote may say anything: what no chunk can hold is counted with what is unknown.
      const record = isWellFormed(histogram) ? this.recordOf(ref) : 0;
      if (record === 0) {
        this.unknown.histograms++;
        this.#countUnknown(ref);
        continue;
      }
      this.#head.replayed.histogram(record, t, stale ? undefined : histogram, integer, startTime);
    }
  }

  #applyExemplars(entries: readonly ExemplarEntry[]): void {
    for (const { ref, exemplar } of entries) {
      if (exemplar.t < this.#head.times.minValid) continue;
      const record = this.recordOf(ref);
      if (record !== 0) this.#head.replayed.exemplar(record, exemplar);
      else this.unknown.exemplars++;
    }
  }

  #applyMetadata(entries: readonly MetadataEntry[]): void {
    for (const { ref, metadata } of entries) {
      const record = this.recordOf(ref);
      if (record !== 0) this.#head.metadata.set(record, metadata);
      else this.unknown.metadata++;
    }
  }

  /** Counting distinct refs must not take more memory than the series themselves. */
  #countUnknown(ref: number): void {
    this.#noteRef(ref);
    if (this.#unknownRefs.size < 1_000_000) this.#unknownRefs.add(ref);
  }

  #noteRef(ref: number): void {
    if (ref > this.#highestRef && ref <= MAX_REF) this.#highestRef = ref;
  }

  #applyTombstones(stones: readonly TombstoneEntry[]): void {
    const { memory, table } = this.#head;
    for (const stone of stones) {
      const { ref, minTime, maxTime } = stone;
      if (isEndOfSeries(stone)) {
        this.#endSeries(ref);
        continue;
      }
      // Those of times that belong to blocks may still be needed for late samples: see `HeadRecovery`.
      const record = this.#aliases.get(ref) ?? (ref <= MAX_REF ? recordOf(memory, ref) : 0);
      if (record !== 0) this.#stones.push({ ref: table.refOf(record), minTime, maxTime });
    }
  }

  /** Decodes and applies samples by kernels, as far as they come. Returns where the rest begins, which is for the slow way. */
  #applyByKernels(log: RecordSource): number {
    const { bytes, start, end } = log;
    const head = this.#head;
    const { kernels } = head;
    let at = start + SAMPLES_HEADER_BYTES;
    if (kernels === undefined || at >= end || this.#aliases.size > 0 || !kernels.owns(bytes)) return at;
    const base = samplesBase(bytes, start, end);
    while (at < end) {
      const count = kernels.decodeSamples(bytes, at, end, base.ref, base.time);
      if (count === 0) break;
      head.replayed.decoded(kernels, count);
      at = kernels.decodedTo;
    }
    return at;
  }

  /** Applies rows by kernels, and what these leave one by one. */
  #applyRows(log: RecordSource, rows: SampleRows): void {
    const head = this.#head;
    const decoded = this.#decoded;
    const { kernels } = head;
    if (kernels === undefined || this.#aliases.size > 0) {
      // Rows are apart by their refs, several of which may stand for one series: then the log's order counts.
      log.takeInOrder?.((these, row) => {
        decoded.reset(these.columns);
        these.read(row, 0, these.columns, decoded);
        this.#applySamples(decoded);
      });
      return;
    }
    const step = Math.max(1, Math.floor(KERNEL_SAMPLES / rows.rows));
    for (let column = 0; column < rows.columns; ) {
      const to = Math.min(rows.columns, column + step);
      column = head.replayed.rows(kernels, rows, column, to);
      if (column === to) continue;
      decoded.reset(rows.rows);
      for (let row = kernels.stoppedRow; row < rows.rows; row++) rows.read(row, column, column + 1, decoded);
      this.#applySamples(decoded);
      column++;
    }
  }

  /** All that the series has so far is in blocks. Late samples may not be: then it stays. */
  #endSeries(ref: number): void {
    const record = this.recordOf(ref);
    this.#noteRef(ref);
    if (record === 0 || !this.#head.replayed.endSeries(record, ref)) return;
    for (const [alias, aliased] of this.#aliases) if (aliased === record) this.#aliases.delete(alias);
  }

  #applySamples(decoded: SampleRecord): void {
    const head = this.#head;
    const { refs, times, halves, startTimes, count } = decoded;
    if (count > this.#records.length) this.#records = new Uint32Array(Math.max(count, this.#records.length * 2));
    const records = this.#records;
    const { memory } = head;
    const minValidTime = head.times.minValid;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      const t = times[i];
      if (t < minValidTime) continue;
      const ref = refs[i];
      let record = ref <= MAX_REF ? recordOf(memory, ref) : 0;
      if (this.#aliases.size > 0) {
        const alias = this.#aliases.get(ref);
        if (alias !== undefined) record = alias;
      }
      if (record === 0) {
        this.unknown.samples++;
        this.#countUnknown(ref);
        continue;
      }
      records[kept] = record;
      times[kept] = t;
      halves[2 * kept] = halves[2 * i];
      halves[2 * kept + 1] = halves[2 * i + 1];
      if (startTimes !== undefined) startTimes[kept] = startTimes[i];
      kept++;
    }
    head.replayed.floats(records, times, halves, startTimes, kept);
  }
}
