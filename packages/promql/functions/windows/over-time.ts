// Sums, means, extremes, spread and order statistics of each window.
import { quantileOfSorted } from "../quantile.ts";
import type { FloatWindows, WindowKernel } from "./kernel.ts";

const MAX_EXACT = 2 ** 53;

/** Wraps a function of one non-empty window into a kernel. */
function perWindow(compute: (windows: FloatWindows, lo: number, hi: number, step: number) => number): WindowKernel {
  return (windows, from, to, out, present) => {
    const { lo, hi } = windows;
    let points = 0;
    for (let k = from; k < to; k++) {
      if (hi[k] <= lo[k]) {
        present[k] = 0;
        continue;
      }
      out[k] = compute(windows, lo[k], hi[k], k);
      present[k] = 1;
      points++;
    }
    return points;
  };
}

let prefix = new Float64Array(1024);

/**
 * Prefix sums of the samples in [lo, hi), or undefined when any of them could round. Where every sample is a whole
 * number and their magnitudes stay below 2^53 in sum, each partial sum is exact, so a difference of two prefix sums
 * has the very bits that adding up the window would give.
 */
function exactPrefixSums(values: Float64Array, lo: number, hi: number): Float64Array | undefined {
  if (prefix.length <= hi) prefix = new Float64Array(2 * hi + 1);
  let sum = 0;
  let magnitude = 0;
  prefix[lo] = 0;
  for (let i = lo; i < hi; i++) {
    const value = values[i];
    if (Math.trunc(value) !== value) return undefined;
    magnitude += Math.abs(value);
    sum += value;
    prefix[i + 1] = sum;
  }
  return magnitude < MAX_EXACT ? prefix : undefined;
}

/** `sum_over_time`: Kahan-Neumaier, in order of time. */
export const sumOverTime: WindowKernel = (windows, from, to, out, present) => {
  const { values, lo, hi } = windows;
  const sums = to - from > 1 ? exactPrefixSums(values, lo[from], hi[to - 1]) : undefined;
  let points = 0;
  for (let k = from; k < to; k++) {
    const a = lo[k];
    const b = hi[k];
    if (b <= a) {
      present[k] = 0;
      continue;
    }
    present[k] = 1;
    points++;
    if (sums !== undefined) {
      out[k] = sums[b] - sums[a];
      continue;
    }
    let sum = 0;
    let c = 0;
    for (let i = a; i < b; i++) {
      const value = values[i];
      const t = sum + value;
      if (t === Infinity || t === -Infinity) c = 0;
      else if (Math.abs(sum) >= Math.abs(value)) c += sum - t + value;
      else c += value - t + sum;
      sum = t;
    }
    out[k] = sum === Infinity || sum === -Infinity ? sum : sum + c;
  }
  return points;
};

/** `avg_over_time`: the Kahan-Neumaier sum by the count; an incremental mean from where the sum would overflow. */
export const avgOverTime: WindowKernel = (windows, from, to, out, present) => {
  const { values, lo, hi } = windows;
  const sums = to - from > 1 ? exactPrefixSums(values, lo[from], hi[to - 1]) : undefined;
  let points = 0;
  for (let k = from; k < to; k++) {
    const a = lo[k];
    const b = hi[k];
    if (b <= a) {
      present[k] = 0;
      continue;
    }
    present[k] = 1;
    points++;
    out[k] = sums !== undefined ? (sums[b] - sums[a]) / (b - a) : mean(values, a, b);
  }
  return points;
};

function mean(values: Float64Array, a: number, b: number): number {
  let sum = values[a];
  let c = 0;
  let average = 0;
  let incremental = false;
  let count = 1;
  for (let i = a + 1; i < b; i++) {
    const value = values[i];
    count = i - a + 1;
    if (!incremental) {
      const t = sum + value;
      if (t !== Infinity && t !== -Infinity) {
        if (Math.abs(sum) >= Math.abs(value)) c += sum - t + value;
        else c += value - t + sum;
        sum = t;
        continue;
      }
      incremental = true;
      average = sum / (count - 1);
      c /= count - 1;
    }
    const share = (count - 1) / count;
    const part = value / count;
    const scaled = share * average;
    c = share * c;
    const t = scaled + part;
    if (t === Infinity || t === -Infinity) c = 0;
    else if (Math.abs(scaled) >= Math.abs(part)) c += scaled - t + part;
    else c += part - t + scaled;
    average = t;
  }
  return incremental ? average + c : sum / count + c / count;
}

/** `count_over_time`. */
export const countOverTime: WindowKernel = perWindow((_windows, lo, hi) => hi - lo);

/** `present_over_time`, and what `absent_over_time` starts from. */
export const presentOverTime: WindowKernel = perWindow(() => 1);

/** `last_over_time`. */
export const lastOverTime: WindowKernel = perWindow(({ values }, _lo, hi) => values[hi - 1]);

