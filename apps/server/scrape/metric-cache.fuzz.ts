// The protobuf cache against the text cache: the same families, told in either format scrape after scrape, must leave the
// same samples, histograms and stale markers behind; whatever comes, goes, changes its buckets, or fails in between.
import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalFloat, ExpositionError, ProtobufParser, TextParser } from "@narthex/exposition";
import { isStaleAt, Labels, Matcher } from "@narthex/model";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { SampleBatch } from "./sample-batch.ts";
import { emptyCounts } from "./scrape-counts.ts";
import { ScrapeError } from "./scrape-error.ts";
import { TargetCache } from "./target-cache.ts";
import { TemplateStore } from "./template.ts";
import { cacheOptions } from "./testing.ts";
import { encodeFamilies, type FamilyDraft, type MetricDraft } from "./testing-protobuf.ts";

const SEED = Number(process.env["FUZZ_SEED"] ?? Date.now() % 2 ** 31);
const ROUNDS = Number(process.env["FUZZ_ROUNDS"] ?? 80);

type Random = (below: number) => number;

function randomFrom(seed: number): Random {
  let state = seed | 0;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}

const TYPES = ["counter", "gauge", "summary", "histogram", "untyped"] as const;

function drawFamilies(random: Random): FamilyDraft[] {
  const families: FamilyDraft[] = [];
  for (let f = 0; f < 6; f++) {
    if (random(4) === 0) continue;
    const type = TYPES[f % TYPES.length] as (typeof TYPES)[number];
    const metrics: MetricDraft[] = [];
    for (let m = 0; m < 5; m++) if (random(4) > 0) metrics.push(drawMetric(m, type, random));
    if (random(5) === 0) metrics.reverse();
    if (random(9) === 0 && metrics.length > 0) metrics.push(metrics[random(metrics.length)] as MetricDraft);
    if (metrics.length > 0) families.push({ name: `m${f}`, type, help: `help ${random(2)}`, metrics });
  }
  if (random(6) === 0) families.reverse();
  return families;
}

function drawMetric(m: number, type: string, random: Random): MetricDraft {
  const labels: Record<string, string> = m === 0 ? {} : { id: `ü ${m}`, path: `/${m % 3}` };
  const value = random(9) === 0 ? Number.NaN : random(100) / 4;
  if (type === "summary") {
    return { labels, count: random(50), sum: value, quantiles: [0.5, 0.9].slice(random(2)).map((q) => [q, random(9)]) };
  }
  if (type !== "histogram") return { labels, value };
  const bounds = [0.25, 1, 5, 1e6].slice(random(2), 2 + random(3));
  let count = 0;
  const buckets = bounds.map((bound) => [bound, (count += random(4))] as const);
  if (random(12) === 0) count = Math.max(0, count - 1);
  return { labels, count: count + random(3), sum: value, buckets };
}

/** The families as the text format tells them, in the order in which protobuf's fields are taken. */
function toText(families: readonly FamilyDraft[]): string {
  const lines: string[] = [];
  for (const { name, type, help, metrics } of families) {
    lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
    for (const metric of metrics) {
      const line = (suffix: string, value: number, extra: readonly string[] = []) => {
        const pairs = [...Object.entries(metric.labels ?? {}).map(([k, v]) => `${k}="${v}"`), ...extra];
        lines.push(`${name}${suffix}${pairs.length > 0 ? `{${pairs}}` : ""} ${value}`);
      };
      if (metric.count === undefined) {
        line("", metric.value ?? 0);
        continue;
      }
      line("_count", metric.count);
      line("_sum", metric.sum ?? 0);
      for (const [quantile, value] of metric.quantiles ?? []) line("", value, [`quantile="${quantile}"`]);
      for (const [bound, count] of metric.buckets ?? []) line("_bucket", count, [`le="${canonicalFloat(bound)}"`]);
      if (metric.buckets !== undefined) line("_bucket", metric.count, ['le="+Inf"']);
    }
  }
  return `${lines.join("\n")}\n`;
}

