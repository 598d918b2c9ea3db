// The bytes on the format pages are what the code reads and writes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { BitWriter, ByteWriter } from "@narthex/encoding";
import { SampleBuffer } from "@narthex/storage";
import { Block } from "../../block/block.ts";
import { dumpQuerier } from "../../block/block-fixture.ts";
import { formatBlockMeta, parseBlockMeta } from "../../block/meta.ts";
import { decodeChunk } from "../../chunk/decode.ts";
import { scanHeadChunks } from "../../chunk/head-chunks.ts";
import { decodeXor } from "../../chunk/xor.ts";
import { encodeXor2 } from "../../chunk/xor2.ts";
import { Db } from "../../db.ts";
import { MemoryFs } from "../../fs/memory-fs.ts";
import { decodeTombstonesFile, encodeTombstonesFile } from "../../tombstone/tombstones.ts";
import { decodeSamples, encodeSamplesV2, SampleRecord } from "../../wal/sample-record.ts";
import { SeriesRecordCursor } from "../../wal/series-record.ts";
import { WalReader } from "../../wal/wal-reader.ts";
import { WalWriter } from "../../wal/wal-writer.ts";

const pages = join(import.meta.dirname, "../../../docs/format");

/** The text of a page's first code block of this kind. */
function codeBlock(page: string, kind: string): string {
  const text = readFileSync(join(pages, page), "utf8");
  const found = new RegExp(`\`\`\`${kind}\n([^\`]*)\n\`\`\``).exec(text);
  assert.ok(found !== null, `${page} has a block of ${kind}`);
  return found[1] as string;
}

function bytesOf(page: string, kind = "hex"): Uint8Array {
  return Uint8Array.from(Buffer.from(codeBlock(page, kind).replace(/\s/g, ""), "hex"));
}

const samples = [
  [1000, 1],
  [16000, 1],
  [31000, 2],
];

test("wal.md", () => {
  const fs = new MemoryFs();
  fs.put("wal/00000000", bytesOf("wal.md"));
  const reader = new WalReader(fs, "wal");
  assert.ok(reader.next());
  const series = new SeriesRecordCursor(reader.bytes, reader.start, reader.end);
  assert.ok(series.next());
  assert.equal(series.ref, 1);
  assert.deepEqual(series.labels().toObject(), { __name__: "up", job: "a" });
  assert.ok(reader.next());
  const record = new SampleRecord();
  decodeSamples(reader.bytes, reader.start, reader.end, record);
  assert.deepEqual([record.count, record.times[0], record.times[1]], [2, 1000, 16000]);
  assert.equal(reader.next(), false);
  assert.equal(reader.corruption, undefined);
});

test("chunk-snapshot.md", async () => {
  const fs = new MemoryFs();
  fs.put("data/wal/00000000", new Uint8Array(0));
  const wal = WalWriter.open(fs, "data/chunk_snapshot.000000.0000000000");
  for (const kind of ["hex series", "hex tombstones"]) wal.log(bytesOf("chunk-snapshot.md", kind));
  wal.close();
  const options = { directory: "data", fs, memoryBytes: 2 ** 26, maintenanceIntervalMs: 0, snapshotsChunks: true };
  const db = await Db.open({ ...options, walCompression: "none" });
  const querier = db.querier(0, 1e15);
  const found = dumpQuerier(querier);
  querier.close();
  assert.deepEqual([...found.values()], [samples.slice(1)]);
  await db.close();
  // And back.
  const [name] = fs.list("data").filter((entry) => entry.startsWith("chunk_snapshot")) as [string];
  const reader = new WalReader(fs, `data/${name}`);
  for (const kind of ["hex series", "hex tombstones"]) {
    assert.ok(reader.next());
    assert.deepEqual(reader.bytes.slice(reader.start, reader.end), bytesOf("chunk-snapshot.md", kind));
  }
});

