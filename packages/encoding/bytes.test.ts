import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { ByteReader, ByteWriter, EncodingError, uvarintBytes } from "./index.ts";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

function written(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter(1);
  write(writer);
  return hex(writer.toBytes());
}

test("byte writer: varints have the bytes that Go's encoding/binary gives them", () => {
  assert.equal(
    written((w) => w.uvarint(0)),
    "00",
  );
  assert.equal(
    written((w) => w.uvarint(127)),
    "7f",
  );
  assert.equal(
    written((w) => w.uvarint(128)),
    "8001",
  );
  assert.equal(
    written((w) => w.uvarint(300)),
    "ac02",
  );
  assert.equal(
    written((w) => w.uvarint(2 ** 32)),
    "8080808010",
  );
  assert.equal(
    written((w) => w.uvarint(Number.MAX_SAFE_INTEGER)),
    "ffffffffffffff0f",
  );
  assert.equal(
    written((w) => w.varint(-1)),
    "01",
  );
  assert.equal(
    written((w) => w.varint(1)),
    "02",
  );
  assert.equal(
    written((w) => w.varint(-64)),
    "7f",
  );
  assert.equal(
    written((w) => w.varint(64)),
    "8001",
  );
  assert.equal(
    written((w) => w.varint(1_700_000_000_000)),
    "80a0abfef962",
  );
  assert.equal(
    written((w) => w.varint64(0x80000000, 0)),
    "ffffffffffffffffff01",
  );
  assert.equal(
    written((w) => w.uvarint64(0xffffffff, 0xffffffff)),
    "ffffffffffffffffff01",
  );
  assert.equal(
    written((w) => w.int64Number(-2)),
    "fffffffffffffffe",
  );
  assert.equal(
    written((w) => w.float64(1.5)),
    "3ff8000000000000",
  );
});

test("byte reader: whatever the writer wrote comes back", () => {
  const safe = fc.maxSafeInteger();
  const half = fc.nat(0xffffffff);
  fc.assert(
    fc.property(
      fc.array(safe),
      fc.array(fc.tuple(half, half)),
      fc.array(fc.string({ unit: "grapheme" })),
      (numbers, halves, texts) => {
        const writer = new ByteWriter(0);
        for (const n of numbers) {
          writer.uvarint(Math.abs(n));
          writer.varint(n);
          writer.uint32(Math.abs(n) >>> 0);
          writer.int64Number(n);
        }
        for (const [high, low] of halves) {
          writer.uvarint64(high, low);
          writer.varint64(high, low);
          writer.uint64(high, low);
        }
        for (const text of texts) {
          writer.uvarintText(text);
          writer.uvarintText(text.repeat(40));
        }
        const reader = new ByteReader(writer.view());
        for (const n of numbers) {
          assert.equal(reader.uvarint(), Math.abs(n));
          assert.equal(reader.varint(), n === 0 ? 0 : n);
          assert.equal(reader.uint32(), Math.abs(n) >>> 0);
          reader.uint64();
          assert.equal((reader.high | 0) * 2 ** 32 + reader.low, n === 0 ? 0 : n);
        }
        for (const [high, low] of halves) {
          for (const read of ["uvarint64", "varint64", "uint64"] as const) {
            reader[read]();
            assert.deepEqual([reader.high, reader.low], [high, low]);
          }
        }
        for (const text of texts) {
          assert.equal(reader.uvarintText(), text);
          assert.equal(reader.uvarintText(), text.repeat(40));
        }
        assert.equal(reader.remaining, 0);
      },
    ),
    { numRuns: 300 },
  );
});

test("byte writer: a varint takes as many bytes as foretold", () => {
  for (let exponent = 0; exponent < 53; exponent++) {
    for (const value of [2 ** exponent - 1, 2 ** exponent]) {
      const writer = new ByteWriter();
      writer.uvarint(value);
      assert.equal(writer.length, uvarintBytes(value));
    }
  }
});

test("byte reader: input that ends too early or holds too large a number throws, naming the place", () => {
  const read = (
    bytes: number[],
    name: "uvarint" | "varint" | "uvarint64" | "uint32" | "uint64Number" | "uint8",
  ): unknown => {
    try {
      return new ByteReader(Uint8Array.from(bytes))[name]();
    } catch (error) {
      assert.ok(error instanceof EncodingError);
      return error.code;
    }
  };
  assert.equal(read([], "uint8"), "truncated");
  assert.equal(read([1, 2, 3], "uint32"), "truncated");
  assert.equal(read([0x80], "uvarint"), "truncated");
  assert.equal(read([0x80, 0x80], "varint"), "truncated");
  assert.equal(read(Array(11).fill(0x80), "uvarint"), "overflow");
  assert.equal(read(Array(11).fill(0x80), "uvarint64"), "overflow");
  assert.equal(read([...Array(9).fill(0xff), 0x02], "uvarint64"), "overflow");
  assert.equal(read([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f], "uvarint"), "overflow");
  assert.equal(read([...Array(9).fill(0xff), 0x01], "varint"), "overflow");
  assert.equal(read([0x00, 0x20, 0, 0, 0, 0, 0, 0], "uint64Number"), "overflow");
  assert.throws(() => new ByteReader(new Uint8Array(3)).view(4), /input ends too early at byte 0/);
  assert.throws(() => new ByteReader(new Uint8Array(3)).skip(-1), EncodingError);
  assert.throws(() => new ByteReader(Uint8Array.of(5, 65)).uvarintText(), EncodingError);
});

test("byte reader: text in shared memory is read as well", () => {
  const bytes = new Uint8Array(new SharedArrayBuffer(64));
  const text = "Grüße an alle, die das hier lesen";
  bytes.set(Buffer.from(text));
  assert.equal(new ByteReader(bytes).text(Buffer.byteLength(text)), text);
});
