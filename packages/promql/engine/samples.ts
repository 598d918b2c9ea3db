// Samples of one series, sorted out.
import {
  CounterResetHint,
  createHistogram,
  detectReset,
  type FloatHistogramFields,
  STALE_NAN_HIGH,
  STALE_NAN_LOW,
} from "@narthex/model";
import type { SampleBuffer } from "@narthex/storage";

/** Whether sample `i` is a stale marker. */
export function isStale({ values, halves }: SampleBuffer, i: number): boolean {
  return Number.isNaN(values[i]) && halves[2 * i + 1] === STALE_NAN_HIGH && halves[2 * i] === STALE_NAN_LOW;
}

/** The floats and the histograms of a series, stale markers left out. */
export interface SplitSamples {
  floatTimes: Float64Array;
  floatValues: Float64Array;
  floatStarts: Float64Array;
  histogramTimes: Float64Array;
  histogramStarts: Float64Array;
  histograms: FloatHistogramFields[];
}

/** Splits samples by kind. */
export function splitSamples(samples: SampleBuffer): SplitSamples {
  const { times, values, histograms, startTimes, count } = samples;
  const split: SplitSamples = {
    floatTimes: new Float64Array(count),
    floatValues: new Float64Array(count),
    floatStarts: new Float64Array(count),
    histogramTimes: new Float64Array(count),
    histogramStarts: new Float64Array(count),
    histograms: [],
  };
  let f = 0;
  let h = 0;
  for (let i = 0; i < count; i++) {
    if (isStale(samples, i)) continue;
    const histogram = histograms?.[i];
    if (histogram === undefined) {
      split.floatTimes[f] = times[i];
      split.floatStarts[f] = startTimes?.[i] ?? 0;
      split.floatValues[f++] = values[i];
    } else {
      split.histogramTimes[h] = times[i];
      split.histogramStarts[h++] = startTimes?.[i] ?? 0;
      split.histograms.push(histogram);
    }
  }
  split.floatTimes = split.floatTimes.subarray(0, f);
  split.floatValues = split.floatValues.subarray(0, f);
  split.floatStarts = split.floatStarts.subarray(0, f);
  split.histogramTimes = split.histogramTimes.subarray(0, h);
  split.histogramStarts = split.histogramStarts.subarray(0, h);
  return split;
}

/**
 * Reduces the histograms of a series to count and sum, for functions that look at nothing else. Resets, which could not
 * be told from these any more, are detected before and noted in the hints.
 */
export function reduceToStatistics(samples: SampleBuffer): void {
  const { histograms, count } = samples;
  if (histograms === undefined) return;
  let previous: FloatHistogramFields | undefined;
  for (let i = 0; i < count; i++) {
    const histogram = histograms[i];
    if (histogram === undefined || isStale(samples, i)) continue;
    let { counterResetHint } = histogram;
    if (counterResetHint === CounterResetHint.unknown && previous !== undefined) {
      counterResetHint = detectReset(histogram, previous) ? CounterResetHint.reset : CounterResetHint.notReset;
    }
    const { schema, count: observations, sum } = histogram;
    histograms[i] = createHistogram({ counterResetHint, schema, count: observations, sum });
    previous = histogram;
  }
}
