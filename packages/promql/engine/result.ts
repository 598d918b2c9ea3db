// What an evaluation answers, in the shape in which it can be written out without copying it again.
import type { FloatHistogramFields, Labels } from "@narthex/model";
import type { Explanation } from "./explain.ts";

export type QueryValue = ScalarValue | StringValue | VectorValue | MatrixValue;

export interface ScalarValue {
  readonly kind: "scalar";
  /** Milliseconds, here and below. */
  readonly t: number;
  readonly value: number;
}

export interface StringValue {
  readonly kind: "string";
  readonly t: number;
  readonly value: string;
}

export interface VectorElement {
  readonly labels: Labels;
  readonly value: number;
  /** Set when the element is a native histogram; then `value` means nothing. */
  readonly histogram: FloatHistogramFields | undefined;
}

export interface VectorValue {
  readonly kind: "vector";
  readonly t: number;
  readonly elements: readonly VectorElement[];
}

/** The steps of a range query: `startMs + i * stepMs` for `0 <= i < count`. */
export interface StepGrid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

export interface MatrixSeries {
  readonly labels: Labels;
  /** The points' own times (raw samples of an instant query); undefined when the points stand on the grid. */
  readonly times: Float64Array | undefined;
  /** One per time, or one per step of the grid. */
  readonly values: Float64Array;
  /** On the grid only: 1 where the step has a point; undefined when every step has one. */
  readonly present: Uint8Array | undefined;
  /** Where set at an index, the point there is this histogram. */
  readonly histograms: readonly (FloatHistogramFields | undefined)[] | undefined;
}

export interface MatrixValue {
  readonly kind: "matrix";
  readonly grid: StepGrid | undefined;
  /** Sorted by labels; every series has at least one point. */
  readonly series: readonly MatrixSeries[];
}

export interface QueryStatistics {
  /** Samples that the evaluation looked at, as the reference counts them. */
  totalQueryableSamples: number;
  /** Most samples held at one time. */
  peakSamples: number;
  /** The time of the first step and from one to the next, milliseconds. */
  startMs: number;
  stepMs: number;
  /** Per step, when asked for. */
  totalQueryableSamplesPerStep: number[] | undefined;
  /** Samples that were read for that: of windows that overlap, each sample once. */
  samplesRead: number;
  /** Per step, when asked for. */
  samplesReadPerStep: number[] | undefined;
  /** Seconds. */
  queryPreparationSeconds: number;
  innerEvalSeconds: number;
  resultSortSeconds: number;
}

export interface QueryResult {
  readonly value: QueryValue;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly statistics: QueryStatistics;
  /** When asked for. */
  readonly explanation?: Explanation | undefined;
}

/** Why a query has no result; the API maps codes to HTTP statuses. */
export type QueryErrorCode = "bad_data" | "execution" | "canceled" | "timeout" | "internal";

export class QueryError extends Error {
  override readonly name = "QueryError";
  readonly code: QueryErrorCode;

  constructor(code: QueryErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
