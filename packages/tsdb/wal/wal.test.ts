import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { FaultyFs } from "../fs/faulty-fs.ts";
import type { FileSystem } from "../fs/file-system.ts";
import { MemoryFs } from "../fs/memory-fs.ts";
import { canWriteZstd, RecordDecompressor } from "./compression.ts";
import { type Compression, FRAGMENT_HEADER_BYTES, listSegments, PAGE_BYTES } from "./format.ts";
import { closeSegmentGaps, repairWal, WalReader } from "./wal-reader.ts";
import { WalWriter, type WalWriterOptions } from "./wal-writer.ts";

function record(seed: number, bytes: number): Uint8Array {
  const made = new Uint8Array(bytes);
  let state = seed * 2654435761 + 1;
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    // Few distinct bytes, so that compression has something to find.
    made[i] = (state >>> 16) & 0x0f;
  }
  return made;
}

function writeRecords(fs: FileSystem, records: readonly Uint8Array[], options: WalWriterOptions = {}): WalWriter {
  const writer = WalWriter.open(fs, "wal", options);
  for (const bytes of records) writer.log(bytes, bytes.length);
  writer.flush();
  return writer;
}

function readRecords(fs: FileSystem): { records: Uint8Array[]; reader: WalReader } {
  const reader = new WalReader(fs, "wal");
  const records: Uint8Array[] = [];
  while (reader.next()) records.push(reader.bytes.slice(reader.start, reader.end));
  return { records, reader };
}

const sizes = [0, 1, 6, 7, 8, 100, PAGE_BYTES - 14, PAGE_BYTES - 7, PAGE_BYTES, 3 * PAGE_BYTES + 5, 17, 70_000];

describe("log writer and reader", () => {
  const kinds: Compression[] = canWriteZstd() ? ["none", "snappy", "zstd"] : ["none", "snappy"];
  for (const compression of kinds) {
    test(`records of all sizes come back in order, ${compression}`, () => {
      const fs = new MemoryFs();
      const records = sizes.map((size, i) => record(i, size));
      writeRecords(fs, records, { compression }).close();
      const { records: found, reader } = readRecords(fs);
      assert.equal(reader.corruption, undefined);
      assert.deepEqual(found, records);
    });
  }

  test("a record of one byte has the bytes of the reference's format", () => {
    const fs = new MemoryFs();
    writeRecords(fs, [new Uint8Array([0x61])]).close();
    const into = new Uint8Array(8);
    fs.open("wal/00000000", "read").read(into, 0, 8, 0);
    // CRC-32C of "a" is c1d04330.
    assert.deepEqual([...into], [1, 0, 1, 0xc1, 0xd0, 0x43, 0x30, 0x61]);
  });

  test("wherever in a page a record ends, the next one is found", () => {
    // With exactly a header's room left, the next record begins with an empty fragment, which once was marked as first twice.
    for (let left = 0; left <= 2 * FRAGMENT_HEADER_BYTES; left++) {
      const fs = new MemoryFs();
      const records = [record(1, PAGE_BYTES - FRAGMENT_HEADER_BYTES - left), record(2, 100), record(3, 40_000)];
      writeRecords(fs, records).close();
      const { records: found, reader } = readRecords(fs);
      assert.equal(reader.corruption, undefined, `${left} bytes left`);
      assert.deepEqual(found, records);
    }
  });

  test("records never cross segments, closed segments are whole pages, each start opens a new one", () => {
    const fs = new MemoryFs();
    const records = Array.from({ length: 40 }, (_, i) => record(i, 9000));
    writeRecords(fs, records, { segmentBytes: 2 * PAGE_BYTES }).close();
    const before = listSegments(fs, "wal");
    assert.ok(before.length > 3);
    for (const { bytes } of before.slice(0, -1)) assert.equal(bytes % PAGE_BYTES, 0);
    const next = WalWriter.open(fs, "wal");
    assert.equal(next.segment, before.length);
    next.log(record(99, 10));
    next.close();
    const { records: found } = readRecords(fs);
    assert.deepEqual(found, [...records, record(99, 10)]);
  });

  test("a record larger than a segment makes a larger segment", () => {
    const fs = new MemoryFs();
    const records = [record(1, 10), record(2, 5 * PAGE_BYTES), record(3, 10)];
    writeRecords(fs, records, { segmentBytes: 2 * PAGE_BYTES }).close();
    assert.deepEqual(readRecords(fs).records, records);
  });

  test("nothing reaches the file before flush, everything after, and position tells the end", () => {
    const fs = new MemoryFs();
    const writer = WalWriter.open(fs, "wal");
    writer.log(record(1, 100));
    assert.equal(fs.size("wal/00000000"), 0);
    assert.deepEqual(writer.position, { segment: 0, offset: 107 });
    writer.flush();
    assert.equal(fs.size("wal/00000000"), 107);
    writer.log(record(2, 100));
    writer.discard();
    writer.log(record(3, 50));
    writer.close();
    assert.deepEqual(readRecords(fs).records, [record(1, 100), record(3, 50)]);
  });

  test("cutSegment, truncate and size", () => {
    const fs = new MemoryFs();
    const writer = writeRecords(fs, [record(1, 10)]);
    assert.equal(writer.cutSegment(), 1);
    writer.log(record(2, 10));
    assert.equal(writer.cutSegment(), 2);
    assert.equal(writer.size(), 2 * PAGE_BYTES);
    writer.truncate(1);
    assert.deepEqual(
      listSegments(fs, "wal").map(({ index }) => index),
      [1, 2],
    );
    writer.truncate(100);
    assert.deepEqual(
      listSegments(fs, "wal").map(({ index }) => index),
      [2],
      "the segment being written stays",
    );
  });

  test("what close returned from survives a power cut", () => {
    const fs = new MemoryFs();
    fs.mkdir("wal");
    fs.syncDirectory("");
    writeRecords(fs, [record(1, 10), record(2, 100_000)], { segmentBytes: 2 * PAGE_BYTES }).close();
    fs.dropUnsynced();
    assert.deepEqual(readRecords(fs).records, [record(1, 10), record(2, 100_000)]);
  });
});

