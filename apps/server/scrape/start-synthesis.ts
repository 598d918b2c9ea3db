// Start timestamps for counters that tell none (`st-synthesis`): the first sample of a series is left out and taken for its start;
// later ones lose its value. A counter that falls began anew just before.
//
// Source: scrape/st_synthesis.go of the reference, and what it takes from OpenTelemetry's start time processor.
import {
  compactHistogram,
  copyHistogram,
  detectReset,
  type FloatHistogramFields,
  subtractHistogram,
} from "@narthex/model";
import type { SeriesRef } from "@narthex/storage";
import type { SampleBatch } from "./sample-batch.ts";

/** What became of a sample. */
export const Taken = { asItIs: 0, adjusted: 1, leftOut: 2 } as const;
export type Taken = (typeof Taken)[keyof typeof Taken];

/** What is known of a series of floats. */
interface FloatState {
  /** Whether it only ever grows; nothing is done to others. */
  readonly isCumulative: boolean;
  startTime: number;
  previous: number;
  /** What the first sample had; 0 after the counter began anew. */
  starting: number;
  seenIn: number;
}

interface HistogramState {
  startTime: number;
  previous: FloatHistogramFields;
  /** Undefined after the counter began anew: nothing is taken off. */
  starting: FloatHistogramFields | undefined;
  seenIn: number;
}

/** A histogram as it goes to the storage. */
export interface SynthesizedHistogram {
  readonly histogram: FloatHistogramFields;
  readonly startTime: number;
}

/** One target's series; each takes an object of its own, and is forgotten with the first scrape that lacks it. */
export class StartSynthesis {
  /** Of the float that `takeFloat` took last. */
  value = 0;
  startTime = 0;
  readonly #floats = new Map<SeriesRef, FloatState>();
  readonly #histograms = new Map<SeriesRef, HistogramState>();

  /**
   * Takes a float in scrape number `scrape`; `value` and `startTime` say what of it goes to the storage when it is `adjusted`. The
   * first one of a series that only ever grows is left out: `isCumulative` is asked once.
   */
  takeFloat(ref: SeriesRef, t: number, value: number, scrape: number, isCumulative: () => boolean): Taken {
    const state = this.#floats.get(ref);
    if (state === undefined) {
      const first = { isCumulative: isCumulative(), startTime: t, previous: value, starting: value, seenIn: scrape };
      this.#floats.set(ref, first);
      return first.isCumulative ? Taken.leftOut : Taken.asItIs;
    }
    state.seenIn = scrape;
    if (!state.isCumulative) return Taken.asItIs;
    if (value < state.previous) {
      state.starting = 0;
      // Somewhere between the two samples: the latest moment claims least.
      state.startTime = t - 1;
    }
    state.previous = value;
    this.value = value - state.starting;
    this.startTime = state.startTime;
    return Taken.adjusted;
  }

  /**
   * Takes the floats of a batch of time `t` that have no start timestamp, and leaves those out that come first: what stands behind them
   * moves up. `isCumulative` is asked by position in the batch; `moved` is told of each move.
   */
  takeBatch(
    batch: SampleBatch,
    t: number,
    scrape: number,
    isCumulative: (at: number) => boolean,
    moved: (from: number, to: number) => void,
  ): void {
    const { refs, entries, values, halves } = batch;
    const startTimes = batch.withStartTimes();
    let kept = 0;
    for (let i = 0; i < batch.count; i++) {
      if (startTimes[i] === 0) {
        const taken = this.takeFloat(refs[i] as number, t, values[i] as number, scrape, () => isCumulative(i));
        if (taken === Taken.leftOut) continue;
        if (taken === Taken.adjusted) {
          startTimes[i] = this.startTime;
          // What is no number stays what it is, to the bit.
          if (!Number.isNaN(this.value)) values[i] = this.value;
        }
      }
      if (kept !== i) {
        refs[kept] = refs[i] as number;
        entries[kept] = entries[i] as number;
        halves[2 * kept] = halves[2 * i] as number;
        halves[2 * kept + 1] = halves[2 * i + 1] as number;
        startTimes[kept] = startTimes[i] as number;
        moved(i, kept);
      }
      kept++;
    }
    batch.count = kept;
  }

  /** The same for a histogram; undefined for the first one. */
  takeHistogram(
    ref: SeriesRef,
    t: number,
    histogram: FloatHistogramFields,
    scrape: number,
  ): SynthesizedHistogram | undefined {
    const state = this.#histograms.get(ref);
    const previous = copyHistogram(histogram);
    if (state === undefined) {
      this.#histograms.set(ref, { startTime: t, previous, starting: previous, seenIn: scrape });
      return undefined;
    }
    state.seenIn = scrape;
    if (detectReset(histogram, state.previous)) {
      state.starting = undefined;
      state.startTime = t - 1;
    }
    state.previous = previous;
    const { startTime, starting } = state;
    if (starting === undefined) return { histogram, startTime };
    const rest = copyHistogram(histogram);
    subtractHistogram(rest, starting);
    // Hints compare with the sample before, whose value is another one now; what the target said stays.
    rest.counterResetHint = histogram.counterResetHint;
    return { histogram: compactHistogram(rest, 0), startTime };
  }

  /** The storage had forgotten the series, and knows it under another ref now; 0: it does not any more. */
  move(from: SeriesRef, to: SeriesRef): void {
    const [floats, histograms] = [this.#floats.get(from), this.#histograms.get(from)];
    this.forget(from);
    if (to === 0) return;
    if (floats !== undefined) this.#floats.set(to, floats);
    if (histograms !== undefined) this.#histograms.set(to, histograms);
  }

  /** A sample was refused: the series begins anew. */
  forget(ref: SeriesRef): void {
    this.#floats.delete(ref);
    this.#histograms.delete(ref);
  }

  /** Forgets the series that scrape number `scrape` did not have. */
  keepSeen(scrape: number): void {
    for (const states of [this.#floats, this.#histograms]) {
      for (const [ref, { seenIn }] of states) if (seenIn !== scrape) states.delete(ref);
    }
  }

  clear(): void {
    this.#floats.clear();
    this.#histograms.clear();
  }
}

/** Whether a series of this name in a family of this type only ever grows. */
export function isCumulative(type: string, name: string): boolean {
  if (type === "counter" || type === "histogram") return true;
  return type === "summary" && (name.endsWith("_count") || name.endsWith("_sum"));
}
