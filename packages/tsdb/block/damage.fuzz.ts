// Damaged bytes in every file of a data directory: readers answer, or refuse with one clear error; they never crash,
// hang, or take memory beyond what the files' sizes allow. NARTHEX_FUZZ_SEED repeats a run, NARTHEX_FUZZ_RUNS makes it longer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BitWriter, ByteWriter, EncodingError } from "@narthex/encoding";
import { type FloatHistogramFields, Labels, Matcher } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { decodeChunk } from "../chunk/decode.ts";
import { ChunkEncoding, ChunkError } from "../chunk/format.ts";
import { HeadChunkReader, HeadChunkWriter, repairHeadChunks, scanHeadChunks } from "../chunk/head-chunks.ts";
import { encodeHistogramChunk } from "../chunk/histogram-encoder.ts";
import { encodeXor } from "../chunk/xor.ts";
import { encodeXor2 } from "../chunk/xor2.ts";
import { MemoryFs } from "../fs/memory-fs.ts";
import { IndexError } from "../index/format.ts";
import { TombstoneError } from "../tombstone/tombstones.ts";
import {
  decodeExemplars,
  decodeMetadata,
  decodeMmapMarkers,
  decodeTombstones,
  encodeMetadata,
  encodeTombstones,
} from "../wal/entry-records.ts";
import { decodeHistograms, encodeHistograms, encodeHistogramsV2, isHistogramRecord } from "../wal/histogram-record.ts";
import { RecordError } from "../wal/record.ts";
import { decodeSamples, encodeSamples, encodeSamplesV2, SampleRecord } from "../wal/sample-record.ts";
import { beginSeries, encodeSeries, SeriesRecordCursor } from "../wal/series-record.ts";
import { repairWal, WalReader } from "../wal/wal-reader.ts";
import { WalWriter } from "../wal/wal-writer.ts";
import { Block, BlockError } from "./block.ts";
import { dumpQuerier, seeded, writeTestBlock } from "./block-fixture.ts";
import { BlockMetaError } from "./meta.ts";

