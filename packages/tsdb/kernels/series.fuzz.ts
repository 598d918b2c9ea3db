// Series that are made of labels by kernels against those made without: the same memory, word for word, while others leave the head.
// NARTHEX_FUZZ_SEED repeats a run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "@narthex/encoding";
import { LabelBytes } from "@narthex/storage";
import { seeded } from "../block/block-fixture.ts";
import { encodeSeriesFromMemory } from "../head/series-record.ts";
import type { Snapshot } from "../head/snapshots.ts";
import { assertSameMemory, RANGE, twins } from "./twin-fixture.ts";

const seed = Number(process.env["NARTHEX_FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
const START = RANGE * 240_000;
/** Head memory that so many series use, in words of each region. */
const WORDS = 2_000_000;

/** Labels as any sender may have them: mostly like those before, mostly in order. */
class RandomLabels {
  readonly #random: () => number;
  #row: [string, string][] = [];

  constructor(random: () => number) {
    this.#random = random;
  }

  next(into: LabelBytes): void {
    const random = this.#random;
    const pick = (count: number): number => Math.floor(random() * count);
    if (this.#row.length === 0 || random() < 0.1) {
      const count = random() < 0.02 ? pick(100) : 1 + pick(8);
      this.#row = Array.from({ length: count }, (_, i) => [`name${i.toString(36)}`, this.#value()]);
    } else {
      const at = pick(this.#row.length);
      this.#row[at] = [(this.#row[at] as [string, string])[0], this.#value()];
    }
    const row = this.#row.map((label): [string, string] => [...label]);
    const dice = random();
    const [name, value] = row[pick(row.length)] ?? ["", ""];
    if (dice < 0.01) row.reverse();
    else if (dice < 0.02) row.push([name, value]);
    else if (dice < 0.03) row.push(["zz", ""]);
    else if (dice < 0.04) row.push(["", "v"]);
    else if (dice < 0.05) row.push([`zz${pick(50)}`, "v"]);
    else if (dice < 0.06) row.push(["zz€", "ü".repeat(pick(9))]);
    else if (dice < 0.07) row.push(["zzz", "long".repeat(pick(8000))]);
    into.clear();
    for (const [n, v] of row) into.addText(n, v);
  }

  #value(): string {
    return `a value of some length ${Math.floor(this.#random() * (this.#random() < 0.5 ? 20 : 5000))}`;
  }
}

test(`series kernels: series of labels are made as without them, while others go (seed ${seed})`, () => {
  const random = seeded(seed);
  const { fast, slow, kernels } = twins();
  let byKernels = 0;
  const seriesOfLabels = kernels.seriesOfLabels.bind(kernels);
  kernels.seriesOfLabels = (...all) => {
    const found = seriesOfLabels(...all);
    if (found !== 0) byKernels++;
    return found;
  };
  const labels = new LabelBytes();
  const source = new RandomLabels(random);
  const heads = [fast, slow];
  let held: (Snapshot | undefined)[] = [];
  let refused = 0;
  let t = START;
  for (let run = 0; run < 400; run++) {
    t += Math.floor(random() * 60_000);
    const appenders = heads.map((head) => head.appender());
    for (let n = Math.floor(random() * 60); n > 0; n--) {
      source.next(labels);
      const outcomes = appenders.map((appender) => {
        try {
          const ref = appender.seriesOfBytes(labels);
          if (n % 5 !== 0) appender.append(ref, t, n);
          return ref;
        } catch (error) {
          return (error as Error).message;
        }
      });
      assert.equal(outcomes[0], outcomes[1]);
      if (typeof outcomes[0] === "string") refused++;
    }
    for (const appender of appenders) appender.commit();
    if (random() < 0.1) {
      for (const [i, head] of heads.entries()) if (held[i] !== undefined) head.snapshots.release(held[i]);
      held = random() < 0.5 ? [] : heads.map((head) => head.snapshots.take(head.table.lastRef));
    }
    // Series leave, and pairs that no other has.
    if (random() >= 0.03) continue;
    const before = t - Math.floor(random() ** 3 * RANGE);
    for (const head of heads) head.truncate(before);
  }
  assert.ok(byKernels > 8000, `${byKernels} by kernels`);
  assert.ok(refused > 100 && fast.counters.seriesRemoved > 1000 && fast.seriesCount > 0);
  assert.deepEqual(fast.counters, slow.counters);
  assert.deepEqual(fast.unloggedSeries, slow.unloggedSeries);
  assertSameMemory(fast.memory, slow.memory, WORDS);

  const { table, memory } = fast;
  const records = Array.from({ length: table.highIndex }, (_, i) => i + 1).filter((record) => table.isLive(record));
  const expected = new ByteWriter(4096);
  for (let at = 0; at < 9; at++) expected.uint8(at);
  kernels.input.set(expected.bytes.subarray(0, expected.length));
  for (const record of records) encodeSeriesFromMemory(memory, record, expected);
  const length = kernels.encodeSeries(records, 9);
  assert.equal(length, expected.length);
  assert.ok(Buffer.from(kernels.input.subarray(0, length)).equals(expected.bytes.subarray(0, length)));
  const { output } = kernels;
  output.fill(0);
  for (let room = 0; room < 300; room++) {
    assert.equal(kernels.encodeSeries(records, kernels.input.length - room), 0);
  }
  assert.ok(
    output.subarray(0, 1000).every((byte) => byte === 0),
    "nothing stands behind the room",
  );
});

test("series kernels: near the end of a region the slow way says so", () => {
  const { fast, slow } = twins();
  const labels = new LabelBytes();
  const outcomes = [fast, slow].map((head) => {
    head.table.reserveRefs(head.memory.refs.length * 128 - 3);
    const appender = head.appender();
    const refs: (number | string)[] = [];
    for (let i = 0; i < 5; i++) {
      labels.clear();
      labels.addText("name", `${i}`);
      try {
        refs.push(appender.seriesOfBytes(labels));
      } catch (error) {
        refs.push((error as Error).message);
      }
    }
    appender.rollback();
    return refs;
  });
  assert.deepEqual(outcomes[0], outcomes[1]);
  assert.match(String(outcomes[0]?.at(-1)), /full/);
});
