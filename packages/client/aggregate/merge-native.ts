// Native histograms of several processes in one.
import type { NativeBuckets } from "../format/family-writer.ts";
import { upperBound } from "../native-bounds.ts";
import { spansOf } from "../native-buckets.ts";

/** The sum of both, at the lower of their resolutions and with the wider of their zero buckets. Exemplars of both. */
export function mergeNative(a: NativeBuckets, b: NativeBuckets): NativeBuckets {
  const schema = Math.min(a.schema, b.schema);
  const zeroThreshold = Math.max(a.zeroThreshold, b.zeroThreshold);
  let zeroCount = a.zeroCount + b.zeroCount;
  const positive = new Map<number, number>();
  const negative = new Map<number, number>();
  for (const part of [a, b]) {
    for (const [target, spans, deltas] of [
      [positive, part.positiveSpans, part.positiveDeltas],
      [negative, part.negativeSpans, part.negativeDeltas],
    ] as const) {
      for (const [index, count] of bucketsOf(spans, deltas)) {
        let at = index;
        for (let from = part.schema; from > schema; from--) at = (at + 1) >> 1;
        // What the wider zero bucket reaches into belongs to it.
        if (zeroThreshold > 0 && upperBound(index - 1, part.schema) < zeroThreshold) zeroCount += count;
        else target.set(at, (target.get(at) ?? 0) + count);
      }
    }
  }
  const [positiveSpans, positiveDeltas] = spansOf(positive);
  const [negativeSpans, negativeDeltas] = spansOf(negative);
  const exemplars = [...a.exemplars, ...b.exemplars].sort((x, y) => x.value - y.value);
  return {
    schema,
    zeroThreshold,
    zeroCount,
    positiveSpans,
    positiveDeltas,
    negativeSpans,
    negativeDeltas,
    exemplars,
  };
}

function* bucketsOf(spans: readonly number[], deltas: readonly number[]): Generator<readonly [number, number]> {
  let index = 0;
  let count = 0;
  let at = 0;
  for (let i = 0; i < spans.length; i += 2) {
    index += spans[i] as number;
    for (let n = 0; n < (spans[i + 1] as number); n++) {
      count += deltas[at++] as number;
      yield [index++, count];
    }
  }
}
