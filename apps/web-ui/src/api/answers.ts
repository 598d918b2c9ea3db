/** Shapes of what `/api/v1` answers, as far as the page reads them. Optional fields may be missing on older servers. */
import type { LabelMap } from "../format/labels.ts";

/** `[time in seconds, value as text]`. */
export type ApiSample = readonly [number, string];

/** A native histogram: `buckets` hold `[rule, lower, upper, count]`. */
export interface ApiHistogram {
  readonly count: string;
  readonly sum: string;
  readonly buckets?: readonly (readonly [number, string, string, string])[];
}

/** One series of an instant answer. */
export interface VectorSeries {
  readonly metric: LabelMap;
  readonly value?: ApiSample;
  readonly histogram?: readonly [number, ApiHistogram];
}

/** One series of a range answer. */
export interface MatrixSeries {
  readonly metric: LabelMap;
  readonly values?: readonly ApiSample[];
  readonly histograms?: readonly (readonly [number, ApiHistogram])[];
}

/** `data` of `query` and `query_range`. */
export type QueryData =
  | { readonly resultType: "vector"; readonly result: readonly VectorSeries[]; readonly stats?: QueryStats }
  | { readonly resultType: "matrix"; readonly result: readonly MatrixSeries[]; readonly stats?: QueryStats }
  | { readonly resultType: "scalar" | "string"; readonly result: ApiSample; readonly stats?: QueryStats };

/** `data.stats` when asked for with `stats=true`. */
export interface QueryStats {
  readonly timings?: { readonly evalTotalTime?: number; readonly execTotalTime?: number };
  readonly samples?: { readonly totalQueryableSamples?: number; readonly peakSamples?: number };
}

/** One target that is scraped. */
export interface ActiveTarget {
  readonly discoveredLabels: LabelMap;
  readonly labels: LabelMap;
  readonly scrapePool: string;
  readonly scrapeUrl: string;
  readonly globalUrl: string;
  readonly lastError: string;
  /** Series of the last scrape that the server would not make; absent where it made all. */
  readonly refusedSeries?: number;
  readonly lastScrape: string;
  readonly lastScrapeDuration: number;
  readonly health: "up" | "down" | "unknown";
  readonly scrapeInterval?: string;
  readonly scrapeTimeout?: string;
}

/** `data` of `targets`. */
export interface TargetsData {
  readonly activeTargets: readonly ActiveTarget[];
  readonly droppedTargets: readonly { readonly discoveredLabels: LabelMap; readonly scrapePool?: string }[];
  readonly droppedTargetCounts?: Readonly<Record<string, number>>;
}

/** One alert that is pending or firing. */
export interface Alert {
  readonly labels: LabelMap;
  readonly annotations: LabelMap;
  readonly state: "pending" | "firing" | "inactive" | "unknown";
  readonly activeAt?: string;
  readonly value: string;
}

/** A rule, recording or alerting. Durations in seconds. */
export interface Rule {
  readonly type: "alerting" | "recording";
  readonly name: string;
  readonly query: string;
  readonly health: "ok" | "err" | "unknown";
  readonly lastError?: string;
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
  readonly labels?: LabelMap;
  readonly annotations?: LabelMap;
  readonly state?: "firing" | "pending" | "inactive" | "unknown";
  readonly duration?: number;
  readonly keepFiringFor?: number;
  readonly alerts?: readonly Alert[] | null;
}

/** Rules that run one after another on one timer. */
export interface RuleGroup {
  readonly name: string;
  readonly file: string;
  readonly interval: number;
  readonly rules: readonly Rule[];
  readonly evaluationTime: number;
  readonly lastEvaluation: string;
}

/** A line of the "top" lists of `status/tsdb`. */
export interface NamedCount {
  readonly name: string;
  readonly value: number;
}

/** `data` of `status/tsdb`. */
export interface TsdbData {
  readonly headStats: {
    readonly numSeries: number;
    readonly numLabelPairs?: number;
    readonly chunkCount: number;
    readonly minTime: number;
    readonly maxTime: number;
  };
  readonly seriesCountByMetricName: readonly NamedCount[];
  readonly labelValueCountByLabelName: readonly NamedCount[];
  readonly memoryInBytesByLabelName: readonly NamedCount[];
  readonly seriesCountByLabelValuePair: readonly NamedCount[];
}
