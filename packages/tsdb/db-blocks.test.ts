// Blocks over the life of a database: merged, deleted, cleaned, copied, dropped in and taken away.
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Registry } from "@narthex/client";
import { Labels, Matcher } from "@narthex/model";
import type { Queryable } from "@narthex/storage";
import { dumpQuerier, writeTestBlock } from "./block/block-fixture.ts";
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { MemoryFs } from "./fs/memory-fs.ts";
import { clearReadCache, DbReader } from "./share.ts";

const RANGE = 60_000;
const START = RANGE * 1000;
const DEFAULTS = { memoryBytes: 2 ** 26, maintenanceIntervalMs: 0, blockRangeMs: RANGE, maxBlockRangeMs: RANGE * 3 };

function inMemory(fs: MemoryFs, options: Partial<DbOptions> = {}): Promise<Db> {
  return Db.open({ directory: "data", fs, ...DEFAULTS, ...options });
}

function temporary(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "narthex-blocks-"));
  t.after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** One sample a second of three series. */
function fill(db: Db, seconds: number, from = 0): void {
  for (let i = from; i < from + seconds; i++) {
    const appender = db.appender();
    for (let s = 0; s < 3; s++) {
      const ref = appender.series(Labels.fromObject({ __name__: "m", s: String(s) }));
      appender.append(ref, START + i * 1000, i);
    }
    appender.commit();
  }
}

function counts(queryable: Queryable): number[] {
  const querier = queryable.querier(0, 8.64e15);
  const found = [...dumpQuerier(querier).values()].map((samples) => samples.length);
  querier.close();
  return found;
}

const ranges = (db: Db): [number, number][] =>
  db.blocks.map(({ minTime, maxTime }) => [(minTime - START) / RANGE, (maxTime - START) / RANGE]);

test("Db: blocks are merged level by level, sources go when queries that may open them have ended", async () => {
  const fs = new MemoryFs();
  const db = await inMemory(fs);
  fill(db, 61 * 4);
  await db.compact();
  const ticket = db.beginRead();
  const sources = [...ticket.blocks];
  fill(db, 61 * 6, 61 * 4);
  const compacting = db.compact();
  await new Promise((resolve) => setTimeout(resolve, 60));
  assert.ok(sources.every((path) => fs.kind(path) === "directory"));
  db.endRead(ticket);
  await compacting;
  assert.ok(ranges(db).some(([from, to]) => to - from === 2 || to - from === 3));
  assert.deepEqual(counts(db), [610, 610, 610]);
  await new Promise((resolve) => setTimeout(resolve, 60));
  const merged = new Set(db.blocks.map(({ path }) => path));
  for (const path of sources) assert.equal(fs.kind(path) === undefined, !merged.has(path), path);
  await db.close();
});

test("Db: what is kept of blocks between queries includes their label sets, and is forgotten when asked; reading goes on", async () => {
  const db = await inMemory(new MemoryFs());
  fill(db, 61 * 4);
  await db.compact();
  const read = (): readonly Labels[] => {
    const querier = db.querier(START, START + 1000);
    const found = querier.select([new Matcher("=", "__name__", "m")]);
    const labels = Array.from({ length: found.count }, (_, i) => found.labels(i));
    querier.close();
    return labels;
  };
  const [first] = read();
  assert.equal(read()[0], first);
  clearReadCache();
  const again = read();
  assert.notEqual(again[0], first);
  assert.deepEqual(
    again.map((labels) => labels.get("s")),
    ["0", "1", "2"],
  );
  await db.close();
});

test("Db: retention by time and by size deletes the oldest blocks, and a new limit holds from the next look on", async () => {
  const fs = new MemoryFs();
  const db = await inMemory(fs, { maxBlockRangeMs: RANGE });
  fill(db, 600);
  await db.compact();
  const before = ranges(db);
  assert.ok(before.length >= 8);
  db.retention = { timeMs: RANGE * 3, sizeBytes: 0, percentage: 0 };
  db.maintain();
  assert.deepEqual(ranges(db), before.slice(-3));
  db.retention = { timeMs: 0, sizeBytes: 1, percentage: 0 };
  db.maintain();
  assert.deepEqual(ranges(db), []);
  // The head stays, whatever the limit.
  assert.ok((counts(db)[0] as number) >= 30);
  await db.close();
  assert.equal(fs.files().filter((path) => path.endsWith("meta.json")).length, 0);
});

test("Db: a share of the disk is a limit in bytes", async () => {
  const fs = new MemoryFs();
  fs.capacityBytes = 100;
  const db = await inMemory(fs, { retention: { timeMs: 0, sizeBytes: 0, percentage: 50 }, maxBlockRangeMs: RANGE });
  fill(db, 300);
  await db.compact();
  assert.deepEqual(ranges(db), []);
  await db.close();
});

test("Db: where the disk's size is not known, the limit in bytes holds in place of the share; the metrics tell both", async () => {
  const fs = new MemoryFs();
  const registry = new Registry();
  const retention = { timeMs: 0, sizeBytes: 1, percentage: 50 };
  const db = await inMemory(fs, { retention, maxBlockRangeMs: RANGE, registry });
  assert.equal(fs.diskBytes(), undefined);
  fill(db, 300);
  await db.compact();
  assert.deepEqual(ranges(db), []);
  const text = await registry.metrics();
  assert.match(text, /^prometheus_tsdb_retention_limit_bytes 1$/m);
  assert.match(text, /^prometheus_tsdb_retention_limit_percentage 50$/m);
  await db.close();
});

