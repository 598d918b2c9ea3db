import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Registry } from "@narthex/client";
import { type FloatHistogramFields, Labels, Matcher } from "@narthex/model";
import { Append, SampleBuffer } from "@narthex/storage";
import { listChunkSnapshots } from "./chunk-snapshot/format.ts";
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { FaultyFs } from "./fs/faulty-fs.ts";
import type { FileSystem } from "./fs/file-system.ts";
import { MemoryFs } from "./fs/memory-fs.ts";
import { FORM_MASK, Rec } from "./head/record.ts";
import type { LogFields } from "./logger.ts";
import { RECORD_WORDS } from "./memory/layout.ts";
import { WalReader } from "./wal/wal-reader.ts";
import { WalWriter } from "./wal/wal-writer.ts";

const RANGE = 7_200_000;
const START = RANGE * 1000;
const STEP = 15_000;

interface Line {
  readonly level: "info" | "warn" | "error";
  readonly message: string;
  readonly fields: LogFields;
}

function open(fs: FileSystem, options: Partial<DbOptions> = {}, lines: Line[] = []): Promise<Db> {
  const log =
    (level: Line["level"]) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  return Db.open({
    directory: "data",
    fs,
    memoryBytes: 2 ** 26,
    maintenanceIntervalMs: 0,
    maxExemplars: 100,
    snapshotsChunks: true,
    logger: { debug: log("info"), info: log("info"), warn: log("warn"), error: log("error") },
    ...options,
  });
}

function histogram(i: number, changes: Partial<FloatHistogramFields> = {}): FloatHistogramFields {
  return {
    counterResetHint: 0,
    schema: 3,
    zeroThreshold: 2 ** -128,
    zeroCount: i,
    count: 3 * i + 1,
    sum: i * 1.25,
    positiveSpans: [{ offset: -1, length: 2 }],
    negativeSpans: [],
    positiveBuckets: Float64Array.of(i, i + 1),
    negativeBuckets: new Float64Array(0),
    customValues: [],
    ...changes,
  };
}

/** Floats of several kinds, integer and float histograms, a stale one of each, exemplars and metadata. */
function write(db: Db, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const t = START + i * STEP;
    const appender = db.appender();
    for (let s = 0; s < 4; s++) {
      const ref = appender.series(Labels.fromObject({ __name__: "m", s: String(s) }));
      const value = [i, Math.sin(i), 7, i % 3 === 0 ? Number.NaN : 1e300 * i][s] as number;
      // The second comes at uneven times, the last one seldom.
      if (s === 3 && i % 50 !== 0) continue;
      assert.equal(appender.append(ref, s === 1 ? t + ((i * 7919) % 1000) : t, value), Append.ok);
      appender.updateMetadata(ref, { type: "gauge", help: `help ${s}`, unit: "" });
      appender.appendExemplar(ref, { labels: Labels.fromObject({ trace: String(i) }), value: i, t });
    }
    const whole = appender.series(Labels.fromObject({ __name__: "h", kind: "integer" }));
    assert.equal(appender.appendHistogram(whole, t, histogram(i), true), Append.ok);
    const float = appender.series(Labels.fromObject({ __name__: "h", kind: "float" }));
    assert.equal(appender.appendHistogram(float, t, histogram(i, { count: i * 3.5 + 1 }), false), Append.ok);
    appender.commit();
  }
}

function end(db: Db, t: number): void {
  const appender = db.appender();
  for (const labels of [
    { __name__: "m", s: "0" },
    { __name__: "h", kind: "integer" },
  ]) {
    assert.equal(appender.appendStale(appender.series(Labels.fromObject(labels)), t), Append.ok);
  }
  appender.commit();
}

/** All samples as text, with exemplars and metadata. */
function dump(db: Db): Record<string, string> {
  const querier = db.querier(-8.64e15, 8.64e15);
  const set = querier.select([new Matcher("=~", "__name__", ".+")]);
  const found: Record<string, string> = {};
  const samples = new SampleBuffer();
  for (let i = 0; i < set.count; i++) {
    samples.clear();
    set.read(i, -8.64e15, 8.64e15, samples);
    const texts: string[] = [];
    for (let j = 0; j < samples.count; j++) {
      const { times, halves, histograms } = samples;
      const value = histograms?.[j];
      texts.push(
        `${times[j]}:${value === undefined ? `${halves[2 * j + 1]}.${halves[2 * j]}` : JSON.stringify({ ...value, counterResetHint: 0 })}`,
      );
    }
    found[JSON.stringify(set.labels(i).toObject())] = texts.join(" ");
  }
  querier.close();
  for (const { labels, exemplars } of db.exemplars(0, 8.64e15, [[]])) {
    found[`exemplars ${labels.key}`] = exemplars.map(({ t, value }) => `${t}=${value}`).join(" ");
  }
  for (let record = 1; record <= db.head.table.highIndex; record++) {
    const metadata = db.head.metadata.get(record);
    if (metadata !== undefined) found[`metadata ${db.head.table.refOf(record)}`] = JSON.stringify(metadata);
  }
  return found;
}

