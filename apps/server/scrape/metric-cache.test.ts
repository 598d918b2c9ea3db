import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenMetricsParser, ProtobufParser, TextParser } from "@narthex/exposition";
import { isStaleAt, Labels, Matcher } from "@narthex/model";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import type { CacheOptions } from "./cache-options.ts";
import type { HistogramOptions } from "./histogram-limits.ts";
import { schemaForFactor } from "./histogram-limits.ts";
import { SampleBatch } from "./sample-batch.ts";
import { emptyCounts, type ScrapeCounts } from "./scrape-counts.ts";
import { TargetCache } from "./target-cache.ts";
import { TemplateStore } from "./template.ts";
import { cacheOptions } from "./testing.ts";
import { encodeFamilies, type FamilyDraft, type MetricDraft } from "./testing-protobuf.ts";

const TARGET = Labels.fromObject({ job: "j" });

/** One target, scraped again and again, with what its storage then holds. */
class Bench {
  readonly storage = new MemoryStorage();
  readonly cache: TargetCache;
  t = 1_000_000;

  constructor(overrides: Partial<CacheOptions> = {}, histograms: Partial<HistogramOptions> = {}) {
    const options = cacheOptions(overrides);
    const merged = { ...options, histograms: { ...options.histograms, ...histograms } };
    this.cache = new TargetCache(TARGET, merged, new TemplateStore(), new SampleBatch());
  }

  scrape(body: readonly FamilyDraft[] | string, format: "text" | "openmetrics" = "text"): ScrapeCounts {
    const isText = typeof body === "string";
    const encoded = isText ? Buffer.from(body) : encodeFamilies(body);
    const parser = isText ? (format === "text" ? new TextParser() : new OpenMetricsParser()) : new ProtobufParser();
    const bytes = new Uint8Array(encoded.length + 16);
    bytes.set(encoded);
    this.t += 1000;
    const counts = emptyCounts();
    const appender = this.storage.appender();
    try {
      this.cache.scrape(bytes, encoded.length, parser, appender, this.t, counts);
    } catch (error) {
      appender.rollback();
      const ending = this.storage.appender();
      this.cache.endAll(ending, this.t);
      ending.commit();
      throw error;
    }
    appender.commit();
    return counts;
  }

  /**
   * `name{labels} value …` for each series, `stale` for markers, `{count sum [buckets]}` for histograms; behind `^` the start
   * timestamp's distance to the first scrape.
   */
  dump(): string[] {
    const querier = this.storage.querier(0, 1e15);
    const set = querier.select([new Matcher("!=", "__name__", "")]);
    const lines: string[] = [];
    const buffer = new SampleBuffer();
    for (let i = 0; i < set.count; i++) {
      buffer.clear();
      set.read(i, 0, 1e15, buffer);
      const { __name__: name, job, ...rest } = set.labels(i).toObject();
      assert.equal(job, "j");
      const samples: string[] = [];
      for (let s = 0; s < buffer.count; s++) {
        const late = (buffer.times[s] as number) % 1000;
        const startTime = buffer.startTimes?.[s] ?? 0;
        const at = (late === 0 ? "" : `@${late}`) + (startTime === 0 ? "" : `^${startTime - 1_001_000}`);
        const h = buffer.histograms?.[s];
        if (isStaleAt(buffer.halves, s)) samples.push("stale");
        else if (h === undefined) samples.push(`${buffer.values[s]}${at}`);
        else {
          const custom = h.customValues.length > 0 ? ` le ${h.customValues}` : ` schema ${h.schema}`;
          samples.push(`{${h.count} ${h.sum} [${h.positiveBuckets}]${custom}}${at}`);
        }
      }
      const labels = Object.entries(rest).map(([k, v]) => `${k}=${v}`);
      lines.push(`${name}${labels.length > 0 ? `{${labels}}` : ""} ${samples.join(" ")}`);
    }
    querier.close();
    return lines.sort();
  }
}

