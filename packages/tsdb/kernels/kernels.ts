// Kernels compiled to WebAssembly (kernels/assembly): what is done for every sample and every byte of the log, on the head's own
// memory. Each has a twin in TypeScript that does the same: it takes over where kernels cannot run or will not decide, and tests
// hold both against each other.
import { readFileSync } from "node:fs";
import { crc32cTables, maxCompressedLength } from "@narthex/encoding";
import { Control, type HeadMemory, SCRATCH_BYTES } from "../memory/layout.ts";

/** Samples that `decodeSamples` and `appendSamples` handle in one call. */
export const KERNEL_SAMPLES = 65_536;

/** Where things stand in the scratch region, in bytes from its start. What is not listed is free. */
const TABLES = 0;
const SNAPPY_TABLE = 8 * 1024;
const RESULTS = SNAPPY_TABLE + 32 * 1024;
const READ_BUFFER = 64 * 1024;
const READ_BUFFER_BYTES = 1024 * 1024;
const RECORDS = READ_BUFFER + READ_BUFFER_BYTES;
const TIMES = RECORDS + KERNEL_SAMPLES * 4;
const VALUES = TIMES + KERNEL_SAMPLES * 8;
const INPUT = VALUES + KERNEL_SAMPLES * 8;
const INPUT_BYTES = 4 * 1024 * 1024;
const OUTPUT = INPUT + INPUT_BYTES;
const OUTPUT_BYTES = SCRATCH_BYTES - OUTPUT;

interface KernelExports {
  crc32c(tables: number, at: number, length: number, crc: number): number;
  compress(source: number, length: number, target: number, table: number): number;
  uncompress(source: number, length: number, target: number, capacity: number): number;
  decodeSamples(
    at: number,
    end: number,
    baseRef: number,
    baseTime: number,
    pages: number,
    pageCount: number,
    arena: number,
    records: number,
    times: number,
    values: number,
    limit: number,
    result: number,
  ): number;
  appendSamples(
    series: number,
    cold: number,
    slots: number,
    pool: number,
    records: number,
    times: number,
    values: number,
    from: number,
    to: number,
    epoch: number,
    minValidTime: number,
    chunkRange: number,
    result: number,
  ): number;
}

interface WebAssemblyFunctions {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

// Node's type declarations do not know WebAssembly; the engine does.
const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyFunctions }).WebAssembly;

/** What one call of `appendSamples` did. Reused from call to call. */
export interface AppendResult {
  /** Where it stopped: the end of the run, or a sample that only the slow way can take. */
  stoppedAt: number;
  applied: number;
  chunksCreated: number;
  minTime: number;
  maxTime: number;
}

/** The kernels over one head's memory. Used by the single writer. */
export class Kernels {
  /** The reader of a log reads into this. */
  readonly readBuffer: Uint8Array;
  /** A record put together from its fragments, or one that is to be compressed. */
  readonly input: Uint8Array;
  /** What `uncompress` and `compress` wrote. */
  readonly output: Uint8Array;
  /** Samples side by side: record numbers, times in milliseconds, value bits (low half first). `KERNEL_SAMPLES` of each. */
  readonly records: Uint32Array;
  readonly times: Float64Array;
  readonly halves: Uint32Array;
  readonly #memory: HeadMemory;
  readonly #exports: KernelExports;
  readonly #at: number;
  readonly #results: Uint32Array;
  readonly #resultFloats: Float64Array;
  readonly #append: AppendResult = { stoppedAt: 0, applied: 0, chunksCreated: 0, minTime: 0, maxTime: 0 };

  /** Undefined where the memory is too small for a scratch region, or the compiled kernels are not there. */
  static over(memory: HeadMemory): Kernels | undefined {
    if (memory.layout.scratch.bytes === 0) return undefined;
    try {
      const module = new Module(readFileSync(new URL("./kernels.wasm", import.meta.url)));
      const { exports } = new Instance(module, { env: { memory: memory.memory } });
      return new Kernels(memory, exports as KernelExports);
    } catch {
      // Not built, or not possible here: everything works without.
      return undefined;
    }
  }

