// Series that the storage would not make: left out, counted, and tried again now and then, in every format.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtobufParser, TextParser } from "@narthex/exposition";
import { Labels, Matcher } from "@narthex/model";
import type { Appender, LabelBytes } from "@narthex/storage";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { Relabeler } from "../relabel/index.ts";
import type { CacheOptions } from "./cache-options.ts";
import { SampleBatch } from "./sample-batch.ts";
import { emptyCounts, type ScrapeCounts } from "./scrape-counts.ts";
import { TargetCache } from "./target-cache.ts";
import { TemplateStore } from "./template.ts";
import { cacheOptions } from "./testing.ts";
import { encodeFamilies, type FamilyDraft } from "./testing-protobuf.ts";

/** A ref that the storage never gave. */
const UNKNOWN = 0x7fff_ffff;

type BatchRest = Parameters<Appender["appendBatch"]> extends [unknown, ...infer Rest] ? Rest : never;

/** One target and a storage that makes no series whose name is among `refused`. */
class Bench {
  readonly storage = new MemoryStorage();
  readonly refused = new Set<string>();
  /** Whether the storage has forgotten all series at the next scrape. */
  isForgetful = false;
  readonly #cache: TargetCache;
  readonly #options: CacheOptions;
  #t = 0;

  constructor(converts = false, keepsClassic = false) {
    const options = cacheOptions();
    const histograms = {
      ...options.histograms,
      scrapeNative: true,
      convertClassic: converts,
      alwaysScrapeClassic: keepsClassic,
    };
    this.#options = { ...options, histograms };
    this.#cache = new TargetCache(Labels.empty, this.#options, new TemplateStore(), new SampleBatch());
  }

  /** From now on, relabeling drops the metrics of this name. */
  drop(name: string): void {
    const metricRelabeler = new Relabeler([
      {
        sourceLabels: ["__name__"],
        separator: ";",
        regex: name,
        regexIsDefault: false,
        modulus: 0n,
        targetLabel: "",
        replacement: "$1",
        action: "drop",
        nameValidationScheme: "utf8",
      },
    ]);
    this.#cache.options = { ...this.#options, metricRelabeler };
  }

