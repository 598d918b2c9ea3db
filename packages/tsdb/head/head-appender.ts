// One transaction on the head: checks samples as they come, keeps them, hands them to the head on commit.
import type { Exemplar, FloatHistogramFields, Labels, Metadata } from "@narthex/model";
import {
  CUSTOM_BUCKETS_SCHEMA,
  compareStrings,
  histogramsEqual,
  isStaleNumber,
  NORMAL_NAN_HIGH,
  NORMAL_NAN_LOW,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
  validateHistogram,
} from "@narthex/model";
import { Append, type Appender, InvalidLabelsError, type LabelBytes, type SeriesRef } from "@narthex/storage";
import { isWellFormed } from "../chunk/bucket-layout.ts";
import type { HistogramSample } from "../chunk/histogram-encoder.ts";
import { storableStartTime } from "../chunk/start-time.ts";
import { RECORD_WORDS, REF_PAGE } from "../memory/layout.ts";
import type { Batch } from "./batch.ts";
import type { Head } from "./head.ts";
import type { PendingHistogram } from "./pending-extras.ts";
import { FORM_MASK, KIND_MASK, Kind, PENDING_SHIFT, Rec } from "./record.ts";

const scratch = new Float64Array(1);
const scratchHalves = new Uint32Array(scratch.buffer);

export class HeadAppender implements Appender {
  readonly #head: Head;
  readonly #batch: Batch;
  #minValidTime: number;
  /** What counts as the newest time of a head that has no sample. */
  #firstTime = -Infinity;
  #closed = false;
  readonly #inOrderOnly: boolean;

  /** Made by `Head.appender`. */
  constructor(head: Head, batch: Batch, minValidTime: number, inOrderOnly = false) {
    this.#inOrderOnly = inOrderOnly;
    this.#head = head;
    this.#batch = batch;
    this.#minValidTime = minValidTime;
  }

  series(labels: Labels, always = false): SeriesRef {
    this.#assertOpen();
    checkLabels(labels);
    return this.#head.seriesRef(labels, always);
  }

  seriesOfBytes(labels: LabelBytes): SeriesRef {
    this.#assertOpen();
    const ref = this.#head.seriesRefByKernels(labels);
    if (ref !== 0) return ref;
    // What is wrong with them is told of the strings.
    if (labels.count === 0 || labels.firstFault() >= 0) checkLabels(labels.toLabels());
    return this.#head.seriesRefOfBytes(labels);
  }

  append(ref: SeriesRef, t: number, value: number, startTime = 0): Append {
    scratch[0] = value;
    // A NaN that came through arithmetic has no reliable bits: it is stored as the ordinary one.
    if (Number.isNaN(value)) return this.#add(ref, t, NORMAL_NAN_HIGH, NORMAL_NAN_LOW, startTime);
    return this.#add(ref, t, scratchHalves[1], scratchHalves[0], startTime);
  }

  appendStale(ref: SeriesRef, t: number): Append {
    return this.#add(ref, t, STALE_NAN_HIGH, STALE_NAN_LOW, 0);
  }

  appendBits(ref: SeriesRef, t: number, high: number, low: number, startTime = 0): Append {
    return this.#add(ref, t, high >>> 0, low >>> 0, startTime);
  }

