// The head as a source of a block: the series with samples in a range that gets no more of them.
import type { Labels } from "@narthex/model";
import type { CompactionSource } from "../block/compaction-source.ts";
import type { ChunkList } from "../chunk/chunk-list.ts";
import { COLD_WORDS } from "../memory/layout.ts";
import { HeadDeletions } from "../tombstone/head-deletions.ts";
import { Tombstones } from "../tombstone/tombstones.ts";
import type { HeadView } from "./head-view.ts";
import { sortByLabels } from "./label-order.ts";
import { Cold } from "./record.ts";
import { matchingRecords } from "./series-filter.ts";
import { checkSnapshot, type Snapshot } from "./snapshots.ts";

/** Any thread. Throws `SnapshotExpiredError` when the snapshot was given up. */
export class HeadSource implements CompactionSource {
  readonly #view: HeadView;
  readonly #snapshot: Snapshot;
  readonly #minTime: number;
  readonly #maxTime: number;
  readonly #records: Uint32Array;
  /** Chunks may reach over the range's ends; what does is taken out like deleted samples. */
  readonly #outside: readonly number[];
  readonly #deletions: HeadDeletions;

  /** Samples with `minTime <= t <= maxTime`, of the series `only` if told; if more of them come meanwhile, they may be in it. */
  constructor(
    view: HeadView,
    snapshot: Snapshot,
    minTime: number,
    maxTime: number,
    deletions: HeadDeletions = HeadDeletions.none,
    only?: Uint32Array,
  ) {
    view.symbols.refresh();
    this.#view = view;
    this.#snapshot = snapshot;
    this.#minTime = minTime;
    this.#maxTime = maxTime;
    this.#deletions = deletions;
    this.#outside = [Number.MIN_SAFE_INTEGER, minTime - 1, maxTime + 1, Number.MAX_SAFE_INTEGER];
    const records = (only ?? matchingRecords(view.memory, view.symbols, [], snapshot.lastRef)).filter(
      (record) => view.lastTime(record, snapshot) >= minTime && view.firstTime(record) <= maxTime,
    );
    sortByLabels(view.memory, view.symbols, records);
    this.#records = records;
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
    this.#view.chunks(this.#records[index], this.#minTime, this.#maxTime, (minTime, maxTime, chunk) =>
      into.add(minTime, maxTime, chunk.encoding, chunk.bytes, chunk.start, chunk.end),
    );
    checkSnapshot(this.#view.memory.control, this.#snapshot);
  }

  deleted(index: number): readonly number[] {
    if (this.#deletions.count === 0) return this.#outside;
    const ranges = this.#deletions.get(this.#view.memory.cold[this.#records[index] * COLD_WORDS + Cold.ref]);
    if (ranges === undefined) return this.#outside;
    const all = new Tombstones();
    for (const deleted of [this.#outside, ranges]) {
      for (let i = 0; i < deleted.length; i += 2) all.add(0, deleted[i], deleted[i + 1]);
    }
    return all.get(0) as readonly number[];
  }
}

/** All names and values of the labels of some series, each once. */
export function* labelStrings(view: HeadView, records: Uint32Array): Iterable<string> {
  const { memory, symbols } = view;
  const { arena, cold } = memory;
  const pairs = new Set<number>();
  const names = new Set<number>();
  for (const record of records) {
    const list = cold[record * COLD_WORDS + Cold.labels];
    for (let i = 1; i <= arena[list]; i++) pairs.add(arena[list + i]);
  }
  for (const pair of pairs) {
    names.add(symbols.nameOfPair(pair));
    yield symbols.valueText(pair);
  }
  for (const name of names) yield symbols.nameText(name);
}
