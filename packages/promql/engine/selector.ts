// Instant selectors: at each step the newest sample within the lookback, unless it is a stale marker.
import { type Labels, STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";
import type { Evaluation } from "./evaluation.ts";
import type { SelectorNode } from "./plan.ts";
import { type Row, type RowSink, rowWeight } from "./row.ts";
import { giveSampleBuffer, takeSampleBuffer } from "./sample-buffers.ts";
import { reduceToStatistics } from "./samples.ts";
import { streamSmoothed } from "./smoothed.ts";

/** Finds for each step the index of its sample: `into[k]`, or -1 where there is none. Returns how many have one. */
export function newestSamples(
  samples: SampleBuffer,
  first: number,
  stepMs: number,
  lookbackMs: number,
  into: Int32Array,
): number {
  const { times, values, halves, count } = samples;
  let next = 0;
  let stride = 0;
  let found = 0;
  let t = first;
  for (let k = 0; k < into.length; k++, t += stepMs) {
    const previous = next;
    const guess = next + stride;
    if (stride !== 0 && guess <= count && times[guess - 1] <= t) next = guess;
    while (next < count && times[next] <= t) next++;
    stride = next - previous;
    const i = next - 1;
    if (i < 0 || times[i] <= t - lookbackMs) {
      into[k] = -1;
      continue;
    }
    if (Number.isNaN(values[i]) && halves[2 * i + 1] === STALE_NAN_HIGH && halves[2 * i] === STALE_NAN_LOW) {
      into[k] = -1;
      continue;
    }
    into[k] = i;
    found++;
  }
  return found;
}

/** Walks the series of a selector; `visit` gets the labels, the samples and the chosen sample of each step. */
export function eachSelectedSeries(
  ev: Evaluation,
  node: SelectorNode,
  visit: (labels: () => Labels, samples: SampleBuffer, chosen: Int32Array, found: number) => void,
): void {
  const { limits, lookbackMs } = ev.session;
  const { first, stepMs } = ev.reference(node);
  const minTime = first - lookbackMs + 1;
  const maxTime = first + stepMs * (ev.steps - 1);
  const set = ev.select(node, minTime, maxTime, 0);
  if (set.count === 0) return;
  const samples = takeSampleBuffer();
  const chosen = new Int32Array(ev.steps);
  for (let i = 0; i < set.count; i++) {
    samples.clear();
    set.read(i, minTime, maxTime, samples);
    limits.worked(samples.count);
    if (samples.count === 0) continue;
    if (node.statsOnly) reduceToStatistics(samples);
    const found = newestSamples(samples, first, stepMs, lookbackMs, chosen);
    limits.worked(ev.steps);
    if (found > 0) visit(() => set.labels(i), samples, chosen, found);
  }
  giveSampleBuffer(samples);
}

/** Streams the rows of an instant selector, in the order of the storage. */
export function streamSelector(ev: Evaluation, node: SelectorNode, keep: boolean, sink: RowSink): void {
  if (node.smoothed) {
    streamSmoothed(ev, node, sink);
    return;
  }
  const { limits } = ev.session;
  const scratch = keep ? undefined : ev.newRow();
  eachSelectedSeries(ev, node, (labels, samples, chosen, found) => {
    const row = ev.newRow(scratch);
    fillRow(row, samples, chosen);
    row.points = found;
    row.labels = labels();
    const weight = rowWeight(row);
    limits.add(weight);
    ev.countRow(row, weight);
    sink(row);
  });
}

function fillRow(row: Row, samples: SampleBuffer, chosen: Int32Array): void {
  const { values, present } = row;
  const source = samples.values;
  for (let k = 0; k < chosen.length; k++) {
    const i = chosen[k];
    if (i < 0) {
      present[k] = 0;
    } else {
      present[k] = 1;
      values[k] = source[i];
    }
  }
  const { histograms } = samples;
  if (histograms === undefined) return;
  for (let k = 0; k < chosen.length; k++) {
    const histogram = chosen[k] < 0 ? undefined : histograms[chosen[k]];
    if (histogram === undefined) continue;
    row.histograms ??= new Array(chosen.length).fill(undefined);
    row.histograms[k] = histogram;
    values[k] = 0;
  }
}
