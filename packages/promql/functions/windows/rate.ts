// rate, increase and delta with extrapolation, irate and idelta, over windows of floats.
import { type FloatWindows, SampleIndices, type WindowKernel } from "./kernel.ts";

/**
 * Makes the kernel of `rate` (counter, per second), `increase` (counter) or `delta` (neither).
 *
 * Extrapolation to the window's bounds as the reference has it: all the way when a bound is nearer than 1.1 mean
 * sample distances, else by half a distance, and for counters never beyond where they would have been zero.
 * Start timestamps, where known, mark further resets and give counters an exact zero.
 */
export function extrapolatedRate(isCounter: boolean, isRate: boolean): WindowKernel {
  const own = new SampleIndices();
  return (windows: FloatWindows, from: number, to: number, out: Float64Array, present: Uint8Array): number => {
    const { times, values, startTimes, lo, hi, firstEnd, stepMs, rangeMs } = windows;
    const rangeSeconds = durationSeconds(rangeMs);
    const drops = isCounter ? (windows.drops ?? findDrops(windows, lo[from], hi[to - 1], own)) : undefined;
    const dropAt = (drops ?? own).at;
    const dropCount = drops === undefined ? 0 : drops.count;
    let nextDrop = 0;
    let points = 0;
    let end = firstEnd + from * stepMs;
    // Evenly spaced samples lie in most windows alike; then all that depends on times alone is the same.
    let knownIntervals = -1;
    let knownToStart = 0;
    let knownToEnd = 0;
    let knownSampled = 0;
    let toStart = 0;
    let toEnd = 0;
    let sampled = 0;
    let evenFactor = 1;
    for (let k = from; k < to; k++, end += stepMs) {
      const a = lo[k];
      const b = hi[k];
      const intervals = b - a - 1;
      if (intervals < 0) {
        present[k] = 0;
        continue;
      }
      const firstT = times[a];
      const lastT = times[b - 1];
      const firstValue = values[a];
      let result = values[b - 1] - firstValue;
      if (dropCount !== 0) {
        while (nextDrop < dropCount && dropAt[nextDrop] <= a) nextDrop++;
        for (let d = nextDrop; d < dropCount && dropAt[d] < b; d++) result += values[dropAt[d] - 1];
      }
      if (startTimes !== undefined && isCounter) {
        const begin = end - rangeMs;
        const start = startTimes[a];
        if (start !== 0 && start > begin && start < firstT) {
          // The counter was zero at its start, which lies in the window.
          const span = (lastT - start) / 1000;
          const mean = intervals > 0 ? (lastT - firstT) / 1000 / intervals : 0;
          let behind = (end - lastT) / 1000;
          if (behind >= mean * 1.1) behind = mean / 2;
          const factor = span !== 0 ? (span + behind) / span : 1;
          out[k] = (result + firstValue) * (isRate ? factor / rangeSeconds : factor);
          present[k] = 1;
          points++;
          continue;
        }
      }
      if (intervals === 0) {
        present[k] = 0;
        continue;
      }
      const toStartMs = firstT - end + rangeMs;
      const toEndMs = end - lastT;
      const sampledMs = lastT - firstT;
      if (
        intervals !== knownIntervals ||
        toStartMs !== knownToStart ||
        sampledMs !== knownSampled ||
        toEndMs !== knownToEnd
      ) {
        knownIntervals = intervals;
        knownToStart = toStartMs;
        knownToEnd = toEndMs;
        knownSampled = sampledMs;
        toStart = toStartMs / 1000;
        toEnd = toEndMs / 1000;
        sampled = sampledMs / 1000;
        const mean = sampled / intervals;
        const threshold = mean * 1.1;
        if (toStart >= threshold) toStart = mean / 2;
        if (toEnd >= threshold) toEnd = mean / 2;
        evenFactor = sampled !== 0 ? (sampled + toStart + toEnd) / sampled : 1;
        if (isRate) evenFactor /= rangeSeconds;
      }
      let factor = evenFactor;
      // A first value above the increase puts the zero point before the first sample by more than the sampled time.
      if (isCounter && result > 0 && firstValue >= 0 && !(firstValue >= result && sampled >= toStart)) {
        const toZero = sampled * (firstValue / result);
        if (toZero < toStart) {
          factor = sampled !== 0 ? (sampled + toZero + toEnd) / sampled : 1;
          if (isRate) factor /= rangeSeconds;
        }
      }
      out[k] = result * factor;
      present[k] = 1;
      points++;
    }
    return points;
  };
}

/** Finds the samples in (lo, hi) that are lower than the one before, or that began anew by their start time. */
function findDrops(
  { times, values, startTimes }: FloatWindows,
  lo: number,
  hi: number,
  into: SampleIndices,
): SampleIndices {
  into.count = 0;
  for (let i = lo + 1; i < hi; i++) {
    if (
      values[i] < values[i - 1] ||
      (startTimes !== undefined && isStartTimeReset(startTimes[i - 1], times[i - 1], startTimes[i], times[i]))
    ) {
      into.push(i);
    }
  }
  return into;
}

/** Makes the kernel of `irate` (per second, resets seen) or `idelta`: the last two samples of each window. */
export function lastChange(isRate: boolean): WindowKernel {
  return ({ times, values, startTimes, lo, hi }, from, to, out, present) => {
    let points = 0;
    for (let k = from; k < to; k++) {
      const b = hi[k] - 1;
      const distance = b > lo[k] ? times[b] - times[b - 1] : 0;
      if (distance === 0) {
        present[k] = 0;
        continue;
      }
      const current = values[b];
      const previous = values[b - 1];
      const reset =
        isRate &&
        (current < previous ||
          (startTimes !== undefined && isStartTimeReset(startTimes[b - 1], times[b - 1], startTimes[b], times[b])));
      let result = reset ? current : current - previous;
      if (isRate) result /= distance / 1000;
      out[k] = result;
      present[k] = 1;
      points++;
    }
    return points;
  };
}

/**
 * Whether the start time of a sample tells that its counter began anew after the sample before it. 0 means unknown;
 * a start that is not before its own sample is invalid. A start exactly at the previous sample marks deltas, unless
 * that sample's own start is unknown or invalid. All in milliseconds.
 */
export function isStartTimeReset(previousStart: number, previousT: number, start: number, t: number): boolean {
  if (start === 0 || start >= t || start < previousT) return false;
  if (start > previousT) return true;
  return previousStart <= previousT && previousStart !== 0 && previousStart !== previousT;
}

/** Whether a sample claims to have begun before the previous sample was taken, without sharing its start. */
export function startTimesOverlap(previousStart: number, previousT: number, start: number): boolean {
  return start !== 0 && start < previousT && start !== previousStart;
}

/** Seconds of a duration in whole milliseconds, rounded as the reference rounds them. */
export function durationSeconds(ms: number): number {
  const whole = Math.trunc(ms / 1000);
  return whole + ((ms - whole * 1000) * 1e6) / 1e9;
}
