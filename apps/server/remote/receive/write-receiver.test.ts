import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { compress } from "@narthex/encoding";
import { isStaleAt, Labels, Matcher } from "@narthex/model";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { createLogger } from "@narthex/toolkit";
import { type Answered, encodeProto, fakeCall, labelList } from "../proto-fixture.ts";
import { WriteReceiver } from "./write-receiver.ts";

const NOW = 1_700_000_000_000;
const V1 = "application/x-protobuf";
const V2 = "application/x-protobuf;proto=io.prometheus.write.v2.Request";
const MESSAGES = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"];

class Bench {
  readonly storage = new MemoryStorage();
  readonly receiver: WriteReceiver;

  constructor(options: { enabled?: boolean; acceptedMessages?: readonly string[] } = {}) {
    this.receiver = new WriteReceiver({
      keepsMetadata: true,
      enabled: options.enabled ?? true,
      acceptedMessages: options.acceptedMessages ?? MESSAGES,
      appendable: () => this.storage,
      registry: new Registry(),
      logger: createLogger({ level: "error", format: "logfmt", write: () => {} }),
      now: () => NOW,
      seed: 1,
    });
  }

  send(body: Uint8Array, headers: Record<string, string> = { "content-type": V1 }): Promise<Answered> {
    const { call, answered } = fakeCall(body, headers);
    this.receiver.handle(call);
    return answered;
  }

  async write(timeseries: readonly object[]): Promise<string> {
    const { status, body } = await this.send(compress(encodeProto("WriteRequest", { timeseries })));
    return `${status} ${body}`.trim();
  }

  writeV2(symbols: readonly string[], timeseries: readonly object[]): Promise<Answered> {
    return this.send(compress(encodeProto("RequestV2", { symbols, timeseries })), { "content-type": V2 });
  }

  /** Samples of all series by labels, times as distance to `NOW`. */
  stored(): Record<string, (number | string)[][]> {
    const querier = this.storage.querier(-Infinity, Infinity);
    const set = querier.select([new Matcher("=~", "__name__", ".*")]);
    const found: Record<string, (number | string)[][]> = {};
    const buffer = new SampleBuffer();
    for (let i = 0; i < set.count; i++) {
      buffer.clear();
      set.read(i, -Infinity, Infinity, buffer);
      found[set.labels(i).toSelector()] = Array.from({ length: buffer.count }, (_, at) => {
        const histogram = buffer.histograms?.[at];
        const value = histogram !== undefined ? `histogram of ${histogram.count}` : (buffer.values[at] as number);
        return [(buffer.times[at] as number) - NOW, isStaleAt(buffer.halves, at) ? "stale" : value];
      });
    }
    querier.close();
    return found;
  }
}

function series(labels: Record<string, string>, ...samples: [number, number][]): object {
  return {
    labels: labelList(labels),
    samples: samples.map(([offset, value]) => ({ value, timestamp: NOW + offset })),
  };
}

