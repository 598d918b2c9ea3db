// The histogram side of sum and avg: what a group holds of native histograms at each step.
import {
  addHistogram,
  CounterResetHint,
  compactHistogram,
  copyHistogram,
  createCompensation,
  divideHistogram,
  type FloatHistogramFields,
  hasOverflow,
  kahanAddHistogram,
  type Labels,
  METRIC_NAME,
  multiplyHistogram,
} from "@narthex/model";
import type { Evaluation } from "./evaluation.ts";
import type { AggregateNode } from "./plan.ts";

/** Sums histograms one by one, and can turn to an incremental mean where the sum would overflow. */
export class HistogramSum {
  /** The sum so far, or the mean once it is incremental. */
  value: FloatHistogramFields;
  compensation: FloatHistogramFields | undefined;
  count = 1;
  incremental = false;
  resetSeen = false;
  noResetSeen = false;
  boundsReconciled = false;

  constructor(first: FloatHistogramFields) {
    this.value = copyHistogram(first);
    this.#noteHint(first);
  }

  /** Adds to the sum. Returns false when bucket layouts are incompatible. */
  add(histogram: FloatHistogramFields): boolean {
    this.#noteHint(histogram);
    this.count++;
    this.compensation ??= createCompensation(this.value);
    return this.#note(kahanAddHistogram(this.value, histogram, this.compensation));
  }

  /** Adds to a mean. Returns false when bucket layouts are incompatible. */
  addToMean(histogram: FloatHistogramFields): boolean {
    this.#noteHint(histogram);
    this.count++;
    const { count } = this;
    if (!this.incremental) {
      const sum = copyHistogram(this.value);
      const compensation = this.compensation === undefined ? createCompensation(sum) : copyHistogram(this.compensation);
      if (!this.#note(kahanAddHistogram(sum, histogram, compensation))) return false;
      if (!hasOverflow(sum)) {
        this.value = sum;
        this.compensation = compensation;
        return true;
      }
      this.incremental = true;
      divideHistogram(this.value, count - 1);
      if (this.compensation !== undefined) divideHistogram(this.compensation, count - 1);
    }
    const share = (count - 1) / count;
    multiplyHistogram(this.value, share);
    this.compensation ??= createCompensation(this.value);
    multiplyHistogram(this.compensation, share);
    const part = divideHistogram(copyHistogram(histogram), count);
    return this.#note(kahanAddHistogram(this.value, part, this.compensation));
  }

  /** The sum. The object must not be used afterwards. */
  sum(): FloatHistogramFields {
    const { compensation } = this;
    if (compensation !== undefined) {
      // What rounding lost says nothing about resets.
      compensation.counterResetHint = this.value.counterResetHint;
      addHistogram(this.value, compensation);
    }
    return this.value;
  }

  /** The mean. The object must not be used afterwards. */
  mean(): FloatHistogramFields {
    if (!this.incremental) {
      divideHistogram(this.value, this.count);
      if (this.compensation !== undefined) divideHistogram(this.compensation, this.count);
    }
    return this.sum();
  }

  get hintsCollide(): boolean {
    return this.resetSeen && this.noResetSeen;
  }

  #noteHint({ counterResetHint }: FloatHistogramFields): void {
    if (counterResetHint === CounterResetHint.reset) this.resetSeen = true;
    else if (counterResetHint === CounterResetHint.notReset) this.noResetSeen = true;
  }

  #note(done: { readonly boundsReconciled: boolean } | undefined): boolean {
    if (done === undefined) return false;
    if (done.boundsReconciled) this.boundsReconciled = true;
    return true;
  }
}

interface StepState {
  /** Undefined when floats came first: then the result is invalid anyway. */
  sum: HistogramSum | undefined;
  incompatible: boolean;
}

/** The histograms of one group. */
export class HistogramGroup {
  readonly #states: (StepState | undefined)[];

  constructor(steps: number) {
    this.#states = new Array(steps).fill(undefined);
  }

  add(
    step: number,
    histogram: FloatHistogramFields,
    floatsSeen: boolean,
    labels: Labels,
    ev: Evaluation,
    node: AggregateNode,
  ): void {
    const { annotations } = ev.session;
    const state = this.#states[step];
    if (state === undefined) {
      this.#states[step] = { sum: floatsSeen ? undefined : new HistogramSum(histogram), incompatible: false };
      return;
    }
    const { sum } = state;
    if (sum === undefined || state.incompatible) return;
    sum.boundsReconciled = false;
    const done = node.op === "avg" ? sum.addToMean(histogram) : sum.add(histogram);
    if (!done) {
      state.incompatible = true;
      annotations.mixedExponentialCustom(labels.get(METRIC_NAME), node.expr.pos);
    }
    if (sum.boundsReconciled) annotations.mismatchedCustomBuckets("aggregation", node.expr.pos);
  }

  /** Tells the outcome of each step that saw a histogram: the result, or undefined when the element goes. */
  finish(
    floatsSeen: Uint8Array,
    ev: Evaluation,
    node: AggregateNode,
    outcome: (step: number, histogram: FloatHistogramFields | undefined) => void,
  ): void {
    const { annotations } = ev.session;
    for (let k = 0; k < this.#states.length; k++) {
      const state = this.#states[k];
      if (state === undefined) continue;
      if (floatsSeen[k] !== 0) {
        annotations.mixedInAggregation(node.expr.pos);
        outcome(k, undefined);
        continue;
      }
      const { sum } = state;
      if (sum === undefined || state.incompatible) {
        outcome(k, undefined);
        continue;
      }
      if (sum.hintsCollide) annotations.counterResetCollision("aggregation", node.expr.pos);
      outcome(k, compactHistogram(node.op === "avg" ? sum.mean() : sum.sum(), 0));
    }
  }
}
