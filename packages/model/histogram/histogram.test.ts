// biome-ignore-all lint/suspicious/noApproximativeNumericConstant: the reference's bounds are not the nearest floats
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addHistogram,
  allBuckets,
  allBucketsReversed,
  bucketBound,
  CounterResetHint,
  compactHistogram,
  copyHistogram,
  copyToSchema,
  createCompensation,
  createHistogram,
  detectReset,
  divideHistogram,
  type FloatHistogramFields,
  floatFromInteger,
  histogramDeviation,
  histogramFraction,
  histogramQuantile,
  histogramsEqual,
  histogramToString,
  histogramToTestExpression,
  histogramVariance,
  integerFromFloat,
  kahanAddHistogram,
  multiplyHistogram,
  printedBuckets,
  reduceResolution,
  subtractHistogram,
  trimHistogram,
  validateHistogram,
} from "../index.ts";

interface Shape extends Partial<FloatHistogramFields> {
  /** Positive and negative buckets from an index on. */
  readonly positive?: readonly [number, readonly number[]];
  readonly negative?: readonly [number, readonly number[]];
}

function histogram({ positive = [0, []], negative = [0, []], ...fields }: Shape): FloatHistogramFields {
  const spans = ([offset, { length }]: readonly [number, readonly number[]]) =>
    length === 0 ? [] : [{ offset, length }];
  return createHistogram({
    positiveSpans: spans(positive),
    positiveBuckets: Float64Array.from(positive[1]),
    negativeSpans: spans(negative),
    negativeBuckets: Float64Array.from(negative[1]),
    ...fields,
  });
}

const text = (h: FloatHistogramFields): string => histogramToTestExpression(h);

test("bounds: powers of the schema's base, the ends of the float range included", () => {
  assert.equal(bucketBound(0, 0, []), 1);
  assert.equal(bucketBound(3, 0, []), 8);
  assert.equal(bucketBound(-1, -2, []), 1 / 16);
  assert.equal(bucketBound(1, 1, []), 1.414213562373095);
  assert.equal(bucketBound(-1, 1, []), 0.7071067811865475);
  assert.equal(bucketBound(1024, 0, []), Number.MAX_VALUE);
  assert.equal(bucketBound(1025, 0, []), Infinity);
  assert.equal(bucketBound(64, -4, []), Number.MAX_VALUE);
  assert.equal(bucketBound(65, -4, []), Infinity);
  assert.equal(bucketBound(1024 * 256, 8, []), Number.MAX_VALUE);
  assert.equal(bucketBound(1024 * 256 + 1, 8, []), Infinity);
  assert.equal(bucketBound(-1074, 0, []), 5e-324);
  assert.equal(bucketBound(-1075, 0, []), 0);
  assert.equal(bucketBound(-1022, 0, []), 2.2250738585072014e-308);
  assert.deepEqual(
    [-1, 0, 1, 2].map((i) => bucketBound(i, -53, [5, 10])),
    [-Infinity, 5, 10, Infinity],
  );
  for (let schema = 0; schema <= 8; schema++) {
    for (let i = -(2 ** schema); i < 2 ** schema; i++) {
      const bound = bucketBound(i, schema, []);
      assert.ok(bound < bucketBound(i + 1, schema, []));
      assert.ok(Math.abs(bound / 2 ** (i / 2 ** schema) - 1) < 1e-15);
    }
  }
});

test("buckets: all of them in order, cut at the zero threshold, both ways", () => {
  const h = histogram({ zeroThreshold: 0.75, zeroCount: 4, positive: [0, [1, 0, 2]], negative: [1, [3]] });
  const seen = (cursor: ReturnType<typeof allBuckets>): string[] => {
    const out: string[] = [];
    while (cursor.next()) out.push(`${cursor.lower} ${cursor.upper} ${cursor.count}`);
    return out;
  };
  const upwards = ["-2 -1 3", "-0.75 0.75 4", "0.75 1 1", "1 2 0", "2 4 2"];
  assert.deepEqual(seen(allBuckets(h)), upwards);
  assert.deepEqual(seen(allBucketsReversed(h)), upwards.toReversed());
  assert.equal(
    histogramToString({ ...h, count: 10, sum: 1e6 }),
    "{count:10, sum:1e+06, [-2,-1):3, [-0.75,0.75]:4, (0.5,1]:1, (2,4]:2}",
  );
  assert.deepEqual(
    printedBuckets(h).map(({ boundaries }) => boundaries),
    [1, 3, 0, 0],
  );
});

