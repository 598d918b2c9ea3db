// What every storage must do, as tests: each implementation runs them by calling `storageContract` in its own tests.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type FloatHistogramFields, isStaleAt, Labels, Matcher, type MatchType } from "@narthex/model";
import { Append, type Appendable, type Appender, InvalidLabelsError, type SeriesRef } from "./appender.ts";
import { LabelBytes } from "./label-bytes.ts";
import type { Queryable, SelectHints } from "./queryable.ts";
import { SampleBuffer } from "./sample-buffer.ts";

/** A storage under test; `close` releases what it holds. */
export interface StorageUnderTest {
  readonly storage: Queryable & Appendable;
  close(): void | Promise<void>;
}

export interface ContractOptions {
  /** Whether native histograms are stored; where not, they must be refused as unsupported. */
  readonly histograms: boolean;
  /** Whether start timestamps come back. */
  readonly startTimes: boolean;
}

/** Samples as tests write them down: time, value, and `stale` in place of a value. */
type Row = readonly [t: number, value: number | "stale" | FloatHistogramFields];

const MIN = Number.MIN_SAFE_INTEGER;
const MAX = Number.MAX_SAFE_INTEGER;

/** How series are named: by strings or by bytes. */
type Door = "strings" | "bytes";

/**
 * Registers the contract's tests, once for each way of naming series. `open` makes an empty storage that takes samples of any time from 0 up in order and
 * refuses older ones.
 */
export function storageContract(
  name: string,
  open: () => StorageUnderTest | Promise<StorageUnderTest>,
  options: ContractOptions,
): void {
  for (const door of ["strings", "bytes"] as const) contractThrough(door, `${name}, labels as ${door}`, open, options);
}

