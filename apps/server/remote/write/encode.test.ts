import assert from "node:assert/strict";
import { test } from "node:test";
import { WireWriter } from "@narthex/encoding";
import { type FloatHistogramFields, Labels } from "@narthex/model";
import { decodeProto } from "../proto-fixture.ts";
import { encodeV1 } from "./encode-v1.ts";
import { encodeV2 } from "./encode-v2.ts";
import { OutgoingBatch, type OutgoingSeries } from "./outgoing-batch.ts";

const T = 1_700_000_000_000;
const plain: OutgoingSeries = { pairs: ["__name__", "m", "a", "1"], metadata: undefined };
const told: OutgoingSeries = {
  pairs: ["__name__", "n", "a", "1"],
  metadata: { type: "counter", help: "What it counts.", unit: "s" },
};
const histogram: FloatHistogramFields = {
  counterResetHint: 0,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 1,
  count: 4,
  sum: 2,
  positiveSpans: [{ offset: 0, length: 2 }],
  negativeSpans: [],
  positiveBuckets: Float64Array.of(2, 1),
  negativeBuckets: new Float64Array(0),
  customValues: [],
  integer: true,
};

function filled(): OutgoingBatch {
  const batch = new OutgoingBatch(8);
  batch.addFloat(plain, T, 0x3ff80000, 0, 0);
  batch.addFloat(told, T + 1, 0x40040000, 0, T - 500);
  batch.addHistogram(told, T + 2, histogram, 0);
  batch.addExemplar(plain, { labels: Labels.fromObject({ trace: "x" }), value: 7, t: T + 3 });
  return batch;
}

test("remote write 1.0 requests as protobufjs reads them", () => {
  const writer = new WireWriter();
  encodeV1(filled(), writer);
  const { timeseries } = decodeProto<{ timeseries: Record<string, never>[] }>("WriteRequest", writer.toBytes());
  assert.equal(timeseries.length, 4);
  assert.deepEqual(timeseries[0], {
    labels: [
      { name: "__name__", value: "m" },
      { name: "a", value: "1" },
    ],
    samples: [{ value: 1.5, timestamp: T }],
    exemplars: [],
    histograms: [],
  });
  const [sent] = (timeseries[2]?.["histograms"] ?? []) as unknown as Record<string, unknown>[];
  assert.equal(sent?.["count_int"], 4);
  assert.deepEqual(sent?.["positive_deltas"], [2, -1]);
  assert.deepEqual(timeseries[3]?.["exemplars"], [
    { labels: [{ name: "trace", value: "x" }], value: 7, timestamp: T + 3 },
  ]);
});

test("remote write 2.0 requests: symbols once, start times, metadata", () => {
  const writer = new WireWriter();
  encodeV2(filled(), writer);
  const { symbols, timeseries } = decodeProto<{ symbols: string[]; timeseries: Record<string, unknown>[] }>(
    "RequestV2",
    writer.toBytes(),
  );
  assert.deepEqual(symbols, ["", "__name__", "m", "a", "1", "n", "What it counts.", "s", "trace", "x"]);
  assert.deepEqual(timeseries[1], {
    labels_refs: [1, 5, 3, 4],
    samples: [{ value: 2.5, timestamp: T + 1, start_timestamp: T - 500 }],
    histograms: [],
    exemplars: [],
    metadata: { type: 1, help_ref: 6, unit_ref: 7 },
  });
  assert.deepEqual(timeseries[3]?.["exemplars"], [{ labels_refs: [8, 9], value: 7, timestamp: T + 3 }]);
});

test("outgoing batch: entries that became too old are left out, kinds stay counted", () => {
  const batch = filled();
  assert.equal(batch.dropBefore(T + 2), 2);
  assert.deepEqual([batch.count, batch.samples, batch.histograms, batch.exemplars], [2, 0, 1, 1]);
  assert.equal(batch.histogramOf[0], histogram);
  assert.equal(batch.exemplarOf[1]?.value, 7);
  batch.clear();
  for (let i = 0; i < 8; i++) batch.addFloat(plain, T + i, 0, i, 0);
  assert.ok(batch.isFull);
  assert.throws(() => batch.addFloat(plain, T, 0, 0, 0), RangeError);
});