  appendBatch(
    refs: Uint32Array,
    halves: Uint32Array,
    count: number,
    t: number,
    verdicts: Uint8Array,
    startTimes?: Float64Array,
  ): number {
    this.#assertOpen();
    if (startTimes !== undefined && this.#head.keepsStartTimes) {
      return this.#addEach(refs, halves, count, t, verdicts, startTimes);
    }
    const minValid = this.#boundFor(t);
    const timeVerdict = !Number.isSafeInteger(t) ? Append.unsupported : t < minValid ? Append.outOfBounds : Append.ok;
    if (timeVerdict === Append.outOfBounds && this.#head.outOfOrder.windowMs > 0) {
      return this.#takeLate(refs, halves, count, t, verdicts);
    }
    if (timeVerdict !== Append.ok) {
      verdicts.fill(timeVerdict, 0, count);
      this.#head.count(timeVerdict, count);
      return count;
    }
    const batch = this.#batch;
    batch.reserve(count);
    const { memory } = this.#head;
    const { arena, refs: pages, series, seriesFloats } = memory;
    const { refs: keptRefs, records, times, halves: keptHalves } = batch;
    const before = batch.count;
    let kept = before;
    let refused = 0;
    for (let i = 0; i < count; i++) {
      const ref = refs[i];
      const record = arena[pages[ref >>> 7] + (ref & (REF_PAGE - 1))];
      const base = record * RECORD_WORDS;
      const last = seriesFloats[(base + Rec.lastTime) >> 1];
      const mark = series[base + Rec.kind];
      const pending = mark >>> PENDING_SHIFT;
      if ((mark & KIND_MASK) !== Kind.float || batch.extras !== undefined) {
        // Histograms stand before it, or may: then it is no usual float.
        batch.count = kept;
        const verdict = this.#add(ref, t, halves[2 * i + 1], halves[2 * i], 0);
        kept = batch.count;
        verdicts[i] = verdict;
        if (verdict !== Append.ok) refused++;
        continue;
      }
      // Record 0 is all zeros; an unknown ref is told from a late sample by `#refusal`.
      if (record === 0 || !(t > last) || (pending < kept && records[pending] === record && times[pending] >= t)) {
        batch.count = kept;
        const verdict = this.#refusal(record, t, halves[2 * i + 1], halves[2 * i], 0);
        verdicts[i] = verdict;
        if (verdict === Append.ok) continue;
        refused++;
        this.#head.count(verdict, 1);
        continue;
      }
      verdicts[i] = Append.ok;
      series[base + Rec.kind] = ((kept << PENDING_SHIFT) | (mark & FORM_MASK)) >>> 0;
      keptRefs[kept] = ref;
      records[kept] = record;
      times[kept] = t;
      keptHalves[2 * kept] = halves[2 * i];
      keptHalves[2 * kept + 1] = halves[2 * i + 1];
      kept++;
    }
    batch.startTimes?.fill(0, before, kept);
    batch.count = kept;
    return refused;
  }

  /** Malformed histograms are `unsupported`: `validateHistogram` says why. The histogram must not change before the commit. */
  appendHistogram(ref: SeriesRef, t: number, histogram: FloatHistogramFields, integer: boolean, startTime = 0): Append {
    this.#assertOpen();
    const kept = startTime !== 0 && this.#head.keepsStartTimes ? storableStartTime(t, startTime) : 0;
    const verdict = this.#histogramVerdict(ref, t, histogram, integer, kept);
    if (verdict !== Append.ok) this.#head.count(verdict, 1, true);
    return verdict;
  }