test("adding: the coarser schema, the wider zero bucket, buckets of both", () => {
  const h = histogram({ schema: 1, count: 5, sum: 9, zeroThreshold: 0.001, zeroCount: 1, positive: [1, [1, 2, 1]] });
  const other = histogram({
    schema: 0,
    count: 7,
    sum: 3,
    zeroThreshold: 0.5,
    zeroCount: 2,
    positive: [1, [4]],
    negative: [2, [1]],
  });
  const before = text(other);
  assert.deepEqual(addHistogram(h, other), { counterResetConflict: false, boundsReconciled: false });
  assert.equal(
    text(h),
    "{{count:12 sum:12 z_bucket:3 z_bucket_w:0.5 offset:1 buckets:[7 1] n_offset:2 n_buckets:[1]}}",
  );
  assert.equal(text(other), before);
  assert.equal(subtractHistogram(h, other)?.counterResetConflict, false);
  assert.equal(text(compactHistogram(h, 0)), "{{count:5 sum:9 z_bucket:1 z_bucket_w:0.5 offset:1 buckets:[3 1]}}");
});

test("adding: a zero bucket that would cut a populated bucket is widened to its end, on both sides", () => {
  const h = histogram({ count: 6, zeroThreshold: 0.1, positive: [0, [1, 2]], negative: [1, [3]] });
  addHistogram(h, histogram({ count: 1, zeroThreshold: 0.75, zeroCount: 1 }));
  assert.equal(text(h), "{{count:7 z_bucket:2 z_bucket_w:1 offset:1 buckets:[2] n_offset:1 n_buckets:[3]}}");
  // The positive side widens it to 1, which cuts nothing; 1.5 cuts the negative bucket up to 2 and swallows a positive one.
  addHistogram(h, histogram({ count: 1, zeroThreshold: 1.5, zeroCount: 1 }));
  assert.equal(text(h), "{{count:8 z_bucket:8 z_bucket_w:2}}");
});

test("adding: custom bounds that differ are cut to those that both have", () => {
  const custom = (bounds: number[], buckets: number[]) =>
    histogram({ schema: -53, count: 10, sum: 1, customValues: bounds, positive: [0, buckets] });
  const h = custom([1, 5, 10], [1, 2, 3, 4]);
  assert.equal(addHistogram(h, custom([1, 5, 10], [1, 1, 1, 1]))?.boundsReconciled, false);
  assert.equal(text(h), "{{schema:-53 count:20 sum:2 custom_values:[1 5 10] buckets:[2 3 4 5]}}");
  assert.equal(addHistogram(h, custom([5, 7], [1, 1, 1]))?.boundsReconciled, true);
  assert.equal(text(h), "{{schema:-53 count:30 sum:3 custom_values:[5] buckets:[6 11]}}");
  assert.equal(addHistogram(h, custom([2], [1, 1]))?.boundsReconciled, true);
  assert.equal(text(h), "{{schema:-53 count:40 sum:4 custom_values:[] buckets:[19]}}");
  assert.equal(addHistogram(h, histogram({})), undefined);
  assert.equal(subtractHistogram(histogram({}), h), undefined);
});

