// The database against a naive map: seeded runs of everything that may happen to it. A query over everything must say what the map
// says, all along. NARTHEX_FUZZ_SEED repeats a run, NARTHEX_FUZZ_RUNS makes it longer.
// A run that fails is made smaller, and what is left of it is printed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FloatHistogramFields, isStaleAt, Labels, Matcher } from "@narthex/model";
import { Append, type Appender, type Queryable, SampleBuffer } from "@narthex/storage";
import { seeded } from "./block/block-fixture.ts";
import { Db } from "./db.ts";
import { MemoryFs } from "./fs/memory-fs.ts";

const seed = Number(process.env["NARTHEX_FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
const runs = Number(process.env["NARTHEX_FUZZ_RUNS"] ?? 3);
const OPERATIONS = 2000;
const RANGE = 60_000;
const START = RANGE * 1000;
/** Floats, then histograms of integers, of floats, and one series that changes between floats and histograms. */
const SERIES = 14;
const INTEGERS = 10;
const FLOATS = 12;
const CHANGING = 13;
/** How long a failing run is made smaller at most. */
const SHRINK_MS = 60_000;

/** One operation; times are distances from the newest time so far, so that an operation means something without those before it. */
type Operation =
  | { readonly kind: "append" | "roll back" | "end"; readonly ahead: number; readonly series: readonly number[] }
  /** Samples that come again: with the same value, which is fine, and with another, which is not. */
  | { readonly kind: "repeat"; readonly series: number; readonly same: boolean }
  | {
      readonly kind: "delete";
      readonly from: number;
      readonly to: number;
      readonly name: string;
      readonly value: string;
    }
  | { readonly kind: "window"; readonly windowMs: number }
  /** Closed, or killed, and opened again, with chunk snapshots or without. */
  | { readonly kind: "restart" | "kill"; readonly snapshots: boolean }
  | { readonly kind: "clean" | "compact" | "compact stale" | "maintain" | "copy" };

function generate(random: () => number): Operation[] {
  const operations: Operation[] = [];
  const pick = (count: number): number => Math.floor(random() * count);
  const some = (): number[] => Array.from({ length: 1 + pick(SERIES) }, () => pick(SERIES));
  while (operations.length < OPERATIONS) {
    const dice = random();
    // Mostly forwards, sometimes the same time again or late, sometimes a gap.
    const ahead = random() < 0.12 ? -pick(RANGE * 1.5) : random() < 0.02 ? RANGE * pick(4) : pick(2500);
    if (dice < 0.7) operations.push({ kind: "append", ahead, series: some() });
    else if (dice < 0.72) operations.push({ kind: "roll back", ahead, series: some() });
    else if (dice < 0.75) operations.push({ kind: "end", ahead: pick(2500), series: some() });
    else if (dice < 0.79) operations.push({ kind: "repeat", series: pick(SERIES), same: random() < 0.5 });
    else if (dice < 0.84) {
      const from = -pick(RANGE * 6);
      const byGroup = random() < 0.5;
      const name = byGroup ? "group" : "s";
      const value = String(pick(byGroup ? 3 : SERIES));
      operations.push({ kind: "delete", from, to: from + pick(RANGE * 3), name, value });
    } else if (dice < 0.85) operations.push({ kind: "clean" });
    else if (dice < 0.89) operations.push({ kind: "compact" });
    else if (dice < 0.91) operations.push({ kind: "compact stale" });
    else if (dice < 0.94) operations.push({ kind: "maintain" });
    else if (dice < 0.965) operations.push({ kind: "restart", snapshots: random() < 0.7 });
    else if (dice < 0.985) operations.push({ kind: "kill", snapshots: random() < 0.7 });
    else if (dice < 0.995) operations.push({ kind: "window", windowMs: pick(3) * (RANGE / 2) });
    else operations.push({ kind: "copy" });
  }
  return operations;
}

function labelsOf(series: number): Labels {
  return Labels.fromObject({ __name__: "m", group: String(series % 3), s: String(series) });
}

/** What a series has at a time: the same whenever it is asked for, so that it does not matter which of two samples wins. */
function valueAt(series: number, t: number): number {
  return ((t * 31 + series * 7) % 64) + (series % 2 === 0 ? 0 : (t % 1000) / 8);
}

function histogramAt(series: number, t: number, extra = 0): FloatHistogramFields {
  const integer = series < FLOATS;
  const buckets = 2 + (Math.floor(t / 5000) % 3);
  const positiveBuckets = Float64Array.from({ length: buckets }, (_, i) => (t % (17 + i)) + (integer ? 0 : 0.5));
  let count = extra;
  for (const bucket of positiveBuckets) count += bucket;
  return {
    counterResetHint: 0,
    schema: 2,
    zeroThreshold: 0,
    zeroCount: 0,
    count,
    sum: t % 1009,
    positiveSpans: [{ offset: 0, length: buckets }],
    negativeSpans: [],
    positiveBuckets,
    negativeBuckets: new Float64Array(0),
    customValues: [],
  };
}

function isHistogramAt(series: number, t: number): boolean {
  return series === CHANGING ? Math.floor(t / 20_000) % 2 === 0 : series >= INTEGERS;
}

/** When the counter of a float began, for runs that store that; 0 where nobody knows. */
function startAt(series: number, t: number): number {
  return (t + series) % 10 < 3 ? 0 : t - ((t * 13 + series) % (series < 3 ? 7 : RANGE));
}

function append(appender: Appender, series: number, t: number): Append {
  const ref = appender.series(labelsOf(series));
  if (!isHistogramAt(series, t)) return appender.append(ref, t, valueAt(series, t), startAt(series, t));
  return appender.appendHistogram(ref, t, histogramAt(series, t), series < FLOATS);
}

function textAt(series: number, t: number, withStarts: boolean): string {
  if (isHistogramAt(series, t)) return histogramText(histogramAt(series, t));
  return `${valueAt(series, t)}@${withStarts ? startAt(series, t) : 0}`;
}

/** Empty buckets may come and go: a chunk has the buckets of all its samples. */
function histogramText({ count, sum, positiveBuckets }: FloatHistogramFields): string {
  const buckets = [...positiveBuckets].map((bucket, i) => (bucket === 0 ? "" : `${i}:${bucket}`));
  return `${count}/${sum}/${buckets.filter((text) => text !== "").join(",")}`;
}

const STALE = "stale";

/** What the map says of one series. */
class SeriesModel {
  /** Times and values, as text. */
  readonly samples = new Map<number, string>();
  /** The newest time it ever had, deleted or not; and whether that sample ended it. */
  newest: number = Number.NEGATIVE_INFINITY;
  isStale = false;
  /** Where something was deleted: what comes late into it is hidden, as in the reference. */
  readonly deleted: (readonly [from: number, to: number])[] = [];

  take(t: number, text: string): void {
    // What repeats the newest sample is taken without being stored anew: it may have been deleted.
    if (t === this.newest) return;
    this.samples.set(t, text);
    if (t < this.newest) return;
    this.newest = t;
    this.isStale = text === STALE;
  }

  /** Whether the map knows what becomes of a sample at this time. */
  isClear(t: number): boolean {
    // A series that ended may have left the head: then it is taken up anew, and may get times that it had.
    if (t <= this.newest && this.isStale) return false;
    return !this.deleted.some(([from, to]) => t >= from && t <= to);
  }
}

class Run {
  #fs = new MemoryFs();
  #db: Db | undefined;
  #windowMs = RANGE;
  #newest = START;
  /** Whether start timestamps are stored. */
  readonly #withStarts: boolean;
  readonly #models = Array.from({ length: SERIES }, () => new SeriesModel());

  constructor(withStarts: boolean) {
    this.#withStarts = withStarts;
  }

  async all(operations: readonly Operation[]): Promise<void> {
    this.#db = await this.#open(true);
    for (const [at, operation] of operations.entries()) {
      try {
        await this.#do(operation);
        if (operation.kind !== "append" || at % 32 === 0) this.#compare(this.#db);
      } catch (error) {
        throw new RunError(at, operation, error as Error);
      }
    }
    await this.#db.close();
  }

  #open(snapshotsChunks: boolean, fs = this.#fs, directory = "data"): Promise<Db> {
    return Db.open({
      directory,
      fs,
      snapshotsChunks,
      ...(this.#withStarts ? { floatEncoding: "xor2", logsStartTimes: true } : {}),
      memoryBytes: 2 ** 26,
      maintenanceIntervalMs: 0,
      blockRangeMs: RANGE,
      maxBlockRangeMs: RANGE * 9,
      walSegmentBytes: 32 * 1024,
      outOfOrderWindowMs: this.#windowMs,
    });
  }

  async #do(operation: Operation): Promise<void> {
    const db = this.#db as Db;
    switch (operation.kind) {
      case "append":
      case "roll back":
      case "end":
        this.#append(db, operation.kind, this.#newest + operation.ahead, new Set(operation.series));
        break;
      case "repeat":
        this.#repeat(db, operation.series, operation.same);
        break;
      case "delete": {
        const [from, to] = [this.#newest + operation.from, this.#newest + operation.to];
        await db.delete(from, to, [new Matcher("=", operation.name, operation.value)]);
        for (const [series, model] of this.#models.entries()) {
          if (labelsOf(series).get(operation.name) !== operation.value) continue;
          for (const t of [...model.samples.keys()]) if (t >= from && t <= to) model.samples.delete(t);
          model.deleted.push([from, to]);
        }
        break;
      }
      case "window":
        this.#windowMs = operation.windowMs;
        db.setOutOfOrderWindow(operation.windowMs);
        break;
      case "clean":
        await db.cleanTombstones();
        break;
      case "compact":
        await db.compact();
        break;
      case "compact stale":
        await db.compactStaleSeries();
        break;
      case "maintain":
        db.maintain();
        break;
      case "restart":
        await db.close();
        this.#db = await this.#open(operation.snapshots);
        break;
      case "kill":
        this.#fs = this.#fs.clone();
        this.#db = await this.#open(operation.snapshots);
        break;
      case "copy": {
        const name = await db.snapshot();
        const copy = await this.#open(false, this.#fs.clone(), `data/snapshots/${name}`);
        this.#compare(copy);
        await copy.close();
        break;
      }
    }
  }

  #append(db: Db, kind: "append" | "roll back" | "end", t: number, wanted: ReadonlySet<number>): void {
    const appender = db.appender();
    const taken: number[] = [];
    for (const series of wanted) {
      const model = this.#models[series] as SeriesModel;
      if (!model.isClear(t)) continue;
      // Late for the head though the newest of its series: when it is deleted from its block and the series has left the head, the next
      // start takes it from the log again (see "Limits" in the README), which the map does not know.
      if (t > model.newest && t < this.#newest - RANGE / 2) continue;
      // Only what has something to end is ended, and in order.
      if (kind === "end" && !(t > model.newest && model.newest > 0)) continue;
      const verdict =
        kind === "end" ? appender.appendStale(appender.series(labelsOf(series)), t) : append(appender, series, t);
      assert.notEqual(verdict, Append.unknownRef);
      assert.notEqual(verdict, Append.unsupported);
      if (verdict === Append.ok) taken.push(series);
      else assert.ok(t <= this.#newest, `${series} is refused with ${verdict} at the newest time`);
    }
    if (kind === "roll back") {
      appender.rollback();
      return;
    }
    appender.commit();
    for (const series of taken) {
      (this.#models[series] as SeriesModel).take(t, kind === "end" ? STALE : textAt(series, t, this.#withStarts));
    }
    if (taken.length > 0) this.#newest = Math.max(this.#newest, t);
  }

  #repeat(db: Db, series: number, same: boolean): void {
    const model = this.#models[series] as SeriesModel;
    const t = model.newest;
    if (model.isStale || !model.samples.has(t) || t < db.head.times.minValid) return;
    const appender = db.appender();
    const ref = appender.series(labelsOf(series));
    const isHistogram = isHistogramAt(series, t);
    const verdict = same
      ? append(appender, series, t)
      : isHistogram
        ? appender.appendHistogram(ref, t, { ...histogramAt(series, t), sum: -1 }, series < FLOATS)
        : appender.append(ref, t, valueAt(series, t) + 1);
    // Late samples are told apart by time only: the first one stays.
    const isOk = verdict === Append.ok || verdict === Append.outOfBounds || verdict === Append.tooOld;
    if (same) assert.ok(isOk || verdict === Append.duplicate, `${verdict}`);
    else assert.ok(verdict !== Append.unknownRef, `${verdict}`);
    // What another value does where the newest sample came late is not of interest here.
    if (same) appender.commit();
    else appender.rollback();
  }

  #compare(queryable: Queryable): void {
    const expected: Record<string, string> = {};
    for (const [series, { samples }] of this.#models.entries()) {
      if (samples.size === 0) continue;
      const sorted = [...samples].sort(([a], [b]) => a - b);
      expected[series] = sorted.map(([t, text]) => `${t - START}=${text}`).join(" ");
    }
    const found: Record<string, string> = {};
    const querier = queryable.querier(0, 8.64e15);
    const set = querier.select([new Matcher("=", "__name__", "m")]);
    const buffer = new SampleBuffer();
    for (let i = 0; i < set.count; i++) {
      buffer.clear();
      set.read(i, 0, 8.64e15, buffer);
      const texts: string[] = [];
      for (let s = 0; s < buffer.count; s++) {
        const histogram = buffer.histograms?.[s];
        const float = isStaleAt(buffer.halves, s) ? STALE : `${buffer.values[s]}@${buffer.startTimes?.[s] ?? 0}`;
        texts.push(
          `${(buffer.times[s] as number) - START}=${histogram === undefined ? float : histogramText(histogram)}`,
        );
      }
      if (texts.length > 0) found[Number(set.labels(i).get("s"))] = texts.join(" ");
    }
    querier.close();
    for (let series = 0; series < SERIES; series++) {
      if (found[series] === expected[series]) continue;
      const [has, wants] = [new Set(found[series]?.split(" ")), new Set(expected[series]?.split(" "))];
      const lost = [...wants].filter((text) => !has.has(text));
      const invented = [...has].filter((text) => !wants.has(text));
      assert.fail(`series ${series}: lost ${lost.join(" ") || "nothing"}; invented ${invented.join(" ") || "nothing"}`);
    }
  }
}

/** What went wrong, and with which operation. */
class RunError extends Error {
  readonly at: number;

  constructor(at: number, operation: Operation, cause: Error) {
    super(`operation ${at} (${operation.kind}): ${cause.message}`, { cause });
    this.at = at;
  }
}

async function failureOf(operations: readonly Operation[], withStarts: boolean): Promise<RunError | undefined> {
  try {
    await new Run(withStarts).all(operations);
    return undefined;
  } catch (error) {
    if (error instanceof RunError) return error;
    throw error;
  }
}

/**
 * Leaves out what is not needed to fail: what comes after, then halves, then smaller and smaller pieces, until nothing goes; then
 * series.
 */
async function shrink(
  operations: readonly Operation[],
  failure: RunError,
  withStarts: boolean,
): Promise<readonly Operation[]> {
  let smallest = operations.slice(0, failure.at + 1);
  const until = Date.now() + SHRINK_MS;
  for (let size = Math.ceil(smallest.length / 2); size >= 1; ) {
    const before = smallest.length;
    for (let from = 0; from < smallest.length && Date.now() < until; ) {
      const fewer = [...smallest.slice(0, from), ...smallest.slice(from + size)];
      const error = await failureOf(fewer, withStarts);
      if (error === undefined) from += size;
      else smallest = fewer.slice(0, error.at + 1);
    }
    if (Date.now() >= until) break;
    // The smallest pieces are tried again as long as one of them goes.
    size = size > 1 ? Math.floor(size / 2) : smallest.length < before ? 1 : 0;
  }
  for (let at = 0; at < smallest.length && Date.now() < until; at++) {
    const operation = smallest[at] as Operation;
    if (!("ahead" in operation)) continue;
    for (const series of new Set(operation.series)) {
      const { kind, ahead, series: now } = smallest[at] as Extract<Operation, { ahead: number }>;
      const fewer: Operation = { kind, ahead, series: now.filter((other) => other !== series) };
      const changed = smallest.map((other, i) => (i === at ? fewer : other));
      if (now.length > 1 && (await failureOf(changed, withStarts)) !== undefined) smallest = changed;
    }
  }
  return smallest;
}

test(`Db: random runs of everything say what a naive map says (seed ${seed})`, async () => {
  for (let round = 0; round < runs; round++) {
    const operations = generate(seeded(seed + round));
    // Every second one stores start timestamps.
    const withStarts = (seed + round) % 2 === 1;
    const failure = await failureOf(operations, withStarts);
    if (failure === undefined) continue;
    const smallest = await shrink(operations, failure, withStarts);
    const reason = (await failureOf(smallest, withStarts)) ?? failure;
    const steps = smallest.map((operation) => JSON.stringify(operation)).join("\n  ");
    const cause = (reason.cause as Error).stack;
    throw new Error(
      `NARTHEX_FUZZ_SEED=${seed + round} fails, ${smallest.length} of ${OPERATIONS} operations are enough:\n  ${steps}\n${reason.message}\n${cause}`,
    );
  }
});