const gauge = (...metrics: MetricDraft[]): FamilyDraft => ({ name: "g", type: "gauge", metrics });
const CLASSIC: MetricDraft = {
  count: 9,
  sum: 2.5,
  buckets: [
    [0.5, 4],
    [1, 8],
  ],
};
const NATIVE: MetricDraft = { count: 6, sum: 3, schema: 0, positiveSpans: [[0, 3]], positiveDeltas: [1, 1, 1] };
const histogram = (...metrics: MetricDraft[]): FamilyDraft => ({ name: "h", type: "histogram", metrics });

test("protobuf cache: counters, gauges, summaries and histograms become the series that text would give", () => {
  const bench = new Bench();
  const families: FamilyDraft[] = [
    { name: "c_total", type: "counter", metrics: [{ labels: { a: "1" }, value: 1.5 }] },
    gauge({ value: 3 }, { labels: { b: "x" }, value: -1 }),
    { name: "s", type: "summary", metrics: [{ count: 4, sum: 8, quantiles: [[0.5, 2]] }] },
    histogram(CLASSIC),
  ];
  const counts = bench.scrape(families);
  assert.deepEqual([counts.scraped, counts.kept, counts.added], [11, 11, 11]);
  bench.scrape(families);
  assert.deepEqual(bench.dump(), [
    "c_total{a=1} 1.5 1.5",
    "g 3 3",
    "g{b=x} -1 -1",
    "h_bucket{le=+Inf} 9 9",
    "h_bucket{le=0.5} 4 4",
    "h_bucket{le=1.0} 8 8",
    "h_count 9 9",
    "h_sum 2.5 2.5",
    "s_count 4 4",
    "s_sum 8 8",
    "s{quantile=0.5} 2 2",
  ]);
});

test("protobuf cache: metrics that go end, come back as added, change places freely; a failure ends them all", () => {
  const bench = new Bench();
  const [a, b] = [
    { labels: { l: "a" }, value: 1 },
    { labels: { l: "b" }, value: 2 },
  ];
  assert.equal(bench.scrape([gauge(a, b)]).added, 2);
  assert.equal(bench.scrape([gauge(b, a)]).added, 0);
  assert.equal(bench.scrape([gauge(b)]).added, 0);
  assert.equal(bench.scrape([gauge(a, b)]).added, 1);
  assert.throws(() => bench.scrape([gauge(a), { name: "", type: "gauge", metrics: [b] }]), /invalid metric name/);
  // A failure makes nothing new.
  assert.equal(bench.scrape([gauge(a, b)]).added, 0);
  assert.deepEqual(bench.dump(), ["g{l=a} 1 1 stale 1 stale 1", "g{l=b} 2 2 2 2 stale 2"]);
});

test("protobuf cache: a histogram whose buckets change ends the buckets that are gone, also when that scrape fails", () => {
  const bench = new Bench();
  bench.scrape([histogram({ count: 1, buckets: [[1, 1]] })]);
  const changed = histogram({ count: 2, buckets: [[2, 2]] });
  bench.scrape([changed]);
  assert.deepEqual(bench.dump(), [
    "h_bucket{le=+Inf} 1 2",
    "h_bucket{le=1.0} 1 stale",
    "h_bucket{le=2.0} 2",
    "h_count 1 2",
    "h_sum 0 0",
  ]);
  const third = histogram({ count: 3, buckets: [[3, 3]] });
  assert.throws(() => bench.scrape([third, { name: "", type: "gauge", metrics: [{}] }]));
  const ended = bench.dump().filter((line) => line.endsWith("stale"));
  assert.deepEqual(
    ended.map((line) => line.split(" ")[0]),
    ["h_bucket{le=+Inf}", "h_bucket{le=1.0}", "h_bucket{le=2.0}", "h_count", "h_sum"],
  );
});

