// Start timestamps through the database's life: logs, restarts, blocks, late samples, deletions, readers elsewhere.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FloatHistogramFields, Labels, Matcher } from "@narthex/model";
import { Append, type Queryable, SampleBuffer } from "@narthex/storage";
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { MemoryFs } from "./fs/memory-fs.ts";
import { IndexSeries } from "./index/index-reader.ts";
import { DbReader } from "./share.ts";
import { WalReader } from "./wal/wal-reader.ts";

const RANGE = 7_200_000;
const START = RANGE * 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

const STORED: Partial<DbOptions> = { floatEncoding: "xor2", logsStartTimes: true, histogramStartTimes: true };

function open(fs: MemoryFs, options: Partial<DbOptions> = STORED): Promise<Db> {
  return Db.open({
    directory: "data",
    fs,
    memoryBytes: 2 ** 26,
    maintenanceIntervalMs: 0,
    outOfOrderWindowMs: 3 * HOUR,
    ...options,
  });
}

type Row = readonly [t: number, value: number, startTime: number];

function write(db: Db, name: string, rows: readonly Row[], together = false): void {
  const labels = Labels.fromObject({ __name__: name });
  let appender = db.appender();
  for (const [t, value, startTime] of rows) {
    assert.equal(appender.append(appender.series(labels), t, value, startTime), Append.ok);
    if (together) continue;
    appender.commit();
    appender = db.appender();
  }
  appender.commit();
}

/** Value of floats, count of histograms. */
function read(db: Queryable, name: string, minTime = -8.64e15, maxTime = 8.64e15): Row[] {
  const querier = db.querier(minTime, maxTime);
  const set = querier.select([new Matcher("=", "__name__", name)]);
  const samples = new SampleBuffer();
  if (set.count > 0) set.read(0, minTime, maxTime, samples);
  querier.close();
  return Array.from({ length: samples.count }, (_, i) => [
    samples.times[i] as number,
    samples.histograms?.[i]?.count ?? (samples.values[i] as number),
    samples.startTimes?.[i] ?? 0,
  ]);
}

function histogram(count: number): FloatHistogramFields {
  return {
    counterResetHint: 0,
    schema: 1,
    zeroThreshold: 2 ** -128,
    zeroCount: 0,
    count,
    sum: count,
    positiveSpans: [{ offset: 0, length: 1 }],
    negativeSpans: [],
    positiveBuckets: Float64Array.of(count),
    negativeBuckets: new Float64Array(0),
    customValues: [],
  };
}

function writeHistograms(db: Db, name: string, rows: readonly Row[], integer: boolean): void {
  const appender = db.appender();
  const ref = appender.series(Labels.fromObject({ __name__: name }));
  for (const [t, count, startTime] of rows) {
    assert.equal(appender.appendHistogram(ref, t, histogram(count), integer, startTime), Append.ok);
  }
  appender.commit();
}

/** One sample a minute; the counter begins anew every half hour, and the first minutes know nothing of it. */
function counter(minutes: number, from = START): Row[] {
  return Array.from({ length: minutes }, (_, i) => {
    const sinceReset = i % 30;
    return [from + i * MINUTE, sinceReset, i < 5 ? 0 : from + (i - sinceReset) * MINUTE - 1234];
  });
}

/** Encodings of all chunks in the blocks. */
function blockEncodings(db: Db): number[] {
  const found: number[] = [];
  const series = new IndexSeries();
  for (const block of db.blocks) {
    for (const id of block.index.allPostings()) {
      block.index.series(id, series);
      for (let i = 0; i < series.chunkCount; i++) found.push(block.chunks.read(series.refs[i] as number).encoding);
    }
  }
  return found;
}

function recordTypes(fs: MemoryFs, directory: string): Set<number> {
  const types = new Set<number>();
  const reader = new WalReader(fs, directory);
  while (reader.next()) types.add(reader.bytes[reader.start] as number);
  reader.close();
  return types;
}