test("adding: what becomes of the reset hint", () => {
  const { unknown, reset, notReset, gauge } = CounterResetHint;
  const cases: readonly [CounterResetHint, CounterResetHint, CounterResetHint, boolean][] = [
    [reset, reset, reset, false],
    [gauge, reset, gauge, false],
    [notReset, gauge, gauge, false],
    [unknown, reset, unknown, false],
    [notReset, unknown, unknown, false],
    [reset, notReset, unknown, true],
    [notReset, reset, unknown, true],
  ];
  for (const [ours, theirs, result, conflict] of cases) {
    const h = histogram({ counterResetHint: ours });
    assert.equal(addHistogram(h, histogram({ counterResetHint: theirs }))?.counterResetConflict, conflict);
    assert.equal(h.counterResetHint, result);
  }
});

test("compensated adding: what a plain sum loses is kept, in every field", () => {
  const one = histogram({ schema: 3, count: 1, sum: 1, zeroCount: 1, positive: [0, [1]], negative: [2, [1]] });
  const huge = histogram({
    schema: 2,
    count: 1e100,
    sum: 1e100,
    zeroCount: 1e100,
    positive: [0, [1e100]],
    negative: [1, [1e100]],
  });
  const minus = multiplyHistogram(copyHistogram(huge), -1);
  const sum = copyHistogram(one);
  const compensation = createCompensation(sum);
  for (const next of [huge, one, minus]) kahanAddHistogram(sum, next, compensation);
  addHistogram(sum, compensation);
  assert.equal(
    text(sum),
    "{{schema:2 count:2 sum:2 z_bucket:2 counter_reset_hint:gauge buckets:[2] n_offset:1 n_buckets:[2]}}",
  );
});

test("scaling: a negative factor makes a gauge, division by zero leaves no buckets", () => {
  const h = histogram({ count: 4, sum: 8, zeroCount: 2, positive: [0, [2]] });
  assert.equal(
    text(multiplyHistogram(copyHistogram(h), -2)),
    "{{count:-8 sum:-16 z_bucket:-4 counter_reset_hint:gauge buckets:[-4]}}",
  );
  assert.equal(text(divideHistogram(copyHistogram(h), 2)), "{{count:2 sum:4 z_bucket:1 buckets:[1]}}");
  assert.equal(text(divideHistogram(copyHistogram(h), 0)), "{{count:+Inf sum:+Inf z_bucket:+Inf}}");
});

test("compacting: ends are cut, small gaps filled, large ones split", () => {
  const h = createHistogram({
    positiveSpans: [
      { offset: -2, length: 3 },
      { offset: 0, length: 2 },
      { offset: 5, length: 0 },
      { offset: 1, length: 5 },
    ],
    positiveBuckets: Float64Array.of(0, 1, 0, 2, 0, 3, 0, 0, 0, 4),
  });
  const spans = (max: number) => compactHistogram(copyHistogram(h), max).positiveSpans.map((s) => [s.offset, s.length]);
  assert.deepEqual(spans(0), [
    [-1, 1],
    [1, 1],
    [7, 1],
    [3, 1],
  ]);
  assert.deepEqual(spans(1), [
    [-1, 3],
    [7, 1],
    [3, 1],
  ]);
  assert.deepEqual(spans(3), [
    [-1, 3],
    [7, 5],
  ]);
  assert.deepEqual(spans(Infinity), [[-1, 15]]);
});

test("resolution: buckets merge to the coarser schema, and only to a coarser one", () => {
  const h = histogram({ schema: 2, positive: [-3, [1, 1, 1, 1, 1, 1]], negative: [5, [2]] });
  assert.equal(text(copyToSchema(h, 0)), "{{buckets:[4 2] n_offset:2 n_buckets:[2]}}");
  assert.equal(reduceResolution(h, 2), "cannot reduce resolution from schema 2 to 2");
  assert.equal(
    reduceResolution(histogram({ schema: -53 }), 0),
    "cannot reduce resolution when there are custom buckets",
  );
  assert.throws(() => copyToSchema(h, 3), RangeError);
});

