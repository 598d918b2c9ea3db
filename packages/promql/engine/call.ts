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
import { calendarFunction, type FloatFunction, floatFunction, streamFloatCall } from "./vector-call.ts";

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
      emitScalar(ev, sink, [], (k) => ev.timeOf(k) / 1000);
      return;
    case "pi":
      emitScalar(ev, sink, [], () => Math.PI);
      return;
    case "max_of":
    case "min_of": {
      const choose = name === "max_of" ? Math.max : Math.min;
      emitScalar(ev, sink, args, (k, [a, b]) => choose(a[k], b[k]));
      return;
    }
    case "vector":
      emitScalar(ev, sink, args, (k, [value]) => value[k]);
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
    emitScalar(ev, sink, [], (k) => calendar(Math.trunc(ev.timeOf(k) / 1000)));
    return;
  }
  let apply: FloatFunction | undefined;
  const scalars = ev.session.limits.ahead(() => {
    apply = calendar === undefined ? floatFunction(ev, node) : (value) => calendar(Math.trunc(value));
  });
  if (apply === undefined) throw new QueryError("internal", `function ${name} has no evaluation`);
  streamFloatCall(ev, node, apply, scalars, keep, sink);
}

/** Streams the one row of a function of scalars. */
function emitScalar(
  ev: Evaluation,
  sink: RowSink,
  args: readonly PlanNode[],
  value: (step: number, args: readonly Float64Array[]) => number,
): void {
  const { limits } = ev.session;
  const before = limits.samples;
  const scalars = args.map((arg) => ev.scalar(arg));
  const row = ev.newRow();
  for (let k = 0; k < ev.steps; k++) row.values[k] = value(k, scalars);
  row.present.fill(1);
  row.points = ev.steps;
  row.labels = Labels.empty;
  limits.calledPerStep(before, row.points, args.length);
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
  let elements = 0;
  ev.stream(arg, false, (row) => {
    elements += row.present[ev.steps - 1];
    for (let k = 0; k < found.length; k++) {
      if (row.present[k] === 0 || row.histograms?.[k] !== undefined) continue;
      found[k]++;
      values[k] = found[k] === 1 ? row.values[k] : NaN;
    }
  });
  result.present.fill(1);
  result.points = ev.steps;
  limits.calledPerStep(before, ev.steps, elements);
  sink(result);
}

/** `absent(v)`: 1 where no row has a point. */
function streamAbsent(ev: Evaluation, arg: PlanNode, sink: RowSink): void {
  const { limits } = ev.session;
  const before = limits.samples;
  const result = ev.newRow();
  result.values.fill(1);
  result.present.fill(1);
  let elements = 0;
  ev.stream(arg, false, ({ present }) => {
    elements += present[ev.steps - 1];
    for (let k = 0; k < present.length; k++) if (present[k] !== 0) result.present[k] = 0;
  });
  result.labels = absentLabels(arg);
  for (let k = 0; k < ev.steps; k++) result.points += result.present[k];
  limits.calledPerStep(before, result.points, elements);
  if (result.points > 0) sink(result);
}
