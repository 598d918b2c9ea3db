import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "@narthex/encoding";
import { type FloatHistogramFields, Labels } from "@narthex/model";
import { silentLogger } from "@narthex/toolkit";
import { encodeExemplars, encodeHistograms, encodeMetadata } from "@narthex/tsdb";
import { type Clock, systemClock } from "../../scrape/index.ts";
import { until } from "../../scrape/testing.ts";
import { decodeProto } from "../proto-fixture.ts";
import { type Answer, FakeReceiver, TestLog, writeConfig } from "./testing.ts";
import { WriteClient } from "./write-client.ts";
import { WriteQueue } from "./write-queue.ts";

/** Keys that make everything quick. */
const QUICK = `queue_config:
  batch_send_deadline: 20ms
  min_backoff: 10ms
  max_backoff: 40ms`;

interface Options {
  readonly yaml?: string;
  readonly startTime?: number;
  readonly now?: () => number;
  /** How often the number of shards is looked at. */
  readonly reshardEveryMs?: number;
}

/** A queue that sends what `log` gets to `url`. */
function open(
  test: { after(work: () => Promise<void>): void },
  log: TestLog,
  url: string,
  { yaml = QUICK, startTime = 0, now = systemClock.now, reshardEveryMs = 10_000 }: Options = {},
): { queue: WriteQueue; logged: string[] } {
  const config = writeConfig(url, yaml);
  const after: Clock["after"] = (ms, callback) => systemClock.after(ms === 10_000 ? reshardEveryMs : ms, callback);
  const clock = { ...systemClock, now, after };
  const logged: string[] = [];
  const note = (message: string, attributes?: object) =>
    void logged.push(`${message} ${JSON.stringify(attributes ?? {})}`);
  const queue = new WriteQueue({
    name: "test",
    config,
    externalLabels: [],
    typeAndUnitLabels: false,
    client: new WriteClient({ config, version: "3", now }),
    feed: log.feed,
    from: log.feed.position,
    startTime,
    appended: () => log.appended,
    clock,
    logger: { ...silentLogger, warn: note, error: note },
  });
  log.feed.whenWritten = () => queue.watcher.notify();
  queue.start();
  test.after(() => queue.stop(0));
  return { queue, logged };
}

/** Twenty series, `rounds` samples each, one record a round. */
async function write(log: TestLog, rounds: number, from = 0, pauseMs = 0): Promise<void> {
  if (from === 0) {
    log.series(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [i + 1, { __name__: "m", i: String(i + 1) }])));
  }
  for (let round = from; round < from + rounds; round++) {
    log.samples(...Array.from({ length: 20 }, (_, i) => [i + 1, 1000 + round, round] as const));
    if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}

/** That each of the twenty series came whole, in order and only once. */
function assertWhole(receiver: FakeReceiver, rounds: number): void {
  const found = receiver.samplesV1();
  const expected = Array.from({ length: rounds }, (_, i) => [1000 + i, i]);
  assert.equal(found.size, 20);
  for (const [series, samples] of found) assert.deepEqual(samples, expected, series);
}

test("remote write queue: every sample once and in the order of its series, over several shards and small batches", async (t) => {
  const receiver = await FakeReceiver.start(t);
  const log = new TestLog();
  const yaml = `queue_config: {batch_send_deadline: 20ms, max_samples_per_send: 7, capacity: 14, min_shards: 3}`;
  const { queue } = open(t, log, receiver.url, { yaml });
  await write(log, 50);
  await queue.stop(5000);
  assertWhole(receiver, 50);
  const { counters } = queue;
  assert.equal(counters.sent.samples, 1000);
  assert.deepEqual(counters.pending, { samples: 0, exemplars: 0, histograms: 0 });
  assert.equal(counters.highestSentSeconds, 1);
  const [first] = receiver.requests;
  assert.equal(first?.headers["content-encoding"], "snappy");
  assert.equal(first?.headers["content-type"], "application/x-protobuf");
  assert.equal(first?.headers["x-prometheus-remote-write-version"], "0.1.0");
  assert.equal(first?.headers["user-agent"], "Prometheus/3");
  assert.equal(first?.headers["retry-attempt"], undefined);
});