test("protobuf cache: times, doubles and limits are treated as those of text", () => {
  const bench = new Bench({ sampleLimit: 2 });
  bench.scrape([gauge({ value: 1, timestamp: 999_001 }, { labels: { l: "a" }, value: 2 })]);
  bench.scrape([gauge({ labels: { l: "a" }, value: 3 })]);
  assert.deepEqual(bench.dump(), ["g 1@1", "g{l=a} 2 3"]);
  const counts = bench.scrape([gauge({ labels: { l: "a" }, value: 3 }, { labels: { l: "a" }, value: 4 })]);
  assert.deepEqual([counts.kept, counts.duplicates], [2, 1]);
  assert.throws(
    () => bench.scrape([gauge(...["a", "b", "c"].map((l) => ({ labels: { l } })))]),
    /^ScrapeError: sample limit exceeded$/,
  );
  const late = new Bench().scrape([gauge({ value: 1, timestamp: 10_000_000 })]);
  assert.equal(late.outOfBounds, 1);
});

test("protobuf cache: metadata stays for ten scrapes, and goes to the storage where that is wanted", () => {
  const bench = new Bench({ appendMetadata: true, typeAndUnitLabels: true });
  const family = (help: string): FamilyDraft => ({
    name: "c_bytes_total",
    type: "counter",
    help,
    unit: "bytes",
    metrics: [{ value: 1, labels: { __type__: "mine" } }],
  });
  bench.scrape([family("first")]);
  bench.scrape([family("second")]);
  const labels = Labels.fromObject({ __name__: "c_bytes_total", __type__: "counter", __unit__: "bytes", job: "j" });
  assert.deepEqual(bench.storage.metadata(labels), { type: "counter", help: "second", unit: "bytes" });
  for (let i = 0; i < 10; i++) bench.scrape([gauge({})]);
  assert.equal(bench.cache.metadata().get("c_bytes_total")?.help, "second");
  bench.scrape([gauge({})]);
  assert.deepEqual([...bench.cache.metadata().keys()], ["g"]);
});

/** What each combination of exposition and settings gives: classic series, native histogram, converted histogram. */
const MATRIX: readonly [exposed: string, native: boolean, convert: boolean, always: boolean, expected: string][] = [
  ["classic", false, false, false, "classic"],
  ["classic", true, false, true, "classic"],
  ["classic", false, true, false, "converted"],
  ["classic", true, true, true, "classic converted"],
  ["native", false, false, false, "infinity"],
  ["native", true, false, false, "native"],
  ["native", true, true, true, "native"],
  ["both", false, false, false, "classic"],
  ["both", false, true, false, "converted"],
  ["both", true, false, false, "native"],
  ["both", true, true, false, "native"],
  ["both", true, true, true, "classic native"],
];

for (const [exposed, scrapeNative, convertClassic, alwaysScrapeClassic, expected] of MATRIX) {
  const settings = `native ${scrapeNative}, convert ${convertClassic}, always ${alwaysScrapeClassic}`;
  test(`histograms: ${exposed} exposition with ${settings} gives ${expected}`, () => {
    const bench = new Bench({}, { scrapeNative, convertClassic, alwaysScrapeClassic });
    const metric =
      exposed === "classic" ? CLASSIC : exposed === "native" ? NATIVE : { ...NATIVE, ...CLASSIC, count: 6 };
    const both = { ...metric, ...(exposed === "both" ? { buckets: [[0.5, 4] as const, [1, 5] as const] } : {}) };
    const counts = bench.scrape([histogram(both)]);
    const lines = bench.dump();
    assert.equal(counts.kept, lines.length);
    const found: string[] = [];
    if (lines.some((line) => line.startsWith("h_bucket{le=0.5}"))) found.push("classic");
    else if (lines.some((line) => line.startsWith("h_bucket{le=+Inf}"))) found.push("infinity");
    if (lines.some((line) => /^h \{.* le 0.5,1\}/.test(line))) found.push("converted");
    if (lines.some((line) => /^h \{6 .*schema 0\}/.test(line))) found.push("native");
    assert.equal(found.join(" "), expected, lines.join("\n"));
  });
}

