// Many sources into one block: series by labels, chunks by time. Only what overlaps or was deleted is encoded anew.
//
// Everything here works on files and sources alone, so that a worker can run it.
import { type FloatHistogramFields, Labels } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { ChunkList } from "../chunk/chunk-list.ts";
import { decodeChunk } from "../chunk/decode.ts";
import type { FloatEncoding } from "../chunk/float-encoding.ts";
import { ChunkError, hasIntegers } from "../chunk/format.ts";
import { encodeChunks } from "../chunk/sample-encoder.ts";
import { type FileSystem, joinPath } from "../fs/file-system.ts";
import { dropDeleted, isDeleted } from "../tombstone/tombstones.ts";
import { Block } from "./block.ts";
import { BlockWriter, type NewBlock } from "./block-writer.ts";
import { BlockSource, type CompactionSource } from "./compaction-source.ts";
import { type BlockCompaction, type BlockMeta, partOfHead, readBlockMeta, writeBlockMeta } from "./meta.ts";
import { mergeRuns } from "./sample-merge.ts";

/** What a block that came straight from the head says of its compaction. */
export function firstLevel(ulid: string, hints: readonly string[] = []): BlockCompaction {
  return { level: 1, sources: [ulid], deletable: false, parents: [], failed: false, hints };
}

/**
 * Writes the series of all sources as one block into `directory`. Returns its meta.json, or undefined when not one
 * sample is left (then nothing was written). On an error nothing stays behind, except what a dead disk keeps. Floats that must
 * be encoded anew take the encoding `floats`.
 */
export function writeBlock(
  fs: FileSystem,
  directory: string,
  block: NewBlock,
  sources: readonly CompactionSource[],
  segmentBytes?: number,
  floats?: FloatEncoding,
): BlockMeta | undefined {
  const symbols = new Set<string>();
  for (const source of sources) for (const symbol of source.symbols()) symbols.add(symbol);
  const writer = new BlockWriter(fs, directory, block, symbols, segmentBytes);
  try {
    const merger = new SeriesMerger(sources, floats);
    const merged = new ChunkList();
    for (;;) {
      const labels = merger.next(merged);
      if (labels === undefined) break;
      writer.addSeries(labels, merged);
    }
    if (writer.samples > 0) return writer.finish();
  } catch (error) {
    try {
      writer.abandon();
    } catch {
      // The first error says what happened; the next start removes the rest.
    }
    throw error;
  }
  writer.abandon();
  return undefined;
}

/**
 * Merges the blocks at `paths` (all in `directory`) into a new one named `ulid`. Returns its meta.json, or undefined
 * when nothing was left: then the parents are marked deletable. When it fails (except for a full disk), the parents are
 * marked as failed, so that no plan takes them again. The parents stay: whoever runs the storage removes them once nobody reads them.
 */
export function compactBlocks(
  fs: FileSystem,
  directory: string,
  paths: readonly string[],
  ulid: string,
  segmentBytes?: number,
  floats?: FloatEncoding,
): BlockMeta | undefined {
  const blocks: Block[] = [];
  try {
    for (const path of paths) blocks.push(Block.open(fs, path));
    blocks.sort((a, b) => a.minTime - b.minTime);
    const metas = blocks.map(({ meta }) => meta);
    const sources = blocks.map((block) => new BlockSource(block));
    const meta = writeBlock(fs, directory, mergedBlock(ulid, metas), sources, segmentBytes, floats);
    if (meta === undefined) for (const path of paths) mark(fs, path, { deletable: true });
    return meta;
  } catch (error) {
    // A full disk says nothing about the blocks: the next attempt may succeed.
    for (const path of (error as { code?: unknown }).code === "ENOSPC" ? [] : paths) {
      try {
        mark(fs, path, { failed: true });
      } catch {
        // Not even that could be written: the plan will come to it again.
      }
    }
    throw error;
  } finally {
    for (const block of blocks) block.close();
  }
}

/** What a block made of these says about itself. */
export function mergedBlock(ulid: string, parents: readonly BlockMeta[]): NewBlock {
  const sources = new Set<string>();
  const hints = new Set<string>();
  let level = 0;
  let minTime = Number.POSITIVE_INFINITY;
  let maxTime = Number.NEGATIVE_INFINITY;
  for (const { compaction, ...meta } of parents) {
    level = Math.max(level, compaction.level);
    minTime = Math.min(minTime, meta.minTime);
    maxTime = Math.max(maxTime, meta.maxTime);
    for (const source of compaction.sources) sources.add(source);
  }
  // That all samples came late holds for the whole only where it holds for every part. That some series are missing holds as soon as
  // it holds for one; plans do not mix those with others.
  for (const parent of parents) {
    for (const hint of parent.compaction.hints) {
      const isPart = hint === partOfHead(parent);
      if (isPart || parents.every(({ compaction }) => compaction.hints.includes(hint))) hints.add(hint);
    }
  }
  return {
    ulid,
    minTime,
    maxTime,
    compaction: {
      level: level + 1,
      sources: [...sources].sort(),
      deletable: false,
      parents: parents.map((meta) => ({ ulid: meta.ulid, minTime: meta.minTime, maxTime: meta.maxTime })),
      failed: false,
      hints: [...hints],
    },
  };
}

function mark(fs: FileSystem, path: string, change: { deletable?: boolean; failed?: boolean }): void {
  const meta = readBlockMeta(fs, path);
  writeBlockMeta(fs, path, { ...meta, compaction: { ...meta.compaction, ...change } });
}

