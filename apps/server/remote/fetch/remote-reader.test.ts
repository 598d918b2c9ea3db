import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { Labels, Matcher } from "@narthex/model";
import { Engine } from "@narthex/promql";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { silentLogger } from "@narthex/toolkit";
import { type Config, loadConfig } from "../../config/index.ts";
import { until } from "../../scrape/testing.ts";
import { selectionKey } from "./fetched.ts";
import { withFetched } from "./fetched-queryable.ts";
import { RemoteReader } from "./remote-reader.ts";
import { answerOf, FakeSource } from "./testing.ts";

const T = 1_700_000_000_000;
const engine = new Engine();

function storageOf(
  ...series: readonly (readonly [Record<string, string>, readonly (readonly [t: number, v: number])[]])[]
) {
  const storage = new MemoryStorage();
  const appender = storage.appender();
  for (const [labels, samples] of series) {
    const ref = appender.series(Labels.fromObject(labels));
    for (const [t, v] of samples) appender.append(ref, t, v);
  }
  appender.commit();
  return storage;
}

function config(text: string): Config {
  return loadConfig(text, "prometheus.yml", { logger: silentLogger });
}

function readerFor(
  test: { after(work: () => void): void },
  sources: readonly { readonly url: string; readonly more?: string }[],
  { localStart = T, global = "", maxQueryBytes = 1 << 20 } = {},
): RemoteReader {
  const registry = new Registry();
  const reader = new RemoteReader({ registry, version: "3", localStart: () => localStart, maxQueryBytes });
  const entries = sources.map(({ url, more = "" }, i) => `  - {url: "${url}", name: n${i}${more}}\n`);
  reader.apply(config(`${global}remote_read:${entries.length === 0 ? " []" : "\n"}${entries.join("")}`));
  test.after(() => reader.close());
  return reader;
}

interface Asked {
  readonly local?: MemoryStorage;
  readonly startMs?: number;
  readonly endMs?: number;
  readonly stepMs?: number;
}

/** A range query over what is fetched and local: each series' labels and values, and the warnings. */
async function query(
  reader: RemoteReader,
  expr: string,
  { local = new MemoryStorage(), startMs = T - 60_000, endMs = T, stepMs = 20_000 }: Asked = {},
): Promise<{ series: [string, number[]][]; warnings: readonly string[] }> {
  const selections = engine.selections(expr, startMs, endMs, stepMs).map((selection) => ({ ...selection, stepMs }));
  const fetched = await reader.fetch(selections, new AbortController().signal);
  const queryable = fetched === undefined ? local : withFetched(local, structuredClone(fetched));
  const { value, warnings } = engine.rangeQuery(queryable, expr, startMs, endMs, stepMs);
  assert.equal(value.kind, "matrix");
  const series = value.kind === "matrix" ? value.series : [];
  return {
    series: series.map(({ labels, values, present }) => [
      labels.toString(),
      [...values].filter((_, i) => present?.[i] !== 0),
    ]),
    warnings,
  };
}

test("remote read: series of both sides are merged, local samples count where both have one", async (t) => {
  for (const form of ["chunks", "samples"] as const) {
    const remote = storageOf(
      [
        { __name__: "m", a: "1" },
        [
          [T - 60_000, 1],
          [T - 40_000, 2],
          [T - 20_000, 3],
        ],
      ],
      [{ __name__: "m", a: "2" }, [[T - 60_000, 7]]],
    );
    const local = storageOf([
      { __name__: "m", a: "1" },
      [
        [T - 40_000, 20],
        [T, 40],
      ],
    ]);
    const source = await FakeSource.start(t, remote, form);
    const reader = readerFor(t, [source]);
    assert.deepEqual(await query(reader, "m", { local }), {
      series: [
        ['{__name__="m", a="1"}', [1, 20, 3, 40]],
        ['{__name__="m", a="2"}', [7, 7, 7, 7]],
      ],
      warnings: [],
    });
    const [asked] = source.asked;
    assert.deepEqual([asked?.minTime, asked?.maxTime], [T - 60_000 - 299_999, T]);
    assert.equal(source.headers[0]?.["x-prometheus-remote-read-version"], "0.1.0");
    assert.equal(source.headers[0]?.["content-encoding"], "snappy");
  }
});

test("remote read: each selection is asked once, with all times that the query needs of it", async (t) => {
  const remote = storageOf([
    { __name__: "m" },
    Array.from({ length: 100 }, (_, i) => [T - 600_000 + i * 6000, i] as const),
  ]);
  const source = await FakeSource.start(t, remote);
  const reader = readerFor(t, [source]);
  const { series } = await query(reader, "sum(m) + sum(max_over_time(m[2m] offset 1m)) + sum(other or vector(0))");
  assert.equal(series.length, 1);
  assert.deepEqual(
    source.asked.map(({ matchers, minTime, maxTime }) => [matchers[0]?.value, minTime - T, maxTime - T]),
    [
      ["m", -359_999, 0],
      ["other", -359_999, 0],
    ],
  );
});

