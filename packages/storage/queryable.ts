// Reading: every storage answers through these, and every engine asks through them.
// All of it is synchronous: memory is read in place and files with positioned reads, in a query worker
// where waiting disturbs nobody. What must be fetched (remote storages) is fetched before a querier is made.
import type { Labels, Matcher } from "@narthex/model";
import type { SampleBuffer } from "./sample-buffer.ts";

export interface Queryable {
  /** A view of the storage as it is now, for samples with `minTime <= t <= maxTime` (milliseconds). Close it. */
  querier(minTime: number, maxTime: number): Querier;
}

/** A consistent view: what is committed later does not appear in it, and a commit is seen whole or not at all. */
export interface Querier {
  /** Series passing all matchers, sorted by `Labels.compare` unless any order will do. Series without samples in the range may be among them. */
  select(matchers: readonly Matcher[], hints?: SelectHints): SeriesSet;
  /** An upper bound of how many series pass, at the cost of a few look-ups: for deciding where a query should run. */
  estimateSeries(matchers: readonly Matcher[]): number;
  /** Sorted names of all labels, of the series that pass the matchers if there are any. */
  labelNames(matchers: readonly Matcher[], limit?: number): Names;
  /** Sorted values of one label, of the series that pass the matchers if there are any. */
  labelValues(name: string, matchers: readonly Matcher[], limit?: number): Names;
  /** Frees what the view held back. Idempotent. */
  close(): void;
}

/** `limit` was reached when `truncated`; 0 or undefined means no limit. */
export interface Names {
  readonly values: readonly string[];
  readonly truncated: boolean;
}

/** What the asker will do with a selection; a storage may use it to do less, never to answer otherwise. */
export interface SelectHints {
  readonly minTime: number;
  readonly maxTime: number;
  /** Step of the query in milliseconds, 0 for instant queries. */
  readonly stepMs: number;
  /** Range of the range selector in milliseconds, 0 for instant selectors. */
  readonly rangeMs: number;
  /** The function or aggregation directly around the selector, "series" when only labels are wanted. */
  readonly func: string;
  readonly grouping: readonly string[];
  readonly by: boolean;
  /** No more than so many series are needed; 0 means all. */
  readonly limit: number;
  /** The asker takes series in any order; a storage that would have to sort them need not. */
  readonly anyOrder?: boolean;
}

/** Selected series by position, so that a million of them need no million objects. Valid until its querier closes. */
export interface SeriesSet {
  readonly count: number;
  /** Made at need; calling twice may build it twice. */
  labels(index: number): Labels;
  /**
   * Appends all samples of one series with `minTime <= t <= maxTime` to `into` (which the caller cleared), ascending,
   * deduplicated, deleted ranges left out, stale markers included.
   */
  read(index: number, minTime: number, maxTime: number, into: SampleBuffer): void;
  readonly warnings: readonly string[];
}
