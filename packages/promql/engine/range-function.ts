// Which window kernel evaluates which function.
import { changes, resets } from "../functions/windows/changes.ts";
import type { WindowKernel } from "../functions/windows/kernel.ts";
import {
  avgOverTime,
  countOverTime,
  extremeOverTime,
  firstOverTime,
  lastOverTime,
  madOverTime,
  presentOverTime,
  quantileOverTime,
  sumOverTime,
  tsOfExtreme,
  tsOfFirstOverTime,
  tsOfLastOverTime,
  varianceOverTime,
} from "../functions/windows/over-time.ts";
import { extrapolatedRate, lastChange } from "../functions/windows/rate.ts";
import { deriv, doubleExponentialSmoothing, predictLinear } from "../functions/windows/trend.ts";
import type { Position } from "../parser/ast.ts";
import type { Evaluation } from "./evaluation.ts";
import type { CallNode } from "./plan.ts";
import { QueryError } from "./result.ts";

const MAKERS: Readonly<Record<string, () => WindowKernel>> = {
  rate: () => extrapolatedRate(true, true),
  increase: () => extrapolatedRate(true, false),
  delta: () => extrapolatedRate(false, false),
  irate: () => lastChange(true),
  idelta: () => lastChange(false),
  changes: () => changes,
  resets: () => resets,
  sum_over_time: () => sumOverTime,
  avg_over_time: () => avgOverTime,
  count_over_time: () => countOverTime,
  present_over_time: () => presentOverTime,
  last_over_time: () => lastOverTime,
  first_over_time: () => firstOverTime,
  min_over_time: () => extremeOverTime(false),
  max_over_time: () => extremeOverTime(true),
  stddev_over_time: () => varianceOverTime(true),
  stdvar_over_time: () => varianceOverTime(false),
  mad_over_time: () => madOverTime,
  ts_of_first_over_time: () => tsOfFirstOverTime,
  ts_of_last_over_time: () => tsOfLastOverTime,
  ts_of_min_over_time: () => tsOfExtreme(false),
  ts_of_max_over_time: () => tsOfExtreme(true),
  deriv: () => deriv,
};

/** The kernel of a function of a range vector, its scalar arguments bound. Refuses arguments out of range. */
export function kernelOf(
  ev: Evaluation,
  { name }: CallNode,
  scalars: readonly Float64Array[],
  pos: Position,
): WindowKernel {
  const [first, second] = scalars;
  switch (name) {
    case "quantile_over_time": {
      const quantiles = first as Float64Array;
      const kernel = quantileOverTime(quantiles);
      return (windows, from, to, out, present) => {
        const points = kernel(windows, from, to, out, present);
        for (let k = from; k < to; k++) {
          const q = quantiles[k];
          if (present[k] !== 0 && !(q >= 0 && q <= 1)) ev.session.annotations.invalidQuantile(q, pos);
        }
        return points;
      };
    }
    case "predict_linear":
      return predictLinear(first as Float64Array);
    case "double_exponential_smoothing": {
      const smoothing = first as Float64Array;
      const trend = second as Float64Array;
      const kernel = doubleExponentialSmoothing(smoothing, trend);
      return (windows, from, to, out, present) => {
        for (let k = from; k < to; k++) {
          if (windows.hi[k] <= windows.lo[k]) continue;
          refuseFactor("smoothing", "sf", smoothing[k]);
          refuseFactor("trend", "tf", trend[k]);
        }
        return kernel(windows, from, to, out, present);
      };
    }
  }
  if (Object.hasOwn(MAKERS, name)) return (MAKERS[name] as () => WindowKernel)();
  throw new QueryError("internal", `function ${name} has no evaluation`);
}

function refuseFactor(what: string, short: string, value: number): void {
  if (value <= 0 || value >= 1) {
    throw new QueryError("execution", `invalid ${what} factor. Expected: 0 < ${short} < 1, got: ${fixed(value)}`);
  }
}

function fixed(value: number): string {
  return Number.isFinite(value) ? value.toFixed(6) : value > 0 ? "+Inf" : "-Inf";
}
