// When the head and blocks are compacted, and in which order: the head, its log, late samples, then blocks.
import { ulid } from "ulid";
import type { Block } from "./block/block.ts";
import { compactionRanges, planCompaction } from "./block/compaction-plan.ts";
import { type BlockMeta, FROM_STALE_SERIES, partOfHead } from "./block/meta.ts";
import { UploadedBlocks } from "./block/uploaded-blocks.ts";
import { DEFAULT_BLOCK_RANGE_MS, DEFAULT_MAX_BLOCK_RANGE_MS } from "./db-options.ts";
import { type DbParts, duration } from "./db-parts.ts";
import { baseName } from "./fs/file-system.ts";
import { countStaleSeries, staleSeries } from "./head/stale-series.ts";
import type { HeadTruncator } from "./head-truncator.ts";

/** Ended series wait for a compaction of the head that is expected within this time. Source: the reference. */
const SOON_MS = 10 * 60 * 1000;

/** One per database. */
export class CompactionSchedule {
  readonly #parts: DbParts;
  readonly #truncator: HeadTruncator;
  readonly #ranges: readonly number[];
  readonly #uploaded: UploadedBlocks | undefined;
  readonly #delayMs: number;
  /** The head was compacted: its out-of-order samples are next. */
  #isLateDue = false;
  #compacting: Promise<void> | undefined;
  /** Since when the head could be compacted, while that is delayed. */
  #delayedSince: number | undefined;
  /** Whether appenders may begin a compaction: not after one failed, until the next round of `Db.maintain`. */
  mayBegin = false;
  /** Share of ended series from which they leave the head, 0 to 1; 0 for never. */
  staleThreshold = 0;
  #isCompactingStale = false;
  #headCompactedAt: number | undefined;

  constructor(parts: DbParts, truncator: HeadTruncator) {
    const { options, fs, logger } = parts;
    this.#parts = parts;
    this.#truncator = truncator;
    const range = options.blockRangeMs ?? DEFAULT_BLOCK_RANGE_MS;
    this.#ranges = compactionRanges(range, options.maxBlockRangeMs ?? DEFAULT_MAX_BLOCK_RANGE_MS);
    const { uploadedBlocksFile: uploaded } = options;
    this.#uploaded = uploaded === undefined ? undefined : new UploadedBlocks(fs, uploaded, logger);
    const delay = (range * (options.compactionDelayPercent ?? 0)) / 100;
    this.staleThreshold = options.staleSeriesThreshold ?? 0;
    this.#delayMs = Math.floor(delay * (options.random ?? Math.random)());
  }