test("start timestamps survive restarts and kills, of floats and histograms, in the records that have them", async () => {
  let fs = new MemoryFs();
  let db = await open(fs);
  const rows = counter(200);
  for (let from = 0; from < rows.length; from += 40) {
    write(db, "m", rows.slice(from, from + 40), from % 80 === 0);
    writeHistograms(db, "i", rows.slice(from, from + 40), true);
    writeHistograms(db, "f", rows.slice(from, from + 40), false);
  }
  const check = (): void => {
    for (const name of ["m", "i", "f"]) assert.deepEqual(read(db, name), rows, name);
  };
  check();
  await db.close();
  assert.deepEqual([...recordTypes(fs, "data/wal")].sort(), [1, 11, 12, 13]);
  db = await open(fs);
  check();
  write(db, "m", counter(10, START + 200 * MINUTE));
  fs = fs.clone();
  db = await open(fs);
  assert.deepEqual(read(db, "m"), [...rows, ...counter(10, START + 200 * MINUTE)]);
  await db.close();
});

test("start timestamps survive compaction, checkpoints, merging and deletion", async () => {
  const fs = new MemoryFs();
  let db = await open(fs, { ...STORED, walSegmentBytes: 32 * 1024 });
  let rows = counter(700);
  // In steps, so that the log has several segments when the head is compacted.
  for (let from = 0; from < rows.length; from += 50) {
    write(db, "m", rows.slice(from, from + 50));
    writeHistograms(db, "i", rows.slice(from, from + 50), true);
    await db.compact();
  }
  assert.ok(db.blocks.length > 0);
  assert.ok(fs.list("data/wal").some((name) => name.startsWith("checkpoint")));
  assert.deepEqual(new Set(blockEncodings(db)), new Set([4, 5]));
  assert.deepEqual(read(db, "m"), rows);
  assert.deepEqual(read(db, "i"), rows);
  // What is deleted makes chunks be encoded anew.
  const [from, to] = [START + 20 * MINUTE, START + 61 * MINUTE];
  await db.delete(from, to, [new Matcher("=~", "__name__", "m|i")]);
  await db.cleanTombstones();
  rows = rows.filter(([t]) => t < from || t > to);
  assert.deepEqual(read(db, "m"), rows);
  assert.deepEqual(read(db, "i"), rows);
  assert.deepEqual(new Set(blockEncodings(db)), new Set([2, 4, 5]), "the first minutes know no start");
  await db.close();
  // Where they are not stored any more, what is there stays.
  db = await open(fs, {});
  const kept = rows.map(([t, value, startTime]): Row => [t, value, t < db.head.times.min ? startTime : 0]);
  assert.deepEqual(read(db, "m").slice(0, 100), kept.slice(0, 100));
  await db.close();
});

test("late samples keep their start timestamps: open, full, from a restart, beside others of the same time, in blocks", async () => {
  let fs = new MemoryFs();
  let db = await open(fs);
  write(db, "m", [[START + 2 * HOUR, 1, START]]);
  const late: Row[] = Array.from({ length: 70 }, (_, i) => {
    const t = START + HOUR + (((i * 37) % 70) * MINUTE) / 2;
    return [t, i, i % 3 === 0 ? 0 : t - 100 - i];
  });
  for (const row of late) write(db, "m", [row]);
  writeHistograms(db, "h", [[START + 2 * HOUR, 9, 7]], true);
  writeHistograms(db, "h", late, true);
  const sorted = [...late].sort(([a], [b]) => a - b);
  const check = (where: string): void => {
    assert.deepEqual(read(db, "m"), [...sorted, [START + 2 * HOUR, 1, START]], where);
    assert.deepEqual(read(db, "h"), [...sorted, [START + 2 * HOUR, 9, 7]], where);
  };
  check("at once");
  fs = fs.clone();
  assert.ok(recordTypes(fs, "data/wbl").has(11));
  db = await open(fs);
  check("after a kill");
  // Far ahead, so that everything is compacted.
  write(db, "m", [[START + 12 * HOUR, 2, 0]]);
  await db.compact();
  assert.ok(db.blocks.some(({ meta }) => meta.compaction.hints.includes("from-out-of-order")));
  assert.deepEqual(read(db, "m", START, START + 3 * HOUR), [...sorted, [START + 2 * HOUR, 1, START]]);
  assert.deepEqual(read(db, "h"), [...sorted, [START + 2 * HOUR, 9, 7]]);
  await db.close();
});

test("a sample that another transaction made late keeps its start timestamp", async () => {
  const db = await open(new MemoryFs());
  write(db, "m", [[START, 0, 1]]);
  const slow = db.appender();
  slow.append(slow.series(Labels.fromObject({ __name__: "m" })), START + 10, 1, START + 5);
  write(db, "m", [[START + 20, 2, START + 6]]);
  slow.commit();
  assert.deepEqual(read(db, "m"), [
    [START, 0, 1],
    [START + 10, 1, START + 5],
    [START + 20, 2, START + 6],
  ]);
  await db.close();
});

