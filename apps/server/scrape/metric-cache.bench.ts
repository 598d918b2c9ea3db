// What taking in a protobuf body costs per sample: run `node apps/server/dist/scrape/metric-cache.bench.js`.
// The storage behind it only counts, so the figures are the cache's and the parser's own.
import { ProtobufParser } from "@narthex/exposition";
import { Labels } from "@narthex/model";
import type { Appender } from "@narthex/storage";
import { MetricCache } from "./metric-cache.ts";
import { SampleBatch } from "./sample-batch.ts";
import { emptyCounts } from "./scrape-counts.ts";
import { cacheOptions } from "./testing.ts";
import { encodeFamilies, type FamilyDraft, type MetricDraft } from "./testing-protobuf.ts";

const METRICS = 5000;
const PER_FAMILY = 50;
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const ROUNDS = 200;

const KINDS: Readonly<Record<string, (i: number) => MetricDraft>> = {
  counter: (i) => ({ value: i * 1.5, labels: labelsOf(i) }),
  "classic histogram": (i) => ({
    labels: labelsOf(i),
    count: 12 * i,
    sum: i,
    buckets: BOUNDS.map((bound, b) => [bound, b * i] as const),
  }),
  "native histogram": (i) => ({
    labels: labelsOf(i),
    count: 20,
    sum: i,
    schema: 3,
    zeroThreshold: 1e-9,
    positiveSpans: [
      [i % 9, 5],
      [2, 5],
    ],
    positiveDeltas: [2, 0, 0, 0, 0, 0, 0, 0, 0, 0],
  }),
};

function labelsOf(i: number): Record<string, string> {
  return { handler: `/api/v1/resource-${i}`, method: "GET", code: String(200 + (i % 5)), service: "checkout" };
}

function bodyOf(draw: (i: number) => MetricDraft, type: FamilyDraft["type"]): Uint8Array {
  const families: FamilyDraft[] = [];
  for (let f = 0; f < METRICS / PER_FAMILY; f++) {
    const metrics = Array.from({ length: PER_FAMILY }, (_, i) => draw(f * PER_FAMILY + i));
    families.push({ name: `http_requests_${f}`, type, help: "Something that is measured here, told.", metrics });
  }
  return encodeFamilies(families);
}

let refs = 0;
const sink: Appender = {
  series: () => ++refs,
  seriesOfBytes: () => ++refs,
  append: () => 0,
  appendStale: () => 0,
  appendBits: () => 0,
  appendBatch: () => 0,
  appendHistogram: () => 0,
  appendExemplar: () => 0,
  updateMetadata: () => {},
  commit: () => {},
  rollback: () => {},
};

console.log(`Node ${process.version}, ${METRICS} metrics of 4 labels\n`);
console.log("| kind | bytes a metric | samples | ns a sample | ns a metric |\n|---|---|---|---|---|");
for (const [kind, draw] of Object.entries(KINDS)) {
  const body = bodyOf(draw, kind === "counter" ? "counter" : "histogram");
  const options = cacheOptions();
  const histograms = { ...options.histograms, scrapeNative: true };
  const cache = new MetricCache(Labels.fromObject({ job: "j" }), { ...options, histograms }, new SampleBatch());
  const parser = new ProtobufParser();
  const counts = emptyCounts();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    Object.assign(counts, emptyCounts());
    const begun = performance.now();
    cache.scrape(body, body.length, parser, sink, 1000 * round, counts);
    best = Math.min(best, performance.now() - begun);
  }
  const perSample = ((best * 1e6) / counts.scraped).toFixed(0);
  const perMetric = ((best * 1e6) / METRICS).toFixed(0);
  const bytes = Math.round(body.length / METRICS);
  console.log(`| ${kind} | ${bytes} | ${counts.scraped} | ${perSample} | ${perMetric} |`);
}
