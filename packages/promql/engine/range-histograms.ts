// Range functions over series that hold native histograms, window by window.
import {
  addHistogram,
  CounterResetHint,
  CUSTOM_BUCKETS_SCHEMA,
  compactHistogram,
  copyHistogram,
  copyToSchema,
  createHistogram,
  detectReset,
  divideHistogram,
  type FloatHistogramFields,
  histogramsEqual,
  type Labels,
  METRIC_NAME,
  multiplyHistogram,
  subtractHistogram,
} from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";
import { durationSeconds, isStartTimeReset, startTimesOverlap } from "../functions/windows/rate.ts";
import { evaluateExtendedHistograms } from "./extended-histograms.ts";
import { HistogramSum } from "./histogram-aggregation.ts";
import type { RangeCall, SeriesWindows } from "./range-call.ts";
import { histogramWeight, putFloat, putHistogram, type Row, rowWeight } from "./row.ts";

/** One window of a series that has histograms. */
export interface MixedWindow {
  readonly call: RangeCall;
  readonly windows: SeriesWindows;
  readonly row: Row;
  readonly name: string;
  readonly step: number;
  /** Floats are `floatLo <= i < floatHi`, histograms likewise. */
  floatLo: number;
  floatHi: number;
  histogramLo: number;
  histogramHi: number;
}

/** Evaluates all windows of a series that has histograms, into `row`. */
export function evaluateMixedWindows(
  call: RangeCall,
  windows: SeriesWindows,
  samples: SampleBuffer,
  labels: Labels,
  row: Row,
): void {
  const { ev, node, kernel } = call;
  windows.split(samples);
  const floatBounds = windows.floatBounds;
  const histogramBounds = windows.histogramBounds;
  const weights = new Float64Array(windows.histograms.length + 1);
  for (let i = 0; i < windows.histograms.length; i++) {
    weights[i + 1] = weights[i] + histogramWeight(windows.histograms[i]);
  }
  row.points = 0;
  row.present.fill(0);
  const name = labels.get(METRIC_NAME);
  let largest = 0;
  let lastSize = 0;
  let knownFloats = 0;
  let knownHistograms = 0;
  for (let k = 0; k < ev.steps; k++) {
    const floatLo = floatBounds.lo[k];
    const floatHi = floatBounds.hi[k];
    const histogramLo = histogramBounds.lo[k];
    const histogramHi = histogramBounds.hi[k];
    const size = floatHi - floatLo + weights[histogramHi] - weights[histogramLo];
    lastSize = size;
    if (size === 0) continue;
    largest = Math.max(largest, size);
    const read =
      floatHi - Math.max(floatLo, knownFloats) + weights[histogramHi] - weights[Math.max(histogramLo, knownHistograms)];
    ev.statistics.addAtStep(k, size, call.source.isStored ? read : 0);
    knownFloats = floatHi;
    knownHistograms = histogramHi;
    if (histogramHi === histogramLo) {
      row.points += kernel(windows.floats, k, k + 1, row.values, row.present);
      continue;
    }
    const window = { call, windows, row, name, step: k, floatLo, floatHi, histogramLo, histogramHi };
    evaluateWindow(window, node.name);
  }
  ev.session.limits.require(Math.max(largest, lastSize + rowWeight(row)));
  if (windows.floats.startTimes !== undefined)
    windows.noteOverlaps(windows.floats, floatBounds.hi[ev.steps - 1], labels, node);
}

