// What follows when a range of the head is in a block: the head forgets it, and so do its files and the log.
import { type DbParts, duration } from "./db-parts.ts";
import type { HeadSeries } from "./head/stale-series.ts";
import { inSlices } from "./head/steps.ts";
import { checkpointRange, removeCheckpoints } from "./wal/checkpoint.ts";
import { WAL_DIRECTORY } from "./wal/format.ts";

/** Truncating the head does not hold scrapes up for longer at a time. */
const SLICE_MS = 4;

export class HeadTruncator {
  readonly #parts: DbParts;

  constructor(parts: DbParts) {
    this.#parts = parts;
  }

  /**
   * Forgets head samples before `minTime`, which are in a block, and log segments that are no longer needed. Waits until queries
   * that began earlier have ended; after five minutes it gives up those that are left.
   */
  async truncate(minTime: number, writesCheckpoint = true): Promise<void> {
    const parts = this.#parts;
    const { head, counters } = parts;
    parts.assertOpen();
    head.times.minValid = Math.max(head.times.minValid, minTime);
    await parts.readers.earlierEnded();
    if (parts.closed) return;
    const began = parts.now();
    counters.truncations++;
    const isClosed = (): boolean => parts.closed;
    const truncated = await inSlices(head.truncating(minTime), SLICE_MS, isClosed);
    if (truncated === undefined) return;
    const { removedSeries, removedChunks } = truncated.value;
    head.deletions = head.deletions.truncateBefore(parts.deletionsFrom);
    const found = await inSlices(head.findingOldestChunkFile(), SLICE_MS, isClosed);
    if (found === undefined) return;
    const oldestFile = found.value;
    parts.chunkWriter?.truncate(oldestFile);
    parts.chunkReader.close(oldestFile);
    const took = parts.now() - began;
    parts.durations?.headGc.observe(took / 1000);
    parts.logger.info("Head GC completed", { series: removedSeries, chunks: removedChunks, duration: duration(took) });
    if (writesCheckpoint) await this.#checkpoint(minTime);
  }

  /** Ends series of which all samples are in blocks. Waits for earlier queries, as `truncate`. */
  async end({ records, refs, lastTimes }: HeadSeries): Promise<void> {
    const parts = this.#parts;
    await parts.readers.earlierEnded();
    if (parts.closed) return;
    await inSlices(parts.head.ending(records, refs, lastTimes), SLICE_MS, () => parts.closed);
  }

  /** Replaces the older two thirds of the log by a checkpoint. Failures leave the log as it is. */
  async #checkpoint(minTime: number): Promise<void> {
    const parts = this.#parts;
    const { counters, fs, wal } = parts;
    if (wal === undefined) return;
    const directory = parts.path(WAL_DIRECTORY);
    wal.cutSegment();
    const range = checkpointRange(fs, directory);
    if (range === undefined) return;
    // From here on the log may say less of a snapshot's series than a start from the snapshot counts on.
    parts.chunkSnapshots.remove();
    const began = parts.now();
    counters.walTruncations++;
    counters.checkpoints++;
    try {
      const { compression } = parts;
      const aliases = parts.head.loggedRefs.others;
      const stonesFrom = Math.min(minTime, parts.deletionsFrom);
      await parts.jobs.run({ kind: "checkpoint", ...range, minTime, stonesFrom, aliases, compression });
      if (parts.closed) return;
      wal.truncate(range.to + 1);
      counters.checkpointDeletions++;
      removeCheckpoints(fs, directory, range.to);
    } catch (error) {
      counters.checkpointFailures++;
      counters.walTruncationFailures++;
      if (isCorruption(error)) parts.chunkSnapshots.isBanned = true;
      parts.logger.error("Creating a checkpoint failed; the log is kept", { err: error });
    }
    parts.durations?.walTruncate.observe((parts.now() - began) / 1000);
  }
}

/** Jobs run in workers, from where errors come back without their class. */
function isCorruption(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === "wal_corruption";
}
