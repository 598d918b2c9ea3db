// Calls: hands each function to the file that evaluates its kind.
import { Labels } from "@narthex/model";
import { absentLabels } from "./absent.ts";
import type { Evaluation } from "./evaluation.ts";
import { streamHistogramCall } from "./histogram-call.ts";
import { streamInfo } from "./info-call.ts";
import { streamLabelJoin, streamLabelReplace } from "./label-call.ts";
import type { CallNode, PlanNode } from "./plan.ts";
import { streamRangeCall } from "./range-call.ts";
import { QueryError } from "./result.ts";
import type { RowSink } from "./row.ts";
import { streamSort } from "./sort-call.ts";
import { streamTimestamp } from "./timestamp-call.ts";
import { calendarFunction, floatFunction, streamFloatCall } from "./vector-call.ts";

/** Streams the rows of a call. */
export function streamCall(ev: Evaluation, node: CallNode, keep: boolean, sink: RowSink): void {
  const { name, args } = node;
  if (args.some(({ kind }) => kind === "range" || kind === "subquery")) {
    if (name === "info") {
      streamInfo(ev, node, sink);
      return;
    }
    streamRangeCall(ev, node, keep, sink);
    return;
  }
  switch (name) {
    case "time":
      emitScalar(ev, sink, (k) => ev.timeOf(k) / 1000);
      return;
    case "pi":
      emitScalar(ev, sink, () => Math.PI);
      return;
    case "max_of":
    case "min_of": {
      const a = ev.scalar(args[0] as PlanNode);
      const b = ev.scalar(args[1] as PlanNode);
      const choose = name === "max_of" ? Math.max : Math.min;
      emitScalar(ev, sink, (k) => choose(a[k], b[k]));
      return;
    }
    case "vector":
      emitScalar(ev, sink, scalarReader(ev, args[0] as PlanNode));
      return;
    case "scalar":
      streamScalar(ev, args[0] as PlanNode, sink);
      return;
    case "absent":
      streamAbsent(ev, args[0] as PlanNode, sink);
      return;
    case "timestamp":
    case "start_timestamp":
      streamTimestamp(ev, node, keep, sink);
      return;
    case "label_replace":
      streamLabelReplace(ev, node, sink);
      return;
    case "label_join":
      streamLabelJoin(ev, node, sink);
      return;
    case "info":
      streamInfo(ev, node, sink);
      return;
    case "sort":
    case "sort_desc":
    case "sort_by_label":
    case "sort_by_label_desc":
      streamSort(ev, node, sink);
      return;
    case "histogram_quantile":
    case "histogram_quantiles":
    case "histogram_fraction":
    case "histogram_avg":
    case "histogram_count":
    case "histogram_sum":
    case "histogram_stddev":
    case "histogram_stdvar":
      streamHistogramCall(ev, node, keep, sink);
      return;
  }
  const calendar = calendarFunction(name);
  if (calendar !== undefined && args.length === 0) {
    emitScalar(ev, sink, (k) => calendar(Math.trunc(ev.timeOf(k) / 1000)));
    return;
  }
  const { limits } = ev.session;
  const before = limits.samples;
  const apply = calendar === undefined ? floatFunction(ev, node) : (value: number) => calendar(Math.trunc(value));
  if (apply === undefined) throw new QueryError("internal", `function ${name} has no evaluation`);
  const held = limits.samples - before;
  streamFloatCall(ev, node, apply, keep, sink);
  limits.samples -= held;
  return;
}

function scalarReader(ev: Evaluation, node: PlanNode): (step: number) => number {
  const values = ev.scalar(node);
  return (k) => values[k];
}

function emitScalar(ev: Evaluation, sink: RowSink, value: (step: number) => number): void {
  const row = ev.newRow();
  for (let k = 0; k < ev.steps; k++) row.values[k] = value(k);
  row.present.fill(1);
  row.points = ev.steps;
  row.labels = Labels.empty;
  ev.session.limits.add(row.points);
  sink(row);
}

/** `scalar(v)`: the only float of each step, NaN where there is none or more than one. */
function streamScalar(ev: Evaluation, arg: PlanNode, sink: RowSink): void {
  const { limits } = ev.session;
  const before = limits.samples;
  const result = ev.newRow();
  const { values } = result;
  const found = new Int32Array(ev.steps);
  values.fill(NaN);
  ev.stream(arg, false, (row) => {
    for (let k = 0; k < found.length; k++) {
      if (row.present[k] === 0 || row.histograms?.[k] !== undefined) continue;
      found[k]++;
      values[k] = found[k] === 1 ? row.values[k] : NaN;
    }
  });
  result.present.fill(1);
  result.points = ev.steps;
  limits.require(ev.steps);
  limits.samples = before + ev.steps;
  sink(result);
}

/** `absent(v)`: 1 where no row has a point. */
function streamAbsent(ev: Evaluation, arg: PlanNode, sink: RowSink): void {
  const { limits } = ev.session;
  const before = limits.samples;
  const result = ev.newRow();
  result.values.fill(1);
  result.present.fill(1);
  ev.stream(arg, false, ({ present }) => {
    for (let k = 0; k < present.length; k++) if (present[k] !== 0) result.present[k] = 0;
  });
  result.labels = absentLabels(arg);
  for (let k = 0; k < ev.steps; k++) result.points += result.present[k];
  limits.samples = before + result.points;
  limits.require(0);
  if (result.points > 0) sink(result);
}
