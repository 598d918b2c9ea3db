// Where a compaction takes its series from: blocks, or the head.
import type { Labels } from "@narthex/model";
import type { ChunkList } from "../chunk/chunk-list.ts";
import { IndexSeries } from "../index/index-reader.ts";
import type { Block } from "./block.ts";

/** Series in the order of their labels, with their chunks. */
export interface CompactionSource {
  readonly seriesCount: number;
  /** All strings that the labels are made of; more do no harm. */
  symbols(): Iterable<string>;
  labels(index: number): Labels;
  /** Replaces what is in `into` with the chunks of a series, ascending. */
  chunks(index: number, into: ChunkList): void;
  /** Deleted ranges of a series (first, last, first, last; ascending), undefined without any. */
  deleted(index: number): readonly number[] | undefined;
}

/** A block as a source. Reads in the order of the files, which is the order of series. */
export class BlockSource implements CompactionSource {
  readonly #block: Block;
  readonly #ids: Uint32Array;
  readonly #series = new IndexSeries();

  constructor(block: Block) {
    this.#block = block;
    this.#ids = block.index.allPostings();
  }

  get seriesCount(): number {
    return this.#ids.length;
  }

  symbols(): Iterable<string> {
    return this.#block.index.symbols;
  }

  labels(index: number): Labels {
    return this.#block.index.labels(this.#ids[index] as number);
  }

  chunks(index: number, into: ChunkList): void {
    into.clear();
    const series = this.#block.index.series(this.#ids[index] as number, this.#series);
    for (let i = 0; i < series.chunkCount; i++) {
      const chunk = this.#block.chunks.read(series.refs[i] as number);
      const minTime = series.minTimes[i] as number;
      into.add(minTime, series.maxTimes[i] as number, chunk.encoding, chunk.bytes, chunk.start, chunk.end);
    }
  }

  deleted(index: number): readonly number[] | undefined {
    return this.#block.tombstones.get(this.#ids[index] as number);
  }
}
