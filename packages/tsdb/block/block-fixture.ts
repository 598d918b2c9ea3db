// Small blocks for tests.
import { Labels, type Matcher } from "@narthex/model";
import { type Querier, SampleBuffer } from "@narthex/storage";
import type { ChunkList } from "../chunk/chunk-list.ts";
import { encodeChunks } from "../chunk/sample-encoder.ts";
import type { FileSystem } from "../fs/file-system.ts";
import type { CompactionSource } from "./compaction-source.ts";
import { firstLevel, writeBlock } from "./compactor.ts";
import type { BlockMeta } from "./meta.ts";

/** One series as tests write it: labels, and pairs of time and value. */
export interface TestSeries {
  readonly labels: Record<string, string>;
  readonly samples: readonly (readonly [number, number])[];
}

/** Test series as something that can be written as a block. */
export class TestSource implements CompactionSource {
  readonly #series: { labels: Labels; samples: readonly (readonly [number, number])[] }[];
  readonly #buffer = new SampleBuffer();

  constructor(series: readonly TestSeries[]) {
    this.#series = series
      .map(({ labels, samples }) => ({ labels: Labels.fromObject(labels), samples }))
      .sort((a, b) => Labels.compare(a.labels, b.labels));
  }

  get seriesCount(): number {
    return this.#series.length;
  }

  symbols(): string[] {
    return this.#series.flatMap(({ labels }) => labels.pairs);
  }

  labels(index: number): Labels {
    return this.#series[index]!.labels;
  }

  chunks(index: number, into: ChunkList): void {
    into.clear();
    this.#buffer.clear();
    for (const [t, value] of this.#series[index]!.samples) this.#buffer.pushFloat(t, value);
    encodeChunks(this.#buffer, 0, this.#buffer.count, new Set(), into);
  }

  deleted(): undefined {
    return undefined;
  }
}

let blocksMade = 0;

/** A name for a block: no two calls give the same. */
export function testUlid(): string {
  blocksMade++;
  return `01${String(blocksMade).padStart(24, "0")}`;
}

/** Writes a block and returns its meta.json and its path. */
export function writeTestBlock(
  fs: FileSystem,
  directory: string,
  series: readonly TestSeries[],
): { meta: BlockMeta; path: string } {
  let minTime = Number.POSITIVE_INFINITY;
  let maxTime = Number.NEGATIVE_INFINITY;
  for (const { samples } of series) {
    for (const [t] of samples) {
      minTime = Math.min(minTime, t);
      maxTime = Math.max(maxTime, t);
    }
  }
  const ulid = testUlid();
  const meta = writeBlock(fs, directory, { ulid, minTime, maxTime: maxTime + 1, compaction: firstLevel(ulid) }, [
    new TestSource(series),
  ]);
  if (meta === undefined) throw new Error("a test block needs samples");
  return { meta, path: `${directory}/${ulid}` };
}

/** Everything that a querier yields, as tests compare it: label text to pairs of time and value. */
export function dumpQuerier(
  querier: Querier,
  matchers: readonly Matcher[] = [],
  minTime = -1e15,
  maxTime = 1e15,
): Map<string, [number, number][]> {
  const found = new Map<string, [number, number][]>();
  const set = querier.select(matchers);
  const buffer = new SampleBuffer();
  for (let i = 0; i < set.count; i++) {
    buffer.clear();
    set.read(i, minTime, maxTime, buffer);
    const samples: [number, number][] = [];
    for (let s = 0; s < buffer.count; s++) samples.push([buffer.times[s]!, buffer.values[s]!]);
    found.set(JSON.stringify(set.labels(i).toObject()), samples);
  }
  return found;
}

/** A stream of numbers in [0, 1) that a seed determines. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