test("resets: counts, buckets, zero bucket, resolution and hints", () => {
  const h = histogram({ schema: 1, count: 10, zeroThreshold: 0.001, zeroCount: 2, positive: [0, [1, 3, 0, 4]] });
  const after = (change: Shape): boolean => {
    const { positive, negative, ...fields } = change;
    const next = { ...copyHistogram(h), ...fields };
    if (positive !== undefined)
      Object.assign(next, {
        positiveSpans: [{ offset: positive[0], length: positive[1].length }],
        positiveBuckets: Float64Array.from(positive[1]),
      });
    return detectReset(next, h);
  };
  assert.equal(after({}), false);
  assert.equal(after({ count: 9 }), true);
  assert.equal(after({ zeroCount: 1 }), true);
  assert.equal(after({ schema: 2 }), true);
  assert.equal(after({ zeroThreshold: 0.0001 }), true);
  assert.equal(after({ count: 12, positive: [0, [1, 3, 0, 3]] }), true);
  assert.equal(after({ count: 12, positive: [0, [1, 3]] }), true);
  assert.equal(after({ count: 12, positive: [1, [3, 0, 4]] }), true);
  assert.equal(after({ count: 12, positive: [-2, [1, 0, 2, 4, 1, 4]] }), false);
  assert.equal(after({ count: 12, schema: 0, positive: [0, [1, 3, 4]] }), false);
  assert.equal(after({ count: 12, schema: 0, positive: [0, [1, 2, 4]] }), true);
  // The bucket up to 1 went into the zero bucket.
  assert.equal(after({ count: 12, zeroThreshold: 1, zeroCount: 3, positive: [1, [3, 0, 4]] }), false);
  assert.equal(after({ count: 12, zeroThreshold: 1, zeroCount: 2, positive: [1, [3, 0, 4]] }), true);
  assert.equal(after({ count: 12, zeroThreshold: 0.9, zeroCount: 3, positive: [1, [3, 0, 4]] }), true);
  assert.equal(after({ count: 5, counterResetHint: CounterResetHint.notReset }), false);
  assert.equal(after({ counterResetHint: CounterResetHint.reset }), true);
  const custom = (bounds: number[], buckets: number[]) =>
    histogram({ schema: -53, count: 9, customValues: bounds, positive: [0, buckets] });
  assert.equal(detectReset(custom([1, 5], [1, 2, 3]), custom([1, 5], [1, 2, 3])), false);
  assert.equal(detectReset(custom([5], [3, 3]), custom([1, 5], [1, 2, 3])), false);
  assert.equal(detectReset(custom([5], [2, 4]), custom([1, 5], [1, 2, 3])), true);
  assert.equal(detectReset(custom([7], [6]), custom([1, 5], [1, 2, 3])), false);
  assert.equal(detectReset(custom([1], [9]), histogram({ count: 1 })), true);
});

test("quantiles and fractions: interpolated on the scale of the buckets", () => {
  const h = histogram({ schema: 0, count: 4, sum: 5, positive: [0, [1, 2, 1]] });
  assert.equal(histogramQuantile(0.5, h), 1.414213562373095);
  assert.equal(histogramFraction(1, 2, h), 0.5);
  assert.equal(histogramQuantile(0, h), 0.5);
  assert.equal(histogramQuantile(1, h), 4);
  assert.deepEqual(
    [-0.1, 1.1, NaN].map((q) => histogramQuantile(q, h)),
    [-Infinity, Infinity, NaN],
  );
  assert.equal(histogramQuantile(0.5, histogram({})), NaN);
  const zero = histogram({ count: 2, zeroCount: 2, zeroThreshold: 0.5, positive: [3, [0]] });
  assert.equal(histogramQuantile(0.5, zero), 0.25);
  const custom = histogram({ schema: -53, count: 10, sum: 1, customValues: [5, 10], positive: [0, [4, 4, 2]] });
  assert.equal(histogramQuantile(0.2, custom), 2.5);
  assert.equal(histogramQuantile(0.95, custom), 10);
  assert.equal(histogramFraction(-Infinity, 7.5, custom), 0.6);
  const notes = { nanResult: false, nanSkew: false };
  assert.equal(histogramQuantile(0.9, { ...h, count: 8, sum: NaN }, notes), NaN);
  assert.deepEqual(notes, { nanResult: true, nanSkew: false });
  histogramFraction(0, 1, { ...h, count: 8, sum: NaN }, notes);
  assert.equal(notes.nanSkew, true);
  const spread = histogram({ schema: 2, count: 4, sum: 10, positive: [0, [1, 0, 0, 0, 1, 0, 0, 1, 1]] });
  assert.ok(Math.abs(histogramDeviation(spread) - 1.0787993180043811) < 1e-15);
  assert.ok(Math.abs(histogramVariance(spread) - 1.163807968526718) < 1e-15);
});

