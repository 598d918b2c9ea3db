import assert from "node:assert/strict";
import { test } from "node:test";
import { BitWriter } from "@narthex/encoding";
import { type FloatHistogramFields, isStaleAt, Labels, Matcher, type Span } from "@narthex/model";
import { Append, SampleBuffer } from "@narthex/storage";
import { bucketIndexes } from "../chunk/bucket-layout.ts";
import { decodeChunk } from "../chunk/decode.ts";
import { encodeHistogramChunk, type HistogramSample } from "../chunk/histogram-encoder.ts";
import type { ChunkPlace, ChunkSink } from "./finished-chunks.ts";
import { Head } from "./head.ts";
import { HeadQuerier } from "./head-querier.ts";
import { type ChunkBytes, type ChunkSource, HeadView } from "./head-view.ts";

const RANGE = 7_200_000;
const MEMORY = 2 ** 26;

interface WrittenChunk {
  readonly minTime: number;
  readonly maxTime: number;
  readonly encoding: number;
  readonly bytes: Uint8Array;
}

/** Chunks kept in an array instead of files. */
class MemorySink implements ChunkSink, ChunkSource {
  readonly chunks: WrittenChunk[] = [];

  write(
    _ref: number,
    minTime: number,
    maxTime: number,
    encoding: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ChunkPlace {
    this.chunks.push({ minTime, maxTime, encoding, bytes: bytes.slice(start, end) });
    return { file: 1, offset: this.chunks.length - 1 };
  }

  flush(): void {}

  chunk(_file: number, offset: number): ChunkBytes {
    const { encoding, bytes } = this.chunks[offset] as WrittenChunk;
    return { encoding, bytes, start: 0, end: bytes.length };
  }

  read(file: number, offset: number, minTime: number, maxTime: number, into: SampleBuffer): void {
    const { encoding, bytes, start, end } = this.chunk(file, offset);
    assert.ok(decodeChunk(encoding, bytes, start, end, minTime, maxTime, into));
  }
}

type Value = number | "stale" | FloatHistogramFields;

function histogram(changes: Partial<FloatHistogramFields> = {}): FloatHistogramFields {
  return {
    counterResetHint: 0,
    schema: 1,
    zeroThreshold: 2 ** -128,
    zeroCount: 1,
    count: 4,
    sum: 1.5,
    positiveSpans: [{ offset: 0, length: 2 }],
    negativeSpans: [],
    positiveBuckets: Float64Array.of(1, 2),
    negativeBuckets: new Float64Array(0),
    customValues: [],
    ...changes,
  };
}

/** A head, and a way to write to one of its series. */
function opened(): {
  head: Head;
  sink: MemorySink;
  append(t: number, value: Value, integer?: boolean): Append;
  read(minTime?: number, maxTime?: number): [number, Value][];
} {
  const head = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  const sink = new MemorySink();
  head.attach(undefined, sink);
  const labels = Labels.fromObject({ __name__: "h" });
  return {
    head,
    sink,
    append: (t, value, integer = true) => {
      const appender = head.appender();
      const ref = appender.series(labels);
      const verdict =
        typeof value === "number"
          ? appender.append(ref, t, value)
          : value === "stale"
            ? appender.appendStale(ref, t)
            : appender.appendHistogram(ref, t, value, integer);
      appender.commit();
      return verdict;
    },
    read: (minTime = -Infinity, maxTime = Infinity) => readAll(head, sink, minTime, maxTime),
  };
}

function readAll(head: Head, sink: ChunkSource, minTime: number, maxTime: number): [number, Value][] {
  const snapshot = head.snapshots.take(head.table.lastRef);
  const release = (): void => head.snapshots.release(snapshot);
  const querier = new HeadQuerier(new HeadView(head.memory, sink), snapshot, minTime, maxTime, release);
  const set = querier.select([new Matcher("=", "__name__", "h")]);
  const samples = new SampleBuffer();
  if (set.count > 0) set.read(0, minTime, maxTime, samples);
  querier.close();
  return Array.from({ length: samples.count }, (_, i) => [
    samples.times[i] as number,
    isStaleAt(samples.halves, i) ? "stale" : (samples.histograms?.[i] ?? (samples.values[i] as number)),
  ]);
}

/** What must come back of a histogram, whatever buckets its chunk has: those that are not empty. */
function facts(value: Value): unknown {
  if (typeof value !== "object") return value;
  const side = (spans: readonly Span[], counts: Float64Array): unknown => {
    const indexes = bucketIndexes(spans);
    return [...indexes].map((index, i) => [index, counts[i]]).filter(([, count]) => count !== 0);
  };
  const { schema, zeroThreshold, zeroCount, count, sum, customValues } = value;
  const positive = side(value.positiveSpans, value.positiveBuckets);
  const negative = side(value.negativeSpans, value.negativeBuckets);
  return { schema, zeroThreshold, zeroCount, count, sum, customValues, positive, negative };
}

/** Small repeatable random numbers. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** One life of a series of histograms, with all that may happen to one: new buckets, resets, gauges, other layouts, floats. */
class Life {
  readonly #next: () => number;
  #positive = new Map<number, number>();
  #negative = new Map<number, number>();
  #zero = 0;
  #schema = 1;
  #threshold = 0.001;
  #bounds: number[] = [];
  integer: boolean;
  #gauge = false;

