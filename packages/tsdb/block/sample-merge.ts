// Joining sorted runs of samples inside one SampleBuffer.
import { SampleBuffer } from "@narthex/storage";

let spare = new SampleBuffer(1024);

/**
 * Brings `[from, middle)` and `[middle, count)`, each ascending, into one ascending run. Of two samples of the same time
 * the first run's stays. Costs nothing when the runs already follow each other.
 */
export function mergeRuns(buffer: SampleBuffer, from: number, middle: number): void {
  const { count } = buffer;
  if (middle <= from || middle >= count) return;
  if ((buffer.times[middle - 1] as number) < (buffer.times[middle] as number)) return;
  const { times, halves, histograms, startTimes } = buffer;
  spare.clear();
  spare.reserve(count - from);
  const mergedHistograms: SampleBuffer["histograms"] = histograms === undefined ? undefined : [];
  const mergedStarts = startTimes === undefined ? undefined : new Float64Array(spare.times.length);
  let merged = 0;
  let left = from;
  let right = middle;
  while (left < middle || right < count) {
    const leftTime = left < middle ? (times[left] as number) : Number.POSITIVE_INFINITY;
    const rightTime = right < count ? (times[right] as number) : Number.POSITIVE_INFINITY;
    const at = leftTime <= rightTime ? left : right;
    spare.times[merged] = times[at] as number;
    spare.halves[2 * merged] = halves[2 * at] as number;
    spare.halves[2 * merged + 1] = halves[2 * at + 1] as number;
    if (mergedHistograms !== undefined) mergedHistograms[merged] = histograms?.[at];
    if (mergedStarts !== undefined) mergedStarts[merged] = startTimes?.[at] ?? 0;
    merged++;
    if (leftTime <= rightTime) left++;
    if (rightTime <= leftTime) right++;
  }
  times.set(spare.times.subarray(0, merged), from);
  halves.set(spare.halves.subarray(0, 2 * merged), 2 * from);
  if (histograms !== undefined && mergedHistograms !== undefined) {
    histograms.length = from;
    for (let i = 0; i < merged; i++) histograms[from + i] = mergedHistograms[i];
  }
  if (startTimes !== undefined && mergedStarts !== undefined) startTimes.set(mergedStarts.subarray(0, merged), from);
  buffer.count = from + merged;
  if (spare.times.length > 1_000_000) spare = new SampleBuffer(1024);
}