/** `first_over_time`. */
export const firstOverTime: WindowKernel = perWindow(({ values }, lo) => values[lo]);

/** `ts_of_last_over_time`, in seconds. */
export const tsOfLastOverTime: WindowKernel = perWindow(({ times }, _lo, hi) => times[hi - 1] / 1000);

/** `ts_of_first_over_time`, in seconds. */
export const tsOfFirstOverTime: WindowKernel = perWindow(({ times }, lo) => times[lo] / 1000);

/**
 * `max_over_time` or `min_over_time`: NaN counts only when there is nothing else. Windows that overlap much are
 * served by a queue of candidates, so that each sample is looked at once however wide the windows are.
 */
export function extremeOverTime(maximum: boolean): WindowKernel {
  let queue = new Int32Array(256);
  return ({ values, lo, hi }, from, to, out, present) => {
    const capacity = hi[to - 1] - lo[from];
    if (queue.length < capacity) queue = new Int32Array(2 * capacity);
    let head = 0;
    let tail = 0;
    let seen = lo[from];
    let points = 0;
    for (let k = from; k < to; k++) {
      const a = lo[k];
      const b = hi[k];
      if (b <= a) {
        present[k] = 0;
        continue;
      }
      if (seen < a) {
        seen = a;
        head = tail = 0;
      }
      for (; seen < b; seen++) {
        const value = values[seen];
        // biome-ignore lint/suspicious/noSelfCompare: the quickest test for NaN
        if (value !== value) continue;
        // Of equal values the oldest stays in front, as a scan with a strict comparison would have it (0 and -0).
        if (maximum) while (tail > head && values[queue[tail - 1]] < value) tail--;
        else while (tail > head && values[queue[tail - 1]] > value) tail--;
        queue[tail++] = seen;
      }
      while (head < tail && queue[head] < a) head++;
      out[k] = head < tail ? values[queue[head]] : NaN;
      present[k] = 1;
      points++;
    }
    return points;
  };
}

/** `ts_of_max_over_time` or `ts_of_min_over_time`, in seconds: of equal values the newest. */
export function tsOfExtreme(maximum: boolean): WindowKernel {
  return perWindow(({ times, values }, lo, hi) => {
    let best = values[lo];
    let at = times[lo];
    for (let i = lo; i < hi; i++) {
      if ((maximum ? values[i] >= best : values[i] <= best) || Number.isNaN(best)) {
        best = values[i];
        at = times[i];
      }
    }
    return at / 1000;
  });
}

/** `stdvar_over_time`, or its root for `stddev_over_time`: Welford's method on Kahan-Neumaier sums. */
export function varianceOverTime(root: boolean): WindowKernel {
  return perWindow(({ values }, lo, hi) => {
    let count = 0;
    let average = 0;
    let cAverage = 0;
    let squares = 0;
    let cSquares = 0;
    for (let i = lo; i < hi; i++) {
      count++;
      const delta = values[i] - (average + cAverage);
      const part = delta / count;
      let t = average + part;
      if (t === Infinity || t === -Infinity) cAverage = 0;
      else if (Math.abs(average) >= Math.abs(part)) cAverage += average - t + part;
      else cAverage += part - t + average;
      average = t;
      const square = delta * (values[i] - (average + cAverage));
      t = squares + square;
      if (t === Infinity || t === -Infinity) cSquares = 0;
      else if (Math.abs(squares) >= Math.abs(square)) cSquares += squares - t + square;
      else cSquares += square - t + squares;
      squares = t;
    }
    const variance = (squares + cSquares) / count;
    return root ? Math.sqrt(variance) : variance;
  });
}

/** `quantile_over_time`; the quantile may change from step to step. */
export function quantileOverTime(quantiles: Float64Array): WindowKernel {
  return perWindow(({ values }, lo, hi, k) => quantileOfSorted(quantiles[k], sortNumbers(values.slice(lo, hi))));
}

/** `mad_over_time`: the median distance from the median; NaN where any sample is NaN. */
export const madOverTime: WindowKernel = perWindow(({ values }, lo, hi) => {
  const sorted = values.slice(lo, hi);
  for (const value of sorted) if (Number.isNaN(value)) return NaN;
  const median = quantileOfSorted(0.5, sortNumbers(sorted));
  for (let i = 0; i < sorted.length; i++) sorted[i] = Math.abs(sorted[i] - median);
  return quantileOfSorted(0.5, sortNumbers(sorted));
});

/** Sorts in place, ascending, NaN before everything, zeros of both signs as they came. */
function sortNumbers(numbers: Float64Array): Float64Array {
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i];
    if (Number.isNaN(value) || Object.is(value, -0)) return numbers.sort(nanFirst);
  }
  // Without a comparison of ours, sorting takes half the time.
  return numbers.sort();
}

function nanFirst(a: number, b: number): number {
  if (Number.isNaN(a)) return Number.isNaN(b) ? 0 : -1;
  if (Number.isNaN(b)) return 1;
  return a - b;
}
