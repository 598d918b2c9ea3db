// What series that nobody has seen cost, from the bytes of a body to the log: first scrapes of many targets into a
// database on disk. Run `node --expose-gc apps/server/dist/scrape/first-scrape.bench.js [TARGETS]`.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TextParser } from "@narthex/exposition";
import { Labels } from "@narthex/model";
import { Db } from "@narthex/tsdb";
import { SampleBatch } from "./sample-batch.ts";
import { ScrapeCache } from "./scrape-cache.ts";
import { emptyCounts } from "./scrape-counts.ts";
import { TemplateStore } from "./template.ts";
import { cacheOptions } from "./testing.ts";

const SERIES = 2000;
const TARGETS = Number(process.argv[2] ?? 50);
const BOUNDS = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];

/** The series of one target as a monitored machine has them: many histograms, some counters and gauges. */
function seriesTexts(): string[] {
  const texts: string[] = [];
  for (let i = 0; texts.length < SERIES * 0.4; i++) {
    const labels = `handler="/api/v1/resource-${Math.floor(i / 3)}",method="${["GET", "POST", "DELETE"][i % 3]}"`;
    for (const le of BOUNDS) texts.push(`http_request_duration_seconds_bucket{${labels},le="${le}"}`);
    texts.push(`http_request_duration_seconds_sum{${labels}}`, `http_request_duration_seconds_count{${labels}}`);
  }
  for (let i = 0; i < SERIES * 0.15; i++) {
    const handler = `/api/v1/resource-${Math.floor(i / 15)}`;
    texts.push(
      `http_requests_total{handler="${handler}",method="${["GET", "POST", "DELETE"][Math.floor(i / 5) % 3]}",code="${200 + (i % 5)}"}`,
    );
  }
  for (let i = 0; i < SERIES * 0.15; i++) {
    texts.push(
      `node_cpu_seconds_total{cpu="${i >> 3}",mode="${["idle", "iowait", "irq", "nice", "user"][i % 5]}${i & 7}"}`,
    );
  }
  for (let i = 0; i < SERIES * 0.05; i++) {
    texts.push(
      `node_network_receive_bytes_total{device="eth${i}"}`,
      `node_network_transmit_bytes_total{device="eth${i}"}`,
    );
    const labels = `device="/dev/nvme${i}n1p1",fstype="ext4",mountpoint="/srv/volume-${i}"`;
    texts.push(`node_filesystem_avail_bytes{${labels}}`, `node_filesystem_size_bytes{${labels}}`);
  }
  for (let i = 0; texts.length < SERIES; i++) texts.push(`app_queue_depth{queue="queue-${i % 7}",shard="${i}"}`);
  return texts.slice(0, SERIES);
}

const texts = seriesTexts();
function body(scrape: number): { bytes: Uint8Array; length: number } {
  let text = "";
  let family = "";
  for (const [i, series] of texts.entries()) {
    const name = series.slice(0, series.indexOf("{")).replace(/_(bucket|sum|count)$/, "");
    if (name !== family)
      text += `# HELP ${name} Something that is measured here.\n# TYPE ${name} ${name.startsWith("http_request_d") ? "histogram" : "gauge"}\n`;
    family = name;
    text += `${series} ${i * 3 + scrape}\n`;
  }
  const encoded = Buffer.from(text);
  const bytes = new Uint8Array(encoded.length + 16);
  bytes.set(encoded);
  return { bytes, length: encoded.length };
}

const MEBIBYTE = 2 ** 20;
const collect = (globalThis as { gc?: () => void }).gc ?? (() => undefined);
const heapMiB = (): string => (process.memoryUsage().heapUsed / MEBIBYTE).toFixed(1);
const folder = mkdtempSync(join(tmpdir(), "first-scrape-"));
try {
  const db = await Db.open({ directory: folder });
  const store = new TemplateStore();
  const batch = new SampleBatch();
  const parser = new TextParser();
  const counts = emptyCounts();
  const caches = Array.from({ length: TARGETS }, (_, k) => {
    const labels = { job: "bench", instance: `node-${String(k).padStart(4, "0")}:9100`, dc: `dc${k % 3}` };
    return new ScrapeCache(Labels.fromObject(labels), cacheOptions(), store, batch);
  });
  collect();
  console.log(`${TARGETS} targets of ${SERIES} series, Node ${process.version}; heap before: ${heapMiB()} MiB`);
  const startTime = Date.now();
  for (let scrape = 0; scrape < 4; scrape++) {
    const { bytes, length } = body(scrape);
    const before = process.cpuUsage();
    const start = process.hrtime.bigint();
    for (const cache of caches) {
      const appender = db.appender();
      cache.scrape(bytes, length, parser, appender, startTime + scrape * 15_000, counts);
      appender.commit();
    }
    const elapsed = Number(process.hrtime.bigint() - start) / 1e3;
    const { user, system } = process.cpuUsage(before);
    const each = (us: number): string => (us / (TARGETS * SERIES)).toFixed(2);
    const dirty = heapMiB();
    collect();
    console.log(
      `scrape ${scrape + 1}: CPU ${each(user + system)} us (system ${each(system)}), elapsed ${each(elapsed)} us a series; heap ${dirty} MiB, live ${heapMiB()} MiB`,
    );
  }
  console.log(`${db.head.seriesCount} series; resident ${(process.memoryUsage().rss / MEBIBYTE).toFixed(0)} MiB`);
  await db.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
