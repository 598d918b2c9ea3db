// Kernels compiled to WebAssembly (kernels/assembly): what is done for every sample and every byte of the log, on the head's own
// memory. Each has a twin in TypeScript that does the same: it takes over where kernels cannot run or will not decide, and tests
// hold both against each other.
import { readFileSync } from "node:fs";
import { crc32cTables, maxCompressedLength } from "@narthex/encoding";
import type { LabelBytes } from "@narthex/storage";
import type { HeadMemory } from "../memory/layout.ts";
import { Context, type KernelExports, WebAssembly } from "./compiled.ts";
import { makeContext } from "./context.ts";
import {
  AHEAD_REGION,
  DESK_BYTES,
  DeskPart,
  KERNEL_CUTS,
  KERNEL_LABEL_BYTES,
  KERNEL_LABELS,
  KERNEL_SAMPLES,
} from "./desk.ts";

/** Samples of several times, where one was expected. */
export const TIMES_DIFFER = -1;
/** What `seriesOfLabels` says of labels that no series has. */
export const UNKNOWN_SERIES = -1;
/** What `decodeFirstRow` says of refs that only grow. */
const GROWING = 2;

/** What one call of `appendSamples` or `appendRows` did. Reused from call to call. */
export interface AppendResult {
  /** Where it stopped: the end of the run, or a sample that only the slow way can take. Of rows: the column where that stands. */
  stoppedAt: number;
  applied: number;
  chunksCreated: number;
  minTime: number;
  maxTime: number;
}

/**
 * The kernels over one head's memory, at a desk of their own in its scratch region. One thread at a desk; what changes the head is
 * the writer's.
 */
export class Kernels {
  /** The reader of a log reads into this. */
  readonly readBuffer: Uint8Array;
  /** A record put together from its fragments, or one that is to be compressed or logged. */
  readonly input: Uint8Array;
  /** What `uncompress` and `compress` wrote. */
  readonly output: Uint8Array;
  /** Samples side by side: record numbers, times in milliseconds, value bits (low half first). `KERNEL_SAMPLES` of each. */
  readonly records: Uint32Array;
  readonly times: Float64Array;
  readonly halves: Uint32Array;
  /** Chunks that `appendSamples` cut: pairs of finished cell and series record; `takeCuts` tells how many pairs. */
  readonly cuts: Uint32Array;
  readonly #buffer: SharedArrayBuffer;
  readonly #exports: KernelExports;
  /** The desk's address, and those of its parts that kernels are told of in each call. */
  readonly #at: number;
  readonly #contextAt: number;
  readonly #context: Uint32Array;
  readonly #contextFloats: Float64Array;
  readonly #append: AppendResult = { stoppedAt: 0, applied: 0, chunksCreated: 0, minTime: 0, maxTime: 0 };
  readonly #labelEnds: Uint32Array;
  readonly #labelText: Uint8Array;
  /** Of the pairs' table, when the context's ids were last known to hold. */
  #generation = -1;
  #decodedTo = 0;

  /**
   * The kernels at desk 0 (the writer's) or 1 (a thread that reads ahead for a replay). Undefined where the memory is too small for a
   * scratch region, or the compiled kernels are not there.
   */
  static over(memory: HeadMemory, desk = 0): Kernels | undefined {
    if (memory.layout.scratch.bytes === 0) return undefined;
    try {
      const module = new WebAssembly.Module(readFileSync(new URL("./kernels.wasm", import.meta.url)));
      const { exports } = new WebAssembly.Instance(module, { env: { memory: memory.memory } });
      return new Kernels(memory, exports as KernelExports, desk);
    } catch {
      // Not built, or not possible here: everything works without.
      return undefined;
    }
  }

  private constructor(memory: HeadMemory, exports: KernelExports, desk: number) {
    const { layout } = memory;
    const { buffer } = memory.memory;
    const at = layout.scratch.offset + desk * DESK_BYTES;
    this.#buffer = buffer;
    this.#exports = exports;
    this.#at = at;
    new Int32Array(buffer, at + DeskPart.tables.offset, crc32cTables.length).set(crc32cTables);
    this.readBuffer = new Uint8Array(buffer, at + DeskPart.readBuffer.offset, DeskPart.readBuffer.bytes);
    this.input = new Uint8Array(buffer, at + DeskPart.input.offset, DeskPart.input.bytes);
    this.output = new Uint8Array(buffer, at + DeskPart.output.offset, DeskPart.output.bytes);
    this.records = new Uint32Array(buffer, at + DeskPart.records.offset, KERNEL_SAMPLES);
    this.times = new Float64Array(buffer, at + DeskPart.times.offset, KERNEL_SAMPLES);
    this.halves = new Uint32Array(buffer, at + DeskPart.values.offset, KERNEL_SAMPLES * 2);
    this.cuts = new Uint32Array(buffer, at + DeskPart.cuts.offset, KERNEL_CUTS * 2);
    this.#labelEnds = new Uint32Array(buffer, at + DeskPart.labels.offset, KERNEL_LABELS * 2);
    this.#labelText = new Uint8Array(buffer, at + DeskPart.labels.offset + KERNEL_LABELS * 8, KERNEL_LABEL_BYTES);
    this.#contextAt = at + DeskPart.context.offset;
    this.#context = makeContext(memory, at);
    this.#contextFloats = new Float64Array(buffer, this.#contextAt, Context.words / 2);
  }

