// sort and its relatives: they order instant results; results of range queries are ordered by labels anyway.
import { Labels } from "@narthex/model";
import { goSort } from "../functions/go-sort.ts";
import { compareNatural } from "../functions/natural-order.ts";
import type { Evaluation } from "./evaluation.ts";
import type { CallNode, PlanNode } from "./plan.ts";
import { type Row, type RowSink, rowsWeight } from "./row.ts";

/** Streams the rows of a sorting function, in its order when there is one step. */
export function streamSort(ev: Evaluation, node: CallNode, sink: RowSink): void {
  const { name, args } = node;
  if (ev.steps > 1) ev.session.annotations.sortInRangeQuery(node.pos);
  const byLabel = name.startsWith("sort_by_label");
  const { limits } = ev.session;
  const before = limits.samples;
  const rows: Row[] = [];
  let elements = 0;
  ev.stream(args[0] as PlanNode, true, (row) => {
    elements += row.present[ev.steps - 1];
    if (!byLabel && row.histograms !== undefined) {
      for (let k = 0; k < ev.steps; k++) {
        if (row.present[k] === 0 || row.histograms[k] === undefined) continue;
        row.present[k] = 0;
        row.points--;
      }
      row.histograms = undefined;
    }
    if (row.points > 0) rows.push(row);
  });
  limits.calledPerStep(before, rowsWeight(rows), elements);
  if (ev.steps === 1) {
    const descending = name.endsWith("_desc");
    if (byLabel) {
      const labels = args.slice(1).map((arg) => (arg.kind === "string" ? arg.value : ""));
      const sign = descending ? -1 : 1;
      goSort(rows, (a, b) => sign * compareByLabels(a.labels, b.labels, labels) < 0);
    } else {
      goSort(rows, (a, b) => valueLess(a.values[0], b.values[0], descending));
    }
  }
  for (const row of rows) sink(row);
}

/** By value, NaN last in both directions; of two NaN, each is before the other, as in the reference. */
function valueLess(a: number, b: number, descending: boolean): boolean {
  return Number.isNaN(b) || (descending ? a > b : a < b);
}

/** By the given labels in natural order, then by all labels. */
function compareByLabels(a: Labels, b: Labels, names: readonly string[]): number {
  for (const name of names) {
    const left = a.get(name);
    const right = b.get(name);
    if (left !== right) return compareNatural(left, right) ? -1 : 1;
  }
  return Labels.compare(a, b);
}
