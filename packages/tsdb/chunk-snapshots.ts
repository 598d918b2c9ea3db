// The database's chunk snapshots: whether one is used at the start, and the one that a clean shutdown leaves.
import { type ChunkSnapshotFolder, listChunkSnapshots, removeChunkSnapshots } from "./chunk-snapshot/format.ts";
import { ChunkSnapshotLoader, readStamp } from "./chunk-snapshot/loader.ts";
import { isStampOf, stampOf } from "./chunk-snapshot/stamp.ts";
import { writeChunkSnapshot } from "./chunk-snapshot/writer.ts";
import { type DbParts, duration } from "./db-parts.ts";
import type { Replay, ReplayChunks } from "./head/replay.ts";
import { lastCheckpoint, listSegments, PAGE_BYTES, WAL_DIRECTORY, type WalCorruptionError } from "./wal/format.ts";

/** One per database. */
export class ChunkSnapshots {
  readonly #parts: DbParts;
  /** The log was found damaged where only a replay of all of it repairs it: the next start must not skip that part. */
  isBanned = false;

  constructor(parts: DbParts) {
    this.#parts = parts;
  }

  /**
   * Loads the newest snapshot if there is one and it fits the log. Returns the first segment that is still to be replayed, or
   * undefined when the whole log is. A snapshot that is damaged or does not fit is counted and removed. `chunks` are those that
   * were found on disk; they must be sound.
   */
  async load(replay: Replay, chunks: ReplayChunks): Promise<number | undefined> {
    const parts = this.#parts;
    const { fs, directory, logger, head, counters } = parts;
    const snapshot = listChunkSnapshots(fs, directory).at(-1);
    if (snapshot === undefined) return undefined;
    const began = parts.now();
    try {
      const misfit = this.#misfit(snapshot);
      if (misfit !== undefined) {
        counters.snapshotErrors++;
        logger.warn("The chunk snapshot does not fit the log, all of the log is replayed", {
          dir: snapshot.path,
          reason: misfit,
        });
        this.remove();
        return undefined;
      }
      const stamp = readStamp(fs, snapshot);
      if (stamp === undefined && parts.lateLog.isThere) {
        // The out-of-order log may name series by refs that only the log before explains.
        logger.info("The chunk snapshot tells too little for the out-of-order log, all of the log is replayed");
        this.remove();
        return undefined;
      }
      const loader = new ChunkSnapshotLoader(fs, head, replay, parts.turns);
      await loader.load(snapshot);
      if (stamp === undefined && chunks.hasUnclaimed(head.times.minValid))
        throw new Error("there are chunks on disk of series that it does not know");
      if (stamp !== undefined) head.table.reserveRefs(stamp.lastRef);
      logger.info("chunk snapshot loaded", {
        dir: snapshot.path,
        num_series: loader.seriesCount,
        duration: duration(parts.now() - began),
      });
      return this.#firstSegmentBehind(snapshot);
    } catch (error) {
      counters.snapshotErrors++;
      logger.error("Failed to load chunk snapshot, all of the log is replayed", { dir: snapshot.path, err: error });
      this.remove();
      // Their order counts: the log brings all of them.
      head.exemplars.clear();
      return undefined;
    }
  }

  /** Removes all snapshots. Where the disk refuses, that is told; the next start tries again. */
  remove(): void {
    const { fs, directory, logger } = this.#parts;
    try {
      const removed = removeChunkSnapshots(fs, directory);
      if (removed.length > 0) logger.info("Removed chunk snapshots", { dirs: removed.join(", ") });
    } catch (error) {
      logger.error("Removing chunk snapshots failed", { err: error });
    }
  }

  /** The log is about to be cut at `corruption`: snapshots of what comes after no longer fit. Throws when the disk refuses. */
  beforeRepair(corruption: WalCorruptionError): void {
    const { fs, directory } = this.#parts;
    const isTouched = ({ segment, offset }: ChunkSnapshotFolder): boolean =>
      corruption.segment < segment || (corruption.segment === segment && corruption.offset < offset);
    if (listChunkSnapshots(fs, directory).some(isTouched)) removeChunkSnapshots(fs, directory);
  }

  /**
   * Closes the log and writes a snapshot; call it when nothing changes any more and full chunks are on disk. Failures are told and
   * harm nothing: the log has everything.
   */
  write(): void {
    const parts = this.#parts;
    const { fs, directory, head, logger, wal } = parts;
    if (wal === undefined) return;
    if (this.isBanned || head.finished.pendingCount > 0) {
      logger.warn("No chunk snapshot is made: the next start must replay all of the log");
      return;
    }
    const began = parts.now();
    logger.info("creating chunk snapshot");
    try {
      // Where the reference goes on reading, a page must begin.
      if (wal.position.offset % PAGE_BYTES !== 0) wal.cutSegment();
      const { position } = wal;
      // On the disk before what takes its place.
      wal.close();
      const walDirectory = parts.path(WAL_DIRECTORY);
      const covered = position.offset > 0 ? position.segment : position.segment - 1;
      const { lastRef } = head.table;
      const stamp = stampOf(fs, walDirectory, covered, lastRef);
      const { compression } = parts;
      const { path, series } = writeChunkSnapshot({ fs, directory, head, position, stamp, compression });
      logger.info("chunk snapshot complete", {
        duration: duration(parts.now() - began),
        num_series: series,
        dir: path,
      });
    } catch (error) {
      logger.error("Creating a chunk snapshot failed; the next start replays the log", { err: error });
    }
  }

  /** Why a snapshot cannot be used beside the log that is there. */
  #misfit(snapshot: ChunkSnapshotFolder): string | undefined {
    const { fs } = this.#parts;
    const walDirectory = this.#parts.path(WAL_DIRECTORY);
    const { segment, offset } = snapshot;
    const checkpoint = lastCheckpoint(fs, walDirectory);
    if (checkpoint !== undefined && checkpoint.index >= segment) return "a later checkpoint takes its place";
    const behind = listSegments(fs, walDirectory).find(({ index }) => index === segment);
    if (behind === undefined) return "the log does not reach to it";
    if (behind.bytes < offset) return "the log ends before it";
    const stamp = readStamp(fs, snapshot);
    if (stamp !== undefined && !isStampOf(fs, walDirectory, stamp)) return "the log was changed since";
    return undefined;
  }

  /** Where the segment goes on behind the snapshot it is read from its start: what the head has already changes nothing. */
  #firstSegmentBehind({ segment, offset }: ChunkSnapshotFolder): number {
    const file = listSegments(this.#parts.fs, this.#parts.path(WAL_DIRECTORY)).find(({ index }) => index === segment);
    return offset > 0 && file?.bytes === offset ? segment + 1 : segment;
  }
}