/** What the next sample of each series is appended to. */
function chunkEnds(db: Db): Record<number, readonly number[]> {
  const ends: Record<number, readonly number[]> = {};
  const { series, seriesFloats } = db.head.memory;
  for (let record = 1; record <= db.head.table.highIndex; record++) {
    const base = record * RECORD_WORDS;
    ends[db.head.table.refOf(record)] = [
      seriesFloats[(base + Rec.lastTime) >> 1] as number,
      seriesFloats[(base + Rec.nextCut) >> 1] as number,
      series[base + Rec.lastLow] as number,
      series[base + Rec.lastHigh] as number,
      series[base + Rec.cutAhead] as number,
      series[base + Rec.delta] as number,
      series[base + Rec.packed] as number,
      series[base + Rec.unfinished] as number,
      (series[base + Rec.kind] as number) & FORM_MASK,
    ];
  }
  return ends;
}

async function metric(registry: Registry, name: string): Promise<string | undefined> {
  const text = await registry.metrics();
  return text
    .split("\n")
    .find((line) => line.startsWith(`${name} `))
    ?.split(" ")[1];
}

const isLoaded = (lines: readonly Line[]): boolean => lines.some(({ message }) => message === "chunk snapshot loaded");
const snapshots = (fs: FileSystem): string[] => listChunkSnapshots(fs, "data").map(({ path }) => path);

for (const samples of [1, 2, 3, 29, 30, 31, 32, 100, 119, 121, 247, 400]) {
  test(`chunk snapshot of ${samples} samples: the start answers as before, appends as if there had been none, and reads no log`, async () => {
    const fs = new MemoryFs();
    const db = await open(fs);
    write(db, 0, samples);
    const before = dump(db);
    const ends = chunkEnds(db);
    await db.close();
    assert.equal(snapshots(fs).length, 1);
    // What the snapshot stands for is not looked at again.
    const whole = fs.clone();
    const lines: Line[] = [];
    const again = await open(fs, {}, lines);
    assert.ok(isLoaded(lines));
    assert.ok(!lines.some(({ level }) => level !== "info"));
    assert.equal(again.head.counters.samplesAppended, 0);
    assert.deepEqual(dump(again), before);
    assert.deepEqual(chunkEnds(again), ends);
    write(again, samples, samples + 300);
    again.maintain();
    // The same without a snapshot.
    for (const path of snapshots(whole)) whole.removeAll(path);
    const other = await open(whole);
    assert.deepEqual(dump(other), before);
    write(other, samples, samples + 300);
    other.maintain();
    assert.deepEqual(dump(again), dump(other));
    assert.equal(again.stats().numChunks, other.stats().numChunks);
    await again.close();
    await other.close();
  });
}

test("chunk snapshot: stale series, deletions and a series of which all is on disk come back; repetitions are still refused", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  write(db, 0, 50);
  end(db, START + 50 * STEP);
  await db.delete(START, START + 10 * STEP, [new Matcher("=", "s", "1")]);
  const before = dump(db);
  await db.close();
  const lines: Line[] = [];
  const again = await open(fs, {}, lines);
  assert.ok(isLoaded(lines));
  assert.deepEqual(dump(again), before);
  const appender = again.appender();
  const ref = appender.series(Labels.fromObject({ __name__: "h", kind: "float" }));
  const newest = histogram(49, { count: 49 * 3.5 + 1 });
  assert.equal(appender.appendHistogram(ref, START + 49 * STEP, newest, false), Append.ok);
  assert.equal(appender.appendHistogram(ref, START + 49 * STEP, { ...newest, sum: 3 }, false), Append.duplicate);
  assert.equal(appender.appendHistogram(ref, START + 48 * STEP, newest, false), Append.outOfOrder);
  appender.rollback();
  await again.close();
});

test("chunk snapshot: a kill after a start from it loses nothing, however often, and the log behind it is small", async () => {
  const fs = new MemoryFs();
  const first = await open(fs);
  write(first, 0, 100);
  await first.close();
  let from = 100;
  for (let round = 0; round < 3; round++) {
    const lines: Line[] = [];
    const db = await open(fs, {}, lines);
    assert.ok(isLoaded(lines));
    assert.ok(db.head.counters.samplesAppended <= (from - 100) * 4, `${db.head.counters.samplesAppended} of ${from}`);
    write(db, from, from + 90);
    if (round === 1) db.maintain();
    from += 90;
  }
  const expected = await open(new MemoryFs());
  write(expected, 0, from);
  const db = await open(fs);
  assert.deepEqual(dump(db), dump(expected));
  await db.close();
  assert.equal(snapshots(fs).length, 1);
});

