// What one target exposes in protobuf, remembered so that the next scrape costs little. A metric is known by the raw
// bytes of its labels: where they are those of the metric that stood there before, its series are known without any
// label being read. A histogram's buckets are then values side by side; no text is made of them.
import type { ProtobufParser } from "@narthex/exposition";
import type { Labels } from "@narthex/model";
import type { Appender, SeriesRef } from "@narthex/storage";
import type { CacheOptions } from "./cache-options.ts";
import { markBefore } from "./extra-series.ts";
import { Form, KnownFamilies, type KnownFamily, KnownMetric } from "./known-metric.ts";
import { MetricIntake } from "./metric-intake.ts";
import type { SampleBatch } from "./sample-batch.ts";
import type { ScrapeCounts } from "./scrape-counts.ts";
import type { FamilyMetadata } from "./template.ts";

/** What a failed scrape may leave behind: twice the series of the last good one, and so many more. */
const FLUSH_SLACK = 1000;

/** One target's cache. Not reentrant; `scrape` runs straight through. */
export class MetricCache {
  readonly #intake: MetricIntake;
  #options: CacheOptions;
  readonly #families = new KnownFamilies();
  /** Whether a scrape failed since the last good one. */
  #hasFailed = false;
  /** Metrics that this scrape replaced, since their buckets became others. */
  #replaced: KnownMetric[] = [];
  #generation = 2;
  /** Metrics that the last good scrape had. */
  #presentMetrics = 0;
  #seenMetrics = 0;
  #seenAgain = 0;
  #size = 0;
  #lastSuccessful = 0;
  #forcedFlushes = 0;

  /** `target` are the labels every series gets. The batch may be shared by all caches of a process. */
  constructor(target: Labels, options: CacheOptions, batch: SampleBatch) {
    this.#options = options;
    this.#intake = new MetricIntake(target, options, batch);
  }

  /** New limits and the like. Labels that were settled already stay as they are. */
  set options(options: CacheOptions) {
    this.#options = options;
  }

  /** How often what failed scrapes left behind had to be thrown away. */
  get forcedFlushes(): number {
    return this.#forcedFlushes;
  }

  /** Series known. */
  get size(): number {
    return this.#size;
  }

  /** As `ScrapeCache.scrape`. */
  scrape(
    bytes: Uint8Array,
    length: number,
    parser: ProtobufParser,
    appender: Appender,
    t: number,
    counts: ScrapeCounts,
  ): void {
    this.#generation++;
    this.#seenMetrics = 0;
    this.#seenAgain = 0;
    const intake = this.#intake;
    intake.begin(parser, appender, t, this.#generation, counts, this.#options);
    parser.readsNative = this.#options.histograms.scrapeNative;
    parser.reset(bytes, length);
    try {
      while (parser.nextFamily()) {
        const family = this.#families.meet(parser, this.#generation);
        while (parser.nextMetric()) this.#takeMetric(family, parser);
      }
      intake.flush();
      this.#finish(appender, t, counts);
    } catch (error) {
      counts.kept = Math.max(counts.kept, intake.batch.count);
      this.#abandon();
      throw error;
    } finally {
      intake.end();
    }
  }

  /** Ends all series of the last good scrape with a stale marker at `t`: the target failed, or went away. */
  endAll(appender: Appender, t: number): void {
    for (const ref of this.present()) appender.appendStale(ref, t);
    if (this.#presentMetrics > 0) this.#remember(this.#generation);
    this.#presentMetrics = 0;
    this.#generation += 2;
    if (this.#size > 2 * this.#lastSuccessful + FLUSH_SLACK) {
      this.#families.clearMetrics();
      this.#size = 0;
      this.#forcedFlushes++;
    }
  }

  /** Series that the last good scrape had and that end when they are missing. */
  present(): Set<SeriesRef> {
    const refs = new Set<SeriesRef>();
    if (this.#presentMetrics === 0) return refs;
    for (const metric of this.#families.metrics()) this.#addTracked(metric, this.#generation, refs);
    return refs;
  }

  /** Families and what is known of them, those included that were declared at most 10 scrapes ago. */
  metadata(): ReadonlyMap<string, FamilyMetadata> {
    return this.#families.metadata();
  }

  /** How many families `metadata` would list, and about how many bytes their texts take. */
  get metadataSize(): { readonly entries: number; readonly bytes: number } {
    return this.#families.metadataSize;
  }

  /** Forgets everything. The cache is as new afterwards. */
  release(): void {
    this.#families.clear();
    this.#intake.forget();
    this.#replaced = [];
    this.#size = 0;
    this.#presentMetrics = 0;
    this.#generation += 2;
  }

  #addTracked(metric: KnownMetric, generation: number, refs: Set<SeriesRef>): void {
    if (metric.isUntracked) return;
    if (metric.histogramSeen >>> 1 === generation && metric.flags[0] === 0) refs.add(metric.refs[0] as number);
    if (metric.seen >>> 1 !== generation) return;
    for (let i = metric.inFront; i < metric.refs.length; i++) {
      if (metric.flags[i] === 0) refs.add(metric.refs[i] as number);
    }
  }

  #takeMetric(family: KnownFamily, parser: ProtobufParser): void {
    const form = this.#formOf(parser);
    const metric = this.#meet(family, parser, form);
    const generation = this.#generation;
    const repeated = metric.seen >>> 1 === generation;
    if (!repeated) {
      const before = metric.seen >>> 1 === generation - 1;
      metric.seen = generation * 2 + (before ? 1 : 0);
      this.#seenMetrics++;
      if (before) this.#seenAgain++;
    }
    const isNew = !repeated && (metric.seen & 1) === 0 && !metric.isKnown;
    const own = parser.timestamp !== 0 && this.#options.honorTimestamps;
    if (!repeated) metric.isUntracked = own && !this.#options.trackTimestampsStaleness;
    this.#intake.take(metric, own, isNew, repeated);
  }

  #formOf(parser: ProtobufParser): number {
    const { type } = parser;
    if (type === "summary") return Form.fields;
    if (type !== "histogram" && type !== "gaugehistogram") return Form.single;
    const { scrapeNative, alwaysScrapeClassic, convertClassic } = this.#options.histograms;
    if (parser.isNative && scrapeNative) {
      return alwaysScrapeClassic && parser.hasBuckets ? Form.both : Form.histogram;
    }
    if (!convertClassic || type !== "histogram") return Form.fields;
    return alwaysScrapeClassic ? Form.both : Form.histogram;
  }

  /** The metric the parser stands on, as it was known or as a new one. */
  #meet(family: KnownFamily, parser: ProtobufParser, form: number): KnownMetric {
    const known = family.find(parser);
    if (known !== undefined && known.form === form && known.hasBounds(parser)) {
      family.expectAfter(known);
      return known;
    }
    const inFront = form === Form.fields || form === Form.single ? 0 : 1;
    const metric = new KnownMetric(family, parser, form, inFront);
    if (known !== undefined) {
      metric.adopt(known);
      this.#size -= known.refs.length;
      this.#replaced.push(known);
    }
    this.#size += metric.refs.length;
    family.add(metric);
    return metric;
  }

