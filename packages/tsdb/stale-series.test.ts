import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { ByteWriter } from "@narthex/encoding";
import { type FloatHistogramFields, Labels, Matcher } from "@narthex/model";
import { Append, SampleBuffer } from "@narthex/storage";
import { planCompaction } from "./block/compaction-plan.ts";
import { mergedBlock } from "./block/compactor.ts";
import { type BlockMeta, FROM_OUT_OF_ORDER, FROM_STALE_SERIES, parseBlockMeta } from "./block/meta.ts";
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { FaultyFs } from "./fs/faulty-fs.ts";
import type { FileSystem } from "./fs/file-system.ts";
import { MemoryFs } from "./fs/memory-fs.ts";
import { decodeTombstones, encodeTombstones, endOfSeries, isEndOfSeries } from "./wal/entry-records.ts";

const RANGE = 7_200_000;
const START = RANGE * 1000;
const MINUTE = 60_000;

function open(fs: FileSystem, options: Partial<DbOptions> = {}): Promise<Db> {
  return Db.open({ directory: "data", fs, memoryBytes: 2 ** 26, maintenanceIntervalMs: 0, ...options });
}

const series = (name: string): Labels => Labels.fromObject({ __name__: name });

function histogram(i: number): FloatHistogramFields {
  return {
    counterResetHint: 0,
    schema: 3,
    zeroThreshold: 0,
    zeroCount: 0,
    count: 2 * i + 1,
    sum: i,
    positiveSpans: [{ offset: 0, length: 2 }],
    negativeSpans: [],
    positiveBuckets: Float64Array.of(i, i + 1),
    negativeBuckets: new Float64Array(0),
    customValues: [],
  };
}

/** A float in each series, a minute after the other. */
function write(db: Db, names: readonly string[], from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const appender = db.appender();
    for (const name of names) {
      const ref = appender.series(series(name));
      const verdict = name.startsWith("h")
        ? appender.appendHistogram(ref, START + i * MINUTE, histogram(i), true)
        : appender.append(ref, START + i * MINUTE, i);
      assert.equal(verdict, Append.ok);
    }
    appender.commit();
  }
}

function end(db: Db, names: readonly string[], at: number): void {
  const appender = db.appender();
  for (const name of names) appender.appendStale(appender.series(series(name)), START + at * MINUTE);
  appender.commit();
}

/** How many samples each series has, stale markers included. */
function counts(db: Db): Record<string, number> {
  const querier = db.querier(-8.64e15, 8.64e15);
  const set = querier.select([new Matcher("=~", "__name__", ".+")]);
  const found: Record<string, number> = {};
  const samples = new SampleBuffer();
  for (let i = 0; i < set.count; i++) {
    samples.clear();
    set.read(i, -8.64e15, 8.64e15, samples);
    for (let j = 1; j < samples.count; j++) assert.ok((samples.times[j] as number) > (samples.times[j - 1] as number));
    found[set.labels(i).get("__name__") ?? ""] = samples.count;
  }
  querier.close();
  return found;
}

async function metrics(registry: Registry): Promise<Record<string, number>> {
  const text = await registry.metrics();
  const found: Record<string, number> = {};
  for (const line of text.split("\n")) {
    const match = /^prometheus_tsdb_(\w*stale_series\w*) (\S+)$/.exec(line);
    if (match !== null) found[match[1] as string] = Number(match[2]);
  }
  return found;
}

test("stale series: they become blocks with a hint, leave the head, and are still found; others are not touched", async () => {
  const fs = new MemoryFs();
  const registry = new Registry();
  const db = await open(fs, { registry });
  write(db, ["a", "b", "h", "lives"], 0, 150);
  write(db, ["lives"], 150, 160);
  end(db, ["a", "h"], 151);
  assert.equal((await metrics(registry))["head_stale_series"], 2);
  await db.compactStaleSeries();
  const expected = { a: 151, b: 150, h: 151, lives: 160 };
  assert.deepEqual(counts(db), expected);
  assert.equal(db.stats().numSeries, 2);
  assert.deepEqual(
    db.blocks.map(({ meta }) => [
      meta.minTime - START,
      meta.maxTime - START,
      meta.compaction.hints,
      meta.stats.numSeries,
    ]),
    [
      [0, RANGE, [FROM_STALE_SERIES], 2],
      [RANGE, 2 * RANGE, [FROM_STALE_SERIES], 2],
    ],
  );
  const found = await metrics(registry);
  assert.equal(found["head_stale_series"], 0);
  assert.equal(found["stale_series_compactions_triggered_total"], 1);
  assert.equal(found["stale_series_compactions_failed_total"], 0);
  assert.equal(found["stale_series_compaction_duration_seconds_count"], 1);
  // The blocks reach to four hours, but the head still takes what is older.
  write(db, ["b"], 150, 155);
  const killed = await open(fs);
  assert.deepEqual(counts(killed), { ...expected, b: 155 });
  assert.equal(killed.stats().numSeries, 2);
  write(killed, ["b"], 155, 156);
  await killed.close();
});

