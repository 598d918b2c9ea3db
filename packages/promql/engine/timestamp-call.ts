// timestamp() and start_timestamp(): of a plain selector they tell the times of its samples.
import type { Evaluation } from "./evaluation.ts";
import type { CallNode, PlanNode, SelectorNode } from "./plan.ts";
import { METADATA_LABELS, mergeDuplicates, type Row, type RowSink } from "./row.ts";
import { eachSelectedSeries } from "./selector.ts";

/** Streams the rows of `timestamp` or `start_timestamp`. */
export function streamTimestamp(ev: Evaluation, node: CallNode, keep: boolean, sink: RowSink): void {
  const arg = node.args[0] as PlanNode;
  const inner = arg.kind === "invariant" ? arg.expr : arg;
  if (inner.kind === "selector") {
    selectorTimes(ev, inner, node.name === "start_timestamp", sink);
    return;
  }
  // Start times are known of samples only.
  if (node.name === "start_timestamp") return;
  ev.map(arg, keep, sink, true, (row) => {
    for (let k = 0; k < ev.steps; k++) row.values[k] = ev.timeOf(k) / 1000;
    row.histograms = undefined;
  });
}

function selectorTimes(ev: Evaluation, node: SelectorNode, starts: boolean, sink: RowSink): void {
  const { limits, delayedNameRemoval, useStartTimestamps } = ev.session;
  if (starts && !useStartTimestamps) return;
  const before = limits.samples;
  const rows: Row[] = [];
  let out = 0;
  let elements = 0;
  eachSelectedSeries(ev, node, (labels, samples, chosen, found) => {
    const row = ev.newRow();
    const times = starts ? samples.startTimes : samples.times;
    for (let k = 0; k < chosen.length; k++) {
      if (chosen[k] < 0) continue;
      row.values[k] = times === undefined ? 0 : times[chosen[k]] / 1000;
      row.present[k] = 1;
    }
    row.points = found;
    ev.countRow(row, found);
    row.dropName = delayedNameRemoval;
    row.labels = delayedNameRemoval ? labels() : labels().without(METADATA_LABELS);
    out += found;
    elements += row.present[ev.steps - 1];
    limits.require(out);
    rows.push(row);
  });
  limits.calledPerStep(before, out, elements);
  for (const row of mergeDuplicates(rows)) sink(row);
}
