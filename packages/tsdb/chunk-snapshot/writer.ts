// Writing a chunk snapshot: all series with their open chunks, then what was deleted, then exemplars.
import { ByteWriter } from "@narthex/encoding";
import type { FloatHistogramFields } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { hasFloats, hasIntegers } from "../chunk/format.ts";
import { decodeHistogramChunk } from "../chunk/histogram.ts";
import { type FileSystem, joinPath } from "../fs/file-system.ts";
import { ChunkBuffer } from "../head/finished-chunks.ts";
import type { Head } from "../head/head.ts";
import { BITS_SHIFT, COUNT_MASK, encodingOf, FORM_MASK, openCount, openWords, Rec } from "../head/record.ts";
import { encodeSeriesFromMemory } from "../head/series-record.ts";
import { RECORD_WORDS } from "../memory/layout.ts";
import { type ExemplarEntry, encodeExemplars, encodeMetadata } from "../wal/entry-records.ts";
import type { Compression } from "../wal/format.ts";
import { writeHistogram } from "../wal/histogram-record.ts";
import { beginSeries } from "../wal/series-record.ts";
import { WalWriter } from "../wal/wal-writer.ts";
import {
  ChunkSnapshotRecord,
  chunkSnapshotName,
  EXTRAS_DIRECTORY,
  KEPT_SAMPLES,
  removeChunkSnapshots,
  TOMBSTONES_VERSION,
  unfinishedPath,
} from "./format.ts";
import { type ChunkSnapshotStamp, encodeStamp } from "./stamp.ts";

/** Exemplars in one record, as in the reference. */
const EXEMPLARS_PER_RECORD = 10_000;
/** Series under a second ref, or with metadata, in one record. */
const EXTRAS_PER_RECORD = 1024;

export interface ChunkSnapshotOptions {
  readonly fs: FileSystem;
  /** The data directory. */
  readonly directory: string;
  readonly head: Head;
  /** Where the log goes on: everything before it is in the head. */
  readonly position: { readonly segment: number; readonly offset: number };
  readonly stamp: ChunkSnapshotStamp;
  readonly compression: Compression;
}

/** What was written. */
export interface ChunkSnapshotStats {
  readonly path: string;
  readonly series: number;
}

/**
 * Writes a snapshot of the head, which must not change meanwhile and have no full chunk left in memory, and removes older ones. It
 * appears under its name only when whole and fsynced; when the disk refuses, what was written is removed, older snapshots stay,
 * and the error is thrown.
 */
export function writeChunkSnapshot(options: ChunkSnapshotOptions): ChunkSnapshotStats {
  const { fs, directory, position } = options;
  const path = joinPath(directory, chunkSnapshotName(position.segment, position.offset));
  const aside = unfinishedPath(path);
  fs.removeAll(aside);
  let series: number;
  try {
    series = new SnapshotWriter(options, aside).write();
  } catch (error) {
    try {
      fs.removeAll(aside);
    } catch {
      // The next start removes it; the first error says what happened.
    }
    throw error;
  }
  fs.removeAll(path);
  fs.rename(aside, path);
  fs.syncDirectory(directory);
  removeChunkSnapshots(fs, directory, path);
  return { path, series };
}

class SnapshotWriter {
  readonly #head: Head;
  readonly #options: ChunkSnapshotOptions;
  readonly #path: string;
  readonly #record = new ByteWriter(64 * 1024);
  readonly #chunk = new ChunkBuffer();
  readonly #decoded = new SampleBuffer();

  constructor(options: ChunkSnapshotOptions, path: string) {
    this.#options = options;
    this.#head = options.head;
    this.#path = path;
  }

