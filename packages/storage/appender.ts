// Writing: a batch of samples that enters the storage whole or not at all.
import type { Exemplar, FloatHistogramFields, Labels, Metadata } from "@narthex/model";
import type { LabelBytes } from "./label-bytes.ts";

/** A short number standing for a series; 0 stands for none. Valid while the storage is open, even if the series went. */
export type SeriesRef = number;

/** What became of a sample. Refusals are ordinary and therefore return codes. */
export const Append = {
  ok: 0,
  /** Older than the newest sample of its series, and out-of-order samples are not taken. */
  outOfOrder: 1,
  /** Same time as the newest sample, another value. */
  duplicate: 2,
  /** Older than what the head takes at all. */
  outOfBounds: 3,
  /** Older than the out-of-order window. */
  tooOld: 4,
  /** No such series ref (any more): resolve the labels again. */
  unknownRef: 5,
  /** The storage takes no such samples (histograms, exemplars), or they are malformed. */
  unsupported: 6,
} as const;
export type Append = (typeof Append)[keyof typeof Append];

/** A label set that cannot name a series: no label at all, a name twice, or an empty name or value. */
export class InvalidLabelsError extends Error {
  override readonly name = "InvalidLabelsError";
}

/** What a batch of writes is allowed. */
export interface AppendOptions {
  /** Samples out of order are refused even where the storage takes them: for who writes its own series, like rules. */
  readonly inOrderOnly?: boolean;
}

export interface Appendable {
  appender(options?: AppendOptions): Appender;
}

/**
 * One transaction. Nothing of it can be queried before `commit` has returned; afterwards all of it.
 * Single use: after `commit` or `rollback` it must not be touched.
 */
export interface Appender {
  /**
   * The ref of the series with these labels, created at need. 0 when it would be new and the storage takes no such series
   * at the moment, which `always` overrules: for series that the server makes of its own accord. Throws
   * `InvalidLabelsError` for empty or duplicate labels.
   */
  series(labels: Labels, always?: boolean): SeriesRef;
  /** The same from bytes, which stay the caller's. Text that is no UTF-8 gives a series that nobody finds. */
  seriesOfBytes(labels: LabelBytes): SeriesRef;
  /**
   * Adds one float; `t` in milliseconds. A stale marker must be passed with `appendStale`, so that its bits survive.
   * `startTime` is when the counter began, in milliseconds; 0 or left out means unknown.
   */
  append(ref: SeriesRef, t: number, value: number, startTime?: number): Append;
  appendStale(ref: SeriesRef, t: number): Append;
  /** The same by the bits of the value, stale markers and other NaNs included: what protocols carry must not change. */
  appendBits(ref: SeriesRef, t: number, high: number, low: number, startTime?: number): Append;
  /**
   * The hot path of scraping: `count` floats of one time. Values are taken bit by bit (`halves` views the memory of
   * the values, low half first). Writes each sample's verdict to `verdicts` and returns how many were refused.
   * `startTimes` are those of `append`, 0 where unknown.
   */
  appendBatch(
    refs: Uint32Array,
    halves: Uint32Array,
    count: number,
    t: number,
    verdicts: Uint8Array,
    startTimes?: Float64Array,
  ): number;
  appendHistogram(
    ref: SeriesRef,
    t: number,
    histogram: FloatHistogramFields,
    integer: boolean,
    startTime?: number,
  ): Append;
  appendExemplar(ref: SeriesRef, exemplar: Exemplar): Append;
  updateMetadata(ref: SeriesRef, metadata: Metadata): void;
  /** Logs, then applies. Throws when the log could not be written; then nothing of the batch is visible. */
  commit(): void;
  rollback(): void;
}
