// Damaged answers of remote read: they are refused or read, never more than that.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compress, crc32c, uncompress } from "@narthex/encoding";
import { type FloatHistogramFields, Labels } from "@narthex/model";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { type AnsweredSeries, parseFrames, parseSamples, ReadAnswerError } from "./read-answer-parser.ts";
import { answerOf } from "./testing.ts";

const seed = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const ROUNDS = 3000;
const LIMIT = 1 << 20;
const T = 1_700_000_000_000;

console.log(`remote read answers fuzz: seed ${seed}`);
let state = seed;
function random(below: number): number {
  state = (Math.imul(state, 1664525) + 1013904223) | 0;
  return Math.floor(((state >>> 0) / 2 ** 32) * below);
}

function filled(): MemoryStorage {
  const storage = new MemoryStorage();
  const appender = storage.appender();
  for (let s = 0; s < 4; s++) {
    const ref = appender.series(Labels.fromObject({ __name__: "m", s: String(s) }));
    for (let i = 0; i < 40; i++) appender.append(ref, T + i * 1000, i * s * 1.1);
  }
  const h = appender.series(Labels.fromObject({ __name__: "hist" }));
  for (let i = 0; i < 5; i++) {
    const histogram: FloatHistogramFields = {
      counterResetHint: 0,
      schema: 2,
      zeroThreshold: 0.1,
      zeroCount: i,
      count: 3 + 2 * i,
      sum: i * 2,
      positiveSpans: [{ offset: -1, length: 2 }],
      negativeSpans: [],
      positiveBuckets: Float64Array.of(2, 1 + i),
      negativeBuckets: new Float64Array(0),
      customValues: [],
    };
    appender.appendHistogram(h, T + i, histogram, i % 2 === 0);
  }
  appender.commit();
  return storage;
}

function damaged(sound: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(sound.subarray(0, random(4) === 0 ? random(sound.length) : sound.length));
  for (let hits = random(5); hits > 0 && bytes.length > 0; hits--) bytes[random(bytes.length)] = random(256);
  return bytes;
}

function use(parse: () => AnsweredSeries[], what: string): boolean {
  try {
    const buffer = new SampleBuffer();
    for (const series of parse()) {
      buffer.clear();
      series.read(T, T + 20_000, buffer);
      assert.ok(buffer.count < 100_000, what);
    }
    return true;
  } catch (error) {
    assert.ok(error instanceof ReadAnswerError, `${what}: ${(error as Error).stack}`);
    return false;
  }
}

test("remote read answers: damaged frames, with right and wrong checksums", () => {
  const sound = answerOf(filled(), "chunks");
  let read = 0;
  for (let i = 0; i < ROUNDS; i++) {
    let bytes = damaged(sound);
    if (random(2) === 0) bytes = withChecksums(bytes);
    if (use(() => parseFrames(bytes, LIMIT), `FUZZ_SEED=${seed}, case ${i}`)) read++;
  }
  assert.ok(read > 0 && read < ROUNDS, `${read} of ${ROUNDS} were read`);
});

test("remote read answers: damaged samples", () => {
  const sound = uncompress(answerOf(filled(), "samples"), LIMIT);
  let read = 0;
  for (let i = 0; i < ROUNDS; i++) {
    const bytes = damaged(sound);
    if (use(() => parseSamples(compress(bytes), LIMIT), `FUZZ_SEED=${seed}, case ${i}`)) read++;
    use(() => parseSamples(bytes, LIMIT), `FUZZ_SEED=${seed}, case ${i}, not compressed`);
  }
  assert.ok(read > 0 && read < ROUNDS, `${read} of ${ROUNDS} were read`);
});

/** Makes the checksums right again, as far as the frames can be told apart. */
function withChecksums(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    let size = 0;
    let scale = 1;
    for (let more = true; more && at < bytes.length; scale *= 128) {
      const byte = bytes[at++] as number;
      size += (byte & 0x7f) * scale;
      more = byte >= 0x80;
    }
    if (at + 4 + size > bytes.length) break;
    view.setUint32(at, crc32c(bytes, at + 4, at + 4 + size));
    at += 4 + size;
  }
  return bytes;
}
