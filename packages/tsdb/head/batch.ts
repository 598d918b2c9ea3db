// Samples of one transaction that wait for its commit, side by side.
import type { HistogramEntry } from "../wal/histogram-record.ts";
import { PendingExtras } from "./pending-extras.ts";

/** Arrays beyond this capacity are not kept for the next transaction. */
const KEPT_CAPACITY = 262_144;

export class Batch {
  count = 0;
  /** Histograms, exemplars and metadata. Undefined until the first one. */
  extras: PendingExtras | undefined = undefined;
  /** Samples that are not newer than their series: they go to the out-of-order chunks. Undefined until the first one. */
  late: Batch | undefined = undefined;
  /** Histograms that come late. Undefined until the first one. */
  lateHistograms: HistogramEntry[] | undefined = undefined;
  /** What the head had seen when the transaction began: commits so far, and the oldest time it took. */
  commits = 0;
  minValidTime = 0;
  refs: Uint32Array = new Uint32Array(256);
  records: Uint32Array = new Uint32Array(256);
  times: Float64Array = new Float64Array(256);
  /** Value bits, low half first. */
  halves: Uint32Array = new Uint32Array(512);
  /** Start timestamps of floats and histograms alike, 0 where unknown. Undefined until the first one. */
  startTimes: Float64Array | undefined = undefined;

  /** Sets the start timestamp of the sample at a position, which is one of the last. */
  setStartTime(at: number, startTime: number): void {
    if (this.startTimes === undefined) {
      if (startTime === 0) return;
      this.startTimes = new Float64Array(this.refs.length);
    }
    this.startTimes[at] = startTime;
  }

  /** Makes the batch empty, for another transaction. */
  clear(): void {
    this.count = 0;
    this.extras = undefined;
    this.lateHistograms = undefined;
    this.startTimes = undefined;
    this.late?.clear();
  }

  /** Where histograms, exemplars and metadata go. */
  withExtras(): PendingExtras {
    this.extras ??= new PendingExtras();
    return this.extras;
  }

  /** Makes room for `extra` more samples. */
  reserve(extra: number): void {
    const needed = this.count + extra;
    if (needed <= this.refs.length) return;
    const capacity = Math.max(needed, this.refs.length * 2);
    this.refs = grown(this.refs, new Uint32Array(capacity));
    this.records = grown(this.records, new Uint32Array(capacity));
    this.halves = grown(this.halves, new Uint32Array(capacity * 2));
    const times = new Float64Array(capacity);
    times.set(this.times);
    this.times = times;
    if (this.startTimes !== undefined) {
      const startTimes = new Float64Array(capacity);
      startTimes.set(this.startTimes);
      this.startTimes = startTimes;
    }
  }

  get hasLate(): boolean {
    return (this.late !== undefined && this.late.count > 0) || this.lateHistograms !== undefined;
  }

  /** Whether the arrays are worth keeping for the next transaction. */
  get isReusable(): boolean {
    return this.refs.length <= KEPT_CAPACITY && (this.late?.refs.length ?? 0) <= KEPT_CAPACITY;
  }
}

function grown(from: Uint32Array, into: Uint32Array): Uint32Array {
  into.set(from);
  return into;
}
