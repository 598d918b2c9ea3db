// rate, increase and delta with extrapolation, irate and idelta, over windows of floats.
import type { FloatWindows, WindowKernel } from "./kernel.ts";

/** The float drops of one series: where a sample is lower than the one before it. */
class Drops {
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

/**
 * Makes the kernel of `rate` (counter, per second), `increase` (counter) or `delta` (neither).
 *
 * Extrapolation to the window's bounds as the reference has it: all the way when a bound is nearer than 1.1 mean
 * sample distances, else by half a distance, and for counters never beyond where they would have been zero.
 * Start timestamps, where known, mark further resets and give counters an exact zero.
 */
export function extrapolatedRate(isCounter: boolean, isRate: boolean): WindowKernel {
  const drops = new Drops();
  return (windows: FloatWindows, from: number, to: number, out: Float64Array, present: Uint8Array): number => {
    const { times, values, startTimes, lo, hi, firstEnd, stepMs, rangeMs } = windows;
    const rangeSeconds = durationSeconds(rangeMs);
    drops.count = 0;
    const first = lo[from];
    const last = hi[to - 1];
    if (isCounter) {
      if (startTimes === undefined) {
        for (let i = first + 1; i < last; i++) if (values[i] < values[i - 1]) drops.push(i);
      } else {
        for (let i = first + 1; i < last; i++) {
          if (values[i] < values[i - 1] || isStartTimeReset(startTimes[i - 1], times[i - 1], startTimes[i], times[i])) {
            drops.push(i);
          }
        }
      }
    }
    const dropAt = drops.at;
    const dropCount = drops.count;
    let nextDrop = 0;
    let points = 0;
    let end = firstEnd + from * stepMs;
    for (let k = from; k < to; k++, end += stepMs) {
      const a = lo[k];
      const b = hi[k];
      const intervals = b - a - 1;
      if (intervals < 0) {
        present[k] = 0;
        continue;
      }
      const begin = end - rangeMs;
      const firstT = times[a];
      const lastT = times[b - 1];
      const firstValue = values[a];
      let result = values[b - 1] - firstValue;
      if (dropCount !== 0) {
        while (nextDrop < dropCount && dropAt[nextDrop] <= a) nextDrop++;
        for (let d = nextDrop; d < dropCount && dropAt[d] < b; d++) result += values[dropAt[d] - 1];
      }
      let toStart = (firstT - begin) / 1000;
      let toEnd = (end - lastT) / 1000;
      let sampled = (lastT - firstT) / 1000;
      const mean = intervals > 0 ? sampled / intervals : 0;
      const threshold = mean * 1.1;
      const start = isCounter && startTimes !== undefined ? startTimes[a] : 0;
      if (start !== 0 && start > begin && start < firstT) {
        toStart = 0;
        sampled = (lastT - start) / 1000;
        result += firstValue;
      } else if (intervals === 0) {
        present[k] = 0;
        continue;
      } else {
        if (toStart >= threshold) toStart = mean / 2;
        if (isCounter && result > 0 && firstValue >= 0) {
          const toZero = sampled * (firstValue / result);
          if (toZero < toStart) toStart = toZero;
        }
      }
      if (toEnd >= threshold) toEnd = mean / 2;
      let factor = sampled !== 0 ? (sampled + toStart + toEnd) / sampled : 1;
      if (isRate) factor /= rangeSeconds;
      out[k] = result * factor;
      present[k] = 1;
      points++;
    }
    return points;
  };
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