function evaluateWindow(window: MixedWindow, func: string): void {
  const { call, windows, row, name, step, floatLo, floatHi, histogramLo, histogramHi } = window;
  const { annotations } = call.ev.session;
  const { pos } = call.source;
  const floats = floatHi - floatLo;
  switch (func) {
    case "rate":
    case "increase":
    case "delta": {
      if (floats > 0) {
        annotations.mixedFloatsHistograms(name, pos);
        return;
      }
      if (call.source.anchored || call.source.smoothed) {
        evaluateExtendedHistograms(window);
        return;
      }
      const result = extrapolatedHistogramRate(window, func !== "delta", func === "rate");
      if (result !== undefined) putHistogram(row, step, result);
      return;
    }
    case "irate":
    case "idelta":
      lastHistogramChange(window, func === "irate");
      return;
    case "changes":
    case "resets":
      countEvents(window, func === "resets");
      return;
    case "sum_over_time":
    case "avg_over_time": {
      if (floats > 0) {
        annotations.mixedFloatsHistograms(name, pos);
        return;
      }
      const result = total(window, func === "avg_over_time");
      if (result !== undefined) putHistogram(row, step, result);
      return;
    }
    case "count_over_time":
      putFloat(row, step, floats + histogramHi - histogramLo);
      return;
    case "present_over_time":
      putFloat(row, step, 1);
      return;
    case "last_over_time":
      if (floats > 0 && windows.histogramTimes[histogramHi - 1] < windows.floats.times[floatHi - 1]) {
        putFloat(row, step, windows.floats.values[floatHi - 1]);
        return;
      }
      putHistogram(row, step, windows.histograms[histogramHi - 1]);
      return;
    case "first_over_time":
      if (floats > 0 && windows.floats.times[floatLo] < windows.histogramTimes[histogramLo]) {
        putFloat(row, step, windows.floats.values[floatLo]);
        return;
      }
      putHistogram(row, step, windows.histograms[histogramLo]);
      return;
    case "ts_of_first_over_time": {
      const first = windows.histogramTimes[histogramLo];
      putFloat(row, step, (floats > 0 ? Math.min(first, windows.floats.times[floatLo]) : first) / 1000);
      return;
    }
    case "ts_of_last_over_time": {
      const last = windows.histogramTimes[histogramHi - 1];
      putFloat(row, step, (floats > 0 ? Math.max(last, windows.floats.times[floatHi - 1]) : last) / 1000);
      return;
    }
    default:
      // The others look at floats only, and say so when there are any.
      if (floats === 0) return;
      annotations.histogramIgnoredInRange(name, pos);
      row.points += call.kernel(windows.floats, step, step + 1, row.values, row.present);
  }
}

function isCustom(histogram: FloatHistogramFields): boolean {
  return histogram.schema === CUSTOM_BUCKETS_SCHEMA;
}

function isGauge(histogram: FloatHistogramFields): boolean {
  return histogram.counterResetHint === CounterResetHint.gauge;
}

/** `rate`, `increase` or `delta` of the histograms of a window, extrapolated as for floats, on their counts. */
function extrapolatedHistogramRate(
  window: MixedWindow,
  isCounter: boolean,
  isRate: boolean,
): FloatHistogramFields | undefined {
  const { call, windows, name, step, histogramLo: lo, histogramHi: hi } = window;
  const { histograms, histogramTimes: times, histogramStarts: starts } = windows;
  const { reference, rangeMs, pos } = call.source;
  const { annotations } = call.ev.session;
  const intervals = hi - lo - 1;
  let result: FloatHistogramFields | undefined;
  if (intervals > 0) {
    result = histogramIncrease(window, isCounter);
    if (result === undefined) return undefined;
  }
  const end = reference.first + step * reference.stepMs;
  const begin = end - rangeMs;
  const firstT = times[lo];
  const lastT = times[hi - 1];
  const first = histograms[lo];
  let toStart = (firstT - begin) / 1000;
  let toEnd = (end - lastT) / 1000;
  let sampled = (lastT - firstT) / 1000;
  const mean = intervals > 0 ? sampled / intervals : 0;
  const threshold = mean * 1.1;
  const start = isCounter && starts !== undefined ? starts[lo] : 0;
  if (start !== 0 && start > begin && start < firstT) {
    toStart = 0;
    sampled = (lastT - start) / 1000;
    if (result === undefined) {
      result = copyHistogram(first);
    } else {
      const done = addHistogram(result, first);
      if (done === undefined) {
        annotations.mixedExponentialCustom(name, pos);
        return undefined;
      }
      if (done.boundsReconciled) annotations.mismatchedCustomBuckets("addition", pos);
    }
  } else if (result === undefined) {
    return undefined;
  } else {
    if (toStart >= threshold) toStart = mean / 2;
    if (isCounter && result.count > 0 && first.count >= 0) {
      const toZero = sampled * (first.count / result.count);
      if (toZero < toStart) toStart = toZero;
    }
  }
  if (toEnd >= threshold) toEnd = mean / 2;
  let factor = sampled !== 0 ? (sampled + toStart + toEnd) / sampled : 1;
  if (isRate) factor /= durationSeconds(rangeMs);
  return multiplyHistogram(result, factor);
}

