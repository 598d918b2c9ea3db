// What becomes of a metric in protobuf whose series are known: its values go with the batch, alone with a time of their own, as a
// histogram, or nowhere.
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
import { fitHistogram } from "./histogram-limits.ts";
import { Form, type KnownMetric, SeriesFlag } from "./known-metric.ts";
import { ClassicCollation } from "./nhcb.ts";
import type { SampleBatch } from "./sample-batch.ts";
import { addTypeAndUnit, storedLabels } from "./sample-labels.ts";
import { SampleSink, type SeriesSource } from "./sample-sink.ts";
import { emptyCounts, MAX_FUTURE_MS, REFUSED_PAUSE, type ScrapeCounts } from "./scrape-counts.ts";
import { isCumulative } from "./start-synthesis.ts";

const collation = new ClassicCollation();
const exemplars = new ExemplarBatch();

/** One target's. */
export class MetricIntake implements SeriesSource {
  /** May be shared by all intakes of a process, as scrapes are taken in one after another. */
  readonly batch: SampleBatch;
  /** Whether some metric of this scrape came without the histogram that it should have. */
  lacksHistograms = false;
  readonly #target: Labels;
  readonly #sink: SampleSink;
  /** Which metric and which of its series each sample of the batch belongs to (the latter in `batch.entries`). */
  readonly #owners: KnownMetric[] = [];
  // Of the scrape in progress.
  #options: CacheOptions;
  #t = 0;
  #generation = 0;
  #parser: ProtobufParser | undefined;
  #appender: Appender | undefined;
  #counts: ScrapeCounts = emptyCounts();
  /** Whether samples of the batch have start timestamps, and that of the metric at hand: 0 where none is told or wanted. */
  #passesStarts = false;
  #created = 0;

  constructor(target: Labels, options: CacheOptions, batch: SampleBatch) {
    this.#target = target;
    this.#options = options;
    this.batch = batch;
    this.#sink = new SampleSink(batch, this);
  }

  /** Scrape number `generation` begins, whose samples have the time `t` unless they have their own. */
  begin(
    parser: ProtobufParser,
    appender: Appender,
    t: number,
    generation: number,
    counts: ScrapeCounts,
    options: CacheOptions,
  ): void {
    this.#parser = parser;
    this.#appender = appender;
    this.#t = t;
    this.#generation = generation;
    this.#counts = counts;
    this.#options = options;
    this.lacksHistograms = false;
    const { startTimes, synthesizesStarts } = options;
    this.#sink.begin(appender, t, generation, counts, synthesizesStarts);
    this.#passesStarts = startTimes || synthesizesStarts;
  }

  /** The scrape is over. */
  end(): void {
    this.#sink.end();
    exemplars.clear();
    this.#owners.length = 0;
    this.#appender = undefined;
    this.#parser = undefined;
  }

  /** The body was read to its end: the batch goes to the storage. Throws a `ScrapeError` when it is too many samples. */
  flush(): void {
    this.#counts.kept += this.batch.count;
    this.#sink.flush(this.#options.sampleLimit);
  }

  /** The scrape was a good one: start times that were made up for series it had not are forgotten. */
  settle(): void {
    this.#sink.synthesis?.keepSeen(this.#generation);
  }

  /** Forgets what it knows from one scrape to the next. */
  forget(): void {
    this.#sink.synthesis = undefined;
  }

  /** Settles the metric that the parser stands on. `isNew`: the scrape before had it not. `repeated`: this one had it already. */
  take(metric: KnownMetric, own: boolean, isNew: boolean, repeated: boolean): void {
    const parser = this.#parser as ProtobufParser;
    const { form } = metric;
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

  /** Sees to it that a series has its ref, and its metadata where that is new; beyond the sample limit no more are made. */
  #settle(metric: KnownMetric, index: number, isNew: boolean): void {
    const counts = this.#counts;
    const isDue = metric.flags[index] === SeriesFlag.refused && this.#generation % REFUSED_PAUSE === 0;
    const wasUnknown = metric.flags[index] === SeriesFlag.unresolved || isDue;
    if (wasUnknown) {
      const labels = this.#labelsOf(metric, index);
      const { sampleLimit } = this.#options;
      if (labels === undefined) metric.flags[index] = SeriesFlag.dropped;
      else if (sampleLimit > 0 && counts.kept + this.batch.count + index >= sampleLimit) return;
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

  /** The series went from the storage meanwhile: makes it again. 0 when it is refused now, which is counted, or dropped. */
  #resolveAgain(metric: KnownMetric, index: number): SeriesRef {
    const labels = this.#labelsOf(metric, index);
    const ref = labels === undefined ? 0 : (this.#appender as Appender).series(labels);
    this.#sink.synthesis?.move(metric.refs[index] as number, ref);
    metric.refs[index] = ref;
    if (labels === undefined) metric.flags[index] = SeriesFlag.dropped;
    else if (ref === 0) {
      metric.flags[index] = SeriesFlag.refused;
      this.#counts.refused++;
    }
    return ref;
  }

  #emit(metric: KnownMetric, index: number, value: number, own: boolean, repeated: boolean): void {
    const counts = this.#counts;
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
    const batch = this.batch;
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
    const counts = this.#counts;
    counts.scraped++;
    const { histograms } = this.#options;
    const isNative = parser.isNative && histograms.scrapeNative;
    const made = isNative ? { histogram: parser.histogram(), integer: parser.isInteger } : collate(parser);
    // Classic buckets that contradict themselves make no histogram; the scrape goes on.
    if (made === undefined) {
      counts.scraped--;
      this.lacksHistograms = true;
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
        this.#counts.kept--;
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
    this.#counts.exemplarsOutOfOrder += late;
  }

  /** See `SeriesSource`. */
  makeAgain(at: number): SeriesRef {
    return this.#resolveAgain(this.#owners[at] as KnownMetric, this.batch.entries[at] as number);
  }

  /** See `SeriesSource`. */
  isCumulative(at: number): boolean {
    const metric = this.#owners[at] as KnownMetric;
    return isCumulative(metric.family.type, metric.suffix(this.batch.entries[at] as number));
  }

  /** See `SeriesSource`. */
  moved(from: number, to: number): void {
    this.#owners[to] = this.#owners[from] as KnownMetric;
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