  /** A repetition of the series' newest exemplar is `duplicate`; `unsupported` when exemplars are not kept, or its labels too long. */
  appendExemplar(ref: SeriesRef, exemplar: Exemplar): Append {
    this.#assertOpen();
    if (this.#head.recordOf(ref) === 0) return Append.unknownRef;
    const verdict = this.#head.exemplars.verdict(ref, exemplar);
    if (verdict === Append.ok) this.#batch.withExtras().exemplars.push({ ref, exemplar });
    else if (verdict === Append.outOfOrder) this.#head.exemplars.outOfOrder++;
    return verdict;
  }

  updateMetadata(ref: SeriesRef, metadata: Metadata): void {
    this.#assertOpen();
    const record = this.#head.recordOf(ref);
    if (record === 0 || this.#head.metadata.isKnown(record, metadata)) return;
    this.#batch.withExtras().metadata.push({ ref, metadata });
  }

  commit(): void {
    this.#assertOpen();
    this.#closed = true;
    this.#head.commit(this.#batch);
  }

  rollback(): void {
    this.#assertOpen();
    this.#closed = true;
    this.#head.rollback(this.#batch);
  }

  #add(ref: SeriesRef, t: number, high: number, low: number, startTime: number): Append {
    this.#assertOpen();
    const kept = startTime !== 0 && this.#head.keepsStartTimes ? storableStartTime(t, startTime) : 0;
    const verdict = this.#verdict(ref, t, high, low, kept);
    if (verdict !== Append.ok) this.#head.count(verdict, 1);
    return verdict;
  }

  #verdict(ref: SeriesRef, t: number, high: number, low: number, startTime: number): Append {
    if (!Number.isSafeInteger(t)) return Append.unsupported;
    if (t < this.#boundFor(t)) return this.#late(ref, this.#head.recordOf(ref), t, high, low, startTime);
    const record = this.#head.recordOf(ref);
    const newest = record === 0 ? Infinity : this.#newestTime(record);
    if (!(t > newest)) return this.#refusal(record, t, high, low, startTime);
    const { extras } = this.#batch;
    const before = this.#pendingOf(record, this.#head.memory.series[record * RECORD_WORDS + Rec.kind]);
    const pending = before < 0 ? undefined : extras?.histograms.get(before);
    const kind = this.#kindOf(record, before);
    if (kind !== Kind.float && high === STALE_NAN_HIGH && low === STALE_NAN_LOW) {
      // The end of a series of histograms is a histogram, too.
      this.#take(ref, record, t, high, low, startTime);
      this.#batch.withExtras().add(this.#batch.count - 1, undefined, kind === Kind.histogram);
      return Append.ok;
    }
    if (pending !== undefined && extras !== undefined && before >= extras.groupStart)
      extras.groups.push(this.#batch.count);
    this.#take(ref, record, t, high, low, startTime);
    return Append.ok;
  }

  #histogramVerdict(
    ref: SeriesRef,
    t: number,
    histogram: FloatHistogramFields,
    integer: boolean,
    startTime: number,
  ): Append {
    if (!Number.isSafeInteger(t)) return Append.unsupported;
    if (t < this.#boundFor(t)) return this.#lateHistogram(ref, t, histogram, integer, startTime);
    if (isStaleNumber(histogram.sum)) {
      // Marked so by its sum: nothing else of it counts.
      return this.#placeHistogram(ref, t, undefined, integer, startTime);
    }
    if (!isStorable(histogram, integer)) return Append.unsupported;
    return this.#placeHistogram(ref, t, histogram, integer, startTime);
  }

  #placeHistogram(ref: SeriesRef, t: number, sample: HistogramSample, integer: boolean, startTime: number): Append {
    const record = this.#head.recordOf(ref);
    if (record === 0) return Append.unknownRef;
    const newest = this.#newestTime(record);
    const before = this.#pendingOf(record, this.#head.memory.series[record * RECORD_WORDS + Rec.kind]);
    if (t < newest) {
      return sample === undefined
        ? this.#late(ref, record, t, STALE_NAN_HIGH, STALE_NAN_LOW, startTime)
        : this.#lateHistogram(ref, t, sample, integer, startTime);
    }
    if (t === newest) return this.#isSameHistogram(record, before, sample) ? Append.ok : Append.duplicate;
    const extras = this.#batch.withExtras();
    const pending = before < 0 ? undefined : extras.histograms.get(before);
    if (pending !== undefined && before >= extras.groupStart && logKind(pending) !== logKind({ sample, integer })) {
      extras.groups.push(this.#batch.count);
    }
    const isMarker = sample === undefined;
    this.#take(ref, record, t, isMarker ? STALE_NAN_HIGH : 0, isMarker ? STALE_NAN_LOW : 0, startTime);
    extras.add(this.#batch.count - 1, sample, integer);
    return Append.ok;
  }

  #take(ref: number, record: number, t: number, high: number, low: number, startTime: number): void {
    const batch = this.#batch;
    batch.reserve(1);
    const at = batch.count++;
    batch.refs[at] = ref;
    batch.records[at] = record;
    batch.times[at] = t;
    batch.halves[2 * at] = low;
    batch.halves[2 * at + 1] = high;
    batch.setStartTime(at, startTime);
    const mark = record * RECORD_WORDS + Rec.kind;
    const { series } = this.#head.memory;
    series[mark] = ((at << PENDING_SHIFT) | (series[mark] & FORM_MASK)) >>> 0;
  }

  /** Kind of a series' newest sample; `pending` is where it stands in the batch, if it does. */
  #kindOf(record: number, pending: number): number {
    if (pending < 0) return this.#head.memory.series[record * RECORD_WORDS + Rec.kind] & KIND_MASK;
    const histogram = this.#batch.extras?.histograms.get(pending);
    return histogram === undefined ? Kind.float : histogram.integer ? Kind.histogram : Kind.floatHistogram;
  }

  /** Whether a series' newest sample is the same as this one of the same time. */
  #isSameHistogram(record: number, pending: number, sample: HistogramSample): boolean {
    if (pending >= 0) {
      const histogram = this.#batch.extras?.histograms.get(pending);
      if (histogram === undefined) return false;
      if (sample === undefined || histogram.sample === undefined) return sample === histogram.sample;
      return histogramsEqual(sample, histogram.sample);
    }
    const newest = this.#head.newestHistogram(record);
    if (newest === undefined) return false;
    return sample === undefined || newest.stale ? sample === undefined && newest.stale : newest.isLast(sample);
  }

