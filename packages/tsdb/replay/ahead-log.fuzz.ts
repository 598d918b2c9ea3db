// A log that a second thread reads ahead against the same log replayed by one thread: random logs with everything that logs have,
// sound and damaged. NARTHEX_FUZZ_SEED repeats a run.
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ByteWriter } from "@narthex/encoding";
import { type FloatHistogramFields, Labels } from "@narthex/model";
import { dumpQuerier, seeded } from "../block/block-fixture.ts";
import { decodeChunk } from "../chunk/decode.ts";
import { NodeFs } from "../fs/node-fs.ts";
import type { ChunkPlace, ChunkSink } from "../head/finished-chunks.ts";
import { Head } from "../head/head.ts";
import { HeadQuerier } from "../head/head-querier.ts";
import { type ChunkBytes, type ChunkSource, HeadView } from "../head/head-view.ts";
import { Replay, ReplayChunks } from "../head/replay.ts";
import type { Kernels } from "../kernels/kernels.ts";
import { encodeMetadata, encodeTombstones, endOfSeries } from "../wal/entry-records.ts";
import { encodeHistograms } from "../wal/histogram-record.ts";
import { RecordError } from "../wal/record.ts";
import { encodeSamples } from "../wal/sample-record.ts";
import { encodeSeries } from "../wal/series-record.ts";
import { WalReader } from "../wal/wal-reader.ts";
import { WalWriter } from "../wal/wal-writer.ts";
import { AheadLog } from "./ahead-log.ts";
import { ReplayThread } from "./replay-thread.ts";