class Side {
  readonly storage = new MemoryStorage();
  readonly cache: TargetCache;

  constructor(options: ReturnType<typeof cacheOptions>) {
    this.cache = new TargetCache(Labels.fromObject({ job: "j" }), options, new TemplateStore(), new SampleBatch());
  }

  scrape(body: Uint8Array, parser: TextParser | ProtobufParser, t: number): string {
    const bytes = new Uint8Array(body.length + 16);
    bytes.set(body);
    const counts = emptyCounts();
    const appender = this.storage.appender();
    try {
      this.cache.scrape(bytes, body.length, parser, appender, t, counts);
    } catch (error) {
      if (!(error instanceof ExpositionError) && !(error instanceof ScrapeError)) throw error;
      appender.rollback();
      const ending = this.storage.appender();
      this.cache.endAll(ending, t);
      ending.commit();
      return "failed";
    }
    appender.commit();
    const { scraped, kept, added, duplicates } = counts;
    return `scraped ${scraped} kept ${kept} added ${added} duplicates ${duplicates}`;
  }

  dump(): string {
    const querier = this.storage.querier(0, 1e15);
    const set = querier.select([new Matcher("!=", "__name__", "")]);
    const lines: string[] = [];
    for (let i = 0; i < set.count; i++) {
      const buffer = new SampleBuffer();
      set.read(i, 0, 1e15, buffer);
      const samples: string[] = [];
      for (let s = 0; s < buffer.count; s++) {
        const h = buffer.histograms?.[s];
        const value = isStaleAt(buffer.halves, s)
          ? "stale"
          : h === undefined
            ? buffer.values[s]
            : `{${h.count} ${h.sum} [${h.positiveBuckets}] [${h.customValues}]}`;
        samples.push(`${buffer.times[s]}=${value}`);
      }
      lines.push(`${JSON.stringify(set.labels(i).toObject())} ${samples.join(" ")}`);
    }
    querier.close();
    return lines.sort().join("\n");
  }
}

test(`protobuf cache: any sequence of bodies leaves behind what text leaves behind (seed ${SEED})`, () => {
  const random = randomFrom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    const histograms = {
      scrapeNative: false,
      convertClassic: random(2) === 0,
      alwaysScrapeClassic: random(2) === 0,
      bucketLimit: random(4) === 0 ? 3 : 0,
      maxSchema: 8,
    };
    const options = cacheOptions({ histograms });
    const text = new Side(options);
    const proto = new Side(options);
    const switching = new Side(options);
    let families = drawFamilies(random);
    for (let scrape = 0; scrape < 12; scrape++) {
      if (random(3) > 0) families = drawFamilies(random);
      const place = `seed ${SEED}, round ${round}, scrape ${scrape}`;
      const broken = random(8) === 0;
      const t = 100_000 + 1000 * scrape;
      const textBody = Buffer.from(toText(families) + (broken ? "broken{\n" : ""));
      const whole = encodeFamilies(families);
      const protoBody = broken ? Buffer.concat([whole, Buffer.of(9)]) : whole;
      const fromText = text.scrape(textBody, new TextParser(), t);
      const fromProto = proto.scrape(protoBody, new ProtobufParser(), t);
      // A metric told twice is one histogram in text, and two in protobuf, of which the second is refused.
      const isPlain = !histograms.convertClassic;
      if (isPlain || fromText === "failed") assert.equal(fromProto, fromText, place);
      const asText = random(2) === 0;
      switching.scrape(asText ? textBody : protoBody, asText ? new TextParser() : new ProtobufParser(), t);
    }
    const expected = text.dump();
    assert.equal(proto.dump(), expected, `seed ${SEED}, round ${round}`);
    assert.equal(switching.dump(), expected, `seed ${SEED}, round ${round}, formats in turn`);
  }
});
