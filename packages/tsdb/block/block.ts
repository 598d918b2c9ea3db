// A block: an immutable directory of samples, and reading it.
import type { Labels, Matcher } from "@narthex/model";
import type { Names, Querier, Queryable, SampleBuffer, SelectHints, SeriesSet } from "@narthex/storage";
import { ChunkError } from "../chunk/format.ts";
import { baseName, type FileSystem, joinPath } from "../fs/file-system.ts";
import { IndexError } from "../index/format.ts";
import { IndexReader, IndexSeries } from "../index/index-reader.ts";
import { maxKeptSamples, maxKeptSeries } from "../index/series-columns.ts";
import {
  dropDeleted,
  isDeleted,
  readTombstones,
  TombstoneError,
  type Tombstones,
  writeTombstones,
} from "../tombstone/tombstones.ts";
import { ChunkSegments } from "./chunk-segments.ts";
import { type BlockMeta, BlockMetaError, readBlockMeta, writeBlockMeta } from "./meta.ts";

/** Samples of a full chunk. */
const CHUNK_SAMPLES = 120;

/** The index file's name inside a block. */
export const INDEX_FILE = "index";

/** A block that cannot be opened. `reason` says which of its files is damaged, and how. */
export class BlockError extends Error {
  override readonly name = "BlockError";
  readonly code = "block_corrupt";
  readonly path: string;

  constructor(path: string, cause: Error) {
    super(`corrupted block ${baseName(path)}: ${cause.message}`, { cause });
    this.path = path;
  }
}

/**
 * An open block. Nothing in it is shared: each thread opens the block by its path. All files are held open, so that
 * queries go on while the directory is renamed or removed.
 */
export class Block implements Queryable {
  readonly path: string;
  readonly index: IndexReader;
  readonly chunks: ChunkSegments;
  readonly #fs: FileSystem;
  #meta: BlockMeta;
  #tombstones: Tombstones;
  #readers = 0;
  #closing = false;
  #closed = false;

  /** Throws `BlockError` when a file of the block is damaged, and disk errors as they come. */
  static open(fs: FileSystem, path: string): Block {
    let index: IndexReader | undefined;
    try {
      const meta = readBlockMeta(fs, path);
      index = IndexReader.open(fs, joinPath(path, INDEX_FILE));
      const tombstones = readTombstones(fs, path);
      const chunks = ChunkSegments.open(fs, path);
      return new Block(fs, path, meta, index, chunks, tombstones);
    } catch (error) {
      index?.close();
      const damaged =
        error instanceof BlockMetaError ||
        error instanceof IndexError ||
        error instanceof TombstoneError ||
        error instanceof ChunkError;
      throw damaged ? new BlockError(path, error) : error;
    }
  }

  private constructor(
    fs: FileSystem,
    path: string,
    meta: BlockMeta,
    index: IndexReader,
    chunks: ChunkSegments,
    tombstones: Tombstones,
  ) {
    this.#fs = fs;
    this.path = path;
    this.#meta = meta;
    this.index = index;
    this.chunks = chunks;
    this.#tombstones = tombstones;
  }

  get meta(): BlockMeta {
    return this.#meta;
  }

  get tombstones(): Tombstones {
    return this.#tombstones;
  }

  /** First time that may be in the block, and the first that is not. */
  get minTime(): number {
    return this.#meta.minTime;
  }

  get maxTime(): number {
    return this.#meta.maxTime;
  }

  /** Bytes of index and chunks. */
  get size(): number {
    return this.index.size + this.chunks.size;
  }

