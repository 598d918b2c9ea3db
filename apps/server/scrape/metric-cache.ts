// What one target exposes in protobuf, remembered so that the next scrape costs little. A metric is known by the raw
// bytes of its labels: where they are those of the metric that stood there before, its series are known without any
// label being read. A histogram's buckets are then values side by side; no text is made of them.
import { canonicalFloat, type ProtobufParser, readProtobufLabels } from "@narthex/exposition";
import {
  createHistogram,
  type FloatHistogramFields,
  type Labels,
  METRIC_NAME,
  NORMAL_NAN_HIGH,
  NORMAL_NAN_LOW,
} from "@narthex/model";
import { Append, type Appender, type SeriesRef } from "@narthex/storage";
import type { CacheOptions } from "./cache-options.ts";
import { ExemplarBatch } from "./exemplar-batch.ts";
import { markBefore } from "./extra-series.ts";
import { fitHistogram } from "./histogram-limits.ts";
import { KnownFamilies, type KnownFamily, KnownMetric, SeriesFlag } from "./known-metric.ts";
import { ClassicCollation } from "./nhcb.ts";
import type { SampleBatch } from "./sample-batch.ts";
import { addTypeAndUnit, storedLabels } from "./sample-labels.ts";
import { SampleSink, type SeriesSource } from "./sample-sink.ts";
import { MAX_FUTURE_MS, REFUSED_PAUSE, type ScrapeCounts } from "./scrape-counts.ts";
import { isCumulative } from "./start-synthesis.ts";
import type { FamilyMetadata } from "./template.ts";

/** What a failed scrape may leave behind: twice the series of the last good one, and so many more. */
const FLUSH_SLACK = 1000;

/** Which series a metric has: one histogram in front, and those of its fields behind it. */
const Form = { single: 0, fields: 1, histogram: 2, both: 3 } as const;

const collation = new ClassicCollation();
const exemplars = new ExemplarBatch();

/** One target's cache. Not reentrant; `scrape` runs straight through. */
export class MetricCache implements SeriesSource {
  readonly #target: Labels;
  readonly #batch: SampleBatch;
  readonly #sink: SampleSink;
  #options: CacheOptions;
  readonly #families = new KnownFamilies();
  /** Whether a scrape failed since the last good one. */
  #hasFailed = false;
  /** Metrics that this scrape replaced, since their buckets became others. */
  #replaced: KnownMetric[] = [];
  /** Which metric and which of its series each sample of the batch belongs to (the latter in `batch.entries`). */
  readonly #owners: KnownMetric[] = [];

  #generation = 2;
  /** Metrics that the last good scrape had. */
  #presentMetrics = 0;
  #seenMetrics = 0;
  #seenAgain = 0;
  /** Whether some metric of this scrape came without the histogram that it should have. */
  #lacksHistograms = false;
  #size = 0;
  #lastSuccessful = 0;
  #forcedFlushes = 0;

  // State of the scrape in progress.
  #t = 0;
  #parser: ProtobufParser | undefined;
  #appender: Appender | undefined;
  #counts: ScrapeCounts | undefined;
  /** Whether samples of the batch have start timestamps, and that of the metric at hand: 0 where none is told or wanted. */
  #passesStarts = false;
  #created = 0;

