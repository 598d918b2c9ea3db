// The process dies at every single write of append, checkpoint, compaction and deletion: the next start succeeds, has every
// sample that was acknowledged and none that was never written or was deleted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isStaleAt, Labels, Matcher } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { FaultyFs } from "./fs/faulty-fs.ts";
import type { FileSystem } from "./fs/file-system.ts";
import { MemoryFs } from "./fs/memory-fs.ts";

const RANGE = 60_000;
const START = RANGE * 1000;
const STEP = 5_000;
/** Eight minutes: blocks of a minute, and merged ones of three. */
const COMMITS = 96;
const SERIES = 4;

/** Every third round stores start timestamps, in the chunks and records that have room for them. */
const STARTS: Partial<DbOptions> = { floatEncoding: "xor2", logsStartTimes: true };

function open(fs: FileSystem, options: Partial<DbOptions> = {}): Promise<Db> {
  return Db.open({
    ...options,
    directory: "data",
    fs,
    memoryBytes: 2 ** 26,
    maintenanceIntervalMs: 0,
    blockRangeMs: RANGE,
    maxBlockRangeMs: RANGE * 3,
    walSegmentBytes: 32 * 1024,
  });
}

/** What the database acknowledged, and what was under way when it died. */
class Account {
  /** Series and time, as text. */
  readonly stored = new Set<string>();
  /** May be there or not: the answer did not come. */
  readonly doubtful = new Set<string>();
}

const key = (series: number, t: number): string => `${series} ${t - START}`;

/** Appends, compacts, deletes and cleans; ends where the disk ends. */
async function work(db: Db, account: Account): Promise<void> {
  for (let i = 0; i < COMMITS; i++) {
    const t = START + i * STEP;
    const keys = Array.from({ length: SERIES }, (_, s) => key(s, t));
    for (const one of keys) account.doubtful.add(one);
    const appender = db.appender();
    for (let s = 0; s < SERIES; s++) {
      appender.append(appender.series(Labels.fromObject({ __name__: "m", s: String(s) })), t, i + s, startOf(s, t));
    }
    // Series that come and go, with long labels, so that the log has several segments.
    for (let s = 0; s < 6; s++) {
      const labels = { __name__: "churn", i: String(Math.floor(i / 6)), pad: `${s}`.repeat(200) };
      appender.append(appender.series(Labels.fromObject(labels)), t, i);
    }
    appender.commit();
    for (const one of keys) {
      account.doubtful.delete(one);
      account.stored.add(one);
    }
    if (i % 36 === 35) await db.compact();
    if (i === 50 || i === 75) await forget(db, account, i % 3, START, t - 3 * STEP);
    if (i === 80) await db.cleanTombstones();
    if (i % 48 === 47) db.maintain();
  }
  await db.close();
}

async function forget(db: Db, account: Account, series: number, minTime: number, maxTime: number): Promise<void> {
  const gone = [...account.stored].filter((text) => {
    const [s, offset] = text.split(" ").map(Number) as [number, number];
    return s === series && START + offset >= minTime && START + offset <= maxTime;
  });
  for (const one of gone) {
    account.stored.delete(one);
    account.doubtful.add(one);
  }
  await db.delete(minTime, maxTime, [new Matcher("=", "s", String(series))]);
  for (const one of gone) account.doubtful.delete(one);
}

/** A counter that begins anew now and then, and is not known before. */
function startOf(series: number, t: number): number {
  const since = (t - START) % (RANGE / 2 + series);
  return t < START + 30_000 ? 0 : t - since - 1;
}

function samplesOf(db: Db, withStarts: boolean): Set<string> {
  const found = new Set<string>();
  const querier = db.querier(0, 8.64e15);
  const set = querier.select([new Matcher("=", "__name__", "m")]);
  const buffer = new SampleBuffer();
  for (let i = 0; i < set.count; i++) {
    const series = Number(set.labels(i).get("s"));
    buffer.clear();
    set.read(i, 0, 8.64e15, buffer);
    for (let j = 0; j < buffer.count; j++) {
      const t = buffer.times[j] as number;
      if (isStaleAt(buffer.halves, j)) continue;
      assert.equal(buffer.values[j], (t - START) / STEP + series);
      assert.equal(buffer.startTimes?.[j] ?? 0, withStarts ? startOf(series, t) : 0);
      found.add(key(series, t));
    }
  }
  querier.close();
  return found;
}

