import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { crc32c } from "@narthex/encoding";
import { type FloatHistogramFields, isStaleAt, Labels } from "@narthex/model";
import { QueryError } from "@narthex/promql";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { decodeChunk } from "@narthex/tsdb";
import { ByteSink } from "../../api/json/byte-sink.ts";
import { decodeProto, encodeProto } from "../proto-fixture.ts";
import { answerRemoteRead, type RemoteReadRequest } from "./read-answer.ts";
import { type ReadRequest, readReadRequest } from "./read-request.ts";

const T = 1_700_000_000_000;
const oracle = createRequire(import.meta.url)("snappyjs") as { uncompress(bytes: Uint8Array): Uint8Array };

interface WireSeries {
  readonly labels: readonly { name: string; value: string }[];
  readonly samples?: readonly { value?: number; timestamp?: number }[];
  readonly histograms?: readonly Record<string, unknown>[];
}
interface WireResponse {
  readonly results: readonly { timeseries?: readonly WireSeries[] }[];
}

function histogram(size: number, integer: boolean): FloatHistogramFields {
  return {
    counterResetHint: 0,
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: integer ? 1 : 1.5,
    count: 1 + 2 * size + (integer ? 0 : 0.5),
    sum: 12.5 * size,
    positiveSpans: [
      { offset: -2, length: 1 },
      { offset: 3, length: 1 },
    ],
    negativeSpans: [],
    positiveBuckets: Float64Array.of(size + 1, size - 1),
    negativeBuckets: new Float64Array(0),
    customValues: [],
  };
}

function filled(): MemoryStorage {
  const storage = new MemoryStorage();
  const appender = storage.appender();
  const a = appender.series(Labels.fromObject({ __name__: "m", a: "1" }));
  for (let i = 0; i < 300; i++) appender.append(a, T + i, i / 3);
  appender.appendBits(a, T + 300, 0x7ff80000, 0xabcd);
  appender.appendStale(a, T + 301);
  const b = appender.series(Labels.fromObject({ __name__: "m", a: "2", dc: "own" }));
  appender.append(b, T, -0);
  const h = appender.series(Labels.fromObject({ __name__: "hist" }));
  appender.appendHistogram(h, T, histogram(3, true), true);
  appender.appendHistogram(h, T + 1, histogram(5, true), true);
  appender.appendHistogram(h, T + 2, histogram(6, false), false);
  appender.appendStale(h, T + 3);
  appender.commit();
  return storage;
}

function ask(storage: MemoryStorage, changes: Partial<RemoteReadRequest>): Buffer {
  const pieces: Uint8Array[] = [];
  const request: RemoteReadRequest = {
    kind: "remoteRead",
    form: "samples",
    queries: [everything("=~", "__name__", ".+")],
    externalLabels: [],
    sampleLimit: 0,
    maxFrameBytes: 1 << 20,
    ...changes,
  };
  const sink = new ByteSink((bytes) => pieces.push(bytes));
  answerRemoteRead(request, { queryable: storage, cancelled: () => false }, sink);
  return Buffer.concat(pieces);
}

function everything(type: "=" | "=~", name: string, value: string): RemoteReadRequest["queries"][number] {
  return { minTime: T - 10, maxTime: T + 1000, matchers: [{ type, name, value }], labelsOnly: false };
}

function seriesOf(answer: Buffer): readonly WireSeries[] {
  const response = decodeProto<WireResponse>("ReadResponse", oracle.uncompress(answer));
  return response.results[0]?.timeseries ?? [];
}

