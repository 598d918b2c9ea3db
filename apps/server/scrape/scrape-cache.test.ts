import assert from "node:assert/strict";
import { test } from "node:test";
import { OpenMetricsParser, type SampleParser, TextParser } from "@narthex/exposition";
import { isStaleAt, Labels, Matcher } from "@narthex/model";
import { MemoryStorage, SampleBuffer } from "@narthex/storage";
import { Relabeler } from "../relabel/index.ts";
import type { CacheOptions } from "./cache-options.ts";
import { SampleBatch } from "./sample-batch.ts";
import { ScrapeCache } from "./scrape-cache.ts";
import { emptyCounts, type ScrapeCounts } from "./scrape-counts.ts";
import { TemplateStore } from "./template.ts";
import { cacheOptions } from "./testing.ts";

const TARGET = Labels.fromObject({ job: "j", instance: "i" });

/** One target, scraped again and again, with what its storage then holds. */
class Bench {
  readonly storage = new MemoryStorage();
  readonly store = new TemplateStore();
  readonly cache: ScrapeCache;
  t = 0;

  constructor(overrides: Partial<CacheOptions> = {}) {
    this.cache = new ScrapeCache(TARGET, cacheOptions(overrides), this.store, new SampleBatch());
  }

  scrape(body: string, parser: SampleParser = new TextParser()): ScrapeCounts {
    this.t += 1000;
    const encoded = Buffer.from(body);
    const bytes = new Uint8Array(encoded.length + 8);
    bytes.set(encoded);
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

  /** `name{labels} t=value …` for each series, target labels left out; `stale` for markers. */
  dump(): string[] {
    const querier = this.storage.querier(0, 1e15);
    const set = querier.select([new Matcher("!=", "__name__", "")]);
    const lines: string[] = [];
    const buffer = new SampleBuffer();
    for (let i = 0; i < set.count; i++) {
      buffer.clear();
      set.read(i, 0, 1e15, buffer);
      const { __name__: name, job, instance, ...rest } = set.labels(i).toObject();
      assert.equal(`${job}/${instance}`, "j/i");
      const samples: string[] = [];
      for (let s = 0; s < buffer.count; s++) {
        samples.push(`${buffer.times[s]}=${isStaleAt(buffer.halves, s) ? "stale" : buffer.values[s]}`);
      }
      const labels = Object.entries(rest).map(([k, v]) => `${k}=${v}`);
      lines.push(`${name}${labels.length > 0 ? `{${labels}}` : ""} ${samples.join(" ")}`);
    }
    querier.close();
    return lines;
  }
}

test("scrape cache: an unchanged exposition goes on in the same series and adds none", () => {
  const bench = new Bench();
  const first = bench.scrape('# TYPE a gauge\na{x="1"} 1\na{x="2"} 2.5\nb 3e+06\n');
  const second = bench.scrape('# TYPE a gauge\na{x="1"} 4\na{x="2"} -5\nb NaN\n');
  assert.deepEqual([first.scraped, first.kept, first.added], [3, 3, 3]);
  assert.deepEqual([second.scraped, second.kept, second.added], [3, 3, 0]);
  assert.deepEqual(bench.dump(), ["a{x=1} 1000=1 2000=4", "a{x=2} 1000=2.5 2000=-5", "b 1000=3000000 2000=NaN"]);
});

test("scrape cache: what a failed first scrape left does not get in the way of the first good one", () => {
  const bench = new Bench();
  assert.throws(() => bench.scrape("b 1\na 1\nc 1\nbroken{\n"));
  assert.equal(bench.scrape("c 2\nd 2\na 2\n").added, 1);
  assert.equal(bench.scrape("c 3\nd 4\na 5\n").added, 0);
  assert.deepEqual(bench.dump(), ["a 2000=2 3000=5", "c 2000=2 3000=3", "d 2000=2 3000=4"]);
});

test("scrape cache: a series that is missing gets a marker once, and counts as added when it is back", () => {
  const bench = new Bench();
  bench.scrape("a 1\nb 1\nc 1\n");
  assert.equal(bench.scrape("a 2\nc 2\n").added, 0);
  assert.equal(bench.scrape("a 3\nc 3\n").added, 0);
  assert.equal(bench.scrape("a 4\nb 4\nc 4\n").added, 1);
  assert.deepEqual(bench.dump(), [
    "a 1000=1 2000=2 3000=3 4000=4",
    "b 1000=1 2000=stale 4000=4",
    "c 1000=1 2000=2 3000=3 4000=4",
  ]);
});

test("scrape cache: an inserted series, another order and a vanished block are found again", () => {
  const bench = new Bench();
  const names = Array.from({ length: 300 }, (_, i) => `m${String(i).padStart(3, "0")}`);
  const body = (list: readonly string[], v: number) => list.map((n, i) => `${n}{l="x y"} ${v * 1000 + i}\n`).join("");
  bench.scrape(body(names, 1));
  assert.equal(bench.scrape(body([...names.slice(0, 100), "new", ...names.slice(100)], 2)).added, 1);
  assert.equal(bench.scrape(body([...names].reverse(), 3)).added, 0);
  assert.equal(bench.scrape(body([...names.slice(0, 50), ...names.slice(250)], 4)).added, 0);
  const dump = bench.dump();
  assert.equal(dump.length, 301);
  assert.equal(dump[0], "m000{l=x y} 1000=1000 2000=2000 3000=3299 4000=4000");
  assert.equal(dump[60], "m060{l=x y} 1000=1060 2000=2060 3000=3239 4000=stale");
  assert.equal(dump[299], "m299{l=x y} 1000=1299 2000=2300 3000=3000 4000=4099");
  assert.equal(dump[300], "new{l=x y} 2000=2100 3000=stale");
});

test("scrape cache: a scrape that fails ends all series, and the next counts none of them as added", () => {
  const bench = new Bench();
  bench.scrape("a 1\nb 1\n");
  assert.throws(() => bench.scrape("a 2\nb x\n"), {
    message: /^strconv.ParseFloat: parsing "x": invalid syntax while/,
  });
  assert.throws(() => bench.scrape("a 2\nc 3\n<"), { message: /^expected a valid start token/ });
  assert.equal(bench.scrape("a 4\nb 4\n").added, 0);
  assert.deepEqual(bench.dump(), ["a 1000=1 2000=stale 4000=4", "b 1000=1 2000=stale 4000=4"]);
});

test("scrape cache: an empty body ends all series and is no failure", () => {
  const bench = new Bench();
  bench.scrape("a 1\n");
  assert.deepEqual(bench.scrape(""), emptyCounts());
  assert.deepEqual(bench.dump(), ["a 1000=1 2000=stale"]);
  assert.equal(bench.scrape("a 1\n").added, 1);
});

test("scrape cache: of a series written twice in one body the first sample stays", () => {
  const bench = new Bench();
  assert.equal(bench.scrape("a 1\na 2\nb 1\n").duplicates, 1);
  assert.equal(bench.scrape("a 3\na 4\nb 1\n").duplicates, 1);
  assert.equal(bench.scrape("c 1\na 5\na 6\n").duplicates, 1);
  assert.deepEqual(bench.dump(), ["a 1000=1 2000=3 3000=5", "b 1000=1 2000=1 3000=stale", "c 3000=1"]);
});

test("scrape cache: explicit timestamps are kept when honoured, and such series do not go stale", () => {
  const bench = new Bench();
  bench.scrape("a 1 500\nb 1\n");
  bench.scrape("a 2 1500\nb 2\n");
  bench.scrape("b 3\n");
  assert.deepEqual(bench.dump(), ["a 500=1 1500=2", "b 1000=1 2000=2 3000=3"]);
  const strict = new Bench({ honorTimestamps: false });
  strict.scrape("a 1 500\n");
  strict.scrape("\n");
  assert.deepEqual(strict.dump(), ["a 1000=1 2000=stale"]);
  const tracked = new Bench({ trackTimestampsStaleness: true });
  tracked.scrape("a 1 500\n");
  tracked.scrape("b 1\n");
  assert.deepEqual(tracked.dump(), ["a 500=1 2000=stale", "b 2000=1"]);
});

test("scrape cache: a timestamp more than ten minutes ahead is out of bounds", () => {
  const bench = new Bench();
  assert.equal(bench.scrape("a 1 700000\nb 1 600000\n").outOfBounds, 1);
  assert.deepEqual(bench.dump(), ["b 600000=1"]);
});

test("scrape cache: samples dropped by relabeling are counted as scraped only", () => {
  const drop = {
    sourceLabels: ["__name__"],
    separator: ";",
    regex: "go_.*",
    regexIsDefault: false,
    modulus: 0n,
    targetLabel: "",
    replacement: "$1",
    action: "drop",
    nameValidationScheme: "utf8",
  } as const;
  const bench = new Bench({ metricRelabeler: new Relabeler([drop]) });
  for (let i = 0; i < 3; i++) {
    const counts = bench.scrape(`go_a ${i}\nb ${i}\n`);
    assert.deepEqual([counts.scraped, counts.kept, counts.added], [2, 1, i === 0 ? 1 : 0]);
  }
  assert.deepEqual(bench.dump(), ["b 1000=0 2000=1 3000=2"]);
});

test("scrape cache: the target's labels win, or the exposed ones when they are honoured", () => {
  const exporting = new Bench();
  exporting.scrape('a{job="x",exported_job="y",instance=""} 1\n');
  assert.deepEqual(exporting.dump(), ["a{exported_exported_job=x,exported_job=y} 1000=1"]);
  const honoring = new Bench({ honorLabels: true });
  const labels = new Set<string>();
  honoring.scrape('a{job="j",instance="i"} 1\n');
  for (const line of honoring.dump()) labels.add(line);
  assert.deepEqual([...labels], ["a 1000=1"]);
});

test("scrape cache: more samples than allowed fail the scrape, but are counted to the end", () => {
  const bench = new Bench({ sampleLimit: 2 });
  bench.scrape("a 1\nb 1\n");
  const counts = emptyCounts();
  const bytes = new Uint8Array(64);
  bytes.set(Buffer.from("a 1\nb 1\nc 1\nd 1\n"));
  const appender = bench.storage.appender();
  assert.throws(() => bench.cache.scrape(bytes, 16, new TextParser(), appender, 2000, counts), {
    message: "sample limit exceeded",
  });
  appender.rollback();
  assert.equal(counts.scraped, 4);
});

test("scrape cache: label limits fail the scrape with the offending metric", () => {
  assert.throws(() => new Bench({ labelLimit: 4 }).scrape('a{x="1",y="2"} 1\n'), {
    message: "label_limit exceeded (metric: a, number of labels: 5, limit: 4)",
  });
  assert.throws(() => new Bench({ labelNameLengthLimit: 8 }).scrape('a{nine_char="1"} 1\n'), {
    message: "label_name_length_limit exceeded (metric: a, label name: nine_char, length: 9, limit: 8)",
  });
  assert.throws(() => new Bench({ labelValueLengthLimit: 3 }).scrape('a{x="1234"} 1\n'), {
    message: 'label_value_length_limit exceeded (metric: a, label name: x, value: "1234", length: 4, limit: 3)',
  });
});

test("scrape cache: le is normalised by the type in force, also for series that appear later", () => {
  const bench = new Bench();
  bench.scrape('# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="+Inf"} 1\n');
  bench.scrape('# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="2"} 1\nh_bucket{le="+Inf"} 1\n');
  assert.deepEqual(bench.dump(), [
    "h_bucket{le=+Inf} 1000=1 2000=1",
    "h_bucket{le=1.0} 1000=1 2000=1",
    "h_bucket{le=2.0} 2000=1",
  ]);
});

test("scrape cache: metadata follows the body, and is kept ten scrapes after it disappeared", () => {
  const bench = new Bench();
  bench.scrape("# HELP a first\n# TYPE a counter\na 1\n# TYPE b gauge\nb 1\n");
  assert.deepEqual(bench.cache.metadata().get("a"), { type: "counter", help: "first", unit: "" });
  bench.scrape("# HELP a second\n# TYPE a counter\na 1\n");
  assert.equal(bench.cache.metadata().get("a")?.help, "second");
  assert.equal(bench.cache.metadata().get("b")?.type, "gauge");
  for (let i = 0; i < 12; i++) bench.scrape("# HELP a second\n# TYPE a counter\na 1\n");
  assert.equal(bench.cache.metadata().has("b"), false);
});

test("scrape cache: OpenMetrics timestamps, exemplars and the end marker", () => {
  const bench = new Bench();
  const parser = new OpenMetricsParser();
  for (let i = 1; i <= 3; i++) {
    bench.scrape(`# TYPE a counter\na_total ${i} # {trace="t${i}"} 0.5\nb ${i} ${i}.5\n# EOF\n`, parser);
  }
  assert.deepEqual(bench.dump(), ["a_total 1000=1 2000=2 3000=3", "b 1500=1 2500=2 3500=3"]);
  const series = Labels.fromObject({ __name__: "a_total", job: "j", instance: "i" });
  assert.deepEqual(
    bench.storage.exemplars(series).map((e) => [e.labels.get("trace"), e.value, e.t]),
    [
      ["t1", 0.5, 1000],
      ["t2", 0.5, 2000],
      ["t3", 0.5, 3000],
    ],
  );
  assert.throws(() => bench.scrape("# TYPE a counter\na_total 1\nb 1\n", parser), {
    message: "data does not end with # EOF",
  });
});

test("scrape cache: caches of equal bodies share their templates, and give them back", () => {
  const store = new TemplateStore();
  const batch = new SampleBatch();
  const storage = new MemoryStorage();
  const body = Buffer.from(`${Array.from({ length: 500 }, (_, i) => `m{i="${i}"} ${i}`).join("\n")}\n`);
  const bytes = new Uint8Array(body.length + 8);
  bytes.set(body);
  const caches: ScrapeCache[] = [];
  let bytesOfOne = 0;
  for (let i = 0; i < 10; i++) {
    const cache = new ScrapeCache(Labels.fromObject({ instance: String(i) }), cacheOptions(), store, batch);
    const appender = storage.appender();
    cache.scrape(bytes, body.length, new TextParser(), appender, 1000, emptyCounts());
    appender.commit();
    if (i === 0) bytesOfOne = store.bytes;
    caches.push(cache);
  }
  assert.ok(bytesOfOne > body.length / 2);
  assert.equal(store.bytes, bytesOfOne);
  for (const cache of caches) cache.release();
  assert.deepEqual([store.bytes, store.blockCount], [0, 0]);
});
