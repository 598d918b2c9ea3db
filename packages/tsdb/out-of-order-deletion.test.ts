// Late samples and deletions: what went wrong once, found by the metamorphic test.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FloatHistogramFields, Labels, Matcher } from "@narthex/model";
import { Append, SampleBuffer } from "@narthex/storage";
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { MemoryFs } from "./fs/memory-fs.ts";
import { HORIZON_RECORD } from "./out-of-order-log.ts";
import { WalReader } from "./wal/wal-reader.ts";

const RANGE = 60_000;
const START = RANGE * 1000;
const all = [new Matcher("=", "__name__", "m")];

function open(fs: MemoryFs, options: Partial<DbOptions> = {}): Promise<Db> {
  return Db.open({
    directory: "data",
    fs,
    memoryBytes: 2 ** 26,
    maintenanceIntervalMs: 0,
    blockRangeMs: RANGE,
    outOfOrderWindowMs: RANGE,
    ...options,
  });
}

const histogram: FloatHistogramFields = {
  counterResetHint: 0,
  schema: 0,
  zeroThreshold: 0,
  zeroCount: 0,
  count: 1,
  sum: 1,
  positiveSpans: [{ offset: 0, length: 1 }],
  negativeSpans: [],
  positiveBuckets: Float64Array.of(1),
  negativeBuckets: new Float64Array(0),
  customValues: [],
};

function append(db: Db, kind: "float" | "histogram", ...times: readonly number[]): void {
  for (const t of times) {
    const appender = db.appender();
    const ref = appender.series(Labels.fromObject({ __name__: "m" }));
    const verdict =
      kind === "float" ? appender.append(ref, START + t, t) : appender.appendHistogram(ref, START + t, histogram, true);
    assert.equal(verdict, Append.ok);
    appender.commit();
  }
}

function times(db: Db): number[] {
  const querier = db.querier(0, 8.64e15);
  const set = querier.select(all);
  const buffer = new SampleBuffer();
  for (let i = 0; i < set.count; i++) set.read(i, 0, 8.64e15, buffer);
  querier.close();
  return [...buffer.times.subarray(0, buffer.count)].map((t) => t - START);
}

for (const kind of ["float", "histogram"] as const) {
  test(`deletion reaches late samples that are older than all others of their series, ${kind}`, async () => {
    const db = await open(new MemoryFs());
    append(db, kind, 50_000, 20_000, 30_000);
    await db.delete(START, START + 25_000, all);
    assert.deepEqual(times(db), [30_000, 50_000]);
  });

  test(`a deleted late sample stays deleted when the head before it has gone into a block, ${kind}`, async () => {
    const fs = new MemoryFs();
    let db = await open(fs);
    append(db, kind, 70_000, 20_000, 200_000);
    await db.delete(START, START + 25_000, all);
    await db.compact();
    assert.deepEqual(times(db), [70_000, 200_000]);
    db = await open(fs);
    assert.deepEqual(times(db), [70_000, 200_000]);
  });

  test(`a late sample that was deleted from its block does not come back with the next start, ${kind}`, async () => {
    const fs = new MemoryFs();
    let db = await open(fs);
    append(db, kind, 70_000, 20_000, 200_000);
    await db.compact();
    await db.delete(START, START + 25_000, all);
    for (let start = 0; start < 3; start++) {
      db = await open(fs);
      assert.deepEqual(times(db), [70_000, 200_000]);
      assert.equal(db.head.outOfOrder.isEmpty(db.head.table.highIndex), true);
    }
    // Later ones are not taken for those that went.
    append(db, kind, 150_000);
    db = await open(fs);
    assert.deepEqual(times(db), [70_000, 150_000, 200_000]);
  });

  test(`late samples are in a copy of the database, ${kind}`, async () => {
    const fs = new MemoryFs();
    const db = await open(fs);
    append(db, kind, 50_000, 20_000, 30_000);
    const name = await db.snapshot();
    const copy = await open(fs, { directory: `data/snapshots/${name}` });
    assert.deepEqual(times(copy), [20_000, 30_000, 50_000]);
  });
}

test("deletions of late samples survive a checkpoint that is made before they are in blocks", async () => {
  const fs = new MemoryFs();
  let db = await open(fs, { walSegmentBytes: 32 * 1024, walCompression: "none" });
  append(db, "float", 70_000, 20_000);
  await db.delete(START, START + 25_000, all);
  for (let i = 0; i < 60; i++) {
    const appender = db.appender();
    for (let s = 0; s < 200; s++) {
      const ref = appender.series(Labels.fromObject({ __name__: "other", s: String(s), pad: "x".repeat(200) }));
      appender.append(ref, START + 70_000 + i * 1000, i);
    }
    appender.commit();
  }
  // The head without its late samples: as if it died in between.
  await db.truncateHead(START + RANGE);
  assert.ok(fs.list("data/wal").some((name) => name.startsWith("checkpoint.")));
  db = await open(fs);
  assert.deepEqual(times(db), [70_000]);
});

test("the out-of-order log begins with where its chunks begin, in a record that others pass over", async () => {
  const fs = new MemoryFs();
  const db = await open(fs);
  append(db, "float", 70_000, 20_000, 200_000);
  await db.compact();
  const reader = new WalReader(fs, "data/wbl");
  assert.ok(reader.next());
  assert.equal(reader.bytes[reader.start], HORIZON_RECORD);
  assert.equal(reader.end - reader.start, 9);
  await db.close();
});

test("a range of which everything was deleted leaves no block, and does not come back by a chunk snapshot or a checkpoint", async () => {
  for (const snapshotsChunks of [true, false]) {
    const fs = new MemoryFs();
    let db = await open(fs, { snapshotsChunks });
    append(db, "float", 278, 120_278);
    await db.delete(START, START + RANGE, all);
    await db.compact();
    assert.equal(db.blocks.length, 0);
    await db.close();
    db = await open(fs, { snapshotsChunks });
    assert.deepEqual(times(db), [120_278]);
    await db.close();
  }
});
