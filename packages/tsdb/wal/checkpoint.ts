// Checkpoints: what is kept of log segments that are about to be deleted.
import { ByteWriter } from "@narthex/encoding";
import { type FileSystem, joinPath } from "../fs/file-system.ts";
import {
  decodeExemplars,
  decodeMetadata,
  decodeTombstones,
  encodeExemplars,
  encodeMetadata,
  encodeTombstones,
  isEndOfSeries,
  type MetadataEntry,
} from "./entry-records.ts";
import { type Compression, checkpointName, lastCheckpoint, listCheckpoints, listSegments } from "./format.ts";
import { decodeHistograms, encodeHistograms, encodeHistogramsV2, isHistogramRecord } from "./histogram-record.ts";
import { RecordError, RecordType } from "./record.ts";
import { decodeSamples, encodeSamples, encodeSamplesV2, SampleRecord } from "./sample-record.ts";
import { SeriesRecordCursor } from "./series-record.ts";
import { WalReader } from "./wal-reader.ts";
import { WalWriter } from "./wal-writer.ts";

export interface CheckpointOptions {
  /** Samples, histograms, exemplars and tombstones older than this (milliseconds) are dropped. */
  readonly minTime: number;
  /** Tombstones are kept from this time on, where late samples before `minTime` need them; `minTime` unless told. */
  readonly stonesFrom?: number;
  /** Whether a series' labels and metadata must be kept: it is in the head, or later segments still name it. */
  keep(ref: number): boolean;
  readonly compression?: Compression;
  readonly segmentBytes?: number;
}

/** What a checkpoint kept and dropped, in entries (series, samples, ...). */
export interface CheckpointStats {
  readonly path: string;
  readonly keptSeries: number;
  readonly droppedSeries: number;
  readonly keptSamples: number;
  readonly droppedSamples: number;
}

/**
 * Writes `checkpoint.<to>` from the last checkpoint and the log segments `from` to `to` (both included). It appears
 * under its name only when whole and fsynced. The caller then removes the segments (`WalWriter.truncate`) and older
 * checkpoints (`removeCheckpoints`).
 *
 * Throws `WalCorruptionError` when the log is damaged; nothing is changed then. Memory: the metadata of all series, and
 * otherwise one record. Records whose entries all stay are copied as they are.
 */