  /**
   * Reads meta.json and tombstones again, which others may have replaced; queriers that are open keep what they had. When
   * they cannot be read (any more), throws and keeps what is known.
   */
  refresh(): void {
    const meta = readBlockMeta(this.#fs, this.path);
    this.#tombstones = readTombstones(this.#fs, this.path);
    this.#meta = meta;
  }

  /** Whether samples with `minTime <= t <= maxTime` may be in the block. */
  overlaps(minTime: number, maxTime: number): boolean {
    return this.#meta.minTime <= maxTime && minTime < this.#meta.maxTime;
  }

  /** `share` is how much of the caches one selection may fill: less when other blocks are asked along with this one. */
  querier(minTime: number, maxTime: number, share = 1): Querier {
    if (this.#closed || this.#closing) throw new Error(`block ${this.#meta.ulid} is closed`);
    this.#readers++;
    return new BlockQuerier(this, minTime, maxTime, share, () => {
      this.#readers--;
      if (this.#closing && this.#readers === 0) this.#closeFiles();
    });
  }

  /**
   * Deletes the samples with `minTime <= t <= maxTime` of all series that pass the matchers: readers leave them out at
   * once, the next compaction removes them. The file is replaced before anything changes in memory.
   */
  delete(minTime: number, maxTime: number, matchers: readonly Matcher[]): void {
    const series = new IndexSeries();
    const next = readTombstones(this.#fs, this.path);
    for (const id of this.index.select(matchers)) {
      this.index.series(id, series);
      const { chunkCount, minTimes, maxTimes } = series;
      for (let i = 0; i < chunkCount; i++) {
        if ((minTimes[i] as number) > maxTime || (maxTimes[i] as number) < minTime) continue;
        const first = minTimes[0] as number;
        const last = maxTimes[chunkCount - 1] as number;
        next.add(id, Math.max(minTime, first), Math.min(maxTime, last));
        break;
      }
    }
    writeTombstones(this.#fs, this.path, next);
    this.#tombstones = next;
    const stats = { ...this.#meta.stats, numTombstones: next.count };
    const meta = { ...this.#meta, stats };
    writeBlockMeta(this.#fs, this.path, meta);
    this.#meta = meta;
  }

  /** Closes the files once the last querier is closed; no new ones are given out. Idempotent. */
  close(): void {
    this.#closing = true;
    if (this.#readers === 0) this.#closeFiles();
  }

  #closeFiles(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.index.close();
    this.chunks.close();
  }
}

class BlockQuerier implements Querier {
  readonly #block: Block;
  readonly #minTime: number;
  readonly #maxTime: number;
  readonly #share: number;
  #release: (() => void) | undefined;

  constructor(block: Block, minTime: number, maxTime: number, share: number, release: () => void) {
    this.#block = block;
    this.#share = share;
    this.#minTime = minTime;
    this.#maxTime = maxTime;
    this.#release = release;
  }

  select(matchers: readonly Matcher[], hints?: SelectHints): SeriesSet {
    const minTime = Math.max(this.#minTime, hints?.minTime ?? this.#minTime);
    const maxTime = Math.min(this.#maxTime, hints?.maxTime ?? this.#maxTime);
    const { index, tombstones, meta } = this.#block;
    let ids = index.select(matchers);
    // Series without samples may stay when it is samples that are asked for: reading them will tell. Where the query
    // covers the block, there are none.
    const onlyLabels = hints === undefined || hints.func === "series" || hints.limit > 0;
    if (onlyLabels && (minTime > meta.minTime || maxTime < meta.maxTime - 1 || tombstones.seriesCount > 0)) {
      const scratch = new IndexSeries();
      const keeps = ids.length <= maxKeptSeries() * this.#share;
      ids = ids.filter((id) => {
        const series = keeps ? index.entry(id) : index.series(id, scratch);
        const deleted = tombstones.get(id);
        const end = series.first + series.chunkCount;
        for (let i = series.first; i < end; i++) {
          const first = series.minTimes[i] as number;
          const last = series.maxTimes[i] as number;
          if (first <= maxTime && last >= minTime && !(deleted !== undefined && isDeleted(deleted, first, last))) {
            return true;
          }
        }
        return false;
      });
    }
    if (hints !== undefined && hints.limit > 0 && ids.length > hints.limit) ids = ids.subarray(0, hints.limit);
    // What does not fit into the caches would only push everything else out of them.
    const keepsEntries = ids.length <= maxKeptSeries() * this.#share;
    const span = (Math.min(maxTime, meta.maxTime) - Math.max(minTime, meta.minTime)) / (meta.maxTime - meta.minTime);
    const perSeries = meta.stats.numSamples / Math.max(1, meta.stats.numSeries);
    const samples = ids.length * Math.min(perSeries, CHUNK_SAMPLES + span * perSeries);
    const keepsSamples = samples <= maxKeptSamples() * this.#share;
    return new BlockSeriesSet(this.#block, ids, tombstones, keepsEntries, keepsSamples);
  }

  estimateSeries(matchers: readonly Matcher[]): number {
    return this.#block.index.estimate(matchers);
  }

  labelNames(matchers: readonly Matcher[], limit = 0): Names {
    const { index } = this.#block;
    const names = index.labelNames(matchers.length === 0 ? undefined : index.select(matchers));
    return limited(names, limit);
  }

  labelValues(name: string, matchers: readonly Matcher[], limit = 0): Names {
    const { index } = this.#block;
    const ids = matchers.length === 0 ? undefined : index.select(matchers);
    return limited(index.labelValues(name, ids, limit > 0 ? limit + 1 : 0), limit);
  }

  close(): void {
    this.#release?.();
    this.#release = undefined;
  }
}

function limited(values: readonly string[], limit: number): Names {
  if (limit <= 0 || values.length <= limit) return { values, truncated: false };
  return { values: values.slice(0, limit), truncated: true };
}

class BlockSeriesSet implements SeriesSet {
  readonly count: number;
  readonly warnings: readonly string[] = [];
  readonly #block: Block;
  readonly #ids: Uint32Array;
  readonly #tombstones: Tombstones;
  readonly #keepsEntries: boolean;
  readonly #keepsSamples: boolean;
  readonly #series = new IndexSeries();
  #seriesId = -1;

  constructor(block: Block, ids: Uint32Array, tombstones: Tombstones, keepsEntries: boolean, keepsSamples: boolean) {
    this.#keepsEntries = keepsEntries;
    this.#keepsSamples = keepsSamples;
    this.count = ids.length;
    this.#block = block;
    this.#ids = ids;
    this.#tombstones = tombstones;
  }

  labels(index: number): Labels {
    const id = this.#id(index);
    const { index: file } = this.#block;
    if (this.#keepsEntries) return file.entry(id).labels;
    return file.labelsOf(this.#read(id));
  }

  read(index: number, minTime: number, maxTime: number, into: SampleBuffer): void {
    const id = this.#id(index);
    const begin = into.count;
    const { index: file, chunks } = this.#block;
    if (this.#keepsEntries) {
      const entry = file.entry(id);
      chunks.readSeries(entry, minTime, maxTime, into, this.#keepsSamples ? entry : undefined);
    } else {
      chunks.readSeries(this.#read(id), minTime, maxTime, into);
    }
    const deleted = this.#tombstones.get(id);
    if (deleted !== undefined) dropDeleted(into, begin, deleted);
  }

  /** The series itself, read into this set's own place; labels and samples of one series are asked for in turn. */
  #read(id: number): IndexSeries {
    if (id !== this.#seriesId) {
      this.#seriesId = -1;
      this.#block.index.series(id, this.#series);
      this.#seriesId = id;
    }
    return this.#series;
  }

  #id(index: number): number {
    const id = this.#ids[index];
    if (id === undefined) throw new RangeError(`no series ${index} in a set of ${this.count}`);
    return id;
  }
}
