// anchored and smoothed rates of native histograms.
import {
  addHistogram,
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  compactHistogram,
  copyHistogram,
  detectReset,
  divideHistogram,
  type FloatHistogramFields,
  multiplyHistogram,
  subtractHistogram,
} from "@narthex/model";
import { durationSeconds } from "../functions/windows/rate.ts";
import type { Position } from "../parser/ast.ts";
import type { Annotations, HistogramOperation } from "./annotations.ts";
import { boundarySamples } from "./extended-range.ts";
import type { MixedWindow } from "./range-histograms.ts";
import { putHistogram } from "./row.ts";

/** Where annotations about a metric go. */
interface Notes {
  readonly annotations: Annotations;
  readonly name: string;
  readonly pos: Position;
}

function note(
  { annotations, name, pos }: Notes,
  done: { readonly boundsReconciled: boolean } | undefined,
  operation: HistogramOperation,
): boolean {
  if (done === undefined) {
    annotations.mixedExponentialCustom(name, pos);
    return false;
  }
  if (done.boundsReconciled) annotations.mismatchedCustomBuckets(operation, pos);
  return true;
}

/** `rate`, `increase` or `delta` of a window of histograms, between values at the very bounds of the range. */
export function evaluateExtendedHistograms(window: MixedWindow): void {
  const { call, windows, row, step, name, histogramLo: lo, histogramHi: hi } = window;
  const { reference, rangeMs, pos, smoothed } = call.source;
  const { histograms, histogramTimes: times } = windows;
  const isCounter = call.node.name !== "delta";
  const notes: Notes = { annotations: call.ev.session.annotations, name, pos };
  const end = reference.first + step * reference.stepMs;
  const begin = end - rangeMs;
  const { first, last } = boundarySamples(times, lo, hi, begin, end, smoothed);
  if (times[last] <= begin || (smoothed && times[first] > end)) return;
  const custom = histograms[first].schema === CUSTOM_BUCKETS_SCHEMA;
  for (let i = first; i <= last; i++) {
    if ((histograms[i].schema === CUSTOM_BUCKETS_SCHEMA) !== custom) {
      notes.annotations.mixedExponentialCustom(name, pos);
      return;
    }
    if (isCounter && isGauge(histograms[i])) notes.annotations.notCounter(name, pos);
  }
  const at = (i: number, t: number): FloatHistogramFields | undefined =>
    interpolateHistograms(histograms[i], times[i], histograms[i + 1], times[i + 1], t, isCounter, notes);
  const left = smoothed && times[first] < begin ? at(first, begin) : copyHistogram(histograms[first]);
  if (left === undefined) return;
  const right = smoothed && last > lo && times[last] > end ? at(last - 1, end) : copyHistogram(histograms[last]);
  if (right === undefined) return;
  if (!isCounter && !(isGauge(left) && isGauge(right))) notes.annotations.notGauge(name, pos);
  const result = copyHistogram(right);
  if (!note(notes, subtractHistogram(result, left), "subtraction")) return;
  if (isCounter) {
    const correction = resetCorrection(histograms, times, first, last, left, right, begin, smoothed, notes);
    if (correction === false) return;
    if (correction !== undefined && !note(notes, addHistogram(result, correction), "addition")) return;
  }
  if (call.node.name === "rate") divideHistogram(result, durationSeconds(rangeMs));
  result.counterResetHint = CounterResetHint.gauge;
  putHistogram(row, step, compactHistogram(result, 0));
}

function isGauge(histogram: FloatHistogramFields): boolean {
  return histogram.counterResetHint === CounterResetHint.gauge;
}

/** The histogram at `t` between two samples; a counter that was reset in between has begun at nothing. */
export function interpolateHistograms(
  before: FloatHistogramFields,
  beforeT: number,
  after: FloatHistogramFields,
  afterT: number,
  t: number,
  isCounter: boolean,
  notes: { readonly annotations: Annotations; readonly name: string; readonly pos: Position },
): FloatHistogramFields | undefined {
  if (t === beforeT) return copyHistogram(before);
  if (t === afterT) return copyHistogram(after);
  const fraction = (t - beforeT) / (afterT - beforeT);
  const result = copyHistogram(after);
  if (isCounter && detectReset(after, before)) return multiplyHistogram(result, fraction);
  if (!note(notes, subtractHistogram(result, before), "subtraction")) return undefined;
  multiplyHistogram(result, fraction);
  if (!note(notes, addHistogram(result, before), "addition")) return undefined;
  return result;
}

/** What resets between the bounds took away: undefined for nothing, false when layouts are incompatible. */
function resetCorrection(
  histograms: readonly FloatHistogramFields[],
  times: Float64Array,
  first: number,
  last: number,
  left: FloatHistogramFields,
  right: FloatHistogramFields,
  begin: number,
  smoothed: boolean,
  notes: Notes,
): FloatHistogramFields | undefined | false {
  let next = first + 1;
  let previous = left;
  if (smoothed && times[first] < begin && detectReset(histograms[first + 1], histograms[first])) {
    // The value at the left bound already lies behind this reset.
    previous = histograms[first + 1];
    next++;
  }
  if (next > last) return undefined;
  let correction: FloatHistogramFields | undefined;
  const add = (histogram: FloatHistogramFields): boolean => {
    if (correction === undefined) {
      correction = copyHistogram(histogram);
      return true;
    }
    return note(notes, addHistogram(correction, histogram), "addition");
  };
  for (let i = next; i < last; i++) {
    if (detectReset(histograms[i], previous) && !add(previous)) return false;
    previous = histograms[i];
  }
  if (detectReset(right, previous) && !add(previous)) return false;
  return correction;
}
