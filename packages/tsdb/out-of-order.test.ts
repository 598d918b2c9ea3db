// Late samples: what is taken, what queries see, what restarts, kills and compactions leave. Against a naive map.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Registry } from "@narthex/client";
import { CounterResetHint, type FloatHistogramFields, Labels, Matcher } from "@narthex/model";
import { Append, type Querier, SampleBuffer } from "@narthex/storage";
import { Db } from "./db.ts";
import type { DbOptions } from "./db-options.ts";
import { FaultyFs } from "./fs/faulty-fs.ts";
import type { FileSystem } from "./fs/file-system.ts";
import { MemoryFs } from "./fs/memory-fs.ts";

const RANGE = 7_200_000;
const START = RANGE * 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

function open(fs: FileSystem, options: Partial<DbOptions> = {}): Promise<Db> {
  return Db.open({
    directory: "data",
    fs,
    memoryBytes: 2 ** 26,
    maintenanceIntervalMs: 0,
    outOfOrderWindowMs: 3 * HOUR,
    ...options,
  });
}

/** Appends samples to one series, each in a commit of its own unless `together`; returns the verdicts. */
function write(db: Db, name: string, samples: readonly (readonly [number, number])[], together = false): Append[] {
  const verdicts: Append[] = [];
  const labels = Labels.fromObject({ __name__: name });
  let appender = db.appender();
  for (const [t, value] of samples) {
    verdicts.push(appender.append(appender.series(labels), t, value));
    if (together) continue;
    appender.commit();
    appender = db.appender();
  }
  appender.commit();
  return verdicts;
}

function read(db: Db, name: string, minTime = -8.64e15, maxTime = 8.64e15): [number, number][] {
  const querier = db.querier(minTime, maxTime);
  const set = querier.select([new Matcher("=", "__name__", name)]);
  const samples = new SampleBuffer();
  if (set.count > 0) set.read(0, minTime, maxTime, samples);
  querier.close();
  return [...samples.times.subarray(0, samples.count)].map((t, i) => [t, samples.values[i] as number]);
}

test("append: the verdicts follow the reference, with a window and without", async () => {
  const db = await open(new MemoryFs());
  const max = START + 10 * HOUR;
  write(db, "other", [[max, 1]]);
  assert.deepEqual(write(db, "m", [[max - HOUR, 1]]), [Append.ok], "in order: a new series, above the bound");
  assert.deepEqual(
    write(db, "m", [
      [max - HOUR, 1],
      [max - HOUR, 2],
      [max - 2 * HOUR, 3],
      [max - 2 * HOUR, 4],
      [max - 3 * HOUR, 5],
      [max - 3 * HOUR - 1, 6],
    ]),
    [Append.ok, Append.duplicate, Append.ok, Append.ok, Append.ok, Append.tooOld],
  );
  // A series that has nothing but late samples.
  assert.deepEqual(write(db, "late", [[max - 2 * HOUR, 7]]), [Append.ok]);
  assert.deepEqual(read(db, "m"), [
    [max - 3 * HOUR, 5],
    [max - 2 * HOUR, 3],
    [max - HOUR, 1],
  ]);
  assert.deepEqual(read(db, "late"), [[max - 2 * HOUR, 7]]);
  assert.deepEqual(read(db, "late", max - HOUR, max), []);
  db.setOutOfOrderWindow(0);
  assert.deepEqual(
    write(db, "m", [
      [max - HOUR - 1, 1],
      [max - HOUR - 2, 1],
    ]),
    [Append.outOfBounds, Append.outOfBounds],
  );
  assert.deepEqual(write(db, "other", [[max - 1, 1]]), [Append.outOfOrder]);
  assert.equal(read(db, "m").length, 3);
});

