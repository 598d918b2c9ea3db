// Writes a block, so that it appears whole or not at all.
import type { Labels } from "@narthex/model";
import type { ChunkList } from "../chunk/chunk-list.ts";
import { hasFloats } from "../chunk/format.ts";
import { type FileSystem, joinPath } from "../fs/file-system.ts";
import { IndexWriter } from "../index/index-writer.ts";
import { Tombstones, writeTombstones } from "../tombstone/tombstones.ts";
import { CHUNKS_DIRECTORY } from "./chunk-segments.ts";
import { ChunkWriter } from "./chunk-writer.ts";
import { type BlockCompaction, type BlockMeta, type BlockStats, writeBlockMeta } from "./meta.ts";

/** What an unfinished block's directory ends in; the next start removes it. */
export const CREATION_SUFFIX = ".tmp-for-creation";
/** What a directory that is being removed ends in. */
export const DELETION_SUFFIX = ".tmp-for-deletion";

export interface NewBlock {
  readonly ulid: string;
  /** First time that may be in the block, and the first that is not (milliseconds). */
  readonly minTime: number;
  readonly maxTime: number;
  readonly compaction: BlockCompaction;
}

/**
 * Builds one block in `DIRECTORY/ULID.tmp-for-creation`: every series in the order of labels, then `finish`, which
 * fsyncs everything and renames. On an error call `abandon`.
 */
export class BlockWriter {
  readonly path: string;
  readonly #fs: FileSystem;
  readonly #directory: string;
  readonly #aside: string;
  readonly #block: NewBlock;
  readonly #chunks: ChunkWriter;
  readonly #index: IndexWriter;
  readonly #refs: number[] = [];
  #samples = 0;
  #histograms = 0;

  /** `symbols` are all strings of all labels, in any order. `segmentBytes` is where chunk files are cut. */
  constructor(fs: FileSystem, directory: string, block: NewBlock, symbols: Iterable<string>, segmentBytes?: number) {
    this.#fs = fs;
    this.#directory = directory;
    this.#block = block;
    this.path = joinPath(directory, block.ulid);
    this.#aside = this.path + CREATION_SUFFIX;
    fs.removeAll(this.#aside);
    const chunks = joinPath(this.#aside, CHUNKS_DIRECTORY);
    fs.mkdir(chunks);
    this.#chunks = new ChunkWriter(fs, chunks, segmentBytes);
    this.#index = new IndexWriter(fs, joinPath(this.#aside, "index"), symbols);
  }

  /** Adds a series with its chunks, which ascend and do not overlap. Without chunks it is left out. */
  addSeries(labels: Labels, chunks: ChunkList): void {
    if (chunks.count === 0) return;
    for (let i = 0; i < chunks.count; i++) {
      const encoding = chunks.encodings[i] as number;
      const samples = chunks.samples(i);
      this.#samples += samples;
      if (!hasFloats(encoding)) this.#histograms += samples;
      this.#refs[i] = this.#chunks.write(
        encoding,
        chunks.data.bytes,
        chunks.starts[i] as number,
        chunks.ends[i] as number,
      );
    }
    this.#index.addSeries(labels, chunks.count, chunks.minTimes, chunks.maxTimes, this.#refs);
  }

  /** How many samples were added. */
  get samples(): number {
    return this.#samples;
  }

  /** Makes the block appear under its name. Returns what its meta.json says. */
  finish(): BlockMeta {
    const fs = this.#fs;
    this.#chunks.finish();
    this.#index.finish();
    writeTombstones(fs, this.#aside, new Tombstones());
    const stats: BlockStats = {
      numSamples: this.#samples,
      numFloatSamples: this.#samples - this.#histograms,
      numHistogramSamples: this.#histograms,
      numSeries: this.#index.seriesCount,
      numChunks: this.#chunks.chunks,
      numTombstones: 0,
    };
    const meta: BlockMeta = { ...this.#block, stats, raw: {} };
    writeBlockMeta(fs, this.#aside, meta);
    fs.syncDirectory(joinPath(this.#aside, CHUNKS_DIRECTORY));
    fs.syncDirectory(this.#aside);
    fs.rename(this.#aside, this.path);
    fs.syncDirectory(this.#directory);
    return meta;
  }

  /** Removes what was written so far. */
  abandon(): void {
    this.#chunks.abandon();
    this.#index.abandon();
    this.#fs.removeAll(this.#aside);
  }
}

/** Removes a block so that a crash leaves none that is half there. */
export function removeBlock(fs: FileSystem, path: string): void {
  const aside = path + DELETION_SUFFIX;
  fs.removeAll(aside);
  fs.rename(path, aside);
  fs.removeAll(aside);
}

/** Removes what interrupted writes and deletions left in a data directory. Returns the names. */
export function removeLeftovers(fs: FileSystem, directory: string): string[] {
  const names = fs
    .list(directory)
    .filter((name) => /^[0-9A-HJKMNP-TV-Z]{26}\.tmp(-for-(creation|deletion))?$/.test(name));
  for (const name of names) fs.removeAll(joinPath(directory, name));
  return names;
}
