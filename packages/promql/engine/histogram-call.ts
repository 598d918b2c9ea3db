// histogram_* functions of instant vectors: native histograms element by element, classic ones by their buckets.
import {
  type FloatHistogramFields,
  histogramAverage,
  histogramDeviation,
  histogramFraction,
  histogramQuantile,
  histogramVariance,
  type Labels,
  METRIC_NAME,
  type NanNotes,
} from "@narthex/model";
import {
  type ClassicBucket,
  classicFraction,
  classicQuantile,
  type MonotonicityFix,
} from "../functions/classic-histogram.ts";
import { parseGoFloat } from "../functions/go-float.ts";
import type { Evaluation } from "./evaluation.ts";
import { formatOpenMetrics } from "./number-format.ts";
import type { CallNode, PlanNode } from "./plan.ts";
import {
  elementsAtLastStep,
  METADATA_LABELS,
  mergeDuplicates,
  putFloat,
  type Row,
  type RowSink,
  rowsWeight,
} from "./row.ts";

const BUCKET_LABEL: ReadonlySet<string> = new Set(["le"]);
const NAME: ReadonlySet<string> = new Set([METRIC_NAME]);

const STATISTICS: Readonly<Record<string, (histogram: FloatHistogramFields) => number>> = {
  histogram_avg: histogramAverage,
  histogram_count: ({ count }) => count,
  histogram_sum: ({ sum }) => sum,
  histogram_stddev: histogramDeviation,
  histogram_stdvar: histogramVariance,
};

/** Streams the rows of a histogram function. */
export function streamHistogramCall(ev: Evaluation, node: CallNode, keep: boolean, sink: RowSink): void {
  const statistic = STATISTICS[node.name];
  if (statistic !== undefined) {
    streamStatistic(ev, node, statistic, keep, sink);
    return;
  }
  const { limits } = ev.session;
  const before = limits.samples;
  const { rows, elements } = estimate(ev, node);
  limits.calledPerStep(before, rowsWeight(rows), elements);
  for (const row of mergeDuplicates(rows)) sink(row);
}

function streamStatistic(
  ev: Evaluation,
  node: CallNode,
  statistic: (histogram: FloatHistogramFields) => number,
  keep: boolean,
  sink: RowSink,
): void {
  ev.map(
    node.args[0] as PlanNode,
    keep,
    sink,
    true,
    (row) => {
      const { values, present, histograms } = row;
      let points = 0;
      for (let k = 0; k < values.length; k++) {
        const histogram = present[k] === 0 ? undefined : histograms?.[k];
        if (histogram === undefined) {
          present[k] = 0;
          continue;
        }
        values[k] = statistic(histogram);
        points++;
      }
      row.histograms = undefined;
      row.points = points;
    },
    { dropped: NAME },
  );
}

/** A classic histogram: the rows of its buckets, by upper bound. */
interface Family {
  readonly labels: Labels;
  readonly buckets: { readonly le: number; readonly row: Row }[];
  readonly dropName: boolean;
}

/** One number to be estimated from each histogram, per step. */
interface Estimator {
  /** Labels of the result, name and bucket label gone. */
  labels(labels: Labels): Labels;
  native(histogram: FloatHistogramFields, name: string, step: number): number;
  classic(buckets: ClassicBucket[], name: string, step: number): number;
}

/** The rows that have points, and the elements of the arguments at the last step. */
function estimate(ev: Evaluation, node: CallNode): { rows: Row[]; elements: number } {
  const { annotations, delayedNameRemoval } = ev.session;
  const { name, args } = node;
  const several = name === "histogram_quantiles";
  const vector = (name === "histogram_fraction" ? args[2] : several ? args[0] : args[1]) as PlanNode;
  const estimators =
    name === "histogram_fraction"
      ? [fractionEstimator(ev, args, vector)]
      : several
        ? args.slice(2).map((arg) => quantileEstimator(ev, arg, vector, args[1] as PlanNode))
        : [quantileEstimator(ev, args[0] as PlanNode, vector, undefined)];
  const input = ev.rows(vector);
  const families = new Map<string, Family>();
  const natives: { row: Row; family: Family | undefined }[] = [];
  for (const row of input) {
    if (row.histograms !== undefined) natives.push({ row, family: undefined });
    if (!hasFloat(row)) continue;
    const text = row.labels.get("le");
    const le = parseGoFloat(text);
    const metric = delayedNameRemoval ? row.labels.get(METRIC_NAME) : "";
    if (le === undefined) {
      annotations.badBucketLabel(metric, text, vector.pos);
      continue;
    }
    const labels = row.labels.without(BUCKET_LABEL);
    const family = families.get(labels.key);
    if (family === undefined) {
      families.set(labels.key, { labels, buckets: [{ le, row }], dropName: row.dropName });
    } else {
      family.buckets.push({ le, row });
    }
  }
  for (const native of natives) native.family = families.get(native.row.labels.key);
  const mixed = new Map<Family, Uint8Array>();
  for (const { row, family } of natives) {
    if (family === undefined) continue;
    const steps = new Uint8Array(ev.steps);
    for (let k = 0; k < ev.steps; k++) {
      if (row.present[k] === 0 || row.histograms?.[k] === undefined) continue;
      if (!family.buckets.some((bucket) => isFloat(bucket.row, k))) continue;
      steps[k] = 1;
      annotations.mixedClassicNative(delayedNameRemoval ? row.labels.get(METRIC_NAME) : "", vector.pos);
    }
    mixed.set(family, steps);
  }
  const scalars = name === "histogram_fraction" ? 2 : estimators.length;
  const elements = elementsAtLastStep(input) + scalars;
  const rows: Row[] = [];
  for (const estimator of estimators) {
    for (const { row, family } of natives) {
      const skip = family === undefined ? undefined : mixed.get(family);
      rows.push(nativeRow(ev, row, estimator, skip));
    }
    for (const family of families.values()) rows.push(classicRow(ev, family, estimator, mixed.get(family)));
  }
  ev.release(vector, input);
  return { rows: rows.filter(({ points }) => points > 0), elements };
}

