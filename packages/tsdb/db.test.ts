import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { ByteWriter } from "@narthex/encoding";
import { Labels, Matcher } from "@narthex/model";
import { Append, SampleBuffer } from "@narthex/storage";
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { FaultyFs } from "./fs/faulty-fs.ts";
import type { FileSystem } from "./fs/file-system.ts";
import { MemoryFs } from "./fs/memory-fs.ts";
import type { LogFields } from "./logger.ts";
import { reserveMemory } from "./memory/layout.ts";
import { ReplayThread } from "./replay/replay-thread.ts";
import { canWriteZstd } from "./wal/compression.ts";
import { encodeTombstones, endOfSeries } from "./wal/entry-records.ts";
import { encodeSamples } from "./wal/sample-record.ts";
import { beginSeries, encodeSeries } from "./wal/series-record.ts";
import { WalWriter } from "./wal/wal-writer.ts";

const RANGE = 7_200_000;
const START = RANGE * 1000;

function open(fs: FileSystem, options: Partial<DbOptions> = {}): Promise<Db> {
  return Db.open({ directory: "data", fs, memoryBytes: 2 ** 26, maintenanceIntervalMs: 0, ...options });
}

function write(db: Db, count: number, from: number, series = 3): void {
  for (let i = 0; i < count; i++) {
    const appender = db.appender();
    for (let s = 0; s < series; s++) {
      const ref = appender.series(Labels.fromObject({ __name__: "m", s: String(s) }));
      assert.equal(appender.append(ref, START + (from + i) * 15_000, (from + i) * 10 + s), Append.ok);
    }
    appender.commit();
  }
}

/** Sample values per series, as text: what a query over everything sees. */
function dump(db: Db): Record<string, string> {
  const querier = db.querier(-8.64e15, 8.64e15);
  const set = querier.select([new Matcher("=~", "__name__", ".+")]);
  const found: Record<string, string> = {};
  const samples = new SampleBuffer();
  for (let i = 0; i < set.count; i++) {
    samples.clear();
    set.read(i, -8.64e15, 8.64e15, samples);
    let text = "";
    for (let j = 0; j < samples.count; j++) {
      text += `${samples.times[j]}:${samples.halves[2 * j + 1]?.toString(16)}.${samples.halves[2 * j]?.toString(16)} `;
    }
    found[JSON.stringify(set.labels(i).toObject())] = text;
  }
  querier.close();
  return found;
}

test("Db: what was committed is there after a kill and after a clean close", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  write(db, 300, 0);
  const before = dump(db);
  assert.equal(Object.keys(before).length, 3);
  // A kill: nothing is closed, but what was handed to the operating system stays.
  const second = await open(fs);
  assert.deepEqual(dump(second), before);
  write(second, 300, 300);
  const after = dump(second);
  await second.close();
  const third = await open(fs);
  assert.deepEqual(dump(third), after);
  assert.deepEqual(third.stats().numSeries, 3);
  await third.close();
  assert.throws(() => third.appender(), /database is closed/);
});

