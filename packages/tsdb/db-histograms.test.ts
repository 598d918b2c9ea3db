import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Registry } from "@narthex/client";
import { ByteWriter } from "@narthex/encoding";
import { type FloatHistogramFields, isStaleAt, Labels, Matcher } from "@narthex/model";
import { Append, SampleBuffer } from "@narthex/storage";
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { FaultyFs } from "./fs/faulty-fs.ts";
import type { FileSystem } from "./fs/file-system.ts";
import { MemoryFs } from "./fs/memory-fs.ts";
import { silentLogger } from "./logger.ts";
import { decodeHistograms, encodeHistograms, isHistogramRecord } from "./wal/histogram-record.ts";
import { RecordType } from "./wal/record.ts";
import { WalReader } from "./wal/wal-reader.ts";
import { WalWriter } from "./wal/wal-writer.ts";

const HOUR = 3_600_000;
const START = 1_800_000 * 1_000_000;

function open(fs: FileSystem, options: Partial<DbOptions> = {}): Promise<Db> {
  return Db.open({
    directory: "data",
    fs,
    memoryBytes: 2 ** 26,
    maintenanceIntervalMs: 0,
    maxExemplars: 100,
    ...options,
  });
}

function histogram(i: number, changes: Partial<FloatHistogramFields> = {}): FloatHistogramFields {
  const positiveBuckets = Float64Array.from({ length: 3 + (i >> 6) }, (_, bucket) => i + bucket);
  let count = i;
  for (const bucket of positiveBuckets) count += bucket;
  return {
    counterResetHint: 0,
    schema: 3,
    zeroThreshold: 2 ** -128,
    zeroCount: i,
    count,
    sum: i * 1.25,
    positiveSpans: [{ offset: -1, length: positiveBuckets.length }],
    negativeSpans: [],
    positiveBuckets,
    negativeBuckets: new Float64Array(0),
    customValues: [],
    ...changes,
  };
}

const custom = (i: number): FloatHistogramFields =>
  histogram(0, {
    schema: -53,
    zeroThreshold: 0,
    count: 2 * i + 2,
    positiveBuckets: Float64Array.of(i, i, 2),
    positiveSpans: [{ offset: 0, length: 3 }],
    customValues: [0.5, 2.5],
    sum: i,
  });

/** Samples of the only series with this name, as text: what they are and how many observations they count. */
function read(db: Db, name: string): string[] {
  const querier = db.querier(-Infinity, Infinity);
  const set = querier.select([new Matcher("=", "__name__", name)]);
  const samples = new SampleBuffer();
  if (set.count > 0) set.read(0, -Infinity, Infinity, samples);
  querier.close();
  return Array.from({ length: samples.count }, (_, i) => {
    const found = samples.histograms?.[i];
    const what = found?.integer ? "integer" : found === undefined ? "float" : "floats";
    const value = isStaleAt(samples.halves, i) ? "stale" : `${what} ${found?.count ?? samples.values[i]}`;
    return `${samples.times[i]} ${value}`;
  });
}

/** Fills three series: integers with floats between, floats with custom bounds, a gauge; returns what must be read. */
function fill(db: Db, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const appender = db.appender();
    const t = START + i * 15_000;
    const mixed = appender.series(Labels.fromObject({ __name__: "mixed" }));
    if (i % 50 === 7) assert.equal(appender.append(mixed, t, i), Append.ok);
    else if (i % 50 === 9) assert.equal(appender.appendStale(mixed, t), Append.ok);
    else assert.equal(appender.appendHistogram(mixed, t, histogram(i), i % 200 < 150), Append.ok);
    const bounds = appender.series(Labels.fromObject({ __name__: "bounds" }));
    assert.equal(appender.appendHistogram(bounds, t, custom(i), i % 2 === 0), Append.ok);
    const exemplar = { labels: Labels.fromObject({ trace_id: String(i) }), value: i, t };
    assert.equal(appender.appendExemplar(bounds, exemplar), Append.ok);
    const metadata = { type: "histogram", unit: "seconds", help: i < 300 ? "old" : "new" } as const;
    appender.updateMetadata(bounds, metadata);
    appender.commit();
  }
}

