// A storage that keeps everything in memory: for tests, for engines in a browser, and as the plainest reading of
// the storage contract. Simple before fast: selections walk all series.
import type { Exemplar, FloatHistogramFields, Labels, Matcher, Metadata } from "@narthex/model";
import { compareStrings, Labels as LabelSet } from "@narthex/model";
import {
  Append,
  type Appendable,
  type Appender,
  type AppendOptions,
  InvalidLabelsError,
  type SeriesRef,
} from "./appender.ts";
import type { LabelBytes } from "./label-bytes.ts";
import {
  copySamples,
  EXEMPLARS_PER_SERIES,
  firstIndexFrom,
  MemorySeries,
  type PendingSample,
  stalePending,
} from "./memory-series.ts";
import type { Names, Querier, Queryable, SelectHints, SeriesSet } from "./queryable.ts";
import type { SampleBuffer } from "./sample-buffer.ts";

export interface MemoryStorageOptions {
  /** How much older than the newest sample of its series a sample may be; 0 (the default) takes none that is older. */
  readonly outOfOrderWindowMs?: number;
  /** A commit that would go past so many samples throws, and changes nothing. 20 million by default. */
  readonly maxSamples?: number;
}

/** Everything a view needs of one series: later commits change neither the buffer's first `count` samples nor these. */
interface SeriesView {
  readonly labels: Labels;
  readonly samples: SampleBuffer;
  readonly count: number;
}

export class MemoryStorage implements Queryable, Appendable {
  readonly #outOfOrderWindowMs: number;
  readonly #maxSamples: number;
  readonly #byKey = new Map<string, MemorySeries>();
  readonly #byRef = new Map<SeriesRef, MemorySeries>();
  #lastRef = 0;
  #sampleCount = 0;
  /** The sorted views of all series with samples; undefined after a commit, until somebody asks. */
  #views: readonly SeriesView[] | undefined;

  constructor(options: MemoryStorageOptions = {}) {
    this.#outOfOrderWindowMs = options.outOfOrderWindowMs ?? 0;
    this.#maxSamples = options.maxSamples ?? 20_000_000;
  }

  querier(minTime: number, maxTime: number): Querier {
    this.#views ??= this.#freeze();
    return new MemoryQuerier(this.#views, minTime, maxTime);
  }

  appender({ inOrderOnly = false }: AppendOptions = {}): Appender {
    const outOfOrderWindowMs = inOrderOnly ? 0 : this.#outOfOrderWindowMs;
    return new MemoryAppender({
      resolve: (labels) => this.#resolve(labels),
      series: (ref) => this.#byRef.get(ref),
      outOfOrderWindowMs,
      commit: (samples) => this.#commit(samples, outOfOrderWindowMs),
      release: (series) => this.#release(series),
    });
  }

  /** What was last said about a series, if anything. */
  metadata(labels: Labels): Metadata | undefined {
    return this.#byKey.get(labels.key)?.metadata;
  }

  /** A series' newest exemplars, at most 16, in order of arrival. */
  exemplars(labels: Labels): readonly Exemplar[] {
    return this.#byKey.get(labels.key)?.exemplars ?? [];
  }

  get sampleCount(): number {
    return this.#sampleCount;
  }

  #freeze(): readonly SeriesView[] {
    const views: SeriesView[] = [];
    for (const { labels, samples } of this.#byKey.values()) {
      if (samples.count > 0) views.push({ labels, samples, count: samples.count });
    }
    return views.sort((a, b) => LabelSet.compare(a.labels, b.labels));
  }

  #resolve(labels: Labels): MemorySeries {
    const known = this.#byKey.get(labels.key);
    if (known !== undefined) return known;
    checkLabels(labels);
    const series = new MemorySeries(++this.#lastRef, labels);
    this.#byKey.set(labels.key, series);
    this.#byRef.set(series.ref, series);
    return series;
  }

  #commit(pending: readonly PendingSample[], outOfOrderWindowMs: number): void {
    if (this.#sampleCount + pending.length > this.#maxSamples) {
      throw new Error(`memory storage is full: it takes ${this.#maxSamples} samples at most`);
    }
    this.#views = undefined;
    for (const sample of pending) {
      const series = this.#byRef.get(sample.ref);
      // Another appender may have committed in between: what has become too late by that is left out.
      if (series === undefined || series.verdict(sample, outOfOrderWindowMs) !== Append.ok) continue;
      const before = series.samples.count;
      series.add(sample);
      this.#sampleCount += series.samples.count - before;
    }
  }

  /** Forgets a series that nobody is about to write and that never got a sample. */
  #release(series: MemorySeries): void {
    series.users--;
    if (series.users > 0 || series.samples.count > 0) return;
    this.#byKey.delete(series.labels.key);
    this.#byRef.delete(series.ref);
  }
}

