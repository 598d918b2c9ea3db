// Trends of each window: least squares and double exponential smoothing.
import { compensation } from "../kahan.ts";
import type { WindowKernel } from "./kernel.ts";

interface Line {
  slope: number;
  /** At the intercept time. */
  intercept: number;
}

/**
 * Least squares over the samples in [lo, hi), times in seconds from `interceptTime` (milliseconds), all sums in
 * Kahan-Neumaier arithmetic. A constant series has slope 0, or NaN when it is infinite.
 */
function fitLine(
  times: Float64Array,
  values: Float64Array,
  lo: number,
  hi: number,
  interceptTime: number,
  into: Line,
): void {
  // Four Kahan sums in local variables: as objects they took half of the time.
  let sumX = 0;
  let sumY = 0;
  let sumXY = 0;
  let sumX2 = 0;
  let restX = 0;
  let restY = 0;
  let restXY = 0;
  let restX2 = 0;
  const first = values[lo];
  let constant = true;
  for (let i = lo; i < hi; i++) {
    const y = values[i];
    if (constant && i > lo && y !== first) constant = false;
    const x = (times[i] - interceptTime) / 1e3;
    const xy = x * y;
    const x2 = x * x;
    const nextX = sumX + x;
    restX = compensation(restX, sumX, x, nextX);
    sumX = nextX;
    const nextY = sumY + y;
    restY = compensation(restY, sumY, y, nextY);
    sumY = nextY;
    const nextXY = sumXY + xy;
    restXY = compensation(restXY, sumXY, xy, nextXY);
    sumXY = nextXY;
    const nextX2 = sumX2 + x2;
    restX2 = compensation(restX2, sumX2, x2, nextX2);
    sumX2 = nextX2;
  }
  if (constant) {
    const infinite = first === Infinity || first === -Infinity;
    into.slope = infinite ? NaN : 0;
    into.intercept = infinite ? NaN : first;
    return;
  }
  const n = hi - lo;
  const x = sumX + restX;
  const y = sumY + restY;
  const covariance = sumXY + restXY - (x * y) / n;
  const variance = sumX2 + restX2 - (x * x) / n;
  into.slope = covariance / variance;
  into.intercept = y / n - (into.slope * x) / n;
}

/** `deriv`: the slope per second of at least two samples. */
export const deriv: WindowKernel = ({ times, values, lo, hi }, from, to, out, present) => {
  const line: Line = { slope: 0, intercept: 0 };
  let points = 0;
  for (let k = from; k < to; k++) {
    if (hi[k] - lo[k] < 2) {
      present[k] = 0;
      continue;
    }
    fitLine(times, values, lo[k], hi[k], times[lo[k]], line);
    out[k] = line.slope;
    present[k] = 1;
    points++;
  }
  return points;
};

/** `predict_linear`: where the line will be `seconds[k]` after the evaluation time of step `k`. */
export function predictLinear(seconds: Float64Array): WindowKernel {
  return ({ times, values, lo, hi, evalStart, evalStepMs }, from, to, out, present) => {
    const line: Line = { slope: 0, intercept: 0 };
    let points = 0;
    for (let k = from; k < to; k++) {
      if (hi[k] - lo[k] < 2) {
        present[k] = 0;
        continue;
      }
      fitLine(times, values, lo[k], hi[k], evalStart + k * evalStepMs, line);
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