/** Walks over the series of all sources in the order of labels. */
class SeriesMerger {
  readonly #sources: readonly CompactionSource[];
  readonly #positions: number[];
  readonly #heads: (Labels | undefined)[];
  readonly #lists: ChunkList[];
  readonly #merger: ChunkMerger;

  constructor(sources: readonly CompactionSource[], floats: FloatEncoding | undefined) {
    this.#sources = sources;
    this.#merger = new ChunkMerger(floats);
    this.#positions = sources.map(() => 0);
    this.#heads = sources.map((source) => (source.seriesCount > 0 ? source.labels(0) : undefined));
    this.#lists = sources.map(() => new ChunkList());
  }

  /** Fills `into` with the next series' chunks and returns its labels; undefined at the end. */
  next(into: ChunkList): Labels | undefined {
    let least: Labels | undefined;
    for (const head of this.#heads) {
      if (head !== undefined && (least === undefined || Labels.compare(head, least) < 0)) least = head;
    }
    if (least === undefined) return undefined;
    this.#merger.begin();
    for (const [s, source] of this.#sources.entries()) {
      const head = this.#heads[s];
      if (head === undefined || !head.equals(least)) continue;
      const position = this.#positions[s] as number;
      const list = this.#lists[s] as ChunkList;
      source.chunks(position, list);
      this.#merger.add(list, source.deleted(position));
      this.#positions[s] = position + 1;
      this.#heads[s] = position + 1 < source.seriesCount ? source.labels(position + 1) : undefined;
    }
    into.clear();
    this.#merger.finish(into);
    return least;
  }
}

interface Piece {
  readonly list: ChunkList;
  readonly index: number;
  readonly minTime: number;
  readonly maxTime: number;
  /** Ranges that take something out of this chunk. */
  readonly deleted: readonly number[] | undefined;
}

/** Joins one series' chunks from several lists. */
class ChunkMerger {
  readonly #pieces: Piece[] = [];
  readonly #buffer = new SampleBuffer(1024);
  readonly #floats: FloatEncoding | undefined;

  constructor(floats: FloatEncoding | undefined) {
    this.#floats = floats;
  }

  begin(): void {
    this.#pieces.length = 0;
  }

  add(list: ChunkList, deleted: readonly number[] | undefined): void {
    for (let i = 0; i < list.count; i++) {
      const minTime = list.minTimes[i] as number;
      const maxTime = list.maxTimes[i] as number;
      if (deleted !== undefined && isDeleted(deleted, minTime, maxTime)) continue;
      const touched = deleted !== undefined && touches(deleted, minTime, maxTime);
      this.#pieces.push({ list, index: i, minTime, maxTime, deleted: touched ? deleted : undefined });
    }
  }

  finish(into: ChunkList): void {
    const pieces = this.#pieces.sort((a, b) => a.minTime - b.minTime);
    for (let from = 0; from < pieces.length; ) {
      let to = from + 1;
      let { maxTime } = pieces[from] as Piece;
      while (to < pieces.length && (pieces[to] as Piece).minTime <= maxTime) {
        maxTime = Math.max(maxTime, (pieces[to] as Piece).maxTime);
        to++;
      }
      this.#join(pieces, from, to, into);
      from = to;
    }
  }

  #join(pieces: readonly Piece[], from: number, to: number, into: ChunkList): void {
    const first = pieces[from] as Piece;
    if (to === from + 1 && first.deleted === undefined) {
      const { list, index } = first;
      const { bytes } = list.data;
      const encoding = list.encodings[index] as number;
      into.add(first.minTime, first.maxTime, encoding, bytes, list.starts[index] as number, list.ends[index] as number);
      return;
    }
    const buffer = this.#buffer;
    buffer.clear();
    const integers = new Set<FloatHistogramFields>();
    for (let p = from; p < to; p++) {
      const { list, index, deleted } = pieces[p] as Piece;
      const middle = buffer.count;
      const encoding = list.encodings[index] as number;
      const start = list.starts[index] as number;
      const end = list.ends[index] as number;
      const everything = Number.POSITIVE_INFINITY;
      if (!decodeChunk(encoding, list.data.bytes, start, end, -everything, everything, buffer)) {
        throw new ChunkError(`chunk of encoding ${encoding} cannot be decoded`);
      }
      if (hasIntegers(encoding)) {
        for (let i = middle; i < buffer.count; i++) {
          const histogram = buffer.histograms?.[i];
          if (histogram !== undefined) integers.add(histogram);
        }
      }
      if (deleted !== undefined) dropDeleted(buffer, middle, deleted);
      mergeRuns(buffer, 0, middle);
    }
    encodeChunks(buffer, 0, buffer.count, integers, into, this.#floats);
  }
}

function touches(ranges: readonly number[], minTime: number, maxTime: number): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    if ((ranges[i] as number) <= maxTime && (ranges[i + 1] as number) >= minTime) return true;
  }
  return false;
}

/** A snapshot of a block: its files under a second name in `target` (on the same disk). */
export function linkBlock(fs: FileSystem, path: string, target: string): void {
  for (const name of fs.list(path)) {
    const from = joinPath(path, name);
    const to = joinPath(target, name);
    if (fs.kind(from) === "directory") linkBlock(fs, from, to);
    else {
      fs.mkdir(target);
      fs.link(from, to);
    }
  }
}