test("Db: a log that a second thread reads, started by the database or before it, late or for nothing", async () => {
  const directory = mkdtempSync(join(tmpdir(), "db-ahead-"));
  const options: DbOptions = { directory, memoryBytes: 2 ** 29, maintenanceIntervalMs: 0, secondThreadFromBytes: 0 };
  try {
    const first = await Db.open(options);
    write(first, 500, 0);
    const before = dump(first);
    await first.close();
    const began = Date.now();
    // By itself: the log is short, and read before the thread is up.
    const second = await Db.open(options);
    assert.deepEqual(dump(second), before);
    await second.close();
    for (const pauseMs of [0, 300]) {
      const replayThread = new ReplayThread(reserveMemory(2 ** 29), join(directory, "wal"), 0);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      const db = await Db.open({ ...options, replayThread });
      assert.deepEqual(dump(db), before);
      // Beside one that is open, a database does not come up, and its thread ends.
      const refused = new ReplayThread(reserveMemory(2 ** 29), join(directory, "wal"), 0);
      await assert.rejects(Db.open({ ...options, replayThread: refused }), /lock DB directory/);
      assert.ok(refused.end());
      await db.close();
    }
    // A thread that reads from elsewhere on is of no use.
    const replayThread = new ReplayThread(reserveMemory(2 ** 29), join(directory, "wal"), 1);
    const last = await Db.open({ ...options, replayThread });
    assert.deepEqual(dump(last), before);
    await last.close();
    assert.ok(Date.now() - began < 20_000, "nobody waited for a thread that had nothing to do");
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("Db: a log in zstd is written where this Node has it, else in snappy with one line; the metric tells which", async () => {
  const fs = new MemoryFs();
  const warnings: string[] = [];
  const logger = { debug() {}, info() {}, warn: (message: string) => warnings.push(message), error() {} };
  const registry = new Registry();
  const db = await open(fs, { walCompression: "zstd", logger, registry });
  write(db, 300, 0);
  const before = dump(db);
  const name = canWriteZstd() ? "zstd" : "snappy";
  assert.match(await registry.metrics(), new RegExp(`wal_record_bytes_saved_total{compression="${name}"} [1-9]`));
  await db.close();
  assert.deepEqual(
    warnings,
    canWriteZstd()
      ? []
      : [`Node ${process.version} cannot write zstd (22.15 and later can), the log is written with snappy`],
  );
  const again = await open(fs, { walCompression: "snappy" });
  assert.deepEqual(dump(again), before);
  write(again, 10, 300);
  await again.close();
});

test("Db: full chunks lie in chunks_head, and come from there after a start", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  write(db, 500, 0);
  db.maintain();
  const before = dump(db);
  assert.ok(fs.size("data/chunks_head/000001") > 1000);
  assert.equal(db.head.finished.pendingCount, 0);
  const again = await open(fs);
  assert.deepEqual(dump(again), before);
  assert.equal(again.stats().numChunks, db.stats().numChunks);
});

test("Db: a torn tail of the log is cut, and a line says how much was lost", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  write(db, 20, 0);
  const whole = fs.size("data/wal/00000000");
  write(db, 1, 20);
  fs.truncate("data/wal/00000000", fs.size("data/wal/00000000") - 3);
  const lines: [string, LogFields | undefined][] = [];
  const take = (message: string, fields?: LogFields): void => void lines.push([message, fields]);
  const again = await open(fs, { logger: { debug: take, info: take, warn: take, error: take } });
  assert.equal(again.head.times.max, START + 19 * 15_000);
  const repaired = lines.find(([message]) => message === "Successfully repaired WAL");
  assert.ok((repaired?.[1]?.["lost_bytes"] as number) > 0);
  assert.equal(fs.size("data/wal/00000000"), whole);
  // Writing goes on where the head stands.
  write(again, 1, 20);
});

test("Db: series of a record that is broken further on are logged anew, so that their samples outlive another start", async () => {
  // A memory without kernels and one with them; a record whose last label has no value, and one that ends in the last ref.
  for (const [memoryBytes, isCut] of [
    [2 ** 26, 1],
    [2 ** 29, 1],
    [2 ** 26, 20],
    [2 ** 29, 20],
  ] as const) {
    const fs = new MemoryFs();
    await (await open(fs)).close();
    const record = new ByteWriter(64);
    beginSeries(record);
    for (const [ref, name] of [1, 2].entries())
      encodeSeries(record, ref + 1, Labels.fromObject({ __name__: "m", s: `${name}` }));
    const wal = WalWriter.open(fs, "data/wal");
    wal.log(record.bytes, record.length - isCut);
    wal.close();
    let db = await open(fs, { memoryBytes });
    assert.equal(db.stats().numSeries, 1);
    write(db, 1, 0);
    const before = dump(db);
    db = await open(fs, { memoryBytes });
    assert.deepEqual(dump(db), before);
    assert.equal(Object.keys(before).length, 3);
    await db.close();
  }
});

test("Db: a broken record of series that the log knows or ends elsewhere costs nothing, with a chunk snapshot either", async () => {
  const labels = (s: number): Labels => Labels.fromObject({ __name__: "m", s: `${s}` });
  for (const snapshotsChunks of [false, true]) {
    const fs = new MemoryFs();
    let db = await open(fs);
    write(db, 3, 0);
    const before = dump(db);
    const record = new ByteWriter(64);
    beginSeries(record);
    for (const ref of [1, 2, 3, 8, 9]) encodeSeries(record, ref, labels(ref < 4 ? ref - 1 : ref));
    const wal = WalWriter.open(fs, "data/wal");
    wal.log(record.bytes, record.length - 1);
    wal.close();
    for (let start = 0; start < 2; start++) {
      db = await open(fs, { snapshotsChunks });
      assert.deepEqual(dump(db), before);
      await db.close();
    }
  }
  // In a checkpoint, which nobody cuts; the log behind it ends two of the series.
  const fs = new MemoryFs();
  await (await open(fs)).close();
  const record = new ByteWriter(64);
  beginSeries(record);
  for (const ref of [1, 2, 3, 4]) encodeSeries(record, ref, labels(ref));
  const checkpoint = WalWriter.open(fs, "data/wal/checkpoint.00000000");
  checkpoint.log(record.bytes, record.length - 1);
  checkpoint.close();
  const wal = WalWriter.open(fs, "data/wal");
  record.clear();
  encodeTombstones(record, [endOfSeries(1), endOfSeries(3)]);
  wal.log(record.bytes, record.length);
  record.clear();
  encodeSamples(record, Float64Array.of(2), Float64Array.of(START), new Uint32Array(2), 0, 1);
  wal.log(record.bytes, record.length);
  wal.close();
  for (let start = 0; start < 2; start++) {
    const db = await open(fs);
    assert.equal(db.stats().numSeries, 1);
    assert.deepEqual(dump(db), { '{"__name__":"m","s":"2"}': `${START}:0.0 ` });
    await db.close();
  }
});

test("Db: when the log cannot be written, the commit throws, nothing of it is visible, and the next one works", async () => {
  const memory = new MemoryFs();
  const faulty = new FaultyFs(memory);
  const db = await open(faulty);
  write(db, 2, 0);
  const before = dump(db);
  for (const fault of ["failAt", "tearAt"] as const) {
    faulty.faults[fault] = faulty.changes + 1;
    // New series as well: their labels must reach the log with a later commit.
    assert.throws(() => write(db, 1, 2, 5), { code: "EIO" });
    delete faulty.faults[fault];
    assert.deepEqual(dump(db), before);
  }
  write(db, 1, 2, 5);
  const after = dump(db);
  assert.equal(Object.keys(after).length, 5);
  assert.deepEqual(dump(await open(memory)), after);
});

test("Db: killed at any single write of appending, cutting and compacting, it starts and lost no commit", async () => {
  const total = await changesOf(async (db) => work(db));
  let kills = 0;
  for (let at = 1; at <= total; at += 1 + Math.floor(at / 40)) {
    for (const kind of ["failAt", "tearAt"] as const) {
      const memory = new MemoryFs();
      const faulty = new FaultyFs(memory, { [kind]: at, stayDown: true });
      let committed = 0;
      try {
        const db = await open(faulty, { walSegmentBytes: 32 * 1024 });
        await work(db, (count) => {
          committed = count;
        });
      } catch {
        // The disk is gone: the process dies here.
      }
      kills++;
      const again = await open(memory);
      const querier = again.querier(0, 8.64e15);
      const set = querier.select([new Matcher("=", "__name__", "stays")]);
      const samples = new SampleBuffer();
      if (set.count > 0) set.read(0, 0, 8.64e15, samples);
      const times = [...samples.times.subarray(0, samples.count)];
      const expected = [];
      for (let i = 0; i < committed; i++) expected.push(START + i * STEP);
      // One more than was acknowledged may be there: the write may have come through before the answer did.
      assert.deepEqual(times.slice(0, expected.length), expected, `${kind} ${at}`);
      assert.ok(times.length <= expected.length + 1, `${kind} ${at}`);
      querier.close();
      await again.close();
    }
  }
  assert.ok(kills > 50);
});

const STEP = 60_000;
const COMMITS = 400;

/** Appends one sample to one series per commit, cuts chunks, compacts in between; tells of every commit that returned. */
async function work(db: Db, onCommit: (count: number) => void = () => {}): Promise<void> {
  const stays = Labels.fromObject({ __name__: "stays" });
  for (let i = 0; i < COMMITS; i++) {
    const appender = db.appender();
    appender.append(appender.series(stays), START + i * STEP, i);
    for (let s = 0; s < 10; s++) {
      const labels = Labels.fromObject({ __name__: "goes", round: String(Math.floor(i / 50)), s: `${s}`.repeat(50) });
      appender.append(appender.series(labels), START + i * STEP, Math.sin(i + s));
    }
    appender.commit();
    onCommit(i + 1);
    if (i === 350) await db.compact();
  }
  await db.close();
}

async function changesOf(run: (db: Db) => Promise<void> | void): Promise<number> {
  const faulty = new FaultyFs(new MemoryFs());
  await run(await open(faulty, { walSegmentBytes: 32 * 1024 }));
  return faulty.changes;
}

test("Db: stale markers and unusual NaNs keep their bits through a restart", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  const appender = db.appender();
  const ref = appender.series(Labels.fromObject({ __name__: "n" }));
  appender.append(ref, START, Number.NaN);
  appender.appendStale(ref, START + 1);
  const halves = new Uint32Array([7, 0x7ff80001]);
  const verdicts = new Uint8Array(1);
  assert.equal(appender.appendBatch(new Uint32Array([ref]), halves, 1, START + 2, verdicts), 0);
  appender.commit();
  const expected = `${START}:7ff80000.1 ${START + 1}:7ff00000.2 ${START + 2}:7ff80001.7 `;
  assert.deepEqual(Object.values(dump(db)), [expected]);
  const again = await open(fs);
  assert.deepEqual(Object.values(dump(again)), [expected]);
});

