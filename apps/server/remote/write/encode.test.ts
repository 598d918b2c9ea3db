import assert from "node:assert/strict";
import { test } from "node:test";
import { WireWriter } from "@narthex/encoding";
import { type FloatHistogramFields, Labels } from "@narthex/model";
import { decodeProto } from "../proto-fixture.ts";
import { encodeMetadataV1, encodeV1 } from "./encode-v1.ts";
import { EncoderV2 } from "./encode-v2.ts";
import { OutgoingBatch } from "./outgoing-batch.ts";
import type { SeriesTable } from "./series-table.ts";
import { seriesTable } from "./testing.ts";

const T = 1_700_000_000_000;
const PLAIN = 7;
const TOLD = 900;

function known(form: "labels" | "symbols"): SeriesTable {
  const table = seriesTable(form, {
    [PLAIN]: { __name__: "m", a: "1" },
    [TOLD]: { __name__: "n", a: "1" },
  });
  table.setMetadata(TOLD, { type: "counter", help: "What it counts.", unit: "s" });
  return table;
}

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

function filled(table: SeriesTable = known("labels")): OutgoingBatch {
  const batch = new OutgoingBatch(8);
  const [plain, told] = [table.slotOf(PLAIN), table.slotOf(TOLD)];
  batch.addFloat(plain, T, 0x3ff80000, 0, 0);
  batch.addFloat(told, T + 1, 0x40040000, 0, T - 500);
  batch.addHistogram(told, T + 2, histogram, 0);
  batch.addExemplar(plain, { labels: Labels.fromObject({ trace: "x" }), value: 7, t: T + 3 });
  return batch;
}

test("remote write 1.0 requests as protobufjs reads them", () => {
  const writer = new WireWriter();
  const table = known("labels");
  encodeV1(filled(table), table, writer);
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
  const table = known("symbols");
  new EncoderV2(table).encode(filled(table), writer);
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

test("remote write 1.0: labels and times of any length, one request after another from the same memory", () => {
  const name = (i: number): string => "x".repeat(i % 300);
  const table = seriesTable(
    "labels",
    Object.fromEntries(Array.from({ length: 700 }, (_, i) => [i + 1, { __name__: "m", long: name(i) || "y" }])),
  );
  const times = [0, 1, 127, 128, 2 ** 31, T, 2 ** 52, -1, -T];
  const writer = new WireWriter(16);
  for (let round = 0; round < 2; round++) {
    const batch = new OutgoingBatch(700);
    for (let i = 0; i < 700; i++) {
      batch.addFloat(table.slotOf(i + 1), times[i % times.length] as number, 0x3ff00000, i, 0);
    }
    writer.clear();
    encodeV1(batch, table, writer);
    const { timeseries } = decodeProto<{
      timeseries: { labels: { value: string }[]; samples: { timestamp: number }[] }[];
    }>("WriteRequest", writer.toBytes());
    assert.equal(timeseries.length, 700);
    timeseries.forEach(({ labels, samples }, i) => {
      assert.equal(labels[1]?.value, name(i) || "y");
      assert.equal(samples[0]?.timestamp ?? 0, times[i % times.length]);
    });
  }
});

test("remote write: the stale marker of a histogram keeps its bits", () => {
  for (const form of ["labels", "symbols"] as const) {
    const table = known(form);
    const batch = new OutgoingBatch(1);
    batch.addHistogram(table.slotOf(PLAIN), T, { ...histogram, sum: Number.NaN }, 0, true);
    const writer = new WireWriter();
    if (form === "labels") encodeV1(batch, table, writer);
    else new EncoderV2(table).encode(batch, writer);
    assert.ok(Buffer.from(writer.toBytes()).includes(Buffer.from("19020000000000f07f", "hex")), form);
  }
});

test("remote write 1.0: metadata, with what is empty left out", () => {
  const writer = new WireWriter();
  encodeMetadataV1(
    [
      ["up", { type: "unknown", help: "", unit: "" }],
      ["n", { type: "counter", help: "What it counts.", unit: "s" }],
    ],
    writer,
  );
  assert.deepEqual(decodeProto("WriteRequest", writer.toBytes()), {
    timeseries: [],
    metadata: [{ metric_family_name: "up" }, { type: 1, metric_family_name: "n", help: "What it counts.", unit: "s" }],
  });
});

test("outgoing batch: entries that became too old are left out, kinds stay counted", () => {
  const batch = filled();
  assert.equal(batch.dropBefore(T + 2), 2);
  assert.deepEqual([batch.count, batch.samples, batch.histograms, batch.exemplars], [2, 0, 1, 1]);
  assert.equal(batch.histogramOf?.[0], histogram);
  assert.equal(batch.exemplarOf?.[1]?.value, 7);
  batch.clear();
  for (let i = 0; i < 8; i++) batch.addFloat(1, T + i, 0, i, 0);
  assert.ok(batch.isFull);
  assert.throws(() => batch.addFloat(1, T, 0, 0, 0), RangeError);
});