  write(): number {
    const { fs } = this.#options;
    this.#log(joinPath(this.#path, EXTRAS_DIRECTORY), (wal) => this.#extras(wal));
    const series = this.#log(this.#path, (wal) => {
      const count = this.#series(wal);
      this.#tombstones(wal);
      this.#exemplars(wal);
      return count;
    });
    fs.syncDirectory(this.#path);
    return series;
  }

  #log<T>(path: string, fill: (wal: WalWriter) => T): T {
    const wal = WalWriter.open(this.#options.fs, path, { compression: this.#options.compression });
    let result: T;
    try {
      result = fill(wal);
    } catch (error) {
      wal.abandon();
      throw error;
    }
    wal.close();
    return result;
  }

  #series(wal: WalWriter): number {
    const { memory, table } = this.#head;
    const unlogged = this.#head.unloggedSeries;
    const refs = new Float64Array(table.count);
    let count = 0;
    for (let record = 1; record <= table.highIndex; record++) {
      // A series that the log does not know must not be known after the next start: whoever writes to it would not log it.
      if (table.isLive(record) && !unlogged.has(record)) refs[count++] = table.refOf(record);
    }
    const sorted = refs.subarray(0, count).sort();
    const record = this.#record;
    for (const ref of sorted) {
      const series = this.#head.recordOf(ref);
      record.clear();
      record.uint8(ChunkSnapshotRecord.series);
      encodeSeriesFromMemory(memory, series, record);
      // Was the chunk range; the reference neither fills nor reads it any more.
      record.int64Number(0);
      this.#openChunk(series);
      wal.log(record.bytes, record.length);
    }
    return count;
  }

  #openChunk(record: number): void {
    const into = this.#record;
    const { series, seriesFloats, slots } = this.#head.memory;
    const base = record * RECORD_WORDS;
    const packed = series[base + Rec.packed];
    if ((packed & COUNT_MASK) === 0) {
      into.uvarint(0);
      return;
    }
    const form = series[base + Rec.kind] & FORM_MASK;
    const encoding = encodingOf(form);
    const words = openWords(form, packed, series[base + Rec.delta]);
    const dataBytes = words * 4 + ((((packed >>> BITS_SHIFT) & 31) + 7) >>> 3);
    const count = openCount(form, packed);
    const unfinished = series[base + Rec.unfinished];
    this.#chunk.fill(slots, series[base + Rec.firstSlot], dataBytes, count, words, unfinished);
    const { bytes, start, end } = this.#chunk;
    into.uvarint(1);
    into.int64Number(seriesFloats[(base + Rec.nextCut) >> 1] - series[base + Rec.cutAhead]);
    into.int64Number(seriesFloats[(base + Rec.lastTime) >> 1]);
    into.uint8(encoding);
    into.uvarint(end - start);
    into.raw(bytes.subarray(start, end));
    if (hasFloats(encoding)) {
      for (let i = 1; i < KEPT_SAMPLES; i++) {
        into.uint64(0, 0);
        into.uint64(0, 0);
      }
      into.uint64(0, 0);
      into.uint64(series[base + Rec.lastHigh], series[base + Rec.lastLow]);
    } else {
      const newest = this.#newestHistogram(record, encoding, start, end);
      writeHistogram(into, newest ?? EMPTY_HISTOGRAM, hasIntegers(encoding), newest === undefined);
    }
  }

  /** Undefined for a stale marker. */
  #newestHistogram(record: number, encoding: number, start: number, end: number): FloatHistogramFields | undefined {
    const encoder = this.#head.newestHistogram(record);
    if (encoder !== undefined) {
      const sum = encoder.sumHalves();
      return encoder.stale
        ? undefined
        : {
            counterResetHint: 0,
            schema: encoder.schema,
            zeroThreshold: encoder.zeroThreshold,
            zeroCount: encoder.zeroCount,
            count: encoder.count,
            sum: new Float64Array(sum.buffer, sum.byteOffset, 1)[0] as number,
            positiveSpans: encoder.positiveSpans,
            negativeSpans: encoder.negativeSpans,
            positiveBuckets: encoder.positiveCounts,
            negativeBuckets: encoder.negativeCounts,
            customValues: encoder.customValues,
          };
    }
    const decoded = this.#decoded;
    decoded.clear();
    decodeHistogramChunk(encoding, this.#chunk.bytes, start, end, -Infinity, Infinity, decoded);
    return decoded.histograms?.[decoded.count - 1];
  }

  #tombstones(wal: WalWriter): void {
    const { deletions } = this.#head;
    const body = new ByteWriter(64 + deletions.count * 20);
    body.uint8(TOMBSTONES_VERSION);
    for (const { ref, minTime, maxTime } of deletions) {
      body.uvarint(ref);
      body.varint(minTime);
      body.varint(maxTime);
    }
    const record = this.#record;
    record.clear();
    record.uint8(ChunkSnapshotRecord.tombstones);
    record.uvarint(body.length);
    record.raw(body.view());
    wal.log(record.bytes, record.length);
  }

  #exemplars(wal: WalWriter): void {
    const record = this.#record;
    let batch: ExemplarEntry[] = [];
    const log = (): void => {
      record.clear();
      encodeExemplars(record, batch);
      // As in the WAL, but for the first byte.
      record.bytes[0] = ChunkSnapshotRecord.exemplars;
      wal.log(record.bytes, record.length);
      batch = [];
    };
    for (const entry of this.#head.exemplars.entries()) {
      if (this.#head.recordOf(entry.ref) === 0) continue;
      batch.push(entry);
      if (batch.length === EXEMPLARS_PER_RECORD) log();
    }
    if (batch.length > 0) log();
  }

  /** What the reference leaves to the log. */
  #extras(wal: WalWriter): void {
    const head = this.#head;
    const { memory } = head;
    const record = this.#record;
    const log = (): void => wal.log(record.bytes, record.length);
    record.clear();
    encodeStamp(record, this.#options.stamp);
    log();
    const { aliases } = head.loggedRefs;
    for (let from = 0; from < aliases.length; from += EXTRAS_PER_RECORD) {
      record.clear();
      beginSeries(record);
      for (const ref of aliases.slice(from, from + EXTRAS_PER_RECORD)) {
        encodeSeriesFromMemory(memory, head.loggedRefs.aliasedRecord(ref), record, ref);
      }
      log();
    }
    let batch: Parameters<typeof encodeMetadata>[1][number][] = [];
    const logMetadata = (): void => {
      record.clear();
      encodeMetadata(record, batch);
      log();
      batch = [];
    };
    for (let series = 1; series <= head.table.highIndex; series++) {
      if (!head.table.isLive(series)) continue;
      const metadata = head.metadata.get(series);
      if (metadata === undefined) continue;
      batch.push({ ref: head.table.refOf(series), metadata });
      if (batch.length === EXTRAS_PER_RECORD) logMetadata();
    }
    if (batch.length > 0) logMetadata();
  }
}

/** What a stale marker is written with: nothing of it counts. */
const EMPTY_HISTOGRAM: FloatHistogramFields = {
  counterResetHint: 0,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 0,
  sum: 0,
  positiveSpans: [],
  negativeSpans: [],
  positiveBuckets: new Float64Array(0),
  negativeBuckets: new Float64Array(0),
  customValues: [],
};
