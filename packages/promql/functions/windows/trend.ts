// Trends of each window: least squares and double exponential smoothing.
import type { WindowKernel } from "./kernel.ts";
import { LineFit } from "./line-fit.ts";

/** `deriv`: the slope per second of at least two samples. */
export const deriv: WindowKernel = ({ times, values, lo, hi }, from, to, out, present) => {
  const line = new LineFit(times, values);
  let points = 0;
  for (let k = from; k < to; k++) {
    if (hi[k] - lo[k] < 2) {
      present[k] = 0;
      continue;
    }
    line.fit(lo[k], hi[k], times[lo[k]]);
    out[k] = line.slope;
    present[k] = 1;
    points++;
  }
  return points;
};

/** `predict_linear`: where the line will be `seconds[k]` after the evaluation time of step `k`. */
export function predictLinear(seconds: Float64Array): WindowKernel {
  return ({ times, values, lo, hi, evalStart, evalStepMs }, from, to, out, present) => {
    const line = new LineFit(times, values);
    let points = 0;
    for (let k = from; k < to; k++) {
      if (hi[k] - lo[k] < 2) {
        present[k] = 0;
        continue;
      }
      line.fit(lo[k], hi[k], evalStart + k * evalStepMs);
      out[k] = line.slope * seconds[k] + line.intercept;
      present[k] = 1;
      points++;
    }
    return points;
  };
}

/** `double_exponential_smoothing` with smoothing and trend factors (both strictly between 0 and 1) per step. */
export function doubleExponentialSmoothing(smoothing: Float64Array, trend: Float64Array): WindowKernel {
  return ({ values, lo, hi }, from, to, out, present) => {
    let points = 0;
    for (let k = from; k < to; k++) {
      const a = lo[k];
      if (hi[k] - a < 2) {
        present[k] = 0;
        continue;
      }
      const sf = smoothing[k];
      const tf = trend[k];
      let previous = 0;
      let smoothed = values[a];
      let slope = values[a + 1] - values[a];
      for (let i = a + 1; i < hi[k]; i++) {
        const x = sf * values[i];
        if (i > a + 1) slope = tf * (smoothed - previous) + (1 - tf) * slope;
        const y = (1 - sf) * (smoothed + slope);
        previous = smoothed;
        smoothed = x + y;
      }
      out[k] = smoothed;
      present[k] = 1;
      points++;
    }
    return points;
  };
}