test("chunk snapshot: series that came, went and came back, with late samples, are found under all refs that the logs know", async () => {
  const fs = new MemoryFs();
  const options = { blockRangeMs: 60_000, outOfOrderWindowMs: 60_000, walSegmentBytes: 32 * 1024 };
  const tick = (db: Db, i: number): void => {
    const t = START + i * 5000;
    const appender = db.appender();
    appender.append(appender.series(Labels.fromObject({ __name__: "steady" })), t, i);
    if (i % 40 < 15) {
      const ref = appender.series(Labels.fromObject({ __name__: "comes and goes" }));
      appender.append(ref, t, i);
      if (i % 40 > 5) assert.equal(appender.append(ref, t - 12_500, -i), Append.ok);
    }
    appender.commit();
  };
  let db = await open(fs, options);
  for (let i = 0; i < 95; i++) {
    tick(db, i);
    if (i % 20 === 19) await db.compact();
  }
  // A kill, so that the start finds the series under several refs.
  db = await open(fs, options);
  for (let i = 95; i < 98; i++) tick(db, i);
  const before = dump(db);
  await db.close();
  const lines: Line[] = [];
  db = await open(fs, options, lines);
  assert.ok(isLoaded(lines));
  assert.deepEqual(dump(db), before);
  // New series get no ref that the log has for another.
  const last = db.head.table.lastRef;
  const killed = await open(fs, { ...options, snapshotsChunks: false });
  assert.ok(last >= killed.head.table.lastRef);
  assert.deepEqual(dump(killed), before);
});

describe("chunk snapshot: what does not fit is not used", () => {
  /** A directory with a snapshot, to which `change` is done; the start must say the same with all of the log. */
  async function refuses(
    change: (fs: MemoryFs, snapshot: string) => void | Promise<void>,
    counted: string | undefined = "1",
    extra: Partial<DbOptions> = {},
  ): Promise<readonly Line[]> {
    const fs = new MemoryFs();
    const db = await open(fs, extra);
    write(db, 0, 150);
    const before = dump(db);
    await db.close();
    await change(fs, snapshots(fs)[0] as string);
    const registry = new Registry();
    const lines: Line[] = [];
    const again = await open(fs, { registry, ...extra }, lines);
    assert.ok(!isLoaded(lines));
    assert.deepEqual(dump(again), before);
    assert.equal(await metric(registry, "prometheus_tsdb_snapshot_replay_error_total"), counted);
    assert.deepEqual(snapshots(fs), []);
    await again.close();
    assert.equal(snapshots(fs).length, 1);
    return lines;
  }

  test("a damaged record", async () => {
    const lines = await refuses((fs, path) => fs.corrupt(`${path}/00000000`, 200, 0xff));
    assert.ok(lines.some(({ level, message }) => level === "error" && message.startsWith("Failed to load chunk snap")));
  });
  test("a snapshot without its end", async () => {
    await refuses((fs, path) => fs.truncate(`${path}/00000000`, 0));
  });
  test("damaged extras", async () => {
    await refuses((fs, path) => fs.corrupt(`${path}/narthex/00000000`, 40, 0xff));
  });
  test("a log that ends before it", async () => {
    await refuses((fs) => fs.unlink(`data/wal/${segments(fs).at(-1)}`));
  });
  test("a log whose last segment before it changed", async () => {
    await refuses((fs) => {
      const file = fs.open(`data/wal/${segments(fs).at(-2)}`, "append");
      file.append(new Uint8Array(1));
      file.close();
    });
  });
  test("a log of which another server has made a checkpoint", async () => {
    await refuses(
      (fs) => {
        fs.mkdir("data/wal/checkpoint.00000000");
        fs.rename("data/wal/00000000", "data/wal/checkpoint.00000000/00000000");
      },
      "1",
      { walSegmentBytes: 32 * 1024 },
    );
  });
  test("damaged chunks_head: what is lost comes from the log", async () => {
    await refuses((fs) => fs.corrupt("data/chunks_head/000001", 100, 0xff), "0");
  });
  test("an encoding that is not known here", async () => {
    await refuses((fs, path) => {
      const records = recordsOf(fs, path);
      // Behind ref, labels, the unused number, "has a chunk", and two times.
      const first = records[0] as Uint8Array;
      const at = 1 + 8 + labelBytes(first) + 8 + 1 + 16;
      assert.equal(first[at], 1);
      first[at] = 9;
      rewrite(fs, path, records);
    });
  });
  test("a kind of record that is not known here", async () => {
    await refuses((fs, path) => rewrite(fs, path, [...recordsOf(fs, path), Uint8Array.of(9, 1, 2)]));
  });
});

