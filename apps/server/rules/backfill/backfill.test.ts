import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Labels } from "@narthex/model";
import { Engine } from "@narthex/promql";
import { silentLogger } from "@narthex/toolkit";
import { Db } from "@narthex/tsdb";
import { type BackfillJob, BackfillJobs, type BackfillOrder } from "./backfill-jobs.ts";
import { backfillRange } from "./backfill-range.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A database with `x` from hour 0 to hour 9, a sample a minute; what is older than two hours and more lies in blocks. */
async function filled(t: TestContext): Promise<{ db: Db; open: () => Promise<Db> }> {
  const folder = mkdtempSync(join(tmpdir(), "narthex-backfill-"));
  const directory = join(folder, "data");
  const open = (): Promise<Db> =>
    Db.open({ directory, logger: silentLogger, blockRangeMs: 2 * HOUR, maintenanceIntervalMs: 0 } as never);
  const db = await open();
  t.after(async () => {
    await db.close();
    rmSync(folder, { recursive: true, force: true });
  });
  for (let at = 0; at <= 9 * HOUR; at += MINUTE) {
    const appender = db.appender();
    for (const i of ["1", "2"]) {
      const ref = appender.series(Labels.fromObject({ __name__: "x", i }));
      appender.append(ref, at, at / MINUTE);
    }
    appender.commit();
  }
  await db.compact();
  return { db, open };
}

function jobsOf(db: Db): BackfillJobs {
  return new BackfillJobs({
    directory: db.directory,
    blockRangeMs: 2 * HOUR,
    headStart: () => db.stats().minTime ?? 0,
    oldestTime: () => db.blocks[0]?.minTime ?? 0,
    run: async (range, signal) =>
      backfillRange(range, { engine: new Engine(), queryable: db, cancelled: () => signal.aborted }),
    onBlock: () => db.reloadBlocks(),
    now: () => 9 * HOUR,
    logger: silentLogger,
  });
}

const ORDER: BackfillOrder = {
  name: "x:sum",
  query: "sum(x)",
  labels: ["by", "us"],
  group: "g",
  file: "r.yml",
  intervalMs: MINUTE,
  phaseMs: 17_000,
  startMs: HOUR,
  endMs: 9 * HOUR,
};

async function ended(job: BackfillJob | undefined): Promise<BackfillJob> {
  assert.ok(job !== undefined);
  while (job.state === "queued" || job.state === "running") await new Promise((resolve) => setTimeout(resolve, 5));
  return job;
}

function pointsOf(db: Db, query: string): Map<number, number> {
  const { value } = new Engine().instantQuery(db, query, 9 * HOUR);
  assert.ok(value.kind === "matrix");
  const points = new Map<number, number>();
  for (const { times, values } of value.series) {
    for (const [i, v] of values.entries()) points.set(times?.[i] as number, v);
  }
  return points;
}

test("backfill: the rule's own times from the start on, up to what still is in the head, one block for each range", async (t) => {
  const { db } = await filled(t);
  const headStart = db.stats().minTime as number;
  assert.ok(headStart >= 4 * HOUR && headStart < 9 * HOUR);
  const before = db.blocks.length;
  const job = await ended(jobsOf(db).add(ORDER));
  assert.deepEqual([job.state, job.error], ["done", undefined]);
  const points = pointsOf(db, 'x:sum{by="us"}[9h]');
  const last = Math.floor(headStart / (2 * HOUR)) * 2 * HOUR;
  assert.equal(points.size, (last - HOUR) / MINUTE);
  assert.equal(job.samples, points.size);
  assert.equal(job.blocks, db.blocks.length - before);
  assert.deepEqual([...points][0], [HOUR + 17_000, 120]);
  assert.ok([...points.keys()].every((at) => (at - 17_000) % MINUTE === 0 && at < last));
  assert.equal(job.untilMs, last - 1);
});

test("backfill: a second run adds nothing; a longer one only what was missing", async (t) => {
  const { db } = await filled(t);
  const jobs = jobsOf(db);
  const first = await ended(jobs.add({ ...ORDER, endMs: 3 * HOUR }));
  const again = await ended(jobs.add({ ...ORDER, endMs: 3 * HOUR }));
  assert.deepEqual([again.samples, again.blocks, again.skipped], [0, 0, first.samples]);
  const longer = await ended(jobs.add({ ...ORDER, startMs: 0, endMs: 4 * HOUR - 1 }));
  assert.equal(longer.skipped, first.samples);
  assert.equal(pointsOf(db, "x:sum[9h]").size, 4 * 60);
});

test("backfill: what the rule wrote stays, also where it stands between the slots", async (t) => {
  const { db } = await filled(t);
  // The rule ran from 1:30 to 1:35, in another phase, and with other values.
  const written = jobsOf(db);
  await ended(
    written.add({
      ...ORDER,
      query: "sum(x) * 0 - 1",
      phaseMs: 40_000,
      startMs: HOUR + 30 * MINUTE,
      endMs: HOUR + 35 * MINUTE,
    }),
  );
  const own = [...pointsOf(db, "x:sum[9h]")];
  assert.equal(own.length, 5);
  await ended(jobsOf(db).add({ ...ORDER, endMs: 2 * HOUR - 1 }));
  const points = pointsOf(db, "x:sum[9h]");
  for (const [at, value] of own) assert.equal(points.get(at), value);
  const times = [...points.keys()].sort((a, b) => a - b);
  for (let i = 1; i < times.length; i++) assert.ok((times[i] as number) - (times[i - 1] as number) >= MINUTE);
});

test("backfill: after a restart all of it is there, what was in the head as well", async (t) => {
  const { db, open } = await filled(t);
  await ended(jobsOf(db).add(ORDER));
  const [sums, all] = [pointsOf(db, "x:sum[9h]").size, pointsOf(db, 'x{i="1"}[10h]').size];
  await db.close();
  const second = await open();
  assert.deepEqual([pointsOf(second, "x:sum[9h]").size, pointsOf(second, 'x{i="1"}[10h]').size], [sums, all]);
  await second.close();
});

test("backfill: a query that fails ends its job with the reason; the next one runs; a job can be called off", async (t) => {
  const { db } = await filled(t);
  const jobs = jobsOf(db);
  const bad = jobs.add({ ...ORDER, query: "x", labels: ["i", ""] });
  const waiting = jobs.add({ ...ORDER, startMs: 2 * HOUR });
  const good = jobs.add({ ...ORDER, endMs: 2 * HOUR });
  assert.equal(jobs.add({ ...ORDER, endMs: 2 * HOUR }), good);
  assert.equal(jobs.cancel(waiting?.id ?? 0), true);
  assert.match((await ended(bad)).error ?? "", /^vector contains metrics with the same labelset/);
  assert.equal((await ended(waiting)).state, "canceled");
  assert.equal((await ended(good)).state, "done");
  assert.equal(jobs.cancel(99), false);
});

test("backfill: so many may wait, no more", async (t) => {
  const { db } = await filled(t);
  const jobs = jobsOf(db);
  const taken = Array.from({ length: 17 }, (_, i) => jobs.add({ ...ORDER, startMs: i }));
  assert.equal(taken.filter((job) => job !== undefined).length, 16);
  await jobs.stop();
});