test("Db: truncation leaves a checkpoint that a start builds on", async () => {
  const fs = new MemoryFs();
  const db = await open(fs, { walSegmentBytes: 32 * 1024 });
  for (let round = 0; round < 4; round++) {
    for (let s = 0; s < 200; s++) {
      const appender = db.appender();
      const ref = appender.series(Labels.fromObject({ __name__: "churn", round: String(round), s: String(s) }));
      for (let i = 0; i < 20; i++) appender.append(ref, START + round * RANGE + i * 60_000, i / 7);
      appender.commit();
    }
  }
  await db.truncateHead(START + 3 * RANGE);
  const before = dump(db);
  assert.equal(Object.keys(before).length, 200);
  assert.ok(fs.list("data/wal").some((name) => name.startsWith("checkpoint.")));
  const again = await open(fs);
  again.head.truncate(START + 3 * RANGE);
  assert.deepEqual(dump(again), before);
});

test("Db: its metrics and cardinality tell what the head holds", async () => {
  const registry = new Registry();
  const db = await open(new MemoryFs(), { registry });
  write(db, 2, 0);
  const { body } = await registry.expose("");
  assert.match(body, /^prometheus_tsdb_head_series 3$/m);
  assert.match(body, /^prometheus_tsdb_head_samples_appended_total\{type="float"\} 6$/m);
  assert.match(body, /^prometheus_tsdb_wal_fsync_duration_seconds_count 0$/m);
  assert.deepEqual(db.cardinality(2), {
    seriesCountByMetricName: [{ name: "m", value: 3 }],
    labelValueCountByLabelName: [
      { name: "s", value: 3 },
      { name: "__name__", value: 1 },
    ],
    memoryInBytesByLabelName: [
      { name: "__name__", value: 3 },
      { name: "s", value: 3 },
    ],
    seriesCountByLabelValuePair: [
      { name: "__name__=m", value: 3 },
      { name: "s=2", value: 1 },
    ],
  });
  await db.close();
  const closed = await registry.expose("");
  assert.doesNotMatch(closed.body, /prometheus_tsdb_/);
});

test("Db: the head becomes blocks in a worker, queries see the same before, meanwhile and after", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "narthex-db-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const options = { directory, memoryBytes: 2 ** 26, maintenanceIntervalMs: 0, walSegmentBytes: 32 * 1024 };
  const db = await Db.open(options);
  // Not quite seven hours, a sample every 15 s; one series ends early, its last chunk is still open.
  write(db, 10, 0, 4);
  write(db, 1600, 10);
  const before = dump(db);
  const ticket = db.beginRead();
  const compaction = db.compact();
  assert.deepEqual(dump(db), before);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(dump(db), before);
  db.endRead(ticket);
  await compaction;
  assert.deepEqual(
    db.blocks.map(({ minTime, maxTime }) => [(minTime - START) / RANGE, (maxTime - START) / RANGE]),
    [
      [0, 1],
      [1, 2],
    ],
  );
  assert.equal(db.head.times.min, START + 2 * RANGE);
  assert.equal(db.stats().numSeries, 3);
  assert.deepEqual(dump(db), before);
  await db.close();
  const again = await Db.open(options);
  assert.deepEqual(dump(again), before);
  await again.close();
});