test("native histograms: coarser where the job wants it, malformed ones fail the scrape, gauges and floats too", () => {
  const wide: MetricDraft = {
    count: 8,
    sum: 1,
    schema: 3,
    positiveSpans: [[1, 8]],
    positiveDeltas: [1, 0, 0, 0, 0, 0, 0, 0],
  };
  const native = { scrapeNative: true };
  const limited = new Bench({}, { ...native, bucketLimit: 3 });
  limited.scrape([histogram(wide)]);
  assert.deepEqual(limited.dump(), ["h {8 1 [4,4] schema 1}"]);
  const factor = new Bench({}, { ...native, maxSchema: schemaForFactor(2) });
  factor.scrape([histogram({ ...wide, schema: 12 })]);
  assert.deepEqual(factor.dump(), ["h {8 1 [8] schema 0}"]);
  const fine = new Bench({}, native);
  fine.scrape([histogram({ ...wide, schema: 10 })]);
  assert.deepEqual(fine.dump(), ["h {8 1 [4,4] schema 8}"]);
  const far: MetricDraft = {
    ...NATIVE,
    schema: -4,
    positiveSpans: [
      [0, 1],
      [3, 2],
    ],
  };
  const tight = new Bench({}, { ...native, bucketLimit: 2 });
  assert.throws(() => tight.scrape([histogram(far)]), /^ScrapeError: histogram bucket limit exceeded$/);
  assert.throws(
    () => fine.scrape([histogram({ ...NATIVE, positiveSpans: [[0, 4_000_000_000]] })]),
    /spans need 4000000000/,
  );
  assert.throws(() => fine.scrape([histogram({ ...NATIVE, count: 7 })]), /6 observations found in buckets/);
  assert.throws(() => fine.scrape([histogram({ ...NATIVE, schema: -53 })]), /custom/);
  const float = new Bench({}, native);
  float.scrape([
    {
      name: "f",
      type: "gauge_histogram",
      metrics: [{ countFloat: 2.5, positiveSpans: [[0, 2]], positiveCounts: [0, 2.5] }],
    },
  ]);
  assert.deepEqual(float.dump(), ["f {2.5 0 [2.5] schema 0}"]);
});

test("native_histogram_min_bucket_factor: the finest schema with buckets at least so wide", () => {
  const schemas = [0, 1, 1.002, 1.01, 1.1, 2, 4, 65_536, 1e9].map(schemaForFactor);
  assert.deepEqual(schemas, [8, 8, 8, 6, 2, 0, -1, -4, -4]);
});

test("protobuf cache: exemplars go to counters, buckets and native histograms, in the order of time", () => {
  const bench = new Bench({}, { scrapeNative: true, alwaysScrapeClassic: true });
  const of = (name: string, labels = {}) =>
    bench.storage
      .exemplars(Labels.fromObject({ __name__: name, job: "j", ...labels }))
      .map(({ value, t }) => [value, t]);
  bench.scrape([
    { name: "c", type: "counter", metrics: [{ value: 1, exemplars: [{ id: "x", value: 5 }] }] },
    histogram({
      ...NATIVE,
      buckets: [[1, 6, { id: "b", value: 0.5, time: 900 }]],
      exemplars: [
        { id: "late", value: 2, time: 950 },
        { id: "early", value: 1, time: 940 },
        { id: "none", value: 3 },
      ],
    }),
    { ...histogram({ ...NATIVE, buckets: [[1, 6, { id: "b", value: 0.5, time: 900 }]] }), name: "k" },
  ]);
  assert.deepEqual(of("c"), [[5, bench.t]]);
  assert.deepEqual(of("h_bucket", { le: "1.0" }), [[0.5, 900_000]]);
  assert.deepEqual(of("h"), [
    [1, 940_000],
    [2, 950_000],
  ]);
  assert.deepEqual(of("k"), [[0.5, 900_000]]);
});

test("start times: a series gets a zero where its counting began, once per beginning", () => {
  const bench = new Bench({ startTimeZeros: true }, { scrapeNative: true });
  const body = (value: number, created: number): FamilyDraft[] => [
    { name: "c", type: "counter", metrics: [{ value, created }] },
    histogram({ ...NATIVE, created }),
  ];
  bench.scrape(body(5, 1000.4));
  bench.scrape(body(6, 1000.4));
  bench.scrape(body(1, 1002.5));
  bench.scrape(body(2, 999));
  assert.deepEqual(bench.dump(), [
    "c 0@400 5 6 0@500 1 2",
    "h {0 0 [] schema 0}@400 {6 3 [1,2,3] schema 0} {6 3 [1,2,3] schema 0} {0 0 [] schema 0}@500 " +
      "{6 3 [1,2,3] schema 0} {6 3 [1,2,3] schema 0}",
  ]);
});

