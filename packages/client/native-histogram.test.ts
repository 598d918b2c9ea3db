import assert from "node:assert/strict";
import { test } from "node:test";
import { bucketIndex, schemaFor, upperBound } from "./native-bounds.ts";
import { NativeBucketStore, nativeSettings } from "./native-buckets.ts";

test("native bounds: a bucket holds its upper bound, and what lies above it comes next", () => {
  for (let schema = -4; schema <= 8; schema++) {
    for (const index of [-1000, -17, -1, 0, 1, 2, 5, 63, 64, 200]) {
      const bound = upperBound(index, schema);
      if (bound === 0 || bound >= Number.MAX_VALUE || bound < 1e-300) continue;
      assert.equal(bucketIndex(bound, schema), index, `schema ${schema}, bucket ${index}`);
      assert.equal(bucketIndex(bound * (1 + 2 ** -51), schema), index + 1);
      assert.equal(bucketIndex(-bound, schema), index);
    }
  }
  assert.equal(upperBound(1, 1), Math.SQRT2 - 2 ** -52, "the reference's bound, not the nearest float");
  assert.equal(upperBound(255, 8) / 2, 0.9972960560854698);
  assert.equal(upperBound(1, 0), 2);
  assert.equal(upperBound(3, -1), 64);
  assert.equal(upperBound(1024, 0), Number.MAX_VALUE);
  assert.equal(bucketIndex(Number.MAX_VALUE, 3), 8 * 1024);
  assert.equal(bucketIndex(Number.MIN_VALUE, 0), -1074);
});

test("native schemas: the finest whose buckets grow by no more than the factor", () => {
  for (const [factor, schema] of [
    [65536, -4],
    [1e9, -4],
    [2, 0],
    [1.5, 1],
    [1.1, 3],
    [1.01, 7],
    [1.0001, 8],
  ] as const) {
    assert.equal(schemaFor(factor), schema, `factor ${factor}`);
  }
});

const settings = { bucketFactor: 2, zeroThreshold: 0.01 };

test("native buckets: spans join over gaps of two, deltas count up and down", () => {
  const store = new NativeBucketStore(nativeSettings(settings), () => 0);
  for (const value of [0, 0.01, -0.005, 1, 1, 2, 2, 2, 16, 300, -4]) store.observe(value);
  assert.deepEqual(store.snapshot(), {
    schema: 0,
    zeroThreshold: 0.01,
    zeroCount: 3,
    positiveSpans: [0, 5, 4, 1],
    positiveDeltas: [2, 1, -3, 0, 1, 0],
    negativeSpans: [2, 1],
    negativeDeltas: [1],
    exemplars: [],
  });
});

test("native buckets: too many widen the zero bucket as far as allowed, then halve the resolution", () => {
  const store = new NativeBucketStore(nativeSettings({ ...settings, maxBuckets: 3, maxZeroThreshold: 0.5 }), () => 0);
  for (const value of [0.25, 0.5, 1]) store.observe(value);
  assert.equal(store.bucketCount, 3);
  store.observe(2);
  assert.deepEqual([store.zeroThreshold, store.bucketCount, store.snapshot().zeroCount], [0.25, 3, 1]);
  store.observe(-8);
  assert.deepEqual([store.zeroThreshold, store.schema, store.bucketCount], [0.5, 0, 3]);
  store.observe(32);
  assert.deepEqual([store.zeroThreshold, store.schema], [0.5, -1]);
  const { zeroCount, positiveSpans, positiveDeltas, negativeSpans } = store.snapshot();
  assert.deepEqual(
    { zeroCount, positiveSpans, positiveDeltas, negativeSpans },
    {
      zeroCount: 2,
      positiveSpans: [0, 4],
      positiveDeltas: [1, 0, -1, 1],
      negativeSpans: [2, 1],
    },
  );
});

test("native buckets: a reset makes room when the last one is long ago; until then the other means help", () => {
  let clock = 0;
  const config = { ...settings, maxBuckets: 2, minResetSeconds: 10 };
  const store = new NativeBucketStore(nativeSettings(config), () => clock);
  store.observe(1);
  store.observe(2);
  clock = 5_000;
  assert.equal(store.observe(8), false);
  assert.equal(store.schema, -1, "too early for a reset");
  assert.equal(store.resetWhenDue(), false);
  clock = 10_000;
  assert.equal(store.resetWhenDue(), true);
  assert.deepEqual([store.schema, store.bucketCount], [0, 0]);
  store.observe(1);
  store.observe(2);
  clock = 30_000;
  assert.equal(store.observe(64), true);
  assert.deepEqual([store.schema, store.bucketCount], [0, 1]);
});

test("native exemplars: old ones give way first, then the closest pair", () => {
  const store = new NativeBucketStore(
    nativeSettings({ ...settings, maxExemplars: 3, exemplarTtlSeconds: 100 }),
    () => 0,
  );
  const add = (value: number, timestamp: number) => store.addExemplar({ labels: {}, value, timestamp });
  const values = () => store.snapshot().exemplars.map(({ value }) => value);
  add(8, 1);
  add(1, 2);
  add(64, 3);
  assert.deepEqual(values(), [1, 8, 64]);
  add(9, 4);
  assert.deepEqual(values(), [1, 9, 64], "the one nearest to the new one went");
  add(1000, 200);
  assert.deepEqual(values(), [9, 64, 1000], "the oldest went, being too old");
});

test("native settings: what makes no sense is refused", () => {
  for (const config of [{ bucketFactor: 1 }, { bucketFactor: NaN }, { zeroThreshold: -1 }, { maxBuckets: -1 }]) {
    assert.throws(() => nativeSettings(config), RangeError);
  }
});