function contractThrough(
  door: Door,
  name: string,
  open: () => StorageUnderTest | Promise<StorageUnderTest>,
  options: ContractOptions,
): void {
  const withStorage = (title: string, run: (storage: Queryable & Appendable) => void): void => {
    test(`${name}: ${title}`, async () => {
      const { storage, close } = await open();
      try {
        run(door === "bytes" ? namedByBytes(storage) : storage);
      } finally {
        await close();
      }
    });
  };

  describe(`storage contract: ${name}`, () => {
    withStorage("what was committed comes back, in time order, series sorted by labels", (storage) => {
      write(storage, { a: "2" }, [
        [1000, 1.5],
        [2000, -0],
        [3000, Number.POSITIVE_INFINITY],
      ]);
      write(storage, { a: "1", b: "x" }, [[1000, 7]]);
      write(storage, { a: "1" }, [[1500, 8]]);
      assert.deepEqual(read(storage, [["=~", "a", ".+"]]), [
        [{ a: "1" }, [[1500, 8]]],
        [{ a: "1", b: "x" }, [[1000, 7]]],
        [
          { a: "2" },
          [
            [1000, 1.5],
            [2000, -0],
            [3000, Number.POSITIVE_INFINITY],
          ],
        ],
      ]);
    });

    withStorage("nothing is seen before the commit, all of it afterwards", (storage) => {
      const appender = storage.appender();
      appender.append(appender.series(labels({ a: "1" })), 1000, 1);
      appender.append(appender.series(labels({ a: "2" })), 1000, 2);
      assert.deepEqual(read(storage, [["=~", "a", ".+"]]), []);
      appender.commit();
      assert.equal(read(storage, [["=~", "a", ".+"]]).length, 2);
    });

    withStorage("what is rolled back is gone", (storage) => {
      write(storage, { a: "1" }, [[1000, 1]]);
      const appender = storage.appender();
      appender.append(appender.series(labels({ a: "1" })), 2000, 2);
      appender.append(appender.series(labels({ a: "2" })), 2000, 2);
      appender.rollback();
      assert.deepEqual(read(storage, [["=~", "a", ".+"]]), [[{ a: "1" }, [[1000, 1]]]]);
      write(storage, { a: "2" }, [[1500, 3]]);
      assert.deepEqual(read(storage, [["=", "a", "2"]]), [[{ a: "2" }, [[1500, 3]]]]);
    });

    withStorage("a querier does not see what is committed after it was made", (storage) => {
      write(storage, { a: "1" }, [[1000, 1]]);
      const querier = storage.querier(MIN, MAX);
      write(storage, { a: "1" }, [[2000, 2]]);
      write(storage, { a: "2" }, [[2000, 2]]);
      const set = querier.select([new Matcher("=~", "a", ".+")]);
      const seen: [Record<string, string>, Row[]][] = [];
      for (let i = 0; i < set.count; i++) {
        const rows = readSeries(set.read.bind(set), i, MIN, MAX);
        if (rows.length > 0) seen.push([set.labels(i).toObject(), rows]);
      }
      querier.close();
      querier.close();
      assert.deepEqual(seen, [[{ a: "1" }, [[1000, 1]]]]);
      assert.equal(read(storage, [["=~", "a", ".+"]]).length, 2);
    });

    withStorage("both bounds of a range belong to it, the querier's and the reader's", (storage) => {
      write(storage, { a: "1" }, [
        [1000, 1],
        [2000, 2],
        [3000, 3],
        [4000, 4],
      ]);
      const within = (minTime: number, maxTime: number, from = MIN, to = MAX): number[] => {
        const querier = storage.querier(minTime, maxTime);
        try {
          const set = querier.select([new Matcher("=", "a", "1")]);
          return set.count === 0 ? [] : readSeries(set.read.bind(set), 0, from, to).map(([t]) => t);
        } finally {
          querier.close();
        }
      };
      assert.deepEqual(within(2000, 3000), [2000, 3000]);
      assert.deepEqual(within(0, 9000, 2000, 3000), [2000, 3000]);
      assert.deepEqual(within(1500, 9000, 0, 2500), [2000]);
      assert.deepEqual(within(2001, 2999), []);
      assert.deepEqual(within(5000, 9000), []);
    });

    withStorage("reading appends to the buffer and goes beyond its capacity", (storage) => {
      const count = 1000;
      write(
        storage,
        { a: "1" },
        Array.from({ length: count }, (_, i): Row => [i * 15_000, Math.sin(i)]),
      );
      const querier = storage.querier(MIN, MAX);
      const set = querier.select([new Matcher("=", "a", "1")]);
      const buffer = new SampleBuffer(4);
      set.read(0, MIN, 15_000, buffer);
      assert.equal(buffer.count, 2);
      set.read(0, 30_000, MAX, buffer);
      assert.equal(buffer.count, count);
      for (let i = 0; i < count; i++) {
        assert.equal(buffer.times[i], i * 15_000);
        assert.ok(Object.is(buffer.values[i], Math.sin(i)));
      }
      querier.close();
    });

    withStorage("stale markers and other NaNs keep their bits", (storage) => {
      const appender = storage.appender();
      const ref = appender.series(labels({ a: "1" }));
      const odd = new Float64Array(1);
      const oddHalves = new Uint32Array(odd.buffer);
      oddHalves.set([0x12345678, 0x7ff80abc]);
      const verdicts = new Uint8Array(1);
      assert.equal(appender.appendBatch(Uint32Array.of(ref), oddHalves, 1, 1000, verdicts), 0);
      assert.equal(appender.appendStale(ref, 2000), Append.ok);
      appender.commit();
      const querier = storage.querier(MIN, MAX);
      const buffer = new SampleBuffer();
      querier.select([new Matcher("=", "a", "1")]).read(0, MIN, MAX, buffer);
      assert.deepEqual([...buffer.halves.subarray(0, 2)], [0x12345678, 0x7ff80abc]);
      assert.ok(isStaleAt(buffer.halves, 1));
      querier.close();
    });

    withStorage("older and conflicting samples are refused one by one, within a batch too", (storage) => {
      write(storage, { a: "1" }, [[2000, 2]]);
      const appender = storage.appender();
      const ref = appender.series(labels({ a: "1" }));
      assert.equal(appender.append(ref, 1000, 1), Append.outOfOrder);
      assert.equal(appender.append(ref, 2000, 3), Append.duplicate);
      assert.equal(appender.append(ref, 2000, 2), Append.ok);
      assert.equal(appender.append(ref, 3000, 3), Append.ok);
      assert.equal(appender.append(ref, 2500, 3), Append.outOfOrder);
      assert.equal(appender.append(ref, 3000, 4), Append.duplicate);
      appender.commit();
      assert.deepEqual(read(storage, [["=", "a", "1"]]), [
        [
          { a: "1" },
          [
            [2000, 2],
            [3000, 3],
          ],
        ],
      ]);
    });

    withStorage("a batch reports each sample's verdict and how many were refused", (storage) => {
      write(storage, { a: "2" }, [[5000, 1]]);
      const appender = storage.appender();
      const refs = Uint32Array.from(["1", "2", "3"], (a) => appender.series(labels({ a })));
      refs[2] = 4_000_000;
      const values = Float64Array.of(10, 20, 30);
      const verdicts = new Uint8Array(3).fill(9);
      assert.equal(appender.appendBatch(refs, new Uint32Array(values.buffer), 3, 4000, verdicts), 2);
      assert.deepEqual([...verdicts], [Append.ok, Append.outOfOrder, Append.unknownRef]);
      appender.commit();
      assert.deepEqual(read(storage, [["=", "a", "1"]]), [[{ a: "1" }, [[4000, 10]]]]);
    });

    withStorage("a ref names the same series in later appenders; one never given is unknown", (storage) => {
      const first = storage.appender();
      const ref = first.series(labels({ a: "1" }));
      assert.equal(first.series(labels({ a: "1" })), ref);
      assert.notEqual(ref, 0);
      first.append(ref, 1000, 1);
      first.commit();
      const second = storage.appender();
      assert.equal(second.append(ref, 2000, 2), Append.ok);
      assert.equal(second.append(4_000_000, 2000, 2), Append.unknownRef);
      second.commit();
      assert.deepEqual(
        read(storage, [["=", "a", "1"]]).map(([, rows]) => rows.length),
        [2],
      );
    });

    withStorage("label sets that name no series are refused", (storage) => {
      const appender = storage.appender();
      assert.throws(() => appender.series(Labels.empty), InvalidLabelsError);
      assert.throws(() => appender.series(new Labels(["a", "1", "a", "2"])), InvalidLabelsError);
      appender.rollback();
    });

    withStorage("labels as strings and as bytes name the same series, and are refused in the same words", (storage) => {
      const appender = storage.appender();
      const good = [
        { a: "1" },
        { a: "1", b: "2" },
        { A: "x", __name__: "up", job: "j" },
        { "a.b": "é", job: "\u{1f525}", "\uff5e": "high", "\u{10348}": "higher" },
      ];
      for (const set of good) {
        const ref = appender.series(labels(set));
        assert.equal(appender.seriesOfBytes(labelBytes(labels(set))), ref);
        assert.equal(appender.series(labels(set)), ref);
      }
      const bad = [[], ["", "1"], ["a", ""], ["a", "1", "a", "2"], ["b", "1", "a", "2"], ["ab", "1", "a", "2"]];
      for (const pairs of bad) {
        const wrong = new Labels(pairs);
        const words = (call: () => unknown): string => {
          try {
            call();
          } catch (error) {
            assert.ok(error instanceof InvalidLabelsError);
            return error.message;
          }
          return assert.fail(`taken: ${wrong}`);
        };
        assert.equal(
          words(() => appender.seriesOfBytes(labelBytes(wrong))),
          words(() => appender.series(wrong)),
        );
      }
      appender.rollback();
    });

    withStorage("matchers: absent labels count as empty", (storage) => {
      for (const set of [{ m: "x" }, { m: "x", a: "1" }, { m: "x", a: "2", b: "é" }, { m: "y", a: "1" }]) {
        write(storage, set, [[1000, 1]]);
      }
      const select = (...matchers: [MatchType, string, string][]) => read(storage, matchers).map(([set]) => set);
      assert.deepEqual(select(["=", "m", "x"], ["=", "a", ""]), [{ m: "x" }]);
      assert.deepEqual(select(["=", "m", "x"], ["!=", "a", ""]), [
        { a: "1", m: "x" },
        { a: "2", b: "é", m: "x" },
      ]);
      assert.deepEqual(select(["=", "m", "x"], ["!=", "a", "1"]), [{ a: "2", b: "é", m: "x" }, { m: "x" }]);
      assert.deepEqual(select(["=~", "a", "1|3"]), [
        { a: "1", m: "x" },
        { a: "1", m: "y" },
      ]);
      assert.deepEqual(select(["=", "m", "x"], ["!~", "a", "1|2"]), [{ m: "x" }]);
      assert.deepEqual(select(["=", "m", "x"], ["=~", "a", ".*"], ["=~", "b", "|é"]).length, 3);
      assert.deepEqual(select(["=", "nope", "x"]), []);
      assert.equal(select().length, 4);
    });

    withStorage("in any order the same series are selected", (storage) => {
      for (let i = 9; i >= 0; i--) write(storage, { a: String(i) }, [[1000, i]]);
      const querier = storage.querier(MIN, MAX);
      const set = querier.select([new Matcher("=~", "a", ".+")], { ...NO_HINTS, anyOrder: true });
      const samples = new SampleBuffer();
      const found = Array.from({ length: set.count }, (_, i) => {
        samples.clear();
        set.read(i, MIN, MAX, samples);
        return `${set.labels(i).get("a")}=${samples.values[0]}`;
      });
      assert.deepEqual(
        found.sort(),
        Array.from({ length: 10 }, (_, i) => `${i}=${i}`),
      );
      querier.close();
    });

    withStorage("a limit in the hints may shorten a selection, never change it", (storage) => {
      for (let i = 0; i < 10; i++) write(storage, { a: String(i) }, [[1000, i]]);
      const querier = storage.querier(MIN, MAX);
      const set = querier.select([new Matcher("=~", "a", ".+")], { ...NO_HINTS, limit: 3 });
      assert.ok(set.count >= 3 && set.count <= 10);
      assert.deepEqual(
        [0, 1, 2].map((i) => set.labels(i).get("a")),
        ["0", "1", "2"],
      );
      assert.ok(querier.estimateSeries([new Matcher("=~", "a", ".+")]) >= 10);
      querier.close();
    });

    withStorage("names and values of labels: sorted, filtered, cut at a limit", (storage) => {
      write(storage, { m: "x", a: "1" }, [[1000, 1]]);
      write(storage, { m: "x", b: "2" }, [[1000, 1]]);
      write(storage, { m: "y", "é.ü": "3" }, [[1000, 1]]);
      const querier = storage.querier(MIN, MAX);
      const onlyX = [new Matcher("=", "m", "x")];
      assert.deepEqual(querier.labelNames([]), { values: ["a", "b", "m", "é.ü"], truncated: false });
      assert.deepEqual(querier.labelNames(onlyX), { values: ["a", "b", "m"], truncated: false });
      assert.deepEqual(querier.labelNames([], 2), { values: ["a", "b"], truncated: true });
      assert.deepEqual(querier.labelNames([], 4), { values: ["a", "b", "m", "é.ü"], truncated: false });
      assert.deepEqual(querier.labelValues("m", []), { values: ["x", "y"], truncated: false });
      assert.deepEqual(querier.labelValues("m", onlyX), { values: ["x"], truncated: false });
      assert.deepEqual(querier.labelValues("m", [], 1), { values: ["x"], truncated: true });
      assert.deepEqual(querier.labelValues("nope", []), { values: [], truncated: false });
      querier.close();
    });

    withStorage("labels like __proto__ and names beyond ASCII are names like any other", (storage) => {
      const set = Labels.fromUnsorted([
        ["__proto__", "p"],
        ["constructor", "c"],
        ["日本", "🔥"],
      ]);
      const appender = storage.appender();
      appender.append(appender.series(set), 1000, 1);
      appender.commit();
      const querier = storage.querier(MIN, MAX);
      const found = querier.select([new Matcher("=", "__proto__", "p"), new Matcher("=", "日本", "🔥")]);
      assert.equal(found.count, 1);
      assert.ok(found.labels(0).equals(set));
      querier.close();
    });

    if (options.histograms) {
      withStorage("native histograms share a time line with floats and stale markers", (storage) => {
        const histogram = exampleHistogram(3);
        const bigger = exampleHistogram(5);
        write(storage, { a: "1" }, [
          [1000, histogram],
          [2000, 4],
          [3000, bigger],
          [4000, "stale"],
        ]);
        assert.deepEqual(read(storage, [["=", "a", "1"]]), [
          [
            { a: "1" },
            [
              [1000, histogram],
              [2000, 4],
              [3000, bigger],
              [4000, "stale"],
            ],
          ],
        ]);
        const appender = storage.appender();
        const ref = appender.series(labels({ a: "1" }));
        assert.equal(appender.appendHistogram(ref, 500, histogram, false), Append.outOfOrder);
        appender.rollback();
      });
    } else {
      withStorage("native histograms are refused as unsupported", (storage) => {
        const appender = storage.appender();
        const ref = appender.series(labels({ a: "1" }));
        assert.equal(appender.appendHistogram(ref, 1000, exampleHistogram(3), false), Append.unsupported);
        appender.rollback();
      });
    }

    if (options.startTimes) {
      withStorage("start timestamps come back with their samples, 0 where unknown", (storage) => {
        const appender = storage.appender();
        const ref = appender.series(labels({ a: "1" }));
        appender.append(ref, 1000, 1);
        appender.append(ref, 2000, 2, 500);
        appender.append(ref, 3000, 3);
        appender.commit();
        const querier = storage.querier(MIN, MAX);
        const buffer = new SampleBuffer();
        querier.select([new Matcher("=", "a", "1")]).read(0, MIN, MAX, buffer);
        assert.deepEqual([...(buffer.startTimes?.subarray(0, 3) ?? [])], [0, 500, 0]);
        querier.close();
      });

      withStorage(
        "start timestamps come by value, by bits and with histograms; a batch may have none, stale markers never do",
        (storage) => {
          const appender = storage.appender();
          const ref = appender.series(labels({ a: "1" }));
          const other = appender.series(labels({ a: "2" }));
          appender.appendBits(ref, 1000, 0x3ff00000, 0, 400);
          appender.appendBatch(Uint32Array.of(ref, other), Uint32Array.of(1, 2, 3, 4), 2, 2000, new Uint8Array(2));
          const batchStarts = Float64Array.of(1999, 0);
          const halves = Uint32Array.of(5, 6, 7, 8);
          const verdicts = Uint8Array.of(9, 9);
          const refs = Uint32Array.of(ref, other);
          assert.equal(appender.appendBatch(refs, halves, 2, 2500, verdicts, batchStarts), 0);
          assert.deepEqual([...verdicts], [Append.ok, Append.ok]);
          appender.append(ref, 3000, 3, -7);
          appender.appendStale(ref, 4000);
          appender.append(other, 5000, 3, 5000);
          if (options.histograms) {
            appender.appendHistogram(other, 6000, exampleHistogram(3), true, 5001);
            appender.appendHistogram(other, 7000, exampleHistogram(4), true, 5001);
          }
          appender.commit();
          assert.deepEqual(starts(storage, "1"), [400, 0, 1999, -7, 0]);
          assert.deepEqual(starts(storage, "2"), [0, 0, 5000, ...(options.histograms ? [5001, 5001] : [])]);
        },
      );

      withStorage(
        "start timestamps do not leak into the next series of a buffer, nor into rolled back ones",
        (storage) => {
          const first = storage.appender();
          first.append(first.series(labels({ a: "1" })), 1000, 1, 500);
          first.append(first.series(labels({ a: "1" })), 2000, 2, 501);
          first.rollback();
          const second = storage.appender();
          second.append(second.series(labels({ a: "1" })), 1000, 1, 500);
          second.append(second.series(labels({ a: "2" })), 1000, 1);
          second.append(second.series(labels({ a: "2" })), 2000, 2);
          second.commit();
          const querier = storage.querier(MIN, MAX);
          const set = querier.select([new Matcher("=~", "a", ".+")]);
          const buffer = new SampleBuffer();
          set.read(0, MIN, MAX, buffer);
          assert.deepEqual(startsOf(buffer), [500]);
          set.read(1, MIN, MAX, buffer);
          assert.deepEqual(startsOf(buffer), [500, 0, 0]);
          buffer.clear();
          set.read(1, MIN, MAX, buffer);
          assert.deepEqual(startsOf(buffer), [0, 0]);
          querier.close();
        },
      );
    }
  });
}