  constructor(next: () => number) {
    this.#next = next;
    this.integer = next() < 0.5;
  }

  step(): Value {
    const roll = this.#next();
    if (roll < 0.01) return "stale";
    if (roll < 0.02) return this.#next() * 100;
    if (roll < 0.03) this.#restart();
    else if (roll < 0.035) this.integer = !this.integer;
    else if (roll < 0.04) this.#gauge = !this.#gauge;
    else if (roll < 0.045) this.#threshold = 2 ** -Math.floor(this.#next() * 200);
    if (this.#bounds.length === 0) this.#zero += Math.floor(this.#next() * 3);
    const observations = Math.floor(this.#next() * 6);
    for (let i = 0; i < observations; i++) {
      const isNegative = this.#bounds.length === 0 && this.#next() < 0.3;
      const index =
        this.#bounds.length > 0
          ? Math.floor(this.#next() * 4)
          : Math.floor((this.#next() - 0.5) * 8 * (1 + this.#next()));
      const side = isNegative ? this.#negative : this.#positive;
      side.set(index, (side.get(index) ?? 0) + (this.integer ? 1 + Math.floor(this.#next() * 9) : this.#next() * 9));
    }
    if (this.#gauge)
      for (const [index, count] of this.#positive)
        if (this.#next() < 0.1) this.#positive.set(index, Math.floor(count / 2));
    return this.#histogram();
  }

  #restart(): void {
    this.#positive.clear();
    this.#negative.clear();
    this.#zero = 0;
    this.#schema = this.#next() < 0.2 ? -53 : Math.floor(this.#next() * 5) - 2;
    this.#bounds = this.#schema === -53 ? [0.5, 2.5, 1000 * (1 + Math.floor(this.#next() * 2))] : [];
    this.#threshold = this.#schema === -53 ? 0 : 0.001;
  }

  #histogram(): FloatHistogramFields {
    const whole = (count: number): number => (this.integer ? Math.floor(count) : count);
    const side = (buckets: Map<number, number>): [Span[], Float64Array] => {
      const indexes = [...buckets.keys()].sort((a, b) => a - b);
      const spans: { offset: number; length: number }[] = [];
      let end = 0;
      indexes.forEach((index, i) => {
        const last = spans.at(-1);
        // Sometimes as one span, sometimes as two: both are allowed.
        if (last !== undefined && index === end && this.#next() < 0.9) last.length++;
        else spans.push({ offset: i === 0 ? index : index - end, length: 1 });
        end = index + 1;
      });
      return [spans, Float64Array.from(indexes, (index) => whole(buckets.get(index) ?? 0))];
    };
    const [positiveSpans, positiveBuckets] = side(this.#positive);
    const [negativeSpans, negativeBuckets] = side(this.#negative);
    let count = this.#zero;
    for (const bucket of [...positiveBuckets, ...negativeBuckets]) count += bucket;
    return histogram({
      counterResetHint: this.#gauge ? 3 : 0,
      schema: this.#schema,
      zeroThreshold: this.#schema === -53 ? 0 : this.#threshold,
      zeroCount: this.#zero,
      count,
      sum: Math.round(this.#next() * 1e6) / 7,
      positiveSpans,
      positiveBuckets,
      negativeSpans,
      negativeBuckets,
      customValues: this.#bounds,
    });
  }
}

test("head: histograms come back as they went in, whatever happens to their buckets, kinds and layouts", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const next = random(seed);
    const { head, sink, append, read } = opened();
    const life = new Life(next);
    const expected: [number, unknown][] = [];
    const step = [1000, 15_000, 600_000][seed % 3] as number;
    let t = RANGE * 100;
    for (let i = 0; i < 500; i++) {
      t += 1 + Math.floor(next() * step);
      const value = life.step();
      assert.equal(append(t, value, life.integer), Append.ok, `seed ${seed}, sample ${i}`);
      expected.push([t, facts(value)]);
    }
    const found = read().map(([time, value]) => [time, facts(value)]);
    assert.deepEqual(found, expected, `seed ${seed}`);
    const [from, to] = [expected[120]?.[0] as number, expected[390]?.[0] as number];
    assert.deepEqual(
      read(from, to).map(([time]) => time),
      expected.slice(120, 391).map(([time]) => time),
    );
    assert.ok(new Set(sink.chunks.map(({ encoding }) => encoding)).size >= 2, `seed ${seed}`);
    checkChunks(sink);
    assert.ok(head.histograms.seriesCount <= 1);
  }
});

/** Each chunk is, byte for byte, what encoding its samples at once gives, and lies within one range. */
function checkChunks(sink: MemorySink): void {
  for (const { encoding, bytes, minTime, maxTime } of sink.chunks) {
    assert.equal(Math.floor(minTime / RANGE), Math.floor(maxTime / RANGE));
    if (encoding === 1) continue;
    const samples = new SampleBuffer();
    assert.ok(decodeChunk(encoding, bytes, 0, bytes.length, -Infinity, Infinity, samples));
    assert.equal(samples.times[0], minTime);
    assert.equal(samples.times[samples.count - 1], maxTime);
    const all = Array.from({ length: samples.count }, (_, i): HistogramSample => samples.histograms?.[i]);
    const writer = new BitWriter();
    encodeHistogramChunk(
      writer,
      encoding === 2,
      (bytes[2] as number) >>> 6,
      samples.times.subarray(0, samples.count),
      all,
    );
    assert.deepEqual(bytes, writer.toBytes());
    assert.ok(bytes.length < 1024 * 2 + 400 || samples.count <= 11, `${bytes.length} bytes, ${samples.count} samples`);
  }
}

/** The counter reset flags of the chunks, the open one included, after these samples a minute apart. */
function resetFlags(values: readonly Value[], integer = true): number[] {
  const { head, sink, append } = opened();
  values.forEach((value, i) => {
    assert.equal(append(RANGE * 10 + i * 60_000, value, integer), Append.ok);
  });
  // A float ends the last chunk of histograms.
  append(RANGE * 10 + values.length * 60_000, 1);
  head.room.moveOut(Infinity);
  return sink.chunks.filter(({ encoding }) => encoding !== 1).map(({ bytes }) => (bytes[2] as number) >>> 6);
}

test("head: chunks of histograms end, and are flagged, as in the reference", () => {
  const base = histogram();
  const more = histogram({ count: 6, positiveBuckets: Float64Array.of(2, 3) });
  const wider = histogram({
    count: 5,
    positiveSpans: [{ offset: 0, length: 3 }],
    positiveBuckets: Float64Array.of(1, 2, 1),
  });
  const vanished = histogram({
    count: 8,
    positiveSpans: [{ offset: 1, length: 1 }],
    positiveBuckets: Float64Array.of(7),
  });
  for (const integer of [true, false]) {
    assert.deepEqual(resetFlags([base, more, more], integer), [0], "a counter that grows");
    assert.deepEqual(resetFlags([base, wider], integer), [0], "a new bucket");
    assert.deepEqual(resetFlags([more, base], integer), [0, 2], "a reset");
    assert.deepEqual(resetFlags([base, vanished], integer), [0, 2], "a bucket in use that is gone");
    assert.deepEqual(resetFlags([base, { ...more, counterResetHint: 2 }], integer), [0], "known not to be one");
    assert.deepEqual(resetFlags([base, { ...more, counterResetHint: 1 }], integer), [0, 2], "known to be one");
    assert.deepEqual(resetFlags([{ ...base, counterResetHint: 1 }], integer), [2], "the first sample says so");
    assert.deepEqual(resetFlags([base, { ...more, schema: 2 }], integer), [0, 0], "another schema");
    assert.deepEqual(resetFlags([base, { ...more, zeroThreshold: 1 }], integer), [0, 0], "another zero threshold");
    assert.deepEqual(resetFlags([base, "stale", "stale"], integer), [0], "stale markers");
    assert.deepEqual(resetFlags([base, "stale", more], integer), [0, 0], "after a stale marker");
    const gauge = { ...more, counterResetHint: 3 as const };
    assert.deepEqual(resetFlags([gauge, { ...base, counterResetHint: 3 }], integer), [3], "a gauge");
    assert.deepEqual(resetFlags([gauge, more], integer), [3, integer ? 1 : 0], "a counter after a gauge");
    assert.deepEqual(resetFlags([more, gauge], integer), [0, 3], "a gauge after a counter");
    assert.deepEqual(resetFlags([base, 1, more], integer), [0, 0], "a float between");
  }
  const custom = histogram({ schema: -53, zeroThreshold: 0, zeroCount: 0, count: 3, customValues: [1, 2] });
  assert.deepEqual(resetFlags([custom, { ...custom, customValues: [1, 3] }]), [0, 2], "other bounds");
});

test("head: verdicts of malformed, late, equal and repeated histograms", () => {
  const { head, append } = opened();
  const t = RANGE * 10;
  assert.equal(append(t, histogram()), Append.ok);
  assert.equal(append(t, histogram()), Append.ok);
  assert.equal(append(t, histogram({ sum: 2 })), Append.duplicate);
  assert.equal(append(t, 1), Append.duplicate);
  assert.equal(append(t, "stale"), Append.duplicate);
  assert.equal(append(t - 1, histogram()), Append.outOfOrder);
  assert.equal(append(t - RANGE, histogram()), Append.outOfBounds);
  assert.equal(append(t + 1, histogram({ count: 5 })), Append.unsupported);
  assert.equal(append(t + 1, histogram({ count: 4.5 }), true), Append.unsupported);
  assert.equal(append(t + 1, histogram({ schema: 9 })), Append.unsupported);
  assert.equal(append(t + 0.5, histogram()), Append.unsupported);
  assert.equal(append(t + 1, histogram({ positiveSpans: [{ offset: 2 ** 31 - 1, length: 2 }] })), Append.unsupported);
  assert.equal(append(t + 1, "stale"), Append.ok);
  assert.equal(append(t + 1, "stale"), Append.ok);
  assert.equal(append(t + 1, histogram()), Append.duplicate);
  assert.equal(append(t + 2, 1), Append.ok);
  assert.equal(append(t + 2, histogram()), Append.duplicate);
  const { counters } = head;
  assert.deepEqual([counters.outOfOrderHistograms, counters.outOfBoundsHistograms], [1, 1]);
  assert.deepEqual([counters.histogramsAppended, counters.samplesAppended], [2, 1]);
});

test("head: within one transaction kinds may alternate", () => {
  const { head, sink } = opened();
  const appender = head.appender();
  const ref = appender.series(Labels.fromObject({ __name__: "h" }));
  const t = RANGE * 10;
  assert.equal(appender.appendHistogram(ref, t, histogram(), true), Append.ok);
  assert.equal(appender.appendHistogram(ref, t, histogram(), true), Append.ok);
  assert.equal(appender.append(ref, t, 1), Append.duplicate);
  assert.equal(appender.appendStale(ref, t), Append.duplicate);
  assert.equal(appender.append(ref, t + 1, 1), Append.ok);
  const verdicts = new Uint8Array(1);
  const halves = new Uint32Array(Float64Array.of(2).buffer);
  assert.equal(appender.appendBatch(Uint32Array.of(ref), halves, 1, t + 2, verdicts), 0);
  assert.equal(appender.appendHistogram(ref, t + 3, histogram({ sum: 9 }), false), Append.ok);
  assert.equal(appender.appendStale(ref, t + 4), Append.ok);
  assert.equal(appender.appendHistogram(ref, t + 1, histogram(), true), Append.outOfOrder);
  appender.commit();
  const found = readAll(head, sink, -Infinity, Infinity).map(([time, value]) => [time, facts(value)]);
  const expected = [histogram(), 1, 2, histogram({ sum: 9 }), "stale" as const];
  assert.deepEqual(
    found,
    expected.map((value, i) => [t + i, facts(value)]),
  );
});

test("head: a snapshot sees histograms as they were, while their chunk is written anew and cut", () => {
  const { head, sink, append } = opened();
  const view = new HeadView(head.memory, sink);
  const held: { querier: HeadQuerier; count: number }[] = [];
  const buckets = new Map<number, number>();
  const next = random(5);
  for (let i = 0; i < 400; i++) {
    const index = Math.floor(next() * 60);
    buckets.set(index, (buckets.get(index) ?? 0) + 1);
    const indexes = [...buckets.keys()].sort((a, b) => a - b);
    const spans = indexes.map((at, n) => ({ offset: n === 0 ? at : at - (indexes[n - 1] as number) - 1, length: 1 }));
    const counts = Float64Array.from(indexes, (at) => buckets.get(at) ?? 0);
    const value = histogram({ zeroCount: 0, count: i + 1, positiveSpans: spans, positiveBuckets: counts, sum: i });
    assert.equal(append(RANGE * 10 + i * 15_000, value), Append.ok);
    if (i % 3 === 0) {
      const snapshot = head.snapshots.take(head.table.lastRef);
      const release = (): void => head.snapshots.release(snapshot);
      held.push({ querier: new HeadQuerier(view, snapshot, -Infinity, Infinity, release), count: i + 1 });
    }
    if (held.length < 30) continue;
    const [{ querier, count }] = held.splice(Math.floor(next() * held.length), 1) as [(typeof held)[0]];
    const samples = new SampleBuffer();
    querier.select([new Matcher("=", "__name__", "h")]).read(0, -Infinity, Infinity, samples);
    assert.equal(samples.count, count);
    for (let n = 0; n < count; n++) {
      assert.equal(samples.histograms?.[n]?.sum, n);
      assert.equal(
        samples.histograms?.[n]?.positiveBuckets.reduce((sum, bucket) => sum + bucket, 0),
        n + 1,
      );
    }
    querier.close();
  }
  for (const { querier } of held) querier.close();
});

test("head: series of histograms that go give all of their memory back", () => {
  const head = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  head.attach(undefined, new MemorySink());
  let used = 0;
  for (let round = 0; round < 6; round++) {
    for (let step = 0; step < 30; step++) {
      const appender = head.appender();
      for (let i = 0; i < 100; i++) {
        const ref = appender.series(Labels.fromObject({ __name__: "h", pod: `${round}-${i}` }));
        const positiveBuckets = Float64Array.of(step, step % 7);
        const value = histogram({ positiveBuckets, count: 1 + step + (step % 7) });
        appender.appendHistogram(ref, RANGE * (round + 10) + step * 60_000, value, true);
      }
      appender.commit();
    }
    assert.equal(head.histograms.seriesCount, 100);
    assert.equal(head.histograms.bucketCount, 200);
    head.truncate(RANGE * (round + 11));
    assert.equal(head.histograms.seriesCount, 0);
    assert.equal(head.histograms.bucketCount, 0);
    if (round === 1) used = head.usedBytes;
  }
  assert.ok(head.usedBytes <= used * 1.05, `${head.usedBytes} bytes after more rounds than ${used}`);
});