test("remote write queue: a backlog opens more shards, and no series loses its order by that", async (t) => {
  const receiver = await FakeReceiver.start(t);
  receiver.delayMs = 5;
  const log = new TestLog();
  const yaml = "queue_config: {batch_send_deadline: 5ms, max_samples_per_send: 5, capacity: 20, max_shards: 6}";
  const { queue } = open(t, log, receiver.url, { yaml, reshardEveryMs: 60 });
  const times: number[] = [];
  log.series(Object.fromEntries(Array.from({ length: 20 }, (_, i) => [i + 1, { __name__: "m", i: String(i + 1) }])));
  let most = 0;
  for (let round = 0; round < 150; round++) {
    // Each round is ten minutes later, so that a short queue is far behind.
    const time = 1000 + round * 600_000;
    times.push(time);
    log.samples(...Array.from({ length: 20 }, (_, i) => [i + 1, time, round] as const));
    await new Promise((resolve) => setTimeout(resolve, 4));
    most = Math.max(most, queue.counters.shards);
  }
  await queue.stop(9000);
  assert.ok(most > 1 && most <= 6, `${most} shards`);
  const found = receiver.samplesV1();
  assert.equal(found.size, 20);
  for (const [series, samples] of found)
    assert.deepEqual(
      samples.map(([time]) => time),
      times,
      series,
    );
  assert.equal(queue.counters.failed.samples, 0);
});

test("remote write queue: a receiver that fails in every way gets everything in the end, once and in order", async (t) => {
  const receiver = await FakeReceiver.start(t);
  const answers: Answer[] = [500, "cut", 503, { status: 502, body: "x".repeat(5000) }, 204, 204, "cut", "cut", 500];
  receiver.answer = (_request, number) => answers[number] ?? 204;
  const log = new TestLog();
  const yaml = `queue_config: {batch_send_deadline: 5ms, max_samples_per_send: 30, capacity: 60, min_backoff: 5ms, max_backoff: 20ms}`;
  const { queue } = open(t, log, receiver.url, { yaml });
  await write(log, 40, 0, 1);
  await until(() => queue.counters.highestSentSeconds > 0 && queue.counters.pending.samples === 0);
  await queue.stop(5000);
  assertWhole(receiver, 40);
  assert.ok(queue.counters.retried.samples > 0);
  assert.equal(queue.counters.failed.samples, 0);
});

test("remote write queue: nothing is lost while the receiver is down, nor kept beyond the capacity", async (t) => {
  const receiver = await FakeReceiver.start(t);
  const { port } = receiver;
  const log = new TestLog();
  const yaml = `queue_config: {batch_send_deadline: 5ms, max_samples_per_send: 20, capacity: 40, min_backoff: 5ms, max_backoff: 20ms}`;
  const { queue, logged } = open(t, log, receiver.url, { yaml });
  await write(log, 10);
  await until(() => queue.counters.sent.samples === 200 && queue.counters.pending.samples === 0);
  receiver.close();
  await write(log, 200, 10);
  await until(() => queue.counters.retried.samples > 100);
  assert.ok(queue.counters.pending.samples <= 40 + 2 * 20, `${queue.counters.pending.samples} pending`);
  assert.ok(queue.counters.enqueueRetries > 0);
  const again = await FakeReceiver.start(t, port);
  await queue.stop(5000);
  again.requests.unshift(...receiver.requests);
  assertWhole(again, 210);
  assert.match(logged[0] ?? "", /Failed to send batch, retrying .*connect: connection refused/);
  assert.equal(logged.length, 1, "the same is not told again within a minute");
});

test("remote write queue: a refused batch is dropped, counted and told, and what follows is sent", async (t) => {
  const receiver = await FakeReceiver.start(t);
  receiver.answer = (_request, number) => (number === 0 ? { status: 400, body: "out of order sample" } : 204);
  const log = new TestLog();
  const { queue, logged } = open(t, log, receiver.url);
  await write(log, 1);
  await until(() => queue.counters.failed.samples === 20);
  await write(log, 1, 1);
  await until(() => receiver.requests.length === 1);
  assert.deepEqual(logged, [
    'non-recoverable error {"failedSampleCount":20,"failedHistogramCount":0,"failedExemplarCount":0,"err":"server returned HTTP status 400 Bad Request: out of order sample"}',
  ]);
  assert.equal(queue.counters.retried.samples, 0);
});

