import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { compress, compressInto, EncodingError, maxCompressedLength, uncompress, uncompressedLength } from "./index.ts";

const oracle = createRequire(import.meta.url)("snappyjs") as {
  compress(bytes: Uint8Array): Uint8Array;
  uncompress(bytes: Uint8Array): Uint8Array;
};

/** Inputs that compress well, badly and not at all, at lengths around the limits of the format. */
function* inputs(): Generator<Uint8Array> {
  let seed = 1;
  const random = (): number => (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 16;
  const lengths = [0, 1, 4, 15, 16, 17, 18, 59, 60, 61, 64, 255, 256, 257, 1000, 65535, 65536, 65537, 200_000];
  for (const length of lengths) {
    yield new Uint8Array(length);
    yield Uint8Array.from({ length }, random);
    const line = 'node_cpu_seconds_total{cpu="0"} ';
    yield Uint8Array.from({ length }, (_, i) => line.charCodeAt(i % line.length) + (i % 97 === 0 ? 1 : 0));
    yield Uint8Array.from({ length }, () => random() % 3);
    yield Uint8Array.from({ length }, (_, i) => (i % 5000 < 2500 ? random() : i));
  }
}

test("snappy: what was compressed comes back, by us and by another implementation", () => {
  for (const input of inputs()) {
    const packed = compress(input);
    assert.ok(packed.length <= maxCompressedLength(input.length));
    assert.equal(uncompressedLength(packed), input.length);
    assert.ok(Buffer.from(uncompress(packed, input.length)).equals(input), `length ${input.length}`);
    if (input.length > 0) assert.ok(Buffer.from(oracle.uncompress(packed)).equals(input), `oracle, ${input.length}`);
  }
});

test("snappy: what another implementation compressed is read", () => {
  for (const input of inputs()) {
    if (input.length > 0) assert.ok(Buffer.from(uncompress(oracle.compress(input), 1e6)).equals(input));
  }
});

test("snappy: repetitive text shrinks at least as well as elsewhere", () => {
  const text = Buffer.from(
    Array.from({ length: 2000 }, (_, i) => `http_requests_total{path="/${i % 50}"} ${i}\n`).join(""),
  );
  assert.ok(compress(text).length <= oracle.compress(text).length * 1.02);
});

test("snappy: buffers of the caller are used when they have room", () => {
  const input = Buffer.from("a rose is a rose is a rose is a rose");
  const target = new Uint8Array(10 + maxCompressedLength(input.length));
  const end = compressInto(input, target, 10);
  const packed = target.subarray(10, end);
  const room = new Uint8Array(100);
  const text = uncompress(packed, 100, room);
  assert.equal(text.buffer, room.buffer);
  assert.equal(Buffer.from(text).toString(), input.toString());
  assert.notEqual(uncompress(packed, 100, new Uint8Array(5)).buffer, room.buffer);
  assert.throws(() => compressInto(input, new Uint8Array(10)), RangeError);
});

test("snappy: a declared length above the limit is refused before anything is allocated", () => {
  const bomb = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0);
  assert.throws(
    () => uncompress(bomb, 1e6),
    (error) => error instanceof EncodingError && error.code === "limit_exceeded",
  );
  assert.throws(() => uncompress(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x1f), 1e9), /declares no valid length/);
  assert.throws(() => uncompress(new Uint8Array(0), 1e9), /declares no valid length/);
});

test("snappy: damaged data is refused or gives other bytes, and never reads or writes astray", () => {
  const packed = compress(Buffer.from(Array.from({ length: 300 }, (_, i) => `line ${i % 17} of ${i}\n`).join("")));
  let refused = 0;
  for (let i = 0; i < packed.length; i++) {
    assert.throws(() => uncompress(packed.subarray(0, i), 1e6), EncodingError);
    for (const flip of [0x01, 0x80, 0xff]) {
      const damaged = packed.slice();
      damaged[i]! ^= flip;
      try {
        uncompress(damaged, 1e6);
      } catch (error) {
        assert.ok(error instanceof EncodingError, String(error));
        refused++;
      }
    }
  }
  assert.ok(refused > 0);
});
