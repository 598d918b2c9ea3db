// One series' samples, decoded side by side into typed arrays: what readers fill and engines walk.
import type { FloatHistogramFields } from "@narthex/model";

/**
 * Samples of one series in ascending time. Owned by the reading side and reused from series to series:
 * what a storage wrote is valid until the next `clear`.
 *
 * Floats and native histograms share one time line: where `histograms?.[i]` is set, sample `i` is that histogram and
 * `values[i]` means nothing, except that a stale marker always stands in `values`, whatever the series holds.
 * Stale markers are told by bits: `isStaleAt(halves, i)`.
 */
export class SampleBuffer {
  count = 0;
  /** Milliseconds since the epoch. */
  times: Float64Array;
  values: Float64Array;
  /** The memory of `values` as 32-bit halves, low half first. */
  halves: Uint32Array;
  /** Undefined while no histogram was added since `clear`. Histograms are shared, never to be changed by the reader. */
  histograms: (FloatHistogramFields | undefined)[] | undefined = undefined;
  /** Start timestamps in milliseconds, 0 where unknown; undefined while none was added since `clear`. */
  startTimes: Float64Array | undefined = undefined;
  /** The array of earlier series, for those to come. */
  #spareStartTimes: Float64Array | undefined;

  constructor(capacity = 256) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.halves = new Uint32Array(this.values.buffer);
  }

  clear(): void {
    this.count = 0;
    this.histograms = undefined;
    if (this.startTimes !== undefined) this.#spareStartTimes = this.startTimes;
    this.startTimes = undefined;
  }

  /**
   * `startTimes`, made at need: those of the samples so far are 0 then. From then on whoever writes samples into the arrays
   * writes theirs as well; `push...` writes 0.
   */
  withStartTimes(): Float64Array {
    if (this.startTimes !== undefined) return this.startTimes;
    const spare = this.#spareStartTimes;
    if (spare !== undefined && spare.length >= this.times.length) this.startTimes = spare.fill(0, 0, this.count);
    else this.startTimes = new Float64Array(this.times.length);
    this.#spareStartTimes = undefined;
    return this.startTimes;
  }

  /** Makes room for `extra` more samples. The arrays may be replaced: read the fields again afterwards. */
  reserve(extra: number): void {
    const needed = this.count + extra;
    if (needed <= this.times.length) return;
    const capacity = Math.max(needed, this.times.length * 2);
    const times = new Float64Array(capacity);
    times.set(this.times);
    // Copied as halves, so that no NaN loses its bits.
    const halves = new Uint32Array(capacity * 2);
    halves.set(this.halves);
    this.times = times;
    this.halves = halves;
    this.values = new Float64Array(halves.buffer);
    if (this.startTimes !== undefined) {
      const startTimes = new Float64Array(capacity);
      startTimes.set(this.startTimes);
      this.startTimes = startTimes;
    }
  }

  /** Adds a float by its bits. For single samples; whole chunks write into the arrays after `reserve`. */
  pushBits(t: number, high: number, low: number): void {
    this.reserve(1);
    this.times[this.count] = t;
    this.halves[2 * this.count] = low;
    this.halves[2 * this.count + 1] = high;
    if (this.startTimes !== undefined) this.startTimes[this.count] = 0;
    this.count++;
  }

  pushFloat(t: number, value: number): void {
    this.reserve(1);
    this.times[this.count] = t;
    this.values[this.count] = value;
    if (this.startTimes !== undefined) this.startTimes[this.count] = 0;
    this.count++;
  }

  pushHistogram(t: number, histogram: FloatHistogramFields): void {
    this.reserve(1);
    this.times[this.count] = t;
    this.values[this.count] = 0;
    this.histograms ??= [];
    this.histograms[this.count] = histogram;
    if (this.startTimes !== undefined) this.startTimes[this.count] = 0;
    this.count++;
  }
}
