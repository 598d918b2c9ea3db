import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BitReader, BitWriter } from "@narthex/encoding";
import type { FloatHistogramFields } from "@narthex/model";
import { isStaleAt } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { decodeHistogramChunk } from "./histogram.ts";
import { encodeHistogramChunk, type HistogramSample } from "./histogram-encoder.ts";
import { readVarbitInt, readVarbitUint, writeVarbitInt, writeVarbitUint } from "./varbit.ts";

function sample(i: number, changes: Partial<FloatHistogramFields> = {}): FloatHistogramFields {
  return {
    counterResetHint: i === 0 ? 0 : 2,
    schema: 1,
    zeroThreshold: 2 ** -128,
    zeroCount: i,
    count: 3 * i * i + 5,
    sum: 18.4 * i,
    positiveSpans: [
      { offset: 0, length: 2 },
      { offset: 1, length: 2 },
    ],
    negativeSpans: [{ offset: -3, length: 1 }],
    positiveBuckets: Float64Array.of(5 + i, 1, 4 * i, i ** 3),
    negativeBuckets: Float64Array.of(2),
    customValues: [],
    ...changes,
  };
}

function encode(integer: boolean, resetBits: number, times: number[], samples: HistogramSample[]): Uint8Array {
  const writer = new BitWriter();
  encodeHistogramChunk(writer, integer, resetBits, times, samples);
  return writer.toBytes();
}

function decode(
  integer: boolean,
  bytes: Uint8Array,
  minTime = -Infinity,
  maxTime = Infinity,
): SampleBuffer | undefined {
  const into = new SampleBuffer(2);
  return decodeHistogramChunk(integer ? 2 : 3, bytes, 0, bytes.length, minTime, maxTime, into) ? into : undefined;
}

describe("histogram chunks", () => {
  for (const integer of [true, false]) {
    const kind = integer ? "integer" : "float";
    const mark = integer ? { integer } : {};
    test(`${kind}: round trip with a stale marker at the end`, () => {
      const times = Array.from({ length: 40 }, (_, i) => 1.7e12 + i * 15_000 + (i % 3));
      const samples: HistogramSample[] = times.map((_, i) => sample(i, integer ? mark : { sum: i / 7, count: i / 3 }));
      samples[39] = undefined;
      const decoded = decode(integer, encode(integer, 0, times, samples));
      assert.ok(decoded !== undefined);
      assert.deepEqual([...decoded.times.subarray(0, decoded.count)], times);
      for (let i = 0; i < 39; i++) assert.deepEqual(decoded.histograms?.[i], samples[i]);
      assert.ok(isStaleAt(decoded.halves, 39));
      assert.equal(decoded.histograms?.[39], undefined);
    });

    test(`${kind}: a lone stale marker, time bounds, gauges`, () => {
      const lone = decode(integer, encode(integer, 0, [5], [undefined]));
      assert.equal(lone?.count, 1);
      assert.ok(isStaleAt((lone as SampleBuffer).halves, 0));
      const gauges = encode(integer, 3, [10, 20, 30], [sample(5), sample(2), sample(9)]);
      const some = decode(integer, gauges, 20, 29);
      assert.equal(some?.count, 1);
      assert.deepEqual(some?.histograms?.[0], sample(2, { counterResetHint: 3, ...mark }));
    });

    test(`${kind}: custom buckets`, () => {
      const custom = {
        schema: -53,
        zeroThreshold: 0,
        zeroCount: 0,
        negativeSpans: [],
        negativeBuckets: new Float64Array(0),
        customValues: [-1.5, 0, 0.005, 2.5, 1 / 3, 1e9],
        ...mark,
      };
      const samples = [sample(0, custom), sample(1, custom)];
      const decoded = decode(integer, encode(integer, 0, [1, 2], samples));
      assert.deepEqual(decoded?.histograms, samples);
    });

    test(`${kind}: with start timestamps, and from the 127th sample on with those of all`, () => {
      for (const count of [1, 2, 3, 127, 128, 140]) {
        for (const startOf of [
          () => 0,
          () => 7,
          (i: number) => (i === 0 ? 0 : 9),
          (i: number) => (i < 2 ? 5 : i * 9_990),
        ]) {
          const times = Array.from({ length: count }, (_, i) => 10_000 + i * 10_000 + (i % 3));
          const starts = times.map((_, i) => startOf(i));
          const samples: HistogramSample[] = times.map((_, i) => sample(i, mark));
          if (count > 2) samples[count - 1] = undefined;
          const writer = new BitWriter();
          encodeHistogramChunk(writer, integer, 2, times, samples, starts);
          const bytes = writer.toBytes();
          assert.deepEqual([bytes[0], bytes[1]], [0x80, count]);
          const into = new SampleBuffer(1);
          const encoding = integer ? 5 : 6;
          assert.ok(decodeHistogramChunk(encoding, bytes, 0, bytes.length, -Infinity, Infinity, into));
          assert.deepEqual([...into.times.subarray(0, count)], times);
          assert.deepEqual([...(into.startTimes?.subarray(0, count) ?? times.map(() => 0))], starts);
          samples.forEach((expected, i) => {
            if (expected !== undefined) assert.deepEqual(into.histograms?.[i], expected);
            else assert.ok(isStaleAt(into.halves, i));
          });
          // Apart from the header and what follows each sample it is the plain chunk.
          if (starts.every((start) => start === 0) && count < 128) {
            assert.deepEqual([...bytes.subarray(3)], [...encode(integer, 2, times, samples).subarray(3)]);
          }
          for (let length = 0; length < bytes.length; length += 1 + (length >>> 3)) {
            assert.equal(
              decodeHistogramChunk(encoding, bytes, 0, length, -Infinity, Infinity, new SampleBuffer()),
              false,
            );
          }
        }
      }
    });

    test(`${kind}: cut off anywhere, a chunk is refused`, () => {
      const chunk = encode(integer, 0, [10, 20, 30], [sample(0), sample(1), sample(2)]);
      for (let length = 0; length < chunk.length; length++) {
        assert.equal(decode(integer, chunk.subarray(0, length)), undefined);
      }
    });
  }

  test("zero thresholds of every form", () => {
    for (const zeroThreshold of [0, 2 ** -243, 2 ** 10, 2 ** -128, 2 ** 11, 2 ** -244, 0.001, 3]) {
      const decoded = decode(true, encode(true, 0, [1], [sample(0, { zeroThreshold })]));
      assert.equal(decoded?.histograms?.[0]?.zeroThreshold, zeroThreshold);
    }
  });
});

test("integers of few bits: every width's bounds", () => {
  const writer = new BitWriter();
  const signed: number[] = [0, 1, -1];
  const unsigned: number[] = [0, 1];
  for (const width of [3, 6, 9, 12, 18, 25, 53]) {
    const half = 2 ** (width - 1);
    signed.push(half, half + 1, -half, -half + 1);
    unsigned.push(2 ** width - 1, 2 ** Math.min(52, width));
  }
  for (const value of signed) writeVarbitInt(writer, value);
  for (const value of unsigned) writeVarbitUint(writer, value);
  const reader = new BitReader(writer.bytes, 0, writer.length);
  for (const value of signed) assert.equal(readVarbitInt(reader), value);
  for (const value of unsigned) assert.equal(readVarbitUint(reader), value);
  assert.equal(reader.overrun, false);
});