function checkLabels(labels: Labels): void {
  const { pairs } = labels;
  if (pairs.length === 0) throw new InvalidLabelsError("a series needs at least one label");
  for (let i = 0; i < pairs.length; i += 2) {
    if (pairs[i] === "") throw new InvalidLabelsError("empty label name");
    if (pairs[i + 1] === "") throw new InvalidLabelsError(`label ${JSON.stringify(pairs[i])} has no value`);
    if (i === 0) continue;
    const order = compareStrings(pairs[i - 2] as string, pairs[i] as string);
    if (order === 0) throw new InvalidLabelsError(`label ${JSON.stringify(pairs[i])} is not unique`);
    if (order > 0) throw new InvalidLabelsError(`label ${JSON.stringify(pairs[i])} is not in order`);
  }
}

/** The appender's door to its storage. */
interface MemoryTarget {
  resolve(labels: Labels): MemorySeries;
  series(ref: SeriesRef): MemorySeries | undefined;
  readonly outOfOrderWindowMs: number;
  commit(samples: readonly PendingSample[]): void;
  release(series: MemorySeries): void;
}

class MemoryAppender implements Appender {
  readonly #target: MemoryTarget;
  readonly #used = new Set<MemorySeries>();
  readonly #pending: PendingSample[] = [];
  /** Newest pending sample of each series, so that a batch is held to the same order as the storage. */
  readonly #newest = new Map<SeriesRef, PendingSample>();
  readonly #afterwards: (() => void)[] = [];
  readonly #bits = new SingleFloat();
  #ended = false;

  constructor(target: MemoryTarget) {
    this.#target = target;
  }

  series(labels: Labels): SeriesRef {
    this.#checkOpen();
    const series = this.#target.resolve(labels);
    this.#use(series);
    return series.ref;
  }

  seriesOfBytes(labels: LabelBytes): SeriesRef {
    return this.series(labels.toLabels());
  }

  append(ref: SeriesRef, t: number, value: number, startTime = 0): Append {
    this.#bits.value = value;
    const { high, low } = this.#bits;
    return this.#add({ ref, t, high, low, histogram: undefined, startTime });
  }

  appendStale(ref: SeriesRef, t: number): Append {
    return this.#add(stalePending(ref, t));
  }

  appendBits(ref: SeriesRef, t: number, high: number, low: number, startTime = 0): Append {
    return this.#add({ ref, t, high: high >>> 0, low: low >>> 0, histogram: undefined, startTime });
  }

  appendBatch(
    refs: Uint32Array,
    halves: Uint32Array,
    count: number,
    t: number,
    verdicts: Uint8Array,
    startTimes?: Float64Array,
  ): number {
    let refused = 0;
    for (let i = 0; i < count; i++) {
      const low = halves[2 * i] as number;
      const high = halves[2 * i + 1] as number;
      const startTime = startTimes === undefined ? 0 : (startTimes[i] as number);
      const verdict = this.#add({ ref: refs[i] as number, t, high, low, histogram: undefined, startTime });
      verdicts[i] = verdict;
      if (verdict !== Append.ok) refused++;
    }
    return refused;
  }

  appendHistogram(ref: SeriesRef, t: number, histogram: FloatHistogramFields, integer: boolean, startTime = 0): Append {
    const kept = integer && histogram.integer !== true ? { ...histogram, integer } : histogram;
    return this.#add({ ref, t, high: 0, low: 0, histogram: kept, startTime });
  }

