import assert from "node:assert/strict";
import { test } from "node:test";
import { BufferPool } from "./buffer-pool.ts";

const MIB = 1 << 20;

test("buffer pool: sizes are powers of two, and what comes back goes out again", () => {
  const pool = new BufferPool();
  const buffer = pool.take(20_000);
  assert.equal(buffer.length, 32_768);
  pool.give(buffer);
  assert.equal(pool.take(17_000), buffer);
});

test("buffer pool: large buffers in use take no more than their share, small ones go on", () => {
  const pool = new BufferPool(0, 8 * MIB);
  const held = [pool.take(4 * MIB), pool.take(2 * MIB)];
  assert.throws(() => pool.take(4 * MIB), { code: "body_memory" });
  assert.equal(pool.take(500_000).length, MIB / 2);
  pool.give(held[0] as Uint8Array);
  assert.equal(pool.take(4 * MIB).length, 4 * MIB);
});

test("buffer pool: a single body may be larger than the share", () => {
  assert.equal(new BufferPool(0, MIB).take(4 * MIB).length, 4 * MIB);
});