test("trimming: what lies beyond the bound goes, cut buckets in part", () => {
  const h = histogram({ count: 6, sum: 9, positive: [1, [2, 4]] });
  assert.equal(
    text(trimHistogram(copyHistogram(h), 2, true)),
    "{{count:2 sum:2.8284271247461903 offset:1 buckets:[2]}}",
  );
  assert.equal(text(trimHistogram(copyHistogram(h), 100, true)), text(h));
  const half = trimHistogram(copyHistogram(h), 2 * Math.SQRT2, false);
  assert.ok(Math.abs(half.count - 2) < 1e-12);
  assert.equal(text(trimHistogram(copyHistogram(h), 0, true)), "{{}}");
});

test("validation: sound histograms pass, others are refused in the reference's words", () => {
  assert.equal(validateHistogram(histogram({ count: 3, sum: 1, positive: [0, [1, 2]] }), true), undefined);
  const refusals: readonly [FloatHistogramFields, RegExp][] = [
    [histogram({ schema: 9 }), /invalid schema, .*, got schema 9$/],
    [histogram({ count: -1 }), /^observation count is {2}-1: histogram's observation count is negative$/],
    [histogram({ positive: [0, [1, -1]] }), /^positive side: bucket number 2 has observation count of -1: /],
    [
      createHistogram({ positiveSpans: [{ offset: 0, length: 2 }] }),
      /^positive side: spans need 2 buckets, have 0 buckets: /,
    ],
    [
      createHistogram({
        negativeSpans: [
          { offset: 0, length: 0 },
          { offset: -1, length: 0 },
        ],
      }),
      /^negative side: span number 2 with offset -1: /,
    ],
    [histogram({ zeroCount: -2 }), /^zero bucket has observation count of -2: /],
    [histogram({ customValues: [1] }), /must not have custom bounds$/],
    [
      histogram({ schema: -53, customValues: [1, 1] }),
      /^custom buckets: previous bound is 1.000000 and current is 1.000000: /,
    ],
    [histogram({ schema: -53, customValues: [1, Infinity] }), /^custom buckets: last \+Inf bound/],
    [histogram({ schema: -53, customValues: [NaN] }), /must not be NaN/],
    [histogram({ schema: -53, customValues: [1], positive: [0, [1, 1, 1]] }), /only 1 custom bounds defined/],
    [histogram({ schema: -53, zeroCount: 1 }), /zero count of 0/],
  ];
  for (const [h, message] of refusals) assert.match(validateHistogram(h) ?? "", message);
  assert.match(
    validateHistogram(histogram({ count: 4, positive: [0, [1]] }), true) ?? "",
    /^1 observations found in buckets, but the Count field is 4: .*should equal/,
  );
});

test("integer histograms: deltas become absolute counts and come back", () => {
  const integer = {
    ...createHistogram({ count: 6, positiveSpans: [{ offset: 0, length: 3 }] }),
    positiveDeltas: [1, 2, -1],
    negativeDeltas: [],
  };
  const float = floatFromInteger(integer);
  assert.deepEqual([...float.positiveBuckets], [1, 3, 2]);
  assert.deepEqual([...Array.from(integerFromFloat(float).positiveDeltas)], [1, 2, -1]);
  assert.ok(histogramsEqual(float, floatFromInteger(integer)));
  assert.ok(!histogramsEqual(float, { ...float, sum: 1 }));
});
