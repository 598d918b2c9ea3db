// What appending, reading and starting cost: time per sample, memory per series.
// Run: node packages/tsdb/dist/append.bench.js [series] [samples per series]
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Labels, Matcher } from "@narthex/model";
import { SampleBuffer } from "@narthex/storage";
import { Db } from "./db.ts";
import { NodeFs } from "./fs/node-fs.ts";
import { listSegments } from "./wal/format.ts";

const series = Number(process.argv[2] ?? 100_000);
const samples = Number(process.argv[3] ?? 120);
const SCRAPE = 10_000;
const START = 7_200_000 * 240_000;
const directory = mkdtempSync(join(tmpdir(), "narthex-bench-"));
const rows: [string, string][] = [];

function rss(): number {
  return process.memoryUsage().rss;
}

/** Ten labels, a pod that changes every 50 series, as many pairs as a cluster has. */
function labelsOf(i: number): Labels {
  return Labels.fromObject({
    __name__: `metric_${i % 50}_total`,
    cluster: "eu-west-1",
    container: `container-${i % 7}`,
    endpoint: "http-metrics",
    instance: `10.${(i >> 16) & 255}.${(i >> 8) & 255}.${(i / 250) & 255}:9100`,
    job: `job-${Math.floor(i / 10_000) % 20}`,
    namespace: `namespace-${Math.floor(i / 5000) % 40}`,
    pod: `pod-${Math.floor(i / 50)}-7d9f8`,
    service: `service-${Math.floor(i / 2500) % 100}`,
    shard: String(i % 500),
  });
}

const base = rss();
const db = await Db.open({ directory, maintenanceIntervalMs: 0 });
const refs = new Uint32Array(series);
let began = performance.now();
for (let from = 0; from < series; from += SCRAPE) {
  const appender = db.appender();
  for (let i = from; i < Math.min(series, from + SCRAPE); i++) refs[i] = appender.series(labelsOf(i));
  appender.commit();
}
rows.push(["create and log a series", `${(((performance.now() - began) * 1000) / series).toFixed(2)} us`]);
(globalThis as { gc?: () => void }).gc?.();
rows.push(["RSS above base without samples", `${((rss() - base) / series).toFixed(0)} B/series`]);

const values = new Float64Array(SCRAPE);
const halves = new Uint32Array(values.buffer);
const verdicts = new Uint8Array(SCRAPE);
let total = 0;
let slowest = 0;
let append = 0;
for (let step = 0; step < samples; step++) {
  const t = START + step * 15_000;
  for (let from = 0; from < series; from += SCRAPE) {
    const count = Math.min(SCRAPE, series - from);
    for (let i = 0; i < count; i++) {
      const id = from + i;
      // Counters that grow unevenly, gauges, and constants.
      values[i] =
        id % 3 === 0 ? step * (id % 100) + ((id * step) % 7) : id % 3 === 1 ? ((id * 31 + step * 17) % 1000) / 8 : id;
    }
    const scrape = refs.subarray(from, from + count);
    began = performance.now();
    const appender = db.appender();
    appender.appendBatch(scrape, halves, count, t, verdicts);
    append += performance.now() - began;
    appender.commit();
    const took = performance.now() - began;
    total += took;
    slowest = Math.max(slowest, took);
  }
}
const all = series * samples;
rows.push([`append (${SCRAPE} per commit, with WAL)`, `${((total * 1e6) / all).toFixed(1)} ns/sample`]);
rows.push(["of it before the commit", `${((append * 1e6) / all).toFixed(1)} ns/sample`]);
rows.push(["slowest commit", `${slowest.toFixed(1)} ms`]);
(globalThis as { gc?: () => void }).gc?.();
rows.push([`RSS above base, ${samples} samples each`, `${((rss() - base) / series).toFixed(0)} B/series`]);
rows.push(["in use in the head's memory", `${(db.head.usedBytes / series).toFixed(0)} B/series`]);
rows.push(["JavaScript heap", `${(process.memoryUsage().heapUsed / 1e6).toFixed(1)} MB`]);

const querier = db.querier(0, 8.64e15);
began = performance.now();
const set = querier.select([new Matcher("=", "cluster", "eu-west-1")]);
rows.push([`select and sort ${set.count} series`, `${(performance.now() - began).toFixed(1)} ms`]);
const buffer = new SampleBuffer();
const read = Math.min(set.count, 20_000);
let decoded = 0;
began = performance.now();
for (let i = 0; i < read; i++) {
  buffer.clear();
  set.read(i, 0, 8.64e15, buffer);
  decoded += buffer.count;
}
rows.push([`read ${read} series`, `${(((performance.now() - began) * 1e6) / decoded).toFixed(1)} ns/sample`]);
began = performance.now();
const one = querier.select([new Matcher("=", "__name__", "metric_3_total"), new Matcher("=~", "pod", "pod-1.*")]);
rows.push([`select ${one.count} by name and regular expression`, `${(performance.now() - began).toFixed(1)} ms`]);
querier.close();

let walBytes = 0;
for (const segment of listSegments(new NodeFs(), join(directory, "wal"))) walBytes += segment.bytes;
rows.push(["WAL", `${(walBytes / all).toFixed(2)} B/sample`]);
db.maintain();
// As after a kill: the first database is left as it is.
began = performance.now();
const again = await Db.open({ directory, maintenanceIntervalMs: 0, lockFile: false });
const seconds = (performance.now() - began) / 1000;
rows.push(["start (replay)", `${seconds.toFixed(2)} s, ${((seconds * 1e9) / all).toFixed(0)} ns/sample`]);
if (again.stats().numSeries !== series) throw new Error(`only ${again.stats().numSeries} series came back`);
again.close();
rmSync(directory, { recursive: true });
process.stdout.write(`${series} series, ${samples} samples each, Node ${process.version}\n`);
for (const [what, value] of rows) process.stdout.write(`  ${what.padEnd(48)} ${value}\n`);
