// The kernels of a replay against what they stand for: the same series, chunks and bookkeeping, word for word. NARTHEX_FUZZ_SEED repeats
// a run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "@narthex/encoding";
import { STALE_NAN_HIGH, STALE_NAN_LOW } from "@narthex/model";
import { seeded } from "../block/block-fixture.ts";
import { Replay, ReplayChunks } from "../head/replay.ts";
import { CELL_BYTES, REF_BYTES, ROW_BYTES, RowWord, SampleRows } from "../head/sample-rows.ts";
import { HeadFullError } from "../memory/pool.ts";
import { RecordError } from "../wal/record.ts";
import { decodeSamples, encodeSamples, SAMPLES_HEADER_BYTES, SampleRecord } from "../wal/sample-record.ts";
import { beginSeries } from "../wal/series-record.ts";
import { type Kernels, TIMES_DIFFER } from "./kernels.ts";
import { assertSameMemory, RANGE, twins } from "./twin-fixture.ts";

const seed = Number(process.env["NARTHEX_FUZZ_SEED"] ?? Date.now() & 0x7fffffff);
const START = RANGE * 240_000;

/** A record of series as any log may hold them: mostly like those before them. */
function seriesRecord(random: () => number, nextRef: () => number): ByteWriter {
  const into = new ByteWriter(4096);
  beginSeries(into);
  const oddity = random() < 0.5 ? 0 : random() * 0.2;
  const text = (kinds: number, prefix: string): string => {
    const dice = random();
    if (dice < oddity) return dice < oddity / 2 ? "" : `${prefix}_ü€${Math.floor(random() * 9)}`;
    if (dice < 2 * oddity) return prefix.repeat(1 + Math.floor(random() * 300));
    return `${prefix}${Math.floor(random() * kinds)}`;
  };
  let row: [string, string][] = [];
  for (let n = Math.floor(random() * 60); n >= 0; n--) {
    if (row.length === 0 || random() < 0.2) {
      const count = random() < oddity ? Math.floor(random() * 200) : 1 + Math.floor(random() * 6);
      row = Array.from({ length: count }, (_, i) => [random() < oddity ? text(3, "n") : `name${i}`, text(20, "v")]);
    } else {
      const at = Math.floor(random() * row.length);
      const [name] = row[at] as [string, string];
      row[at] = [name, text(random() < 0.5 ? 5 : 5000, "value-of-some-length-")];
    }
    into.int64Number(nextRef());
    into.uvarint(row.length);
    for (const [name, value] of row) {
      into.uvarintText(name);
      into.uvarintText(value);
    }
  }
  return into;
}

for (const [i, mostOddRefs] of [0, 0.1].entries()) {
  test(`replay kernels: series are made as without them, odd refs ${mostOddRefs} (seed ${seed})`, () => {
    const random = seeded(seed + 10 * i);
    const { fast, slow, kernels } = twins();
    let ref = 0;
    let oddRefs = 0;
    const nextRef = (): number => {
      if (random() < oddRefs)
        return Math.floor(random() * (random() < 0.5 ? 2 * ref + 2 : 2 ** (random() < 0.5 ? 20 : 34)));
      ref += random() < 0.9 ? 1 : Math.floor(random() * 1000);
      return ref;
    };
    const replays = [fast, slow].map((head) => {
      head.table.deferPostings();
      return new Replay(head, new ReplayChunks());
    });
    let damaged = 0;
    let byKernels = 0;
    const make = fast.replayed.makeByKernels.bind(fast.replayed);
    fast.replayed.makeByKernels = (...log) => {
      const made = make(...log);
      byKernels += made;
      return made;
    };
    for (let run = 0; run < 400; run++) {
      oddRefs = random() < 0.2 ? mostOddRefs : 0;
      const record = seriesRecord(random, nextRef);
      const bytes = record.bytes.slice(0, record.length);
      let end = bytes.length;
      if (random() < 0.05) end -= Math.floor(random() * end);
      if (random() < 0.05) bytes[1 + Math.floor(random() * (bytes.length - 1))] = Math.floor(random() * 256);
      const at = Math.floor(random() * 9);
      kernels.input.set(bytes, at);
      const outcomes = [kernels.input, kernels.input.slice(0, at + bytes.length)].map((input, i) => {
        try {
          (replays[i] as Replay).apply({ bytes: input, start: at, end: at + end });
          return "applied";
        } catch (error) {
          if (!(error instanceof RecordError || error instanceof HeadFullError)) throw error;
          return error.message;
        }
      });
      assert.equal(outcomes[0], outcomes[1]);
      if (outcomes[0] !== "applied") damaged++;
    }
    assert.ok(damaged > 0 && fast.seriesCount > 3000);
    assert.ok(byKernels > fast.seriesCount / 2, `${byKernels} of ${fast.seriesCount} series by kernels`);
    assert.deepEqual(fast.counters, slow.counters);
    assertSameMemory(fast.memory, slow.memory, 2_000_000);
    // Little room to work, so that it takes several turns.
    const build = kernels.buildPostings.bind(kernels);
    const needed = 2 * fast.symbols.highestPair + fast.seriesCount + 2;
    const outcomes: boolean[] = [];
    kernels.buildPostings = (...all) => {
      outcomes.push(build(all[0], all[1], all[2], needed - 1));
      outcomes.push(build(all[0], all[1], all[2], needed + Math.floor(random() * 5000)));
      return outcomes[1] as boolean;
    };
    for (const replay of replays) replay.finish();
    const refs = Array.from({ length: slow.table.highIndex }, (_, record) => slow.table.refOf(record + 1));
    // A damaged record may bring odd refs as well.
    assert.deepEqual(outcomes, [
      false,
      refs.every((ref, record) => record === 0 || ref > (refs[record - 1] as number)),
    ]);
    assertSameMemory(fast.memory, slow.memory, 2_000_000);
    assert.deepEqual(fast.unloggedSeries, slow.unloggedSeries);
  });
}

