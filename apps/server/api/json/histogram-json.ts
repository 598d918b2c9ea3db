// Native histograms as the API writes them.
import { allBuckets, type FloatHistogramFields, formatFloat } from "@narthex/model";
import type { ByteSink } from "./byte-sink.ts";

/** Which ends of a bucket belong to it, as the API numbers them. */
function boundaryRule(lowerInclusive: boolean, upperInclusive: boolean): 0 | 1 | 2 | 3 {
  if (lowerInclusive) return upperInclusive ? 3 : 1;
  return upperInclusive ? 0 : 2;
}

/** Writes `{"count":"…","sum":"…","buckets":[[rule,"lower","upper","count"],…]}`; empty buckets are left out. */
export function writeHistogram(sink: ByteSink, histogram: FloatHistogramFields): void {
  sink.ascii(`{"count":"${formatFloat(histogram.count)}","sum":"${formatFloat(histogram.sum)}"`);
  const bucket = allBuckets(histogram);
  let first = true;
  while (bucket.next()) {
    if (bucket.count === 0) continue;
    const rule = boundaryRule(bucket.lowerInclusive, bucket.upperInclusive);
    const [lower, upper, count] = [bucket.lower, bucket.upper, bucket.count].map(formatFloat);
    sink.ascii(`${first ? ',"buckets":[' : ","}[${rule},"${lower}","${upper}","${count}"]`);
    first = false;
  }
  sink.ascii(first ? "}" : "]}");
}