test("Db: histograms, exemplars and metadata are there after a kill, a clean close, and a cut into blocks", async () => {
  const fs = new MemoryFs();
  let db = await open(fs);
  fill(db, 0, 400);
  // Killed: the second one sees what the first one gave to the system.
  const killed = db;
  db = await open(fs);
  assert.deepEqual(read(db, "mixed"), read(killed, "mixed"));
  assert.deepEqual(read(db, "bounds"), read(killed, "bounds"));
  assert.equal(read(db, "bounds").length, 400);
  assert.ok(db.stats().numChunks > 10);
  fill(db, 400, 1000);
  const expected = [read(db, "mixed"), read(db, "bounds")];
  assert.equal(expected[0]?.length, 1000);
  await db.close();
  db = await open(fs);
  assert.deepEqual([read(db, "mixed"), read(db, "bounds")], expected);
  const matchers = [[new Matcher("=", "__name__", "nothing")], [new Matcher("=~", "__name__", "b.*")]];
  const found = db.exemplars(-Infinity, Infinity, matchers);
  assert.deepEqual(
    found.map(({ labels, exemplars }) => [labels.toObject(), exemplars.length, exemplars[0]?.value]),
    [[{ __name__: "bounds" }, 100, 900]],
  );
  const ref = db.head.seriesRef(Labels.fromObject({ __name__: "bounds" }));
  assert.deepEqual(db.metadata(ref), { type: "histogram", unit: "seconds", help: "new" });
  await db.compact();
  assert.ok(db.blocks.length > 0);
  assert.deepEqual([read(db, "mixed"), read(db, "bounds")], expected);
  await db.close();
  db = await open(fs);
  assert.deepEqual([read(db, "mixed"), read(db, "bounds")], expected);
  assert.deepEqual(db.metadata(db.head.seriesRef(Labels.fromObject({ __name__: "bounds" })))?.help, "new");
  await db.close();
  await killed.close();
});

test("Db: a commit is logged as the reference does: series, metadata, floats, histograms by kind, exemplars", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  const appender = db.appender();
  const [a, b, c] = ["a", "b", "c"].map((name) => appender.series(Labels.fromObject({ __name__: name })));
  appender.appendExemplar(a as number, { labels: Labels.empty, value: 1, t: START });
  appender.appendHistogram(a as number, START, histogram(5), false);
  appender.appendHistogram(b as number, START, custom(5), true);
  appender.append(c as number, START, 1);
  appender.appendHistogram(c as number, START + 1, histogram(5), true);
  appender.updateMetadata(c as number, { type: "counter", unit: "", help: "h" });
  // Turns back to floats: what comes now is logged behind.
  appender.append(c as number, START + 2, 1);
  appender.appendHistogram(a as number, START + 2, histogram(6), false);
  appender.appendStale(c as number, START + 3);
  appender.appendStale(a as number, START + 3);
  appender.commit();
  const reader = new WalReader(fs, "data/wal");
  const types: number[] = [];
  const stale: boolean[] = [];
  while (reader.next()) {
    const type = reader.bytes[reader.start] as number;
    types.push(type);
    if (isHistogramRecord(type)) {
      stale.push(...decodeHistograms(reader.bytes, reader.start, reader.end).map((entry) => entry.stale));
    }
  }
  const { series, metadata, samples, histograms, customBucketHistograms, floatHistograms, exemplars } = RecordType;
  const first = [series, metadata, samples, histograms, customBucketHistograms, floatHistograms];
  assert.deepEqual(types, [...first, samples, floatHistograms, exemplars]);
  assert.deepEqual(stale, [false, false, false, false, true]);
  const expected = read(db, "c");
  assert.deepEqual(
    expected.map((line) => line.split(" ")[1]),
    ["float", "integer", "float", "stale"],
  );
  const again = await open(fs);
  assert.deepEqual(read(again, "c"), expected);
  assert.deepEqual(read(again, "a"), read(db, "a"));
  await again.close();
  await db.close();
});

test("Db: a histogram in the log that no chunk can hold is left out and told, the rest is kept", async () => {
  const fs = new MemoryFs();
  const lines: unknown[] = [];
  const first = await open(fs);
  fill(first, 0, 10);
  const ref = first.head.seriesRef(Labels.fromObject({ __name__: "bounds" }));
  const expected = read(first, "bounds");
  await first.close();
  const writer = WalWriter.open(fs, "data/wal");
  const strange = histogram(1, { positiveSpans: [{ offset: 2 ** 31 - 1, length: 9 }] });
  const entry = { ref, integer: true, stale: false, startTime: 0 };
  const times = [START + HOUR, START + HOUR + 1];
  const entries = [strange, histogram(2)].map((one, i) => ({ ...entry, t: times[i] as number, histogram: one }));
  encodeHistograms(new ByteWriter(1024), entries, (record) => writer.log(record.bytes, record.length));
  writer.close();
  const warn = (message: string, fields: unknown): void => void lines.push([message, fields]);
  const again = await open(fs, { logger: { ...silentLogger, warn } });
  assert.deepEqual(read(again, "bounds"), [...expected, `${START + HOUR + 1} integer ${histogram(2).count}`]);
  assert.ok(lines.some((line) => JSON.stringify(line).includes('"Unknown series references"')));
  await again.close();
});

test("Db: a commit of histograms that the log refuses leaves nothing behind", async () => {
  const faulty = new FaultyFs(new MemoryFs());
  const db = await open(faulty);
  fill(db, 0, 5);
  const before = read(db, "mixed");
  for (const fault of ["failAt", "tearAt"] as const) {
    faulty.faults[fault] = faulty.changes + 1;
    assert.throws(() => fill(db, 5, 6), { code: "EIO" });
    delete faulty.faults[fault];
    assert.deepEqual(read(db, "mixed"), before);
    assert.equal(db.exemplars(-Infinity, Infinity, [[]])[0]?.exemplars.length, 5);
  }
  fill(db, 5, 10);
  assert.equal(read(db, "mixed").length, 10);
  await db.close();
});

