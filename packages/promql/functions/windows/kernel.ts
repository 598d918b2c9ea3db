// What window kernels compute on: the floats of one series and where each step's window lies in them.

/** Ascending indices of samples; grows at need and is reused from series to series. */
export class SampleIndices {
  at: Int32Array = new Int32Array(64);
  count = 0;

  push(index: number): void {
    if (this.count === this.at.length) {
      const grown = new Int32Array(this.at.length * 2);
      grown.set(this.at);
      this.at = grown;
    }
    this.at[this.count++] = index;
  }
}

/** Floats of one series, stale markers taken out, with the windows of all steps. */
export interface FloatWindows {
  /** Ascending milliseconds. */
  times: Float64Array;
  values: Float64Array;
  /** Start times in milliseconds, 0 where unknown; undefined when they are not to be used. */
  startTimes: Float64Array | undefined;
  /** Step `k` sees the samples `lo[k] <= i < hi[k]`. */
  lo: Int32Array;
  hi: Int32Array;
  /** Where samples are lower than the one before, when that is known already. */
  drops: SampleIndices | undefined;
  /** The end of the first window, offset and `@` applied; the window of step `k` ends `k * stepMs` later. */
  firstEnd: number;
  stepMs: number;
  rangeMs: number;
  /** The evaluation times: `evalStart + k * evalStepMs`. */
  evalStart: number;
  evalStepMs: number;
}

/**
 * Computes the steps `from <= k < to` of one series: writes `out[k]` and `present[k]` (1 where there is a point, else 0)
 * and returns how many points there are. Empty windows yield no point.
 */
export type WindowKernel = (
  windows: FloatWindows,
  from: number,
  to: number,
  out: Float64Array,
  present: Uint8Array,
) => number;
