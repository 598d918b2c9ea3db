// smoothed instant selectors: values on the line between the samples around each step.
import { CounterResetHint, CUSTOM_BUCKETS_SCHEMA, copyHistogram, METRIC_NAME } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { slideWindows, WindowBounds } from "../functions/windows/window-bounds.ts";
import type { Evaluation } from "./evaluation.ts";
import { interpolateHistograms } from "./extended-histograms.ts";
import { interpolate } from "./extended-range.ts";
import type { SelectorNode } from "./plan.ts";
import { putFloat, putHistogram, type RowSink, rowWeight } from "./row.ts";
import { splitSamples } from "./samples.ts";

/** Streams the rows of a smoothed instant selector. */
export function streamSmoothed(ev: Evaluation, node: SelectorNode, sink: RowSink): void {
  const { lookbackMs, limits, annotations } = ev.session;
  const { first, stepMs } = ev.reference(node);
  const minTime = first - lookbackMs + 1;
  const maxTime = first + stepMs * (ev.steps - 1) + lookbackMs;
  const set = ev.select(node, minTime, maxTime, 0);
  const samples = new SampleBuffer();
  const floatBounds = new WindowBounds(ev.steps);
  const histogramBounds = new WindowBounds(ev.steps);
  for (let s = 0; s < set.count; s++) {
    samples.clear();
    set.read(s, minTime, maxTime, samples);
    limits.worked(samples.count + ev.steps);
    const labels = set.labels(s);
    const name = labels.get(METRIC_NAME);
    const { floatTimes, floatValues, histogramTimes, histograms } = splitSamples(samples);
    slideWindows(floatTimes, floatTimes.length, first + lookbackMs, stepMs, 2 * lookbackMs, floatBounds);
    slideWindows(histogramTimes, histogramTimes.length, first + lookbackMs, stepMs, 2 * lookbackMs, histogramBounds);
    const row = ev.newRow();
    for (let k = 0; k < ev.steps; k++) {
      const t = first + k * stepMs;
      const floats = floatBounds.hi[k] - floatBounds.lo[k];
      const native = histogramBounds.hi[k] - histogramBounds.lo[k];
      if (floats > 0 && native > 0) {
        annotations.mixedFloatsHistograms(name, node.pos);
      } else if (floats > 0) {
        const lo = floatBounds.lo[k];
        const hi = floatBounds.hi[k];
        let i = lo;
        while (i < hi && floatTimes[i] < t) i++;
        if (i < hi && floatTimes[i] === t) putFloat(row, k, floatValues[i]);
        else if (i > lo && i < hi) putFloat(row, k, interpolate(floatTimes, floatValues, i - 1, t, false));
        else if (i > lo) putFloat(row, k, floatValues[i - 1]);
      } else if (native > 0) {
        const lo = histogramBounds.lo[k];
        const hi = histogramBounds.hi[k];
        let i = lo;
        while (i < hi && histogramTimes[i] < t) i++;
        if (i < hi && histogramTimes[i] === t) {
          putHistogram(row, k, histograms[i]);
        } else if (i > lo && i < hi) {
          const before = histograms[i - 1];
          const after = histograms[i];
          if ((before.schema === CUSTOM_BUCKETS_SCHEMA) !== (after.schema === CUSTOM_BUCKETS_SCHEMA)) {
            annotations.mixedExponentialCustom(name, node.pos);
            continue;
          }
          const gauges =
            before.counterResetHint === CounterResetHint.gauge && after.counterResetHint === CounterResetHint.gauge;
          const notes = { annotations, name, pos: node.pos };
          const result = interpolateHistograms(
            before,
            histogramTimes[i - 1],
            after,
            histogramTimes[i],
            t,
            !gauges,
            notes,
          );
          if (result !== undefined) putHistogram(row, k, result);
        } else if (i > lo) {
          const carried = copyHistogram(histograms[i - 1]);
          carried.counterResetHint = CounterResetHint.unknown;
          putHistogram(row, k, carried);
        }
      }
    }
    if (row.points === 0) continue;
    row.labels = labels;
    limits.add(rowWeight(row));
    sink(row);
  }
}
