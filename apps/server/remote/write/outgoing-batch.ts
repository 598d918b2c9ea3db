// Samples that leave in one remote write request.
import type { Exemplar, FloatHistogramFields, Metadata } from "@narthex/model";

/** One series as it is sent: after external labels and relabeling. Shared by all its samples. */
export interface OutgoingSeries {
  /** Name, value, name, value; sorted, without empty values. */
  readonly pairs: readonly string[];
  /** What is known of its family; version 2 sends it along. */
  readonly metadata: Metadata | undefined;
}

/** Entries side by side, in the order in which they came. A float, a histogram or an exemplar each is one entry. */
export class OutgoingBatch {
  count = 0;
  /** How many of the entries are what. */
  samples = 0;
  histograms = 0;
  exemplars = 0;
  readonly series: OutgoingSeries[] = [];
  /** Milliseconds. */
  readonly times: Float64Array;
  /** Value bits, low half first; of floats only. */
  readonly halves: Uint32Array;
  /** Milliseconds; 0 where unknown. */
  readonly startTimes: Float64Array;
  readonly histogramOf: (FloatHistogramFields | undefined)[] = [];
  readonly exemplarOf: (Exemplar | undefined)[] = [];

  /** Takes `capacity` entries at most. */
  constructor(capacity: number) {
    this.times = new Float64Array(capacity);
    this.halves = new Uint32Array(2 * capacity);
    this.startTimes = new Float64Array(capacity);
  }

  get isFull(): boolean {
    return this.count === this.times.length;
  }

  addFloat(series: OutgoingSeries, t: number, high: number, low: number, startTime: number): void {
    const at = this.#add(series, t, startTime);
    this.halves[2 * at] = low;
    this.halves[2 * at + 1] = high;
    this.samples++;
  }

  addHistogram(series: OutgoingSeries, t: number, histogram: FloatHistogramFields, startTime: number): void {
    this.histogramOf[this.#add(series, t, startTime)] = histogram;
    this.histograms++;
  }

  addExemplar(series: OutgoingSeries, exemplar: Exemplar): void {
    this.exemplarOf[this.#add(series, exemplar.t, 0)] = exemplar;
    this.exemplars++;
  }

  /** Leaves out entries older than `minTime`; returns how many they were. */
  dropBefore(minTime: number): number {
    let kept = 0;
    const { count } = this;
    for (let i = 0; i < count; i++) {
      if ((this.times[i] as number) < minTime) {
        if (this.exemplarOf[i] !== undefined) this.exemplars--;
        else if (this.histogramOf[i] !== undefined) this.histograms--;
        else this.samples--;
        continue;
      }
      this.series[kept] = this.series[i] as OutgoingSeries;
      this.times[kept] = this.times[i] as number;
      this.startTimes[kept] = this.startTimes[i] as number;
      this.halves[2 * kept] = this.halves[2 * i] as number;
      this.halves[2 * kept + 1] = this.halves[2 * i + 1] as number;
      this.histogramOf[kept] = this.histogramOf[i];
      this.exemplarOf[kept] = this.exemplarOf[i];
      kept++;
    }
    this.count = kept;
    this.series.length = kept;
    this.histogramOf.length = Math.min(this.histogramOf.length, kept);
    this.exemplarOf.length = Math.min(this.exemplarOf.length, kept);
    return count - kept;
  }

  /** Empties the batch for reuse. */
  clear(): void {
    this.count = 0;
    this.samples = 0;
    this.histograms = 0;
    this.exemplars = 0;
    this.series.length = 0;
    this.histogramOf.length = 0;
    this.exemplarOf.length = 0;
  }

  #add(series: OutgoingSeries, t: number, startTime: number): number {
    if (this.isFull) throw new RangeError("the batch is full");
    const at = this.count++;
    this.series[at] = series;
    this.times[at] = t;
    this.startTimes[at] = startTime;
    return at;
  }
}
