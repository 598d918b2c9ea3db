import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryFs } from "../fs/memory-fs.ts";
import { PAGE_BYTES, WalCorruptionError } from "./format.ts";
import { WalTail } from "./wal-tail.ts";
import { WalWriter } from "./wal-writer.ts";

/** Records of many sizes, told apart by their first four bytes. */
function record(i: number): Uint8Array {
  const bytes = new Uint8Array(4 + ((i * 7919) % (i % 10 === 0 ? 100_000 : 900)));
  for (let at = 4; at < bytes.length; at++) bytes[at] = Math.imul(i + 1, at * 2654435761) >>> 24;
  new DataView(bytes.buffer).setUint32(0, i);
  return bytes;
}

function collect(tail: WalTail, into: number[]): void {
  while (tail.next()) {
    const found = tail.bytes.slice(tail.start, tail.end);
    const i = new DataView(found.buffer, found.byteOffset).getUint32(0);
    assert.deepEqual(found, record(i));
    into.push(i);
  }
}

for (const compression of ["none", "snappy"] as const) {
  test(`WAL tail: every record once and in order, read after each flush, over segments (${compression})`, () => {
    const fs = new MemoryFs();
    const writer = WalWriter.open(fs, "wal", { segmentBytes: 4 * PAGE_BYTES, compression });
    const tail = new WalTail(fs, "wal", writer.position);
    const found: number[] = [];
    for (let i = 0; i < 400; i++) {
      const bytes = record(i);
      writer.log(bytes, bytes.length);
      if (i % 3 !== 0) continue;
      writer.flush();
      collect(tail, found);
      assert.equal(found.length, i + 1);
    }
    writer.close();
    collect(tail, found);
    assert.deepEqual(
      found,
      Array.from({ length: 400 }, (_, i) => i),
    );
    assert.ok(tail.position.segment > 0);
  });
}

test("WAL tail: whatever part of the log is on disk, only whole records come, and all of them later", () => {
  const source = new MemoryFs();
  const writer = WalWriter.open(source, "wal", { compression: "none" });
  for (let i = 0; i < 12; i++) writer.log(record(i), record(i).length);
  writer.flush();
  const all = new Uint8Array(source.size("wal/00000000"));
  source.open("wal/00000000", "read").read(all, 0, all.length, 0);
  const fs = new MemoryFs();
  fs.mkdir("wal");
  const file = fs.open("wal/00000000", "create");
  const tail = new WalTail(fs, "wal", { segment: 0, offset: 0 });
  const found: number[] = [];
  for (let at = 0, step = 1; at < all.length; at += step, step = 1 + ((step * 31) % 997)) {
    file.append(all, at, Math.min(at + step, all.length));
    collect(tail, found);
  }
  assert.deepEqual(
    found,
    Array.from({ length: 12 }, (_, i) => i),
  );
});

test("WAL tail: a directory or segment that is not there yet is waited for", () => {
  const fs = new MemoryFs();
  const tail = new WalTail(fs, "wal", { segment: 0, offset: 0 });
  assert.equal(tail.next(), false);
  assert.ok(tail.isGone);
  const writer = WalWriter.open(fs, "wal");
  writer.log(record(1), record(1).length);
  writer.flush();
  assert.equal(tail.next(), true);
  assert.equal(tail.next(), false);
  assert.ok(!tail.isGone);
});

test("WAL tail: damage is told, not passed over", () => {
  const fs = new MemoryFs();
  const writer = WalWriter.open(fs, "wal", { compression: "none" });
  writer.log(record(3), record(3).length);
  writer.flush();
  const bytes = new Uint8Array(fs.size("wal/00000000"));
  fs.open("wal/00000000", "read").read(bytes, 0, bytes.length, 0);
  bytes[100] = (bytes[100] as number) ^ 1;
  const other = new MemoryFs();
  other.mkdir("wal");
  other.open("wal/00000000", "create").append(bytes);
  const tail = new WalTail(other, "wal", { segment: 0, offset: 0 });
  assert.throws(() => tail.next(), WalCorruptionError);
  assert.throws(() => tail.next(), WalCorruptionError);
});
