import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { EncodingError, WireReader, WireWriter } from "./index.ts";

interface Message {
  readonly name: string;
  readonly samples: readonly { readonly value: number; readonly timestamp: number }[];
  readonly count: number;
  readonly delta: number;
  readonly packed: readonly number[];
  readonly doubles: readonly number[];
  readonly flag: boolean;
  readonly blob: readonly number[];
  readonly small: number;
}

const MESSAGE: Message = {
  name: "grüße".repeat(40),
  samples: [
    { value: 1.5, timestamp: 1_700_000_000_000 },
    { value: -0.25, timestamp: -5 },
  ],
  count: Number.MAX_SAFE_INTEGER,
  delta: -123_456_789_012,
  packed: [0, 127, 128, -1, 2 ** 40],
  doubles: [1, 2.5, -3e300],
  flag: true,
  blob: [0, 255, 7],
  small: 0.5,
};

function write(message: Message): Uint8Array {
  const writer = new WireWriter(1);
  writer.textField(1, message.name);
  for (const { value, timestamp } of message.samples) {
    const mark = writer.begin(2);
    writer.doubleField(1, value);
    writer.intField(2, timestamp);
    writer.end(mark);
  }
  writer.uintField(3, message.count);
  writer.sintField(4, message.delta);
  let mark = writer.begin(5);
  for (const n of message.packed) writer.packedInt(n);
  writer.end(mark);
  mark = writer.begin(6);
  for (const n of message.doubles) writer.packedDouble(n);
  writer.end(mark);
  writer.uintField(7, message.flag ? 1 : 0);
  writer.bytesField(8, Uint8Array.from(message.blob));
  return writer.toBytes();
}

function read(bytes: Uint8Array): Record<string, unknown> {
  const out = {
    name: "",
    samples: [] as object[],
    count: 0,
    delta: 0,
    packed: [] as number[],
    doubles: [] as number[],
    flag: false,
    blob: [] as number[],
    small: 0,
  };
  const reader = new WireReader(bytes);
  while (reader.nextField()) {
    switch (reader.field) {
      case 1:
        out.name = reader.textField();
        break;
      case 2: {
        const sample = { value: 0, timestamp: 0 };
        const outer = reader.enter();
        for (let field = reader.nextField(); field !== 0; field = reader.nextField()) {
          if (field === 1) sample.value = reader.doubleField();
          else if (field === 2) sample.timestamp = reader.intField();
          else reader.skipField();
        }
        reader.leave(outer);
        out.samples.push(sample);
        break;
      }
      case 3:
        out.count = reader.uintField();
        break;
      case 4:
        out.delta = reader.sintField();
        break;
      case 5: {
        const outer = reader.enter();
        while (reader.remaining > 0) out.packed.push(reader.packedInt());
        reader.leave(outer);
        break;
      }
      case 6: {
        const outer = reader.enter();
        while (reader.remaining > 0) out.doubles.push(reader.packedDouble());
        reader.leave(outer);
        break;
      }
      case 7:
        out.flag = reader.boolField();
        break;
      case 8:
        out.blob = [...reader.bytesField()];
        break;
      case 9:
        out.small = reader.floatField();
        break;
      default:
        reader.skipField();
    }
  }
  return out;
}

/** The same message through protobufjs. */
function oracle(): { encode(message: object): Uint8Array; decode(bytes: Uint8Array): Record<string, unknown> } {
  const protobuf = createRequire(import.meta.url)("protobufjs");
  const source = `syntax = "proto3";
    message Sample { double value = 1; int64 timestamp = 2; }
    message Message {
      string name = 1; repeated Sample samples = 2; uint64 count = 3; sint64 delta = 4; repeated int64 packed = 5;
      repeated double doubles = 6; bool flag = 7; bytes blob = 8; float small = 9;
    }`;
  const type = protobuf.parse(source, { keepCase: true }).root.lookupType("Message");
  return {
    encode: (message) => type.encode(type.fromObject(message)).finish(),
    decode: (bytes) => type.toObject(type.decode(bytes), { longs: Number, arrays: true, defaults: true, bytes: Array }),
  };
}

test("wire format: what we write, another implementation reads", () => {
  const decoded = oracle().decode(write(MESSAGE));
  assert.deepEqual({ ...decoded, small: 0.5, blob: [...(decoded["blob"] as Uint8Array)] }, MESSAGE);
});

test("wire format: what another implementation writes, we read", () => {
  assert.deepEqual(read(oracle().encode(MESSAGE)), MESSAGE);
});

test("wire format: unknown fields of every wire type are passed over, in messages too", () => {
  const writer = new WireWriter();
  writer.varint64Field(100, 0xffffffff, 0xffffffff);
  writer.doubleField(101, 1);
  writer.bytesField(102, new Uint8Array(300));
  writer.tag(103, 5);
  writer.uint32(7);
  const mark = writer.begin(2);
  writer.textField(9, "x");
  writer.doubleField(1, 2);
  writer.end(mark);
  assert.deepEqual(read(writer.toBytes())["samples"], [{ value: 2, timestamp: 0 }]);
});

test("wire format: a stale marker keeps its bits", () => {
  const writer = new WireWriter();
  writer.doubleBitsField(1, 0x7ff00000, 2);
  const reader = new WireReader(writer.view());
  reader.nextField();
  reader.doubleBitsField();
  assert.deepEqual([reader.high, reader.low], [0x7ff00000, 2]);
});

test("wire format: damaged input is refused or read as something else, never beyond its end", () => {
  const bytes = write(MESSAGE);
  let refused = 0;
  const attempt = (damaged: Uint8Array): void => {
    try {
      read(damaged);
    } catch (error) {
      assert.ok(error instanceof EncodingError, String(error));
      refused++;
    }
  };
  for (let i = 0; i < bytes.length; i++) {
    attempt(bytes.subarray(0, i));
    for (const flip of [1, 4, 0x80, 0xff]) {
      const damaged = bytes.slice();
      damaged[i]! ^= flip;
      attempt(damaged);
    }
  }
  assert.ok(refused > bytes.length);
  assert.throws(() => read(Uint8Array.of(0x0b)), /unknown wire type 3/);
  assert.throws(() => read(Uint8Array.of(0x00)), /invalid field number/);
  assert.throws(() => read(Uint8Array.of(0x08, 1)), /field 1 has wire type 0 instead of 2/);
});