const seed = Number(process.env["NARTHEX_FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
const RANGE = 7_200_000;
const START = RANGE * 240_000;
const MEMORY = 2 ** 29;
const EARLIER_REF = 40_000;
const fs = new NodeFs();

/** Chunks kept in an array instead of files. */
class Chunks implements ChunkSink, ChunkSource {
  readonly #all: { bytes: Uint8Array; encoding: number }[] = [];

  write(
    _ref: number,
    _min: number,
    _max: number,
    encoding: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): ChunkPlace {
    this.#all.push({ bytes: bytes.slice(start, end), encoding });
    return { file: 1, offset: this.#all.length - 1 };
  }

  flush(): void {}

  read(file: number, offset: number, minTime: number, maxTime: number, into: Parameters<ChunkSource["read"]>[4]): void {
    const { bytes, start, end, encoding } = this.chunk(file, offset);
    assert.ok(decodeChunk(encoding, bytes, start, end, minTime, maxTime, into));
  }

  chunk(_file: number, offset: number): ChunkBytes {
    const { bytes, encoding } = this.#all[offset] as { bytes: Uint8Array; encoding: number };
    return { bytes, start: 0, end: bytes.length, encoding };
  }
}

interface Oddities {
  /** Refs that mean a series which has another one already. */
  readonly aliases: boolean;
  /** A ref that an earlier log (a checkpoint) used for two series. */
  readonly earlier: boolean;
  /** Samples of series that nobody told of. */
  readonly unknown: boolean;
  /** Series that change between floats and histograms. */
  readonly histograms: boolean;
  readonly tombstones: boolean;
  /** Series that leave the head, some of which come back under another ref. */
  readonly ends: boolean;
  /** A record of samples that is too long for a stretch. */
  readonly long: boolean;
  /** A record of samples that is sound only as a frame. */
  readonly broken: boolean;
  readonly damage: boolean;
}

/** What a log before the one at hand says: two series by one ref. */
function writeEarlierLog(directory: string): void {
  const wal = WalWriter.open(fs, directory);
  const record = new ByteWriter(64);
  const tell = (ref: number, name: string): void => {
    record.clear();
    record.uint8(1);
    encodeSeries(record, ref, Labels.fromObject({ __name__: "m", s: name }));
    wal.log(record.bytes, record.length);
  };
  tell(EARLIER_REF, "first");
  tell(EARLIER_REF, "second");
  wal.close();
}

function writeLog(directory: string, random: () => number, odd: Oddities): void {
  const wal = WalWriter.open(fs, directory, { segmentBytes: 2 ** 20, compression: random() < 0.8 ? "snappy" : "none" });
  const record = new ByteWriter(65_536);
  const log = (): void => {
    wal.log(record.bytes, record.length);
    record.clear();
  };
  const pick = (count: number): number => Math.floor(random() * count);
  const refs: number[] = [];
  const names: string[] = [];
  const tell = (count: number): void => {
    record.uint8(1);
    for (let i = 0; i < count; i++) {
      const ref = refs.length + 1 + (random() < 0.1 ? pick(3) : 0);
      refs.push(refs.includes(ref) ? refs.length + 1000 : ref);
      const name = odd.aliases && random() < 0.01 ? pick(refs.length) : refs.length;
      names.push(`${name}`);
      encodeSeries(record, refs.at(-1) as number, Labels.fromObject({ __name__: "m", s: `${name}` }));
    }
    log();
  };
  // Records of the same series again and again, mostly in the same order and apart from each other.
  const scrapeAll = (t: number, targets: number): void => {
    const sorted = [...refs].sort((a, b) => a - b);
    for (let target = 0; target < targets; target++) {
      const batch = sorted.filter((_, i) => Math.floor((i * targets) / sorted.length) === target && random() < 0.9995);
      if (random() < 0.01) batch.reverse();
      if (random() < 0.01) batch.push(batch[0] ?? 1);
      if (odd.unknown && random() < 0.01) batch.push(50_000 + pick(100));
      if (odd.earlier && random() < 0.05) batch.push(EARLIER_REF);
      if (random() < 0.01) batch.push(sorted[pick(sorted.length)] as number);
      if (batch.length === 0) continue;
      const times = Float64Array.from(batch, () => t + target - (random() < 0.001 ? pick(60_000) : 0));
      for (let i = 0; i < batch.length; i++) values[i] = i % 3 === 0 ? t / 1000 : i % 3 === 1 ? random() : 7;
      encodeSamples(record, Float64Array.from(batch), times, new Uint32Array(values.buffer), 0, batch.length);
      if (odd.broken && random() < 0.0005) record.length -= 5;
      log();
    }
  };
  const values = new Float64Array(200_000);
  tell(300);
  let t = START;
  const rounds = 900;
  const targets = 2 + pick(20);
  let isScraped = true;
  for (let round = 0; round < rounds; round++) {
    t += random() < 0.97 ? 15_000 : pick(RANGE);
    if (random() < 0.02) tell(1 + pick(40));
    if (random() < 0.05) isScraped = !isScraped;
    if (isScraped) {
      scrapeAll(t, targets);
      continue;
    }
    const isLong = odd.long && round === 500;
    const count = isLong ? 120_000 : 1 + pick(refs.length);
    const batch = Float64Array.from({ length: count }, (_, i) =>
      odd.unknown && random() < 0.0005 ? 50_000 + pick(100) : (refs[(i + round) % refs.length] as number),
    );
    if (odd.earlier) batch[pick(count)] = EARLIER_REF;
    const times = new Float64Array(count).fill(t);
    for (let i = 0; i < count; i++) {
      values[i] = i % 3 === 0 ? round : i % 3 === 1 ? random() : 7;
      if (random() < 0.001) times[i] = t - pick(60_000);
    }
    encodeSamples(record, batch, times, new Uint32Array(values.buffer), 0, count);
    if (odd.broken && round === 700) record.length -= 5;
    log();
    if (odd.histograms && random() < 0.05) {
      const histogram: FloatHistogramFields = {
        counterResetHint: 0,
        schema: 0,
        zeroThreshold: 0,
        zeroCount: 0,
        count: 3,
        sum: 4,
        positiveSpans: [{ offset: 0, length: 1 }],
        negativeSpans: [],
        positiveBuckets: Float64Array.of(3),
        negativeBuckets: new Float64Array(0),
        customValues: [],
      };
      const ref = refs[pick(refs.length)] as number;
      encodeHistograms(record, [{ ref, t: t + 1, integer: true, histogram, stale: false, startTime: 0 }], log);
      record.clear();
    }
    if (odd.tombstones && random() < 0.01) {
      encodeTombstones(record, [{ ref: refs[pick(refs.length)] as number, minTime: START, maxTime: t }]);
      log();
    }
    if (odd.ends && random() < 0.03) {
      const at = pick(refs.length);
      encodeTombstones(record, [endOfSeries(refs[at] as number)]);
      log();
      const next = Math.max(...refs) + 1;
      refs[at] = next;
      record.uint8(1);
      encodeSeries(record, next, Labels.fromObject({ __name__: "m", s: names[at] as string }));
      log();
    }
    if (random() < 0.01) {
      encodeMetadata(record, [{ ref: refs[0] as number, metadata: { type: "counter", unit: "", help: `${round}` } }]);
      log();
    }
  }
  wal.close();
}

interface Outcome {
  readonly head: Head;
  readonly samples: Map<string, [number, number][]>;
  readonly corruption: string | undefined;
  readonly segments: number[];
  readonly usedSlots: number;
  readonly usedCells: number;
  readonly readAhead: number;
}

/** Replays as a start does. `aloneFor`: records that the main thread reads before it lets the other begin; undefined: one thread. */
async function replay(directory: string, withSink: boolean, aloneFor: number | undefined): Promise<Outcome> {
  const head = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  const chunks = new Chunks();
  if (withSink) head.attach(undefined, chunks);
  const replaying = new Replay(head, new ReplayChunks());
  const segments: number[] = [];
  const onSegment = (index: number): void => void segments.push(index);
  const earlier = new WalReader(fs, `${directory}-earlier`);
  while (earlier.next()) replaying.apply(earlier);
  if (aloneFor !== undefined) new ReplayThread(head.memory.memory, directory, 0);
  const log =
    aloneFor === undefined
      ? new WalReader(fs, directory, { onSegment, kernels: head.kernels })
      : new AheadLog(head, head.kernels as Kernels, {
          fs,
          directory,
          fromSegment: 0,
          onSegment,
        });
  try {
    for (let n = 0; ; n++) {
      if (n === aloneFor) await (log as AheadLog).whenUp();
      if (!log.next()) break;
      replaying.apply(log);
    }
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    log.corruptionHere(error.message);
  } finally {
    log.close();
  }
  replaying.finish();
  const usedSlots = head.room.slots.used;
  const usedCells = head.room.cells.used;
  const view = new HeadView(head.memory, chunks);
  const snapshot = head.snapshots.take(head.table.lastRef);
  const release = (): void => head.snapshots.release(snapshot);
  const querier = new HeadQuerier(view, snapshot, -1e15, 1e15, release, head.deletions);
  const samples = dumpQuerier(querier);
  querier.close();
  const corruption =
    log.corruption === undefined
      ? undefined
      : `${log.corruption.segment} ${log.corruption.offset} ${log.corruption.message} ${log.corruption.lostBytes}`;
  const readAhead = log instanceof AheadLog ? log.readAhead : 0;
  return { head, samples, corruption, segments, usedSlots, usedCells, readAhead };
}

/** Flips bytes somewhere in the log, or cuts its end off. */
async function damage(directory: string, random: () => number): Promise<void> {
  const names = readdirSync(directory).sort();
  const name = names[Math.floor(random() * names.length)] as string;
  const path = join(directory, name);
  const { size } = statSync(path);
  if (random() < 0.3) {
    truncateSync(path, Math.floor(random() * size));
    return;
  }
  const file = await open(path, "r+");
  await file.write(Uint8Array.of(Math.floor(random() * 256)), 0, 1, Math.floor(random() * size));
  await file.close();
}

const cases: [string, Partial<Oddities>][] = [
  ["plain", {}],
  ["everything but damage", { aliases: true, unknown: true, histograms: true, tombstones: true, long: true }],
  ["series that end and come back", { ends: true, histograms: true }],
  ["unknown refs", { unknown: true }],
  ["series that become histograms", { histograms: true, tombstones: true }],
  ["two refs for a series", { aliases: true }],
  ["two series by a ref of an earlier log", { earlier: true }],
  ["a long record", { long: true }],
  ["a broken record", { broken: true }],
  ["damaged bytes", { damage: true, tombstones: true }],
];

for (const [i, [name, oddities]] of cases.entries()) {
  test(`log read ahead: ${name}: it leaves what one thread leaves (seed ${seed + i})`, async () => {
    const random = seeded(seed + i);
    const directory = mkdtempSync(join(tmpdir(), "ahead-log-"));
    try {
      const none = {
        aliases: false,
        earlier: false,
        unknown: false,
        histograms: false,
        tombstones: false,
        ends: false,
        long: false,
      };
      const odd: Oddities = { ...none, broken: false, damage: false, ...oddities };
      writeLog(directory, random, odd);
      if (odd.earlier) writeEarlierLog(`${directory}-earlier`);
      if (odd.damage) await damage(directory, random);
      const withSink = random() < 0.5;
      const expected = await replay(directory, withSink, undefined);
      const found = await replay(directory, withSink, Math.floor(random() ** 2 * 300));
      assert.deepEqual(found.corruption, expected.corruption);
      assert.deepEqual(found.segments, expected.segments);
      assert.equal(found.samples.size, expected.samples.size);
      for (const [labels, samples] of expected.samples) assert.deepEqual(found.samples.get(labels), samples, labels);
      assert.deepEqual(found.head.counters, expected.head.counters);
      assert.equal(found.head.times.min, expected.head.times.min);
      assert.equal(found.head.times.max, expected.head.times.max);
      assert.equal(found.usedSlots, expected.usedSlots);
      assert.equal(found.usedCells, expected.usedCells);
      if (Object.keys(oddities).length === 0) assert.ok(found.readAhead > 1000, "the second thread had its part");
      assert.ok(odd.broken || odd.damage || expected.head.counters.samplesAppended > 100_000);
    } finally {
      rmSync(directory, { recursive: true });
      rmSync(`${directory}-earlier`, { recursive: true, force: true });
    }
  });
}