  /** An appender is asked for: begins a compaction if one is due for the head. */
  onAppender(): void {
    if (this.mayBegin && this.#compacting === undefined && this.#isHeadDue()) this.#compactAside();
  }

  /** Begins a compaction if any is due. */
  look(): void {
    if (this.#isHeadDue() || this.#isLateDue || this.#plan().length > 0) this.#compactAside();
    if (!this.#isStaleDue()) return;
    this.compactStale().catch((error: unknown) => {
      if (!this.#parts.closed) this.#parts.logger.error("immediate stale series compaction failed", { err: error });
    });
  }

  /** See `Db.compactStaleSeries`. */
  compactStale(): Promise<void> {
    return this.#parts.exclusive(() => this.#compactStaleSeries());
  }

  /** See `Db.compact`. */
  compact(): Promise<void> {
    this.#compacting ??= this.#parts
      .exclusive(() => this.#compactAll())
      .finally(() => {
        this.#compacting = undefined;
      });
    return this.#compacting;
  }

  /** See `Db.cleanTombstones`. */
  cleanTombstones(): Promise<void> {
    const parts = this.#parts;
    return parts.exclusive(async () => {
      const began = parts.now();
      for (const { path, tombstones } of parts.blocks) {
        const block = parts.blocks.find((other) => other.path === path);
        if (block === undefined || tombstones.count === 0 || this.#holdsHeadBack(block)) continue;
        await this.#merge([path]);
      }
      parts.durations?.tombstoneCleanup.observe((parts.now() - began) / 1000);
    });
  }

  /** Begins a compaction that nobody waits for. */
  #compactAside(): void {
    const parts = this.#parts;
    parts.counters.compactionsTriggered++;
    this.compact().catch((error: unknown) => {
      this.mayBegin = false;
      if (!parts.closed) parts.logger.error("compaction failed", { err: error });
    });
  }

  /** Whether the head spans so much that its oldest range should go, and has waited long enough for it. */
  #isHeadDue(): boolean {
    const { head } = this.#parts;
    const range = this.#ranges[0] as number;
    if (!(head.times.max - head.times.min > range * 1.5)) {
      this.#delayedSince = undefined;
      return false;
    }
    if (this.#delayMs === 0) return true;
    this.#delayedSince ??= this.#parts.now();
    return this.#parts.now() - this.#delayedSince >= this.#delayMs;
  }

  /** Whether so many series have ended that they should go, and the head is not compacted soon anyway. */
  #isStaleDue(): boolean {
    const { head } = this.#parts;
    const threshold = this.staleThreshold;
    if (!(threshold > 0) || head.seriesCount === 0 || this.#isCompactingStale) return false;
    const nextAt = this.#headCompactedAt === undefined ? Infinity : this.#headCompactedAt + (this.#ranges[0] as number);
    return this.#parts.now() + SOON_MS <= nextAt && countStaleSeries(head) / head.seriesCount >= threshold;
  }

  /** Turns all samples of ended series into blocks, one per range, and ends them in the head. */
  async #compactStaleSeries(): Promise<void> {
    const parts = this.#parts;
    const { counters, head, readers, logger } = parts;
    const began = parts.now();
    counters.staleCompactions++;
    this.#isCompactingStale = true;
    try {
      const stale = staleSeries(head);
      logger.info("Starting stale series compaction");
      if (stale.records.length > 0) {
        const ticket = readers.begin();
        try {
          const segmentBytes = parts.options.blockSegmentBytes;
          const rangeMs = this.#ranges[0] as number;
          const job = { kind: "series-blocks", ticket, refs: stale.refs, hint: FROM_STALE_SERIES, rangeMs } as const;
          await parts.jobs.run({ ...job, now: began, segmentBytes, floats: parts.floatEncoding });
        } finally {
          readers.end(ticket);
        }
        if (parts.closed) return;
        parts.reload();
      }
      await this.#truncator.end(stale);
      if (parts.closed) return;
      const took = parts.now() - began;
      parts.durations?.staleCompaction.observe(took / 1000);
      logger.info("Ending stale series compaction", { num_series: stale.records.length, duration: duration(took) });
    } catch (error) {
      counters.staleCompactionFailures++;
      throw error;
    } finally {
      this.#isCompactingStale = false;
    }
  }

  async #compactAll(): Promise<void> {
    const parts = this.#parts;
    while (!parts.closed && this.#isHeadDue()) {
      await this.#compactHead();
      this.#headCompactedAt = parts.now();
      this.#isLateDue = true;
    }
    if (!parts.closed && this.#isLateDue) await this.#compactLate();
    // Merging can wait when the head grows meanwhile: the next round goes on.
    while (!parts.closed && !this.#isHeadDue()) {
      const plan = this.#plan();
      if (plan.length === 0) return;
      const ids = new Set(plan.map((meta) => meta.ulid));
      if (plan.some(({ minTime }, i) => i > 0 && minTime < (plan[i - 1] as BlockMeta).maxTime)) {
        parts.counters.verticalCompactions++;
      }
      await this.#merge(parts.blocks.filter(({ meta }) => ids.has(meta.ulid)).map(({ path }) => path));
    }
  }

  /** The blocks to merge next. */
  #plan(): BlockMeta[] {
    const { keeper, blocks, options } = this.#parts;
    // A block of late samples may reach into times whose other samples are still in the head. Merged with older blocks it would
    // lose its hint, and the next start would take those times for complete: it has to wait.
    const { maxTime } = keeper.list;
    const metas = blocks
      .map(({ meta }) => meta)
      .filter((meta) => meta.maxTime <= maxTime || partOfHead(meta) !== undefined);
    const uploaded = this.#uploaded;
    const candidates = uploaded === undefined ? metas : uploaded.compactable(metas);
    return planCompaction(candidates, this.#ranges, options.mergesOverlaps ?? true);
  }

  /**
   * Whether a block of which everything was deleted must stay for now: the newest one tells a start where the head begins. Without
   * it the log would bring back what was deleted.
   */
  #holdsHeadBack(block: Block): boolean {
    if (block.maxTime !== this.#parts.keeper.list.maxTime) return false;
    const querier = block.querier(block.minTime, block.maxTime);
    const { count } = querier.select([]);
    querier.close();
    return count === 0;
  }

  async #merge(paths: readonly string[]): Promise<void> {
    const parts = this.#parts;
    const { counters } = parts;
    const began = parts.now();
    const id = ulid(began);
    counters.compactions++;
    counters.populating++;
    try {
      const { blockSegmentBytes: segmentBytes } = parts.options;
      await parts.jobs.run({ kind: "merge", paths, ulid: id, segmentBytes, floats: parts.floatEncoding });
    } catch (error) {
      counters.compactionFailures++;
      // Those that failed are marked now.
      if (!parts.closed) parts.keeper.list.refresh();
      throw error;
    } finally {
      counters.populating--;
    }
    if (parts.closed) return;
    parts.durations?.compaction.observe((parts.now() - began) / 1000);
    parts.reload();
    parts.logger.info("compact blocks", {
      count: paths.length,
      ulid: id,
      sources: paths.map((path) => baseName(path)).join(", "),
      duration: duration(parts.now() - began),
    });
  }

  /** Turns the oldest range of the head into a block and forgets it in the head. */
  async #compactHead(): Promise<void> {
    const parts = this.#parts;
    const { counters, head, readers } = parts;
    const range = this.#ranges[0] as number;
    const minTime = Math.floor(head.times.min / range) * range;
    const maxTime = minTime + range;
    // From here on the range gets no more samples.
    head.times.minValid = Math.max(head.times.minValid, maxTime);
    const began = parts.now();
    const ticket = readers.begin();
    const id = ulid(began);
    counters.compactions++;
    counters.populating++;
    try {
      const segmentBytes = parts.options.blockSegmentBytes;
      await parts.jobs.run({
        kind: "block",
        ulid: id,
        ticket,
        minTime,
        maxTime,
        segmentBytes,
        floats: parts.floatEncoding,
      });
    } catch (error) {
      counters.compactionFailures++;
      throw error;
    } finally {
      counters.populating--;
      readers.end(ticket);
    }
    if (parts.closed) return;
    parts.durations?.compaction.observe((parts.now() - began) / 1000);
    parts.logger.info("write block", {
      mint: minTime,
      maxt: maxTime,
      ulid: id,
      duration: duration(parts.now() - began),
    });
    parts.reload();
    await this.#truncator.truncate(maxTime);
  }

  /** Turns the out-of-order samples of this moment into blocks, one per range, and forgets them in the head. */
  async #compactLate(): Promise<void> {
    const parts = this.#parts;
    const { counters, head, readers, lateLog } = parts;
    if (!head.outOfOrder.isEmpty(head.table.highIndex)) {
      // Later samples are logged from here on, and carry a later epoch than the ticket's.
      const segment = lateLog.cut(parts.chunkWriter?.position ?? 0);
      const began = parts.now();
      const ticket = readers.begin();
      counters.compactions++;
      try {
        const segmentBytes = parts.options.blockSegmentBytes;
        const rangeMs = this.#ranges[0] as number;
        await parts.jobs.run({
          kind: "late-blocks",
          ticket,
          rangeMs,
          now: began,
          segmentBytes,
          floats: parts.floatEncoding,
        });
      } catch (error) {
        counters.compactionFailures++;
        throw error;
      } finally {
        readers.end(ticket);
      }
      if (parts.closed) return;
      parts.durations?.compaction.observe((parts.now() - began) / 1000);
      parts.reload();
      await readers.earlierEnded();
      if (parts.closed) return;
      head.outOfOrder.forget(head.table.highIndex, ticket.snapshot.epoch);
      parts.logger.info("out-of-order head compacted", { duration: duration(parts.now() - began) });
      await this.#truncator.truncate(head.times.minValid, false);
      counters.wblTruncations++;
      lateLog.truncate(segment);
    }
    this.#isLateDue = false;
  }
}
