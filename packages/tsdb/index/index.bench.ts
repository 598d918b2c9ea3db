// Costs of selecting in a block: `node packages/tsdb/dist/index/index.bench.js`. A block of 100,000 series on this disk.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Matcher, type MatchType } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { Block } from "../block/block.ts";
import { writeTestBlock } from "../block/block-fixture.ts";
import { NodeFs } from "../fs/node-fs.ts";

const SERIES = 100_000;
const SAMPLES = 240;
const root = mkdtempSync(join(tmpdir(), "narthex-index-"));
try {
  const fs = new NodeFs();
  const began = performance.now();
  const samples = Array.from({ length: SAMPLES }, (_, s) => [1_700_000_000_000 + s * 15_000, s * 3] as const);
  const { path } = writeTestBlock(
    fs,
    root,
    Array.from({ length: SERIES }, (_, i) => ({
      labels: {
        __name__: `metric_${i % 100}`,
        job: `job-${i % 10}`,
        instance: `host-${Math.floor(i / 100)}:9100`,
        mode: ["idle", "user", "system"][i % 3]!,
        region: "eu-central-1",
      },
      samples,
    })),
  );
  console.log(
    `write a block of ${SERIES} series, ${SAMPLES} samples each: ${(performance.now() - began).toFixed(0)} ms`,
  );

  const opening = performance.now();
  const block = Block.open(fs, path);
  console.log(
    `open it: ${(performance.now() - opening).toFixed(1)} ms, index ${(block.index.size / 1e6).toFixed(1)} MB`,
  );

  const querier = block.querier(-8e15, 8e15);
  const queries: [MatchType, string, string][][] = [
    [["=", "__name__", "metric_7"]],
    [
      ["=", "__name__", "metric_7"],
      ["=", "job", "job-7"],
      ["!=", "mode", "idle"],
    ],
    [
      ["=", "__name__", "metric_7"],
      ["=~", "instance", "host-1.*"],
    ],
    [["=~", "instance", "host-(1|2|3)7.:9100"]],
    [["!=", "region", ""]],
  ];
  for (const query of queries) {
    const text = query.map(([type, name, value]) => `${name}${type}"${value}"`).join(", ");
    const matchers = query.map(([type, name, value]) => new Matcher(type, name, value));
    let least = Number.POSITIVE_INFINITY;
    let count = 0;
    for (let run = 0; run < 20; run++) {
      const selecting = performance.now();
      count = querier.select(matchers).count;
      least = Math.min(least, performance.now() - selecting);
    }
    console.log(`select {${text}}: ${(least * 1000).toFixed(0)} us, ${count} series`);
  }

  const set = querier.select([new Matcher("=~", "__name__", "metric_1.")]);
  const buffer = new SampleBuffer();
  for (const what of ["labels", "samples"] as const) {
    let least = Number.POSITIVE_INFINITY;
    for (let run = 0; run < 5; run++) {
      const reading = performance.now();
      for (let i = 0; i < set.count; i++) {
        if (what === "labels") set.labels(i);
        else {
          buffer.clear();
          set.read(i, -8e15, 8e15, buffer);
        }
      }
      least = Math.min(least, performance.now() - reading);
    }
    const per = (least * 1e6) / set.count;
    const each = what === "samples" ? `, ${(per / SAMPLES).toFixed(1)} ns a sample` : "";
    console.log(`read ${what} of ${set.count} series: ${(per / 1000).toFixed(2)} us a series${each}`);
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