test("names: over a time that only late samples touch, they are those of the series that have some there", async () => {
  const db = await open(new MemoryFs());
  const max = START + 10 * HOUR;
  write(db, "m", [
    [max, 1],
    [max - HOUR, 2],
  ]);
  write(db, "other", [[max, 1]]);
  const names = (minTime: number, maxTime: number): readonly string[] => {
    const querier = db.querier(minTime, maxTime);
    try {
      return querier.labelValues("__name__", []).values;
    } finally {
      querier.close();
    }
  };
  assert.deepEqual(names(max - HOUR, max - HOUR), ["m"]);
  assert.deepEqual(names(max - HOUR + 1, max - 1), []);
  assert.deepEqual(names(max - HOUR, max), ["m", "other"]);
  await db.close();
});

test("append: a batch of one time takes late series, refuses those that are too old", async () => {
  const db = await open(new MemoryFs());
  const appender = db.appender();
  const refs = new Uint32Array(3);
  for (const [i, name] of ["a", "b", "c"].entries()) refs[i] = appender.series(Labels.fromObject({ __name__: name }));
  const halves = new Uint32Array(new Float64Array([1, 2, 3]).buffer);
  const verdicts = new Uint8Array(3);
  assert.equal(appender.appendBatch(refs, halves, 3, START + 5 * HOUR, verdicts), 0);
  appender.commit();
  const second = db.appender();
  assert.equal(second.appendBatch(refs, halves, 2, START + 5 * HOUR - MINUTE, verdicts), 0);
  assert.equal(second.appendBatch(refs, halves, 2, START + 3 * HOUR, verdicts), 0);
  assert.equal(second.appendBatch(refs, halves, 2, START + HOUR, verdicts), 2);
  assert.deepEqual([...verdicts.subarray(0, 2)], [Append.tooOld, Append.tooOld]);
  second.commit();
  assert.deepEqual(read(db, "b"), [
    [START + 3 * HOUR, 2],
    [START + 5 * HOUR - MINUTE, 2],
    [START + 5 * HOUR, 2],
  ]);
  assert.equal(db.head.counters.tooOld, 2);
});

test("append: what another transaction made late meanwhile is taken out of order", async () => {
  const db = await open(new MemoryFs());
  write(db, "m", [[START, 0]]);
  const slow = db.appender();
  assert.equal(slow.append(slow.series(Labels.fromObject({ __name__: "m" })), START + 10, 1), Append.ok);
  write(db, "m", [[START + 20, 2]]);
  slow.commit();
  const expected = [
    [START, 0],
    [START + 10, 1],
    [START + 20, 2],
  ];
  assert.deepEqual(read(db, "m"), expected);
});

test("isolation: a snapshot sees late commits whole or not at all, through full chunks as well", async () => {
  const db = await open(new MemoryFs());
  write(db, "m", [[START + 2 * HOUR, -1]]);
  const queriers = [];
  for (let i = 0; i < 100; i++) {
    queriers.push(db.querier(0, 8.64e15));
    // Two samples a commit, in an order that scatters them.
    const at = (i * 37) % 100;
    const two = [
      [START + at * MINUTE, i],
      [START + at * MINUTE + 1, i],
    ] as const;
    write(db, "m", two, true);
  }
  for (const [i, querier] of queriers.entries()) {
    const set = querier.select([new Matcher("=", "__name__", "m")]);
    const samples = new SampleBuffer();
    set.read(0, 0, 8.64e15, samples);
    const expected = [-1];
    for (let k = 0; k < i; k++) expected.push(k, k);
    const values = [...samples.values.subarray(0, samples.count)].sort((a, b) => a - b);
    assert.deepEqual(values, expected, `querier ${i}`);
    querier.close();
  }
  assert.equal(read(db, "m").length, 201);
});