test("a batch that comes after a start timestamp in the same transaction has none", async () => {
  const db = await open(new MemoryFs());
  const appender = db.appender();
  const refs = Uint32Array.of(
    appender.series(Labels.fromObject({ __name__: "a" })),
    appender.series(Labels.fromObject({ __name__: "b" })),
  );
  appender.append(refs[0] as number, START, 1, START - 9);
  appender.append(refs[1] as number, START, 1, START - 9);
  appender.appendBatch(refs, new Uint32Array(new Float64Array([2, 2]).buffer), 2, START + 10, new Uint8Array(2));
  appender.commit();
  for (const name of ["a", "b"]) {
    assert.deepEqual(read(db, name), [
      [START, 1, START - 9],
      [START + 10, 2, 0],
    ]);
  }
  await db.close();
});

test("a reader elsewhere sees the start timestamps of its moment: head, chunks on disk, blocks, late samples", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  const rows = counter(400);
  write(db, "m", rows);
  await db.compact();
  const late: Row = [START + 350 * MINUTE + 1, 5, START + 77];
  write(db, "m", [late]);
  const reader = new DbReader(db.share(), fs);
  const ticket = db.beginRead();
  write(db, "m", [[START + 400 * MINUTE, 1, START + 2]]);
  write(db, "m", [[START + 351 * MINUTE + 1, 1, START + 2]]);
  const expected = [...rows, late].sort(([a], [b]) => a - b);
  assert.ok(db.blocks.length > 0);
  assert.deepEqual(read(reader.queryable(ticket), "m"), expected);
  db.endRead(ticket);
  assert.equal(read(db, "m").length, expected.length + 2);
  reader.close();
  await db.close();
});

test("blocks that overlap are merged with start timestamps, each sample's own", async () => {
  const fs = new MemoryFs();
  let db = await open(fs, { floatEncoding: "xor" });
  write(
    db,
    "m",
    Array.from({ length: 400 }, (_, i): Row => [START + i * MINUTE, i, 5]),
  );
  await db.compact();
  assert.deepEqual(new Set(blockEncodings(db)), new Set([1]));
  await db.close();
  db = await open(fs);
  const late = Array.from({ length: 20 }, (_, i): Row => [START + (300 + i) * MINUTE + 1, i, START + i]);
  for (const row of late) write(db, "m", [row]);
  write(db, "m", [[START + 20 * HOUR, 0, 0]]);
  await db.compact();
  await db.compact();
  const found = read(db, "m", START, START + 19 * HOUR);
  assert.equal(found.length, 420);
  for (const [t, value, startTime] of found) {
    assert.equal(startTime, (t - START) % MINUTE === 1 ? START + value : 0);
  }
  assert.ok(db.blocks.every(({ meta }) => !meta.compaction.hints.includes("from-out-of-order")));
  await db.close();
});

test("start timestamps are not stored where nothing has room for them, nor asked for with xor", async () => {
  const fs = new MemoryFs();
  let db = await open(fs, {});
  write(db, "m", [[START, 1, START - 5]]);
  assert.deepEqual(read(db, "m"), [[START, 1, 0]]);
  db.setFloatEncoding("xor2");
  write(db, "n", [[START, 1, START - 5]]);
  assert.deepEqual(
    read(db, "n"),
    [[START, 1, START - 5]],
    "as in the reference, chunks take them though the log has no room",
  );
  await db.close();
  assert.deepEqual([...recordTypes(fs, "data/wal")].sort(), [1, 2]);
  const message =
    'float chunk encoding "xor" is incompatible with start-timestamp storage; XOR chunks do not store start timestamps, use "xor2"';
  await assert.rejects(open(new MemoryFs(), { logsStartTimes: true }), { message });
  db = await open(fs);
  assert.throws(() => db.setFloatEncoding("xor"), { message });
  write(db, "n", [[START + 1, 1, START - 6]]);
  assert.deepEqual(read(db, "n"), [
    [START, 1, 0],
    [START + 1, 1, START - 6],
  ]);
  await db.close();
});

