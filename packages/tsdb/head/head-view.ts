// Reading the head, from any thread: series records under the sequence counter, chunks from slots and from disk.
import type { Labels } from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";
import { decodeChunk } from "../chunk/decode.ts";
import { COLD_WORDS, FINISHED_WORDS, type HeadMemory, RECORD_WORDS, UNDO_WORDS } from "../memory/layout.ts";
import { beginCopy, copyHolds } from "../memory/window.ts";
import { ChunkBuffer } from "./finished-chunks.ts";
import { OutOfOrderView } from "./out-of-order-view.ts";
import {
  BITS_SHIFT,
  COUNT_MASK,
  Cold,
  encodingOf,
  FIN_COUNT_MASK,
  FIN_ENCODING_SHIFT,
  Fin,
  FORM_MASK,
  IN_SLOTS,
  openCount,
  openWords,
  Rec,
} from "./record.ts";
import { labelsOf } from "./series-labels.ts";
import type { Snapshot } from "./snapshots.ts";
import { Symbols } from "./symbols.ts";

/** Longer chains than this come only from memory that was reused under a reader whose snapshot expired. */
const MAX_CHAIN = 1_000_000;

/** Reads chunks that the head moved to `chunks_head`. */
export interface ChunkSource {
  /**
   * Decodes the samples with `minTime <= t <= maxTime` of one chunk to the end of `into`. Throws when the chunk cannot be read.
   */
  read(file: number, offset: number, minTime: number, maxTime: number, into: SampleBuffer): void;
  /** The chunk as it is, valid until the next call. */
  chunk(file: number, offset: number): ChunkBytes;
}

/** A chunk's bytes, from its count on. */
export interface ChunkBytes {
  readonly encoding: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** A chunk in the head's memory contradicts itself: a defect of the program, never of what it was given. */
export class HeadCorruptionError extends Error {
  override readonly name = "HeadCorruptionError";
}

/** One thread's eyes on the head. Not reentrant. */
export class HeadView {
  readonly memory: HeadMemory;
  readonly symbols: Symbols;
  readonly outOfOrder: OutOfOrderView;
  readonly #chunks: ChunkSource | undefined;
  readonly #record = new Uint32Array(RECORD_WORDS);
  readonly #recordFloats = new Float64Array(this.#record.buffer);
  readonly #buffer = new ChunkBuffer();
  // Finished chunks of the series at hand, newest first; five words each: file, offset, info, and the times.
  #cells = new Uint32Array(64 * 3);
  #cellTimes = new Float64Array(64 * 2);

  constructor(memory: HeadMemory, chunks: ChunkSource | undefined, symbols: Symbols = new Symbols(memory)) {
    this.memory = memory;
    this.symbols = symbols;
    this.#chunks = chunks;
    this.outOfOrder = new OutOfOrderView(memory, chunks);
  }

  /** Label set of a record, as new strings' owner: pairs come from this thread's cache. */
  labels(record: number): Labels {
    return labelsOf(this.memory, this.symbols, record);
  }

  /** Time of the newest sample that the snapshot sees, -Infinity when it sees none. */
  lastTime(record: number, snapshot: Snapshot): number {
    const { control, series, seriesFloats } = this.memory;
    const base = record * RECORD_WORDS;
    for (;;) {
      const sequence = beginCopy(control);
      const last = seriesFloats[(base + Rec.lastTime) >> 1];
      const epoch = series[base + Rec.epoch];
      const undo = series[base + Rec.undo];
      if (!copyHolds(control, sequence)) continue;
      return ((epoch - snapshot.epoch) | 0) > 0 ? this.#timeAt(undo, snapshot) : last;
    }
  }

  /** Time of a series' oldest sample; Infinity before the first one. */
  firstTime(record: number): number {
    return this.memory.coldFloats[(record * COLD_WORDS + Cold.minTime) >> 1];
  }

