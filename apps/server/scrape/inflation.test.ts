import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { inflate } from "./inflation.ts";

const PLAIN = Buffer.alloc(5 << 20, "a 1\n");
const ZIPPED = gzipSync(PLAIN);
const soon = (): number => performance.now() + 10_000;

test("inflation: pieces come in order and make up the whole", async () => {
  const pieces: Buffer[] = [];
  await inflate(ZIPPED, (piece) => void pieces.push(Buffer.from(piece)), soon(), false);
  assert.ok(pieces.length > 1);
  assert.ok(Buffer.concat(pieces).equals(PLAIN));
});

test("inflation: one at a time, those that are suspect behind all others", async () => {
  const ended: string[] = [];
  let running = 0;
  const one = async (name: string, isSuspect: boolean): Promise<void> => {
    let began = false;
    const take = (): void => {
      if (!began) running++;
      began = true;
      assert.equal(running, 1, "another runs beside it");
    };
    await inflate(ZIPPED, take, soon(), isSuspect);
    running--;
    ended.push(name);
  };
  await Promise.all([one("first", true), one("suspect", true), one("good", false), one("better", false)]);
  assert.deepEqual(ended, ["first", "good", "better", "suspect"]);
});

test("inflation: what takes pieces may end it, and the next has its turn", async () => {
  const full = new Error("full");
  let pieces = 0;
  const ends = inflate(
    ZIPPED,
    () => {
      pieces++;
      throw full;
    },
    soon(),
    false,
  );
  await assert.rejects(ends, (error) => error === full);
  assert.equal(pieces, 1);
  await inflate(ZIPPED, () => {}, soon(), false);
});

test("inflation: whoever waits or runs beyond its deadline is told so", async () => {
  const first = inflate(ZIPPED, () => {}, soon(), false);
  await assert.rejects(
    inflate(ZIPPED, () => {}, performance.now() - 1, false),
    { message: "context deadline exceeded" },
  );
  await first;
  await assert.rejects(
    inflate(ZIPPED, () => {}, performance.now() - 1, false),
    { message: "context deadline exceeded" },
  );
  await inflate(ZIPPED, () => {}, soon(), false);
});

test("inflation: damaged bytes are zlib's error", async () => {
  await assert.rejects(
    inflate(ZIPPED.subarray(0, 100), () => {}, soon(), false),
    { code: "Z_BUF_ERROR" },
  );
});