test("metrics: late samples are counted, and how late they were", async () => {
  const registry = new Registry();
  const db = await open(new MemoryFs(), { registry });
  write(db, "m", [
    [START + 2 * HOUR, 1],
    [START + 2 * HOUR - 1000, 2],
    [START, 3],
  ]);
  const { body } = await registry.expose("");
  assert.match(body, /^prometheus_tsdb_head_out_of_order_samples_appended_total\{type="float"\} 2$/m);
  assert.match(body, /^prometheus_tsdb_head_samples_appended_total\{type="float"\} 3$/m);
  assert.match(body, /^prometheus_tsdb_sample_ooo_delta_bucket\{le="600(\.0)?"\} 1$/m);
  assert.match(body, /^prometheus_tsdb_sample_ooo_delta_bucket\{le="7200(\.0)?"\} 2$/m);
  assert.match(body, /^prometheus_tsdb_sample_ooo_delta_sum 7201$/m);
  assert.match(body, /^prometheus_tsdb_out_of_order_wbl_segment_current 0$/m);
});

test("log: it is begun with the window, replayed after a kill, and damage in it spares the other log", async () => {
  const fs = new MemoryFs();
  const plain = await open(fs, { outOfOrderWindowMs: 0 });
  assert.equal(fs.kind("data/wbl"), undefined);
  write(plain, "m", [[START + 3 * HOUR, 1]]);
  plain.setOutOfOrderWindow(HOUR);
  for (let i = 0; i < 50; i++) write(plain, "m", [[START + 3 * HOUR - MINUTE * (i + 1), i]]);
  const before = read(plain, "m");
  assert.equal(before.length, 51);
  // A kill; and the window is closed afterwards: what is there stays.
  const second = await open(fs, { outOfOrderWindowMs: 0 });
  assert.deepEqual(read(second, "m"), before);
  write(second, "n", [[START + 3 * HOUR, 1]]);
  await second.close();
  const walBytes = fs.size("data/wal/00000000");
  const path = "data/wbl/00000000";
  fs.truncate(path, fs.size(path) - 3);
  const third = await open(fs);
  assert.equal(fs.size("data/wal/00000000"), walBytes);
  assert.deepEqual(read(third, "m"), before.slice(1), "the last commit is lost with its record");
  assert.deepEqual(read(third, "n"), [[START + 3 * HOUR, 1]]);
});

test("compaction: late samples become a block for each range, the log shrinks, later ones stay", async () => {
  const fs = new MemoryFs();
  const db = await open(fs, { outOfOrderWindowMs: 10 * HOUR });
  const expected = new Map<number, number>();
  const put = (t: number, value: number): void => {
    write(db, "m", [[t, value]]);
    if (!expected.has(t)) expected.set(t, value);
  };
  // 8 h in order, with gaps that late samples fill.
  for (let i = 0; i < 480; i++) if (i % 5 < 3) put(START + i * MINUTE, i);
  for (let i = 0; i < 480; i++) if (i % 5 >= 3 && i < 470) put(START + i * MINUTE, i);
  const sorted = (): [number, number][] => [...expected].sort((a, b) => a[0] - b[0]);
  assert.deepEqual(read(db, "m"), sorted());
  await db.compact();
  assert.deepEqual(read(db, "m"), sorted());
  assert.ok(db.head.outOfOrder.isEmpty(db.head.table.highIndex));
  assert.deepEqual(fs.list("data/wbl"), ["00000001"]);
  const late = db.blocks.filter(({ meta }) => meta.compaction.hints.includes("from-out-of-order"));
  const merged = db.blocks.filter(({ meta }) => meta.compaction.level > 1);
  assert.ok(late.length + merged.length > 0);
  // Into ranges that are blocks already.
  put(START + 3 * MINUTE + 1, 1);
  put(START + 100 * MINUTE + 1, 2);
  assert.deepEqual(read(db, "m"), sorted());
  const again = await open(fs, { outOfOrderWindowMs: 10 * HOUR });
  assert.deepEqual(read(again, "m"), sorted());
});

