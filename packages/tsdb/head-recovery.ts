// Filling the head at the start from what an earlier process left: chunks on disk, checkpoint, log, out-of-order log.
import { HeadChunkWriter, headChunkFile, repairHeadChunks, scanHeadChunks } from "./chunk/head-chunks.ts";
import type { ReplayProgress } from "./db-options.ts";
import { type DbParts, duration } from "./db-parts.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { ChunkFileSink, placeOf } from "./head/chunk-files.ts";
import { Replay, ReplayChunks } from "./head/replay.ts";
import { AheadLog } from "./replay/ahead-log.ts";
import { logBytes, ReplayThread, SECOND_THREAD_FROM_BYTES } from "./replay/replay-thread.ts";
import { HEAD_CHUNKS_DIRECTORY } from "./share.ts";
import { lastCheckpoint, WAL_DIRECTORY } from "./wal/format.ts";
import { RecordError } from "./wal/record.ts";
import { closeSegmentGaps, repairWal, WalReader } from "./wal/wal-reader.ts";
import { WalWriter } from "./wal/wal-writer.ts";

/** One per start. */
export class HeadRecovery {
  readonly #parts: DbParts;
  #progress: ReplayProgress = { min: 0, max: 0, current: 0 };

  /** Reads the log; if the database was given one, from before it was opened. */
  #thread: ReplayThread | undefined;
  /** Nobody knows whether it still writes to its part of the memory. */
  #isThreadLost = false;

  constructor(parts: DbParts) {
    this.#parts = parts;
    this.#thread = parts.options.replayThread;
  }

  /** How far the replay came; afterwards, what it covered. */
  get progress(): ReplayProgress {
    return this.#progress;
  }

  /**
   * Replays what is there, repairs what is damaged, and attaches logs and chunk files to the head. Returns the sink of late
   * chunks. `began` is when the start began. Throws when the disk refuses.
   */
  async run(began: number): Promise<ChunkFileSink> {
    const parts = this.#parts;
    const { head, logger, lateLog } = parts;
    const chunksDirectory = parts.path(HEAD_CHUNKS_DIRECTORY);
    logger.info("Replaying on-disk memory mappable chunks if any");
    const horizon = lateLog.horizon();
    const { chunks, late, lateRefs, isSound } = this.#loadChunks(horizon);
    const chunksLoaded = parts.now();
    parts.chunkWriter = HeadChunkWriter.open(parts.fs, chunksDirectory, {
      afterFile: headChunkFile(horizon),
      onSyncError: (error) => logger.error("Syncing a head chunks file failed", { err: error }),
    });
    const sink = new ChunkFileSink(parts.chunkWriter);
    const lateSink = new ChunkFileSink(parts.chunkWriter, true);
    head.attach(undefined, sink);
    head.outOfOrder.attach(undefined, lateSink);
    head.table.deferPostings();
    const replay = new Replay(head, chunks, late);
    const usesSnapshot = parts.options.snapshotsChunks === true && isSound;
    let from = usesSnapshot ? await parts.chunkSnapshots.load(replay, chunks) : undefined;
    const snapshotMs = parts.now() - chunksLoaded;
    logger.info("Replaying WAL, this may take a while");
    let checkpointMs = 0;
    let segmentsMs = 0;
    if (from !== undefined) {
      segmentsMs = await this.#replaySegments(
        replay,
        from,
        () => replay.unknown.samples + replay.unknown.histograms > 0,
      );
      if (replay.unknown.samples + replay.unknown.histograms > 0) {
        // Somebody wrote on without it, and gave series other refs. Up to here each series has all of its samples.
        parts.counters.snapshotErrors++;
        logger.warn("The log names series that the chunk snapshot does not know, all of the log is replayed");
        replay.forgetUnknown();
        head.exemplars.clear();
        from = undefined;
      }
    }
    if (from === undefined) {
      // Series may get other refs than in a snapshot: nobody may start from it behind what is logged from now on.
      parts.chunkSnapshots.remove();
      checkpointMs = await this.#replayCheckpoint(replay);
      const first = (lastCheckpoint(parts.fs, parts.path(WAL_DIRECTORY))?.index ?? -1) + 1;
      segmentsMs += await this.#replaySegments(replay, first);
    }
    this.endThread();
    replay.finish(this.#isThreadLost);
    this.#report(replay);
    const lateBegan = parts.now();
    const hasLateLog = lateLog.isThere;
    if (hasLateLog) await lateLog.replay(head, replay, lateRefs, chunksDirectory);
    head.deletions = head.deletions.truncateBefore(parts.deletionsFrom);
    logger.info("WAL replay completed", {
      checkpoint_replay_duration: duration(checkpointMs),
      wal_replay_duration: duration(segmentsMs),
      wbl_replay_duration: duration(parts.now() - lateBegan),
      chunk_snapshot_load_duration: duration(usesSnapshot ? snapshotMs : 0),
      mmap_chunk_replay_duration: duration(chunksLoaded - began),
      total_replay_duration: duration(parts.now() - began),
    });
    parts.counters.replaySeconds = (parts.now() - began) / 1000;
    const walOptions = parts.logOptions((seconds) => parts.durations?.walFsync.observe(seconds));
    parts.wal = WalWriter.open(parts.fs, parts.path(WAL_DIRECTORY), walOptions);
    head.attach(parts.wal, sink);
    try {
      head.logSeries();
    } catch (error) {
      logger.error("Logging series anew failed; the next commit tries again", { err: error });
    }
    if (hasLateLog) head.outOfOrder.attach(lateLog.open(), lateSink);
    return lateSink;
  }

