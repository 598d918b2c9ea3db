// The bytes on the format pages are what the code reads and writes.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { SampleBuffer } from "@narthex/storage";
import { Block } from "../../block/block.ts";
import { dumpQuerier } from "../../block/block-fixture.ts";
import { formatBlockMeta, parseBlockMeta } from "../../block/meta.ts";
import { scanHeadChunks } from "../../chunk/head-chunks.ts";
import { decodeXor } from "../../chunk/xor.ts";
import { MemoryFs } from "../../fs/memory-fs.ts";
import { decodeTombstonesFile, encodeTombstonesFile } from "../../tombstone/tombstones.ts";
import { decodeSamples, SampleRecord, SeriesRecordCursor } from "../../wal/record.ts";
import { WalReader } from "../../wal/wal-reader.ts";

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

test("chunks.md: a chunk of floats", () => {
  const bytes = bytesOf("chunks.md", "hex xor");
  const into = new SampleBuffer();
  assert.ok(decodeXor(bytes, 0, bytes.length, 0, 1e15, into));
  assert.deepEqual(
    [0, 1, 2].map((i) => [into.times[i], into.values[i]]),
    samples,
  );
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