test("histograms: late ones are merged in, whole or not at all, survive a kill, and go into blocks", async () => {
  const fs = new MemoryFs();
  let db = await open(fs, { outOfOrderWindowMs: 10 * HOUR });
  const labels = Labels.fromObject({ __name__: "h" });
  const put = (times: readonly number[]): void => {
    const appender = db.appender();
    for (const t of times) {
      const histogram: FloatHistogramFields = {
        counterResetHint: CounterResetHint.unknown,
        schema: 0,
        zeroThreshold: 0.001,
        zeroCount: 1,
        count: t + 1,
        sum: t,
        positiveSpans: [{ offset: 0, length: 1 }],
        negativeSpans: [],
        positiveBuckets: new Float64Array([t]),
        negativeBuckets: new Float64Array(0),
        customValues: [],
      };
      const verdict = appender.appendHistogram(appender.series(labels), START + t * MINUTE, histogram, t % 2 === 0);
      assert.equal(verdict, Append.ok, `${t}`);
    }
    appender.commit();
  };
  const sums = (querier: Querier): number[] => {
    const set = querier.select([new Matcher("=", "__name__", "h")]);
    const samples = new SampleBuffer();
    set.read(0, 0, 8.64e15, samples);
    querier.close();
    return Array.from({ length: samples.count }, (_, i) => samples.histograms?.[i]?.sum ?? Number.NaN);
  };
  const now = (): Querier => db.querier(0, 8.64e15);
  put([100, 101, 480]);
  const before = now();
  put([7, 5, 6, 5, 130]);
  put([6]);
  assert.deepEqual(sums(before), [100, 101, 480]);
  const expected = [5, 6, 7, 100, 101, 130, 480];
  assert.deepEqual(sums(now()), expected);
  db = await open(fs, { outOfOrderWindowMs: 10 * HOUR });
  assert.deepEqual(sums(now()), expected);
  await db.compact();
  assert.ok(db.head.outOfOrder.isEmpty(db.head.table.highIndex));
  assert.deepEqual(sums(now()), expected);
  await db.close();
});