test("stale series: one that comes back is a new series, in the log as well", async () => {
  const fs = new MemoryFs();
  let db = await open(fs);
  write(db, ["a", "b"], 0, 30);
  end(db, ["a"], 30);
  const before = db.appender().series(series("a"));
  await db.compactStaleSeries();
  write(db, ["a", "b"], 31, 60);
  assert.notEqual(db.appender().series(series("a")), before);
  assert.deepEqual(counts(db), { a: 60, b: 59 });
  db = await open(fs);
  assert.deepEqual(counts(db), { a: 60, b: 59 });
  end(db, ["a"], 61);
  await db.compactStaleSeries();
  write(db, ["a", "b"], 62, 150);
  const expected = { a: 149, b: 147 };
  assert.deepEqual(counts(db), expected);
  await db.compact();
  assert.deepEqual(counts(db), expected);
  await db.close();
  db = await open(fs);
  assert.deepEqual(counts(db), expected);
  await db.close();
});

test("stale series: one that gets samples while its block is written stays in the head", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  write(db, ["a", "b"], 0, 30);
  end(db, ["a", "b"], 30);
  const compacting = db.compactStaleSeries();
  // The job of a file system in memory runs before the next turn; what follows it does not.
  await Promise.resolve();
  write(db, ["a"], 31, 33);
  await compacting;
  assert.equal(db.stats().numSeries, 1);
  assert.deepEqual(counts(db), { a: 33, b: 31 });
  const killed = await open(fs);
  assert.deepEqual(counts(killed), { a: 33, b: 31 });
});

test("stale series: one with late samples stays, and so does one that an open transaction writes to", async () => {
  const fs = new MemoryFs();
  const db = await open(fs, { outOfOrderWindowMs: RANGE });
  write(db, ["late", "pinned", "goes"], 0, 30);
  const appender = db.appender();
  assert.equal(appender.append(appender.series(series("late")), START + 5 * MINUTE + 1, 1), Append.ok);
  appender.commit();
  end(db, ["late", "pinned", "goes"], 31);
  const writing = db.appender();
  writing.append(writing.series(series("pinned")), START + 32 * MINUTE, 1);
  await db.compactStaleSeries();
  writing.commit();
  assert.equal(db.stats().numSeries, 2);
  assert.deepEqual(counts(db), { goes: 31, late: 32, pinned: 32 });
});

test("stale series: deleted samples do not come back with the block", async () => {
  const db = await open(new MemoryFs());
  write(db, ["a", "b"], 0, 30);
  await db.delete(START, START + 9 * MINUTE, [new Matcher("=", "__name__", "a")]);
  end(db, ["a"], 30);
  await db.compactStaleSeries();
  assert.deepEqual(counts(db), { a: 21, b: 30 });
});

test("stale series: the share is looked at with each round, unless the head is compacted soon anyway", async () => {
  let now = 0;
  const db = await open(new MemoryFs(), { now: () => now, staleSeriesThreshold: 0.5 });
  const rounds = async (): Promise<void> => {
    db.maintain();
    await db.cleanTombstones();
  };
  write(db, ["a", "b", "c"], 0, 30);
  end(db, ["a"], 31);
  await rounds();
  assert.equal(db.stats().numSeries, 3);
  end(db, ["b"], 32);
  await rounds();
  assert.equal(db.stats().numSeries, 1);
  // The head is compacted; a hundred and eleven minutes later the next compaction is near.
  write(db, ["c", "d"], 40, 240);
  await db.compact();
  end(db, ["d"], 241);
  now += 111 * MINUTE;
  await rounds();
  assert.equal(db.stats().numSeries, 2);
  now -= 60 * MINUTE;
  await rounds();
  assert.equal(db.stats().numSeries, 1);
  db.staleSeriesThreshold = 0;
  end(db, ["c"], 242);
  await rounds();
  assert.equal(db.stats().numSeries, 1);
});