test("replay kernels: postings of a series that has a label twice are left to the slow way where they have no room", () => {
  const { fast, slow, kernels } = twins();
  const record = new ByteWriter(64);
  beginSeries(record);
  record.int64Number(1);
  record.uvarint(3);
  for (let i = 0; i < 3; i++) {
    record.uvarintText("name");
    record.uvarintText("value");
  }
  for (const head of [fast, slow]) {
    head.table.deferPostings();
    new Replay(head, new ReplayChunks()).apply({ bytes: record.bytes, start: 0, end: record.length });
  }
  assert.equal(fast.symbols.highestPair, 1);
  // Counters of two pairs, places of two, and room for two refs: the pair has three.
  assert.equal(kernels.buildPostings(1, 1, 1, 6), false);
  assertSameMemory(fast.memory, slow.memory);
  assert.equal(kernels.buildPostings(1, 1, 1, 7), true);
  slow.replayed.finish(false);
  const { arena, pairs } = fast.memory;
  assert.deepEqual(arena.slice(0, 100_000), slow.memory.arena.slice(0, 100_000));
  assert.deepEqual(pairs.slice(0, 100), slow.memory.pairs.slice(0, 100));
});

/** Where rows may stand that are decoded for a test: behind the kernels' input. */
const rowsAt = (kernels: Kernels): number => kernels.output.byteOffset;

test(`replay kernels: rows are what the slow decoder makes of records (seed ${seed})`, () => {
  const random = seeded(seed + 1);
  const { fast, kernels } = twins();
  const decoded = new SampleRecord();
  const { buffer } = fast.memory.memory;
  let sound = 0;
  let followed = 0;
  for (let run = 0; run < 600; run++) {
    const count = 1 + Math.floor(random() ** 3 * 300);
    const oddity = random() < 0.5 ? random() * 0.1 : 0;
    const grows = random() < 0.7;
    let ref = 0;
    const refs = Float64Array.from({ length: count }, () => {
      ref = grows ? ref + 1 + Math.floor(random() ** 9 * 1000) : Math.floor(random() * 5000);
      return random() < oddity ? 2 ** Math.floor(random() * 52) : ref;
    });
    const refsAt = rowsAt(kernels);
    const values = refsAt + 8 * Math.ceil(count / 2);
    const timesAt = values + CELL_BYTES * count;
    const isOneTime = random() < 0.5;
    for (let round = 0; round < 3; round++) {
      const times = Float64Array.from({ length: count }, () =>
        random() < oddity ? -Math.floor(random() * 2 ** 50) : START + Math.floor(random() ** 4 * 2 ** 40),
      );
      if (isOneTime && random() < 0.9) times.fill(times[0] as number);
      const areSame = times.every((t) => t === times[0]);
      const halves = Uint32Array.from({ length: 2 * count }, () => Math.floor(random() * 2 ** 32));
      const record = new ByteWriter(1024);
      if (round > 0 && random() < 0.2) refs[Math.floor(random() * count)]!++;
      encodeSamples(record, refs, times, halves, 0, count);
      const end = random() < 0.1 ? record.length - Math.floor(random() * 8) - 1 : record.length;
      const bytes = record.bytes.slice(0, end);
      kernels.input.set(bytes);
      const base = [refs[0] as number, times[0] as number] as const;
      const known = new Uint32Array(buffer, refsAt, count).slice();
      const place = [values, isOneTime ? 0 : timesAt, refsAt] as const;
      let found = 0;
      if (round > 0 && sound > 0) {
        found = kernels.decodeNextRow(kernels.input, SAMPLES_HEADER_BYTES, end, ...base, ...place, count);
        if (found > 0) {
          followed++;
          assert.equal(found, count);
          assert.deepEqual([...known], [...refs]);
        } else if (found === 0 && oddity === 0 && end === record.length) assert.notDeepEqual([...known], [...refs]);
      }
      if (found === 0) {
        found = kernels.decodeFirstRow(kernels.input, SAMPLES_HEADER_BYTES, end, ...base, ...place);
        if (found === 0) {
          if (oddity === 0) assert.notEqual(end, record.length);
          break;
        }
        if (found !== TIMES_DIFFER) {
          const { areGrowing, lowest, highest } = kernels.rowRefs;
          assert.equal(
            areGrowing,
            refs.every((r, i) => i === 0 || r > (refs[i - 1] as number)),
          );
          assert.deepEqual([lowest, highest], [Math.min(...refs), Math.max(...refs)]);
          assert.deepEqual([...new Uint32Array(buffer, refsAt, count)], [...refs]);
        }
      }
      if (found === TIMES_DIFFER) {
        assert.ok(isOneTime && !areSame);
        break;
      }
      assert.equal(found, count);
      assert.ok(!isOneTime || areSame);
      sound++;
      decodeSamples(bytes, 0, end, decoded);
      assert.equal(decoded.count, count);
      if (!isOneTime) assert.deepEqual([...new Float64Array(buffer, timesAt, count)], [...times]);
      assert.deepEqual([...new Uint32Array(buffer, values, 2 * count)], [...halves]);
    }
  }
  assert.ok(sound > 300 && followed > 300);
});

