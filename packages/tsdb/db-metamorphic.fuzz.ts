// The database against a naive map: seeded runs of appends, deletions, restarts, kills, compactions, clean-ups and snapshots. After
// each, a query over everything must say what the map says. NARTHEX_FUZZ_SEED repeats a run, NARTHEX_FUZZ_RUNS makes it longer.
// A run that fails is shrunk, and what is left of it is printed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels, Matcher } from "@narthex/model";
import { Append, type Queryable, SampleBuffer } from "@narthex/storage";
import { seeded } from "./block/block-fixture.ts";
import { Db } from "./db.ts";
import { MemoryFs } from "./fs/memory-fs.ts";

const seed = Number(process.env["NARTHEX_FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
const runs = Number(process.env["NARTHEX_FUZZ_RUNS"] ?? 6);
const OPERATIONS = 400;
const RANGE = 60_000;
const START = RANGE * 1000;
const SERIES = 12;
/** Runs of one failing case while it is made smaller. */
const SHRINK_BUDGET = 300;

/** One operation; times are distances from the newest time so far, so that an operation means something without those before it. */
type Operation =
  | {
      readonly kind: "append";
      readonly ahead: number;
      readonly series: readonly number[];
      readonly value: number;
      /** How long before the sample its counter began; undefined where nobody knows. */
      readonly age: number | undefined;
    }
  | { readonly kind: "roll back"; readonly ahead: number; readonly series: readonly number[] }
  | {
      readonly kind: "delete";
      readonly from: number;
      readonly to: number;
      readonly name: string;
      readonly value: string;
    }
  | { readonly kind: "clean" | "compact" | "maintain" | "restart" | "kill" | "snapshot" };

function generate(random: () => number): Operation[] {
  const operations: Operation[] = [];
  const pick = (count: number): number => Math.floor(random() * count);
  const some = (): number[] => Array.from({ length: 1 + pick(SERIES) }, () => pick(SERIES));
  while (operations.length < OPERATIONS) {
    const dice = random();
    // Mostly forwards, sometimes the same time again or too late, sometimes a gap.
    const ahead = dice < 0.05 ? -pick(RANGE) : random() < 0.03 ? RANGE * pick(4) : pick(2500);
    if (dice < 0.75) {
      const age = random() < 0.3 ? undefined : pick(3) * pick(RANGE);
      operations.push({ kind: "append", ahead, series: some(), value: pick(4), age });
    } else if (dice < 0.77) operations.push({ kind: "roll back", ahead, series: some() });
    else if (dice < 0.83) {
      const from = -pick(RANGE * 6);
      const byGroup = random() < 0.5;
      const name = byGroup ? "group" : "s";
      const value = String(pick(byGroup ? 3 : SERIES));
      operations.push({ kind: "delete", from, to: from + pick(RANGE * 3), name, value });
    } else if (dice < 0.85) operations.push({ kind: "clean" });
    else if (dice < 0.91) operations.push({ kind: "compact" });
    else if (dice < 0.94) operations.push({ kind: "maintain" });
    else if (dice < 0.965) operations.push({ kind: "restart" });
    else if (dice < 0.99) operations.push({ kind: "kill" });
    else operations.push({ kind: "snapshot" });
  }
  return operations;
}

function labelsOf(series: number): Labels {
  return Labels.fromObject({ __name__: "m", group: String(series % 3), s: String(series) });
}

/** What the map says: series to time to value and start timestamp; series without samples are not there. */
type Model = Map<number, Map<number, Sample>>;

interface Sample {
  readonly value: number;
  readonly start: number;
}

/** Whether the run at hand stores start timestamps. */
let withStarts = false;

function open(fs: MemoryFs, directory = "data"): Promise<Db> {
  return Db.open({
    directory,
    ...(withStarts ? { floatEncoding: "xor2", logsStartTimes: true } : {}),
    fs,
    memoryBytes: 2 ** 26,
    maintenanceIntervalMs: 0,
    blockRangeMs: RANGE,
    maxBlockRangeMs: RANGE * 9,
    walSegmentBytes: 32 * 1024,
  });
}

async function run(operations: readonly Operation[]): Promise<void> {
  let fs = new MemoryFs();
  let db = await open(fs);
  const model: Model = new Map();
  let newest = START;
  for (const [at, operation] of operations.entries()) {
    switch (operation.kind) {
      case "append":
      case "roll back": {
        const t = newest + operation.ahead;
        const appender = db.appender();
        const taken: number[] = [];
        for (const series of new Set(operation.series)) {
          const value = operation.kind === "append" ? operation.value : -1;
          const verdict = appender.append(appender.series(labelsOf(series)), t, value, startOf(operation, t));
          const known = model.get(series);
          // What repeats the newest sample is taken without being stored anew: it may have been deleted.
          if (verdict === Append.ok && !(known?.get(t)?.value === value)) taken.push(series);
        }
        if (operation.kind === "roll back") {
          appender.rollback();
          break;
        }
        appender.commit();
        for (const series of taken) {
          if (t <= (lastTimes.get(series) ?? Number.NEGATIVE_INFINITY)) continue;
          lastTimes.set(series, t);
          const samples = model.get(series) ?? new Map<number, Sample>();
          samples.set(t, { value: operation.value, start: withStarts ? startOf(operation, t) : 0 });
          model.set(series, samples);
        }
        if (taken.length > 0) newest = Math.max(newest, t);
        break;
      }
      case "delete": {
        const [from, to] = [newest + operation.from, newest + operation.to];
        await db.delete(from, to, [new Matcher("=", operation.name, operation.value)]);
        for (const [series, samples] of model) {
          if (labelsOf(series).get(operation.name) !== operation.value) continue;
          for (const t of [...samples.keys()]) if (t >= from && t <= to) samples.delete(t);
        }
        break;
      }
      case "clean":
        await db.cleanTombstones();
        break;
      case "compact":
        await db.compact();
        break;
      case "maintain":
        db.maintain();
        break;
      case "restart":
        await db.close();
        db = await open(fs);
        break;
      case "kill":
        fs = fs.clone();
        db = await open(fs);
        break;
      case "snapshot": {
        const name = await db.snapshot();
        const copy = await open(fs.clone(), `data/snapshots/${name}`);
        compare(model, copy, `${at}: snapshot`);
        await copy.close();
        break;
      }
    }
    if (operation.kind !== "append" || at % 16 === 0) compare(model, db, `${at}: ${operation.kind}`);
  }
  compare(model, db, "at the end");
  await db.close();
}

function startOf(operation: Operation, t: number): number {
  return operation.kind === "append" && operation.age !== undefined ? t - operation.age : 0;
}

/** The newest time that each series ever had in the run at hand, deleted or not. */
let lastTimes = new Map<number, number>();

function compare(model: Model, queryable: Queryable, where: string): void {
  const expected = new Map<string, string>();
  for (const [series, samples] of model) {
    if (samples.size === 0) continue;
    const sorted = [...samples].sort(([a], [b]) => a - b);
    expected.set(String(series), sorted.map(([t, { value, start }]) => `${t - START}=${value} ${start}`).join(", "));
  }
  const found = new Map<string, string>();
  const querier = queryable.querier(0, 8.64e15);
  const set = querier.select([new Matcher("=", "__name__", "m")]);
  const buffer = new SampleBuffer();
  for (let i = 0; i < set.count; i++) {
    buffer.clear();
    set.read(i, 0, 8.64e15, buffer);
    const texts: string[] = [];
    for (let s = 0; s < buffer.count; s++) {
      texts.push(`${(buffer.times[s] as number) - START}=${buffer.values[s]} ${buffer.startTimes?.[s] ?? 0}`);
    }
    if (texts.length > 0) found.set(set.labels(i).get("s") ?? "", texts.join(", "));
  }
  querier.close();
  assert.deepEqual(sortedEntries(found), sortedEntries(expected), where);
}

function sortedEntries(map: ReadonlyMap<string, string>): [string, string][] {
  return [...map].sort(([a], [b]) => Number(a) - Number(b));
}

async function failureOf(operations: readonly Operation[]): Promise<Error | undefined> {
  lastTimes = new Map();
  try {
    await run(operations);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** Leaves out what is not needed to fail: first halves, then smaller and smaller pieces. */
async function shrink(operations: readonly Operation[]): Promise<readonly Operation[]> {
  let smallest = operations;
  let budget = SHRINK_BUDGET;
  for (let size = Math.ceil(operations.length / 2); size >= 1 && budget > 0; size = Math.floor(size / 2)) {
    for (let from = 0; from < smallest.length && budget > 0; budget--) {
      const fewer = [...smallest.slice(0, from), ...smallest.slice(from + size)];
      if ((await failureOf(fewer)) === undefined) from += size;
      else smallest = fewer;
    }
  }
  return smallest;
}

test(`Db: random runs of everything say what a naive map says (seed ${seed})`, async () => {
  for (let round = 0; round < runs; round++) {
    withStarts = (seed + round) % 2 === 1;
    const operations = generate(seeded(seed + round));
    const failure = await failureOf(operations);
    if (failure === undefined) continue;
    const smallest = await shrink(operations);
    const reason = (await failureOf(smallest)) ?? failure;
    const steps = smallest.map((operation) => JSON.stringify(operation)).join("\n  ");
    throw new Error(`NARTHEX_FUZZ_SEED=${seed + round}, ${smallest.length} operations:\n  ${steps}\n${reason.stack}`);
  }
});
