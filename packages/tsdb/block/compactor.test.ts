import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Matcher } from "@narthex/model";
import { FaultyFs } from "../fs/faulty-fs.ts";
import { MemoryFs } from "../fs/memory-fs.ts";
import { Block } from "./block.ts";
import { dumpQuerier, seeded, type TestSeries, testUlid, writeTestBlock } from "./block-fixture.ts";
import { removeBlock, removeLeftovers } from "./block-writer.ts";
import { compactionRanges, planCompaction, planDeletion } from "./compaction-plan.ts";
import { compactBlocks, linkBlock } from "./compactor.ts";
import { type BlockMeta, readBlockMeta } from "./meta.ts";

const HOUR = 3_600_000;

function dump(fs: MemoryFs, path: string): Map<string, [number, number][]> {
  const block = Block.open(fs, path);
  const found = dumpQuerier(block.querier(-1e15, 1e15));
  block.close();
  return found;
}

describe("compaction", () => {
  test("blocks with overlaps and deletions, against a naive map (seeded)", () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = seeded(seed);
      const fs = new MemoryFs();
      const expected = new Map<string, Map<number, number>>();
      const paths: string[] = [];
      const count = 1 + Math.floor(random() * 4);
      for (let b = 0; b < count; b++) {
        const from = Math.floor(random() * 4) * 500;
        const series: TestSeries[] = [];
        for (let i = 0; i < 10; i++) {
          if (random() < 0.3) continue;
          const samples: [number, number][] = [];
          for (let t = from; t < from + 1000; t += 1 + Math.floor(random() * 12))
            samples.push([t, Math.floor(random() * 50)]);
          series.push({ labels: { name: `s${i}`, other: `o${i % 2}` }, samples });
        }
        if (series.length === 0) continue;
        const { path } = writeTestBlock(fs, "data", series);
        const block = Block.open(fs, path);
        if (random() < 0.6) {
          const min = from + Math.floor(random() * 1000);
          block.delete(min, min + Math.floor(random() * 400), [
            new Matcher("=", "other", `o${Math.floor(random() * 2)}`),
          ]);
        }
        block.close();
        paths.push(path);
      }
      // Blocks are merged in the order of their times, the earlier one's samples staying.
      const byTime = paths
        .map((path) => ({ path, meta: readBlockMeta(fs, path) }))
        .sort((a, b) => a.meta.minTime - b.meta.minTime);
      for (const { path } of byTime) {
        for (const [key, samples] of dump(fs, path)) {
          const known = expected.get(key) ?? new Map<number, number>();
          for (const [t, value] of samples) if (!known.has(t)) known.set(t, value);
          if (known.size > 0) expected.set(key, known);
        }
      }
      const meta = compactBlocks(fs, "data", paths, testUlid());
      assert.ok(meta !== undefined);
      const found = dump(fs, `data/${meta.ulid}`);
      assert.deepEqual([...found.keys()].sort(), [...expected.keys()].sort(), `seed ${seed}`);
      for (const [key, samples] of found) {
        assert.deepEqual(
          samples.map(([t]) => t),
          [...(expected.get(key) as Map<number, number>).keys()].sort((a, b) => a - b),
          `seed ${seed}, ${key}`,
        );
      }
      let samples = 0;
      for (const values of found.values()) samples += values.length;
      assert.equal(meta.stats.numSamples, samples);
      assert.equal(meta.compaction.level, 2);
      assert.deepEqual(
        meta.compaction.parents.map(({ ulid }) => ulid).sort(),
        paths.map((path) => path.slice(5)).sort(),
      );
    }
  });

  test("when nothing is left, no block is written and the parents are marked deletable", () => {
    const fs = new MemoryFs();
    const { path } = writeTestBlock(fs, "data", [{ labels: { a: "b" }, samples: [[1, 1]] }]);
    const block = Block.open(fs, path);
    block.delete(0, 10, [new Matcher("=", "a", "b")]);
    block.close();
    assert.equal(compactBlocks(fs, "data", [path], testUlid()), undefined);
    assert.deepEqual(fs.list("data"), [path.slice(5)]);
    assert.equal(readBlockMeta(fs, path).compaction.deletable, true);
  });

  test("a damaged parent stops it, and all parents are marked as failed", () => {
    const fs = new MemoryFs();
    const paths = [1, 2].map((i) => writeTestBlock(fs, "data", [{ labels: { a: "b" }, samples: [[i, i]] }]).path);
    fs.corrupt(`${paths[1]}/chunks/000001`, 10, 0xff);
    assert.throws(() => compactBlocks(fs, "data", paths, testUlid()), /chunks\/000001 at 8/);
    assert.deepEqual(
      paths.map((path) => readBlockMeta(fs, path).compaction.failed),
      [true, true],
    );
    assert.equal(fs.list("data").length, 2);
  });

  test("a full disk marks nobody and leaves nothing behind", () => {
    const inner = new MemoryFs();
    const paths = [1, 2].map((i) => writeTestBlock(inner, "data", [{ labels: { a: "b" }, samples: [[i, i]] }]).path);
    const fs = new FaultyFs(inner, { capacityBytes: 100 });
    assert.throws(() => compactBlocks(fs, "data", paths, testUlid()), { code: "ENOSPC" });
    assert.deepEqual(
      paths.map((path) => readBlockMeta(inner, path).compaction.failed),
      [false, false],
    );
    assert.equal(inner.list("data").length, 2);
  });

  test("a crash at any write leaves either the parents or a whole block, after a power cut too", () => {
    const original = new MemoryFs();
    original.mkdir("data");
    original.syncDirectory("");
    const paths = [0, 1].map((i) => writeTestBlock(original, "data", [{ labels: { a: "b" }, samples: [[i, i]] }]).path);
    const ulid = testUlid();
    let finished = false;
    for (let n = 1; !finished; n++) {
      for (const powerCut of [false, true]) {
        const inner = original.clone();
        const fs = new FaultyFs(inner, { tearAt: n, stayDown: true });
        try {
          compactBlocks(fs, "data", paths, ulid);
          finished = true;
        } catch (error) {
          assert.equal((error as { code?: string }).code, "EIO");
        }
        if (powerCut) inner.dropUnsynced();
        removeLeftovers(inner, "data");
        const names = inner.list("data");
        assert.ok(names.length === 2 || names.length === 3, names.join());
        for (const path of paths) assert.equal(dump(inner, path).size, 1);
        if (names.length === 3)
          assert.deepEqual(
            [...dump(inner, `data/${ulid}`).values()],
            [
              [
                [0, 0],
                [1, 1],
              ],
            ],
          );
        else assert.equal(finished, false, "a finished compaction survives a power cut");
      }
    }
  });

  test("removal and snapshots", () => {
    const fs = new MemoryFs();
    const { path } = writeTestBlock(fs, "data", [{ labels: { a: "b" }, samples: [[1, 1]] }]);
    linkBlock(fs, path, `snapshots/s/${path.slice(5)}`);
    fs.mkdir("data/01DXXFZDYD1MQW6079WK0K6EDQ.tmp-for-creation/chunks");
    fs.mkdir("data/foreign.tmp");
    removeBlock(fs, path);
    assert.deepEqual(removeLeftovers(fs, "data"), ["01DXXFZDYD1MQW6079WK0K6EDQ.tmp-for-creation"]);
    assert.deepEqual(fs.list("data"), ["foreign.tmp"]);
    assert.equal(dump(fs, `snapshots/s/${path.slice(5)}`).size, 1);
  });
});

