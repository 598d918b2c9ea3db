// Random histograms against sums over plain maps from bucket to count. The seed is printed; HISTOGRAM_FUZZ_SEED sets it.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addHistogram,
  bucketBound,
  compactHistogram,
  copyHistogram,
  createCompensation,
  createHistogram,
  detectReset,
  type FloatHistogramFields,
  histogramFraction,
  histogramQuantile,
  histogramsEqual,
  histogramToString,
  kahanAddHistogram,
  positiveBuckets,
  reducedIndex,
  reduceResolution,
  type Span,
  subtractHistogram,
  trimHistogram,
  validateHistogram,
} from "../index.ts";

const seed = Number(process.env["HISTOGRAM_FUZZ_SEED"] ?? Date.now() % 0xffff_ffff);
let state = seed >>> 0;

function random(limit: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
  return Math.floor((state / 2 ** 32) * limit);
}

/** Buckets from `first` on at the earliest. */
function side(first: number): { spans: Span[]; buckets: Float64Array } {
  const spans: Span[] = [];
  const buckets: number[] = [];
  for (let n = random(4); n > 0; n--) {
    const length = random(5);
    spans.push({ offset: spans.length === 0 ? first + random(13) : random(4), length });
    for (let i = 0; i < length; i++) buckets.push(random(4));
  }
  return { spans, buckets: Float64Array.from(buckets) };
}

function randomHistogram(): FloatHistogramFields {
  const schema = random(4);
  const zeroThreshold = [0, 1e-9, 0.25][random(3)] as number;
  // No bucket lies within the zero bucket of its own histogram.
  const first = zeroThreshold < 0.25 ? -6 : 1 - 2 * 2 ** schema;
  const positive = side(first);
  const negative = side(first);
  const zeroCount = random(3);
  let count = zeroCount;
  for (const n of [...positive.buckets, ...negative.buckets]) count += n;
  return createHistogram({
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum: random(100),
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
  });
}

/** Bucket index to count, at some schema, without what lies within the zero bucket; empty buckets left out. */
function counts(
  h: FloatHistogramFields,
  positive: boolean,
  schema: number,
  zeroThreshold: number,
): Map<number, number> {
  const spans = positive ? h.positiveSpans : h.negativeSpans;
  const buckets = positive ? h.positiveBuckets : h.negativeBuckets;
  const out = new Map<number, number>();
  let index = 0;
  let i = 0;
  for (const span of spans) {
    index += span.offset;
    for (let n = 0; n < span.length; n++, index++) {
      const target = reducedIndex(index, h.schema, schema);
      const count = buckets[i++] as number;
      if (count !== 0 && bucketBound(target, schema, []) > zeroThreshold)
        out.set(target, (out.get(target) ?? 0) + count);
    }
  }
  return out;
}

function total(h: FloatHistogramFields): number {
  let sum = h.zeroCount;
  for (const n of [...h.positiveBuckets, ...h.negativeBuckets]) sum += n;
  return sum;
}

test(`histogram fuzz: sums hold what both hold (seed ${seed})`, () => {
  for (let round = 0; round < 5000; round++) {
    const context = `seed ${seed}, round ${round}`;
    const a = randomHistogram();
    const b = randomHistogram();
    const untouched = copyHistogram(b);
    const sum = copyHistogram(a);
    addHistogram(sum, b);
    assert.ok(histogramsEqual(b, untouched), context);
    assert.equal(validateHistogram(sum, true), undefined, context);
    assert.equal(total(sum), total(a) + total(b), context);
    assert.ok(sum.zeroThreshold >= Math.max(a.zeroThreshold, b.zeroThreshold), context);
    for (const positive of [true, false]) {
      const expected = counts(a, positive, sum.schema, sum.zeroThreshold);
      for (const [index, n] of counts(b, positive, sum.schema, sum.zeroThreshold)) {
        expected.set(index, (expected.get(index) ?? 0) + n);
      }
      const found = counts(sum, positive, sum.schema, sum.zeroThreshold);
      assert.deepEqual(
        [...found].sort(([x], [y]) => x - y),
        [...expected].sort(([x], [y]) => x - y),
        context,
      );
    }
    const compensated = copyHistogram(a);
    const compensation = createCompensation(compensated);
    kahanAddHistogram(compensated, b, compensation);
    addHistogram(compensated, compensation);
    assert.ok(histogramsEqual(compactHistogram(compensated, 0), compactHistogram(copyHistogram(sum), 0)), context);
    assert.equal(detectReset(sum, a), false, `${context}: more is no reset`);
    const difference = copyHistogram(sum);
    subtractHistogram(difference, b);
    assert.equal(total(difference), total(a), context);
  }
});

test(`histogram fuzz: compacting and coarsening lose nothing (seed ${seed})`, () => {
  for (let round = 0; round < 5000; round++) {
    const context = `seed ${seed}, round ${round}`;
    const a = randomHistogram();
    for (const max of [0, 1, 2, Infinity]) {
      const compact = compactHistogram(copyHistogram(a), max);
      assert.equal(validateHistogram(compact, true), undefined, context);
      for (const positive of [true, false]) {
        assert.deepEqual(counts(compact, positive, a.schema, 0), counts(a, positive, a.schema, 0), context);
        const spans = positive ? compact.positiveSpans : compact.negativeSpans;
        assert.ok(
          spans.slice(1).every((span) => span.offset > max),
          context,
        );
      }
    }
    const coarse = copyHistogram(a);
    if (a.schema > 0) assert.equal(reduceResolution(coarse, a.schema - 1), undefined);
    for (const positive of [true, false]) {
      assert.deepEqual(counts(coarse, positive, coarse.schema, 0), counts(a, positive, coarse.schema, 0), context);
    }
  }
});

test(`histogram fuzz: quantiles ascend and fractions undo them (seed ${seed})`, () => {
  for (let round = 0; round < 2000; round++) {
    const a = randomHistogram();
    if (a.count === 0) continue;
    const context = `seed ${seed}, round ${round}`;
    let last = -Infinity;
    for (const q of [0, 0.1, 0.25, 0.4, 0.5, 0.75, 0.9, 1]) {
      const value = histogramQuantile(q, a);
      assert.ok(value >= last - Math.abs(last) * 1e-9, `${context}: ${value} after ${last}`);
      last = value;
    }
    assert.ok(Math.abs(histogramFraction(-Infinity, Infinity, a) - 1) < 1e-9, context);
    const bound = [0.3, 1, 2.5, -1.7][random(4)] as number;
    const below = trimHistogram(copyHistogram(a), bound, true);
    const above = trimHistogram(copyHistogram(a), bound, false);
    assert.ok(
      Math.abs(below.count + above.count - a.count) < 1e-9 * a.count,
      `${context}: ${below.count} + ${above.count} of ${a.count} at ${bound}: ${histogramToString(a)}`,
    );
    const cursor = positiveBuckets(below);
    while (cursor.next()) assert.ok(cursor.count === 0 || cursor.lower < bound, context);
  }
});