describe("log writer on a failing disk", () => {
  test("whatever write fails or tears, the batch is gone as a whole and the log stays sound", () => {
    for (const fault of ["failAt", "tearAt"] as const) {
      for (let n = 2; n < 60; n++) {
        const inner = new MemoryFs();
        const fs = new FaultyFs(inner);
        const writer = WalWriter.open(fs, "wal", { segmentBytes: 2 * PAGE_BYTES });
        const kept: Uint8Array[] = [];
        fs.faults[fault] = n;
        fs.changes = 0;
        for (let batch = 0; batch < 12; batch++) {
          const records = [record(batch, 30_000), record(batch + 100, 5)];
          try {
            for (const bytes of records) writer.log(bytes);
            writer.flush();
            kept.push(...records);
          } catch (error) {
            assert.equal((error as { code?: string }).code, "EIO");
          }
        }
        fs.faults[fault] = 0;
        writer.close();
        const { records, reader } = readRecords(inner);
        assert.equal(reader.corruption, undefined, `${fault} ${n}: ${reader.corruption?.message}`);
        assert.deepEqual(records, kept, `${fault} ${n}`);
      }
    }
  });

  test("a full disk refuses batches until there is room again", () => {
    const inner = new MemoryFs();
    const fs = new FaultyFs(inner, { capacityBytes: 1000 });
    const writer = WalWriter.open(fs, "wal");
    writer.log(record(1, 500));
    writer.flush();
    for (let i = 0; i < 3; i++) {
      assert.throws(
        () => {
          writer.log(record(2, 800));
          writer.flush();
        },
        { code: "ENOSPC" },
      );
    }
    fs.faults.capacityBytes = 100_000;
    writer.log(record(3, 800));
    writer.close();
    assert.deepEqual(readRecords(inner).records, [record(1, 500), record(3, 800)]);
  });
});