test("remote write 1.0: samples of new and known series are stored, whatever order the series come in", async () => {
  const bench = new Bench();
  const names = Array.from({ length: 50 }, (_, i) => ({ __name__: "m", i: String(i), job: "a".repeat(i) || "none" }));
  assert.equal(await bench.write(names.map((labels) => series(labels, [0, 1]))), "204");
  assert.equal(await bench.write(names.map((labels) => series(labels, [1, 2], [2, 3]))), "204");
  assert.equal(await bench.write([...names].reverse().map((labels) => series(labels, [3, 4]))), "204");
  const stored = bench.stored();
  assert.equal(Object.keys(stored).length, 50);
  for (const samples of Object.values(stored))
    assert.deepEqual(samples, [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
});

test("remote write 1.0: bits of a value, defaults left out, times before 2004 and after 2109", async () => {
  const bench = new Bench();
  const label = Buffer.concat([
    Buffer.from([0x0a, 13, 0x0a, 8]),
    Buffer.from("__name__"),
    Buffer.from([0x12, 1]),
    Buffer.from("m"),
  ]);
  const stale = Buffer.from("0900000000000000001001".replace("0000000000000000", "020000000000f07f"), "hex");
  const samples = [stale, Buffer.from("1002", "hex")].map((body) =>
    Buffer.concat([Buffer.from([0x12, body.length]), body]),
  );
  const message = Buffer.concat([label, ...samples]);
  const { status } = await bench.send(compress(Buffer.concat([Buffer.from([0x0a, message.length]), message])));
  assert.equal(status, 204);
  assert.deepEqual(bench.stored(), {
    m: [
      [1 - NOW, "stale"],
      [2 - NOW, 0],
    ],
  });
});

test("remote write 1.0: one refused sample undoes the whole request", async () => {
  const bench = new Bench();
  const known = { __name__: "known" };
  assert.equal(await bench.write([series(known, [0, 1])]), "204");
  const fine = series({ __name__: "fine" }, [0, 1]);
  assert.equal(await bench.write([fine, series(known, [-1, 1])]), "400 out of order sample");
  assert.equal(await bench.write([fine, series(known, [0, 2])]), "400 duplicate sample for timestamp");
  assert.equal(
    await bench.write([fine, series(known, [600_001, 1])]),
    "400 out of bounds: timestamp is too far in the future",
  );
  assert.deepEqual(bench.stored(), { known: [[0, 1]] });
  assert.equal(await bench.write([fine, series(known, [0, 1], [600_000, 2])]), "204");
  assert.deepEqual(bench.stored(), {
    fine: [[0, 1]],
    known: [
      [0, 1],
      [600_000, 2],
    ],
  });
});

test("remote write 1.0: a sample too late for another one of the same series and request is left out", async () => {
  const bench = new Bench();
  assert.equal(await bench.write([series({ __name__: "m" }, [5, 1], [4, 2], [5, 3], [6, 4])]), "204");
  assert.deepEqual(bench.stored(), {
    m: [
      [5, 1],
      [6, 4],
    ],
  });
});

test("remote write 1.0: series with wrong labels are left out, empty labels dropped, unsorted ones sorted", async () => {
  const bench = new Bench();
  const sample = { value: 1, timestamp: NOW };
  const labels = (...pairs: [string, string][]): object => ({
    labels: pairs.map(([name, value]) => ({ name, value })),
    samples: [sample],
  });
  const answer = await bench.write([
    labels(["a", "no name"]),
    labels(["__name__", ""]),
    labels(["__name__", "m"], ["a", "1"], ["a", "2"]),
    labels(["__name__", "m"], ["", "1"]),
    { samples: [sample] },
    labels(["z", "1"], ["__name__", "m"], ["empty", ""]),
  ]);
  assert.equal(answer, "204");
  assert.deepEqual(bench.stored(), { 'm{z="1"}': [[0, 1]] });
});

test("remote write 1.0: labels behind samples are legal", async () => {
  const bench = new Bench();
  const sample = encodeProto("TimeSeries", { samples: [{ value: 1, timestamp: NOW }] });
  const labels = (value: string) => encodeProto("TimeSeries", { labels: labelList({ __name__: "m", a: value }) });
  const name = encodeProto("TimeSeries", { labels: labelList({ __name__: "m" }) });
  const a = encodeProto("TimeSeries", { labels: labelList({ a: "split" }) });
  const message = (...parts: Uint8Array[]): Buffer => {
    const body = Buffer.concat(parts);
    return Buffer.concat([Buffer.from([0x0a, body.length]), body]);
  };
  const request = Buffer.concat([
    message(name, sample),
    message(sample, labels("behind")),
    message(name, sample, a),
    message(labels("1"), sample),
  ]);
  for (let round = 0; round < 2; round++) {
    const { status, body } = await bench.send(compress(request));
    assert.equal(`${status}${body}`, "204");
  }
  assert.deepEqual(Object.keys(bench.stored()).sort(), ["m", 'm{a="1"}', 'm{a="behind"}', 'm{a="split"}']);
});

test("remote write 1.0: native histograms, integer and float; malformed ones are refused", async () => {
  const bench = new Bench();
  const integer = {
    count_int: 6,
    sum: 3,
    schema: 1,
    zero_threshold: 0.001,
    zero_count_int: 1,
    positive_spans: [{ offset: -1, length: 2 }],
    positive_deltas: [2, 1],
    timestamp: NOW,
  };
  const float = { count_float: 2.5, zero_count_float: 2.5, sum: 1, timestamp: NOW };
  const histograms = (name: string, ...list: object[]): object => ({
    labels: labelList({ __name__: name }),
    histograms: list,
  });
  assert.equal(await bench.write([histograms("i", integer), histograms("f", float)]), "204");
  assert.deepEqual(bench.stored(), { f: [[0, "histogram of 2.5"]], i: [[0, "histogram of 6"]] });
  const bad = { ...integer, count_int: 7, timestamp: NOW + 1 };
  assert.match(
    await bench.write([histograms("i", bad)]),
    /^400 6 observations found in buckets, but the Count field is 7/,
  );
  const fine = { ...integer, schema: 12, timestamp: NOW + 2 };
  assert.equal(await bench.write([histograms("i", fine)]), "204");
});

test("remote write 1.0: exemplars are stored, and never fail a request", async () => {
  const bench = new Bench();
  const one = { labels: labelList({ trace_id: "x" }), value: 3, timestamp: NOW };
  const late = { ...one, timestamp: NOW + 900_000 };
  const entry = { ...series({ __name__: "m" }, [0, 1]), exemplars: [one, late] };
  assert.equal(await bench.write([entry]), "204");
  const kept = bench.storage.exemplars(Labels.fromObject({ __name__: "m" }));
  assert.deepEqual(
    kept.map(({ value, t, labels }) => [value, t, labels.toObject()]),
    [[3, NOW, { trace_id: "x" }]],
  );
});

test("remote write 2.0: what is good is taken, what is bad is told, and counted headers say how much", async () => {
  const bench = new Bench();
  const symbols = ["", "__name__", "m", "a", "1", "help text", "seconds"];
  const sample = { value: 1, timestamp: NOW };
  const first = await bench.writeV2(symbols, [
    {
      labels_refs: [1, 2, 3, 4],
      samples: [sample],
      exemplars: [{ labels_refs: [3, 4], value: 2, timestamp: NOW }],
      metadata: { type: 1, help_ref: 5, unit_ref: 6 },
    },
  ]);
  assert.equal(first.status, 204);
  assert.equal(first.headers["x-prometheus-remote-write-samples-written"], "1");
  assert.equal(first.headers["x-prometheus-remote-write-histograms-written"], "0");
  assert.equal(first.headers["x-prometheus-remote-write-exemplars-written"], "1");
  assert.deepEqual(bench.storage.metadata(Labels.fromObject({ __name__: "m", a: "1" })), {
    type: "counter",
    help: "help text",
    unit: "seconds",
  });
  const second = await bench.writeV2(symbols, [
    {
      labels_refs: [1, 2, 3, 4],
      samples: [
        { value: 1, timestamp: NOW - 1 },
        { value: 5, timestamp: NOW + 1 },
      ],
    },
    { labels_refs: [1, 2, 3, 9], samples: [sample] },
    { labels_refs: [1, 2, 3], samples: [sample] },
    { labels_refs: [3, 4], samples: [sample] },
    { labels_refs: [1, 2, 3, 4, 3, 4], samples: [sample] },
    { labels_refs: [1, 2] },
    { labels_refs: [1, 2, 3, 2], histograms: [{ count_int: 1, zero_count_int: 1, timestamp: NOW }] },
  ]);
  assert.equal(second.status, 400);
  assert.deepEqual(second.body.toString().trim().split("\n"), [
    'out of order sample for series {__name__="m", a="1"}',
    "parsing labels for series [1 2 3 9]: labelRefs 3 (name) = 9 (value) outside of symbols table (size 7)",
    "parsing labels for series [1 2 3]: invalid labelRefs length 3",
    'invalid metric name or labels, got {a="1"}',
    'invalid labels for series, labels {__name__="m", a="1", a="1"}, duplicated label a',
    'TimeSeries must contain at least one sample or histogram for series {__name__="m"}',
  ]);
  assert.equal(second.headers["x-prometheus-remote-write-samples-written"], "1");
  assert.equal(second.headers["x-prometheus-remote-write-histograms-written"], "1");
  assert.deepEqual(bench.stored(), {
    'm{a="1"}': [
      [0, 1],
      [1, 5],
    ],
    'm{a="m"}': [[0, "histogram of 1"]],
  });
});

test("remote write: both versions find the same series, with other symbols in each request", async () => {
  const bench = new Bench();
  await bench.write([series({ __name__: "m", a: "1" }, [0, 1])]);
  const tables = [
    ["", "__name__", "m", "a", "1"],
    ["", "1", "a", "m", "__name__", "not used"],
  ];
  const refs = [
    [1, 2, 3, 4],
    [4, 3, 2, 1],
  ];
  for (let i = 0; i < 2; i++) {
    const { status } = await bench.writeV2(tables[i] as string[], [
      { labels_refs: refs[i], samples: [{ value: i + 2, timestamp: NOW + i + 1 }] },
    ]);
    assert.equal(status, 204);
  }
  assert.deepEqual(bench.stored(), {
    'm{a="1"}': [
      [0, 1],
      [1, 2],
      [2, 3],
    ],
  });
});

test("remote write: a series that the storage forgot is made again", async () => {
  const bench = new Bench();
  // Rolled back, so that the series goes while the cache keeps its ref.
  const labels = { __name__: "gone" };
  assert.match(await bench.write([series(labels, [0, 1]), series({ __name__: "x" }, [700_000, 1])]), /^400/);
  assert.equal(await bench.write([series(labels, [0, 1])]), "204");
  assert.deepEqual(bench.stored(), { gone: [[0, 1]] });
});

test("remote write: what is asked of a request, in the reference's words", async () => {
  const bench = new Bench();
  const ask = async (body: Uint8Array, headers: Record<string, string>): Promise<string> => {
    const { status, body: answer } = await bench.send(body, headers);
    return `${status} ${answer}`.trim();
  };
  const empty = compress(new Uint8Array(0));
  assert.equal(await ask(empty, {}), "204");
  assert.equal(
    await ask(empty, { "content-type": "text/plain" }),
    "415 expected application/x-protobuf as the first (media) part, got text/plain content-type",
  );
  assert.equal(
    await ask(empty, { "content-type": "application/x-protobuf;proto=foo" }),
    "415 got application/x-protobuf;proto=foo content type; unknown remote write protobuf message foo, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request",
  );
  assert.match(await ask(empty, { "content-type": "application/x-protobuf;bar" }), /^415 as per https/);
  assert.equal(
    await ask(empty, { "content-type": V1, "content-encoding": "gzip" }),
    "415 gzip encoding (compression) is not accepted by this server; only snappy is acceptable",
  );
  assert.equal(await ask(new Uint8Array(0), { "content-type": V1 }), "400 snappy: corrupt input");
  assert.equal(
    await ask(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 4, 0), { "content-type": V1 }),
    "400 snappy: decoded length 1073741824 exceeds limit 33554432",
  );
  assert.equal(await ask(compress(Uint8Array.of(0x0a, 5)), { "content-type": V1 }), "400 unexpected EOF");
  const only = new Bench({ acceptedMessages: [MESSAGES[1] as string] });
  const refused = await only.send(empty, { "content-type": V1 });
  assert.equal(refused.status, 415);
  assert.match(refused.body.toString(), /^prometheus.WriteRequest protobuf message is not accepted by this server/);
  const off = await new Bench({ enabled: false }).send(empty);
  assert.equal(
    `${off.status} ${off.body}`,
    "404 remote write receiver needs to be enabled with --web.enable-remote-write-receiver\n",
  );
});