function meta(
  name: string,
  from: number,
  to: number,
  changes: Partial<BlockMeta["compaction"]> = {},
  tombstones = 0,
): BlockMeta {
  const stats = {
    numSamples: 1,
    numFloatSamples: 1,
    numHistogramSamples: 0,
    numSeries: 100,
    numChunks: 1,
    numTombstones: tombstones,
  };
  const compaction = { level: 1, sources: [name], deletable: false, parents: [], failed: false, hints: [], ...changes };
  return { ulid: name, minTime: from * HOUR, maxTime: to * HOUR, stats, compaction, raw: {} };
}

describe("compaction plan", () => {
  const ranges = compactionRanges(2 * HOUR, 54 * HOUR);
  const plan = (...blocks: BlockMeta[]): string =>
    planCompaction(blocks, ranges)
      .map(({ ulid }) => ulid)
      .join("");

  test("ranges grow threefold up to the largest", () => {
    assert.deepEqual(ranges, [2 * HOUR, 6 * HOUR, 18 * HOUR, 54 * HOUR]);
    assert.deepEqual(compactionRanges(2 * HOUR, HOUR), [2 * HOUR]);
  });

  test("a full window is merged, once a newer block is there", () => {
    assert.equal(plan(meta("a", 0, 2), meta("b", 2, 4), meta("c", 4, 6)), "");
    assert.equal(plan(meta("a", 0, 2), meta("b", 2, 4), meta("c", 4, 6), meta("d", 6, 8)), "abc");
  });

  test("a window with a gap is merged once blocks lie behind it", () => {
    assert.equal(plan(meta("a", 0, 2), meta("c", 4, 6), meta("d", 6, 8)), "ac");
    assert.equal(plan(meta("a", 0, 2), meta("b", 2, 4), meta("d", 6, 8), meta("e", 8, 10)), "ab");
    assert.equal(plan(meta("a", 0, 2), meta("b", 2, 4), meta("c", 4, 6)), "");
  });

  test("higher levels, failed blocks, blocks wider than a window", () => {
    assert.equal(plan(meta("a", 0, 6), meta("b", 6, 12), meta("c", 12, 18), meta("d", 18, 20)), "abc");
    assert.equal(plan(meta("a", 0, 2), meta("b", 2, 4, { failed: true }), meta("c", 4, 6), meta("d", 6, 8)), "");
    assert.equal(plan(meta("a", 0, 7), meta("b", 8, 10), meta("c", 10, 12), meta("d", 12, 14)), "");
    assert.equal(
      plan(meta("a", 0, 7), meta("b", 8, 10), meta("c", 10, 12), meta("d", 12, 14), meta("e", 14, 16)),
      "bc",
    );
  });

  test("overlapping blocks come first, the newest included", () => {
    assert.equal(plan(meta("a", 0, 2), meta("b", 2, 4), meta("c", 3, 5)), "bc");
    assert.equal(plan(meta("a", 0, 6), meta("b", 1, 2), meta("c", 5, 7), meta("d", 7, 8)), "abc");
  });

  test("a large block with many deletions is written anew, a small one only when all is deleted", () => {
    assert.equal(plan(meta("a", 0, 18, {}, 6), meta("b", 18, 20)), "a");
    assert.equal(plan(meta("a", 0, 18, {}, 5), meta("b", 18, 20)), "");
    assert.equal(plan(meta("a", 0, 2, {}, 50), meta("b", 18, 20)), "");
    assert.equal(plan(meta("a", 0, 2, {}, 100), meta("b", 18, 20)), "a");
  });
});

describe("retention", () => {
  const blocks = [
    meta("a", 0, 2),
    meta("b", 2, 4),
    meta("c", 4, 6, { parents: [{ ulid: "a", minTime: 0, maxTime: 1 }] }),
    meta("d", 6, 8),
  ];
  const plan = (limits: { retentionMs?: number; maxBytes?: number; headBytes?: number }): Record<string, string> =>
    Object.fromEntries(planDeletion(blocks, { retentionMs: 0, maxBytes: 0, headBytes: 0, ...limits }, () => 100));

  test("parents of present blocks go; time and size take the oldest", () => {
    assert.deepEqual(plan({}), { a: "compacted" });
    assert.deepEqual(plan({ retentionMs: 4 * HOUR }), { a: "compacted", b: "time" });
    assert.deepEqual(plan({ retentionMs: 5 * HOUR }), { a: "compacted" });
    assert.deepEqual(plan({ maxBytes: 300 }), { a: "compacted" });
    assert.deepEqual(plan({ maxBytes: 300, headBytes: 1 }), { a: "compacted", b: "size" });
    assert.deepEqual(plan({ maxBytes: 1 }), { a: "compacted", b: "size", c: "size", d: "size" });
  });
});
