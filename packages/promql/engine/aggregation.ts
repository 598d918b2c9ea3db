// Aggregations that fold rows into the row of their group as they stream by: sum, avg, min, max, count, group, stddev
// and stdvar. The others see all rows of a group at once (ranked-aggregation.ts).
import type { Labels } from "@narthex/model";
import type { AggregateOp } from "../parser/ast.ts";
import type { Evaluation } from "./evaluation.ts";
import { HistogramGroup } from "./histogram-aggregation.ts";
import type { AggregateNode } from "./plan.ts";
import { streamRankedAggregate } from "./ranked-aggregation.ts";
import { putHistogram, type Row, type RowSink, rowWeight } from "./row.ts";
import { groupKeyOf, groupLabelsOf } from "./signature.ts";

/** Streams the rows of an aggregation, in the order in which its groups first came up. */
export function streamAggregate(ev: Evaluation, node: AggregateNode, keep: boolean, sink: RowSink): void {
  const fold = folds[node.op];
  if (fold === undefined) {
    streamRankedAggregate(ev, node, keep, sink);
    return;
  }
  const { limits } = ev.session;
  const before = limits.samples;
  const groupKey = groupKeyOf(node.without, node.grouping);
  const groupLabels = groupLabelsOf(node.without, node.grouping);
  const groups = new Map<string, Group>();
  ev.stream(node.expr, false, (row) => {
    const key = groupKey(row.labels);
    let group = groups.get(key);
    if (group === undefined) {
      limits.allocate(ev.steps * 34);
      group = new Group(groupLabels(row.labels), ev.steps);
      groups.set(key, group);
    }
    if (row.dropName) group.dropName = true;
    fold.add(group, row, ev, node);
    limits.worked(ev.steps);
  });
  let out = 0;
  const rows: Row[] = [];
  for (const group of groups.values()) {
    const row: Row = {
      labels: group.labels,
      dropName: group.dropName,
      values: group.values,
      present: group.seen,
      histograms: undefined,
      points: 0,
    };
    fold.finish(group);
    for (let k = 0; k < ev.steps; k++) row.points += row.present[k];
    group.histograms?.finish(group.seen, ev, node, (step, histogram) => {
      if (histogram !== undefined) {
        putHistogram(row, step, histogram);
      } else if (row.present[step] !== 0) {
        row.present[step] = 0;
        row.points--;
      }
    });
    if (row.points === 0) continue;
    out += rowWeight(row);
    rows.push(row);
  }
  limits.samples = before + out;
  limits.require(0);
  for (const row of rows) sink(row);
}

/** What is known of one group at each step. */
class Group {
  readonly labels: Labels;
  readonly seen: Uint8Array;
  readonly values: Float64Array;
  /** Compensation of a sum, or mean of a variance. */
  readonly second: Float64Array;
  /** How many elements, where that is needed. */
  readonly counts: Float64Array;
  dropName = false;
  /** Every step has a float. */
  full = false;
  /** Steps at which an average has become incremental, made at need. */
  incremental: Uint8Array | undefined;
  means: Float64Array | undefined;
  histograms: HistogramGroup | undefined;

  constructor(labels: Labels, steps: number) {
    this.labels = labels;
    this.seen = new Uint8Array(steps);
    this.values = new Float64Array(steps);
    this.second = new Float64Array(steps);
    this.counts = new Float64Array(steps);
  }
}

interface Fold {
  add(group: Group, row: Row, ev: Evaluation, node: AggregateNode): void;
  finish(group: Group): void;
}

/** Hands the histograms of a row to the group's histogram side, so that only floats are left in the row. */
function takeHistograms(group: Group, row: Row, ev: Evaluation, node: AggregateNode): void {
  const { histograms, present } = row;
  if (histograms === undefined) return;
  group.histograms ??= new HistogramGroup(ev.steps);
  for (let k = 0; k < present.length; k++) {
    const histogram = present[k] === 0 ? undefined : histograms[k];
    if (histogram === undefined) continue;
    group.histograms.add(k, histogram, group.seen[k] !== 0, row.labels, ev, node);
    present[k] = 0;
  }
}

/** Takes the histograms out of a row, with an info. */
function ignoreHistograms(row: Row, ev: Evaluation, node: AggregateNode): void {
  const { histograms, present } = row;
  if (histograms === undefined) return;
  for (let k = 0; k < present.length; k++) {
    if (present[k] === 0 || histograms[k] === undefined) continue;
    present[k] = 0;
    ev.session.annotations.histogramIgnored(node.op, node.expr.pos);
  }
}

/** Adds a row that has a float at every step to sums that do. */
function addFull(sums: Float64Array, compensations: Float64Array, values: Float64Array): void {
  for (let k = 0; k < values.length; k++) {
    const value = values[k];
    const total = sums[k];
    const t = total + value;
    if (Math.abs(t) === Infinity) compensations[k] = 0;
    else if (Math.abs(total) >= Math.abs(value)) compensations[k] += total - t + value;
    else compensations[k] += value - t + total;
    sums[k] = t;
  }
}

