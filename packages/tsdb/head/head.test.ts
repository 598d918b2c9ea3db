import assert from "node:assert/strict";
import { test } from "node:test";
import { BitWriter } from "@narthex/encoding";
import { Labels, Matcher } from "@narthex/model";
import { Append, SampleBuffer } from "@narthex/storage";
import { decodeXor, encodeXor } from "../chunk/xor.ts";
import type { ChunkPlace, ChunkSink } from "./finished-chunks.ts";
import { Head } from "./head.ts";
import { HeadQuerier } from "./head-querier.ts";
import { type ChunkBytes, type ChunkSource, HeadView } from "./head-view.ts";
import { predictedEnd, rangeEnd } from "./slot-writer.ts";

const RANGE = 7_200_000;
const MEMORY = 2 ** 26;

interface WrittenChunk {
  readonly ref: number;
  readonly minTime: number;
  readonly maxTime: number;
  readonly bytes: Uint8Array;
}

/** Chunks kept in an array instead of files. */
class MemorySink implements ChunkSink, ChunkSource {
  readonly chunks: WrittenChunk[] = [];

  write(
    ref: number,
    minTime: number,
    maxTime: number,
    _encoding: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ChunkPlace {
    this.chunks.push({ ref, minTime, maxTime, bytes: bytes.slice(start, end) });
    return { file: 1, offset: this.chunks.length - 1 };
  }

  flush(): void {}

  chunk(_file: number, offset: number): ChunkBytes {
    const { bytes } = this.chunks[offset] as WrittenChunk;
    return { encoding: 1, bytes, start: 0, end: bytes.length };
  }

  read(_file: number, offset: number, minTime: number, maxTime: number, into: SampleBuffer): void {
    const { bytes } = this.chunks[offset] as WrittenChunk;
    assert.ok(decodeXor(bytes, 0, bytes.length, minTime, maxTime, into));
  }
}

function readAll(
  head: Head,
  sink: ChunkSource | undefined,
  labels: Labels,
  from = -Infinity,
  to = Infinity,
): { times: number[]; values: number[] } {
  const view = new HeadView(head.memory, sink);
  const snapshot = head.snapshots.take(head.table.lastRef);
  const querier = new HeadQuerier(view, snapshot, from, to, () => head.snapshots.release(snapshot));
  const set = querier.select([...labels].map(([name, value]) => new Matcher("=", name, value)));
  const samples = new SampleBuffer();
  if (set.count > 0) set.read(0, from, to, samples);
  querier.close();
  return {
    times: [...samples.times.subarray(0, samples.count)],
    values: [...samples.values.subarray(0, samples.count)],
  };
}

/** Small repeatable random numbers. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test("head: samples come back as they went in, whatever their spacing and bits", () => {
  for (let seed = 1; seed <= 30; seed++) {
    const next = random(seed);
    const sink = new MemorySink();
    const head = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
    head.attach(undefined, sink);
    const labels = Labels.fromObject({ __name__: "m", seed: String(seed) });
    let t = Math.floor(next() * 1e12) - (seed % 3 === 0 ? 5e11 : 0);
    const times: number[] = [];
    const values: number[] = [];
    const spread = [1, 15_000, 70_000, 600_000, 3_000_000][seed % 5] as number;
    for (let i = 0; i < 700; i++) {
      t += seed % 2 === 0 ? spread : 1 + Math.floor(next() * spread);
      times.push(t);
      const kind = Math.floor(next() * 6);
      values.push(
        kind === 0
          ? i
          : kind === 1
            ? next()
            : kind === 2
              ? -next() * 1e300
              : kind === 3
                ? (values.at(-1) ?? 0)
                : kind === 4
                  ? Infinity
                  : i * 1000,
      );
    }
    for (let i = 0; i < times.length; i++) {
      const appender = head.appender();
      assert.equal(appender.append(appender.series(labels), times[i] as number, values[i] as number), Append.ok);
      appender.commit();
    }
    assert.deepEqual(readAll(head, sink, labels), { times, values }, `seed ${seed}`);
    const [from, to] = [times[100] as number, times[420] as number];
    assert.deepEqual(readAll(head, sink, labels, from, to).times, times.slice(100, 421), `seed ${seed}`);
    checkChunks(sink, times, values);
  }
});

/** Each finished chunk equals, byte for byte, what the format's encoder makes of the same samples. */
function checkChunks(sink: MemorySink, times: number[], values: number[]): void {
  let from = 0;
  for (const chunk of sink.chunks) {
    const to = times.indexOf(chunk.maxTime) + 1;
    assert.equal(chunk.minTime, times[from]);
    const writer = new BitWriter();
    const floats = new Float64Array(values);
    encodeXor(writer, new Float64Array(times), new Uint32Array(floats.buffer), from, to);
    assert.deepEqual(chunk.bytes, writer.toBytes());
    // Before the epoch the reference rounds towards it, so a chunk may cross a boundary there.
    if (chunk.minTime >= 0) assert.equal(rangeEnd(chunk.minTime, RANGE), rangeEnd(chunk.maxTime, RANGE));
    from = to;
  }
}

test("head: chunks of samples every 15 s are cut evenly, 120 samples each", () => {
  const sink = new MemorySink();
  const head = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  head.attach(undefined, sink);
  const labels = Labels.fromObject({ __name__: "m" });
  for (let i = 0; i < 961; i++) {
    const appender = head.appender();
    appender.append(appender.series(labels), RANGE * 10 + i * 15_000, i);
    appender.commit();
  }
  assert.deepEqual(
    sink.chunks.map((chunk) => (chunk.maxTime - chunk.minTime) / 15_000 + 1),
    [120, 120, 120, 120, 120, 120, 120, 120],
  );
  assert.equal(predictedEnd(0, 435_000, RANGE), 1_800_000);
});

test("head: verdicts of late, equal and repeated samples", () => {
  const head = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  const labels = Labels.fromObject({ a: "b" });
  const first = head.appender();
  const ref = first.series(labels);
  assert.equal(first.append(ref, 10 * RANGE, 1), Append.ok);
  assert.equal(first.append(ref, 10 * RANGE, 1), Append.ok);
  assert.equal(first.append(ref, 10 * RANGE, 2), Append.duplicate);
  assert.equal(first.append(ref, 10 * RANGE - 1, 2), Append.outOfOrder);
  assert.equal(first.append(ref + 1, 10 * RANGE, 2), Append.unknownRef);
  first.commit();
  const second = head.appender();
  assert.equal(second.append(ref, 10 * RANGE, 1), Append.ok);
  assert.equal(second.append(ref, 10 * RANGE, 3), Append.duplicate);
  assert.equal(second.append(ref, 10 * RANGE - RANGE / 2, 3), Append.outOfOrder);
  assert.equal(second.append(ref, 10 * RANGE - RANGE / 2 - 1, 3), Append.outOfBounds);
  assert.equal(second.append(ref, 10.5, 3), Append.unsupported);
  const verdicts = new Uint8Array(4);
  const values = new Float64Array([1, 2, 5, 5]);
  const refused = second.appendBatch(
    new Uint32Array([ref, ref, 77, 0]),
    new Uint32Array(values.buffer),
    4,
    10 * RANGE,
    verdicts,
  );
  assert.equal(refused, 3);
  assert.deepEqual([...verdicts], [Append.ok, Append.duplicate, Append.unknownRef, Append.unknownRef]);
  second.commit();
  assert.deepEqual(readAll(head, undefined, labels).values, [1]);
  assert.throws(() => second.append(ref, 11 * RANGE, 1), /appender closed/);
});

test("head: a snapshot sees none of what came after it, in any order of snapshots and cuts", () => {
  const sink = new MemorySink();
  const head = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  head.attach(undefined, sink);
  const view = new HeadView(head.memory, sink);
  const next = random(7);
  const series = [0, 1, 2, 3, 4].map((i) => Labels.fromObject({ __name__: "m", i: String(i) }));
  const held: { querier: HeadQuerier; counts: number[] }[] = [];
  const counts = series.map(() => 0);
  let t = RANGE;
  for (let step = 0; step < 3000; step++) {
    const roll = next();
    if (roll < 0.8) {
      t += 20_000;
      const appender = head.appender();
      for (let i = 0; i < series.length; i++) {
        if (next() < 0.3) continue;
        assert.equal(appender.append(appender.series(series[i] as Labels), t, step), Append.ok);
        (counts[i] as number)++;
      }
      appender.commit();
    } else if (roll < 0.9) {
      const snapshot = head.snapshots.take(head.table.lastRef);
      const querier = new HeadQuerier(view, snapshot, -Infinity, Infinity, () => head.snapshots.release(snapshot));
      held.push({ querier, counts: [...counts] });
    } else if (held.length > 0) {
      const [{ querier, counts: expected }] = held.splice(Math.floor(next() * held.length), 1) as [(typeof held)[0]];
      const set = querier.select([new Matcher("=", "__name__", "m")]);
      const found = series.map(() => 0);
      for (let i = 0; i < set.count; i++) {
        const samples = new SampleBuffer();
        set.read(i, -Infinity, Infinity, samples);
        found[Number(set.labels(i).get("i"))] = samples.count;
      }
      assert.deepEqual(found, expected);
      querier.close();
    }
  }
  for (const { querier } of held) querier.close();
  assert.equal(head.snapshots.undoEntries, 0);
});

test("head: series are found by all kinds of matchers, in the order of their labels", () => {
  const head = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  const all: Labels[] = [];
  const next = random(3);
  for (let i = 0; i < 400; i++) {
    const labels: Record<string, string> = { __name__: `m${Math.floor(next() * 5)}`, i: String(i) };
    if (next() < 0.5) labels["job"] = ["api", "db", "wörker", ""][Math.floor(next() * 4)] as string;
    if (next() < 0.3) labels["a"] = String(Math.floor(next() * 3));
    all.push(Labels.fromObject(labels));
  }
  const appender = head.appender();
  for (const labels of all) appender.append(appender.series(labels), 1000, 1);
  appender.commit();
  const view = new HeadView(head.memory, undefined);
  const snapshot = head.snapshots.take(head.table.lastRef);
  const querier = new HeadQuerier(view, snapshot, 0, 2000, () => {});
  const cases: Matcher[][] = [
    [],
    [new Matcher("=", "__name__", "m1")],
    [new Matcher("=", "__name__", "m1"), new Matcher("!=", "job", "api")],
    [new Matcher("=", "job", "")],
    [new Matcher("!=", "job", "")],
    [new Matcher("=~", "job", "api|db")],
    [new Matcher("=~", "job", "w.*"), new Matcher("!~", "a", "1|2")],
    [new Matcher("=~", "i", "1.*"), new Matcher("=~", "a", ".*")],
    [new Matcher("=~", "i", ".+"), new Matcher("=", "nothing", "")],
    [new Matcher("=", "nothing", "x")],
    [new Matcher("=", "job", "nothing")],
    [new Matcher("=~", "job", "|api")],
  ];
  for (const matchers of cases) {
    const expected = all
      .filter((labels) => matchers.every((matcher) => matcher.matches(labels.get(matcher.name))))
      .sort(Labels.compare)
      .map((labels) => labels.toObject());
    const set = querier.select(matchers);
    const found = Array.from({ length: set.count }, (_, i) => set.labels(i).toObject());
    assert.deepEqual(found, expected, matchers.map((m) => `${m.name}${m.type}${m.value}`).join());
    assert.ok(querier.estimateSeries(matchers) >= expected.length);
  }
  assert.deepEqual(querier.labelNames([]).values, ["__name__", "a", "i", "job"]);
  assert.deepEqual(querier.labelValues("job", []).values, ["api", "db", "wörker"]);
  assert.deepEqual(querier.labelValues("i", [], 2), { values: ["0", "1"], truncated: true });
  assert.deepEqual(querier.labelValues("job", [new Matcher("=~", "job", "a.*")]).values, ["api"]);
  querier.close();
});

test("head: truncation forgets old chunks and series, and gives their memory to new ones", () => {
  const sink = new MemorySink();
  const head = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  head.attach(undefined, sink);
  const stays = Labels.fromObject({ __name__: "stays" });
  let used = 0;
  for (let round = 0; round < 6; round++) {
    for (let step = 0; step < 4; step++) {
      const t = RANGE * (round + 10) + step * (RANGE / 4);
      const appender = head.appender();
      appender.append(appender.series(stays), t, round);
      for (let i = 0; i < 500; i++) {
        appender.append(appender.series(Labels.fromObject({ __name__: "goes", pod: `${round}-${i}` })), t, i);
      }
      appender.commit();
    }
    const { removedSeries } = head.truncate(RANGE * (round + 10));
    assert.equal(removedSeries, round === 0 ? 0 : 500);
    assert.equal(head.seriesCount, 501);
    if (round === 2) used = head.usedBytes;
  }
  assert.ok(head.usedBytes <= used * 1.05, `${head.usedBytes} bytes after more rounds than ${used}`);
  assert.equal(readAll(head, sink, stays).times.length, 4);
  assert.equal(readAll(head, sink, Labels.fromObject({ __name__: "goes", pod: "1-3" })).times.length, 0);
  assert.equal(readAll(head, sink, Labels.fromObject({ __name__: "goes", pod: "5-3" })).times.length, 4);
});
