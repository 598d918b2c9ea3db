// Local storage and what was fetched from others, as one: for queries whose selections were fetched before they began.
import { Labels, type Matcher } from "@narthex/model";
import { type Names, type Querier, type Queryable, SampleBuffer, type SeriesSet } from "@narthex/storage";
import { mergeQueriers } from "@narthex/tsdb";
import { type FetchedAnswer, type FetchedSelection, selectionKey } from "./fetched.ts";
import { type AnsweredSeries, parseFrames, parseSamples, ReadAnswerError } from "./read-answer-parser.ts";

/** Where both have a sample of the same time, the local one counts. What cannot be read becomes a warning of the selection. */
export function withFetched(local: Queryable, fetched: readonly FetchedSelection[]): Queryable {
  const endpoints = fetched.reduce((most, { answers }) => Math.max(most, answers.length), 0);
  const parsed = new Map<FetchedAnswer, SeriesSet>();
  return {
    querier: (minTime, maxTime) =>
      mergeQueriers([
        local.querier(minTime, maxTime),
        ...Array.from({ length: endpoints }, (_, i) => new FetchedQuerier(fetched, i, parsed)),
      ]),
  };
}

/** One endpoint's answers. Knows nothing but the selections that were fetched. */
class FetchedQuerier implements Querier {
  readonly #fetched: readonly FetchedSelection[];
  readonly #endpoint: number;
  readonly #parsed: Map<FetchedAnswer, SeriesSet>;

  constructor(fetched: readonly FetchedSelection[], endpoint: number, parsed: Map<FetchedAnswer, SeriesSet>) {
    this.#fetched = fetched;
    this.#endpoint = endpoint;
    this.#parsed = parsed;
  }

  select(matchers: readonly Matcher[]): SeriesSet {
    const key = selectionKey(matchers);
    const answer = this.#fetched.find((selection) => selection.key === key)?.answers[this.#endpoint];
    if (answer === undefined) return NOTHING;
    let set = this.#parsed.get(answer);
    if (set === undefined) {
      set = parse(answer);
      this.#parsed.set(answer, set);
    }
    return set;
  }

  estimateSeries(): number {
    return 0;
  }

  labelNames(): Names {
    return { values: [], truncated: false };
  }

  labelValues(): Names {
    return { values: [], truncated: false };
  }

  close(): void {}
}

function parse(answer: FetchedAnswer): SeriesSet {
  if (answer.form === "failed") return new FetchedSeriesSet([], [answer.error]);
  try {
    const { form, bytes, limitBytes } = answer;
    const series = form === "chunks" ? parseFrames(bytes, limitBytes) : parseSamples(bytes, limitBytes);
    // Samples were looked at when they were parsed.
    if (form === "chunks") probe(series);
    return new FetchedSeriesSet(sorted(series, answer.stripped), []);
  } catch (error) {
    if (!(error instanceof ReadAnswerError)) throw error;
    return new FetchedSeriesSet([], [`remote_read: ${error.message}`]);
  }
}

/**
 * Decodes everything once. A chunk that cannot be decoded makes the whole answer worthless: half of a series would look like all of it.
 * Throws a `ReadAnswerError`.
 */
function probe(series: readonly AnsweredSeries[]): void {
  const decoded = new SampleBuffer();
  for (const one of series) {
    decoded.clear();
    one.read(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, decoded);
  }
}

/** All that is there of one label set. */
interface FetchedSeries {
  readonly labels: Labels;
  readonly parts: readonly AnsweredSeries[];
}

function sorted(series: readonly AnsweredSeries[], stripped: readonly string[]): FetchedSeries[] {
  const names = new Set(stripped);
  const bySet = new Map<string, { labels: Labels; parts: AnsweredSeries[] }>();
  for (const one of series) {
    const labels = names.size === 0 ? one.labels : one.labels.without(names);
    const known = bySet.get(labels.key);
    if (known === undefined) bySet.set(labels.key, { labels, parts: [one] });
    else known.parts.push(one);
  }
  return [...bySet.values()].sort((a, b) => Labels.compare(a.labels, b.labels));
}

class FetchedSeriesSet implements SeriesSet {
  readonly warnings: readonly string[];
  readonly #series: readonly FetchedSeries[];

  constructor(series: readonly FetchedSeries[], warnings: readonly string[]) {
    this.#series = series;
    this.warnings = warnings;
  }

  get count(): number {
    return this.#series.length;
  }

  labels(index: number): Labels {
    return (this.#series[index] as FetchedSeries).labels;
  }

  read(index: number, minTime: number, maxTime: number, into: SampleBuffer): void {
    const first = into.count;
    for (const part of (this.#series[index] as FetchedSeries).parts) part.read(minTime, maxTime, into);
    if (!isAscending(into, first)) sortSamples(into, first);
  }
}

const NOTHING: SeriesSet = new FetchedSeriesSet([], []);

function isAscending({ times, count }: SampleBuffer, first: number): boolean {
  for (let i = first + 1; i < count; i++) if (!((times[i - 1] as number) < (times[i] as number))) return false;
  return true;
}

/** Sorts the samples from `first` on by time; of several of one time the first counts. */
function sortSamples(buffer: SampleBuffer, first: number): void {
  const { times, halves, histograms, startTimes, count } = buffer;
  const order = Array.from({ length: count - first }, (_, i) => first + i);
  order.sort((a, b) => (times[a] as number) - (times[b] as number) || a - b);
  const kept = order.filter((at, i) => i === 0 || times[at] !== times[order[i - 1] as number]);
  const oldTimes = times.slice(first, count);
  const oldHalves = halves.slice(2 * first, 2 * count);
  const oldHistograms = histograms?.slice(first, count);
  const oldStarts = startTimes?.slice(first, count);
  kept.forEach((at, i) => {
    const from = at - first;
    times[first + i] = oldTimes[from] as number;
    halves[2 * (first + i)] = oldHalves[2 * from] as number;
    halves[2 * (first + i) + 1] = oldHalves[2 * from + 1] as number;
    if (histograms !== undefined) histograms[first + i] = oldHistograms?.[from];
    if (startTimes !== undefined) startTimes[first + i] = oldStarts?.[from] ?? 0;
  });
  buffer.count = first + kept.length;
}
