// Late samples as sources of blocks, one for each range of time.
import type { FloatHistogramFields, Labels } from "@narthex/model";
import type { CompactionSource } from "../block/compaction-source.ts";
import type { ChunkList } from "../chunk/chunk-list.ts";
import type { FloatEncoding } from "../chunk/float-encoding.ts";
import { encodeChunks } from "../chunk/sample-encoder.ts";
import { COLD_WORDS } from "../memory/layout.ts";
import { HeadDeletions } from "../tombstone/head-deletions.ts";
import { labelStrings } from "./head-source.ts";
import type { HeadView } from "./head-view.ts";
import { sortByLabels } from "./label-order.ts";
import { Cold } from "./record.ts";
import { matchingRecords } from "./series-filter.ts";
import { checkSnapshot, type Snapshot } from "./snapshots.ts";

/** The series that have late samples which the snapshot sees, in the order of their labels. */
export function lateRecords(view: HeadView, snapshot: Snapshot): Uint32Array {
  view.symbols.refresh();
  const { cold } = view.memory;
  const records = matchingRecords(view.memory, view.symbols, [], snapshot.lastRef).filter(
    (record) => cold[record * COLD_WORDS + Cold.outOfOrder] !== 0,
  );
  sortByLabels(view.memory, view.symbols, records);
  return records;
}

/** Starts of the ranges (multiples of `rangeMs`) that late samples of these series may lie in, ascending. */
export function lateRanges(view: HeadView, snapshot: Snapshot, records: Uint32Array, rangeMs: number): number[] {
  const starts = new Set<number>();
  for (const record of records) {
    view.outOfOrder.spans(record, snapshot, (first, last) => {
      for (let start = Math.floor(first / rangeMs) * rangeMs; start <= last; start += rangeMs) starts.add(start);
    });
  }
  return [...starts].sort((a, b) => a - b);
}

/** Any thread. Throws `SnapshotExpiredError` when the snapshot was given up. */
export class OutOfOrderSource implements CompactionSource {
  readonly #view: HeadView;
  readonly #snapshot: Snapshot;
  readonly #records: Uint32Array;
  readonly #minTime: number;
  readonly #maxTime: number;
  readonly #deletions: HeadDeletions;
  readonly #floats: FloatEncoding;

  /** Samples with `minTime <= t <= maxTime` of `records`, which are in the order of their labels; floats take the encoding `floats`. */
  constructor(
    view: HeadView,
    snapshot: Snapshot,
    records: Uint32Array,
    minTime: number,
    maxTime: number,
    deletions: HeadDeletions = HeadDeletions.none,
    floats: FloatEncoding = "xor",
  ) {
    this.#floats = floats;
    this.#view = view;
    this.#snapshot = snapshot;
    this.#minTime = minTime;
    this.#maxTime = maxTime;
    this.#deletions = deletions;
    this.#records = records.filter((record) => view.outOfOrder.touches(record, snapshot, minTime, maxTime));
  }

  get seriesCount(): number {
    return this.#records.length;
  }

  symbols(): Iterable<string> {
    return labelStrings(this.#view, this.#records);
  }

  labels(index: number): Labels {
    checkSnapshot(this.#view.memory.control, this.#snapshot);
    return this.#view.labels(this.#records[index]);
  }

  chunks(index: number, into: ChunkList): void {
    into.clear();
    const samples = this.#view.outOfOrder.read(this.#records[index], this.#snapshot, this.#minTime, this.#maxTime);
    checkSnapshot(this.#view.memory.control, this.#snapshot);
    const integers = new Set<FloatHistogramFields>();
    for (const histogram of samples.histograms ?? []) if (histogram?.integer === true) integers.add(histogram);
    encodeChunks(samples, 0, samples.count, integers, into, this.#floats);
  }

  deleted(index: number): readonly number[] | undefined {
    if (this.#deletions.count === 0) return undefined;
    return this.#deletions.get(this.#view.memory.cold[this.#records[index] * COLD_WORDS + Cold.ref]);
  }
}
