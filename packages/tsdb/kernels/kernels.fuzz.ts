// Kernels against their twins in TypeScript: the same bytes, the same samples, the same memory. NARTHEX_FUZZ_SEED repeats a run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter, compress, crc32c, uncompress } from "@narthex/encoding";
import { Labels, STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import { seeded } from "../block/block-fixture.ts";
import { Head } from "../head/head.ts";
import { RECORD_WORDS, SLOT_WORDS } from "../memory/layout.ts";
import { decodeSamples, encodeSamples, SAMPLES_HEADER_BYTES, SampleRecord } from "../wal/sample-record.ts";
import { KERNEL_SAMPLES } from "./desk.ts";
import { Kernels } from "./kernels.ts";

const seed = Number(process.env["NARTHEX_FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
const MEMORY = 2 ** 29;
const RANGE = 7_200_000;
const START = RANGE * 240_000;

const head = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
const kernels = head.kernels as Kernels;

test("kernels: they are built, and left out where memory is small or nobody wants them", () => {
  assert.ok(kernels instanceof Kernels);
  assert.equal(new Head({ chunkRangeMs: RANGE, memoryBytes: 2 ** 26 }).kernels, undefined);
  assert.equal(new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY, useKernels: false }).kernels, undefined);
});

/** Bytes between noise and repetition. */
function someBytes(random: () => number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  const alphabet = 1 + Math.floor(random() * 256);
  const copies = random();
  for (let i = 0; i < length; ) {
    const run = Math.min(length - i, 1 + Math.floor(random() * 90));
    const back = 1 + Math.floor(random() * i);
    const isCopy = i > 0 && random() < copies;
    for (let k = 0; k < run; k++, i++)
      bytes[i] = isCopy ? (bytes[i - back] as number) : Math.floor(random() * alphabet);
  }
  return bytes;
}

test(`kernels: checksums and snappy are those of the slow ones (seed ${seed})`, () => {
  const random = seeded(seed);
  for (let run = 0; run < 400; run++) {
    const length = Math.floor(random() ** 3 * 200_000);
    const plain = someBytes(random, length);
    const offset = Math.floor(random() * 9);
    kernels.input.set(plain, offset);
    assert.equal(kernels.crc32c(kernels.input, offset, offset + length), crc32c(plain));

    const packedLength = kernels.compress(plain, 0, length);
    const packed = kernels.output.slice(0, packedLength);
    assert.deepEqual(packed, compress(plain));

    kernels.input.set(packed, offset);
    assert.equal(kernels.uncompress(kernels.input, offset, offset + packedLength), length);
    assert.deepEqual(kernels.output.slice(0, length), plain);
  }
});

test(`kernels: damaged snappy is refused, or unpacks to what the slow decoder makes of it (seed ${seed})`, () => {
  const random = seeded(seed + 1);
  let refused = 0;
  for (let run = 0; run < 3000; run++) {
    const damaged = compress(someBytes(random, Math.floor(random() * 300)));
    for (let n = Math.floor(random() * 4); n >= 0; n--) {
      damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
    }
    const end = damaged.length - (random() < 0.2 ? Math.floor(random() * damaged.length) : 0);
    kernels.input.set(damaged);
    const length = kernels.uncompress(kernels.input, 0, end);
    let expected: Uint8Array | undefined;
    try {
      expected = uncompress(damaged.subarray(0, end), kernels.output.length);
    } catch {
      refused++;
    }
    if (expected === undefined) assert.equal(length, -1);
    else assert.deepEqual(kernels.output.slice(0, length), expected);
  }
  assert.ok(refused > 100);
});

test(`kernels: what they decode of a record, and the slow decoder behind it, is the record (seed ${seed})`, () => {
  const random = seeded(seed + 2);
  const refs: number[] = [];
  for (let i = 0; i < 5000; i++) refs.push(head.seriesRef(Labels.fromObject({ s: `${i}` })));
  const decoded = new SampleRecord();
  const rest = new SampleRecord();
  for (let run = 0; run < 300; run++) {
    const count = 1 + Math.floor(random() ** 3 * 300);
    const oddity = random() < 0.3 ? random() * 0.1 : 0;
    const record = new ByteWriter(1024);
    const recordRefs = Float64Array.from({ length: count }, () =>
      random() < oddity ? 2 ** Math.floor(random() * 52) : (refs[Math.floor(random() * refs.length)] as number),
    );
    if (random() < 0.3) recordRefs.sort();
    const times = Float64Array.from({ length: count }, () =>
      random() < oddity ? -Math.floor(random() * 2 ** 50) : START + Math.floor(random() ** 4 * 2 ** 40),
    );
    const halves = Uint32Array.from({ length: 2 * count }, () => Math.floor(random() * 2 ** 32));
    encodeSamples(record, recordRefs, times, halves, 0, count);
    const end = random() < 0.1 ? record.length - Math.floor(random() * 8) - 1 : record.length;
    kernels.input.set(record.bytes.subarray(0, end));
    const start = SAMPLES_HEADER_BYTES;
    const taken = kernels.decodeSamples(kernels.input, start, end, recordRefs[0] as number, times[0] as number);
    for (let i = 0; i < taken; i++) {
      assert.equal(kernels.records[i], head.recordOf(recordRefs[i] as number));
      assert.equal(kernels.times[i], times[i]);
      assert.equal(kernels.halves[2 * i], halves[2 * i]);
      assert.equal(kernels.halves[2 * i + 1], halves[2 * i + 1]);
    }
    const bytes = record.bytes.slice(0, end);
    const attempt = (into: SampleRecord, from?: number): string | number => {
      try {
        decodeSamples(bytes, 0, end, into, from);
        return into.count;
      } catch (error) {
        return (error as Error).name;
      }
    };
    const whole = attempt(decoded);
    const behind = attempt(rest, kernels.decodedTo);
    if (typeof whole === "string") assert.equal(behind, whole);
    else assert.equal(taken + (behind as number), whole);
  }
});

test(`kernels: samples appended by them leave the same memory as without them (seed ${seed})`, () => {
  const random = seeded(seed + 3);
  const fast = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  const slow = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY, useKernels: false });
  const count = 80;
  const refs = Array.from({ length: count }, (_, i) => {
    const labels = Labels.fromObject({ s: `${i}` });
    const ref = fast.seriesRef(labels);
    assert.equal(slow.seriesRef(labels), ref);
    return ref;
  });
  const value = new Float64Array(1);
  const halves = new Uint32Array(value.buffer);
  const last = new Float64Array(count);
  let t = START + Math.floor(random() * RANGE);
  for (let commit = 0; commit < 1500; commit++) {
    const dice = random();
    t += dice < 0.9 ? 15_000 : Math.floor(random() * (dice < 0.98 ? 40_000 : 3 * RANGE)) - (dice < 0.92 ? 30_000 : 0);
    const appenders = [fast.appender(), slow.appender()];
    for (let i = 0; i < count; i++) {
      const kind = i % 8;
      if (random() < 0.02) continue;
      if (kind === 1) last[i]!++;
      else if (kind === 2) last[i]! += Math.floor(random() * 1000);
      else if (kind === 3) last[i] = random();
      else if (kind === 4) last[i] = (random() - 0.5) * 10 ** Math.floor(random() * 300);
      else if (kind === 5 && random() < 0.1) last[i] = Math.floor(random() * 10) / 10;
      value[0] = last[i] as number;
      if (kind === 6) {
        halves[0] = Math.floor(random() * 2 ** 32);
        halves[1] = Math.floor(random() * 2 ** 32);
      } else if (kind === 7 && random() < 0.1) [halves[1], halves[0]] = [STALE_NAN_HIGH, STALE_NAN_LOW];
      const verdicts = appenders.map((a) =>
        a.appendBits(refs[i] as number, t, halves[1] as number, halves[0] as number),
      );
      assert.equal(verdicts[0], verdicts[1]);
    }
    for (const appender of appenders) appender.commit();
    // Deterministic in both, so that slots and cells are given out alike.
    if (commit % 200 === 199) for (const one of [fast, slow]) one.truncate(t - 2 * RANGE);
  }
  assert.ok(fast.counters.samplesAppended > 100_000);
  assert.deepEqual(fast.counters, slow.counters);
  assert.deepEqual(fast.times, slow.times);
  assert.deepEqual(fast.memory.slotPool.slice(), slow.memory.slotPool.slice());
  assert.deepEqual(fast.memory.cellPool.slice(), slow.memory.cellPool.slice());
  assert.ok((fast.memory.cellPool[2] as number) > 100, "chunks were cut");
  const words = (of: Head, what: "series" | "slots" | "cold" | "finished", length: number): Uint32Array =>
    of.memory[what].slice(0, length);
  assert.deepEqual(words(fast, "series", 100 * RECORD_WORDS), words(slow, "series", 100 * RECORD_WORDS));
  assert.deepEqual(words(fast, "cold", 1000), words(slow, "cold", 1000));
  const slots = ((fast.memory.slotPool[2] as number) + 1) * SLOT_WORDS;
  assert.deepEqual(words(fast, "slots", slots), words(slow, "slots", slots));
  assert.deepEqual(words(fast, "finished", 20_000), words(slow, "finished", 20_000));
});

test("kernels: a run longer than their arrays goes the slow way", () => {
  const large = new Head({ chunkRangeMs: RANGE, memoryBytes: MEMORY });
  const count = KERNEL_SAMPLES + 1;
  const appender = large.appender();
  for (let i = 0; i < count; i++) appender.append(large.seriesRef(Labels.fromObject({ s: `${i}` })), START, i);
  appender.commit();
  assert.equal(large.counters.samplesAppended, count);
});