  /** Time of a series' newest sample, whether stored or pending here. */
  #newestTime(record: number): number {
    const { series, seriesFloats } = this.#head.memory;
    const base = record * RECORD_WORDS;
    const stored = seriesFloats[(base + Rec.lastTime) >> 1];
    const pending = this.#pendingOf(record, series[base + Rec.kind]);
    return pending < 0 ? stored : Math.max(stored, this.#batch.times[pending]);
  }

  /** Where the series' newest pending sample stands in the batch, -1 when there is none. */
  #pendingOf(record: number, mark: number): number {
    const at = mark >>> PENDING_SHIFT;
    return at < this.#batch.count && this.#batch.records[at] === record ? at : -1;
  }

  /** What to say of a sample that is not newer than its series: exact repetitions are silently taken. */
  #refusal(record: number, t: number, high: number, low: number, startTime: number): Append {
    if (record === 0 || record === undefined) return Append.unknownRef;
    if (t !== this.#newestTime(record)) {
      return this.#late(this.#head.table.refOf(record), record, t, high, low, startTime);
    }
    const { series } = this.#head.memory;
    const base = record * RECORD_WORDS;
    const pending = this.#pendingOf(record, series[base + Rec.kind]);
    // Only a stale marker is the same among histograms as among floats; other histograms have no such bits.
    if (this.#kindOf(record, pending) !== Kind.float && !(high === STALE_NAN_HIGH && low === STALE_NAN_LOW)) {
      return Append.duplicate;
    }
    const { halves } = this.#batch;
    const isSame =
      pending < 0
        ? series[base + Rec.lastLow] === low && series[base + Rec.lastHigh] === high
        : halves[2 * pending] === low && halves[2 * pending + 1] === high;
    return isSame ? Append.ok : Append.duplicate;
  }

  /** A sample that is not newer than its series, or older than what is taken in order: the out-of-order window decides. */
  #late(ref: number, record: number, t: number, high: number, low: number, startTime: number): Append {
    const { times, outOfOrder } = this.#head;
    const newest = Math.max(times.max, this.#firstTime);
    if (this.#inOrderOnly && outOfOrder.windowMs > 0) return this.#lateInOrder(t, newest);
    return outOfOrder.take(this.#batch, ref, record, t, high, low, startTime, newest, t < this.#minValidTime);
  }

  /** Why a late sample is not taken, though there is a window for others. */
  #lateInOrder(t: number, newest: number): Append {
    return t < newest - this.#head.outOfOrder.windowMs ? Append.tooOld : Append.outOfOrder;
  }

  #lateHistogram(ref: number, t: number, histogram: FloatHistogramFields, integer: boolean, startTime: number): Append {
    const record = this.#head.recordOf(ref);
    if (isStaleNumber(histogram.sum)) return this.#late(ref, record, t, STALE_NAN_HIGH, STALE_NAN_LOW, startTime);
    if (!isStorable(histogram, integer)) return Append.unsupported;
    const maxTime = Math.max(this.#head.times.max, this.#firstTime);
    if (this.#inOrderOnly && this.#head.outOfOrder.windowMs > 0) return this.#lateInOrder(t, maxTime);
    const entry = { ref, t, integer, histogram, stale: false, startTime };
    return this.#head.outOfOrder.takeHistogram(this.#batch, entry, record, maxTime, t < this.#minValidTime);
  }

  /** `appendBatch` with start timestamps that are kept. */
  #addEach(
    refs: Uint32Array,
    halves: Uint32Array,
    count: number,
    t: number,
    verdicts: Uint8Array,
    startTimes: Float64Array,
  ): number {
    let refused = 0;
    this.#batch.reserve(count);
    for (let i = 0; i < count; i++) {
      const verdict = this.#add(refs[i], t, halves[2 * i + 1], halves[2 * i], startTimes[i]);
      verdicts[i] = verdict;
      if (verdict !== Append.ok) refused++;
    }
    return refused;
  }

  /** `appendBatch` for a time before the bound. */
  #takeLate(refs: Uint32Array, halves: Uint32Array, count: number, t: number, verdicts: Uint8Array): number {
    let refused = 0;
    for (let i = 0; i < count; i++) {
      const verdict = this.#late(refs[i], this.#head.recordOf(refs[i]), t, halves[2 * i + 1], halves[2 * i], 0);
      verdicts[i] = verdict;
      if (verdict === Append.ok) continue;
      refused++;
      this.#head.count(verdict, 1);
    }
    return refused;
  }

  /** An empty head takes its bounds from the first sample it is given. */
  #boundFor(t: number): number {
    if (this.#minValidTime === -Infinity) {
      this.#minValidTime = this.#head.boundFrom(t);
      this.#firstTime = t;
    }
    return this.#minValidTime;
  }

  #assertOpen(): void {
    if (this.#closed) throw new Error("appender closed");
  }
}