/** The start timestamps of the series `{a="..."}`. */
function starts(storage: Queryable, a: string): number[] {
  const querier = storage.querier(MIN, MAX);
  const buffer = new SampleBuffer();
  querier.select([new Matcher("=", "a", a)]).read(0, MIN, MAX, buffer);
  querier.close();
  return startsOf(buffer);
}

function startsOf({ count, startTimes }: SampleBuffer): number[] {
  return Array.from({ length: count }, (_, i) => startTimes?.[i] ?? 0);
}

const NO_HINTS: SelectHints = {
  minTime: MIN,
  maxTime: MAX,
  stepMs: 0,
  rangeMs: 0,
  func: "",
  grouping: [],
  by: false,
  limit: 0,
};

function labels(object: Readonly<Record<string, string>>): Labels {
  return Labels.fromObject(object);
}

function write(storage: Appendable, set: Readonly<Record<string, string>>, rows: readonly Row[]): void {
  const appender = storage.appender();
  const ref = appender.series(labels(set));
  for (const [t, value] of rows) assert.equal(appendValue(appender, ref, t, value), Append.ok);
  appender.commit();
}

function appendValue(appender: Appender, ref: SeriesRef, t: number, value: Row[1]): Append {
  if (value === "stale") return appender.appendStale(ref, t);
  if (typeof value === "number") return appender.append(ref, t, value);
  return appender.appendHistogram(ref, t, value, true);
}