test("start timestamps: protobuf tells them with counters, summaries and histograms; they go to the storage where wanted", () => {
  const body = (created: number): FamilyDraft[] => [
    {
      name: "c",
      type: "counter",
      metrics: [
        { value: 5, created },
        { labels: { a: "1" }, value: 6 },
      ],
    },
    { name: "own", type: "counter", metrics: [{ value: 5, created, timestamp: 1_000_500 }] },
    gauge({ value: 3 }),
    { name: "s", type: "summary", metrics: [{ count: 4, sum: 8, quantiles: [[0.5, 2]], created }] },
    histogram({ ...CLASSIC, ...NATIVE, created }),
  ];
  const histograms = { scrapeNative: true, alwaysScrapeClassic: true };
  const bench = new Bench({ startTimes: true }, histograms);
  bench.scrape(body(1000.4));
  bench.scrape(body(1001.5));
  assert.deepEqual(
    bench.dump(),
    [
      "c 5^-600 5^500",
      "c{a=1} 6 6",
      "g 3 3",
      "h_bucket{le=+Inf} 6^-600 6^500",
      "h_bucket{le=0.5} 4^-600 4^500",
      "h_bucket{le=1.0} 8^-600 8^500",
      "h_count 6^-600 6^500",
      "h_sum 3^-600 3^500",
      "h {6 3 [1,2,3] schema 0}^-600 {6 3 [1,2,3] schema 0}^500",
      "own 5@500^-600",
      "s_count 4^-600 4^500",
      "s_sum 8^-600 8^500",
      "s{quantile=0.5} 2^-600 2^500",
    ].sort(),
  );
  const plain = new Bench({}, histograms);
  plain.scrape(body(1000.4));
  assert.ok(plain.dump().every((line) => !line.includes("^")));
});

test("start timestamps: OpenMetrics tells them in _created lines, behind the samples they are about", () => {
  const bench = new Bench({ startTimes: true }, { convertClassic: true });
  const body = (created: string) =>
    `# TYPE c counter\nc_total{a="1"} 5\n${created === "" ? "" : `c_created{a="1"} ${created}\n`}c_total{a="2"} 5\n` +
    `# TYPE g gauge\ng_created 7\n# TYPE h histogram\nh_bucket{le="+Inf"} 3\nh_count 3\nh_sum 1\n` +
    `${created === "" ? "" : `h_created ${created}\n`}# EOF\n`;
  for (const created of ["1000.25", "1000.25", "1003.5", ""]) bench.scrape(body(created), "openmetrics");
  assert.deepEqual(bench.dump(), [
    "c_total{a=1} 5^-750 5^-750 5^2500 5",
    "c_total{a=2} 5 5 5 5",
    "g_created 7 7 7 7",
    "h {3 1 [3] schema -53}^-750 {3 1 [3] schema -53}^-750 {3 1 [3] schema -53}^2500 {3 1 [3] schema -53}",
  ]);
});