/** Last less first, plus what resets in between took away (for counters). */
function histogramIncrease(window: MixedWindow, isCounter: boolean): FloatHistogramFields | undefined {
  const { call, windows, name, histogramLo: lo, histogramHi: hi } = window;
  const { histograms, histogramTimes: times, histogramStarts: starts } = windows;
  const { annotations } = call.ev.session;
  const { pos } = call.source;
  let previous = histograms[lo];
  const last = histograms[hi - 1];
  const startedAnew = (i: number): boolean =>
    starts !== undefined && isStartTimeReset(starts[i - 1], times[i - 1], starts[i], times[i]);
  if (isCounter && (isGauge(previous) || isGauge(last))) annotations.notCounter(name, pos);
  let custom = isCustom(previous);
  if (isCounter) {
    const second = histograms[lo + 1];
    if (startedAnew(lo + 1) || detectReset(second, previous)) {
      // The first is not looked at then, so its layout must not matter.
      previous = createHistogram({ schema: second.schema, customValues: second.customValues });
      custom = isCustom(second);
    }
  }
  if (isCustom(last) !== custom) {
    annotations.mixedExponentialCustom(name, pos);
    return undefined;
  }
  let schema = Math.min(last.schema, previous.schema);
  if (isCounter) {
    for (let i = lo + 1; i < hi - 1; i++) {
      const current = histograms[i];
      if (isGauge(current)) annotations.notCounter(name, pos);
      schema = Math.min(schema, current.schema);
      if (isCustom(current) !== custom) {
        annotations.mixedExponentialCustom(name, pos);
        return undefined;
      }
    }
  }
  const result = custom || schema === last.schema ? copyHistogram(last) : copyToSchema(last, schema);
  const done = subtractHistogram(result, previous);
  if (done === undefined) {
    annotations.mixedExponentialCustom(name, pos);
    return undefined;
  }
  if (done.boundsReconciled) annotations.mismatchedCustomBuckets("subtraction", pos);
  if (isCounter) {
    let overlaps = false;
    for (let i = lo + 1; i < hi; i++) {
      const current = histograms[i];
      if (!overlaps && starts !== undefined && startTimesOverlap(starts[i - 1], times[i - 1], starts[i])) {
        annotations.startTimeOverlap(name, pos);
        overlaps = true;
      }
      if (startedAnew(i) || detectReset(current, previous)) {
        const added = addHistogram(result, previous);
        if (added === undefined) {
          annotations.mixedExponentialCustom(name, pos);
          return undefined;
        }
        if (added.boundsReconciled) annotations.mismatchedCustomBuckets("addition", pos);
      }
      previous = current;
    }
  } else if (!isGauge(histograms[lo]) || !isGauge(last)) {
    annotations.notGauge(name, pos);
  }
  result.counterResetHint = CounterResetHint.gauge;
  return compactHistogram(result, 0);
}

/** `irate` or `idelta` where at least one of the last two samples may be a histogram. */
function lastHistogramChange(window: MixedWindow, isRate: boolean): void {
  const { call, windows, row, name, step, floatLo, floatHi, histogramLo, histogramHi } = window;
  const { floats, histograms, histogramTimes: times, histogramStarts: starts } = windows;
  const { annotations } = call.ev.session;
  const { pos } = call.node.args[0].kind === "range" ? call.node.args[0] : call.source;
  if (floatHi - floatLo + histogramHi - histogramLo < 2) return;
  const lastFloat = floatHi > floatLo ? floats.times[floatHi - 1] : -Infinity;
  const secondFloat = floatHi > floatLo + 1 ? floats.times[floatHi - 2] : -Infinity;
  const lastHistogram = times[histogramHi - 1];
  const secondHistogram = histogramHi > histogramLo + 1 ? times[histogramHi - 2] : -Infinity;
  if (secondFloat > lastHistogram) {
    row.points += call.kernel(floats, step, step + 1, row.values, row.present);
    return;
  }
  if (secondHistogram <= lastFloat) {
    annotations.mixedFloatsHistograms(name, pos);
    return;
  }
  const current = histograms[histogramHi - 1];
  const previous = histograms[histogramHi - 2];
  const distance = lastHistogram - secondHistogram;
  if (distance === 0) return;
  const result = copyHistogram(current);
  if (isRate && (isGauge(current) || isGauge(previous))) annotations.notCounter(name, pos);
  if (!isRate && (!isGauge(current) || !isGauge(previous))) annotations.notGauge(name, pos);
  const started =
    starts !== undefined &&
    isStartTimeReset(starts[histogramHi - 2], secondHistogram, starts[histogramHi - 1], lastHistogram);
  if (!isRate || (!started && !detectReset(current, previous))) {
    const done = subtractHistogram(result, previous);
    if (done === undefined) {
      annotations.mixedExponentialCustom(name, pos);
      return;
    }
    if (done.boundsReconciled) annotations.mismatchedCustomBuckets("subtraction", pos);
  }
  result.counterResetHint = CounterResetHint.gauge;
  compactHistogram(result, 0);
  putHistogram(row, step, isRate ? divideHistogram(result, distance / 1000) : result);
}