test("remote read: what local storage has is not asked for, unless recent samples are wanted", async (t) => {
  const remote = storageOf([
    { __name__: "m" },
    [
      [T - 50_000, 1],
      [T - 10_000, 2],
    ],
  ]);
  const source = await FakeSource.start(t, remote);
  const local = storageOf([{ __name__: "m" }, [[T, 9]]]);
  const early = readerFor(t, [source], { localStart: T - 400_000 });
  assert.deepEqual((await query(early, "m", { local })).series, [['{__name__="m"}', [9]]]);
  assert.equal(source.asked.length, 0);
  const clipped = readerFor(t, [source], { localStart: T - 40_000 });
  assert.deepEqual((await query(clipped, "m", { local })).series[0]?.[1], [1, 1, 9]);
  assert.equal(source.asked[0]?.maxTime, T - 40_000);
  const recent = readerFor(t, [{ url: source.url, more: ", read_recent: true" }], { localStart: T - 400_000 });
  assert.deepEqual((await query(recent, "m", { local })).series[0]?.[1], [1, 1, 9]);
});

test("remote read: an endpoint with required matchers is asked only where all of them are", async (t) => {
  const remote = storageOf([{ __name__: "m", job: "a", dc: "x" }, [[T, 1]]]);
  const source = await FakeSource.start(t, remote);
  const reader = readerFor(t, [{ url: source.url, more: ", required_matchers: {job: a, dc: x}" }]);
  for (const expr of ["m", 'm{job="a"}', 'm{job="a", dc=~"x"}']) {
    assert.deepEqual((await query(reader, expr)).series, [], expr);
  }
  assert.equal(source.asked.length, 0);
  assert.equal((await query(reader, 'm{dc="x", job="a"}')).series.length, 1);
});

test("remote read: external labels are asked for and taken off again, unless the query speaks of them or it is not wanted", async (t) => {
  const external = ["dc", "x", "zone", "z"];
  const source = await FakeSource.start(t, storageOf([{ __name__: "m" }, [[T, 1]]]), "chunks", external);
  const global = "global: {external_labels: {dc: x, zone: z}}\n";
  const reader = readerFor(t, [source], { global });
  assert.deepEqual((await query(reader, "m")).series, [['{__name__="m"}', [1]]]);
  assert.deepEqual(
    source.asked[0]?.matchers.map(({ name, value }) => `${name}=${value}`),
    ["__name__=m", "dc=x", "zone=z"],
  );
  assert.deepEqual((await query(reader, 'm{dc=~"x|y"}')).series, []);
  assert.deepEqual((await query(reader, 'm{dc="x"}')).series, [['{__name__="m", dc="x"}', [1]]]);
  const plain = readerFor(t, [{ url: source.url, more: ", filter_external_labels: false" }], { global });
  assert.deepEqual((await query(plain, "m")).series, [['{__name__="m", dc="x", zone="z"}', [1]]]);
});

test("remote read: answers are counted together while they come in; the one that is too much is broken off, the others are read", async (t) => {
  const remote = storageOf([{ __name__: "m" }, [[T, 1]]]);
  const sources = [await FakeSource.start(t, remote), await FakeSource.start(t, remote)];
  const held: (() => void)[] = [];
  let brokenOff = 0;
  for (const source of sources) {
    source.respond = (_, response) => {
      response.setHeader("Content-Type", "application/x-protobuf");
      response.write(Buffer.alloc(600));
      const finish = (): void => void response.end();
      held.push(finish);
      response.on("close", () => {
        if (response.writableFinished) return;
        brokenOff++;
        held.splice(held.indexOf(finish), 1);
        // What the other one holds is all there is: it may come to its end now.
        for (const other of held) other();
      });
    };
  }
  const reader = readerFor(t, sources, { maxQueryBytes: 1000 });
  const { warnings } = await query(reader, "m");
  assert.equal(brokenOff, 1);
  assert.equal(
    warnings.filter((text) => text.includes("the answers to one query have more than 1000 bytes")).length,
    1,
  );
});

