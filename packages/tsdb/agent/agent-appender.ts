// One transaction on a storage that keeps no samples: what is new enough is logged at the commit.
import type { ByteWriter } from "@narthex/encoding";
import {
  type Exemplar,
  type FloatHistogramFields,
  isStaleNumber,
  type Labels,
  type Metadata,
  NORMAL_NAN_HIGH,
  NORMAL_NAN_LOW,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
  validateHistogram,
} from "@narthex/model";
import { Append, type Appender, type LabelBytes, type SeriesRef } from "@narthex/storage";
import { checkLabels } from "../head/head-appender.ts";
import type { ExemplarEntry, MetadataEntry } from "../wal/entry-records.ts";
import type { HistogramEntry } from "../wal/histogram-record.ts";

const scratch = new Float64Array(1);
const scratchHalves = new Uint32Array(scratch.buffer);

/** What a transaction has gathered. Used again by the next one. */
export class AgentBatch {
  count = 0;
  refs: Float64Array = new Float64Array(1024);
  times: Float64Array = new Float64Array(1024);
  /** Value bits, low half first. */
  halves: Uint32Array = new Uint32Array(2048);
  /** Milliseconds, 0 where unknown; undefined while all are. */
  startTimes: Float64Array | undefined = undefined;
  readonly histograms: HistogramEntry[] = [];
  readonly exemplars: ExemplarEntry[] = [];
  readonly metadata: MetadataEntry[] = [];
  /** Slots whose newest time was moved, and what it was: for a rollback. */
  readonly moved: number[] = [];

  clear(): void {
    this.count = 0;
    this.startTimes = undefined;
    this.histograms.length = 0;
    this.exemplars.length = 0;
    this.metadata.length = 0;
    this.moved.length = 0;
  }

  add(ref: number, t: number, high: number, low: number, startTime: number): void {
    if (this.count === this.refs.length) this.#grow();
    const at = this.count++;
    this.refs[at] = ref;
    this.times[at] = t;
    this.halves[2 * at] = low;
    this.halves[2 * at + 1] = high;
    if (startTime === 0 && this.startTimes === undefined) return;
    this.startTimes ??= new Float64Array(this.refs.length);
    this.startTimes[at] = startTime;
  }

  #grow(): void {
    const capacity = this.refs.length * 2;
    const larger = <T extends Float64Array | Uint32Array>(old: T, next: T): T => {
      next.set(old);
      return next;
    };
    this.refs = larger(this.refs, new Float64Array(capacity));
    this.times = larger(this.times, new Float64Array(capacity));
    this.halves = larger(this.halves, new Uint32Array(capacity * 2));
    if (this.startTimes !== undefined) this.startTimes = larger(this.startTimes, new Float64Array(capacity));
  }
}

/** What an appender needs of its storage. */
export interface AgentTarget {
  /** By slot: the newest time. */
  lastTimes(): Float64Array;
  slotOf(ref: SeriesRef): number;
  encode(labels: Labels): ByteWriter;
  encodeBytes(labels: LabelBytes): ByteWriter;
  /** The ref of the series with these encoded labels, made at need. */
  refOf(labels: ByteWriter): SeriesRef;
  readonly outOfOrderWindowMs: number;
  readonly keepsStartTimes: boolean;
  exemplarVerdict(ref: SeriesRef, exemplar: Exemplar): Append;
  isKnownMetadata(ref: SeriesRef, metadata: Metadata): boolean;
  countOutOfOrder(): void;
  /** Logs the batch. Throws when the log refuses. */
  commit(batch: AgentBatch): void;
  rollback(batch: AgentBatch): void;
}

/** A sample must be newer than the newest of its series, unless there is an out-of-order window. */
export class AgentAppender implements Appender {
  readonly #target: AgentTarget;
  readonly #batch: AgentBatch;
  #isClosed = false;

  constructor(target: AgentTarget, batch: AgentBatch) {
    this.#target = target;
    this.#batch = batch;
  }

  series(labels: Labels): SeriesRef {
    this.#assertOpen();
    checkLabels(labels);
    return this.#target.refOf(this.#target.encode(labels));
  }

