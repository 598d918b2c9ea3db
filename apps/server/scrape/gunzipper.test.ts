import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { Gunzipper, OUTPUT_TOO_SMALL } from "./gunzipper.ts";

const text = (size: number): Buffer =>
  Buffer.from(Array.from({ length: size }, (_, i) => `m{a="${i}"} ${i * 7}\n`).join(""));

test("gunzipper: one after the other comes out whole, of any size, in several members", () => {
  const gunzipper = new Gunzipper();
  const target = new Uint8Array(200_000);
  for (const size of [1, 5000, 0, 30, 4999]) {
    const plain = text(size);
    const count = gunzipper.gunzip(gzipSync(plain), target) as number;
    assert.deepEqual(Buffer.from(target.subarray(0, count)), plain);
  }
  const members = Buffer.concat([gzipSync("a 1\n"), gzipSync("b 2\n")]);
  assert.equal(Buffer.from(target.subarray(0, gunzipper.gunzip(members, target))).toString(), "a 1\nb 2\n");
});

test("gunzipper: a body longer than the buffer is told, and the next one is not harmed", () => {
  const gunzipper = new Gunzipper();
  assert.equal(gunzipper.gunzip(gzipSync(text(5000)), new Uint8Array(100)), OUTPUT_TOO_SMALL);
  const target = new Uint8Array(1000);
  assert.equal(gunzipper.gunzip(gzipSync("a 1\n"), target), 4);
});

test("gunzipper: damaged and cut bodies throw zlib's error, and the next one is not harmed", async () => {
  const gunzipper = new Gunzipper();
  const target = new Uint8Array(200_000);
  const whole = gzipSync(text(3000));
  const damaged = Buffer.from(whole);
  damaged.fill(0xff, 200, 260);
  for (const body of [damaged, whole.subarray(0, whole.length - 20), Buffer.from("no gzip at all, but long enough")]) {
    assert.throws(() => gunzipper.gunzip(body, target), /Error|error|incorrect|unexpected|invalid/);
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(gunzipper.gunzip(whole, target), text(3000).length);
  }
});
