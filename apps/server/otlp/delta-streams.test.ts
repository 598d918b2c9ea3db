import assert from "node:assert/strict";
import { test } from "node:test";
import { type DeltaKind, DeltaStreams } from "./delta-streams.ts";
import { Point } from "./point-reader.ts";
import { attributes, NOW, nanoseconds, OtlpRig, requestOf } from "./testing.ts";

const DELTA = 1;

/** A stream of points of one kind, with times in seconds. */
function stream(kind: DeltaKind, streams = new DeltaStreams(() => NOW)): (fields: Partial<Point>) => Point | undefined {
  return (fields) => {
    const point = new Point();
    const { bounds = [], bucketCounts = [], positive, negative, ...rest } = fields;
    Object.assign(point, rest);
    point.bounds.push(...bounds);
    point.bucketCounts.push(...bucketCounts);
    for (const [from, into] of [
      [positive, point.positive],
      [negative, point.negative],
    ] as const) {
      if (from === undefined) continue;
      into.offset = from.offset;
      into.counts.push(...from.counts);
    }
    return streams.add("key", kind, point) ? point : undefined;
  };
}

const side = (offset: number, counts: number[]): Point["positive"] => ({ offset, counts }) as Point["positive"];

test("delta streams: values add up from the first point on; what comes late, twice, or began before is left out", () => {
  const next = stream("number");
  assert.equal(next({ startTime: 10, time: 20, value: 3 })?.value, 3);
  const second = next({ startTime: 20, time: 30, value: 4 });
  assert.deepEqual([second?.value, second?.startTime], [7, 10]);
  assert.equal(next({ startTime: 20, time: 30, value: 4 }), undefined);
  assert.equal(next({ startTime: 20, time: 25, value: 4 }), undefined);
  assert.equal(next({ startTime: 5, time: 40, value: 4 }), undefined);
  assert.equal(next({ startTime: 35, time: 50, value: 1 })?.value, 8);
});

test("delta streams: buckets add up while their bounds stay; other bounds begin anew", () => {
  const next = stream("histogram");
  const first = { startTime: 1, time: 2, count: 3, hasSum: true, sum: 5, bounds: [1, 2], bucketCounts: [1, 2, 0] };
  assert.deepEqual(next(first)?.bucketCounts, [1, 2, 0]);
  const second = next({ ...first, startTime: 2, time: 3 });
  assert.deepEqual([second?.bucketCounts, second?.count, second?.sum, second?.startTime], [[2, 4, 0], 6, 10, 1]);
  // Once without a sum, there is none any more.
  const third = next({ ...first, startTime: 3, time: 4, hasSum: false });
  assert.deepEqual([third?.count, third?.hasSum], [9, false]);
  const other = next({ ...first, startTime: 4, time: 5, bounds: [1, 3] });
  assert.deepEqual([other?.bucketCounts, other?.count, other?.startTime], [[1, 2, 0], 3, 4]);
});

test("delta streams: exponential buckets meet at the coarser scale, and at one at which they are few enough", () => {
  const next = stream("exponential");
  const first = { startTime: 1, time: 2, count: 7, scale: 1, zeroCount: 1, positive: side(-1, [0, 1, 2, 3, 0]) };
  const shown = next(first);
  assert.deepEqual([shown?.positive.offset, shown?.positive.counts], [0, [1, 2, 3]]);
  const second = next({ startTime: 2, time: 3, count: 4, scale: 0, positive: side(0, [4]), negative: side(3, [5]) });
  assert.deepEqual([second?.scale, second?.zeroCount, second?.count], [0, 1, 11]);
  assert.deepEqual([second?.positive.offset, second?.positive.counts], [0, [7, 3]]);
  assert.deepEqual([second?.negative.offset, second?.negative.counts], [3, [5]]);
  // As far apart as numbers allow.
  const far = next({ startTime: 3, time: 4, count: 2, scale: 20, positive: side(2 ** 31 - 2, [1, 1]) });
  assert.equal(
    far?.positive.counts.reduce((sum, count) => sum + count, 0),
    12,
  );
  assert.ok((far?.positive.counts.length ?? 0) <= 160);
});

test("delta streams: what was not kept can be sent again; the silent are forgotten; their number is bounded", () => {
  let now = NOW;
  const streams = new DeltaStreams(() => now, 1);
  const next = stream("number", streams);
  next({ time: 1, value: 1 });
  streams.commit();
  assert.equal(next({ time: 2, value: 2 })?.value, 3);
  streams.rollback();
  assert.equal(next({ time: 2, value: 5 })?.value, 6);
  streams.commit();
  assert.equal(streams.add("another", "number", new Point()), false);
  now += 6 * 60_000;
  assert.equal(next({ time: 1, value: 4 })?.value, 4);
  now += 6 * 60_000;
  streams.commit();
  assert.equal(streams.size, 0);
});

test("delta streams: a receiver stores totals; a refused request changes none; sums that may fall are refused", async () => {
  const rig = new OtlpRig("{}", { sumsDeltas: true });
  const sum = (value: number, offsetMs: number, more: object = {}): object => ({
    name: "done",
    sum: {
      ...{ aggregationTemporality: DELTA, isMonotonic: true, ...more },
      dataPoints: [{ asInt: value, timeUnixNano: nanoseconds(offsetMs), attributes: attributes({ a: "b" }) }],
    },
  });
  const histogram = (offsetMs: number): object => ({
    name: "h",
    histogram: {
      aggregationTemporality: DELTA,
      dataPoints: [
        { timeUnixNano: nanoseconds(offsetMs), count: 3, sum: 2, bucketCounts: [1, 2], explicitBounds: [1] },
      ],
    },
  });
  assert.deepEqual(await rig.sendJson(requestOf([sum(1, 0), histogram(0)])), [200, ""]);
  const [status] = await rig.sendJson(requestOf([sum(5, 1000), { name: "nothing" }]));
  assert.equal(status, 500);
  assert.deepEqual(await rig.sendJson(requestOf([sum(2, 1000), histogram(1000)])), [200, ""]);
  assert.deepEqual(await rig.sendJson(requestOf([sum(2, 1000)])), [200, ""]);
  assert.deepEqual(rig.lines(), [
    '{__name__="done_total", a="b"} 1@0 3@1',
    '{__name__="h_bucket", le="+Inf"} 3@0 6@1',
    '{__name__="h_bucket", le="1"} 1@0 2@1',
    '{__name__="h_count"} 3@0 6@1',
    '{__name__="h_sum"} 2@0 4@1',
  ]);
  assert.deepEqual(await rig.sendJson(requestOf([sum(2, 2000, { isMonotonic: false })])), [
    500,
    'invalid temporality and type combination for metric "done"\n',
  ]);
});
