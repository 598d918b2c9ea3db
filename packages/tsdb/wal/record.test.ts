import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ByteWriter } from "@narthex/encoding";
import { type FloatHistogramFields, Labels } from "@narthex/model";
import { MemoryFs } from "../fs/memory-fs.ts";
import { checkpointRange, removeCheckpoints, writeCheckpoint } from "./checkpoint.ts";
import {
  decodeExemplars,
  decodeMetadata,
  decodeMmapMarkers,
  decodeTombstones,
  encodeExemplars,
  encodeMetadata,
  encodeMmapMarkers,
  encodeTombstones,
} from "./entry-records.ts";
import { lastCheckpoint } from "./format.ts";
import { decodeHistograms, encodeHistograms, encodeHistogramsV2, type HistogramEntry } from "./histogram-record.ts";
import { RecordError } from "./record.ts";
import { decodeSamples, encodeSamples, encodeSamplesV2, SampleRecord } from "./sample-record.ts";
import { beginSeries, encodeSeries, SeriesRecordCursor } from "./series-record.ts";
import { WalReader } from "./wal-reader.ts";
import { WalWriter } from "./wal-writer.ts";

function hex(writer: ByteWriter): string {
  return Buffer.from(writer.view()).toString("hex");
}

function encoded(write: (into: ByteWriter) => void): ByteWriter {
  const writer = new ByteWriter();
  write(writer);
  return writer;
}

function series(...entries: readonly [number, Record<string, string>][]): ByteWriter {
  return encoded((into) => {
    beginSeries(into);
    for (const [ref, labels] of entries) encodeSeries(into, ref, Labels.fromObject(labels));
  });
}

function samples(...entries: readonly [number, number, number][]): ByteWriter {
  const refs = Float64Array.from(entries, ([ref]) => ref);
  const times = Float64Array.from(entries, ([, t]) => t);
  const values = Float64Array.from(entries, ([, , v]) => v);
  return encoded((into) => encodeSamples(into, refs, times, new Uint32Array(values.buffer), 0, entries.length));
}

const someHistogram: FloatHistogramFields = {
  counterResetHint: 2,
  schema: 1,
  zeroThreshold: 0.001,
  zeroCount: 2,
  count: 14,
  sum: 18.4,
  positiveSpans: [
    { offset: 0, length: 2 },
    { offset: 1, length: 1 },
  ],
  negativeSpans: [{ offset: -3, length: 1 }],
  positiveBuckets: Float64Array.of(5, 1, 4),
  negativeBuckets: Float64Array.of(2),
  customValues: [],
};

function histogram(ref: number, t: number, changes: Partial<FloatHistogramFields>, integer: boolean): HistogramEntry {
  return { ref, t, integer, histogram: { ...someHistogram, ...changes }, stale: false, startTime: 0 };
}