test("start synthesis: the first sample of what only grows is left out, later ones lose it; a fall begins anew", () => {
  const body = (c: number, s: number, extra = "") =>
    `# TYPE c counter\nc ${c}\n# TYPE g gauge\ng ${c}\n# TYPE s summary\ns{quantile="0.5"} ${s}\ns_sum ${s}\n` +
    `# TYPE h histogram\nh_bucket{le="+Inf"} ${s}\n${extra}untyped ${c}\n`;
  const bench = new Bench({ synthesizesStarts: true });
  assert.equal(bench.scrape(body(10, 3)).kept, 6);
  bench.scrape(body(15, 3));
  bench.scrape(body(4, 7));
  bench.scrape(body(6, Number.NaN, "# TYPE late counter\nlate 1\n"));
  bench.scrape(body(7, 9, "# TYPE late counter\nlate 5\n"));
  bench.scrape(body(8, 9));
  bench.scrape(body(9, 9, "# TYPE late counter\nlate 6\n"));
  bench.scrape(body(9, 9, "# TYPE late counter\nlate 7\n"));
  assert.deepEqual(bench.dump(), [
    "c 5^0 4^1999 6^1999 7^1999 8^1999 9^1999 9^1999",
    "g 10 15 4 6 7 8 9 9",
    "h_bucket{le=+Inf} 0^0 4^0 NaN^0 6^0 6^0 6^0 6^0",
    "late 4^3000 stale 1^6000",
    "s_sum 0^0 4^0 NaN^0 6^0 6^0 6^0 6^0",
    "s{quantile=0.5} 3 3 7 NaN 9 9 9 9",
    "untyped 10 15 4 6 7 8 9 9",
  ]);
});

test("start synthesis: protobuf counters, native and converted histograms; what tells its start is left alone", () => {
  const native = (add: number): MetricDraft => ({
    ...NATIVE,
    count: 6 + 3 * add,
    sum: 3 + add,
    positiveDeltas: [1 + add, 1, 1],
  });
  const body = (c: number, add: number): FamilyDraft[] => [
    { name: "c", type: "counter", metrics: [{ value: c }, { labels: { a: "1" }, value: c, created: 1000.5 }] },
    gauge({ value: c }),
    histogram(native(add)),
  ];
  const bench = new Bench({ synthesizesStarts: true, startTimes: true }, { scrapeNative: true });
  for (const [c, add] of [
    [3, 0],
    [5, 2],
    [9, 3],
    [1, 1],
    [2, 2],
  ] as const)
    bench.scrape(body(c, add));
  assert.deepEqual(bench.dump(), [
    "c 2^0 6^0 1^2999 2^2999",
    "c{a=1} 3^-500 5^-500 9^-500 1^-500 2^-500",
    "g 3 5 9 1 2",
    "h {6 2 [2,2,2] schema 0}^0 {9 3 [3,3,3] schema 0}^0 {9 4 [2,3,4] schema 0}^2999 {12 5 [3,4,5] schema 0}^2999",
  ]);
  const text = new Bench({ synthesizesStarts: true }, { convertClassic: true });
  for (const count of [4, 6, 7]) {
    text.scrape(
      `# TYPE h histogram\nh_bucket{le="1"} ${count - 2}\nh_bucket{le="+Inf"} ${count}\nh_sum 1\nh_count ${count}\n`,
    );
  }
  assert.deepEqual(text.dump(), ["h {2 0 [2] le 1}^0 {3 0 [3] le 1}^0"]);
});

const TEXT = `# TYPE h histogram
h_bucket{a="1",le="0.5"} 4
h_bucket{a="1",le="1"} 8
h_bucket{a="1",le="+Inf"} 9
h_sum{a="1"} 2.5
h_count{a="1"} 9
h_count{a="2"} 3
# TYPE c counter
c 1
`;