  scrape(body: string | readonly FamilyDraft[]): ScrapeCounts {
    this.#t += 1000;
    const encoded = typeof body === "string" ? Buffer.from(body) : encodeFamilies(body);
    const bytes = new Uint8Array(encoded.length + 16);
    bytes.set(encoded);
    const appender = this.storage.appender();
    const { refused, isForgetful } = this;
    const made = new Set<string>();
    const guarded = new Proxy(appender, {
      get(target, key) {
        if (key === "series" || key === "seriesOfBytes") {
          return (labels: Labels | LabelBytes) => {
            const set = labels instanceof Labels ? labels : labels.toLabels();
            made.add(set.get("__name__"));
            return refused.has(set.get("__name__")) ? 0 : target.series(set);
          };
        }
        if (key === "appendBatch" && isForgetful) {
          return (refs: Uint32Array, ...rest: BatchRest) =>
            target.appendBatch(
              refs.map(() => UNKNOWN),
              ...rest,
            );
        }
        const value = Reflect.get(target, key, target) as unknown;
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const counts = emptyCounts();
    const parser = typeof body === "string" ? new TextParser() : new ProtobufParser();
    this.#cache.scrape(bytes, encoded.length, parser, guarded, this.#t, counts);
    appender.commit();
    this.isForgetful = false;
    this.asked = [...made].sort();
    return counts;
  }

  /** Names of the series that the last scrape asked the storage for. */
  asked: string[] = [];

  /** Times of a series' samples, in seconds. */
  times(name: string): number[] {
    const querier = this.storage.querier(0, 1e15);
    const set = querier.select([new Matcher("=", "__name__", name)]);
    const buffer = new SampleBuffer();
    if (set.count > 0) set.read(0, 0, 1e15, buffer);
    querier.close();
    return set.count === 0 ? [] : Array.from(buffer.times.subarray(0, buffer.count), (t) => t / 1000);
  }
}

const TEXT = "a 1\nb 2\nc 3\n";
const PROTOBUF: readonly FamilyDraft[] = ["a", "b", "c"].map((name) => ({
  name,
  type: "gauge",
  metrics: [{ value: 1 }],
}));

const FORMATS = [
  ["text", TEXT],
  ["protobuf", PROTOBUF],
] as const;

/** Of three series one is refused: in each of 20 scrapes it is counted, and in two of them it is asked for. */
function assertAskedRarely(bench: Bench, body: (typeof FORMATS)[number][1]): void {
  let asked = 0;
  for (let i = 0; i < 20; i++) {
    const { kept, refused } = bench.scrape(body);
    assert.deepEqual([kept, refused], [2, 1]);
    asked += bench.asked.length;
  }
  assert.equal(asked, 2);
}

for (const [format, body] of FORMATS) {
  test(`refused series: ${format}: the others go on, it is counted in each scrape and not asked for in each`, () => {
    const bench = new Bench();
    bench.refused.add("b");
    const first = bench.scrape(body);
    assert.deepEqual([first.scraped, first.kept, first.added, first.refused], [3, 2, 2, 1]);
    assert.deepEqual(bench.asked, ["a", "b", "c"]);
    assertAskedRarely(bench, body);
    assert.deepEqual(bench.times("b"), []);
    assert.equal(bench.times("a").length, 21);
  });

  test(`refused series: ${format}: once there is room it comes in, and ends when it goes away`, () => {
    const bench = new Bench();
    bench.refused.add("b");
    bench.scrape(body);
    bench.refused.clear();
    let scrapes = 1;
    for (; bench.times("b").length === 0 && scrapes < 30; scrapes++) bench.scrape(body);
    assert.ok(scrapes <= 11, `after ${scrapes} scrapes`);
    assert.equal(bench.scrape(body).refused, 0);
    const before = bench.times("b").length;
    bench.scrape(typeof body === "string" ? "a 1\nc 3\n" : body.filter(({ name }) => name !== "b"));
    assert.equal(bench.times("b").length, before + 1);
  });

  test(`refused series: ${format}: one that the storage forgot and will not make again is asked for now and then`, () => {
    const bench = new Bench();
    bench.scrape(body);
    bench.refused.add("b");
    bench.isForgetful = true;
    const { kept, refused } = bench.scrape(body);
    assert.deepEqual([kept, refused], [2, 1]);
    assert.deepEqual(bench.asked, ["a", "b", "c"]);
    assertAskedRarely(bench, body);
    assert.deepEqual([bench.times("a").length, bench.times("b").length], [22, 1]);
  });

  test(`refused series: ${format}: one that the storage forgot and relabeling drops by now counts as dropped`, () => {
    const bench = new Bench();
    bench.scrape(body);
    bench.drop("b");
    bench.isForgetful = true;
    for (const asked of [["a", "c"], []]) {
      const { scraped, kept, refused } = bench.scrape(body);
      assert.deepEqual([scraped, kept, refused], [3, 2, 0]);
      assert.deepEqual(bench.asked, asked);
    }
  });
}

test("refused series: a converted histogram", () => {
  const bench = new Bench(true);
  bench.refused.add("h");
  const page = '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n';
  assert.equal(bench.scrape(page).refused, 1);
  assert.equal(bench.scrape(page).refused, 1);
  bench.refused.clear();
  assert.equal(bench.scrape(page).refused, 0);
  assert.deepEqual(bench.times("h"), [3]);
});

test("refused series: of a converted histogram whose classic series are kept, their samples are counted as before", () => {
  const page = '# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 2\nh_sum 3\nh_count 2\n';
  for (const isRefusedFirst of [true, false]) {
    const bench = new Bench(true, true);
    if (isRefusedFirst) bench.refused.add("h_bucket");
    const first = bench.scrape(page);
    bench.refused.add("h_bucket");
    bench.isForgetful = true;
    for (const counts of [...(isRefusedFirst ? [first] : []), bench.scrape(page), bench.scrape(page)]) {
      assert.deepEqual([counts.scraped, counts.refused], [5, 2]);
    }
    assert.equal(bench.times("h").length, 3);
  }
});
