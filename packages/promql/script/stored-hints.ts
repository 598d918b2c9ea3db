// Counter reset hints as they come back from the reference's storage, whatever was written: within a chunk, samples
// after the first are known to follow without a reset; of a chunk's first sample nothing is known. Only gauges keep
// their hint. Scripts expect answers from samples that have been through this.
import { CounterResetHint, CUSTOM_BUCKETS_SCHEMA, type FloatHistogramFields } from "@narthex/model";
import type { SequenceValue } from "../parser/series-parser.ts";
import { occupiedBuckets } from "./comparison.ts";

/** The sequence with each histogram's hint as it would be read back. */
export function withStoredHints(values: readonly SequenceValue[]): readonly SequenceValue[] {
  let previous: FloatHistogramFields | undefined;
  return values.map((value) => {
    if (value.kind === "omitted") return value;
    if (value.kind !== "histogram") {
      previous = undefined;
      return value;
    }
    const { histogram } = value;
    if (histogram.counterResetHint === CounterResetHint.gauge) {
      previous = undefined;
      return value;
    }
    const follows = previous !== undefined && continues(previous, histogram);
    previous = histogram;
    const counterResetHint = follows ? CounterResetHint.notReset : CounterResetHint.unknown;
    return { ...value, histogram: { ...histogram, counterResetHint } };
  });
}

/** Whether a counter histogram can stand in the same chunk as the one before it. */
function continues(previous: FloatHistogramFields, next: FloatHistogramFields): boolean {
  return (
    next.counterResetHint !== CounterResetHint.reset &&
    next.schema === previous.schema &&
    next.zeroThreshold === previous.zeroThreshold &&
    (next.schema !== CUSTOM_BUCKETS_SCHEMA || String(next.customValues) === String(previous.customValues)) &&
    !(next.count < previous.count) &&
    !(next.zeroCount < previous.zeroCount) &&
    grows(
      occupiedBuckets(previous.positiveSpans, previous.positiveBuckets),
      occupiedBuckets(next.positiveSpans, next.positiveBuckets),
    ) &&
    grows(
      occupiedBuckets(previous.negativeSpans, previous.negativeBuckets),
      occupiedBuckets(next.negativeSpans, next.negativeBuckets),
    )
  );
}

function grows(previous: ReadonlyMap<number, number>, next: ReadonlyMap<number, number>): boolean {
  for (const [index, count] of previous) if ((next.get(index) ?? 0) < count) return false;
  return true;
}
