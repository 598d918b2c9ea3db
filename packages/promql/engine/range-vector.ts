// Instant queries that answer a range vector: raw samples, or the points of a subquery.
import { SampleBuffer } from "@narthex/storage";
import type { Evaluation } from "./evaluation.ts";
import { boundedSamples } from "./extended-range.ts";
import type { RangeNode, SubqueryNode } from "./plan.ts";
import { selectorSource } from "./range-source.ts";
import { type MatrixSeries, QueryError } from "./result.ts";
import { histogramWeight, METADATA_LABELS, mergeDuplicates } from "./row.ts";
import { isStale } from "./samples.ts";

/** The series of a range vector at one step, in the order of the storage. */
export function rangeVectorRows(ev: Evaluation, node: RangeNode | SubqueryNode): MatrixSeries[] {
  return node.kind === "range" ? selectorSeries(ev, node) : subquerySeries(ev, node);
}

function selectorSeries(ev: Evaluation, node: RangeNode): MatrixSeries[] {
  const { limits } = ev.session;
  const source = selectorSource(ev, node, "");
  const samples = new SampleBuffer();
  const result: MatrixSeries[] = [];
  for (let i = 0; i < source.count; i++) {
    samples.clear();
    source.read(i, samples);
    limits.worked(samples.count);
    const times = new Float64Array(samples.count);
    const values = new Float64Array(samples.count);
    const histograms = samples.histograms === undefined ? undefined : new Array(samples.count).fill(undefined);
    let n = 0;
    let weight = 0;
    for (let s = 0; s < samples.count; s++) {
      if (isStale(samples, s)) continue;
      times[n] = samples.times[s];
      values[n] = samples.values[s];
      const histogram = samples.histograms?.[s];
      if (histograms !== undefined) histograms[n] = histogram;
      weight += histogram === undefined ? 1 : histogramWeight(histogram);
      n++;
    }
    if (n === 0) continue;
    limits.allocate(16 * n);
    limits.add(weight);
    ev.statistics.addAtStep(0, weight);
    const labels = source.labels(i);
    if (!source.anchored && !source.smoothed) {
      const native = histograms?.slice(0, n);
      result.push({
        labels,
        times: times.slice(0, n),
        values: values.slice(0, n),
        present: undefined,
        histograms: native,
      });
      continue;
    }
    const modifier = source.anchored ? "anchored" : "smoothed";
    if (histograms !== undefined) {
      throw new QueryError("execution", `${modifier} modifier is not supported with histograms`);
    }
    const end = source.reference.first;
    const bounded = boundedSamples(times, values, n, end - source.rangeMs, end, source.smoothed);
    if (bounded.times.length === 0) continue;
    result.push({
      labels,
      times: Float64Array.from(bounded.times),
      values: Float64Array.from(bounded.values),
      present: undefined,
      histograms: undefined,
    });
  }
  return result;
}

function subquerySeries(ev: Evaluation, node: SubqueryNode): MatrixSeries[] {
  const child = ev.child(ev.subqueryGrid(node));
  const rows = child.rows(node.expr).map((row) => ({
    ...row,
    labels: row.dropName ? row.labels.without(METADATA_LABELS) : row.labels,
  }));
  ev.statistics.addAtStep(ev.steps - 1, child.statistics.total, child.statistics.read);
  return mergeDuplicates(rows).map((row) => {
    const times = new Float64Array(row.points);
    const values = new Float64Array(row.points);
    const histograms = row.histograms === undefined ? undefined : new Array(row.points).fill(undefined);
    let n = 0;
    for (let k = 0; k < row.present.length; k++) {
      if (row.present[k] === 0) continue;
      times[n] = child.timeOf(k);
      values[n] = row.values[k];
      if (histograms !== undefined) histograms[n] = row.histograms?.[k];
      n++;
    }
    return { labels: row.labels, times, values, present: undefined, histograms };
  });
}