describe("log reader on damage", () => {
  test("a record torn at the end of the last segment is dropped, those before it are kept", () => {
    for (let cut = 1; cut < 57; cut++) {
      const fs = new MemoryFs();
      writeRecords(fs, [record(1, 50), record(2, 50)]).close();
      fs.truncate("wal/00000000", 114 - cut);
      const { records, reader } = readRecords(fs);
      assert.deepEqual(records, [record(1, 50)]);
      assert.equal(reader.corruption?.segment, 0);
      assert.equal(reader.corruption?.offset, 57);
      assert.equal(reader.corruption?.lostBytes, 57 - cut);
    }
  });

  test("repair keeps what is sound, and the log can be written on", () => {
    const fs = new MemoryFs();
    const records = Array.from({ length: 30 }, (_, i) => record(i, 9000));
    writeRecords(fs, records, { segmentBytes: 2 * PAGE_BYTES }).close();
    fs.corrupt("wal/00000001", 10_000, 0xff);
    const { records: found, reader } = readRecords(fs);
    const { corruption } = reader;
    assert.ok(corruption !== undefined);
    assert.match(corruption.message, /^corruption in segment wal\/00000001 at \d+: unexpected checksum/);
    const total = listSegments(fs, "wal").reduce((sum, { bytes }) => sum + bytes, 0);
    const repair = repairWal(fs, corruption);
    assert.equal(repair.lostBytes, corruption.lostBytes);
    assert.equal(total - repair.lostBytes, 2 * PAGE_BYTES + corruption.offset);
    const writer = WalWriter.open(fs, "wal");
    writer.log(record(77, 10));
    writer.close();
    const again = readRecords(fs);
    assert.equal(again.reader.corruption, undefined);
    assert.deepEqual(again.records, [...found, record(77, 10)]);
  });

  test("zeros at the end, as a power cut may leave them, are the end", () => {
    const fs = new MemoryFs();
    writeRecords(fs, [record(1, 50)]).close();
    fs.truncate("wal/00000000", 3 * PAGE_BYTES - 5);
    const { records, reader } = readRecords(fs);
    assert.equal(reader.corruption, undefined);
    assert.equal(records.length, 1);
  });

  test("missing segments become empty files, absurd ones are set aside, no log is an empty log", () => {
    const fs = new MemoryFs();
    assert.deepEqual(readRecords(fs).records, []);
    for (const index of ["00000003", "00000006", "99999999"]) fs.put(`wal/${index}`, new Uint8Array(0));
    assert.equal(closeSegmentGaps(fs, "wal").length, 3);
    assert.deepEqual(
      listSegments(fs, "wal").map(({ index }) => index),
      [3, 4, 5, 6],
    );
    assert.equal(fs.kind("wal/99999999.foreign"), "file");
  });

  test(`a fragment header is ${FRAGMENT_HEADER_BYTES} bytes; one that cannot be is reported where it lies`, () => {
    for (const [header, reason] of [
      [[9 & 7, 0xff, 0xff, 0, 0, 0, 0], /invalid record size 65535/],
      [[3, 0, 0, 0, 0, 0, 0], /unexpected fragment type 3/],
      [[6, 0, 0, 0, 0, 0, 0], /unexpected fragment type 6/],
      [[0, 0, 0, 1], /non-zero byte/],
      [[9, 0, 1, 0xc1, 0xd0, 0x43, 0x30, 0x61], /cannot be decompressed/],
    ] as const) {
      const fs = new MemoryFs();
      fs.put("wal/00000000", new Uint8Array(header));
      const { reader } = readRecords(fs);
      assert.match(reader.corruption?.message ?? "", reason);
      assert.equal(reader.corruption?.offset, 0);
    }
  });
});

/** What Node 24 makes of it on level 1. */
const ZSTD_FRAME = "KLUv/WCkAOUAAKh0aGUgcXVpY2sgYnJvd24gZm94LCABABlRnUw=";
const withoutZstd = canWriteZstd() ? false : "this Node cannot write zstd";

describe("logs of mixed compression", () => {
  test("records of one log tell their own compression", () => {
    const fs = new MemoryFs();
    const records = sizes.map((size, i) => record(i, size));
    const kinds: Compression[] = ["snappy", "none", "zstd"];
    // Each writer begins a segment of its own. Where zstd cannot be written, snappy stands in.
    for (let i = 0; i < records.length; i++) {
      writeRecords(fs, [records[i] as Uint8Array], { compression: kinds[i % 3] as Compression }).close();
    }
    const { records: found, reader } = readRecords(fs);
    assert.equal(reader.corruption, undefined);
    assert.deepEqual(found, records);
  });

  test("zstd: the fragment's flag says so, and the frame tells its size", { skip: withoutZstd }, () => {
    const fs = new MemoryFs();
    const wal = writeRecords(fs, [record(1, 5000)], { compression: "zstd" });
    assert.equal(wal.compression, "zstd");
    wal.close();
    const head = new Uint8Array(12);
    fs.open("wal/00000000", "read").read(head, 0, 12, 0);
    assert.equal(head[0], 0x10 | 1);
    assert.deepEqual([...head.subarray(7, 11)], [0x28, 0xb5, 0x2f, 0xfd]);
    // Neither "single segment" nor a size field would mean that the size is left out.
    assert.notEqual((head[11] as number) & 0xe0, 0);
  });

  test("zstd written by another Node is read here", () => {
    const frame = Buffer.from(ZSTD_FRAME, "base64");
    const decompressor = new RecordDecompressor();
    assert.equal(decompressor.uncompress(0x10, frame, 0, frame.length), 21 * 20);
    assert.equal(new TextDecoder().decode(decompressor.output.subarray(0, 42)), "the quick brown fox, ".repeat(2));
  });
});