const sum: Fold = {
  add(group, row, ev, node) {
    takeHistograms(group, row, ev, node);
    const { values, second, seen } = group;
    const source = row.values;
    const { present } = row;
    const full = row.points === source.length && row.histograms === undefined;
    if (full && group.full) {
      addFull(values, second, source);
      return;
    }
    if (full) group.full = true;
    for (let k = 0; k < source.length; k++) {
      if (present[k] === 0) continue;
      const value = source[k];
      if (seen[k] === 0) {
        seen[k] = 1;
        values[k] = value;
        continue;
      }
      const total = values[k];
      const t = total + value;
      if (t === Infinity || t === -Infinity) second[k] = 0;
      else if (Math.abs(total) >= Math.abs(value)) second[k] += total - t + value;
      else second[k] += value - t + total;
      values[k] = t;
    }
  },
  finish({ values, second, seen }) {
    for (let k = 0; k < values.length; k++) if (seen[k] !== 0) values[k] += second[k];
  },
};

const avg: Fold = {
  add(group, row, ev, node) {
    takeHistograms(group, row, ev, node);
    const { values, second, seen, counts } = group;
    const source = row.values;
    const { present } = row;
    for (let k = 0; k < source.length; k++) {
      if (present[k] === 0) continue;
      const value = source[k];
      counts[k]++;
      if (seen[k] === 0) {
        seen[k] = 1;
        values[k] = value;
        continue;
      }
      if (group.incremental === undefined || group.incremental[k] === 0) {
        const total = values[k];
        const t = total + value;
        if (t !== Infinity && t !== -Infinity) {
          if (Math.abs(total) >= Math.abs(value)) second[k] += total - t + value;
          else second[k] += value - t + total;
          values[k] = t;
          continue;
        }
        group.incremental ??= new Uint8Array(source.length);
        group.means ??= new Float64Array(source.length);
        group.incremental[k] = 1;
        group.means[k] = total / (counts[k] - 1);
        second[k] /= counts[k] - 1;
      }
      const means = group.means as Float64Array;
      const count = counts[k];
      const share = (count - 1) / count;
      const part = value / count;
      const mean = share * means[k];
      let c = share * second[k];
      const t = mean + part;
      if (t === Infinity || t === -Infinity) c = 0;
      else if (Math.abs(mean) >= Math.abs(part)) c += mean - t + part;
      else c += part - t + mean;
      means[k] = t;
      second[k] = c;
    }
  },
  finish({ values, second, seen, counts, incremental, means }) {
    for (let k = 0; k < values.length; k++) {
      if (seen[k] === 0) continue;
      if (incremental !== undefined && means !== undefined && incremental[k] !== 0) values[k] = means[k] + second[k];
      else values[k] = values[k] / counts[k] + second[k] / counts[k];
    }
  },
};

function extreme(maximum: boolean): Fold {
  return {
    add(group, row, ev, node) {
      ignoreHistograms(row, ev, node);
      const { values, seen } = group;
      const source = row.values;
      const { present } = row;
      for (let k = 0; k < source.length; k++) {
        if (present[k] === 0) continue;
        const value = source[k];
        const best = values[k];
        if (seen[k] === 0 || Number.isNaN(best) || (maximum ? best < value : best > value)) {
          seen[k] = 1;
          values[k] = value;
        }
      }
    },
    finish() {},
  };
}

const count: Fold = {
  add({ values, seen }, { present }) {
    for (let k = 0; k < present.length; k++) {
      if (present[k] === 0) continue;
      seen[k] = 1;
      values[k]++;
    }
  },
  finish() {},
};

const group: Fold = {
  add({ values, seen }, { present }) {
    for (let k = 0; k < present.length; k++) {
      if (present[k] === 0) continue;
      seen[k] = 1;
      values[k] = 1;
    }
  },
  finish() {},
};

function variance(root: boolean): Fold {
  return {
    add(group, row, ev, node) {
      ignoreHistograms(row, ev, node);
      const { values, second: means, seen, counts } = group;
      const source = row.values;
      const { present } = row;
      for (let k = 0; k < source.length; k++) {
        if (present[k] === 0) continue;
        const value = source[k];
        counts[k]++;
        if (seen[k] === 0) {
          seen[k] = 1;
          means[k] = value;
          values[k] = Number.isFinite(value) ? 0 : NaN;
          continue;
        }
        const delta = value - means[k];
        means[k] += delta / counts[k];
        values[k] += delta * (value - means[k]);
      }
    },
    finish({ values, seen, counts }) {
      for (let k = 0; k < values.length; k++) {
        if (seen[k] === 0) continue;
        const spread = values[k] / counts[k];
        values[k] = root ? Math.sqrt(spread) : spread;
      }
    },
  };
}

const folds: Partial<Record<AggregateOp, Fold>> = {
  sum,
  avg,
  min: extreme(false),
  max: extreme(true),
  count,
  group,
  stddev: variance(true),
  stdvar: variance(false),
};