test("Db: what others keep in the data directory stays through starts, compactions, deletions and snapshots", async () => {
  const fs = new MemoryFs();
  const others = [
    "data/queries.active",
    "data/thanos.shipper.json",
    "data/lost+found/x",
    "data/01ARZ3NDEKTSV4RRFFQ69G5FAV.txt",
    "data/chunk_snapshot.old/x",
    "data/wal/notes.txt",
    "data/wal/checkpoint.old/x",
    "data/chunks_head/README",
    "data/snapshots/mine/x",
  ];
  for (const path of others) {
    fs.mkdir(path.slice(0, path.lastIndexOf("/")));
    fs.open(path, "create").close();
  }
  for (let life = 0; life < 2; life++) {
    const db = await inMemory(fs, { snapshotsChunks: true, walSegmentBytes: 32 * 1024 });
    fill(db, 400, life * 400);
    await db.compact();
    await db.delete(START, START + 5000, []);
    await db.cleanTombstones();
    await db.snapshot();
    await db.close();
  }
  assert.deepEqual(
    others.filter((path) => fs.kind(path) !== "file"),
    [],
  );
});

test("Db: blocks dropped into the directory or taken away are noticed, overlapping ones merged", async () => {
  const fs = new MemoryFs();
  const db = await inMemory(fs);
  fill(db, 200);
  await db.compact();
  const { path } = writeTestBlock(fs, "data", [
    {
      labels: { __name__: "foreign" },
      samples: [
        [START + 500, 1],
        [START + 61_000, 2],
      ],
    },
  ]);
  db.maintain();
  assert.equal(
    db.blocks.some((block) => block.path === path),
    true,
  );
  await db.compact();
  assert.equal(
    db.blocks.some((block) => block.path === path),
    false,
  );
  const querier = db.querier(0, 8.64e15);
  assert.deepEqual(dumpQuerier(querier, [new Matcher("=", "__name__", "foreign")]).size, 1);
  querier.close();
  for (const block of db.blocks) fs.removeAll(block.path);
  db.maintain();
  assert.equal(db.blocks.length, 0);
  await db.close();
});

test("Db: level-1 blocks that a shipper has not uploaded wait", async () => {
  const fs = new MemoryFs();
  fs.put("shipper.json", new TextEncoder().encode('{"version":1,"uploaded":[]}'));
  const db = await inMemory(fs, { uploadedBlocksFile: "shipper.json" });
  fill(db, 600);
  await db.compact();
  assert.ok(db.blocks.every(({ meta }) => meta.compaction.level === 1));
  const uploaded = db.blocks.map(({ meta }) => meta.ulid);
  fs.put("shipper.json", new TextEncoder().encode(JSON.stringify({ version: 1, uploaded })));
  await db.compact();
  assert.ok(db.blocks.some(({ meta }) => meta.compaction.level > 1));
  await db.close();
});

test("Db: a delayed compaction begins after its share of the range", async () => {
  let now = START;
  const db = await inMemory(new MemoryFs(), { compactionDelayPercent: 50, random: () => 0.5, now: () => now });
  fill(db, 200);
  await db.compact();
  assert.equal(db.blocks.length, 0);
  now += RANGE / 4;
  await db.compact();
  assert.ok(db.blocks.length > 0);
  await db.close();
});

test("Db: deletion, clean-up and snapshots on the real disk, seen by this thread and by readers elsewhere", async (t) => {
  const directory = temporary(t);
  const db = await Db.open({ directory, ...DEFAULTS });
  const reader = new DbReader(db.share());
  const elsewhere = (): number[] => {
    const ticket = structuredClone(db.beginRead());
    const found = counts(reader.queryable(ticket));
    db.endRead(ticket);
    return found;
  };
  fill(db, 300);
  await db.compact();
  assert.ok(db.blocks.length > 0);
  assert.deepEqual(elsewhere(), [300, 300, 300]);
  await db.delete(START + 10_000, START + 299_000, [new Matcher("=", "s", "1")]);
  assert.deepEqual(
    counts(db).filter((count) => count > 0),
    [300, 10, 300],
  );
  assert.deepEqual(
    elsewhere().filter((count) => count > 0),
    [300, 10, 300],
  );
  const name = await db.snapshot();
  assert.match(name, /^\d{8}T\d{6}Z-[0-9a-f]{16}$/);
  await db.cleanTombstones();
  assert.ok(db.blocks.every(({ tombstones }) => tombstones.count === 0));
  assert.deepEqual(
    elsewhere().filter((count) => count > 0),
    [300, 10, 300],
  );
  const headless = await db.snapshot(true);
  assert.ok(
    readdirSync(join(directory, "snapshots", headless)).length <
      readdirSync(join(directory, "snapshots", name)).length + 1,
  );
  await assert.rejects(db.snapshot(false, directory), /cannot snapshot into base directory/);
  reader.close();
  await db.close();
  const again = await Db.open({ directory, ...DEFAULTS });
  assert.deepEqual(
    counts(again).filter((count) => count > 0),
    [300, 10, 300],
  );
  await again.close();
  const copy = await Db.open({ directory: join(directory, "snapshots", name), ...DEFAULTS });
  assert.deepEqual(
    counts(copy).filter((count) => count > 0),
    [300, 10, 300],
  );
  await copy.close();
});

test("Db: closing while a worker compacts abandons it, and the next start finds everything", async (t) => {
  const directory = temporary(t);
  const db = await Db.open({ directory, ...DEFAULTS });
  fill(db, 300);
  const compacting = db.compact();
  await new Promise((resolve) => setTimeout(resolve, 20));
  const closing = db.close();
  await assert.rejects(compacting);
  await closing;
  assert.equal(existsSync(join(directory, "lock")), false);
  assert.equal(
    readdirSync(directory).some((name) => name.includes(".tmp")),
    false,
  );
  const again = await Db.open({ directory, ...DEFAULTS });
  assert.deepEqual(counts(again), [300, 300, 300]);
  await again.close();
});
