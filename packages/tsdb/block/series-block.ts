// A block of series that come from elsewhere than the head: computed, or read from another format.
import { type FloatHistogramFields, Labels } from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";
import { ulid } from "ulid";
import type { ChunkList } from "../chunk/chunk-list.ts";
import type { FloatEncoding } from "../chunk/float-encoding.ts";
import { encodeChunks } from "../chunk/sample-encoder.ts";
import type { FileSystem } from "../fs/file-system.ts";
import { NodeFs } from "../fs/node-fs.ts";
import type { CompactionSource } from "./compaction-source.ts";
import { firstLevel, writeBlock } from "./compactor.ts";
import type { BlockMeta } from "./meta.ts";

/** A series and its samples, ascending. The buffer stays the caller's. */
export interface BlockSeries {
  readonly labels: Labels;
  readonly samples: SampleBuffer;
}

export interface SeriesBlockOptions {
  readonly fs?: FileSystem;
  readonly floats?: FloatEncoding;
}

/**
 * Writes one block with samples of `minTime <= t < maxTime` (milliseconds) into the data directory; it appears whole or not at
 * all. Label sets must differ. Returns its meta.json, undefined when there is no sample: then nothing was written.
 * Whoever runs the database on the directory has it look for blocks afterwards. Throws when the disk refuses.
 */
export function writeSeriesBlock(
  directory: string,
  minTime: number,
  maxTime: number,
  series: readonly BlockSeries[],
  { fs = new NodeFs(), floats = "xor" }: SeriesBlockOptions = {},
): BlockMeta | undefined {
  const filled = series.filter(({ samples }) => samples.count > 0).sort((a, b) => Labels.compare(a.labels, b.labels));
  if (filled.length === 0) return undefined;
  const id = ulid();
  const block = { ulid: id, minTime, maxTime, compaction: firstLevel(id) };
  return writeBlock(fs, directory, block, [new MemorySource(filled, floats)]);
}

const NO_INTEGERS: ReadonlySet<FloatHistogramFields> = new Set();

class MemorySource implements CompactionSource {
  readonly #series: readonly BlockSeries[];
  readonly #floats: FloatEncoding;

  constructor(series: readonly BlockSeries[], floats: FloatEncoding) {
    this.#series = series;
    this.#floats = floats;
  }

  get seriesCount(): number {
    return this.#series.length;
  }

  *symbols(): Generator<string> {
    for (const { labels } of this.#series) yield* labels.pairs;
  }

  labels(index: number): Labels {
    return (this.#series[index] as BlockSeries).labels;
  }

  chunks(index: number, into: ChunkList): void {
    const { samples } = this.#series[index] as BlockSeries;
    into.clear();
    encodeChunks(samples, 0, samples.count, NO_INTEGERS, into, this.#floats);
  }

  deleted(): undefined {
    return undefined;
  }
}