function check(db: Db, account: Account, where: string, withStarts = false): void {
  const found = samplesOf(db, withStarts);
  const lost = [...account.stored].filter((one) => !found.has(one));
  const phantoms = [...found].filter((one) => !account.stored.has(one) && !account.doubtful.has(one));
  assert.deepEqual({ lost, phantoms }, { lost: [], phantoms: [] }, where);
}

test("Db: killed at every single write of append, checkpoint, compaction and deletion, it starts, loses and invents nothing", async () => {
  const whole = new FaultyFs(new MemoryFs());
  await work(await open(whole), new Account());
  const total = whole.changes;
  assert.ok(total > 300, `${total} changes`);
  for (let at = 1; at <= total; at++) {
    const kind = at % 2 === 0 ? "tearAt" : "failAt";
    const withStarts = at % 3 === 0;
    const memory = new MemoryFs();
    const account = new Account();
    try {
      await work(await open(new FaultyFs(memory, { [kind]: at, stayDown: true }), withStarts ? STARTS : {}), account);
    } catch {
      // The process dies here; closing it writes nothing more.
    }
    const again = await open(memory, withStarts ? STARTS : {});
    check(again, account, `${kind} ${at} of ${total}`, withStarts);
    // It goes on working: what was interrupted is done again.
    if (at % 4 === 0) {
      await again.compact();
      check(again, account, `${kind} ${at} of ${total}, compacted again`, withStarts);
    }
    await again.close();
  }
});

/** Three lives, each of which ends well and leaves a chunk snapshot; the last one compacts. */
async function lives(fs: FileSystem, account: Account): Promise<void> {
  for (let life = 0; life < 3; life++) {
    const db = await open(fs, WITH_SNAPSHOTS);
    for (let i = life * 14; i < life * 14 + 14; i++) {
      const t = START + i * STEP;
      for (let s = 0; s < SERIES; s++) account.doubtful.add(key(s, t));
      commit(db, i, i);
      for (let s = 0; s < SERIES; s++) {
        account.doubtful.delete(key(s, t));
        account.stored.add(key(s, t));
      }
      if (i % 14 === 8) await endOne(db, i);
    }
    if (life === 2) await db.compact();
    await db.close();
  }
}

/** Two series end and leave the head; one of them comes back with the next commit. */
async function endOne(db: Db, i: number): Promise<void> {
  const appender = db.appender();
  const ended = Labels.fromObject({ __name__: "m", s: String(SERIES - 1) });
  appender.appendStale(appender.series(ended), START + i * STEP + 1);
  const gone = { __name__: "churn", i: String(Math.floor(i / 6)), pad: "0".repeat(200) };
  appender.appendStale(appender.series(Labels.fromObject(gone)), START + i * STEP + 1);
  appender.commit();
  await db.compactStaleSeries();
}

/** Samples of all series at `t`; every few commits some series go and others come. */
function commit(db: Db, i: number, churn: number): void {
  const t = START + i * STEP;
  const appender = db.appender();
  for (let s = 0; s < SERIES; s++) {
    appender.append(appender.series(Labels.fromObject({ __name__: "m", s: String(s) })), t, i + s);
  }
  for (let s = 0; s < 6; s++) {
    const labels = { __name__: "churn", i: String(Math.floor(churn / 6)), pad: `${s}`.repeat(200) };
    appender.append(appender.series(Labels.fromObject(labels)), t, i);
  }
  appender.commit();
}

const WITH_SNAPSHOTS = { snapshotsChunks: true };

