import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { Matcher, type MatchType } from "@narthex/model";
import { readWholeFile } from "../fs/file-system.ts";
import { MemoryFs } from "../fs/memory-fs.ts";
import { NodeFs } from "../fs/node-fs.ts";
import { mergeQueriers } from "../merge-querier.ts";
import { Block, BlockError } from "./block.ts";
import { dumpQuerier, seeded, type TestSeries, writeTestBlock } from "./block-fixture.ts";
import { BlockMetaError, formatBlockMeta, parseBlockMeta } from "./meta.ts";

const MINUTE = 60_000;

function manySeries(count: number, from: number, samples: number): TestSeries[] {
  return Array.from({ length: count }, (_, i) => ({
    labels: {
      __name__: ["requests_total", "errors_total", "up"][i % 3]!,
      job: `job-${i % 7}`,
      instance: `host-${i}:9100`,
      ...(i % 5 === 0 ? { only_some: "x".repeat(i % 11) } : {}),
      ...(i % 4 === 0 ? { "utf.name": `wört${i % 3}` } : {}),
    },
    samples: Array.from({ length: samples }, (_, s) => [from + s * MINUTE, i + s / 4] as const),
  }));
}

function matcher(text: string): Matcher {
  const found = /^([\w.]+)(=~|!~|!=|=)(.*)$/s.exec(text)!;
  return new Matcher(found[2] as MatchType, found[1]!, found[3]!);
}

