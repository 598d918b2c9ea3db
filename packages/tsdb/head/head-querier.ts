// The head as a `Querier`, in any thread.
import { compareStrings, type Labels, type Matcher } from "@narthex/model";
import type { Names, Querier, SampleBuffer, SelectHints, SeriesSet } from "@narthex/storage";
import { COLD_WORDS } from "../memory/layout.ts";
import { HeadDeletions } from "../tombstone/head-deletions.ts";
import { dropDeleted } from "../tombstone/tombstones.ts";
import type { HeadView } from "./head-view.ts";
import { sortByLabels } from "./label-order.ts";
import { readPostings } from "./postings.ts";
import { Cold } from "./record.ts";
import { estimateMatching, matchingRecords } from "./series-filter.ts";
import { checkSnapshot, type Snapshot } from "./snapshots.ts";

/** Reads what one snapshot sees. Throws `SnapshotExpiredError` once the snapshot was given up. */
export class HeadQuerier implements Querier {
  readonly #view: HeadView;
  readonly #snapshot: Snapshot;
  readonly #minTime: number;
  readonly #maxTime: number;
  readonly #onClose: () => void;
  readonly #deletions: HeadDeletions;
  readonly #onlyLate: boolean;
  #closed = false;

  /** `onlyLate` says that of the head's samples none but late ones can lie in the range. */
  constructor(
    view: HeadView,
    snapshot: Snapshot,
    minTime: number,
    maxTime: number,
    onClose: () => void,
    deletions: HeadDeletions = HeadDeletions.none,
    onlyLate = false,
  ) {
    this.#view = view;
    this.#snapshot = snapshot;
    this.#minTime = minTime;
    this.#maxTime = maxTime;
    this.#onClose = onClose;
    this.#deletions = deletions;
    this.#onlyLate = onlyLate;
    view.symbols.refresh();
  }

