import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FaultyFs } from "../fs/faulty-fs.ts";
import type { FileSystem } from "../fs/file-system.ts";
import { MemoryFs } from "../fs/memory-fs.ts";
import { ChunkError } from "./format.ts";
import {
  HeadChunkReader,
  HeadChunkWriter,
  headChunkFile,
  headChunkRef,
  listHeadChunkFiles,
  repairHeadChunks,
  scanHeadChunks,
} from "./head-chunks.ts";

function data(seed: number, bytes: number): Uint8Array {
  const made = new Uint8Array(bytes);
  for (let i = 0; i < bytes; i++) made[i] = seed * 31 + i * 7;
  return made;
}

function write(writer: HeadChunkWriter, seed: number, bytes: number): number {
  const chunk = data(seed, bytes);
  return writer.write(seed, seed * 1000, seed * 1000 + 999, 1, seed % 5 === 0, chunk, 0, chunk.length);
}

function check(reader: HeadChunkReader, ref: number, seed: number, bytes: number): void {
  const chunk = reader.read(ref);
  assert.equal(chunk.seriesRef, seed);
  assert.equal(chunk.minTime, seed * 1000);
  assert.equal(chunk.maxTime, seed * 1000 + 999);
  assert.equal(chunk.encoding, 1);
  assert.equal(chunk.outOfOrder, seed % 5 === 0);
  assert.deepEqual(chunk.bytes.slice(chunk.start, chunk.end), data(seed, bytes));
}

function scan(fs: FileSystem): { refs: number[]; corruption: ReturnType<typeof scanHeadChunks> } {
  const refs: number[] = [];
  const corruption = scanHeadChunks(fs, "chunks_head", (ref) => refs.push(ref));
  return { refs, corruption };
}

describe("chunks_head", () => {
  test("bytes of the format", () => {
    const fs = new MemoryFs();
    const writer = HeadChunkWriter.open(fs, "chunks_head");
    assert.equal(writer.write(7, 1, 2, 1, true, new Uint8Array([9, 8]), 0, 2), headChunkRef(1, 8));
    writer.close();
    const into = new Uint8Array(100);
    const got = fs.open("chunks_head/000001", "read").read(into, 0, 100, 0);
    assert.equal(
      Buffer.from(into.subarray(0, got - 4)).toString("hex"),
      `0130bc9101000000${"0000000000000007"}${"0000000000000001"}${"0000000000000002"}${"81"}${"02"}${"0908"}`,
    );
  });

  test("chunks of all sizes are read back by reference and by scanning, over several files", () => {
    const fs = new MemoryFs();
    const sizes = Array.from({ length: 400 }, (_, i) => [3, 150, 1000, 2040, 5000, 70_000][i % 6] as number);
    const writer = HeadChunkWriter.open(fs, "chunks_head", { fileBytes: 1_000_000 });
    const refs = sizes.map((size, i) => write(writer, i + 1, size));
    writer.flush();
    const reader = new HeadChunkReader(fs, "chunks_head");
    for (const i of [0, 399, 1, 200, 5]) check(reader, refs[i] as number, i + 1, sizes[i] as number);
    writer.close();
    assert.ok(headChunkFile(refs.at(-1) as number) > 3);
    const scanned = scan(fs);
    assert.equal(scanned.corruption, undefined);
    assert.deepEqual(scanned.refs, refs);
    const next = HeadChunkWriter.open(fs, "chunks_head");
    assert.equal(headChunkFile(write(next, 1, 10)), headChunkFile(refs.at(-1) as number) + 1);
    next.flush();
    next.truncate(3);
    assert.equal(listHeadChunkFiles(fs, "chunks_head")[0]?.index, 3);
    reader.close();
    assert.throws(() => reader.read(refs[0] as number), ChunkError);
  });

  test("a disk that fails or tears loses no chunk that got a reference", () => {
    for (const fault of ["failAt", "tearAt"] as const) {
      for (let n = 1; n < 25; n++) {
        const inner = new MemoryFs();
        const fs = new FaultyFs(inner);
        const writer = HeadChunkWriter.open(fs, "chunks_head", { fileBytes: 5000 });
        fs.changes = 0;
        fs.faults[fault] = n;
        const refs: [number, number][] = [];
        for (let seed = 1; seed < 30; seed++) {
          try {
            refs.push([write(writer, seed, 900), seed]);
            if (seed % 2 === 0) writer.flush();
          } catch (error) {
            assert.equal((error as { code?: string }).code, "EIO");
          }
        }
        fs.faults[fault] = 0;
        writer.close();
        const reader = new HeadChunkReader(inner, "chunks_head");
        for (const [ref, seed] of refs) check(reader, ref, seed, 900);
        const scanned = scan(inner);
        assert.equal(scanned.corruption, undefined, scanned.corruption?.reason);
        assert.deepEqual(
          scanned.refs,
          refs.map(([ref]) => ref),
        );
      }
    }
  });

  test("damage is found where it lies; repair keeps what comes before and removes later files", () => {
    const fs = new MemoryFs();
    const writer = HeadChunkWriter.open(fs, "chunks_head", { fileBytes: 5000 });
    const refs = Array.from({ length: 20 }, (_, i) => write(writer, i + 1, 900));
    writer.close();
    const bad = refs[7] as number;
    const offset = bad - headChunkRef(headChunkFile(bad), 0);
    fs.corrupt(`chunks_head/00000${headChunkFile(bad)}`, offset + 50, 0xaa);
    const { refs: before, corruption } = scan(fs);
    assert.deepEqual(before, refs.slice(0, 7));
    assert.equal(corruption?.offset, offset);
    assert.equal(corruption?.file, headChunkFile(bad));
    assert.throws(() => new HeadChunkReader(fs, "chunks_head").read(bad), /no sound chunk in chunks_head\/000002 at/);
    repairHeadChunks(fs, "chunks_head", corruption);
    const again = scan(fs);
    assert.equal(again.corruption, undefined);
    assert.deepEqual(again.refs, refs.slice(0, 7));
  });

  test("zeros behind the last chunk and an empty last file are no damage; a torn chunk is", () => {
    const fs = new MemoryFs();
    const writer = HeadChunkWriter.open(fs, "chunks_head");
    write(writer, 1, 100);
    write(writer, 2, 100);
    writer.close();
    const size = fs.size("chunks_head/000001");
    fs.truncate("chunks_head/000001", size + 3_000_000);
    fs.put("chunks_head/000002", new Uint8Array(0));
    assert.equal(scan(fs).corruption, undefined);
    assert.equal(scan(fs).refs.length, 2);
    for (const cut of [1, 4, 50, 120]) {
      fs.truncate("chunks_head/000001", size - cut);
      const { refs, corruption } = scan(fs);
      assert.equal(refs.length, 1);
      assert.equal(corruption?.reason, "chunk cut off");
    }
  });
});