/** All series passing the matchers that have samples, with these. */
function read(
  storage: Queryable,
  matchers: readonly (readonly [MatchType, string, string])[],
): [Record<string, string>, Row[]][] {
  const querier = storage.querier(MIN, MAX);
  try {
    const set = querier.select(matchers.map(([type, name, value]) => new Matcher(type, name, value)));
    const found: [Record<string, string>, Row[]][] = [];
    for (let i = 0; i < set.count; i++) {
      const rows = readSeries(set.read.bind(set), i, MIN, MAX);
      if (rows.length > 0) found.push([set.labels(i).toObject(), rows]);
    }
    return found;
  } finally {
    querier.close();
  }
}

type Read = (index: number, minTime: number, maxTime: number, into: SampleBuffer) => void;

function readSeries(readInto: Read, index: number, minTime: number, maxTime: number): Row[] {
  const buffer = new SampleBuffer(2);
  readInto(index, minTime, maxTime, buffer);
  return Array.from({ length: buffer.count }, (_, i): Row => {
    const t = buffer.times[i] as number;
    if (isStaleAt(buffer.halves, i)) return [t, "stale"];
    return [t, buffer.histograms?.[i] ?? (buffer.values[i] as number)];
  });
}

function exampleHistogram(size: number): FloatHistogramFields {
  return {
    counterResetHint: 0,
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: 1,
    count: 1 + 2 * size,
    sum: 12.5 * size,
    positiveSpans: [
      { offset: -2, length: 1 },
      { offset: 3, length: 1 },
    ],
    negativeSpans: [],
    positiveBuckets: Float64Array.of(size, size),
    negativeBuckets: new Float64Array(0),
    customValues: [],
    integer: true,
  };
}

function labelBytes(set: Labels): LabelBytes {
  const bytes = new LabelBytes();
  for (const [name, value] of set) bytes.addText(name, value);
  return bytes;
}

/** The storage as it is, but `series` of its appenders goes through `seriesOfBytes`. */
function namedByBytes(storage: Queryable & Appendable): Queryable & Appendable {
  const appender = (): Appender => {
    const inner = storage.appender();
    return new Proxy(inner, {
      get(target, key) {
        if (key === "series") return (set: Labels) => target.seriesOfBytes(labelBytes(set));
        const value = target[key as keyof Appender];
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  };
  return { appender, querier: (minTime, maxTime) => storage.querier(minTime, maxTime) };
}