test("remote read, samples: series sorted, bits kept, zeros left out, integer histograms as such", () => {
  const [h, a, b] = seriesOf(ask(filled(), {}));
  assert.deepEqual(a?.labels, [
    { name: "__name__", value: "m" },
    { name: "a", value: "1" },
  ]);
  assert.equal(a?.samples?.length, 302);
  assert.deepEqual(a?.samples?.[2], { value: 2 / 3, timestamp: T + 2 });
  assert.deepEqual(a?.samples?.[0], { timestamp: T });
  assert.deepEqual(b?.samples, [{ timestamp: T }]);
  const [first, second, third] = h?.histograms ?? [];
  assert.equal(h?.samples?.length, 1);
  assert.deepEqual(first, {
    count_int: 7,
    sum: 37.5,
    schema: 1,
    zero_threshold: 0.001,
    zero_count_int: 1,
    positive_spans: [
      { offset: -2, length: 1 },
      { offset: 3, length: 1 },
    ],
    positive_deltas: [4, -2],
    negative_spans: [],
    negative_deltas: [],
    negative_counts: [],
    positive_counts: [],
    custom_values: [],
    timestamp: T,
  });
  assert.equal(second?.["count_int"], 11);
  assert.equal(third?.["count_float"], 13.5);
  assert.equal(third?.["zero_count_float"], 1.5);
  assert.deepEqual(third?.["positive_counts"], [7, 5]);
});

test("remote read, samples: NaN payloads and stale markers survive", () => {
  const answer = oracle.uncompress(ask(filled(), { queries: [everything("=", "a", "1")] }));
  const bytes = Buffer.from(answer);
  assert.ok(bytes.includes(Buffer.from("cdab00000000f87f", "hex")));
  assert.ok(bytes.includes(Buffer.from("020000000000f07f", "hex")));
});

test("remote read: external labels are added where absent, and asking for them means asking for series without", () => {
  const externalLabels = ["dc", "here", "zone", "z"];
  const names = (queries: RemoteReadRequest["queries"]): string[] =>
    seriesOf(ask(filled(), { externalLabels, queries })).map(({ labels }) =>
      labels.map(({ name, value }) => `${name}=${value}`).join(),
    );
  assert.deepEqual(names([everything("=", "dc", "here")]), [
    "__name__=hist,dc=here,zone=z",
    "__name__=m,a=1,dc=here,zone=z",
  ]);
  assert.deepEqual(names([everything("=", "dc", "own")]), ["__name__=m,a=2,dc=own,zone=z"]);
  assert.deepEqual(names([{ ...everything("=", "a", "1"), matchers: [] }]), []);
});

test("remote read: the sample limit counts per query, labels alone count nothing", () => {
  const queries = [everything("=", "a", "1")];
  assert.equal(seriesOf(ask(filled(), { queries, sampleLimit: 302 })).length, 1);
  assert.throws(
    () => ask(filled(), { queries, sampleLimit: 301 }),
    (error) => error instanceof QueryError && error.message === "exceeded sample limit (301)",
  );
  const labelsOnly = queries.map((query) => ({ ...query, labelsOnly: true }));
  const [only] = seriesOf(ask(filled(), { queries: labelsOnly, sampleLimit: 1 }));
  assert.equal(only?.labels.length, 2);
  assert.deepEqual(only?.samples, []);
});

interface Frame {
  readonly chunked_series: readonly {
    readonly labels: readonly { name: string; value: string }[];
    readonly chunks: readonly { min_time_ms: number; max_time_ms: number; type: number; data: Uint8Array }[];
  }[];
  readonly query_index?: number;
}

function framesOf(answer: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < answer.length; ) {
    let size = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = answer[at++] as number;
      size += (byte & 0x7f) * shift;
      if (byte < 0x80) break;
    }
    const data = answer.subarray(at + 4, at + 4 + size);
    assert.equal(data.length, size);
    assert.equal(answer.readUInt32BE(at), crc32c(data));
    frames.push(decodeProto<Frame>("ChunkedReadResponse", data));
    at += 4 + size;
  }
  return frames;
}

