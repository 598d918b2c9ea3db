// Loading a chunk snapshot into an empty head, before the log behind it is replayed.
import { ByteReader, ByteWriter, EncodingError } from "@narthex/encoding";
import type { FileSystem } from "../fs/file-system.ts";
import { joinPath } from "../fs/file-system.ts";
import type { Head } from "../head/head.ts";
import type { Replay } from "../head/replay.ts";
import { readStoneTime } from "../tombstone/tombstones.ts";
import type { Turns } from "../turns.ts";
import { decodeExemplars, encodeTombstones, type TombstoneEntry } from "../wal/entry-records.ts";
import { listSegments } from "../wal/format.ts";
import { RecordError, RecordType } from "../wal/record.ts";
import { RecordReader } from "../wal/record-reader.ts";
import { SeriesRecordCursor } from "../wal/series-record.ts";
import { WalReader } from "../wal/wal-reader.ts";
import {
  ChunkSnapshotError,
  type ChunkSnapshotFolder,
  ChunkSnapshotRecord,
  EXTRAS_DIRECTORY,
  TOMBSTONES_VERSION,
} from "./format.ts";
import { type ChunkSnapshotStamp, decodeStamp } from "./stamp.ts";

/** Of the chunk's record, what stands between labels and chunk: a number that is not used any more. */
const UNUSED_BYTES = 8;

/** What ties a snapshot of ours to its log; undefined for one of the reference. Throws when it is damaged. */
export function readStamp(fs: FileSystem, snapshot: ChunkSnapshotFolder): ChunkSnapshotStamp | undefined {
  const directory = joinPath(snapshot.path, EXTRAS_DIRECTORY);
  if (fs.kind(directory) !== "directory") return undefined;
  const reader = new WalReader(fs, directory);
  try {
    if (reader.next()) return decodeStamp(reader.bytes, reader.start, reader.end);
    throw reader.corruption ?? new ChunkSnapshotError("the stamp of the snapshot is missing");
  } catch (error) {
    throw asSnapshotError(error);
  } finally {
    reader.close();
  }
}

/**
 * Loads one snapshot. What was read before a throw is sound and stays in the head: a replay of the whole log adds the rest to it,
 * since each series takes only samples that are newer than what it has.
 */
export class ChunkSnapshotLoader {
  readonly #fs: FileSystem;
  readonly #head: Head;
  readonly #replay: Replay;
  readonly #turns: Turns;
  readonly #scratch = new ByteWriter(1024);
  #hasTombstones = false;
  seriesCount = 0;

  /** `replay` has the chunks that were found on disk. */
  constructor(fs: FileSystem, head: Head, replay: Replay, turns: Turns) {
    this.#fs = fs;
    this.#head = head;
    this.#replay = replay;
    this.#turns = turns;
  }

  /** Throws for damage (`ChunkSnapshotError`, `WalCorruptionError`) and when the disk refuses. */
  async load(snapshot: ChunkSnapshotFolder): Promise<void> {
    if (listSegments(this.#fs, snapshot.path).some(({ index }, i) => index !== i)) {
      throw new ChunkSnapshotError("a segment of the snapshot is missing");
    }
    await this.#walk(snapshot.path, (reader) => this.#apply(reader));
    // It stands behind all series, whether anything was deleted or not.
    if (!this.#hasTombstones) throw new ChunkSnapshotError("the snapshot was cut short");
    await this.#walk(joinPath(snapshot.path, EXTRAS_DIRECTORY), (reader) => {
      // The stamp was read before.
      if (reader.records > 1) this.#replay.apply(reader);
    });
  }

  async #walk(directory: string, apply: (reader: WalReader) => void): Promise<void> {
    const reader = new WalReader(this.#fs, directory, { kernels: this.#head.kernels });
    try {
      while (reader.next()) {
        apply(reader);
        const pause = this.#turns.pause();
        if (pause !== undefined) await pause;
      }
    } catch (error) {
      throw asSnapshotError(error);
    } finally {
      reader.close();
    }
    if (reader.corruption !== undefined) throw reader.corruption;
  }

  #apply(reader: WalReader): void {
    const { bytes, start, end } = reader;
    switch (bytes[start]) {
      case ChunkSnapshotRecord.series:
        this.#applySeries(bytes, start, end);
        break;
      case ChunkSnapshotRecord.tombstones:
        this.#applyTombstones(bytes, start, end);
        break;
      case ChunkSnapshotRecord.exemplars:
        this.#applyExemplars(bytes, start, end);
        break;
      default:
        throw new ChunkSnapshotError(`unsupported snapshot record type ${start < end ? bytes[start] : "none"}`);
    }
  }

  #applySeries(bytes: Uint8Array, start: number, end: number): void {
    const cursor = new SeriesRecordCursor(bytes, start, end);
    if (!cursor.next()) throw new ChunkSnapshotError("a series record is empty");
    while (cursor.nextLabel());
    const { ref, at } = cursor;
    // Up to here it is a record of the log with one series; chunks on disk come with it.
    this.#replay.apply({ bytes, start, end: at });
    this.seriesCount++;
    const reader = new ByteReader(bytes, at, end);
    reader.skip(UNUSED_BYTES);
    if (reader.uvarint() === 0) return;
    // Both times stand in the chunk as well.
    reader.skip(16);
    const encoding = reader.uint8();
    const length = reader.uvarint();
    const from = reader.position;
    reader.skip(length);
    const record = this.#replay.recordOf(ref);
    // No record: a series without labels, which the log would not bring either.
    if (record !== 0 && !this.#head.restorer.restore(record, encoding, bytes, from, from + length)) {
      throw new ChunkSnapshotError(`the open chunk of series ${ref} cannot be read (encoding ${encoding})`);
    }
  }

  /** Also those whose time belongs to blocks by now: nothing else has them. */
  #applyExemplars(bytes: Uint8Array, start: number, end: number): void {
    // As in the log, but for the first byte; the reader's buffer is not looked at again.
    bytes[start] = RecordType.exemplars;
    for (const { ref, exemplar } of decodeExemplars(bytes, start, end)) {
      const record = this.#replay.recordOf(ref);
      if (record !== 0) this.#head.replayed.exemplar(record, exemplar);
    }
  }

  #applyTombstones(bytes: Uint8Array, start: number, end: number): void {
    const reader = new RecordReader(bytes, start + 1, end);
    const length = reader.uvarint();
    if (length > reader.remaining) throw new ChunkSnapshotError("the record of deletions is torn");
    reader.end = reader.position + length;
    const version = reader.uint8();
    if (version !== TOMBSTONES_VERSION) throw new ChunkSnapshotError(`unknown version ${version} of deletions`);
    this.#hasTombstones = true;
    const stones: TombstoneEntry[] = [];
    while (reader.remaining > 0) {
      const ref = reader.uvarint();
      const minTime = clamp(readStoneTime(reader));
      stones.push({ ref, minTime, maxTime: clamp(readStoneTime(reader)) });
    }
    this.#scratch.clear();
    encodeTombstones(this.#scratch, stones);
    this.#replay.apply({ bytes: this.#scratch.bytes, start: 0, end: this.#scratch.length });
  }
}

/** "From the beginning" and "to the end" are 64-bit extremes with the reference. */
function clamp(t: number): number {
  return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, t));
}

function asSnapshotError(error: unknown): unknown {
  if (!(error instanceof RecordError) && !(error instanceof EncodingError)) return error;
  return new ChunkSnapshotError(error.message, { cause: error });
}