  seriesOfBytes(labels: LabelBytes): SeriesRef {
    this.#assertOpen();
    if (labels.count === 0 || labels.firstFault() >= 0) checkLabels(labels.toLabels());
    return this.#target.refOf(this.#target.encodeBytes(labels));
  }

  append(ref: SeriesRef, t: number, value: number, startTime = 0): Append {
    scratch[0] = value;
    if (Number.isNaN(value)) return this.appendBits(ref, t, NORMAL_NAN_HIGH, NORMAL_NAN_LOW, startTime);
    return this.appendBits(ref, t, scratchHalves[1] as number, scratchHalves[0] as number, startTime);
  }

  appendStale(ref: SeriesRef, t: number): Append {
    return this.appendBits(ref, t, STALE_NAN_HIGH, STALE_NAN_LOW);
  }

  appendBits(ref: SeriesRef, t: number, high: number, low: number, startTime = 0): Append {
    this.#assertOpen();
    const verdict = this.#take(ref, t);
    if (verdict === Append.ok) {
      this.#batch.add(ref, t, high >>> 0, low >>> 0, this.#target.keepsStartTimes ? startTime : 0);
    }
    return verdict;
  }

  appendBatch(
    refs: Uint32Array,
    halves: Uint32Array,
    count: number,
    t: number,
    verdicts: Uint8Array,
    startTimes?: Float64Array,
  ): number {
    let refused = 0;
    for (let i = 0; i < count; i++) {
      const start = startTimes === undefined ? 0 : (startTimes[i] as number);
      const verdict = this.appendBits(
        refs[i] as number,
        t,
        halves[2 * i + 1] as number,
        halves[2 * i] as number,
        start,
      );
      verdicts[i] = verdict;
      if (verdict !== Append.ok) refused++;
    }
    return refused;
  }

  appendHistogram(ref: SeriesRef, t: number, histogram: FloatHistogramFields, integer: boolean, startTime = 0): Append {
    this.#assertOpen();
    const stale = isStaleNumber(histogram.sum);
    if (!stale && validateHistogram(histogram, integer) !== undefined) return Append.unsupported;
    const verdict = this.#take(ref, t);
    if (verdict !== Append.ok) return verdict;
    const kept = this.#target.keepsStartTimes ? startTime : 0;
    this.#batch.histograms.push({ ref, t, integer, histogram, stale, startTime: kept });
    return Append.ok;
  }

  appendExemplar(ref: SeriesRef, exemplar: Exemplar): Append {
    this.#assertOpen();
    if (this.#target.slotOf(ref) === 0) return Append.unknownRef;
    const verdict = this.#target.exemplarVerdict(ref, exemplar);
    if (verdict === Append.ok) this.#batch.exemplars.push({ ref, exemplar });
    return verdict;
  }

  updateMetadata(ref: SeriesRef, metadata: Metadata): void {
    this.#assertOpen();
    if (this.#target.slotOf(ref) === 0 || this.#target.isKnownMetadata(ref, metadata)) return;
    this.#batch.metadata.push({ ref, metadata });
  }

  commit(): void {
    this.#assertOpen();
    this.#isClosed = true;
    this.#target.commit(this.#batch);
  }

  rollback(): void {
    this.#assertOpen();
    this.#isClosed = true;
    this.#target.rollback(this.#batch);
  }

  /** Moves the newest time of a series up to that of a sample, unless the sample is refused. */
  #take(ref: SeriesRef, t: number): Append {
    if (!Number.isSafeInteger(t)) return Append.unsupported;
    const target = this.#target;
    const slot = target.slotOf(ref);
    if (slot === 0) return Append.unknownRef;
    const lastTimes = target.lastTimes();
    const last = lastTimes[slot] as number;
    if (t <= last - target.outOfOrderWindowMs) {
      target.countOutOfOrder();
      return Append.outOfOrder;
    }
    if (t > last) {
      this.#batch.moved.push(slot, last);
      lastTimes[slot] = t;
    }
    return Append.ok;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error("the appender was committed or rolled back");
  }
}
