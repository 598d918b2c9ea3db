// Which samples of a series lie in the window of each step.

/** Windows of one series on one grid: step `k` sees the samples `lo[k] <= i < hi[k]`. Reused from series to series. */
export class WindowBounds {
  readonly lo: Int32Array;
  readonly hi: Int32Array;
  /** Samples in the fullest window. */
  largest = 0;
  /** Sum of the sizes of all windows. */
  total = 0;

  constructor(steps: number) {
    this.lo = new Int32Array(steps);
    this.hi = new Int32Array(steps);
  }
}

/**
 * Fills `bounds` for windows (end - rangeMs, end] whose ends are `firstEnd + k * stepMs`, `stepMs >= 0`.
 *
 * `times` ascend; the first `count` are looked at. Evenly spaced samples cost about two comparisons per step, because
 * each step first tries to advance as far as the one before it.
 */
export function slideWindows(
  times: Float64Array,
  count: number,
  firstEnd: number,
  stepMs: number,
  rangeMs: number,
  bounds: WindowBounds,
): void {
  const { lo, hi } = bounds;
  const steps = lo.length;
  let a = 0;
  let b = 0;
  let aStride = 0;
  let bStride = 0;
  let largest = 0;
  let total = 0;
  let end = firstEnd;
  for (let k = 0; k < steps; k++) {
    const previousB = b;
    const b1 = b + bStride;
    if (b1 <= count && (bStride === 0 || times[b1 - 1] <= end)) b = b1;
    while (b < count && times[b] <= end) b++;
    bStride = b - previousB;
    const begin = end - rangeMs;
    const previousA = a;
    const a1 = a + aStride;
    if (a1 <= count && (aStride === 0 || times[a1 - 1] <= begin)) a = a1;
    while (a < count && times[a] <= begin) a++;
    aStride = a - previousA;
    lo[k] = a;
    hi[k] = b;
    const size = b - a;
    total += size;
    if (size > largest) largest = size;
    end += stepMs;
  }
  bounds.largest = largest;
  bounds.total = total;
}