test("Db: metrics of histograms, exemplars and the log's pages", async () => {
  const registry = new Registry();
  const db = await open(new MemoryFs(), { registry });
  fill(db, 0, 120);
  const { body } = await registry.expose("");
  const text = String(body);
  const value = (name: string): number => Number(new RegExp(`^prometheus_tsdb_${name} (.+)$`, "m").exec(text)?.[1]);
  assert.equal(value('head_samples_appended_total{type="histogram"}'), 120 * 2 - 3);
  assert.equal(value('head_samples_appended_total{type="float"}'), 3);
  assert.equal(value("head_native_histogram_series"), 2);
  assert.equal(value("head_native_histogram_buckets"), 4 + 3);
  assert.equal(value("exemplar_exemplars_appended_total"), 120);
  assert.equal(value("exemplar_exemplars_in_storage"), 100);
  assert.equal(value("exemplar_series_with_exemplars_in_storage"), 1);
  assert.equal(value("exemplar_max_exemplars"), 100);
  assert.equal(value("exemplar_last_exemplars_timestamp_seconds"), (START + 20 * 15_000) / 1000);
  assert.ok(value("wal_record_part_writes_total") >= 120 * 3);
  const written = value("wal_record_parts_bytes_written_total");
  assert.ok(written > 120 * 100);
  assert.equal(value("wal_completed_pages_total"), Math.floor(value("wal_storage_size_bytes") / 32_768));
  assert.ok(value("wal_page_flushes_total") >= 120);
  assert.ok(value('wal_record_bytes_saved_total{compression="snappy"}') > 0);
  await db.close();
});

test("Db: a worker reads histograms while they are appended, each commit whole or not at all", async () => {
  const directory = mkdtempSync(join(tmpdir(), "narthex-histograms-"));
  const db = await Db.open({
    directory,
    memoryBytes: 2 ** 26,
    maintenanceIntervalMs: 0,
    blockRangeMs: 24 * HOUR,
  });
  const worker = new Worker(
    `
    const { parentPort, workerData } = require("node:worker_threads");
    (async () => {
      const { DbReader } = await import(workerData.index);
      const { SampleBuffer } = await import(workerData.storage);
      const { Matcher } = await import(workerData.model);
      const reader = new DbReader(workerData.share);
      parentPort.on("message", (ticket) => {
        let answer;
        try {
          const querier = reader.queryable(ticket).querier(-Infinity, Infinity);
          const set = querier.select([new Matcher("=~", "__name__", "h.*")]);
          answer = [];
          for (let i = 0; i < set.count; i++) {
            const samples = new SampleBuffer();
            set.read(i, -Infinity, Infinity, samples);
            let whole = true;
            for (let n = 0; n < samples.count; n++) {
              const found = samples.histograms?.[n];
              let sum = found?.zeroCount;
              for (const bucket of found?.positiveBuckets ?? []) sum += bucket;
              whole &&= found !== undefined && sum === found.count && found.sum === n * 1.25;
            }
            answer.push([samples.count, whole]);
          }
          querier.close();
        } catch (error) {
          answer = String(error.stack);
        }
        parentPort.postMessage({ ticket, answer });
      });
      parentPort.postMessage("ready");
    })();
    `,
    {
      eval: true,
      workerData: {
        share: db.share(),
        index: import.meta.resolve("./index.js"),
        storage: import.meta.resolve("@narthex/storage"),
        model: import.meta.resolve("@narthex/model"),
      },
    },
  );
  try {
    await new Promise((resolve) => worker.once("message", resolve));
    const counts = new Map<number, number>();
    let answered = 0;
    const failures: unknown[] = [];
    worker.on("message", ({ ticket, answer }) => {
      answered++;
      const expected = counts.get(ticket.snapshot.token);
      const isRight =
        Array.isArray(answer) && answer.length === 8 && answer.every(([count, whole]) => count === expected && whole);
      if (!isRight) failures.push([expected, answer]);
      db.endRead(ticket);
    });
    let asked = 0;
    for (let i = 0; i < 600; i++) {
      const appender = db.appender();
      for (let s = 0; s < 8; s++) {
        const ref = appender.series(Labels.fromObject({ __name__: `h${s}` }));
        assert.equal(appender.appendHistogram(ref, START + i * 15_000, histogram(i), s % 2 === 0), Append.ok);
      }
      appender.commit();
      if (i % 10 !== 5) continue;
      const ticket = db.beginRead();
      counts.set(ticket.snapshot.token, i + 1);
      worker.postMessage(ticket);
      asked++;
      // The worker reads while we go on, and we hear of it from time to time.
      if (i % 50 === 5) await new Promise((resolve) => setImmediate(resolve));
    }
    while (answered < asked) await new Promise((resolve) => setTimeout(resolve, 5));
    assert.deepEqual(failures, []);
  } finally {
    await worker.terminate();
    await db.close();
    rmSync(directory, { recursive: true });
  }
});
