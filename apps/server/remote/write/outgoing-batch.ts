// Samples that leave in one remote write request.
import { type Exemplar, type FloatHistogramFields, STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";

const FIRST_CAPACITY = 256;

/** Entries side by side, in the order in which they came. A float, a histogram or an exemplar each is one entry. */
export class OutgoingBatch {
  /** When it was begun, counted over all batches of a queue. */
  sequence = 0;
  count = 0;
  /** How many of the entries are what. */
  samples = 0;
  histograms = 0;
  exemplars = 0;
  /** Slots of the series in the queue's `SeriesTable`. */
  slots: Uint32Array;
  /** Milliseconds. */
  times: Float64Array;
  /** Value bits, low half first; of histograms, those of the stale marker or zero. */
  halves: Uint32Array;
  /** Milliseconds, 0 where unknown; undefined while all are. */
  startTimes: Float64Array | undefined = undefined;
  /** By entry; undefined while there is none. */
  histogramOf: (FloatHistogramFields | undefined)[] | undefined = undefined;
  exemplarOf: (Exemplar | undefined)[] | undefined = undefined;
  readonly #capacity: number;
  #room: number;

  /** Takes `capacity` entries at most; memory is taken as they come. */
  constructor(capacity: number) {
    this.#capacity = capacity;
    this.#room = Math.min(FIRST_CAPACITY, capacity);
    this.slots = new Uint32Array(this.#room);
    this.times = new Float64Array(this.#room);
    this.halves = new Uint32Array(2 * this.#room);
  }

  get isFull(): boolean {
    return this.count === this.#capacity;
  }

  addFloat(slot: number, t: number, high: number, low: number, startTime: number): void {
    const at = this.#add(slot, t, startTime);
    this.halves[2 * at] = low;
    this.halves[2 * at + 1] = high;
    this.samples++;
  }

  /** `stale`: it is a stale marker, which its bits alone tell. */
  addHistogram(slot: number, t: number, histogram: FloatHistogramFields, startTime: number, stale = false): void {
    const at = this.#add(slot, t, startTime);
    this.histogramOf ??= [];
    this.histogramOf[at] = histogram;
    this.halves[2 * at] = stale ? STALE_NAN_LOW : 0;
    this.halves[2 * at + 1] = stale ? STALE_NAN_HIGH : 0;
    this.histograms++;
  }

  addExemplar(slot: number, exemplar: Exemplar): void {
    const at = this.#add(slot, exemplar.t, 0);
    this.exemplarOf ??= [];
    this.exemplarOf[at] = exemplar;
    this.exemplars++;
  }

  /** The newest time (milliseconds), -Infinity of an empty batch. */
  get maxTime(): number {
    let newest = Number.NEGATIVE_INFINITY;
    for (let i = 0; i < this.count; i++) newest = Math.max(newest, this.times[i] as number);
    return newest;
  }

  get minTime(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.count; i++) oldest = Math.min(oldest, this.times[i] as number);
    return oldest;
  }

  /** Leaves out entries older than `minTime`; returns how many they were. */
  dropBefore(minTime: number): number {
    let kept = 0;
    const { count, histogramOf, exemplarOf, startTimes } = this;
    for (let i = 0; i < count; i++) {
      if ((this.times[i] as number) < minTime) {
        if (exemplarOf?.[i] !== undefined) this.exemplars--;
        else if (histogramOf?.[i] !== undefined) this.histograms--;
        else this.samples--;
        continue;
      }
      this.slots[kept] = this.slots[i] as number;
      this.times[kept] = this.times[i] as number;
      if (startTimes !== undefined) startTimes[kept] = startTimes[i] as number;
      this.halves[2 * kept] = this.halves[2 * i] as number;
      this.halves[2 * kept + 1] = this.halves[2 * i + 1] as number;
      if (histogramOf !== undefined) histogramOf[kept] = histogramOf[i];
      if (exemplarOf !== undefined) exemplarOf[kept] = exemplarOf[i];
      kept++;
    }
    this.count = kept;
    if (histogramOf !== undefined) histogramOf.length = Math.min(histogramOf.length, kept);
    if (exemplarOf !== undefined) exemplarOf.length = Math.min(exemplarOf.length, kept);
    return count - kept;
  }

  /** Empties the batch for reuse. */
  clear(): void {
    this.count = 0;
    this.samples = 0;
    this.histograms = 0;
    this.exemplars = 0;
    this.startTimes = undefined;
    this.histogramOf = undefined;
    this.exemplarOf = undefined;
  }

  #add(slot: number, t: number, startTime: number): number {
    if (this.isFull) throw new RangeError("the batch is full");
    if (this.count === this.#room) this.#grow();
    const at = this.count++;
    this.slots[at] = slot;
    this.times[at] = t;
    if (startTime !== 0 || this.startTimes !== undefined) {
      this.startTimes ??= new Float64Array(this.#room);
      this.startTimes[at] = startTime;
    }
    return at;
  }

  #grow(): void {
    this.#room = Math.min(this.#capacity, this.#room * 2);
    const slots = new Uint32Array(this.#room);
    slots.set(this.slots);
    this.slots = slots;
    const times = new Float64Array(this.#room);
    times.set(this.times);
    this.times = times;
    const halves = new Uint32Array(2 * this.#room);
    halves.set(this.halves);
    this.halves = halves;
    if (this.startTimes === undefined) return;
    const startTimes = new Float64Array(this.#room);
    startTimes.set(this.startTimes);
    this.startTimes = startTimes;
  }
}

/** Where the run of floats that begins at `from` ends. */
export function floatsUntil({ count, histogramOf, exemplarOf }: OutgoingBatch, from: number): number {
  if (histogramOf === undefined && exemplarOf === undefined) return count;
  let to = from;
  while (to < count && histogramOf?.[to] === undefined && exemplarOf?.[to] === undefined) to++;
  return to;
}