test("stale series: a full disk leaves them where they are, counted, and the next attempt succeeds", async () => {
  const faulty = new FaultyFs(new MemoryFs());
  const registry = new Registry();
  const db = await open(faulty, { registry });
  write(db, ["a", "b"], 0, 30);
  end(db, ["a"], 30);
  faulty.faults.capacityBytes = faulty.appendedBytes + 100;
  await assert.rejects(db.compactStaleSeries(), { code: "ENOSPC" });
  assert.equal((await metrics(registry))["stale_series_compactions_failed_total"], 1);
  assert.deepEqual(counts(db), { a: 31, b: 30 });
  delete faulty.faults.capacityBytes;
  await db.compactStaleSeries();
  assert.equal(db.stats().numSeries, 1);
  assert.deepEqual(counts(db), { a: 31, b: 30 });
});

test("stale series: a checkpoint keeps the labels that the log needs, and lets them go with the samples", async () => {
  const fs = new MemoryFs();
  const options = { walSegmentBytes: 32 * 1024, blockRangeMs: 10 * MINUTE, walCompression: "none" } as const;
  let db = await open(fs, options);
  const names = Array.from({ length: 1000 }, (_, i) => `gone_${i}_${"x".repeat(100)}`);
  const warnings: string[] = [];
  const logger = { debug() {}, info() {}, warn: (text: string) => warnings.push(text), error() {} };
  write(db, [...names, "lives"], 0, 14);
  end(db, names, 14);
  await db.compactStaleSeries();
  write(db, ["lives"], 14, 20);
  await db.compact();
  assert.ok(fs.list("data/wal").some((name) => name.startsWith("checkpoint.")));
  db = await open(fs, { ...options, logger });
  assert.equal(db.stats().numSeries, 1);
  assert.deepEqual(
    warnings.filter((text) => text.includes("series references")),
    [],
  );
  assert.ok(db.head.loggedRefs.departed.size > 0);
  write(db, ["lives"], 20, 60);
  await db.compact();
  assert.equal(db.head.loggedRefs.departed.size, 0);
  assert.equal(counts(db)["lives"], 60);
});

test("the end of a series has the bytes of the reference: both extremes of 64-bit times", () => {
  const record = new ByteWriter();
  encodeTombstones(record, [endOfSeries(7), { ref: 8, minTime: 1, maxTime: 2 }]);
  const extremes = `${"ff".repeat(9)}01${"fe"}${"ff".repeat(8)}01`;
  assert.equal(Buffer.from(record.toBytes()).toString("hex"), `030000000000000007${extremes}00000000000000080204`);
  const [first, second] = decodeTombstones(record.bytes, 0, record.length);
  assert.ok(first !== undefined && isEndOfSeries(first) && first.ref === 7);
  assert.deepEqual(second, { ref: 8, minTime: 1, maxTime: 2 });
});

function meta(name: string, from: number, to: number, hints: readonly string[] = [], level = 1): BlockMeta {
  const compaction = { level, sources: [], hints };
  return parseBlockMeta(
    JSON.stringify({ ulid: name.padStart(26, "0"), minTime: from, maxTime: to, version: 1, stats: {}, compaction }),
  );
}

test("plans do not mix blocks of stale series with others: overlapping ones are merged by themselves, and keep their hint", () => {
  const stale = [FROM_STALE_SERIES];
  const names = (plan: readonly BlockMeta[]): string[] => plan.map(({ ulid }) => ulid.replace(/^0+/, ""));
  const ranges = [10, 30, 90];
  // Whole blocks and stale ones over the same times: nothing overlaps in either kind.
  const both = [meta("A", 0, 10), meta("B", 0, 10, stale), meta("C", 10, 20), meta("D", 10, 20, stale)];
  assert.deepEqual(names(planCompaction(both, ranges)), []);
  // Two of the same times are merged, whole ones first.
  assert.deepEqual(names(planCompaction([...both, meta("E", 10, 20, stale)], ranges)), ["D", "E"]);
  assert.deepEqual(names(planCompaction([...both, meta("E", 10, 20, stale), meta("F", 5, 10)], ranges)), ["A", "F"]);
  // Filling a window of the next level.
  const three = [0, 10, 20, 30].map((from, i) => meta(`A${i}`, from, from + 10, stale));
  assert.deepEqual(names(planCompaction([meta("B", 0, 30), ...three], ranges)), ["A0", "A1", "A2"]);
  assert.deepEqual(mergedBlock("M", three.slice(0, 2)).compaction.hints, stale);
  assert.deepEqual(mergedBlock("M", [meta("A", 0, 10, stale), meta("B", 0, 10)]).compaction.hints, stale);
  assert.deepEqual(mergedBlock("M", [meta("A", 0, 10, [FROM_OUT_OF_ORDER]), meta("B", 0, 10)]).compaction.hints, []);
});