test("remote write queue: 429 is final unless configured, then it is tried again when the receiver says", async (t) => {
  for (const retries of [false, true]) {
    const receiver = await FakeReceiver.start(t);
    const times: number[] = [];
    receiver.answer = (request, number) => {
      times.push(Date.now());
      assert.equal(request.headers["retry-attempt"], number === 0 ? undefined : String(number));
      return number === 0 ? { status: 429, headers: { "Retry-After": "1" } } : 204;
    };
    const log = new TestLog();
    const { queue } = open(t, log, receiver.url, { yaml: `${QUICK}\n  retry_on_http_429: ${retries}` });
    await write(log, 1);
    await until(() => queue.counters.pending.samples === 0 && queue.counters.sent.samples > 0);
    assert.equal(receiver.requests.length, retries ? 1 : 0);
    assert.equal(queue.counters.failed.samples, retries ? 0 : 20);
    if (retries) assert.ok((times[1] as number) - (times[0] as number) >= 990);
  }
});

test("remote write queue: samples that are not newer than the queue are not sent", async (t) => {
  const receiver = await FakeReceiver.start(t);
  const log = new TestLog();
  const { queue } = open(t, log, receiver.url, { startTime: 1004 });
  await write(log, 10);
  await queue.stop(5000);
  assert.deepEqual(
    [...receiver.samplesV1().values()][0]?.map(([t]) => t),
    [1005, 1006, 1007, 1008, 1009],
  );
  assert.equal(queue.counters.dropped.size, 0);
});

test("remote write queue: what is too old is left out, at once and before each new attempt", async (t) => {
  const receiver = await FakeReceiver.start(t);
  let now = 1005;
  receiver.answer = (_request, number) => {
    if (number > 0) return 204;
    now = 1008;
    return 500;
  };
  const log = new TestLog();
  const yaml = `${QUICK}\n  sample_age_limit: 2ms`;
  const { queue } = open(t, log, receiver.url, { yaml, now: () => now });
  await write(log, 10);
  await queue.stop(5000);
  assert.deepEqual(
    [...receiver.samplesV1().values()][0]?.map(([t]) => t),
    [1006, 1007, 1008, 1009],
  );
  assert.equal(queue.counters.dropped.get("too_old")?.samples, 6 * 20);
  assert.equal(queue.counters.failed.samples, 0);
});

test("remote write queue: samples of series that are dropped or unknown are counted by reason", async (t) => {
  const receiver = await FakeReceiver.start(t);
  const log = new TestLog();
  const yaml = `${QUICK}\nwrite_relabel_configs: [{source_labels: [i], regex: "1.", action: drop}]`;
  const { queue } = open(t, log, receiver.url, { yaml });
  await write(log, 2);
  log.samples([77, 2000, 1]);
  await queue.stop(5000);
  assert.equal(receiver.samplesV1().size, 10);
  assert.equal(queue.counters.dropped.get("dropped_series")?.samples, 20);
  assert.equal(queue.counters.dropped.get("unintentionally_dropped_series")?.samples, 1);
});

test("remote write queue: stopping gives up at the deadline, and counts what is left as failed", async (t) => {
  const receiver = await FakeReceiver.start(t);
  receiver.answer = () => "hang";
  const log = new TestLog();
  const { queue, logged } = open(t, log, receiver.url);
  await write(log, 3);
  await until(() => queue.counters.pending.samples === 60);
  const began = Date.now();
  await queue.stop(100);
  assert.ok(Date.now() - began < 2000);
  assert.equal(queue.counters.failed.samples, 60);
  assert.equal(queue.counters.pending.samples, 0);
  assert.deepEqual(logged, ['Failed to flush all samples on shutdown {"count":60}']);
});

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
};
const custom = { ...histogram, schema: -53, zeroCount: 0, count: 3, customValues: [1] };