describe("records", () => {
  test("series: bytes of the format, read back as ranges and as labels", () => {
    const record = series([7, { __name__: "up", job: "nodes" }], [300, {}], [1, { a: "ä".repeat(100) }]);
    assert.equal(hex(series([7, { a: "bc" }])), "01" + "0000000000000007" + "01" + "0161" + "026263");
    const cursor = new SeriesRecordCursor(record.bytes, 0, record.length);
    const found: [number, Record<string, string>][] = [];
    while (cursor.next()) found.push([cursor.ref, cursor.labels().toObject()]);
    assert.deepEqual(found, [
      [7, { __name__: "up", job: "nodes" }],
      [300, {}],
      [1, { a: "ä".repeat(100) }],
    ]);
    const skipping = new SeriesRecordCursor(record.bytes, 0, record.length);
    const refs: number[] = [];
    while (skipping.next()) refs.push(skipping.ref);
    assert.deepEqual(refs, [7, 300, 1]);
  });

  test("samples: bytes of the format, deltas in every width, NaN bits kept", () => {
    assert.equal(
      hex(samples([5, 1000, 1], [4, 1300, 2])),
      "02" + "0000000000000005" + "00000000000003e8" + "0000" + "3ff0000000000000" + "01d804" + "4000000000000000",
    );
    const refs = Float64Array.of(10, 11, 9, 10_000, 3_000_000, 2 ** 40, 1);
    const times = Float64Array.of(0, -1, 8191, -9000, 1e6, 1.7e12, -1.7e12);
    const halves = Uint32Array.of(2, 0x7ff00000, 1, 0x7ff80000, 0, 0, 0, 0x80000000, 5, 6, 7, 8, 9, 0xffffffff);
    const record = encoded((into) => encodeSamples(into, refs, times, halves, 0, 7));
    const into = new SampleRecord();
    decodeSamples(record.bytes, 0, record.length, into);
    assert.equal(into.count, 7);
    assert.deepEqual(into.refs.subarray(0, 7), refs);
    assert.deepEqual(into.times.subarray(0, 7), times);
    assert.deepEqual(into.halves.subarray(0, 14), halves);
  });

  test("samples with start timestamps (type 11)", () => {
    const record = encoded((into) => {
      into.uint8(11);
      for (const delta of [3, 1000, 400]) into.varint(delta);
      into.uint64(0x3ff00000, 0);
      for (const [ref, t] of [
        [1, 10],
        [1, 20],
        [1, 30],
      ] as const) {
        into.varint(ref);
        into.varint(t);
        into.uint8(t === 10 ? 0 : t === 20 ? 2 : 1);
        if (t === 20) into.varint(50);
        into.uint64(0x40000000, 0);
      }
    });
    const into = new SampleRecord();
    decodeSamples(record.bytes, 0, record.length, into);
    assert.deepEqual([...into.refs.subarray(0, 4)], [3, 4, 5, 6]);
    assert.deepEqual([...into.times.subarray(0, 4)], [1000, 1010, 1020, 1030]);
    assert.deepEqual([...(into.startTimes ?? [])].slice(0, 4), [400, 0, 450, 450]);
  });

  test("samples with start timestamps: bytes of the format, and back", () => {
    const refs = Float64Array.of(3, 3, 1, 900, 901, 902);
    const times = Float64Array.of(1000, 1015, 990, 2 ** 40, -5, 1000);
    const halves = Uint32Array.from({ length: 12 }, (_, i) => (i * 2654435761) >>> 0);
    const starts = Float64Array.of(0, 400, 400, 0, 400, -7);
    const record = encoded((into) => encodeSamplesV2(into, refs, times, halves, starts, 0, 6));
    // Ref 3, time 1000, no start, then the value; no ref difference, 15, another start, 400 from the first.
    assert.equal(hex(record).slice(0, 2 * 22), "0b06d00f00" + "9e3779b100000000" + "001e02a006" + "daa66d13");
    const into = new SampleRecord();
    decodeSamples(record.bytes, 0, record.length, into);
    assert.equal(into.count, 6);
    assert.deepEqual(into.refs.subarray(0, 6), refs);
    assert.deepEqual(into.times.subarray(0, 6), times);
    assert.deepEqual(into.halves.subarray(0, 12), halves);
    assert.deepEqual(into.startTimes?.subarray(0, 6), starts);
    const none = encoded((to) => encodeSamplesV2(to, refs, times, halves, undefined, 2, 3));
    decodeSamples(none.bytes, 0, none.length, into);
    assert.deepEqual([into.count, into.refs[0], into.times[0], into.startTimes?.[0]], [1, 1, 990, 0]);
  });

  test("histograms with start timestamps: integers in one record, floats in another, whatever their buckets", () => {
    const custom = { schema: -53, customValues: [1, 2.5], negativeSpans: [], negativeBuckets: new Float64Array(0) };
    const entries = [
      { ...histogram(4, 100, {}, true), startTime: 50 },
      { ...histogram(2, 100, custom, true), startTime: 50 },
      { ...histogram(3, 90, {}, false), startTime: 0 },
      { ...histogram(9, 110, custom, false), startTime: -3 },
      { ...histogram(5, 130, { counterResetHint: 3 }, true), startTime: 0 },
      { ...histogram(6, 131, {}, true), startTime: 77 },
    ];
    const types: number[] = [];
    const found: HistogramEntry[] = [];
    encodeHistogramsV2(new ByteWriter(), entries, (record) => {
      types.push(record.bytes[0] as number);
      found.push(...decodeHistograms(record.bytes, 0, record.length));
    });
    assert.deepEqual(types, [12, 13]);
    assert.deepEqual(
      found,
      [0, 1, 4, 5, 2, 3].map((i) => entries[i]),
    );
  });

  test("tombstones, markers, exemplars and metadata round-trip", () => {
    const stones = [{ ref: 3, minTime: -5, maxTime: 1.7e12 }];
    let record = encoded((into) => encodeTombstones(into, stones));
    assert.deepEqual(decodeTombstones(record.bytes, 0, record.length), stones);

    const markers = [{ ref: 3, chunkRef: 5 * 2 ** 32 + 77 }];
    record = encoded((into) => encodeMmapMarkers(into, markers));
    assert.equal(hex(record), `05${"0000000000000003"}${"000000050000004d"}`);
    assert.deepEqual(decodeMmapMarkers(record.bytes, 0, record.length), markers);

    const exemplars = [
      { ref: 9, exemplar: { labels: Labels.fromObject({ trace_id: "x" }), value: 0.5, t: 10 } },
      { ref: 2, exemplar: { labels: Labels.empty, value: -1, t: 5 } },
    ];
    record = encoded((into) => encodeExemplars(into, exemplars));
    assert.deepEqual(decodeExemplars(record.bytes, 0, record.length), exemplars);

    const metadata = [{ ref: 300, metadata: { type: "counter" as const, unit: "seconds", help: "Zeit, ä." } }];
    record = encoded((into) => encodeMetadata(into, metadata));
    assert.deepEqual(decodeMetadata(record.bytes, 0, record.length), metadata);
  });

  test("histograms: each kind in a record of its own, values exact", () => {
    const entries = [
      histogram(1, 100, {}, true),
      histogram(2, 100, { sum: Number.NaN, positiveBuckets: Float64Array.of(0.5, 1e300, -1) }, false),
      histogram(
        3,
        90,
        { schema: -53, customValues: [1, 2.5, 10], negativeSpans: [], negativeBuckets: new Float64Array(0) },
        true,
      ),
      histogram(4, 110, { schema: -53, customValues: [] }, false),
      histogram(5, 130, { counterResetHint: 3 }, true),
      { ...histogram(6, 131, {}, true), stale: true },
    ];
    const types: number[] = [];
    const found: HistogramEntry[] = [];
    encodeHistograms(new ByteWriter(), entries, (record) => {
      types.push(record.bytes[0] as number);
      found.push(...decodeHistograms(record.bytes, 0, record.length));
    });
    assert.deepEqual(types, [7, 9, 8, 10]);
    found.sort((a, b) => a.ref - b.ref);
    assert.equal(found[5]?.stale, true);
    assert.deepEqual(found.slice(0, 5), entries.slice(0, 5));
  });

  test("cut off anywhere, every record is refused or ends at an entry, never more", () => {
    const records: [ByteWriter, (bytes: Uint8Array, end: number) => unknown][] = [
      [
        series([7, { a: "b", job: "nodes" }], [8, { c: "d" }]),
        (bytes, end) => {
          const cursor = new SeriesRecordCursor(bytes, 0, end);
          while (cursor.next()) cursor.labels();
        },
      ],
      [samples([1, 2, 3], [2, 300_000, 4]), (bytes, end) => decodeSamples(bytes, 0, end, new SampleRecord())],
      [
        encoded((into) => encodeTombstones(into, [{ ref: 1, minTime: 1000, maxTime: 2000 }])),
        (bytes, end) => decodeTombstones(bytes, 0, end),
      ],
      [
        encoded((into) =>
          encodeMetadata(into, [{ ref: 1, metadata: { type: "gauge", unit: "s", help: "some help" } }]),
        ),
        (bytes, end) => decodeMetadata(bytes, 0, end),
      ],
    ];
    encodeHistograms(new ByteWriter(), [histogram(1, 1, {}, true)], (record) => {
      const copy = new ByteWriter();
      copy.raw(record.view());
      records.push([copy, (bytes, end) => decodeHistograms(bytes, 0, end)]);
    });
    for (const [record, decode] of records) {
      decode(record.bytes, record.length);
      let refused = 0;
      for (let end = 0; end < record.length; end++) {
        try {
          decode(record.bytes, end);
        } catch (error) {
          assert.ok(error instanceof RecordError, String(error));
          refused++;
        }
      }
      assert.ok(refused > record.length / 2);
    }
  });
});