function nativeRow(ev: Evaluation, source: Row, estimator: Estimator, skip: Uint8Array | undefined): Row {
  const { delayedNameRemoval, limits } = ev.session;
  const row = ev.newRow();
  const kept = delayedNameRemoval ? source.labels : source.labels.without(METADATA_LABELS);
  const name = kept.get(METRIC_NAME);
  row.labels = estimator.labels(kept);
  row.dropName = true;
  limits.worked(ev.steps);
  for (let k = 0; k < ev.steps; k++) {
    const histogram = source.present[k] === 0 ? undefined : source.histograms?.[k];
    if (histogram === undefined || skip?.[k] === 1) continue;
    putFloat(row, k, estimator.native(histogram, name, k));
  }
  return row;
}

function classicRow(ev: Evaluation, family: Family, estimator: Estimator, skip: Uint8Array | undefined): Row {
  const { delayedNameRemoval, limits } = ev.session;
  const row = ev.newRow();
  const kept = delayedNameRemoval ? family.labels : family.labels.without(METADATA_LABELS);
  const name = kept.get(METRIC_NAME);
  row.labels = estimator.labels(kept);
  row.dropName = true;
  limits.worked(ev.steps * family.buckets.length);
  const buckets: ClassicBucket[] = [];
  for (let k = 0; k < ev.steps; k++) {
    if (skip?.[k] === 1) continue;
    buckets.length = 0;
    for (const { le, row: source } of family.buckets) {
      if (isFloat(source, k)) buckets.push({ le, count: source.values[k] });
    }
    if (buckets.length > 0) putFloat(row, k, estimator.classic(buckets, name, k));
  }
  return row;
}

function quantileEstimator(ev: Evaluation, arg: PlanNode, vector: PlanNode, label: PlanNode | undefined): Estimator {
  const { annotations } = ev.session;
  const quantiles = ev.scalar(arg);
  for (const q of quantiles) if (!(q >= 0 && q <= 1)) annotations.invalidQuantile(q, arg.pos);
  const fix: MonotonicityFix = { forced: false, minBucket: 0, maxBucket: 0, maxDifference: 0 };
  const target = label?.kind === "string" ? label.value : undefined;
  // The label can change from step to step only if the quantile does; the first step's stands for all.
  const text = target === undefined ? "" : formatOpenMetrics(quantiles[0]);
  return {
    labels: (labels) => (target === undefined ? labels : labels.with(target, text)),
    native(histogram, name, step) {
      const notes: NanNotes = { nanResult: false, nanSkew: false };
      const value = histogramQuantile(quantiles[step], histogram, notes);
      if (notes.nanResult) annotations.quantileNanResult(name, vector.pos);
      if (notes.nanSkew) annotations.quantileNanSkew(name, vector.pos);
      return value;
    },
    classic(buckets, name, step) {
      const value = classicQuantile(quantiles[step], buckets, fix);
      if (fix.forced) {
        const { minBucket, maxBucket, maxDifference } = fix;
        annotations.forcedMonotonicity(name, vector.pos, ev.timeOf(step), minBucket, maxBucket, maxDifference);
      }
      return value;
    },
  };
}

function fractionEstimator(ev: Evaluation, args: readonly PlanNode[], vector: PlanNode): Estimator {
  const { annotations } = ev.session;
  const lower = ev.scalar(args[0] as PlanNode);
  const upper = ev.scalar(args[1] as PlanNode);
  return {
    labels: (labels) => labels,
    native(histogram, name, step) {
      const notes: NanNotes = { nanResult: false, nanSkew: false };
      const value = histogramFraction(lower[step], upper[step], histogram, notes);
      if (notes.nanSkew) annotations.fractionNans(name, vector.pos);
      return value;
    },
    classic: (buckets, _name, step) => classicFraction(lower[step], upper[step], buckets),
  };
}

function isFloat({ present, histograms }: Row, step: number): boolean {
  return present[step] !== 0 && histograms?.[step] === undefined;
}

function hasFloat(row: Row): boolean {
  if (row.histograms === undefined) return row.points > 0;
  for (let k = 0; k < row.present.length; k++) if (isFloat(row, k)) return true;
  return false;
}
