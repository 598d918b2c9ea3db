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
  /** Base unit that the name ends with (before `_total`); "" for none. Only OpenMetrics and protobuf show it. */
  readonly unit: string;
  /** Whether the family's name or a label's lies outside the classic rules, so that it may have to be escaped. */
  readonly utf8?: boolean;
  /** What several processes' values of a gauge become, see `GaugeMode`. */
  readonly gaugeMode?: string | undefined;
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
 * The native side of a histogram. Spans are offset and length in turn, offsets counted from the end of the span before; deltas
 * are differences of the buckets' counts. Read before the call returns.
 */
export interface NativeBuckets {
  /** -4 to 8. */
  readonly schema: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positiveSpans: readonly number[];
  readonly positiveDeltas: readonly number[];
  readonly negativeSpans: readonly number[];
  readonly negativeDeltas: readonly number[];
  readonly exemplars: readonly SampleExemplar[];
}

/**
 * Takes one family after the other, each begun with `family` and followed by its samples. `labels` come rendered
 * (`a="b",c="d"`, see `renderLabels`), so that metrics can keep that text from scrape to scrape.
 */
export interface FamilyWriter {
  family(header: FamilyHeader): void;
  /** Counter, gauge, unknown, info, stateset: the one sample of a series. `created` in seconds, 0 for unknown. */
  value(labels: string, value: number, created: number, extras?: SampleExtras): void;
  /**
   * Histogram: cumulative counts, one per bound and one more for +Inf. The arrays are read before the call returns; writers may
   * keep texts of `bounds` while the same array comes again.
   */
  histogram(
    labels: string,
    bounds: readonly number[],
    cumulative: ArrayLike<number>,
    sum: number,
    created: number,
    exemplars?: readonly (SampleExemplar | undefined)[],
    native?: NativeBuckets,
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

/** What registries offer collectors to hold their series to a common bound. */
export interface SeriesBudget {
  /** Asks for room for one more series, which counts from now on. False: there is none. */
  take(): boolean;
  /** Counts series that are there whatever the bound says. */
  add(count: number): void;
  /** Series that were counted are gone. */
  give(count: number): void;
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

/** A collector of exactly one family (its first description) which can be written in parts, so that nothing waits for long. */
export interface PartialCollector extends Collector {
  /** Begins to write samples (not the header): each call of what is returned writes a few dozen at most, and says whether more follow. */
  parts(writer: FamilyWriter): () => boolean;
  /** Label sets that were turned away, and callbacks that threw, since the start. */
  readonly refusedSeries: number;
  readonly callbackErrors: number;
  /** Series from now on count in this budget, which takes in those that exist already. */
  joined(budget: SeriesBudget): void;
  left(budget: SeriesBudget): void;
}