/** A pseudo-random sequence in [0, 1). */
function random(seed: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

const SEEDS = [1, 2, 3, 4, 5, 6];

for (const seed of SEEDS) {
  test(`against a map: appends in and out of order, restarts, compactions, windows (seed ${seed})`, async () => {
    const next = random(seed * 7919);
    const fs = new MemoryFs();
    const window = 4 * HOUR;
    const options = { outOfOrderWindowMs: window, walSegmentBytes: 32 * 1024 };
    let disk = new FaultyFs(fs);
    let db = await open(disk, options);
    const expected = new Map<string, Map<number, number>>();
    let now = START;
    for (let step = 0; step < 400; step++) {
      const action = next();
      if (action < 0.02) {
        if (next() < 0.5) await db.close();
        // Killed otherwise: whatever it was at, it changes nothing any more.
        else disk.faults.failAt = disk.changes + 1;
        disk.faults.stayDown = true;
        disk = new FaultyFs(fs);
        db = await open(disk, options);
      } else if (action < 0.04) await db.compact();
      else if (action < 0.05) db.maintain();
      else {
        now += Math.floor(next() * 4) * MINUTE;
        const appender = db.appender();
        const mine: [string, number, number][] = [];
        for (let i = Math.floor(next() * 40); i >= 0; i--) {
          const name = `s${Math.floor(next() * 5)}`;
          const late = next() < 0.5;
          const t = late ? now - Math.floor(next() * window * 1.2) : now;
          const value = Math.floor(next() * 1000);
          const verdict = appender.append(appender.series(Labels.fromObject({ __name__: name })), t, value);
          if (verdict === Append.ok) mine.push([name, t, value]);
          else assert.ok(verdict === Append.tooOld || verdict === Append.duplicate, `${verdict}`);
        }
        if (next() < 0.05) appender.rollback();
        else {
          appender.commit();
          for (const [name, t, value] of mine) {
            if (!expected.has(name)) expected.set(name, new Map());
            const series = expected.get(name) as Map<number, number>;
            // Which of several values of one time stays depends on where they lie: any of them will do.
            series.set(t, series.has(t) && series.get(t) !== value ? Number.NaN : value);
          }
        }
      }
      if (step % 20 !== 19) continue;
      for (const [name, series] of expected) {
        const times = [...series.keys()].sort((a, b) => a - b);
        const found = read(db, name);
        assert.deepEqual(
          found.map(([t]) => t),
          times,
          `seed ${seed}, step ${step}, ${name}`,
        );
        for (const [t, value] of found) {
          const wanted = series.get(t) as number;
          assert.ok(Number.isNaN(wanted) || wanted === value, `seed ${seed}, step ${step}, ${name}, ${t}`);
        }
      }
    }
    await db.close();
  });
}

test("killed at any single write, it starts, lost no late commit and made none up", async () => {
  const run = async (db: Db, onCommit: (count: number) => void): Promise<void> => {
    for (let i = 0; i < 300; i++) {
      // Every third minute comes in order, the two between come late, many in one commit.
      write(db, "m", [[START + 3 * i * MINUTE, 3 * i]]);
      if (i % 20 === 19) {
        const late: [number, number][] = [];
        for (let k = i - 19; k < i; k++) late.push([START + (3 * k + 1) * MINUTE, 3 * k + 1]);
        for (let k = i - 19; k < i; k++) late.push([START + (3 * k + 2) * MINUTE, 3 * k + 2]);
        write(db, "m", late, true);
      }
      onCommit(i);
      if (i === 250) await db.compact();
    }
    await db.close();
  };
  const options = { walSegmentBytes: 32 * 1024 };
  const counting = new FaultyFs(new MemoryFs());
  await run(await open(counting, options), () => {});
  const total = counting.changes;
  let kills = 0;
  for (let at = 1; at <= total; at += 1 + Math.floor(at / 25)) {
    for (const kind of ["failAt", "tearAt"] as const) {
      const memory = new MemoryFs();
      const faulty = new FaultyFs(memory, { [kind]: at, stayDown: true });
      let committed = -1;
      try {
        await run(await open(faulty, options), (count) => {
          committed = count;
        });
      } catch {
        // The disk is gone: the process dies here.
      }
      kills++;
      const again = await open(memory, options);
      const found = new Map(read(again, "m"));
      const expected = new Set<number>();
      for (let i = 0; i <= committed; i++) {
        expected.add(3 * i);
        if (i % 20 !== 19) continue;
        for (let k = i - 19; k < i; k++) expected.add(3 * k + 1).add(3 * k + 2);
      }
      for (const minute of expected)
        assert.equal(found.get(START + minute * MINUTE), minute, `${kind} ${at}: ${minute}`);
      // Of the step that was under way anything may be there, but nothing else.
      for (const [t, value] of found) {
        assert.equal(t, START + value * MINUTE, `${kind} ${at}`);
        assert.ok(value <= 3 * (committed + 1), `${kind} ${at}: ${value} of ${committed}`);
      }
      await again.close();
    }
  }
  assert.ok(kills > 60, `${kills} of ${total}`);
});

test("append: a batch that is in order only is refused late samples and markers, window or not", async () => {
  const db = await open(new MemoryFs());
  const max = START + 10 * HOUR;
  write(db, "m", [[max, 1]]);
  const appender = db.appender({ inOrderOnly: true });
  const ref = appender.series(Labels.fromObject({ __name__: "m" }));
  assert.equal(appender.append(ref, max - HOUR, 2), Append.outOfOrder, "within the window");
  assert.equal(appender.append(ref, max - 4 * HOUR, 2), Append.tooOld, "beyond the window");
  assert.equal(appender.appendStale(ref, max - HOUR), Append.outOfOrder);
  assert.equal(appender.append(ref, max, 1), Append.ok, "what is there already");
  assert.equal(appender.append(ref, max + 1, 3), Append.ok);
  appender.commit();
  assert.deepEqual(read(db, "m"), [
    [max, 1],
    [max + 1, 3],
  ]);
});
