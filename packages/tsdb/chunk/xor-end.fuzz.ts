// The end of an XOR chunk against what decoding says, for sound chunks and for damaged ones. NARTHEX_FUZZ_SEED repeats a run,
// NARTHEX_FUZZ_RUNS makes it longer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BitWriter } from "@narthex/encoding";
import { SampleBuffer } from "@narthex/storage";
import { seeded } from "../block/block-fixture.ts";
import { decodeXor, encodeXor } from "./xor.ts";
import { XorEnd } from "./xor-end.ts";

const seed = Number(process.env["NARTHEX_FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
const runs = Number(process.env["NARTHEX_FUZZ_RUNS"] ?? 3000);

function chunk(random: () => number): { bytes: Uint8Array; times: Float64Array; bits: number } {
  const count = 1 + Math.floor(random() * 130);
  const times = new Float64Array(count);
  const values = new Float64Array(count);
  const style = Math.floor(random() * 4);
  let t = Math.floor((random() - 0.2) * 2 ** 41);
  for (let i = 0; i < count; i++) {
    times[i] = t;
    t += style === 0 ? 15_000 : 1 + Math.floor(random() * 2 ** (style * 11));
    values[i] = style === 1 ? 7 : style === 2 ? i * 3 : random() * 1e6;
  }
  const writer = new BitWriter();
  encodeXor(writer, times, new Uint32Array(values.buffer), 0, count);
  return { bytes: writer.toBytes(), times, bits: writer.bitLength };
}

test(`XOR chunks: the end is where decoding comes to, and damage is refused or decodes alike (seed ${seed})`, () => {
  const random = seeded(seed);
  const end = new XorEnd();
  const decoded = new SampleBuffer();
  for (let run = 0; run < runs; run++) {
    const { bytes, times, bits } = chunk(random);
    const where = `seed ${seed}, run ${run}`;
    const watched = 1 + Math.floor(random() * times.length);
    const padded = new Uint8Array(bytes.length + 40).fill(0xff);
    padded.set(bytes, 20);
    assert.ok(end.scan(padded, 20, 20 + bytes.length, watched), where);
    decoded.clear();
    decodeXor(bytes, 0, bytes.length, -Infinity, Infinity, decoded);
    const last = times.length - 1;
    assert.deepEqual(
      [end.samples, end.firstTime, end.lastTime, end.watchedTime, end.low, end.high, end.bits],
      [
        times.length,
        times[0],
        times[last],
        times[watched - 1],
        decoded.halves[2 * last],
        decoded.halves[2 * last + 1],
        bits,
      ],
      where,
    );
    if (last > 0) assert.equal(end.delta, times[last]! - times[last - 1]!, where);
    for (let damage = 0; damage < 4; damage++) {
      const damaged = bytes.slice(0, random() < 0.3 ? Math.floor(random() * bytes.length) : bytes.length);
      if (damaged.length > 0) damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      if (!end.scan(damaged, 0, damaged.length, watched)) continue;
      decoded.clear();
      assert.ok(decodeXor(damaged, 0, damaged.length, -Infinity, Infinity, decoded), where);
      const newest = decoded.count - 1;
      assert.deepEqual(
        [end.samples, end.lastTime, end.low, end.high],
        [decoded.count, decoded.times[newest], decoded.halves[2 * newest], decoded.halves[2 * newest + 1]],
        where,
      );
    }
  }
});
