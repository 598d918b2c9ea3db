import assert from "node:assert/strict";
import { test } from "node:test";
import { compress } from "@narthex/encoding";
import { isStaleAt, Labels } from "@narthex/model";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { type AnsweredSeries, parseFrames, parseSamples, ReadAnswerError } from "./read-answer-parser.ts";
import { answerOf } from "./testing.ts";

const T = 1_700_000_000_000;

function filled(): MemoryStorage {
  const storage = new MemoryStorage();
  const appender = storage.appender();
  const a = appender.series(Labels.fromObject({ __name__: "m", a: "1" }));
  for (let i = 0; i < 300; i++) appender.append(a, T + i, i / 3);
  appender.appendStale(a, T + 300);
  const h = appender.series(Labels.fromObject({ __name__: "hist" }));
  const histogram = {
    counterResetHint: 0,
    schema: 0,
    zeroThreshold: 0,
    zeroCount: 1,
    count: 4,
    sum: 2,
    positiveSpans: [{ offset: 0, length: 2 }],
    negativeSpans: [],
    positiveBuckets: Float64Array.of(2, 1),
    negativeBuckets: new Float64Array(0),
    customValues: [],
  } as const;
  appender.appendHistogram(h, T, histogram, true);
  appender.appendHistogram(h, T + 1, { ...histogram, sum: 3 }, false);
  appender.commit();
  return storage;
}

function read(series: AnsweredSeries | undefined, minTime: number, maxTime: number): SampleBuffer {
  const buffer = new SampleBuffer();
  series?.read(minTime, maxTime, buffer);
  return buffer;
}

for (const form of ["chunks", "samples"] as const) {
  const parse = (bytes: Uint8Array, limit = 1 << 20): AnsweredSeries[] =>
    form === "chunks" ? parseFrames(bytes, limit) : parseSamples(bytes, limit);

  test(`remote read answers (${form}): series, floats to the last bit, stale markers, histograms, ranges`, () => {
    const [h, a] = parse(answerOf(filled(), form));
    assert.equal(h?.labels.toString(), '{__name__="hist"}');
    assert.equal(a?.labels.toString(), '{__name__="m", a="1"}');
    const floats = read(a, T + 10, T + 300);
    assert.equal(floats.count, 291);
    assert.equal(floats.times[0], T + 10);
    assert.equal(floats.values[3], 13 / 3);
    assert.ok(isStaleAt(floats.halves, 290));
    const histograms = read(h, T, T + 1);
    assert.deepEqual(
      histograms.histograms?.map((histogram) => histogram?.sum),
      [2, 3],
    );
    assert.equal(read(h, T + 2, T + 9).count, 0);
  });

  test(`remote read answers (${form}): an empty one has no series`, () => {
    assert.deepEqual(parse(answerOf(new MemoryStorage(), form)), []);
  });
}

test("remote read answers: refusals in the reference's words", () => {
  const frames = answerOf(filled(), "chunks");
  const refusal = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      assert.ok(error instanceof ReadAnswerError);
      return error.message;
    }
    return "";
  };
  assert.match(
    refusal(() => parseFrames(frames, 10)),
    /^chunkedReader: message size exceeded the limit 10 bytes; got: \d+ bytes$/,
  );
  const flipped = Uint8Array.from(frames);
  flipped[20] = (flipped[20] as number) ^ 1;
  assert.equal(
    refusal(() => parseFrames(flipped, 1 << 20)),
    "chunkedReader: corrupted frame; checksum mismatch",
  );
  assert.equal(
    refusal(() => parseFrames(frames.subarray(0, frames.length - 1), 1 << 20)),
    "unexpected EOF",
  );
  assert.equal(
    refusal(() => parseSamples(compress(new Uint8Array(0)), 1 << 20)),
    "responses: want 1, got 0",
  );
  assert.match(
    refusal(() => parseSamples(answerOf(filled(), "samples"), 10)),
    /^uncompressed data would take \d+ bytes, allowed are 10/,
  );
});