/** What a storage without any index would answer. */
function naive(series: readonly TestSeries[], matchers: readonly Matcher[]): Map<string, [number, number][]> {
  const found = new Map<string, [number, number][]>();
  for (const { labels, samples } of series) {
    if (!matchers.every((one) => one.matches(labels[one.name] ?? ""))) continue;
    const sorted = Object.fromEntries(
      Object.entries(labels)
        .filter(([, value]) => value !== "")
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
    found.set(
      JSON.stringify(sorted),
      samples.map(([t, value]) => [t, value]),
    );
  }
  return found;
}

const sorted = <T>(map: Map<string, T>): [string, T][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

describe("block", () => {
  const fs = new MemoryFs();
  const series = manySeries(300, 1_700_000_000_000, 250);
  const { meta, path } = writeTestBlock(fs, "data", series);
  const block = Block.open(fs, path);
  const querier = block.querier(-1e15, 1e15);

  test("everything written comes back, series in the order of labels", () => {
    assert.deepEqual(sorted(dumpQuerier(querier)), sorted(naive(series, [])));
    const set = querier.select([]);
    assert.equal(set.count, 300);
    for (let i = 1; i < set.count; i++) assert.ok(set.labels(i - 1).key < set.labels(i).key);
    assert.equal(meta.stats.numSamples, 300 * 250);
    assert.equal(meta.stats.numChunks, 300 * 3);
    assert.equal(fs.kind("data/tombstones"), undefined);
  });

  for (const text of [
    "job=job-3",
    "job=nosuch",
    "nosuch=",
    "nosuch!=",
    "job!=job-3",
    "only_some=",
    "only_some!=",
    "job=~job-[1-3]",
    "job!~job-[1-3]",
    "job=~job-1|job-2|nosuch",
    "job!~job-1|job-2|",
    "only_some=~x*",
    "only_some!~x+",
    "only_some=~.+",
    "utf.name=wört1",
    "__name__=~.*_total job=~.*5 instance=~host-1.*",
    "__name__=up job!=job-1 only_some= utf.name=~w.*",
    "instance=host-17:9100 job=~.*",
  ]) {
    test(`select {${text}}`, () => {
      const matchers = text.split(" ").map(matcher);
      const expected = naive(series, matchers);
      assert.deepEqual(sorted(dumpQuerier(querier, matchers)), sorted(expected));
      assert.ok(querier.estimateSeries(matchers) >= expected.size);
      const values = new Set([...expected.keys()].map((key) => JSON.parse(key)["job"] as string));
      assert.deepEqual(querier.labelValues("job", matchers).values, [...values].sort());
      const names = new Set([...expected.keys()].flatMap((key) => Object.keys(JSON.parse(key))));
      assert.deepEqual(querier.labelNames(matchers).values, [...names].sort());
    });
  }

  test("label names and values: sorted, with limits", () => {
    assert.deepEqual(querier.labelNames([]).values, ["__name__", "instance", "job", "only_some", "utf.name"]);
    assert.equal(querier.labelValues("instance", []).values.length, 300);
    assert.deepEqual(querier.labelValues("job", [], 2), { values: ["job-0", "job-1"], truncated: true });
    assert.deepEqual(querier.labelValues("job", [], 7).truncated, false);
    assert.deepEqual(querier.labelNames([], 1), { values: ["__name__"], truncated: true });
    assert.deepEqual(querier.labelValues("nosuch", []), { values: [], truncated: false });
  });

  test("bounds are inclusive; series without samples in the range are left out", () => {
    const start = 1_700_000_000_000;
    const found = dumpQuerier(querier, [matcher("instance=host-9:9100")], start + 5 * MINUTE, start + 7 * MINUTE);
    assert.deepEqual(
      [...found.values()][0]?.map(([t]) => (t - start) / MINUTE),
      [5, 6, 7],
    );
    assert.equal(block.querier(start + 250 * MINUTE, start + 300 * MINUTE).select([]).count, 0);
    assert.equal(block.overlaps(start - 10, start - 1), false);
    assert.equal(block.overlaps(start - 10, start), true);
    assert.equal(block.overlaps(start + 249 * MINUTE + 1, 1e15), false);
  });

  test("a closed block serves the queriers that are open, and gives out no new ones", () => {
    const other = Block.open(fs, path);
    const open = other.querier(-1e15, 1e15);
    other.close();
    assert.throws(() => other.querier(0, 1), /is closed/);
    assert.equal(open.select([matcher("job=job-3")]).count, 43);
    open.close();
    open.close();
    assert.throws(() => open.select([matcher("job=job-4")]));
  });

  test("deleting hides samples at once and after opening again; meta.json counts the ranges and keeps foreign fields", () => {
    const copy = fs.clone();
    const text = new TextDecoder().decode(readWholeFile(copy, `${path}/meta.json`));
    copy.put(
      `${path}/meta.json`,
      new TextEncoder().encode(text.replace('"version": 1', '"version": 1, "thanos": {"a": [1]}')),
    );
    const opened = Block.open(copy, path);
    const start = 1_700_000_000_000;
    opened.delete(start + 10 * MINUTE, start + 19 * MINUTE, [matcher("job=job-3")]);
    opened.delete(start + 15 * MINUTE, 9e15, [matcher("instance=host-3:9100")]);
    for (const reader of [opened, Block.open(copy, path)]) {
      const counts = new Map<number, number>();
      for (const [key, samples] of dumpQuerier(reader.querier(-1e15, 1e15))) {
        const labels = JSON.parse(key) as Record<string, string>;
        const expected = labels["instance"] === "host-3:9100" ? 10 : labels["job"] === "job-3" ? 240 : 250;
        assert.equal(samples.length, expected, key);
        counts.set(expected, (counts.get(expected) ?? 0) + 1);
      }
      assert.deepEqual(Object.fromEntries(counts), { 10: 1, 240: 42, 250: 257 });
      assert.equal(reader.meta.stats.numTombstones, 43);
    }
    const kept = JSON.parse(new TextDecoder().decode(readWholeFile(copy, `${path}/meta.json`)));
    assert.deepEqual(kept.thanos, { a: [1] });
    opened.delete(-9e15, 9e15, [matcher("job=job-3")]);
    assert.equal(opened.querier(-1e15, 1e15).select([matcher("job=job-3")]).count, 0);
  });

  test("each damaged file is named", () => {
    for (const [file, position, reason] of [
      ["index", 0, /index: invalid magic number/],
      ["index", 4, /index: unknown index file version/],
      ["index", 20, /symbols: checksum mismatch/],
      ["chunks/000001", 1, /chunks\/000001: invalid magic number/],
      ["tombstones", 4, /tombstones: unknown version/],
      ["tombstones", 6, /tombstones: checksum did not match/],
      ["meta.json", 0, /meta\.json: /],
    ] as const) {
      const copy = fs.clone();
      copy.corrupt(`${path}/${file}`, position, 0x7e);
      assert.throws(
        () => Block.open(copy, path),
        (error) => {
          assert.ok(error instanceof BlockError, String(error));
          assert.match(error.message, /^corrupted block 01/);
          assert.match(error.message, reason);
          return true;
        },
      );
    }
  });
});

describe("meta.json", () => {
  test("as the reference writes it: tabs, zero fields left out", () => {
    const text = [
      "{",
      '\t"ulid": "01DXXFZDYD1MQW6079WK0K6EDQ",',
      '\t"minTime": 0,',
      '\t"maxTime": 7200000,',
      '\t"stats": {',
      '\t\t"numSamples": 102',
      "\t},",
      '\t"compaction": {',
      '\t\t"level": 1,',
      '\t\t"sources": [',
      '\t\t\t"01DXXFZDYD1MQW6079WK0K6EDQ"',
      "\t\t]",
      "\t},",
      '\t"version": 1',
      "}",
    ].join("\n");
    assert.equal(formatBlockMeta(parseBlockMeta(text)), text);
  });

  test("what cannot be used is refused", () => {
    for (const text of [
      "",
      "[]",
      "null",
      "{}",
      '{"version":3}',
      '{"version":1,"ulid":"../../etc/passwd"}',
      "[".repeat(1e5),
    ]) {
      assert.throws(() => parseBlockMeta(text), BlockMetaError);
    }
  });
});

describe("several blocks as one", () => {
  test("series by labels, samples by time, each time once; against a naive map (seeded)", () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = seeded(seed);
      const fs = new MemoryFs();
      const expected = new Map<string, Map<number, number>>();
      const queriers = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, b) => {
        const from = Math.floor(random() * 3) * 50;
        const series: TestSeries[] = [];
        for (let i = 0; i < 12; i++) {
          if (random() < 0.4) continue;
          const labels = { name: `s${i}` };
          const samples: [number, number][] = [];
          const known = expected.get(JSON.stringify(labels)) ?? new Map<number, number>();
          expected.set(JSON.stringify(labels), known);
          for (let t = from; t < from + 100; t += 1 + Math.floor(random() * 9)) {
            samples.push([t, b * 1000 + t]);
            if (!known.has(t)) known.set(t, b * 1000 + t);
          }
          series.push({ labels, samples });
        }
        if (series.length === 0) series.push({ labels: { name: "z" }, samples: [[1, 1]] });
        if (series[0]?.labels["name"] === "z") expected.set('{"name":"z"}', new Map([[1, 1]]));
        return Block.open(fs, writeTestBlock(fs, "data", series).path).querier(-1e15, 1e15);
      });
      const merged = mergeQueriers(queriers);
      const wanted = sorted(expected).map(([key, samples]) => [key, [...samples].sort(([a], [b]) => a - b)]);
      assert.deepEqual(sorted(dumpQuerier(merged)), wanted, `seed ${seed}`);
      assert.deepEqual(
        merged.labelValues("name", []).values,
        sorted(expected).map(([key]) => JSON.parse(key)["name"]),
      );
      merged.close();
    }
  });
});

