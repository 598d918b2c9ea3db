import assert from "node:assert/strict";
import { test } from "node:test";
import { compressLzw, decompressLzw } from "./lzw.ts";
import { seededRandom } from "./testing-network.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);

test("LZW: nothing is a clear code and an end code", () => {
  assert.deepEqual([...compressLzw(new Uint8Array(0))], [0x00, 0x03, 0x02]);
  assert.equal(decompressLzw(Uint8Array.of(0x00, 0x03, 0x02), 0).length, 0);
});

test(`LZW: what was compressed comes back, over every width of codes and full tables (seed ${SEED})`, () => {
  const random = seededRandom(SEED);
  for (let round = 0; round < 120; round++) {
    const alphabet = 1 + Math.floor(random() * random() * 256);
    const input = Uint8Array.from({ length: Math.floor(random() * 40_000) }, () => Math.floor(random() * alphabet));
    const back = decompressLzw(compressLzw(input), input.length);
    assert.ok(Buffer.from(back).equals(Buffer.from(input)), `round ${round}: ${input.length} bytes of ${alphabet}`);
  }
});

test("LZW: a run is shorter, and its repetition refers to itself", () => {
  const run = new Uint8Array(100_000).fill(7);
  const compressed = compressLzw(run);
  assert.ok(compressed.length < 1000);
  assert.ok(Buffer.from(decompressLzw(compressed, run.length)).equals(Buffer.from(run)));
});

test("LZW: more than was allowed, a missing end, and codes that are not defined are refused", () => {
  const compressed = compressLzw(new Uint8Array(1_000_000));
  assert.throws(() => decompressLzw(compressed, 999_999), /more than 999999 bytes/);
  assert.throws(() => decompressLzw(compressed.subarray(0, -2), 1_000_000), /cut off/);
  // Clear, then the code 258 at once.
  assert.throws(() => decompressLzw(Uint8Array.of(0x00, 0x05, 0x02), 100), /not defined/);
});