describe("checkpoint", () => {
  test("keeps living series, young samples and the last metadata; appears at once; segments and old ones can go", () => {
    const fs = new MemoryFs();
    const writer = WalWriter.open(fs, "wal");
    const log = (record: ByteWriter): void => writer.log(record.bytes, record.length);
    log(series([1, { a: "1" }], [2, { a: "2" }]));
    log(samples([1, 10, 1], [2, 10, 2], [1, 20, 3]));
    log(encoded((into) => encodeMetadata(into, [{ ref: 1, metadata: { type: "gauge", unit: "", help: "old" } }])));
    log(encoded((into) => encodeTombstones(into, [{ ref: 1, minTime: 0, maxTime: 12 }])));
    writer.cutSegment();
    log(series([3, { a: "3" }]));
    log(samples([3, 30, 1]));
    log(encoded((into) => encodeMetadata(into, [{ ref: 1, metadata: { type: "gauge", unit: "", help: "new" } }])));
    encodeHistograms(new ByteWriter(), [histogram(3, 5, {}, true), histogram(3, 50, {}, true)], log);
    writer.cutSegment();
    assert.deepEqual(checkpointRange(fs, "wal"), undefined, "too few segments");
    const first = writeCheckpoint(fs, "wal", 0, 1, { minTime: 15, keep: (ref) => ref !== 2, compression: "snappy" });
    assert.deepEqual(first, {
      path: "wal/checkpoint.00000001",
      keptSeries: 2,
      droppedSeries: 1,
      keptSamples: 3,
      droppedSamples: 3,
    });
    writer.truncate(2);
    log(samples([3, 60, 1]));
    writer.cutSegment();
    writer.flush();
    writeCheckpoint(fs, "wal", 2, 2, { minTime: 30, keep: (ref) => ref === 3 });
    removeCheckpoints(fs, "wal", 2);
    const last = lastCheckpoint(fs, "wal");
    assert.equal(last?.path, "wal/checkpoint.00000002");
    const reader = new WalReader(fs, last?.path ?? "");
    const found: string[] = [];
    const into = new SampleRecord();
    while (reader.next()) {
      const type = reader.bytes[reader.start];
      if (type === 2) {
        decodeSamples(reader.bytes, reader.start, reader.end, into);
        for (let i = 0; i < into.count; i++) found.push(`sample ${into.refs[i]} ${into.times[i]}`);
      } else if (type === 7) {
        for (const { ref, t } of decodeHistograms(reader.bytes, reader.start, reader.end))
          found.push(`hist ${ref} ${t}`);
      } else found.push(`type ${type}`);
    }
    assert.equal(reader.corruption, undefined);
    assert.deepEqual(found, ["type 1", "sample 3 30", "hist 3 50", "sample 3 60"]);
  });

  test("keeps the start timestamps of what it keeps", () => {
    const fs = new MemoryFs();
    const writer = WalWriter.open(fs, "wal");
    const log = (record: ByteWriter): void => writer.log(record.bytes, record.length);
    log(series([1, { a: "1" }]));
    const times = Float64Array.of(10, 20, 30);
    const starts = Float64Array.of(1, 0, 2);
    log(encoded((into) => encodeSamplesV2(into, Float64Array.of(1, 1, 1), times, new Uint32Array(6), starts, 0, 3)));
    const entries = [10, 30, 40].map((t) => ({ ...histogram(1, t, {}, true), startTime: t - 5 }));
    encodeHistogramsV2(new ByteWriter(), entries, log);
    writer.cutSegment();
    writeCheckpoint(fs, "wal", 0, 0, { minTime: 20, keep: () => true });
    const reader = new WalReader(fs, "wal/checkpoint.00000000");
    assert.ok(reader.next() && reader.next());
    const into = new SampleRecord();
    decodeSamples(reader.bytes, reader.start, reader.end, into);
    assert.deepEqual([...into.times.subarray(0, into.count)], [20, 30]);
    assert.deepEqual([...(into.startTimes?.subarray(0, into.count) ?? [])], [0, 2]);
    assert.ok(reader.next());
    const kept = decodeHistograms(reader.bytes, reader.start, reader.end);
    assert.deepEqual(
      kept.map(({ startTime }) => startTime),
      [25, 35],
    );
  });
});
