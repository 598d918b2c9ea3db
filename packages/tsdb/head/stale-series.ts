// Series that ended: their newest sample is a stale marker.
import { STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import { RECORD_WORDS } from "../memory/layout.ts";
import type { Head } from "./head.ts";
import type { HeadView } from "./head-view.ts";
import { COUNT_MASK, Rec } from "./record.ts";

/** Some series of the head, side by side: record, ref, and time of the newest sample. */
export interface HeadSeries {
  readonly records: Uint32Array;
  readonly refs: Uint32Array;
  readonly lastTimes: Float64Array;
}

/** How many series have ended. Looks at each of them. */
export function countStaleSeries(head: Head): number {
  let count = 0;
  for (let record = 1; record <= head.table.highIndex; record++) if (isStale(head, record)) count++;
  return count;
}

/** The series that have ended, without those that have late samples. */
export function staleSeries(head: Head): HeadSeries {
  const { table, memory } = head;
  const found: number[] = [];
  for (let record = 1; record <= table.highIndex; record++) {
    if (isStale(head, record) && !head.outOfOrder.chunks.has(record)) found.push(record);
  }
  return {
    records: Uint32Array.from(found),
    refs: Uint32Array.from(found, (record) => table.refOf(record)),
    lastTimes: Float64Array.from(found, (record) => memory.seriesFloats[(record * RECORD_WORDS + Rec.lastTime) >> 1]),
  };
}

/** Starts of the ranges (multiples of `rangeMs`) that have samples of these series, ascending. Any thread. */
export function rangesOf(view: HeadView, records: Uint32Array, rangeMs: number): number[] {
  const starts = new Set<number>();
  for (const record of records) {
    view.chunks(record, -Infinity, Infinity, (minTime, maxTime) => {
      for (let start = Math.floor(minTime / rangeMs) * rangeMs; start <= maxTime; start += rangeMs) starts.add(start);
    });
  }
  return [...starts].sort((a, b) => a - b);
}

/** For histograms the sum stands where floats have their value, and tells a stale marker as well. */
function isStale(head: Head, record: number): boolean {
  const { series } = head.memory;
  const base = record * RECORD_WORDS;
  return (
    series[base + Rec.lastHigh] === STALE_NAN_HIGH &&
    series[base + Rec.lastLow] === STALE_NAN_LOW &&
    (series[base + Rec.packed] & COUNT_MASK) > 0 &&
    head.table.isLive(record)
  );
}