test("converted histograms: text gives one native histogram per label set, scrape after scrape, and it ends", () => {
  const bench = new Bench({}, { convertClassic: true });
  const counts = bench.scrape(TEXT);
  assert.deepEqual([counts.scraped, counts.kept, counts.added], [3, 3, 3]);
  for (let i = 0; i < 3; i++) assert.equal(bench.scrape(TEXT).added, 0);
  bench.scrape(TEXT.replaceAll(/h_\w+\{a="1".*\n/g, ""));
  bench.scrape(TEXT);
  assert.throws(() => bench.scrape(`${TEXT}bad{`));
  const one = "{9 2.5 [4,4,1] le 0.5,1}";
  const two = "{3 0 [3] schema -53}";
  assert.deepEqual(bench.dump(), [
    "c 1 1 1 1 1 1 stale",
    `h{a=1} ${one} ${one} ${one} ${one} stale ${one} stale`,
    `h{a=2} ${two} ${two} ${two} ${two} ${two} ${two} stale`,
  ]);
});

test("converted histograms: always_scrape_classic_histograms keeps the classic series, also in OpenMetrics", () => {
  const bench = new Bench({}, { convertClassic: true, alwaysScrapeClassic: true });
  const body = `${TEXT.replace("c 1", 'c_total 1 # {t="x"} 1')}# EOF\n`;
  for (let i = 0; i < 3; i++) assert.equal(bench.scrape(body, "openmetrics").kept, 9);
  const lines = bench.dump();
  assert.equal(lines.length, 9);
  assert.ok(lines.includes("h_bucket{a=1,le=1.0} 8 8 8"));
  assert.ok(lines.includes("h{a=1} {9 2.5 [4,4,1] le 0.5,1} {9 2.5 [4,4,1] le 0.5,1} {9 2.5 [4,4,1] le 0.5,1}"));
});

test("converted histograms: what contradicts itself makes none, and does not fail the scrape", () => {
  const bench = new Bench({}, { convertClassic: true });
  bench.scrape('# TYPE h histogram\nh_bucket{le="1"} 5\nh_bucket{le="+Inf"} 4\nh_sum 1\nh_count 4\nx 1\n');
  assert.deepEqual(bench.dump(), ["x 1"]);
  bench.scrape([histogram({ count: 4, buckets: [[1, 5]] })]);
  assert.deepEqual(bench.dump(), ["x 1 stale"]);
});

test("start times: OpenMetrics tells them in _created lines, which are no series then", () => {
  const bench = new Bench({ startTimeZeros: true }, {});
  const body = (created: number, value: number) =>
    `# TYPE c counter\nc_total{a="1"} ${value}\nc_created{a="1"} ${created}\n# TYPE g gauge\ng_created 7\n# EOF\n`;
  assert.equal(bench.scrape(body(1000.25, 5), "openmetrics").scraped, 2);
  bench.scrape(body(1000.25, 6), "openmetrics");
  bench.scrape(body(1002.75, 1), "openmetrics");
  assert.deepEqual(bench.dump(), ["c_total{a=1} 0@250 5 6 0@750 1", "g_created 7 7 7"]);
});

test("metadata of text: goes to the storage with new series and with every change, and into labels where wanted", () => {
  const bench = new Bench({ appendMetadata: true });
  const body = (help: string) => `# HELP a_total ${help}\n# TYPE a_total counter\na_total 1\nb 1\n`;
  bench.scrape(body("one"));
  const labels = Labels.fromObject({ __name__: "a_total", job: "j" });
  assert.deepEqual(bench.storage.metadata(labels), { type: "counter", help: "one", unit: "" });
  bench.scrape(body("one"));
  bench.scrape(body("two"));
  assert.deepEqual(bench.storage.metadata(labels), { type: "counter", help: "two", unit: "" });
  assert.equal(bench.storage.metadata(Labels.fromObject({ __name__: "b", job: "j" })), undefined);
  const labelled = new Bench({ typeAndUnitLabels: true });
  labelled.scrape(
    '# TYPE m_seconds gauge\n# UNIT m_seconds seconds\nm_seconds{__type__="x"} 1\nother 2\n# EOF\n',
    "openmetrics",
  );
  assert.deepEqual(labelled.dump(), ["m_seconds{__type__=gauge,__unit__=seconds} 1", "other 2"]);
});

test("formats: a target that changes from text to protobuf and back goes on with the series both have", () => {
  const bench = new Bench();
  bench.scrape("g 1\nonly_text 1\n");
  bench.scrape([gauge({ value: 2 }), { name: "only_proto", type: "gauge", metrics: [{ value: 2 }] }]);
  bench.scrape("g 3\nonly_text 3\n");
  assert.deepEqual(bench.dump(), ["g 1 2 3", "only_proto 2 stale", "only_text 1 stale 3"]);
  assert.throws(() => bench.scrape([gauge({ value: 4 }), { name: "", type: "gauge", metrics: [{}] }]));
  assert.deepEqual(bench.dump(), ["g 1 2 3 stale", "only_proto 2 stale", "only_text 1 stale 3 stale"]);
});
