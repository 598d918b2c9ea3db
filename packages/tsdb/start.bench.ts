// What a start costs with a chunk snapshot and without: `node packages/tsdb/dist/start.bench.js [series] [samples per series]`.
import { cpSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels } from "@narthex/model";
import { Db } from "./db.ts";
import { directoryBytes } from "./fs/file-system.ts";
import { NodeFs } from "./fs/node-fs.ts";

const series = Number(process.argv[2] ?? 100_000);
const samples = Number(process.argv[3] ?? 110);
const SCRAPE = 10_000;
const START = 7_200_000 * 240_000;
const root = mkdtempSync(join(tmpdir(), "narthex-bench-"));
const directory = join(root, "data");

function labelsOf(i: number): Labels {
  return Labels.fromObject({
    __name__: `metric_${i % 50}_total`,
    cluster: "eu-west-1",
    instance: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${(i / 250) & 255}:9100`,
    job: `job-${Math.floor(i / 10_000) % 20}`,
    pod: `pod-${Math.floor(i / 50)}-7d9f8`,
    shard: String(i % 500),
  });
}

async function fill(): Promise<number> {
  const db = await Db.open({ directory, maintenanceIntervalMs: 0, snapshotsChunks: true });
  const values = new Float64Array(SCRAPE);
  const halves = new Uint32Array(values.buffer);
  const verdicts = new Uint8Array(SCRAPE);
  const refs = new Uint32Array(series);
  const maker = db.appender();
  for (let i = 0; i < series; i++) refs[i] = maker.series(labelsOf(i));
  maker.commit();
  for (let step = 0; step < samples; step++) {
    for (let from = 0; from < series; from += SCRAPE) {
      const count = Math.min(SCRAPE, series - from);
      for (let i = 0; i < count; i++)
        values[i] = (from + i) % 2 === 0 ? step * (i % 100) : ((i * 31 + step * 17) % 1000) / 8;
      const appender = db.appender();
      appender.appendBatch(refs.subarray(from, from + count), halves, count, START + step * 15_000, verdicts);
      appender.commit();
    }
  }
  const began = performance.now();
  await db.close();
  return performance.now() - began;
}

async function start(from: string, snapshotsChunks: boolean): Promise<number> {
  const copy = join(root, "copy");
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < 3; run++) {
    rmSync(copy, { recursive: true, force: true });
    cpSync(from, copy, { recursive: true });
    const began = performance.now();
    const db = await Db.open({ directory: copy, maintenanceIntervalMs: 0, snapshotsChunks });
    least = Math.min(least, performance.now() - began);
    if (db.stats().numSeries !== series) throw new Error(`only ${db.stats().numSeries} series came back`);
    // As after a kill: nothing is written at the end.
    if (!snapshotsChunks) await db.close();
  }
  return least;
}

const closing = await fill();
const snapshot = readdirSync(directory).find((name) => name.startsWith("chunk_snapshot.")) as string;
const bytes = directoryBytes(new NodeFs(), join(directory, snapshot));
const log = directoryBytes(new NodeFs(), join(directory, "wal"));
const withSnapshot = await start(directory, true);
const without = await start(directory, false);
rmSync(root, { recursive: true });
process.stdout.write(`${series} series, ${samples} samples each, Node ${process.version}\n`);
for (const [what, value] of [
  ["close, chunk snapshot included", `${closing.toFixed(0)} ms`],
  ["the snapshot", `${(bytes / series).toFixed(0)} B/series`],
  ["the log", `${(log / series).toFixed(0)} B/series`],
  ["start with it", `${withSnapshot.toFixed(0)} ms`],
  ["start without it (replay)", `${without.toFixed(0)} ms`],
] as const) {
  process.stdout.write(`  ${what.padEnd(48)} ${value}\n`);
}