  select(matchers: readonly Matcher[], hints?: SelectHints): SeriesSet {
    const records = this.#records(matchers);
    // Else they stand in the order in which they were created.
    if (hints?.anyOrder !== true) sortByLabels(this.#view.memory, this.#view.symbols, records);
    const limit = hints?.limit ?? 0;
    const wanted = limit > 0 && limit < records.length ? records.subarray(0, limit) : records;
    return new HeadSeriesSet(this.#view, this.#snapshot, wanted, this.#minTime, this.#maxTime, this.#deletions);
  }

  estimateSeries(matchers: readonly Matcher[]): number {
    return estimateMatching(this.#view.memory, this.#view.symbols, matchers);
  }

  labelNames(matchers: readonly Matcher[], limit = 0): Names {
    const { memory, symbols } = this.#view;
    const names = new Set<number>();
    if (this.#showsAll(matchers)) {
      for (let id = 1; id <= symbols.nameCount; id++) if (this.#isNameVisible(id)) names.add(id);
    } else {
      const { arena, cold } = memory;
      for (const record of this.#records(matchers)) {
        const list = cold[record * COLD_WORDS + Cold.labels];
        for (let i = 1; i <= arena[list]; i++) names.add(symbols.nameOfPair(arena[list + i]));
      }
    }
    return limited(
      [...names].map((id) => symbols.nameText(id)),
      limit,
    );
  }

  labelValues(name: string, matchers: readonly Matcher[], limit = 0): Names {
    const { memory, symbols } = this.#view;
    const nameId = symbols.nameId(name);
    if (nameId === 0) return { values: [], truncated: false };
    const values: string[] = [];
    if (this.#showsAll(matchers)) {
      for (let pair = symbols.newestPair(nameId); pair !== 0; pair = symbols.nextOfName(pair)) {
        if (this.#isPairVisible(pair)) values.push(symbols.valueText(pair));
      }
    } else {
      const { arena, cold } = memory;
      const pairs = new Set<number>();
      for (const record of this.#records(matchers)) {
        const list = cold[record * COLD_WORDS + Cold.labels];
        for (let i = 1; i <= arena[list]; i++) {
          if (symbols.nameOfPair(arena[list + i]) === nameId) pairs.add(arena[list + i]);
        }
      }
      for (const pair of pairs) values.push(symbols.valueText(pair));
    }
    return limited(values, limit);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose();
  }

  /** Whether names of all series are shown, without a look at their times. Few series come late: then only theirs are. */
  #showsAll(matchers: readonly Matcher[]): boolean {
    return matchers.length === 0 && !this.#onlyLate;
  }

  /** Records of series that pass and have samples in the range, as far as their first and last times tell. */
  #records(matchers: readonly Matcher[]): Uint32Array {
    checkSnapshot(this.#view.memory.control, this.#snapshot);
    const { memory, symbols } = this.#view;
    const records = matchingRecords(memory, symbols, matchers, this.#snapshot.lastRef);
    let kept = 0;
    for (const record of records) {
      const last = this.#view.lastTime(record, this.#snapshot);
      const first = this.#view.firstTime(record);
      let isWanted = last >= this.#minTime && last !== -Infinity && first <= this.#maxTime;
      if (!isWanted && memory.cold[record * COLD_WORDS + Cold.outOfOrder] !== 0) {
        isWanted = this.#view.outOfOrder.touches(record, this.#snapshot, this.#minTime, this.#maxTime);
      }
      if (isWanted) records[kept++] = record;
    }
    // What was read while the snapshot was given up may be anything.
    checkSnapshot(this.#view.memory.control, this.#snapshot);
    return records.subarray(0, kept);
  }

  #isNameVisible(nameId: number): boolean {
    const { symbols } = this.#view;
    for (let pair = symbols.newestPair(nameId); pair !== 0; pair = symbols.nextOfName(pair)) {
      if (this.#isPairVisible(pair)) return true;
    }
    return false;
  }

  /** Whether a pair's oldest series was there when the snapshot was taken: postings ascend. */
  #isPairVisible(pair: number): boolean {
    return readPostings(this.#view.memory, pair, this.#first, 0, 1) === 1 && this.#first[0] <= this.#snapshot.lastRef;
  }

  readonly #first = new Uint32Array(1);
}

class HeadSeriesSet implements SeriesSet {
  readonly warnings: readonly string[] = [];
  readonly #view: HeadView;
  readonly #snapshot: Snapshot;
  readonly #records: Uint32Array;
  readonly #minTime: number;
  readonly #maxTime: number;
  readonly #deletions: HeadDeletions;

  constructor(
    view: HeadView,
    snapshot: Snapshot,
    records: Uint32Array,
    minTime: number,
    maxTime: number,
    deletions: HeadDeletions,
  ) {
    this.#view = view;
    this.#snapshot = snapshot;
    this.#records = records;
    this.#minTime = minTime;
    this.#maxTime = maxTime;
    this.#deletions = deletions;
  }

  get count(): number {
    return this.#records.length;
  }

  labels(index: number): Labels {
    checkSnapshot(this.#view.memory.control, this.#snapshot);
    return this.#view.labels(this.#records[index]);
  }

  read(index: number, minTime: number, maxTime: number, into: SampleBuffer): void {
    const from = Math.max(minTime, this.#minTime);
    const to = Math.min(maxTime, this.#maxTime);
    const { control, cold } = this.#view.memory;
    const record = this.#records[index];
    const begin = into.count;
    checkSnapshot(control, this.#snapshot);
    try {
      this.#view.read(record, this.#snapshot, from, to, into);
      if (cold[record * COLD_WORDS + Cold.outOfOrder] !== 0) {
        this.#view.outOfOrder.merge(record, this.#snapshot, from, to, into, begin);
      }
      if (this.#deletions.count > 0) {
        const deleted = this.#deletions.get(cold[record * COLD_WORDS + Cold.ref]);
        if (deleted !== undefined) dropDeleted(into, begin, deleted);
      }
    } finally {
      // Slots may have been reused while we read, if the snapshot was given up: then nothing of it counts, no error either.
      checkSnapshot(control, this.#snapshot);
    }
  }
}

function limited(values: string[], limit: number): Names {
  values.sort(compareStrings);
  if (limit > 0 && values.length > limit) return { values: values.slice(0, limit), truncated: true };
  return { values, truncated: false };
}