  /** Appends the samples with `minTime <= t <= maxTime` that the snapshot sees to `into`. */
  read(record: number, snapshot: Snapshot, minTime: number, maxTime: number, into: SampleBuffer): void {
    const copy = this.#record;
    this.#copyRecord(record);
    let until = maxTime;
    if (((copy[Rec.epoch] - snapshot.epoch) | 0) > 0) {
      until = Math.min(maxTime, this.#timeAt(copy[Rec.undo], snapshot));
    }
    if (until < minTime) return;
    let found = 0;
    for (let cell = copy[Rec.finished]; cell !== 0 && found < MAX_CHAIN; ) {
      cell = this.#copyCell(cell, found);
      if (this.#cellTimes[2 * found + 1] < minTime) break;
      if (this.#cellTimes[2 * found] <= until) found++;
    }
    while (--found >= 0) this.#readFinished(found, minTime, until, into);
    const packed = copy[Rec.packed];
    const count = packed & COUNT_MASK;
    if (count === 0) return;
    const start = this.#recordFloats[Rec.nextCut >> 1] - copy[Rec.cutAhead];
    if (start > until || this.#recordFloats[Rec.lastTime >> 1] < minTime) return;
    this.#decode(this.#fillOpen(), minTime, until, into);
  }

  /**
   * Hands over, ascending, all chunks of a series that touch `minTime <= t <= maxTime`: whole, so that samples outside may be in
   * them. For ranges that get no more samples; then every snapshot sees the same.
   */
  chunks(
    record: number,
    minTime: number,
    maxTime: number,
    visit: (minTime: number, maxTime: number, chunk: ChunkBytes) => void,
  ): void {
    const copy = this.#record;
    this.#copyRecord(record);
    let found = 0;
    for (let cell = copy[Rec.finished]; cell !== 0 && found < MAX_CHAIN; ) {
      cell = this.#copyCell(cell, found);
      if (this.#cellTimes[2 * found + 1] < minTime) break;
      if (this.#cellTimes[2 * found] <= maxTime) found++;
    }
    while (--found >= 0) {
      const [first, last] = [this.#cellTimes[2 * found], this.#cellTimes[2 * found + 1]];
      const file = this.#cells[3 * found];
      const offset = this.#cells[3 * found + 1];
      const info = this.#cells[3 * found + 2];
      if (info < IN_SLOTS) {
        if (this.#chunks === undefined) throw new HeadCorruptionError("a chunk lies on disk, but there is no disk");
        visit(first, last, this.#chunks.chunk(file, offset));
      } else {
        this.#buffer.fill(this.memory.slots, file, offset, info & FIN_COUNT_MASK, (offset + 3) >>> 2, 0);
        const encoding = (info >>> FIN_ENCODING_SHIFT) & 0x7fff;
        visit(first, last, {
          encoding,
          bytes: this.#buffer.bytes,
          start: this.#buffer.start,
          end: this.#buffer.end,
        });
      }
    }
    if ((copy[Rec.packed] & COUNT_MASK) === 0) return;
    const first = this.#recordFloats[Rec.nextCut >> 1] - copy[Rec.cutAhead];
    const last = this.#recordFloats[Rec.lastTime >> 1];
    if (first > maxTime || last < minTime) return;
    const encoding = this.#fillOpen();
    visit(first, last, {
      encoding,
      bytes: this.#buffer.bytes,
      start: this.#buffer.start,
      end: this.#buffer.end,
    });
  }

  /** Fills the buffer with the open chunk of the record at hand; returns its encoding. */
  #fillOpen(): number {
    const copy = this.#record;
    const packed = copy[Rec.packed];
    const form = copy[Rec.kind] & FORM_MASK;
    const words = openWords(form, packed, copy[Rec.delta]);
    const dataBytes = words * 4 + ((((packed >>> BITS_SHIFT) & 31) + 7) >>> 3);
    const { slots } = this.memory;
    this.#buffer.fill(slots, copy[Rec.firstSlot], dataBytes, openCount(form, packed), words, copy[Rec.unfinished]);
    return encodingOf(form);
  }

  #copyRecord(record: number): void {
    const { control, series } = this.memory;
    const copy = this.#record;
    const base = record * RECORD_WORDS;
    for (;;) {
      const sequence = beginCopy(control);
      for (let i = 0; i < RECORD_WORDS; i++) copy[i] = series[base + i];
      if (copyHolds(control, sequence)) return;
    }
  }

  /** Copies a finished chunk's entry to place `at`, returns the next older one. */
  #copyCell(cell: number, at: number): number {
    if (at * 3 === this.#cells.length) this.#growCells();
    const { control, finished, finishedFloats } = this.memory;
    const base = cell * FINISHED_WORDS;
    for (;;) {
      const sequence = beginCopy(control);
      this.#cells[3 * at] = finished[base + Fin.file];
      this.#cells[3 * at + 1] = finished[base + Fin.offset];
      this.#cells[3 * at + 2] = finished[base + Fin.info];
      this.#cellTimes[2 * at] = finishedFloats[(base + Fin.minTime) >> 1];
      this.#cellTimes[2 * at + 1] = finishedFloats[(base + Fin.maxTime) >> 1];
      const older = finished[base + Fin.older];
      if (copyHolds(control, sequence)) return older;
    }
  }

  #readFinished(at: number, minTime: number, maxTime: number, into: SampleBuffer): void {
    const file = this.#cells[3 * at];
    const offset = this.#cells[3 * at + 1];
    const info = this.#cells[3 * at + 2];
    if (info < IN_SLOTS) {
      if (this.#chunks === undefined) throw new HeadCorruptionError("a chunk lies on disk, but there is no disk");
      this.#chunks.read(file, offset, minTime, maxTime, into);
      return;
    }
    this.#buffer.fill(this.memory.slots, file, offset, info & FIN_COUNT_MASK, (offset + 3) >>> 2, 0);
    this.#decode((info >>> FIN_ENCODING_SHIFT) & 0x7fff, minTime, maxTime, into);
  }

  #decode(encoding: number, minTime: number, maxTime: number, into: SampleBuffer): void {
    const { bytes, start, end } = this.#buffer;
    if (!decodeChunk(encoding, bytes, start, end, minTime, maxTime, into)) {
      throw new HeadCorruptionError("a chunk in memory cannot be decoded");
    }
  }

  /** Time of the last append that the snapshot sees, by the undo entries. */
  #timeAt(entry: number, snapshot: Snapshot): number {
    const { undo, undoFloats } = this.memory;
    let at = entry;
    // The entry that counts is the newest one made for an append that the snapshot sees. The bound matters only when the
    // snapshot was given up and its entries serve others by now: then the caller throws what was read away.
    for (let i = 0; i < MAX_CHAIN && ((undo[at * UNDO_WORDS] - snapshot.epoch) | 0) > 0; i++) {
      at = undo[at * UNDO_WORDS + 1];
    }
    return undoFloats[at * 2 + 1];
  }

  #growCells(): void {
    const cells = new Uint32Array(this.#cells.length * 2);
    cells.set(this.#cells);
    this.#cells = cells;
    const times = new Float64Array(this.#cellTimes.length * 2);
    times.set(this.#cellTimes);
    this.#cellTimes = times;
  }
}