export function writeCheckpoint(
  fs: FileSystem,
  directory: string,
  from: number,
  to: number,
  options: CheckpointOptions,
): CheckpointStats {
  const path = joinPath(directory, checkpointName(to));
  const aside = `${path}.tmp`;
  fs.removeAll(aside);
  const writer = WalWriter.open(fs, aside, {
    compression: options.compression ?? "none",
    ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
  });
  const filter = new RecordFilter(writer, options);
  try {
    const previous = lastCheckpoint(fs, directory);
    const already = previous === undefined ? -1 : previous.index;
    if (previous !== undefined) filter.copy(new WalReader(fs, previous.path));
    filter.copy(new WalReader(fs, directory, { fromSegment: Math.max(from, already + 1), toSegment: to }));
    filter.finish();
    writer.close();
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
  return { path, ...filter.counts };
}

/** Removes all checkpoints before the given index, and unfinished ones. */
export function removeCheckpoints(fs: FileSystem, directory: string, before: number): void {
  for (const { index, path } of listCheckpoints(fs, directory)) if (index < before) fs.removeAll(path);
  for (const name of fs.list(directory)) {
    if (/^checkpoint\.\d+\.tmp$/.test(name)) fs.removeAll(joinPath(directory, name));
  }
  fs.syncDirectory(directory);
}

/**
 * Which segments the next checkpoint should take: the lower two thirds of all but the newest; undefined when that is
 * not worth it. As in the reference.
 */
export function checkpointRange(fs: FileSystem, directory: string): { from: number; to: number } | undefined {
  const segments = listSegments(fs, directory);
  const first = segments[0]?.index;
  const newest = segments.at(-1)?.index;
  if (first === undefined || newest === undefined) return undefined;
  const last = newest - 1;
  if (last < 0) return undefined;
  const to = first + Math.floor(((last - first) * 2) / 3);
  return to <= first ? undefined : { from: first, to };
}

class RecordFilter {
  readonly #writer: WalWriter;
  readonly #options: CheckpointOptions;
  readonly #record = new ByteWriter(64 * 1024);
  readonly #samples = new SampleRecord();
  readonly #metadata = new Map<number, MetadataEntry>();
  readonly counts = { keptSeries: 0, droppedSeries: 0, keptSamples: 0, droppedSamples: 0 };

  constructor(writer: WalWriter, options: CheckpointOptions) {
    this.#writer = writer;
    this.#options = options;
  }

  copy(reader: WalReader): void {
    try {
      while (reader.next()) {
        try {
          this.#copyRecord(reader.bytes, reader.start, reader.end);
        } catch (error) {
          if (!(error instanceof RecordError)) throw error;
          throw reader.corruptionHere(error.message);
        }
      }
      if (reader.corruption !== undefined) throw reader.corruption;
    } finally {
      reader.close();
    }
  }

  finish(): void {
    let batch: MetadataEntry[] = [];
    const log = (): void => {
      this.#record.clear();
      encodeMetadata(this.#record, batch);
      this.#log();
      batch = [];
    };
    for (const entry of this.#metadata.values()) {
      batch.push(entry);
      if (batch.length === 1024) log();
    }
    if (batch.length > 0) log();
    this.#writer.flush();
  }

  #copyRecord(bytes: Uint8Array, start: number, end: number): void {
    const type = start < end ? (bytes[start] as number) : 0;
    if (isHistogramRecord(type)) {
      this.#copyHistograms(bytes, start, end, type);
      return;
    }
    switch (type) {
      case RecordType.series:
        this.#copySeries(bytes, start, end);
        break;
      case RecordType.samples:
      case RecordType.samplesV2:
        this.#copySamples(bytes, start, end, type);
        break;
      case RecordType.tombstones: {
        const stones = decodeTombstones(bytes, start, end);
        const { minTime, stonesFrom = minTime } = this.#options;
        // The end of a series goes with its labels.
        const kept = stones.filter((stone) =>
          isEndOfSeries(stone) ? this.#options.keep(stone.ref) : stone.maxTime >= stonesFrom,
        );
        this.#record.clear();
        encodeTombstones(this.#record, kept);
        if (kept.length > 0) this.#log();
        break;
      }
      case RecordType.exemplars: {
        const exemplars = decodeExemplars(bytes, start, end);
        const kept = exemplars.filter(({ exemplar }) => exemplar.t >= this.#options.minTime);
        this.#record.clear();
        encodeExemplars(this.#record, kept);
        if (kept.length > 0) this.#log();
        break;
      }
      case RecordType.metadata:
        for (const entry of decodeMetadata(bytes, start, end)) {
          if (this.#options.keep(entry.ref)) this.#metadata.set(entry.ref, entry);
          else this.#metadata.delete(entry.ref);
        }
        break;
      default:
        // Unknown kinds are dropped, as the reference does: nobody could say what of them is still needed.
        break;
    }
  }

  #copySeries(bytes: Uint8Array, start: number, end: number): void {
    const cursor = new SeriesRecordCursor(bytes, start, end);
    const record = this.#record;
    record.clear();
    record.uint8(RecordType.series);
    while (cursor.next()) {
      const { labelsStart, ref } = cursor;
      while (cursor.nextLabel());
      if (!this.#options.keep(ref)) {
        this.counts.droppedSeries++;
        continue;
      }
      this.counts.keptSeries++;
      record.int64Number(ref);
      record.raw(bytes.subarray(labelsStart, cursor.at));
    }
    if (record.length > 1) this.#log();
  }

  #copySamples(bytes: Uint8Array, start: number, end: number, type: number): void {
    const samples = this.#samples;
    decodeSamples(bytes, start, end, samples);
    const { refs, times, halves, startTimes, count } = samples;
    let kept = 0;
    for (let i = 0; i < count; i++) {
      if ((times[i] as number) < this.#options.minTime) continue;
      if (kept !== i) {
        refs[kept] = refs[i] as number;
        times[kept] = times[i] as number;
        halves[2 * kept] = halves[2 * i] as number;
        halves[2 * kept + 1] = halves[2 * i + 1] as number;
        if (startTimes !== undefined) startTimes[kept] = startTimes[i] as number;
      }
      kept++;
    }
    this.counts.keptSamples += kept;
    this.counts.droppedSamples += count - kept;
    if (kept === 0) return;
    if (kept === count) {
      this.#writer.log(bytes, end, start);
      return;
    }
    this.#record.clear();
    if (type === RecordType.samplesV2) encodeSamplesV2(this.#record, refs, times, halves, startTimes, 0, kept);
    else encodeSamples(this.#record, refs, times, halves, 0, kept);
    this.#log();
  }

  #copyHistograms(bytes: Uint8Array, start: number, end: number, type: number): void {
    const entries = decodeHistograms(bytes, start, end);
    const kept = entries.filter(({ t }) => t >= this.#options.minTime);
    this.counts.keptSamples += kept.length;
    this.counts.droppedSamples += entries.length - kept.length;
    if (kept.length === 0) return;
    if (kept.length === entries.length) {
      this.#writer.log(bytes, end, start);
      return;
    }
    const encode = type >= RecordType.histogramsV2 ? encodeHistogramsV2 : encodeHistograms;
    encode(this.#record, kept, (record) => this.#writer.log(record.bytes, record.length));
  }

  #log(): void {
    this.#writer.log(this.#record.bytes, this.#record.length);
  }
}
