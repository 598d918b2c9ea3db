// What can be asked of the storage, as plain data: the same request runs inline or crosses over to a worker.
import type { FloatHistogramFields } from "@narthex/model";
import type { FederateRequest } from "../api/federate-answer.ts";
import type { SearchRequest } from "../api/search/search-answer.ts";
import type { RemoteReadRequest } from "../remote/read/read-answer.ts";
import type { BackfillRange } from "../rules/backfill/backfill-range.ts";
import type { BacktestRule, BacktestSpan, BacktestSurroundings } from "../rules/backtest.ts";

/** Milliseconds throughout. Selectors are texts, since compiled matchers cannot cross a thread. */
export type StorageRequest =
  | InstantRequest
  | RangeRequest
  | VectorRequest
  | BacktestRequest
  | BackfillRequest
  | SeriesRequest
  | LabelNamesRequest
  | LabelValuesRequest
  | RemoteReadRequest
  | FederateRequest
  | SearchRequest;

interface EvaluationRequest {
  readonly expr: string;
  readonly timeoutMs: number | undefined;
  readonly lookbackDeltaMs: number | undefined;
  /** At most so many series are answered; 0 means all. */
  readonly limit: number;
  readonly stats: "none" | "total" | "perStep";
  /** Whether the answer tells how it came about. */
  readonly explain?: boolean;
  readonly format: "json" | "csv";
}

export interface InstantRequest extends EvaluationRequest {
  readonly kind: "instant";
  readonly timeMs: number;
}

export interface RangeRequest extends EvaluationRequest {
  readonly kind: "range";
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** An instant query whose result is wanted as values instead of as an answer: a rule's. */
export interface VectorRequest {
  readonly kind: "vector";
  readonly expr: string;
  readonly timeMs: number;
}

/** When an alerting rule would have fired. */
export interface BacktestRequest extends BacktestSpan {
  readonly kind: "backtest";
  /** The rule's query. */
  readonly expr: string;
  readonly rule: BacktestRule;
  readonly surroundings: BacktestSurroundings;
  /** Firings that are told one by one. */
  readonly limit: number;
  readonly timeoutMs: number | undefined;
  readonly lookbackDeltaMs: undefined;
}

/** A recording rule computed for a range of the past, and written as a block. Answers with a `BackfilledRange`, no envelope. */
export interface BackfillRequest {
  readonly kind: "backfill";
  readonly range: BackfillRange;
}

/** An element of such a result, as it crosses over from a worker. */
export interface PlainElement {
  /** Name, value, name, value; sorted. */
  readonly pairs: readonly string[];
  readonly value: number;
  readonly histogram: FloatHistogramFields | undefined;
}

interface MetadataRequest {
  readonly selectors: readonly string[];
  readonly minTime: number;
  readonly maxTime: number;
  readonly limit: number;
}

export interface SeriesRequest extends MetadataRequest {
  readonly kind: "series";
}

export interface LabelNamesRequest extends MetadataRequest {
  readonly kind: "labelNames";
}

export interface LabelValuesRequest extends MetadataRequest {
  readonly kind: "labelValues";
  readonly name: string;
}

/** How a request went, apart from the bytes it answered. Seconds. */
export interface RequestStatistics {
  readonly samples: number;
  /** Samples read: of windows that overlap, each once. */
  readonly samplesRead: number;
  /** Most samples held at one time. */
  readonly peakSamples: number;
  readonly preparationSeconds: number;
  readonly evaluationSeconds: number;
  readonly sortSeconds: number;
}
