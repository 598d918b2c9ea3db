// What taking in a body costs per sample: run `node apps/server/dist/scrape/scrape-cache.bench.js`.
// The storage behind it only counts, so the figures are the cache's own.
import { TextParser } from "@narthex/exposition";
import { Labels } from "@narthex/model";
import type { Appender, SeriesRef } from "@narthex/storage";
import { SampleBatch } from "./sample-batch.ts";
import { ScrapeCache } from "./scrape-cache.ts";
import { emptyCounts } from "./scrape-counts.ts";
import { TemplateStore } from "./template.ts";
import { cacheOptions } from "./testing.ts";

const SERIES = 10_000;
const BOUNDS = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"];

/** Half histograms, a quarter counters, a quarter gauges; HELP and TYPE lines per family of 100 series. */
function familyLines(step: number, random: () => number): string[][] {
  const families: string[][] = [];
  let count = 0;
  const open = (name: string, type: string) => {
    const lines = [`# HELP ${name} Something that is measured here, told in a sentence.`, `# TYPE ${name} ${type}`];
    families.push(lines);
    return lines;
  };
  for (let f = 0; count < SERIES / 2; f++) {
    const name = `http_request_duration_seconds_${f}`;
    const lines = open(name, "histogram");
    for (let h = 0; h < 7 && count < SERIES / 2; h++) {
      const labels = `handler="/api/v1/resource-${h}",method="GET",service="checkout-${f}"`;
      let total = 0;
      for (const le of BOUNDS) {
        total += Math.floor(random() * 50) + step;
        lines.push(`${name}_bucket{${labels},le="${le}"} ${total}`);
      }
      lines.push(`${name}_sum{${labels}} ${total * 0.123456789}`, `${name}_count{${labels}} ${total}`);
      count += BOUNDS.length + 2;
    }
  }
  for (let f = 0; count < SERIES; f++) {
    const gauge = f % 2 === 0;
    const name = gauge ? `node_filesystem_avail_bytes_${f}` : `node_network_receive_bytes_total_${f}`;
    const lines = open(name, gauge ? "gauge" : "counter");
    for (let i = 0; i < 100 && count < SERIES; i++, count++) {
      const value = gauge ? Math.round(random() * 1e6) / 1000 : Math.floor(random() * 1e9) + step * 1e6;
      const text = value >= 1e6 ? value.toExponential().replace(/e\+(\d)$/, "e+0$1") : String(value);
      lines.push(`${name}{device="/dev/nvme${i}n1p1",fstype="ext4",mountpoint="/srv/volume-${i}"} ${text}`);
    }
  }
  return families;
}

function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function encode(families: readonly string[][]): { bytes: Uint8Array; length: number } {
  const text = Buffer.from(`${families.flat().join("\n")}\n`);
  const bytes = new Uint8Array(text.length + 16);
  bytes.set(text);
  return { bytes, length: text.length };
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const copy = [...items];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j] as T, copy[i] as T];
  }
  return copy;
}

class CountingAppender implements Appender {
  samples = 0;
  #refs = 0;
  series(): SeriesRef {
    return ++this.#refs;
  }
  seriesOfBytes(): SeriesRef {
    return ++this.#refs;
  }
  append(): 0 {
    this.samples++;
    return 0;
  }
  appendStale(): 0 {
    return 0;
  }
  appendBits(): 0 {
    return 0;
  }
  appendBatch(_refs: Uint32Array, _halves: Uint32Array, count: number): number {
    this.samples += count;
    return 0;
  }
  appendHistogram(): 0 {
    return 0;
  }
  appendExemplar(): 0 {
    return 0;
  }
  updateMetadata(): void {}
  commit(): void {}
  rollback(): void {}
}

type Body = { bytes: Uint8Array; length: number };

function measure(name: string, bodies: readonly Body[], rounds: number): void {
  const store = new TemplateStore();
  const cache = new ScrapeCache(
    Labels.fromObject({ job: "bench", instance: "a:1" }),
    cacheOptions({ exemplars: false }),
    store,
    new SampleBatch(),
  );
  const appender = new CountingAppender();
  const parser = new TextParser();
  const counts = emptyCounts();
  let t = 1000;
  const once = (body: Body) => {
    const start = process.hrtime.bigint();
    cache.scrape(body.bytes, body.length, parser, appender, (t += 1000), counts);
    return Number(process.hrtime.bigint() - start) / counts.scraped;
  };
  const first = once(bodies[0] as Body);
  const costs: number[] = [];
  for (let i = 0; i < rounds; i++) costs.push(once(bodies[i % bodies.length] as Body));
  costs.sort((a, b) => a - b);
  const at = (q: number) => (costs[Math.floor(q * (costs.length - 1))] as number).toFixed(1).padStart(8);
  console.log(
    `${name.padEnd(34)} ${first.toFixed(0).padStart(7)} ${at(0)} ${at(0.5)} ${at(0.9)}   ${cache.size} series`,
  );
}

const random = mulberry(42);
const families = Array.from({ length: 11 }, (_, step) => familyLines(step, random));
const base = families[0] as string[][];
console.log(
  `ns per sample; ${SERIES} series, ${(encode(base).length / SERIES).toFixed(0)} bytes a sample, Node ${process.version}`,
);
console.log(
  `${"body".padEnd(34)} ${"first".padStart(7)} ${"best".padStart(8)} ${"median".padStart(8)} ${"p90".padStart(8)}`,
);
measure("the same bytes", [encode(base)], 200);
measure("same series, other values", families.map(encode), 200);
measure(
  "one series in 100 comes or goes",
  families.map((lines, step) => encode(lines.map((l) => l.filter((_, i) => i < 2 || i % 100 !== step)))),
  100,
);
measure(
  "shuffled within families",
  families.map((lines) => encode(lines.map((l) => [...l.slice(0, 2), ...shuffled(l.slice(2), random)]))),
  100,
);
measure(
  "shuffled over all",
  families.map((lines) =>
    encode([
      shuffled(
        lines.flat().filter((l) => !l.startsWith("#")),
        random,
      ),
    ]),
  ),
  100,
);
measure(
  "all new each time",
  Array.from({ length: 20 }, (_, n) => encode(base.map((l) => l.map((line) => line.replace("{", `{pod="${n}",`))))),
  20,
);
