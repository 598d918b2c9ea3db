// Which samples of the head a deletion takes: ranges of the series that pass its matchers.
import type { Matcher } from "@narthex/model";
import type { TombstoneEntry } from "../wal/entry-records.ts";
import type { HeadView } from "./head-view.ts";
import { matchingRecords } from "./series-filter.ts";
import type { Snapshot } from "./snapshots.ts";

/**
 * A range for each series that passes and has samples with `minTime <= t <= maxTime`, ascending by ref. As in the reference it
 * reaches from the series' first sample to its newest, not beyond: what is appended later stays. Late samples count as well. The snapshot must be live.
 */
export function stonesFor(
  view: HeadView,
  snapshot: Snapshot,
  minTime: number,
  maxTime: number,
  matchers: readonly Matcher[],
  refOf: (record: number) => number,
): TombstoneEntry[] {
  view.symbols.refresh();
  const stones: TombstoneEntry[] = [];
  for (const record of matchingRecords(view.memory, view.symbols, matchers, snapshot.lastRef)) {
    let oldest = view.firstTime(record);
    let newest = view.lastTime(record, snapshot);
    view.outOfOrder.spans(record, snapshot, (from, to) => {
      oldest = Math.min(oldest, from);
      newest = Math.max(newest, to);
    });
    const last = Math.min(maxTime, newest);
    const first = Math.max(minTime, oldest);
    if (first <= last) stones.push({ ref: refOf(record), minTime: first, maxTime: last });
  }
  return stones.sort((a, b) => a.ref - b.ref);
}