function writeAllKinds(log: TestLog): void {
  log.series({ 1: { __name__: "m" } });
  const record = new ByteWriter();
  encodeMetadata(record, [{ ref: 1, metadata: { type: "histogram", help: "h", unit: "s" } }]);
  log.record(record);
  log.samples([1, 1000, 5]);
  const entry = { ref: 1, t: 1001, integer: true, histogram, stale: false, startTime: 0 };
  const entries = [entry, { ...entry, t: 1002, histogram: custom, integer: false }];
  encodeHistograms(record, entries, (one) => log.record(one));
  record.clear();
  encodeExemplars(record, [{ ref: 1, exemplar: { labels: Labels.fromObject({ trace: "x" }), value: 3, t: 1001 } }]);
  log.record(record);
}

test("remote write queue 1.0: histograms and exemplars when asked for, custom buckets never", async (t) => {
  for (const wanted of [false, true]) {
    const receiver = await FakeReceiver.start(t);
    const log = new TestLog();
    const yaml = `${QUICK}\nsend_exemplars: ${wanted}\nsend_native_histograms: ${wanted}`;
    const { queue } = open(t, log, receiver.url, { yaml });
    writeAllKinds(log);
    await queue.stop(5000);
    const { timeseries } = decodeProto<{ timeseries: Record<string, unknown[]>[] }>(
      "WriteRequest",
      receiver.requests[0]?.body as Uint8Array,
    );
    const kinds = timeseries.map(({ samples, histograms, exemplars }) =>
      [samples, histograms, exemplars].map((list) => list?.length).join(),
    );
    assert.deepEqual(kinds, wanted ? ["1,0,0", "0,1,0", "0,0,1"] : ["1,0,0"]);
    assert.deepEqual(
      queue.counters.dropped.get("nhcb_in_rw1_not_supported"),
      wanted ? { samples: 0, exemplars: 0, histograms: 1 } : undefined,
    );
  }
});

test("remote write queue 2.0: metadata and custom buckets go along; what the receiver wrote is compared", async (t) => {
  const full = {
    "X-Prometheus-Remote-Write-Samples-Written": "1",
    "X-Prometheus-Remote-Write-Histograms-Written": "2",
    "X-Prometheus-Remote-Write-Exemplars-Written": "1",
  };
  const cases: [Record<string, string>, object, RegExp | undefined][] = [
    [full, { samples: 0, exemplars: 0, histograms: 0, metadata: 0 }, undefined],
    [
      { ...full, "X-Prometheus-Remote-Write-Histograms-Written": "1" },
      { samples: 0, exemplars: 0, histograms: 1, metadata: 0 },
      /^we got 2xx status code from the Receiver yet statistics .*"failedHistogramCount":1/,
    ],
    [
      {},
      { samples: 1, exemplars: 1, histograms: 2, metadata: 0 },
      /^non-recoverable error .*sent v2 request with 1 samples, 2 histograms and 1 exemplars; got 2xx, but PRW 2.0 response header statistics indicate 0 samples/,
    ],
  ];
  for (const [headers, failed, text] of cases) {
    const receiver = await FakeReceiver.start(t);
    receiver.answer = () => ({ status: 204, headers });
    const log = new TestLog();
    const yaml = `${QUICK}\nprotobuf_message: io.prometheus.write.v2.Request\nsend_exemplars: true\nsend_native_histograms: true`;
    const { queue, logged } = open(t, log, receiver.url, { yaml });
    writeAllKinds(log);
    await queue.stop(5000);
    assert.equal(
      receiver.requests[0]?.headers["content-type"],
      "application/x-protobuf;proto=io.prometheus.write.v2.Request",
    );
    assert.equal(receiver.requests[0]?.headers["x-prometheus-remote-write-version"], "2.0.0");
    const { symbols, timeseries } = decodeProto<{ symbols: string[]; timeseries: Record<string, never>[] }>(
      "RequestV2",
      receiver.requests[0]?.body as Uint8Array,
    );
    assert.deepEqual(symbols, ["", "__name__", "m", "h", "s", "trace", "x"]);
    assert.equal(timeseries.length, 4);
    for (const { metadata } of timeseries) assert.deepEqual(metadata, { type: 3, help_ref: 3, unit_ref: 4 });
    assert.deepEqual(queue.counters.failed, failed);
    if (text === undefined) assert.deepEqual(logged, []);
    else assert.match(logged[0] ?? "", text);
  }
});