test(`replay kernels: rows of samples are appended as one after the other (seed ${seed})`, () => {
  const random = seeded(seed + 2);
  const { fast, slow, kernels } = twins();
  const series = 60;
  const replays = [fast, slow].map((head) => new Replay(head, new ReplayChunks()));
  const log = new ByteWriter(4096);
  beginSeries(log);
  for (let i = 1; i <= series; i++) {
    log.int64Number(i);
    log.uvarint(1);
    log.uvarintText("s");
    log.uvarintText(`${i}`);
  }
  for (const replay of replays) replay.apply({ bytes: log.bytes, start: 0, end: log.length });
  const value = new Float64Array(1);
  const halves = new Uint32Array(value.buffer);
  const last = new Float64Array(series);
  const refs = Float64Array.from({ length: series }, (_, i) => i + 1);
  let t = START + Math.floor(random() * RANGE);
  for (let run = 0; run < 120; run++) {
    const rows = 1 + Math.floor(random() * 20);
    const records: { times: Float64Array; halves: Uint32Array }[] = [];
    const { buffer } = fast.memory.memory;
    const listAt = rowsAt(kernels);
    const refsAt = listAt + rows * ROW_BYTES;
    const valuesAt = (row: number): number => refsAt + series * (REF_BYTES + 2 * row * CELL_BYTES);
    new Uint32Array(buffer, refsAt, series).set(refs);
    for (let row = 0; row < rows; row++) {
      const dice = random();
      t += dice < 0.9 ? 15_000 : Math.floor(random() * (dice < 0.98 ? 40_000 : RANGE)) - (dice < 0.92 ? 30_000 : 0);
      const spread = random() < 0.7 ? 0 : random() < 0.7 ? 50 : 300_000;
      const times = Float64Array.from({ length: series }, () => t + Math.floor(random() * spread));
      const bits = new Uint32Array(2 * series);
      for (let i = 0; i < series; i++) {
        const kind = i % 8;
        if (kind === 1) last[i]!++;
        else if (kind === 2) last[i]! += Math.floor(random() * 1000);
        else if (kind === 3) last[i] = random();
        else if (kind === 4) last[i] = (random() - 0.5) * 10 ** Math.floor(random() * 300);
        else if (kind === 5 && random() < 0.1) last[i] = Math.floor(random() * 10) / 10;
        value[0] = last[i] as number;
        if (kind === 6) for (const half of [0, 1]) halves[half] = Math.floor(random() * 2 ** 32);
        else if (kind === 7 && random() < 0.1) [halves[1], halves[0]] = [STALE_NAN_HIGH, STALE_NAN_LOW];
        bits.set(halves, 2 * i);
      }
      const at = valuesAt(row);
      const timesAt = spread === 0 ? 0 : at + series * CELL_BYTES;
      const rowAt = listAt + row * ROW_BYTES;
      new Uint32Array(buffer, rowAt, ROW_BYTES / 4).set([at, timesAt, row]);
      new Float64Array(buffer, rowAt, ROW_BYTES / 8)[RowWord.time / 2] = t;
      if (timesAt !== 0) new Float64Array(buffer, timesAt, series).set(times);
      new Uint32Array(buffer, at, 2 * series).set(bits);
      records.push({ times, halves: bits });
    }
    // Histograms come in between, which kernels leave alone.
    const odd = random() < 0.1 ? 1 + Math.floor(random() * series) : 0;
    if (odd > 0) for (const head of [fast, slow]) head.replayed.histogram(head.recordOf(odd), t, undefined, true, 0);
    const all = new SampleRows(buffer, refsAt, series, listAt, rows);
    (replays[0] as Replay).apply({ bytes: kernels.input, start: 0, end: 0, rows: all });
    for (let i = 0; i < series; i++) {
      for (const one of records) {
        const bits = one.halves.slice(2 * i, 2 * i + 2);
        slow.replayed.floats(Uint32Array.of(slow.recordOf(i + 1)), one.times.slice(i, i + 1), bits, undefined, 1);
      }
    }
  }
  assert.ok(fast.counters.samplesAppended > 20_000);
  assert.deepEqual(fast.counters, slow.counters);
  assert.deepEqual(fast.times, slow.times);
  assertSameMemory(fast.memory, slow.memory);
});