  private constructor(memory: HeadMemory, exports: KernelExports) {
    this.#memory = memory;
    this.#exports = exports;
    const { buffer } = memory.memory;
    const at = memory.layout.scratch.offset;
    this.#at = at;
    new Int32Array(buffer, at + TABLES, crc32cTables.length).set(crc32cTables);
    this.#results = new Uint32Array(buffer, at + RESULTS, 8);
    this.#resultFloats = new Float64Array(buffer, at + RESULTS, 4);
    this.readBuffer = new Uint8Array(buffer, at + READ_BUFFER, READ_BUFFER_BYTES);
    this.input = new Uint8Array(buffer, at + INPUT, INPUT_BYTES);
    this.output = new Uint8Array(buffer, at + OUTPUT, OUTPUT_BYTES);
    this.records = new Uint32Array(buffer, at + RECORDS, KERNEL_SAMPLES);
    this.times = new Float64Array(buffer, at + TIMES, KERNEL_SAMPLES);
    this.halves = new Uint32Array(buffer, at + VALUES, KERNEL_SAMPLES * 2);
  }

  /** Whether an array lies in the memory that kernels see. */
  owns(bytes: Uint8Array): boolean {
    return bytes.buffer === (this.#memory.memory.buffer as unknown);
  }

  /** CRC-32C of `bytes[start, end)`; the array must be one that kernels own. */
  crc32c(bytes: Uint8Array, start: number, end: number): number {
    return this.#exports.crc32c(this.#at + TABLES, bytes.byteOffset + start, end - start, 0) >>> 0;
  }

  /**
   * Unpacks snappy data of an owned array into `output`; returns the length, or -1 when the data is damaged or has no room there
   * (the slow decoder knows which).
   */
  uncompress(bytes: Uint8Array, start: number, end: number): number {
    return this.#exports.uncompress(bytes.byteOffset + start, end - start, this.#at + OUTPUT, OUTPUT_BYTES);
  }

  /** Packs any bytes with snappy into `output`; returns the length, or -1 when they are too many for that. */
  compress(bytes: Uint8Array, start: number, end: number): number {
    const length = end - start;
    if (length > INPUT_BYTES || maxCompressedLength(length) > OUTPUT_BYTES) return -1;
    this.input.set(bytes.subarray(start, end));
    return this.#exports.compress(this.#at + INPUT, length, this.#at + OUTPUT, this.#at + SNAPPY_TABLE);
  }

  /** Where the last `decodeSamples` stopped, as a position in the array it was given. */
  get decodedTo(): number {
    return this.#decodedTo;
  }
  #decodedTo = 0;

  /**
   * Decodes samples of a record body `bytes[start, end)` (of an owned array) into `records`, `times` and `halves`, at most
   * `KERNEL_SAMPLES` at a time; returns how many. Stops short of what only the slow decoder can judge.
   */
  decodeSamples(bytes: Uint8Array, start: number, end: number, baseRef: number, baseTime: number): number {
    const { layout } = this.#memory;
    const at = this.#at;
    const count = this.#exports.decodeSamples(
      bytes.byteOffset + start,
      bytes.byteOffset + end,
      baseRef,
      baseTime,
      layout.refs.offset,
      layout.refs.bytes / 4,
      layout.arena.offset,
      at + RECORDS,
      at + TIMES,
      at + VALUES,
      KERNEL_SAMPLES,
      at + RESULTS,
    );
    this.#decodedTo = this.#results[0] - bytes.byteOffset;
    return count;
  }

  /**
   * Appends samples `[from, to)` of `records`, `times` and `halves` to their series. Only while no snapshot is held, inside a write
   * window, and with two free slots for each sample. `minTime` and `maxTime` are those of the head before; the result's are
   * those after.
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
    const { layout } = this.#memory;
    const at = this.#at;
    const floats = this.#resultFloats;
    floats[1] = minTime;
    floats[2] = maxTime;
    const result = this.#append;
    result.stoppedAt = this.#exports.appendSamples(
      layout.series.offset,
      layout.cold.offset,
      layout.slots.offset,
      Control.slotPool * 4,
      at + RECORDS,
      at + TIMES,
      at + VALUES,
      from,
      to,
      epoch,
      minValidTime,
      chunkRangeMs,
      at + RESULTS,
    );
    result.applied = this.#results[0];
    result.chunksCreated = this.#results[1];
    result.minTime = floats[1];
    result.maxTime = floats[2];
    return result;
  }
}
