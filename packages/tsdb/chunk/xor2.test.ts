import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { BitWriter } from "@narthex/encoding";
import { STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { decodeXor2, encodeXor2 } from "./xor2.ts";

/** Time, value ("stale" for the marker), start timestamp. */
type Sample = readonly [t: number, value: number | "stale", startTime?: number];

function encode(samples: readonly Sample[]): Uint8Array {
  const times = Float64Array.from(samples, ([t]) => t);
  const values = Float64Array.from(samples, ([, value]) => (value === "stale" ? 0 : value));
  const halves = new Uint32Array(values.buffer);
  samples.forEach(([, value], i) => {
    if (value === "stale") halves.set([STALE_NAN_LOW, STALE_NAN_HIGH], 2 * i);
  });
  const starts = samples.some(([, , st]) => st !== undefined)
    ? Float64Array.from(samples, ([, , st]) => st ?? 0)
    : undefined;
  const writer = new BitWriter();
  encodeXor2(writer, times, halves, starts, 0, samples.length);
  return writer.toBytes();
}

function decode(bytes: Uint8Array, minTime = -Infinity, maxTime = Infinity): Sample[] | undefined {
  const into = new SampleBuffer(4);
  into.pushFloat(-1, -1);
  // Framed by other bytes, so that reading outside would show.
  const framed = new Uint8Array(bytes.length + 20).fill(0xff);
  framed.set(bytes, 7);
  if (!decodeXor2(framed, 7, 7 + bytes.length, minTime, maxTime, into)) {
    assert.equal(into.count, 1);
    return undefined;
  }
  return Array.from({ length: into.count - 1 }, (_, at) => {
    const i = at + 1;
    const isStale = into.halves[2 * i + 1] === STALE_NAN_HIGH && into.halves[2 * i] === STALE_NAN_LOW;
    const value = isStale ? "stale" : (into.values[i] as number);
    const startTime = into.startTimes?.[i];
    return startTime === undefined ? [into.times[i] as number, value] : [into.times[i] as number, value, startTime];
  });
}

function bits(text: string): string {
  const whole = text.replace(/[^01]/g, "");
  const bytes = whole.padEnd(Math.ceil(whole.length / 8) * 8, "0").match(/.{8}/g) ?? [];
  return bytes.map((byte) => Number.parseInt(byte, 2).toString(16).padStart(2, "0")).join("");
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("XOR2 chunks", () => {
  // By hand, from the format: samples 0 and 1, then one of each prefix. 1.0 is 3ff0..., 2.0 4000..., their XOR 7ff << 52.
  const head = "d00f 3ff0000000000000".replace(/\s/g, "");
  const cases: readonly [name: string, samples: readonly Sample[], bytes: string][] = [
    ["a single sample", [[1000, 1]], `000100${head}`],
    [
      "the same value again: long form 0, then joint 0",
      [
        [1000, 1],
        [16_000, 1],
        [31_000, 1],
      ],
      `000300${head}9875${bits("0 0")}`,
    ],
    [
      "dod 0: a new window, the window again, a stale marker, and the value of before it",
      [
        [1000, 1],
        [16_000, 1],
        [31_000, 2],
        [46_000, 1],
        [61_000, "stale"],
        [76_000, 1],
      ],
      `000600${head}9875${bits("0 10 1 00001 001011 11111111111 10 0 11111111111 11111 0")}`,
    ],
    [
      "dod of 13 bits, 20 bits, 64 bits, each with another long form",
      [
        [1000, 1],
        [2000, 2],
        [2999, 2],
        [9998, 1],
        [10_997, "stale"],
        [1_210_996, 4],
      ],
      // 1 -> 2 in the long form; dod -1 and the same; dod 6000 and the window; dod -6000 and stale; dod 1199000 and 4.0, again in the window.
      `000600${head}e807${bits(
        "110 00001 001011 11111111111" +
          "110 1111111111111 0" +
          `1110 ${(6000).toString(2).padStart(20, "0")} 10 11111111111` +
          `1110 ${(2 ** 20 - 6000).toString(2)} 111` +
          `11110 ${(1_199_000).toString(2).padStart(64, "0")} 10 11111111110`,
      )}`,
    ],
    [
      "start timestamps: the first one, a change at the third sample, then the change of the distance",
      [
        [1000, 1, 400],
        [16_000, 1, 400],
        [31_000, 1, 20_000],
        [46_000, 1, 20_000],
      ],
      // 600 as zig-zag varint; 16000 - 20000 = -4000 in 18 bits; 31000 - 20000 - -4000 = 15000 in 18 bits.
      `000482${head}b0099875${bits(
        `0 0 111110 ${(2 ** 18 - 4000).toString(2)} 0 111110 ${(15_000).toString(2).padStart(18, "0")}`,
      )}`,
    ],
    [
      "start timestamps: none for the first sample, one for the second",
      [
        [1000, 1, 0],
        [16_000, 1, 998],
      ],
      `000201${head}9875${bits("0 10 010")}`,
    ],
  ];
  for (const [name, samples, bytes] of cases) {
    test(`bytes of the format: ${name}`, () => {
      assert.equal(hex(encode(samples)), bytes);
      assert.deepEqual(decode(Uint8Array.from(Buffer.from(bytes, "hex"))), samples);
    });
  }

  test("from the 127th sample on start timestamps stand there, even of none", () => {
    const samples: Sample[] = Array.from({ length: 200 }, (_, i) => [i * 10 + 1, i * 1.5, 0]);
    const chunk = encode(samples);
    assert.equal(chunk[2], 127);
    assert.deepEqual(decode(chunk), samples);
    assert.equal(encode(samples.slice(0, 127))[2], 0);
    const late: Sample[] = samples.map(([t, value], i) => [t, value, i === 150 ? 1490 : 0]);
    assert.deepEqual(decode(encode(late)), late);
    const first: Sample[] = samples.map(([t, value]) => [t, value, 7]);
    assert.equal(encode(first)[2], 0xff);
    assert.deepEqual(decode(encode(first)), first);
  });

  test("round trips: irregular times, every width, special values, stale markers, start timestamps", () => {
    const odd = [0, -0, Infinity, -Infinity, NaN, Number.MIN_VALUE, Number.MAX_VALUE, 1e-300, 0.1, 1 / 3, 12345.678];
    const jumps = [0, 0, 1, 15_000, 4095, 4096, -4096, -4097, 524_287, 524_288, -524_288, -524_289, 2 ** 33];
    const backs = [0, 0, 1, 2, 3, 4, 5, 31, 33, 256, 257, 2048, 131_072, 2 ** 24, 2 ** 25, 2 ** 40, -5, -(2 ** 33)];
    let state = 7;
    const next = (below: number): number => {
      state = (Math.imul(state, 1103515245) + 12345) >>> 0;
      return (state >>> 8) % below;
    };
    for (let round = 0; round < 60; round++) {
      let t = 1_700_000_000_000;
      let startTime = 0;
      const samples: Sample[] = [];
      const count = 1 + next(300);
      const changing = next(3);
      for (let i = 0; i < count; i++) {
        t += Math.max(1, 600_000 + (jumps[next(jumps.length)] as number));
        if (changing > 0 && next(changing === 1 ? 50 : 2) === 0)
          startTime = next(4) === 0 ? 0 : t - (backs[next(backs.length)] as number);
        const kind = next(5);
        const value =
          kind === 0 ? "stale" : kind === 1 ? (odd[next(odd.length)] as number) : kind === 2 ? i : state / 999;
        samples.push(changing > 0 ? [t, value, startTime] : [t, value]);
      }
      const chunk = encode(samples);
      const decoded = decode(chunk);
      assert.equal(decoded?.length, count);
      decoded?.forEach(([time, value, start], i) => {
        const [expectedTime, expectedValue, expectedStart] = samples[i] as Sample;
        assert.equal(time, expectedTime, `round ${round}, sample ${i}`);
        assert.ok(Object.is(value, expectedValue), `round ${round}, sample ${i}: ${value}, not ${expectedValue}`);
        assert.equal(start ?? 0, expectedStart ?? 0, `round ${round}, sample ${i}`);
      });
      for (let length = 0; length < chunk.length; length += 1 + next(7)) {
        assert.equal(decode(chunk.subarray(0, length)), undefined);
      }
    }
  });

  test("bounds are inclusive, and start timestamps stay with their samples", () => {
    const chunk = encode(Array.from({ length: 100 }, (_, i): Sample => [i * 10, i, i * 10 - 5]));
    assert.deepEqual(decode(chunk, 200, 220), [
      [200, 20, 195],
      [210, 21, 205],
      [220, 22, 215],
    ]);
    assert.deepEqual(decode(chunk, 991), []);
    assert.deepEqual(decode(chunk, -5, -1), []);
  });

  test("an empty chunk has no samples, and one that begins with a stale marker compares with 0", () => {
    assert.deepEqual(decode(new Uint8Array(3)), []);
    assert.equal(decode(new Uint8Array(2)), undefined);
    const samples: Sample[] = [
      [5, "stale"],
      [6, 0],
      [7, "stale"],
      [8, 3],
    ];
    assert.deepEqual(decode(encode(samples)), samples);
  });
});