test("a chunk snapshot keeps start timestamps: what was open goes on as it was", async () => {
  const fs = new MemoryFs();
  const options = { ...STORED, snapshotsChunks: true };
  let db = await open(fs, options);
  const rows = counter(150);
  const append = (from: number, to: number): void => {
    for (let at = from; at < to; at += 25) {
      write(db, "m", rows.slice(at, Math.min(to, at + 25)));
      writeHistograms(db, "i", rows.slice(at, Math.min(to, at + 25)), true);
      writeHistograms(db, "f", rows.slice(at, Math.min(to, at + 25)), false);
    }
  };
  const check = (count: number): void => {
    for (const name of ["m", "i", "f"]) assert.deepEqual(read(db, name), rows.slice(0, count), name);
  };
  for (const [from, to] of [
    [0, 10],
    [10, 45],
    [45, 150],
  ] as const) {
    append(from, to);
    await db.close();
    assert.ok(fs.list("data").some((name) => name.startsWith("chunk_snapshot.")));
    db = await open(fs, options);
    check(to);
  }
  const whole = new MemoryFs();
  const straight = await open(whole);
  for (const [at, row] of rows.entries()) {
    write(straight, "m", [row]);
    writeHistograms(straight, "i", [row], true);
    writeHistograms(straight, "f", [row], false);
    if (at === 149) break;
  }
  // Chunks that lived through restarts are those of a database that had none.
  for (const each of [db, straight]) {
    write(each, "m", [[START + 8 * HOUR, 1, 0]]);
    await each.compact();
  }
  assert.deepEqual(chunkBytes(db), chunkBytes(straight));
  await db.close();
  await straight.close();
});

/** All chunks of the blocks, as text, sorted. */
function chunkBytes(db: Db): string[] {
  const found: string[] = [];
  const series = new IndexSeries();
  for (const block of db.blocks) {
    for (const id of block.index.allPostings()) {
      block.index.series(id, series);
      for (let i = 0; i < series.chunkCount; i++) {
        const { encoding, bytes, start, end } = block.chunks.read(series.refs[i] as number);
        found.push(`${encoding} ${Buffer.from(bytes.subarray(start, end)).toString("hex")}`);
      }
    }
  }
  return found.sort();
}

test("a plain chunk of a snapshot ends where start timestamps begin to be stored", async () => {
  const fs = new MemoryFs();
  let db = await open(fs, { snapshotsChunks: true });
  write(db, "m", counter(20));
  await db.close();
  db = await open(fs, { ...STORED, snapshotsChunks: true });
  write(db, "m", [[START + 20 * MINUTE, 1, START - 5]]);
  assert.deepEqual(read(db, "m").at(-1), [START + 20 * MINUTE, 1, START - 5]);
  assert.deepEqual(read(db, "m").length, 21);
  await db.close();
});

test("after a change back to xor, series whose newest chunk on disk is XOR2 go on in plain chunks", async () => {
  const fs = new MemoryFs();
  // As much memory as compiled kernels need.
  const memoryBytes = 2 ** 29;
  let db = await open(fs, { floatEncoding: "xor2", memoryBytes });
  assert.ok(db.head.kernels !== undefined);
  const step = (i: number): void => {
    const appender = db.appender();
    const refs = new Uint32Array(100);
    const values = new Float64Array(100).fill(i);
    for (let s = 0; s < 100; s++) refs[s] = appender.series(Labels.fromObject({ __name__: "m", s: String(s) }));
    const halves = new Uint32Array(values.buffer);
    assert.equal(appender.appendBatch(refs, halves, 100, START + i * 15_000, new Uint8Array(100)), 0);
    appender.commit();
  };
  for (let i = 0; i < 130; i++) step(i);
  await db.close();
  db = await open(fs, { memoryBytes });
  for (let i = 130; i < 400; i++) step(i);
  const querier = db.querier(0, 8.64e15);
  const set = querier.select([new Matcher("=", "__name__", "m")]);
  assert.equal(set.count, 100);
  const samples = new SampleBuffer();
  for (let s = 0; s < 100; s++) {
    samples.clear();
    set.read(s, 0, 8.64e15, samples);
    assert.equal(samples.count, 400);
    for (let i = 0; i < 400; i++) assert.deepEqual([samples.times[i], samples.values[i]], [START + i * 15_000, i]);
  }
  querier.close();
  await db.close();
});