test("remote read, streamed: chunks decode to what was stored, series by series", () => {
  const frames = framesOf(ask(filled(), { form: "chunks" }));
  assert.deepEqual(
    frames.map(({ chunked_series: [series] }) => series?.chunks.map(({ type }) => type)),
    [[2, 3], [1, 1, 1], [1]],
  );
  const buffer = new SampleBuffer();
  for (const { min_time_ms, max_time_ms, type, data } of frames[1]?.chunked_series[0]?.chunks ?? []) {
    const before = buffer.count;
    assert.ok(decodeChunk(type, data, 0, data.length, -Infinity, Infinity, buffer));
    assert.equal(buffer.times[before], min_time_ms);
    assert.equal(buffer.times[buffer.count - 1], max_time_ms);
  }
  assert.equal(buffer.count, 302);
  assert.equal(buffer.values[7], 7 / 3);
  assert.equal(buffer.halves[600], 0xabcd);
  assert.ok(isStaleAt(buffer.halves, 301));
});

test("remote read, streamed: where only labels are wanted, each series comes with a chunk without samples", () => {
  const queries = [{ ...everything("=~", "__name__", "m|hist"), labelsOnly: true }];
  const frames = framesOf(ask(filled(), { form: "chunks", queries }));
  assert.deepEqual(
    frames.map(({ chunked_series: [series] }) => [
      series?.labels.map(({ value }) => value).join(),
      series?.chunks.map(({ type, data }) => [type, ...data]),
    ]),
    [
      ["hist", [[1, 0, 0]]],
      ["m,1", [[1, 0, 0]]],
      ["m,2,own", [[1, 0, 0]]],
    ],
  );
});

test("remote read, streamed: samples with start timestamps come in chunks that have room for them", () => {
  const storage = new MemoryStorage();
  const appender = storage.appender();
  const floats = appender.series(Labels.fromObject({ __name__: "f" }));
  for (let i = 0; i < 5; i++) appender.append(floats, T + i, i, i < 2 ? 0 : T - 7);
  const histograms = appender.series(Labels.fromObject({ __name__: "h" }));
  appender.appendHistogram(histograms, T, histogram(3, true), true, T - 9);
  appender.appendHistogram(histograms, T + 1, histogram(5, false), false, T - 9);
  appender.commit();
  const found = framesOf(ask(storage, { form: "chunks" })).map(({ chunked_series: [series] }) => {
    const buffer = new SampleBuffer();
    const types = series?.chunks.map(({ type, data }) => {
      assert.ok(decodeChunk(type, data, 0, data.length, -Infinity, Infinity, buffer));
      return type;
    });
    return [
      types,
      Array.from(
        { length: buffer.count },
        (_, i) => (buffer.startTimes?.[i] ?? 0) && (buffer.startTimes?.[i] as number) - T,
      ),
    ];
  });
  assert.deepEqual(found, [
    [
      [1, 4],
      [0, 0, -7, -7, -7],
    ],
    [
      [5, 6],
      [-9, -9],
    ],
  ]);
});

test("remote read, streamed: a small frame limit splits a series, and later queries say which they are", () => {
  const queries = [everything("=", "a", "1"), everything("=", "a", "2")];
  const frames = framesOf(ask(filled(), { form: "chunks", queries, maxFrameBytes: 10 }));
  assert.deepEqual(
    frames.map((frame) => [frame.query_index ?? 0, frame.chunked_series[0]?.chunks.length]),
    [
      [0, 1],
      [0, 1],
      [0, 1],
      [1, 1],
    ],
  );
});

test("remote read: a request as protobufjs writes it", () => {
  const bytes = encodeProto("ReadRequest", {
    queries: [
      {
        start: -5,
        end: T,
        matchers: [
          { type: 0, name: "a", value: "1" },
          { type: 3, name: "b", value: "x.*" },
        ],
        hints: { func: "series", start_ms: 10, end_ms: T + 5, step_ms: 3 },
      },
    ],
    accepted_response_types: [1, 0],
  });
  const expected: ReadRequest = {
    queries: [
      {
        minTime: 10,
        maxTime: T,
        matchers: [
          { type: "=", name: "a", value: "1" },
          { type: "!~", name: "b", value: "x.*" },
        ],
        labelsOnly: true,
      },
    ],
    acceptedTypes: [1, 0],
  };
  assert.deepEqual(readReadRequest(bytes), expected);
});