  /** `target` are the labels every series gets. The batch may be shared by all caches of a process. */
  constructor(target: Labels, options: CacheOptions, batch: SampleBatch) {
    this.#target = target;
    this.#options = options;
    this.#batch = batch;
    this.#sink = new SampleSink(batch, this);
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
    this.#t = t;
    this.#parser = parser;
    this.#appender = appender;
    this.#counts = counts;
    this.#seenMetrics = 0;
    this.#seenAgain = 0;
    this.#lacksHistograms = false;
    const batch = this.#batch;
    const { startTimes, synthesizesStarts } = this.#options;
    this.#sink.begin(appender, t, this.#generation, counts, synthesizesStarts);
    this.#passesStarts = startTimes || synthesizesStarts;
    parser.readsNative = this.#options.histograms.scrapeNative;
    parser.reset(bytes, length);
    try {
      while (parser.nextFamily()) {
        const family = this.#families.meet(parser, this.#generation);
        while (parser.nextMetric()) this.#takeMetric(family, parser);
      }
      counts.kept += batch.count;
      this.#sink.flush(this.#options.sampleLimit);
      this.#finish();
    } catch (error) {
      counts.kept = Math.max(counts.kept, batch.count);
      this.#abandon();
      throw error;
    } finally {
      this.#sink.end();
      exemplars.clear();
      this.#owners.length = 0;
      this.#appender = undefined;
      this.#parser = undefined;
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
    this.#sink.synthesis = undefined;
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
    for (let i = 0; i < metric.refs.length; i++) this.#settle(metric, i, isNew);
    this.#takeStartTime(metric, parser);
    this.#created = this.#options.startTimes ? parser.created : 0;
    switch (form) {
      case Form.single:
        this.#emit(metric, 0, parser.value, own, repeated);
        if (parser.exemplarCount > 0) this.#takeExemplars(metric, 0, -1, false);
        break;
      case Form.fields:
        this.#emitFields(metric, 0, own, repeated);
        break;
      default:
        this.#emitHistogram(metric, own);
        if (form === Form.both) this.#emitFields(metric, 1, own, repeated);
    }
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

  /** Sees to it that a series has its ref, and its metadata where that is new; beyond the sample limit no more are made. */
  #settle(metric: KnownMetric, index: number, isNew: boolean): void {
    const counts = this.#counts as ScrapeCounts;
    const isDue = metric.flags[index] === SeriesFlag.refused && this.#generation % REFUSED_PAUSE === 0;
    const wasUnknown = metric.flags[index] === SeriesFlag.unresolved || isDue;
    if (wasUnknown) {
      const labels = this.#labelsOf(metric, index);
      const { sampleLimit } = this.#options;
      if (labels === undefined) metric.flags[index] = SeriesFlag.dropped;
      else if (sampleLimit > 0 && counts.kept + this.#batch.count + index >= sampleLimit) return;
      else {
        const ref = (this.#appender as Appender).series(labels);
        metric.refs[index] = ref;
        metric.flags[index] = ref === 0 ? SeriesFlag.refused : 0;
      }
    }
    if (metric.flags[index] !== 0) return;
    if ((isNew || wasUnknown) && index >= metric.inFront) counts.added++;
    if (this.#options.appendMetadata && (wasUnknown || metric.family.changedIn === this.#generation)) {
      (this.#appender as Appender).updateMetadata(metric.refs[index] as number, metric.family.metadata);
    }
  }

  #labelsOf(metric: KnownMetric, index: number): Labels | undefined {
    const { family } = metric;
    const exposed: string[] = [METRIC_NAME, family.name + metric.suffix(index)];
    const bytes = Buffer.from(metric.text, "latin1");
    readProtobufLabels(bytes, 0, bytes.length, exposed);
    const bound = metric.bound(index);
    if (bound !== undefined) exposed.push(family.type === "summary" ? "quantile" : "le", canonicalFloat(bound));
    if (this.#options.typeAndUnitLabels) addTypeAndUnit(exposed, family.type, family.unit);
    return storedLabels(exposed, this.#target, this.#options);
  }

  #resolveAgain(metric: KnownMetric, index: number): SeriesRef {
    const labels = this.#labelsOf(metric, index);
    const ref = labels === undefined ? 0 : (this.#appender as Appender).series(labels);
    this.#sink.synthesis?.move(metric.refs[index] as number, ref);
    metric.refs[index] = ref;
    return ref;
  }

  #emit(metric: KnownMetric, index: number, value: number, own: boolean, repeated: boolean): void {
    const counts = this.#counts as ScrapeCounts;
    counts.scraped++;
    const flags = metric.flags[index] as number;
    if (flags !== 0) {
      if (flags === SeriesFlag.unresolved) counts.kept++;
      else if (flags === SeriesFlag.refused) counts.refused++;
      return;
    }
    if (repeated && !own) {
      counts.kept++;
      counts.duplicates++;
      return;
    }
    const batch = this.#batch;
    const n = batch.count;
    const ref = metric.refs[index] as number;
    batch.refs[n] = ref;
    batch.entries[n] = index;
    if (Number.isNaN(value)) {
      batch.halves[2 * n] = NORMAL_NAN_LOW;
      batch.halves[2 * n + 1] = NORMAL_NAN_HIGH;
    } else batch.values[n] = value;
    this.#owners[n] = metric;
    if (own) {
      counts.kept++;
      this.#sink.appendAlone(ref, (this.#parser as ProtobufParser).timestamp, this.#created);
      return;
    }
    if (this.#passesStarts) batch.withStartTimes()[n] = this.#created;
    batch.count = n + 1;
    batch.reserve(1);
  }

  #emitFields(metric: KnownMetric, first: number, own: boolean, repeated: boolean): void {
    const parser = this.#parser as ProtobufParser;
    const isSummary = parser.type === "summary";
    this.#emit(metric, first, isSummary ? parser.count : parser.classicCount, own, repeated);
    this.#emit(metric, first + 1, parser.sum, own, repeated);
    const { bucketCount, counts } = parser;
    for (let i = 0; i < bucketCount; i++) this.#emit(metric, first + 2 + i, counts[i] as number, own, repeated);
    for (let e = 0; e < parser.exemplarCount; e++) {
      const owner = parser.exemplarOwner(e);
      if (owner >= 0 && owner < bucketCount) this.#takeExemplars(metric, first + 2 + owner, e, false);
    }
  }

  #emitHistogram(metric: KnownMetric, own: boolean): void {
    const parser = this.#parser as ProtobufParser;
    const counts = this.#counts as ScrapeCounts;
    counts.scraped++;
    const { histograms } = this.#options;
    const isNative = parser.isNative && histograms.scrapeNative;
    const made = isNative ? { histogram: parser.histogram(), integer: parser.isInteger } : collate(parser);
    // Classic buckets that contradict themselves make no histogram; the scrape goes on.
    if (made === undefined) {
      counts.scraped--;
      this.#lacksHistograms = true;
      return;
    }
    fitHistogram(made.histogram, made.integer, histograms);
    const flags = metric.flags[0] as number;
    if (flags === SeriesFlag.dropped) return;
    if (flags === SeriesFlag.refused) {
      counts.refused++;
      return;
    }
    counts.kept++;
    if (flags === SeriesFlag.unresolved) return;
    const generation = this.#generation;
    if (metric.histogramSeen >>> 1 !== generation) {
      const before = metric.histogramSeen >>> 1 === generation - 1;
      if (!before && !metric.isKnown) counts.added++;
      metric.histogramSeen = generation * 2 + (before ? 1 : 0);
    }
    const t = own ? parser.timestamp : this.#t;
    if (t > this.#t + MAX_FUTURE_MS) {
      counts.outOfBounds++;
      return;
    }
    this.#appendHistogram(metric, t, made.histogram, made.integer);
    this.#takeExemplars(metric, 0, -2, true);
  }

  #appendHistogram(metric: KnownMetric, t: number, histogram: FloatHistogramFields, integer: boolean): void {
    const appender = this.#appender as Appender;
    let ref = metric.refs[0] as number;
    const { synthesis } = this.#sink;
    const told = { histogram, startTime: this.#created };
    const isMadeUp = told.startTime === 0 && synthesis !== undefined && metric.family.type === "histogram";
    const sample = isMadeUp ? synthesis.takeHistogram(ref, t, histogram, this.#generation) : told;
    if (sample === undefined) return;
    let verdict = appender.appendHistogram(ref, t, sample.histogram, integer, sample.startTime);
    if (verdict === Append.unknownRef) {
      ref = this.#resolveAgain(metric, 0);
      if (ref === 0) {
        (this.#counts as ScrapeCounts).refused++;
        return;
      }
      verdict = appender.appendHistogram(ref, t, sample.histogram, integer, sample.startTime);
    }
    if (verdict !== Append.ok) synthesis?.forget(ref);
    this.#sink.count(verdict);
  }

  /** A counter that began after the sample before gets a zero where it began, so that its first increase is seen. */
  #takeStartTime(metric: KnownMetric, parser: ProtobufParser): void {
    const { created } = parser;
    if (!this.#options.startTimeZeros || created <= 0 || created === metric.created) return;
    const t = parser.timestamp !== 0 && this.#options.honorTimestamps ? parser.timestamp : this.#t;
    if (created >= t) return;
    metric.created = created;
    const appender = this.#appender as Appender;
    for (let i = 0; i < metric.refs.length; i++) {
      if (metric.flags[i] !== 0) continue;
      const ref = metric.refs[i] as number;
      // A refusal says that the series has later samples: then the start is known already.
      if (i >= metric.inFront) appender.append(ref, created, 0);
      else appender.appendHistogram(ref, created, this.#emptyHistogram(parser), parser.isInteger);
    }
  }

  #emptyHistogram(parser: ProtobufParser): FloatHistogramFields {
    const isNative = parser.isNative && this.#options.histograms.scrapeNative;
    const made = isNative ? parser.histogram() : collate(parser)?.histogram;
    if (made === undefined) return createHistogram();
    const { schema, zeroThreshold, customValues, counterResetHint } = made;
    const empty = createHistogram({ schema, zeroThreshold, customValues, counterResetHint });
    fitHistogram(empty, true, this.#options.histograms);
    return empty;
  }

  /**
   * Hands exemplars to a series: number `which` of the metric; with -1 all; with -2 those of a native histogram, which
   * must have times of their own, and come from the classic buckets where it has none.
   */
  #takeExemplars(metric: KnownMetric, index: number, which: number, timed: boolean): void {
    const parser = this.#parser as ProtobufParser;
    if (!this.#options.exemplars || parser.exemplarCount === 0 || metric.flags[index] !== 0) return;
    const t = parser.timestamp !== 0 && this.#options.honorTimestamps ? parser.timestamp : this.#t;
    let hasOwn = false;
    for (let e = 0; timed && e < parser.exemplarCount; e++) hasOwn ||= parser.exemplarOwner(e) === -2;
    for (let e = 0; e < parser.exemplarCount; e++) {
      if (which >= 0 && e !== which) continue;
      if (timed && (parser.exemplarOwner(e) === -2) !== hasOwn) continue;
      const { labels, value, timestamp } = parser.exemplar(e);
      if (timed && timestamp === undefined) continue;
      exemplars.add(labels, value, timestamp ?? t);
    }
    const late = exemplars.flush(this.#appender as Appender, metric.refs[index] as number);
    (this.#counts as ScrapeCounts).exemplarsOutOfOrder += late;
  }

  /** See `SeriesSource`. */
  makeAgain(at: number): SeriesRef {
    return this.#resolveAgain(this.#owners[at] as KnownMetric, this.#batch.entries[at] as number);
  }

  /** See `SeriesSource`. */
  isCumulative(at: number): boolean {
    const metric = this.#owners[at] as KnownMetric;
    return isCumulative(metric.family.type, metric.suffix(this.#batch.entries[at] as number));
  }

  /** See `SeriesSource`. */
  moved(from: number, to: number): void {
    this.#owners[to] = this.#owners[from] as KnownMetric;
  }

  /** Ends what went away, and forgets it. */
  #finish(): void {
    const generation = this.#generation;
    if (this.#seenAgain < this.#presentMetrics || this.#replaced.length > 0 || this.#lacksHistograms) {
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
      for (const ref of missing) (this.#appender as Appender).appendStale(ref, this.#t);
    }
    this.#replaced = [];
    this.#sink.synthesis?.keepSeen(generation);
    this.#size -= this.#families.forgetUnseen(generation, this.#seenMetrics);
    this.#presentMetrics = this.#seenMetrics;
    this.#lastSuccessful = (this.#counts as ScrapeCounts).scraped;
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

function collate(parser: ProtobufParser): ReturnType<ClassicCollation["convert"]> {
  collation.clear();
  collation.setCount(parser.classicCount);
  collation.setSum(parser.sum);
  for (let i = 0; i < parser.bucketCount; i++)
    collation.addBucket(parser.bounds[i] as number, parser.counts[i] as number);
  return collation.convert();
}
