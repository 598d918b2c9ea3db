import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BitWriter } from "@narthex/encoding";
import { SampleBuffer } from "@narthex/storage";
import { decodeXor, encodeXor } from "./xor.ts";

function encode(samples: readonly (readonly [number, number])[]): Uint8Array {
  const times = Float64Array.from(samples, ([t]) => t);
  const values = Float64Array.from(samples, ([, v]) => v);
  const writer = new BitWriter();
  encodeXor(writer, times, new Uint32Array(values.buffer), 0, samples.length);
  return writer.toBytes();
}

function decode(bytes: Uint8Array, minTime = -Infinity, maxTime = Infinity): [number, number][] | undefined {
  const into = new SampleBuffer(4);
  into.pushFloat(-1, -1);
  // Framed by other bytes, so that reading outside would show.
  const framed = new Uint8Array(bytes.length + 20).fill(0xff);
  framed.set(bytes, 7);
  if (!decodeXor(framed, 7, 7 + bytes.length, minTime, maxTime, into)) {
    assert.equal(into.count, 1);
    return undefined;
  }
  return Array.from({ length: into.count - 1 }, (_, i) => [into.times[i + 1] as number, into.values[i + 1] as number]);
}

describe("XOR chunks", () => {
  test("bytes of the format", () => {
    // Written out by hand: count, varint 1000, 1.0, uvarint 15000, same value; dod 0 and 2.0 (xor 0x7ff << 52).
    assert.equal(
      Buffer.from(
        encode([
          [1000, 1],
          [16_000, 1],
          [31_000, 2],
        ]),
      ).toString("hex"),
      // bits after the delta: 0 | 0 11 00001 001011 11111111111 -> 0011 0000 1001 0111 1111 1111 1100 0000
      `0003d00f3ff0000000000000${"9875"}${"3097ffc0"}`,
    );
  });

  test("round trips: irregular times, every delta width, special values", () => {
    const odd = [0, -0, Infinity, -Infinity, NaN, Number.MIN_VALUE, Number.MAX_VALUE, 1e-300, 0.1, 1 / 3, 12345.678];
    let t = 1_700_000_000_000;
    let state = 7;
    const samples: [number, number][] = [];
    const jumps = [0, 1, 15_000, 8191, 8192, 8193, -8190, 65_536, 65_537, 524_288, 524_289, 2 ** 33, 15_001];
    for (let i = 0; i < 2000; i++) {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      t += Math.max(1, 600_000 + (jumps[(state >>> 16) % jumps.length] as number));
      samples.push([t, i % 3 === 0 ? (odd[(state >>> 8) % odd.length] as number) : i % 3 === 1 ? i : state / 1000]);
    }
    const decoded = decode(encode(samples));
    assert.equal(decoded?.length, samples.length);
    decoded?.forEach(([time, value], i) => {
      assert.equal(time, samples[i]?.[0]);
      assert.ok(Object.is(value, samples[i]?.[1]), `${i}: ${value}`);
    });
  });

  test("stale markers and other NaNs keep their bits", () => {
    const halves = Uint32Array.of(2, 0x7ff00000, 1, 0x7ff80000, 0xdeadbeef, 0xfff80000);
    const writer = new BitWriter();
    encodeXor(writer, Float64Array.of(1, 2, 3), halves, 0, 3);
    const into = new SampleBuffer();
    assert.ok(decodeXor(writer.bytes, 0, writer.length, 0, 10, into));
    assert.deepEqual(into.halves.subarray(0, 6), halves);
  });

  test("bounds are inclusive", () => {
    const chunk = encode(Array.from({ length: 100 }, (_, i) => [i * 10, i]));
    assert.deepEqual(decode(chunk, 200, 220), [
      [200, 20],
      [210, 21],
      [220, 22],
    ]);
    assert.deepEqual(decode(chunk, 991), []);
    assert.deepEqual(decode(chunk, -5, -1), []);
    assert.equal(decode(chunk, 0, 990)?.length, 100);
  });

  test("cut off anywhere, a chunk is refused", () => {
    const chunk = encode(Array.from({ length: 50 }, (_, i) => [i * 10 + (i % 7), i / 7]));
    for (let length = 0; length < chunk.length; length++) assert.equal(decode(chunk.subarray(0, length)), undefined);
    assert.deepEqual(decode(new Uint8Array(2)), []);
    for (const single of [
      encode([[5, 1.5]]),
      encode([
        [5, 1.5],
        [6, 1.5],
      ]),
    ])
      assert.notEqual(decode(single), undefined);
  });

  test("times far out: negative, around 2^52", () => {
    const samples: [number, number][] = [
      [-(2 ** 51), 1],
      [-5, 2],
      [2 ** 51, 3],
      [2 ** 51 + 1, 4],
    ];
    assert.deepEqual(decode(encode(samples)), samples);
  });
});