const seed = Number(process.env["NARTHEX_FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
const runs = Number(process.env["NARTHEX_FUZZ_RUNS"] ?? 300);

/** Flips bits, overwrites, cuts, fills with zeros, inserts garbage: one to three of them. */
function damage(bytes: Uint8Array, random: () => number): Uint8Array {
  let damaged = bytes.slice();
  const at = (): number => Math.floor(random() * damaged.length);
  for (let times = 1 + Math.floor(random() * 3); times > 0 && damaged.length > 0; times--) {
    switch (Math.floor(random() * 6)) {
      case 0:
      case 1:
        damaged[at()]! ^= 1 << Math.floor(random() * 8);
        break;
      case 2:
        damaged[at()] = Math.floor(random() * 256);
        break;
      case 3:
        damaged = damaged.slice(0, at());
        break;
      case 4: {
        const from = at();
        damaged.fill(random() < 0.5 ? 0 : 0xff, from, from + Math.floor(random() * 200));
        break;
      }
      case 5: {
        const from = at();
        const garbage = Uint8Array.from({ length: Math.floor(random() * 64) }, () => random() * 256);
        const longer = new Uint8Array(damaged.length + garbage.length);
        longer.set(damaged.subarray(0, from));
        longer.set(garbage, from);
        longer.set(damaged.subarray(from), from + garbage.length);
        damaged = longer;
        break;
      }
    }
  }
  return damaged;
}

function content(fs: MemoryFs, path: string): Uint8Array {
  const file = fs.open(path, "read");
  const bytes = new Uint8Array(file.size());
  file.read(bytes, 0, bytes.length, 0);
  return bytes;
}

function histogram(i: number): FloatHistogramFields {
  return {
    counterResetHint: 0,
    schema: 1,
    zeroThreshold: 0.001,
    zeroCount: i,
    count: 5 * i,
    sum: i * 1.7,
    positiveSpans: [{ offset: -2, length: 3 }],
    negativeSpans: [{ offset: 1, length: 2 }],
    positiveBuckets: Float64Array.of(i, 2 * i, 3),
    negativeBuckets: Float64Array.of(i, 1),
    customValues: [],
  };
}

/** Runs `check` with many seeds; a failing one is named. */
function fuzz(name: string, check: (random: () => number) => void): void {
  test(`${name} (seed ${seed}, ${runs} runs)`, () => {
    for (let run = 0; run < runs; run++) {
      try {
        check(seeded(seed + run));
      } catch (error) {
        throw new Error(`NARTHEX_FUZZ_SEED=${seed + run} NARTHEX_FUZZ_RUNS=1: ${(error as Error).message}`, {
          cause: error,
        });
      }
    }
  });
}

const original = new MemoryFs();
const start = 1_700_000_000_000;
const { path } = writeTestBlock(
  original,
  "data",
  Array.from({ length: 60 }, (_, i) => ({
    labels: { __name__: `metric_${i % 3}`, instance: `host-${i}` },
    samples: Array.from({ length: 150 }, (_, s) => [start + s * 15_000, s % 9 === 0 ? 0 : s / 7] as const),
  })),
);

fuzz("block files", (random) => {
  const fs = original.clone();
  const files = fs.files().filter((file) => file.startsWith(path));
  const file = files[Math.floor(random() * files.length)]!;
  fs.put(file, damage(content(fs, file), random));
  try {
    const block = Block.open(fs, path);
    const querier = block.querier(-1e15, 1e15);
    querier.labelNames([]);
    querier.labelValues("instance", []);
    querier.select([new Matcher("=~", "instance", "host-1.*")]);
    for (const samples of dumpQuerier(querier).values()) assert.ok(samples.length <= 150 * 60);
    if (random() < 0.3) block.delete(start, start + 1000, [new Matcher("=", "__name__", "metric_1")]);
    querier.close();
  } catch (error) {
    const expected = [BlockError, IndexError, ChunkError, TombstoneError, BlockMetaError];
    assert.ok(
      expected.some((kind) => error instanceof kind),
      `${file}: ${(error as Error).stack}`,
    );
  }
});

function decodeRecord(bytes: Uint8Array, from: number, to: number): void {
  const type = from < to ? bytes[from]! : 0;
  if (type === 1) {
    const cursor = new SeriesRecordCursor(bytes, from, to);
    while (cursor.next()) cursor.labels();
  } else if (type === 2 || type === 11) decodeSamples(bytes, from, to, new SampleRecord());
  else if (type === 3) decodeTombstones(bytes, from, to);
  else if (type === 4) decodeExemplars(bytes, from, to);
  else if (type === 5) decodeMmapMarkers(bytes, from, to);
  else if (type === 6) decodeMetadata(bytes, from, to);
  else if (isHistogramRecord(type)) decodeHistograms(bytes, from, to);
}

const records: Uint8Array[] = [];
{
  const writer = new ByteWriter();
  const keep = (): void => {
    records.push(writer.toBytes());
    writer.clear();
  };
  beginSeries(writer);
  for (let i = 1; i < 40; i++)
    encodeSeries(writer, i, Labels.fromObject({ __name__: "m", i: String(i), job: "nodes" }));
  keep();
  const refs = Uint32Array.from({ length: 200 }, (_, i) => i * i);
  encodeSamples(writer, refs, new Float64Array(200).fill(start), new Uint32Array(400).fill(0x3ff00000), 0, 200);
  keep();
  encodeTombstones(writer, [{ ref: 1, minTime: start, maxTime: start + 1 }]);
  keep();
  encodeMetadata(writer, [{ ref: 1, metadata: { type: "gauge", help: "help", unit: "s" } }]);
  keep();
  encodeHistograms(
    writer,
    [1, 2, 3].map((i) => ({ ref: i, t: start, integer: i !== 2, histogram: histogram(i), stale: false, startTime: 0 })),
    (record) => records.push(record.toBytes()),
  );
  writer.clear();
  const starts = Float64Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 0 : start - (i >> 3)));
  encodeSamplesV2(writer, refs, new Float64Array(200).fill(start), new Uint32Array(400), starts, 0, 200);
  keep();
  encodeHistogramsV2(
    writer,
    [1, 2, 3, 4].map((i) => {
      return { ref: i, t: start, integer: i % 2 === 0, histogram: histogram(i), stale: false, startTime: start - i };
    }),
    (record) => records.push(record.toBytes()),
  );
}

fuzz("records", (random) => {
  const bytes = damage(records[Math.floor(random() * records.length)]!, random);
  try {
    decodeRecord(bytes, 0, bytes.length);
  } catch (error) {
    assert.ok(error instanceof RecordError, (error as Error).stack);
  }
});