/** `resets` or `changes` over floats and histograms in the order of their times. */
function countEvents(window: MixedWindow, isResets: boolean): void {
  const { call, windows, row, step, floatHi, histogramHi } = window;
  let { floatLo: f, histogramLo: h } = window;
  const { floats, histograms, histogramTimes, histogramStarts } = windows;
  if (call.source.anchored) {
    const { reference, rangeMs } = call.source;
    const begin = reference.first + step * reference.stepMs - rangeMs;
    // The newest sample at or before the range's start is the baseline, whatever it is; older ones do not count.
    while (f + 1 < floatHi && floats.times[f + 1] <= begin) f++;
    while (h + 1 < histogramHi && histogramTimes[h + 1] <= begin) h++;
    const floatBefore = f < floatHi && floats.times[f] <= begin;
    const histogramBefore = h < histogramHi && histogramTimes[h] <= begin;
    if (floatBefore && histogramBefore) {
      if (floats.times[f] >= histogramTimes[h]) h++;
      else f++;
    }
    const floatAfter = floatHi > 0 && floatHi > f && floats.times[floatHi - 1] > begin;
    const histogramAfter = histogramHi > h && histogramTimes[histogramHi - 1] > begin;
    if (!floatAfter && !histogramAfter) return;
  }
  let events = 0;
  let previousValue = 0;
  let previousHistogram: FloatHistogramFields | undefined;
  let previousT = 0;
  let previousStart = 0;
  let first = true;
  while (f < floatHi || h < histogramHi) {
    const takeFloat = h >= histogramHi || (f < floatHi && floats.times[f] < histogramTimes[h]);
    const value = takeFloat ? floats.values[f] : 0;
    const histogram = takeFloat ? undefined : histograms[h];
    const t = takeFloat ? floats.times[f] : histogramTimes[h];
    const start = takeFloat ? (floats.startTimes?.[f] ?? 0) : (histogramStarts?.[h] ?? 0);
    if (takeFloat) f++;
    else h++;
    if (first) {
      first = false;
    } else if ((histogram === undefined) !== (previousHistogram === undefined)) {
      events++;
    } else if (isResets) {
      const fell =
        histogram !== undefined && previousHistogram !== undefined
          ? detectReset(histogram, previousHistogram)
          : value < previousValue;
      if (fell || isStartTimeReset(previousStart, previousT, start, t)) events++;
    } else if (histogram !== undefined && previousHistogram !== undefined) {
      if (!histogramsEqual(histogram, previousHistogram)) events++;
    } else if (value !== previousValue && !(Number.isNaN(value) && Number.isNaN(previousValue))) {
      events++;
    }
    previousValue = value;
    previousHistogram = histogram;
    previousT = t;
    previousStart = start;
  }
  putFloat(row, step, events);
}

/** `sum_over_time` or `avg_over_time` of the histograms of a window. */
function total(window: MixedWindow, isMean: boolean): FloatHistogramFields | undefined {
  const { call, windows, name, histogramLo: lo, histogramHi: hi } = window;
  const { annotations } = call.ev.session;
  const { pos } = call.source;
  const sum = new HistogramSum(windows.histograms[lo]);
  for (let i = lo + 1; i < hi; i++) {
    const histogram = windows.histograms[i];
    if (!(isMean ? sum.addToMean(histogram) : sum.add(histogram))) {
      annotations.mixedExponentialCustom(name, pos);
      return undefined;
    }
  }
  if (sum.hintsCollide) annotations.counterResetCollision("aggregation", pos);
  if (sum.boundsReconciled) annotations.mismatchedCustomBuckets("aggregation", pos);
  return isMean ? sum.mean() : sum.sum();
}
