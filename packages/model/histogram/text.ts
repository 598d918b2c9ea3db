// Native histograms as text.
import type { FloatHistogramFields } from "./float-histogram.ts";

/** As the reference prints results: `{count:3, sum:5, [-0.001,0.001]:1, (1,2]:2}`; empty buckets are left out. */
export function histogramToString(_histogram: FloatHistogramFields): string {
  throw new Error("not yet");
}

/** As test scripts write them: `{{schema:1 count:3 sum:5 buckets:[1 2]}}`. */
export function histogramToTestExpression(_histogram: FloatHistogramFields): string {
  throw new Error("not yet");
}