  /** Ends what went away, and forgets it. */
  #finish(appender: Appender, t: number, counts: ScrapeCounts): void {
    const generation = this.#generation;
    if (this.#seenAgain < this.#presentMetrics || this.#replaced.length > 0 || this.#intake.lacksHistograms) {
      const missing = new Set<SeriesRef>();
      for (const metric of this.#families.metrics()) this.#addTracked(metric, generation - 1, missing);
      for (const metric of this.#replaced) this.#addTracked(metric, generation - 1, missing);
      // Two metrics may name one series, by relabeling for instance: it goes on while one of them is there.
      if (missing.size > 0) {
        for (const metric of this.#families.metrics()) {
          if (metric.seen >>> 1 !== generation) continue;
          const first = metric.histogramSeen >>> 1 === generation ? 0 : metric.inFront;
          for (let i = first; i < metric.refs.length; i++) missing.delete(metric.refs[i] as number);
        }
      }
      for (const ref of missing) appender.appendStale(ref, t);
    }
    this.#replaced = [];
    this.#intake.settle();
    this.#size -= this.#families.forgetUnseen(generation, this.#seenMetrics);
    this.#presentMetrics = this.#seenMetrics;
    this.#lastSuccessful = counts.scraped;
    if (!this.#hasFailed) return;
    this.#hasFailed = false;
    for (const metric of this.#families.metrics()) {
      metric.isKnown = false;
      metric.attempt = undefined;
    }
  }

  /** A scrape failed: what it had, or the last good one before it, is no news to the next. */
  #remember(generation: number): void {
    this.#hasFailed = true;
    for (const metric of this.#families.metrics()) if (metric.seen >>> 1 === generation) metric.isKnown = true;
  }

  /** A scrape failed: what was there before it counts as there, but for what it learnt about families. */
  #abandon(): void {
    const generation = this.#generation;
    this.#remember(generation);
    this.#generation = generation - 1;
    for (const metric of this.#families.metrics()) {
      if (metric.seen >>> 1 === generation) metric.created = 0;
      metric.seen = markBefore(metric.seen, generation);
      metric.histogramSeen = markBefore(metric.histogramSeen, generation);
    }
    for (const metric of this.#replaced.reverse()) {
      this.#size += metric.refs.length - metric.family.restore(metric);
      metric.seen = markBefore(metric.seen, generation);
      metric.histogramSeen = markBefore(metric.histogramSeen, generation);
    }
    this.#replaced = [];
  }
}