  appendExemplar(ref: SeriesRef, exemplar: Exemplar): Append {
    this.#checkOpen();
    const series = this.#target.series(ref);
    if (series === undefined) return Append.unknownRef;
    this.#afterwards.push(() => {
      series.exemplars.push(exemplar);
      if (series.exemplars.length > EXEMPLARS_PER_SERIES) series.exemplars.shift();
    });
    return Append.ok;
  }

  updateMetadata(ref: SeriesRef, metadata: Metadata): void {
    this.#checkOpen();
    const series = this.#target.series(ref);
    if (series === undefined) return;
    this.#afterwards.push(() => {
      series.metadata = metadata;
    });
  }

  commit(): void {
    this.#checkOpen();
    this.#target.commit(this.#pending);
    for (const apply of this.#afterwards) apply();
    this.#end();
  }

  rollback(): void {
    this.#checkOpen();
    this.#end();
  }

  #add(sample: PendingSample): Append {
    this.#checkOpen();
    const series = this.#target.series(sample.ref);
    if (series === undefined) return Append.unknownRef;
    this.#use(series);
    const verdict = series.verdict(sample, this.#target.outOfOrderWindowMs);
    if (verdict !== Append.ok) return verdict;
    const newest = this.#newest.get(sample.ref);
    if (newest !== undefined && this.#target.outOfOrderWindowMs === 0) {
      if (sample.t < newest.t) return Append.outOfOrder;
      if (sample.t === newest.t) return isSamePending(sample, newest) ? Append.ok : Append.duplicate;
    }
    this.#newest.set(sample.ref, sample);
    this.#pending.push(sample);
    return Append.ok;
  }

  #use(series: MemorySeries): void {
    if (this.#used.has(series)) return;
    this.#used.add(series);
    series.users++;
  }

  #checkOpen(): void {
    if (this.#ended) throw new Error("the appender was committed or rolled back already");
  }

  #end(): void {
    this.#ended = true;
    for (const series of this.#used) this.#target.release(series);
  }
}

function isSamePending(a: PendingSample, b: PendingSample): boolean {
  return a.high === b.high && a.low === b.low && a.histogram === b.histogram;
}

/** One float and its two halves. */
class SingleFloat {
  readonly #values = new Float64Array(1);
  readonly #halves = new Uint32Array(this.#values.buffer);

  set value(value: number) {
    this.#values[0] = value;
  }

  get high(): number {
    return this.#halves[1] as number;
  }

  get low(): number {
    return this.#halves[0] as number;
  }
}

class MemoryQuerier implements Querier {
  #views: readonly SeriesView[];
  readonly #minTime: number;
  readonly #maxTime: number;

  constructor(views: readonly SeriesView[], minTime: number, maxTime: number) {
    this.#views = views;
    this.#minTime = minTime;
    this.#maxTime = maxTime;
  }

  select(matchers: readonly Matcher[], hints?: SelectHints): SeriesSet {
    const views = this.#matching(matchers);
    const limit = hints?.limit ?? 0;
    return new MemorySeriesSet(limit > 0 ? views.slice(0, limit) : views, this.#minTime, this.#maxTime);
  }

  estimateSeries(matchers: readonly Matcher[]): number {
    return this.#matching(matchers).length;
  }

  labelNames(matchers: readonly Matcher[], limit = 0): Names {
    const names = new Set<string>();
    for (const { labels } of this.#matching(matchers)) for (const [name] of labels) names.add(name);
    return sortedNames(names, limit);
  }

  labelValues(name: string, matchers: readonly Matcher[], limit = 0): Names {
    const values = new Set<string>();
    for (const { labels } of this.#matching(matchers)) {
      const value = labels.get(name);
      if (value !== "") values.add(value);
    }
    return sortedNames(values, limit);
  }

  close(): void {
    this.#views = [];
  }

  #matching(matchers: readonly Matcher[]): readonly SeriesView[] {
    return this.#views.filter(
      ({ labels, samples, count }) =>
        (samples.times[count - 1] as number) >= this.#minTime &&
        (samples.times[0] as number) <= this.#maxTime &&
        matchers.every((matcher) => matcher.matches(labels.get(matcher.name))),
    );
  }
}

function sortedNames(names: ReadonlySet<string>, limit: number): Names {
  const values = [...names].sort(compareStrings);
  return limit > 0 && values.length > limit
    ? { values: values.slice(0, limit), truncated: true }
    : { values, truncated: false };
}

class MemorySeriesSet implements SeriesSet {
  readonly warnings: readonly string[] = [];
  readonly #views: readonly SeriesView[];
  readonly #minTime: number;
  readonly #maxTime: number;

  constructor(views: readonly SeriesView[], minTime: number, maxTime: number) {
    this.#views = views;
    this.#minTime = minTime;
    this.#maxTime = maxTime;
  }

  get count(): number {
    return this.#views.length;
  }

  labels(index: number): Labels {
    return (this.#views[index] as SeriesView).labels;
  }

  read(index: number, minTime: number, maxTime: number, into: SampleBuffer): void {
    const { samples, count } = this.#views[index] as SeriesView;
    const start = firstIndexFrom(samples, count, Math.max(minTime, this.#minTime));
    let end = start;
    const last = Math.min(maxTime, this.#maxTime);
    while (end < count && (samples.times[end] as number) <= last) end++;
    copySamples(samples, start, end, into);
  }
}