const oldBlocks = join(import.meta.dirname, "../../../../../shared/conformance/data/tsdb");
const noOldBlocks = existsSync(oldBlocks) ? false : "the conformance kit is not there";

test("an index of version 1 is read", { skip: noOldBlocks }, () => {
  const block = Block.open(new NodeFs(), join(oldBlocks, "index_format_v1"));
  assert.equal(block.index.version, 1);
  const found = dumpQuerier(block.querier(-1e15, 1e15));
  assert.equal(found.size, 102);
  const one = dumpQuerier(block.querier(-1e15, 1e15), [matcher("bar=~1.")]);
  assert.equal(one.size, 10);
  assert.deepEqual(block.querier(-1e15, 1e15).labelNames([]).values, ["bar", "foo"]);
  block.close();
});

const promtool = join(process.env["PEERS_DIR"] ?? join(homedir(), ".cache/monitoring-peers"), "root/usr/bin/promtool");

test("promtool lists and dumps our blocks, and we read its", {
  skip: existsSync(promtool) ? false : "promtool is not there",
}, () => {
  const root = mkdtempSync(join(tmpdir(), "narthex-block-"));
  try {
    const lines = ["# TYPE m gauge"];
    for (let i = 0; i < 20; i++) {
      for (let s = 0; s < 300; s++)
        lines.push(`m{i="${i}"} ${Math.sin(i + s) * 10 ** (s % 20)} ${1_700_000_000 + s * 60}`);
    }
    writeFileSync(join(root, "in"), `${lines.join("\n")}\n# EOF\n`);
    const theirs = join(root, "theirs");
    spawnSync(promtool, ["tsdb", "create-blocks-from", "openmetrics", join(root, "in"), theirs]);
    mkdirSync(join(theirs, "wal"));
    const fs = new NodeFs();
    const blocks = fs.list(theirs).filter((name) => name.length === 26);
    assert.ok(blocks.length >= 3);
    const merged = mergeQueriers(blocks.map((name) => Block.open(fs, join(theirs, name)).querier(-1e15, 1e15)));
    const found = dumpQuerier(merged);
    merged.close();
    const dump = (directory: string): string[] =>
      spawnSync(promtool, ["tsdb", "dump", directory], { encoding: "utf8", maxBuffer: 1 << 28 })
        .stdout.trim()
        .split("\n");
    const ours: string[] = [];
    for (const [key, samples] of found) {
      const { __name__: name, i } = JSON.parse(key) as Record<string, string>;
      for (const [t, value] of samples) ours.push(`{__name__="${name}", i="${i}"} ${value} ${t}`);
    }
    const canonical = (line: string): string =>
      line.replace(/ (\S+) (\d+)$/, (_, value, t) => ` ${Number(value)} ${t}`);
    assert.deepEqual(ours.sort(), dump(theirs).map(canonical).sort());

    const written = join(root, "written");
    mkdirSync(join(written, "wal"), { recursive: true });
    const series = [...found].map(([key, samples]) => ({ labels: JSON.parse(key) as Record<string, string>, samples }));
    writeTestBlock(fs, written, series);
    assert.deepEqual(dump(written).map(canonical).sort(), ours);
    const listed = spawnSync(promtool, ["tsdb", "list", written], { encoding: "utf8" });
    assert.equal(listed.status, 0, listed.stderr);
    assert.match(listed.stdout, /6000 +60 +20 /);
    cpSync(written, join(root, "copy"), { recursive: true });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
});
