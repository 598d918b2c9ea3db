// Counts of changes and resets in each window.
import type { WindowKernel } from "./kernel.ts";
import { isStartTimeReset } from "./rate.ts";

let prefix = new Int32Array(1024);

function countEvents(isEvent: (values: Float64Array, i: number) => boolean): WindowKernel {
  return ({ values, lo, hi }, from, to, out, present) => {
    const first = lo[from];
    const last = hi[to - 1];
    if (prefix.length <= last) prefix = new Int32Array(2 * last + 1);
    let events = 0;
    prefix[first] = 0;
    for (let i = first + 1; i < last; i++) {
      if (isEvent(values, i)) events++;
      prefix[i] = events;
    }
    let points = 0;
    for (let k = from; k < to; k++) {
      if (hi[k] <= lo[k]) {
        present[k] = 0;
        continue;
      }
      out[k] = prefix[hi[k] - 1] - prefix[lo[k]];
      present[k] = 1;
      points++;
    }
    return points;
  };
}

/** `changes`: neighbours that differ; NaN does not differ from NaN. */
export const changes: WindowKernel = countEvents((values, i) => {
  const current = values[i];
  const previous = values[i - 1];
  return current !== previous && !(Number.isNaN(current) && Number.isNaN(previous));
});

const drops = countEvents((values, i) => values[i] < values[i - 1]);

/** `resets`: samples lower than the one before, or whose start time tells of a reset. */
export const resets: WindowKernel = (windows, from, to, out, present) => {
  const { times, startTimes } = windows;
  if (startTimes === undefined) return drops(windows, from, to, out, present);
  const withStarts = countEvents(
    (values, i) =>
      values[i] < values[i - 1] || isStartTimeReset(startTimes[i - 1], times[i - 1], startTimes[i], times[i]),
  );
  return withStarts(windows, from, to, out, present);
};
