// The door between metrics and formats: metrics say what they hold, a writer turns it into one format's text.

/** The kinds of metric families the formats know. */
export type FamilyType =
  | "counter"
  | "gauge"
  | "histogram"
  | "gaugehistogram"
  | "summary"
  | "info"
  | "stateset"
  | "unknown";

/** What stands above a family's samples. `name` is the full name, a counter's with its `_total`. */
export interface FamilyHeader {
  readonly name: string;
  readonly help: string;
  readonly type: FamilyType;
  /** Base unit that the name ends with (before `_total`); "" for none. Only OpenMetrics shows it. */
  readonly unit: string;
}

/** A sample's link to a trace. `timestamp` in seconds since the epoch, 0 for none. */
export interface SampleExemplar {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  readonly timestamp: number;
}

/** What a sample may carry besides its value. Times in seconds since the epoch. */
export interface SampleExtras {
  readonly timestamp?: number;
  readonly exemplar?: SampleExemplar | undefined;
}

/**
 * Takes one family after the other, each begun with `family` and followed by its samples. `labels` come rendered
 * (`a="b",c="d"`, see `renderLabels`), so that metrics can keep that text from scrape to scrape.
 */
export interface FamilyWriter {
  family(header: FamilyHeader): void;
  /** Counter, gauge, unknown, info, stateset: the one sample of a series. `created` in seconds, 0 for unknown. */
  value(labels: string, value: number, created: number, extras?: SampleExtras): void;
  /** Histogram: cumulative counts, one per bound and one more for +Inf. The arrays are read before the call returns. */
  histogram(
    labels: string,
    bounds: readonly number[],
    cumulative: ArrayLike<number>,
    sum: number,
    created: number,
    exemplars?: readonly (SampleExemplar | undefined)[],
  ): void;
  /** Summary: `values` belong to `quantiles`, NaN where nothing is known. */
  summary(
    labels: string,
    quantiles: readonly number[],
    values: ArrayLike<number>,
    sum: number,
    count: number,
    created: number,
  ): void;
}

/** Anything a registry can ask for metrics. */
export interface Collector {
  /** Names of all families that `collect` may write, so that clashes are refused at registration; may be empty. */
  describe(): readonly FamilyHeader[];
  /** Brings values up to date before `collect`; awaited when it returns a promise. */
  refresh?(): void | Promise<void>;
  /** Writes the families as they are now. Must not wait for anything. */
  collect(writer: FamilyWriter): void;
}