for (const readsSnapshot of [true, false]) {
  test(`Db: killed at every single write of lives that end with chunk snapshots, it loses and invents nothing; next start ${readsSnapshot ? "with" : "without"} them`, async () => {
    const whole = new FaultyFs(new MemoryFs());
    await lives(whole, new Account());
    const total = whole.changes;
    assert.ok(total > 100, `${total} changes`);
    for (let at = 1; at <= total; at += readsSnapshot ? 1 : 3) {
      const kind = at % 2 === 0 ? "tearAt" : "failAt";
      const where = `${kind} ${at} of ${total}`;
      const memory = new MemoryFs();
      const account = new Account();
      await lives(new FaultyFs(memory, { [kind]: at, stayDown: true }), account).catch(() => {});
      const again = await open(memory, readsSnapshot ? WITH_SNAPSHOTS : {});
      check(again, account, where);
      // It takes more, is killed, and starts again from what is left of snapshots.
      const t = Math.max(again.head.times.max, START);
      const more = (t - START) / STEP + 1;
      commit(again, more, at % 3 === 0 ? 0 : more);
      for (let s = 0; s < SERIES; s++) account.stored.add(key(s, START + more * STEP));
      const third = await open(memory, WITH_SNAPSHOTS);
      check(third, account, `${where}, killed again`);
      await endOne(third, more + 1);
      check(third, account, `${where}, one ended`);
      await third.compact();
      check(third, account, `${where}, compacted`);
      await third.close();
      const fourth = await open(memory, WITH_SNAPSHOTS);
      check(fourth, account, `${where}, closed`);
      await fourth.close();
    }
  });
}

test("Db: one failing write after the other with chunk snapshots leaves what it acknowledged", async () => {
  const whole = new FaultyFs(new MemoryFs());
  await lives(whole, new Account());
  for (let at = 1; at <= whole.changes; at += 3) {
    const memory = new MemoryFs();
    const account = new Account();
    await lives(new FaultyFs(memory, { failAt: at }), account).catch(() => {});
    const again = await open(memory, WITH_SNAPSHOTS);
    check(again, account, `failed ${at}`);
    await again.close();
  }
});

test("Db: a disk that fills up at any moment of a shutdown with a chunk snapshot loses nothing", async () => {
  const base = new MemoryFs();
  const before = new Account();
  await lives(base, before);
  for (let capacity = 0; capacity < 12_000; capacity += 250) {
    const memory = base.clone();
    const faulty = new FaultyFs(memory);
    const db = await open(faulty, WITH_SNAPSHOTS);
    const account = new Account();
    for (const one of before.stored) account.stored.add(one);
    for (let i = 42; i < 60; i++) {
      commit(db, i, i);
      for (let s = 0; s < SERIES; s++) account.stored.add(key(s, START + i * STEP));
    }
    faulty.faults.capacityBytes = faulty.appendedBytes + capacity;
    await db.close().catch(() => {});
    const again = await open(memory, WITH_SNAPSHOTS);
    check(again, account, `room for ${capacity} bytes`);
    await again.close();
  }
});

test("Db: one failing write after the other leaves it working, and what it acknowledged is there after a kill", async () => {
  const whole = new FaultyFs(new MemoryFs());
  const opened = await open(whole);
  const first = whole.changes + 1;
  await work(opened, new Account());
  for (let at = first; at <= whole.changes; at += 7) {
    const memory = new MemoryFs();
    const account = new Account();
    const db = await open(new FaultyFs(memory, { failAt: at }));
    await work(db, account).catch(() => {});
    if (!isClosed(db)) {
      check(db, account, `failed ${at}, still running`);
      await db.compact();
      check(db, account, `failed ${at}, compacted`);
    }
    const again = await open(memory);
    check(again, account, `failed ${at}, started again`);
    await again.close();
  }
});

test("Db: a full disk stops compaction, harms nothing, and compaction goes on when there is room", async () => {
  const memory = new MemoryFs();
  const faulty = new FaultyFs(memory);
  const db = await open(faulty);
  const account = new Account();
  const work = async (): Promise<void> => {
    for (let i = 0; i < 60; i++) {
      const appender = db.appender();
      const t = START + i * STEP;
      appender.append(appender.series(Labels.fromObject({ __name__: "m", s: "0" })), t, i);
      appender.commit();
      account.stored.add(key(0, t));
    }
  };
  await work();
  faulty.faults.capacityBytes = 0;
  await assert.rejects(db.compact(), { code: "ENOSPC" });
  check(db, account, "full");
  assert.equal(db.blocks.length, 0);
  delete faulty.faults.capacityBytes;
  await db.compact();
  assert.ok(db.blocks.length > 0);
  assert.ok(db.blocks.every(({ meta }) => !meta.compaction.failed));
  check(db, account, "room again");
  await db.close();
  const again = await open(memory);
  check(again, account, "started again");
  await again.close();
});

function isClosed(db: Db): boolean {
  try {
    db.appender().rollback();
    return false;
  } catch {
    return true;
  }
}
