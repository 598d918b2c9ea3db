import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BitReader, BitWriter } from "./index.ts";

const field = fc.tuple(fc.nat(0xffffffff), fc.nat(0xffffffff), fc.nat(64));

test("bits: fields of any width come back, wherever they lie", () => {
  fc.assert(
    fc.property(fc.array(field), fc.nat(3), (fields, skipped) => {
      const writer = new BitWriter();
      let bits = 0;
      for (const [high, low, width] of fields) {
        writer.bits64(high, low, width);
        writer.bit(low & 1);
        bits += width + 1;
      }
      assert.equal(writer.bitLength, bits);
      const bytes = new Uint8Array([...Array(skipped).fill(255), ...writer.toBytes()]);
      const reader = new BitReader(bytes, skipped);
      for (const [high, low, width] of fields) {
        reader.bits64(width);
        const keepHigh = width <= 32 ? 0 : width === 64 ? high : high % 2 ** (width - 32);
        const keepLow = width >= 32 ? low : low % 2 ** width;
        assert.deepEqual([reader.high, reader.low], [keepHigh, keepLow]);
        assert.equal(reader.bit(), low & 1);
      }
      assert.equal(reader.overrun, false);
      assert.ok(reader.remainingBits < 8);
    }),
    { numRuns: 500 },
  );
});

test("bits: varints come back, unaligned too", () => {
  fc.assert(
    fc.property(fc.array(field), (fields) => {
      const writer = new BitWriter();
      for (const [high, low, width] of fields) {
        writer.bits(low, width % 9);
        writer.uvarint64(high, low);
        writer.varint64(low, high);
      }
      const reader = new BitReader(writer.toBytes());
      for (const [high, low, width] of fields) {
        assert.equal(reader.bits(width % 9), low % 2 ** (width % 9));
        reader.uvarint64();
        assert.deepEqual([reader.high, reader.low], [high, low]);
        reader.varint64();
        assert.deepEqual([reader.high, reader.low], [low, high]);
      }
    }),
    { numRuns: 300 },
  );
});

test("bits: the first bit is the highest of the first byte", () => {
  const writer = new BitWriter();
  writer.bits(0b101, 3);
  writer.bits(0xabcdef12, 32);
  assert.equal(Buffer.from(writer.toBytes()).toString("hex"), "b579bde240");
});

test("bits: reading beyond the end gives zeros and says so, at any width", () => {
  for (let length = 0; length < 9; length++) {
    for (let width = 1; width <= 32; width++) {
      const reader = new BitReader(new Uint8Array(length).fill(0xff));
      let left = length * 8;
      while (left >= width) {
        assert.equal(reader.bits(width), 2 ** width - 1);
        left -= width;
        assert.equal(reader.remainingBits, left);
      }
      assert.equal(reader.overrun, false);
      assert.equal(reader.bits(width), (2 ** left - 1) * 2 ** (width - left));
      assert.equal(reader.overrun, true);
      assert.equal(reader.bits(7), 0);
    }
  }
  const endless = new BitReader(new Uint8Array(20).fill(0x80));
  endless.uvarint64();
  assert.equal(endless.overrun, true);
});
