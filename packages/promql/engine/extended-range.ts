// anchored and smoothed range selectors: values at the very bounds of the range instead of extrapolation.
import { changes, resets } from "../functions/windows/changes.ts";
import type { FloatWindows, WindowKernel } from "../functions/windows/kernel.ts";
import { durationSeconds } from "../functions/windows/rate.ts";
import type { Evaluation } from "./evaluation.ts";
import type { CallNode } from "./plan.ts";
import type { RangeSource } from "./range-source.ts";
import { QueryError } from "./result.ts";

const ANCHORED_SAFE: readonly string[] = ["changes", "delta", "increase", "rate", "resets"];
const SMOOTHED_SAFE: readonly string[] = ["delta", "increase", "rate"];

/** The kernel of a function of an anchored or smoothed range selector. Refuses other functions. */
export function extendedKernel(_ev: Evaluation, { name }: CallNode, source: RangeSource): WindowKernel {
  const modifier = source.anchored ? "anchored" : "smoothed";
  const safe = source.anchored ? ANCHORED_SAFE : SMOOTHED_SAFE;
  if (!safe.includes(name)) {
    throw new QueryError(
      "execution",
      `${modifier} modifier can only be used with: ${safe.join(", ")} - not with ${name}`,
    );
  }
  if (name === "changes" || name === "resets") return anchoredEvents(name === "changes" ? changes : resets);
  return extendedRate(source.smoothed, name !== "delta", name === "rate");
}

/** Counts events from the newest sample at or before the range's start on, if there is any sample after it. */
function anchoredEvents(kernel: WindowKernel): WindowKernel {
  return (windows, from, to, out, present) => {
    const { times, lo, hi, firstEnd, stepMs, rangeMs } = windows;
    const anchored = lo.slice();
    for (let k = from; k < to; k++) {
      const begin = firstEnd + k * stepMs - rangeMs;
      let a = lo[k];
      while (a + 1 < hi[k] && times[a + 1] <= begin) a++;
      // No sample after the start: nothing to count.
      anchored[k] = hi[k] > a && times[hi[k] - 1] <= begin ? hi[k] : a;
    }
    // Windows without samples may begin behind those that follow; each is counted by itself.
    let points = 0;
    for (let k = from; k < to; k++) points += kernel({ ...windows, lo: anchored }, k, k + 1, out, present);
    return points;
  };
}

function extendedRate(smoothed: boolean, isCounter: boolean, isRate: boolean): WindowKernel {
  return (windows, from, to, out, present) => {
    const seconds = durationSeconds(windows.rangeMs);
    let points = 0;
    for (let k = from; k < to; k++) {
      const increase = boundedIncrease(windows, k, smoothed, isCounter);
      if (increase === undefined) {
        present[k] = 0;
        continue;
      }
      out[k] = isRate ? increase / seconds : increase;
      present[k] = 1;
      points++;
    }
    return points;
  };
}

/** The first and last sample that matter for the range (begin, end], among those in [lo, hi). */
export function boundarySamples(
  times: Float64Array,
  lo: number,
  hi: number,
  begin: number,
  end: number,
  smoothed: boolean,
): { first: number; last: number } {
  let first = lo;
  while (first < hi - 1 && times[first] <= begin) first++;
  first = Math.max(lo, first - 1);
  let last = hi - 1;
  if (smoothed) {
    last = lo;
    while (last < hi - 1 && times[last] < end) last++;
  }
  return { first, last };
}

function boundedIncrease(
  { times, values, lo, hi, firstEnd, stepMs, rangeMs }: FloatWindows,
  step: number,
  smoothed: boolean,
  isCounter: boolean,
): number | undefined {
  if (hi[step] <= lo[step]) return undefined;
  const end = firstEnd + step * stepMs;
  const begin = end - rangeMs;
  let { first, last } = boundarySamples(times, lo[step], hi[step], begin, end, smoothed);
  if (times[last] <= begin) return undefined;
  if (smoothed && times[first] > end) return undefined;
  const left = smoothed && times[first] < begin ? interpolate(times, values, first, begin, isCounter) : values[first];
  const right =
    smoothed && last > lo[step] && times[last] > end
      ? interpolate(times, values, last - 1, end, isCounter)
      : values[last];
  let increase = right - left;
  if (isCounter) {
    if (times[first] <= begin) first++;
    if (times[last] >= end) last--;
    let correction = 0;
    let previous = left;
    for (let i = first; i <= last; i++) {
      if (values[i] < previous) correction += previous;
      previous = values[i];
    }
    if (right < previous) correction += previous;
    increase += correction;
  }
  return increase;
}

/** The value at `t` on the line from sample `i` to the next; a counter that fell has begun at 0. */
export function interpolate(
  times: Float64Array,
  values: Float64Array,
  i: number,
  t: number,
  isCounter: boolean,
): number {
  let before = values[i];
  const after = values[i + 1];
  if (isCounter && after < before) before = 0;
  return before + ((after - before) * (t - times[i])) / (times[i + 1] - times[i]);
}

/** The samples of an anchored or smoothed range by itself: with a sample of its own at either bound. */
export function boundedSamples(
  times: Float64Array,
  values: Float64Array,
  count: number,
  begin: number,
  end: number,
  smoothed: boolean,
): { times: number[]; values: number[] } {
  const result: { times: number[]; values: number[] } = { times: [], values: [] };
  if (count === 0) return result;
  let { first, last } = boundarySamples(times, 0, count, begin, end, smoothed);
  if (times[last] <= begin) return result;
  const left = smoothed && times[first] < begin ? interpolate(times, values, first, begin, false) : values[first];
  const right =
    smoothed && last > 0 && times[last] > end ? interpolate(times, values, last - 1, end, false) : values[last];
  if (times[first] <= begin) first++;
  if (times[last] >= end) last--;
  result.times.push(begin);
  result.values.push(left);
  for (let i = first; i <= last; i++) {
    result.times.push(times[i]);
    result.values.push(values[i]);
  }
  result.times.push(end);
  result.values.push(right);
  return result;
}
