// The out-of-order log (WBL): what of it a start finds, and its one writer. It is begun when late samples are first allowed.
import { ByteWriter, EncodingError } from "@narthex/encoding";
import { listHeadChunkFiles } from "./chunk/head-chunks.ts";
import { type FileSystem, joinPath } from "./fs/file-system.ts";
import type { Head } from "./head/head.ts";
import { OutOfOrderReplay } from "./head/out-of-order-replay.ts";
import type { Replay } from "./head/replay.ts";
import type { Logger } from "./logger.ts";
import { listSegments } from "./wal/format.ts";
import { RecordError } from "./wal/record.ts";
import { RecordReader } from "./wal/record-reader.ts";
import { closeSegmentGaps, repairWal, WalReader } from "./wal/wal-reader.ts";
import { WalWriter, type WalWriterOptions } from "./wal/wal-writer.ts";

/** First byte of a record of our own, which the reference passes over: see `OutOfOrderLog.horizon`. */
export const HORIZON_RECORD = 0xf1;

/** The log's directory inside the data directory. */
export const WBL_DIRECTORY = "wbl";

export interface OutOfOrderLogOptions {
  readonly fs: FileSystem;
  /** The data directory. */
  readonly directory: string;
  readonly logger: Logger;
  readonly writer: WalWriterOptions;
  /** Told when the log was found damaged. */
  readonly onCorruption: () => void;
  /** Told what the log named without labels: series, their samples, and marks of chunks. */
  readonly onUnknown: (series: number, samples: number, markers: number) => void;
  /** Called between records: gives the event loop its turn when it is time. */
  readonly pause: () => Promise<void> | undefined;
}

/** One per database. */
export class OutOfOrderLog {
  readonly #options: OutOfOrderLogOptions;
  readonly #path: string;
  #writer: WalWriter | undefined;

  constructor(options: OutOfOrderLogOptions) {
    this.#options = options;
    this.#path = joinPath(options.directory, WBL_DIRECTORY);
  }

  /** Undefined until `open`. */
  get writer(): WalWriter | undefined {
    return this.#writer;
  }

  /** Whether an earlier process left a log. */
  get isThere(): boolean {
    return listSegments(this.#options.fs, this.#path).length > 0;
  }

  /** Begins a new segment; the directory is made at need. Idempotent. */
  open(): WalWriter {
    this.#writer ??= WalWriter.open(this.#options.fs, this.#path, this.#options.writer);
    return this.#writer;
  }

  /**
   * Fills the head from the log, after `replay` brought the series. Damage ends it and is cut off; the WAL stays untouched.
   * `chunks` are the references of the out-of-order chunks that were found on disk, in `chunksDirectory`.
   */
  async replay(head: Head, replay: Replay, chunks: ReadonlySet<number>, chunksDirectory: string): Promise<void> {
    const { fs, logger } = this.#options;
    const touched = closeSegmentGaps(fs, this.#path);
    if (touched.length > 0) logger.warn("WBL segments are missing or foreign", { files: touched.join(", ") });
    const late = new OutOfOrderReplay(
      head.outOfOrder,
      (ref) => replay.recordOf(ref),
      (record) => head.table.refOf(record),
      chunks,
      listHeadChunkFiles(fs, chunksDirectory)[0]?.index ?? Number.POSITIVE_INFINITY,
    );
    const reader = new WalReader(fs, this.#path, {
      onSegment: (segment) => logger.info("WBL segment loaded", { segment }),
    });
    try {
      while (reader.next()) {
        late.apply(reader);
        const pause = this.#options.pause();
        if (pause !== undefined) await pause;
      }
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      reader.corruptionHere(error.message);
    } finally {
      reader.close();
    }
    late.finish();
    head.table.reserveRefs(late.highestUnknownRef);
    const { unknown, skippedRecords } = late;
    this.#options.onUnknown(unknown.refs.size, unknown.samples, unknown.markers);
    if (unknown.samples + unknown.markers > 0) {
      logger.warn("Unknown series references for ooo WAL replay", {
        series: unknown.refs.size,
        samples: unknown.samples,
        mmap_markers: unknown.markers,
      });
    }
    for (const [type, count] of skippedRecords) {
      if (type === HORIZON_RECORD) continue;
      logger.warn("WBL records of a kind that the head does not keep were left out", { type, count });
    }
    if (reader.corruption === undefined) return;
    this.#options.onCorruption();
    logger.warn("Encountered WBL read error, attempting repair", { err: reader.corruption });
    const { lostBytes, removedSegments } = repairWal(fs, reader.corruption);
    logger.warn("Successfully repaired WBL", { lost_bytes: lostBytes, removed_segments: removedSegments });
  }

  /**
   * Begins a new segment and returns its number: what is logged from now on stays when `truncate` is given it. 0 without a log.
   * `horizon` is a reference that all late chunks so far are below: once the segments before have gone, those are in blocks.
   */
  cut(horizon: number): number {
    const wal = this.#writer;
    if (wal === undefined) return 0;
    const segment = wal.cutSegment();
    const record = new ByteWriter(16);
    record.uint8(HORIZON_RECORD);
    record.int64Number(horizon);
    wal.log(record.bytes, record.length);
    wal.flush();
    return segment;
  }

  /**
   * Late chunks below this reference are in blocks, though their files may still be there: they must not come back, since some of
   * their samples may have been deleted meanwhile. 0 where nothing is known.
   */
  horizon(): number {
    const { fs } = this.#options;
    const first = listSegments(fs, this.#path)[0];
    if (first === undefined) return 0;
    const reader = new WalReader(fs, this.#path, { fromSegment: first.index, toSegment: first.index });
    try {
      if (!reader.next() || reader.bytes[reader.start] !== HORIZON_RECORD) return 0;
      return new RecordReader(reader.bytes, reader.start + 1, reader.end).int64Number();
    } catch (error) {
      if (error instanceof EncodingError) return 0;
      throw error;
    } finally {
      reader.close();
    }
  }

  /** Removes all segments before the given one. */
  truncate(beforeSegment: number): void {
    this.#writer?.truncate(beforeSegment);
  }

  close(): void {
    this.#writer?.close();
  }
}
