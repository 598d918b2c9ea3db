// Start timestamps in the head: its chunks are, byte for byte, what encoding their samples at once gives.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BitWriter } from "@narthex/encoding";
import { type FloatHistogramFields, Labels, Matcher, STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import { Append, SampleBuffer } from "@narthex/storage";
import { decodeChunk } from "../chunk/decode.ts";
import { ChunkEncoding, hasFloats, hasIntegers, hasStartTimes } from "../chunk/format.ts";
import { encodeHistogramChunk, type HistogramSample } from "../chunk/histogram-encoder.ts";
import { encodeXor } from "../chunk/xor.ts";
import { encodeXor2 } from "../chunk/xor2.ts";
import type { ChunkPlace, ChunkSink } from "./finished-chunks.ts";
import { Head, type HeadOptions } from "./head.ts";
import { HeadQuerier } from "./head-querier.ts";
import { type ChunkBytes, type ChunkSource, HeadView } from "./head-view.ts";

const RANGE = 7_200_000;
const START = RANGE * 1000;
const LABELS = Labels.fromObject({ __name__: "m" });

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

function opened(options: Partial<HeadOptions> = {}): { head: Head; sink: MemorySink } {
  const head = new Head({
    chunkRangeMs: RANGE,
    memoryBytes: 2 ** 26,
    floatEncoding: "xor2",
    histogramStartTimes: true,
    ...options,
  });
  const sink = new MemorySink();
  head.attach(undefined, sink);
  return { head, sink };
}

type Value = number | "stale" | FloatHistogramFields;
type Row = readonly [t: number, value: Value, startTime: number];

function append(head: Head, [t, value, startTime]: Row, integer = true): void {
  const appender = head.appender();
  const ref = appender.series(LABELS);
  const verdict =
    value === "stale"
      ? appender.appendBits(ref, t, STALE_NAN_HIGH, STALE_NAN_LOW, startTime)
      : typeof value === "number"
        ? appender.append(ref, t, value, startTime)
        : appender.appendHistogram(ref, t, value, integer, startTime);
  assert.equal(verdict, Append.ok);
  appender.commit();
}

/** Time and start timestamp of all samples, and the value or count. */
function read(head: Head, sink: MemorySink, from = -Infinity, to = Infinity): [number, number | "stale", number][] {
  const view = new HeadView(head.memory, sink);
  const snapshot = head.snapshots.take(head.table.lastRef);
  const querier = new HeadQuerier(view, snapshot, from, to, () => head.snapshots.release(snapshot));
  const samples = new SampleBuffer();
  querier.select([new Matcher("=", "__name__", "m")]).read(0, from, to, samples);
  querier.close();
  return Array.from({ length: samples.count }, (_, i) => {
    const isStale = samples.halves[2 * i + 1] === STALE_NAN_HIGH && samples.halves[2 * i] === STALE_NAN_LOW;
    const value = isStale ? "stale" : (samples.histograms?.[i]?.count ?? (samples.values[i] as number));
    return [samples.times[i] as number, value, samples.startTimes?.[i] ?? 0];
  });
}

/** Each chunk is what the format's encoders make of its samples. */
function checkChunks(sink: MemorySink): void {
  for (const { encoding, bytes, minTime, maxTime } of sink.chunks) {
    const samples = new SampleBuffer();
    assert.ok(decodeChunk(encoding, bytes, 0, bytes.length, -Infinity, Infinity, samples));
    assert.deepEqual([samples.times[0], samples.times[samples.count - 1]], [minTime, maxTime]);
    assert.equal(Math.floor(minTime / RANGE), Math.floor(maxTime / RANGE));
    const { times, halves, count } = samples;
    const starts = samples.startTimes ?? new Float64Array(count);
    const writer = new BitWriter();
    if (encoding === ChunkEncoding.xor) encodeXor(writer, times, halves, 0, count);
    else if (encoding === ChunkEncoding.xor2) encodeXor2(writer, times, halves, starts, 0, count);
    else {
      const withStarts = hasStartTimes(encoding);
      const resetBits = (bytes[withStarts ? 0 : 2] as number) >>> 6;
      const all = Array.from({ length: count }, (_, i): HistogramSample => samples.histograms?.[i]);
      const own = withStarts ? starts : undefined;
      encodeHistogramChunk(writer, hasIntegers(encoding), resetBits, times.subarray(0, count), all, own);
    }
    assert.deepEqual(bytes, writer.toBytes());
  }
}

/** Small repeatable random numbers. */
function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("head: floats with start timestamps come back, whatever their spacing and bits, in chunks of the format", () => {
  const backs = [0, 1, 3, 30, 200, 5000, 2 ** 20, 2 ** 24, 2 ** 30, 2 ** 40];
  for (let seed = 1; seed <= 30; seed++) {
    const next = random(seed);
    const { head, sink } = opened();
    const rows: Row[] = [];
    let t = START + next(1e6) - (seed % 5 === 0 ? 1.5 * START : 0);
    let startTime = 0;
    const spread = [1, 15_000, 70_000, 600_000, 3_000_000][seed % 5] as number;
    // Never, for ever the same, seldom and often another one.
    const changes = [0, 0, 60, 3][seed % 4] as number;
    if (seed % 4 === 1) startTime = t - 777;
    for (let i = 0; i < 700; i++) {
      t += seed % 2 === 0 ? spread : 1 + next(spread);
      if (changes > 0 && next(changes) === 0) startTime = next(5) === 0 ? 0 : t - (backs[next(backs.length)] as number);
      const kind = next(seed % 3 === 0 ? 7 : 6);
      const value = [i, next(1e9) / 997, -next(1e9) * 1e290, rows.at(-1)?.[1] ?? 0, Infinity, i * 1000, "stale"][kind];
      rows.push([t, value as Value, startTime]);
      append(head, rows.at(-1) as Row);
    }
    assert.deepEqual(read(head, sink), rows, `seed ${seed}`);
    const [from, to] = [rows[100]?.[0] as number, rows[420]?.[0] as number];
    assert.deepEqual(read(head, sink, from, to), rows.slice(100, 421), `seed ${seed}`);
    assert.ok(sink.chunks.length > 2 && sink.chunks.every(({ encoding }) => encoding === ChunkEncoding.xor2));
    if (seed % 5 !== 0) checkChunks(sink);
  }
});

test("head: a chunk of 240 samples passes the 127th, where start timestamps begin to stand behind samples", () => {
  for (const startTime of [0, START - 5]) {
    const { head, sink } = opened();
    // Slow at first, so that the chunk's end is predicted late, then quick.
    const rows = Array.from({ length: 500 }, (_, i): Row => {
      const t = START + (i < 40 ? i * 60_000 : 40 * 60_000 + (i - 40) * 10);
      return [t, i % 7, i === 200 ? START + 77 : startTime];
    });
    for (const row of rows) append(head, row);
    assert.deepEqual(read(head, sink), rows);
    head.room.moveOut(Infinity);
    assert.ok(sink.chunks.some(({ bytes }) => bytes[1] === 240 && ((bytes[2] as number) & 127) === 127));
    checkChunks(sink);
  }
});

test("head: histograms with start timestamps come back, through new buckets, resets, stale markers and floats between", () => {
  for (const integer of [true, false]) {
    for (let seed = 1; seed <= 12; seed++) {
      const next = random(seed);
      const { head, sink } = opened();
      const rows: Row[] = [];
      const counts = [1];
      let startTime = START - 1000;
      for (let i = 0; i < 400; i++) {
        const t = START + i * 15_000 + next(3);
        const kind = next(60);
        if (kind === 0) startTime = next(3) === 0 ? 0 : t - next(20_000);
        if (kind === 1) counts.length = 1;
        if (kind === 2 && counts.length < 40) counts.push(1);
        if (kind === 3) counts.fill(1);
        for (let b = 0; b < counts.length; b++) counts[b] = (counts[b] as number) + next(3);
        const total = counts.reduce((sum, count) => sum + count, 0);
        const histogram: FloatHistogramFields = {
          counterResetHint: 0,
          schema: 1,
          zeroThreshold: 2 ** -128,
          zeroCount: 0,
          count: total,
          sum: total * 1.5,
          positiveSpans: [{ offset: 0, length: counts.length }],
          negativeSpans: [],
          positiveBuckets: Float64Array.from(counts),
          negativeBuckets: new Float64Array(0),
          customValues: [],
        };
        const value: Value = kind === 4 ? "stale" : kind === 5 ? i : histogram;
        rows.push([t, value, startTime]);
        append(head, rows.at(-1) as Row, integer);
      }
      const expected = rows.map(([t, value, start]) => [t, typeof value === "object" ? value.count : value, start]);
      assert.deepEqual(read(head, sink), expected, `seed ${seed}`);
      head.room.moveOut(Infinity);
      checkChunks(sink);
      const encodings = new Set(sink.chunks.map(({ encoding }) => encoding));
      assert.ok(
        [...encodings].every(
          (encoding) => hasStartTimes(encoding) && (hasFloats(encoding) || hasIntegers(encoding) === integer),
        ),
      );
      assert.ok(
        sink.chunks.some(({ bytes }) => ((bytes[0] as number) & 0xc0) !== 0),
        "some chunk tells of a counter reset",
      );
    }
  }
});

test("head: without room for them start timestamps are dropped, and chunks are those of ever", () => {
  const { head, sink } = opened({ floatEncoding: "xor", histogramStartTimes: false });
  for (let i = 0; i < 200; i++) append(head, [START + i * 15_000, i, START - 5]);
  assert.ok(read(head, sink).every(([, , startTime]) => startTime === 0));
  head.room.moveOut(Infinity);
  assert.deepEqual([...new Set(sink.chunks.map(({ encoding }) => encoding))], [ChunkEncoding.xor]);
  checkChunks(sink);
});

test("head: a switched encoding applies to new chunks; the open one ends as it began", () => {
  const { head, sink } = opened({ floatEncoding: "xor" });
  const rows = Array.from({ length: 1200 }, (_, i): Row => [START + i * 15_000, i % 5, 0]);
  rows.forEach((row, i) => {
    if (i === 70 || i === 700) head.setFloatEncoding("xor2");
    if (i === 400) head.setFloatEncoding("xor");
    append(head, row);
  });
  assert.deepEqual(read(head, sink), rows);
  head.room.moveOut(Infinity);
  checkChunks(sink);
  assert.deepEqual(
    sink.chunks.map(({ encoding, minTime }) => [encoding, (minTime - START) / 15_000]),
    [
      [1, 0],
      [4, 120],
      [4, 240],
      [4, 360],
      [1, 480],
      [1, 600],
      [4, 720],
      [4, 840],
      [4, 960],
    ],
  );
});

test("head: start timestamps whose distances would not be exact count as unknown", () => {
  const { head, sink } = opened();
  append(head, [START, 1, 2 ** 52]);
  append(head, [START + 1, 1, 0.5]);
  append(head, [START + 2, 1, -(2 ** 51)]);
  append(head, [START + 3, 1, Number.NaN]);
  assert.deepEqual(
    read(head, sink).map(([, , startTime]) => startTime),
    [0, 0, -(2 ** 51), 0],
  );
});