test("chunk snapshot: whoever starts without it removes it, since series may get other refs", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  write(db, 0, 10);
  await db.close();
  const other = await open(fs, { snapshotsChunks: false });
  assert.deepEqual(snapshots(fs), []);
  await other.close();
  assert.deepEqual(snapshots(fs), []);
});

test("chunk snapshot: a log that names series it does not know is replayed whole", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  write(db, 0, 100);
  await db.close();
  const kept = fs.clone();
  // Another server, without the feature, that gives its series other refs.
  const other = await open(fs, { snapshotsChunks: false });
  const appender = other.appender();
  appender.append(appender.series(Labels.fromObject({ __name__: "new" })), START + 100 * STEP, 1);
  appender.commit();
  write(other, 100, 150);
  const before = dump(other);
  const [path] = snapshots(kept) as [string];
  const records = recordsOf(kept, path);
  // The snapshot loses a series of which no chunk is on disk: what the log says of it is unknown.
  rewrite(
    fs,
    path,
    records.filter((_, i) => i !== 3),
  );
  for (const name of kept.list(`${path}/narthex`)) copy(kept, fs, `${path}/narthex/${name}`);
  const lines: Line[] = [];
  const registry = new Registry();
  const again = await open(fs, { registry }, lines);
  assert.ok(isLoaded(lines));
  assert.ok(lines.some(({ message }) => message.startsWith("The log names series that the chunk snapshot does not")));
  assert.equal(await metric(registry, "prometheus_tsdb_snapshot_replay_error_total"), "1");
  assert.deepEqual(dump(again), before);
});

test("chunk snapshot: a full disk leaves the older one, and the next start replays the log behind that", async () => {
  const memory = new MemoryFs();
  const faulty = new FaultyFs(memory);
  const lines: Line[] = [];
  const first = await open(memory);
  write(first, 0, 50);
  await first.close();
  const old = snapshots(memory);
  const db = await open(faulty, {}, lines);
  write(db, 50, 60);
  db.maintain();
  const before = dump(db);
  faulty.faults.capacityBytes = 0;
  await db.close().catch(() => {});
  assert.ok(lines.some(({ level, message }) => level === "error" && message.startsWith("Creating a chunk snapshot")));
  assert.deepEqual(snapshots(memory), old);
  assert.deepEqual(
    memory.list("data").filter((name) => name.endsWith(".tmp")),
    [],
  );
  lines.length = 0;
  const again = await open(memory, {}, lines);
  assert.ok(isLoaded(lines));
  assert.deepEqual(dump(again), before);
  await again.close();
});

test("chunk snapshot: samples that meanwhile belong to a block are left out", async () => {
  const fs = new MemoryFs();
  const options = { blockRangeMs: 60_000 };
  const db = await open(fs, options);
  write(db, 0, 14);
  await db.close();
  const other = fs.clone();
  const compacted = await open(other, options);
  await compacted.compact();
  assert.equal(compacted.blocks.length, 2);
  await compacted.delete(START, START + 6 * STEP, [new Matcher("=", "s", "0")]);
  const before = dump(compacted);
  for (const path of other.files()) if (/\/(index|meta.json|tombstones|chunks\/\d+)$/.test(path)) copy(other, fs, path);
  const lines: Line[] = [];
  const again = await open(fs, options, lines);
  assert.ok(isLoaded(lines));
  const found = dump(again);
  // The series of which nothing is left in the head goes with the next truncation, as after a replay of the log.
  delete found["metadata 4"];
  assert.deepEqual(found, before);
  await again.close();
});

function copy(from: MemoryFs, to: MemoryFs, path: string): void {
  const bytes = new Uint8Array(from.size(path));
  from.open(path, "read").read(bytes, 0, bytes.length, 0);
  to.mkdir(path.slice(0, path.lastIndexOf("/")));
  const file = to.open(path, "replace");
  file.append(bytes);
  file.close();
}

function segments(fs: FileSystem): string[] {
  return fs.list("data/wal").filter((name) => /^\d+$/.test(name));
}

function recordsOf(fs: FileSystem, path: string): Uint8Array[] {
  const reader = new WalReader(fs, path);
  const records: Uint8Array[] = [];
  while (reader.next()) records.push(reader.bytes.slice(reader.start, reader.end));
  return records;
}

function rewrite(fs: MemoryFs, path: string, records: readonly Uint8Array[]): void {
  fs.removeAll(`${path}/00000000`);
  const wal = WalWriter.open(fs, path);
  for (const record of records) wal.log(record, record.length);
  wal.close();
}

/** Bytes of the labels of a series record, with their count. */
function labelBytes(record: Uint8Array): number {
  let at = 9;
  const count = record[at++] as number;
  for (let i = 0; i < 2 * count; i++) at += 1 + (record[at] as number);
  return at - 9;
}