fuzz("log segments: what comes before the damage is read, repair leaves a sound log", (random) => {
  const fs = new MemoryFs();
  const compression = random() < 0.5 ? "snappy" : "none";
  const writer = WalWriter.open(fs, "wal", { segmentBytes: 64 * 1024, compression });
  for (let i = 0; i < 60; i++) writer.log(records[i % records.length]!);
  writer.close();
  const files = fs.files();
  const file = files[Math.floor(random() * files.length)]!;
  fs.put(file, damage(content(fs, file), random));
  const read = (): [number, WalReader] => {
    const reader = new WalReader(fs, "wal");
    while (reader.next()) {
      try {
        decodeRecord(reader.bytes, reader.start, reader.end);
      } catch (error) {
        assert.ok(error instanceof RecordError, (error as Error).stack);
        reader.corruptionHere(error.message);
      }
    }
    return [reader.records, reader];
  };
  const [found, { corruption }] = read();
  if (corruption === undefined) return;
  assert.ok(corruption.lostBytes >= 0);
  repairWal(fs, corruption);
  const [again, { corruption: left }] = read();
  assert.equal(left, undefined, left?.message);
  assert.ok(again === found || again === found - 1);
});

fuzz("head chunks: what comes before the damage is read, repair leaves sound files", (random) => {
  const fs = new MemoryFs();
  const writer = HeadChunkWriter.open(fs, "chunks_head", { fileBytes: 4000 });
  const refs: number[] = [];
  for (let i = 1; i < 40; i++) {
    const bytes = records[i % records.length]!.subarray(0, 400);
    refs.push(writer.write(i, start, start + i, 1, false, bytes, 0, bytes.length));
  }
  writer.close();
  const files = fs.files();
  const file = files[Math.floor(random() * files.length)]!;
  fs.put(file, damage(content(fs, file), random));
  let found = 0;
  const corruption = scanHeadChunks(fs, "chunks_head", () => found++);
  const reader = new HeadChunkReader(fs, "chunks_head");
  for (const ref of refs) {
    try {
      reader.read(ref);
    } catch (error) {
      assert.ok(error instanceof ChunkError, (error as Error).stack);
    }
  }
  if (corruption === undefined) return;
  repairHeadChunks(fs, "chunks_head", corruption);
  let again = 0;
  assert.equal(
    scanHeadChunks(fs, "chunks_head", () => again++),
    undefined,
  );
  assert.equal(again, found);
});

const chunks: [number, Uint8Array][] = [];
{
  const writer = new BitWriter();
  const times = Float64Array.from({ length: 120 }, (_, i) => start + i * 15_000 + (i % 5));
  const values = Float64Array.from({ length: 120 }, (_, i) => (i % 4 === 0 ? 1 : i / 3));
  encodeXor(writer, times, new Uint32Array(values.buffer), 0, 120);
  chunks.push([ChunkEncoding.xor, writer.toBytes()]);
  for (const integer of [true, false]) {
    writer.clear();
    const histograms = Array.from({ length: 20 }, (_, i) => histogram(i));
    encodeHistogramChunk(writer, integer, 0, times, histograms);
    chunks.push([integer ? ChunkEncoding.histogram : ChunkEncoding.floatHistogram, writer.toBytes()]);
  }
  const starts = times.map((t, i) => (i < 9 ? 0 : i < 60 ? start - 7 : t - i * i));
  writer.clear();
  encodeXor2(writer, times, new Uint32Array(values.buffer), starts, 0, 120);
  chunks.push([ChunkEncoding.xor2, writer.toBytes()]);
  for (const integer of [true, false]) {
    writer.clear();
    const histograms = Array.from({ length: 20 }, (_, i) => histogram(i));
    encodeHistogramChunk(writer, integer, 0, times, histograms, starts);
    chunks.push([integer ? ChunkEncoding.histogramStart : ChunkEncoding.floatHistogramStart, writer.toBytes()]);
  }
}

fuzz("chunks without the protection of a checksum", (random) => {
  const [encoding, bytes] = chunks[Math.floor(random() * chunks.length)]!;
  const damaged = damage(bytes, random);
  const into = new SampleBuffer();
  try {
    const decoded = decodeChunk(encoding, damaged, 0, damaged.length, -1e15, 1e15, into);
    if (!decoded) assert.equal(into.count, 0);
    assert.ok(into.count <= 65_535);
  } catch (error) {
    assert.ok(!(error instanceof EncodingError), "decoders return false");
    throw error;
  }
});