test("remote read: what goes wrong with one endpoint is a warning, and the others are heard", async (t) => {
  const good = await FakeSource.start(t, storageOf([{ __name__: "m" }, [[T, 1]]]));
  const bad = await FakeSource.start(t, new MemoryStorage());
  const reader = readerFor(t, [{ url: bad.url, more: ", remote_timeout: 100ms, chunked_read_limit: 5" }, good]);
  const streamed = "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse";
  const answers: [FakeSource["respond"], RegExp][] = [
    [
      (_, response) => response.writeHead(500).end("broken\n"),
      /^remote_read: remote server http:.* returned http status 500 Internal Server Error: broken$/,
    ],
    [
      () => {},
      /^remote_read: error sending request: Post ".*": context deadline exceeded: request timed out after 100ms$/,
    ],
    [
      (_, response) => response.writeHead(200, { "Content-Type": "text/plain" }).end("hello"),
      /^remote_read: unsupported content type: text\/plain$/,
    ],
    [
      (_, response) => response.writeHead(200, { "Content-Type": streamed }).end(Buffer.from([3, 0, 0, 0, 0, 1, 2, 3])),
      /^remote_read: chunkedReader: corrupted frame; checksum mismatch$/,
    ],
    [
      (_, response) => response.writeHead(200, { "Content-Type": streamed }).end(Buffer.from([9, 0, 0, 0, 0])),
      /^remote_read: chunkedReader: message size exceeded the limit 5 bytes; got: 9 bytes$/,
    ],
    [
      (_, response) => response.writeHead(200, { "Content-Type": "application/x-protobuf" }).end("no snappy"),
      /^remote_read: /,
    ],
    [
      (_, response) => {
        response.writeHead(200, { "Content-Type": streamed, "Content-Length": "100" });
        response.write("half");
        setTimeout(() => response.destroy(), 20);
      },
      /^remote_read: error reading response: unexpected EOF$/,
    ],
    [(_, response) => void response.destroy(), /^remote_read: error sending request: Post ".*": EOF$/],
  ];
  for (const [respond, expected] of answers) {
    bad.respond = respond;
    const { series, warnings } = await query(reader, "m");
    assert.deepEqual(series, [['{__name__="m"}', [1]]], String(expected));
    assert.equal(warnings.length, 1, String(expected));
    assert.match(warnings[0] ?? "", expected);
  }
});

test("remote read: calling off ends what is under way", async (t) => {
  const source = await FakeSource.start(t, new MemoryStorage());
  source.respond = () => {};
  const reader = readerFor(t, [source]);
  const callOff = new AbortController();
  const selections = engine.selections("m", T, T, 0).map((selection) => ({ ...selection, stepMs: 0 }));
  const fetching = reader.fetch(selections, callOff.signal);
  setTimeout(() => callOff.abort(), 20);
  const fetched = await fetching;
  assert.match(fetched?.[0]?.answers[0]?.error ?? "", /context canceled$/);
});

test("remote read: a reload lets what is being asked be answered; endpoints that stay take over new secrets", async (t) => {
  const storage = storageOf([{ __name__: "m" }, [[T, 1]]]);
  const [kept, changed] = [await FakeSource.start(t, storage), await FakeSource.start(t, storage)];
  const held: (() => void)[] = [];
  for (const source of [kept, changed]) {
    const { respond } = source;
    source.respond = (request, response) => void held.push(() => respond(request, response));
  }
  const yaml = (keptMore: string, changedMore: string) =>
    config(`remote_read:\n  - {url: "${kept.url}"${keptMore}}\n  - {url: "${changed.url}"${changedMore}}\n`);
  const reader = readerFor(t, []);
  reader.apply(yaml(", authorization: {credentials: old}", ""));
  const asking = query(reader, "m");
  await until(() => held.length === 2);
  reader.apply(yaml(", authorization: {credentials: new}", ", read_recent: true"));
  for (const answer of held.splice(0)) answer();
  assert.deepEqual(await asking, { series: [['{__name__="m"}', [1]]], warnings: [] });
  const again = query(reader, "m");
  await until(() => held.length === 2);
  for (const answer of held) answer();
  assert.deepEqual((await again).warnings, []);
  assert.deepEqual(
    kept.headers.map(({ authorization }) => authorization),
    ["Bearer old", "Bearer new"],
  );
});

test("remote read: without endpoints nobody is asked; the same endpoint twice is refused", (t) => {
  const reader = readerFor(t, []);
  assert.ok(reader.isEmpty);
  assert.equal(reader.fetch([], new AbortController().signal), undefined);
  assert.throws(
    () => reader.apply(config("remote_read: [{url: http://h/}, {url: http://h/}]")),
    /^Error: duplicate remote read configs are not allowed, found duplicate for URL: http:\/\/h\/$/,
  );
  assert.ok(reader.isEmpty);
});

test("remote read: only chunks are decoded to see whether they can be; samples were looked at when they were parsed", (t) => {
  const storage = storageOf([{ __name__: "m" }, [[T, 1]]]);
  const matchers = [new Matcher("=", "__name__", "m")];
  const pushed = t.mock.method(SampleBuffer.prototype, "pushBits");
  for (const form of ["samples", "chunks"] as const) {
    const answer = { form, bytes: answerOf(storage, form), error: "", stripped: [], limitBytes: 1 << 20 };
    const fetched = [{ key: selectionKey(matchers), minTime: T, maxTime: T, answers: [answer] }];
    const before = pushed.mock.callCount();
    const found = withFetched(new MemoryStorage(), fetched).querier(T, T).select(matchers);
    if (form === "samples") assert.equal(pushed.mock.callCount(), before);
    const samples = new SampleBuffer();
    found.read(0, T, T, samples);
    assert.deepEqual([found.count, samples.count, found.warnings], [1, 1, []]);
  }
});