/** Whether a chunk can hold the histogram, unchanged. */
function isStorable(histogram: FloatHistogramFields, integer: boolean): boolean {
  if (validateHistogram(histogram, integer) !== undefined || !isWellFormed(histogram)) return false;
  const { positiveBuckets, negativeBuckets } = histogram;
  if (!integer) return true;
  if (!Number.isSafeInteger(histogram.count) || !Number.isSafeInteger(histogram.zeroCount)) return false;
  return positiveBuckets.every(Number.isSafeInteger) && negativeBuckets.every(Number.isSafeInteger);
}

/** Which of the log's records a histogram goes to. */
function logKind({ sample, integer }: PendingHistogram): number {
  return (integer ? 0 : 2) + (sample?.schema === CUSTOM_BUCKETS_SCHEMA ? 1 : 0);
}

/** Throws an `InvalidLabelsError` unless the labels can name a series. */
export function checkLabels(labels: Labels): void {
  const { pairs } = labels;
  if (pairs.length === 0) throw new InvalidLabelsError("empty labelset: invalid sample");
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] === "") throw new InvalidLabelsError("a label name is empty: invalid sample");
    if (pairs[i + 1] === "") throw new InvalidLabelsError(`label "${pairs[i]}" has no value: invalid sample`);
    if (i === 0) continue;
    const order = compareStrings(pairs[i - 2] as string, pairs[i] as string);
    if (order === 0) throw new InvalidLabelsError(`label name "${pairs[i]}" is not unique: invalid sample`);
    if (order > 0) throw new InvalidLabelsError(`label "${pairs[i]}" is not in order: invalid sample`);
  }
}
