// Intermediate results: one row of step values per series.
import { type FloatHistogramFields, type Labels, METRIC_NAME } from "@narthex/model";
import { QueryError } from "./result.ts";

/** What an evaluation computes on: the times `startMs + k * stepMs` for `0 <= k < count`. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
}

/**
 * One series of an intermediate result on the grid of its evaluation.
 *
 * A row handed to a sink by a stream that was not asked to keep its rows is valid during that call only.
 */
export interface Row {
  labels: Labels;
  /** With delayed name removal: the name is to go at the end of the evaluation. */
  dropName: boolean;
  values: Float64Array;
  /** 1 where the step has a point. */
  present: Uint8Array;
  /** Where set, the point is this histogram; shared, never changed in place. */
  histograms: (FloatHistogramFields | undefined)[] | undefined;
  /** How many steps have a point. */
  points: number;
}

export type RowSink = (row: Row) => void;

/** A row without points. */
export function emptyRow(labels: Labels, steps: number): Row {
  return {
    labels,
    dropName: false,
    values: new Float64Array(steps),
    present: new Uint8Array(steps),
    histograms: undefined,
    points: 0,
  };
}

/** Numbers in a piece of memory that rows share: no row is so small that its memory costs more to have than to fill. */
const BLOCK_NUMBERS = 8192;
const FIRST_BLOCK_ROWS = 4;

/** Makes rows without points, several from one piece of memory. A row that stays holds its neighbours' memory. */
export class RowBlocks {
  readonly #steps: number;
  #values = new Float64Array(0);
  #present = new Uint8Array(0);
  #used = 0;

  constructor(steps: number) {
    this.#steps = steps;
  }

  emptyRow(labels: Labels): Row {
    const steps = this.#steps;
    if (this.#used + steps > this.#values.length) this.#grow();
    const from = this.#used;
    const to = from + steps;
    this.#used = to;
    return {
      labels,
      dropName: false,
      values: this.#values.subarray(from, to),
      present: this.#present.subarray(from, to),
      histograms: undefined,
      points: 0,
    };
  }

  #grow(): void {
    const steps = this.#steps;
    const most = Math.max(1, Math.floor(BLOCK_NUMBERS / steps));
    const rows = Math.min(most, Math.max(FIRST_BLOCK_ROWS, (2 * this.#values.length) / steps));
    this.#values = new Float64Array(rows * steps);
    this.#present = new Uint8Array(rows * steps);
    this.#used = 0;
  }
}

/** A row that has the same float at every step. */
export function constantRow(labels: Labels, value: number, steps: number): Row {
  return {
    labels,
    dropName: false,
    values: new Float64Array(steps).fill(value),
    present: new Uint8Array(steps).fill(1),
    histograms: undefined,
    points: steps,
  };
}

/** Sets the histogram of a step. */
export function putHistogram(row: Row, step: number, histogram: FloatHistogramFields): void {
  row.histograms ??= new Array(row.values.length).fill(undefined);
  row.histograms[step] = histogram;
  row.values[step] = 0;
  if (row.present[step] === 0) {
    row.present[step] = 1;
    row.points++;
  }
}

/** Sets the float of a step that had no point. */
export function putFloat(row: Row, step: number, value: number): void {
  row.values[step] = value;
  if (row.present[step] === 0) {
    row.present[step] = 1;
    row.points++;
  }
}

/** What a histogram weighs in samples, as the reference counts it. */
export function histogramWeight(histogram: FloatHistogramFields): number {
  const slots =
    histogram.positiveSpans.length +
    histogram.negativeSpans.length +
    histogram.positiveBuckets.length +
    histogram.negativeBuckets.length +
    histogram.customValues.length;
  return Math.floor((168 + 8 * slots + 8) / 16);
}

/** What a row weighs in samples: 1 a float, more a histogram. */
export function rowWeight(row: Row): number {
  if (row.histograms === undefined) return row.points;
  let weight = row.points;
  for (const histogram of row.histograms) if (histogram !== undefined) weight += histogramWeight(histogram) - 1;
  return weight;
}

/** What rows weigh in samples. */
export function rowsWeight(rows: readonly Row[]): number {
  let weight = 0;
  for (const row of rows) weight += rowWeight(row);
  return weight;
}

/** How many of the rows have a point at the last step. */
export function elementsAtLastStep(rows: readonly Row[]): number {
  let count = 0;
  for (const { present } of rows) count += present[present.length - 1];
  return count;
}

/** The labels that describe the metric itself and go when its values change. */
export const METADATA_LABELS: ReadonlySet<string> = new Set([METRIC_NAME, "__type__", "__unit__"]);

/** The error for two elements of one vector that have the same labels. */
export function duplicateError(): QueryError {
  return new QueryError("execution", "vector cannot contain metrics with the same labelset");
}

/**
 * Merges rows with equal labels into the first of them. Throws where two of them have a point at the same step.
 * Returns its argument when there is nothing to merge.
 */
export function mergeDuplicates(rows: Row[]): Row[] {
  if (rows.length < 2) return rows;
  const byKey = new Map<string, Row>();
  for (const row of rows) {
    const known = byKey.get(row.labels.key);
    if (known === undefined) byKey.set(row.labels.key, row);
    else mergeInto(known, row);
  }
  return byKey.size === rows.length ? rows : [...byKey.values()];
}

function mergeInto(target: Row, source: Row): void {
  for (let k = 0; k < source.present.length; k++) {
    if (source.present[k] === 0) continue;
    if (target.present[k] !== 0) throw duplicateError();
    const histogram = source.histograms?.[k];
    if (histogram !== undefined) putHistogram(target, k, histogram);
    else putFloat(target, k, source.values[k]);
  }
}