  /** Without late chunks below `horizon`. `isSound`: no chunk was lost. */
  #loadChunks(horizon: number): { chunks: ReplayChunks; late: ReplayChunks; lateRefs: Set<number>; isSound: boolean } {
    const { fs, counters, logger } = this.#parts;
    const path = this.#parts.path(HEAD_CHUNKS_DIRECTORY);
    const chunks = new ReplayChunks();
    const late = new ReplayChunks();
    const lateRefs = new Set<number>();
    const corruption = scanHeadChunks(fs, path, (ref, chunk, samples) => {
      if (chunk.outOfOrder && ref < horizon) return;
      if (chunk.outOfOrder) lateRefs.add(ref);
      const kind = chunk.outOfOrder ? late : chunks;
      kind.add(chunk.seriesRef, chunk.minTime, chunk.maxTime, chunk.encoding, samples, placeOf(ref));
    });
    if (corruption !== undefined) {
      counters.chunkCorruptions++;
      logger.error("Loading on-disk chunks failed, the rest must come from the WAL", {
        file: corruption.path,
        offset: corruption.offset,
        lost_bytes: corruption.lostBytes,
        err: corruption.reason,
      });
      // What is lost must come from the log that a snapshot would leave out.
      this.#parts.chunkSnapshots.remove();
      repairHeadChunks(fs, path, corruption);
    }
    return { chunks, late, lateRefs, isSound: corruption === undefined };
  }

  async #replayCheckpoint(replay: Replay): Promise<number> {
    const parts = this.#parts;
    const began = parts.now();
    const checkpoint = lastCheckpoint(parts.fs, parts.path(WAL_DIRECTORY));
    if (checkpoint === undefined) return 0;
    const reader = new WalReader(parts.fs, checkpoint.path, { kernels: parts.head.kernels });
    await this.#replayAll(reader, replay);
    if (reader.corruption !== undefined) {
      // The log may still hold what the rest of the checkpoint said; what it cannot say is lost, and counted.
      parts.logger.error("The checkpoint is damaged, the rest of it is left out", {
        err: reader.corruption,
        lost_bytes: reader.corruption.lostBytes,
      });
    }
    parts.logger.info("WAL checkpoint loaded");
    return parts.now() - began;
  }

  /** Segments `from` and later. `isOver` ends it early: then nothing is repaired. */
  async #replaySegments(replay: Replay, from: number, isOver: () => boolean = () => false): Promise<number> {
    const parts = this.#parts;
    const { fs, logger } = parts;
    const began = parts.now();
    const directory = parts.path(WAL_DIRECTORY);
    const touched = closeSegmentGaps(fs, directory);
    if (touched.length > 0) logger.warn("WAL segments are missing or foreign", { files: touched.join(", ") });
    let segmentBegan = began;
    const onSegment = (segment: number): void => {
      const now = parts.now();
      logger.info("WAL segment loaded", {
        segment,
        maxSegment: this.#progress.max,
        duration: duration(now - segmentBegan),
      });
      segmentBegan = now;
      this.#progress = { ...this.#progress, current: segment };
      parts.options.onReplay?.(this.#progress);
    };
    // A thread that began before that read something else.
    if (touched.length > 0) this.endThread();
    const reader = this.#openLog(directory, from, onSegment);
    const first = reader.segments[0];
    const last = reader.segments.at(-1);
    this.#progress = { min: first?.index ?? 0, max: last?.index ?? 0, current: first?.index ?? 0 };
    await this.#replayAll(reader, replay, isOver);
    if (reader.corruption !== undefined && !isOver()) {
      parts.counters.walCorruptions++;
      logger.warn("Encountered WAL read error, attempting repair", { err: reader.corruption });
      parts.chunkSnapshots.beforeRepair(reader.corruption);
      const { lostBytes, removedSegments } = repairWal(fs, reader.corruption);
      logger.warn("Successfully repaired WAL", { lost_bytes: lostBytes, removed_segments: removedSegments });
    }
    return parts.now() - began;
  }

  /** A long log is read ahead by a second thread, where that can look at the same memory and files. */
  #openLog(directory: string, fromSegment: number, onSegment: (segment: number) => void): WalReader | AheadLog {
    const { fs, head, options } = this.#parts;
    const { kernels } = head;
    const isLong = logBytes(fs, directory, fromSegment) >= (options.secondThreadFromBytes ?? SECOND_THREAD_FROM_BYTES);
    if (kernels === undefined || !head.writesPlainFloats || !isLong || !(fs instanceof NodeFs)) {
      this.endThread();
      return new WalReader(fs, directory, { fromSegment, onSegment, kernels });
    }
    if (this.#thread?.fits(head.memory.memory, directory, fromSegment) !== true) {
      this.endThread();
      this.#thread = new ReplayThread(head.memory.memory, directory, fromSegment);
    }
    return new AheadLog(head, kernels, { fs, directory, fromSegment, onSegment });
  }

  /** Ends the thread that reads ahead, if there is one. Idempotent. */
  endThread(): void {
    if (this.#thread?.end() === false) this.#isThreadLost = true;
    this.#thread = undefined;
  }

  async #replayAll(reader: WalReader | AheadLog, replay: Replay, isOver: () => boolean = () => false): Promise<void> {
    const { turns } = this.#parts;
    try {
      while (!isOver() && reader.next()) {
        replay.apply(reader);
        const pause = turns.pause();
        if (pause !== undefined) await pause;
      }
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      reader.corruptionHere(error.message);
    } finally {
      reader.close();
    }
  }

  #report({ unknown, skippedRecords }: Replay): void {
    const { logger } = this.#parts;
    const { series, samples, histograms, exemplars, metadata } = unknown;
    Object.assign(this.#parts.counters.walUnknown, unknown);
    if (samples + histograms + exemplars + metadata > 0) {
      logger.warn("Unknown series references", { series, samples, histograms, exemplars, metadata });
    }
    for (const [type, count] of skippedRecords) {
      logger.warn("WAL records of a kind that the head does not keep were left out", { type, count });
    }
  }
}