  /** Whether an array lies in the memory that kernels see. */
  owns(bytes: Uint8Array): boolean {
    return bytes.buffer === (this.#buffer as unknown);
  }

  /** CRC-32C of `bytes[start, end)`; the array must be one that kernels own. */
  crc32c(bytes: Uint8Array, start: number, end: number): number {
    const tables = this.#at + DeskPart.tables.offset;
    return this.#exports.crc32c(tables, bytes.byteOffset + start, end - start, 0) >>> 0;
  }

  /**
   * Unpacks snappy data of an owned array into `output`; returns the length, or -1 when the data is damaged or has no room there
   * (the slow decoder knows which).
   */
  uncompress(bytes: Uint8Array, start: number, end: number): number {
    const { offset, bytes: room } = DeskPart.output;
    return this.#exports.uncompress(bytes.byteOffset + start, end - start, this.#at + offset, room);
  }

  /** Packs any bytes with snappy into `output`; returns the length, or -1 when they are too many for that. */
  compress(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    const { input, output, snappyTable } = DeskPart;
    if (length > input.bytes || maxCompressedLength(length) > output.bytes) return -1;
    if (bytes !== this.input || start !== 0) this.input.set(bytes.subarray(start, end));
    const at = this.#at;
    return this.#exports.compress(at + input.offset, length, at + output.offset, at + snappyTable.offset);
  }

  /** Where the last `decodeSamples` or `makeSeries` stopped, as a position in the array it was given. */
  get decodedTo(): number {
    return this.#decodedTo;
  }

  /**
   * Decodes samples of a record body `bytes[start, end)` (of an owned array) into `records`, `times` and `halves`, at most
   * `KERNEL_SAMPLES` at a time; returns how many. Stops short of what only the slow decoder can judge.
   */
  decodeSamples(bytes: Uint8Array, start: number, end: number, baseRef: number, baseTime: number): number {
    const { byteOffset } = bytes;
    const { decodeSamples } = this.#exports;
    const from = byteOffset + start;
    const count = decodeSamples(this.#contextAt, from, byteOffset + end, baseRef, baseTime, KERNEL_SAMPLES);
    this.#decodedTo = this.#context[Context.decodedTo] - byteOffset;
    return count;
  }

  /**
   * Appends samples `[from, to)` of `records`, `times` and `halves` to their series. Only while no snapshot is held, and inside a
   * write window. `minTime` and `maxTime` are those of the head before; the result's are those after. Chunks that were cut are
   * added to `cuts`: when that is full, it stops.
   */
  appendSamples(
    from: number,
    to: number,
    epoch: number,
    minValidTime: number,
    chunkRangeMs: number,
    minTime: number,
    maxTime: number,
  ): AppendResult {
    this.#setTimes(minTime, maxTime);
    return this.#done(this.#exports.appendSamples(this.#contextAt, from, to, epoch, minValidTime, chunkRangeMs));
  }

  /**
   * Makes the series of a record body `bytes[start, end)` (of an owned array), as of `epoch`, whose postings are put off; their records
   * are in `records`, and `decodedTo` is where it stopped. Returns how many, at most `KERNEL_SAMPLES` at a time. Stops at a series that
   * is not for it, see assembly/logged-series.ts.
   */
  makeSeries(bytes: Uint8Array, start: number, end: number, epoch: number): number {
    const { byteOffset } = bytes;
    const { makeSeries } = this.#exports;
    const made = makeSeries(this.#contextAt, byteOffset + start, byteOffset + end, KERNEL_SAMPLES, epoch);
    this.#decodedTo = this.#context[Context.decodedTo] - byteOffset;
    return made;
  }

  /**
   * The record of the series with these labels; `UNKNOWN_SERIES` when there is none, which `makeSeriesOfLabels` then makes. 0 when the slow
   * way has to look, or when the labels are not in order: see assembly/live-series.ts. `generation` changes when pairs may have left
   * their table.
   */
  seriesOfLabels({ bytes, ends, count, length }: LabelBytes, generation: number): number {
    if (count > KERNEL_LABELS || length > KERNEL_LABEL_BYTES) return 0;
    const labelEnds = this.#labelEnds;
    const text = this.#labelText;
    for (let i = 0; i < 2 * count; i++) labelEnds[i] = ends[i];
    for (let i = 0; i < length; i++) text[i] = bytes[i];
    if (generation !== this.#generation) this.#context[Context.knownIds] = 0;
    this.#generation = generation;
    return this.#exports.seriesOfLabels(this.#contextAt, count, length);
  }

  /** Makes the series with the `count` labels that `seriesOfLabels` has just found none for; returns its record. Inside a write window. */
  makeSeriesOfLabels(count: number, epoch: number): number {
    return this.#exports.makeSeriesOfLabels(this.#contextAt, count, epoch);
  }

  /**
   * Encodes the series of these records for the log into `input`, behind the first `at` bytes. Returns how many bytes there are then; 0
   * where they have no room.
   */
  encodeSeries(records: readonly number[], at: number): number {
    if (records.length > KERNEL_SAMPLES) return 0;
    for (let i = 0; i < records.length; i++) this.records[i] = records[i] as number;
    const { byteOffset, length } = this.input;
    const { encodeSeries } = this.#exports;
    const end = encodeSeries(this.#contextAt, records.length, byteOffset + at, byteOffset + length);
    return end === 0 ? 0 : end - byteOffset;
  }

  /**
   * Makes all postings of series that were made while they were put off, from the records up to `highestRecord`, `total` of which are
   * in use, for pairs up to `highestPair`. Returns false, with nothing changed, where only the slow way can. No log is read ahead: it
   * works on up to `words` words of where that would stand.
   */
  buildPostings(
    highestRecord: number,
    total: number,
    highestPair: number,
    words: number = AHEAD_REGION.bytes / 4,
  ): boolean {
    const { buildPostings } = this.#exports;
    const work = this.#at + AHEAD_REGION.offset;
    return buildPostings(this.#contextAt, highestRecord, total, highestPair, work, words) !== 0;
  }

  /** Places all series in the series table, which is new and empty. */
  placeSeries(highestRecord: number): void {
    this.#exports.placeSeries(this.#contextAt, highestRecord);
  }

  /**
   * Decodes a record body `bytes[start, end)` (of an owned array) to lists of values, times and refs at these addresses. Where that
   * of times is 0, all samples must have `baseTime`: else it returns `TIMES_DIFFER`. Returns how many there are; 0 for a record that
   * only the slow decoder can judge. What the refs are like is in `rowRefs`.
   */
  decodeFirstRow(
    bytes: Uint8Array,
    start: number,
    end: number,
    baseRef: number,
    baseTime: number,
    values: number,
    times: number,
    refs: number,
  ): number {
    const { byteOffset: from } = bytes;
    const { decodeFirstRow } = this.#exports;
    return decodeFirstRow(this.#contextAt, from + start, from + end, baseRef, baseTime, values, times, refs) | 0;
  }

  /** The same for a record with the `count` refs of a list; returns 0 also when it has others. What it wrote is nothing then. */
  decodeNextRow(
    bytes: Uint8Array,
    start: number,
    end: number,
    baseRef: number,
    baseTime: number,
    values: number,
    times: number,
    refs: number,
    count: number,
  ): number {
    const { byteOffset: from } = bytes;
    const { decodeNextRow } = this.#exports;
    return decodeNextRow(from + start, from + end, baseRef, baseTime, values, times, refs, count) | 0;
  }

  /** Of the last first row: whether its refs only grow, the lowest and the highest of them. */
  get rowRefs(): { readonly areGrowing: boolean; readonly lowest: number; readonly highest: number } {
    const context = this.#context;
    return {
      areGrowing: context[Context.soundness] === GROWING,
      lowest: context[Context.lowestRef],
      highest: context[Context.highestRef],
    };
  }

  /**
   * Appends to the series of refs `[from, to)` of the list at the address `refs`, one after the other, what `count` rows have of them;
   * `rows` is the address of their list (head/sample-rows.ts). Conditions and times as of `appendSamples`. What `stoppedRow` and the
   * rows behind it have of the ref where it stopped is for the slow way, as their series may be unknown.
   */
  appendRows(
    refs: number,
    from: number,
    to: number,
    rows: number,
    count: number,
    epoch: number,
    minValidTime: number,
    chunkRangeMs: number,
    minTime: number,
    maxTime: number,
  ): AppendResult {
    this.#setTimes(minTime, maxTime);
    const { appendRows } = this.#exports;
    const stopped = appendRows(this.#contextAt, refs, from, to, rows, count, epoch, minValidTime, chunkRangeMs);
    return this.#done(stopped);
  }

  /** The first row that `appendRows` did not append, when it stopped early. */
  get stoppedRow(): number {
    return this.#context[Context.stoppedRow];
  }

  #setTimes(minTime: number, maxTime: number): void {
    const floats = this.#contextFloats;
    floats[Context.minTime / 2] = minTime;
    floats[Context.maxTime / 2] = maxTime;
  }

  #done(stoppedAt: number): AppendResult {
    const context = this.#context;
    const floats = this.#contextFloats;
    const result = this.#append;
    result.stoppedAt = stoppedAt;
    result.applied = context[Context.applied];
    result.chunksCreated = context[Context.created];
    result.minTime = floats[Context.minTime / 2];
    result.maxTime = floats[Context.maxTime / 2];
    return result;
  }

  /** How many pairs `cuts` holds; the list counts as empty afterwards. */
  takeCuts(): number {
    const count = this.#context[Context.cutCount];
    this.#context[Context.cutCount] = 0;
    return count;
  }
}
