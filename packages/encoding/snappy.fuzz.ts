// Damaged and made-up snappy bytes: refused or read, never astray, and another implementation reads the same.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { test } from "node:test";
import { compress, EncodingError, uncompress, uncompressedLength } from "./index.ts";

const oracle = createRequire(import.meta.url)("snappyjs") as { uncompress(bytes: Uint8Array): Uint8Array };
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 10_000);
const SEED = Number(process.env["FUZZ_SEED"] ?? Math.floor(Math.random() * 2 ** 31));
const LIMIT = 1 << 16;
const GUARD = 0xa5;

function randomFrom(state: number): (below: number) => number {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

type Random = (below: number) => number;

/** Text that repeats itself in places. */
function plain(random: Random): Uint8Array {
  const bytes = new Uint8Array(random(4000));
  for (let i = 0; i < bytes.length; ) {
    const run = 1 + random(200);
    const back = i > 0 && random(2) === 0 ? 1 + random(Math.min(i, 3000)) : 0;
    for (let j = 0; j < run && i < bytes.length; j++, i++)
      bytes[i] = back > 0 ? (bytes[i - back] as number) : random(256);
  }
  return bytes;
}

/** Tags in any order behind a declared length: what a sender without a compressor might make. */
function madeUp(random: Random): Uint8Array {
  const parts: number[] = [];
  for (let rest = random(5) === 0 ? random(2 ** 31) : random(300); ; rest >>>= 7) {
    parts.push(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
    if (rest < 0x80) break;
  }
  for (let i = random(12); i > 0; i--) {
    const tag = random(256);
    parts.push(tag);
    for (let j = random(tag & 3 ? 5 : 70); j > 0; j--) parts.push(random(256));
  }
  return Uint8Array.from(parts);
}

test(`snappy: damaged bytes (FUZZ_SEED=${SEED})`, () => {
  const random = randomFrom(SEED);
  // Behind the room that is given there must be nothing written.
  const memory = new Uint8Array(LIMIT + 64);
  let read = 0;
  let refused = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const source = random(4) === 0 ? madeUp(random) : Uint8Array.from(compress(plain(random)));
    for (let i = random(3); i > 0 && source.length > 0; i--) source[random(source.length)] = random(256);
    const input = random(8) === 0 ? source.subarray(0, random(source.length + 1)) : source;
    const place = `seed ${SEED}, round ${round}`;
    let declared = -1;
    let found: Uint8Array | undefined;
    memory.fill(GUARD);
    try {
      declared = uncompressedLength(input);
      found = uncompress(input, LIMIT, memory.subarray(0, LIMIT));
      read++;
    } catch (error) {
      assert.ok(error instanceof EncodingError, `${place}: ${String(error)}`);
      refused++;
    }
    for (let i = declared >= 0 && declared <= LIMIT ? declared : LIMIT; i < memory.length; i++) {
      if (i >= LIMIT) assert.equal(memory[i], GUARD, `${place}: written beyond the room`);
    }
    if (found === undefined || found.length === 0) continue;
    assert.equal(found.length, declared, place);
    assert.ok(Buffer.from(oracle.uncompress(input)).equals(found), `${place}: another implementation reads otherwise`);
  }
  assert.ok(read > ROUNDS / 20 && refused > ROUNDS / 20, `${read} read, ${refused} refused`);
});

test(`snappy: whatever is compressed comes back (FUZZ_SEED=${SEED})`, () => {
  const random = randomFrom(SEED ^ 1);
  for (let round = 0; round < ROUNDS / 5; round++) {
    const bytes = plain(random);
    assert.ok(Buffer.from(uncompress(compress(bytes), LIMIT)).equals(bytes), `seed ${SEED}, round ${round}`);
  }
});
