import assert from "node:assert/strict";
import { test } from "node:test";
import { STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { copySamples, type DecodedChunk, keepSamples, renewed } from "./decoded-chunk.ts";

function samplesAt(times: readonly number[]): SampleBuffer {
  const samples = new SampleBuffer();
  times.forEach((t, i) => {
    if (i === 2) samples.pushBits(t, STALE_NAN_HIGH, STALE_NAN_LOW);
    else samples.pushFloat(t, i / 3);
  });
  return samples;
}

/** What a filter over all samples would give. */
function expected(samples: SampleBuffer, minTime: number, maxTime: number): string {
  const kept: string[] = [];
  for (let i = 0; i < samples.count; i++) {
    const t = samples.times[i] as number;
    if (t >= minTime && t <= maxTime) kept.push(`${t}:${samples.halves[2 * i + 1]}:${samples.halves[2 * i]}`);
  }
  return kept.join();
}

const REGULAR = Array.from({ length: 120 }, (_, i) => 1_000_000 + i * 15_000);
const JITTERED = REGULAR.map((t, i) => t + ((i * 7) % 5));

for (const [name, times] of [
  ["regular", REGULAR],
  ["jittered", JITTERED],
  ["single", [5]],
] as const) {
  test(`decoded chunk: any stretch of ${name} times comes back bit by bit, stale marker included`, () => {
    const samples = samplesAt(times);
    const chunk = keepSamples(samples) as DecodedChunk;
    assert.equal(chunk.intervalMs > 0, name !== "jittered");
    const first = times[0] as number;
    const last = times.at(-1) as number;
    for (const from of [Number.NEGATIVE_INFINITY, first - 1, first, first + 1, first + 30_000, last, last + 1]) {
      for (const to of [first - 1, first, first + 29_999, first + 90_001, last - 1, last, Number.POSITIVE_INFINITY]) {
        const into = new SampleBuffer(1);
        into.pushFloat(0, 7);
        copySamples(chunk, from, to, into);
        const copied = expected(into, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
        const wanted = expected(samples, from, to);
        assert.equal(copied, [expected(into, 0, 0), wanted].filter((text) => text !== "").join());
      }
    }
  });
}

const VALUES: Readonly<Record<string, { width: number; value: (i: number) => number }>> = {
  "one and the same": { width: 0, value: () => 0.1 },
  "always a negative zero": { width: 0, value: () => -0 },
  "whole and close": { width: 1, value: (i) => 2 ** 52 - i },
  "whole and rising": { width: 2, value: (i) => i * 500 - 7 },
  "pages of memory": { width: 4, value: (i) => 4096 * ((i * 7919) % 10_000) },
  "far apart": { width: 8, value: (i) => i * 2 ** 40 },
  hundredths: { width: 2, value: (i) => (i * 31 - 100) / 100 },
  thousandths: { width: 1, value: (i) => (1000 + i) / 1000 },
  thirds: { width: 8, value: (i) => i / 3 },
  "whole with a negative zero": { width: 8, value: (i) => (i === 5 ? -0 : i) },
  "whole with a NaN": { width: 8, value: (i) => (i === 5 ? NaN : i) },
  infinite: { width: 8, value: (i) => (i === 5 ? Infinity : i) },
  subnormal: { width: 8, value: (i) => i * 5e-324 },
  "beyond what is whole": { width: 8, value: (i) => 2 ** 60 + i * 2 ** 10 },
};

for (const [name, { width, value }] of Object.entries(VALUES)) {
  test(`decoded chunk: values that are ${name} come back bit by bit from ${width} bytes each`, () => {
    for (const times of [REGULAR, JITTERED]) {
      const samples = new SampleBuffer();
      times.forEach((t, i) => {
        samples.pushFloat(t, value(i));
      });
      const chunk = keepSamples(samples) as DecodedChunk;
      assert.equal(chunk.width, width);
      const into = new SampleBuffer(1);
      for (const [from, to] of [
        [0, 39],
        [40, 40],
        [41, 119],
      ] as const)
        copySamples(chunk, times[from] as number, times[to] as number, into);
      assert.equal(expected(into, 0, 1e12), expected(samples, 0, 1e12));
    }
  });
}

test("decoded chunk: empty chunks and those larger than a piece of memory are not kept", () => {
  assert.equal(keepSamples(new SampleBuffer()), undefined);
  const large = new SampleBuffer();
  for (let i = 0; i < 10_000; i++) large.pushFloat(i, i);
  assert.equal(keepSamples(large), undefined);
});

test("decoded chunk: a renewed one has the same samples", () => {
  const samples = samplesAt(JITTERED);
  const into = new SampleBuffer();
  copySamples(renewed(keepSamples(samples) as DecodedChunk), 0, Number.POSITIVE_INFINITY, into);
  assert.equal(expected(into, 0, 1e12), expected(samples, 0, 1e12));
});
