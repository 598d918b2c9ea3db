// What window kernels compute on: the floats of one series and where each step's window lies in them.

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