test("chunks.md: a chunk of floats", () => {
  const bytes = bytesOf("chunks.md", "hex xor");
  const into = new SampleBuffer();
  assert.ok(decodeXor(bytes, 0, bytes.length, 0, 1e15, into));
  assert.deepEqual(
    [0, 1, 2].map((i) => [into.times[i], into.values[i]]),
    samples,
  );
});

test("chunks.md: chunks with start timestamps", () => {
  const read = (encoding: number, bytes: Uint8Array): (readonly [number, number, number])[] => {
    const into = new SampleBuffer();
    assert.ok(decodeChunk(encoding, bytes, 0, bytes.length, 0, 1e15, into));
    return Array.from({ length: into.count }, (_, i) => [
      into.times[i] as number,
      into.histograms?.[i]?.count ?? (into.values[i] as number),
      into.startTimes?.[i] ?? 0,
    ]);
  };
  const floats = bytesOf("chunks.md", "hex xor2");
  assert.deepEqual(read(4, floats), [
    [1000, 1, 400],
    [16_000, 1, 400],
    [31_000, 2, 20_000],
    [46_000, 2, 20_000],
  ]);
  const times = Float64Array.of(1000, 16_000, 31_000, 46_000);
  const writer = new BitWriter();
  const starts = Float64Array.of(400, 400, 20_000, 20_000);
  encodeXor2(writer, times, new Uint32Array(Float64Array.of(1, 1, 2, 2).buffer), starts, 0, 4);
  assert.deepEqual(writer.toBytes(), floats);
  assert.deepEqual(read(5, bytesOf("chunks.md", "hex histogram")), [
    [1000, 1, 400],
    [16_000, 3, 15_000],
  ]);
});

test("wal.md: a record with start timestamps", () => {
  const bytes = bytesOf("wal.md", "hex starts");
  const record = new SampleRecord();
  decodeSamples(bytes, 0, bytes.length, record);
  const { count, refs, times, halves, startTimes } = record;
  assert.deepEqual([...refs.subarray(0, count)], [1, 1, 3]);
  assert.deepEqual([...times.subarray(0, count)], [1000, 16_000, 16_000]);
  assert.deepEqual([...(startTimes?.subarray(0, count) ?? [])], [400, 400, 0]);
  const writer = new ByteWriter();
  encodeSamplesV2(writer, refs, times, halves, startTimes, 0, count);
  assert.deepEqual(writer.toBytes(), bytes);
});

test("head-chunks.md", () => {
  const fs = new MemoryFs();
  fs.put("chunks_head/000001", bytesOf("head-chunks.md"));
  const found: number[] = [];
  const damage = scanHeadChunks(fs, "chunks_head", (_, chunk, count) => {
    found.push(chunk.seriesRef, chunk.minTime, chunk.maxTime, count);
  });
  assert.equal(damage, undefined);
  assert.deepEqual(found, [1, 1000, 31000, 3]);
});

test("index.md, chunks.md and block.md: a whole block", () => {
  const fs = new MemoryFs();
  fs.put("block/index", bytesOf("index.md"));
  fs.put("block/chunks/000001", bytesOf("chunks.md", "hex segment"));
  fs.put("block/meta.json", new TextEncoder().encode(codeBlock("block.md", "json")));
  const block = Block.open(fs, "block");
  assert.deepEqual([...dumpQuerier(block.querier(0, 1e15))], [['{"__name__":"up","job":"a"}', samples]]);
});

test("block.md: meta.json and tombstones", () => {
  const text = codeBlock("block.md", "json");
  assert.deepEqual(JSON.parse(formatBlockMeta(parseBlockMeta(text))), JSON.parse(text));
  const bytes = bytesOf("block.md");
  const stones = decodeTombstonesFile(bytes);
  assert.deepEqual([...stones], [[2, [1000, 16000]]]);
  assert.deepEqual(encodeTombstonesFile(stones), bytes);
});
